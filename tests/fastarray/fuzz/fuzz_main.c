/* libFuzzer's entry: an embedded interpreter whose _fastarray is the instrumented code
   linked here; targets.py decides what an input means and checks the answer. */
#include <Python.h>

PyMODINIT_FUNC PyInit__fastarray(void);

static PyObject *one_input; /* targets.one_input */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    PyObject *targets;

    PyImport_AppendInittab("_fastarray", PyInit__fastarray);
    Py_InitializeEx(0);
    targets = PyImport_ImportModule("targets");
    one_input = targets == NULL ? NULL : PyObject_GetAttrString(targets, "one_input");
    if (one_input == NULL) {
        PyErr_Print();
        abort();
    }
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *r = PyObject_CallOneArg(one_input, bytes);

    if (r == NULL) {
        PyErr_Print();
        abort();
    }
    Py_DECREF(r);
    Py_DECREF(bytes);
    return 0;
}
