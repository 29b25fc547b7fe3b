/* Copying a frame into one that CPython owns; 3.11 can evaluate it where it is. */
#include "cpyext_compat/cpy_handover.h"

#include "cpyext_compat/cpy_gen.h"
#include "cpyext_compat/cpy_lazy_locals.h"

/* Frame exit with n slots in use; src is unlinked.  An exception stays. */
static void
leave_frame(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func, PyCodeObject *co,
            int n)
{
    PyObject *type, *exc, *tb;
    PyErr_Fetch(&type, &exc, &tb);
    while (n > co->co_nlocalsplus)
        cpy_frame_slot_clear(src, --n);
    cpy_frame_set_stacktop(src, co, n);
    cpy_frame_take_ownership(ts, src, co, func);
    cpy_frame_drop(src, co);
    PyErr_Restore(type, exc, tb);
}

#if PY_VERSION_HEX < 0x030C0000

/* Entered with an exception the evaluator says "call" first, as for throw(), unless tracing is
   off; it goes on again with the exception's own event. */
static PyObject *
evaluate_as(PyThreadState *ts, CpyFrame *f, CpyHandover how)
{
    if (how != CPY_RAISES)
        return _PyEval_EvalFrameDefault(ts, f, how == CPY_THROWN);
    ts->cframe->use_tracing = 0;
    PyObject *result = _PyEval_EvalFrameDefault(ts, f, 1);
    ts->cframe->use_tracing = ts->c_tracefunc != NULL || ts->c_profilefunc != NULL ? 255 : 0;
    return result;
}

/* The evaluator neither clears nor pops the frame it is entered with. */
static PyObject *
evaluate(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func, PyCodeObject *co,
         uint32_t word, int n, CpyHandover how)
{
    cpy_frame_set_stacktop(src, co, n);
    /* the instruction it did last */
    src->prev_instr = _PyCode_CODE(co) + word - (how == CPY_GOES_ON);
    cpy_set_top_frame(ts, src->previous);
    PyObject *result = evaluate_as(ts, src, how);
    leave_frame(ts, src, func, co, cpy_frame_stacktop(src, co));
    return result;
}

#else

static PyObject *
evaluate_as(PyThreadState *ts, CpyFrame *f, CpyHandover how)
{
    return _PyEval_EvalFrameDefault(ts, f, how != CPY_GOES_ON);
}

/* Python/pystate.c, _PyThreadState_PushFrame (3.12 to 3.14); not exported.  The
   evaluator pops the frame, so it must lie where CPython would have put it. */
