/* Making leaves (vm_leaf.h): a function's instructions, and those of the leaves it calls, become one
 * run of instructions on slots.
 *
 * Every result gets a slot of its own, and a register is only a name for the slot of its value
 * meanwhile.  Where ways meet, each has moved the values to the registers' homes.  Which function a
 * call is of is what its site has seen; the run looks whether it still is.
 */
#include "vm/vm_leaf.h"

#include "vm/vm_attr.h"
#include "vm/vm_builtin.h"
#include "vm/vm_ic.h"

#define MAX_WORDS 384
#define MAX_SLOTS 160
#define NO_SLOT 0xFFFFu
#define STAR_SLOT 0xFFFEu       /* the tuple of *: never made, only its items have slots */

typedef struct {
    unsigned n, n_slots;
    int failed;
    int branched;                       /* what comes now is not in every run */
    VmInsn insns[MAX_WORDS];
    VmWord slots[MAX_SLOTS];
    uint8_t constant[MAX_SLOTS];
    PyObject *seen[MAX_SLOTS];          /* what it holds in the call at hand, or NULL: not known; borrowed */
} Maker;

typedef struct {
    uint16_t insn, target;
} Jump;

/* One function of it. */
typedef struct Part {
    Maker *m;
    PyFunctionObject *func;
    VmCode *code;
    unsigned func_slot, depth;
    const struct Part *caller;
    uint16_t slot[VM_LEAF_REGS], home[VM_LEAF_REGS];
    uint16_t items[VM_LEAF_ARGS];          /* slots of the items of * */
    uint16_t n_items, result;
    uint16_t n_returns, n_jumps;
    int reachable;
    uint32_t fixed;                     /* parameters that nothing is stored to */
    uint32_t cells;                     /* registers that FREEV has set */
    Jump jumps[VM_LEAF_WORDS];
} Part;

typedef enum { COPY,
               MOVE,
               TAKE,
               SWAP,
               CLEAR,
               CONSTANT,
               OBJECT,
               DROP,
               CHECK,
               GLOBAL,
               CELL,
               CLOSURE,
               ATTRIBUTE,
               METHOD,
               BINARY,
               IMMEDIATE,
               UNARY,
               BRANCH,
               BRANCH_IMMEDIATE,
               CALL,
               RETURN,
               RETURN_CONSTANT,
               JUMP,
               TEST,
               KEEPING_TEST } How;

static const struct {
    uint8_t how, op;
} plan[VM_OP_COUNT] = {
#define LEAF(NAME, HOW, OP) [VM_##NAME] = {HOW, LEAF_##OP},
    VM_LEAF_OPS(LEAF)
#undef LEAF
};

/* -- slots and instructions ------------------------------------------------------------------- */

static unsigned
new_slot(Maker *m)
{
    if (m->n_slots == MAX_SLOTS) {
        m->failed = 1;
        return 0;
    }
    m->slots[m->n_slots] = VM_NULL;
    m->constant[m->n_slots] = 0;
    m->seen[m->n_slots] = NULL;
    return m->n_slots++;
}

static unsigned
constant_slot(Maker *m, VmWord w)
{
    for (unsigned i = 0; i < m->n_slots; i++) {
        if (m->constant[i] && m->slots[i] == w)
            return i;
    }
    unsigned slot = new_slot(m);
    m->slots[slot] = w;
    m->constant[slot] = 1;
    return slot;
}

/* The instruction's index. */
static unsigned
emit(Maker *m, VmLeafOp op, unsigned a, unsigned b, unsigned c)
{
    if (m->n == MAX_WORDS) {
        m->failed = 1;
        return 0;
    }
    m->insns[m->n] = (VmInsn){(uint16_t)op, (uint16_t)a, (uint16_t)b, (uint16_t)c};
    return m->n++;
}

static void
emit_word(Maker *m, uint64_t word)
{
    unsigned i = emit(m, 0, 0, 0, 0);
    memcpy(&m->insns[i], &word, sizeof word);
}

/* An instruction whose result is the register's value from now on.  -> its slot */
static unsigned
emit_result(Part *p, VmLeafOp op, unsigned reg, unsigned b, unsigned c)
{
    unsigned slot = new_slot(p->m);
    emit(p->m, op, slot, b, c);
    p->slot[reg] = (uint16_t)slot;
    return slot;
}

