/* Coroutines and async generators: their types, and awaiting.
 *
 * Awaiting one of ours from VM code resumes its frame directly, also through the asend
 * object of an async generator, so chains of any depth need no C stack.  C code comes in
 * through the methods.  Messages follow Objects/genobject.c and Python/ceval.c (3.11).
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_gen.h"
#include "cpyext_compat/cpy_internal.h"
#include "cpyext_compat/cpy_swap.h"
#include "vm/vm_call_out.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"

/* -- coroutines --------------------------------------------------------------------------- */

/* What __await__() gives to code that is not ours. */
typedef struct {
    PyObject_HEAD
    PyObject *coro;
    int unseen;                 /* where CPython has the coroutine itself */
} CoroWrapper;

static PyTypeObject VmCoroWrapper_Type;

static PyObject *
wrapper_new(PyObject *coro, int unseen)
{
    CoroWrapper *w = PyObject_GC_New(CoroWrapper, &VmCoroWrapper_Type);
    if (w == NULL)
        return NULL;
    w->coro = Py_NewRef(coro);
    w->unseen = unseen;
    PyObject_GC_Track(w);
    return (PyObject *)w;
}

PyObject *
vm_coro_await(PyObject *coro)
{
    return wrapper_new(coro, 0);
}

PyObject *
vm_coro_awaited(PyObject *o)
{
    if (o == NULL || !Py_IS_TYPE(o, &VmCoroWrapper_Type) || !((CoroWrapper *)o)->unseen)
        return o;
    PyObject *coro = Py_NewRef(((CoroWrapper *)o)->coro);
    Py_DECREF(o);
    return coro;
}

/* The slot, as GET_AWAITABLE calls it. */
static PyObject *
coro_am_await(PyObject *coro)
{
    if (vm_gen_is_awaiting(coro)) {
        PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
        return NULL;
    }
    return wrapper_new(coro, 1);
}

/* The instruction that CPython's evaluator is at, in the top frame, and the flags of its code.
   -> CpyOp, or -1 with MemoryError */
static int
instruction_there(int *flags)
{
    CpyStream stream = {0};
    CpyFrame *top = cpy_top_frame(cpy_thread_state());
    *flags = 0;
    if (top == NULL)
        return CPY_NOP;
    PyCodeObject *co = cpy_frame_code(top);
    *flags = co->co_flags;
    if (cpy_decode(co, &stream) < 0) {
        cpy_stream_free(&stream);
        return -1;
    }
    uint32_t word = (uint32_t)cpy_frame_word(top, co);
    uint32_t at = word < stream.n_words ? stream.at[word] : CPY_NO_INSN;
    int op = at == CPY_NO_INSN ? CPY_NOP : stream.insns[at].op;
    cpy_stream_free(&stream);
    return op;
}

/* tp_iter: a `yield from` of CPython's evaluator knows coroutines by their type, which is not ours; no
   other code finds that they have one. */
static PyObject *
coro_iter(PyObject *coro)
{
    int flags, op = instruction_there(&flags);
    if (op < 0)
        return NULL;
    if (op != CPY_GET_YIELD_FROM_ITER)
        return PyErr_Format(PyExc_TypeError, "'coroutine' object is not iterable");
    if (flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE))
        return wrapper_new(coro, 1);
    PyErr_SetString(PyExc_TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator");
    return NULL;
}

static PyGetSetDef coro_getset[] = {
    {"cr_frame", vm_gen_get_frame, NULL, NULL, NULL},
    {"cr_running", vm_gen_get_running, NULL, NULL, NULL},
    {"cr_suspended", vm_gen_get_suspended, NULL, NULL, NULL},
    {"cr_await", vm_gen_get_delegate, NULL, "object being awaited on, or None", NULL},
    {"__class__", vm_gen_get_class, NULL, NULL, NULL},
    {0},
};

static PyMethodDef coro_methods[] = {
    {"send", vm_gen_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))vm_gen_throw, METH_FASTCALL, NULL},
    {"close", vm_gen_close, METH_NOARGS, NULL},
    {0},
};

static PyAsyncMethods coro_as_async = {.am_await = coro_am_await, .am_send = vm_gen_am_send};

