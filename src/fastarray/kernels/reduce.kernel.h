/* sum, min, max, dot, moments, find, count and between for one element type.
 *
 * Included once per type, between def_type.h and undef_type.h.
 *
 * Contracts, the same for every instruction set:
 * - integer sums, dots and counts are exact;
 * - a float sum keeps 16 lanes of TwoSum pairs (element i of a chunk goes to lane i % 16)
 *   and joins lane j with lane j + 8, then + 4, + 2, + 1; fewer than 16 elements are
 *   added one by one; nothing depends on the vector width;
 * - min and max ignore NaNs and report that there was one; the sign of a zero result
 *   is settled by the caller.
 */
/* -- sum -------------------------------------------------------------------------- */

#if FA_IS_FLOAT

/* 16 float64 lanes from 16 elements */
#define GROUP (sizeof(V_f64) / sizeof(double))
#define NG (16 / GROUP)
INLINE V_f64 K(lanes)(const S *p)
{
#if FA_BITS == 64
    return ld_f64(p);
#elif FA_X86 == 3 /* GCC 12 converts half vectors and puts them together */
    return (V_f64)_mm512_cvtps_pd(_mm256_loadu_ps((const float *)p));
#elif FA_X86 == 2
    return (V_f64)_mm256_cvtps_pd(_mm_loadu_ps((const float *)p));
#else
    typedef float H __attribute__((vector_size(FA_VB / 2), aligned(1), may_alias));
    return __builtin_convertvector(*(const H *)p, V_f64);
#endif
}

INLINE void K(add_lanes)(V_f64 *s, V_f64 *c, size_t k, V_f64 x)
{
    OPAQUE_ONE;
    if (k % 2)
        TWO_SUM_V_ADD(s[k], c[k], x);
    else
        TWO_SUM_V(s[k], c[k], x);
}
INLINE void K(add_group)(V_f64 *s, V_f64 *c, const S *p)
{
    for (size_t k = 0; k < 16 * sizeof(C); k += 64)
        AHEAD((const char *)p + k);
    UNROLL(8)
    for (size_t k = 0; k < NG; k++)
        K(add_lanes)(s, c, k, K(lanes)(p + k * GROUP));
}

#if FA_BITS == 32
/* Up to 256 elements whose exponents lie within 2**24 of each other: sums of 16 of them are
 * exact in float64 (16 values of 24 bits, spread over 24 more, under 53 bits), so each
 * lane adds its 16 plainly and joins the pair once.  0: they are spread further. */
INLINE int K(add_block)(V_f64 *s, V_f64 *c, const S *p, size_t n)
{
    V_u32 most = {0}, least = set_u32(~(uint32_t)0);
    V_f64 plain[NG];
    OPAQUE_ONE;

    UNROLL(8)
    for (size_t k = 0; k < NG; k++)
        plain[k] = (V_f64){0};
    for (size_t i = 0; i < n; i += 16) {
        AHEAD(p + i);
        UNROLL(4)
        for (size_t k = 0; k < 16; k += NL(u32)) {
            V_u32 x = ld_u32(p + i + k) & 0x7fffffff;
            most = max_u32(x, most);
            least = min_u32(x - 1, least); /* zeros become the largest */
        }
        UNROLL(8)
        for (size_t k = 0; k < NG; k++)
            plain[k] += K(lanes)(p + i + k * GROUP);
    }
    uint32_t hi = CAT3(fold_max, u32, FA_ISA)(most), lo = CAT3(fold_min, u32, FA_ISA)(least) + 1;
    if (hi >= 0x7f800000 ||
        (lo != 0 && (lo < 0x800000 || (hi >> 23) - (lo >> 23) > 24)))
        return 0; /* infinite, NaN, subnormal, or spread too far */
    UNROLL(8)
    for (size_t k = 0; k < NG; k++)
        TWO_SUM_V(s[k], c[k], plain[k]);
    return 1;
}
#endif

