/* The table of kernels: one per instruction set, one chosen at import. */
#ifndef FA_DISPATCH_H
#define FA_DISPATCH_H

#include "fa_types.h"

/* ORDER: FA_SUB last of those for every type, then what floats have as well */
typedef enum { FA_ADD, FA_MUL, FA_SUB, FA_NARITH, FA_DIV = FA_NARITH, FA_NVV } FaArith;

/* Block-program operations (fa_expr.def); d, a, b are lane registers padded to whole
 * vectors, k holds up to two immediates.  Non-zero: a lane needs Python. */
typedef union {
    int64_t i;
    uint64_t u;
    double d;
    double (*f1)(double);
} FaImm;
typedef int (*FaLaneOp)(void *d, const void *a, const void *b, const void *c,
                        const FaImm *k, size_t n);

typedef enum {
#define FA_LANE_OP(name, lanes) FA_L_##name,
#include "fa_expr.def"
#undef FA_LANE_OP
    FA_NLANEOPS
} FaLaneOpId;

typedef enum { FA_LANE16, FA_LANE32, FA_LANE64, FA_LANEF64, FA_NLANES } FaLane;

typedef struct {
    const char *name;
    /* Reductions; sums, moments and cascades take at most FA_CHUNK_BYTES. */
    void (*sum[FA_NDTYPES])(const void *p, size_t n, FaSum *r);
    void (*min[FA_NDTYPES])(const void *p, size_t n, FaExtreme *r);
    void (*max[FA_NDTYPES])(const void *p, size_t n, FaExtreme *r);
    void (*minmax[FA_NDTYPES])(const void *p, size_t n, FaExtreme *r);
    void (*dot[FA_NDTYPES])(const void *a, const void *b, size_t n, FaSum *r);
    void (*moments[FA_NDTYPES])(const void *p, size_t n, double m, FaMoments *r);
    void (*cascade)(const double *p, size_t n, FaCascade *r);
    /* index of the first element with these bits, or n */
    size_t (*find[FA_NDTYPES])(const void *p, size_t n, const void *value);
    size_t (*count[FA_NDTYPES])(const void *p, size_t n, const void *value);
    /* In place or into d; the checked ones return the elements done, n when all fit. */
    void (*clip[FA_NDTYPES])(void *d, const void *p, size_t n, FaScalar lo, FaScalar hi);
    /* x - k is x + -k: no kernel of its own */
    size_t (*vs[FA_SUB][FA_NDTYPES])(void *d, const void *p, size_t n,
                                        const FaAffine *k);
    size_t (*vv[FA_NVV][FA_NDTYPES])(void *d, const void *a, const void *b, size_t n);
    /* Filter: which elements lie in lo..hi, as bits (those past n are zero). */
    void (*between[FA_NDTYPES])(const void *p, size_t n, FaScalar lo, FaScalar hi,
                                uint64_t *bits);
    /* Filter: keep elements whose bit is set; d needs FA_COMPRESS_SLACK bytes of room
     * past the last kept element. */
    size_t (*compress[4])(void *d, const void *p, const uint64_t *bits, size_t n);
    void (*maskbits[3])(const void *mask, uint64_t *bits, size_t n); /* by lane */
    /* Lane program: conversions between memory and lanes, then the operations. */
    void (*load[FA_NLANES][FA_NDTYPES])(void *d, const void *p, size_t n);
    int (*store[FA_NLANES][FA_NDTYPES])(void *d, const void *p, size_t n);
    FaLaneOp lane[FA_NLANES][FA_NLANEOPS];
} FaKernels;

#define FA_COMPRESS_SLACK 64

/* Byte k of fa_lane_order[mask] is the number of the mask's k-th set bit. */
extern const uint64_t fa_lane_order[256];

/* All the sets built into this module, best last; NULL-terminated. */
extern const FaKernels *const fa_kernel_sets[];

/* The best set this CPU runs; never NULL. */
const FaKernels *fa_dispatch_choose(void);
/* By name, only if this CPU runs it; NULL otherwise. */
const FaKernels *fa_dispatch_find(const char *name);

#endif
