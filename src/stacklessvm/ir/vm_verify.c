/* Is a VmCode well-formed?  What the interpreter and the unwinder take for granted, checked
 * from the table of vm_ops.def:
 *
 *  - all is in range (vm_bounds.c);
 *  - by data flow over all ways, exceptional ones too: a temporary is written when it is
 *    dead, read when it holds a value, consumed once, and every way to an instruction
 *    brings the same temporaries; locals that are read are bound;
 *  - where an instruction may raise or run code, its map says exactly which temporaries
 *    hold values once its operands are consumed.
 *
 * A state is a bit per register: the local is certainly bound, the temporary holds a value.
 */
#include "ir/vm_check.h"

typedef struct {
    VmCheck at;             /* the instruction being followed */
    uint8_t *starts;        /* pc -> an instruction begins here: STRAIGHT or MEETING */
    uint32_t *meeting;      /* pc of a MEETING -> its number */
    uint64_t *states;       /* per meeting, what holds before it */
    uint8_t *known;         /* meeting -> 1: states has it; 2: and it waits in work */
    uint32_t *work;         /* pcs to look at (again) */
    uint32_t n_work, n_meetings;
    uint64_t *now, *other;  /* the state being followed; one for edges */
    unsigned words;         /* of a state */
    int64_t on;             /* where control goes on with `now`, or -1 */
} Verify;

#define bad(v, ...) vm_check_failed(&(v)->at, __VA_ARGS__)

/* As vm_bounds() marks them: control comes to a STRAIGHT instruction from the one before only. */
enum { STRAIGHT = VM_STARTS,
       MEETING = VM_STARTS | VM_TARGET };

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
    unsigned first = v->at.code->nlocals, r = 64 * i;
    if (first >= r + 64)
        return 0;
    return first <= r ? state[i] : state[i] & ~(uint64_t)0 << (first - r);
}

static unsigned                                         /* register of stack slot i */
home(Verify *v, unsigned i)
{
    return v->at.code->nlocals + i;
}

static int
is_temp(Verify *v, unsigned r)
{
    return r >= v->at.code->nlocals;
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
                       64 * i + (unsigned)__builtin_ctzll(temps) - v->at.code->nlocals, to);
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
    return r < v->at.code->nregs ? 0 : bad(v, "register %u of %u", r, v->at.code->nregs);
}

static int
check_holds(Verify *v, unsigned r)
{
    if (check_register(v, r) < 0)
        return -1;
    if (has(v->now, r))
        return 0;
    if (is_temp(v, r))
        return bad(v, "reads t%u, which holds nothing", r - v->at.code->nlocals);
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
        return bad(v, "overwrites t%u, which holds a value", r - v->at.code->nlocals);
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
    int op = v->at.insn->op, flags = vm_op_flags(op);
    int local = !is_temp(v, v->at.insn->a);
    int wants_local = op == VM_MOVT || op == VM_UNBIND || op == VM_NEWCELL
                      || (op > 0 && vm_op_flags(op - 1) & VM_DST);
    if (!(flags & VM_ANYDST) && local != wants_local)
        return bad(v, local ? "writes a local as a temporary" : "writes a temporary as a local");
    return write_register(v, v->at.insn->a);
}

/* -- operands -------------------------------------------------------------------------------- */

/* P operands hold something, unless they may be unbound or absent. */
static int
check_peeked(Verify *v)
{
    const VmInsn *insn = v->at.insn;
    const uint8_t *letters = vm_operands[insn->op].field;
    if (insn->op == VM_CHK)
        return 0;
    for (int i = 0; i < 3; i++) {
        unsigned r = vm_field(insn, i);
        int absent = r == VM_NO_REG && (insn->op == VM_DMRG || insn->op == VM_RERAISE);
        if (letters[i] == 'P' && !absent && check_holds(v, r) < 0)
            return -1;
    }
    return 0;
}

