/* The frame operations too long to inline, written over the version's primitives. */
#include "cpyext_compat/cpy_frame.h"

_PyFrameEvalFunction cpy_tolerated_hook;

/* Python/frame.c, take_ownership (3.11 to 3.14); not exported. */
static void
move_to_object(PyThreadState *ts, PyFrameObject *fo, CpyFrame *f, PyCodeObject *co,
               PyFunctionObject *func)
{
    CpyFrame *own = (CpyFrame *)fo->_f_frame_data;
    int n = co->co_nlocalsplus;

    memcpy(own, f, CPY_FRAME_HEADER + (size_t)n * sizeof(CpySlot));
    cpy_frame_own_specials(own, func, co);
    cpy_frame_set_stacktop(own, co, n);
    own->owner = FRAME_OWNED_BY_FRAME_OBJECT;
    own->frame_obj = NULL;
    own->previous = NULL;
    if (!(co->co_flags & CO_OPTIMIZED))
        Py_XINCREF(own->f_locals);              /* f only borrowed the namespace */
    fo->f_frame = own;
    f->f_locals = NULL;
    cpy_frame_set_stacktop(f, co, 0);
    for (int i = 0; i < n; i++)
        f->localsplus[i] = CPY_SLOT_NULL;

    if (f->previous != NULL && fo->f_back == NULL) {
        fo->f_back = PyThreadState_GetFrame(ts); /* the first complete one below f */
        if (fo->f_back == NULL)
            PyErr_Clear();      /* as CPython: out of memory costs f_back, no more */
    }
    if (!PyObject_GC_IsTracked((PyObject *)fo))
        PyObject_GC_Track((PyObject *)fo);
}

int
cpy_frame_take_ownership(PyThreadState *ts, CpyFrame *f, PyCodeObject *co,
                         PyFunctionObject *func)
{
    PyFrameObject *fo = f->frame_obj;
    PyObject *type, *exc, *tb;
    int moved = 0;

    if (fo == NULL)
        return 0;
    PyErr_Fetch(&type, &exc, &tb);
    f->frame_obj = NULL;
    if (Py_REFCNT(fo) > 1) {
        move_to_object(ts, fo, f, co, func);
        moved = 1;
    }
    Py_DECREF(fo);
    PyErr_Restore(type, exc, tb);
    return moved;
}

void
cpy_frame_drop(CpyFrame *f, PyCodeObject *co)
{
    int n = cpy_frame_stacktop(f, co);
    cpy_frame_set_stacktop(f, co, 0);
    for (int i = 0; i < n; i++)
        cpy_frame_slot_clear(f, CPY_DROPS_LAST_FIRST ? n - 1 - i : i);
    PyObject *locals = f->f_locals;
    f->f_locals = NULL;
    if (co->co_flags & CO_OPTIMIZED)
        Py_XDECREF(locals);
}

/* Python/ceval.c, _Py_CheckRecursiveCall (3.11), _Py_CheckRecursiveCallPy (3.12 to
   3.14). */
int
cpy_recursion_error(PyThreadState *ts, const char *where)
{
    if (ts->recursion_headroom) {
        if (*cpy_recursion_left(ts) < -50)
            Py_FatalError("Cannot recover from Python stack overflow.");
        return 0;
    }
    ts->recursion_headroom++;
    PyErr_Format(PyExc_RecursionError, "maximum recursion depth exceeded%s", where);
    ts->recursion_headroom--;
    return -1;
}
