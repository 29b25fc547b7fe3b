/* Masks to bits, and keeping the elements whose bit is set.
 *
 * Included once per instruction set.  A mask register holds 0 / -1 lanes and is padded to
 * whole vectors; bit i of the bit set belongs to element i, bits past n are zero.
 */
#define KI(name) CAT2(name, FA_ISA)

/* -- masks to bits ---------------------------------------------------------------- */

#define MASKBITS(bits_)                                                                  \
    static void KI(maskbits##bits_)(const void *mask, uint64_t *bits, size_t n)          \
    {                                                                                    \
        const S_i##bits_ *p = mask;                                                      \
        for (size_t base = 0; base < n; base += 64) {                                    \
            size_t left = n - base < 64 ? n - base : 64;                                 \
            uint64_t w = 0;                                                              \
            for (size_t k = 0; k < left; k += NL(i##bits_))                              \
                w |= BITS##bits_(ld_i##bits_(p + base + k)) << k;                                     \
            if (left < 64)                                                               \
                w &= ((uint64_t)1 << left) - 1;                                          \
            bits[base / 64] = w;                                                         \
        }                                                                                \
    }
MASKBITS(16)
MASKBITS(32)
MASKBITS(64)

/* -- compress --------------------------------------------------------------------- */

#if FA_X86 == 3
/* Register compress and a full store: the memory form of vpcompress is microcode on some
 * CPUs.  Eight lanes are moved by a permutation from a table instead (1.6 times as fast on
 * Zen 5, where vpcompress takes five cycles whatever the width).  No branch within a word;
 * masked loads keep the last one inside the array. */
#define kept_1 _mm512_maskz_compress_epi8
#define kept_2 _mm512_maskz_compress_epi16
INLINE __m256i kept_4(uint64_t mask, __m256i v)
{
    __m128i order = _mm_cvtsi64_si128((long long)fa_lane_order[mask]);
    return _mm256_permutevar8x32_epi32(v, _mm256_cvtepu8_epi32(order));
}
INLINE __m512i kept_8(uint64_t mask, __m512i v)
{
    __m128i order = _mm_cvtsi64_si128((long long)fa_lane_order[mask]);
    return _mm512_permutexvar_epi64(_mm512_cvtepu8_epi64(order), v);
}
#define COMPRESS(size, lanes, load, masked_load, store)                           \
    static size_t KI(compress##size)(void *d, const void *ptr, const uint64_t *bits,     \
                                     size_t n)                                           \
    {                                                                                    \
        const uint64_t lane_mask = ~(uint64_t)0 >> (64 - lanes);                         \
        const char *p = ptr;                                                             \
        char *out = d;                                                                   \
        for (size_t base = 0; base < n; base += 64, p += 64 * size) {                    \
            uint64_t w = bits[base / 64];                                                \
            if (w == 0)                                                                  \
                continue;                                                                \
            if (size >= 4 && __builtin_popcountll(w) <= 8) {                             \
                COMPRESS_FEW(size, w);                                                   \
                continue;                                                                \
            }                                                                            \
            if (base + 64 <= n) {                                                        \
                UNROLL(8)                                                                \
                for (int k = 0; k < 64; k += lanes)                                      \
                    COMPRESS_LANES(size, store, (w >> k) & lane_mask,                    \
                                   load((const void *)(p + k * size)));                  \
                continue;                                                                \
            }                                                                            \
            for (int k = 0; k < 64; k += lanes)                                          \
                COMPRESS_LANES(size, store, (w >> k) & lane_mask,                        \
                               masked_load(m, p + k * size));                            \
        }                                                                                \
        return (size_t)(out - (char *)d) / size;                                         \
    }
/* Up to 8 elements of 64: eight moves, of which the last may be for nothing. */
#define COMPRESS_FEW(size, w)                                                            \
    do {                                                                                 \
        char *past = out + size * (size_t)__builtin_popcountll(w);                       \
        UNROLL(8)                                                                        \
        for (int k = 0; k < 8; k++, w &= w - 1)                                          \
            memcpy(out + k * size, p + size * (_tzcnt_u64(w) & 63), size);               \
        out = past;                                                                      \
    } while (0)
#define COMPRESS_LANES(size, store, mask, load)                                          \
    do {                                                                                 \
        uint64_t m = (mask);                                                             \
        store((void *)out, kept_##size(m, load));                                        \
        out += size * (size_t)__builtin_popcountll(m);                                   \
    } while (0)
#define COMPRESS_512(size, lanes, bits)                                                  \
    COMPRESS(size, lanes, _mm512_loadu_si512, _mm512_maskz_loadu_epi##bits,   \
             _mm512_storeu_si512)
COMPRESS_512(1, 64, 8)
COMPRESS_512(2, 32, 16)
COMPRESS(4, 8, _mm256_loadu_si256, _mm256_maskz_loadu_epi32, _mm256_storeu_si256)
COMPRESS_512(8, 8, 64)
#undef kept_1
#undef kept_2
#undef COMPRESS_512
#undef COMPRESS
#undef COMPRESS_LANES
#undef COMPRESS_FEW
#else
#define COMPRESS(size, t)                                                                \
    static size_t KI(compress##size)(void *d, const void *ptr, const uint64_t *bits,     \
                                     size_t n)                                           \
    {                                                                                    \
        const S_##t *p = ptr;                                                            \
        S_##t *out = d;                                                                  \
        size_t done = 0;                                                                 \
        for (size_t base = 0; base < n; base += 64) {                                    \
            uint64_t w = bits[base / 64];                                                \
            if (w == ~(uint64_t)0) {                                                     \
                memcpy(out + done, p + base, 64 * size);                                 \
                done += 64;                                                              \
                continue;                                                                \
            }                                                                            \
            COMPRESS_WORD_##size;                                                        \
            for (; w; w &= w - 1)                                                        \
                out[done++] = p[base + (size_t)__builtin_ctzll(w)];                      \
        }                                                                                \
        return done;                                                                     \
    }
#define COMPRESS_WORD_1 (void)0
#define COMPRESS_WORD_2 (void)0
#if FA_X86 == 2
/* The permutation that moves the chosen 32-bit lanes down. */
INLINE __m256i compress_order(unsigned mask)
{
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)fa_lane_order[mask]));
}
#define COMPRESS_AVX2(size, lanes, widen)                                                \
    if (base + 64 <= n)                                                                  \
        for (int k = 0; w; k += lanes, w >>= lanes) {                                    \
            unsigned m = w & ((1u << lanes) - 1);                                        \
            __m256i v = _mm256_loadu_si256((const void *)(p + base + k));                \
            v = _mm256_permutevar8x32_epi32(v, compress_order(widen));                   \
            _mm256_storeu_si256((void *)(out + done), v);                                \
            done += (size_t)__builtin_popcount(m);                                       \
        }
#define COMPRESS_WORD_4 COMPRESS_AVX2(4, 8, m)
#define COMPRESS_WORD_8 COMPRESS_AVX2(8, 4, _pdep_u32(m, 0x55) * 3)
#else
#define COMPRESS_WORD_4 (void)0
#define COMPRESS_WORD_8 (void)0
#endif
COMPRESS(1, u8)
COMPRESS(2, u16)
COMPRESS(4, u32)
COMPRESS(8, u64)
#undef COMPRESS
#endif