static CpyFrame *               /* -> on the data stack, or NULL with MemoryError */
push_on_data_stack(PyThreadState *ts, int size)
{
    if (ts->datastack_top != NULL && size < ts->datastack_limit - ts->datastack_top) {
        CpyFrame *f = (CpyFrame *)ts->datastack_top;
        ts->datastack_top += size;
        return f;
    }
    size_t bytes = 16 * 1024;   /* DATA_STACK_CHUNK_SIZE, MINIMUM_OVERHEAD 1000 */
    while (bytes < sizeof(PyObject *) * ((size_t)size + 1000))
        bytes *= 2;
    PyObjectArenaAllocator arena;               /* the one CPython frees chunks with */
    PyObject_GetArenaAllocator(&arena);
    _PyStackChunk *chunk = arena.alloc(arena.ctx, bytes);
    if (chunk == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    chunk->previous = ts->datastack_chunk;
    chunk->size = bytes;
    chunk->top = 0;
    if (ts->datastack_chunk != NULL)
        ts->datastack_chunk->top =
            (size_t)(ts->datastack_top - &ts->datastack_chunk->data[0]);
    ts->datastack_chunk = chunk;
    ts->datastack_limit = (PyObject **)((char *)chunk + bytes);
    /* a root chunk's base is never popped */
    PyObject **first = &chunk->data[chunk->previous == NULL];
    ts->datastack_top = first + size;
    return (CpyFrame *)first;
}

/* All that src owns becomes to's. */
static void
move_frame(CpyFrame *to, CpyFrame *src, PyFunctionObject *func, PyCodeObject *co,
           uint32_t word, int n)
{
    memcpy(to, src, CPY_FRAME_HEADER + (size_t)n * sizeof(CpySlot));
    cpy_frame_own_specials(to, func, co);
    cpy_frame_set_stacktop(to, co, n);
    to->owner = FRAME_OWNED_BY_THREAD;
    to->return_offset = 0;
    if (!(co->co_flags & CO_OPTIMIZED))
        Py_XINCREF(to->f_locals);               /* src only borrowed the namespace */
    if (to->frame_obj != NULL)
        to->frame_obj->f_frame = to;
#  if PY_VERSION_HEX < 0x030D0000
    to->prev_instr = _PyCode_CODE(co) + word - 1;       /* the one before the next */
#  else
    to->instr_ptr = _PyCode_CODE(co) + word;
#  endif
    src->frame_obj = NULL;
    src->f_locals = NULL;
    cpy_frame_set_stacktop(src, co, 0);
}

static PyObject *
evaluate(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func, PyCodeObject *co,
         uint32_t word, int n, CpyHandover Py_UNUSED(how))
{
    CpyFrame *to = push_on_data_stack(ts, co->co_framesize);

    /* the evaluator links its frame to this one */
    cpy_set_top_frame(ts, src->previous);
    if (to == NULL) {
        leave_frame(ts, src, func, co, n);
        return NULL;
    }
    move_frame(to, src, func, co, word, n);
    return _PyEval_EvalFrameDefault(ts, to, 0);
}

#endif

PyObject *
cpy_handover(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func, PyCodeObject *co,
             uint32_t word, int depth, CpyHandover how)
{
    CpyFrame *previous = src->previous;
    assert(cpy_top_frame(ts) == src);
    (void)previous;
    assert(depth <= co->co_stacksize);

    cpy_lazy_locals_disarm(src);
 /* the evaluator takes a unit for the frame and gives it back; src has one already */
    ++*cpy_recursion_left(ts);
    PyObject *result = evaluate(ts, src, func, co, word, co->co_nlocalsplus + depth, how);
    --*cpy_recursion_left(ts);
    assert(cpy_top_frame(ts) == previous);
    return result;
}

/* -- events that CPython's evaluator would send ---------------------------------------------- */

/* Python/ceval.c, call_trace_protected (3.11); the pending exception stays, or gives way to what
   the tool raises. */
static void
tell(PyThreadState *ts, Py_tracefunc tool, PyObject *self, int what, int with_exception)
{
    PyObject *type, *exc, *tb, *about = NULL;
    PyErr_Fetch(&type, &exc, &tb);
    PyFrameObject *fo = PyThreadState_GetFrame(ts);
    if (with_exception) {
        PyErr_NormalizeException(&type, &exc, &tb);
        about = PyTuple_Pack(3, type, exc, tb == NULL ? Py_None : tb);
    }
    PyThreadState_EnterTracing(ts);
    int status = fo == NULL || (with_exception && about == NULL) ? -1 : tool(self, fo, what, about);
    PyThreadState_LeaveTracing(ts);
    Py_XDECREF(about);
    Py_XDECREF(fo);
    if (status == 0) {
        PyErr_Restore(type, exc, tb);
        return;
    }
    Py_XDECREF(type);
    Py_XDECREF(exc);
    Py_XDECREF(tb);
}

void
cpy_profile_unwind(PyThreadState *ts)
{
    if (CPY_HANDS_OVER_RAISING && ts->c_profilefunc != NULL && ts->c_tracefunc == NULL
        && ts->tracing == 0)
        tell(ts, ts->c_profilefunc, ts->c_profileobj, PyTrace_RETURN, 0);
}

void
cpy_trace_exception(PyThreadState *ts)
{
    if (CPY_HANDS_OVER_RAISING && cpy_trace_function(ts))
        tell(ts, ts->c_tracefunc, ts->c_traceobj, PyTrace_EXCEPTION, 1);
}

/* -- generators ------------------------------------------------------------------------ */

/* The frame's references become its own, and the object one of its base type. */
static CpyFrame *
take_over(PyObject *gen, PyFunctionObject *func, PyCodeObject *co, int n)
{
    CpyFrame *f = cpy_gen_iframe(gen);
    cpy_lazy_locals_disarm(f);
    cpy_frame_own_specials(f, func, co);
#if PY_VERSION_HEX >= 0x030C0000
    Py_DECREF(co);              /* which cpy_gen_init() took already */
#endif
    f->owner = FRAME_OWNED_BY_GENERATOR;
    cpy_frame_set_stacktop(f, co, n);
    Py_SET_TYPE(gen, Py_TYPE(gen)->tp_base);
    return f;
}

/* Up to 3.12 a frame says what it did last, later what it does next. */
static void
set_next_word(CpyFrame *f, PyCodeObject *co, uint32_t word)
{
    cpy_frame_set_word(f, co, PY_VERSION_HEX < 0x030D0000 ? word - 1 : word);
}

void
cpy_gen_become(PyObject *gen, PyFunctionObject *func, PyCodeObject *co, uint32_t word,
               int depth, int is_new)
{
    CpyFrame *f = take_over(gen, func, co, co->co_nlocalsplus + depth);
    set_next_word(f, co, word + 1);
    ((PyGenObject *)gen)->gi_frame_state = is_new ? FRAME_CREATED : FRAME_SUSPENDED;
#if PY_VERSION_HEX >= 0x030D0000
    if (!is_new && _PyCode_CODE(co)[word].op.arg == 1)      /* of YIELD_VALUE: it delegates */
        ((PyGenObject *)gen)->gi_frame_state = FRAME_SUSPENDED_YIELD_FROM;
#endif
}

#if PY_VERSION_HEX < 0x030C0000

/* Objects/genobject.c, gen_send_ex2 (3.11): the frame of a generator that ended */
static void
leave_generator(PyThreadState *ts, PyObject *o, CpyFrame *f, PyFunctionObject *func,
                PyCodeObject *co)
{
    PyGenObject *gen = (PyGenObject *)o;
    PyObject *locals = co->co_flags & CO_OPTIMIZED ? NULL : f->f_locals;
    PyObject *type, *exc, *tb;
    PyErr_Fetch(&type, &exc, &tb);
    Py_CLEAR(gen->gi_exc_state.exc_value);
    gen->gi_frame_state = FRAME_CLEARED;
    leave_frame(ts, f, func, co, cpy_frame_stacktop(f, co));
    Py_XDECREF(locals);
    Py_DECREF(func);
    Py_DECREF(co);
    PyErr_Restore(type, exc, tb);
}

#endif

PyObject *
cpy_gen_go_on(PyThreadState *ts, PyObject *o, PyFunctionObject *func, PyCodeObject *co,
              uint32_t word, int depth, CpyHandover how, int *yielded)
{
    PyGenObject *gen = (PyGenObject *)o;
    CpyFrame *f = take_over(o, func, co, co->co_nlocalsplus + depth), *previous = f->previous;
    assert(cpy_top_frame(ts) == f);
    set_next_word(f, co, word + (how != CPY_GOES_ON));
    gen->gi_frame_state = FRAME_EXECUTING;
    cpy_set_top_frame(ts, previous);
    ++*cpy_recursion_left(ts);          /* the evaluator counts the frame itself */
    PyObject *result = evaluate_as(ts, f, how);
    --*cpy_recursion_left(ts);
#if PY_VERSION_HEX < 0x030C0000
    f->previous = NULL;
    *yielded = gen->gi_frame_state == FRAME_SUSPENDED;
    if (!*yielded)
        leave_generator(ts, o, f, func, co);
#else
    *yielded = gen->gi_frame_state < FRAME_EXECUTING && gen->gi_frame_state != FRAME_CREATED;
#endif
    return result;
}
