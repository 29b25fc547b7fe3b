/* Python objects into array memory, by array.array's own rules and messages. */
#ifndef FA_STORE_H
#define FA_STORE_H

#include "fa_view.h"

/* array.array's a[i] = value for an element of typecode `code` at p. */
int fa_store_item(FaState *st, char code, FaDtype dtype, char *p, PyObject *value);

#endif
