/* Masks to bits, and keeping the elements whose bit is set.
 *
 * Included once per instruction set.  A mask register holds 0 / -1 lanes and is padded to
 * whole vectors; bit i of the bit set belongs to element i, bits past n are zero.
 */
#define KI(name) CAT2(name, FA_ISA)

/* -- masks to bits ---------------------------------------------------------------- */

#if FA_X86 == 3
#define BITS16(p) mask_number(_mm512_movepi16_mask(_mm512_loadu_si512(p)))
#define BITS32(p) mask_number(_mm512_movepi32_mask(_mm512_loadu_si512(p)))
#define BITS64(p) mask_number(_mm512_movepi64_mask(_mm512_loadu_si512(p)))
#elif FA_X86 == 2
#define BITS16(p)                                                                        \
    ((uint64_t)_pext_u32(_mm256_movemask_epi8(_mm256_loadu_si256((const void *)(p))),    \
                         0xaaaaaaaa))
#define BITS32(p) ((uint64_t)(unsigned)_mm256_movemask_ps(_mm256_loadu_ps((const void *)(p))))
#define BITS64(p) ((uint64_t)(unsigned)_mm256_movemask_pd(_mm256_loadu_pd((const void *)(p))))
#elif FA_X86 == 1
#define BITS16(p)                                                                        \
    ((uint64_t)(unsigned)_mm_movemask_epi8(                                              \
        _mm_packs_epi16(_mm_loadu_si128((const void *)(p)), _mm_setzero_si128())))
#define BITS32(p) ((uint64_t)(unsigned)_mm_movemask_ps(_mm_loadu_ps((const void *)(p))))
#define BITS64(p) ((uint64_t)(unsigned)_mm_movemask_pd(_mm_loadu_pd((const void *)(p))))
#else
#define BITS_PLAIN(bits)                                                                 \
    INLINE uint64_t bits_plain_##bits(const S_i##bits *p)                                \
    {                                                                                    \
        uint64_t w = 0;                                                                  \
        for (size_t k = 0; k < NL(i##bits); k++)                                         \
            w |= (uint64_t)(p[k] & 1) << k;                                              \
        return w;                                                                        \
    }
BITS_PLAIN(16)
BITS_PLAIN(32)
BITS_PLAIN(64)
#define BITS16(p) bits_plain_16(p)
#define BITS32(p) bits_plain_32(p)
#define BITS64(p) bits_plain_64(p)
#endif

#define MASKBITS(bits_)                                                                  \
    static void KI(maskbits##bits_)(const void *mask, uint64_t *bits, size_t n)          \
    {                                                                                    \
        const S_i##bits_ *p = mask;                                                      \
        for (size_t base = 0; base < n; base += 64) {                                    \
            size_t left = n - base < 64 ? n - base : 64;                                 \
            uint64_t w = 0;                                                              \
            for (size_t k = 0; k < left; k += NL(i##bits_))                              \
                w |= BITS##bits_(p + base + k) << k;                                     \
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
/* Register compress and a full store: the memory form of vpcompress is microcode on
 * some CPUs.  Masked loads keep the last group inside the array. */
#define COMPRESS(size, bits_, lanes)                                                     \
    static size_t KI(compress##size)(void *d, const void *ptr, const uint64_t *bits,     \
                                     size_t n)                                           \
    {                                                                                    \
        const char *p = ptr;                                                             \
        char *out = d;                                                                   \
        for (size_t base = 0; base < n; base += 64) {                                    \
            uint64_t w = bits[base / 64];                                                \
            for (int k = 0; k < 64 && w; k += lanes, w = lanes < 64 ? w >> (lanes & 63) : 0) { \
                uint64_t m = lanes < 64 ? w & (((uint64_t)1 << (lanes & 63)) - 1) : w;   \
                __m512i v = _mm512_maskz_loadu_epi##bits_(m, p + (base + k) * size);     \
                _mm512_storeu_si512(out, _mm512_maskz_compress_epi##bits_(m, v));        \
                out += size * (size_t)__builtin_popcountll(m);                           \
            }                                                                            \
        }                                                                                \
        return (size_t)(out - (char *)d) / size;                                         \
    }
COMPRESS(1, 8, 64)
COMPRESS(2, 16, 32)
COMPRESS(4, 32, 16)
COMPRESS(8, 64, 8)
#undef COMPRESS
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
/* The permutation that moves the chosen 32-bit lanes down: bytes 0..7 picked by pext. */
INLINE __m256i compress_order(unsigned mask)
{
    uint64_t wide = _pdep_u64(mask, 0x0101010101010101) * 0xff;
    return _mm256_cvtepu8_epi32(
        _mm_cvtsi64_si128((long long)_pext_u64(0x0706050403020100, wide)));
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
