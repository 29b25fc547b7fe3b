/* Kernel results as Python numbers, and Python numbers as kernel operands. */
#ifndef FA_BOX_H
#define FA_BOX_H

#include "fa_view.h"

#include "cpyext_compat/cpy_backports.h"

PyObject *fa_box_int(FaI128 x);                        /* -> new */
PyObject *fa_box_wide(FaWide x);                       /* -> new */
PyObject *fa_box_scalar(FaKind kind, FaScalar x);      /* -> new */
/* x / n as Python's int / int; n > 0. -> new */
PyObject *fa_box_ratio(FaI128 x, Py_ssize_t n);

/* An int (or bool, or what has __index__) as a 128-bit number; beyond 64 bits it is only
 * a value of the right sign with magnitude above 2**64.  -1 with TypeError set. */
int fa_unbox_int(PyObject *obj, FaI128 *x);
/* A factor or bound for integer arrays: an int, or a float with an integral value.
 * 1: done; 0: a float that is not integral, in *f (NaN and infinities too); -1: error. */
int fa_unbox_integral(PyObject *obj, FaI128 *x, double *f, const char *what);
/* Any real number as a double; what names it in the TypeError. */
int fa_unbox_double(PyObject *obj, double *x, const char *what);

/* A small exact int, where most operands end. */
static inline int
fa_unbox_small(PyObject *obj, FaI128 *x)
{
    if (!PyLong_CheckExact(obj) || !PyUnstable_Long_IsCompact((PyLongObject *)obj))
        return 0;
    *x = PyUnstable_Long_CompactValue((PyLongObject *)obj);
    return 1;
}

/* Smallest and largest value of an integer dtype. */
static inline FaI128
fa_int_first(FaDtype t)
{
    return fa_dtype_kind(t) == FA_SIGNED ? INT64_MIN >> (64 - 8 * fa_dtype_size(t)) : 0;
}
static inline FaI128
fa_int_last(FaDtype t)
{
    unsigned unused = 64 - 8 * fa_dtype_size(t);
    if (fa_dtype_kind(t) == FA_SIGNED)
        return INT64_MAX >> unused;
    return UINT64_MAX >> unused;
}

#endif
