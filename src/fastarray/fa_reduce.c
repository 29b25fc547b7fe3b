/* sum, mean, min, max and minmax. */
#include "fa_reduce.h"

#include <math.h>
#include <string.h>

#include "fa_array.h"
#include "fa_box.h"
#include "fa_pool.h"

/* -- The chunk grid --------------------------------------------------------------- */

static inline void
add_pair(FaSum *total, double s, double c)
{
    double t = total->d.s + s, z = t - total->d.s;
    total->d.c = (total->d.c + c) + ((total->d.s - (t - z)) + (s - z));
    total->d.s = t;
}

/* Chunks are reduced a wave at a time, by the pool if there is enough to do, and joined
 * in order: the same additions for every number of threads. */
enum { WAVE = 64 };
typedef struct {
    const FaView *v;
    Py_ssize_t first, step; /* elements */
    void (*sum)(const void *, size_t, FaSum *);
    void (*extremes)(const void *, size_t, FaExtreme *);
    const FaState *st;
    FaDtype type;
    int want;
    FaSum sums[WAVE];
    FaExtreme ends[WAVE];
} Wave;

static size_t
chunk_of(const Wave *w, int i, const void **p)
{
    Py_ssize_t from = w->first + i * w->step;
    *p = w->v->ptr + from * w->v->size;
    return (size_t)(w->v->n - from < w->step ? w->v->n - from : w->step);
}

static void
sum_chunk(void *ctx, int i)
{
    Wave *w = ctx;
    const void *p;
    size_t n = chunk_of(w, i, &p);
    w->sum(p, n, &w->sums[i]);
}

static void
run_wave(Wave *w, int parts, void (*part)(void *, int))
{
    if ((size_t)(w->v->n * w->v->size) >= FA_POOL_BYTES)
        fa_pool_run(parts, part, w);
    else
        for (int i = 0; i < parts; i++)
            part(w, i);
}

static int
wave_parts(const Wave *w)
{
    Py_ssize_t chunks = (w->v->n - w->first + w->step - 1) / w->step;
    return chunks < WAVE ? (int)chunks : WAVE;
}

static void
join_sum(FaSum *total, const FaSum *part, int is_float, int is_first)
{
    if (is_first)
        *total = *part;
    else if (is_float)
        add_pair(total, part->d.s, part->d.c);
    else
        total->i += part->i;
}

void
fa_reduce_sum(FaState *st, const FaView *v, FaSum *total, Py_ssize_t *count)
{
    FaDtype type = fa_view_kernel_type(v);
    int is_float = fa_dtype_kind(type) == FA_FLOAT;
    Py_ssize_t step = (Py_ssize_t)(FA_CHUNK_BYTES / v->size), seen = 0;

    if (v->n <= step && fa_view_is_plain(v)) {
        st->kernels->sum[type](v->ptr, (size_t)v->n, total);
        *count = v->n;
    } else if (fa_view_is_plain(v)) {
        Wave w = {.v = v, .step = step, .sum = st->kernels->sum[type]};
        for (; w.first < v->n; w.first += WAVE * step) {
            int parts = wave_parts(&w);
            run_wave(&w, parts, sum_chunk);
            for (int i = 0; i < parts; i++)
                join_sum(total, &w.sums[i], is_float, w.first == 0 && i == 0);
        }
        *count = v->n;
    } else {
        st->kernels->sum[type](v->ptr, 0, total);
        for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
            double room[FA_BLOCK];
            Py_ssize_t n = v->n - i;
            const void *p = fa_view_block(st, v, i, &n, &taken, room);
            FaSum part;
            st->kernels->sum[type](p, (size_t)n, &part);
            join_sum(total, &part, is_float, i == 0);
            seen += n;
        }
        *count = seen;
    }
}

