/* scale and clip: in place, and atomic.
 *
 * Invariant: when an exception leaves, the array is as it was.  Checked integer scaling
 * writes block by block as it proves them; a late overflow undoes the earlier blocks by
 * exact division (they did not overflow, so y / factor is x).  The GIL is kept, so no
 * other thread of this interpreter sees the half-way state.
 */
#include <math.h>
#include <string.h>

#include "fa_affine.h"
#include "fa_box.h"
#include "fa_reduce.h"

/* hold: converting the other operands may run Python code */
static int
acquire_target(FaState *st, FaView *v, PyObject *obj, int hold, const char *function)
{
    if (fa_view_acquire(st, v, obj, FA_WRITE | (hold ? FA_HOLD : 0)) < 0)
        return -1;
    if (v->dtype < FA_NDTYPES)
        return 0;
    PyErr_Format(PyExc_TypeError,
                 "%s() can't write typecode '%c' (expected one of bBhHiIlLqQfd)", function,
                 v->code);
    fa_view_release(v);
    return -1;
}

static inline int
runs_no_code(PyObject *x)
{
    return PyLong_CheckExact(x) || PyFloat_CheckExact(x) || x == Py_None;
}

/* -- scale ------------------------------------------------------------------------ */

static void
undo_scale(const FaView *v, size_t n, FaI128 factor)
{
    switch (v->dtype) {
#define FA_DTYPE(t, ctype, kind, bits, code)                                             \
    case FA_##t: {                                                                       \
        typedef ctype __attribute__((aligned(1), may_alias)) Item;                       \
        Item *p = (Item *)v->ptr;                                                        \
        for (size_t i = 0; i < n; i++)                                                   \
            p[i] = (ctype)((FaI128)p[i] / factor);                                        \
        break;                                                                           \
    }
#include "fa_dtypes.def"
#undef FA_DTYPE
    default:
        Py_UNREACHABLE();
    }
}

static int
overflow_at(const FaView *v, const char *function, size_t i)
{
    PyErr_Format(PyExc_OverflowError,
                 "%s(): result out of range for typecode '%c' at index %zu", function,
                 v->code, i);
    return -1;
}

/* A handful of elements: cheaper to multiply and look than to divide for the range.
 * Returns the index that overflows, or n; then everything is as it was. */
enum { FEW = 16 };
static size_t
scale_few(const FaView *v, int32_t factor)
{
    size_t i = 0, n = (size_t)v->n;
    int64_t bad = 0; /* no branch per element */
    switch (v->dtype) {
#define FA_DTYPE(t, ctype, kind, bits, code)                                             \
    case FA_##t: {                                                                       \
        typedef ctype __attribute__((aligned(1), may_alias)) Item;                       \
        Item *p = (Item *)v->ptr;                                                        \
        ctype was[FEW], y;                                                               \
        for (size_t j = 0; j < n; j++) {                                                 \
            was[j] = p[j];                                                               \
            bad |= MULTIPLY_##kind(bits, was[j], ctype);                                 \
            p[j] = y;                                                                    \
        }                                                                                \
        if (bad == 0)                                                                    \
            return n;                                                                    \
        memcpy(p, was, n * sizeof *p);                                                   \
        for (; i < n && !MULTIPLY_##kind(bits, was[i], ctype); i++);                     \
        return i;                                                                        \
    }
#define MULTIPLY_SMALL(x, ctype) (((int64_t)(x) * factor) ^ (y = (ctype)((int64_t)(x) * factor)))
#define MULTIPLY_8(x, ctype) MULTIPLY_SMALL(x, ctype)
#define MULTIPLY_16(x, ctype) MULTIPLY_SMALL(x, ctype)
#define MULTIPLY_32(x, ctype) MULTIPLY_SMALL(x, ctype)
#define MULTIPLY_64(x, ctype) __builtin_mul_overflow(x, factor, &y)
#define MULTIPLY_FA_SIGNED(bits, x, ctype) MULTIPLY_##bits(x, ctype)
#define MULTIPLY_FA_UNSIGNED(bits, x, ctype) MULTIPLY_##bits(x, ctype)
#define MULTIPLY_FA_FLOAT(bits, x, ctype) ((y = x) == x || 1) /* integers only */
#include "fa_dtypes.def"
#undef FA_DTYPE
    default:
        Py_UNREACHABLE();
    }
}

