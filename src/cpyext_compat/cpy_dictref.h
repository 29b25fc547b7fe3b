/* Dictionary look-ups that hand out owned references: safe on every build,
   with or without the GIL. */
#ifndef CPY_DICTREF_H
#define CPY_DICTREF_H

#include <Python.h>

/* 1 found (*value -> new), 0 missing (*value NULL), -1 error.
   PyDict_GetItemRef is public since 3.13. */
static inline int
cpy_dict_get(PyObject *dict, PyObject *key, PyObject **value)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyDict_GetItemRef(dict, key, value);
#else
    *value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    return *value != NULL ? 1 : PyErr_Occurred() ? -1
                                                 : 0;
#endif
}

/* The same for keys asked for in the dict's own order, as attributes usually are: looks at
   the entries that follow *at (0 at first) before it searches. Never runs Python code for
   keys that are the dict's own objects. */
static inline int
cpy_dict_next(PyObject *dict, Py_ssize_t *at, PyObject *key, PyObject **value)
{
#ifndef Py_GIL_DISABLED /* PyDict_Next needs a lock there */
    PyObject *k, *v;

    for (int skipped = 0; *at >= 0 && skipped < 4; skipped++) {
        if (!PyDict_Next(dict, at, &k, &v))
            break;
        if (k == key) {
            *value = Py_NewRef(v);
            return 1;
        }
    }
    *at = -1; /* another order: search from now on */
#endif
    return cpy_dict_get(dict, key, value);
}

/* The item at i, or NULL without an exception when the list has shrunk. -> new */
static inline PyObject *
cpy_list_get(PyObject *list, Py_ssize_t i)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *item = PyList_GetItemRef(list, i);
    if (item == NULL)
        PyErr_Clear();
    return item;
#else
    return i < PyList_GET_SIZE(list) ? Py_NewRef(PyList_GET_ITEM(list, i)) : NULL;
#endif
}

/* A container to walk while others may change it: a copy without the GIL; else the
   container itself, as nobody runs between two steps of ours. -> new, or NULL with an
   exception */
static inline PyObject *
cpy_dict_to_walk(PyObject *dict)
{
#ifdef Py_GIL_DISABLED
    return PyDict_Copy(dict);
#else
    return Py_NewRef(dict);
#endif
}

static inline PyObject *
cpy_list_to_walk(PyObject *list) /* or tuple */
{
#ifdef Py_GIL_DISABLED
    return PySequence_Tuple(list);
#else
    return Py_NewRef(list);
#endif
}

#ifdef Py_GIL_DISABLED
enum { CPY_FREE_THREADED = 1 };
#else
enum { CPY_FREE_THREADED = 0 };
#endif

#endif
