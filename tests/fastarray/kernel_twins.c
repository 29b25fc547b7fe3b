/* Every kernel set of this machine against the plain one, on the same bytes.
 *
 * Needs no Python, so that sets of another machine run under an emulator
 * (test_kernel_twins.py compiles and runs it).  Prints the number of comparisons and a
 * checksum of all results: equal checksums mean equal bits across machines too.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fa_cpu.h"
#include "fa_dispatch.h"

enum { BYTES = 40000, N_MOST = 4096 };

static const unsigned sizes[FA_NDTYPES] = {
#define FA_DTYPE(t, ctype, kind, bits, code) bits / 8,
#include "fa_dtypes.def"
#undef FA_DTYPE
};
static const FaKind kinds[FA_NDTYPES] = {
#define FA_DTYPE(t, ctype, kind, bits, code) kind,
#include "fa_dtypes.def"
#undef FA_DTYPE
};
static const unsigned lane_sizes[FA_NLANES] = {2, 4, 8, 8};

static const FaKernels *plain, *other;
static unsigned char *in[3]; /* misaligned inputs */
static unsigned char *out[2];
static unsigned long compared, failed;
static uint64_t checksum = 14695981039346656037u, state = 88172645463325252u;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void
same(const char *what, int type, size_t n, const void *a, const void *b, size_t size)
{
    compared++;
    if (memcmp(a, b, size) != 0 && failed++ < 20)
        printf("%s: %s type %d n %zu differs\n", other->name, what, type, n);
    for (size_t i = 0; i < size; i++)
        checksum = (checksum ^ ((const unsigned char *)a)[i]) * 1099511628211u;
}

/* Elements of a type: wide for integers; many magnitudes, both zeros, some NaN for floats. */
static void
fill(unsigned char *to, int type, int special)
{
    for (size_t i = 0; i < N_MOST; i++) {
        uint64_t r = next();
        double x = ldexp((double)(int64_t)next(), (int)(r % 60) - 90);
        float f;
        if (special && r % 97 == 0)
            x = r % 2 ? NAN : -INFINITY;
        else if (r % 53 == 0)
            x = r % 2 ? 0.0 : -0.0;
        f = (float)x;
        if (special == 2) /* small, so that checked arithmetic fits */
            r %= 7, x = f = (float)r;
        if (kinds[type] == FA_FLOAT)
            memcpy(to + i * sizes[type], sizes[type] == 4 ? (void *)&f : (void *)&x, sizes[type]);
        else
            memcpy(to + i * sizes[type], &r, sizes[type]);
    }
}

/* Sign and payload of a NaN are no result: only that it is one. */
static void
blank_nans(void *p, int type, size_t n)
{
    double d = NAN;
    float f = NAN;
    for (size_t i = 0; kinds[type] == FA_FLOAT && i < n; i++) {
        unsigned char *at = (unsigned char *)p + i * sizes[type];
        double x;
        float y;
        memcpy(&x, at, sizes[type] == 8 ? 8 : 0);
        memcpy(&y, at, 4);
        if (sizes[type] == 8 && x != x)
            memcpy(at, &d, 8);
        else if (sizes[type] == 4 && y != y)
            memcpy(at, &f, 4);
    }
}