static void K(sum)(const void *ptr, size_t n, FaSum *r)
{
    const S *p = ptr;
    double sum = 0, comp = 0;
    size_t i = 0;

    if (n >= 16) {
        V_f64 s[NG], c[NG];
        UNROLL(8)
        for (size_t k = 0; k < NG; k++)
            s[k] = c[k] = (V_f64){0};
#if FA_BITS == 32
        for (size_t w; i + 16 <= n; i += w) {
            w = n - i < 256 ? (n - i) & ~(size_t)15 : 256;
            if (!K(add_block)(s, c, p + i, w))
                for (size_t j = 0; j < w; j += 16)
                    K(add_group)(s, c, p + i + j);
        }
#else
        for (; i + 16 <= n; i += 16)
            K(add_group)(s, c, p + i);
#endif
        UNROLL(8) /* the rest: as many lanes as it fills, the last of them with zeros */
        for (size_t k = 0; k < NG; k++) {
            C rest[GROUP] = {0};
            const S *from = p + i;
            if (i >= n)
                break;
            if (n - i < GROUP) {
                for (size_t j = 0; j < n - i; j++) {
                    ONE_BY_ONE;
                    rest[j] = from[j];
                }
                from = (const S *)rest;
            }
            K(add_lanes)(s, c, k, K(lanes)(from));
            i += GROUP;
        }
        join_lanes(s, c, &sum, &comp);
    } else
        for (; i < n; i++)
            TWO_SUM(sum, comp, (double)p[i]);
    r->d.s = sum;
    r->d.c = comp;
}

#else

/* Unsigned lanes twice as wide hold the even and odd elements; signed types are shifted
 * to unsigned by flipping the top bit, and the bias comes off at the end. */
#if FA_IS_SIGNED
#define BIAS ((FaI128)1 << (FA_BITS - 1))
#else
#define BIAS ((FaI128)0)
#endif
#define FLIP(x) ((x) ^ (C)(BIAS))

/* One after the other: ten elements are summed before the lanes below are set up. */
INLINE void K(sum_few)(const S *p, size_t n, FaSum *r)
{
#if FA_BITS == 64
    FaI128 total = 0;
#else
    int64_t total = 0;
#endif
    for (size_t i = 0; i < n; i++) {
        ONE_BY_ONE;
        total += p[i];
    }
    r->i = total;
}
#define FEW_DONE                                                                         \
    if (n < 4 * N) {                                                                     \
        K(sum_few)(p, n, r);                                                             \
        return;                                                                          \
    }

#if FA_BITS == 8
#if FA_X86 == 3
#define SAD(x) (V_u64) _mm512_sad_epu8((__m512i)(x), _mm512_setzero_si512())
#elif FA_X86 == 2
#define SAD(x) (V_u64) _mm256_sad_epu8((__m256i)(x), _mm256_setzero_si256())
#elif FA_X86 == 1
#define SAD(x) (V_u64) _mm_sad_epu8((__m128i)(x), _mm_setzero_si128())
#endif
static void K(sum)(const void *ptr, size_t n, FaSum *r)
{
    const S *p = ptr;
    uint64_t total = 0;
    size_t i = 0;
    FEW_DONE
#if FA_X86
    uint64_t before = 0;
    V_u64 acc[4] = {{0}};
    for (size_t first = peel(p, 1, n); i < first; i++) {
        ONE_BY_ONE;
        before += (uint8_t)FLIP(p[i]);
    }
    for (; i + 4 * N <= n; i += 4 * N) {
        UNROLL(4)
        for (size_t k = 0; k < 4; k++)
            acc[k] += SAD(FLIP(LD(p + i + k * N)));
    }
    UNROLL(1)
    for (; i + N <= n; i += N)
        acc[0] += SAD(FLIP(LD(p + i)));
    total = before + fa_total((acc[0] + acc[1]) + (acc[2] + acc[3]));
#else
    while (n - i >= N) {
        V_u16 acc = {0};
        for (int turn = 0; turn < 128 && n - i >= N; turn++, i += N) {
            V_u16 x = (V_u16)FLIP(LD(p + i));
            acc += (x & 0xff) + (x >> 8);
        }
        UNROLL(1)
        for (size_t k = 0; k < NL(u16); k++)
            total += acc[k];
    }
#endif
    for (; i < n; i++) {
        ONE_BY_ONE;
        total += (uint8_t)FLIP(p[i]);
    }
    r->i = (FaI128)total - BIAS * (FaI128)n;
}
#undef SAD

