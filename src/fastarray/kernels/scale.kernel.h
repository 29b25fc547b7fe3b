/* clip and checked arithmetic for one element type; included like reduce.kernel.h.
 *
 * Contracts: integer arithmetic never wraps unseen: vs_* stop before the first group with
 * an element outside k->lo..hi, finish it one by one and return the index of the element
 * that does not fit; vv_* return less than n when some element did not fit, and then d
 * holds rubbish.  Floats follow IEEE without contraction; float32 results are those of
 * the float64 operation rounded once.
 */

static void K(clip)(void *d, const void *ptr, size_t n, FaScalar lo, FaScalar hi)
{
    const S *p = ptr;
    S *out = d;
    C low = (C)lo.FIELD, high = (C)hi.FIELD;
    size_t i = 0;

    if (n >= N) {
        V a = SPLAT(low), b = SPLAT(high);
        /* the last vector may overlap the one before: clipping twice changes nothing,
         * also in place, but it must be read before its neighbour is written */
        V last = LD(p + n - N);
        if (d == ptr && (i = peel(p, sizeof(C), n)) != 0)
            ST(out, VMIN(b, VMAX(a, LD(p))));
        UNROLL(4)
        for (; i + N <= n; i += N)
            ST(out + i, VMIN(b, VMAX(a, LD(p + i))));
        ST(out + n - N, VMIN(b, VMAX(a, last)));
        return;
    }
    for (; i < n; i++) {
        C x = p[i];
        ONE_BY_ONE;
        x = low > x ? low : x;
        out[i] = high < x ? high : x;
    }
}

#if FA_IS_FLOAT

#if FA_BITS == 32
/* A float64 operation rounded once equals the float32 operation when both operands are
 * float32 values (2 * 24 + 2 <= 53); other constants go through float64. */
#define VS_WIDE(op)                                                                      \
    if ((double)(float)k->k.d != k->k.d) {                                               \
        for (size_t j = 0; j < n; j++)                                                   \
            out[j] = (float)((double)p[j] op k->k.d);                                    \
        return n;                                                                        \
    }