static int
is_star(const Part *p, unsigned operand)
{
    return operand < VM_LEAF_REGS && p->slot[operand] == STAR_SLOT;
}

static unsigned
slot_of(Part *p, unsigned reg)
{
    unsigned slot = reg < VM_LEAF_REGS ? p->slot[reg] : NO_SLOT;
    if (slot < STAR_SLOT)
        return slot;
    p->m->failed = 1;           /* the tuple is needed, or no compiler made this code */
    return 0;
}

/* The slot of an operand, consumed when it is a temporary. */
static unsigned
use(Part *p, unsigned reg)
{
    unsigned slot = slot_of(p, reg);
    if (reg >= p->code->nlocals && !p->m->failed)
        p->slot[reg] = NO_SLOT;
    return slot;
}

static unsigned
use_operand(Part *p, unsigned operand)
{
    return operand & VM_OPERAND_CONST
               ? constant_slot(p->m, p->code->consts[operand & ~VM_OPERAND_CONST])
               : use(p, operand);
}

/* -- where ways part and meet ------------------------------------------------------------------ */

static int
has_home(const Part *p, unsigned reg)
{
    return !(p->fixed >> reg & 1);
}

/* Every value to its register's home, from where other registers have theirs they take it away first. */
static void
go_home(Part *p)
{
    unsigned n = p->code->nregs;
    for (unsigned r = 0; r < n; r++) {
        if (!has_home(p, r) || p->slot[r] == NO_SLOT || p->slot[r] == p->home[r])
            continue;
        if (p->home[r] == NO_SLOT)
            p->home[r] = (uint16_t)new_slot(p->m);
        for (unsigned s = 0; s < n; s++) {
            if (s != r && p->slot[s] == p->home[r])
                emit_result(p, LEAF_MOV, s, p->home[r], 0);
        }
        emit(p->m, LEAF_MOV, p->home[r], p->slot[r], 0);
        p->m->seen[p->home[r]] = p->m->seen[p->slot[r]];
        p->slot[r] = p->home[r];
    }
}

static void
jump_to(Part *p, unsigned insn, unsigned target)
{
    if (p->n_jumps == VM_LEAF_WORDS)
        p->m->failed = 1;
    else
        p->jumps[p->n_jumps++] = (Jump){(uint16_t)insn, (uint16_t)target};
}

/* The code's word `pc` begins here: jumps to it arrive. */
static void
arrive(Part *p, unsigned pc)
{
    int met = 0;
    for (unsigned i = 0; i < p->n_jumps; i++)
        met |= p->jumps[i].target == pc;
    if (!met)
        return;
    if (p->reachable)
        go_home(p);
    p->reachable = 1;
    for (unsigned r = 0; r < p->code->nregs; r++) {
        if (has_home(p, r))
            p->slot[r] = p->home[r];
    }
    for (unsigned i = 0; i < p->n_jumps; i++) {
        Jump *jump = &p->jumps[i];
        if (jump->target == pc)
            p->m->insns[jump->insn].c = (uint16_t)(p->m->n - jump->insn);
    }
}

/* -- functions ----------------------------------------------------------------------------------- */

static void translate(Part *p);

/* Registers of parameters that some instruction stores to. */
static uint32_t
stored_parameters(const VmCode *code)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < code->n_insns; i += (uint32_t)vm_op_words(&code->insns[i])) {
        const VmInsn *ip = &code->insns[i];
        char first = vm_op_format(ip->op)[0];
        if ((first == 'D' || first == 'W') && ip->a < code->nargs_total)
            found |= 1u << ip->a;
        if (plan[ip->op].how == TAKE && ip->b < code->nargs_total)
            found |= 1u << ip->b;
    }
    return found;
}

static unsigned
count_returns(const VmCode *code)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < code->n_insns; i += (uint32_t)vm_op_words(&code->insns[i]))
        count += plan[code->insns[i].op].how == RETURN || plan[code->insns[i].op].how == RETURN_CONSTANT;
    return count;
}

