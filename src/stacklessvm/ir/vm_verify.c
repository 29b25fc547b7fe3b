/* Is a VmCode well-formed?  What the interpreter and the unwinder take for granted, checked
 * from the table of vm_ops.def:
 *
 *  - fields, operand lists, caches, constants, jumps, handlers and maps are in range;
 *  - by data flow over all ways, exceptional ones too: a temporary is written when it is
 *    dead, read when it holds a value, consumed once, and every way to an instruction
 *    brings the same temporaries; locals that are read are bound;
 *  - where an instruction may raise or run code, its map says exactly which temporaries
 *    hold values once its operands are consumed.
 *
 * A state is a bit per register: the local is certainly bound, the temporary holds a value.
 */
#include "ir/vm_code.h"

#include "cpyext_compat/cpy_code.h"

#include <stdarg.h>
#include <stdio.h>

/* -- the table ---------------------------------------------------------------------- */

/* READS: fields, the operand list, a window with its size (0: window_size tells) */
#define WINDOW(n) (16 | (n) << 5)
enum {
    R_0 = 0,
    R_A = 1,
    R_B = 2,
    R_AB = 3,
    R_BC = 6,
    R_ABC = 7,
    R_X = 8,
    R_BX = R_B | R_X,
    R_W = WINDOW(0),
    R_W2 = WINDOW(2),
    R_W3 = WINDOW(3),
    R_W4 = WINDOW(4),
    R_W2X = R_W2 | R_X,
};
typedef enum { W_0,
               W_A,
               W_AA,
               W_W2,
               W_W,
               W_X } Writes;

static const struct {
    uint8_t reads, writes, cache;
} table[] = {
#define OP(NAME, FORMAT, READS, WRITES, FLAGS, CACHE, ...) {READS, WRITES, CACHE},
#define OPD(NAME, FORMAT, READS, WRITES, FLAGS, CACHE, ...) \
    {READS, WRITES, CACHE}, {READS, WRITES, CACHE},
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};

typedef struct {
    const VmCode *code;
    char *why;
    size_t room;
    uint8_t *starts;        /* pc -> an instruction begins here: STRAIGHT or MEETING */
    uint32_t *meeting;      /* pc of a MEETING -> its number */
    uint64_t *states;       /* per meeting, what holds before it */
    uint8_t *known;         /* meeting -> 1: states has it; 2: and it waits in work */
    uint32_t *work;         /* pcs to look at (again) */
    uint32_t n_work, n_meetings;
    uint64_t *now, *other;  /* the state being followed; one for edges */
    unsigned words;         /* of a state */
    int64_t on;             /* where control goes on with `now`, or -1 */
    uint32_t pc;
    const VmInsn *insn;
} Verify;

static int                                              /* -1 */
bad(Verify *v, const char *format, ...)
{
    va_list args;
    int n = v->insn == NULL ? 0 : snprintf(v->why, v->room, "pc %u %s: ", v->pc, vm_op_name(v->insn->op));
    va_start(args, format);
    if (n >= 0 && (size_t)n < v->room)
        vsnprintf(v->why + n, v->room - (size_t)n, format, args);
    va_end(args);
    return -1;
}

/* Control comes to a STRAIGHT instruction from the one before only. */
enum { STRAIGHT = 1,
       MEETING };

/* -- states --------------------------------------------------------------------------- */

static int
has(const uint64_t *state, unsigned r)
{
    return (int)(state[r / 64] >> (r % 64) & 1);
}

static void
set(uint64_t *state, unsigned r, int value)
{
    uint64_t bit = (uint64_t)1 << (r % 64);
    state[r / 64] = value ? state[r / 64] | bit : state[r / 64] & ~bit;
}

/* The temporaries that hold a value, of word i. */
static uint64_t
temps_in(Verify *v, const uint64_t *state, unsigned i)
{
    unsigned first = v->code->nlocals, r = 64 * i;
    if (first >= r + 64)
        return 0;
    return first <= r ? state[i] : state[i] & ~(uint64_t)0 << (first - r);
}

