/* add, sub, mul, truediv, floordiv: arrays with arrays, arrays with numbers. */
#ifndef FA_ELEMENTWISE_H
#define FA_ELEMENTWISE_H

#include "fa_state.h"

FA_FUNCTION(add);
FA_FUNCTION(sub);
FA_FUNCTION(mul);
FA_FUNCTION(truediv);
FA_FUNCTION(floordiv);

#endif
