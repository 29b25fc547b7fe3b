/* argmin, argmax, var, std, dot, count, prod, any, all, and a chunk's tally. */
#include "fa_stats.h"

#include <math.h>
#include <string.h>

#include "fa_box.h"
#include "fa_grid.h"
#include "fa_product.h"

static int
one_view(FaState *st, FaView *v, const FaSpec *spec, PyObject *const *args,
         Py_ssize_t nargs, PyObject *kwnames, PyObject **in, int flags)
{
    if (fa_args_parse(spec, args, nargs, kwnames, in) < 0)
        return -1;
    return fa_view_acquire(st, v, in[0], flags);
}

static int
plain_numbers(const FaView *v, const char *function)
{
    if (fa_view_is_plain(v))
        return 0;
    if (v->valid != NULL)
        PyErr_Format(PyExc_ValueError, "%s(): the array has nulls", function);
    else
        PyErr_Format(PyExc_TypeError,
                     "%s() can't take typecode '%c' (expected one of bBhHiIlLqQfd)", function,
                     v->code);
    return -1;
}

/* -- argmin and argmax ------------------------------------------------------------ */

static Py_ssize_t
first_nan(const FaView *v)
{
    for (Py_ssize_t i = 0; i < v->n; i++) {
        double x = fa_float_at(v->dtype, v->ptr, i);
        if (x != x)
            return i;
    }
    return v->n;
}

/* Index of the first element with exactly these bits. */
static Py_ssize_t
find_value(FaState *st, const FaView *v, FaScalar x)
{
    static const FaDtype as_bits[] = {FA_u8, FA_u16, FA_u32, FA_u64};
    int log = v->size == 1 ? 0 : v->size == 2 ? 1
                             : v->size == 4   ? 2
                                              : 3;
    float f = (float)x.d;
    const void *bits = v->dtype == FA_f32 ? (const void *)&f : (const void *)&x;
    return (Py_ssize_t)st->kernels->find[as_bits[log]](v->ptr, (size_t)v->n, bits);
}

static PyObject *
arg_extreme(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
            const FaSpec *spec, int want)
{
    FaState *st = fa_state(module);
    PyObject *in[1];
    PyThreadState *ts;
    FaExtreme r = {.nan = 0};
    Py_ssize_t n, at = -1;
    FaView v;

    if (one_view(st, &v, spec, args, nargs, kwnames, in, FA_READ | FA_ORDERED) < 0)
        return NULL;
    if (v.n == 0)
        PyErr_Format(PyExc_ValueError, "%s() of an empty array", spec->function);
    else if (plain_numbers(&v, spec->function) == 0) {
        ts = fa_view_let_go(&v, in[0]);
        fa_grid_extremes(st, &v, want, &r, &n);
        if (fa_dtype_kind(v.dtype) == FA_FLOAT && r.nan)
            at = first_nan(&v);
        else
            at = find_value(st, &v, want == FA_WANT_LO ? r.lo : r.hi);
        fa_view_come_back(ts);
    }
    fa_view_release(&v);
    return at < 0 ? NULL : PyLong_FromSsize_t(at);
}

FA_FUNCTION(argmin)
{
    static const FaSpec spec = {"argmin", 1, 1, 1, {"a"}};
    return arg_extreme(module, args, nargs, kwnames, &spec, FA_WANT_LO);
}

FA_FUNCTION(argmax)
{
    static const FaSpec spec = {"argmax", 1, 1, 1, {"a"}};
    return arg_extreme(module, args, nargs, kwnames, &spec, FA_WANT_HI);
}

/* -- dot -------------------------------------------------------------------------- */

/* What fa_grid_dot left, and for infinities and NaNs the sum from left to right. */
static double
settle_dot(const FaView *v, const char *other, const FaPart *total)
{
    double r = total->sum.d.s + total->sum.d.c;
    if (fabs(r) < INFINITY)
        return r;
    r = 0;
    for (Py_ssize_t i = 0; i < v->n; i++)
        r += fa_float_at(v->dtype, v->ptr, i) * fa_float_at(v->dtype, other, i);
    return r;
}

