/* Arrow's C data interface: arrays of other libraries in and ours out. */
#ifndef FA_ARROW_H
#define FA_ARROW_H

#include "fa_view.h"

/* 1: v holds obj's Arrow array; 0: obj has none to offer; -1: error. */
int fa_arrow_import(FaView *v, PyObject *obj, int flags);

#endif
