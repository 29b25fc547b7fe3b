/* Lowering: CPython's stack code (as neutral operations) to register instructions.
 *
 * One linear pass.  CPython's stack is followed symbolically: a slot is a temporary in
 * its home register, or still only a local, a constant or NULL (LOAD_FAST and LOAD_CONST
 * cost nothing until the value must be somewhere).  What keeps this right:
 *
 *  - at every label and every start of a protected range all slots are in their homes;
 *  - before a local is stored or deleted, slots that stand for it are copied home;
 *  - a temporary has one definition and one use, so its register never holds garbage
 *    that anybody would release: instructions consume their temporary operands;
 *  - every instruction that can raise or call out has a map of CPython's stack.
 *
 * Code that is reached only by a later backward jump (cold handlers placed at the end)
 * is lowered when that jump has been seen.
 */
#include "ir/vm_code.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_frame.h"
#include "cpyext_compat/cpy_intrinsics.h"
#include "cpyext_compat/cpy_long.h"

#define BOUND_WORDS 4           /* locals followed for "certainly bound": 64 each */
#define NOT_YET 0xFFFFFFFFu
#define FUSE_LIMIT 6000u        /* operations; above it 16-bit jumps might not reach */

typedef enum { SLOT_TEMP,
               SLOT_LOCAL,
               SLOT_CONST,
               SLOT_NULL } SlotKind;

typedef struct {
    uint8_t kind;
    uint16_t index;             /* local or constant */
} Slot;

typedef struct {
    uint32_t insn;              /* operation in the stream */
    uint32_t pc;                /* our instruction, or NOT_YET */
    int32_t depth;              /* stack depth, -1 unknown */
    uint64_t bound[BOUND_WORDS];
    uint8_t is_loop;            /* target of a backward jump */
} Label;

typedef enum { FIX_16,
               FIX_32,
               FIX_EXT0,
               FIX_EXT1 } FixKind;

typedef struct {
    uint32_t pc;                /* instruction that jumps */
    uint32_t label;
    FixKind kind;
} Fix;

typedef struct {
    void *data;
    uint32_t n, room;
    uint32_t size;
} Buffer;

typedef struct {
    VmCode *code;
    PyCodeObject *co;
    CpyStream stream;
    PyObject *const *consts_in;

    Buffer insns, where, maps, caches, fixes, labels;
    uint32_t *label_of;         /* word -> label + 1 */
    uint8_t *lowered;           /* operation -> 1 when done */
    int failed;                 /* out of memory */

    Slot *slots;
    int depth, pre_depth;
    uint32_t group;             /* first word of the CPython instruction at hand */
    uint32_t resume_at;         /* operation where CPython could go on, with pre_depth slots, */
    int changed;                /* unless something has been done since */
    int pushing;                /* the operation before did nothing but push a slot */
    int first, first_depth;     /* this one begins its instruction, with that many slots */
    uint64_t bound[BOUND_WORDS];
    uint64_t deletable[BOUND_WORDS];
    uint32_t at;                /* operation being lowered */
    uint32_t word;
    int32_t producer;           /* instruction whose result is the top slot, or -1 */
    int async_yield;            /* the value of the next YIELD is an async generator's */
    uint32_t kwnames;           /* constant + 1 of a pending KW_NAMES */
    uint16_t small_int[256];    /* constant of a LOAD_SMALL_INT, or 0 */
    uint32_t last_map;
    int reachable;
    const char *refused;
    uint32_t next_handler;      /* handlers whose range starts are still ahead */
} Lower;

/* -- growing buffers ----------------------------------------------------------- */

static void *
buffer_add(Lower *L, Buffer *b, uint32_t count)
{
    if (b->n + count > b->room) {
        uint32_t room = b->room * 2 + count + 16;
        void *data = PyMem_Realloc(b->data, (size_t)room * b->size);
        if (data == NULL) {
            L->failed = 1;
            return NULL;
        }
        b->data = data;
        b->room = room;
    }
    void *p = (char *)b->data + (size_t)b->n * b->size;
    b->n += count;
    return p;
}

#define AT(buffer, type, i) (((type *)(buffer).data)[i])

static VmInsn *
insn_at(Lower *L, uint32_t pc)
{
    return &AT(L->insns, VmInsn, pc);
}

/* -- locals known to be bound ---------------------------------------------------- */

static int
bit_get(const uint64_t *bits, unsigned i)
{
    return i < 64 * BOUND_WORDS && (bits[i / 64] >> (i % 64) & 1);
}

