/* Does all that a VmCode says lie in range?  See vm_check.h. */
#include "ir/vm_check.h"

#include "cpyext_compat/cpy_code.h"

#include <stdarg.h>
#include <stdio.h>

#define FIELDS(FORMAT) {(#FORMAT)[0], (#FORMAT)[1], (#FORMAT)[2]}
const VmOperands vm_operands[VM_OP_COUNT] = {
#define OP(NAME, FORMAT, READS, WRITES, FLAGS, CACHE, ...) {FIELDS(FORMAT), READS, WRITES, CACHE},
#define OPD(NAME, FORMAT, READS, WRITES, FLAGS, CACHE, ...) \
    {FIELDS(FORMAT), READS, WRITES, CACHE}, {FIELDS(FORMAT), READS, WRITES, CACHE},
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};
#undef FIELDS

/* Windows whose size is not in the table. */
static unsigned
own_size(const VmInsn *insn)
{
    switch (insn->op) {
    case VM_MAP: return 2u * insn->c;
    case VM_KMAP: return 1u + insn->c;
    case VM_CALLX: return 3u + (insn->c & 1);
    case VM_INTERP: return 2u + (insn->c & 1);
    case VM_MKFN: return 1u + (unsigned)vm_bits_of_4(insn->c);
    case VM_RAISE: return insn->b;
    case VM_PUSHEXC: return 1;
    case VM_UNPX: return 1u + (insn->c & 0xFF) + (insn->c >> 8);
    default: return insn->c;                            /* SET, STR, SLICE */
    }
}

unsigned
vm_window_size(const VmInsn *insn)
{
    unsigned fixed = (unsigned)vm_operands[insn->op].reads >> 5;
    return fixed ? fixed : own_size(insn);
}

int
vm_check_failed(VmCheck *check, const char *format, ...)
{
    va_list args;
    int n = check->insn == NULL ? 0
                                : snprintf(check->why, check->room, "pc %u %s: ", check->pc,
                                           vm_op_name(check->insn->op));
    va_start(args, format);
    if (n >= 0 && (size_t)n < check->room)
        vsnprintf(check->why + n, check->room - (size_t)n, format, args);
    va_end(args);
    return -1;
}

#define bad vm_check_failed

/* -- operands --------------------------------------------------------------------------- */

static int
check_register(VmCheck *v, unsigned r)
{
    return r < v->code->nregs ? 0 : bad(v, "register %u of %u", r, v->code->nregs);
}

static int
check_const(VmCheck *v, unsigned i)
{
    if (i >= v->code->n_consts)
        return bad(v, "constant %u of %u", i, v->code->n_consts);
    return v->code->consts[i] != VM_NULL ? 0 : bad(v, "constant %u is none in this version", i);
}

static int
check_cache(VmCheck *v, unsigned i)
{
    int kind = vm_operands[v->insn->op].cache;
    if (i >= v->code->n_caches)
        return bad(v, "cache %u of %u", i, v->code->n_caches);
    const VmCache *c = &v->code->caches[i];
    if (c->kind != kind)
        return bad(v, "cache %u is of kind %d, not %d", i, c->kind, kind);
    if ((c->name == NULL) != (kind == IC_CALL))
        return bad(v, "cache %u: name", i);
    return 0;
}

/* Of the windows read and written, the larger one. */
static int
check_window(VmCheck *v, unsigned first)
{
    const VmOperands *o = &vm_operands[v->insn->op];
    unsigned n = o->reads & R_W ? vm_window_size(v->insn) : 0;
    if (o->writes == W_W)
        n = vm_window_size(v->insn);
    else if ((o->writes == W_AA || o->writes == W_W2) && n < 2)
        n = 2;
    if (first < v->code->nlocals)
        return bad(v, "a window in the locals");
    return n == 0 ? 0 : check_register(v, first + n - 1);
}

