/* throw() and close(): exceptions into generators, through what they delegate to.
 *
 * Messages follow Objects/genobject.c (3.11).
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_handover.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_unwind.h"

/* The iterator a suspended `yield from` waits for.  -> borrowed, or NULL */
PyObject *
vm_gen_delegate(VmFrame *gf)
{
    if (vm_gen_state(gf) != GEN_SUSPENDED || gf->pc->op != VM_YIELD || gf->pc->c != YIELD_DELEGATING)
        return NULL;
    return vm_ptr(gf->regs[gf->pc->a - 1]);
}

/* The activated generator whose frame is gf runs from `at` on; NULL: what was raised left it. */
static PySendResult
run_on(VmAct *A, VmFrame *gf, VmFrame *at, PyObject **result)
{
    if (at != NULL)
        *result = vm_run(A, at);
    cpy_set_top_frame(A->ts, A->entry_top);
    if (*result == NULL)
        return PYGEN_ERROR;
    return vm_gen_state(gf) == GEN_SUSPENDED ? PYGEN_NEXT : PYGEN_RETURN;
}

/* Run the generator from its yield with the pending exception raised there. */
static PySendResult
resume_raising(PyObject *gen, PyObject **result)
{
    VmFrame *gf = vm_gen_frame(gen);
    *result = NULL;
    VmAct *A = vm_act_enter(cpy_thread_state());
    if (A == NULL)
        return PYGEN_ERROR;
    PySendResult status = PYGEN_ERROR;
    Py_INCREF(gen);
    int suspended = vm_gen_state(gf) == GEN_SUSPENDED;
    int active = vm_gen_activate(A, NULL, gf, GEN_BY_C) == 0;
    if (active && CPY_HANDS_OVER_RAISING && A->delegate && vm_ready_to_hand_over(gf, CPY_THROWN)) {
        int yielded;
        cpy_chain_raised(A->ts);
        *result = vm_gen_hand_over(A, gf, CPY_THROWN, &yielded);
        status = *result == NULL ? PYGEN_ERROR : yielded ? PYGEN_NEXT
                                                         : PYGEN_RETURN;
        Py_DECREF(gen);         /* of what ran */
    }
    else if (active) {
        if (suspended)
            gf->regs[gf->pc->a] = VM_NONE;      /* the slot of the sent value */
        cpy_chain_raised(A->ts);
        status = run_on(A, gf, vm_unwind(A, gf, 0), result);
    }
    Py_DECREF(gen);
    vm_act_leave(A);
    return status;
}

/* The pending exception into a generator in any state. */
static PySendResult
raise_into(PyObject *gen, PyObject **result)
{
    *result = NULL;
    switch (vm_gen_state(vm_gen_frame(gen))) {
    case GEN_DONE:
        if (Py_IS_TYPE(gen, &VmCoro_Type))
            PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        return PYGEN_ERROR;
    case GEN_RUNNING:
        vm_gen_already_executing(gen);
        return PYGEN_ERROR;
    default:
        return resume_raising(gen, result);
    }
}