/* Its parameters are named by the caller. */
static void
begin(Part *p, Maker *m, const Part *caller, PyFunctionObject *func, VmCode *code, unsigned func_slot)
{
    unsigned depth = caller == NULL ? 0 : caller->depth + 1;
    *p = (Part){.m = m, .caller = caller, .func = func, .code = code, .func_slot = func_slot, .depth = depth, .reachable = 1};
    p->n_returns = (uint16_t)count_returns(code);
    p->fixed = ((1u << code->nargs_total) - 1) & ~stored_parameters(code);
    unsigned unbound = constant_slot(m, VM_NULL);
    for (unsigned r = 0; r < VM_LEAF_REGS; r++) {
        p->slot[r] = (uint16_t)(r < code->nlocals ? unbound : NO_SLOT);
        p->home[r] = NO_SLOT;
    }
    if (code->has_star)
        p->slot[code->nargs_total - 1] = STAR_SLOT;
    if (depth > 0 && p->n_returns > 1)
        p->result = (uint16_t)new_slot(m);
}

static void
fill_with_default(Part *p, unsigned parameter)
{
    if (parameter < p->code->argcount)
        emit_result(p, LEAF_DEFAULT, parameter, p->func_slot, p->code->argcount - parameter);
    else if (!is_star(p, parameter))
        p->m->failed = 1;       /* a keyword's */
}

/* The n-th argument by position. */
static void
give(Part *p, unsigned n, unsigned slot)
{
    if (n < p->code->argcount)
        p->slot[n] = (uint16_t)slot;
    else if (p->n_items < VM_LEAF_ARGS)
        p->items[p->n_items++] = (uint16_t)slot;
    else
        p->m->failed = 1;
}

/* A call that runs give up at; when they all get there, it is no leaf. */
static void
cannot_call(Part *p)
{
    if (!p->m->branched)
        p->m->failed = 1;
    emit(p->m, LEAF_FAIL, 0, 0, 0);
    p->reachable = 0;
}

static int
is_leaf_call(const Part *p, const VmCode *code, size_t n)
{
    if (code == NULL || !code->leaf || (n > code->argcount && !code->has_star) || p->depth == LEAF_DEPTH)
        return 0;
    for (const Part *part = p; part != NULL; part = part->caller) {
        if (part->code == code)         /* its depth is its own business */
            p->m->failed = 1;
    }
    return 1;
}

/* The site at ip calls func. */
static void
call_function(Part *p, const VmInsn *ip, unsigned callee, unsigned self, PyFunctionObject *func)
{
    Maker *m = p->m;
    unsigned first = self != NO_SLOT, n = ip[1].op;
    VmCode *code = vm_code_peek((PyCodeObject *)func->func_code);
    if (!is_leaf_call(p, code, first + n)) {
        cannot_call(p);
        return;
    }
    unsigned expected = constant_slot(m, vm_from_ptr((PyObject *)func));
    emit(m, LEAF_CALLEE, callee, expected, 0);
    emit_word(m, (uintptr_t)code);
    emit_word(m, code->serial);
    Part called;
    begin(&called, m, p, func, code, expected);
    if (first)
        give(&called, 0, self);
    for (unsigned i = 0; i < n; i++)
        give(&called, first + i, use_operand(p, vm_list_get(ip + 1, i)));
    for (unsigned i = first + n; i < code->nargs_total; i++)
        fill_with_default(&called, i);
    translate(&called);
    p->slot[ip->a] = called.result;
}

static void
call_builtin(Part *p, const VmInsn *ip, unsigned callee, unsigned self, const VmBuiltin *builtin)
{
    Maker *m = p->m;
    unsigned first = self != NO_SLOT, n = ip[1].op, args[1 + VM_LEAF_ARGS];
    if (n > VM_LEAF_ARGS) {
        m->failed = 1;
        return;
    }
    emit(m, LEAF_EXPECT, callee, constant_slot(m, vm_from_ptr(builtin->callable)), 0);
    if (builtin->callable == vm_known.len && n == 1 && is_star(p, vm_list_get(ip + 1, 0))) {
        p->slot[ip->a] = (uint16_t)constant_slot(m, vm_from_int(p->n_items));
        return;
    }
    if (first)
        args[0] = self;
    for (unsigned i = 0; i < n; i++)
        args[first + i] = use_operand(p, vm_list_get(ip + 1, i));
    unsigned window = m->n_slots;
    for (unsigned i = 0; i < first + n; i++)
        emit(m, LEAF_MOV, new_slot(m), args[i], 0);
    emit_result(p, LEAF_BUILTIN, ip->a, window, first + n);
    emit_word(m, (uintptr_t)builtin);
}