static unsigned                                         /* register of stack slot i */
home(Verify *v, unsigned i)
{
    return v->code->nlocals + i;
}

static unsigned
slots(Verify *v)
{
    return v->code->nregs - v->code->nlocals;
}

static int
is_temp(Verify *v, unsigned r)
{
    return r >= v->code->nlocals;
}

/* Two ways meet: bound on one only is not bound, and a temporary holds a value on both or none. */
static int
meet(Verify *v, uint32_t to, uint64_t *there, const uint64_t *state, int *changed)
{
    for (unsigned i = 0; i < v->words; i++) {
        uint64_t differ = there[i] ^ state[i];
        if (differ == 0)
            continue;
        uint64_t temps = temps_in(v, there, i) ^ temps_in(v, state, i);
        if (temps != 0)
            return bad(v, "t%u holds a value on some ways to pc %u only",
                       64 * i + (unsigned)__builtin_ctzll(temps) - v->code->nlocals, to);
        *changed |= (there[i] & differ) != 0;
        there[i] &= state[i];
    }
    return 0;
}

/* `state` holds when control comes to pc `to`, where ways meet. */
static int
flow(Verify *v, uint32_t to, const uint64_t *state)
{
    uint32_t number = v->meeting[to];
    uint64_t *there = v->states + (size_t)number * v->words;
    int changed = 0;
    if (!v->known[number]) {
        memcpy(there, state, v->words * sizeof(uint64_t));
        changed = 1;
    }
    else if (meet(v, to, there, state, &changed) < 0)
        return -1;
    if (changed && v->known[number] != 2) {
        v->known[number] = 2;                           /* waits once, however often it changes */
        v->work[v->n_work++] = to;
    }
    return 0;
}

/* -- reading and writing registers --------------------------------------------------------- */

static int
check_register(Verify *v, unsigned r)
{
    return r < v->code->nregs ? 0 : bad(v, "register %u of %u", r, v->code->nregs);
}

static int
check_holds(Verify *v, unsigned r)
{
    if (check_register(v, r) < 0)
        return -1;
    if (has(v->now, r))
        return 0;
    if (is_temp(v, r))
        return bad(v, "reads t%u, which holds nothing", r - v->code->nlocals);
    return bad(v, "reads local %u, which may be unbound", r);
}

static int
consume(Verify *v, unsigned r)
{
    if (check_holds(v, r) < 0)
        return -1;
    if (is_temp(v, r))
        set(v->now, r, 0);
    return 0;
}

static int
consume_window(Verify *v, unsigned first, unsigned n)
{
    if (!is_temp(v, first))
        return bad(v, "a window in the locals");
    for (unsigned i = 0; i < n; i++) {
        if (consume(v, first + i) < 0)
            return -1;
    }
    return 0;
}

static int
write_register(Verify *v, unsigned r)
{
    if (check_register(v, r) < 0)
        return -1;
    if (is_temp(v, r) && has(v->now, r))
        return bad(v, "overwrites t%u, which holds a value", r - v->code->nlocals);
    set(v->now, r, 1);
    return 0;
}

static int
write_window(Verify *v, unsigned first, unsigned n)
{
    if (!is_temp(v, first))
        return bad(v, "a window in the locals");
    for (unsigned i = 0; i < n; i++) {
        if (write_register(v, first + i) < 0)
            return -1;
    }
    return 0;
}

/* Which kind of register a plain destination must be. */
static int
write_destination(Verify *v)
{
    int op = v->insn->op, flags = vm_op_flags(op);
    int local = !is_temp(v, v->insn->a);
    int wants_local = op == VM_MOVT || op == VM_UNBIND || op == VM_NEWCELL
                      || (op > 0 && vm_op_flags(op - 1) & VM_DST);
    if (!(flags & VM_ANYDST) && local != wants_local)
        return bad(v, local ? "writes a local as a temporary" : "writes a temporary as a local");
    return write_register(v, v->insn->a);
}

