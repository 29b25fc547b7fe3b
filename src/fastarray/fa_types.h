/* Words shared by kernels and the C that calls them; nothing here knows Python.
 *
 * Invariant: a kernel sees pointers, counts and these structs only.  Pointers may be
 * misaligned; counts are elements.
 */
#ifndef FA_TYPES_H
#define FA_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef __int128 FaI128;
typedef unsigned __int128 FaU128;

typedef enum { FA_SIGNED, FA_UNSIGNED, FA_FLOAT } FaKind;

typedef enum {
#define FA_DTYPE(t, ctype, kind, bits, code) FA_##t,
#include "fa_dtypes.def"
#undef FA_DTYPE
    FA_NDTYPES,
    FA_F16 = FA_NDTYPES, /* read as f32, block by block */
    FA_BOOL,             /* a byte that is false when zero */
    FA_NVIEWTYPES
} FaDtype;

/* Work is cut into chunks of this many bytes, whatever the thread count: the chunk grid
 * is part of the numeric contract of float sums, and bounds 32-bit lane accumulators. */
#define FA_CHUNK_BYTES ((size_t)1 << 20)

/* -- Results -------------------------------------------------------------------- */

typedef union {
    FaI128 i;
    struct {
        double s, c; /* the sum is s + c, |c| at most about an ulp of s */
    } d;
} FaSum;

/* high * 2**128 + low: sums of products of 64-bit integers */
typedef struct {
    FaU128 low;
    int64_t high;
} FaWide;

typedef union {
    int64_t i;
    uint64_t u;
    double d;
} FaScalar;

typedef struct {
    FaScalar lo, hi; /* NaNs ignored; +inf / -inf when there is nothing else */
    int nan;         /* some element is NaN */
} FaExtreme;

/* sum(x - m) and sum((x - m)**2), each as an unevaluated pair */
typedef struct {
    double s1, c1, s2, c2;
} FaMoments;

/* An operand range for checked integer arithmetic with a constant: an element outside
 * lo..hi would overflow.  k is the constant reduced modulo the element width. */
typedef struct {
    FaScalar k, lo, hi;
} FaAffine;

/* A 3-fold cascaded sum s + c + d, added up in this many lanes, and the largest |x| */
#define FA_FSUM_LANES 16
typedef struct {
    double s, c, d, amax;
} FaCascade;

#endif