static void
translate_call(Part *p, const VmInsn *ip)
{
    unsigned callee = use(p, ip->b);
    unsigned self = ip->op == VM_CALLM ? use(p, ip->b + 1u) : NO_SLOT;
    if (self != NO_SLOT && p->m->constant[self] && p->m->slots[self] == VM_NULL)
        p->m->failed = 1;       /* no pair that GETM found */
    PyObject *seen = p->m->failed ? NULL : p->m->seen[callee];
    const VmBuiltin *builtin = seen == NULL ? NULL : vm_builtin(seen);
    if (seen != NULL && PyFunction_Check(seen))
        call_function(p, ip, callee, self, (PyFunctionObject *)seen);
    else if (builtin != NULL && builtin->pure)
        call_builtin(p, ip, callee, self, builtin);
    else
        cannot_call(p);
}

/* -- instructions ---------------------------------------------------------------------------------- */

static void
return_slot(Part *p, unsigned slot, int last)
{
    p->reachable = 0;
    if (p->depth == 0)
        emit(p->m, LEAF_RET, slot, 0, 0);
    else if (p->n_returns == 1)
        p->result = (uint16_t)slot;
    else
        emit(p->m, LEAF_MOV, p->result, slot, 0);
    if (p->depth > 0 && !last)
        jump_to(p, emit(p->m, LEAF_J, 0, 0, 0), p->code->n_insns);
}

static void
load_global(Part *p, const VmInsn *ip)
{
    VmCache *c = &p->code->caches[ip->c];
    unsigned slot = emit_result(p, LEAF_LDG, ip->a, p->func_slot, 0);
    emit_word(p->m, (uintptr_t)c);
    p->m->seen[slot] = vm_global_seen(c, p->func);
}

static void
load_attribute(Part *p, const VmInsn *ip)
{
    VmCache *c = &p->code->caches[ip->c];
    unsigned object = use(p, ip->b), slot = emit_result(p, LEAF_GETA, ip->a, object, 0);
    emit_word(p->m, (uintptr_t)c);
    if (p->m->seen[object] != NULL)
        p->m->seen[slot] = vm_leaf_attribute(c, vm_from_ptr(p->m->seen[object]));
}

static void
load_method(Part *p, const VmInsn *ip)
{
    VmCache *c = &p->code->caches[ip->c];
    unsigned self = use(p, ip->b);
    unsigned slot = emit_result(p, LEAF_GETM, ip->a, self, 0);
    emit_word(p->m, (uintptr_t)c);
    if (p->m->seen[self] != NULL)
        p->m->seen[slot] = vm_method_of_row(c, p->m->seen[self]);
    if (ip->a + 1u < VM_LEAF_REGS)
        p->slot[ip->a + 1] = (uint16_t)self;
}

static void
load_closure(Part *p, const VmInsn *ip)
{
    PyObject *closure = p->func->func_closure;
    if (closure == NULL || PyTuple_GET_SIZE(closure) != ip->a || ip->a > p->code->nlocals) {
        p->m->failed = 1;
        return;
    }
    for (unsigned i = 0; i < ip->a; i++) {
        unsigned reg = p->code->nlocals - ip->a + i;
        emit_result(p, LEAF_FREEV, reg, p->func_slot, i);
        p->cells |= 1u << reg;
    }
}

static void
load_cell(Part *p, const VmInsn *ip)
{
    if (!(p->cells >> ip->b & 1) || p->func->func_closure == NULL) {
        p->m->failed = 1;
        return;
    }
    unsigned i = ip->b - (p->code->nlocals - (unsigned)PyTuple_GET_SIZE(p->func->func_closure));
    unsigned slot = emit_result(p, LEAF_LDC, ip->a, slot_of(p, ip->b), 0);
    p->m->seen[slot] = PyCell_GET(PyTuple_GET_ITEM(p->func->func_closure, i));
}

