/* Functions that were there before the VM: C code that calls them, as slots and the import
 * machinery do, is to come to the VM too.
 */
#include "vm/vm_call_out.h"

static void own_value(PyObject *value, int in_class);

static void
own_dict(PyObject *dict, int in_class)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value))    /* nothing below changes a dict */
        own_value(value, in_class);
}

/* What a descriptor holds, by the name of its attribute. */
static void
own_held(PyObject *descriptor, const char *name)
{
    PyObject *held = PyObject_GetAttrString(descriptor, name);
    if (held != NULL && PyFunction_Check(held))
        vm_own_function(held);
    Py_XDECREF(held);
    PyErr_Clear();
}

static void
own_value(PyObject *value, int in_class)
{
    if (PyFunction_Check(value))
        vm_own_function(value);
    else if (Py_IS_TYPE(value, &PyStaticMethod_Type) || Py_IS_TYPE(value, &PyClassMethod_Type))
        own_held(value, "__func__");
    else if (Py_IS_TYPE(value, &PyProperty_Type)) {
        own_held(value, "fget");
        own_held(value, "fset");
    }
    else if (!in_class && PyType_Check(value)
             && PyType_HasFeature((PyTypeObject *)value, Py_TPFLAGS_HEAPTYPE))
        own_dict(((PyTypeObject *)value)->tp_dict, 1);
}

void
vm_own_modules(void)
{
    PyObject *modules = PyImport_GetModuleDict();       /* borrowed */
    PyObject *name, *module;
    Py_ssize_t at = 0;
    while (modules != NULL && PyDict_Next(modules, &at, &name, &module)) {
        if (PyModule_Check(module))
            own_dict(PyModule_GetDict(module), 0);
    }
}
