/* The decoder: one linear pass, one table of rules per CPython version.
 *
 * Everything a version does differently is in its cp3NN.def; what a rule does is
 * in translate() below, the same for all.  Input is PyCode_GetCode(): no
 * specialised or instrumented opcodes, caches zeroed.
 */
#include "cpyext_compat/bytecode/cpy_decode.h"

#include "cpyext_compat/cpy_code.h"

#include "opcode.h"

/* What a row's rule does with the opcode's argument, and what its x means. */
typedef enum {
    R_BAD,              /* no row: never in compiled code */
    R_SKIP,             /* nothing to do at run time */
    R_CALLS_NEXT,       /* the same, before a CALL with the same argument */
    R_PLAIN,            /* op arg */
    R_FIXED,            /* op x: the opcode's own argument says nothing */
    R_MASK,             /* op (arg & x) */
    R_FORWARD,          /* op, target ahead of the next instruction; arg2 = x */
    R_FORWARD_PAST,     /* the same, but past the one-word instruction found there */
    R_BACKWARD,         /* op, target behind the next instruction */
    R_NULL_BEFORE,      /* arg's low bit: PUSH_NULL, then op (arg >> 1) */
    R_NULL_AFTER,       /* op (arg >> 1), then by the low bit PUSH_NULL */
    R_PAIR,             /* op (arg >> 4), then x (arg & 15) */
    R_THEN,             /* op arg, then x */
    R_METHOD,           /* op or by the low bit the op after it (arg >> 1) */
    R_SUPER,            /* likewise (arg >> 2); arg2 = bit 1 */
    R_BINOP,            /* BINARY_OP, INPLACE_OP from 13, subscript at 26 */
    R_COMPARE,          /* op (arg >> x); arg2 = bit 4 when the kind is above it */
    R_CALLEE,           /* op arg, arg2 = arg + x: where the callee lies */
    R_INTRINSIC_1,      /* by CPython's number, intrinsic_1 below */
    R_INTRINSIC_2,
} Rule;

/* What an operation's argument is (second column of cpy_ops.def). */
typedef enum {
    K_NONE,
    K_KIND,
    K_DEPTH,
    K_CONST,
    K_INT,
    K_COMMON,
    K_LOCAL,
    K_NAME,
    K_COUNT,
    K_WHICH,
    K_BINOP,
    K_CMPOP,
    K_FLAG,
    K_FLAGS,
    K_ARG,
    K_JUMP,
    K_WHY,
    K_INTRINSIC,
    K_COUNT_
} ArgKind;

enum {
#define CPY_OP(name, kind, effect) KIND_##name = K_##kind,
#include "cpyext_compat/bytecode/cpy_ops.def"
#undef CPY_OP
};

static const uint8_t op_kind[CPY_OP_COUNT] = {
#define CPY_OP(name, kind, effect) K_##kind,
#include "cpyext_compat/bytecode/cpy_ops.def"
#undef CPY_OP
};

static const char *const op_names[CPY_OP_COUNT] = {
#define CPY_OP(name, kind, effect) #name,
#include "cpyext_compat/bytecode/cpy_ops.def"
#undef CPY_OP
};

_Static_assert(CPY_OP_COUNT <= 255, "Row.op is a byte");

typedef struct {
    uint8_t rule, caches, op, x, kind, unused[3];       /* a power of 2 to find them by */
} Row;