#elif FA_BITS == 16
#if FA_X86 == 3
#define PAIR_SUMS(x) (V_i32) _mm512_madd_epi16((__m512i)(x), _mm512_set1_epi16(1))
#elif FA_X86 == 2
#define PAIR_SUMS(x) (V_i32) _mm256_madd_epi16((__m256i)(x), _mm256_set1_epi16(1))
#elif FA_X86 == 1
#define PAIR_SUMS(x) (V_i32) _mm_madd_epi16((__m128i)(x), _mm_set1_epi16(1))
#else
#define PAIR_SUMS(x) (((V_i32)((V_u32)(x) << 16) >> 16) + ((V_i32)(x) >> 16))
#endif
static void K(sum)(const void *ptr, size_t n, FaSum *r)
{
    const S *p = ptr;
    int64_t total = 0;
    size_t i = 0;
    /* flipped the other way: signed halves, |lane| < 2**30 over one chunk */
#if FA_IS_SIGNED
    const int16_t flip = 0;
    const int64_t bias = 0;
#else
    const int16_t flip = INT16_MIN;
    const int64_t bias = 32768;
#endif
    FEW_DONE
    V_i32 acc[4] = {{0}};
    int64_t before = 0;
    for (size_t first = peel(p, 2, n); i < first; i++) {
        ONE_BY_ONE;
        before += (int16_t)(p[i] ^ flip);
    }
    for (; i + 4 * N <= n; i += 4 * N) {
        UNROLL(4)
        for (size_t k = 0; k < 4; k++)
            acc[k] += PAIR_SUMS(ld_i16(p + i + k * N) ^ flip);
    }
    UNROLL(1)
    for (; i + N <= n; i += N)
        acc[0] += PAIR_SUMS(ld_i16(p + i) ^ flip);
    V_i64 wide = {0};
    UNROLL(4)
    for (size_t k = 0; k < 4; k++)
        wide += ((V_i64)((V_u64)acc[k] << 32) >> 32) + ((V_i64)acc[k] >> 32);
    total = before + (int64_t)fa_total((V_u64)wide);
    for (; i < n; i++) {
        ONE_BY_ONE;
        total += (int16_t)(p[i] ^ flip);
    }
    r->i = (FaI128)total + (FaI128)bias * (FaI128)n;
}
#undef PAIR_SUMS

#elif FA_BITS == 32
static void K(sum)(const void *ptr, size_t n, FaSum *r)
{
    const S *p = ptr;
    uint64_t total = 0;
    size_t i = 0;
    uint64_t before = 0;
    FEW_DONE
    V_u64 even[4] = {{0}}, odd[4] = {{0}};
    for (size_t first = peel(p, 4, n); i < first; i++) {
        ONE_BY_ONE;
        before += (uint32_t)FLIP(p[i]);
    }
    for (; i + 4 * N <= n; i += 4 * N) {
        UNROLL(4)
        for (size_t k = 0; k < 4; k++) {
            V_u64 x = (V_u64)FLIP(LD(p + i + k * N));
            even[k] += x & 0xffffffffu;
            odd[k] += x >> 32;
        }
    }
    UNROLL(1)
    for (; i + N <= n; i += N) {
        V_u64 x = (V_u64)FLIP(LD(p + i));
        even[0] += x & 0xffffffffu;
        odd[0] += x >> 32;
    }
    total = before;
    total += fa_total((even[0] + even[1]) + (even[2] + even[3]) + (odd[0] + odd[1]) +
                     (odd[2] + odd[3]));
    for (; i < n; i++) {
        ONE_BY_ONE;
        total += (uint32_t)FLIP(p[i]);
    }
    r->i = (FaI128)total - BIAS * (FaI128)n;
}

