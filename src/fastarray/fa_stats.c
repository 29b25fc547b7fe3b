/* argmin, argmax, var, std, dot, count, prod, any, all, and a chunk's tally. */
#include "fa_stats.h"

#include <math.h>
#include <string.h>

#include "fa_box.h"
#include "fa_product.h"
#include "fa_reduce.h"

static int
one_view(FaState *st, FaView *v, const FaSpec *spec, PyObject *const *args,
         Py_ssize_t nargs, PyObject *kwnames, PyObject **in, int flags)
{
    if (fa_args_parse(spec, args, nargs, kwnames, in) < 0)
        return -1;
    return fa_view_acquire(st, v, in[0], flags);
}

/* -- argmin and argmax ------------------------------------------------------------ */

static Py_ssize_t
first_nan(const FaView *v)
{
    for (Py_ssize_t i = 0; i < v->n; i++) {
        double d;
        float f;
        if (v->dtype == FA_f64)
            memcpy(&d, v->ptr + 8 * i, 8);
        else {
            memcpy(&f, v->ptr + 4 * i, 4);
            d = f;
        }
        if (d != d)
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
    FaExtreme r = {.nan = 0};
    Py_ssize_t n, at;
    FaView v;

    if (one_view(st, &v, spec, args, nargs, kwnames, in, FA_READ | FA_ORDERED) < 0)
        return NULL;
    if (v.n == 0 || !fa_view_is_plain(&v)) {
        if (v.n == 0)
            PyErr_Format(PyExc_ValueError, "%s() of an empty array", spec->function);
        else if (v.valid != NULL)
            PyErr_Format(PyExc_ValueError, "%s(): the array has nulls", spec->function);
        else
            PyErr_Format(PyExc_TypeError,
                         "%s() can't take typecode '%c' (expected one of bBhHiIlLqQfd)",
                         spec->function, v.code);
        fa_view_release(&v);
        return NULL;
    }
    fa_reduce_extremes(st, &v, want, &r, &n);
    if (fa_dtype_kind(v.dtype) == FA_FLOAT && r.nan)
        at = first_nan(&v);
    else
        at = find_value(st, &v, want == FA_WANT_LO ? r.lo : r.hi);
    fa_view_release(&v);
    return PyLong_FromSsize_t(at);
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

/* 64-bit products: as many as fit 128 bits at a time, the rest in Python ints. -> new */
static PyObject *
dot_64(const char *a, const char *b, Py_ssize_t n, int is_signed)
{
    PyObject *total = PyLong_FromLong(0);
    FaI128 sum = 0;

    for (Py_ssize_t i = 0; i <= n && total != NULL; i++) {
        FaI128 product = 0, next = 0;
        int flush = i == n;
        if (!flush) {
            int64_t x, y;
            memcpy(&x, a + 8 * i, 8);
            memcpy(&y, b + 8 * i, 8);
            if (is_signed)
                product = (FaI128)x * y;
            else if (__builtin_mul_overflow((FaU128)(uint64_t)x, (FaU128)(uint64_t)y, &product))
                product = -1; /* past 2**127: marked, added on its own below */
            flush = product < 0 && !is_signed;
            if (!flush)
                flush = __builtin_add_overflow(sum, product, &next);
        }
        if (flush) {
            PyObject *part = fa_box_int(sum), *more;
            more = part ? PyNumber_Add(total, part) : NULL;
            Py_XDECREF(part);
            Py_SETREF(total, more);
            next = product;
            if (product < 0 && !is_signed && total != NULL) {
                uint64_t x, y;
                PyObject *p, *q, *r = NULL;
                memcpy(&x, a + 8 * i, 8);
                memcpy(&y, b + 8 * i, 8);
                p = PyLong_FromUnsignedLongLong(x);
                q = PyLong_FromUnsignedLongLong(y);
                if (p != NULL && q != NULL)
                    r = PyNumber_Multiply(p, q);
                Py_XDECREF(p);
                Py_XDECREF(q);
                more = r ? PyNumber_Add(total, r) : NULL;
                Py_XDECREF(r);
                Py_SETREF(total, more);
                next = 0;
            }
        }
        sum = next;
    }
    return total;
}

static inline void
add_pair(FaSum *total, double s, double c)
{
    double t = total->d.s + s, z = t - total->d.s;
    total->d.c = (total->d.c + c) + ((total->d.s - (t - z)) + (s - z));
    total->d.s = t;
}

/* Left to right, for infinities and NaNs. */
static double
dot_plain(FaDtype t, const char *a, const char *b, Py_ssize_t n)
{
    double r = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (t == FA_f64) {
            double x, y;
            memcpy(&x, a + 8 * i, 8);
            memcpy(&y, b + 8 * i, 8);
            r += x * y;
        }
        else {
            float x, y;
            memcpy(&x, a + 4 * i, 4);
            memcpy(&y, b + 4 * i, 4);
            r += (double)x * (double)y;
        }
    }
    return r;
}

/* Exact for integers, compensated for floats, in the chunks of fa_reduce.c. -> new */
static PyObject *
dot_views(FaState *st, FaDtype t, const char *a, const char *b, Py_ssize_t n)
{
    unsigned size = fa_dtype_size(t);
    Py_ssize_t step = (Py_ssize_t)(FA_CHUNK_BYTES / size);
    int is_float = fa_dtype_kind(t) == FA_FLOAT;
    FaSum total = {0};
    double r;

    if (st->kernels->dot[t] == NULL)
        return dot_64(a, b, n, t == FA_i64);
    if (is_float)
        total.d.s = total.d.c = 0;
    for (Py_ssize_t i = 0; i < n; i += step) {
        FaSum part;
        st->kernels->dot[t](a + i * size, b + i * size, (size_t)(n - i < step ? n - i : step),
                            &part);
        if (is_float)
            add_pair(&total, part.d.s, part.d.c);
        else
            total.i += part.i;
    }
    if (!is_float)
        return fa_box_int(total.i);
    r = total.d.s + total.d.c;
    return PyFloat_FromDouble(fabs(r) < INFINITY ? r : dot_plain(t, a, b, n));
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

FA_FUNCTION(dot)
{
    static const FaSpec spec = {"dot", 2, 2, 2, {"a", "b"}};
    FaState *st = fa_state(module);
    PyObject *in[2], *result = NULL;
    FaView a, b;

    FA_VIEW_INIT(&b);
    if (one_view(st, &a, &spec, args, nargs, kwnames, in, FA_READ | FA_ORDERED | FA_HOLD) < 0)
        return NULL;
    if (fa_view_acquire(st, &b, in[1], FA_READ | FA_ORDERED) < 0)
        goto done;
    if (plain_numbers(&a, "dot") < 0 || plain_numbers(&b, "dot") < 0)
        goto done;
    if (a.dtype != b.dtype)
        PyErr_Format(PyExc_TypeError, "dot() can't mix typecodes '%c' and '%c'", a.code, b.code);
    else if (a.n != b.n)
        PyErr_Format(PyExc_ValueError, "dot() of %zd and %zd elements", a.n, b.n);
    else
        result = dot_views(st, a.dtype, a.ptr, b.ptr, a.n);
done:
    fa_view_release(&b);
    fa_view_release(&a);
    return result;
}

/* -- var and std ------------------------------------------------------------------ */

void
fa_reduce_moments(FaState *st, const FaView *v, double m, FaMoments *r, Py_ssize_t *count)
{
    FaDtype t = fa_view_kernel_type(v);
    Py_ssize_t step = (Py_ssize_t)(FA_CHUNK_BYTES / v->size), seen = 0;
    FaSum one = {.d = {0, 0}}, two = {.d = {0, 0}};

    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i < step ? v->n - i : step;
        const void *p = fa_view_block(st, v, i, &n, &taken, room);
        FaMoments part;
        st->kernels->moments[t](p, (size_t)n, m, &part);
        add_pair(&one, part.s1, part.c1);
        add_pair(&two, part.s2, part.c2);
        seen += n;
    }
    *r = (FaMoments){one.d.s, one.d.c, two.d.s, two.d.c};
    *count = seen;
}

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
var_ints(FaState *st, const FaView *v, double correction)
{
    FaSum total;
    Py_ssize_t n;
    PyObject *top, *bottom;

    fa_reduce_sum(st, v, &total, &n);
    top = with(PyNumber_Subtract,
               with(PyNumber_Multiply, PyLong_FromSsize_t(n),
                    dot_views(st, v->dtype, v->ptr, v->ptr, v->n)),
               with(PyNumber_Multiply, fa_box_int(total.i), fa_box_int(total.i)));
    bottom = correction == floor(correction)
                 ? with(PyNumber_Multiply, PyLong_FromSsize_t(n),
                        PyLong_FromDouble((double)n - correction))
                 : PyFloat_FromDouble((double)n * ((double)n - correction));
    return with(PyNumber_TrueDivide, top, bottom);
}

/* Two passes: around the mean the squares do not cancel. */
static double
var_floats(FaState *st, const FaView *v, double correction, const double *mean)
{
    FaSum total;
    FaMoments r;
    Py_ssize_t n;
    double m, shift;

    fa_reduce_sum(st, v, &total, &n);
    m = mean ? *mean : fa_reduce_settle(st, v, &total) / (double)n;
    fa_reduce_moments(st, v, m, &r, &n);
    shift = mean ? 0 : r.s1 + r.c1; /* what rounding the mean left */
    return ((r.s2 + r.c2) - shift * shift / (double)n) / ((double)n - correction);
}

static PyObject *
variance(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
         const FaSpec *spec)
{
    FaState *st = fa_state(module);
    PyObject *in[3], *result = NULL;
    double correction = 0, mean = 0;
    FaView v;
    FaSum total;
    Py_ssize_t n;

    if (fa_args_parse(spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (in[1] != NULL && fa_unbox_double(in[1], &correction, "correction") < 0)
        return NULL;
    if (in[2] == Py_None)
        in[2] = NULL;
    if (in[2] != NULL && fa_unbox_double(in[2], &mean, "mean") < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    if (!(v.dtype == FA_F16 || fa_dtype_kind(v.dtype) == FA_FLOAT) && plain_numbers(&v, spec->function) < 0)
        goto done;
    fa_reduce_sum(st, &v, &total, &n);
    if (!((double)n - correction > 0))
        PyErr_Format(PyExc_ValueError, "%s() needs more than %R elements, not %zd",
                     spec->function, in[1] ? in[1] : Py_False, n);
    else if (fa_dtype_kind(v.dtype) == FA_FLOAT)
        result = PyFloat_FromDouble(var_floats(st, &v, correction, in[2] ? &mean : NULL));
    else if (in[2] != NULL)
        PyErr_Format(PyExc_TypeError, "%s(): mean= is for float arrays", spec->function);
    else
        result = var_ints(st, &v, correction);
done:
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

/* Equal elements, and through *n all that are not null. */
static Py_ssize_t
count_equal(FaState *st, const FaView *v, FaScalar x, float f, Py_ssize_t *all)
{
    FaDtype t = fa_view_kernel_type(v);
    const void *value = t == FA_f32 ? (const void *)&f : (const void *)&x;
    Py_ssize_t hits = 0;

    *all = 0;
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const void *p = fa_view_block(st, v, i, &n, &taken, room);
        hits += (Py_ssize_t)st->kernels->count[t](p, (size_t)n, value);
        *all += n;
    }
    return hits;
}

FA_FUNCTION(count)
{
    static const FaSpec spec = {"count", 2, 2, 2, {"a", "value"}};
    FaState *st = fa_state(module);
    PyObject *in[2];
    Py_ssize_t hits = 0, n;
    FaScalar x;
    FaView v;
    float f = 0;
    int can;

    if (one_view(st, &v, &spec, args, nargs, kwnames, in, FA_READ | FA_HOLD) < 0)
        return NULL;
    can = wanted(&v, in[1], &x, &f);
    if (can > 0)
        hits = count_equal(st, &v, x, f, &n);
    fa_view_release(&v);
    return can < 0 ? NULL : PyLong_FromSsize_t(hits);
}

static PyObject *
truth(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
      const FaSpec *spec, int want_all)
{
    FaState *st = fa_state(module);
    PyObject *in[1];
    Py_ssize_t zeros, n;
    FaView v;

    if (one_view(st, &v, spec, args, nargs, kwnames, in, FA_READ) < 0)
        return NULL;
    zeros = count_equal(st, &v, (FaScalar){.u = 0}, 0.0f, &n);
    fa_view_release(&v);
    return PyBool_FromLong(want_all ? zeros == 0 : zeros < n);
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
        for (Py_ssize_t i = 0; i < v.n; i++) {
            double d;
            float f;
            if (v.dtype == FA_f64)
                memcpy(&d, v.ptr + 8 * i, 8);
            else {
                memcpy(&f, v.ptr + 4 * i, 4);
                d = f;
            }
            r *= d;
        }
        result = PyFloat_FromDouble(r);
    }
    else
        result = fa_product_ints(&v);
done:
    fa_view_release(&v);
    return result;
}

/* -- a chunk's tally -------------------------------------------------------------- */

FA_FUNCTION(tally)
{
    static const FaSpec spec = {"_tally", 1, 1, 1, {"a"}};
    FaState *st = fa_state(module);
    PyObject *in[1], *result = NULL;
    FaExtreme e = {.nan = 0};
    FaView v;
    FaSum total;
    FaMoments m;
    FaKind kind;
    Py_ssize_t n, same;

    if (one_view(st, &v, &spec, args, nargs, kwnames, in, FA_READ) < 0)
        return NULL;
    kind = fa_dtype_kind(v.dtype);
    fa_reduce_sum(st, &v, &total, &n);
    if (n == 0)
        result = Py_BuildValue("(iiiiiOO)", 0, 0, 0, 0, 0, Py_None, Py_None);
    else if (kind == FA_FLOAT) {
        fa_reduce_extremes(st, &v, FA_WANT_LO | FA_WANT_HI, &e, &same);
        fa_reduce_moments(st, &v, 0.0, &m, &same);
        if (e.nan)
            e.lo.d = e.hi.d = Py_NAN;
        result = Py_BuildValue("(nddddNN)", n, total.d.s, total.d.c, m.s2, m.c2,
                               fa_box_scalar(kind, e.lo), fa_box_scalar(kind, e.hi));
    }
    else if (plain_numbers(&v, "Accumulator.update") == 0) {
        fa_reduce_extremes(st, &v, FA_WANT_LO | FA_WANT_HI, &e, &same);
        result = Py_BuildValue("(nNiNiNN)", n, fa_box_int(total.i), 0,
                               dot_views(st, v.dtype, v.ptr, v.ptr, v.n), 0,
                               fa_box_scalar(kind, e.lo), fa_box_scalar(kind, e.hi));
    }
    fa_view_release(&v);
    return result;
}
