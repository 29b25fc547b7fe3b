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
#include "fa_grid.h"
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
        for (Py_ssize_t j = 0; j < n; j++)
            long_add(l, fa_float_at(fa_view_kernel_type(v), p, j));
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

/* The chunks' sums together, give or take `bound`. */
typedef struct {
    Long l;
    double bound;
    int finite; /* no element was infinite or NaN, no lane overflowed */
} Chunks;

static void
cascade_chunk(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part)
{
    double wide[FA_BLOCK];
    if (fa_view_kernel_type(g->v) != FA_f64) {
        g->st->kernels->load[FA_LANEF64][FA_f32](wide, p, n);
        p = wide;
    }
    g->st->kernels->cascade(p, n, &part->cascade.k);
    part->cascade.bound = lost(part->cascade.k.amax, n);
}

static void
join_cascade(const FaGrid *g, void *into, const FaPart *part, int is_first)
{
    const FaCascade *k = &part->cascade.k;
    Chunks *c = into;

    c->finite &= fabs(k->s) < INFINITY && fabs(k->c) < INFINITY && fabs(k->d) < INFINITY;
    if (!c->finite)
        return;
    long_add(&c->l, k->s);
    long_add(&c->l, k->c);
    long_add(&c->l, k->d);
    c->bound += part->cascade.bound;
}

typedef enum { ROUNDED,
               UNDEFINED,
               TOO_LARGE } Outcome;

/* Infinities and NaNs as math.fsum has them; 0: there are none. */
static int
special(const FaState *st, const FaView *v, double *r, Outcome *outcome)
{
    double infinities = 0;
    int found = 0;

    *r = 0;
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const char *p = fa_view_block(st, v, i, &n, &taken, room);
        for (Py_ssize_t j = 0; j < n; j++) {
            double x = fa_float_at(fa_view_kernel_type(v), p, j);
            if (fabs(x) < INFINITY)
                continue;
            found = 1;
            *r += x;
            if (x == x)
                infinities += x;
        }
    }
    *outcome = infinities != infinities ? UNDEFINED : ROUNDED;
    return found;
}

static Outcome
sum_floats(FaState *st, const FaView *v, double *r)
{
    int wide = fa_view_kernel_type(v) == FA_f64;
    FaGrid g = {.st = st, .v = v, .step = wide ? fa_grid_step(v) : FA_BLOCK, .chunk = cascade_chunk, .join = join_cascade};
    Chunks c = {.finite = 1};
    Outcome outcome;
    FaPart one;
    Long other;

    if (fa_view_is_plain(v) && v->n <= g.step) {
        cascade_chunk(&g, v->ptr, NULL, (size_t)v->n, &one);
        if (rounds_alike(&one.cascade.k, one.cascade.bound, r))
            return ROUNDED;
    }
    long_init(&c.l);
    fa_grid_run(&g, &c);
    if (c.finite) {
        other = c.l;
        long_add(&c.l, c.bound);
        long_add(&other, -c.bound);
        *r = long_round(&c.l);
        if (*r == long_round(&other) && fabs(*r) < INFINITY)
            return ROUNDED;
    }
    if (special(st, v, r, &outcome))
        return outcome;
    long_init(&c.l);
    add_elements(st, v, &c.l);
    *r = long_round(&c.l);
    return fabs(*r) < INFINITY ? ROUNDED : TOO_LARGE;
}

static PyObject *
fsum_floats(FaState *st, FaView *v, PyObject *of)
{
    PyThreadState *ts = fa_view_let_go(v, of);
    double r;
    Outcome outcome = sum_floats(st, v, &r);

    fa_view_come_back(ts);
    if (outcome == UNDEFINED)
        PyErr_SetString(PyExc_ValueError, "-inf + inf in fsum");
    else if (outcome == TOO_LARGE)
        PyErr_SetString(PyExc_OverflowError, "intermediate overflow in fsum");
    return outcome == ROUNDED ? PyFloat_FromDouble(r) : NULL;
}

/* The exact sum, rounded once. */
static PyObject *
fsum_ints(FaState *st, FaView *v, PyObject *of)
{
    PyThreadState *ts = fa_view_let_go(v, of);
    PyObject *exact, *result = NULL;
    FaSum total;
    Py_ssize_t n;

    fa_grid_sum(st, v, &total, &n);
    fa_view_come_back(ts);
    exact = fa_box_int(total.i);
    if (exact != NULL)
        result = PyNumber_Float(exact);
    Py_XDECREF(exact);
    return result;
}

FA_FUNCTION(fsum)
{
    static const FaSpec spec = {"fsum", 1, 1, 1, {"a"}};
    FaState *st = fa_state(module);
    PyObject *in[1], *result;
    FaView v;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 || fa_view_acquire(st, &v, in[0], FA_READ) < 0)
        return NULL;
    if (fa_dtype_kind(v.dtype) == FA_FLOAT)
        result = fsum_floats(st, &v, in[0]);
    else
        result = fsum_ints(st, &v, in[0]);
    fa_view_release(&v);
    return result;
}