PyTypeObject VmCoro_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "coroutine",
    .tp_dealloc = vm_gen_dealloc,
    .tp_as_async = &coro_as_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = vm_gen_traverse,
    .tp_methods = coro_methods,
    .tp_getset = coro_getset,
    .tp_finalize = vm_gen_finalize,
};

static void
wrapper_dealloc(PyObject *o)
{
    PyObject_GC_UnTrack(o);
    Py_CLEAR(((CoroWrapper *)o)->coro);
    PyObject_GC_Del(o);
}

static int
wrapper_traverse(PyObject *o, visitproc visit, void *arg)
{
    Py_VISIT(((CoroWrapper *)o)->coro);
    return 0;
}

static PyObject *
wrapper_send(PyObject *o, PyObject *arg)
{
    return vm_gen_send(((CoroWrapper *)o)->coro, arg);
}

static PyObject *
wrapper_next(PyObject *o)
{
    return vm_gen_send(((CoroWrapper *)o)->coro, Py_None);
}

static PyObject *
wrapper_throw(PyObject *o, PyObject *const *args, Py_ssize_t n)
{
    return vm_gen_throw(((CoroWrapper *)o)->coro, args, n);
}

static PyObject *
wrapper_close(PyObject *o, PyObject *ignored)
{
    return vm_gen_close(((CoroWrapper *)o)->coro, ignored);
}

static PyMethodDef wrapper_methods[] = {
    {"send", wrapper_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))wrapper_throw, METH_FASTCALL, NULL},
    {"close", wrapper_close, METH_NOARGS, NULL},
    {0},
};

static PyTypeObject VmCoroWrapper_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "coroutine_wrapper",
    .tp_basicsize = sizeof(CoroWrapper),
    .tp_dealloc = wrapper_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = wrapper_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = wrapper_next,
    .tp_methods = wrapper_methods,
};

/* -- async generators ------------------------------------------------------------------------ */

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

/* -- awaiting -------------------------------------------------------------------------------------- */

/* Generators that types.coroutine made awaitable, CPython's and ours. */
static int
is_generator_coroutine(PyObject *o)
{
    if (Py_IS_TYPE(o, &VmGenCoro_Type))
        return 1;
    return PyGen_CheckExact(o) && cpy_gen_code(o)->co_flags & CO_ITERABLE_COROUTINE;
}

/* What __await__ returned. takes it; -> itself, or NULL */
static PyObject *
checked_await(PyObject *it)
{
    if (PyCoro_CheckExact(it) || Py_IS_TYPE(it, &VmCoro_Type) || is_generator_coroutine(it)) {
        PyErr_SetString(PyExc_TypeError, "__await__() returned a coroutine");
        Py_CLEAR(it);
    }
    else if (!PyIter_Check(it)) {
        PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'",
                     Py_TYPE(it)->tp_name);
        Py_CLEAR(it);
    }
    return it;
}

/* -> new */
static PyObject *
awaitable_iterator(PyObject *o)
{
    if (PyCoro_CheckExact(o) || Py_IS_TYPE(o, &VmCoro_Type) || is_generator_coroutine(o))
        return Py_NewRef(o);
    PyAsyncMethods *m = Py_TYPE(o)->tp_as_async;
    if (m == NULL || m->am_await == NULL) {
        PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression",
                     Py_TYPE(o)->tp_name);
        return NULL;
    }
    PyObject *it = m->am_await(o);
    return it == NULL ? NULL : checked_await(it);
}

static void
with_error(PyTypeObject *type, int why)
{
    if (why == 0 || (type->tp_as_async != NULL && type->tp_as_async->am_await != NULL))
        return;
    PyErr_Format(PyExc_TypeError,
                 "'async with' received an object from %s that does not implement "
                 "__await__: %.100s",
                 why == 1 ? "__aenter__" : "__aexit__", type->tp_name);
}

static int
awaited_already(PyObject *it)
{
    static PyObject *name;      /* interned: CPython's attribute cache keeps each new name */
    if (!PyCoro_CheckExact(it) && !Py_IS_TYPE(it, &VmCoro_Type))
        return 0;
    if (name == NULL)
        name = PyUnicode_InternFromString("cr_await");
    PyObject *other = name == NULL ? NULL : PyObject_GetAttr(it, name);
    int awaited = other != NULL && other != Py_None;
    Py_XDECREF(other);
    return awaited;
}

