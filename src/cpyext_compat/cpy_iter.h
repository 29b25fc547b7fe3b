/* The iterators of range, list and tuple, stepped in place.
 *
 * Their structures are private up to 3.11 and internal afterwards; cpy_selftest()
 * compares them with what the iterators answer.  Exact types only:
 * CPY_IS_RANGE_ITER() and its sisters.
 */
#ifndef CPY_ITER_H
#define CPY_ITER_H

#include "cpyext_compat/cpy_version.h"

#if PY_VERSION_HEX >= 0x030C0000
#  include "internal/pycore_list.h"
#  include "internal/pycore_range.h"
#  include "internal/pycore_tuple.h"
typedef _PyRangeIterObject CpyRangeIter;
typedef _PyListIterObject CpyListIter;
typedef _PyTupleIterObject CpyTupleIter;
#else
/* Objects/rangeobject.c, listobject.c, tupleobject.c (3.11.2) */
typedef struct {
    PyObject_HEAD
    long index, start, step, len;
} CpyRangeIter;
typedef struct {
    PyObject_HEAD
    Py_ssize_t it_index;
    PyListObject *it_seq;
} CpyListIter;
typedef struct {
    PyObject_HEAD
    Py_ssize_t it_index;
    PyTupleObject *it_seq;
} CpyTupleIter;
#endif

#define CPY_IS_RANGE_ITER(o) Py_IS_TYPE(o, &PyRangeIter_Type)
#define CPY_IS_LIST_ITER(o) Py_IS_TYPE(o, &PyListIter_Type)
#define CPY_IS_TUPLE_ITER(o) Py_IS_TYPE(o, &PyTupleIter_Type)

/* The values still to come: next, next + step, ... `left` of them. */
typedef struct {
    long next, step, left;
} CpyRange;

static inline CpyRange
cpy_range_iter_state(PyObject *it)
{
    CpyRangeIter *r = (CpyRangeIter *)it;
#if PY_VERSION_HEX >= 0x030C0000
    return (CpyRange){r->start, r->step, r->len};
#else
    /* the product may pass LONG_MAX when nothing is left */
    long next = (long)((unsigned long)r->start
                       + (unsigned long)r->index * (unsigned long)r->step);
    return (CpyRange){next, r->step, r->len - r->index};
#endif
}

/* Moves the iterator on by `steps` values; there must be that many. */
static inline void
cpy_range_iter_skip(PyObject *it, long steps)
{
    CpyRangeIter *r = (CpyRangeIter *)it;
#if PY_VERSION_HEX >= 0x030C0000
    r->start =
        (long)((unsigned long)r->start + (unsigned long)steps * (unsigned long)r->step);
    r->len -= steps;
#else
    r->index += steps;
#endif
}

static inline int                       /* 1 and the next value, or 0: exhausted */
cpy_range_iter_next(PyObject *it, long *value)
{
    CpyRange r = cpy_range_iter_state(it);
    if (r.left <= 0)
        return 0;
    cpy_range_iter_skip(it, 1);
    *value = r.next;
    return 1;
}

/* A list or tuple iterator has another value, if nothing changes. */
static inline int
cpy_list_iter_waits(PyObject *it)
{
    CpyListIter *i = (CpyListIter *)it;
    return i->it_seq != NULL && i->it_index < PyList_GET_SIZE(i->it_seq);
}

static inline int
cpy_tuple_iter_waits(PyObject *it)
{
    CpyTupleIter *i = (CpyTupleIter *)it;
    return i->it_seq != NULL && i->it_index < PyTuple_GET_SIZE(i->it_seq);
}

/* -> borrowed from the list or tuple iterator, or NULL: it is exhausted */
static inline PyObject *
cpy_sequence_iter_whole(PyObject *it)
{
    return CPY_IS_LIST_ITER(it) ? (PyObject *)((CpyListIter *)it)->it_seq
                                : (PyObject *)((CpyTupleIter *)it)->it_seq;
}

/* An exhausted list or tuple iterator lets go of its sequence: *whole is that then, or NULL,
   and the caller's to release. */
static inline PyObject *        /* -> borrowed from the list, or NULL: exhausted */
cpy_list_iter_next(PyObject *it, PyObject **whole)
{
    CpyListIter *i = (CpyListIter *)it;
    PyListObject *seq = i->it_seq;
    *whole = NULL;
    if (seq == NULL)
        return NULL;
    if (i->it_index < PyList_GET_SIZE(seq))
        return PyList_GET_ITEM(seq, i->it_index++);
    i->it_index = -1;                                   /* 3.13+ looks at this one */
    i->it_seq = NULL;
    *whole = (PyObject *)seq;
    return NULL;
}

static inline PyObject *        /* -> borrowed from the tuple, or NULL: exhausted */
cpy_tuple_iter_next(PyObject *it, PyObject **whole)
{
    CpyTupleIter *i = (CpyTupleIter *)it;
    PyTupleObject *seq = i->it_seq;
    *whole = NULL;
    if (seq == NULL)
        return NULL;
    if (i->it_index < PyTuple_GET_SIZE(seq))
        return PyTuple_GET_ITEM(seq, i->it_index++);
    i->it_seq = NULL;
    *whole = (PyObject *)seq;
    return NULL;
}

/* The iterator of an exact list or tuple (taken) that has been kept.  -> new, or NULL: nothing was
   done, make one */
PyObject *cpy_sequence_iter_again(PyObject *whole);
/* A reference to such an iterator goes, and it may be kept for the next: 1 when it is the last, the
   iterator is exhausted, and it was done; else 0, and it is as it was. */
int cpy_sequence_iter_keep(PyObject *it);
/* The one kept goes. */
void cpy_sequence_iter_trim(void);

#endif