/* P operands: a cell for some, absent for others. */
static int
check_peeked(VmCheck *v, unsigned r)
{
    const VmCode *code = v->code;
    switch (v->insn->op) {
    case VM_CHK: return r < code->nlocals ? 0 : bad(v, "local %u", r);
    case VM_DMRG:
    case VM_RERAISE: return r == VM_NO_REG ? 0 : check_register(v, r);
    case VM_STC:
    case VM_LDC:
    case VM_LDC_L:
    case VM_LDCC:
    case VM_DELC:
        if (r < code->nlocals && cpy_code_local_kind(code->co, (int)r) & (CPY_CELL | CPY_FREE))
            return 0;
        return bad(v, "register %u is no cell", r);
    default: return check_register(v, r);
    }
}

/* What a number may be. */
static int
check_number(VmCheck *v, unsigned n)
{
    switch (v->insn->op) {
    case VM_FREEV:
        return n == (unsigned)cpy_code_nfreevars(v->code->co) ? 0 : bad(v, "%u free variables", n);
    case VM_LDMC: return n < v->code->nlocals ? 0 : bad(v, "cell %u", n);
    case VM_RAISE: return n <= 2 ? 0 : bad(v, "%u items", n);
    case VM_SLICE: return n == 2 || n == 3 ? 0 : bad(v, "%u items", n);
    case VM_CALLX: return n <= 1 ? 0 : bad(v, "flags %u", n);
    case VM_MKFN: return n <= 15 ? 0 : bad(v, "flags %u", n);
    case VM_FMT:
    case VM_FMTS:
    case VM_CONV: return n <= 3 ? 0 : bad(v, "conversion %u", n);
    default: return 0;
    }
}

/* What the meaning of a move, or of keyword names, asks for. */
static int
check_meaning(VmCheck *v)
{
    const VmInsn *insn = v->insn;
    unsigned locals = v->code->nlocals;
    int ok = 1;
    switch (insn->op) {
    case VM_MOV:
    case VM_MOV_L:
    case VM_TAKE: ok = insn->b < locals; break;
    case VM_MOVT:
    case VM_MOVE:
    case VM_DUP:
    case VM_RERAISE: ok = insn->b >= locals; break;
    case VM_SWAP: ok = insn->a >= locals && insn->b >= locals; break;
    case VM_DROP: ok = insn->a >= locals; break;
    case VM_CALLKW: {
        PyObject *names = v->code->caches[insn->c].name;
        ok = PyTuple_CheckExact(names) && PyTuple_GET_SIZE(names) <= insn[1].op;
        break;
    }
    }
    return ok ? 0 : bad(v, "operands of a wrong kind");
}

static int
check_fields(VmCheck *v)
{
    const uint8_t *letters = vm_operands[v->insn->op].field;
    for (int i = 0; i < 3; i++) {
        unsigned x = vm_field(v->insn, i);
        int status = 0;
        switch (letters[i]) {
        case 'D':
        case 'R': status = check_register(v, x); break;
        case 'P': status = check_peeked(v, x); break;
        case 'W': status = check_window(v, x); break;
        case 'K': status = v->insn->op == VM_BAIL ? 0 : check_const(v, x); break;
        case 'C': status = check_cache(v, x); break;
        case 'N': status = check_number(v, x); break;
        }
        if (status < 0)
            return -1;
    }
    return 0;
}

static int
check_list(VmCheck *v)
{
    const VmInsn *list = v->insn + 1;
    int written = vm_operands[v->insn->op].writes == W_X;
    for (unsigned i = 0; i < list->op; i++) {
        unsigned x = vm_list_get(list, i);
        int constant = x & VM_OPERAND_CONST && !written;
        if ((constant ? check_const(v, x & ~VM_OPERAND_CONST) : check_register(v, x)) < 0)
            return -1;
    }
    return 0;
}

/* -- maps --------------------------------------------------------------------------------- */

