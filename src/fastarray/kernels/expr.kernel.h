/* The operations of a block program (fa_expr.def) for one lane kind.
 *
 * Included for i16, i32, i64 and f64, between def_type.h and undef_type.h.  Registers are
 * padded to whole vectors and may be the same memory (d == a); simple operations run over
 * the padding, operations that fault look at n lanes only.  Integer lanes never overflow:
 * fa_expr.c proves it before the block runs.
 */
#define OP(name)                                                                         \
    static int K(op_##name)(void *d, const void *pa, const void *pb, const void *pc,     \
                            const FaImm *k, size_t n)
#define IVDEP PRAGMA_(GCC ivdep)

#if FA_IS_FLOAT
#define KF d
#else
#define KF i
#endif

/* d = an expression of vectors x, y, z (lanes of a, b, c) and constants c0, c1 */
#define MAP(name, loads, expr)                                                           \
    OP(name)                                                                             \
    {                                                                                    \
        const char *A = pa, *B = pb, *Z = pc;                                            \
        char *D = d;                                                                     \
        const V c0 = SPLAT((C)k[0].KF), c1 = SPLAT((C)k[1].KF);                          \
        (void)A, (void)B, (void)Z, (void)c0, (void)c1;                                   \
        UNROLL(2)                                                                        \
        for (size_t i = 0; i < n * sizeof(C); i += sizeof(V)) {                          \
            loads;                                                                       \
            ST(D + i, (V)(expr));                                                        \
        }                                                                                \
        return 0;                                                                        \
    }
#define X V x = LD(A + i)
#define XY                                                                               \
    X;                                                                                   \
    V y = LD(B + i)

/* d[j] = statement over scalars; the compiler vectorises where it can */
#define EACH(name, statement)                                                            \
    OP(name)                                                                             \
    {                                                                                    \
        const S *a = pa, *b = pb;                                                        \
        S *out = d;                                                                      \
        int bad = 0;                                                                     \
        (void)a, (void)b;                                                                \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++) {                                                 \
            statement;                                                                   \
        }                                                                                \
        return bad;                                                                      \
    }

#if FA_IS_FLOAT
#define WRAP(x) (x)
#else
#define WRAP(x) ((U_(T))(x))
#endif
MAP(ADD, XY, WRAP(x) + WRAP(y))
MAP(SUB, XY, WRAP(x) - WRAP(y))
MAP(MUL, XY, WRAP(x) * WRAP(y))
MAP(ADDK, X, WRAP(x) + WRAP(c0))
MAP(RSUBK, X, WRAP(c0) - WRAP(x))
MAP(MULK, X, WRAP(x) * WRAP(c0))
MAP(MULADDK, X, WRAP(x) * WRAP(c0) + WRAP(c1))
MAP(MIN, XY, SELECT((M_(T))(y < x), y, x))
MAP(MAX, XY, SELECT((M_(T))(y > x), y, x))
MAP(LT, XY, x < y)
MAP(LE, XY, x <= y)
MAP(EQ, XY, x == y)
MAP(NE, XY, x != y)
MAP(LTK, X, x < c0)
MAP(LEK, X, x <= c0)
MAP(GTK, X, x > c0)
MAP(GEK, X, x >= c0)
MAP(EQK, X, x == c0)
MAP(NEK, X, x != c0)
MAP(SET, (void)0, c0)
#undef WRAP

#if !FA_IS_FLOAT

MAP(NEG, X, -(U_(T))x)
MAP(ABS, X, VMAX(x, (V)(-(U_(T))x)))
MAP(ABSADDK, X; x = (V)((U_(T))x + (U_(T))c0), VMAX(x, (V)(-(U_(T))x)))
MAP(SEL, XY; V z = LD(Z + i), SELECT((M_(T))x, y, z))
MAP(AND, XY, x & y)
MAP(OR, XY, x | y)
MAP(XOR, XY, x ^ y)
MAP(ANDK, X, x & c0)
MAP(ORK, X, x | c0)
MAP(XORK, X, x ^ c0)
MAP(SHRK, X, x >> (int)k[0].i)
MAP(INVERT, X, ~x)

