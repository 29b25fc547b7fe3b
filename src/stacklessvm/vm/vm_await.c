/* What await, async for and anext() ask of an object.  Messages follow Python/ceval.c (3.11). */
#include "vm/vm_gen.h"

#include "vm/vm_special.h"

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

int
vm_await_init_types(void)
{
    return PyType_Ready(&Made_Type);
}