/* An item of the tuple of *. */
static void
load_item_of_star(Part *p, const VmInsn *ip)
{
    int at = (int16_t)ip->c, i = at < 0 ? at + p->n_items : at;
    if (i < 0 || i >= p->n_items)
        cannot_call(p);
    else
        p->slot[ip->a] = p->items[i];
}

static void
check_bound(Part *p, unsigned reg)
{
    unsigned slot = slot_of(p, reg);
    if (slot == p->home[reg] || p->m->slots[slot] == VM_NULL)
        emit(p->m, LEAF_CHK, slot, 0, 0);
}

static void
swap(Part *p, unsigned a, unsigned b)
{
    unsigned slot = slot_of(p, a);
    p->slot[a] = (uint16_t)slot_of(p, b);
    p->slot[b] = (uint16_t)slot;
}

/* A jump when the comparison or test of slots a and b says so. */
static void
branch(Part *p, VmLeafOp op, unsigned a, unsigned b, const VmInsn *ip)
{
    unsigned pc = (unsigned)(ip - p->code->insns);
    jump_to(p, emit(p->m, op, a, b, 0), pc + (unsigned)vm_op_jump(ip, 0));
}

static void
translate_branch(Part *p, const VmInsn *ip)
{
    VmLeafOp op = plan[ip->op].op;
    unsigned a = 0, b = 0;
    go_home(p);
    switch (plan[ip->op].how) {
    case BRANCH:
        a = use(p, ip->a);
        b = use(p, ip->b);
        break;
    case BRANCH_IMMEDIATE:
        a = use(p, ip->a);
        b = constant_slot(p->m, vm_from_int((int16_t)ip->b));
        break;
    case TEST: a = use(p, ip->a); break;
    case KEEPING_TEST: a = slot_of(p, ip->a); break;
    default: p->reachable = 0; break;
    }
    p->m->branched |= p->reachable;
    branch(p, op, a, b, ip);
}

static void
translate_move(Part *p, const VmInsn *ip)
{
    const VmCode *code = p->code;
    unsigned slot = NO_SLOT;
    switch (plan[ip->op].how) {
    case COPY: slot = slot_of(p, ip->b); break;
    case MOVE: slot = use(p, ip->b); break;
    case TAKE:
        slot = slot_of(p, ip->b);
        p->slot[ip->b] = (uint16_t)constant_slot(p->m, VM_NULL);
        break;
    case CLEAR: slot = constant_slot(p->m, VM_NULL); break;
    case CONSTANT: slot = constant_slot(p->m, code->consts[ip->b]); break;
    default:
        slot = constant_slot(p->m, vm_from_ptr(PyTuple_GET_ITEM(code->co->co_consts, ip->b)));
        break;
    }
    p->slot[ip->a] = (uint16_t)slot;
}

static void
translate_insn(Part *p, const VmInsn *ip, int last)
{
    Maker *m = p->m;
    VmLeafOp op = plan[ip->op].op;
    unsigned b, c;
    switch ((How)plan[ip->op].how) {
    case COPY:
    case MOVE:
    case TAKE:
    case CLEAR:
    case CONSTANT:
    case OBJECT: translate_move(p, ip); break;
    case SWAP: swap(p, ip->a, ip->b); break;
    case DROP: use(p, ip->a); break;
    case CHECK: check_bound(p, ip->a); break;
    case GLOBAL: load_global(p, ip); break;
    case CELL: load_cell(p, ip); break;
    case CLOSURE: load_closure(p, ip); break;
    case ATTRIBUTE: load_attribute(p, ip); break;
    case METHOD: load_method(p, ip); break;
    case BINARY:
        b = use(p, ip->b);
        c = use(p, ip->c);
        emit_result(p, op, ip->a, b, c);
        break;
    case IMMEDIATE:
        if (op == LEAF_GETI && is_star(p, ip->b)) {
            load_item_of_star(p, ip);
            break;
        }
        b = use(p, ip->b);
        emit_result(p, op, ip->a, b, constant_slot(m, vm_from_int((int16_t)ip->c)));
        break;
    case UNARY: emit_result(p, op, ip->a, use(p, ip->b), 0); break;
    case BRANCH:
    case BRANCH_IMMEDIATE:
    case JUMP:
    case TEST:
    case KEEPING_TEST: translate_branch(p, ip); break;
    case CALL: translate_call(p, ip); break;
    case RETURN: return_slot(p, use(p, ip->a), last); break;
    case RETURN_CONSTANT: return_slot(p, constant_slot(m, p->code->consts[ip->a]), last); break;
    }
}