/* Exact for integers, compensated for floats; both views are held. -> new */
static PyObject *
dot_views(FaState *st, FaView *a, const FaView *b, PyObject *of_a)
{
    int is_float = fa_dtype_kind(a->dtype) == FA_FLOAT;
    PyThreadState *ts = fa_view_let_go(a, of_a);
    FaPart total;
    double r = 0;

    fa_grid_dot(st, a, b->ptr, &total);
    if (is_float)
        r = settle_dot(a, b->ptr, &total);
    fa_view_come_back(ts);
    return is_float ? PyFloat_FromDouble(r) : fa_box_wide(total.wide);
}

FA_FUNCTION(dot)
{
    static const FaSpec spec = {"dot", 2, 2, 2, {"a", "b"}};
    FaState *st = fa_state(module);
    PyObject *in[2], *result = NULL;
    FaView a, b;

    FA_VIEW_INIT(&b);
    if (one_view(st, &a, &spec, args, nargs, kwnames, in, FA_READ | FA_ORDERED | FA_HOLD) < 0)
        return NULL;
    if (fa_view_acquire(st, &b, in[1], FA_READ | FA_ORDERED | FA_HOLD) < 0)
        goto done;
    if (plain_numbers(&a, "dot") < 0 || plain_numbers(&b, "dot") < 0)
        goto done;
    if (a.dtype != b.dtype)
        PyErr_Format(PyExc_TypeError, "dot() can't mix typecodes '%c' and '%c'", a.code, b.code);
    else if (a.n != b.n)
        PyErr_Format(PyExc_ValueError, "dot() of %zd and %zd elements", a.n, b.n);
    else
        result = dot_views(st, &a, &b, in[0]);
done:
    fa_view_release(&b);
    fa_view_release(&a);
    return result;
}

/* -- var and std ------------------------------------------------------------------ */

/* a * b, a - b and so on, giving up both. -> new, NULL if either is NULL */
static PyObject *
with(PyObject *(*op)(PyObject *, PyObject *), PyObject *a, PyObject *b)
{
    PyObject *r = a != NULL && b != NULL ? op(a, b) : NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return r;
}

/* (n * sum(x*x) - sum(x)**2) / (n * (n - correction)), all of it exact. -> new */
static PyObject *
var_ints(Py_ssize_t n, const FaSum *total, const FaPart *squares, double correction)
{
    PyObject *top, *bottom;

    top = with(PyNumber_Subtract,
               with(PyNumber_Multiply, PyLong_FromSsize_t(n), fa_box_wide(squares->wide)),
               with(PyNumber_Multiply, fa_box_int(total->i), fa_box_int(total->i)));
    bottom = correction == floor(correction)
                 ? with(PyNumber_Multiply, PyLong_FromSsize_t(n),
                        PyLong_FromDouble((double)n - correction))
                 : PyFloat_FromDouble((double)n * ((double)n - correction));
    return with(PyNumber_TrueDivide, top, bottom);
}

/* Two passes: around the mean the squares do not cancel. */
static double
var_floats(FaState *st, const FaView *v, const FaSum *total, Py_ssize_t n, double correction,
           const double *mean)
{
    double m = mean ? *mean : fa_grid_settle(st, v, total) / (double)n, shift;
    FaMoments r;

    fa_grid_moments(st, v, m, &r);
    shift = mean ? 0 : r.s1 + r.c1; /* what rounding the mean left */
    return ((r.s2 + r.c2) - shift * shift / (double)n) / ((double)n - correction);
}

typedef struct {
    double correction, mean;
    int has_mean;
} VarOptions;

static int
var_options(PyObject *const *in, VarOptions *o)
{
    *o = (VarOptions){.has_mean = in[2] != NULL && in[2] != Py_None};
    if (in[1] != NULL && fa_unbox_double(in[1], &o->correction, "correction") < 0)
        return -1;
    return o->has_mean ? fa_unbox_double(in[2], &o->mean, "mean") : 0;
}

/* The variance of a view that can have one. -> new */
static PyObject *
var_view(FaState *st, FaView *v, PyObject *const *in, const VarOptions *o, const char *function)
{
    int is_float = fa_dtype_kind(v->dtype) == FA_FLOAT, enough;
    PyThreadState *ts = fa_view_let_go(v, in[0]);
    FaPart squares;
    FaSum total;
    Py_ssize_t n;
    double r = 0;

    fa_grid_sum(st, v, &total, &n);
    enough = (double)n - o->correction > 0;
    if (enough && is_float)
        r = var_floats(st, v, &total, n, o->correction, o->has_mean ? &o->mean : NULL);
    else if (enough)
        fa_grid_dot(st, v, v->ptr, &squares);
    fa_view_come_back(ts);
    if (enough)
        return is_float ? PyFloat_FromDouble(r) : var_ints(n, &total, &squares, o->correction);
    PyErr_Format(PyExc_ValueError, "%s() needs more than %R elements, not %zd", function,
                 in[1] ? in[1] : Py_False, n);
    return NULL;
}

