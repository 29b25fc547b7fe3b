/* Test-only extension: the compatibility layer's functions, callable from Python.
   Built by conftest.py for the interpreter that runs the tests. */
#include "cpyext_compat/cpy_version.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_frame.h"

#include <time.h>

static double
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* decode(code) -> ([(op, arg, arg2, word, start, next, target)], [(start, end, target, depth, lasti)], at) */
static PyObject *
test_decode(PyObject *module, PyObject *code)
{
    CpyStream s;
    if (!PyCode_Check(code))
        return PyErr_Format(PyExc_TypeError, "code object expected");
    if (cpy_decode((PyCodeObject *)code, &s) < 0)
        return NULL;
    PyObject *insns = PyList_New(0), *handlers = PyList_New(0), *at = PyList_New(0), *v;
    for (uint32_t i = 0; i < s.n; i++) {
        CpyInsn *in = &s.insns[i];
        v = Py_BuildValue("sIHIIII", cpy_op_name(in->op), in->arg, in->arg2, in->word, in->start,
                          in->next, in->target);
        PyList_Append(insns, v);
        Py_DECREF(v);
    }
    for (uint32_t i = 0; i < s.n_handlers; i++) {
        CpyHandler *h = &s.handlers[i];
        v = Py_BuildValue("IIIHO", h->start, h->end, h->target, h->depth, h->lasti ? Py_True : Py_False);
        PyList_Append(handlers, v);
        Py_DECREF(v);
    }
    for (uint32_t i = 0; i < s.n_words; i++) {
        v = s.at[i] == CPY_NO_INSN ? Py_NewRef(Py_None) : PyLong_FromLong(s.at[i]);
        PyList_Append(at, v);
        Py_DECREF(v);
    }
    cpy_stream_free(&s);
    return Py_BuildValue("NNN", insns, handlers, at);
}

/* find_handler(code, word) -> index or None */
static PyObject *
test_find_handler(PyObject *module, PyObject *args)
{
    PyCodeObject *co;
    unsigned word;
    CpyStream s;
    if (!PyArg_ParseTuple(args, "O!I", &PyCode_Type, &co, &word) || cpy_decode(co, &s) < 0)
        return NULL;
    const CpyHandler *h = cpy_find_handler(&s, word);
    long i = h != NULL ? h - s.handlers : -1;
    cpy_stream_free(&s);
    if (i < 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(i);
}

/* decode_time(codes) -> (words, ns, ns of PyCode_GetCode alone) */
static PyObject *
test_decode_time(PyObject *module, PyObject *codes)
{
    double words = 0, fetch, start = now_ns();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++) {
        PyObject *b = PyCode_GetCode((PyCodeObject *)PyList_GET_ITEM(codes, i));
        Py_XDECREF(b);
    }
    fetch = now_ns() - start;
    start = now_ns();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++) {
        CpyStream s;
        if (cpy_decode((PyCodeObject *)PyList_GET_ITEM(codes, i), &s) < 0)
            return NULL;
        words += s.n_words;
        cpy_stream_free(&s);
    }
    return Py_BuildValue("ddd", words, now_ns() - start, fetch);
}

static PyMethodDef methods[] = {
    {"decode", test_decode, METH_O, NULL},
    {"find_handler", test_find_handler, METH_VARARGS, NULL},
    {"decode_time", test_decode_time, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_cpytest", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__cpytest(void)
{
    return PyModule_Create(&definition);
}