/* Floor division by a constant 2 <= c as a multiplication: with s = x >> (bits - 1) and
 * u = x ^ s >= 0, floor(x / c) = (u * M >> (bits - 1 + l)) ^ s, where l = ceil(log2 c)
 * and M = floor(2**(bits - 1 + l) / c) + 1 (Granlund and Montgomery 1994).
 * k: c, M, l - 1; k[3] non-zero: 64-bit lanes whose values fit 32 bits, M and l - 1 made
 * for those. */
#if FA_BITS == 16 && defined(MUL_HIGH_u16)
#define QUOTIENT                                                                         \
    X;                                                                                   \
    V s = x >> (FA_BITS - 1);                                                            \
    V q = (V)((V_u16)MUL_HIGH_u16(x ^ s, c1) >> (int)k[2].i) ^ s
MAP(FDIVK, QUOTIENT, q)
MAP(MODK, QUOTIENT, (U_(T))x - (U_(T))q * (U_(T))c0)
#undef QUOTIENT
#else
#if FA_BITS == 64
typedef FaU128 K(wideu);
#elif FA_BITS == 32
typedef uint64_t K(wideu);
#else
typedef uint32_t K(wideu);
#endif
INLINE C K(floor_by)(C x, CAT2(UN, FA_BITS) magic, int shift)
{
    C s = x >> (FA_BITS - 1);
    CAT2(UN, FA_BITS) u = (CAT2(UN, FA_BITS))(x ^ s);
    u = (CAT2(UN, FA_BITS))(((K(wideu))u * magic) >> FA_BITS) >> shift;
    return (C)u ^ s;
}
#if FA_BITS == 64
INLINE int64_t K(floor_by32)(int64_t x, uint32_t magic, int shift)
{
    int64_t s = x >> 63;
    uint64_t u = (uint64_t)(uint32_t)(x ^ s) * magic;
    return (int64_t)(u >> (32 + shift)) ^ s;
}
#define NARROW_FIRST(expr)                                                               \
    if (k[3].i) {                                                                        \
        uint32_t magic32 = (uint32_t)k[1].u;                                             \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++) {                                                 \
            int64_t q = K(floor_by32)(a[j], magic32, shift);                             \
            out[j] = expr;                                                               \
        }                                                                                \
        return 0;                                                                        \
    }
#else
#define NARROW_FIRST(expr)
#endif
#define BY_CONSTANT(name, expr)                                                          \
    OP(name)                                                                             \
    {                                                                                    \
        const S *a = pa;                                                                 \
        S *out = d;                                                                      \
        const CAT2(UN, FA_BITS) magic = (CAT2(UN, FA_BITS))k[1].u;                       \
        const C by = (C)k[0].i;                                                          \
        const int shift = (int)k[2].i;                                                   \
        (void)by;                                                                        \
        NARROW_FIRST(expr)                                                               \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++) {                                                 \
            C q = K(floor_by)(a[j], magic, shift);                                       \
            out[j] = expr;                                                               \
        }                                                                                \
        return 0;                                                                        \
    }
BY_CONSTANT(FDIVK, q)
BY_CONSTANT(MODK, (C)(a[j] - q * by))
#undef BY_CONSTANT
#undef NARROW_FIRST
#endif

#if FA_X86 >= 2 && FA_BITS < 64
/* By way of floats, which divide many lanes at once: the quotient of two 15-bit (31-bit)
 * magnitudes is at least 2**-15 (2**-31) of itself away from the integer above, a float's
 * (double's) rounding at most 2**-24 (2**-53), so the floor is exact. */
#if FA_BITS == 16
#define FLOAT float
#define FLOOR floorf
#else
#define FLOAT double
#define FLOOR floor
#endif
EACH(FDIV, C x = a[j]; C y = b[j]; bad |= (y == 0) | ((y == -1) & (x == FIRST));
     out[j] = (C)FLOOR((FLOAT)x / (FLOAT)(y == 0 ? 1 : y)))
EACH(MOD, FLOAT x = a[j]; FLOAT y = b[j]; bad |= b[j] == 0; y = b[j] == 0 ? 1 : y;
     out[j] = (C)(x - FLOOR(x / y) * y))