#else
/* w is the sum modulo 2**64, h the sum of high halves: together the exact sum. */
static void K(sum)(const void *ptr, size_t n, FaSum *r)
{
    const S *p = ptr;
    FaI128 total = 0;
    size_t i = 0;
    FaU128 before = 0;
    FEW_DONE
    V_u64 w[4] = {{0}}, h[4] = {{0}};
    for (size_t first = peel(p, 8, n); i < first; i++) {
        ONE_BY_ONE;
        before += (uint64_t)FLIP(p[i]);
    }
    for (; i + 4 * N <= n; i += 4 * N) {
        UNROLL(4)
        for (size_t k = 0; k < 4; k++) {
            V_u64 x = (V_u64)FLIP(LD(p + i + k * N));
            w[k] += x;
            h[k] += x >> 32;
        }
    }
    UNROLL(1)
    for (; i + N <= n; i += N) {
        V_u64 x = (V_u64)FLIP(LD(p + i));
        w[0] += x;
        h[0] += x >> 32;
    }
    /* at most 2**17 elements a chunk: neither the high halves nor the low ones, joined
     * over the lanes, leave 64 bits */
    V_u64 high = (h[0] + h[1]) + (h[2] + h[3]);
    V_u64 low = (w[0] + w[1]) + (w[2] + w[3]) - (high << 32);
    total = (FaI128)before + ((FaI128)fa_total(high) << 32) + (FaI128)fa_total(low);
    for (; i < n; i++) {
        ONE_BY_ONE;
        total += (uint64_t)FLIP(p[i]);
    }
    r->i = total - BIAS * (FaI128)n;
}
#endif
#undef BIAS
#undef FLIP
#undef FEW_DONE
#endif /* sum */

/* -- min and max ------------------------------------------------------------------ */

/* The lanes of a vector folded to one value: with its halves swapped, then its quarters... */
#if !defined(SWAPPED)
#define FOLD(name, op, vop)                                                              \
    INLINE C K(name)(V v)                                                                \
    {                                                                                    \
        C x[N];                                                                          \
        memcpy(x, &v, sizeof x);                                                         \
        for (size_t w = N / 2; w; w /= 2)                                                \
            for (size_t j = 0; j < w; j++)                                               \
                x[j] = x[j + w] op x[j] ? x[j + w] : x[j];                               \
        return x[0];                                                                     \
    }
#else
#define FOLD(name, op, vop)                                                              \
    INLINE C K(name)(V v)                                                                \
    {                                                                                    \
        if (FA_VB > 32)                                                                  \
            v = vop((V)SWAPPED(v, 32), v);                                               \
        if (FA_VB > 16)                                                                  \
            v = vop((V)SWAPPED(v, 16), v);                                               \
        v = vop((V)SWAPPED(v, 8), v);                                                    \
        if (FA_BITS <= 32)                                                               \
            v = vop((V)SWAPPED(v, 4), v);                                                \
        if (FA_BITS <= 16)                                                               \
            v = vop((V)SWAPPED(v, 2), v);                                                \
        if (FA_BITS == 8)                                                                \
            v = vop((V)SWAPPED(v, 1), v);                                                \
        return v[0];                                                                     \
    }
#endif
FOLD(fold_min, <, VMIN)
FOLD(fold_max, >, VMAX)
#undef FOLD

