/* Giving up references, and moving them about.  Needs only Python.h. */
#ifndef CPY_REFS_H
#define CPY_REFS_H

#include <Python.h>

/* Where the count is an ordinary one, and freeing is no more than asking the type. */
#if PY_VERSION_HEX < 0x030C0000 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
#  define CPY_COUNT_REACHES_ZERO 1
#else
#  define CPY_COUNT_REACHES_ZERO 0
#endif

#if CPY_COUNT_REACHES_ZERO
/* What _Py_Dealloc() does: from there all types' deallocators are one jump, which processors
   foresee badly, here each place has its own. */
static inline void
cpy_dealloc(PyObject *o)
{
    Py_TYPE(o)->tp_dealloc(o);
}

/* Most references given up are not the last: what is rare is kept out of the way. */
static inline void
cpy_decref(PyObject *o)
{
    if (__builtin_expect(--o->ob_refcnt == 0, 0))
        cpy_dealloc(o);
}

static inline void                                      /* may be NULL */
cpy_xdecref(PyObject *o)
{
    if (o != NULL)
        cpy_decref(o);
}

#  undef Py_DECREF
#  define Py_DECREF(o) cpy_decref((PyObject *)(o))
#  undef Py_XDECREF
#  define Py_XDECREF(o) cpy_xdecref((PyObject *)(o))
#endif

/* Puts v there; what was there is released after the place holds v. */
static inline void                                      /* takes v, may be NULL */
cpy_replace(PyObject **place, PyObject *v)
{
    PyObject *old = *place;
    *place = v;
    Py_XDECREF(old);
}

static inline PyObject *                /* -> what was there, the caller's now */
cpy_move_out(PyObject **place)
{
    PyObject *v = *place;
    *place = NULL;
    return v;
}

/* No reference but the caller's: nobody sees a change made in place. */
static inline int
cpy_is_unshared(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030E0000
    return PyUnstable_Object_IsUniquelyReferenced(o);
#else
    return Py_REFCNT(o) == 1;
#endif
}

/* The count never changes (None, small ints from 3.12 on). */
static inline int
cpy_is_immortal(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030E0000
    return PyUnstable_IsImmortal(o);
#elif PY_VERSION_HEX >= 0x030C0000
    return _Py_IsImmortal(o);
#else
    return 0;
#endif
}

/* Py_DECREF in two steps: 1 when the last reference is given up, and cpy_dealloc() has to follow. */
static inline int
cpy_decref_was_last(PyObject *o)
{
#if CPY_COUNT_REACHES_ZERO
    return --o->ob_refcnt == 0;
#else
    if (Py_REFCNT(o) == 1)
        return 1;
    Py_DECREF(o);
    return 0;
#endif
}

/* Not yet: the reference that was the last is somebody's again, to be given up by Py_DECREF. */
static inline void
cpy_last_is_back(PyObject *o)
{
#if CPY_COUNT_REACHES_ZERO
    o->ob_refcnt = 1;
#else
    (void)o;
#endif
}

#if !CPY_COUNT_REACHES_ZERO
static inline void
cpy_dealloc(PyObject *o)
{
    Py_DECREF(o);
}
#endif

#endif
