/* Vectors for one instruction set; included once by each kernels/isa_*.c.
 *
 * The includer defines FA_ISA (token), FA_VB (bytes in a vector) and FA_X86 (0 none,
 * 1 SSE2, 2 AVX2, 3 AVX-512).  Everything is GNU vector extensions; an intrinsic stands
 * only where the compiler's own code was measured to be slower (min/max, NaN tests).
 *
 * Names, for a type token t: V_t vector, M_t its comparison mask, U_t unsigned lanes of
 * that width, C_t element, S_t element at any address, NL(t) lanes.
 */
#include <math.h>
#include <string.h>

#include "fa_dispatch.h"
#if FA_X86
#include <immintrin.h>
#endif

#define CAT2_(a, b) a##_##b
#define CAT2(a, b) CAT2_(a, b)
#define CAT3_(a, b, c) a##_##b##_##c
#define CAT3(a, b, c) CAT3_(a, b, c)
#define STR_(a) #a
#define STR(a) STR_(a)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL(n) PRAGMA_(GCC unroll n)
#define PRAGMA_(x) _Pragma(#x)

/* In the body of a loop over a handful of elements: the vectorizer leaves it alone, whose
 * code would be longer than the loop it helps. */
#define ONE_BY_ONE __asm__ volatile("")

#define NL(t) ((size_t)FA_VB / sizeof(C_##t))

#define VECTOR(t, ctype, mtype, utype)                                                   \
    typedef ctype C_##t;                                                                 \
    typedef ctype V_##t __attribute__((vector_size(FA_VB)));                             \
    typedef ctype A_##t __attribute__((vector_size(FA_VB), aligned(1), may_alias));      \
    typedef ctype S_##t __attribute__((aligned(1), may_alias));                          \
    typedef mtype M_##t __attribute__((vector_size(FA_VB)));                             \
    typedef utype U_##t __attribute__((vector_size(FA_VB)));                             \
    INLINE V_##t ld_##t(const void *p) { return *(const A_##t *)p; }                     \
    INLINE void st_##t(void *p, V_##t v) { *(A_##t *)p = v; }                            \
    INLINE V_##t set_##t(ctype x) { return x - (V_##t){0}; }                             \
    INLINE V_##t sel_##t(M_##t m, V_##t a, V_##t b)                                      \
    {                                                                                    \
        return (V_##t)((m & (M_##t)a) | (~m & (M_##t)b));                                \
    }
VECTOR(i8, int8_t, int8_t, uint8_t)
VECTOR(u8, uint8_t, int8_t, uint8_t)
VECTOR(i16, int16_t, int16_t, uint16_t)
VECTOR(u16, uint16_t, int16_t, uint16_t)
VECTOR(i32, int32_t, int32_t, uint32_t)
VECTOR(u32, uint32_t, int32_t, uint32_t)
VECTOR(i64, int64_t, int64_t, uint64_t)
VECTOR(u64, uint64_t, int64_t, uint64_t)
VECTOR(f32, float, int32_t, uint32_t)
VECTOR(f64, double, int64_t, uint64_t)
#undef VECTOR

/* The bytes of a vector with neighbouring stretches of `size` swapped. */
#if !defined(__clang__) && !defined(FA_SMALL)
#define EIGHT(k) k, k + 1, k + 2, k + 3, k + 4, k + 5, k + 6, k + 7
#define THIRTY_TWO(k) EIGHT(k), EIGHT(k + 8), EIGHT(k + 16), EIGHT(k + 24)
#if FA_VB == 64
#define BYTE_NUMBERS ((V_u8){THIRTY_TWO(0), THIRTY_TWO(32)})
#elif FA_VB == 32
#define BYTE_NUMBERS ((V_u8){THIRTY_TWO(0)})
#else
#define BYTE_NUMBERS ((V_u8){EIGHT(0), EIGHT(8)})
#endif
#define SWAPPED(v, size) __builtin_shuffle((V_u8)(v), BYTE_NUMBERS ^ (size))
#endif

/* Elements before the next vector boundary of p, 0 where the run is too short to care:
 * every unaligned load of a long run touches two cache lines (0.7 of the speed from
 * memory on Zen 5). */
INLINE size_t peel(const void *p, size_t size, size_t n)
{
    return n * size < 64 * FA_VB ? 0 : ((~(uintptr_t)p + 1) & (FA_VB - 1)) / size;
}

/* A load for loops over two arrays, which can't all be aligned: in halves where vectors are as
 * long as cache lines and every unaligned load would touch two (add of 1e6 int64: 1.6 times
 * as fast on Zen 5). */
#if FA_X86 == 3
INLINE __m512i ld_halves(const void *p)
{
    const __m256i *half = p;
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(half)),
                              _mm256_loadu_si256(half + 1), 1);
}
#define LD_HALVES(p) ((V)ld_halves(p))
#else
#define LD_HALVES LD
#endif

