/* Iterators of lists and tuples for loops: the last one that ended serves the next loop, as making and
 * freeing one takes longer than a short loop's steps.  The collector counts them as CPython's would be.
 */
#include "cpyext_compat/cpy_iter.h"

#include "cpyext_compat/cpy_eval.h"

#if PY_VERSION_HEX < 0x030C0000
#  include "internal/pycore_object.h"

_Static_assert(sizeof(CpyListIter) == sizeof(CpyTupleIter)
                   && offsetof(CpyListIter, it_seq) == offsetof(CpyTupleIter, it_seq),
               "one serves as the other");

static CpyListIter *kept;       /* unlinked, without a sequence; protected by the GIL */

PyObject *
cpy_sequence_iter_again(PyObject *whole)
{
    CpyListIter *it = kept;
    if (it == NULL || cpy_gc_is_due())
        return NULL;
    kept = NULL;
    it->ob_base.ob_type = PyList_CheckExact(whole) ? &PyListIter_Type : &PyTupleIter_Type;
    it->it_index = 0;
    it->it_seq = (PyListObject *)whole;
    cpy_gc_made();
    _PyObject_GC_TRACK((PyObject *)it);
    return (PyObject *)it;
}

int
cpy_sequence_iter_keep(PyObject *it)
{
    if (kept != NULL || Py_REFCNT(it) != 1 || !(CPY_IS_LIST_ITER(it) || CPY_IS_TUPLE_ITER(it))
        || ((CpyListIter *)it)->it_seq != NULL)
        return 0;
    _PyObject_GC_UNTRACK(it);
    cpy_gc_gone();
    kept = (CpyListIter *)it;
    return 1;
}

void
cpy_sequence_iter_trim(void)
{
    if (kept == NULL)
        return;
    PyObject *it = (PyObject *)kept;
    kept = NULL;
    cpy_gc_made();              /* it is not counted while it is kept */
    _PyObject_GC_TRACK(it);
    Py_DECREF(it);
}

#else

PyObject *
cpy_sequence_iter_again(PyObject *whole)
{
    return NULL;
}

int
cpy_sequence_iter_keep(PyObject *it)
{
    return 0;
}

void
cpy_sequence_iter_trim(void)
{
}

#endif