static void
reductions(int t, size_t n)
{
    FaSum s[2];
    FaExtreme e[2];
    const void *p = in[0], *q = in[1];
    memset(s, 0, sizeof s);
    for (int dot = 0; dot < 2; dot++) {
        if (dot && plain->dot[t] == NULL)
            continue;
        for (int k = 0; k < 2; k++) {
            const FaKernels *set = k ? other : plain;
            if (dot)
                set->dot[t](p, q, n, &s[k]);
            else
                set->sum[t](p, n, &s[k]);
            if (kinds[t] == FA_FLOAT)
                blank_nans(&s[k].d, FA_f64, 2);
        }
        same(dot ? "dot" : "sum", t, n, &s[0], &s[1], sizeof s[0]);
    }
    memset(e, 0, sizeof e);
    plain->minmax[t](p, n, &e[0]);
    other->minmax[t](p, n, &e[1]);
    for (int k = 0; k < 2; k++) {
        e[k].nan = e[k].nan != 0;
        if (kinds[t] == FA_FLOAT) /* the caller settles the sign of a zero */
            e[k].lo.d += 0.0, e[k].hi.d += 0.0;
    }
    same("minmax", t, n, &e[0], &e[1], sizeof e[0]);
    if (n) {
        const void *value = in[0] + (n - 1) * sizes[t];
        size_t a[2] = {plain->find[t](p, n, value), plain->count[t](p, n, value)};
        size_t b[2] = {other->find[t](p, n, value), other->count[t](p, n, value)};
        same("find and count", t, n, a, b, sizeof a);
    }
    if (t == FA_f64) {
        FaCascade c[2];
        plain->cascade(p, n, &c[0]);
        other->cascade(p, n, &c[1]);
        blank_nans(&c[0], FA_f64, 4);
        blank_nans(&c[1], FA_f64, 4);
        same("cascade", t, n, &c[0], &c[1], sizeof c[0]);
    }
    if (plain->moments[t] != NULL) {
        FaMoments m[2];
        plain->moments[t](p, n, 1.5, &m[0]);
        other->moments[t](p, n, 1.5, &m[1]);
        blank_nans(&m[0], FA_f64, 4);
        blank_nans(&m[1], FA_f64, 4);
        same("moments", t, n, &m[0], &m[1], sizeof m[0]);
    }
}

static void
element_loops(int t, size_t n)
{
    size_t bytes = n * sizes[t], done[2];
    uint64_t ends[2][N_MOST / 64 + 1];
    FaScalar lo, hi;
    if (kinds[t] == FA_FLOAT)
        lo.d = -3.5, hi.d = 1e6;
    else
        lo.i = kinds[t] == FA_SIGNED ? -3 : 3, hi.i = 100;
    plain->clip[t](out[0], in[0], n, lo, hi);
    other->clip[t](out[1], in[0], n, lo, hi);
    blank_nans(out[0], t, n);
    blank_nans(out[1], t, n);
    same("clip", t, n, out[0], out[1], bytes);
    for (int op = 0; op < FA_NVV; op++) {
        if (plain->vv[op][t] == NULL)
            continue;
        done[0] = plain->vv[op][t](out[0], in[0], in[1], n);
        done[1] = other->vv[op][t](out[1], in[0], in[1], n);
        same("vv", t, n, &done[0], &done[1], done[0] < n ? 0 : sizeof done[0]);
        if ((done[0] < n) != (done[1] < n))
            same("vv overflow", t, n, &done[0], &done[1], sizeof done[0]);
        blank_nans(out[0], t, n);
        blank_nans(out[1], t, n);
        if (done[0] >= n)
            same("vv values", t, n, out[0], out[1], bytes);
    }
    memset(ends, 0, sizeof ends);
    plain->between[t](in[0], n, lo, hi, ends[0]);
    other->between[t](in[0], n, lo, hi, ends[1]);
    same("between", t, n, ends[0], ends[1], (n + 63) / 64 * 8);
    int log = sizes[t] == 1 ? 0 : sizes[t] == 2 ? 1 : sizes[t] == 4 ? 2 : 3;
    uint64_t bits[N_MOST / 64 + 1];
    for (size_t i = 0; i <= n / 64; i++) /* dense and sparse words */
        bits[i] = next() & (i % 3 ? ~(uint64_t)0 : next() & next() & next()) & (n - i * 64 < 64 ? ((uint64_t)1 << (n % 64)) - 1 : ~(uint64_t)0);
    done[0] = plain->compress[log](out[0], in[0], bits, n);
    done[1] = other->compress[log](out[1], in[0], bits, n);
    same("compress", t, n, &done[0], &done[1], sizeof done[0]);
    same("compressed", t, n, out[0], out[1], done[0] * sizes[t]);
}

