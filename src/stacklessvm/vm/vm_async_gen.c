/* Async generators: their type, and the objects of asend(), athrow() and aclose().
 *
 * Awaiting one from VM code resumes its frame directly, also through its asend object, so that chains
 * of any depth need no C stack.  Messages follow Objects/genobject.c (3.11).
 */
#include "vm/vm_gen.h"

typedef enum { AWAIT_INIT,
               AWAIT_ITER,
               AWAIT_CLOSED } AwaitState;

/* asend() and __anext__(): value; athrow() and aclose(): arguments, NULL for aclose */
typedef struct {
    PyObject_HEAD
    PyGenObject *gen;
    PyObject *payload;
    AwaitState state;
    PyObject *theirs;           /* what does its work once gen is one of CPython's, or NULL */
} AsyncStep;

static PyTypeObject VmAsend_Type;
static PyTypeObject VmAthrow_Type;

static int
init_hooks(PyGenObject *gen)
{
    if (gen->gi_hooks_inited)
        return 0;
    gen->gi_hooks_inited = 1;
    PyThreadState *ts = PyThreadState_Get();
    gen->gi_origin_or_finalizer = Py_XNewRef(ts->async_gen_finalizer);
    PyObject *first = ts->async_gen_firstiter;
    if (first == NULL)
        return 0;
    Py_INCREF(first);
    PyObject *r = PyObject_CallOneArg(first, (PyObject *)gen);
    Py_DECREF(first);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

static PyObject *
step_new(PyTypeObject *type, PyObject *gen, PyObject *payload)
{
    if (init_hooks((PyGenObject *)gen) < 0)
        return NULL;
    AsyncStep *s = PyObject_GC_New(AsyncStep, type);
    if (s == NULL)
        return NULL;
    s->gen = (PyGenObject *)Py_NewRef(gen);
    s->payload = Py_XNewRef(payload);
    s->state = AWAIT_INIT;
    s->theirs = NULL;
    PyObject_GC_Track(s);
    return (PyObject *)s;
}

static void
step_dealloc(PyObject *o)
{
    PyObject_GC_UnTrack(o);
    Py_TRASHCAN_BEGIN(o, step_dealloc)
        Py_CLEAR(((AsyncStep *)o)->gen);
    Py_CLEAR(((AsyncStep *)o)->payload);
    Py_CLEAR(((AsyncStep *)o)->theirs);
    PyObject_GC_Del(o);
    Py_TRASHCAN_END
}

static int
step_traverse(PyObject *o, visitproc visit, void *arg)
{
    Py_VISIT(((AsyncStep *)o)->gen);
    Py_VISIT(((AsyncStep *)o)->payload);
    Py_VISIT(((AsyncStep *)o)->theirs);
    return 0;
}

static int
ended(void)
{
    return PyErr_ExceptionMatches(PyExc_StopAsyncIteration)
           || PyErr_ExceptionMatches(PyExc_GeneratorExit);
}

/* CPython's own object of the kind for a generator that became CPython's, at the same point.
   -> new */
static PyObject *
theirs_new(AsyncStep *s)
{
    PyObject *gen = (PyObject *)s->gen, *step;
    if (Py_IS_TYPE((PyObject *)s, &VmAsend_Type))
        step = s->payload != NULL ? PyObject_CallMethod(gen, "asend", "(O)", s->payload)
                                  : Py_TYPE(gen)->tp_as_async->am_anext(gen);
    else if (s->payload != NULL) {
        PyObject *meth = PyObject_GetAttrString(gen, "athrow");
        step = meth == NULL ? NULL : PyObject_Call(meth, s->payload, NULL);
        Py_XDECREF(meth);
    }
    else
        step = PyObject_CallMethod(gen, "aclose", NULL);
    if (step != NULL && s->state == AWAIT_ITER && cpy_async_step_started(step) < 0)
        Py_CLEAR(step);
    return step;
}

/* Is it CPython's now?  1 yes, 0 no, -1 exception */
static int
is_theirs(AsyncStep *s)
{
    if (s->theirs != NULL)
        return 1;
    if (s->state == AWAIT_CLOSED || !vm_gen_is_theirs((PyObject *)s->gen))
        return 0;
    s->theirs = theirs_new(s);
    return s->theirs == NULL ? -1 : 1;
}

static PyObject *
theirs_send(AsyncStep *s, PyObject *arg)
{
    if (s->theirs == NULL)
        return NULL;
    return arg == NULL ? Py_TYPE(s->theirs)->tp_iternext(s->theirs)
                       : PyObject_CallMethod(s->theirs, "send", "(O)", arg);
}

static PyObject *
theirs_throw(AsyncStep *s, PyObject *const *args, Py_ssize_t n)
{
    PyObject *meth = s->theirs == NULL ? NULL : PyObject_GetAttrString(s->theirs, "throw");
    PyObject *r = meth == NULL ? NULL : PyObject_Vectorcall(meth, args, (size_t)n, NULL);
    Py_XDECREF(meth);
    return r;
}

/* Did the generator, waiting again, yield a value of its own?  A wrapped one is unwrapped. */
static int
own_yield(PyGenObject *gen, PyObject **result)
{
    return vm_has_gen_frame((PyObject *)gen) ? vm_gen_at_async_yield((PyObject *)gen)
                                             : cpy_async_unwrap(result);
}

/* An outcome of the generator as the awaiting code sees it: its own yield is the end of the
   await (StopIteration), its end StopAsyncIteration; what it awaits passes through.
   takes result */
static PyObject *
unwrap(PyGenObject *gen, PySendResult status, PyObject *result)
{
    if (status == PYGEN_NEXT) {
        if (!own_yield(gen, &result))
            return result;
        _PyGen_SetStopIterationValue(result);
    }
    else {
        if (!PyErr_Occurred())
            PyErr_SetNone(PyExc_StopAsyncIteration);
        if (ended())
            gen->gi_closed = 1;
    }
    Py_XDECREF(result);
    gen->gi_running_async = 0;
    return NULL;
}

static PyObject *
reused(const char *what)
{
    PyErr_Format(PyExc_RuntimeError, "cannot reuse already awaited %s", what);
    return NULL;
}

#define ASEND_NAMES "__anext__()/asend()"
#define ATHROW_NAMES "aclose()/athrow()"

static PyObject *
asend_send(PyObject *o, PyObject *arg)
{
    AsyncStep *s = (AsyncStep *)o;
    PyObject *result;
    if (is_theirs(s) != 0)
        return theirs_send(s, arg);
    if (s->state == AWAIT_CLOSED)
        return reused(ASEND_NAMES);
    if (s->state == AWAIT_INIT) {
        if (s->gen->gi_running_async) {
            PyErr_SetString(PyExc_RuntimeError,
                            "anext(): asynchronous generator is already running");
            return NULL;
        }
        if (arg == NULL || arg == Py_None)
            arg = s->payload;
        s->state = AWAIT_ITER;
    }
    s->gen->gi_running_async = 1;
    PySendResult status = vm_gen_am_send((PyObject *)s->gen, arg, &result);
    result = unwrap(s->gen, status, result);
    if (result == NULL)
        s->state = AWAIT_CLOSED;
    return result;
}

static PyObject *
asend_next(PyObject *o)
{
    return asend_send(o, NULL);
}

static PyObject *
asend_throw(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    AsyncStep *s = (AsyncStep *)o;
    PyObject *result;
    if (is_theirs(s) != 0)
        return theirs_throw(s, args, n);
    if (s->state == AWAIT_CLOSED)
        return reused(ASEND_NAMES);
    if (!_PyArg_CheckPositional("throw", n, 1, 3))
        return NULL;
    PySendResult status = vm_gen_throw_status((PyObject *)s->gen, args, n, 1, &result);
    result = unwrap(s->gen, status, result);
    if (result == NULL)
        s->state = AWAIT_CLOSED;
    return result;
}

static PyObject *
step_close(PyObject *o, PyObject *Py_UNUSED(ignored))
{
    ((AsyncStep *)o)->state = AWAIT_CLOSED;
    Py_CLEAR(((AsyncStep *)o)->theirs);
    Py_RETURN_NONE;
}

static PyObject *
ignored_exit(AsyncStep *s, PyObject *result)
{
    Py_XDECREF(result);
    s->gen->gi_running_async = 0;
    s->state = AWAIT_CLOSED;
    PyErr_SetString(PyExc_RuntimeError, "async generator ignored GeneratorExit");
    return NULL;
}

/* The end of an aclose() is no error. */
static void
closed_quietly(AsyncStep *s)
{
    if (ended() && s->payload == NULL) {
        PyErr_Clear();
        PyErr_SetNone(PyExc_StopIteration);
    }
}

static PyObject *
athrow_failed(AsyncStep *s)
{
    s->gen->gi_running_async = 0;
    s->state = AWAIT_CLOSED;
    closed_quietly(s);
    return NULL;
}

/* aclose(): the outcome of what ran.  takes result */
static PyObject *
aclose_outcome(AsyncStep *s, PySendResult status, PyObject *result)
{
    if (status == PYGEN_NEXT)
        return own_yield(s->gen, &result) ? ignored_exit(s, result) : result;
    if (status == PYGEN_RETURN) {
        Py_XDECREF(result);
        PyErr_SetNone(PyExc_StopAsyncIteration);
    }
    return athrow_failed(s);
}

static PyObject *
athrow_start(AsyncStep *s, PyObject *arg)
{
    PyObject *result;
    if (s->gen->gi_running_async) {
        s->state = AWAIT_CLOSED;
        PyErr_Format(PyExc_RuntimeError, "%s: asynchronous generator is already running",
                     s->payload == NULL ? "aclose()" : "athrow()");
        return NULL;
    }
    if (s->gen->gi_closed) {
        s->state = AWAIT_CLOSED;
        PyErr_SetNone(PyExc_StopAsyncIteration);
        return NULL;
    }
    if (arg != Py_None) {
        PyErr_SetString(PyExc_RuntimeError,
                        "can't send non-None value to a just-started coroutine");
        return NULL;
    }
    s->state = AWAIT_ITER;
    s->gen->gi_running_async = 1;
    if (s->payload == NULL) {
        s->gen->gi_closed = 1;
        PySendResult status = vm_gen_throw_status((PyObject *)s->gen, &PyExc_GeneratorExit, 1,
                                                  0, &result);
        return aclose_outcome(s, status, result);
    }
    Py_ssize_t n = PyTuple_GET_SIZE(s->payload);
    if (!_PyArg_CheckPositional("athrow", n, 1, 3))
        return NULL;
    PySendResult status = vm_gen_throw_status((PyObject *)s->gen, &PyTuple_GET_ITEM(s->payload, 0),
                                              n, 0, &result);
    result = unwrap(s->gen, status, result);
    return result != NULL ? result : athrow_failed(s);
}

static PyObject *
athrow_send(PyObject *o, PyObject *arg)
{
    AsyncStep *s = (AsyncStep *)o;
    PyObject *result;
    if (is_theirs(s) != 0)
        return theirs_send(s, arg);
    if (s->state == AWAIT_CLOSED)
        return reused(ATHROW_NAMES);
    if (vm_gen_state(vm_gen_frame((PyObject *)s->gen)) == GEN_DONE) {
        s->state = AWAIT_CLOSED;
        PyErr_SetNone(PyExc_StopIteration);
        return NULL;
    }
    if (s->state == AWAIT_INIT)
        return athrow_start(s, arg);
    PySendResult status = vm_gen_am_send((PyObject *)s->gen, arg, &result);
    return s->payload != NULL ? unwrap(s->gen, status, result)
                              : aclose_outcome(s, status, result);
}

static PyObject *
athrow_next(PyObject *o)
{
    return athrow_send(o, Py_None);
}

static PyObject *
athrow_throw(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    AsyncStep *s = (AsyncStep *)o;
    PyObject *result;
    if (is_theirs(s) != 0)
        return theirs_throw(s, args, n);
    if (s->state == AWAIT_CLOSED)
        return reused(ATHROW_NAMES);
    if (!_PyArg_CheckPositional("throw", n, 1, 3))
        return NULL;
    PySendResult status = vm_gen_throw_status((PyObject *)s->gen, args, n, 1, &result);
    if (s->payload != NULL)
        return unwrap(s->gen, status, result);
    if (status == PYGEN_NEXT)
        return own_yield(s->gen, &result) ? ignored_exit(s, result) : result;
    if (status == PYGEN_RETURN) {
        Py_XDECREF(result);
        PyErr_SetNone(PyExc_StopAsyncIteration);
    }
    closed_quietly(s);
    return NULL;
}

static PyMethodDef asend_methods[] = {
    {"send", asend_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))asend_throw, METH_FASTCALL, NULL},
    {"close", step_close, METH_NOARGS, NULL},
    {0},
};
static PyMethodDef athrow_methods[] = {
    {"send", athrow_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))athrow_throw, METH_FASTCALL, NULL},
    {"close", step_close, METH_NOARGS, NULL},
    {0},
};
static PyAsyncMethods step_as_async = {.am_await = PyObject_SelfIter};