static int
scale_by_int(FaState *st, const FaView *v, FaI128 factor, int check)
{
    FaAffine k;
    size_t done;

    if (v->n == 0) /* an empty array has no memory at all */
        return 0;
    if (v->n <= FEW && check && factor >= INT32_MIN && factor <= INT32_MAX) {
        done = scale_few(v, (int32_t)factor);
        return done == (size_t)v->n ? 0 : overflow_at(v, "scale", done);
    }
    k = fa_affine(FA_MUL, v->dtype, factor, check);
    done = st->kernels->vs[FA_MUL][v->dtype](v->ptr, v->ptr, (size_t)v->n, &k);
    if (done == (size_t)v->n)
        return 0;
    if (factor != 0)
        undo_scale(v, done, factor);
    return overflow_at(v, "scale", done);
}

typedef enum { ROUND_NONE, ROUND_TRUNC, ROUND_FLOOR, ROUND_CEIL, ROUND_EVEN } Rounding;

static int
rounding_rule(PyObject *name, Rounding *rule)
{
    static const char *const names[] = {"", "trunc", "floor", "ceil", "even"};
    *rule = ROUND_NONE;
    if (name == NULL || name == Py_None)
        return 0;
    if (PyUnicode_Check(name))
        for (int i = 1; i < 5; i++)
            if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) {
                *rule = (Rounding)i;
                return 0;
            }
    PyErr_Format(PyExc_ValueError,
                 "rounding must be 'trunc', 'floor', 'ceil' or 'even', not %R", name);
    return -1;
}

static double
rounded(double x, Rounding rule)
{
    switch (rule) {
    case ROUND_TRUNC: return trunc(x);
    case ROUND_FLOOR: return floor(x);
    case ROUND_CEIL: return ceil(x);
    default: return rint(x);
    }
}

/* Integers by a fraction: x * factor as Python's int * float, then rounded.  Two passes,
 * so that nothing is written before everything is known to fit. */
static int
scale_by_fraction(const FaView *v, double factor, Rounding rule)
{
    const double first = (double)fa_int_first(v->dtype);
    const double past = (double)(fa_int_last(v->dtype) + 1); /* a power of two: exact */

    switch (v->dtype) {
#define FA_DTYPE(t, ctype, kind, bits, code)                                             \
    case FA_##t: {                                                                       \
        typedef ctype __attribute__((aligned(1), may_alias)) Item;                       \
        Item *p = (Item *)v->ptr;                                                        \
        for (Py_ssize_t i = 0; i < v->n; i++) {                                          \
            double y = rounded((double)p[i] * factor, rule);                             \
            if (!(y >= first && y < past))                                               \
                return overflow_at(v, "scale", (size_t)i);                               \
        }                                                                                \
        for (Py_ssize_t i = 0; i < v->n; i++)                                            \
            p[i] = (ctype)rounded((double)p[i] * factor, rule);                          \
        return 0;                                                                        \
    }
#include "fa_dtypes.def"
#undef FA_DTYPE
    default:
        Py_UNREACHABLE();
    }
}

static int
scale_ints(FaState *st, const FaView *v, PyObject *factor, Rounding rule, int check)
{
    FaI128 whole = 0;
    double fraction = 0;
    int integral = fa_unbox_small(factor, &whole)
                       ? 1
                       : fa_unbox_integral(factor, &whole, &fraction, "factor");

    if (integral < 0)
        return -1;
    if (integral)
        return scale_by_int(st, v, whole, check);
    if (!(fabs(fraction) < INFINITY)) {
        PyErr_SetString(PyExc_ValueError, "factor must be finite for an integer array");
        return -1;
    }
    if (rule == ROUND_NONE) {
        PyErr_Format(PyExc_TypeError,
                     "factor %R is not integral for typecode '%c' "
                     "(give rounding='trunc', 'floor', 'ceil' or 'even')", factor, v->code);
        return -1;
    }
    return scale_by_fraction(v, fraction, rule);
}

