/* Public C API of newer versions, for older ones.  Same names, same meaning; each
 * dated.  Needs only Python.h, so any extension of the project can use it.
 */
#ifndef CPY_BACKPORTS_H
#define CPY_BACKPORTS_H

#include <Python.h>

/* --- public since 3.12 ----------------------------------------------------------- */

#if PY_VERSION_HEX < 0x030C0000

static inline PyObject *                /* -> new, normalised, traceback set; or NULL */
PyErr_GetRaisedException(void)
{
    PyObject *type, *exc, *tb;
    PyErr_Fetch(&type, &exc, &tb);
    if (type == NULL)
        return NULL;
    PyErr_NormalizeException(&type, &exc, &tb);
    if (tb != NULL)
        PyException_SetTraceback(exc, tb);
    Py_DECREF(type);
    Py_XDECREF(tb);
    return exc;
}

static inline void                                      /* takes exc */
PyErr_SetRaisedException(PyObject *exc)
{
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exc)), exc,
                  PyException_GetTraceback(exc));
}

static inline int
PyUnstable_Long_IsCompact(const PyLongObject *op)
{
    return (size_t)(op->ob_base.ob_size + 1) <= 2; /* no digit, or one */
}

static inline Py_ssize_t
PyUnstable_Long_CompactValue(const PyLongObject *op)
{
    return op->ob_base.ob_size * (Py_ssize_t)op->ob_digit[0];
}

#endif

/* --- public since 3.13 ----------------------------------------------------------- */

#if PY_VERSION_HEX < 0x030D0000

/* The three that look something up: 1 and *out -> new; 0 and NULL: not there; -1
   with an exception and NULL. */
static inline int
PyObject_GetOptionalAttr(PyObject *o, PyObject *name, PyObject **out)
{
    if (name == NULL) {         /* it could not be made: an exception is set */
        *out = NULL;
        return -1;
    }
    return _PyObject_LookupAttr(o, name, out);
}

static inline int
PyMapping_GetOptionalItem(PyObject *o, PyObject *key, PyObject **out)
{
    *out = PyObject_GetItem(o, key);
    if (*out != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_KeyError))
        return -1;
    PyErr_Clear();
    return 0;
}

static inline int
PyDict_GetItemRef(PyObject *dict, PyObject *key, PyObject **out)
{
    *out = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    if (*out != NULL)
        return 1;
    return PyErr_Occurred() ? -1 : 0;
}

static inline PyObject *                        /* -> new, or NULL with IndexError */
PyList_GetItemRef(PyObject *list, Py_ssize_t i)
{
    return Py_XNewRef(PyList_GetItem(list, i));
}

static inline PyObject *                /* -> new; NULL with an exception */
PyEval_GetFrameLocals(void)
{
    return Py_XNewRef(PyEval_GetLocals());
}

static inline int                       /* 1 and *out -> new; 0 and NULL: dead; -1 */
PyWeakref_GetRef(PyObject *ref, PyObject **out)
{
    PyObject *o = PyWeakref_GetObject(ref);
    *out = o == NULL || o == Py_None ? NULL : Py_NewRef(o);
    return o == NULL ? -1 : *out != NULL;
}

static inline int                       /* -1 may be the value: ask PyErr_Occurred() */
PyLong_AsInt(PyObject *o)
{
    return _PyLong_AsInt(o);
}

static inline int               /* takes value, which may be NULL with an exception */
PyModule_Add(PyObject *module, const char *name, PyObject *value)
{
    int err = value != NULL ? PyModule_AddObjectRef(module, name, value) : -1;
    Py_XDECREF(value);
    return err;
}

#endif

#endif
