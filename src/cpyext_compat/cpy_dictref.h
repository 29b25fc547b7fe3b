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

#endif