FA_FUNCTION(scale)
{
    static const FaSpec spec = {"scale", 2, 2, 1, {"a", "factor", "rounding", "check"}};
    FaState *st = fa_state(module);
    PyObject *in[4] = {NULL, NULL, NULL, NULL};
    Rounding rule = ROUND_NONE;
    FaAffine k;
    FaView v;
    int status, check = 1;

    if (nargs == 2 && kwnames == NULL) {
        in[0] = args[0];
        in[1] = args[1];
    } else {
        if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 ||
            rounding_rule(in[2], &rule) < 0)
            return NULL;
        if (in[3] != NULL && (check = PyObject_IsTrue(in[3])) < 0)
            return NULL;
    }
    if (acquire_target(st, &v, in[0], !runs_no_code(in[1]), "scale") < 0)
        return NULL;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT) {
        status = fa_unbox_double(in[1], &k.k.d, "factor");
        if (status == 0)
            st->kernels->vs[FA_MUL][v.dtype](v.ptr, v.ptr, (size_t)v.n, &k);
    } else
        status = scale_ints(st, &v, in[1], rule, check);
    fa_view_release(&v);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* -- clip ------------------------------------------------------------------------- */

static int
crossed_bounds(PyObject *lo, PyObject *hi)
{
    PyErr_Format(PyExc_ValueError, "clip(): min %R is greater than max %R", lo, hi);
    return -1;
}

static int
nan_bound(const char *which)
{
    PyErr_Format(PyExc_ValueError, "clip(): %s is NaN", which);
    return -1;
}

/* A bound for integers as an exact range end: a fraction rounds inwards. */
static int
int_bound(PyObject *obj, FaI128 *x, int is_max)
{
    const char *which = is_max ? "max" : "min";
    double f;
    int integral = fa_unbox_small(obj, x) ? 1 : fa_unbox_integral(obj, x, &f, which);

    if (integral != 0)
        return integral < 0 ? -1 : 0;
    if (f != f)
        return nan_bound(which);
    f = is_max ? floor(f) : ceil(f);
    if (fabs(f) < 0x1p100)
        *x = (FaI128)f;
    else
        *x = f < 0 ? -((FaI128)1 << 70) : (FaI128)1 << 70;
    return 0;
}

static inline FaI128
within(FaI128 x, FaI128 lo, FaI128 hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static int
clip_ints(FaState *st, const FaView *v, PyObject *lo_obj, PyObject *hi_obj)
{
    FaI128 first = fa_int_first(v->dtype), last = fa_int_last(v->dtype);
    FaI128 lo = first, hi = last;
    FaScalar a, b;

    if (lo_obj != Py_None && int_bound(lo_obj, &lo, 0) < 0)
        return -1;
    if (hi_obj != Py_None && int_bound(hi_obj, &hi, 1) < 0)
        return -1;
    if (lo > hi && lo_obj != Py_None && hi_obj != Py_None)
        return crossed_bounds(lo_obj, hi_obj);
    a.i = (int64_t)within(lo, first, last);
    b.i = (int64_t)within(hi, first, last);
    st->kernels->clip[v->dtype](v->ptr, v->ptr, (size_t)v->n, a, b);
    return 0;
}

static int
clip_floats(FaState *st, const FaView *v, PyObject *lo_obj, PyObject *hi_obj)
{
    FaScalar lo = {.d = -INFINITY}, hi = {.d = INFINITY};

    if (lo_obj != Py_None && fa_unbox_double(lo_obj, &lo.d, "min") < 0)
        return -1;
    if (hi_obj != Py_None && fa_unbox_double(hi_obj, &hi.d, "max") < 0)
        return -1;
    if (lo.d != lo.d || hi.d != hi.d)
        return nan_bound(lo.d != lo.d ? "min" : "max");
    if (lo.d > hi.d)
        return crossed_bounds(lo_obj, hi_obj);
    st->kernels->clip[v->dtype](v->ptr, v->ptr, (size_t)v->n, lo, hi);
    return 0;
}

FA_FUNCTION(clip)
{
    static const FaSpec spec = {"clip", 3, 3, 1, {"a", "min", "max"}};
    FaState *st = fa_state(module);
    PyObject *in[3];
    FaView v;
    int status;

    if (nargs == 3 && kwnames == NULL) {
        in[0] = args[0];
        in[1] = args[1];
        in[2] = args[2];
    } else if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (acquire_target(st, &v, in[0], !runs_no_code(in[1]) || !runs_no_code(in[2]),
                       "clip") < 0)
        return NULL;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT)
        status = clip_floats(st, &v, in[1], in[2]);
    else
        status = clip_ints(st, &v, in[1], in[2]);
    fa_view_release(&v);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}
