/* fsum: the correctly rounded sum.
 *
 * The kernels keep 16 lanes of a 3-fold cascade (kernels/fsum.kernel.h), joined to three
 * numbers a chunk.  One chunk: the three are rounded with the bound of what the cascade
 * lost added and subtracted; when both roundings agree, that is the answer.  More chunks,
 * or no agreement: the numbers are added exactly in a long fixed-point number, which is
 * rounded in the same two ways; and when that fails too (cancellation beyond about 100
 * bits), every element is added to the fixed-point number, which loses nothing.
 */
#include <math.h>
#include <string.h>

#include "fa_box.h"
#include "fa_reduce.h"
#include "fa_stats.h"

/* -- The long number -------------------------------------------------------------- */

/* Sum of limb[i] * 2**(32 * i - 1074): 67 limbs reach past the largest double, the rest is
 * for carries.  Only limbs from..to were touched. */
enum { LIMBS = 72,
       ADDS_BEFORE_CARRY = 1 << 29 };
typedef struct {
    int64_t limb[LIMBS];
    int from, to;
    int64_t adds;
} Long;

static void
long_init(Long *l)
{
    memset(l, 0, sizeof *l);
    l->from = LIMBS - 1;
}

static void
long_carry(Long *l)
{
    for (int i = l->from; i < LIMBS - 1; i++) {
        int64_t carry = l->limb[i] >> 32;
        if (i > l->to && carry == 0 && l->limb[i] >= 0)
            break;
        l->limb[i] -= carry * ((int64_t)1 << 32);
        l->limb[i + 1] += carry;
        if (i + 1 > l->to && l->limb[i + 1] != 0)
            l->to = i + 1;
    }
    l->adds = 0;
}

/* x is finite. */
static inline void
long_add(Long *l, double x)
{
    uint64_t bits, mantissa;
    FaU128 wide;
    int exponent, at;
    int64_t sign;

    memcpy(&bits, &x, sizeof bits);
    exponent = (int)(bits >> 52) & 0x7ff;
    mantissa = bits & (((uint64_t)1 << 52) - 1);
    if (exponent == 0)
        exponent = 1;
    else
        mantissa |= (uint64_t)1 << 52;
    at = (exponent - 1) >> 5;
    wide = (FaU128)mantissa << ((exponent - 1) & 31);
    sign = (int64_t)bits >> 63; /* 0 or -1 */
    l->limb[at] += ((int64_t)(uint32_t)wide ^ sign) - sign;
    l->limb[at + 1] += ((int64_t)(uint32_t)(wide >> 32) ^ sign) - sign;
    l->limb[at + 2] += ((int64_t)(uint32_t)(wide >> 64) ^ sign) - sign;
    if (at < l->from)
        l->from = at;
    if (at + 2 > l->to)
        l->to = at + 2;
    if (++l->adds == ADDS_BEFORE_CARRY)
        long_carry(l);
}

/* Rounded half to even; +-inf where no double is large enough.  l is used up. */
static double
long_round(Long *l)
{
    int negative, top, sticky = 0, drop;
    FaU128 head;
    double r;

    long_carry(l);
    for (top = l->to; top > l->from && l->limb[top] == 0; top--);
    negative = l->limb[top] < 0;
    if (negative) {
        for (int i = l->from; i <= l->to; i++)
            l->limb[i] = -l->limb[i];
        long_carry(l);
        for (top = l->to; top > l->from && l->limb[top] == 0; top--);
    }
    if (l->limb[top] == 0)
        return 0.0;
    /* the top three limbs hold at least 65 bits, unless there is nothing below them */
    head = (FaU128)(uint64_t)l->limb[top] << 64;
    if (top >= 1)
        head |= (FaU128)(uint64_t)l->limb[top - 1] << 32;
    if (top >= 2)
        head |= (FaU128)(uint64_t)l->limb[top - 2];
    for (int i = l->from; i < top - 2; i++)
        sticky |= l->limb[i] != 0;
    /* value = head * 2**(32 * (top - 2) - 1074): cut to 53 bits, or fewer at the bottom */
    {
        int exponent = 32 * (top - 2), bits = 0;
        for (FaU128 h = head; h; h >>= 1)
            bits++;
        drop = bits - 53;
        if (exponent + drop < 0)
            drop = -exponent;
        if (drop > 0) {
            FaU128 rest = head & (((FaU128)1 << drop) - 1), half = (FaU128)1 << (drop - 1);
            head >>= drop;
            if (rest > half || (rest == half && (sticky || (head & 1))))
                head++;
            exponent += drop;
        }
        r = ldexp((double)(uint64_t)head, exponent - 1074);
    }
    return negative ? -r : r;
}

/* -- The sum ---------------------------------------------------------------------- */

static void
add_elements(FaState *st, const FaView *v, Long *l)
{
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const char *p = fa_view_block(st, v, i, &n, &taken, room);
        int wide = fa_view_kernel_type(v) == FA_f64;
        for (Py_ssize_t j = 0; j < n; j++) {
            double d;
            float f;
            if (wide)
                memcpy(&d, p + 8 * j, 8);
            else {
                memcpy(&f, p + 4 * j, 4);
                d = f;
            }
            long_add(l, d);
        }
    }
}