#else
#define VS_WIDE(op)
#endif
#define VS(name, op)                                                                     \
    static size_t K(vs_##name)(void *d, const void *ptr, size_t n, const FaAffine *k)    \
    {                                                                                    \
        const S *p = ptr;                                                                \
        S *out = d;                                                                      \
        C c = (C)k->k.d;                                                                 \
        V v = SPLAT(c);                                                                  \
        size_t i = 0;                                                                    \
        VS_WIDE(op)                                                                      \
        for (size_t first = peel(d, sizeof(C), n); i < first; i++) {                     \
            ONE_BY_ONE;                                                                  \
            out[i] = p[i] op c;                                                          \
        }                                                                                \
        UNROLL(4)                                                                        \
        for (; i + N <= n; i += N)                                                       \
            ST(out + i, LD(p + i) op v);                                                 \
        for (; i < n; i++) {                                                             \
            ONE_BY_ONE;                                                                  \
            out[i] = p[i] op c;                                                          \
        }                                                                                \
        return n;                                                                        \
    }
#define VV(name, op)                                                                     \
    static size_t K(vv_##name)(void *d, const void *pa, const void *pb, size_t n)        \
    {                                                                                    \
        const S *a = pa, *b = pb;                                                        \
        S *out = d;                                                                      \
        size_t i = 0;                                                                    \
        for (size_t first = peel(d, sizeof(C), n); i < first; i++) {                     \
            ONE_BY_ONE;                                                                  \
            out[i] = a[i] op b[i];                                                       \
        }                                                                                \
        UNROLL(4)                                                                        \
        for (; i + N <= n; i += N)                                                       \
            ST(out + i, LD_HALVES(a + i) op LD_HALVES(b + i));                                         \
        for (; i < n; i++) {                                                             \
            ONE_BY_ONE;                                                                  \
            out[i] = a[i] op b[i];                                                       \
        }                                                                                \
        return n;                                                                        \
    }
VS(add, +)
VS(mul, *)
VV(add, +)
VV(sub, -)
VV(mul, *)
#undef VS
#undef VV
#undef VS_WIDE

/* Stops before a group with a zero divisor: Python raises there. */
static size_t K(vv_div)(void *d, const void *pa, const void *pb, size_t n)
{
    const S *a = pa, *b = pb;
    S *out = d;
    size_t i = 0, first = peel(d, sizeof(C), n);
    for (; i < first && b[i] != 0; i++)
        out[i] = a[i] / b[i];
    for (; i >= first && i + 2 * N <= n; i += 2 * N) {
        const V zero = {0};
        V y0 = LD_HALVES(b + i), y1 = LD_HALVES(b + i + N);
        IN_REGISTER(y0); /* as in mul_checked */
        IN_REGISTER(y1);
        V r0 = LD_HALVES(a + i) / y0, r1 = LD_HALVES(a + i + N) / y1;
        if (CAT2(between, T)(y0, zero, zero) | CAT2(between, T)(y1, zero, zero))
            return i;
        ST(out + i, r0);
        ST(out + i + N, r1);
    }
    for (; i < n && b[i] != 0; i++)
        out[i] = a[i] / b[i];
    return i;
}

#else

#define UC CAT2(UC, T)
typedef U_(T) K(wrapvec);
#define W(v) ((K(wrapvec))(v)) /* arithmetic on unsigned lanes: wrapping is defined */

#define VS(name, op)                                                                     \
    static size_t K(vs_##name)(void *d, const void *ptr, size_t n, const FaAffine *k)    \
    {                                                                                    \
        const S *p = ptr;                                                                \
        S *out = d;                                                                      \
        C lo = (C)k->lo.FIELD, hi = (C)k->hi.FIELD;                                      \
        V low = SPLAT(lo), high = SPLAT(hi), c = SPLAT((C)k->k.u);                       \
        size_t i = 0;                                                                    \
        for (size_t first = peel(d, sizeof(C), n); i < first; i++) {                     \
            C x = p[i];                                                                  \
            if (x < lo || x > hi)                                                        \
                return i;                                                                \
            out[i] = (C)((uint64_t)x op k->k.u);                                         \
        }                                                                                \
        for (; i + 4 * N <= n; i += 4 * N) {                                             \
            V x0 = LD(p + i), x1 = LD(p + i + N);                                        \
            V x2 = LD(p + i + 2 * N), x3 = LD(p + i + 3 * N);                            \
            V least = VMIN(VMIN(x0, x1), VMIN(x2, x3));                                  \
            V most = VMAX(VMAX(x0, x1), VMAX(x2, x3));                                   \
            if (__builtin_expect(ANY(T, (M_(T))(least < low) | (M_(T))(most > high)), 0)) \
                break;                                                                   \
            ST(out + i, (V)(W(x0) op W(c)));                                             \
            ST(out + i + N, (V)(W(x1) op W(c)));                                         \
            ST(out + i + 2 * N, (V)(W(x2) op W(c)));                                     \
            ST(out + i + 3 * N, (V)(W(x3) op W(c)));                                     \
        }                                                                                \
        for (; i + N <= n; i += N) {                                                     \
            V x = LD(p + i);                                                             \
            if (ANY(T, (M_(T))(x < low) | (M_(T))(x > high)))                            \
                break;                                                                   \
            ST(out + i, (V)(W(x) op W(c)));                                              \
        }                                                                                \
        for (; i < n; i++) {                                                             \
            C x = p[i];                                                                  \
            if (x < lo || x > hi)                                                        \
                return i;                                                                \
            out[i] = (C)((uint64_t)x op k->k.u);                                         \
        }                                                                                \
        return n;                                                                        \
    }
VS(add, +)
VS(mul, *)
#undef VS

#if FA_IS_SIGNED
#define ADD_BAD(a, b, r) (M_(T))((((a) ^ (r)) & ((b) ^ (r))) < 0)
#define SUB_BAD(a, b, r) (M_(T))((((a) ^ (b)) & ((a) ^ (r))) < 0)
#else
#define ADD_BAD(a, b, r) (M_(T))((r) < (a))
#define SUB_BAD(a, b, r) (M_(T))((a) < (b))
#endif
#define VV(name, op, BAD)                                                                \
    static size_t K(vv_##name)(void *d, const void *pa, const void *pb, size_t n)        \
    {                                                                                    \
        const S *a = pa, *b = pb;                                                        \
        S *out = d;                                                                      \
        size_t i = 0;                                                                    \
        for (size_t first = peel(d, sizeof(C), n); i < first; i++)                       \
            if (__builtin_##name##_overflow(a[i], b[i], &out[i]))                        \
                return i;                                                                \
        for (; i + 2 * N <= n; i += 2 * N) {                                             \
            V x0 = LD_HALVES(a + i), x1 = LD_HALVES(a + i + N);                                        \
            V y0 = LD_HALVES(b + i), y1 = LD_HALVES(b + i + N);                                        \
            V r0 = (V)(W(x0) op W(y0)), r1 = (V)(W(x1) op W(y1));                        \
            M_(T) bad = BAD(x0, y0, r0) | BAD(x1, y1, r1);                               \
            ST(out + i, r0);                                                             \
            ST(out + i + N, r1);                                                         \
            if (__builtin_expect(ANY(T, bad), 0))                                        \
                return i;                                                                \
        }                                                                                \
        for (; i < n; i++)                                                               \
            if (__builtin_##name##_overflow(a[i], b[i], &out[i]))                        \
                return i;                                                                \
        return n;                                                                        \
    }
VV(add, +, ADD_BAD)
VV(sub, -, SUB_BAD)
#undef VV
#undef ADD_BAD
#undef SUB_BAD

#if FA_BITS < 64
typedef CAT2(UPAIRS, FA_BITS) K(upairs);
#if FA_BITS == 16 && FA_X86
/* The upper halves of products say whether the lower ones are all of them. */
INLINE V K(mul_checked)(V x, V y, K(upairs) * bad)
{
    V low = (V)(W(x) * W(y)), high = CAT2(MUL_HIGH, T)(x, y);
#if FA_IS_SIGNED
    high ^= low >> 15;
#endif
    *bad |= (K(upairs))high;
    return low;
}
#else
/* Products in lanes twice as wide, of the even and of the odd elements. */
typedef CAT2(PAIRS, T) K(pairs);
INLINE V K(mul_checked)(V x, V y, K(upairs) * bad)
{
    typedef K(pairs) P;
    typedef K(upairs) Q;
#if FA_BITS == 32
    IN_REGISTER(x); /* used twice: not two loads across cache lines */
    IN_REGISTER(y);
    P even = CAT2(MUL_LOW, T)(x, y), odd = CAT2(MUL_LOW, T)((Q)x >> 32, (Q)y >> 32);
#else
    P even = (P)((Q)((P)((Q)x << FA_BITS) >> FA_BITS) * (Q)((P)((Q)y << FA_BITS) >> FA_BITS));
    P odd = (P)((Q)((P)x >> FA_BITS) * (Q)((P)y >> FA_BITS));
#endif
#if FA_IS_SIGNED
    const Q half = (Q){0} + (CAT2(UN, FA_BITS))((CAT2(UN, FA_BITS))1 << (FA_BITS - 1));
    *bad |= (((Q)even + half) | ((Q)odd + half)) >> FA_BITS;
#else
    *bad |= ((Q)even | (Q)odd) >> FA_BITS;
#endif
    return (V)(((Q)even << FA_BITS >> FA_BITS) | ((Q)odd << FA_BITS));
}
#endif
static size_t K(vv_mul)(void *d, const void *pa, const void *pb, size_t n)
{
    const S *a = pa, *b = pb;
    S *out = d;
    size_t i = 0;
    for (size_t first = peel(d, sizeof(C), n); i < first; i++)
        if (__builtin_mul_overflow(a[i], b[i], &out[i]))
            return i;
    for (; i + 2 * N <= n; i += 2 * N) {
        K(upairs) bad = {0};
        V r0 = K(mul_checked)(LD_HALVES(a + i), LD_HALVES(b + i), &bad);
        V r1 = K(mul_checked)(LD_HALVES(a + i + N), LD_HALVES(b + i + N), &bad);
        ST(out + i, r0);
        ST(out + i + N, r1);
        if (__builtin_expect(ANY(T, bad), 0))
            return i;
    }
    for (; i < n; i++)
        if (__builtin_mul_overflow(a[i], b[i], &out[i]))
            return i;
    return n;
}
#else
/* There is no wide product to look at.  Factors of 32 bits are multiplied and found out at
 * once: non-zero if all n (whole vectors) were. */
INLINE int K(mul_narrow)(S *out, const S *a, const S *b, size_t n)
{
    U_(T) bad = {0};
    for (size_t i = 0; i + N <= n; i += N) {
        V x = LD_HALVES(a + i), y = LD_HALVES(b + i);
#if FA_IS_SIGNED
        const U_(T) half = (U_(T)){0} + ((uint64_t)1 << 31);
        bad |= ((W(x) + half) | (W(y) + half)) >> 32;
        ST(out + i, (V)MUL_LOW_i32((V_i32)x, (V_i32)y));
#else
        bad |= (x | y) >> 32;
        ST(out + i, (V)MUL_LOW_u32((V_u32)x, (V_u32)y));
#endif
    }
    return !ANY(T, bad);
}
/* Other blocks are bounded by their extremes, and go element by element where the bound
 * does not prove the products. */
static size_t K(vv_mul)(void *d, const void *pa, const void *pb, size_t n)
{
    const S *a = pa, *b = pb;
    S *out = d;
    for (size_t i = 0, w = peel(d, sizeof(C), n); i < n; i += w) {
        if (i > 0 || w == 0) /* the first, perhaps short, one aligns those after it */
            w = n - i < 512 ? n - i : 512;
        size_t j = i, end = i + w;
        FaExtreme x, y;
        if (K(mul_narrow)(out + i, a + i, b + i, w))
            j += w - w % N;
        else {
            K(minmax)(a + i, w, &x);
            K(minmax)(b + i, w, &y);
            if (fa_reach(x.lo.FIELD, x.hi.FIELD) * fa_reach(y.lo.FIELD, y.hi.FIELD) <= (FaU128)LAST)
                for (; j + N <= end; j += N)
                    ST(out + j, (V)(W(LD(a + j)) * W(LD(b + j))));
        }
        for (; j < end; j++)
            if (__builtin_mul_overflow(a[j], b[j], &out[j]))
                return j;
    }
    return n;
}
#endif
#undef W
#undef UC
#endif