static int
check_map(VmCheck *v, uint32_t at)
{
    const VmCode *code = v->code;
    unsigned slots = (unsigned)code->nregs - code->nlocals;
    if (at > code->n_maps || code->n_maps - at < 2)
        return bad(v, "map %u of %u", at, code->n_maps);
    const uint16_t *map = code->maps + at;
    unsigned n = map[0] > map[1] ? map[0] : map[1];
    if (n > slots || n > code->n_maps - at - 2)
        return bad(v, "map: depths %u and %u of %u", map[0], map[1], slots);
    for (unsigned i = 0; i < n; i++) {
        unsigned place = map[2 + i];
        if (place == VM_NO_REG || place == code->nlocals + i || place < code->nlocals)
            continue;
        if (!(place & VM_OPERAND_CONST))
            return bad(v, "map: slot %u in register %u", i, place);
        if (check_const(v, place & ~VM_OPERAND_CONST) < 0)
            return -1;
    }
    return 0;
}

/* `map` was looked at just before: neighbours share it. */
static int
check_where(VmCheck *v, uint32_t *map)
{
    uint32_t word = vm_code_word(v->code, v->insn), resume = vm_code_resume(v->code, v->insn);
    uint32_t n_words = cpy_code_words(v->code->co), at = vm_code_map_index(v->code, v->insn);
    if (word >= n_words)
        return bad(v, "stands for word %u", word);
    if (resume >= n_words && resume != VM_NO_RESUME)
        return bad(v, "goes on at word %u", resume);
    if (at == *map)
        return 0;
    *map = at;
    return check_map(v, at);
}

/* -- jumps --------------------------------------------------------------------------------- */

static int
goes_two_ways(int op)
{
    return op == VM_FOR || op == VM_FOR_L || op == VM_SEND;
}

static int
check_jump(VmCheck *v, uint8_t *starts, int way)
{
    int64_t to = (int64_t)v->pc + vm_op_jump(v->insn, way);
    if (to < 0 || to >= v->code->n_insns)
        return bad(v, "jumps to %lld, no instruction", (long long)to);
    starts[to] |= VM_TARGET;
    return 0;
}

static int
check_jumps(VmCheck *v, uint8_t *starts)
{
    if (check_jump(v, starts, 0) < 0)
        return -1;
    return goes_two_ways(v->insn->op) ? check_jump(v, starts, 1) : 0;
}

static int
check_handlers(VmCheck *v, uint8_t *starts)
{
    const VmCode *code = v->code;
    uint32_t end = 0;
    for (uint32_t i = 0; i < code->n_handlers; i++) {
        const VmHandler *h = &code->handlers[i];
        if (h->start < end || h->end <= h->start || h->end > cpy_code_words(code->co))
            return bad(v, "handler %u: words %u to %u", i, h->start, h->end);
        if (h->pc >= code->n_insns)
            return bad(v, "handler %u at %u, no instruction", i, h->pc);
        if (h->lasti > 1 || h->depth + h->lasti + 1u > (unsigned)code->nregs - code->nlocals)
            return bad(v, "handler %u: depth %u", i, h->depth);
        starts[h->pc] |= VM_TARGET;
        end = h->end;
    }
    return 0;
}

/* -- usual numbers ---------------------------------------------------------------------------- */

#define SMALL 16                /* numbers below mean no more than that they say */
#define WINDOW 5                /* of all but those whose size is a number */

/* By letter of a format: fields below are in range whatever the instruction. */
typedef struct {
    uint32_t of[128];
} Limits;

static Limits
usual_limits(const VmCode *code)
{
    Limits l;
    memset(&l, 0, sizeof l);
    l.of['D'] = l.of['R'] = l.of['P'] = code->nregs;
    l.of['W'] = code->nregs < WINDOW ? 0 : code->nregs - WINDOW + 1u;
    l.of['K'] = code->n_consts;
    l.of['C'] = code->n_caches;
    l.of['N'] = SMALL;
    l.of['I'] = l.of['J'] = l.of['O'] = l.of['_'] = 0x10000;
    return l;
}

