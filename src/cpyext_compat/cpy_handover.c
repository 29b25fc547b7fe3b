/* Copying a frame into one that CPython owns; 3.11 can evaluate it where it is. */
#include "cpyext_compat/cpy_handover.h"

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

/* The evaluator neither clears nor pops the frame it is entered with. */
static PyObject *
evaluate(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func, PyCodeObject *co,
         uint32_t word, int n)
{
    cpy_frame_set_stacktop(src, co, n);
    src->prev_instr = _PyCode_CODE(co) + word - 1;      /* the one before the next */
    cpy_set_top_frame(ts, src->previous);
    PyObject *result = _PyEval_EvalFrameDefault(ts, src, 0);
    leave_frame(ts, src, func, co, cpy_frame_stacktop(src, co));
    return result;
}

#else

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
         uint32_t word, int n)
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
             uint32_t word, int depth)
{
    CpyFrame *previous = src->previous;
    assert(cpy_top_frame(ts) == src);
    (void)previous;
    assert(depth <= co->co_stacksize);

    cpy_lazy_locals_disarm(src);
 /* the evaluator takes a unit for the frame and gives it back; src has one already */
    ++*cpy_recursion_left(ts);
    PyObject *result = evaluate(ts, src, func, co, word, co->co_nlocalsplus + depth);
    --*cpy_recursion_left(ts);
    assert(cpy_top_frame(ts) == previous);
    return result;
}
