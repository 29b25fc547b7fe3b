/* Generators that run: resumed by instructions of other frames, or by C.
 *
 * Where CPython's C code resumes a generator it comes in through a new activation; where a
 * FOR or SEND instruction does, the generator's frame simply becomes the running one.
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_handover.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "structmember.h"

/* -- resume, suspend, end --------------------------------------------------------------------- */

/* CPython looks for the handled exception down this list at every raise, so generators that handle
   none are not in it: they come in when they begin to, and they can't do that while they wait. */
void
vm_gen_push_exc(VmAct *A, VmFrame *gf)
{
    PyGenObject *gen = (PyGenObject *)vm_gen_self(gf);
    _PyErr_StackItem *below = cpy_exc_info(A->ts);
    gf->exc_below = below;
    while ((below->exc_value == NULL || below->exc_value == Py_None)
           && below->previous_item != NULL)
        below = below->previous_item;
    gen->gi_exc_state.previous_item = below;
    cpy_set_exc_info(A->ts, &gen->gi_exc_state);
}

static inline void
pop_exc_state(VmAct *A, VmFrame *gf)
{
    if (gf->exc_below == NULL)
        return;
    cpy_set_exc_info(A->ts, gf->exc_below);
    gf->exc_below = NULL;
    ((PyGenObject *)vm_gen_self(gf))->gi_exc_state.previous_item = NULL;
}

void
vm_gen_already_executing(PyObject *gen)
{
    PyErr_Format(PyExc_ValueError, "%s already executing", vm_gen_noun(gen));
}

/* One that a callee saw: its shadow is on top, too. */
static void
link_resumed(VmAct *A, VmFrame *f, VmFrame *gf)
{
    if (f != NULL)
        vm_link_waiting(A, f);
    cpy_frame_set_previous(gf->shadow, f == NULL ? A->entry_top : f->shadow);
    vm_after(A, gf);            /* its locals may have been looked at meanwhile */
}

/* It waits, and a unit of the recursion limit is taken: it runs from here on. */
static inline void
start_running(VmAct *A, VmFrame *f, VmFrame *gf, VmGenMode mode)
{
    PyGenObject *gen = (PyGenObject *)vm_gen_self(gf);
    gf->prev = f;
    gf->spare = GEN_RUNNING | (uint32_t)mode << 8;
    if (vm_unlikely(gf->shadow != NULL))
        link_resumed(A, f, gf);
    PyObject *handled = gen->gi_exc_state.exc_value;
    if (vm_unlikely(handled != NULL) && handled != Py_None)
        vm_gen_push_exc(A, gf);
    Py_INCREF(gen);             /* while it runs */
    vm_stats.native++;
}

static inline int
activate(VmAct *A, VmFrame *f, VmFrame *gf, VmGenMode mode)
{
    if (vm_unlikely(vm_gen_state(gf) == GEN_RUNNING)) {
        vm_gen_already_executing(vm_gen_self(gf));
        return -1;
    }
    if (vm_unlikely(--*A->left < 0) && cpy_recursion_error(A->ts, "") < 0) {
        ++*A->left;
        return -1;
    }
    start_running(A, f, gf, mode);
    return 0;
}

int
vm_gen_activate(VmAct *A, VmFrame *f, VmFrame *gf, VmGenMode mode)
{
    if (activate(A, f, gf, mode) < 0)
        return -1;
    if (gf->exc_below == NULL)
        vm_gen_push_exc(A, gf);
    return 0;
}

VmFrame *
vm_gen_resume(VmAct *A, VmFrame *f, PyObject *gen, VmWord value, VmGenMode mode)
{
    VmFrame *gf = vm_gen_frame(gen);
    if (activate(A, f, gf, mode) < 0) {
        vm_release(value);
        return NULL;
    }
    gf->regs[gf->pc->a] = value;
    return gf;
}

VmFrame *
vm_gen_next(VmAct *A, VmFrame *f, PyObject *gen)
{
    VmFrame *gf = vm_gen_frame(gen);
    const VmInsn *ip = f->pc;
    if (vm_unlikely(vm_gen_state(gf) > GEN_SUSPENDED || *A->left <= 0))
        return NULL;
    --*A->left;
    start_running(A, f, gf, GEN_BY_FOR);
    gf->regs[gf->pc->a] = VM_NONE;
    gf->ret_dst = ip->a;
    gf->ret_ip = ip + ((const int32_t *)(ip + 1))[1];
    return gf;
}

VmFrame *
vm_gen_sent(VmAct *A, VmFrame *f, PyObject *gen)
{
    VmFrame *gf = vm_gen_frame(gen);
    const VmInsn *ip = f->pc;
    VmGenState state = vm_gen_state(gf);
    VmWord value = f->regs[ip->a];
    if (vm_unlikely((state != GEN_SUSPENDED && (state != GEN_CREATED || !vm_is_none(value)))
                    || *A->left <= 0))
        return NULL;
    --*A->left;
    start_running(A, f, gf, GEN_BY_SEND);
    gf->regs[gf->pc->a] = value;
    gf->ret_dst = ip->a;
    gf->ret_ip = ip + 2;
    return gf;
}

