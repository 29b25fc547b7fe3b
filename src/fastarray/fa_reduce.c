/* sum, mean, min, max and minmax. */
#include "fa_reduce.h"

#include <math.h>
#include <string.h>

#include "fa_box.h"
#include "fa_grid.h"

/* -- sum and mean ----------------------------------------------------------------- */

/* What both are made of. */
typedef struct {
    PyObject *in[2]; /* borrowed: the array, and start or default */
    FaKind kind;
    FaSum total;
    Py_ssize_t n;
    double settled; /* of floats, unless there are none */
} Summed;

typedef double (*Settle)(FaState *st, const FaView *v, const FaSum *total, Py_ssize_t n);

static inline int
sum_up(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
       const FaSpec *spec, Settle settle, Summed *s)
{
    FaState *st = fa_state(module);
    PyThreadState *ts;
    FaView v;

    s->in[1] = NULL;
    if (nargs == 1 && kwnames == NULL)
        s->in[0] = args[0];
    else if (fa_args_parse(spec, args, nargs, kwnames, s->in) < 0)
        return -1;
    if (fa_view_acquire(st, &v, s->in[0], FA_READ) < 0)
        return -1;
    s->kind = fa_dtype_kind(v.dtype);
    ts = fa_view_let_go(&v, s->in[0]);
    fa_grid_sum(st, &v, &s->total, &s->n);
    if (s->kind == FA_FLOAT && s->n > 0)
        s->settled = settle(st, &v, &s->total, s->n);
    fa_view_come_back(ts);
    fa_view_release(&v);
    return 0;
}

static double
float_sum(FaState *st, const FaView *v, const FaSum *total, Py_ssize_t n)
{
    return fa_grid_settle(st, v, total);
}

FA_FUNCTION(sum)
{
    static const FaSpec spec = {"sum", 1, 1, 1, {"a", "start"}};
    PyObject *result, *with_start;
    Summed s = {.settled = 0};

    if (sum_up(module, args, nargs, kwnames, &spec, float_sum, &s) < 0)
        return NULL;
    result = s.kind == FA_FLOAT ? PyFloat_FromDouble(s.settled) : fa_box_int(s.total.i);
    if (s.in[1] == NULL || result == NULL)
        return result;
    with_start = PyNumber_Add(s.in[1], result);
    Py_DECREF(result);
    return with_start;
}

static PyObject *
empty_error(const char *function)
{
    PyErr_Format(PyExc_ValueError, "%s() of an empty array", function);
    return NULL;
}

/* The mean where the sum leaves float64: of the elements scaled down, and back up. */
static double
mean_of_huge(FaState *st, const FaView *v, Py_ssize_t count)
{
    FaSum total = {.d = {0, 0}};
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const char *p = fa_view_block(st, v, i, &n, &taken, room);
        for (Py_ssize_t j = 0; j < n; j++)
            fa_add_pair(&total, fa_float_at(FA_f64, p, j) * 0x1p-64, 0);
    }
    return isfinite(total.d.s) ? (total.d.s + total.d.c) / (double)count * 0x1p64
                               : total.d.s;
}

static double
float_mean(FaState *st, const FaView *v, const FaSum *total, Py_ssize_t n)
{
    double sum = fa_grid_settle(st, v, total);
    if (isinf(sum) && fa_view_kernel_type(v) == FA_f64)
        return mean_of_huge(st, v, n);
    return sum / (double)n;
}

FA_FUNCTION(mean)
{
    static const FaSpec spec = {"mean", 1, 1, 1, {"a", "default"}};
    Summed s;

    if (sum_up(module, args, nargs, kwnames, &spec, float_mean, &s) < 0)
        return NULL;
    if (s.n == 0)
        return s.in[1] ? Py_NewRef(s.in[1]) : empty_error("mean");
    return s.kind == FA_FLOAT ? PyFloat_FromDouble(s.settled) : fa_box_ratio(s.total.i, s.n);
}

/* -- min, max, minmax ------------------------------------------------------------- */

typedef enum { NAN_PROPAGATE, NAN_IGNORE, NAN_RAISE } NanRule;

