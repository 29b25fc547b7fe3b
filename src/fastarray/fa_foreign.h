/* Foreign memory as memoryviews. */
#ifndef FA_FOREIGN_H
#define FA_FOREIGN_H

#include "fa_state.h"

int fa_foreign_setup(FaState *st, PyObject *module);

FA_FUNCTION(from_arrow);
FA_FUNCTION(from_dlpack);

#endif