#undef FLOAT
#undef FLOOR
#elif FA_X86 == 3
/* 64-bit lanes likewise, where all of them are of 32 bits. */
INLINE int K(narrow)(const S *a, const S *b, size_t n)
{
    uint64_t wide = 0, zeros = 0;
    IVDEP
    for (size_t j = 0; j < n; j++) {
        wide |= ((uint64_t)a[j] + ((uint64_t)1 << 31)) | ((uint64_t)b[j] + ((uint64_t)1 << 31));
        zeros |= b[j] == 0;
    }
    return wide >> 32 == 0 && !zeros;
}
#define BY_DOUBLES(statement)                                                            \
    if (K(narrow)(a, b, n)) {                                                            \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++) {                                                 \
            double x = (double)a[j], y = (double)b[j], q = floor(x / y);                 \
            statement;                                                                   \
        }                                                                                \
        return 0;                                                                        \
    }
#else
#define BY_DOUBLES(statement)
#endif
#if FA_X86 < 2 || FA_BITS == 64
#ifndef BY_DOUBLES
#define BY_DOUBLES(statement)
#endif
OP(FDIV)
{
    const S *a = pa, *b = pb;
    S *out = d;
    BY_DOUBLES(out[j] = (C)q)
    for (size_t j = 0; j < n; j++) {
        C x = a[j], y = b[j];
        if (y == 0 || (y == -1 && x == FIRST))
            return 1;
        C q = x / y;
        out[j] = q - (q * y != x && ((x < 0) != (y < 0)));
    }
    return 0;
}
OP(MOD)
{
    const S *a = pa, *b = pb;
    S *out = d;
    BY_DOUBLES(out[j] = (C)(x - q * y))
    for (size_t j = 0; j < n; j++) {
        C x = a[j], y = b[j];
        if (y == 0)
            return 1;
        C r = y == -1 ? 0 : x % y;
        out[j] = r + (r != 0 && ((r < 0) != (y < 0)) ? y : 0);
    }
    return 0;
}
#endif
#undef BY_DOUBLES

#if FA_BITS == 64
MAP(MUL32, XY, MUL_LOW_i32(x, y))
MAP(MULK32, X, MUL_LOW_i32(x, c0))
#endif

#else /* float64 lanes */

MAP(NEG, X, (V)((V_u64)x ^ ((uint64_t)1 << 63)))
MAP(ABS, X, (V)((V_u64)x & (~(uint64_t)0 >> 1)))
MAP(DIVK, X, x / c0)
EACH(TRUEDIV, bad |= b[j] == 0; out[j] = a[j] / b[j])
EACH(RDIVK, bad |= a[j] == 0; out[j] = k[0].d / a[j])
EACH(SQRT, bad |= a[j] < 0; out[j] = sqrt(a[j]))

/* fmod without its loop where the quotient fits a double's integers: the product is
 * subtracted exactly, and a quotient off by one shows in the remainder's size or sign. */
INLINE double K(fmod)(double x, double y)
{
#if FA_X86 >= 2
    double q = x / y;
    if (fabs(q) < 0x1p52 && fabs(y) < 0x1p1000 && fabs(y) > 0x1p-960) {
        double r = fma(-trunc(q), y, x);
        double step = copysign(y, x);
        if (r != 0 && (r < 0) != (x < 0))
            r += step;
        if (fabs(r) >= fabs(y))
            r -= step;
        return r == 0 ? copysign(0.0, x) : r;
    }
#endif
    return fmod(x, y);
}
INLINE double K(py_mod)(double x, double y)
{
    double m = K(fmod)(x, y);
    if (m != 0)
        return (y < 0) != (m < 0) ? m + y : m;
    return copysign(0.0, y);
}
INLINE double K(py_floordiv)(double x, double y)
{
    double m = K(fmod)(x, y), q = (x - m) / y, f;
    if (m != 0 && (y < 0) != (m < 0))
        q -= 1.0;
    if (q == 0)
        return copysign(0.0, x / y);
    f = floor(q);
    return q - f > 0.5 ? f + 1.0 : f;
}

