/* The iterators of range, list, tuple and dict, of reversed(), enumerate() and zip(), stepped in place.
 *
 * Their structures are private, or (of the first three, from 3.12 on) internal; cpy_selftest()
 * compares them with what the iterators answer.  Exact types only:
 * CPY_IS_RANGE_ITER() and its sisters.
 */
#ifndef CPY_ITER_H
#define CPY_ITER_H

#include "cpyext_compat/cpy_version.h"

#include <stddef.h>

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

/* The next value of a list or tuple iterator, if nothing changes, and where its place is counted.
   -> borrowed, NULL: there is none */
static inline PyObject *
cpy_sequence_iter_peek(PyObject *it, Py_ssize_t **index)
{
    CpyListIter *i = (CpyListIter *)it;
    _Static_assert(offsetof(CpyListIter, it_index) == offsetof(CpyTupleIter, it_index)
                       && offsetof(CpyListIter, it_seq) == offsetof(CpyTupleIter, it_seq),
                   "one of both");
    PyObject *whole = (PyObject *)i->it_seq;
    *index = &i->it_index;
    if (whole == NULL || i->it_index >= Py_SIZE(whole))
        return NULL;
    return CPY_IS_LIST_ITER(it) ? PyList_GET_ITEM(whole, i->it_index) : PyTuple_GET_ITEM(whole, i->it_index);
}

/* Has it one? */
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

/* -- one step of those that say no more about themselves ------------------------------------------- */

/* Objects/listobject.c, dictobject.c, enumobject.c, Python/bltinmodule.c (3.11 to 3.14) */
typedef struct {
    PyObject_HEAD
    Py_ssize_t it_index;
    PyListObject *it_seq;
} CpyListReversed;
typedef struct {
    PyObject_HEAD
    PyDictObject *di_dict;
    Py_ssize_t di_used, di_pos;
    PyObject *di_result;
    Py_ssize_t len;
} CpyDictIter;
typedef struct {
    PyObject_HEAD
    Py_ssize_t en_index;
    PyObject *en_sit, *en_result, *en_longindex;
} CpyEnumerate;
typedef struct {
    PyObject_HEAD
    Py_ssize_t tuplesize;
    PyObject *ittuple, *result;
    int strict;
} CpyZip;

static inline PyObject *        /* -> borrowed from the list, or NULL: it has none, or is not asked here */
cpy_list_reversed_next(PyObject *it)
{
    CpyListReversed *r = (CpyListReversed *)it;
    Py_ssize_t i = r->it_index;
    if (r->it_seq == NULL || i < 0 || i >= PyList_GET_SIZE(r->it_seq))
        return NULL;
    r->it_index--;
    return PyList_GET_ITEM(r->it_seq, i);
}

/* 1, both borrowed from the dict, and *at for cpy_dict_iter_step(); 0: likewise */
static inline int
cpy_dict_iter_peek(PyObject *it, PyObject **key, PyObject **value, Py_ssize_t *at)
{
    CpyDictIter *d = (CpyDictIter *)it;
    *at = d->di_pos;
    return d->di_dict != NULL && d->di_used == d->di_dict->ma_used && d->len != 0
           && PyDict_Next((PyObject *)d->di_dict, at, key, value);
}

static inline void              /* behind those two */
cpy_dict_iter_step(PyObject *it, Py_ssize_t at)
{
    ((CpyDictIter *)it)->di_pos = at;
    ((CpyDictIter *)it)->len--;
}

/* The tuple that an iterator over pairs uses again holds nothing: it has not made one that anybody could
   be interested in. */
static inline int
cpy_pair_is_unused(PyObject *pair)
{
    return pair != NULL && PyTuple_GET_ITEM(pair, 0) == Py_None && PyTuple_GET_ITEM(pair, 1) == Py_None;
}

static inline int
cpy_dict_items_are_unmade(PyObject *it)
{
    return cpy_pair_is_unused(((CpyDictIter *)it)->di_result);
}

/* -> the iterator whose items enumerate() counts, borrowed, and where its count is; NULL: beyond what
   a word counts, or it made pairs */
static inline PyObject *
cpy_enumerate_of(PyObject *it, Py_ssize_t **index)
{
    CpyEnumerate *e = (CpyEnumerate *)it;
    *index = &e->en_index;
    return e->en_longindex == NULL && cpy_pair_is_unused(e->en_result) ? e->en_sit : NULL;
}

/* zip() of two that made no pairs: 1, borrowed; 0: another */
static inline int
cpy_zip_of_two(PyObject *it, PyObject **first, PyObject **second)
{
    CpyZip *z = (CpyZip *)it;
    if (z->tuplesize != 2 || !cpy_pair_is_unused(z->result))
        return 0;
    *first = PyTuple_GET_ITEM(z->ittuple, 0);
    *second = PyTuple_GET_ITEM(z->ittuple, 1);
    return 1;
}

#endif
