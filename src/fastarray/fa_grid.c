/* The chunk grid, and the reductions several entry points share. */
#include "fa_grid.h"

#include <math.h>
#include <string.h>

#include "fa_pool.h"

/* -- The grid --------------------------------------------------------------------- */

/* Chunks are reduced a wave at a time, by the pool if there is enough to do, and joined
 * in order: the same additions for every number of threads. */
enum { WAVE = 64 };
typedef struct {
    const FaGrid *g;
    Py_ssize_t first; /* element */
    FaPart parts[WAVE];
} Wave;

static void
chunk_of_wave(void *ctx, int i)
{
    Wave *w = ctx;
    const FaGrid *g = w->g;
    Py_ssize_t from = w->first + i * g->step, left = g->v->n - from;
    Py_ssize_t at = from * g->v->size;

    g->chunk(g, g->v->ptr + at, g->other ? g->other + at : NULL,
             (size_t)(left < g->step ? left : g->step), &w->parts[i]);
}

static void
run_waves(const FaGrid *g, void *into)
{
    int is_long = (size_t)(g->v->n * g->v->size) >= FA_POOL_BYTES;
    Wave w;

    w.g = g;
    for (w.first = 0; w.first < g->v->n; w.first += WAVE * g->step) {
        Py_ssize_t chunks = (g->v->n - w.first + g->step - 1) / g->step;
        int parts = chunks < WAVE ? (int)chunks : WAVE;
        if (is_long)
            fa_pool_run(parts, chunk_of_wave, &w);
        else
            for (int i = 0; i < parts; i++)
                chunk_of_wave(&w, i);
        for (int i = 0; i < parts; i++)
            g->join(g, into, &w.parts[i], w.first == 0 && i == 0);
    }
}

Py_ssize_t
fa_grid_run(const FaGrid *g, void *into)
{
    Py_ssize_t seen = 0;

    if (fa_view_is_plain(g->v)) {
        run_waves(g, into);
        return g->v->n;
    }
    for (Py_ssize_t i = 0, taken; i < g->v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = g->v->n - i;
        const void *p = fa_view_block(g->st, g->v, i, &n, &taken, room);
        FaPart part;
        if (n == 0)
            continue;
        g->chunk(g, p, NULL, (size_t)n, &part);
        g->join(g, into, &part, seen == 0);
        seen += n;
    }
    return seen;
}

/* -- Sums ------------------------------------------------------------------------- */

static void
sum_chunk(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part)
{
    g->st->kernels->sum[fa_view_kernel_type(g->v)](p, n, &part->sum);
}

static void
join_sum(const FaGrid *g, void *into, const FaPart *part, int is_first)
{
    FaSum *total = into;
    if (is_first)
        *total = part->sum;
    else if (fa_dtype_kind(g->v->dtype) == FA_FLOAT)
        fa_add_pair(total, part->sum.d.s, part->sum.d.c);
    else
        total->i += part->sum.i;
}

void
fa_grid_sum(FaState *st, const FaView *v, FaSum *total, Py_ssize_t *n)
{
    FaDtype type = fa_view_kernel_type(v);

    if (fa_view_is_plain(v) && v->n <= fa_grid_step(v)) {
        st->kernels->sum[type](v->ptr, (size_t)v->n, total);
        *n = v->n;
    }
    else {
        FaGrid g = {.st = st, .v = v, .step = fa_grid_step(v), .chunk = sum_chunk, .join = join_sum};
        st->kernels->sum[type](v->ptr, 0, total);
        *n = fa_grid_run(&g, total);
    }
}

double
fa_grid_settle(FaState *st, const FaView *v, const FaSum *total)
{
    FaDtype type = fa_view_kernel_type(v);
    double r = total->d.s + total->d.c;

    if (fabs(r) < INFINITY)
        return r;
    r = 0.0; /* infinities, NaNs, or overflow on the way: Python's own order */
    for (Py_ssize_t i = 0, taken; i < v->n; i += taken) {
        double room[FA_BLOCK];
        Py_ssize_t n = v->n - i;
        const char *p = fa_view_block(st, v, i, &n, &taken, room);
        for (Py_ssize_t j = 0; j < n; j++)
            r += fa_float_at(type, p, j);
    }
    return r;
}

/* -- Extremes --------------------------------------------------------------------- */

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
extremes_of(const FaState *st, FaDtype type, const void *p, size_t n, int want, FaExtreme *r)
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
extremes_chunk(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part)
{
    extremes_of(g->st, fa_view_kernel_type(g->v), p, n, g->want, &part->ends);
}