#if FA_X86 >= 2
#if FA_X86 == 3
#define ROUND_(v, mode) (V) _mm512_roundscale_pd((__m512d)(v), (mode) | _MM_FROUND_NO_EXC)
#define FNMADD_(a, b, c) (V) _mm512_fnmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c))
#else
#define ROUND_(v, mode) (V) _mm256_round_pd((__m256d)(v), (mode) | _MM_FROUND_NO_EXC)
#define FNMADD_(a, b, c) (V) _mm256_fnmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c))
#endif
#define SIGN_BIT ((V_u64){0} + ((uint64_t)1 << 63))
#define MAGNITUDE(v) ((V)((V_u64)(v) & ~SIGN_BIT))
#define SIGNED_AS(v, s) ((V)(((V_u64)(v) & ~SIGN_BIT) | ((V_u64)(s) & SIGN_BIT)))

/* The scalar forms above, a vector at a time; 0 when a lane needs them after all. */
INLINE int K(divmod_fast)(V x, V y, V *div, V *mod)
{
    V q = x / y, size = MAGNITUDE(y), r, step, m, d, f;
    M_f64 ok = (M_f64)(MAGNITUDE(q) < 0x1p52) & (M_f64)(size < 0x1p1000) &
               (M_f64)(size > 0x1p-960);
    M_f64 adjust;

    if (ANY(f64, ~ok))
        return 0;
    r = FNMADD_(ROUND_(q, _MM_FROUND_TO_ZERO), y, x);
    step = SIGNED_AS(y, x);
    r = SELECT((M_f64)(r != 0) & ((M_f64)(r < 0) ^ (M_f64)(x < 0)), r + step, r);
    r = SELECT((M_f64)(MAGNITUDE(r) >= size), r - step, r);
    adjust = (M_f64)(r != 0) & ((M_f64)(r < 0) ^ (M_f64)(y < 0));
    m = SELECT(adjust, r + y, r);
    *mod = SELECT((M_f64)(r != 0), m, SIGNED_AS((V){0}, y));
    d = (x - r) / y;
    d = SELECT(adjust, d - 1.0, d);
    f = ROUND_(d, _MM_FROUND_TO_NEG_INF);
    f = SELECT((M_f64)(d - f > 0.5), f + 1.0, f);
    *div = SELECT((M_f64)(d != 0), f, SIGNED_AS((V){0}, q));
    return 1;
}
#define DIVMOD_FAST(which)                                                               \
    for (; j + N <= n; j += N) {                                                         \
        V div, mod;                                                                      \
        if (!K(divmod_fast)(LD(a + j), LD(b + j), &div, &mod))                           \
            break;                                                                       \
        ST(out + j, which);                                                              \
    }
#else
#define DIVMOD_FAST(which)
#endif
#define DIVMOD(name, which, scalar)                                                      \
    OP(name)                                                                             \
    {                                                                                    \
        const S *a = pa, *b = pb;                                                        \
        S *out = d;                                                                      \
        size_t j = 0;                                                                    \
        DIVMOD_FAST(which)                                                               \
        for (; j < n; j++) {                                                             \
            if (b[j] == 0)                                                               \
                return 1;                                                                \
            out[j] = K(scalar)(a[j], b[j]);                                              \
        }                                                                                \
        return 0;                                                                        \
    }
DIVMOD(MODF, mod, py_mod)
DIVMOD(FLOORDIVF, div, py_floordiv)
#undef DIVMOD
#undef DIVMOD_FAST
#if FA_X86 >= 2
#undef ROUND_
#undef FNMADD_
#undef SIGN_BIT
#undef MAGNITUDE
#undef SIGNED_AS
#endif
EACH(POW, double x = a[j]; double y = b[j]; double r = pow(x, y);
     if (!(fabs(x) < INFINITY && fabs(y) < INFINITY && fabs(r) < INFINITY) ||
         (x == 0 && y < 0) || (fabs(r) < 0x1p-1022 && x != 0)) return 1;
     out[j] = r)
