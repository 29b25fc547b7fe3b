/* Making leaves (vm_leaf.h): a function's instructions, and those of the leaves it calls, become one
 * run of instructions on slots (vm_leaf_maker.h).
 *
 * Which function a call is of is what its site has seen; the run looks whether it still is.
 */
#include "vm/vm_leaf_maker.h"

#include "vm/vm_attr.h"
#include "vm/vm_builtin.h"
#include "vm/vm_ic.h"

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
               STORE,
               GATHER,
               UNPACK,
               ITEM,
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
    memset(p, 0, offsetof(Part, jumps));
    p->m = m;
    p->caller = caller;
    p->func = func;
    p->code = code;
    p->func_slot = func_slot;
    p->depth = depth;
    p->reachable = 1;
    p->n_returns = (uint16_t)count_returns(code);
    p->fixed = ((1u << code->nargs_total) - 1) & ~stored_parameters(code);
    unsigned unbound = vm_maker_constant(m, VM_NULL);
    for (unsigned r = 0; r < VM_LEAF_REGS; r++) {
        p->slot[r] = (uint16_t)(r < code->nlocals ? unbound : NO_SLOT);
        p->home[r] = NO_SLOT;
    }
    if (code->has_star)
        p->slot[code->nargs_total - 1] = p->star = (uint16_t)vm_maker_group(m, GROUP_TUPLE);
    if (depth > 0 && p->n_returns > 1)
        p->result = (uint16_t)vm_maker_slot(m);
}

static void
fill_with_default(Part *p, unsigned parameter)
{
    if (parameter < p->code->argcount)
        vm_part_emit(p, LEAF_DEFAULT, parameter, p->func_slot, p->code->argcount - parameter);
    else if (p->slot[parameter] != p->star || !p->code->has_star)
        p->m->failed = 1;       /* a keyword's */
}

/* The n-th argument by position: its name. */
static void
give(Part *p, unsigned n, unsigned name)
{
    if (n < p->code->argcount)
        p->slot[n] = (uint16_t)name;
    else
        vm_maker_add(p->m, p->star, name);
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
        vm_part_give_up(p);
        return;
    }
    unsigned expected = vm_maker_constant(m, vm_from_ptr((PyObject *)func));
    vm_maker_emit(m, LEAF_CALLEE, callee, expected, 0);
    vm_maker_emit_word(m, (uintptr_t)code);
    vm_maker_emit_word(m, code->serial);
    Part called;
    begin(&called, m, p, func, code, expected);
    if (first)
        give(&called, 0, self);
    for (unsigned i = 0; i < n; i++)
        give(&called, first + i, vm_part_use_name(p, vm_list_get(ip + 1, i)));
    for (unsigned i = first + n; i < code->nargs_total; i++)
        fill_with_default(&called, i);
    translate(&called);
    p->slot[ip->a] = called.result;
}

static void
call_builtin(Part *p, const VmInsn *ip, unsigned callee, unsigned self, const VmBuiltin *builtin)
{
    Maker *m = p->m;
    unsigned first = self != NO_SLOT, n = ip[1].op, args[1 + VM_LEAF_ARGS] = {self};
    if (n > VM_LEAF_ARGS) {
        m->failed = 1;
        return;
    }
    vm_maker_emit(m, LEAF_EXPECT, callee, vm_maker_constant(m, vm_from_ptr(builtin->callable)), 0);
    for (unsigned i = 0; i < n; i++)
        args[first + i] = vm_part_use_name(p, vm_list_get(ip + 1, i));
    const Group *group = vm_maker_group_of(m, args[0]);
    if (builtin->callable == vm_known.len && n == 1 && !first && group != NULL
        && group->kind != GROUP_CHOICE) {
        p->slot[ip->a] = (uint16_t)vm_maker_constant(m, vm_from_int(group->n));
        return;
    }
    unsigned window = m->n_slots;
    for (unsigned i = 0; i < first + n; i++) {
        m->failed |= IS_GROUP(args[i]);
        vm_maker_emit(m, LEAF_MOV, vm_maker_slot(m), args[i], 0);
    }
    vm_part_emit(p, LEAF_BUILTIN, ip->a, window, first + n);
    vm_maker_emit_word(m, (uintptr_t)builtin);
}

static void
translate_call(Part *p, const VmInsn *ip)
{
    unsigned callee = vm_part_use(p, ip->b);
    unsigned self = ip->op == VM_CALLM ? vm_part_use(p, ip->b + 1u) : NO_SLOT;
    if (self != NO_SLOT && p->m->constant[self] && p->m->slots[self] == VM_NULL)
        p->m->failed = 1;       /* no pair that GETM found */
    PyObject *seen = p->m->failed ? NULL : p->m->seen[callee];
    const VmBuiltin *builtin = seen == NULL ? NULL : vm_builtin(seen);
    if (seen != NULL && PyFunction_Check(seen))
        call_function(p, ip, callee, self, (PyFunctionObject *)seen);
    else if (builtin != NULL && builtin->pure)
        call_builtin(p, ip, callee, self, builtin);
    else
        vm_part_give_up(p);
}

