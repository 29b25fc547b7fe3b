/* Whole-view reductions for the entry points; the chunk grid lives here.
 *
 * Each takes a view that stays valid, touches no Python object, and gives the same answer
 * for every kernel set and thread count.
 */
#ifndef FA_REDUCE_H
#define FA_REDUCE_H

#include "fa_view.h"

/* *n is how many elements there were, nulls left out. */
void fa_reduce_sum(FaState *st, const FaView *v, FaSum *total, Py_ssize_t *n);
enum { FA_WANT_LO = 1, FA_WANT_HI = 2 };
void fa_reduce_extremes(FaState *st, const FaView *v, int want, FaExtreme *r,
                        Py_ssize_t *n);
void fa_reduce_moments(FaState *st, const FaView *v, double m, FaMoments *r,
                       Py_ssize_t *n);
/* s + c, or the plain left-to-right sum where that is not finite */
double fa_reduce_settle(FaState *st, const FaView *v, const FaSum *total);

FA_FUNCTION(sum);
FA_FUNCTION(mean);
FA_FUNCTION(min);
FA_FUNCTION(max);
FA_FUNCTION(minmax);
FA_FUNCTION(scale);
FA_FUNCTION(clip);

#endif