#define STEP_TYPE(NAME, NEXT, METHODS) \
    { \
        PyVarObject_HEAD_INIT(NULL, 0) \
            .tp_name = NAME, \
        .tp_basicsize = sizeof(AsyncStep), \
        .tp_dealloc = step_dealloc, \
        .tp_as_async = &step_as_async, \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, \
        .tp_traverse = step_traverse, \
        .tp_iter = PyObject_SelfIter, \
        .tp_iternext = NEXT, \
        .tp_methods = METHODS, \
    }
static PyTypeObject VmAsend_Type = STEP_TYPE("async_generator_asend", asend_next, asend_methods);
static PyTypeObject VmAthrow_Type =
    STEP_TYPE("async_generator_athrow", athrow_next, athrow_methods);

static PyObject *
ag_anext(PyObject *gen)
{
    return step_new(&VmAsend_Type, gen, NULL);
}

PyObject *
vm_async_gen_asend(PyObject *gen, PyObject *value)
{
    return step_new(&VmAsend_Type, gen, value);
}

PyObject *
vm_async_gen_athrow(PyObject *gen, PyObject *args)
{
    return step_new(&VmAthrow_Type, gen, args);
}

PyObject *
vm_async_gen_aclose(PyObject *gen, PyObject *Py_UNUSED(ignored))
{
    return step_new(&VmAthrow_Type, gen, NULL);
}