/* What a chunk of m elements per lane may have lost: with u = 2**-53, a lane's first sum
 * is at most m amax, its second m**2 u amax, its third m**3 u**2 amax, rounded m times:
 * together 16 m**4 u**3 amax.  Joining multiplies the sums by up to 16 and rounds another
 * 60 times: less than 2**17 m**3 u**3 amax.  Four times all that. */
static double
lost(double amax, size_t n)
{
    double m = (double)(n / FA_FSUM_LANES + 2);
    return (64 * m + 0x1p19) * m * m * m * 0x1p-159 * amax;
}

/* 1 and *r when s + c + d, give or take `bound`, rounds to one number: t below is the
 * nearest double to c + d, so the exact sum lies strictly between s + down and s + up. */
static int
rounds_alike(const FaCascade *k, double bound, double *r)
{
    double t = k->c + k->d, slack = 2 * bound + fabs(t) * 0x1p-51 + 0x1p-1000;
    double up = t + slack, down = t - slack;
    *r = k->s + t;
    return k->s + up == *r && k->s + down == *r && fabs(*r) < INFINITY;
}

/* 0 when some element is not finite (or a lane overflowed). */
static int
add_cascade(const FaCascade *r, size_t n, Long *l, double *bound)
{
    const double parts[] = {r->s, r->c, r->d};
    for (int k = 0; k < 3; k++) {
        if (!(fabs(parts[k]) < INFINITY))
            return 0;
        if (parts[k] != 0)
            long_add(l, parts[k]);
    }
    *bound += lost(r->amax, n);
    return 1;
}

/* -1: *r is the sum already; 1: it is in l, give or take *bound; 0: not finite */
static int
add_chunks(FaState *st, const FaView *v, Long *l, double *bound, double *r)
{
    const Py_ssize_t step = FA_CHUNK_BYTES / sizeof(double);
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK], wide[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const double *p;
        FaCascade k;
        if (fa_view_kernel_type(v) == FA_f64) {
            if (n > step)
                n = step;
            p = fa_view_block(st, v, i, &n, &taken, room);
        }
        else {
            const float *f;
            if (n > FA_BLOCK)
                n = FA_BLOCK;
            f = fa_view_block(st, v, i, &n, &taken, room);
            st->kernels->load[FA_LANEF64][FA_f32](wide, f, (size_t)n);
            p = wide;
        }
        st->kernels->cascade(p, (size_t)n, &k);
        if (taken == v->n && rounds_alike(&k, lost(k.amax, (size_t)n), r))
            return -1;
        if (!add_cascade(&k, (size_t)n, l, bound))
            return 0;
    }
    return 1;
}

/* Infinities and NaNs as math.fsum has them; 1: handled, *r or an exception is set. */
static int
special(FaState *st, const FaView *v, double *r)
{
    double infinities = 0, all = 0;
    int found = 0;
    for (Py_ssize_t i = 0; i < v->n; i++) {
        PyObject *x;
        double d;
        if (v->valid != NULL && !((v->valid[(v->valid_at + i) >> 3] >> ((v->valid_at + i) & 7)) & 1))
            continue;
        x = fa_view_item(v, i);
        if (x == NULL)
            return 1;
        d = PyFloat_AS_DOUBLE(x);
        Py_DECREF(x);
        if (fabs(d) < INFINITY)
            continue;
        found = 1;
        all += d;
        if (d == d)
            infinities += d;
    }
    *r = all;
    if (found && infinities != infinities)
        PyErr_SetString(PyExc_ValueError, "-inf + inf in fsum");
    return found;
}

static double
sum_floats(FaState *st, const FaView *v)
{
    Long l, other;
    double bound = 0, r = 0;
    int added;

    long_init(&l);
    added = add_chunks(st, v, &l, &bound, &r);
    if (added < 0)
        return r;
    if (added) {
        other = l;
        long_add(&l, bound);
        long_add(&other, -bound);
        r = long_round(&l);
        if (r == long_round(&other) && fabs(r) < INFINITY)
            return r;
    }
    if (special(st, v, &r))
        return r;
    long_init(&l);
    add_elements(st, v, &l);
    r = long_round(&l);
    if (!(fabs(r) < INFINITY))
        PyErr_SetString(PyExc_OverflowError, "intermediate overflow in fsum");
    return r;
}

FA_FUNCTION(fsum)
{
    static const FaSpec spec = {"fsum", 1, 1, 1, {"a"}};
    FaState *st = fa_state(module);
    PyObject *in[1], *result = NULL;
    FaView v;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 || fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT) {
        double r = sum_floats(st, &v);
        if (!PyErr_Occurred())
            result = PyFloat_FromDouble(r);
    }
    else { /* exact, then rounded once */
        FaSum total;
        Py_ssize_t n;
        PyObject *exact;
        fa_reduce_sum(st, &v, &total, &n);
        exact = fa_box_int(total.i);
        if (exact != NULL)
            result = PyNumber_Float(exact);
        Py_XDECREF(exact);
    }
    fa_view_release(&v);
    return result;
}
