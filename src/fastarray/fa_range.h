/* Ranges of the integer nodes of a program: the proof that a block can't overflow. */
#ifndef FA_RANGE_H
#define FA_RANGE_H

#include "fa_expr.h"

typedef struct {
    FaI128 lo, hi;
} FaRange;

FaRange fa_range_hull(FaRange a, FaRange b);
/* r[i] for every integer node i where the inputs are in x and y, their hull in *all; 0: some
 * node may leave 64 bits. */
int fa_range_nodes(const FaProgram *p, FaRange x, FaRange y, FaRange *r, FaRange *all);

#endif
