/* libFuzzer's entry: an embedded interpreter whose pyforge._pyforge is the instrumented
   code linked here; targets.py says what an input means, checks the answer and writes the
   seeds before libFuzzer reads the corpus. */
#include <Python.h>

PyMODINIT_FUNC PyInit__pyforge(void);

static PyObject *one_input; /* targets.one_input */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    PyObject *targets;

    PyImport_AppendInittab("_pyforge", PyInit__pyforge);
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