static PyObject *
variance(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
         const FaSpec *spec)
{
    FaState *st = fa_state(module);
    PyObject *in[3], *result = NULL;
    VarOptions options;
    FaView v;

    if (fa_args_parse(spec, args, nargs, kwnames, in) < 0 || var_options(in, &options) < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT || plain_numbers(&v, spec->function) == 0) {
        if (options.has_mean && fa_dtype_kind(v.dtype) != FA_FLOAT)
            PyErr_Format(PyExc_TypeError, "%s(): mean= is for float arrays", spec->function);
        else
            result = var_view(st, &v, in, &options, spec->function);
    }
    fa_view_release(&v);
    return result;
}

FA_FUNCTION(var)
{
    static const FaSpec spec = {"var", 1, 1, 1, {"a", "correction", "mean"}};
    return variance(module, args, nargs, kwnames, &spec);
}

FA_FUNCTION(std)
{
    static const FaSpec spec = {"std", 1, 1, 1, {"a", "correction", "mean"}};
    PyObject *square = variance(module, args, nargs, kwnames, &spec), *result;
    if (square == NULL)
        return NULL;
    result = PyFloat_FromDouble(sqrt(PyFloat_AS_DOUBLE(square)));
    Py_DECREF(square);
    return result;
}

/* -- count, any, all, prod -------------------------------------------------------- */

/* value as the element type holds it; 0: no element can be equal; -1: error */
static int
wanted(const FaView *v, PyObject *value, FaScalar *x, float *f)
{
    FaDtype t = fa_view_kernel_type(v);
    FaI128 whole = 0;
    int status;

    if (fa_dtype_kind(t) != FA_FLOAT) {
        status = fa_unbox_integral(value, &whole, &x->d, "value");
        x->i = (int64_t)whole;
        if (status <= 0)
            return status;
        return whole >= fa_int_first(t) && whole <= fa_int_last(t);
    }
    if (PyLong_Check(value)) { /* equal only if the int is a double */
        PyObject *as_float = PyNumber_Float(value);
        int same;
        if (as_float == NULL) {
            PyErr_Clear();
            return 0;
        }
        same = PyObject_RichCompareBool(as_float, value, Py_EQ);
        x->d = PyFloat_AS_DOUBLE(as_float);
        Py_DECREF(as_float);
        if (same <= 0)
            return same;
    }
    else if (fa_unbox_double(value, &x->d, "value") < 0)
        return -1;
    *f = (float)x->d;
    return t == FA_f64 || (double)*f == x->d;
}

static void
count_chunk(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part)
{
    part->hits = g->st->kernels->count[fa_view_kernel_type(g->v)](p, n, g->value);
}

static void
join_count(const FaGrid *g, void *into, const FaPart *part, int is_first)
{
    *(size_t *)into += part->hits;
}

/* Equal elements; *n is how many there are that are not null. */
static size_t
count_equal(FaState *st, FaView *v, PyObject *of, FaScalar x, float f, Py_ssize_t *n)
{
    FaGrid g = {.st = st, .v = v, .step = fa_grid_step(v), .chunk = count_chunk, .join = join_count};
    PyThreadState *ts = fa_view_let_go(v, of);
    size_t hits = 0;

    g.value = fa_view_kernel_type(v) == FA_f32 ? (const void *)&f : (const void *)&x;
    *n = fa_grid_run(&g, &hits);
    fa_view_come_back(ts);
    return hits;
}

FA_FUNCTION(count)
{
    static const FaSpec spec = {"count", 2, 2, 2, {"a", "value"}};
    FaState *st = fa_state(module);
    PyObject *in[2];
    size_t hits = 0;
    Py_ssize_t n;
    FaScalar x;
    FaView v;
    float f = 0;
    int can;

    if (one_view(st, &v, &spec, args, nargs, kwnames, in, FA_READ | FA_HOLD) < 0)
        return NULL;
    can = wanted(&v, in[1], &x, &f);
    if (can > 0)
        hits = count_equal(st, &v, in[0], x, f, &n);
    fa_view_release(&v);
    return can < 0 ? NULL : PyLong_FromSize_t(hits);
}

