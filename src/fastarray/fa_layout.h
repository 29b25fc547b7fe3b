/* What an array.array looks like inside, on every version so far; fa_array.c checks it. */
#ifndef FA_LAYOUT_H
#define FA_LAYOUT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    char typecode;
    int itemsize;
} FaArrayDescr; /* the head of array.array's own descriptor */

typedef struct {
    PyObject_VAR_HEAD
    char *ob_item;
    Py_ssize_t allocated;
    const FaArrayDescr *ob_descr;
    PyObject *weakreflist;
    Py_ssize_t ob_exports;
} FaArrayLayout;

static inline void
fa_array_export(PyObject *array, int by)
{
    ((FaArrayLayout *)array)->ob_exports += by;
}

#endif
