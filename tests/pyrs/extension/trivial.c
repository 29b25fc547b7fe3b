/* A C extension as anyone would write one: functions of each calling kind, a type, and
 * calls back into Python.  It knows nothing of what runs the Python code around it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* -- functions ----------------------------------------------------------------- */

static PyObject *
answer(PyObject *self, PyObject *noargs)
{
    return PyLong_FromLong(42);
}

static PyObject *
twice(PyObject *self, PyObject *x)
{
    return PyNumber_Add(x, x);
}

static PyObject *
add(PyObject *self, PyObject *args)
{
    long a, b = 10;

    if (!PyArg_ParseTuple(args, "l|l:add", &a, &b))
        return NULL;
    return PyLong_FromLong(a + b);
}

static PyObject *
scale(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "by", NULL};
    double value, by = 2.0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d|d:scale", names, &value, &by))
        return NULL;
    return PyFloat_FromDouble(value * by);
}

static PyObject *
count(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return PyLong_FromSsize_t(nargs);
}

/* call(f, n): [f(0), ..., f(n - 1)] */
static PyObject *
call(PyObject *self, PyObject *args)
{
    PyObject *f, *list = NULL;
    Py_ssize_t n;

    if (!PyArg_ParseTuple(args, "On:call", &f, &n))
        return NULL;
    list = PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = PyObject_CallFunction(f, "n", i);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *
fail(PyObject *self, PyObject *message)
{
    PyErr_SetObject(PyExc_ValueError, message);
    return NULL;
}

static PyMethodDef functions[] = {
    {"answer", answer, METH_NOARGS, "answer() -> 42"},
    {"twice", twice, METH_O, "twice(x) -> x + x"},
    {"add", add, METH_VARARGS, "add(a, b=10) -> a + b"},
    {"scale", (PyCFunction)(void (*)(void))scale, METH_VARARGS | METH_KEYWORDS,
     "scale(value, by=2.0) -> value * by"},
    {"count", (PyCFunction)(void (*)(void))count, METH_FASTCALL, "count(*args) -> int"},
    {"call", call, METH_VARARGS, "call(f, n) -> [f(0), ..., f(n - 1)]"},
    {"fail", fail, METH_O, "fail(message): raise ValueError(message)"},
    {NULL},
};

/* -- a type -------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    Py_ssize_t value;
} Counter;

static int
counter_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"start", NULL};

    return PyArg_ParseTupleAndKeywords(args, kwargs, "|n:Counter", names,
                                       &((Counter *)self)->value) - 1;
}

static void
counter_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
counter_step(PyObject *self, PyObject *noargs)
{
    return PyLong_FromSsize_t(++((Counter *)self)->value);
}

static PyObject *
counter_next(PyObject *self)
{
    return ((Counter *)self)->value >= 3 ? NULL : counter_step(self, NULL);
}

static PyObject *
counter_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return PyObject_CallMethod(self, "step", NULL);
}

static PyMethodDef counter_methods[] = {
    {"step", counter_step, METH_NOARGS, "the next value"},
    {NULL},
};

static PyType_Slot counter_slots[] = {
    {Py_tp_init, counter_init},       {Py_tp_dealloc, counter_dealloc},
    {Py_tp_iter, PyObject_SelfIter},  {Py_tp_iternext, counter_next},
    {Py_tp_call, counter_call},       {Py_tp_methods, counter_methods},
    {0, NULL},
};

static PyType_Spec counter_spec = {
    .name = "trivial.Counter",
    .basicsize = sizeof(Counter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = counter_slots,
};

/* -- the module ---------------------------------------------------------------- */

static int
exec_module(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&counter_spec);
    int status = type ? PyModule_AddObjectRef(module, "Counter", type) : -1;

    Py_XDECREF(type);
    return status;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "trivial",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_trivial(void)
{
    return PyModuleDef_Init(&definition);
}
