/* reduce: a left fold in Python's order, in C where the function is a known one. */
#include <math.h>
#include <string.h>

#include "fa_box.h"
#include "fa_callback.h"
#include "fa_grid.h"
#include "fa_lambda.h"
#include "fa_product.h"

/* -- Folds the kernels know ------------------------------------------------------- */

static FaI128
item_int(const FaView *v, Py_ssize_t i)
{
    const char *p = v->ptr + i * v->size;
    switch (v->dtype) {
#define FA_DTYPE(t, ctype, kind, bits, code) \
    case FA_##t: { \
        ctype x; \
        memcpy(&x, p, sizeof x); \
        return (FaI128)x; \
    }
#include "fa_dtypes.def"
#undef FA_DTYPE
    default:
        Py_UNREACHABLE();
    }
}

static FaI128
fold_bits(const FaView *v, int op)
{
    FaI128 acc = item_int(v, 0);
    switch (v->dtype) {
#define FA_DTYPE(t, ctype, kind, bits, code) \
    case FA_##t: { \
        BITS_##kind(ctype) \
    }
#define BITS_FA_SIGNED(ctype) \
    typedef ctype __attribute__((aligned(1), may_alias)) Item; \
    const Item *p = (const Item *)v->ptr; \
    ctype x = p[0]; \
    for (Py_ssize_t i = 1; i < v->n; i++) \
        x = op == FA_N_AND ? x & p[i] : op == FA_N_OR ? x | p[i] \
                                                      : x ^ p[i]; \
    acc = (FaI128)x; \
    break;
#define BITS_FA_UNSIGNED(ctype) BITS_FA_SIGNED(ctype)
#define BITS_FA_FLOAT(ctype) Py_UNREACHABLE();
#include "fa_dtypes.def"
#undef FA_DTYPE
    default:
        Py_UNREACHABLE();
    }
    return acc;
}

/* The fold of all elements of an integer array, n >= 1. -> new */
static PyObject *
fold_ints(FaState *st, const FaView *v, int op)
{
    FaSum total;
    FaExtreme e;
    Py_ssize_t n;

    switch (op) {
    case FA_N_ADD:
        fa_grid_sum(st, v, &total, &n);
        return fa_box_int(total.i);
    case FA_N_MIN:
        fa_grid_extremes(st, v, FA_WANT_LO, &e, &n);
        return fa_box_scalar(fa_dtype_kind(v->dtype), e.lo);
    case FA_N_MAX:
        fa_grid_extremes(st, v, FA_WANT_HI, &e, &n);
        return fa_box_scalar(fa_dtype_kind(v->dtype), e.hi);
    case FA_N_MUL:
        return fa_product_ints(v);
    case FA_N_AND:
    case FA_N_OR:
    case FA_N_XOR:
        return fa_box_int(fold_bits(v, op));
    default:
        Py_UNREACHABLE();
    }
}

/* How the fold joins an initial int: any grouping gives Python's answer. -> new */
static PyObject *
join_initial(int op, PyObject *initial, PyObject *rest)
{
    int less;
    switch (op) {
    case FA_N_ADD: return PyNumber_Add(initial, rest);
    case FA_N_MUL: return PyNumber_Multiply(initial, rest);
    case FA_N_AND: return PyNumber_And(initial, rest);
    case FA_N_OR: return PyNumber_Or(initial, rest);
    case FA_N_XOR: return PyNumber_Xor(initial, rest);
    default:
        less = PyObject_RichCompareBool(rest, initial, op == FA_N_MIN ? Py_LT : Py_GT);
        return less < 0 ? NULL : Py_NewRef(less ? rest : initial);
    }
}

