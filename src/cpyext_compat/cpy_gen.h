/* Generator objects: the fields of PyGenObject, PyCoroObject and PyAsyncGenObject, which are
 * the same but for their prefix, and which subtypes of ours share.
 *
 * Up to 3.11 the code is a field of its own; later it is the one of the frame inside the object.
 */
#ifndef CPY_GEN_H
#define CPY_GEN_H

#include "cpyext_compat/cpy_frame.h"

static inline CpyFrame *                                /* -> borrowed from gen */
cpy_gen_iframe(PyObject *gen)
{
    return (CpyFrame *)&((PyGenObject *)gen)->gi_iframe;
}

static inline PyCodeObject *                            /* -> borrowed from gen */
cpy_gen_code(PyObject *gen)
{
#if PY_VERSION_HEX >= 0x030C0000
    return cpy_frame_code(cpy_gen_iframe(gen));
#else
    return ((PyGenObject *)gen)->gi_code;
#endif
}

/* A new object of a subtype: everything but the names.  Its state, as CPython's own methods see
   it, is that of a finished generator, which they leave alone.  gen owns a reference to co, which
   cpy_gen_drop_code() releases; cpy_frame_init() of the frame inside for the same code keeps it. */
static inline void
cpy_gen_init(PyObject *o, PyCodeObject *co)
{
    PyGenObject *gen = (PyGenObject *)o;
    Py_INCREF(co);
#if PY_VERSION_HEX >= 0x030C0000
    cpy_frame_init_specials(cpy_gen_iframe(o), NULL, co, NULL, NULL);
#else
    gen->gi_code = co;
#endif
    gen->gi_weakreflist = NULL;
    gen->gi_exc_state.exc_value = NULL;
    gen->gi_exc_state.previous_item = NULL;
    gen->gi_origin_or_finalizer = NULL;
    gen->gi_hooks_inited = 0;
    gen->gi_closed = 0;
    gen->gi_running_async = 0;
    gen->gi_frame_state = FRAME_CLEARED;
}

static inline void
cpy_gen_drop_code(PyObject *gen)
{
    Py_DECREF(cpy_gen_code(gen));
}

/* Generators of exactly CPython's types, and ours made of them. */
static inline int
cpy_gen_is_exact(PyObject *o)
{
    return PyGen_CheckExact(o) || PyCoro_CheckExact(o) || PyAsyncGen_CheckExact(o);
}

/* Objects/genobject.c, _PyAsyncGenWrappedValue (3.11 to 3.14): what an async generator of
   CPython's own yields.  1: *o (taken) was one and is its value (new) now. */
static inline int
cpy_async_unwrap(PyObject **o)
{
    struct {
        PyObject_HEAD
        PyObject *value;
    } *wrapped = (void *)*o;
    if (*o == NULL || Py_TYPE(*o)->tp_flags & Py_TPFLAGS_HEAPTYPE
        || strcmp(Py_TYPE(*o)->tp_name, "async_generator_wrapped_value") != 0)
        return 0;
    *o = Py_NewRef(wrapped->value);
    Py_DECREF(wrapped);
    return 1;
}

/* Objects/genobject.c, PyAsyncGenASend and PyAsyncGenAThrow (3.11 to 3.14); of a PyCoroWrapper, gen
   alone. */
typedef struct {
    PyObject_HEAD
    PyObject *gen, *argument;
    enum { CPY_STEP_NEW,
           CPY_STEP_STARTED,
           CPY_STEP_CLOSED } state;
} CpyAsyncStep;

static inline CpyAsyncStep *
cpy_async_step(PyObject *step)
{
    return (CpyAsyncStep *)step;
}

/* A new one is one that waits inside the generator already.  0, or -1 with SystemError: it is laid out in
   another way */
static inline int
cpy_async_step_started(PyObject *step)
{
    if (Py_TYPE(step)->tp_basicsize != sizeof(CpyAsyncStep)
        || cpy_async_step(step)->state != CPY_STEP_NEW) {
        PyErr_BadInternalCall();
        return -1;
    }
    cpy_async_step(step)->state = CPY_STEP_STARTED;
    return 0;
}

#endif