/* -- min and max ------------------------------------------------------------------
 * min(x, m): x < m ? x : m, so that a NaN in x leaves m alone. */
#define MINMAX_GENERIC(t)                                                                \
    INLINE V_##t min_##t(V_##t x, V_##t m) { return sel_##t((M_##t)(x < m), x, m); }     \
    INLINE V_##t max_##t(V_##t x, V_##t m) { return sel_##t((M_##t)(x > m), x, m); }
#define MINMAX_X86(t, type, suffix, pre)                                                 \
    INLINE V_##t min_##t(V_##t x, V_##t m)                                               \
    {                                                                                    \
        return (V_##t)pre##_min_##suffix((type)x, (type)m);                              \
    }                                                                                    \
    INLINE V_##t max_##t(V_##t x, V_##t m)                                               \
    {                                                                                    \
        return (V_##t)pre##_max_##suffix((type)x, (type)m);                              \
    }
#if FA_X86 == 3
MINMAX_X86(i8, __m512i, epi8, _mm512)
MINMAX_X86(u8, __m512i, epu8, _mm512)
MINMAX_X86(i16, __m512i, epi16, _mm512)
MINMAX_X86(u16, __m512i, epu16, _mm512)
MINMAX_X86(i32, __m512i, epi32, _mm512)
MINMAX_X86(u32, __m512i, epu32, _mm512)
MINMAX_X86(i64, __m512i, epi64, _mm512)
MINMAX_X86(u64, __m512i, epu64, _mm512)
MINMAX_X86(f32, __m512, ps, _mm512)
MINMAX_X86(f64, __m512d, pd, _mm512)
#elif FA_X86 == 2
MINMAX_X86(i8, __m256i, epi8, _mm256)
MINMAX_X86(u8, __m256i, epu8, _mm256)
MINMAX_X86(i16, __m256i, epi16, _mm256)
MINMAX_X86(u16, __m256i, epu16, _mm256)
MINMAX_X86(i32, __m256i, epi32, _mm256)
MINMAX_X86(u32, __m256i, epu32, _mm256)
MINMAX_GENERIC(i64)
MINMAX_GENERIC(u64)
MINMAX_X86(f32, __m256, ps, _mm256)
MINMAX_X86(f64, __m256d, pd, _mm256)
#else
MINMAX_GENERIC(i8)
MINMAX_GENERIC(u16)
MINMAX_GENERIC(i32)
MINMAX_GENERIC(u32)
MINMAX_GENERIC(i64)
MINMAX_GENERIC(u64)
#if FA_X86 == 1
MINMAX_X86(u8, __m128i, epu8, _mm)
MINMAX_X86(i16, __m128i, epi16, _mm)
MINMAX_X86(f32, __m128, ps, _mm)
MINMAX_X86(f64, __m128d, pd, _mm)
#else
MINMAX_GENERIC(u8)
MINMAX_GENERIC(i16)
MINMAX_GENERIC(f32)
MINMAX_GENERIC(f64)
#endif
#endif
#undef MINMAX_GENERIC
#undef MINMAX_X86

/* -- masks ------------------------------------------------------------------------
 * any(m): some lane is set.  NanAcc collects "a NaN was seen" two vectors at a time. */
#if FA_X86 == 3
/* A comparison's mask as a number.  GCC 12 spills a widened mask with a store of the mask's
 * own width and reads more back; past the asm the number is in a register, whole. */
INLINE uint64_t mask_number(uint64_t mask)
{
    __asm__("" : "+r"(mask));
    return mask;
}
#define ANY(t, m) (_mm512_test_epi64_mask((__m512i)(m), (__m512i)(m)) != 0)
typedef uint64_t NanAcc;
#define nan_acc_f64(k, a, b)                                                             \
    ((k) | mask_number(_mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_UNORD_Q)))
#define nan_acc_f32(k, a, b)                                                             \
    ((k) | mask_number(_mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_UNORD_Q)))