static int
consume_list(Verify *v)
{
    const VmInsn *list = v->at.insn + 1;
    for (unsigned i = 0; i < list->op; i++) {
        uint16_t x = vm_list_get(list, i);
        if (!(x & VM_OPERAND_CONST) && consume(v, x) < 0)
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
    const VmInsn *insn = v->at.insn;
    const uint8_t *letters = vm_operands[insn->op].field;
    int reads = vm_operands[insn->op].reads;
    for (int i = 0; i < 3; i++) {
        int status = 0;
        unsigned r = vm_field(insn, i);
        if (letters[i] == 'W' && reads & R_W)
            status = consume_window(v, r, vm_window_size(insn));
        else if (reads & 1 << i && letters[i] != 'P' && insn->op != VM_TAKE)
            status = keeps(insn) ? check_holds(v, r) : consume(v, r);
        if (status < 0)
            return -1;
    }
    return reads & R_X ? consume_list(v) : 0;
}

static int
write_results(Verify *v)
{
    const VmInsn *insn = v->at.insn;
    switch ((VmWrites)vm_operands[insn->op].writes) {
    case W_0: break;
    case W_A:
        if (write_destination(v) < 0)
            return -1;
        break;
    case W_AA:
    case W_W2: return write_window(v, insn->a, 2);
    case W_W: return write_window(v, insn->a, vm_window_size(insn));
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
        set(v->now, v->at.code->nlocals - 1 - i, 1);
    return 0;
}

/* -- maps ---------------------------------------------------------------------------------------- */

/* Before the operands are consumed: what CPython's stack has. */
static int
check_map(Verify *v)
{
    const uint16_t *map = vm_code_map(v->at.code, v->at.insn);
    for (unsigned i = 0; i < map[0]; i++) {
        unsigned place = map[2 + i];
        if (place < v->at.code->nlocals && !has(v->now, place))
            return bad(v, "map: slot %u stands for local %u, which may be unbound", i, place);
    }
    return 0;
}

/* After: the temporaries that are left are what the unwinder releases. */
static int
check_left(Verify *v)
{
    const uint16_t *map = vm_code_map(v->at.code, v->at.insn);
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
    const VmHandler *h = vm_code_handler(v->at.code, vm_code_word(v->at.code, v->at.insn));
    if (h == NULL)
        return 0;
    memcpy(v->other, v->now, v->words * sizeof(uint64_t));
    if (v->at.insn->op == VM_UNBIND)
        set(v->other, v->at.insn->a, 0);
    else if (v->at.insn->op == VM_YIELD)                   /* throw() leaves None as the sent value */
        set(v->other, v->at.insn->a, 1);
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
    return flow(v, (uint32_t)((int64_t)v->at.pc + offset), v->now);
}

/* Without a jump, to the next instruction. */
static int
flow_next(Verify *v)
{
    uint32_t to = v->at.pc + (uint32_t)vm_op_words(v->at.insn);
    if (to >= v->at.code->n_insns)
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
    const VmInsn *insn = v->at.insn;
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
    const VmInsn *insn = v->at.insn;
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
    if (!is_temp(v, v->at.insn->a))
        return bad(v, "keeps a local");
    int status = flow_jump(v, vm_op_jump(v->at.insn, 0));
    set(v->now, v->at.insn->a, 0);
    return status;
}

static int
flow_on(Verify *v)
{
    const VmInsn *insn = v->at.insn;
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
                       64 * i + (unsigned)__builtin_ctzll(held) - v->at.code->nlocals);
    }
    return 0;
}

static int
follow(Verify *v)
{
    int op = v->at.insn->op, mapped = vm_op_flags(op) & (VM_RAISES | VM_BOUNDARY);
    if (mapped && check_map(v) < 0)
        return -1;
    if (check_peeked(v) < 0 || consume_operands(v) < 0)
        return -1;
    if (mapped && check_left(v) < 0)
        return -1;
    if (may_raise(v->at.insn) && flow_to_handler(v) < 0)
        return -1;
    if ((op == VM_RET || op == VM_RETK) && check_nothing_left(v) < 0)
        return -1;
    return flow_on(v);
}

/* -- the whole code ----------------------------------------------------------------------------------- */

/* Number the places that are jumped to. */
static void
number_meetings(Verify *v)
{
    for (uint32_t pc = 0; pc < v->at.code->n_insns; pc++) {
        if (v->starts[pc] == MEETING)
            v->meeting[pc] = v->n_meetings++;
    }
}

/* From a meeting to where control can only go to others. */
static int
follow_from(Verify *v, uint32_t pc)
{
    uint32_t number = v->meeting[pc];
    memcpy(v->now, v->states + (size_t)number * v->words, v->words * sizeof(uint64_t));
    v->known[number] = 1;
    for (v->on = pc; v->on >= 0;) {
        v->at.pc = (uint32_t)v->on;
        v->at.insn = v->at.code->insns + v->at.pc;
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
    for (unsigned i = 0; i < v->at.code->nargs_total; i++)
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
    uint32_t n = v->at.code->n_insns;
    v->starts = PyMem_Calloc(n + 1, 1);
    v->meeting = PyMem_Calloc(n + 1, sizeof(uint32_t));
    v->now = PyMem_Calloc(v->words, sizeof(uint64_t));
    v->other = PyMem_Calloc(v->words, sizeof(uint64_t));
    if (!v->starts || !v->meeting || !v->now || !v->other)
        return bad(v, "out of memory");
    if (vm_bounds(&v->at, v->starts) < 0)
        return -1;
    number_meetings(v);
    return follow_all(v);
}

int
vm_verify(const VmCode *code, char *why, size_t n)
{
    Verify v = {
        .at = {.code = code, .why = why, .room = n},
        .words = code->nregs / 64 + 1u,
    };
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
