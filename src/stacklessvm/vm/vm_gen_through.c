/* throw() through generators of CPython's own that wait for one of ours.
 *
 * While a delegate is thrown into, CPython has the frame of the one that waits for it on the stack, if
 * the delegate is of a type of its own exactly.  For those of ours vm_gen_throw() does it, which is told
 * here who waits.  The GIL protects it.
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_swap.h"

typedef struct {
    PyObject *waiting;          /* of CPython's, and what it delegates to; borrowed */
    PyObject *delegate;
} Through;

static Through through;

/* -> borrowed from gen, or NULL */
static PyObject *
delegate_of(PyObject *gen)
{
    const char *name = PyGen_CheckExact(gen) ? "gi_yieldfrom" : PyCoro_CheckExact(gen) ? "cr_await"
                                                                                       : "ag_await";
    PyObject *key = PyUnicode_InternFromString(name);   /* the cache of types keeps others */
    PyObject *o = key == NULL ? NULL : PyObject_GetAttr(gen, key);
    Py_XDECREF(key);
    if (o == NULL)
        PyErr_Clear();
    Py_XDECREF(o);
    return o == Py_None ? NULL : o;
}

/* Of a chain of CPython's, the one that delegates to one of ours. */
static Through
way_down(PyObject *gen)
{
    while (gen != NULL && cpy_gen_is_exact(gen)) {
        PyObject *delegate = delegate_of(gen);
        if (delegate != NULL && vm_has_gen_frame(delegate))
            return (Through){gen, delegate};
        gen = delegate;
    }
    return (Through){NULL, NULL};
}

static int
is_on_stack(PyThreadState *ts, CpyFrame *frame)
{
    CpyFrame *f = cpy_top_frame(ts);
    while (f != NULL && f != frame)
        f = cpy_frame_previous(f);
    return f != NULL;
}

CpyFrame *
vm_gen_show_waiting(PyThreadState *ts, PyObject *delegate)
{
    if (vm_likely(through.delegate != delegate))
        return NULL;
    CpyFrame *frame = cpy_gen_iframe(through.waiting);
    through = (Through){NULL, NULL};
    if (is_on_stack(ts, frame))         /* it runs: it is not thrown through any more */
        return NULL;
    cpy_frame_set_previous(frame, cpy_top_frame(ts));
    cpy_set_top_frame(ts, frame);
    return frame;
}

void
vm_gen_hide_waiting(PyThreadState *ts, CpyFrame *frame)
{
    if (frame == NULL)
        return;
    cpy_set_top_frame(ts, cpy_frame_previous(frame));
    cpy_frame_set_previous(frame, NULL);
}

/* The CALL throws before it runs any code. */
#define THROWN_THROUGH(GEN, CALL) \
    do { \
        through = way_down(GEN); \
        PyObject *r_ = (CALL); \
        through = (Through){NULL, NULL}; \
        return r_; \
    } while (0)

/* What it closes it does not throw into. */
static int
closes(PyObject *const *args, Py_ssize_t n)
{
    return n > 0 && PyErr_GivenExceptionMatches(args[0], PyExc_GeneratorExit);
}

PyObject *
vm_gen_throw_through(PyObject *gen, PyObject *const *args, Py_ssize_t n, _PyCFunctionFast theirs)
{
    THROWN_THROUGH(closes(args, n) ? NULL : gen, theirs(gen, args, n));
}

/* -- steps ------------------------------------------------------------------------------------------ */

/* The objects of CPython's asend(), athrow() and __await__() throw into what made them, that of athrow()
   when it is sent to for the first time, too.  Their types are not exported: each is known when the first one is made. */
static struct Step {
    PyTypeObject *type;
    _PyCFunctionFast throw;
    PyCFunction send;
    iternextfunc next;
} steps[3];

static struct Step *
step_of(PyTypeObject *type)
{
    struct Step *s = steps;
    while (s < &steps[Py_ARRAY_LENGTH(steps)] && s->type != type && s->type != NULL)
        s++;
    return s;
}

/* An athrow() that has not begun -> borrowed from it, or NULL */
static PyObject *
first_thrown(PyObject *step)
{
    return cpy_async_step(step)->state == CPY_STEP_NEW ? cpy_async_step(step)->gen : NULL;
}

static PyObject *
step_throw(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    THROWN_THROUGH(cpy_async_step(o)->gen, step_of(Py_TYPE(o))->throw(o, args, n));
}

static PyObject *
step_send(PyObject *o, PyObject *arg)
{
    THROWN_THROUGH(first_thrown(o), step_of(Py_TYPE(o))->send(o, arg));
}

static PyObject *
step_next(PyObject *o)
{
    THROWN_THROUGH(first_thrown(o), step_of(Py_TYPE(o))->next(o));
}

/* 1, or 0 with SystemError */
static int
swap_step(struct Step *s, PyTypeObject *type, int sent)
{
    s->throw = (_PyCFunctionFast)cpy_swap_function(type, "throw", step_throw);
    if (sent) {
        s->send = (PyCFunction)cpy_swap_function(type, "send", step_send);
        s->next = (iternextfunc)cpy_swap_function(type, "__next__", step_next);
        type->tp_iternext = step_next;
    }
    s->type = type;
    return s->throw != NULL && (!sent || (s->send != NULL && s->next != NULL));
}

PyObject *
vm_gen_step_made(PyObject *o, int sent)
{
    struct Step *s = o == NULL ? NULL : step_of(Py_TYPE(o));
    if (s == NULL || s->type != NULL || swap_step(s, Py_TYPE(o), sent))
        return o;
    Py_DECREF(o);
    return NULL;
}