/* __await__, __aiter__, __anext__ written in Python; o NULL: raised already */
static VmSpecialStatus
push_async(VmAct *A, VmFrame *f, PyObject *o, VmSpecialId id, VmReturnKind kind)
{
    if (o == NULL || !vm_may_be_special(o))
        return o == NULL ? SP_RAISED : SP_NOT_MINE;
    VmWord args[1] = {vm_from_ptr(o)};
    return vm_special_start(A, f, vm_special(Py_TYPE(o), id), args, 1, VM_HOW(kind, 0));
}

int
vm_get_awaitable(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned b = f->pc->b;
    PyObject *o = vm_reg_object(f, b), *it = NULL;
    VmSpecialStatus status = push_async(A, f, o, SP_AWAIT, RET_AWAIT);
    if (status == SP_PUSHED)
        return -1;
    if (status != SP_RAISED) {
        vm_boundary(A, f);
        it = awaitable_iterator(o);
        if (it == NULL)
            with_error(Py_TYPE(o), f->pc->c);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    if (it != NULL && awaited_already(it)) {
        Py_CLEAR(it);
        PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
    }
    *result = vm_from_ptr(it);
    return it == NULL ? -1 : 0;
}

/* What __aiter__ returned. takes it; -> itself, or NULL */
static PyObject *
checked_aiter(PyObject *it)
{
    PyAsyncMethods *m = Py_TYPE(it)->tp_as_async;
    if (m == NULL || m->am_anext == NULL) {
        PyErr_Format(PyExc_TypeError,
                     "'async for' received an object from __aiter__ that does not implement "
                     "__anext__: %.100s",
                     Py_TYPE(it)->tp_name);
        Py_CLEAR(it);
    }
    return it;
}

static PyObject *
async_iterator(PyObject *o)
{
    PyAsyncMethods *m = Py_TYPE(o)->tp_as_async;
    if (m == NULL || m->am_aiter == NULL) {
        PyErr_Format(PyExc_TypeError,
                     "'async for' requires an object with __aiter__ method, got %.100s",
                     Py_TYPE(o)->tp_name);
        return NULL;
    }
    PyObject *it = m->am_aiter(o);
    return it == NULL ? NULL : checked_aiter(it);
}

int
vm_get_aiter(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned b = f->pc->b;
    PyObject *o = vm_reg_object(f, b), *it = NULL;
    VmSpecialStatus status = push_async(A, f, o, SP_AITER, RET_AITER);
    if (status == SP_PUSHED)
        return -1;
    if (status != SP_RAISED) {
        vm_boundary(A, f);
        it = async_iterator(o);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    *result = vm_from_ptr(it);
    return it == NULL ? -1 : 0;
}

/* What __anext__ returned. takes next; -> new, or NULL */
static PyObject *
checked_anext(PyObject *next)
{
    PyObject *it = awaitable_iterator(next);
    if (it == NULL)
        _PyErr_FormatFromCause(PyExc_TypeError,
                               "'async for' received an invalid object from __anext__: %.100s",
                               Py_TYPE(next)->tp_name);
    Py_DECREF(next);
    return it;
}

static PyObject *
next_awaitable(PyObject *o)
{
    PyAsyncMethods *m = Py_TYPE(o)->tp_as_async;
    if (m == NULL || m->am_anext == NULL) {
        PyErr_Format(PyExc_TypeError,
                     "'async for' requires an iterator with __anext__ method, got %.100s",
                     Py_TYPE(o)->tp_name);
        return NULL;
    }
    PyObject *next = m->am_anext(o);
    return next == NULL || PyAsyncGen_CheckExact(o) || Py_IS_TYPE(o, &VmAsyncGen_Type)
               ? next
               : checked_anext(next);
}

int
vm_get_anext(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *o = vm_reg_object(f, f->pc->b);
    if (push_async(A, f, o, SP_ANEXT, RET_ANEXT) != SP_NOT_MINE)
        return -1;
    vm_boundary(A, f);
    PyObject *it = next_awaitable(o);
    vm_after(A, f);
    *result = vm_from_ptr(it);
    return it == NULL ? -1 : 0;
}

/* ANEXT looks at its operand only; the other two consume it. */
void
vm_await_raised(VmAct *A, VmFrame *f, VmReturnKind kind)
{
    if (kind != RET_ANEXT)
        vm_consume(A, f, f->pc->b);
}

VmSpecialStatus
vm_await_returned(VmAct *A, VmFrame *f, VmReturnKind kind, VmWord v)
{
    PyObject *o = vm_box(v);
    vm_release(v);
    vm_boundary(A, f);
    if (o != NULL)
        o = kind == RET_AWAIT ? checked_await(o) : kind == RET_AITER ? checked_aiter(o)
                                                                     : checked_anext(o);
    vm_after(A, f);
    vm_await_raised(A, f, kind);   /* lets go of the same */
    if (o == NULL)
        return SP_RAISED;
    vm_set_any(A, f, f->pc->a, vm_from_ptr(o));
    f->pc++;
    return SP_DONE;
}

/* -- anext(it, default) ----------------------------------------------------------------------------------- */

/* Hands over what was made before.  The one there is, protected by the GIL. */
typedef struct {
    PyObject_HEAD
    PyObject *step;             /* borrowed from the caller */
} Made;

static PyObject *
made_anext(PyObject *o)
{
    return Py_NewRef(((Made *)o)->step);
}

static PyAsyncMethods made_as_async = {.am_anext = made_anext};
static PyTypeObject Made_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "async_iterator",
    .tp_basicsize = sizeof(Made),
    .tp_as_async = &made_as_async,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

/* The builtin's answer for an iterator that makes this step (borrowed).  -> new */
static PyObject *
anext_of(PyObject *builtin, PyObject *step, PyObject *value)
{
    static Made made = {PyObject_HEAD_INIT(&Made_Type).step = NULL};
    PyObject *args[2] = {(PyObject *)&made, value};
    made.step = step;
    return PyObject_Vectorcall(builtin, args, 2, NULL);
}

/* CPython's builtin goes on with NULL when it.__anext__() raises (Python/bltinmodule.c,
   builtin_anext_impl, 3.11): so that comes first, and the builtin is asked for the rest. */
PyObject *
vm_anext_default(PyObject *builtin, PyObject *it, PyObject *value)
{
    PyAsyncMethods *m = Py_TYPE(it)->tp_as_async;
    PyObject *args[2] = {it, value};
    if (m == NULL || m->am_anext == NULL)
        return PyObject_Vectorcall(builtin, args, 2, NULL);
    PyObject *step = m->am_anext(it);
    PyObject *result = step == NULL ? NULL : anext_of(builtin, step, value);
    Py_XDECREF(step);
    return result;
}

VmWord
vm_anext_answer(VmAct *A, VmFrame *f, VmWord both, VmWord v)
{
    PyObject *step = vm_box(v), *result = NULL;
    vm_release(v);
    vm_boundary(A, f);
    if (step != NULL)
        result = anext_of(vm_known.anext, step, PyTuple_GET_ITEM(vm_ptr(both), 1));
    Py_XDECREF(step);
    vm_after(A, f);
    return vm_from_ptr(result);
}

int
vm_end_async_for(VmAct *A, VmFrame *f)
{
    VmWord *w = &f->regs[f->pc->a];
    PyObject *exc = vm_reg_object(f, f->pc->a + 1u);
    VmWord it = w[0];
    if (exc == NULL || !PyExceptionInstance_Check(exc)) {
        vm_consume(A, f, f->pc->a + 1u);       /* no compiler made this code */
        vm_release(it);
        PyErr_SetString(PyExc_SystemError, "what ends a loop is no exception");
        return -1;
    }
    if (PyErr_GivenExceptionMatches(exc, PyExc_StopAsyncIteration)) {
        vm_boundary(A, f);
        Py_DECREF(exc);
        vm_release(it);
        vm_after(A, f);
        return 0;
    }
    vm_release(it);
    cpy_set_raised(A->ts, exc);
    A->reraise_word = VM_NO_WORD;
    return -2;
}

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
vm_coro_init_types(void)
{
    VmCoro_Type.tp_iter = coro_iter;    /* is ready: no __iter__ */
    return cpy_swap_function(&VmCoro_Type, "__await__", vm_coro_await) == NULL
                   || PyType_Ready(&VmCoroWrapper_Type) < 0 || PyType_Ready(&VmAsend_Type) < 0
                   || PyType_Ready(&VmAthrow_Type) < 0 || PyType_Ready(&Made_Type) < 0
               ? -1
               : 0;
}
