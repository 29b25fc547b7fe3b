#include "cpyext_compat/cpy_traceback.h"

#if CPY_TRACEBACK_HAS_LINE

/* Python/traceback.c, PyTraceBack_Here and tb_create_raw (3.11); the exception stays as it was
   raised (perhaps not normalised yet). */
void
cpy_traceback_add(PyThreadState *ts, uint32_t word, int line)
{
    PyObject *type = ts->curexc_type, *value = ts->curexc_value, *next = ts->curexc_traceback;
    ts->curexc_type = ts->curexc_value = ts->curexc_traceback = NULL;
    PyFrameObject *fo = PyThreadState_GetFrame(ts);
    PyTracebackObject *tb = NULL;
    if (fo == NULL)
        PyErr_Clear();          /* no memory for a frame object: the entry is missing */
    else if ((tb = PyObject_GC_New(PyTracebackObject, &PyTraceBack_Type)) == NULL) {
        Py_DECREF(fo);
        _PyErr_ChainExceptions(type, value, next);
        return;
    }
    if (tb != NULL) {
        tb->tb_next = (PyTracebackObject *)next;
        tb->tb_frame = fo;
        tb->tb_lasti = (int)(word * sizeof(_Py_CODEUNIT));
        tb->tb_lineno = fo->f_lineno != 0 ? fo->f_lineno : line;
        PyObject_GC_Track(tb);
        next = (PyObject *)tb;
    }
    ts->curexc_type = type;
    ts->curexc_value = value;
    ts->curexc_traceback = next;
}

#else

void
cpy_traceback_add(PyThreadState *ts, uint32_t word, int line)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyFrameObject *fo = PyThreadState_GetFrame(ts);
    PyErr_Restore(type, value, tb);
    if (fo != NULL) {
        PyTraceBack_Here(fo);
        Py_DECREF(fo);
    }
}

#endif