/* By operation: 1 for those whose numbers are sizes.  The windows of MKFN are as small as others. */
#define SIZED(OP, READS, WRITES) \
    (((READS) == R_W && (OP) != VM_MKFN) || (WRITES) == W_W || (OP) == VM_FREEV)
static const uint8_t is_sized[VM_OP_COUNT] = {
#define OP(NAME, FORMAT, READS, WRITES, ...) [VM_##NAME] = SIZED(VM_##NAME, READS, WRITES),
#define OPD(NAME, FORMAT, READS, WRITES, ...)
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};
#undef SIZED

static int
is_usual(const Limits *l, const VmInsn *insn)
{
    const uint8_t *letters = vm_operands[insn->op].field;
    return insn->a < l->of[letters[0]] && insn->b < l->of[letters[1]] && insn->c < l->of[letters[2]]
           && !is_sized[insn->op];
}

/* -- the whole code --------------------------------------------------------------------------- */

static int
check_operands(VmCheck *v, const Limits *usual)
{
    int usually = usual != NULL && is_usual(usual, v->insn);
    if (!usually && check_fields(v) < 0)
        return -1;
    if (vm_op_fixed_words[v->insn->op] == 0 && check_list(v) < 0)
        return -1;
    return usually ? 0 : check_meaning(v);
}

/* Behind it; or 0: it is no instruction. */
static uint32_t
next_pc(const VmCode *code, uint32_t pc)
{
    const VmInsn *insn = code->insns + pc;
    if (insn->op >= VM_OP_COUNT)
        return 0;
    if (vm_op_fixed_words[insn->op] == 0 && pc + 2 > code->n_insns)
        return 0;
    pc += (uint32_t)vm_op_words(insn);
    return pc <= code->n_insns ? pc : 0;
}

static int
check_insns(VmCheck *v, uint8_t *starts, const Limits *usual)
{
    const VmCode *code = v->code;
    uint32_t map = UINT32_MAX, next;
    for (v->pc = 0; v->pc < code->n_insns; v->pc = next) {
        v->insn = code->insns + v->pc;
        next = next_pc(code, v->pc);
        if (next == 0)
            return bad(v, "operation %u, which is none or is cut off", v->insn->op);
        starts[v->pc] |= VM_STARTS;
        if (check_operands(v, usual) < 0 || (usual == NULL && check_where(v, &map) < 0))
            return -1;
        if (vm_op_flags(v->insn->op) & VM_JUMPS && check_jumps(v, starts) < 0)
            return -1;
    }
    int last = code->n_insns > 0 ? v->insn->op : VM_MOV;
    v->insn = NULL;
    return vm_op_flags(last) & VM_ENDS || goes_two_ways(last) ? 0 : bad(v, "runs off the end");
}

static int
check_all(VmCheck *v, uint8_t *starts, const Limits *usual)
{
    const VmCode *code = v->code;
    v->insn = NULL;
    if (code->nregs < code->nlocals || code->nargs_total > code->nlocals)
        return bad(v, "%u arguments, %u locals, %u registers", code->nargs_total, code->nlocals,
                   code->nregs);
    if (check_insns(v, starts, usual) < 0 || check_handlers(v, starts) < 0)
        return -1;
    if (memchr(starts, VM_TARGET, code->n_insns) != NULL)
        return bad(v, "comes to a word that is no instruction");
    starts[0] |= VM_TARGET;
    return 0;
}

int
vm_bounds(VmCheck *v, uint8_t *starts)
{
    return check_all(v, starts, NULL);
}

int
vm_bounds_quick(VmCheck *v, uint8_t *starts)
{
    Limits usual = usual_limits(v->code);
    return check_all(v, starts, &usual);
}

#undef bad
