/* Functions are swapped in the definition that the descriptor calls through. */
#include "cpyext_compat/cpy_swap.h"

#include "descrobject.h"

void *
cpy_swap_function(PyTypeObject *type, const char *name, void *mine)
{
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *descriptor = key == NULL ? NULL : _PyType_Lookup(type, key);      /* borrowed */
    void *before = NULL;
    Py_XDECREF(key);
    if (descriptor != NULL && Py_IS_TYPE(descriptor, &PyMethodDescr_Type)) {
        PyMethodDef *def = ((PyMethodDescrObject *)descriptor)->d_method;
        before = (void *)def->ml_meth;
        def->ml_meth = (PyCFunction)mine;
    }
    else if (descriptor != NULL && Py_IS_TYPE(descriptor, &PyWrapperDescr_Type)) {
        before = ((PyWrapperDescrObject *)descriptor)->d_wrapped;
        ((PyWrapperDescrObject *)descriptor)->d_wrapped = mine;
    }
    else if (descriptor != NULL && Py_IS_TYPE(descriptor, &PyGetSetDescr_Type)) {
        PyGetSetDef *def = ((PyGetSetDescrObject *)descriptor)->d_getset;
        before = (void *)def->get;
        def->get = (getter)mine;
    }
    else if (!PyErr_Occurred())
        PyErr_Format(PyExc_SystemError, "%s has no method %s", type->tp_name, name);
    return before;
}