/* -- operands -------------------------------------------------------------------------------- */

static uint16_t
field(const VmInsn *insn, int i)
{
    return i == 0 ? insn->a : i == 1 ? insn->b
                                     : insn->c;
}

/* Windows whose size is not in the table. */
static unsigned
window_size(const VmInsn *insn)
{
    switch (insn->op) {
    case VM_MAP: return 2u * insn->c;
    case VM_KMAP: return 1u + insn->c;
    case VM_CALLX: return 3u + (insn->c & 1);
    case VM_INTERP: return 2u + (insn->c & 1);
    case VM_MKFN: return 1u + (unsigned)__builtin_popcount(insn->c & 15);
    case VM_RAISE: return insn->b;
    case VM_PUSHEXC: return 1;
    case VM_UNPX: return 1u + (insn->c & 0xFF) + (insn->c >> 8);
    default: return insn->c;                            /* SET, STR, SLICE */
    }
}

static int
check_const(Verify *v, unsigned i)
{
    if (i >= v->code->n_consts)
        return bad(v, "constant %u of %u", i, v->code->n_consts);
    return v->code->consts[i] != VM_NULL ? 0 : bad(v, "constant %u is none in this version", i);
}

static int
check_cache(Verify *v, unsigned i)
{
    int kind = table[v->insn->op].cache;
    if (i >= v->code->n_caches)
        return bad(v, "cache %u of %u", i, v->code->n_caches);
    const VmCache *c = &v->code->caches[i];
    if (c->kind != kind)
        return bad(v, "cache %u is of kind %d, not %d", i, c->kind, kind);
    if ((c->name == NULL) != (kind == IC_CALL))
        return bad(v, "cache %u: name", i);
    return 0;
}

/* P operands: the slot must be a cell for some, may be unbound or absent for others. */
static int
check_peeked(Verify *v, unsigned r)
{
    switch (v->insn->op) {
    case VM_CHK:
        return is_temp(v, r) ? bad(v, "local %u", r) : 0;
    case VM_DMRG:
    case VM_RERAISE:
        return r == VM_NO_REG ? 0 : check_holds(v, r);
    case VM_LDC:
    case VM_LDC_L:
    case VM_LDCC:
    case VM_DELC:
        break;
    case VM_STC:
        if (r == v->insn->a)
            break;
        /* fall through */
    default:
        return check_holds(v, r);
    }
    if (is_temp(v, r) || !(cpy_code_local_kind(v->code->co, (int)r) & (CPY_CELL | CPY_FREE)))
        return bad(v, "register %u is no cell", r);
    return check_holds(v, r);
}

