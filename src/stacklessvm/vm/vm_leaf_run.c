/* The instructions of leaves (vm_leaf.h), on borrowed words: nothing is consumed, and whatever is not
 * as expected gives the leaf up.
 */
#include "vm/vm_leaf.h"

#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_arith.h"
#include "vm/vm_attr.h"
#include "vm/vm_build.h"
#include "vm/vm_builtin.h"
#include "vm/vm_ic.h"

/* A leaf that runs.  All pointers are borrowed. */
typedef struct {
    VmWord *caller;             /* registers of the leaf that calls it, */
    const VmInsn *ip;           /* and its call */
    PyFunctionObject *func;
    VmCode *code;
    uint32_t depth;             /* of leaves below */
    uint32_t count;             /* leaves run, this one included */
    VmWord regs[];
} Leaf;
#define LEAF_OF(R) ((Leaf *)((char *)(R) - offsetof(Leaf, regs)))

#define LEAF_BYTES (sizeof(Leaf) + sizeof(VmWord[VM_LEAF_REGS]))
#define LEAF_ROOM (LEAF_BYTES * (VM_LEAF_DEPTH + 1))

/* A leaf that mostly fails costs more than it saves. */
static void
count_failure(VmCode *code)
{
    if (++code->leaf_failures < 16 || code->leaf_failures < code->leaf_runs / 4)
        return;
    code->leaf = 0;
    code->leaf_args = VM_NEVER;
    code->push_args = code->exact_args;
}

/* -- arguments ----------------------------------------------------------------------------- */

/* Those of the parameters from the n-th on that have none get their defaults.  0, or -1: one has
   no default */
static int
borrow_defaults(PyFunctionObject *func, const VmCode *code, VmWord *R, uint64_t missing)
{
    for (; missing != 0; missing &= missing - 1) {
        int i = __builtin_ctzll(missing);
        PyObject *o = vm_default_of(code, func, i);
        if (o == NULL) {
            PyErr_Clear();      /* the general way says it again */
            return -1;
        }
        R[i] = vm_word_of(o);
        vm_release(R[i]);       /* the function holds it */
    }
    return 0;
}

static inline int
borrow_rest(PyFunctionObject *func, const VmCode *code, VmWord *R, size_t n)
{
    if (vm_likely(n == code->leaf_args))
        return 0;
    if (!code->leaf || n > code->argcount)
        return -1;
    return borrow_defaults(func, code, R, code->parameters & ~(((uint64_t)1 << n) - 1));
}

/* Its arguments are in its registers. */
static inline void
open_leaf(Leaf *leaf, PyFunctionObject *func, VmCode *code, unsigned depth)
{
    leaf->func = func;
    leaf->code = code;
    leaf->depth = depth;
    leaf->count = 1;
    for (unsigned i = code->nargs_total; i < code->nlocals; i++) {
        leaf->regs[i] = VM_NULL;
        __asm__("" : : : "memory");     /* a few stores, not a memset */
    }
}

/* -- what instructions ask ------------------------------------------------------------------- */

PyObject *
vm_leaf_attribute(VmCache *c, VmWord w)
{
    if (!vm_is_obj(w))
        return NULL;
    PyObject *o = vm_ptr(w);
    VmCacheRow *row = vm_cache_find(c, Py_TYPE(o)->tp_version_tag);
    if (vm_likely(row->kind == ATTR_VALUES)) {
        PyDictValues *values = cpy_inline_values_known(o);
        return values == NULL ? NULL : cpy_inline_get(values, row->index);
    }
    return vm_attr_of_row(row, o, c->name);
}

/* The CALL or CALLM at ip, of another leaf: CALL_PUSHED, next is ready; or of a builtin that is
   computed: CALL_DONE, *v (borrowed). */
