/* Arrow's C data interface: arrays of other libraries in and ours out.
 *
 * Imported structs are moved out of their capsules and released once, when the view is.
 * What we export holds a buffer export of the original object until its consumer calls
 * release, which may happen on any thread, with or without the GIL, or after the
 * interpreter is gone: then the reference is leaked rather than touched.
 */
#ifndef FA_ARROW_H
#define FA_ARROW_H

#include "fa_view.h"

/* 1: v holds obj's Arrow array; 0: obj has none to offer; -1: error. */
int fa_arrow_import(FaView *v, PyObject *obj, int flags);

/* The type of what to_arrow() returns: offers __arrow_c_array__. */
int fa_arrow_setup(FaState *st, PyObject *module);

FA_FUNCTION(to_arrow);

#endif