/* One pass; LO and HI choose which ends are kept, resolved by the compiler. */
INLINE void K(extremes)(const void *ptr, size_t n, FaExtreme *r, const int lo, const int hi)
{
    const S *p = ptr;
    C low = LAST, high = FIRST;
    int nan = 0;
    size_t i = 0;

    if (n >= N) {
        V a[4], b[4];
        NanAcc seen = NAN_ACC_ZERO;
        UNROLL(8)
        for (size_t k = 0; k < 4; k++) {
            a[k] = SPLAT(low);
            b[k] = SPLAT(high);
        }
        if ((i = peel(p, sizeof(C), n)) != 0) {
            V x = LD(p);
            a[0] = VMIN(x, a[0]);
            b[0] = VMAX(x, b[0]);
            seen = NANS(seen, x, x);
        }
        for (; i + 4 * N <= n; i += 4 * N) {
            V x[4];
            UNROLL(4)
            for (size_t k = 0; k < 4; k++) {
                x[k] = LD(p + i + k * N);
                if (lo)
                    a[k] = VMIN(x[k], a[k]);
                if (hi)
                    b[k] = VMAX(x[k], b[k]);
            }
            seen = NANS(seen, x[0], x[1]);
            seen = NANS(seen, x[2], x[3]);
        }
        for (;;) { /* whole vectors, then one that overlaps the last */
            V x;
            if (i + N > n)
                i = n - N;
            x = LD(p + i);
            if (lo)
                a[0] = VMIN(x, a[0]);
            if (hi)
                b[0] = VMAX(x, b[0]);
            seen = NANS(seen, x, x);
            i += N;
            if (i >= n)
                break;
        }
        if (lo)
            low = K(fold_min)(VMIN(VMIN(a[0], a[1]), VMIN(a[2], a[3])));
        if (hi)
            high = K(fold_max)(VMAX(VMAX(b[0], b[1]), VMAX(b[2], b[3])));
        nan = nan_any(seen);
    } else {
        for (; i < n; i++) {
            C x = p[i];
            ONE_BY_ONE;
            if (lo)
                low = x < low ? x : low;
            if (hi)
                high = x > high ? x : high;
            nan |= !(x == x);
        }
    }
    if (lo)
        r->lo.FIELD = low;
    if (hi)
        r->hi.FIELD = high;
    r->nan = nan;
}

#if !defined(FA_SMALL)
static void K(min)(const void *p, size_t n, FaExtreme *r) { K(extremes)(p, n, r, 1, 0); }
static void K(max)(const void *p, size_t n, FaExtreme *r) { K(extremes)(p, n, r, 0, 1); }
#endif
static void K(minmax)(const void *p, size_t n, FaExtreme *r)
{
    K(extremes)(p, n, r, 1, 1);
}

/* -- dot and moments -------------------------------------------------------------- */

#if FA_IS_FLOAT
/* TwoSum of x into lane l, and the exact error of a product through fma: the fma of
 * every set is exact, libm's where the CPU has none. */
#define ADD_LANE(s, c, l, x)                                                             \
    do {                                                                                 \
        double x_ = (x), t_ = (s)[l] + x_, z_ = t_ - (s)[l];                             \
        (c)[l] += ((s)[l] - (t_ - z_)) + (x_ - z_);                                      \
        (s)[l] = t_;                                                                     \
    } while (0)

static void K(dot)(const void *pa, const void *pb, size_t n, FaSum *r)
{
    const S *a = pa, *b = pb;
    double s[16] = {0}, c[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; l++) {
            double x = a[i + l], y = b[i + l], q = x * y;
            ADD_LANE(s, c, l, q);
#if FA_BITS == 64
            c[l] += fma(x, y, -q);
#endif
        }
    for (; i < n; i++) {
        double x = a[i], y = b[i], q = x * y;
        ADD_LANE(s, c, i % 16, q);
#if FA_BITS == 64
        c[i % 16] += fma(x, y, -q);
#endif
    }
    join_array(s, c);
    r->d.s = s[0];
    r->d.c = c[0];
}