static VmCallStatus
call_from_leaf(const Leaf *leaf, const VmInsn *ip, Leaf *next, VmWord *v)
{
    const VmWord *R = leaf->regs;
    unsigned n = ip[1].op, first = ip->op == VM_CALLM;
    if (!vm_is_obj(R[ip->b]) || leaf->depth == VM_LEAF_DEPTH || first + n > VM_LEAF_REGS)
        return CALL_NOT_MINE;
    VmWord *args = next->regs;
    if (first)
        args[0] = R[ip->b + 1];
    for (unsigned i = 0; i < n; i++)
        args[first + i] = vm_operand_word(R, leaf->code, vm_list_get(ip + 1, i));
    PyObject *callee = vm_ptr(R[ip->b]);
    if (vm_likely(Py_IS_TYPE(callee, &PyFunction_Type))) {
        PyFunctionObject *func = (PyFunctionObject *)callee;
        VmCode *code = *vm_quick_code(func->func_code);
        if (vm_unlikely(code == NULL || (PyObject *)code->co != func->func_code)
            || borrow_rest(func, code, args, first + n) < 0)
            return CALL_NOT_MINE;
        open_leaf(next, func, code, leaf->depth + 1);
        return CALL_PUSHED;
    }
    const VmBuiltin *b = vm_builtin(callee);
    if (b == NULL || !b->pure)
        return CALL_NOT_MINE;
    *v = b->compute(NULL, args, first + n);
    vm_release(*v);     /* what it was taken from holds it */
    return *v == VM_NULL ? CALL_NOT_MINE : CALL_DONE;
}

/* -- the instructions ------------------------------------------------------------------------- */

#define RUNNING LEAF_OF(R)
/* One body for the forms of an instruction that only differ in what they let go of. */
#define BOTH(NAME) op_##NAME : op_##NAME##_L:
#define FOUR(NAME) op_##NAME : op_##NAME##_L : op_I##NAME : op_I##NAME##_L:
#define NEXT_N(n) \
    do { \
        ip += (n); \
        goto *labels[ip->op]; \
    } while (0)
#define NEXT NEXT_N(1)
#define SET(v) R[ip->a] = (v)
#define GIVE_UP goto give_up
#define SET_OBJECT(o) \
    do { \
        PyObject *o_ = (o); \
        if (vm_unlikely(o_ == NULL)) \
            GIVE_UP; \
        SET(vm_from_ptr(o_)); \
        NEXT; \
    } while (0)
#define IMMEDIATE ((VmWord)(int16_t)ip->c)
#define JUMP_IF(cond) NEXT_N((cond) ? *(const int32_t *)&ip->b : 1)

/* The numbers in any form; no object may come of it. */
#define NUMBERS(MIXED, x, y) \
    do { \
        VmWord r_; \
        int status_ = MIXED(x, y, &r_); \
        if (status_ < 0) \
            PyErr_Clear(); \
        if (status_ != 1) \
            GIVE_UP; \
        if (vm_is_obj(r_)) { \
            vm_release(r_); \
            GIVE_UP; \
        } \
        SET(r_); \
        NEXT; \
    } while (0)
#define ARITH(NAME, TAGGED, FLOAT, MIXED) \
    FOUR(NAME) \
    { \
        VmWord x = R[ip->b], y = R[ip->c], r; \
        if (vm_likely(vm_both_int(x, y)) && vm_likely(TAGGED(x, y, r))) { \
            SET(r); \
            NEXT; \
        } \
        if (vm_is_double(x) && vm_is_double(y)) { \
            double d = FLOAT(vm_double(x), vm_double(y)); \
            if (vm_likely(d == d)) { \
                SET(vm_from_double(d)); \
                NEXT; \
            } \
        } \
        NUMBERS(MIXED, x, y); \
    }
#define ARITH_IMM(NAME, TAGGED, MIXED) \
    FOUR(NAME) \
    { \
        VmWord x = R[ip->b], y = IMMEDIATE, r; \
        if (vm_likely(vm_is_int(x)) && vm_likely(TAGGED(x, y, r))) { \
            SET(r); \
            NEXT; \
        } \
        NUMBERS(MIXED, x, VM_INT_TAG | y); \
    }
#define INTOP(NAME, TAGGED) \
    FOUR(NAME) \
    { \
        VmWord x = vm_small_box(R[ip->b]), y = vm_small_box(R[ip->c]), r; \
        if (!vm_both_int(x, y) || !TAGGED(x, y, r)) \
            GIVE_UP; \
        SET(r); \
        NEXT; \
    }
#define INTOP_IMM(NAME, TAGGED) \
    FOUR(NAME) \
    { \
        VmWord x = vm_small_box(R[ip->b]), y = IMMEDIATE, r; \
        if (!vm_is_int(x) || !TAGGED(x, y, r)) \
            GIVE_UP; \
        SET(r); \
        NEXT; \
    }
