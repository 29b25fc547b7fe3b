/* Runs of leaves (vm_leaf.h): on borrowed words nothing is consumed, and whatever is not as expected
 * gives the run up.
 */
#include "vm/vm_leaf.h"

#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_arith.h"
#include "vm/vm_attr.h"
#include "vm/vm_build.h"
#include "vm/vm_builtin.h"
#include "vm/vm_ic.h"

/* -- what instructions ask ------------------------------------------------------------------- */

PyObject *
vm_leaf_attribute(VmCache *c, VmWord w)
{
    if (!vm_is_obj(w))
        return NULL;
    PyObject *o = vm_ptr(w);
    return vm_attr_of_row(vm_cache_find(c, Py_TYPE(o)->tp_version_tag), o, c->name);
}

/* Is the callable func, and its code the one with that serial? */
static inline int
is_callee(VmWord callable, VmWord func, const VmCode *code, uint64_t serial)
{
    return callable == func && code->serial == serial
           && ((PyFunctionObject *)vm_ptr(func))->func_code == (PyObject *)code->co;
}

/* -> borrowed from func, or VM_NULL */
static inline VmWord
last_default(const PyFunctionObject *func, unsigned from_end)
{
    PyObject *defaults = func->func_defaults;
    Py_ssize_t n = defaults == NULL ? 0 : PyTuple_GET_SIZE(defaults);
    if (n < (Py_ssize_t)from_end)
        return VM_NULL;
    return vm_word_lent(PyTuple_GET_ITEM(defaults, n - (Py_ssize_t)from_end));
}

/* Which of n items that is, or -1. */
static inline int
item_number(VmWord w, unsigned n)
{
    int64_t i;
    w = vm_small_box(w);
    if (vm_is_int(w))
        i = vm_int(w);
    else if (w == VM_TRUE || w == VM_FALSE)
        i = w == VM_TRUE;
    else
        return -1;
    i = i < 0 ? i + n : i;
    return i < 0 || i >= n ? -1 : (int)i;
}

/* -- arguments and results --------------------------------------------------------------------- */

/* Arguments to their slots.  0, or -1: one that is consumed would be missed */
static inline int
take_arguments(VmLeaf *leaf, const VmWord *R)
{
    unsigned i = 0;
    for (; i < leaf->n_kept; i++)
        leaf->slots[i] = R[leaf->from[i]];
    for (; i < leaf->n_args; i++) {
        VmWord w = R[leaf->from[i]];
        if (!vm_goes_unseen(w, vm_leaf_temporaries(leaf)))
            return -1;
        leaf->slots[i] = w;
    }
    return 0;
}

static inline void
drop_temporaries(const VmLeaf *leaf)
{
    for (unsigned i = leaf->n_kept; i < leaf->n_args; i++)
        vm_release(leaf->slots[i]);
    if (leaf->callee_goes)
        Py_DECREF(vm_ptr(leaf->slots[VM_LEAF_ARGS]));
}

/* -- the instructions ------------------------------------------------------------------------- */

#define BODY(NAME) op_##NAME:
#define NEXT_N(n) \
    do { \
        ip += (n); \
        goto *labels[ip->op]; \
    } while (0)
#define NEXT NEXT_N(1)
#define GIVE_UP goto give_up
#define SET(v) S[ip->a] = (v)
/* One variable for the leaf and its slots: a machine register more for the rest. */
#define LEAF_OF(S) ((VmLeaf *)((char *)(S) - offsetof(VmLeaf, slots)))
/* Behind an instruction: a pointer, then a number. */
#define POINTER(TYPE) (*(TYPE *const *)(ip + 1))
#define NUMBER (*(const uint64_t *)(ip + 2))
/* Borrowed; NULL: not here.  Then n words are behind. */
#define SET_OBJECT(o, n) \
    do { \
        PyObject *o_ = (o); \
        if (vm_unlikely(o_ == NULL)) \
            GIVE_UP; \
        SET(vm_from_ptr(o_)); \
        NEXT_N(1 + (n)); \
    } while (0)

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
    BODY(NAME) \
    { \
        VmWord x = S[ip->b], y = S[ip->c], r; \
        if (vm_unlikely(!vm_both_int(x, y))) { \
            if (vm_is_double(x) && vm_is_double(y)) { \
                double d = FLOAT(vm_double(x), vm_double(y)); \
                if (vm_likely(d == d)) { \
                    SET(vm_from_double(d)); \
                    NEXT; \
                } \
            } \
            x = vm_small_box(x); \
            y = vm_small_box(y); \
        } \
        if (vm_likely(vm_both_int(x, y)) && vm_likely(TAGGED(x, y, r))) { \
            SET(r); \
            NEXT; \
        } \
        NUMBERS(MIXED, x, y); \
    }