static int
needs_more(int op) /* immediates that fa_expr.c computes, or a function */
{
    return op == FA_L_FDIVK || op == FA_L_MODK || op == FA_L_CALL1 || op == FA_L_SEL ||
           op == FA_L_MUL32 || op == FA_L_MULK32 || op == FA_L_I2F || op == FA_L_POW;
}

static void
lanes(int lane)
{
    static const int as[FA_NLANES] = {FA_i16, FA_i32, FA_i64, FA_f64};
    size_t n = 512, size = lane_sizes[lane];
    for (int special = 0; special < 2; special++) {
        FaImm k[2];
        memset(k, 0, sizeof k);
        for (int i = 0; i < 3; i++)
            fill(in[i], as[lane], special && lane == FA_LANEF64);
        if (lane == FA_LANEF64)
            k[0].d = 2.5, k[1].d = -1.25;
        else
            k[0].i = 5, k[1].i = 3;
        for (int op = 0; op < FA_NLANEOPS; op++) {
            int status[2];
            if (plain->lane[lane][op] == NULL || needs_more(op))
                continue;
            memset(out[0], 0, n * size);
            memset(out[1], 0, n * size);
            status[0] = plain->lane[lane][op](out[0], in[0], in[1], in[2], k, n) != 0;
            status[1] = other->lane[lane][op](out[1], in[0], in[1], in[2], k, n) != 0;
            same("lane status", lane * 100 + op, n, &status[0], &status[1], sizeof(int));
            if (status[0] || status[1])
                continue;
            for (int i = 0; i < 2 && op != FA_L_TRUNC; i++)
                blank_nans(out[i], as[lane], n);
            same("lane", lane * 100 + op, n, out[0], out[1], n * size);
        }
    }
    for (int t = 0; t < FA_NDTYPES; t++) {
        int status[2];
        if (plain->load[lane][t] == NULL)
            continue;
        fill(in[0], t, 0);
        plain->load[lane][t](out[0], in[0], n);
        other->load[lane][t](out[1], in[0], n);
        same("load", lane * 100 + t, n, out[0], out[1], n * size);
        if (plain->store[lane][t] == NULL)
            continue;
        memcpy(in[2], out[0], n * size);
        status[0] = plain->store[lane][t](out[0], in[2], n) != 0;
        status[1] = other->store[lane][t](out[1], in[2], n) != 0;
        same("store status", lane * 100 + t, n, &status[0], &status[1], sizeof(int));
        if (!status[0])
            same("store", lane * 100 + t, n, out[0], out[1], n * sizes[t]);
    }
}

int
main(void)
{
    static const size_t counts[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 257, 1000, 4095};
    for (int i = 0; i < 3; i++)
        in[i] = (unsigned char *)malloc(BYTES) + 8 * i + 1; /* misaligned, kept till exit */
    for (int i = 0; i < 2; i++)
        out[i] = malloc(BYTES);
    plain = fa_kernel_sets[0];
    for (int s = 1; fa_kernel_sets[s] != NULL; s++) {
        if (!fa_cpu_runs(fa_kernel_sets[s]->name))
            continue;
        other = fa_kernel_sets[s];
        state = 88172645463325252u, checksum = 14695981039346656037u, compared = 0;
        for (int t = 0; t < FA_NDTYPES; t++)
            for (int special = 0; special < 3; special++) {
                fill(in[0], t, special);
                fill(in[1], t, special);
                for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                    reductions(t, counts[c]);
                    element_loops(t, counts[c]);
                }
            }
        for (int lane = 0; lane < FA_NLANES; lane++)
            lanes(lane);
        printf("%s %lu %016llx\n", other->name, compared, (unsigned long long)checksum);
    }
    return failed != 0;
}
