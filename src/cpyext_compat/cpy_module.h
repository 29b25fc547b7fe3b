/* What every extension module says about itself, in the words of its Python version.
 * Needs only Python.h.
 */
#ifndef CPY_MODULE_H
#define CPY_MODULE_H

#include <Python.h>

/* Entries of a PyModuleDef_Slot table:
 *
 *     CPY_SLOT_INTERPRETERS(PER_INTERPRETER_GIL)   or SUPPORTED, NOT_SUPPORTED
 *     CPY_SLOT_GIL(NOT_USED)                       or USED
 *
 * Nothing where the version doesn't know the slot (3.12, 3.13). */
#if PY_VERSION_HEX >= 0x030C0000
#  define CPY_INTERPRETERS_PER_INTERPRETER_GIL Py_MOD_PER_INTERPRETER_GIL_SUPPORTED
#  define CPY_INTERPRETERS_SUPPORTED Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED
#  define CPY_INTERPRETERS_NOT_SUPPORTED Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
#  define CPY_SLOT_INTERPRETERS(what) \
      {Py_mod_multiple_interpreters, CPY_INTERPRETERS_##what},
#else
#  define CPY_SLOT_INTERPRETERS(what)
#endif

#if PY_VERSION_HEX >= 0x030D0000
#  define CPY_SLOT_GIL(what) {Py_mod_gil, Py_MOD_GIL_##what},
#else
#  define CPY_SLOT_GIL(what)
#endif

/* A heap type of `module`, also bound in it under its own name. */
static inline PyTypeObject *                    /* -> new, or NULL with an exception */
cpy_module_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, (PyObject *)base);
    if (type != NULL && PyModule_AddType(module, (PyTypeObject *)type) < 0)
        Py_CLEAR(type);
    return (PyTypeObject *)type;
}

#endif
