/* map, map_inplace, filter and reduce. */
#ifndef FA_CALLBACK_H
#define FA_CALLBACK_H

#include "fa_state.h"

FA_FUNCTION(map);
FA_FUNCTION(map_inplace);
FA_FUNCTION(filter);
FA_FUNCTION(reduce);
FA_FUNCTION(explain);
PyObject *fa_block_counts(PyObject *module, PyObject *unused);

#endif