static void K(moments)(const void *ptr, size_t n, double m, FaMoments *r)
{
    const S *p = ptr;
    double s1[16] = {0}, c1[16] = {0}, s2[16] = {0}, c2[16] = {0};
    for (size_t i = 0; i < n; i += 16) {
        size_t w = n - i < 16 ? n - i : 16;
        for (size_t l = 0; l < w; l++) {
            double x = p[i + l] - m, q = x * x;
            ADD_LANE(s1, c1, l, x);
            ADD_LANE(s2, c2, l, q);
            c2[l] += fma(x, x, -q);
        }
    }
    join_array(s1, c1);
    join_array(s2, c2);
    *r = (FaMoments){s1[0], c1[0], s2[0], c2[0]};
}
#undef ADD_LANE
#elif FA_BITS < 64
static void K(dot)(const void *pa, const void *pb, size_t n, FaSum *r)
{
    const S *a = pa, *b = pb;
#if FA_BITS < 32
    int64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += (int64_t)a[i] * (int64_t)b[i];
    r->i = total;
#elif FA_IS_SIGNED
    int64_t high = 0;
    uint64_t low = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t q = (int64_t)a[i] * b[i];
        high += q >> 32;
        low += (uint32_t)q;
    }
    r->i = (FaI128)high * ((FaI128)1 << 32) + (FaI128)low;
#else
    uint64_t high = 0, low = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t q = (uint64_t)a[i] * b[i];
        high += q >> 32;
        low += (uint32_t)q;
    }
    r->i = ((FaI128)high << 32) + (FaI128)low;
#endif
}
#endif

/* -- find and count ---------------------------------------------------------------
 * Floats compare as Python does: -0.0 equals 0.0, NaN equals nothing. */

static size_t K(find)(const void *ptr, size_t n, const void *value)
{
    const S *p = ptr;
    C v = *(const S *)value;
    size_t i = 0;
    for (; i + N <= n; i += N) {
        M_(T) hit = (M_(T))(LD(p + i) == SPLAT(v));
        if (ANY(T, hit))
            break;
    }
    for (; i < n; i++)
        if (p[i] == v)
            return i;
    return n;
}

static size_t K(count)(const void *ptr, size_t n, const void *value)
{
    const S *p = ptr;
    C v = *(const S *)value;
    size_t i = 0, hits = 0;
    while (n - i >= N) {
        U_(T) acc = {0};
        for (int turn = 0; turn < 255 && n - i >= N; turn++, i += N)
            acc -= (U_(T))(LD(p + i) == SPLAT(v));
        for (size_t k = 0; k < N; k++) {
            ONE_BY_ONE;
            hits += acc[k];
        }
    }
    for (; i < n; i++) {
        ONE_BY_ONE;
        hits += p[i] == v;
    }
    return hits;
}

/* Bit i says whether element i lies in lo..hi; bits past n are zero. */
static void K(between)(const void *ptr, size_t n, FaScalar lo, FaScalar hi, uint64_t *bits)
{
    const S *p = ptr;
    const C low = (C)lo.FIELD, high = (C)hi.FIELD;
    const V lows = SPLAT(low), highs = SPLAT(high);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t w = 0;
        UNROLL(8)
        for (size_t k = 0; k < 64 * sizeof(C); k += 64)
            AHEAD((const char *)(p + i) + k);
        UNROLL(8)
        for (size_t k = 0; k < 64; k += N)
            w |= CAT2(between, T)(LD(p + i + k), lows, highs) << k;
        bits[i / 64] = w;
    }
    if (i < n) {
        uint64_t w = 0;
        for (size_t k = 0; i + k < n; k++) {
            ONE_BY_ONE;
            w |= (uint64_t)(p[i + k] >= low && p[i + k] <= high) << k;
        }
        bits[i / 64] = w;
    }
}