#define CP(opcode, caches, rule, neutral, x) \
    [opcode] = {R_##rule, caches, CPY_##neutral, x, KIND_##neutral, {0}},
static const Row rows[256] = {
#if CPY_MINOR == 311
#  include "cpyext_compat/bytecode/cp311.def"
#elif CPY_MINOR == 312
#  include "cpyext_compat/bytecode/cp312.def"
#elif CPY_MINOR == 313
#  include "cpyext_compat/bytecode/cp313.def"
#else
#  include "cpyext_compat/bytecode/cp314.def"
#endif
};
#undef CP

/* CALL_INTRINSIC_1 (3.12+): numbers that were opcodes of their own in 3.11.
   The others are typing's and stay INTRINSIC_1. */
static const struct {
    uint8_t op, arg;
} intrinsic_1[] = {
    [1] = {CPY_PRINT_EXPR, 1},
    [2] = {CPY_IMPORT_STAR, 1},
    [3] = {CPY_STOPITERATION_ERROR, 0},
    [4] = {CPY_ASYNC_GEN_WRAP, 0},
    [5] = {CPY_UNARY_POSITIVE, 0},
    [6] = {CPY_LIST_TO_TUPLE, 0},
};
#define INTRINSIC_1_TYPING 7
#define INTRINSIC_1_LAST 11     /* TYPEALIAS */
#define INTRINSIC_2_PREP_RERAISE_STAR 1
#define INTRINSIC_2_LAST 5      /* SET_TYPEPARAM_DEFAULT */

#define BINOPS 13               /* NB_ADD .. NB_XOR, then the in-place ones */
_Static_assert(NB_INPLACE_ADD == BINOPS && NB_INPLACE_XOR == 2 * BINOPS - 1,
               "BINARY_OP arguments are numbered otherwise");
#define BINOP_SUBSCR (2 * BINOPS)       /* 3.14 */

typedef struct {
    PyCodeObject *co;
    const uint8_t *code;
    uint32_t n_words;
    CpyInsn *insns;
    uint32_t limit[K_COUNT_];   /* argument must be below */
    CpyInsn *out;               /* next free */
    uint32_t jumps;             /* number of the last jump so far, counted from 1; its `arg` says the
                                   one before, until check_jumps() */
    /* the instruction at hand */
    uint32_t start, word, next;
} Pass;

static int                                              /* -1 */
ill_formed(const Pass *p, const char *what)
{
    int opcode = p->word < p->n_words ? p->code[2 * p->word] : -1;
    PyErr_Format(PyExc_ValueError, "bytecode of %R: %s (opcode %d at word %u)",
                 p->co->co_qualname, what, opcode, p->word);
    return -1;
}

static inline void
emit(Pass *p, unsigned op, uint32_t arg, unsigned arg2, uint32_t target)
{
    *p->out++ = (CpyInsn){
        (uint16_t)op,
        (uint16_t)arg2,
        arg,
        p->word,
        p->start,
        p->next,
        target,
    };
}

static inline int
emit_checked(Pass *p, unsigned op, uint32_t arg, unsigned arg2)
{
    if (arg >= p->limit[op_kind[op]])
        return ill_formed(p, "argument out of range");
    emit(p, op, arg, arg2, 0);
    return 0;
}

static int
translate_intrinsic(Pass *p, Rule rule, uint32_t arg)
{
    if (rule == R_INTRINSIC_2) {
        if (arg == 0 || arg > INTRINSIC_2_LAST)
            return ill_formed(p, "unknown intrinsic");
        int star = arg == INTRINSIC_2_PREP_RERAISE_STAR;
        emit(p, star ? CPY_PREP_RERAISE_STAR : CPY_INTRINSIC_2, star ? 0 : arg, 0, 0);
        return 0;
    }
    if (arg == 0 || arg > INTRINSIC_1_LAST)
        return ill_formed(p, "unknown intrinsic");
    if (arg >= INTRINSIC_1_TYPING)
        emit(p, CPY_INTRINSIC_1, arg, 0, 0);
    else
        emit(p, intrinsic_1[arg].op, intrinsic_1[arg].arg, 0, 0);
    return 0;
}

static int
translate_binop(Pass *p, uint32_t arg)
{
    if (arg < BINOPS)
        emit(p, CPY_BINARY_OP, arg, 0, 0);
    else if (arg < 2 * BINOPS)
        emit(p, CPY_INPLACE_OP, arg - BINOPS, 0, 0);
    else if (arg == BINOP_SUBSCR && CPY_MINOR >= 314)
        emit(p, CPY_BINARY_SUBSCR, 0, 0, 0);
    else
        return ill_formed(p, "unknown operator");
    return 0;
}

/* A jump's target is only known to be inside the code here; check_jumps() does the
   rest. */
static inline int
translate_jump(Pass *p, Row row, int64_t target)
{
    if (target < 0 || target >= p->n_words)
        return ill_formed(p, "jump out of the code");
    emit(p, row.op, p->jumps, row.rule == R_BACKWARD ? 0 : row.x, (uint32_t)target);
    p->jumps = (uint32_t)(p->out - p->insns);
    return 0;
}

/* Behind the EXTENDED_ARGs at word w; or 0: there is nothing. */
static uint32_t
skip_extended(const Pass *p, uint32_t w, uint32_t *arg)
{
    for (; p->code[2 * w] == EXTENDED_ARG; *arg = *arg << 8 | p->code[2 * w + 1]) {
        if (++w >= p->n_words)
            return 0;
    }
    return w;
}

/* Of 3.11's PRECALL, which looks at the stack by its own argument. */
static int
check_calls_next(const Pass *p, uint32_t arg)
{
    uint32_t w = p->next < p->n_words ? p->next : 0, next_arg = p->code[2 * w + 1];
    if (w != 0)
        w = skip_extended(p, w, &next_arg);
    return w != 0 && p->code[2 * w] == CALL && next_arg == arg ? 0 : ill_formed(p, "no CALL of the same");
}

static inline int
translate(Pass *p, Row row, uint32_t arg)
{
    switch ((Rule)row.rule) {
    case R_PLAIN:
        if (arg >= p->limit[row.kind])
            return ill_formed(p, "argument out of range");
        emit(p, row.op, arg, 0, 0);
        return 0;
    case R_FIXED:
        emit(p, row.op, row.x, 0, 0);
        return 0;
    case R_MASK:
        emit(p, row.op, arg & row.x, 0, 0);
        return 0;
    case R_SKIP:
        return 0;
    case R_CALLS_NEXT:
        return check_calls_next(p, arg);
    case R_FORWARD:
        return translate_jump(p, row, (int64_t)p->next + arg);
    case R_FORWARD_PAST:
        return translate_jump(p, row, (int64_t)p->next + arg + 1);
    case R_BACKWARD:
        return translate_jump(p, row, (int64_t)p->next - arg);
    case R_NULL_BEFORE:
        if (arg & 1)
            emit(p, CPY_PUSH_NULL, 0, 0, 0);
        return emit_checked(p, row.op, arg >> 1, 0);
    case R_NULL_AFTER:
        if (emit_checked(p, row.op, arg >> 1, 0) < 0)
            return -1;
        if (arg & 1)
            emit(p, CPY_PUSH_NULL, 0, 0, 0);
        return 0;
    case R_PAIR:
        if (emit_checked(p, row.op, arg >> 4, 0) < 0)
            return -1;
        return emit_checked(p, row.x, arg & 15, 0);
    case R_THEN:
        if (emit_checked(p, row.op, arg, 0) < 0)
            return -1;
        emit(p, row.x, 0, 0, 0);
        return 0;
    case R_METHOD:
        return emit_checked(p, row.op + (arg & 1), arg >> 1, 0);
    case R_SUPER:
        return emit_checked(p, row.op + (arg & 1), arg >> 2, (arg >> 1) & 1);
    case R_BINOP:
        return translate_binop(p, arg);
    case R_COMPARE:
        return emit_checked(p, row.op, arg >> row.x, row.x > 4 ? (arg >> 4) & 1 : 0);
    case R_CALLEE:
        return emit_checked(p, row.op, arg, arg + row.x);
    case R_INTRINSIC_1:
    case R_INTRINSIC_2:
        return translate_intrinsic(p, row.rule, arg);
    case R_BAD:
        break;
    }
    return ill_formed(p, "unknown opcode");
}

_Static_assert(CPY_LOAD_METHOD == CPY_LOAD_ATTR + 1, "R_METHOD picks the neighbour");
_Static_assert(CPY_LOAD_SUPER_METHOD == CPY_LOAD_SUPER_ATTR + 1,
               "R_SUPER picks the neighbour");

static int
decode_words(Pass *p, CpyStream *s)
{
    const uint8_t *code = p->code;
    CpyInsn *insns = p->insns = s->insns;
    uint32_t n_words = p->n_words, n = 0, next;
    for (uint32_t start = 0; start < n_words; start = next) {
        uint32_t w = start, arg = code[2 * w + 1];
        if (code[2 * w] == EXTENDED_ARG && (w = skip_extended(p, start, &arg)) == 0) {
            p->word = n_words;
            return ill_formed(p, "EXTENDED_ARG at the end");
        }
        const Row *row = &rows[code[2 * w]];
        next = w + 1 + row->caches;
        s->at[start] = n;
        if (row->rule == R_PLAIN && arg < p->limit[row->kind] && next <= n_words) {    /* most are */
            insns[n++] = (CpyInsn){row->op, 0, arg, w, start, next, 0};
            continue;
        }
        p->start = start;
        p->word = w;
        p->next = next;
        p->out = insns + n;
        if (next > n_words)
            return ill_formed(p, "inline caches cut off");
        if (translate(p, *row, arg) < 0)
            return -1;
        n = (uint32_t)(p->out - insns);
    }
    s->n = n;
    return 0;
}

/* An index in `at` may be one too far: a skipped last instruction. */
static inline int
starts_insn(const CpyStream *s, uint32_t word)
{
    return word < s->n_words && s->at[word] < s->n;
}

static int
check_jumps(Pass *p, const CpyStream *s)
{
    uint32_t before, wrong = 0;
    for (uint32_t i = p->jumps; i != 0; i = before) {
        CpyInsn *in = &s->insns[i - 1];
        before = in->arg;
        in->arg = 0;
        if (!starts_insn(s, in->target))
            wrong = i;                  /* the first one is said */
    }
    if (wrong != 0) {
        p->word = s->insns[wrong - 1].word;
        return ill_formed(p, "jump into the middle of an instruction");
    }
    int last = s->n > 0 ? s->insns[s->n - 1].op : CPY_NOP;
    if (last == CPY_RETURN_VALUE || last == CPY_JUMP || last == CPY_JUMP_NO_INTERRUPT
        || last == CPY_RAISE || last == CPY_RERAISE)
        return 0;
    return ill_formed(p, "code runs off its end");
}

/* One number of the exception table: 6 bits a byte, most significant first, bit 6 =
   more. */
static const uint8_t *                          /* behind it, or NULL: cut off */
read_varint(const uint8_t *b, const uint8_t *end, uint32_t *value)
{
    uint32_t v = 0;
    while (b < end) {
        v = v << 6 | (*b & 63);
        if (!(*b++ & 64)) {
            *value = v;
            return b;
        }
    }
    return NULL;
}

static int
decode_handlers(Pass *p, CpyStream *s, const uint8_t *b, const uint8_t *end)
{
    uint32_t covered = 0;
    while (b < end) {
        uint32_t v[4] = {0};            /* start, length, target, depth * 2 + lasti */
        for (int i = 0; i < 4 && b != NULL; i++)
            b = read_varint(b, end, &v[i]);
        p->word = v[0];
        if (b == NULL || v[0] < covered || v[1] == 0 || v[1] > s->n_words
            || v[0] > s->n_words - v[1] || (int)(v[3] >> 1) > p->co->co_stacksize
            || !starts_insn(s, v[2]))
            return ill_formed(p, "bad exception table");
        covered = v[0] + v[1];
        s->handlers[s->n_handlers++] =
            (CpyHandler){v[0], covered, v[2], (uint16_t)(v[3] >> 1), v[3] & 1};
    }
    return 0;
}

/* One block for the three arrays, sized for the worst case: two operations a word,
   four bytes a handler. */
static int
allocate(CpyStream *s, uint32_t n_words, Py_ssize_t table_size)
{
    size_t insns = 2 * (size_t)n_words * sizeof(CpyInsn);
    size_t handlers = (size_t)table_size / 4 * sizeof(CpyHandler);
    size_t at = (size_t)n_words * sizeof(uint32_t), size = insns + handlers + at + 1;
    if (s->room < size) {
        cpy_stream_free(s);
        s->insns = PyMem_Malloc(size);
        if (s->insns == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        s->room = size;
    }
    s->handlers = (CpyHandler *)((char *)s->insns + insns);
    s->at = (uint32_t *)((char *)s->insns + insns + handlers);
    s->n = s->n_handlers = 0;
    s->n_words = n_words;
    memset(s->at, 0xff, at);
    return 0;
}

static void
set_limits(Pass *p)
{
    for (int k = 0; k < K_COUNT_; k++)
        p->limit[k] = UINT32_MAX;
    p->limit[K_CONST] = (uint32_t)PyTuple_GET_SIZE(p->co->co_consts);
    p->limit[K_NAME] = (uint32_t)PyTuple_GET_SIZE(p->co->co_names);
    p->limit[K_LOCAL] = (uint32_t)p->co->co_nlocalsplus;
    p->limit[K_DEPTH] = (uint32_t)p->co->co_stacksize + 1;
    p->limit[K_CMPOP] = Py_GE + 1;
    p->limit[K_COMMON] = 5;
}

/* PyCode_GetCode() leaves its answer with the code object, where nobody but us asks
   for it again. */
static int
has_copy(PyCodeObject *co)
{
#if PY_VERSION_HEX >= 0x030C0000
    return co->_co_cached != NULL;
#else
    return co->_co_code != NULL;
#endif
}

static void
drop_copy(PyCodeObject *co)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (co->_co_cached == NULL)
        return;
    Py_CLEAR(co->_co_cached->_co_code);                 /* there is nothing else in it */
    PyMem_Free(co->_co_cached);
    co->_co_cached = NULL;
#else
    Py_CLEAR(co->_co_code);
#endif
}

/* 3.11 leaves code alone until it has run a few times. */
static int
is_untouched(PyCodeObject *co)
{
#if PY_VERSION_HEX >= 0x030C0000
    return 0;
#else
    return co->co_warmup < 0;
#endif
}

int
cpy_code_plain(PyCodeObject *co, CpyPlain *plain)
{
    *plain = (CpyPlain){(const uint8_t *)_PyCode_CODE(co), (uint32_t)Py_SIZE(co), NULL};
    if (is_untouched(co))
        return 0;
    int had_copy = has_copy(co);
    plain->copy = PyCode_GetCode(co);
    if (!had_copy)
        drop_copy(co);
    if (plain->copy == NULL)
        return -1;
    plain->code = (const uint8_t *)PyBytes_AS_STRING(plain->copy);
    return 0;
}

int
cpy_decode_again(PyCodeObject *co, CpyStream *s)
{
    CpyPlain plain;
    PyObject *table = co->co_exceptiontable;
    int err = -1;

    if (cpy_code_plain(co, &plain) < 0)
        goto done;
    Pass p = {.co = co, .code = plain.code, .n_words = plain.n_words};
    if (allocate(s, p.n_words, PyBytes_GET_SIZE(table)) < 0)
        goto done;
    set_limits(&p);
    const uint8_t *b = (const uint8_t *)PyBytes_AS_STRING(table);
    if (decode_words(&p, s) < 0 || check_jumps(&p, s) < 0
        || decode_handlers(&p, s, b, b + PyBytes_GET_SIZE(table)) < 0)
        goto done;
    err = 0;
done:
    Py_XDECREF(plain.copy);
    return err;
}

int
cpy_decode(PyCodeObject *co, CpyStream *out)
{
    *out = (CpyStream){0};
    if (cpy_decode_again(co, out) == 0)
        return 0;
    cpy_stream_free(out);
    return -1;
}

void
cpy_stream_free(CpyStream *s)
{
    PyMem_Free(s->insns);
    *s = (CpyStream){0};
}

const char *
cpy_op_name(int op)
{
    return op >= 0 && op < CPY_OP_COUNT ? op_names[op] : "?";
}

const CpyHandler *
cpy_find_handler(const CpyStream *s, uint32_t word)
{
    uint32_t lo = 0, hi = s->n_handlers;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (s->handlers[mid].end <= word)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_handlers && s->handlers[lo].start <= word ? &s->handlers[lo]
                                                               : NULL;
}