#define nan_any(k) ((k) != 0)
#else
#if FA_X86 == 2
#define ANY(t, m) (!_mm256_testz_si256((__m256i)(m), (__m256i)(m)))
#elif FA_X86 == 1
#define ANY(t, m)                                                                        \
    (_mm_movemask_epi8(_mm_cmpeq_epi8((__m128i)(m), _mm_setzero_si128())) != 0xffff)
#else
INLINE int any_plain(U_u64 m)
{
    uint64_t x = 0;
    for (size_t k = 0; k < NL(u64); k++)
        x |= m[k];
    return x != 0;
}
#define ANY(t, m) any_plain((U_u64)(m))
#endif
typedef V_i64 NanAcc;
#define nan_acc_f64(k, a, b) ((k) | (M_f64)((a) != (a)) | (M_f64)((b) != (b)))
#define nan_acc_f32(k, a, b)                                                             \
    ((k) | (V_i64)((M_f32)((a) != (a)) | (M_f32)((b) != (b))))
#define nan_any(k) ANY(i64, k)
#endif
#define NAN_ACC_ZERO ((NanAcc){0})

/* BITS8(m) .. BITS64(m): lane k of a mask of 0 / -1 lanes as bit k. */
#if FA_X86 == 3
#define BITS8(m) mask_number(_mm512_movepi8_mask((__m512i)(m)))
#define BITS16(m) mask_number(_mm512_movepi16_mask((__m512i)(m)))
#define BITS32(m) mask_number(_mm512_movepi32_mask((__m512i)(m)))
#define BITS64(m) mask_number(_mm512_movepi64_mask((__m512i)(m)))
#elif FA_X86 == 2
#define BITS8(m) ((uint64_t)(unsigned)_mm256_movemask_epi8((__m256i)(m)))
#define BITS16(m) ((uint64_t)_pext_u32(_mm256_movemask_epi8((__m256i)(m)), 0xaaaaaaaa))
#define BITS32(m) ((uint64_t)(unsigned)_mm256_movemask_ps((__m256)(m)))
#define BITS64(m) ((uint64_t)(unsigned)_mm256_movemask_pd((__m256d)(m)))
#elif FA_X86 == 1
#define BITS8(m) ((uint64_t)(unsigned)_mm_movemask_epi8((__m128i)(m)))
#define BITS16(m)                                                                        \
    ((uint64_t)(unsigned)_mm_movemask_epi8(                                              \
        _mm_packs_epi16((__m128i)(m), _mm_setzero_si128())))
