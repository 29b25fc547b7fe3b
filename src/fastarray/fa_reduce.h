/* The first reductions, and what changes an array in place. */
#ifndef FA_REDUCE_H
#define FA_REDUCE_H

#include "fa_view.h"

FA_FUNCTION(sum);
FA_FUNCTION(mean);
FA_FUNCTION(min);
FA_FUNCTION(max);
FA_FUNCTION(minmax);
FA_FUNCTION(scale);
FA_FUNCTION(clip);

#endif