static void
translate(Part *p)
{
    VmCode *code = p->code;
    for (uint32_t pc = 0; pc < code->n_insns && !p->m->failed;) {
        const VmInsn *ip = &code->insns[pc];
        uint32_t next = pc + (uint32_t)vm_op_words(ip);
        arrive(p, pc);
        if (p->reachable)
            translate_insn(p, ip, next == code->n_insns);
        pc = next;
    }
    arrive(p, code->n_insns);
}

/* -- the whole ------------------------------------------------------------------------------------ */

/* Arguments in registers get the first slots: first those that stay, then the temporaries.
   0, or -1: too many */
static int
take_arguments(VmLeaf *head, const VmLeafArg *args, uint16_t *slots)
{
    unsigned n = 0;
    for (unsigned kind = GIVEN_REGISTER; kind <= GIVEN_TEMPORARY; kind++) {
        for (unsigned i = 0; i < VM_LEAF_GIVEN; i++) {
            if ((unsigned)args[i].kind != kind)
                continue;
            if (n == VM_LEAF_ARGS)
                return -1;
            head->from[n] = args[i].reg;
            slots[i] = (uint16_t)n++;
        }
        if (kind == GIVEN_REGISTER)
            head->n_kept = (uint8_t)n;
    }
    head->n_args = (uint8_t)n;
    return 0;
}

/* The parameters' values. */
static void
give_arguments(Part *p, const VmLeafArg *args, const uint16_t *slots)
{
    for (unsigned i = 0; i < VM_LEAF_GIVEN; i++) {
        unsigned slot = args[i].kind == GIVEN_CONSTANT ? constant_slot(p->m, args[i].word) : slots[i];
        if (args[i].kind >= GIVEN_REGISTER && vm_is_obj(args[i].word))
            p->m->seen[slot] = vm_ptr(args[i].word);
        if (args[i].kind == GIVEN_NOTHING) {
            if (i < p->code->nargs_total)
                fill_with_default(p, i);
        }
        else if (i < p->code->nargs_total)
            p->slot[i] = (uint16_t)slot;
        else
            give(p, i, slot);
    }
}

static VmLeaf *
finished(const Maker *m, const VmLeaf *head)
{
    VmLeaf *leaf = PyMem_Malloc(sizeof *leaf + m->n_slots * sizeof(VmWord) + m->n * sizeof(VmInsn));
    if (leaf == NULL)
        return NULL;
    *leaf = *head;
    memcpy(leaf->slots, m->slots, m->n_slots * sizeof(VmWord));
    VmInsn *insns = (VmInsn *)(leaf->slots + m->n_slots);
    memcpy(insns, m->insns, m->n * sizeof(VmInsn));
    leaf->insns = insns;
    return leaf;
}

VmLeaf *
vm_leaf_make(PyFunctionObject *func, VmCode *code, const VmLeafArg *args, int callee_goes)
{
    VmLeaf head = {.serial = code->serial, .callee_goes = (uint8_t)callee_goes};
    uint16_t slots[VM_LEAF_GIVEN] = {0};
    Maker m;
    Part p;
    if (take_arguments(&head, args, slots) < 0)
        return NULL;
    m.n = m.n_slots = 0;
    m.failed = m.branched = 0;
    for (unsigned i = 0; i <= VM_LEAF_ARGS; i++)
        new_slot(&m);
    begin(&p, &m, NULL, func, code, VM_LEAF_ARGS);
    give_arguments(&p, args, slots);
    translate(&p);
    return m.failed ? NULL : finished(&m, &head);
}