double
fa_reduce_settle(FaState *st, const FaView *v, const FaSum *total)
{
    double r = total->d.s + total->d.c;
    if (fabs(r) < INFINITY)
        return r;
    r = 0.0; /* infinities, NaNs, or overflow on the way: Python's own order */
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const void *p = fa_view_block(st, v, i, &n, &taken, room);
        for (Py_ssize_t j = 0; j < n; j++) {
            if (fa_view_kernel_type(v) == FA_f64) {
                double x;
                memcpy(&x, (const char *)p + 8 * j, 8);
                r += x;
            } else {
                float x;
                memcpy(&x, (const char *)p + 4 * j, 4);
                r += (double)x;
            }
        }
    }
    return r;
}

/* The kernels leave the sign of a zero open; -0.0 is below 0.0 here. */
static void
sign_zeros(const FaState *st, FaDtype type, const void *p, size_t n, int want, FaExtreme *r)
{
    const uint64_t minus64 = (uint64_t)1 << 63, plus64 = 0;
    const uint32_t minus32 = (uint32_t)1 << 31, plus32 = 0;
    FaDtype bits = type == FA_f64 ? FA_u64 : FA_u32;

    if ((want & FA_WANT_LO) && r->lo.d == 0) {
        const void *minus = type == FA_f64 ? (const void *)&minus64 : &minus32;
        r->lo.d = st->kernels->find[bits](p, n, minus) < n ? -0.0 : 0.0;
    }
    if ((want & FA_WANT_HI) && r->hi.d == 0) {
        const void *plus = type == FA_f64 ? (const void *)&plus64 : &plus32;
        r->hi.d = st->kernels->find[bits](p, n, plus) < n ? 0.0 : -0.0;
    }
}

static inline int
below(FaKind kind, FaScalar a, FaScalar b)
{
    if (kind == FA_SIGNED)
        return a.i < b.i;
    if (kind == FA_UNSIGNED)
        return a.u < b.u;
    return a.d < b.d || (a.d == b.d && signbit(a.d) && !signbit(b.d));
}

static void
extreme_of(const FaState *st, FaDtype type, const void *p, size_t n, int want, FaExtreme *r)
{
    if (want == FA_WANT_LO)
        st->kernels->min[type](p, n, r);
    else if (want == FA_WANT_HI)
        st->kernels->max[type](p, n, r);
    else
        st->kernels->minmax[type](p, n, r);
    if (fa_dtype_kind(type) == FA_FLOAT)
        sign_zeros(st, type, p, n, want, r);
}

static void
extreme_chunk(void *ctx, int i)
{
    Wave *w = ctx;
    const void *p;
    size_t n = chunk_of(w, i, &p);
    extreme_of(w->st, w->type, p, n, w->want, &w->ends[i]);
}

static void
join_extreme(FaExtreme *r, const FaExtreme *part, FaKind kind, int want, int is_first)
{
    if (is_first) {
        *r = *part;
        return;
    }
    if ((want & FA_WANT_LO) && below(kind, part->lo, r->lo))
        r->lo = part->lo;
    if ((want & FA_WANT_HI) && below(kind, r->hi, part->hi))
        r->hi = part->hi;
    r->nan |= part->nan;
}

void
fa_reduce_extremes(FaState *st, const FaView *v, int want, FaExtreme *r, Py_ssize_t *count)
{
    FaDtype type = fa_view_kernel_type(v);
    FaKind kind = fa_dtype_kind(type);
    Py_ssize_t step = (Py_ssize_t)(FA_CHUNK_BYTES / v->size), seen = 0;

    if (v->n <= step && fa_view_is_plain(v)) {
        extreme_of(st, type, v->ptr, (size_t)v->n, want, r);
        *count = v->n;
    } else if (fa_view_is_plain(v)) {
        Wave w = {.v = v, .step = step, .st = st, .type = type, .want = want};
        for (; w.first < v->n; w.first += WAVE * step) {
            int parts = wave_parts(&w);
            run_wave(&w, parts, extreme_chunk);
            for (int i = 0; i < parts; i++)
                join_extreme(r, &w.ends[i], kind, want, w.first == 0 && i == 0);
        }
        *count = v->n;
    } else {
        for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
            double room[FA_BLOCK];
            Py_ssize_t n = v->n - i;
            const void *p = fa_view_block(st, v, i, &n, &taken, room);
            FaExtreme part;
            if (n == 0)
                continue;
            extreme_of(st, type, p, (size_t)n, want, &part);
            join_extreme(r, &part, kind, want, seen == 0);
            seen += n;
        }
        *count = seen;
    }
}