/* The caller gives up the reference `activate` took. */
void
vm_gen_suspend(VmAct *A, VmFrame *gf)
{
    pop_exc_state(A, gf);
    if (gf->shadow != NULL) {
        cpy_set_top_frame(A->ts, cpy_frame_previous(gf->shadow));
        cpy_frame_set_previous(gf->shadow, NULL);
        if (gf->flags & FRAME_EAGER)
            vm_sync_locals(gf);
    }
    vm_gen_set_state(gf, GEN_SUSPENDED);
    gf->prev = NULL;
    vm_gen_leave_units(A, gf);
    Py_DECREF(vm_gen_self(gf));
}

/* Release what the frame holds, in CPython's order. */
void
vm_gen_clear(VmAct *A, VmFrame *gf)
{
    PyCodeObject *linked = gf->shadow == NULL ? NULL : gf->code->co;
    vm_gen_set_state(gf, GEN_DONE);
    if (linked != NULL) {
        CpyFrame *previous = cpy_frame_previous(gf->shadow);
        cpy_set_top_frame(A->ts, previous);
        cpy_frame_set_previous(gf->shadow, NULL);   /* a finished generator has no f_back */
        vm_unlink(A, gf);
        cpy_set_top_frame(A->ts, previous);
    }
    for (unsigned i = 0, n = gf->code->nlocals; i < n; i++) {
        VmWord *place = &gf->regs[vm_drop_order(i, n)], w = *place;
        *place = VM_NULL;
        vm_release_from(A, gf, w);
    }
    Py_CLEAR(gf->locals);
    Py_CLEAR(gf->func);
    Py_XDECREF(linked);
}

void
vm_gen_finish(VmAct *A, VmFrame *gf)
{
    PyGenObject *gen = (PyGenObject *)vm_gen_self(gf);
    pop_exc_state(A, gf);
    vm_gen_clear(A, gf);
    Py_CLEAR(gen->gi_exc_state.exc_value);
    gf->prev = NULL;
    vm_gen_leave_units(A, gf);
    Py_DECREF(gen);
}

/* What must not leave the generator, if exc is that. */
static const char *
stopping(PyObject *gen, PyObject *exc)
{
    if (PyErr_GivenExceptionMatches(exc, PyExc_StopIteration))
        return "StopIteration";
    if (PyObject_TypeCheck(gen, &PyAsyncGen_Type)
        && PyErr_GivenExceptionMatches(exc, PyExc_StopAsyncIteration))
        return "StopAsyncIteration";
    return NULL;
}

void
vm_gen_convert_stop(VmFrame *gf)
{
    PyObject *gen = vm_gen_self(gf);
    const char *what = CPY_GEN_STOPS_ITSELF ? NULL : stopping(gen, PyErr_Occurred());
    if (what != NULL)
        _PyErr_FormatFromCause(PyExc_RuntimeError, "%s raised %s", vm_gen_noun(gen), what);
}

/* Python/intrinsics.c, stopiteration_error (3.12 to 3.14) */
int
vm_stop_error(VmFrame *gf, VmWord *result)
{
    unsigned b = gf->pc->b;
    PyObject *gen = vm_gen_self(gf), *exc = vm_reg_object_new(gf, b), *error = exc;
    const char *what = stopping(gen, exc);
    vm_consume_unseen(gf, b);
    if (what != NULL) {
        PyObject *text = PyUnicode_FromFormat("%s raised %s", vm_gen_noun(gen), what);
        error = text == NULL ? NULL : PyObject_CallOneArg(PyExc_RuntimeError, text);
        Py_XDECREF(text);
        if (error != NULL) {
            PyException_SetCause(error, Py_NewRef(exc));
            PyException_SetContext(error, Py_NewRef(exc));
        }
        Py_DECREF(exc);
    }
    *result = vm_from_ptr(error);
    return error == NULL ? -1 : 0;
}

/* Window: the delegate, the value sent last, the exception of a throw() or close() into it. */
int
vm_cleanup_throw(VmAct *A, VmFrame *f)
{
    VmWord *w = &f->regs[f->pc->a], delegate = w[0], sent = w[1];
    PyObject *exc = vm_reg_object(f, f->pc->a + 2u);
    if (exc == NULL || !PyExceptionInstance_Check(exc)) {
        for (unsigned i = 0; i < 3; i++)
            vm_consume(A, f, f->pc->a + i);    /* no compiler made this code */
        PyErr_SetString(PyExc_SystemError, "what was thrown is no exception");
        return -1;
    }
    int ended = PyErr_GivenExceptionMatches(exc, PyExc_StopIteration);
    vm_boundary(A, f);
    if (ended) {
        w[0] = VM_NONE;
        w[1] = vm_from_ptr(Py_XNewRef(((PyStopIterationObject *)exc)->value));
        Py_DECREF(exc);
    }
    vm_release(sent);
    vm_release(delegate);
    vm_after(A, f);
    if (ended)
        return 0;
    cpy_set_raised(A->ts, exc);
    A->reraise_word = VM_NO_WORD;
    return -2;
}