static void
join_extremes(const FaGrid *g, void *into, const FaPart *part, int is_first)
{
    FaKind kind = fa_dtype_kind(g->v->dtype);
    FaExtreme *r = into;

    if (is_first) {
        *r = part->ends;
        return;
    }
    if ((g->want & FA_WANT_LO) && below(kind, part->ends.lo, r->lo))
        r->lo = part->ends.lo;
    if ((g->want & FA_WANT_HI) && below(kind, r->hi, part->ends.hi))
        r->hi = part->ends.hi;
    r->nan |= part->ends.nan;
}

void
fa_grid_extremes(FaState *st, const FaView *v, int want, FaExtreme *r, Py_ssize_t *n)
{
    if (fa_view_is_plain(v) && v->n <= fa_grid_step(v)) {
        extremes_of(st, fa_view_kernel_type(v), v->ptr, (size_t)v->n, want, r);
        *n = v->n;
    }
    else {
        FaGrid g = {.st = st, .v = v, .step = fa_grid_step(v), .chunk = extremes_chunk, .join = join_extremes, .want = want};
        *n = fa_grid_run(&g, r);
    }
}

/* -- Moments and products --------------------------------------------------------- */

static void
moments_chunk(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part)
{
    g->st->kernels->moments[fa_view_kernel_type(g->v)](p, n, g->mean, &part->moments);
}

static void
join_moments(const FaGrid *g, void *into, const FaPart *part, int is_first)
{
    FaSum *sums = into;
    fa_add_pair(&sums[0], part->moments.s1, part->moments.c1);
    fa_add_pair(&sums[1], part->moments.s2, part->moments.c2);
}

void
fa_grid_moments(FaState *st, const FaView *v, double mean, FaMoments *r)
{
    FaGrid g = {.st = st, .v = v, .step = fa_grid_step(v), .chunk = moments_chunk, .join = join_moments, .mean = mean};
    FaSum sums[2] = {{.d = {0, 0}}, {.d = {0, 0}}};

    fa_grid_run(&g, sums);
    *r = (FaMoments){sums[0].d.s, sums[0].d.c, sums[1].d.s, sums[1].d.c};
}

static inline void
add_wide(FaWide *total, FaU128 low, int64_t high)
{
    total->high += high + __builtin_add_overflow(total->low, low, &total->low);
}

/* Products of 64-bit integers fill 128 bits: no kernel has lanes for their sum. */
static void
dot_64(FaDtype type, const char *p, const char *q, size_t n, FaWide *total)
{
    *total = (FaWide){0, 0};
    for (size_t i = 0; i < n; i++) {
        int64_t x, y;
        memcpy(&x, p + 8 * i, 8);
        memcpy(&y, q + 8 * i, 8);
        if (type == FA_i64) {
            FaI128 product = (FaI128)x * y;
            add_wide(total, (FaU128)product, -(product < 0));
        }
        else
            add_wide(total, (FaU128)(uint64_t)x * (uint64_t)y, 0);
    }
}

static void
dot_chunk(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part)
{
    FaDtype type = g->v->dtype;
    FaSum sum;

    if (g->st->kernels->dot[type] == NULL) {
        dot_64(type, p, q, n, &part->wide);
        return;
    }
    g->st->kernels->dot[type](p, q, n, &sum);
    if (fa_dtype_kind(type) == FA_FLOAT)
        part->sum = sum;
    else
        part->wide = (FaWide){(FaU128)sum.i, -(sum.i < 0)};
}

static void
join_dot(const FaGrid *g, void *into, const FaPart *part, int is_first)
{
    FaPart *total = into;
    if (fa_dtype_kind(g->v->dtype) == FA_FLOAT)
        fa_add_pair(&total->sum, part->sum.d.s, part->sum.d.c);
    else
        add_wide(&total->wide, part->wide.low, part->wide.high);
}

void
fa_grid_dot(FaState *st, const FaView *v, const char *other, FaPart *total)
{
    FaGrid g = {.st = st, .v = v, .other = other, .step = fa_grid_step(v), .chunk = dot_chunk, .join = join_dot};
    if (fa_dtype_kind(v->dtype) == FA_FLOAT)
        total->sum = (FaSum){.d = {0, 0}};
    else
        total->wide = (FaWide){0, 0};
    fa_grid_run(&g, total);
}