/* What a number may be. */
static int
check_number(Verify *v, unsigned n)
{
    const VmInsn *insn = v->insn;
    switch (insn->op) {
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
check_meaning(Verify *v)
{
    const VmInsn *insn = v->insn;
    int ok = 1;
    switch (insn->op) {
    case VM_MOV:
    case VM_MOV_L:
    case VM_TAKE: ok = !is_temp(v, insn->b); break;
    case VM_MOVT:
    case VM_MOVE:
    case VM_DUP:
    case VM_RERAISE: ok = is_temp(v, insn->b); break;
    case VM_SWAP: ok = is_temp(v, insn->a) && is_temp(v, insn->b); break;
    case VM_DROP: ok = is_temp(v, insn->a); break;
    case VM_CALLKW: {
        PyObject *names = v->code->caches[insn->c].name;
        ok = PyTuple_CheckExact(names) && PyTuple_GET_SIZE(names) <= insn[1].op;
        break;
    }
    }
    return ok ? 0 : bad(v, "operands of a wrong kind");
}

/* Fields that are looked at, before anything is consumed. */
static int
check_fields(Verify *v)
{
    const char *format = vm_op_format(v->insn->op);
    for (int i = 0; i < 3; i++) {
        unsigned x = field(v->insn, i);
        int status = 0;
        switch (format[i]) {
        case 'D':
        case 'R': status = check_register(v, x); break;
        case 'P': status = check_peeked(v, x); break;
        case 'K': status = v->insn->op == VM_BAIL ? 0 : check_const(v, x); break;
        case 'C': status = check_cache(v, x); break;
        case 'N': status = check_number(v, x); break;
        default: break;                                 /* windows: when their items are */
        }
        if (status < 0)
            return -1;
    }
    return check_meaning(v);
}

static int
consume_list(Verify *v)
{
    const VmInsn *list = v->insn + 1;
    for (unsigned i = 0; i < list->op; i++) {
        uint16_t x = vm_list_get(list, i);
        int status = x & VM_OPERAND_CONST ? check_const(v, x & ~VM_OPERAND_CONST) : consume(v, x);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* What these test stays when they jump or raise. */
static int
keeps(const VmInsn *insn)
{
    return insn->op == VM_JTK || insn->op == VM_JFK;
}

static int
consume_operands(Verify *v)
{
    const VmInsn *insn = v->insn;
    const char *format = vm_op_format(insn->op);
    int reads = table[insn->op].reads;
    for (int i = 0; i < 3; i++) {
        int status = 0;
        if (format[i] == 'W' && reads & R_W) {
            unsigned fixed = (unsigned)reads >> 5;
            status = consume_window(v, field(insn, i), fixed ? fixed : window_size(insn));
        }
        else if (reads & 1 << i && format[i] != 'P' && insn->op != VM_TAKE)
            status = keeps(insn) ? check_holds(v, field(insn, i)) : consume(v, field(insn, i));
        if (status < 0)
            return -1;
    }
    return reads & R_X ? consume_list(v) : 0;
}

static int
write_results(Verify *v)
{
    const VmInsn *insn = v->insn;
    switch ((Writes)table[insn->op].writes) {
    case W_0: break;
    case W_A:
        if (write_destination(v) < 0)
            return -1;
        break;
    case W_AA:
    case W_W2: return write_window(v, insn->a, 2);
    case W_W: return write_window(v, insn->a, window_size(insn));
    case W_X:
        for (unsigned i = 0; i < insn[1].op; i++) {
            if (write_register(v, vm_list_get(insn + 1, i)) < 0)
                return -1;
        }
        break;
    }
    switch (insn->op) {
    case VM_CHK: set(v->now, insn->a, 1); break;
    case VM_UNBIND: set(v->now, insn->a, 0); break;
    case VM_TAKE: set(v->now, insn->b, 0); break;
    }
    for (unsigned i = 0; insn->op == VM_FREEV && i < insn->a; i++)
        set(v->now, v->code->nlocals - 1 - i, 1);
    return 0;
}

/* -- maps ---------------------------------------------------------------------------------------- */

static int
check_map_slot(Verify *v, unsigned i, unsigned place)
{
    if (place == VM_NO_REG || place == home(v, i))
        return 0;
    if (place & VM_OPERAND_CONST)
        return check_const(v, place & ~VM_OPERAND_CONST);
    if (is_temp(v, place))
        return bad(v, "map: slot %u in register %u", i, place);
    if (!has(v->now, place))
        return bad(v, "map: slot %u stands for local %u, which may be unbound", i, place);
    return 0;
}

/* Before the operands are consumed: what CPython's stack has. */
static int
check_map(Verify *v)
{
    const uint16_t *map = vm_code_map(v->code, v->insn);
    if (map[1] > slots(v) || map[0] > slots(v))
        return bad(v, "map: depths %u and %u of %u", map[0], map[1], slots(v));
    for (unsigned i = 0; i < map[0]; i++) {
        if (check_map_slot(v, i, map[2 + i]) < 0)
            return -1;
    }
    return 0;
}

/* After: the temporaries that are left are what the unwinder releases. */
static int
check_left(Verify *v)
{
    const uint16_t *map = vm_code_map(v->code, v->insn);
    unsigned found = 0, held = 0;
    for (unsigned i = 0; i < map[1]; i++) {
        if (map[2 + i] != home(v, i))
            continue;
        if (!has(v->now, home(v, i)))
            return bad(v, "map: slot %u in t%u, which holds nothing once operands are consumed", i, i);
        found++;
    }
    for (unsigned i = 0; i < v->words; i++)
        held += (unsigned)__builtin_popcountll(temps_in(v, v->now, i));
    return held == found ? 0 : bad(v, "%u temporaries hold a value the map doesn't tell of", held - found);
}

/* -- ways on --------------------------------------------------------------------------------------- */

static int
flow_to_handler(Verify *v)
{
    const VmHandler *h = vm_code_handler(v->code, v->code->where[v->pc].word);
    if (h == NULL)
        return 0;
    memcpy(v->other, v->now, v->words * sizeof(uint64_t));
    if (v->insn->op == VM_UNBIND)
        set(v->other, v->insn->a, 0);
    else if (v->insn->op == VM_YIELD)                   /* throw() leaves None as the sent value */
        set(v->other, v->insn->a, 1);
    unsigned depth = h->depth + h->lasti + 1u;
    for (unsigned i = 0; i < h->depth; i++) {
        if (!has(v->other, home(v, i)))
            return bad(v, "t%u holds nothing for the handler at pc %u", i, h->pc);
    }
    for (unsigned i = 0; i < v->words; i++)
        v->other[i] &= ~temps_in(v, v->other, i);
    for (unsigned i = 0; i < depth; i++)
        set(v->other, home(v, i), 1);
    return flow(v, h->pc, v->other);
}

static int
flow_jump(Verify *v, int32_t offset)
{
    return flow(v, (uint32_t)((int64_t)v->pc + offset), v->now);
}

/* Without a jump, to the next instruction. */
static int
flow_next(Verify *v)
{
    uint32_t to = v->pc + (uint32_t)vm_op_words(v->insn);
    if (to >= v->code->n_insns)
        return bad(v, "runs off the end");
    if (v->starts[to] == MEETING)
        return flow(v, to, v->now);
    v->on = to;
    return 0;
}

/* FOR: jump 1 without the item and perhaps without the iterator, jump 2 with it. */
static int
flow_for(Verify *v)
{
    const VmInsn *insn = v->insn;
    memcpy(v->other, v->now, v->words * sizeof(uint64_t));
    if (!insn->c && (is_temp(v, insn->b) ? consume(v, insn->b) : bad(v, "releases a local")) < 0)
        return -1;
    if (flow_jump(v, vm_op_jump(insn, 0)) < 0)
        return -1;
    memcpy(v->now, v->other, v->words * sizeof(uint64_t));
    return write_destination(v) < 0 ? -1 : flow_jump(v, vm_op_jump(insn, 1));
}

/* SEND: jump 1 with the result, in the receiver's place when that is released. */
static int
flow_send(Verify *v)
{
    const VmInsn *insn = v->insn;
    unsigned result = insn->c ? insn->a : insn->b;
    memcpy(v->other, v->now, v->words * sizeof(uint64_t));
    if (!insn->c && consume(v, insn->b) < 0)
        return -1;
    if (write_register(v, result) < 0 || flow_jump(v, vm_op_jump(insn, 0)) < 0)
        return -1;
    memcpy(v->now, v->other, v->words * sizeof(uint64_t));
    return write_destination(v) < 0 ? -1 : flow_jump(v, vm_op_jump(insn, 1));
}

static int
flow_keeping(Verify *v)
{
    if (!is_temp(v, v->insn->a))
        return bad(v, "keeps a local");
    int status = flow_jump(v, vm_op_jump(v->insn, 0));
    set(v->now, v->insn->a, 0);
    return status;
}

static int
flow_on(Verify *v)
{
    const VmInsn *insn = v->insn;
    int flags = vm_op_flags(insn->op), status = 0;
    switch (insn->op) {
    case VM_FOR:
    case VM_FOR_L: return flow_for(v);
    case VM_SEND: return flow_send(v);
    default:
        if (keeps(insn)) {
            status = flow_keeping(v);
            break;
        }
        if (write_results(v) < 0)
            return -1;
        if (flags & VM_JUMPS)
            status = flow_jump(v, vm_op_jump(insn, 0));
        break;
    }
    if (status < 0 || flags & VM_ENDS)
        return status;
    return flow_next(v);
}

/* A jump back polls, whatever else it does; J is the one that doesn't. */
static int
may_raise(const VmInsn *insn)
{
    int flags = vm_op_flags(insn->op);
    if (flags & VM_RAISES)
        return 1;
    return flags & VM_JUMPS && insn->op != VM_J && vm_op_jump(insn, 0) <= 0;
}

static int
check_nothing_left(Verify *v)
{
    for (unsigned i = 0; i < v->words; i++) {
        uint64_t held = temps_in(v, v->now, i);
        if (held != 0)
            return bad(v, "t%u still holds a value",
                       64 * i + (unsigned)__builtin_ctzll(held) - v->code->nlocals);
    }
    return 0;
}

static int
follow(Verify *v)
{
    int op = v->insn->op, mapped = vm_op_flags(op) & (VM_RAISES | VM_BOUNDARY);
    if (mapped && check_map(v) < 0)
        return -1;
    if (check_fields(v) < 0 || consume_operands(v) < 0)
        return -1;
    if (mapped && check_left(v) < 0)
        return -1;
    if (may_raise(v->insn) && flow_to_handler(v) < 0)
        return -1;
    if ((op == VM_RET || op == VM_RETK) && check_nothing_left(v) < 0)
        return -1;
    return flow_on(v);
}

/* -- the whole code ----------------------------------------------------------------------------------- */

static int
find_starts(Verify *v)
{
    const VmCode *code = v->code;
    for (uint32_t pc = 0; pc < code->n_insns;) {
        v->pc = pc;
        v->insn = code->insns + pc;
        if (v->insn->op >= VM_OP_COUNT)
            return bad(v, "operation %u", v->insn->op);
        const char *format = vm_op_format(v->insn->op);
        int extended = strlen(format) > 4;
        if (pc + 1 + (uint32_t)extended > code->n_insns
            || pc + (uint32_t)vm_op_words(v->insn) > code->n_insns)
            return bad(v, "runs off the end");
        if (code->where[pc].word >= cpy_code_words(code->co))
            return bad(v, "stands for word %u", code->where[pc].word);
        v->starts[pc] = STRAIGHT;
        pc += (uint32_t)vm_op_words(v->insn);
    }
    v->insn = NULL;
    return code->n_insns > 0 ? 0 : bad(v, "no instructions");
}

static int
meets_at(Verify *v, int64_t to)
{
    if (to < 0 || to >= v->code->n_insns || v->starts[to] == 0)
        return bad(v, "jumps to %lld, no instruction", (long long)to);
    v->starts[to] = MEETING;
    return 0;
}

/* Number the places that are jumped to. */
static int
find_meetings(Verify *v)
{
    const VmCode *code = v->code;
    v->starts[0] = MEETING;
    for (uint32_t i = 0; i < code->n_handlers; i++)
        v->starts[code->handlers[i].pc] = MEETING;
    for (v->pc = 0; v->pc < code->n_insns; v->pc += (uint32_t)vm_op_words(v->insn)) {
        v->insn = code->insns + v->pc;
        if (!(vm_op_flags(v->insn->op) & VM_JUMPS))
            continue;
        int ways = v->insn->op == VM_FOR || v->insn->op == VM_FOR_L || v->insn->op == VM_SEND ? 2 : 1;
        for (int way = 0; way < ways; way++) {
            if (meets_at(v, (int64_t)v->pc + vm_op_jump(v->insn, way)) < 0)
                return -1;
        }
    }
    v->insn = NULL;
    for (uint32_t pc = 0; pc < code->n_insns; pc++) {
        if (v->starts[pc] == MEETING)
            v->meeting[pc] = v->n_meetings++;
    }
    return 0;
}

static int
check_handlers(Verify *v)
{
    uint32_t end = 0;
    for (uint32_t i = 0; i < v->code->n_handlers; i++) {
        const VmHandler *h = &v->code->handlers[i];
        if (h->start < end || h->end <= h->start || h->end > cpy_code_words(v->code->co))
            return bad(v, "handler %u: words %u to %u", i, h->start, h->end);
        if (h->pc >= v->code->n_insns || !v->starts[h->pc])
            return bad(v, "handler %u at %u, no instruction", i, h->pc);
        if (h->lasti > 1 || h->depth + h->lasti + 1u > slots(v))
            return bad(v, "handler %u: depth %u", i, h->depth);
        end = h->end;
    }
    return 0;
}

/* From a meeting to where control can only go to others. */
static int
follow_from(Verify *v, uint32_t pc)
{
    uint32_t number = v->meeting[pc];
    memcpy(v->now, v->states + (size_t)number * v->words, v->words * sizeof(uint64_t));
    v->known[number] = 1;
    for (v->on = pc; v->on >= 0;) {
        v->pc = (uint32_t)v->on;
        v->insn = v->code->insns + v->pc;
        v->on = -1;
        if (follow(v) < 0)
            return -1;
    }
    return 0;
}

static int
follow_all(Verify *v)
{
    v->states = PyMem_Calloc((size_t)v->n_meetings * v->words + 1, sizeof(uint64_t));
    v->known = PyMem_Calloc(v->n_meetings + 1, 1);
    v->work = PyMem_Calloc(v->n_meetings + 1, sizeof(uint32_t));
    if (!v->states || !v->known || !v->work)
        return bad(v, "out of memory");
    for (unsigned i = 0; i < v->code->nargs_total; i++)
        set(v->now, i, 1);
    flow(v, 0, v->now);
    while (v->n_work > 0) {
        if (follow_from(v, v->work[--v->n_work]) < 0)
            return -1;
    }
    return 0;
}

static int
verify(Verify *v)
{
    uint32_t n = v->code->n_insns;
    v->starts = PyMem_Calloc(n + 1, 1);
    v->meeting = PyMem_Calloc(n + 1, sizeof(uint32_t));
    v->now = PyMem_Calloc(v->words, sizeof(uint64_t));
    v->other = PyMem_Calloc(v->words, sizeof(uint64_t));
    if (!v->starts || !v->meeting || !v->now || !v->other)
        return bad(v, "out of memory");
    if (v->code->nregs < v->code->nlocals || v->code->nargs_total > v->code->nlocals)
        return bad(v, "%u arguments, %u locals, %u registers", v->code->nargs_total,
                   v->code->nlocals, v->code->nregs);
    if (find_starts(v) < 0 || check_handlers(v) < 0 || find_meetings(v) < 0)
        return -1;
    return follow_all(v);
}

int
vm_verify(const VmCode *code, char *why, size_t n)
{
    Verify v = {.code = code, .why = why, .room = n, .words = code->nregs / 64 + 1u};
    if (code->refused != NULL)
        return 0;                                       /* never run */
    int status = verify(&v);
    PyMem_Free(v.starts);
    PyMem_Free(v.meeting);
    PyMem_Free(v.known);
    PyMem_Free(v.work);
    PyMem_Free(v.states);
    PyMem_Free(v.now);
    PyMem_Free(v.other);
    return status;
}