#define COMPARED(PYOP, SIGN, x, y) \
    if (vm_likely(vm_both_int(x, y))) \
        truth = (int64_t)((x) << 15) SIGN(int64_t)((y) << 15); \
    else if ((truth = vm_compare_plain(PYOP, x, y)) < 0) \
    GIVE_UP
#define COMPARE(NAME, PYOP, SIGN) \
    BOTH(NAME) \
    { \
        VmWord x = R[ip->b], y = R[ip->c]; \
        COMPARED(PYOP, SIGN, x, y); \
        SET(vm_from_bool(truth)); \
        NEXT; \
    } \
    op_JT_##NAME : op_JF_##NAME: \
    { \
        VmWord x = R[ip->a], y = R[ip->b]; \
        COMPARED(PYOP, SIGN, x, y); \
        NEXT_N(truth == (ip->op == VM_JT_##NAME) ? (int16_t)ip->c : 1); \
    } \
    op_JT_##NAME##I : op_JF_##NAME##I: \
    { \
        VmWord x = R[ip->a], y = vm_from_int((int16_t)ip->b); \
        COMPARED(PYOP, SIGN, x, y); \
        NEXT_N(truth == (ip->op == VM_JT_##NAME##I) ? (int16_t)ip->c : 1); \
    }


VmWord
vm_leaf_run(PyFunctionObject *func, VmCode *code, const VmWord *args, size_t n)
{
    static const void *const labels[VM_OP_COUNT] = {
#define LEAF(NAME) [VM_##NAME] = &&op_##NAME,
        VM_LEAF_OPS(LEAF)
#undef LEAF
    };
    _Alignas(Leaf) char room[LEAF_ROOM];
    Leaf *called = (Leaf *)room;
    VmWord *R, v, returned;
    const VmInsn *ip;
    VmCache *caches;
    int truth;
    if (n > code->argcount)
        return VM_NULL;
    for (size_t i = 0; i < n; i++)
        called->regs[i] = args[i];
    if (borrow_rest(func, code, called->regs, n) < 0)
        return VM_NULL;
    open_leaf(called, func, code, 0);

enter_leaf:
    R = called->regs;
    ip = called->code->insns;
    caches = called->code->caches;
    NEXT_N(0);

    BOTH(MOV)
op_MOVT:
op_MOVE:
op_DUP:
    SET(R[ip->b]);
    NEXT;
op_SWAP:
    v = R[ip->a];
    SET(R[ip->b]);
    R[ip->b] = v;
    NEXT;
op_CLR:
    SET(VM_NULL);
    NEXT;
    BOTH(K)
    SET(RUNNING->code->consts[ip->b]);
    NEXT;
op_KO:
    SET(vm_from_ptr(PyTuple_GET_ITEM(RUNNING->code->co->co_consts, ip->b)));
    NEXT;
op_DROP:
    NEXT;
op_CHK:
    if (R[ip->a] == VM_NULL)
        GIVE_UP;
    NEXT;
op_TAKE:
    v = R[ip->b];
    R[ip->b] = VM_NULL;
    SET(v);
    NEXT;

    BOTH(LDG)
    SET_OBJECT(vm_global_seen(&caches[ip->c], RUNNING->func));
    BOTH(LDC)
    SET_OBJECT(PyCell_GET(vm_ptr(R[ip->b])));
op_FREEV:
    if (RUNNING->func->func_closure == NULL
        || PyTuple_GET_SIZE(RUNNING->func->func_closure) != ip->a)
        GIVE_UP;
    for (unsigned i = 0; i < ip->a; i++)
        R[RUNNING->code->nlocals - ip->a + i] =
            vm_from_ptr(PyTuple_GET_ITEM(RUNNING->func->func_closure, i));
    NEXT;
    BOTH(GETA)
    SET_OBJECT(vm_leaf_attribute(&caches[ip->c], R[ip->b]));
op_GETM: {
    VmWord self = R[ip->b];
    PyObject *method = vm_is_obj(self) ? vm_method_of_row(&caches[ip->c], vm_ptr(self)) : NULL;
    if (method == NULL)
        GIVE_UP;
    SET(vm_from_ptr(method));
    R[ip->a + 1] = self;
    NEXT;
}
    BOTH(GETI)
    SET_OBJECT(vm_is_obj(R[ip->b]) ? vm_plain_item(vm_ptr(R[ip->b]), R[ip->c]) : NULL);
    BOTH(GETII)
    SET_OBJECT(vm_is_obj(R[ip->b])
                   ? vm_plain_item(vm_ptr(R[ip->b]), vm_from_int((int16_t)ip->c))
                   : NULL);

    ARITH(ADD, TAGGED_ADD, FLOAT_ADD, vm_numbers_add)
    ARITH(SUB, TAGGED_SUB, FLOAT_SUB, vm_numbers_sub)
    ARITH(MUL, TAGGED_MUL, FLOAT_MUL, vm_numbers_mul)
    ARITH(DIV, TAGGED_NONE, FLOAT_DIV, vm_numbers_div)
    INTOP(FDIV, TAGGED_FDIV)
    INTOP(REM, TAGGED_REM)
    INTOP(AND, TAGGED_AND)
    INTOP(OR, TAGGED_OR)
    INTOP(XOR, TAGGED_XOR)
    INTOP(LSH, TAGGED_LSH)
    INTOP(RSH, TAGGED_RSH)
    ARITH_IMM(ADDI, TAGGED_ADD, vm_numbers_add)
    ARITH_IMM(SUBI, TAGGED_SUB, vm_numbers_sub)
    ARITH_IMM(MULI, TAGGED_MUL, vm_numbers_mul)
    INTOP_IMM(FDIVI, TAGGED_FDIV)
    INTOP_IMM(REMI, TAGGED_REM)
    INTOP_IMM(ANDI, TAGGED_AND_IMM)
    INTOP_IMM(LSHI, TAGGED_LSH)
    INTOP_IMM(RSHI, TAGGED_RSH)
op_NEG:
    v = vm_small_box(R[ip->b]);
    if (vm_is_int(v) && vm_int_fits(-vm_int(v)))
        SET(vm_from_int(-vm_int(v)));
    else if (vm_is_double(v))
        SET(vm_from_double(-vm_double(v)));
    else
        GIVE_UP;
    NEXT;
op_NOT:
op_BOOL:
    if ((truth = vm_truth_plain(R[ip->b])) < 0)
        GIVE_UP;
    SET(vm_from_bool(truth == (ip->op == VM_BOOL)));
    NEXT;
    COMPARE(LT, Py_LT, <)
    COMPARE(LE, Py_LE, <=)
    COMPARE(EQ, Py_EQ, ==)
    COMPARE(NE, Py_NE, !=)
    COMPARE(GT, Py_GT, >)
    COMPARE(GE, Py_GE, >=)
op_IS:
op_ISN:
    SET(vm_from_bool(vm_same_object(R[ip->b], R[ip->c]) == (ip->op == VM_IS)));
    NEXT;

op_CALLM:
    if (R[ip->b + 1] == VM_NULL)    /* no pair that GETM found */
        GIVE_UP;
op_CALL:
    called = (Leaf *)(R + RUNNING->code->nregs);
    switch (call_from_leaf(RUNNING, ip, called, &v)) {
    case CALL_PUSHED:
        called->caller = R;
        called->ip = ip;
        goto enter_leaf;
    case CALL_DONE:
        SET(v);
        NEXT_N(1 + (int)vm_list_words(ip[1].op));
    default:
        GIVE_UP;
    }
op_RET:
    returned = R[ip->a];
    goto leave_leaf;
op_RETK:
    returned = RUNNING->code->consts[ip->a];
leave_leaf:
    called = RUNNING;
    called->code->leaf_runs++;
    if (vm_likely(called->depth == 0)) {
        vm_stats.native += called->count;
        return returned;
    }
    R = called->caller;
    ip = called->ip;
    caches = RUNNING->code->caches;
    RUNNING->count += called->count;
    SET(returned);
    NEXT_N(1 + (int)vm_list_words(ip[1].op));

op_J:
    JUMP_IF(1);
op_JT:
op_JF:
    if ((truth = vm_truth_plain(R[ip->a])) < 0)
        GIVE_UP;
    JUMP_IF(truth == (ip->op == VM_JT));
op_JTK:
op_JFK:
    if ((truth = vm_truth_plain(R[ip->a])) < 0)
        GIVE_UP;
    JUMP_IF(truth == (ip->op == VM_JTK));
op_JNONE:
op_JNNONE:
    JUMP_IF(vm_is_none(R[ip->a]) == (ip->op == VM_JNONE));

give_up:
    for (;; R = RUNNING->caller) {
        count_failure(RUNNING->code);
        if (RUNNING->depth == 0)
            return VM_NULL;
    }
}
