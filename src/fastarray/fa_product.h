/* Exact products of integer arrays. */
#ifndef FA_PRODUCT_H
#define FA_PRODUCT_H

#include "fa_view.h"

/* The product of all elements as an int; 1 for none. -> new */
PyObject *fa_product_ints(const FaView *v);

#endif