/* -- instructions ---------------------------------------------------------------------------------- */

static void
return_value(Part *p, unsigned name, int last)
{
    p->reachable = 0;
    if (p->depth == 0)
        vm_part_return(p, name);
    else if (p->n_returns == 1)
        p->result = (uint16_t)name;
    else {
        p->m->failed |= IS_GROUP(name);
        vm_maker_emit(p->m, LEAF_MOV, p->result, name, 0);
        vm_maker_stores_go_home(p->m);
    }
    if (p->depth > 0 && !last)
        vm_part_jump(p, vm_maker_emit(p->m, LEAF_J, 0, 0, 0), p->code->n_insns);
    else if (p->depth > 0)
        p->reachable = 1;       /* the end is what comes next */
}

static void
load_global(Part *p, const VmInsn *ip)
{
    VmCache *c = &p->code->caches[ip->c];
    unsigned slot = vm_part_load(p, LEAF_LDG, ip->a, p->func_slot, c);
    p->m->seen[slot] = vm_global_seen(c, p->func);
}

static void
load_attribute(Part *p, const VmInsn *ip)
{
    VmCache *c = &p->code->caches[ip->c];
    unsigned object = vm_part_use(p, ip->b), slot = vm_part_stored(p, object, c);
    if (slot != NO_SLOT) {
        p->slot[ip->a] = (uint16_t)slot;
        return;
    }
    slot = vm_part_load(p, LEAF_GETA, ip->a, object, c);
    if (p->m->seen[object] != NULL)
        p->m->seen[slot] = vm_leaf_attribute(c, vm_from_ptr(p->m->seen[object]));
}

static void
load_method(Part *p, const VmInsn *ip)
{
    VmCache *c = &p->code->caches[ip->c];
    unsigned self = vm_part_use(p, ip->b);
    p->m->failed |= vm_part_stores_name(p, c->name);
    unsigned slot = vm_part_load(p, LEAF_GETM, ip->a, self, c);
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
        vm_part_emit(p, LEAF_FREEV, reg, p->func_slot, i);
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
    unsigned slot = vm_part_emit(p, LEAF_LDC, ip->a, vm_part_slot(p, ip->b), 0);
    p->m->seen[slot] = PyCell_GET(PyTuple_GET_ITEM(p->func->func_closure, i));
}

static void
set_attribute(Part *p, const VmInsn *ip)
{
    unsigned object = vm_part_use(p, ip->a), value = vm_part_use(p, ip->b);
    vm_part_store(p, object, value, &p->code->caches[ip->c]);
}

static void
gather(Part *p, const VmInsn *ip)
{
    unsigned group = vm_maker_group(p->m, ip->op == VM_TUP ? GROUP_TUPLE : GROUP_LIST);
    for (unsigned i = 0; i < ip[1].op && !p->m->failed; i++)
        vm_maker_add(p->m, group, vm_part_use_name(p, vm_list_get(ip + 1, i)));
    p->slot[ip->a] = (uint16_t)group;
}

static void
unpack(Part *p, const VmInsn *ip)
{
    const Group *group = vm_maker_group_of(p->m, vm_part_use_name(p, ip->b));
    if (group == NULL || group->kind == GROUP_CHOICE) {
        p->m->failed = 1;
        return;
    }
    if (group->n != ip[1].op) {
        vm_part_give_up(p);
        return;
    }
    for (unsigned i = 0; i < group->n; i++) {
        unsigned reg = vm_list_get(ip + 1, i);
        if (reg < VM_LEAF_REGS)
            p->slot[reg] = group->items[i];
        else
            p->m->failed = 1;
    }
}

static void
load_item(Part *p, const VmInsn *ip, int immediate)
{
    Maker *m = p->m;
    unsigned from = vm_part_use_name(p, ip->b);
    unsigned number = immediate ? vm_maker_constant(m, vm_from_int((int16_t)ip->c)) : vm_part_use(p, ip->c);
    if (!IS_GROUP(from))
        vm_part_emit(p, LEAF_GETI, ip->a, from, number);
    else if (m->constant[number] && vm_is_int(m->slots[number]))
        vm_part_item(p, ip->a, from, vm_int(m->slots[number]));
    else
        vm_part_choose(p, ip->a, from, number);
}

static void
check_bound(Part *p, unsigned reg)
{
    unsigned slot = vm_part_name(p, reg);
    if (IS_GROUP(slot))
        return;
    if (slot == p->home[reg] || p->m->slots[slot] == VM_NULL)
        vm_maker_emit(p->m, LEAF_CHK, slot, 0, 0);
}