static PyObject *
ag_get_running(PyObject *gen, void *Py_UNUSED(ignored))
{
    return PyBool_FromLong(((PyGenObject *)gen)->gi_running_async);
}

static PyGetSetDef ag_getset[] = {
    {"ag_frame", vm_gen_get_frame, NULL, NULL, NULL},
    {"ag_running", ag_get_running, NULL, NULL, NULL},
    {"ag_suspended", vm_gen_get_suspended, NULL, NULL, NULL},
    {"ag_await", vm_gen_get_delegate, NULL, "object being awaited on, or None", NULL},
    {"__class__", vm_gen_get_class, NULL, NULL, NULL},
    {0},
};

static PyMethodDef ag_methods[] = {
    {"asend", vm_async_gen_asend, METH_O, NULL},
    {"athrow", vm_async_gen_athrow, METH_VARARGS, NULL},
    {"aclose", vm_async_gen_aclose, METH_NOARGS, NULL},
    {0},
};

static PyAsyncMethods ag_as_async = {.am_aiter = PyObject_SelfIter, .am_anext = ag_anext};

PyTypeObject VmAsyncGen_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "async_generator",
    .tp_dealloc = vm_gen_dealloc,
    .tp_as_async = &ag_as_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = vm_gen_traverse,
    .tp_methods = ag_methods,
    .tp_getset = ag_getset,
    .tp_finalize = vm_gen_finalize,
};

