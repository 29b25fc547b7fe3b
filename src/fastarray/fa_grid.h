/* Whole-view reductions: work is cut into chunks whose results are joined in order.
 *
 * The cuts depend on nothing but the view, so that the answer is the same for every kernel
 * set and number of threads.  Views have to stay valid meanwhile; no Python object is
 * touched, and the GIL may be given up (fa_view_let_go).
 */
#ifndef FA_GRID_H
#define FA_GRID_H

#include "fa_view.h"

typedef union {
    FaSum sum;
    FaWide wide;
    FaExtreme ends;
    FaMoments moments;
    struct {
        FaCascade k;
        double bound; /* of what k has lost */
    } cascade;
    size_t hits;
} FaPart;

typedef struct FaGrid FaGrid;
struct FaGrid {
    const FaState *st;
    const FaView *v;
    const char *other; /* as many elements of the same type; v is plain then */
    Py_ssize_t step;   /* elements a chunk */
    void (*chunk)(const FaGrid *g, const void *p, const void *q, size_t n, FaPart *part);
    /* into: the empty answer until the first part replaces it */
    void (*join)(const FaGrid *g, void *into, const FaPart *part, int is_first);
    /* what a chunk needs besides */
    int want;
    double mean;
    const void *value;
};

/* Every element that is not null, on all threads if there are FA_POOL_BYTES of them;
 * returns how many there were. */
Py_ssize_t fa_grid_run(const FaGrid *g, void *into);

static inline Py_ssize_t
fa_grid_step(const FaView *v)
{
    return (Py_ssize_t)(FA_CHUNK_BYTES / v->size);
}

/* -- What several entry points need ----------------------------------------------- */

/* *n is how many elements there were, nulls left out. */
void fa_grid_sum(FaState *st, const FaView *v, FaSum *total, Py_ssize_t *n);
enum { FA_WANT_LO = 1,
       FA_WANT_HI = 2 };
void fa_grid_extremes(FaState *st, const FaView *v, int want, FaExtreme *r, Py_ssize_t *n);
void fa_grid_moments(FaState *st, const FaView *v, double mean, FaMoments *r);
/* Sum of products of plain views; total->wide for integers, total->sum for floats. */
void fa_grid_dot(FaState *st, const FaView *v, const char *other, FaPart *total);
/* s + c, or the plain left-to-right sum where that is not finite */
double fa_grid_settle(FaState *st, const FaView *v, const FaSum *total);

/* total += s + c, for unevaluated pairs */
static inline void
fa_add_pair(FaSum *total, double s, double c)
{
    double t = total->d.s + s, z = t - total->d.s;
    total->d.c = (total->d.c + c) + ((total->d.s - (t - z)) + (s - z));
    total->d.s = t;
}

#endif