#define BITS32(m) ((uint64_t)(unsigned)_mm_movemask_ps((__m128)(m)))
#define BITS64(m) ((uint64_t)(unsigned)_mm_movemask_pd((__m128d)(m)))
#else
#define BITS_PLAIN(bits)                                                                 \
    INLINE uint64_t bits_plain_##bits(V_i##bits m)                                       \
    {                                                                                    \
        uint64_t w = 0;                                                                  \
        for (size_t k = 0; k < NL(i##bits); k++)                                         \
            w |= (uint64_t)(m[k] & 1) << k;                                              \
        return w;                                                                        \
    }
BITS_PLAIN(8)
BITS_PLAIN(16)
BITS_PLAIN(32)
BITS_PLAIN(64)
#undef BITS_PLAIN
#define BITS8(m) bits_plain_8((V_i8)(m))
#define BITS16(m) bits_plain_16((V_i16)(m))
#define BITS32(m) bits_plain_32((V_i32)(m))
#define BITS64(m) bits_plain_64((V_i64)(m))
#endif

/* The lanes of x in lo..hi as bits. */
#if FA_X86 == 3
#define BETWEEN_INT(t)                                                                   \
    mask_number(_mm512_mask_cmple_##t##_mask(                                            \
        _mm512_cmpge_##t##_mask((__m512i)x, (__m512i)lo), (__m512i)x, (__m512i)hi))
#define BETWEEN_FLOAT(t, type)                                                           \
    mask_number(_mm512_mask_cmp_##t##_mask(                                              \
        _mm512_cmp_##t##_mask((type)x, (type)lo, _CMP_GE_OQ), (type)x, (type)hi, _CMP_LE_OQ))
#define BETWEEN(t, expr, bits)                                                           \
    INLINE uint64_t between_##t(V_##t x, V_##t lo, V_##t hi) { return expr; }
#else
#define BETWEEN(t, expr, bits)                                                           \
    INLINE uint64_t between_##t(V_##t x, V_##t lo, V_##t hi)                             \
    {                                                                                    \
        return BITS##bits((M_##t)(x >= lo) & (M_##t)(x <= hi));                          \
    }
#endif
BETWEEN(i8, BETWEEN_INT(epi8), 8)
BETWEEN(u8, BETWEEN_INT(epu8), 8)
BETWEEN(i16, BETWEEN_INT(epi16), 16)
BETWEEN(u16, BETWEEN_INT(epu16), 16)
BETWEEN(i32, BETWEEN_INT(epi32), 32)
BETWEEN(u32, BETWEEN_INT(epu32), 32)
BETWEEN(i64, BETWEEN_INT(epi64), 64)
BETWEEN(u64, BETWEEN_INT(epu64), 64)
BETWEEN(f32, BETWEEN_FLOAT(ps, __m512), 32)
BETWEEN(f64, BETWEEN_FLOAT(pd, __m512d), 64)
#undef BETWEEN

/* Used more than once: not a load each time, which for an unaligned vector touches two
 * cache lines (0.8 of the time of a compensated sum in L1). */
#if FA_X86 == 3
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#elif FA_X86
#define IN_REGISTER(x) __asm__("" : "+x"(x))
#else
#define IN_REGISTER(x) (void)0
#endif

/* A line that a long run will want.  Where much is done for each, fewer loads are on their way
 * than memory could serve (on Zen 5 a sum of 128 MB of float64 is 1.3 times as fast with it,
 * a filter of 8 MB 1.1 times; a nearer line is slower than none). */
#define AHEAD(p) __builtin_prefetch((const char *)(p) + 8192)

/* -- compensated sums -------------------------------------------------------------
 * TWO_SUM(s, c, x): s + x exactly, the new s and an error that goes to c (Knuth's TwoSum).
 */
#define TWO_SUM(s, c, x)                                                                 \
    do {                                                                                 \
        __typeof__(s) x_ = (x), t_ = (s) + x_, z_ = t_ - (s);                            \
        (c) += ((s) - (t_ - z_)) + (x_ - z_);                                            \
        (s) = t_;                                                                        \
    } while (0)

/* The same for vectors.  AMD's cores add on two pipes and multiply-add on two others: with
 * half of the additions written as a * 1 - b, which rounds the same, all four work (0.58 of
 * the time per element in L1 on Zen 5; no change on Intel). */
#if FA_X86 == 3
#define FMSUB1(a, b) (V_f64) _mm512_fmsub_pd((__m512d)(a), (__m512d)one, (__m512d)(b))
#define OPAQUE_ONE                                                                       \
    V_f64 one = set_f64(1.0);                                                            \
    __asm__("" : "+v"(one)) /* or the compiler makes a subtraction of it */
#elif FA_X86 == 2
#define FMSUB1(a, b) (V_f64) _mm256_fmsub_pd((__m256d)(a), (__m256d)one, (__m256d)(b))
#define OPAQUE_ONE                                                                       \
    V_f64 one = set_f64(1.0);                                                            \
    __asm__("" : "+x"(one))
#else
#define FMSUB1(a, b) ((a) - (b))
#define OPAQUE_ONE (void)0
#endif
#define TWO_SUM_V(s, c, x) TWO_SUM_WITH(FMSUB1, s, c, x)
/* There are seven: the one more is the other pipes' in every second vector. */
#define TWO_SUM_V_ADD(s, c, x) TWO_SUM_WITH(PLAIN_SUB, s, c, x)
#define PLAIN_SUB(a, b) ((a) - (b))
#define TWO_SUM_WITH(sub, s, c, x)                                                       \
    do {                                                                                 \
        V_f64 x_ = (x), t_, z_;                                                          \
        IN_REGISTER(x_);                                                                 \
        t_ = (s) + x_;                                                                   \
        z_ = FMSUB1(t_, s);                                                              \
        (c) += FMSUB1(s, sub(t_, z_)) + FMSUB1(x_, z_);                                  \
        (s) = t_;                                                                        \
    } while (0)

/* Lane j joins lane j + 8, then + 4, + 2, + 1: the fixed end of every 16-lane sum. */
INLINE void join_array(double *s, double *c)
{
    UNROLL(4)
    for (int w = 8; w; w /= 2) {
        UNROLL(8)
        for (int j = 0; j < w; j++) {
            c[j] += c[j + w];
            TWO_SUM(s[j], c[j], s[j + w]);
        }
    }
}
/* The same from vectors: whole registers first, then within one. */
INLINE void join_lanes(V_f64 *s, V_f64 *c, double *sum, double *comp)
{
    enum { G = sizeof(V_f64) / sizeof(double), R = 16 / G };
    double x[G], y[G];

    UNROLL(4)
    for (size_t w = R / 2; w; w /= 2) {
        UNROLL(4)
        for (size_t k = 0; k < w; k++) {
            OPAQUE_ONE;
            c[k] += c[k + w];
            TWO_SUM_V(s[k], c[k], s[k + w]);
        }
    }
    memcpy(x, s, sizeof x);
    memcpy(y, c, sizeof y);
    UNROLL(4)
    for (size_t w = G / 2; w; w /= 2) {
        UNROLL(4)
        for (size_t j = 0; j < w; j++) {
            y[j] += y[j + w];
            TWO_SUM(x[j], y[j], x[j + w]);
        }
    }
    *sum = x[0];
    *comp = y[0];
}

/* Lanes for pairs of neighbours, of the type's own sign and without one. */
#define PAIRS_i8 V_i16
#define PAIRS_u8 V_u16
#define PAIRS_i16 V_i32
#define PAIRS_u16 V_u32
#define PAIRS_i32 V_i64
#define PAIRS_u32 V_u64
#define UPAIRS_8 V_u16
#define UPAIRS_16 V_u32
#define UPAIRS_32 V_u64

/* Products of the low halves of 64-bit lanes. */
#if FA_X86 == 3
#define MUL_LOW_i32(a, b) (V_i64) _mm512_mul_epi32((__m512i)(a), (__m512i)(b))
#define MUL_LOW_u32(a, b) (V_u64) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#elif FA_X86 == 2
#define MUL_LOW_i32(a, b) (V_i64) _mm256_mul_epi32((__m256i)(a), (__m256i)(b))
#define MUL_LOW_u32(a, b) (V_u64) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#else
#define MUL_LOW_i32(a, b)                                                                \
    (V_i64)((U_i64)((V_i64)((U_i64)(a) << 32) >> 32) * (U_i64)((V_i64)((U_i64)(b) << 32) >> 32))
#define MUL_LOW_u32(a, b) (V_u64)(((V_u64)(a) & 0xffffffffu) * ((V_u64)(b) & 0xffffffffu))
#endif
/* The upper halves of products of 16-bit lanes. */
#if FA_X86 == 3
#define MUL_HIGH_i16(a, b) (V_i16) _mm512_mulhi_epi16((__m512i)(a), (__m512i)(b))
#define MUL_HIGH_u16(a, b) (V_u16) _mm512_mulhi_epu16((__m512i)(a), (__m512i)(b))
#elif FA_X86 == 2
#define MUL_HIGH_i16(a, b) (V_i16) _mm256_mulhi_epi16((__m256i)(a), (__m256i)(b))
#define MUL_HIGH_u16(a, b) (V_u16) _mm256_mulhi_epu16((__m256i)(a), (__m256i)(b))
#elif FA_X86 == 1
#define MUL_HIGH_i16(a, b) (V_i16) _mm_mulhi_epi16((__m128i)(a), (__m128i)(b))
#define MUL_HIGH_u16(a, b) (V_u16) _mm_mulhi_epu16((__m128i)(a), (__m128i)(b))
#endif
/* the largest |x| in lo..hi, at most 2**64 - 1 */
INLINE FaU128 fa_reach(FaI128 lo, FaI128 hi)
{
    FaI128 a = lo < 0 ? -lo : lo, b = hi < 0 ? -hi : hi;
    return (FaU128)(a > b ? a : b);
}

INLINE uint64_t fa_total(V_u64 v)
{
    uint64_t x[NL(u64)], total = 0;
    memcpy(x, &v, sizeof x);
    UNROLL(8)
    for (size_t k = 0; k < NL(u64); k++)
        total += x[k];
    return total;
}