/* math.* raises where libm leaves the finite numbers; a NaN argument passes through. */
EACH(CALL1, double x = a[j]; double r = k[0].f1(x);
     if (!(fabs(r) < INFINITY) && x == x) return 1;
     out[j] = r)

/* -- between float64 and 64-bit lanes ------------------------------------------- */

OP(I2F)
{
    const S_i64 *a = pa;
    S *out = d;
    IVDEP
    for (size_t j = 0; j < n; j++)
        out[j] = (double)a[j];
    return 0;
}
#define TO_INT(name, round_)                                                             \
    OP(name)                                                                             \
    {                                                                                    \
        const S *a = pa;                                                                 \
        S_i64 *out = d;                                                                  \
        int bad = 0;                                                                     \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++) {                                                 \
            double x = round_(a[j]);                                                     \
            bad |= !(fabs(x) <= 0x1p53);                                                 \
            out[j] = (int64_t)(fabs(x) <= 0x1p53 ? x : 0.0);                             \
        }                                                                                \
        return bad;                                                                      \
    }
TO_INT(TRUNC, trunc)
TO_INT(FLOOR, floor)
TO_INT(CEIL, ceil)
TO_INT(ROUND, rint)
#undef TO_INT
#endif

/* -- between memory and lanes ----------------------------------------------------- */

#define LOAD(t)                                                                          \
    static void K(load_##t)(void *d, const void *ptr, size_t n)                          \
    {                                                                                    \
        const S_##t *p = ptr;                                                            \
        S *out = d;                                                                      \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++)                                                   \
            out[j] = (C)p[j];                                                            \
    }
/* a value the element type can't hold makes it non-zero */
#define STORE(t)                                                                         \
    static int K(store_##t)(void *d, const void *ptr, size_t n)                          \
    {                                                                                    \
        const S *p = ptr;                                                                \
        S_##t *out = d;                                                                  \
        C bad = 0;                                                                       \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++) {                                                 \
            C_##t v = (C_##t)p[j];                                                       \
            bad |= (C)(p[j] ^ (C)v);                                                     \
            out[j] = v;                                                                  \
        }                                                                                \
        return bad != 0;                                                                 \
    }
/* the unsigned type of the lane's own width: only negative values don't fit */
#define STORE_UNSIGNED(t)                                                                \
    static int K(store_##t)(void *d, const void *ptr, size_t n)                          \
    {                                                                                    \
        const S *p = ptr;                                                                \
        C bad = 0;                                                                       \
        IVDEP                                                                            \
        for (size_t j = 0; j < n; j++)                                                   \
            bad |= p[j];                                                                 \
        memmove(d, ptr, n * sizeof(C));                                                  \
        return bad < 0;                                                                  \
    }
#if FA_IS_FLOAT
LOAD(f32)
LOAD(f64)
LOAD(i8)
LOAD(u8)
LOAD(i16)
LOAD(u16)
LOAD(i32)
LOAD(u32)
static int K(store_f32)(void *d, const void *ptr, size_t n)
{
    const S *p = ptr;
    S_f32 *out = d;
    IVDEP
    for (size_t j = 0; j < n; j++)
        out[j] = (float)p[j];
    return 0;
}
static int K(store_f64)(void *d, const void *ptr, size_t n)
{
    memcpy(d, ptr, n * sizeof(double));
    return 0;
}
#else
LOAD(i8)
LOAD(u8)
LOAD(i16)
STORE(i8)
STORE(u8)
STORE(i16)
#if FA_BITS == 16
STORE_UNSIGNED(u16)
#else
STORE(u16)
LOAD(u16)
LOAD(i32)
LOAD(u32)
STORE(i32)
#endif
#if FA_BITS == 32
STORE_UNSIGNED(u32)
#endif
#if FA_BITS == 64
STORE(u32)
LOAD(i64)
LOAD(u64)
STORE(i64)
STORE_UNSIGNED(u64)
#endif
#endif
#undef LOAD
#undef STORE
#undef STORE_UNSIGNED
#undef OP
#undef IVDEP
#undef KF
#undef MAP
#undef X
#undef XY
#undef EACH