static int
close_iterator(PyObject *it)
{
    PyObject *meth, *r;
    if (PyObject_GetOptionalAttr(it, PyUnicode_InternFromString("close"), &meth) < 0)
        PyErr_WriteUnraisable(it);
    if (meth == NULL)
        return 0;
    r = PyObject_CallNoArgs(meth);
    Py_DECREF(meth);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

PyObject *
vm_gen_close(PyObject *gen, PyObject *Py_UNUSED(ignored))
{
    if (vm_gen_is_theirs(gen))
        return PyObject_CallMethod(gen, "close", NULL);
    VmFrame *gf = vm_gen_frame(gen);
    int error = 0;
    if (vm_gen_state(gf) == GEN_DONE)
        Py_RETURN_NONE;
    PyObject *delegate = vm_gen_delegate(gf);
    if (delegate != NULL) {
        Py_INCREF(delegate);
        vm_gen_set_state(gf, GEN_RUNNING);
        error = close_iterator(delegate);
        vm_gen_set_state(gf, GEN_SUSPENDED);
        Py_DECREF(delegate);
    }
    if (error == 0)
        PyErr_SetNone(PyExc_GeneratorExit);
    PyObject *r;
    PySendResult status = raise_into(gen, &r);
    if (status == PYGEN_RETURN) {
        Py_DECREF(r);
        Py_RETURN_NONE;
    }
    if (r != NULL) {
        Py_DECREF(r);
        PyErr_Format(PyExc_RuntimeError, "%s ignored GeneratorExit", vm_gen_noun(gen));
        return NULL;
    }
    if (PyErr_ExceptionMatches(PyExc_StopIteration)
        || PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    return NULL;
}

/* The delegate of `yield from` ended inside throw(): go on behind the SEND with its value. */
static PySendResult
continue_after_delegate(PyObject *gen, PyObject **result)
{
    VmFrame *gf = vm_gen_frame(gen);
    PyObject *value = NULL;
    *result = NULL;
    if (CPY_GEN_STOPS_ITSELF || _PyGen_FetchStopIterationValue(&value) < 0)
        return raise_into(gen, result);
    const VmInsn *send = gf->pc - 2;
    assert(send->op == VM_SEND);
    unsigned to = send->c ? send->a : send->b;
    VmWord old = send->c ? VM_NULL : gf->regs[to];
    gf->regs[to] = vm_from_ptr(value);
    vm_release(old);
    VmAct *A = vm_act_enter(cpy_thread_state());
    if (A == NULL)
        return PYGEN_ERROR;
    PySendResult status = PYGEN_ERROR;
    Py_INCREF(gen);
    if (vm_gen_activate(A, NULL, gf, GEN_BY_C) == 0) {
        gf->pc = send + ((const int32_t *)(send + 1))[0];
        status = run_on(A, gf, gf, result);
    }
    Py_DECREF(gen);
    vm_act_leave(A);
    return status;
}

/* While a generator or coroutine is thrown into, the one that waits for it is on the stack. */
static CpyFrame *
show_delegating(VmFrame *gf, PyObject *delegate)
{
    PyThreadState *ts = cpy_thread_state();
    CpyFrame *top = NULL;
    vm_gen_set_state(gf, GEN_RUNNING);
    if (vm_has_gen_frame(delegate) || PyGen_CheckExact(delegate) || PyCoro_CheckExact(delegate)) {
        top = cpy_top_frame(ts);
        if (gf->shadow == NULL)
            vm_link_suspended(gf);
        cpy_frame_set_word(gf->shadow, gf->code->co,
                           vm_code_word(gf->code, gf->pc));
        cpy_frame_set_previous(gf->shadow, top);
        cpy_set_top_frame(ts, gf->shadow);
    }
    return top;
}

static void
hide_delegating(VmFrame *gf, CpyFrame *top)
{
    vm_gen_set_state(gf, GEN_SUSPENDED);
    if (top == NULL)
        return;
    cpy_set_top_frame(cpy_thread_state(), top);
    cpy_frame_set_previous(gf->shadow, NULL);
}

/* 1: done, *status and *result say how; 0: throw at the yield itself */
static int
throw_into_delegate(PyObject *gen, PyObject *delegate, PyObject *const *args, Py_ssize_t n,
                    int close_delegate, PySendResult *status, PyObject **result)
{
    VmFrame *gf = vm_gen_frame(gen);
    PyObject *meth;
    *status = PYGEN_ERROR;
    *result = NULL;
    if (close_delegate && PyErr_GivenExceptionMatches(args[0], PyExc_GeneratorExit)) {
        vm_gen_set_state(gf, GEN_RUNNING);
        int error = close_iterator(delegate);
        vm_gen_set_state(gf, GEN_SUSPENDED);
        if (error == 0)
            return 0;
        *status = raise_into(gen, result);
        return 1;
    }
    if (PyObject_GetOptionalAttr(delegate, PyUnicode_InternFromString("throw"), &meth) < 0)
        return 1;
    if (meth == NULL)
        return 0;
    CpyFrame *top = show_delegating(gf, delegate);
    *result = PyObject_Vectorcall(meth, args, (size_t)n, NULL);
    hide_delegating(gf, top);
    Py_DECREF(meth);
    if (*result != NULL)
        *status = PYGEN_NEXT;
    else
        *status = continue_after_delegate(gen, result);
    return 1;
}

/* Make (type, value, tb) the pending exception.  0, or -1 with TypeError */
static int
set_thrown(PyObject *type, PyObject *value, PyObject *tb)
{
    if (tb == Py_None)
        tb = NULL;
    else if (tb != NULL && !PyTraceBack_Check(tb)) {
        PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object");
        return -1;
    }
    Py_INCREF(type);
    Py_XINCREF(value);
    Py_XINCREF(tb);
    if (PyExceptionClass_Check(type))
        PyErr_NormalizeException(&type, &value, &tb);
    else if (PyExceptionInstance_Check(type)) {
        if (value != NULL && value != Py_None) {
            PyErr_SetString(PyExc_TypeError, "instance exception may not have a separate value");
            goto failed;
        }
        Py_XSETREF(value, type);
        type = Py_NewRef(PyExceptionInstance_Class(type));
        if (tb == NULL)
            tb = PyException_GetTraceback(value);
    }
    else {
        PyErr_Format(PyExc_TypeError,
                     "exceptions must be classes or instances deriving from BaseException, "
                     "not %s",
                     Py_TYPE(type)->tp_name);
        goto failed;
    }
    PyErr_Restore(type, value, tb);
    return 0;
failed:
    Py_DECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    return -1;
}

/* It handles no exception: what is thrown through it gets no context from it. */
static int
handles_nothing(PyObject *gen)
{
    PyObject *exc = ((PyGenObject *)gen)->gi_exc_state.exc_value;
    return exc == NULL || exc == Py_None;
}

/* A delegate that waits at a yield in a frame of ours, or awaits one. */
static int
is_frame_delegate(PyObject *delegate)
{
    return delegate != NULL && (vm_is_gen(delegate) || Py_IS_TYPE(delegate, &VmCoro_Type))
           && vm_gen_state(vm_gen_frame(delegate)) == GEN_SUSPENDED;
}

/* Throw at the end of a chain of such delegates, however long: each becomes the running frame
   below the next, as if the SENDs had resumed them, and what comes out goes back to the SENDs. */
static PySendResult
throw_down(PyObject *gen, PyObject *exc, PyObject **result)
{
    VmFrame *start = vm_gen_frame(gen), *f = start, *below = NULL;
    VmGenMode mode = GEN_BY_C;
    VmAct *A = vm_act_enter(cpy_thread_state());
    if (A == NULL)
        return PYGEN_ERROR;
    PySendResult status = PYGEN_ERROR;
    Py_INCREF(gen);
    for (;;) {
        PyObject *delegate = vm_gen_delegate(f);
        *A->left += below != NULL;      /* in CPython that one runs only when this one is through */
        if (vm_gen_activate(A, below, f, mode) < 0) {
            *A->left -= below != NULL;
            break;
        }
        if (below != NULL) {
            f->flags |= FRAME_UNCOUNTED;
            f->ret_dst = below->pc->a;
            f->ret_ip = below->pc + 2;
        }
        below = f;
        if (!is_frame_delegate(delegate)) {
            f->regs[f->pc->a] = VM_NONE;        /* the slot of the sent value */
            if (set_thrown(exc, NULL, NULL) == 0)
                cpy_chain_raised(A->ts);
            break;
        }
        f->pc -= 2;
        assert(f->pc->op == VM_SEND);
        f = vm_gen_frame(delegate);
        mode = GEN_BY_SEND;
    }
    if (below != NULL)
        status = run_on(A, start, vm_unwind(A, below, 0), result);
    Py_DECREF(gen);
    vm_act_leave(A);
    return status;
}

PySendResult
vm_gen_throw_status(PyObject *gen, PyObject *const *args, Py_ssize_t n, int close_delegate,
                    PyObject **result)
{
    PyObject *delegate = vm_gen_delegate(vm_gen_frame(gen));
    PySendResult status;
    *result = NULL;
    if (is_frame_delegate(delegate) && n == 1
        && (PyExceptionClass_Check(args[0]) || PyExceptionInstance_Check(args[0]))
        && !PyErr_GivenExceptionMatches(args[0], PyExc_GeneratorExit)) {
        VmFrame *last = vm_gen_frame(delegate);
        PyObject *next;
        int quiet = handles_nothing(gen) && handles_nothing(delegate);
        while (quiet && is_frame_delegate(next = vm_gen_delegate(last))) {
            last = vm_gen_frame(next);
            quiet = handles_nothing(next);
        }
        if (quiet && next == NULL)
            return throw_down(gen, args[0], result);
    }
    if (delegate != NULL) {
        if ((char *)__builtin_frame_address(0) <= vm_c_stack_low()) {
            vm_c_stack_error();
            return PYGEN_ERROR;
        }
        Py_INCREF(delegate);
        int done = throw_into_delegate(gen, delegate, args, n, close_delegate, &status, result);
        Py_DECREF(delegate);
        if (done)
            return status;
    }
    if (set_thrown(args[0], n > 1 ? args[1] : NULL, n > 2 ? args[2] : NULL) < 0)
        return PYGEN_ERROR;
    return raise_into(gen, result);
}

static PyObject *
throw_theirs(PyObject *gen, PyObject *const *args, Py_ssize_t n)
{
    PyObject *key = PyUnicode_InternFromString("throw");
    PyObject *meth = key == NULL ? NULL : PyObject_GetAttr(gen, key);
    Py_XDECREF(key);
    PyObject *r = meth == NULL ? NULL : PyObject_Vectorcall(meth, args, (size_t)n, NULL);
    Py_XDECREF(meth);
    return r;
}

static PyObject *
throw_ours(PyObject *gen, PyObject *const *args, Py_ssize_t n)
{
    PyObject *result;
    if (vm_gen_is_theirs(gen))
        return throw_theirs(gen, args, n);
    if (!_PyArg_CheckPositional("throw", n, 1, 3))
        return NULL;
    PySendResult status = vm_gen_throw_status(gen, args, n, 1, &result);
    return vm_gen_yielded_or_stop(status, result);
}

PyObject *
vm_gen_throw(PyObject *gen, PyObject *const *args, Py_ssize_t n)
{
    PyThreadState *ts = cpy_thread_state();
    CpyFrame *waiting = vm_gen_show_waiting(ts, gen);
    PyObject *result = throw_ours(gen, args, n);
    vm_gen_hide_waiting(ts, waiting);
    return result;
}

int
vm_gen_is_awaiting(PyObject *gen)
{
    return vm_gen_delegate(vm_gen_frame(gen)) != NULL;
}

int
vm_gen_at_async_yield(PyObject *gen)
{
    VmFrame *gf = vm_gen_frame(gen);
    return vm_gen_state(gf) == GEN_SUSPENDED && gf->pc->op == VM_YIELD
           && gf->pc->c == YIELD_ASYNC;
}
