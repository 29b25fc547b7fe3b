/* CPython 3.14: frames and thread state.  Included by cpy_frame.h. */

#include "internal/pycore_interpframe.h"
#include "internal/pycore_stackref.h"

typedef _PyStackRef CpySlot;
#define CPY_SLOT_NULL PyStackRef_NULL

static inline CpySlot                                   /* takes v, may be NULL */
cpy_slot_take(PyObject *v)
{
    return v != NULL ? PyStackRef_FromPyObjectSteal(v) : PyStackRef_NULL;
}

static inline PyObject *                /* -> borrowed; NULL for a tagged int too */
cpy_slot_object(CpySlot s)
{
    return PyStackRef_IsNull(s) || PyStackRef_IsTaggedInt(s)
               ? NULL
               : PyStackRef_AsPyObjectBorrow(s);
}

/* a reference that closing doesn't release */
static inline CpySlot
cpy_slot_borrow(PyObject *o)
{
    return (_PyStackRef){.bits = (uintptr_t)o | Py_TAG_REFCNT};
}

/* -> an owned twin of any slot, of borrowed ones too */
static inline CpySlot
cpy_slot_dup(CpySlot s)
{
    PyObject *o = cpy_slot_object(s);
    return o != NULL ? PyStackRef_FromPyObjectNew(o) : s;
}

static inline void
cpy_slot_close(CpySlot s)
{
    if (!PyStackRef_IsNull(s) && !PyStackRef_IsTaggedInt(s))
        PyStackRef_CLOSE(s);
}

/* An instruction's word as exception handlers find it on the stack. */
static inline int                                       /* 0, or -1 with MemoryError */
cpy_slot_lasti(CpySlot *s, uint32_t word)
{
    *s = PyStackRef_TagInt((intptr_t)word);
    return 0;
}

static inline CpyFrame *
cpy_top_frame(PyThreadState *ts)
{
    return ts->current_frame;
}

static inline void
cpy_set_top_frame(PyThreadState *ts, CpyFrame *f)
{
    ts->current_frame = f;
}

static inline void
cpy_frame_init_specials(CpyFrame *f, PyFunctionObject *func, PyCodeObject *co,
                        PyObject *globals, PyObject *builtins)
{
    f->f_funcobj = cpy_slot_borrow((PyObject *)func);
    f->f_executable = cpy_slot_borrow((PyObject *)co);
    f->f_globals = globals;
    f->f_builtins = builtins;
    f->return_offset = 0;
    f->visited = 0;
}

static inline void
cpy_frame_own_specials(CpyFrame *f, PyFunctionObject *func, PyCodeObject *co)
{
    f->f_funcobj = PyStackRef_FromPyObjectNew((PyObject *)func);
    f->f_executable = PyStackRef_FromPyObjectNew((PyObject *)co);
}

static inline PyCodeObject *                            /* -> borrowed from f */
cpy_frame_code(CpyFrame *f)
{
    return (PyCodeObject *)PyStackRef_AsPyObjectBorrow(f->f_executable);
}

static inline PyFunctionObject *                        /* -> borrowed from f */
cpy_frame_func(CpyFrame *f)
{
    return (PyFunctionObject *)PyStackRef_AsPyObjectBorrow(f->f_funcobj);
}

static inline void
cpy_frame_set_word(CpyFrame *f, PyCodeObject *co, uint32_t word)
{
    f->instr_ptr = _PyCode_CODE(co) + word;
}

static inline int
cpy_frame_word(CpyFrame *f, PyCodeObject *co)
{
    return (int)(f->instr_ptr - _PyCode_CODE(co));
}

static inline int
cpy_frame_stacktop(CpyFrame *f, PyCodeObject *co)
{
    return (int)(f->stackpointer - f->localsplus);
}

static inline void
cpy_frame_set_stacktop(CpyFrame *f, PyCodeObject *co, int n)
{
    f->stackpointer = f->localsplus + n;
}

static inline int *
cpy_recursion_left(PyThreadState *ts)
{
    return &ts->py_recursion_remaining;
}

/* the low byte holds what is pending, the rest a version of the instrumentation */
typedef volatile uintptr_t CpyBreaker;
#define CPY_EVAL_BREAKER_MASK 0xff

static inline const CpyBreaker *
cpy_eval_breaker_ptr(PyThreadState *ts)
{
    return &ts->eval_breaker;
}

PyAPI_FUNC(int) _Py_HandlePending(PyThreadState *);

static inline int
cpy_handle_pending(PyThreadState *ts)
{
    return _Py_HandlePending(ts);
}

/* The tools of sys.monitoring include sys.settrace() and sys.setprofile(). */
static inline int
cpy_tracing(PyThreadState *ts)
{
    if (ts->c_tracefunc != NULL || ts->c_profilefunc != NULL)
        return 1;
    const uint8_t *tools = ts->interp->monitors.tools;
    for (size_t i = 0; i < sizeof ts->interp->monitors.tools; i++) {
        if (tools[i] != 0)
            return 1;
    }
    return 0;
}

static inline int
cpy_is_raised(PyThreadState *ts)
{
    return ts->current_exception != NULL;
}

static inline PyObject *                                /* -> new, or NULL */
cpy_take_raised(PyThreadState *ts)
{
    return PyErr_GetRaisedException();
}

static inline void                                      /* takes exc */
cpy_set_raised(PyThreadState *ts, PyObject *exc)
{
    PyErr_SetRaisedException(exc);
}
