/* Test only: counts the frames that CPython's own evaluator is entered with, by an eval-frame hook
 * (PEP 523).  VM frames don't pass here, nor do frames they hand over in the middle.
 */
#define PY_SSIZE_T_CLEAN
#include "Python.h"
#if PY_VERSION_HEX < 0x030C0000
#  define Py_BUILD_CORE
#  include "internal/pycore_frame.h"
#  define PyUnstable_InterpreterFrame_GetCode(f) Py_NewRef((f)->f_code)
#endif


static unsigned long long frames;
static PyObject *by_code;       /* code -> number */

static void
count_code(PyObject *code)
{
    PyObject *old = PyDict_GetItemWithError(by_code, code);     /* borrowed */
    PyObject *n = PyLong_FromLong(old == NULL ? 1 : PyLong_AsLong(old) + 1);
    if (n == NULL || PyDict_SetItem(by_code, code, n) < 0)
        PyErr_Clear();
    Py_XDECREF(n);
}

static PyObject *
count_frame(PyThreadState *ts, struct _PyInterpreterFrame *f, int throwflag)
{
    frames++;
    if (!throwflag) {
        PyObject *code = (PyObject *)PyUnstable_InterpreterFrame_GetCode(f);
        count_code(code);
        Py_DECREF(code);
    }
    return _PyEval_EvalFrameDefault(ts, f, throwflag);
}

/* -> the hook's address */
static PyObject *
start(PyObject *module, PyObject *unused)
{
    frames = 0;
    Py_XSETREF(by_code, PyDict_New());
    if (by_code == NULL)
        return NULL;
    _PyInterpreterState_SetEvalFrameFunc(PyInterpreterState_Get(), count_frame);
    return PyLong_FromVoidPtr((void *)count_frame);
}

static PyObject *
count(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(frames);
}

static PyObject *
codes(PyObject *module, PyObject *unused)
{
    return PyDict_Copy(by_code);
}

static PyMethodDef METHODS[] = {
    {"start", start, METH_NOARGS, "Count from here; the hook's address."},
    {"count", count, METH_NOARGS, "Frames so far."},
    {"codes", codes, METH_NOARGS, "The same by code object, without what was thrown into."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,
    .m_name = "frame_counter",
    .m_methods = METHODS,
};

PyMODINIT_FUNC
PyInit_frame_counter(void)
{
    return PyModule_Create(&MODULE);
}
