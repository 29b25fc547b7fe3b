/* The further reductions, and what fastarray.Accumulator is made of. */
#ifndef FA_STATS_H
#define FA_STATS_H

#include "fa_view.h"

FA_FUNCTION(fsum);
FA_FUNCTION(argmin);
FA_FUNCTION(argmax);
FA_FUNCTION(var);
FA_FUNCTION(std);
FA_FUNCTION(dot);
FA_FUNCTION(count);
FA_FUNCTION(prod);
FA_FUNCTION(any);
FA_FUNCTION(all);
/* (n, sum, error of the sum, sum of squares, its error, min, max): pairs for floats, ints
 * with zero errors for ints; (0, ...) for nothing. */
FA_FUNCTION(tally);

#endif