static PyObject *
truth(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
      const FaSpec *spec, int want_all)
{
    FaState *st = fa_state(module);
    PyObject *in[1];
    Py_ssize_t n;
    size_t zeros;
    FaView v;

    if (one_view(st, &v, spec, args, nargs, kwnames, in, FA_READ) < 0)
        return NULL;
    zeros = count_equal(st, &v, in[0], (FaScalar){.u = 0}, 0.0f, &n);
    fa_view_release(&v);
    return PyBool_FromLong(want_all ? zeros == 0 : zeros < (size_t)n);
}

FA_FUNCTION(any)
{
    static const FaSpec spec = {"any", 1, 1, 1, {"a"}};
    return truth(module, args, nargs, kwnames, &spec, 0);
}

FA_FUNCTION(all)
{
    static const FaSpec spec = {"all", 1, 1, 1, {"a"}};
    return truth(module, args, nargs, kwnames, &spec, 1);
}

FA_FUNCTION(prod)
{
    static const FaSpec spec = {"prod", 1, 1, 1, {"a"}};
    FaState *st = fa_state(module);
    PyObject *in[1], *result = NULL;
    FaView v;

    if (one_view(st, &v, &spec, args, nargs, kwnames, in, FA_READ | FA_ORDERED | FA_HOLD) < 0)
        return NULL;
    if (plain_numbers(&v, "prod") < 0)
        goto done;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT) {
        double r = 1.0;
        for (Py_ssize_t i = 0; i < v.n; i++)
            r *= fa_float_at(v.dtype, v.ptr, i);
        result = PyFloat_FromDouble(r);
    }
    else
        result = fa_product_ints(&v);
done:
    fa_view_release(&v);
    return result;
}

/* -- a chunk's tally -------------------------------------------------------------- */

/* What is not Python about it. */
typedef struct {
    Py_ssize_t n;
    FaSum total;
    FaExtreme ends;
    FaMoments moments; /* of floats */
    FaPart squares;    /* of ints */
} Tally;

static void
take_tally(FaState *st, const FaView *v, Tally *t)
{
    Py_ssize_t same;
    fa_grid_sum(st, v, &t->total, &t->n);
    if (t->n == 0)
        return;
    fa_grid_extremes(st, v, FA_WANT_LO | FA_WANT_HI, &t->ends, &same);
    if (fa_dtype_kind(v->dtype) == FA_FLOAT)
        fa_grid_moments(st, v, 0.0, &t->moments);
    else
        fa_grid_dot(st, v, v->ptr, &t->squares);
}

static PyObject *
box_tally(FaKind kind, Tally *t)
{
    if (t->n == 0)
        return Py_BuildValue("(iiiiiOO)", 0, 0, 0, 0, 0, Py_None, Py_None);
    if (kind != FA_FLOAT)
        return Py_BuildValue("(nNiNiNN)", t->n, fa_box_int(t->total.i), 0,
                             fa_box_wide(t->squares.wide), 0, fa_box_scalar(kind, t->ends.lo),
                             fa_box_scalar(kind, t->ends.hi));
    if (t->ends.nan)
        t->ends.lo.d = t->ends.hi.d = Py_NAN;
    return Py_BuildValue("(nddddNN)", t->n, t->total.d.s, t->total.d.c, t->moments.s2,
                         t->moments.c2, fa_box_scalar(kind, t->ends.lo),
                         fa_box_scalar(kind, t->ends.hi));
}

FA_FUNCTION(tally)
{
    static const FaSpec spec = {"_tally", 1, 1, 1, {"a"}};
    FaState *st = fa_state(module);
    PyObject *in[1], *result = NULL;
    Tally t = {.ends = {.nan = 0}};
    PyThreadState *ts;
    FaView v;

    if (one_view(st, &v, &spec, args, nargs, kwnames, in, FA_READ) < 0)
        return NULL;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT || plain_numbers(&v, "Accumulator.update") == 0) {
        ts = fa_view_let_go(&v, in[0]);
        take_tally(st, &v, &t);
        fa_view_come_back(ts);
        result = box_tally(fa_dtype_kind(v.dtype), &t);
    }
    fa_view_release(&v);
    return result;
}
