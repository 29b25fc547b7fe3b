/* Short names for the kernel bodies of one element type.
 *
 * The includer defines T (token), FA_IS_FLOAT, FA_IS_SIGNED and FA_BITS; undef_type.h
 * ends the stretch.  FIRST and LAST are the ends of the type's order, FIELD its place
 * in FaScalar, NANS(k, a, b) collects "a or b has a NaN lane" into k.
 */
#define K(name) CAT3(name, T, FA_ISA)
#define V CAT2(V, T)
#define M_(t) CAT2(M, t)
#define U_(t) CAT2(U, t)
#define C CAT2(C, T)
#define S CAT2(S, T)
#define LD CAT2(ld, T)
#define ST CAT2(st, T)
#define SPLAT CAT2(set, T)
#define SELECT CAT2(sel, T)
#define VMIN CAT2(min, T)
#define VMAX CAT2(max, T)
#define N (sizeof(V) / sizeof(C))

#if FA_IS_FLOAT
#define FIRST (-INFINITY)
#define LAST INFINITY
#define NANS(k, a, b) CAT2(nan_acc, T)(k, a, b)
#define FIELD d
#elif FA_IS_SIGNED
#define FIRST ((C)((uint64_t)1 << (FA_BITS - 1)))
#define LAST ((C)(((uint64_t)1 << (FA_BITS - 1)) - 1))
#define NANS(k, a, b) (k)
#define FIELD i
#else
#define FIRST ((C)0)
#define LAST ((C)~(uint64_t)0)
#define NANS(k, a, b) (k)
#define FIELD u
#endif