static void
swap(Part *p, unsigned a, unsigned b)
{
    unsigned name = vm_part_name(p, a);
    p->slot[a] = (uint16_t)vm_part_name(p, b);
    p->slot[b] = (uint16_t)name;
}

/* A jump when the comparison or test of slots a and b says so. */
static void
branch(Part *p, VmLeafOp op, unsigned a, unsigned b, const VmInsn *ip)
{
    unsigned pc = (unsigned)(ip - p->code->insns);
    vm_part_jump(p, vm_maker_emit(p->m, op, a, b, 0), pc + (unsigned)vm_op_jump(ip, 0));
}

static void
translate_branch(Part *p, const VmInsn *ip)
{
    VmLeafOp op = plan[ip->op].op;
    unsigned a = 0, b = 0;
    vm_part_go_home(p);
    switch (plan[ip->op].how) {
    case BRANCH:
        a = vm_part_use(p, ip->a);
        b = vm_part_use(p, ip->b);
        break;
    case BRANCH_IMMEDIATE:
        a = vm_part_use(p, ip->a);
        b = vm_maker_constant(p->m, vm_from_int((int16_t)ip->b));
        break;
    case TEST: a = vm_part_use(p, ip->a); break;
    case KEEPING_TEST: a = vm_part_slot(p, ip->a); break;
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
    case COPY: slot = vm_part_name(p, ip->b); break;
    case MOVE: slot = vm_part_use_name(p, ip->b); break;
    case TAKE:
        slot = vm_part_name(p, ip->b);
        p->slot[ip->b] = (uint16_t)vm_maker_constant(p->m, VM_NULL);
        break;
    case CLEAR: slot = vm_maker_constant(p->m, VM_NULL); break;
    case CONSTANT: slot = vm_maker_constant(p->m, code->consts[ip->b]); break;
    default:
        slot = vm_maker_constant(p->m, vm_from_ptr(PyTuple_GET_ITEM(code->co->co_consts, ip->b)));
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
    case DROP: vm_part_use_name(p, ip->a); break;
    case CHECK: check_bound(p, ip->a); break;
    case GLOBAL: load_global(p, ip); break;
    case CELL: load_cell(p, ip); break;
    case CLOSURE: load_closure(p, ip); break;
    case ATTRIBUTE: load_attribute(p, ip); break;
    case METHOD: load_method(p, ip); break;
    case STORE: set_attribute(p, ip); break;
    case GATHER: gather(p, ip); break;
    case UNPACK: unpack(p, ip); break;
    case ITEM: load_item(p, ip, ip->op == VM_GETII || ip->op == VM_GETII_L); break;
    case BINARY:
        b = vm_part_use(p, ip->b);
        c = vm_part_use(p, ip->c);
        vm_part_emit(p, op, ip->a, b, c);
        break;
    case IMMEDIATE:
        b = vm_part_use(p, ip->b);
        vm_part_emit(p, op, ip->a, b, vm_maker_constant(m, vm_from_int((int16_t)ip->c)));
        break;
    case UNARY: vm_part_emit(p, op, ip->a, vm_part_use(p, ip->b), 0); break;
    case BRANCH:
    case BRANCH_IMMEDIATE:
    case JUMP:
    case TEST:
    case KEEPING_TEST: translate_branch(p, ip); break;
    case CALL: translate_call(p, ip); break;
    case RETURN: return_value(p, vm_part_use_name(p, ip->a), last); break;
    case RETURN_CONSTANT: return_value(p, vm_maker_constant(m, p->code->consts[ip->a]), last); break;
    }
}

static void
translate(Part *p)
{
    VmCode *code = p->code;
    for (uint32_t pc = 0; pc < code->n_insns && !p->m->failed;) {
        const VmInsn *ip = &code->insns[pc];
        uint32_t next = pc + (uint32_t)vm_op_words(ip);
        vm_part_arrive(p, pc);
        if (p->reachable)
            translate_insn(p, ip, next == code->n_insns);
        pc = next;
    }
    vm_part_arrive(p, code->n_insns);
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
        unsigned slot = args[i].kind == GIVEN_CONSTANT ? vm_maker_constant(p->m, args[i].word) : slots[i];
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
    m.n = m.n_slots = m.n_groups = m.n_loads = 0;
    m.stores.n = 0;
    m.failed = m.branched = 0;
    for (unsigned i = 0; i <= VM_LEAF_ARGS; i++)
        vm_maker_slot(&m);
    begin(&p, &m, NULL, func, code, VM_LEAF_ARGS);
    give_arguments(&p, args, slots);
    translate(&p);
    return m.failed ? NULL : finished(&m, &head);
}
