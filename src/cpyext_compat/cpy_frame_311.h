/* CPython 3.11: frames and thread state.  Included by cpy_frame.h. */

typedef PyObject *CpySlot;
#define CPY_SLOT_NULL NULL

static inline CpySlot                                   /* takes v */
cpy_slot_take(PyObject *v)
{
    return v;
}

static inline PyObject *                                /* -> borrowed */
cpy_slot_object(CpySlot s)
{
    return s;
}

/* -> an owned twin of any slot */
static inline CpySlot
cpy_slot_dup(CpySlot s)
{
    return Py_XNewRef(s);
}

static inline void
cpy_slot_close(CpySlot s)
{
    Py_XDECREF(s);
}

/* An instruction's word as exception handlers find it on the stack. */
static inline int                                       /* 0, or -1 with MemoryError */
cpy_slot_lasti(CpySlot *s, uint32_t word)
{
    *s = PyLong_FromUnsignedLong(word);
    return *s != NULL ? 0 : -1;
}

static inline CpyFrame *
cpy_top_frame(PyThreadState *ts)
{
    return ts->cframe->current_frame;
}

static inline void
cpy_set_top_frame(PyThreadState *ts, CpyFrame *f)
{
    ts->cframe->current_frame = f;
}

static inline void
cpy_frame_init_specials(CpyFrame *f, PyFunctionObject *func, PyCodeObject *co,
                        PyObject *globals, PyObject *builtins)
{
    f->f_func = func;
    f->f_code = co;
    f->f_globals = globals;
    f->f_builtins = builtins;
    f->is_entry = true;
}

static inline void
cpy_frame_own_specials(CpyFrame *f, PyFunctionObject *func, PyCodeObject *co)
{
    f->f_func = (PyFunctionObject *)Py_NewRef(func);
    f->f_code = (PyCodeObject *)Py_NewRef(co);
}

static inline PyCodeObject *                            /* -> borrowed from f */
cpy_frame_code(CpyFrame *f)
{
    return f->f_code;
}

static inline PyFunctionObject *                        /* -> borrowed from f */
cpy_frame_func(CpyFrame *f)
{
    return f->f_func;
}

static inline void
cpy_frame_set_word(CpyFrame *f, PyCodeObject *co, uint32_t word)
{
    f->prev_instr = _PyCode_CODE(co) + word;
}

static inline int
cpy_frame_word(CpyFrame *f, PyCodeObject *co)
{
    return (int)(f->prev_instr - _PyCode_CODE(co));
}

static inline int
cpy_frame_stacktop(CpyFrame *f, PyCodeObject *co)
{
    return f->stacktop;
}

static inline void
cpy_frame_set_stacktop(CpyFrame *f, PyCodeObject *co, int n)
{
    f->stacktop = n;
}

static inline int *
cpy_recursion_left(PyThreadState *ts)
{
    return &ts->recursion_remaining;
}

typedef volatile int CpyBreaker;
#define CPY_EVAL_BREAKER_MASK (-1)

static inline const CpyBreaker *
cpy_eval_breaker_ptr(PyThreadState *ts)
{
    return (const CpyBreaker *)&ts->interp->ceval.eval_breaker;
}

/* Python/ceval.c, eval_frame_handle_pending (3.11.2), from what is exported. */
static inline int
cpy_handle_pending(PyThreadState *ts)
{
    if (Py_MakePendingCalls() < 0)      /* signal handlers too, on the main thread */
        return -1;
    PyObject *exc = ts->async_exc;                      /* owned from here on */
    if (exc != NULL) {
        ts->async_exc = NULL;
        ts->interp->ceval.pending.async_exc = 0;
    }
    /* gives way to a thread that asked for the GIL; taking it again recomputes the
       breaker */
    PyEval_RestoreThread(PyEval_SaveThread());
    if (exc == NULL)
        return 0;
    PyErr_SetNone(exc);
    Py_DECREF(exc);
    return -1;
}

static inline int
cpy_tracing(PyThreadState *ts)
{
    return ts->cframe->use_tracing != 0;
}

static inline int
cpy_is_raised(PyThreadState *ts)
{
    return ts->curexc_type != NULL;
}

static inline PyObject *                                /* -> new, or NULL */
cpy_take_raised(PyThreadState *ts)
{
    PyObject *type = ts->curexc_type, *exc = ts->curexc_value, *tb = ts->curexc_traceback;
    ts->curexc_type = ts->curexc_value = ts->curexc_traceback = NULL;
    if (type == NULL)
        return NULL;
    if (exc == NULL || (PyObject *)Py_TYPE(exc) != type || !PyExceptionInstance_Check(exc))
        PyErr_NormalizeException(&type, &exc, &tb);
    if (tb != NULL)
        PyException_SetTraceback(exc, tb);
    Py_DECREF(type);
    Py_XDECREF(tb);
    return exc;
}

static inline void                                      /* takes exc */
cpy_set_raised(PyThreadState *ts, PyObject *exc)
{
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exc)), exc,
                  PyException_GetTraceback(exc));
}