static int
nan_rule(PyObject *name, NanRule *rule)
{
    static const char *const names[] = {"propagate", "ignore", "raise"};
    *rule = NAN_PROPAGATE;
    if (name == NULL)
        return 0;
    if (PyUnicode_Check(name))
        for (int i = 0; i < 3; i++)
            if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) {
                *rule = (NanRule)i;
                return 0;
            }
    PyErr_Format(PyExc_ValueError, "nan must be 'propagate', 'ignore' or 'raise', not %R",
                 name);
    return -1;
}

/* Every element is NaN: then the ignoring extremes are the infinities no element is. */
static int
only_nans(FaState *st, const FaView *v)
{
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const char *p = fa_view_block(st, v, i, &n, &taken, room);
        for (Py_ssize_t j = 0; j < n; j++) {
            double x = fa_float_at(fa_view_kernel_type(v), p, j);
            if (x == x)
                return 0;
        }
    }
    return 1;
}

/* What a settled extreme is in Python: a bool stays one. */
static PyObject *
box_extreme(const FaView *v, FaScalar x)
{
    if (v->dtype == FA_BOOL)
        return PyBool_FromLong(x.u != 0);
    return fa_box_scalar(fa_dtype_kind(v->dtype), x);
}

/* Settles emptiness and NaNs.  1: r stands; 0: *result is what to return (or NULL). */
static int
settle_extremes(FaState *st, const FaView *v, Py_ssize_t n, FaExtreme *r, NanRule rule,
                const char *function, PyObject *fallback, PyObject **result)
{
    *result = NULL;
    if (n > 0 && fa_dtype_kind(v->dtype) == FA_FLOAT && r->nan) {
        if (rule == NAN_PROPAGATE) {
            r->lo.d = r->hi.d = Py_NAN;
            return 1;
        }
        if (rule == NAN_RAISE) {
            PyErr_Format(PyExc_ValueError, "%s() of an array with NaN", function);
            return 0;
        }
        if (only_nans(st, v))
            n = 0;
    }
    if (n == 0) {
        *result = fallback ? Py_NewRef(fallback) : empty_error(function);
        return 0;
    }
    return 1;
}

static PyObject *
extreme(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
        const FaSpec *spec, int want)
{
    FaState *st = fa_state(module);
    PyObject *in[3] = {NULL, NULL, NULL}, *result;
    NanRule rule = NAN_PROPAGATE;
    PyThreadState *ts;
    FaView v;
    FaExtreme r = {.nan = 0};
    Py_ssize_t n;

    if (nargs == 1 && kwnames == NULL)
        in[0] = args[0];
    else if (fa_args_parse(spec, args, nargs, kwnames, in) < 0 ||
             nan_rule(in[2], &rule) < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    ts = fa_view_let_go(&v, in[0]);
    fa_grid_extremes(st, &v, want, &r, &n);
    fa_view_come_back(ts);
    if (settle_extremes(st, &v, n, &r, rule, spec->function, in[1], &result)) {
        if (want == FA_WANT_LO)
            result = box_extreme(&v, r.lo);
        else if (want == FA_WANT_HI)
            result = box_extreme(&v, r.hi);
        else
            result = Py_BuildValue("(NN)", box_extreme(&v, r.lo), box_extreme(&v, r.hi));
    }
    fa_view_release(&v);
    return result;
}

FA_FUNCTION(min)
{
    static const FaSpec spec = {"min", 1, 1, 1, {"a", "default", "nan"}};
    return extreme(module, args, nargs, kwnames, &spec, FA_WANT_LO);
}

FA_FUNCTION(max)
{
    static const FaSpec spec = {"max", 1, 1, 1, {"a", "default", "nan"}};
    return extreme(module, args, nargs, kwnames, &spec, FA_WANT_HI);
}

FA_FUNCTION(minmax)
{
    static const FaSpec spec = {"minmax", 1, 1, 1, {"a", "default", "nan"}};
    return extreme(module, args, nargs, kwnames, &spec, FA_WANT_LO | FA_WANT_HI);
}