#define INTOP(NAME, TAGGED) \
    BODY(NAME) \
    { \
        VmWord x = vm_small_box(S[ip->b]), y = vm_small_box(S[ip->c]), r; \
        if (!vm_both_int(x, y) || !TAGGED(x, y, r)) \
            GIVE_UP; \
        SET(r); \
        NEXT; \
    }
#define COMPARED(PYOP, SIGN, x, y) \
    x = vm_small_box(x); \
    y = vm_small_box(y); \
    if (vm_likely(vm_both_int(x, y))) \
        truth = (int64_t)((x) << 15) SIGN(int64_t)((y) << 15); \
    else if ((truth = vm_compare_plain(PYOP, x, y)) < 0) \
    GIVE_UP
#define JUMP_IF(cond) NEXT_N((cond) ? ip->c : 1)
#define COMPARE(NAME, PYOP, SIGN) \
    BODY(NAME) \
    { \
        VmWord x = S[ip->b], y = S[ip->c]; \
        COMPARED(PYOP, SIGN, x, y); \
        SET(vm_from_bool(truth)); \
        NEXT; \
    } \
    BODY(JT_##NAME) \
    BODY(JF_##NAME) \
    { \
        VmWord x = S[ip->a], y = S[ip->b]; \
        COMPARED(PYOP, SIGN, x, y); \
        JUMP_IF(truth == (ip->op == LEAF_JT_##NAME)); \
    }

VmWord
vm_leaf_run(VmLeaf *leaf, PyFunctionObject *func, const VmWord *R)
{
    static const void *const labels[] = {
#define CODE(NAME) &&op_##NAME,
        LEAF_CODES(CODE)
#undef CODE
    };
    VmWord *S = leaf->slots, v;
    const VmInsn *ip = leaf->insns;
    int truth;
    if (take_arguments(leaf, R) < 0 || (leaf->callee_goes && Py_REFCNT(func) == 1))
        return VM_NULL;
    S[VM_LEAF_ARGS] = vm_from_ptr((PyObject *)func);
    leaf->entered = 1;
    NEXT_N(0);

    BODY(MOV)
    {
        SET(S[ip->b]);
        NEXT;
    }
    BODY(CHK)
    {
        if (S[ip->a] == VM_NULL)
            GIVE_UP;
        NEXT;
    }
    BODY(LDG)
    {
        const PyFunctionObject *in = (const PyFunctionObject *)vm_ptr(S[ip->b]);
        SET_OBJECT(vm_global_seen(POINTER(VmCache), in), 1);
    }
    BODY(CALLEE)
    {
        if (vm_unlikely(!is_callee(S[ip->a], S[ip->b], POINTER(VmCode), NUMBER)))
            GIVE_UP;
        LEAF_OF(S)->entered++;
        NEXT_N(3);
    }
    BODY(EXPECT)
    {
        if (S[ip->a] != S[ip->b])
            GIVE_UP;
        NEXT;
    }
    BODY(BUILTIN)
    {
        v = vm_compute(POINTER(const VmBuiltin), NULL, &S[ip->b], ip->c);
        if (v == VM_NULL)
            GIVE_UP;
        vm_release(v);          /* what it was taken from holds it */
        SET(v);
        NEXT_N(2);
    }
    BODY(LDC)
    {
        SET_OBJECT(PyCell_GET(vm_ptr(S[ip->b])), 0);
    }
    BODY(FREEV)
    {
        PyObject *closure = ((PyFunctionObject *)vm_ptr(S[ip->b]))->func_closure;
        SET_OBJECT(closure == NULL ? NULL : PyTuple_GET_ITEM(closure, ip->c), 0);
    }
    BODY(DEFAULT)
    {
        v = last_default((PyFunctionObject *)vm_ptr(S[ip->b]), ip->c);
        if (v == VM_NULL)
            GIVE_UP;
        SET(v);
        NEXT;
    }
    BODY(GETA)
    {
        VmWord w = S[ip->b];
        if (vm_unlikely(!vm_is_obj(w)))
            GIVE_UP;
        PyObject *o = vm_ptr(w);
        VmCacheRow *row = vm_cache_find(POINTER(VmCache), Py_TYPE(o)->tp_version_tag);
        PyDictValues *values;
        if (vm_likely(row->kind == ATTR_VALUES && (values = cpy_inline_values_known(o)) != NULL))
            SET_OBJECT(cpy_inline_get(values, row->index), 1);
        SET_OBJECT(vm_attr_of_row(row, o, POINTER(VmCache)->name), 1);
    }
    BODY(GETM)
    {
        VmWord w = S[ip->b];
        if (vm_unlikely(!vm_is_obj(w)))
            GIVE_UP;
        PyObject *o = vm_ptr(w);
        VmCacheRow *row = vm_cache_find(POINTER(VmCache), Py_TYPE(o)->tp_version_tag);
        SET_OBJECT(vm_method_seen(row, o) ? row->value : vm_method_of_row(POINTER(VmCache), o), 1);
    }
    BODY(GETI)
    {
        VmWord w = S[ip->b];
        SET_OBJECT(vm_is_obj(w) ? vm_plain_item(vm_ptr(w), S[ip->c]) : NULL, 0);
    }

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
    BODY(NEG)
    {
        v = vm_small_box(S[ip->b]);
        if (vm_is_int(v) && vm_int_fits(-vm_int(v)))
            SET(vm_from_int(-vm_int(v)));
        else if (vm_is_double(v))
            SET(vm_from_double(-vm_double(v)));
        else
            GIVE_UP;
        NEXT;
    }
    BODY(NOT)
    BODY(BOOL)
    {
        if ((truth = vm_truth_plain(S[ip->b])) < 0)
            GIVE_UP;
        SET(vm_from_bool(truth == (ip->op == LEAF_BOOL)));
        NEXT;
    }
    COMPARE(LT, Py_LT, <)
    COMPARE(LE, Py_LE, <=)
    COMPARE(EQ, Py_EQ, ==)
    COMPARE(NE, Py_NE, !=)
    COMPARE(GT, Py_GT, >)
    COMPARE(GE, Py_GE, >=)
    BODY(IS)
    BODY(ISN)
    {
        VmWord x = S[ip->b], y = S[ip->c];
        truth = vm_is_obj(x) && vm_is_obj(y) ? x == y : vm_same_object(x, y);
        SET(vm_from_bool(truth == (ip->op == LEAF_IS)));
        NEXT;
    }

    BODY(J)
    {
        NEXT_N(ip->c);
    }
    BODY(JT)
    BODY(JF)
    {
        v = S[ip->a];
        truth = v == VM_TRUE || v == VM_FALSE ? v == VM_TRUE : vm_truth_plain(v);
        if (truth < 0)
            GIVE_UP;
        JUMP_IF(truth == (ip->op == LEAF_JT));
    }
    BODY(JNONE)
    BODY(JNNONE)
    {
        JUMP_IF(vm_is_none(S[ip->a]) == (ip->op == LEAF_JNONE));
    }
    BODY(FAIL)
    {
        GIVE_UP;
    }
    BODY(PICK)
    {
        int i = item_number(S[ip->b], ip->c);
        if (i < 0 || (v = S[((const uint16_t *)(ip + 1))[i]]) == VM_NULL)
            GIVE_UP;
        SET(v);
        NEXT_N(1 + (ip->c + 3) / 4);
    }
    BODY(NUMBER)
    {
        if (item_number(S[ip->b], ip->c) < 0)
            GIVE_UP;
        NEXT;
    }
    BODY(SWITCH)
    {
        int i = item_number(S[ip->b], ip->c);
        if (i < 0)
            GIVE_UP;
        NEXT_N(((const uint16_t *)(ip + 1))[i]);
    }
    BODY(DIFFER)
    {
        if (S[ip->a] == S[ip->b])
            GIVE_UP;
        NEXT;
    }
    BODY(BUILD)
    {
        SET_OBJECT(vm_leaf_build(ip, S), (ip->c + 3) / 4);
    }
    BODY(RETS)
    {
        v = S[ip->a];
        if (!ip->b)
            vm_incref(v);
        v = vm_leaf_store(LEAF_OF(S), ip, v);
        if (v == VM_NULL)
            GIVE_UP;
        goto leave;
    }
    BODY(RET)
    {
        vm_incref(S[ip->a]);
    }
    BODY(RETN)
    {
        v = S[ip->a];
    leave:
        drop_temporaries(LEAF_OF(S));
        vm_stats.native += LEAF_OF(S)->entered;
        LEAF_OF(S)->runs++;
        return v;
    }

give_up:
    return VM_NULL;
}
