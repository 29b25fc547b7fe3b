/* Coroutines: their type, and what they give to code that is not ours.
 *
 * C code comes in through the methods.  Messages follow Objects/genobject.c (3.11).
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_swap.h"

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

int
vm_coro_init_types(void)
{
    VmCoro_Type.tp_iter = coro_iter;    /* is ready: no __iter__ */
    return cpy_swap_function(&VmCoro_Type, "__await__", vm_coro_await) == NULL
                   || PyType_Ready(&VmCoroWrapper_Type) < 0
               ? -1
               : 0;
}