/* Strictly left to right: rounding depends on the order. */
static double
fold_floats(const FaView *v, int op, double acc, Py_ssize_t from)
{
    Py_ssize_t i = from, n = v->n;
    switch (op) {
    case FA_N_ADD:
        for (; i < n; i++)
            acc += fa_float_at(v->dtype, v->ptr, i);
        break;
    case FA_N_MUL:
        for (; i < n; i++)
            acc *= fa_float_at(v->dtype, v->ptr, i);
        break;
    case FA_N_MIN:
        for (; i < n; i++) {
            double x = fa_float_at(v->dtype, v->ptr, i);
            acc = x < acc ? x : acc;
        }
        break;
    default:
        for (; i < n; i++) {
            double x = fa_float_at(v->dtype, v->ptr, i);
            acc = x > acc ? x : acc;
        }
    }
    return acc;
}

static int
float_fold_known(int op)
{
    return op == FA_N_ADD || op == FA_N_MUL || op == FA_N_MIN || op == FA_N_MAX;
}

static int
int_fold_known(int op)
{
    return float_fold_known(op) || op == FA_N_AND || op == FA_N_OR || op == FA_N_XOR;
}

/* -- Any callable ----------------------------------------------------------------- */

static PyObject *
fold_python(FaState *st, const FaView *v, PyObject *fn, PyObject *initial)
{
    PyObject *acc = initial ? Py_NewRef(initial) : fa_view_item(v, 0);
    fa_add_blocks(&st->python_blocks, (uint64_t)((v->n + 511) / 512));
    for (Py_ssize_t i = initial == NULL; i < v->n && acc != NULL; i++) {
        PyObject *args[3] = {NULL, acc, fa_view_item(v, i)}, *r = NULL;
        if (args[2] != NULL)
            r = PyObject_Vectorcall(fn, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        Py_XDECREF(args[2]);
        Py_DECREF(acc);
        acc = r;
    }
    return acc;
}

static PyObject *
fold_any(FaState *st, const FaView *v, PyObject *fn, PyObject *initial)
{
    int is_float = fa_dtype_kind(v->dtype) == FA_FLOAT, op = -1;

    if (v->dtype < FA_NDTYPES && v->n > 1)
        op = fa_lambda_fold(st, fn, v->dtype);
    if (is_float && float_fold_known(op) && (!initial || PyFloat_CheckExact(initial))) {
        double acc = initial ? PyFloat_AS_DOUBLE(initial) : fa_float_at(v->dtype, v->ptr, 0);
        fa_add_blocks(&st->kernel_blocks, 1);
        return PyFloat_FromDouble(fold_floats(v, op, acc, initial == NULL));
    }
    if (!is_float && int_fold_known(op) && (!initial || PyLong_CheckExact(initial))) {
        PyObject *rest = fold_ints(st, v, op), *all;
        fa_add_blocks(&st->kernel_blocks, 1);
        if (initial == NULL || rest == NULL)
            return rest;
        all = join_initial(op, initial, rest);
        Py_DECREF(rest);
        return all;
    }
    return fold_python(st, v, fn, initial);
}

FA_FUNCTION(reduce)
{
    static const FaSpec spec = {"reduce", 2, 3, 2, {"a", "fn", "initial"}};
    FaState *st = fa_state(module);
    PyObject *in[3], *result = NULL;
    FaView v;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (!PyCallable_Check(in[1])) {
        PyErr_Format(PyExc_TypeError, "'%.100s' object is not callable",
                     Py_TYPE(in[1])->tp_name);
        return NULL;
    }
    if (fa_view_acquire(st, &v, in[0], FA_READ | FA_HOLD | FA_ORDERED) < 0)
        return NULL;
    if (v.valid != NULL)
        PyErr_SetString(PyExc_ValueError, "reduce(): the array has nulls");
    else if (v.n == 0 && in[2] == NULL)
        PyErr_SetString(PyExc_TypeError, "reduce() of empty iterable with no initial value");
    else
        result = v.n ? fold_any(st, &v, in[1], in[2]) : Py_NewRef(in[2]);
    fa_view_release(&v);
    return result;
}