/* -- from C ------------------------------------------------------------------------------------- */

int
vm_gen_is_theirs(PyObject *gen)
{
    if (!vm_has_gen_frame(gen))
        return 1;
    if (vm_likely(vm_must_delegate(cpy_thread_state()) == NULL)
        || vm_gen_state(vm_gen_frame(gen)) > GEN_SUSPENDED)
        return 0;
    if (vm_gen_become(gen) == 0)
        return 1;
    PyErr_Clear();              /* no memory: it runs here, unseen */
    return 0;
}

/* Run a generator from C: 1 yielded, 0 returned, -1 exception; *result new, or NULL. */
static inline int
run_from_c(PyThreadState *ts, PyObject *gen, VmWord value, PyObject **result)
{
    VmFrame *gf = vm_gen_frame(gen);
    *result = NULL;
    VmAct *A = vm_act_enter(ts);
    if (A == NULL) {
        vm_release(value);
        return -1;
    }
    int status = -1;
    Py_INCREF(gen);
    if (vm_likely(activate(A, NULL, gf, GEN_BY_C) == 0)) {
        gf->regs[gf->pc->a] = value;
        gf->pc++;                   /* behind its yield, or the making of the generator */
        *result = vm_run(A, gf);
        cpy_set_top_frame(ts, A->entry_top);
        status = *result == NULL ? -1 : vm_gen_state(gf) == GEN_SUSPENDED;
    }
    else
        vm_release(value);
    Py_DECREF(gen);
    vm_act_leave(A);
    return status;
}

/* gen_send_ex2 of CPython: PYGEN_NEXT, PYGEN_RETURN or PYGEN_ERROR */
PySendResult
vm_gen_am_send(PyObject *gen, PyObject *arg, PyObject **result)
{
    if (vm_gen_is_theirs(gen))
        return Py_TYPE(gen)->tp_as_async->am_send(gen, arg, result);
    VmFrame *gf = vm_gen_frame(gen);
    VmGenState state = vm_gen_state(gf);
    *result = NULL;
    if (state == GEN_CREATED && arg != NULL && arg != Py_None) {
        PyErr_Format(PyExc_TypeError, "can't send non-None value to a just-started %s",
                     vm_gen_noun(gen));
        return PYGEN_ERROR;
    }
    if (state == GEN_DONE) {
        if (Py_IS_TYPE(gen, &VmCoro_Type))
            PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        if (arg == NULL || PyErr_Occurred())
            return PYGEN_ERROR;
        *result = Py_NewRef(Py_None);
        return PYGEN_RETURN;
    }
    VmWord value = arg == NULL ? VM_NONE : vm_from_ptr(Py_NewRef(arg));
    switch (run_from_c(cpy_thread_state(), gen, value, result)) {
    case 1: return PYGEN_NEXT;
    case 0: return PYGEN_RETURN;
    default: return PYGEN_ERROR;
    }
}

/* A returned value becomes StopIteration. */
PyObject *
vm_gen_yielded_or_stop(PySendResult status, PyObject *result)
{
    if (status != PYGEN_RETURN)
        return result;
    if (result == Py_None)
        PyErr_SetNone(PyExc_StopIteration);
    else
        _PyGen_SetStopIterationValue(result);
    Py_DECREF(result);
    return NULL;
}

void
vm_gen_set_stop(VmWord value)
{
    PyObject *o = vm_box(value);
    vm_release(value);
    if (o != NULL)
        vm_gen_yielded_or_stop(PYGEN_RETURN, o);
}

PyObject *
vm_gen_send(PyObject *gen, PyObject *arg)
{
    PyObject *result;
    PySendResult status = vm_gen_am_send(gen, arg, &result);
    return vm_gen_yielded_or_stop(status, result);
}

/* tp_iternext says so without an exception. takes None, and only that */
static int
stop_without_value(PyObject *result)
{
    if (result != Py_None)
        return 0;
    Py_DECREF(result);
    return 1;
}

PyObject *
vm_gen_iternext(PyObject *gen)
{
    PyObject *result;
    PyThreadState *ts = cpy_thread_state();
    if (vm_unlikely(!vm_is_gen(gen) || vm_must_delegate(ts) != NULL) && vm_gen_is_theirs(gen))
        return Py_TYPE(gen)->tp_iternext(gen);
    if (vm_likely(vm_gen_state(vm_gen_frame(gen)) <= GEN_SUSPENDED)) {
        int status = run_from_c(ts, gen, VM_NONE, &result);
        if (vm_likely(status != 0))
            return result;
        return stop_without_value(result) ? NULL : vm_gen_yielded_or_stop(PYGEN_RETURN, result);
    }
    PySendResult status = vm_gen_am_send(gen, NULL, &result);
    return status == PYGEN_RETURN && stop_without_value(result) ? NULL
                                                                : vm_gen_yielded_or_stop(status, result);
}