/* -- SEND through an asend object -------------------------------------------------------------------- */

VmFrame *
vm_asend_resume(VmAct *A, VmFrame *f, PyObject *receiver, VmWord value, int *general)
{
    AsyncStep *s = (AsyncStep *)receiver;
    *general = 1;
    if (!Py_IS_TYPE(receiver, &VmAsend_Type) || s->state == AWAIT_CLOSED || A->delegate
        || !vm_has_gen_frame((PyObject *)s->gen))
        return NULL;
    VmGenState state = vm_gen_state(vm_gen_frame((PyObject *)s->gen));
    int first = s->state == AWAIT_INIT;
    if (first && (s->gen->gi_running_async || (s->payload != NULL && state == GEN_CREATED)))
        return NULL;
    if (state != GEN_SUSPENDED && state != GEN_CREATED)
        return NULL;
    if (first && vm_is_none(value) && s->payload != NULL) {
        vm_release(value);
        value = vm_from_ptr(Py_NewRef(s->payload));
    }
    if (state == GEN_CREATED && !vm_is_none(value))
        return NULL;
    s->state = AWAIT_ITER;
    s->gen->gi_running_async = 1;
    *general = 0;
    return vm_gen_resume(A, f, (PyObject *)s->gen, value, GEN_BY_ASEND);
}

void
vm_asend_done(PyObject *receiver, PyObject *gen)
{
    ((AsyncStep *)receiver)->state = AWAIT_CLOSED;
    ((PyGenObject *)gen)->gi_running_async = 0;
    if (PyErr_Occurred() && ended())
        ((PyGenObject *)gen)->gi_closed = 1;
}

int
vm_async_gen_init_types(void)
{
    return PyType_Ready(&VmAsend_Type) < 0 || PyType_Ready(&VmAthrow_Type) < 0 ? -1 : 0;
}