/* Long read-only work lets other threads run: with an export held, so that the memory
 * stays, and other threads see no half-way state because there is none. */
static PyThreadState *
let_go(FaView *v, PyObject *obj)
{
    if ((size_t)(v->n * v->size) < FA_POOL_BYTES)
        return NULL;
    if (v->mode == FA_DIRECT) {
        fa_array_export(obj, +1);
        v->owner = Py_NewRef(obj);
        v->mode = FA_HELD;
    }
    return PyEval_SaveThread();
}

static void
come_back(PyThreadState *ts)
{
    if (ts != NULL)
        PyEval_RestoreThread(ts);
}

/* -- sum and mean ----------------------------------------------------------------- */

FA_FUNCTION(sum)
{
    static const FaSpec spec = {"sum", 1, 1, 1, {"a", "start"}};
    FaState *st = fa_state(module);
    PyObject *in[2] = {NULL, NULL}, *result, *with_start;
    PyThreadState *ts;
    FaView v;
    FaSum total;
    Py_ssize_t n;

    if (nargs == 1 && kwnames == NULL)
        in[0] = args[0];
    else if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    ts = let_go(&v, in[0]);
    fa_reduce_sum(st, &v, &total, &n);
    come_back(ts);
    if (fa_dtype_kind(v.dtype) == FA_FLOAT)
        result = PyFloat_FromDouble(fa_reduce_settle(st, &v, &total));
    else
        result = fa_box_int(total.i);
    fa_view_release(&v);
    if (in[1] == NULL || result == NULL)
        return result;
    with_start = PyNumber_Add(in[1], result);
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
        for (Py_ssize_t j = 0; j < n; j++) {
            double x;
            memcpy(&x, p + 8 * j, 8);
            add_pair(&total, x * 0x1p-64, 0);
        }
    }
    return isfinite(total.d.s) ? (total.d.s + total.d.c) / (double)count * 0x1p64
                               : total.d.s;
}

static double
float_mean(FaState *st, const FaView *v, const FaSum *total, Py_ssize_t n)
{
    double sum = fa_reduce_settle(st, v, total);
    if (isinf(sum) && fa_view_kernel_type(v) == FA_f64)
        return mean_of_huge(st, v, n);
    return sum / (double)n;
}

FA_FUNCTION(mean)
{
    static const FaSpec spec = {"mean", 1, 1, 1, {"a", "default"}};
    FaState *st = fa_state(module);
    PyObject *in[2] = {NULL, NULL}, *result;
    PyThreadState *ts;
    FaView v;
    FaSum total;
    Py_ssize_t n;

    if (nargs == 1 && kwnames == NULL)
        in[0] = args[0];
    else if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    ts = let_go(&v, in[0]);
    fa_reduce_sum(st, &v, &total, &n);
    come_back(ts);
    if (n == 0)
        result = in[1] ? Py_NewRef(in[1]) : empty_error("mean");
    else if (fa_dtype_kind(v.dtype) == FA_FLOAT)
        result = PyFloat_FromDouble(float_mean(st, &v, &total, n));
    else
        result = fa_box_ratio(total.i, n);
    fa_view_release(&v);
    return result;
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
        const void *p = fa_view_block(st, v, i, &n, &taken, room);
        for (Py_ssize_t j = 0; j < n; j++) {
            double x;
            if (fa_view_kernel_type(v) == FA_f64)
                memcpy(&x, (const char *)p + 8 * j, 8);
            else {
                float y;
                memcpy(&y, (const char *)p + 4 * j, 4);
                x = y;
            }
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
    ts = let_go(&v, in[0]);
    fa_reduce_extremes(st, &v, want, &r, &n);
    come_back(ts);
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