static void
bit_set(uint64_t *bits, unsigned i)
{
    if (i < 64 * BOUND_WORDS)
        bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static void
bit_clear(uint64_t *bits, unsigned i)
{
    if (i < 64 * BOUND_WORDS)
        bits[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/* -- emitting --------------------------------------------------------------------- */

static unsigned
home(Lower *L, int slot)
{
    return L->code->nlocals + (unsigned)slot;
}

static uint16_t
slot_place(Lower *L, int i)
{
    Slot s = L->slots[i];
    switch (s.kind) {
    case SLOT_TEMP:
        return (uint16_t)home(L, i);
    case SLOT_LOCAL:
        return s.index;
    case SLOT_CONST:
        return (uint16_t)(VM_OPERAND_CONST | s.index);
    default:
        return VM_NO_REG;
    }
}

/* Index of the map for the present state; equal neighbours share one. */
static uint32_t
current_map(Lower *L)
{
    int deep = L->pre_depth > L->depth ? L->pre_depth : L->depth;
    if (deep == 0)
        return 0;
    uint16_t *m = buffer_add(L, &L->maps, (uint32_t)deep + 2);
    if (m == NULL)
        return 0;
    uint32_t index = L->maps.n - (uint32_t)deep - 2;
    m[0] = (uint16_t)L->pre_depth;
    m[1] = (uint16_t)L->depth;
    for (int i = 0; i < deep; i++)
        m[2 + i] = slot_place(L, i);
    if (L->last_map != 0) {
        const uint16_t *last = &AT(L->maps, uint16_t, L->last_map);
        if (last[0] == m[0] && memcmp(last, m, (size_t)(deep + 2) * 2) == 0) {
            L->maps.n = index;
            return L->last_map;
        }
    }
    L->last_map = index;
    return index;
}

/* Is a slot brought home that CPython, going on at resume_at, would push again? */
static int
leaves_resume(Lower *L, unsigned a)
{
    unsigned base = L->code->nlocals;
    return a >= base + (unsigned)L->pre_depth && a < base + (unsigned)L->first_depth;
}

static uint32_t
emit(Lower *L, int op, unsigned a, unsigned b, unsigned c)
{
    uint32_t pc = L->insns.n;
    VmInsn *insn = buffer_add(L, &L->insns, 1);
    VmWhere *where = buffer_add(L, &L->where, 1);
    if (insn == NULL || where == NULL)
        return 0;
    /* a slot brought home changes nothing */
    int only_home = op == VM_MOV || op == VM_K || op == VM_CLR;
    int leaves = only_home && leaves_resume(L, a);
    int mapped = leaves || vm_op_flags(op) & (VM_RAISES | VM_BOUNDARY);
    *insn = (VmInsn){(uint16_t)op, (uint16_t)a, (uint16_t)b, (uint16_t)c};
    where->word = L->word;
    where->resume = mapped && !L->changed ? cpy_resume_word(&L->stream, L->resume_at) : VM_NO_RESUME;
    where->map = mapped ? current_map(L) : 0;
    if (leaves) {
        L->resume_at = L->at;
        L->pre_depth = L->first_depth;
        L->changed |= !L->first;
    }
    if (!only_home)
        L->changed = 1;
    L->producer = -1;
    return pc;
}

/* Extension words: counted like instructions so that `where` stays parallel. */
static uint16_t *
emit_words(Lower *L, unsigned n)
{
    uint32_t pc = L->insns.n;
    if (buffer_add(L, &L->insns, n) == NULL || buffer_add(L, &L->where, n) == NULL)
        return NULL;
    memset(insn_at(L, pc), 0, n * sizeof(VmInsn));
    for (unsigned i = 0; i < n; i++)
        AT(L->where, VmWhere, pc + i) = AT(L->where, VmWhere, pc - 1);
    return (uint16_t *)insn_at(L, pc);
}

static void
fix_later(Lower *L, uint32_t pc, uint32_t label, FixKind kind)
{
    Fix *f = buffer_add(L, &L->fixes, 1);
    if (f != NULL)
        *f = (Fix){pc, label, kind};
}

static unsigned
new_cache(Lower *L, VmCacheKind kind, uint32_t name)
{
    VmCache *c = buffer_add(L, &L->caches, 1);
    if (c == NULL)
        return 0;
    vm_cache_init(c, L->co, kind, name);
    if (L->caches.n > 0xFFFF)
        L->refused = "too many call and name sites";
    return L->caches.n - 1;
}

/* -- slots ------------------------------------------------------------------------- */

#define SLOTS_SPARE 8           /* what operations push before the depth is checked */

/* A stack deeper than the code says: many are pushed at once by an unpacking. */
static int
is_full(Lower *L)
{
    if (L->depth < L->code->nregs - L->code->nlocals + SLOTS_SPARE - 2)
        return 0;
    if (L->refused == NULL)
        L->refused = "stack overflow";
    return 1;
}

static void
push_temp(Lower *L)
{
    if (!is_full(L))
        L->slots[L->depth++] = (Slot){SLOT_TEMP, 0};
}

static void
push_slot(Lower *L, SlotKind kind, unsigned index)
{
    if (!is_full(L))
        L->slots[L->depth++] = (Slot){(uint8_t)kind, (uint16_t)index};
}

static void
push_implied(Lower *L, unsigned which)
{
    push_slot(L, SLOT_CONST, (unsigned)PyTuple_GET_SIZE(L->co->co_consts) + which);
}

/* The result of the instruction just emitted, in the home of the next slot. */
static void
push_result(Lower *L, uint32_t pc)
{
    push_temp(L);
    L->producer = (int32_t)pc;
}

/* Bring slot i into its home register. */
static void
slot_home(Lower *L, int i)
{
    Slot *s = &L->slots[i];
    switch (s->kind) {
    case SLOT_TEMP:
        return;
    case SLOT_LOCAL:
        emit(L, VM_MOV, home(L, i), s->index, 0);
        break;
    case SLOT_CONST:
        emit(L, VM_K, home(L, i), s->index, 0);
        break;
    default:
        emit(L, VM_CLR, home(L, i), 0, 0);
        break;
    }
    s->kind = SLOT_TEMP;
}

static void
slots_home(Lower *L, int from, int to)
{
    for (int i = from; i < to; i++)
        slot_home(L, i);
}

/* Before local x changes: slots that stand for it become copies. */
static void
keep_copies(Lower *L, unsigned x, int to)
{
    for (int i = 0; i < to; i++) {
        if (L->slots[i].kind == SLOT_LOCAL && L->slots[i].index == x)
            slot_home(L, i);
    }
}

/* Register of slot i, for an instruction that reads it. */
static unsigned
operand(Lower *L, int i)
{
    if (L->slots[i].kind == SLOT_LOCAL)
        return L->slots[i].index;
    slot_home(L, i);
    return home(L, i);
}

static unsigned
pop_operand(Lower *L)
{
    unsigned r = operand(L, L->depth - 1);
    L->depth--;
    return r;
}

/* A constant that is a number, of which co_consts has the one object. */
static int
is_number_object(Lower *L, const Slot *s)
{
    return s->kind == SLOT_CONST && L->code->consts[s->index] >= VM_DOUBLE_OFFSET
           && s->index < PyTuple_GET_SIZE(L->co->co_consts);
}

/* The same where that object is asked for: by `is`, and by callers. */
static unsigned
operand_object(Lower *L, int i)
{
    Slot *s = &L->slots[i];
    if (is_number_object(L, s)) {
        emit(L, VM_KO, home(L, i), s->index, 0);
        s->kind = SLOT_TEMP;
    }
    return operand(L, i);
}

/* The top n slots in their homes and popped; the first one's register. */
static unsigned
pop_window(Lower *L, int n)
{
    slots_home(L, L->depth - n, L->depth);
    L->depth -= n;
    return home(L, L->depth);
}

/* -- operand lists ------------------------------------------------------------------- */

static void
emit_list(Lower *L, int first, unsigned n)
{
    uint16_t *w = emit_words(L, vm_list_words(n));
    if (w == NULL)
        return;
    w[0] = (uint16_t)n;
    for (unsigned i = 0; i < n; i++)
        w[i + 1] = slot_place(L, first + (int)i);
}

/* NULL can't stand in an operand list. */
static void
nulls_home(Lower *L, int from, int to)
{
    for (int i = from; i < to; i++) {
        if (L->slots[i].kind == SLOT_NULL)
            slot_home(L, i);
    }
}

static void
lower_build_list(Lower *L, int op, unsigned n)
{
    int first = L->depth - (int)n;
    nulls_home(L, first, L->depth);
    L->depth = first;
    uint32_t pc = emit(L, op, home(L, first), 0, 0);
    emit_list(L, first, n);
    push_result(L, pc);
}

static void
lower_build_window(Lower *L, int op, int n, unsigned c)
{
    unsigned base = pop_window(L, n);
    push_result(L, emit(L, op, home(L, L->depth), base, c));
}

/* -- labels -------------------------------------------------------------------------- */

static Label *
label_at_word(Lower *L, uint32_t word)
{
    uint32_t i = L->label_of[word];
    return i == 0 ? NULL : &AT(L->labels, Label, i - 1);
}

static void
label_meet(Label *label, int depth, const uint64_t *bound)
{
    if (label->depth < 0) {
        label->depth = depth;
        memcpy(label->bound, bound, sizeof label->bound);
        return;
    }
    for (int i = 0; i < BOUND_WORDS; i++)
        label->bound[i] &= bound[i];
}

static void
add_label(Lower *L, uint32_t word, uint32_t insn)
{
    if (L->label_of[word] != 0)
        return;
    Label *label = buffer_add(L, &L->labels, 1);
    if (label == NULL)
        return;
    memset(label, 0, sizeof *label);
    label->insn = insn;
    label->pc = NOT_YET;
    label->depth = -1;
    L->label_of[word] = L->labels.n;
}

static int
is_jump(int op)
{
    switch (op) {
    case CPY_JUMP:
    case CPY_JUMP_NO_INTERRUPT:
    case CPY_POP_JUMP_IF_TRUE:
    case CPY_POP_JUMP_IF_FALSE:
    case CPY_POP_JUMP_IF_NONE:
    case CPY_POP_JUMP_IF_NOT_NONE:
    case CPY_JUMP_IF_TRUE_OR_POP:
    case CPY_JUMP_IF_FALSE_OR_POP:
    case CPY_FOR_ITER:
    case CPY_SEND:
        return 1;
    default:
        return 0;
    }
}

/* Labels for all jump targets and handlers; which operation starts at a word. */
static int
find_labels(Lower *L)
{
    CpyStream *s = &L->stream;
    uint32_t *insn_of = PyMem_Calloc(s->n_words + 1, sizeof(uint32_t));
    if (insn_of == NULL)
        return -1;
    for (uint32_t i = s->n; i-- > 0;)
        insn_of[s->insns[i].start] = i + 1;
    for (uint32_t w = s->n_words; w-- > 0;) {   /* to a word that means nothing: the next */
        if (insn_of[w] == 0)
            insn_of[w] = insn_of[w + 1];
    }
    for (uint32_t i = 0; i < s->n && !L->refused; i++) {
        if (!is_jump(s->insns[i].op))
            continue;
        uint32_t target = s->insns[i].target;
        if (target >= s->n_words || insn_of[target] == 0) {
            L->refused = "a jump to no instruction";
            break;
        }
        uint32_t insn = insn_of[target] - 1;
        s->insns[i].target = s->insns[insn].start;
        add_label(L, s->insns[i].target, insn);
    }
    for (uint32_t i = 0; i < s->n_handlers && !L->refused; i++) {
        uint32_t target = s->handlers[i].target;
        if (target >= s->n_words || insn_of[target] == 0)
            L->refused = "an exception handler at no instruction";
        else {
            add_label(L, target, insn_of[target] - 1);
            Label *label = label_at_word(L, target);
            if (label != NULL)
                label->depth = s->handlers[i].depth + s->handlers[i].lasti + 1;
        }
    }
    /* handlers start with everything bound; ranges take away */
    for (uint32_t i = 0; i < s->n_handlers && !L->refused && !L->failed; i++)
        memset(label_at_word(L, s->handlers[i].target)->bound, 0xFF,
               sizeof L->bound);
    PyMem_Free(insn_of);
    return L->failed ? -1 : 0;
}

static void
jump_to(Lower *L, uint32_t pc, uint32_t target, FixKind kind)
{
    uint32_t i = L->label_of[target] - 1;
    label_meet(&AT(L->labels, Label, i), L->depth, L->bound);
    fix_later(L, pc, i, kind);
}

/* Innermost protected range around a word (ranges are sorted and disjoint). */
static const CpyHandler *
handler_around(Lower *L, uint32_t word)
{
    const CpyStream *s = &L->stream;
    uint32_t lo = 0, hi = s->n_handlers;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (s->handlers[mid].end <= word)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_handlers && s->handlers[lo].start <= word ? s->handlers + lo : NULL;
}

/* What a handler may rely on: what is bound at the start of its range and at each label. */
static void
meet_handler(Lower *L, uint32_t word)
{
    const CpyHandler *h = handler_around(L, word);
    if (h == NULL)
        return;
    if (h->start == word && h->depth <= L->depth)
        slots_home(L, 0, h->depth);
    Label *label = label_at_word(L, h->target);
    if (label != NULL) {
        for (int i = 0; i < BOUND_WORDS; i++)
            label->bound[i] &= L->bound[i];
    }
}

/* -- operators ------------------------------------------------------------------------ */

static const uint16_t binary_ops[2][13] = {
    {VM_ADD, VM_AND, VM_FDIV, VM_LSH, VM_MATMUL, VM_MUL, VM_REM, VM_OR, VM_POW, VM_RSH,
     VM_SUB, VM_DIV, VM_XOR},
    {VM_IADD, VM_IAND, VM_IFDIV, VM_ILSH, VM_IMATMUL, VM_IMUL, VM_IREM, VM_IOR, VM_IPOW,
     VM_IRSH, VM_ISUB, VM_IDIV, VM_IXOR},
};
static const uint16_t binary_imm_ops[2][13] = {
    {VM_ADDI, VM_ANDI, VM_FDIVI, VM_LSHI, 0, VM_MULI, VM_REMI, 0, 0, VM_RSHI, VM_SUBI},
    {VM_IADDI, VM_IANDI, VM_IFDIVI, VM_ILSHI, 0, VM_IMULI, VM_IREMI, 0, 0, VM_IRSHI,
     VM_ISUBI},
};
/* in the order Py_LT, Py_LE, Py_EQ, Py_NE, Py_GT, Py_GE */
static const uint16_t compare_ops[6] = {VM_LT, VM_LE, VM_EQ, VM_NE, VM_GT, VM_GE};
static const uint16_t compare_jumps[6][2][2] = {
    /* [kind][jump if true][immediate] */
#define ROW(NAME) \
    { \
        {VM_JF_##NAME, VM_JF_##NAME##I}, { VM_JT_##NAME, VM_JT_##NAME##I } \
    }
    ROW(LT),
    ROW(LE),
    ROW(EQ),
    ROW(NE),
    ROW(GT),
    ROW(GE),
#undef ROW
};

/* Is slot i a constant int that fits the immediate field? */
static int
immediate(Lower *L, int i, int *value)
{
    if (L->slots[i].kind != SLOT_CONST)
        return 0;
    VmWord w = L->code->consts[L->slots[i].index];
    if (!vm_is_int(w) || vm_int(w) < INT16_MIN || vm_int(w) > INT16_MAX)
        return 0;
    *value = (int)vm_int(w);
    return 1;
}

static void
lower_binary(Lower *L, unsigned kind, int inplace)
{
    int imm;
    unsigned a, b, op = binary_imm_ops[inplace][kind];
    if (op != 0 && immediate(L, L->depth - 1, &imm)) {
        a = operand(L, L->depth - 2);
        b = (uint16_t)imm;
    }
    else {
        op = binary_ops[inplace][kind];
        a = operand(L, L->depth - 2);
        b = operand(L, L->depth - 1);
    }
    L->depth -= 2;
    push_result(L, emit(L, (int)op, home(L, L->depth), a, b));
}

/* The operation after this one, when nothing can jump between them. */
static const CpyInsn *
next_unlabelled(Lower *L)
{
    if (L->at + 1 >= L->stream.n)
        return NULL;
    const CpyInsn *next = &L->stream.insns[L->at + 1];
    return L->label_of[next->start] != 0 ? NULL : next;
}

static void
lower_compare(Lower *L, unsigned kind)
{
    const CpyInsn *next = next_unlabelled(L);
    int fuse = next != NULL && L->stream.n < FUSE_LIMIT
               && (next->op == CPY_POP_JUMP_IF_TRUE || next->op == CPY_POP_JUMP_IF_FALSE);
    int imm = 0, use_imm = fuse && immediate(L, L->depth - 1, &imm);
    unsigned a = operand(L, L->depth - 2);
    unsigned b = use_imm ? (uint16_t)imm : operand(L, L->depth - 1);
    L->depth -= 2;
    if (!fuse) {
        push_result(L, emit(L, compare_ops[kind], home(L, L->depth), a, b));
        return;
    }
    slots_home(L, 0, L->depth);
    int if_true = next->op == CPY_POP_JUMP_IF_TRUE;
    uint32_t pc = emit(L, compare_jumps[kind][if_true][use_imm], a, b, 0);
    jump_to(L, pc, next->target, FIX_16);
    L->lowered[++L->at] = 1;
}

static void
lower_pop_jump(Lower *L, int op, uint32_t target)
{
    unsigned a = operand(L, L->depth - 1);
    L->depth--;
    slots_home(L, 0, L->depth);
    jump_to(L, emit(L, op, a, 0, 0), target, FIX_32);
}

static void
lower_jump_or_pop(Lower *L, int op, uint32_t target)
{
    slots_home(L, 0, L->depth);
    uint32_t pc = emit(L, op, home(L, L->depth - 1), 0, 0);
    jump_to(L, pc, target, FIX_32);
    L->depth--;
}

/* -- locals ---------------------------------------------------------------------------- */

static void
lower_load_fast(Lower *L, unsigned i, int check)
{
    if (check && (CPY_HANDLERS_AT_END || !bit_get(L->bound, i))) {
        emit(L, VM_CHK, i, 0, 0);
        bit_set(L->bound, i);
    }
    push_slot(L, SLOT_LOCAL, i);
}

/* Let the instruction that made the top slot write local x itself. */
static int
retarget(Lower *L, unsigned x)
{
    if (L->producer < 0)
        return 0;
    VmInsn *insn = insn_at(L, (uint32_t)L->producer);
    int flags = vm_op_flags(insn->op);
    if (flags & VM_DST)
        insn->op++;
    else if (!(flags & VM_ANYDST))
        return 0;
    insn->a = (uint16_t)x;
    return 1;
}

static void
lower_store_fast(Lower *L, unsigned x)
{
    Slot *top = &L->slots[L->depth - 1];
    keep_copies(L, x, L->depth - 1);
    switch (top->kind) {
    case SLOT_TEMP:
        if (!retarget(L, x)) {
            L->depth--;
            emit(L, VM_MOVT, x, home(L, L->depth), 0);
            L->depth++;
        }
        break;
    case SLOT_LOCAL:
        emit(L, VM_MOV_L, x, top->index, 0);
        break;
    case SLOT_CONST:
        emit(L, VM_K_L, x, top->index, 0);
        break;
    default:
        slot_home(L, L->depth - 1);
        emit(L, VM_MOVT, x, home(L, L->depth - 1), 0);
        break;
    }
    L->depth--;
    bit_set(L->bound, x);
    L->producer = -1;
    L->changed = 1;             /* also when the producer does it: CPython would store again */
}

static void
lower_copy(Lower *L, int n)
{
    int from = L->depth - n;
    if (L->slots[from].kind != SLOT_TEMP) {
        L->slots[L->depth++] = L->slots[from];
        return;
    }
    emit(L, VM_DUP, home(L, L->depth), home(L, from), 0);
    push_temp(L);
}

static void
lower_swap(Lower *L, int n)
{
    int i = L->depth - n, j = L->depth - 1;
    Slot a = L->slots[i], b = L->slots[j];
    if (a.kind == SLOT_TEMP && b.kind == SLOT_TEMP)
        emit(L, VM_SWAP, home(L, i), home(L, j), 0);
    else if (a.kind == SLOT_TEMP)
        emit(L, VM_MOVE, home(L, j), home(L, i), 0);
    else if (b.kind == SLOT_TEMP)
        emit(L, VM_MOVE, home(L, i), home(L, j), 0);
    L->slots[i] = b;
    L->slots[j] = a;
    L->producer = -1;
}

static void
lower_pop(Lower *L)
{
    L->depth--;
    if (L->slots[L->depth].kind == SLOT_TEMP)
        emit(L, VM_DROP, home(L, L->depth), 0, 0);
}

/* -- calls ------------------------------------------------------------------------------- */

static void
lower_call(Lower *L, unsigned n, uint32_t kwnames)
{
    int args = L->depth - (int)n, pair = args - 2;
    int null_slot = CPY_CALL_NULL_FIRST ? pair : pair + 1;
    int callee_slot = CPY_CALL_NULL_FIRST ? pair + 1 : pair;
    nulls_home(L, args, L->depth);
    uint32_t pc;
    if (kwnames == 0 && L->slots[null_slot].kind == SLOT_NULL) {
        unsigned callee = operand(L, callee_slot);
        L->depth = pair;
        pc = emit(L, VM_CALL, home(L, pair), callee, new_cache(L, IC_CALL, 0));
    }
    else {
        slots_home(L, pair, args);
        L->depth = pair;
        pc = kwnames != 0
                 ? emit(L, VM_CALLKW, home(L, pair), home(L, pair),
                        new_cache(L, IC_KEYWORDS, kwnames - 1))
                 : emit(L, VM_CALLM, home(L, pair), home(L, pair), new_cache(L, IC_CALL, 0));
    }
    emit_list(L, args, n);
    push_result(L, pc);
}

static void
lower_method(Lower *L, uint32_t name)
{
    unsigned o = pop_operand(L);
    emit(L, VM_GETM, home(L, L->depth), o, new_cache(L, IC_ATTR, name));
    push_temp(L);
    push_temp(L);
    L->producer = -1;
}

static void
lower_super(Lower *L, const CpyInsn *in)
{
    unsigned window = pop_window(L, 3), c = new_cache(L, IC_ATTR, in->arg);
    if (c < L->caches.n)
        AT(L->caches, VmCache, c).two_args = (uint8_t)in->arg2;
    if (in->op == CPY_LOAD_SUPER_ATTR) {
        push_result(L, emit(L, VM_SUPA, home(L, L->depth), window, c));
        return;
    }
    emit(L, VM_SUPM, home(L, L->depth), window, c);
    push_temp(L);
    push_temp(L);
}

static int
make_function_slots(unsigned flags)
{
    return 1 + __builtin_popcount(flags & 15);
}

/* -- loops and jumps ----------------------------------------------------------------------- */

static void
lower_for(Lower *L, const CpyInsn *in)
{
    slots_home(L, 0, L->depth);
    uint32_t pc = emit(L, VM_FOR, home(L, L->depth), home(L, L->depth - 1), in->arg2);
    emit_words(L, 1);
    if (!in->arg2)
        L->depth--;
    jump_to(L, pc, in->target, FIX_EXT0);
    if (!in->arg2)
        L->depth++;
    ((int32_t *)insn_at(L, pc + 1))[1] = 2;
    push_result(L, pc);
}

/* A jump back to a FOR: do the iteration here and jump to the body. */
static int
repeat_for(Lower *L, const CpyInsn *target_insn, uint32_t head_pc)
{
    VmInsn head = *insn_at(L, head_pc);
    if (head.op != VM_FOR && head.op != VM_FOR_L)
        return 0;
    L->word = target_insn->word;
    uint32_t pc = emit(L, head.op, head.a, head.b, head.c);
    emit_words(L, 1);
    if (!head.c)
        L->depth--;
    jump_to(L, pc, target_insn->target, FIX_EXT0);
    if (!head.c)
        L->depth++;
    ((int32_t *)insn_at(L, pc + 1))[1] = (int32_t)(head_pc + 2 - pc);
    return 1;
}

static void
lower_jump(Lower *L, const CpyInsn *in)
{
    slots_home(L, 0, L->depth);
    Label *label = label_at_word(L, in->target);
    const CpyInsn *target_insn = &L->stream.insns[label->insn];
    int backward = in->target <= in->word;
    if (backward && in->op == CPY_JUMP && label->pc != NOT_YET
        && target_insn->op == CPY_FOR_ITER && repeat_for(L, target_insn, label->pc)) {
        L->reachable = 0;
        return;
    }
    int op = backward && in->op == CPY_JUMP ? VM_JB : VM_J;
    jump_to(L, emit(L, op, 0, 0, 0), in->target, FIX_32);
    L->reachable = 0;
}

/* A yield inside `yield from` or await: the RESUME behind it says so. */
static int
is_delegating(Lower *L)
{
    const CpyInsn *next = L->at + 1 < L->stream.n ? &L->stream.insns[L->at + 1] : NULL;
    return next != NULL && next->op == CPY_RESUME && (next->arg & 3) >= 2;
}

static void
lower_send(Lower *L, const CpyInsn *in)
{
    slots_home(L, 0, L->depth);
    L->depth--;             /* the value is used up, also by a raise */
    uint32_t pc = emit(L, VM_SEND, home(L, L->depth), home(L, L->depth - 1), in->arg2);
    L->depth++;
    emit_words(L, 1);
    if (!in->arg2)
        L->depth--;
    jump_to(L, pc, in->target, FIX_EXT0);
    if (!in->arg2)
        L->depth++;
    ((int32_t *)insn_at(L, pc + 1))[1] = 2;
}

/* UNPACK_SEQUENCE followed by as many STORE_FASTs writes the locals at once. */
static void
lower_unpack(Lower *L, unsigned n)
{
    unsigned from = pop_operand(L);
    unsigned stores = 0;
    while (stores < n && L->at + 1 + stores < L->stream.n) {
        const CpyInsn *s = &L->stream.insns[L->at + 1 + stores];
        if (s->op != CPY_STORE_FAST || L->label_of[s->start] != 0)
            break;
        stores++;
    }
    if (stores == n) {
        for (unsigned i = 0; i < n; i++)
            keep_copies(L, L->stream.insns[L->at + 1 + i].arg, L->depth);
    }
    emit(L, VM_UNP, 0, from, 0);
    uint16_t *w = emit_words(L, vm_list_words(n));
    if (w == NULL)
        return;
    w[0] = (uint16_t)n;
    for (unsigned i = 0; i < n; i++) {      /* the first item ends on top */
        unsigned x = L->stream.insns[L->at + 1 + i].arg;
        w[i + 1] = (uint16_t)(stores == n ? x : home(L, L->depth + (int)(n - 1 - i)));
        if (stores == n)
            bit_set(L->bound, x);
    }
    if (stores == n) {
        for (unsigned i = 0; i < n; i++)
            L->lowered[++L->at] = 1;
        return;
    }
    for (unsigned i = 0; i < n; i++)
        push_temp(L);
}

static void
lower_unpack_ex(Lower *L, unsigned arg)
{
    unsigned n = (arg & 0xFF) + (arg >> 8) + 1;
    unsigned from = pop_operand(L);
    emit(L, VM_UNPX, home(L, L->depth), from, arg);
    for (unsigned i = 0; i < n; i++)
        push_temp(L);
}

/* -- one operation --------------------------------------------------------------------------- */

/* a -- b  with a consumed */
static void
lower_unary(Lower *L, int op, unsigned c)
{
    unsigned a = pop_operand(L);
    push_result(L, emit(L, op, home(L, L->depth), a, c));
}

/* a -- a b  with a only looked at */
static void
lower_peek(Lower *L, int op, unsigned c)
{
    unsigned a = operand(L, L->depth - 1);
    push_result(L, emit(L, op, home(L, L->depth), a, c));
}

static void
lower_into(Lower *L, int op, int depth)     /* LIST_APPEND and the like */
{
    unsigned v = pop_operand(L);
    emit(L, op, operand(L, L->depth - depth), v, 0);
}

static void
lower_named(Lower *L, int op, uint32_t name)
{
    unsigned c = new_cache(L, IC_GLOBAL, name);
    push_result(L, emit(L, op, home(L, L->depth), 0, c));
}

static void
lower_store_named(Lower *L, int op, uint32_t name)
{
    unsigned v = pop_operand(L);
    emit(L, op, v, 0, new_cache(L, IC_GLOBAL, name));
}

static void
lower_end(Lower *L, int op, unsigned a, unsigned b)
{
    emit(L, op, a, b, 0);
    L->reachable = 0;
}

/* One of those that exist once, whoever makes them. */
static int
is_small_int(Lower *L, unsigned constant)
{
    VmWord w = L->code->consts[constant];
    return vm_is_int(w) && vm_int(w) >= VM_SMALL_MIN && vm_int(w) <= VM_SMALL_MAX;
}

static void
lower_return(Lower *L)
{
    Slot top = L->slots[L->depth - 1];
    if (top.kind == SLOT_CONST && (!is_number_object(L, &top) || is_small_int(L, top.index))) {
        L->depth--;
        lower_end(L, VM_RETK, top.index, 0);
        return;
    }
    unsigned v = operand_object(L, L->depth - 1);
    L->depth--;
    lower_end(L, VM_RET, v, 0);
}

static void
lower_reraise(Lower *L, int n)
{
    unsigned exc = pop_operand(L);
    unsigned lasti = n == 0 ? VM_NO_REG : operand(L, L->depth - n);
    lower_end(L, VM_RERAISE, exc, lasti);
}

static void
refuse(Lower *L, const char *why)
{
    if (L->refused == NULL)
        L->refused = why;
}

static void
need_cell(Lower *L, unsigned local)
{
    if (!(cpy_code_local_kind(L->co, (int)local) & (CPY_CELL | CPY_FREE)))
        refuse(L, "a variable that is no cell is used as one");
}

#define DEPTH_CHECK(n) \
    if (L->depth < (int)(n)) { \
        refuse(L, "stack underflow"); \
        return; \
    }

static int operation_pops(const CpyInsn *in);

static void
lower_operation(Lower *L, const CpyInsn *in)
{
    uint32_t arg = in->arg;
    unsigned a, b, c;
    switch (in->op) {
    case CPY_RESUME:
        if ((arg & 3) == 1)     /* behind a yield; calls poll by themselves */
            emit(L, VM_RESUME, 0, 0, 0);
        /* fall through */
    case CPY_NOP:
        L->producer = -1;
        break;
    case CPY_POP: lower_pop(L); break;
    case CPY_COPY: lower_copy(L, (int)arg); break;
    case CPY_SWAP: lower_swap(L, (int)arg); break;
    case CPY_PUSH_NULL: push_slot(L, SLOT_NULL, 0); break;
    case CPY_LOAD_CONST: push_slot(L, SLOT_CONST, arg); break;
    case CPY_LOAD_SMALL_INT: push_slot(L, SLOT_CONST, L->small_int[arg & 255]); break;
    case CPY_LOAD_COMMON: push_implied(L, arg); break;
    case CPY_LOAD_FAST: lower_load_fast(L, arg, 0); break;
    case CPY_LOAD_FAST_CHECK: lower_load_fast(L, arg, 1); break;
    case CPY_LOAD_FAST_CLEAR:
        keep_copies(L, arg, L->depth);
        emit(L, VM_TAKE, home(L, L->depth), arg, 0);
        bit_clear(L->bound, arg);
        push_temp(L);
        break;
    case CPY_STORE_FAST: lower_store_fast(L, arg); break;
    case CPY_DELETE_FAST:
        keep_copies(L, arg, L->depth);
        emit(L, VM_UNBIND, arg, 0, 0);
        bit_clear(L->bound, arg);
        break;

    case CPY_LOAD_GLOBAL: lower_named(L, VM_LDG, arg); break;
    case CPY_STORE_GLOBAL: lower_store_named(L, VM_STG, arg); break;
    case CPY_DELETE_GLOBAL: emit(L, VM_DELG, 0, 0, new_cache(L, IC_GLOBAL, arg)); break;
    case CPY_LOAD_NAME: lower_named(L, VM_LDN, arg); break;
    case CPY_STORE_NAME: lower_store_named(L, VM_STN, arg); break;
    case CPY_DELETE_NAME: emit(L, VM_DELN, 0, 0, new_cache(L, IC_GLOBAL, arg)); break;
    case CPY_LOAD_LOCALS: push_result(L, emit(L, VM_LDLOC, home(L, L->depth), 0, 0)); break;
    case CPY_LOAD_FROM_DICT_OR_GLOBALS:
        lower_unary(L, VM_LDMG, new_cache(L, IC_GLOBAL, arg));
        break;
    case CPY_LOAD_FROM_DICT_OR_DEREF: lower_unary(L, VM_LDMC, arg); break;
    case CPY_LOAD_CLASSDEREF:
        need_cell(L, arg);
        push_result(L, emit(L, VM_LDCC, home(L, L->depth), arg, 0));
        break;
    case CPY_LOAD_DEREF:
        need_cell(L, arg);
        push_result(L, emit(L, VM_LDC, home(L, L->depth), arg, 0));
        break;
    case CPY_STORE_DEREF:
        need_cell(L, arg);
        a = pop_operand(L);
        emit(L, VM_STC, arg, a, 0);
        break;
    case CPY_DELETE_DEREF:
        need_cell(L, arg);
        emit(L, VM_DELC, arg, 0, 0);
        break;
    case CPY_LOAD_CLOSURE: push_slot(L, SLOT_LOCAL, arg); break;
    case CPY_MAKE_CELL: emit(L, VM_NEWCELL, arg, 0, 0); break;
    case CPY_COPY_FREE_VARS: emit(L, VM_FREEV, arg, 0, 0); break;
    case CPY_SETUP_ANNOTATIONS: emit(L, VM_SETANN, 0, 0, 0); break;
    case CPY_LOAD_BUILD_CLASS:
        push_result(L, emit(L, VM_BUILDCLS, home(L, L->depth), 0, 0));
        break;

    case CPY_LOAD_ATTR: lower_unary(L, VM_GETA, new_cache(L, IC_ATTR, arg)); break;
    case CPY_LOAD_METHOD: lower_method(L, arg); break;
    case CPY_LOAD_SUPER_ATTR:
    case CPY_LOAD_SUPER_METHOD: lower_super(L, in); break;
    case CPY_LOAD_SPECIAL:
        a = pop_operand(L);
        emit(L, VM_SPECIAL, home(L, L->depth), a, arg);
        push_temp(L);
        push_temp(L);
        break;
    case CPY_STORE_ATTR:
        a = operand(L, L->depth - 1);
        b = operand(L, L->depth - 2);
        L->depth -= 2;
        emit(L, VM_SETA, a, b, new_cache(L, IC_ATTR, arg));
        break;
    case CPY_DELETE_ATTR:
        a = pop_operand(L);
        emit(L, VM_DELA, a, 0, new_cache(L, IC_ATTR, arg));
        break;
    case CPY_BINARY_SUBSCR: {
        int imm;
        int has = immediate(L, L->depth - 1, &imm);
        a = operand(L, L->depth - 2);
        b = has ? (uint16_t)imm : operand(L, L->depth - 1);
        L->depth -= 2;
        push_result(L, emit(L, has ? VM_GETII : VM_GETI, home(L, L->depth), a, b));
        break;
    }
    case CPY_STORE_SUBSCR:
        c = operand(L, L->depth - 3);
        a = operand(L, L->depth - 2);
        b = operand(L, L->depth - 1);
        L->depth -= 3;
        emit(L, VM_SETI, a, b, c);
        break;
    case CPY_DELETE_SUBSCR:
        a = operand(L, L->depth - 2);
        b = operand(L, L->depth - 1);
        L->depth -= 2;
        emit(L, VM_DELI, a, b, 0);
        break;
    case CPY_BINARY_SLICE: lower_build_window(L, VM_GETSL, 3, 0); break;
    case CPY_STORE_SLICE:
        b = pop_window(L, 4);
        emit(L, VM_SETSL, 0, b, 0);
        break;

    case CPY_BINARY_OP: lower_binary(L, arg, 0); break;
    case CPY_INPLACE_OP: lower_binary(L, arg, 1); break;
    case CPY_UNARY_NEGATIVE: lower_unary(L, VM_NEG, 0); break;
    case CPY_UNARY_POSITIVE: lower_unary(L, VM_POS, 0); break;
    case CPY_UNARY_INVERT: lower_unary(L, VM_INV, 0); break;
    case CPY_UNARY_NOT: lower_unary(L, VM_NOT, 0); break;
    case CPY_TO_BOOL: lower_unary(L, VM_BOOL, 0); break;
    case CPY_COMPARE_OP: lower_compare(L, arg); break;
    case CPY_IS_OP:
        a = operand_object(L, L->depth - 2);
        b = operand_object(L, L->depth - 1);
        L->depth -= 2;
        push_result(L, emit(L, arg ? VM_ISN : VM_IS, home(L, L->depth), a, b));
        break;
    case CPY_CONTAINS_OP:
        a = operand(L, L->depth - 2);
        b = operand(L, L->depth - 1);
        L->depth -= 2;
        push_result(L, emit(L, arg ? VM_NIN : VM_IN, home(L, L->depth), a, b));
        break;
    case CPY_GET_LEN: lower_peek(L, VM_LEN, 0); break;

    case CPY_BUILD_TUPLE: lower_build_list(L, VM_TUP, arg); break;
    case CPY_BUILD_LIST: lower_build_list(L, VM_LST, arg); break;
    case CPY_BUILD_SET: lower_build_window(L, VM_SET, (int)arg, arg); break;
    case CPY_BUILD_MAP: lower_build_window(L, VM_MAP, 2 * (int)arg, arg); break;
    case CPY_BUILD_CONST_KEY_MAP: lower_build_window(L, VM_KMAP, (int)arg + 1, arg); break;
    case CPY_BUILD_STRING: lower_build_window(L, VM_STR, (int)arg, arg); break;
    case CPY_BUILD_SLICE: lower_build_window(L, VM_SLICE, (int)arg, arg); break;
    case CPY_LIST_APPEND: lower_into(L, VM_LAPP, (int)arg); break;
    case CPY_SET_ADD: lower_into(L, VM_SADD, (int)arg); break;
    case CPY_MAP_ADD:
        b = pop_window(L, 2);
        emit(L, VM_MADD, operand(L, L->depth - (int)arg), b, 0);
        break;
    case CPY_LIST_EXTEND: lower_into(L, VM_LEXT, (int)arg); break;
    case CPY_SET_UPDATE: lower_into(L, VM_SUPD, (int)arg); break;
    case CPY_DICT_UPDATE: lower_into(L, VM_DUPD, (int)arg); break;
    case CPY_DICT_MERGE: {
        int callee = L->depth - 1 - (int)arg - 2 + (CPY_CALL_NULL_FIRST ? 0 : -1);
        DEPTH_CHECK(arg + 3);
        b = pop_operand(L);
        c = callee >= 0 && L->slots[callee].kind != SLOT_NULL ? operand(L, callee)
                                                              : VM_NO_REG;
        emit(L, VM_DMRG, operand(L, L->depth - (int)arg), b, c);
        break;
    }
    case CPY_LIST_TO_TUPLE: lower_unary(L, VM_L2T, 0); break;
    case CPY_UNPACK_SEQUENCE: lower_unpack(L, arg); break;
    case CPY_UNPACK_EX: lower_unpack_ex(L, arg); break;
    case CPY_FORMAT_VALUE:
        if (arg & 4)
            lower_build_window(L, VM_FMTS, 2, arg & 3);
        else
            lower_unary(L, VM_FMT, arg & 3);
        break;
    case CPY_CONVERT_VALUE: lower_unary(L, VM_CONV, arg); break;
    case CPY_BUILD_TEMPLATE: lower_build_window(L, VM_TMPL, 2, 0); break;
    case CPY_BUILD_INTERPOLATION: lower_build_window(L, VM_INTERP, 2 + (int)(arg & 1), arg); break;

    case CPY_MAKE_FUNCTION:
        lower_build_window(L, VM_MKFN, make_function_slots(arg), arg);
        break;
    case CPY_SET_FUNCTION_ATTRIBUTE: lower_build_window(L, VM_FNATTR, 2, arg); break;
    case CPY_KW_NAMES:
        if (arg >= (uint32_t)PyTuple_GET_SIZE(L->co->co_consts))
            refuse(L, "keyword names are not a constant");
        else
            L->kwnames = arg + 1;
        break;
    case CPY_CALL:
        lower_call(L, arg, L->kwnames);
        L->kwnames = 0;
        break;
    case CPY_CALL_KW:
        L->depth--;
        if (L->slots[L->depth].kind != SLOT_CONST)
            refuse(L, "keyword names are not a constant");
        else
            lower_call(L, arg, L->slots[L->depth].index + 1u);
        break;
    case CPY_CALL_EX:
        lower_build_window(L, VM_CALLX, 3 + (int)(arg & 1), arg & 1);
        break;
    case CPY_RETURN_VALUE: lower_return(L); break;

    case CPY_JUMP:
    case CPY_JUMP_NO_INTERRUPT: lower_jump(L, in); break;
    case CPY_POP_JUMP_IF_TRUE: lower_pop_jump(L, VM_JT, in->target); break;
    case CPY_POP_JUMP_IF_FALSE: lower_pop_jump(L, VM_JF, in->target); break;
    case CPY_POP_JUMP_IF_NONE: lower_pop_jump(L, VM_JNONE, in->target); break;
    case CPY_POP_JUMP_IF_NOT_NONE: lower_pop_jump(L, VM_JNNONE, in->target); break;
    case CPY_JUMP_IF_TRUE_OR_POP: lower_jump_or_pop(L, VM_JTK, in->target); break;
    case CPY_JUMP_IF_FALSE_OR_POP: lower_jump_or_pop(L, VM_JFK, in->target); break;
    case CPY_GET_ITER: lower_unary(L, VM_ITER, 0); break;
    case CPY_FOR_ITER: lower_for(L, in); break;

    case CPY_RETURN_GENERATOR:
        emit(L, VM_GEN, home(L, L->depth), 0, 0);
        push_temp(L);
        break;
    case CPY_YIELD_VALUE:
        a = pop_operand(L);
        emit(L, VM_YIELD, home(L, L->depth), a,
             L->async_yield ? 2 : (unsigned)is_delegating(L));
        L->async_yield = 0;
        push_temp(L);
        break;
    case CPY_SEND: lower_send(L, in); break;
    case CPY_END_SEND:
        a = home(L, L->depth - 2);
        slots_home(L, L->depth - 2, L->depth);
        emit(L, VM_SWAP, a, a + 1, 0);
        L->depth--;
        emit(L, VM_DROP, a + 1, 0, 0);
        break;
    case CPY_CLEANUP_THROW:
        a = pop_window(L, 3);
        emit(L, VM_CTHROW, a, 0, 0);
        push_temp(L);
        push_temp(L);
        break;
    case CPY_GET_YIELD_FROM_ITER: lower_unary(L, VM_YFITER, 0); break;
    case CPY_GET_AWAITABLE: lower_unary(L, VM_AWAITBL, arg); break;
    case CPY_GET_AITER: lower_unary(L, VM_AITER, 0); break;
    case CPY_GET_ANEXT: lower_peek(L, VM_ANEXT, 0); break;
    case CPY_END_ASYNC_FOR:
        a = pop_window(L, 2);
        emit(L, VM_ENDAF, a, 0, 0);
        break;
    case CPY_ASYNC_GEN_WRAP:        /* the YIELD that follows says it is an async one */
        L->async_yield = 1;
        break;
    case CPY_STOPITERATION_ERROR: lower_unary(L, VM_STOPERR, 0); break;
    case CPY_BEFORE_WITH:
    case CPY_BEFORE_ASYNC_WITH:
        a = pop_operand(L);
        emit(L, in->op == CPY_BEFORE_WITH ? VM_WITH : VM_AWITH, home(L, L->depth), a, 0);
        push_temp(L);
        push_temp(L);
        break;

    case CPY_PUSH_EXC_INFO:
        a = pop_window(L, 1);
        emit(L, VM_PUSHEXC, a, 0, 0);
        push_temp(L);
        push_temp(L);
        break;
    case CPY_POP_EXCEPT:
        a = pop_operand(L);
        emit(L, VM_POPEXC, a, 0, 0);
        break;
    case CPY_CHECK_EXC_MATCH:
        b = operand(L, L->depth - 2);
        c = operand(L, L->depth - 1);
        L->depth--;
        push_result(L, emit(L, VM_XMATCH, home(L, L->depth), b, c));
        break;
    case CPY_CHECK_EG_MATCH:
        a = pop_window(L, 2);
        emit(L, VM_EGMATCH, a, 0, 0);
        push_temp(L);
        push_temp(L);
        break;
    case CPY_PREP_RERAISE_STAR: lower_build_window(L, VM_EGPREP, 2, 0); break;
    case CPY_RERAISE: lower_reraise(L, (int)arg); break;
    case CPY_RAISE:
        a = pop_window(L, (int)arg);
        lower_end(L, VM_RAISE, a, arg);
        break;
    case CPY_WITH_EXCEPT_START:
        slots_home(L, L->depth - (int)arg, L->depth);
        b = home(L, L->depth - (int)arg);
        c = home(L, L->depth - 1);
        emit(L, VM_WEXC, home(L, L->depth), b, c);
        push_temp(L);
        break;

    case CPY_MATCH_CLASS: lower_build_window(L, VM_MCLS, 3, arg); break;
    case CPY_MATCH_KEYS:
        b = operand(L, L->depth - 2);
        c = operand(L, L->depth - 1);
        emit(L, VM_MKEYS, home(L, L->depth), b, c);
        push_temp(L);
        break;
    case CPY_MATCH_MAPPING: lower_peek(L, VM_MMAP, 0); break;
    case CPY_MATCH_SEQUENCE: lower_peek(L, VM_MSEQ, 0); break;
    case CPY_IMPORT_NAME:
        lower_build_window(L, VM_IMP, 2, new_cache(L, IC_GLOBAL, arg));
        break;
    case CPY_IMPORT_FROM: lower_peek(L, VM_IMPF, new_cache(L, IC_ATTR, arg)); break;
    case CPY_IMPORT_STAR:
        a = pop_operand(L);
        emit(L, VM_IMPSTAR, a, 0, 0);
        if (arg)
            push_implied(L, VM_IMPLIED_NONE);
        break;
    case CPY_PRINT_EXPR:
        a = pop_operand(L);
        emit(L, VM_PRINT, a, 0, 0);
        if (arg)
            push_implied(L, VM_IMPLIED_NONE);
        break;
    case CPY_INTRINSIC_1: lower_unary(L, VM_INTR1, arg); break;
    case CPY_INTRINSIC_2: lower_build_window(L, VM_INTR2, 2, arg); break;
    default:
        refuse(L, cpy_op_name(in->op));
        break;
    }
}

/* Items an operation takes off or looks at below the top: a guard against code objects
   that were not made by the compiler. */
static int
operation_pops(const CpyInsn *in)
{
    switch (in->op) {
    case CPY_COPY:
    case CPY_SWAP:
        return (int)in->arg > 0 ? (int)in->arg : 1 << 20;
    case CPY_POP:
    case CPY_STORE_FAST:
    case CPY_STORE_GLOBAL:
    case CPY_STORE_NAME:
    case CPY_STORE_DEREF:
    case CPY_LOAD_ATTR:
    case CPY_LOAD_METHOD:
    case CPY_DELETE_ATTR:
    case CPY_UNARY_NEGATIVE:
    case CPY_UNARY_POSITIVE:
    case CPY_UNARY_INVERT:
    case CPY_UNARY_NOT:
    case CPY_TO_BOOL:
    case CPY_GET_LEN:
    case CPY_LIST_TO_TUPLE:
    case CPY_UNPACK_SEQUENCE:
    case CPY_UNPACK_EX:
    case CPY_CONVERT_VALUE:
    case CPY_RETURN_VALUE:
    case CPY_POP_JUMP_IF_TRUE:
    case CPY_POP_JUMP_IF_FALSE:
    case CPY_POP_JUMP_IF_NONE:
    case CPY_POP_JUMP_IF_NOT_NONE:
    case CPY_JUMP_IF_TRUE_OR_POP:
    case CPY_JUMP_IF_FALSE_OR_POP:
    case CPY_GET_ITER:
    case CPY_FOR_ITER:
    case CPY_YIELD_VALUE:
    case CPY_GET_YIELD_FROM_ITER:
    case CPY_GET_AWAITABLE:
    case CPY_GET_AITER:
    case CPY_GET_ANEXT:
    case CPY_ASYNC_GEN_WRAP:
    case CPY_STOPITERATION_ERROR:
    case CPY_BEFORE_WITH:
    case CPY_BEFORE_ASYNC_WITH:
    case CPY_PUSH_EXC_INFO:
    case CPY_POP_EXCEPT:
    case CPY_MATCH_MAPPING:
    case CPY_MATCH_SEQUENCE:
    case CPY_IMPORT_FROM:
    case CPY_IMPORT_STAR:
    case CPY_PRINT_EXPR:
    case CPY_LOAD_FROM_DICT_OR_GLOBALS:
    case CPY_LOAD_FROM_DICT_OR_DEREF:
    case CPY_CALL_KW:
    case CPY_INTRINSIC_1:
    case CPY_LOAD_SPECIAL:
        return 1 + (in->op == CPY_CALL_KW ? 2 + (int)in->arg : 0);
    case CPY_STORE_ATTR:
    case CPY_BINARY_SUBSCR:
    case CPY_DELETE_SUBSCR:
    case CPY_BINARY_OP:
    case CPY_INPLACE_OP:
    case CPY_COMPARE_OP:
    case CPY_IS_OP:
    case CPY_CONTAINS_OP:
    case CPY_SEND:
    case CPY_END_SEND:
    case CPY_END_ASYNC_FOR:
    case CPY_CHECK_EXC_MATCH:
    case CPY_CHECK_EG_MATCH:
    case CPY_PREP_RERAISE_STAR:
    case CPY_MATCH_KEYS:
    case CPY_IMPORT_NAME:
    case CPY_SET_FUNCTION_ATTRIBUTE:
    case CPY_BUILD_TEMPLATE:
    case CPY_INTRINSIC_2:
        return 2;
    case CPY_BUILD_INTERPOLATION: return 2 + (int)(in->arg & 1);
    case CPY_STORE_SUBSCR:
    case CPY_BINARY_SLICE:
    case CPY_CLEANUP_THROW:
    case CPY_MATCH_CLASS:
    case CPY_LOAD_SUPER_ATTR:
    case CPY_LOAD_SUPER_METHOD:
        return 3;
    case CPY_STORE_SLICE: return 4;
    case CPY_WITH_EXCEPT_START: return (int)in->arg;
    case CPY_BUILD_TUPLE:
    case CPY_BUILD_LIST:
    case CPY_BUILD_SET:
    case CPY_BUILD_STRING:
    case CPY_BUILD_SLICE:
    case CPY_RAISE:
        return (int)in->arg;
    case CPY_BUILD_MAP: return 2 * (int)in->arg;
    case CPY_BUILD_CONST_KEY_MAP: return (int)in->arg + 1;
    case CPY_LIST_APPEND:
    case CPY_SET_ADD:
    case CPY_LIST_EXTEND:
    case CPY_SET_UPDATE:
    case CPY_DICT_UPDATE:
    case CPY_DICT_MERGE:
    case CPY_RERAISE:
        return 1 + (int)in->arg;
    case CPY_MAP_ADD: return 2 + (int)in->arg;
    case CPY_FORMAT_VALUE: return in->arg & 4 ? 2 : 1;
    case CPY_MAKE_FUNCTION: return make_function_slots(in->arg);
    case CPY_CALL: return 2 + (int)in->arg;
    case CPY_CALL_EX: return 3 + (int)(in->arg & 1);
    default: return 0;
    }
}

/* -- the pass ------------------------------------------------------------------------------ */

/* At a label: everything home, and what all ways here have in common. */
static void
enter_label(Lower *L, Label *label)
{
    if (L->reachable) {
        slots_home(L, 0, L->depth);
        label_meet(label, L->depth, L->bound);
        if (label->depth != L->depth)
            refuse(L, "stack depth differs between ways");
    }
    L->depth = label->depth;
    L->reachable = 1;
    for (int i = 0; i < L->depth; i++)
        L->slots[i].kind = SLOT_TEMP;
    for (int i = 0; i < BOUND_WORDS; i++)
        L->bound[i] = label->bound[i] & ~L->deletable[i];
    label->pc = L->insns.n;
    L->producer = -1;
    L->pushing = 0;
    L->last_map = 0;
}

/* Operations that are nothing to the VM but a note about a slot. */
static int
only_notes(int op)
{
    switch (op) {
    case CPY_NOP:
    case CPY_LOAD_CONST:
    case CPY_LOAD_SMALL_INT:
    case CPY_LOAD_FAST:
    case CPY_LOAD_FAST_CHECK:
    case CPY_LOAD_CLOSURE:
    case CPY_PUSH_NULL:
    case CPY_KW_NAMES:
    case CPY_ASYNC_GEN_WRAP: return 1;
    default: return 0;
    }
}

/* CPython can go on at the start of its instruction only.  What follows has the map of that start
   as long as nothing was done: further operations of the instruction, and what comes behind
   loads.  So a line's first instruction is where CPython goes on, and a tracer sees the line. */
static void
enter_group(Lower *L, uint32_t start, int first)
{
    int goes_on = first ? L->pushing : L->group == start;
    L->group = start;
    L->first = first;
    if (first)
        L->first_depth = L->depth;
    if (goes_on && !L->changed)
        return;
    L->changed = !first;
    L->resume_at = L->at;
    L->pre_depth = L->depth;
}

/* Lower from operation `from` until control can't fall through to anything new. */
static void
lower_run(Lower *L, uint32_t from, int whole)
{
    const CpyStream *s = &L->stream;
    L->pushing = 0;
    for (L->at = from; L->at < s->n && !L->failed && !L->refused; L->at++) {
        const CpyInsn *in = &s->insns[L->at];
        Label *label = label_at_word(L, in->start);
        int first = L->at == 0 || s->insns[L->at - 1].start != in->start;
        if (label != NULL && first) {
            if (label->pc != NOT_YET || L->lowered[L->at]) {
                if (L->reachable) {     /* fell into code that is there already */
                    slots_home(L, 0, L->depth);
                    jump_to(L, emit(L, VM_J, 0, 0, 0), in->start, FIX_32);
                    L->reachable = 0;
                }
                if (!whole)
                    return;
                continue;
            }
            if (L->reachable || label->depth >= 0)
                enter_label(L, label);
        }
        if (!L->reachable) {
            if (!whole)
                return;
            continue;
        }
        L->word = in->word;
        L->lowered[L->at] = 1;
        enter_group(L, in->start, first);
        if (first)
            meet_handler(L, in->start);
        if (L->depth < operation_pops(in)) {
            refuse(L, "stack underflow");
            return;
        }
        lower_operation(L, in);
        L->pushing = only_notes(in->op);
        if (L->depth > L->code->nregs - L->code->nlocals)
            refuse(L, "stack overflow");
    }
    if (L->reachable && L->at >= s->n)
        refuse(L, "code runs off its end");
    L->reachable = 0;
}

/* Labels that were jumped to but not passed: code reached only backward. */
static void
lower_pending(Lower *L)
{
    int again = 1;
    while (again && !L->failed && !L->refused) {
        again = 0;
        for (uint32_t i = 0; i < L->labels.n && !L->failed && !L->refused; i++) {
            Label *label = &AT(L->labels, Label, i);
            if (label->pc != NOT_YET || label->depth < 0)
                continue;
            L->reachable = 0;
            lower_run(L, label->insn, 0);
            again = 1;
        }
    }
}

static void
apply_fixes(Lower *L)
{
    for (uint32_t i = 0; i < L->fixes.n; i++) {
        Fix f = AT(L->fixes, Fix, i);
        uint32_t target = AT(L->labels, Label, f.label).pc;
        if (target == NOT_YET) {
            refuse(L, "a jump to code that can't be reached");
            return;
        }
        int32_t offset = (int32_t)(target - f.pc);
        VmInsn *insn = insn_at(L, f.pc);
        switch (f.kind) {
        case FIX_16:
            if (offset != (int16_t)offset)
                refuse(L, "a jump too far");
            insn->c = (uint16_t)offset;
            break;
        case FIX_32:
            memcpy(&insn->b, &offset, 4);
            break;
        case FIX_EXT0:
        case FIX_EXT1:
            ((int32_t *)(insn + 1))[f.kind == FIX_EXT1] = offset;
            break;
        }
    }
}

static int
take_handlers(Lower *L)
{
    const CpyStream *s = &L->stream;
    VmCode *code = L->code;
    code->handlers = PyMem_Calloc(s->n_handlers + 1, sizeof(VmHandler));
    if (code->handlers == NULL)
        return -1;
    for (uint32_t i = 0; i < s->n_handlers; i++) {
        const CpyHandler *h = &s->handlers[i];
        Label *label = label_at_word(L, h->target);
        if (label->pc == NOT_YET)
            continue;       /* its range was never reached */
        code->handlers[code->n_handlers++] =
            (VmHandler){h->start, h->end, label->pc, h->depth, h->lasti};
    }
    return 0;
}

/* -- constants ----------------------------------------------------------------------------- */

/* The ints that LOAD_SMALL_INT instructions have in themselves, in the order of their constants:
   the first is number `next`.  -> how many */
static unsigned
number_small_ints(Lower *L, uint32_t next, uint8_t *small)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < L->stream.n; i++) {
        const CpyInsn *in = &L->stream.insns[i];
        if (in->op != CPY_LOAD_SMALL_INT)
            continue;
        if (in->arg > 255)
            refuse(L, "a small int that is none");
        else if (L->small_int[in->arg] == 0) {
            L->small_int[in->arg] = (uint16_t)(next + n);
            small[n++] = (uint8_t)in->arg;
        }
    }
    return n;
}

static int
take_consts(Lower *L)
{
    uint8_t small[256];
    Py_ssize_t n = PyTuple_GET_SIZE(L->co->co_consts);
    return vm_code_consts(L->code, small, number_small_ints(L, (uint32_t)n + VM_IMPLIED_COUNT, small));
}

/* -- entry ----------------------------------------------------------------------------------- */

static int
take_shape(Lower *L)
{
    const char *why = vm_code_shape(L->code);
    if (why != NULL) {
        refuse(L, why);
        return 0;
    }
    L->slots = PyMem_Calloc((size_t)(L->code->nregs - L->code->nlocals) + SLOTS_SPARE, sizeof(Slot));
    return L->slots == NULL ? -1 : 0;
}

static void
find_deletable(Lower *L)
{
    for (uint32_t i = 0; i < L->stream.n; i++) {
        const CpyInsn *in = &L->stream.insns[i];
        if (in->op == CPY_DELETE_FAST || in->op == CPY_LOAD_FAST_CLEAR)
            bit_set(L->deletable, in->arg);
    }
}

static void
lower_all(Lower *L)
{
    for (unsigned i = 0; i < L->code->nargs_total; i++)
        bit_set(L->bound, i);
    find_deletable(L);
    uint16_t *m = buffer_add(L, &L->maps, 2);
    if (m == NULL)
        return;
    m[0] = m[1] = 0;
    L->reachable = 1;
    lower_run(L, 0, 1);
    lower_pending(L);
    if (!L->failed && !L->refused)
        apply_fixes(L);
}

/* The buffers become the code's. */
static void
take_buffers(Lower *L)
{
    VmCode *code = L->code;
    code->insns = L->insns.data;
    code->n_insns = L->insns.n;
    code->where = L->where.data;
    code->maps = L->maps.data;
    code->n_maps = L->maps.n;
    code->caches = L->caches.data;
    code->n_caches = L->caches.n;
}

static Lower
lower_new(VmCode *code)
{
    return (Lower){
        .code = code,
        .co = code->co,
        .insns = {.size = sizeof(VmInsn)},
        .where = {.size = sizeof(VmWhere)},
        .maps = {.size = sizeof(uint16_t)},
        .caches = {.size = sizeof(VmCache)},
        .fixes = {.size = sizeof(Fix)},
        .labels = {.size = sizeof(Label)},
        .group = NOT_YET,
        .producer = -1,
    };
}

static int
lower_tables(Lower *L)
{
    L->label_of = PyMem_Calloc(L->stream.n_words + 2, sizeof(uint32_t));
    L->lowered = PyMem_Calloc(L->stream.n + 2, 1);
    if (L->label_of == NULL || L->lowered == NULL)
        return -1;
    return take_shape(L) < 0 || take_consts(L) < 0 || find_labels(L) < 0 ? -1 : 0;
}

/* Code that CPython refuses to decode is CPython's to run, and to complain about. */
static int
decode_or_refuse(Lower *L)
{
    if (cpy_decode(L->co, &L->stream) == 0)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_MemoryError))
        return -1;
    PyErr_Clear();
    refuse(L, "undecodable code");
    return 0;
}

int
vm_lower(VmCode *code)
{
    Lower L = lower_new(code);
    int status = decode_or_refuse(&L);
    if (status == 0 && !L.refused)
        status = lower_tables(&L);
    if (status == 0 && !L.refused)
        lower_all(&L);
    if (status == 0 && !L.refused && !L.failed)
        status = take_handlers(&L);
    if (L.failed)
        status = -1;
    take_buffers(&L);
    code->refused = L.refused;
    cpy_stream_free(&L.stream);
    PyMem_Free(L.label_of);
    PyMem_Free(L.lowered);
    PyMem_Free(L.slots);
    PyMem_Free(L.fixes.data);
    PyMem_Free(L.labels.data);
    if (status < 0 && !PyErr_Occurred())
        PyErr_NoMemory();
    return status;
}
