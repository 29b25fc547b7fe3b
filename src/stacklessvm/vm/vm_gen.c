/* Generators: frames that live in an object, and their type.
 *
 * Where CPython's C code resumes a generator it comes in through a new activation; where a
 * FOR or SEND instruction does, the generator's frame simply becomes the running one.
 * Messages follow Objects/genobject.c (3.11).
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_gen.h"
#include "cpyext_compat/cpy_internal.h"
#include "cpyext_compat/cpy_lazy_locals.h"
#include "vm/vm_call_out.h"
#include "vm/vm_handover.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_unwind.h"
#include "structmember.h"

/* -- layout ------------------------------------------------------------------------------ */

static size_t
slots_of(PyCodeObject *co)
{
    return (size_t)cpy_code_nlocalsplus(co) + (size_t)cpy_code_stacksize(co) + VM_OUT_FREE;
}

VmFrame *
vm_gen_frame(PyObject *gen)
{
    char *slots = (char *)cpy_gen_iframe(gen) + CPY_FRAME_HEADER;
    return (VmFrame *)(slots + slots_of(cpy_gen_code(gen)) * sizeof(PyObject *));
}

CpyFrame *
vm_gen_shadow(VmFrame *f)
{
    return cpy_gen_iframe(vm_ptr(f->aux));
}

static PyObject *
self_of(VmFrame *gf)
{
    return vm_ptr(gf->aux);
}

/* -- making one ---------------------------------------------------------------------------- */

static PyGenObject *
gen_alloc(PyTypeObject *type, VmCode *code)
{
    size_t bytes = slots_of(code->co) * sizeof(PyObject *) + sizeof(VmFrame)
                   + code->nregs * sizeof(VmWord);
    PyGenObject *gen =
        (PyGenObject *)_PyObject_GC_NewVar(type, (Py_ssize_t)(bytes / sizeof(PyObject *)));
    if (gen != NULL)
        cpy_gen_init((PyObject *)gen, code->co);
    return gen;
}

static PyTypeObject *
type_for(int flags)
{
    return flags & CO_COROUTINE            ? &VmCoro_Type
           : flags & CO_ASYNC_GENERATOR    ? &VmAsyncGen_Type
           : flags & CO_ITERABLE_COROUTINE ? &VmGenCoro_Type
                                           : &VmGen_Type;
}

const char *
vm_gen_noun(PyObject *gen)
{
    return PyObject_TypeCheck(gen, &PyCoro_Type)       ? "coroutine"
           : PyObject_TypeCheck(gen, &PyAsyncGen_Type) ? "async generator"
                                                       : "generator";
}

/* sys.set_coroutine_origin_tracking_depth().  0 / -1 */
static int
note_origin(VmAct *A, VmFrame *f, PyGenObject *gen)
{
    int depth = A->ts->coroutine_origin_tracking_depth;
    if (depth == 0 || !Py_IS_TYPE((PyObject *)gen, &VmCoro_Type) || f->prev == NULL)
        return 0;
    vm_boundary(A, f->prev);
    gen->gi_origin_or_finalizer = cpy_origin(A->ts, depth);
    return gen->gi_origin_or_finalizer == NULL ? -1 : 0;
}

PyObject *
vm_gen_new(VmAct *A, VmFrame *f)
{
    VmCode *code = f->code;
    PyGenObject *gen = gen_alloc(type_for(code->co->co_flags), code);
    if (gen == NULL)
        return NULL;
    gen->gi_name = Py_NewRef(f->func->func_name);
    gen->gi_qualname = Py_NewRef(f->func->func_qualname);
    VmFrame *gf = vm_gen_frame((PyObject *)gen);
    memset(gf, 0, sizeof *gf);
    gf->code = code;
    gf->pc = f->pc;
    gf->func = (PyFunctionObject *)Py_NewRef(f->func);
    gf->kind = RET_GENERATOR;
    gf->flags = FRAME_GENERATOR | (f->flags & FRAME_LOCALS);
    gf->locals = Py_XNewRef(f->locals);
    gf->aux = vm_from_ptr((PyObject *)gen);
    vm_gen_set_state(gf, GEN_CREATED);
    for (unsigned i = 0; i < code->nlocals; i++) {
        gf->regs[i] = f->regs[i];
        f->regs[i] = VM_NULL;
    }
    PyObject_GC_Track((PyObject *)gen);
    if (note_origin(A, f, gen) < 0)
        Py_CLEAR(gen);
    return (PyObject *)gen;
}

/* -- resume, suspend, end --------------------------------------------------------------------- */

/* CPython looks for the handled exception down this list at every raise; generators that
   handle none are left out, or raising in a deep chain of them would be quadratic.  They
   can't come to handle one while they wait. */
static void
push_exc_state(VmAct *A, VmFrame *gf)
{
    PyGenObject *gen = (PyGenObject *)self_of(gf);
    _PyErr_StackItem *below = cpy_exc_info(A->ts);
    gf->exc_below = below;
    while ((below->exc_value == NULL || below->exc_value == Py_None)
           && below->previous_item != NULL)
        below = below->previous_item;
    gen->gi_exc_state.previous_item = below;
    cpy_set_exc_info(A->ts, &gen->gi_exc_state);
}

static void
pop_exc_state(VmAct *A, VmFrame *gf)
{
    cpy_set_exc_info(A->ts, gf->exc_below);
    ((PyGenObject *)self_of(gf))->gi_exc_state.previous_item = NULL;
}

static void
already_executing(PyObject *gen)
{
    PyErr_Format(PyExc_ValueError, "%s already executing", vm_gen_noun(gen));
}

/* Put the frame on top; its yield's destination is not written yet.  0 / -1 */
static int
activate(VmAct *A, VmFrame *f, VmFrame *gf, VmGenMode mode)
{
    if (vm_gen_state(gf) == GEN_RUNNING) {
        already_executing(self_of(gf));
        return -1;
    }
    if (--*A->left < 0 && cpy_recursion_error(A->ts, "") < 0) {
        ++*A->left;
        return -1;
    }
    gf->prev = f;
    gf->spare = GEN_RUNNING | (uint32_t)mode << 8;
    if (gf->shadow != NULL) {
        if (f != NULL)
            vm_link_waiting(A, f);
        cpy_frame_set_previous(gf->shadow, f == NULL ? A->entry_top : f->shadow);
        vm_after(A, gf);        /* its locals may have been looked at meanwhile */
    }
    push_exc_state(A, gf);
    Py_INCREF(self_of(gf));     /* while it runs */
    vm_stats.native++;
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
    Py_DECREF(self_of(gf));
}

/* Release what the frame holds, in CPython's order. */
static void
clear_frame(VmAct *A, VmFrame *gf)
{
    vm_gen_set_state(gf, GEN_DONE);
    if (gf->shadow != NULL) {
        CpyFrame *previous = cpy_frame_previous(gf->shadow);
        cpy_set_top_frame(A->ts, previous);
        cpy_frame_set_previous(gf->shadow, NULL);   /* a finished generator has no f_back */
        vm_unlink(A, gf);
        cpy_set_top_frame(A->ts, previous);
    }
    for (unsigned i = 0, n = gf->code->nlocals; i < n; i++) {
        VmWord *place = &gf->regs[vm_drop_order(i, n)], w = *place;
        *place = VM_NULL;
        vm_release(w);
    }
    Py_CLEAR(gf->locals);
    Py_CLEAR(gf->func);
}

void
vm_gen_finish(VmAct *A, VmFrame *gf)
{
    PyGenObject *gen = (PyGenObject *)self_of(gf);
    pop_exc_state(A, gf);
    clear_frame(A, gf);
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
    PyObject *gen = self_of(gf);
    const char *what = CPY_GEN_STOPS_ITSELF ? NULL : stopping(gen, PyErr_Occurred());
    if (what != NULL)
        _PyErr_FormatFromCause(PyExc_RuntimeError, "%s raised %s", vm_gen_noun(gen), what);
}

/* Python/intrinsics.c, stopiteration_error (3.12 to 3.14) */
int
vm_stop_error(VmFrame *gf, VmWord *result)
{
    unsigned b = gf->pc->b;
    PyObject *gen = self_of(gf), *exc = vm_reg_object_new(gf, b), *error = exc;
    const char *what = stopping(gen, exc);
    vm_consume(gf, b);
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
            vm_consume(f, f->pc->a + i);    /* no compiler made this code */
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
static PyObject *
yielded_or_stop(PySendResult status, PyObject *result)
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
        yielded_or_stop(PYGEN_RETURN, o);
}

PyObject *
vm_gen_send(PyObject *gen, PyObject *arg)
{
    PyObject *result;
    PySendResult status = vm_gen_am_send(gen, arg, &result);
    return yielded_or_stop(status, result);
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

static PyObject *
gen_iternext(PyObject *gen)
{
    PyObject *result;
    PyThreadState *ts = cpy_thread_state();
    if (vm_unlikely(!vm_is_gen(gen) || vm_must_delegate(ts) != NULL) && vm_gen_is_theirs(gen))
        return Py_TYPE(gen)->tp_iternext(gen);
    if (vm_likely(vm_gen_state(vm_gen_frame(gen)) <= GEN_SUSPENDED)) {
        int status = run_from_c(ts, gen, VM_NONE, &result);
        if (vm_likely(status != 0))
            return result;
        return stop_without_value(result) ? NULL : yielded_or_stop(PYGEN_RETURN, result);
    }
    PySendResult status = vm_gen_am_send(gen, NULL, &result);
    return status == PYGEN_RETURN && stop_without_value(result) ? NULL
                                                                : yielded_or_stop(status, result);
}

/* -- throw and close -------------------------------------------------------------------------------- */

/* The iterator a suspended `yield from` waits for.  -> borrowed, or NULL */
static PyObject *
delegate_of(VmFrame *gf)
{
    if (vm_gen_state(gf) != GEN_SUSPENDED || gf->pc->op != VM_YIELD || gf->pc->c != YIELD_DELEGATING)
        return NULL;
    return vm_ptr(gf->regs[gf->pc->a - 1]);
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
    int active = activate(A, NULL, gf, GEN_BY_C) == 0;
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
        VmFrame *at = vm_unwind(A, gf, 0);
        if (at != NULL)
            *result = vm_run(A, at);
        cpy_set_top_frame(A->ts, A->entry_top);
        if (*result != NULL)
            status = vm_gen_state(gf) == GEN_SUSPENDED ? PYGEN_NEXT : PYGEN_RETURN;
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
        already_executing(gen);
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
    PyObject *delegate = delegate_of(gf);
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
    if (activate(A, NULL, gf, GEN_BY_C) == 0) {
        gf->pc = send + ((const int32_t *)(send + 1))[0];
        *result = vm_run(A, gf);
        cpy_set_top_frame(A->ts, A->entry_top);
        if (*result != NULL)
            status = vm_gen_state(gf) == GEN_SUSPENDED ? PYGEN_NEXT : PYGEN_RETURN;
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
                           gf->code->where[gf->pc - gf->code->insns].word);
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
        PyObject *delegate = delegate_of(f);
        if (activate(A, below, f, mode) < 0)
            break;
        if (below != NULL) {
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
    if (below != NULL) {
        VmFrame *at = vm_unwind(A, below, 0);
        if (at != NULL)
            *result = vm_run(A, at);
        cpy_set_top_frame(A->ts, A->entry_top);
        if (*result != NULL)
            status = vm_gen_state(start) == GEN_SUSPENDED ? PYGEN_NEXT : PYGEN_RETURN;
    }
    Py_DECREF(gen);
    vm_act_leave(A);
    return status;
}

PySendResult
vm_gen_throw_status(PyObject *gen, PyObject *const *args, Py_ssize_t n, int close_delegate,
                    PyObject **result)
{
    PyObject *delegate = delegate_of(vm_gen_frame(gen));
    PySendResult status;
    *result = NULL;
    if (is_frame_delegate(delegate) && n == 1
        && (PyExceptionClass_Check(args[0]) || PyExceptionInstance_Check(args[0]))
        && !PyErr_GivenExceptionMatches(args[0], PyExc_GeneratorExit)) {
        VmFrame *last = vm_gen_frame(delegate);
        PyObject *next;
        int quiet = handles_nothing(gen) && handles_nothing(delegate);
        while (quiet && is_frame_delegate(next = delegate_of(last))) {
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
    PyObject *meth = PyObject_GetAttrString(gen, "throw");
    PyObject *r = meth == NULL ? NULL : PyObject_Vectorcall(meth, args, (size_t)n, NULL);
    Py_XDECREF(meth);
    return r;
}

PyObject *
vm_gen_throw(PyObject *gen, PyObject *const *args, Py_ssize_t n)
{
    PyObject *result;
    if (vm_gen_is_theirs(gen))
        return throw_theirs(gen, args, n);
    if (!_PyArg_CheckPositional("throw", n, 1, 3))
        return NULL;
    PySendResult status = vm_gen_throw_status(gen, args, n, 1, &result);
    return yielded_or_stop(status, result);
}

int
vm_gen_is_awaiting(PyObject *gen)
{
    return delegate_of(vm_gen_frame(gen)) != NULL;
}

int
vm_gen_at_async_yield(PyObject *gen)
{
    VmFrame *gf = vm_gen_frame(gen);
    return vm_gen_state(gf) == GEN_SUSPENDED && gf->pc->op == VM_YIELD
           && gf->pc->c == YIELD_ASYNC;
}

/* -- attributes ------------------------------------------------------------------------------------------- */

/* The frame object of a live generator, made on demand. */
PyObject *
vm_gen_get_frame(PyObject *gen, void *Py_UNUSED(ignored))
{
    VmFrame *gf = vm_gen_frame(gen);
    if (vm_gen_state(gf) == GEN_DONE)
        Py_RETURN_NONE;
    PyThreadState *ts = cpy_thread_state();
    if (gf->shadow == NULL)
        vm_link_suspended(gf);
    if (vm_gen_state(gf) != GEN_RUNNING)
        cpy_frame_set_word(gf->shadow, gf->code->co,
                           gf->code->where[gf->pc - gf->code->insns].word);
    CpyFrame *top = cpy_top_frame(ts);
    cpy_set_top_frame(ts, gf->shadow);
    PyObject *fo = (PyObject *)PyThreadState_GetFrame(ts);
    cpy_set_top_frame(ts, top);
    if (fo == NULL && !PyErr_Occurred())
        Py_RETURN_NONE;
    return fo;
}

PyObject *
vm_gen_get_running(PyObject *gen, void *Py_UNUSED(ignored))
{
    return PyBool_FromLong(vm_gen_state(vm_gen_frame(gen)) == GEN_RUNNING);
}

PyObject *
vm_gen_get_suspended(PyObject *gen, void *Py_UNUSED(ignored))
{
    return PyBool_FromLong(vm_gen_state(vm_gen_frame(gen)) == GEN_SUSPENDED);
}

PyObject *
vm_gen_get_delegate(PyObject *gen, void *Py_UNUSED(ignored))
{
    PyObject *delegate = delegate_of(vm_gen_frame(gen));
    return Py_NewRef(delegate == NULL ? Py_None : delegate);
}

PyObject *
vm_gen_get_class(PyObject *gen, void *Py_UNUSED(ignored))
{
    return Py_NewRef((PyObject *)Py_TYPE(gen)->tp_base);
}

static PyGetSetDef gen_getset[] = {
    {"gi_frame", vm_gen_get_frame, NULL, NULL, NULL},
    {"gi_running", vm_gen_get_running, NULL, NULL, NULL},
    {"gi_suspended", vm_gen_get_suspended, NULL, NULL, NULL},
    {"gi_yieldfrom", vm_gen_get_delegate, NULL,
     "object being iterated by yield from, or None", NULL},
    {"__class__", vm_gen_get_class, NULL, NULL, NULL},
    {0},
};

static PyMethodDef gen_methods[] = {
    {"send", vm_gen_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))vm_gen_throw, METH_FASTCALL, NULL},
    {"close", vm_gen_close, METH_NOARGS, NULL},
    {0},
};

/* -- life ------------------------------------------------------------------------------------------------- */

int
vm_gen_traverse(PyObject *gen, visitproc visit, void *arg)
{
    PyGenObject *g = (PyGenObject *)gen;
    VmFrame *gf = vm_gen_frame(gen);
    Py_VISIT(cpy_gen_code(gen));
    Py_VISIT(g->gi_name);
    Py_VISIT(g->gi_qualname);
    Py_VISIT(g->gi_exc_state.exc_value);
    if (Py_IS_TYPE(gen, &VmAsyncGen_Type))      /* its finalizer, which may lead back to it */
        Py_VISIT(g->gi_origin_or_finalizer);
    if (vm_gen_state(gf) == GEN_DONE || vm_gen_state(gf) == GEN_RUNNING)
        return 0;
    Py_VISIT(gf->func);
    Py_VISIT(gf->locals);
    if (gf->shadow != NULL) {
        Py_VISIT(cpy_frame_object(gf->shadow));
        if (cpy_frame_stacktop(gf->shadow, gf->code->co) != 0) {
            for (unsigned i = 0; i < gf->code->nlocals; i++)
                Py_VISIT(cpy_frame_slot_get(gf->shadow, (int)i));
        }
    }
    for (unsigned i = 0; i < gf->code->nlocals; i++) {
        if (vm_is_obj(gf->regs[i]))
            Py_VISIT(vm_ptr(gf->regs[i]));
    }
    const uint16_t *map = vm_code_map(gf->code, gf->pc);
    for (unsigned i = 0, base = gf->code->nlocals; i < map[1]; i++) {
        if (map[2 + i] == base + i && vm_is_obj(gf->regs[base + i]))
            Py_VISIT(vm_ptr(gf->regs[base + i]));
    }
    return 0;
}

/* Python/_warnings.c, _PyErr_WarnUnawaitedCoroutine: not exported. */
static void
warn_never_awaited(PyObject *coro)
{
    PyObject *warnings = PyImport_ImportModule("warnings"), *warn = NULL, *r = NULL;
    int warned = 0;
    if (warnings != NULL
        && PyObject_GetOptionalAttr(warnings,
                                    PyUnicode_InternFromString("_warn_unawaited_coroutine"),
                                    &warn)
               > 0) {
        r = PyObject_CallOneArg(warn, coro);
        warned = r != NULL || PyErr_ExceptionMatches(PyExc_RuntimeWarning);
    }
    Py_XDECREF(warnings);
    Py_XDECREF(warn);
    Py_XDECREF(r);
    if (PyErr_Occurred())
        PyErr_WriteUnraisable(coro);
    if (!warned
        && PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine '%S' was never awaited",
                            ((PyGenObject *)coro)->gi_qualname)
               < 0)
        PyErr_WriteUnraisable(coro);
}

static void
finalize_live(PyObject *gen)
{
    PyGenObject *g = (PyGenObject *)gen;
    PyObject *r = NULL;
    if (Py_IS_TYPE(gen, &VmAsyncGen_Type) && g->gi_origin_or_finalizer != NULL && !g->gi_closed)
        r = PyObject_CallOneArg(g->gi_origin_or_finalizer, gen);
    else if (Py_IS_TYPE(gen, &VmCoro_Type) && vm_gen_state(vm_gen_frame(gen)) == GEN_CREATED) {
        warn_never_awaited(gen);
        return;
    }
    else
        r = vm_gen_close(gen, NULL);
    if (r == NULL && PyErr_Occurred())
        PyErr_WriteUnraisable(gen);
    Py_XDECREF(r);
}

void
vm_gen_finalize(PyObject *gen)
{
    if (vm_gen_is_theirs(gen)) {
        Py_TYPE(gen)->tp_finalize(gen);
        return;
    }
    VmGenState state = vm_gen_state(vm_gen_frame(gen));
    if (state != GEN_SUSPENDED && state != GEN_CREATED)
        return;
    if (state == GEN_CREATED && vm_is_gen(gen))
        return;             /* nothing of it ever ran */
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    finalize_live(gen);
    PyErr_Restore(type, value, tb);
}

static void
drop_unfinished(PyObject *gen)
{
    VmFrame *gf = vm_gen_frame(gen);
    if (vm_gen_state(gf) == GEN_DONE)
        return;
    VmAct act = {.ts = cpy_thread_state()};
    CpyFrame *top = cpy_top_frame(act.ts);
    const uint16_t *map = vm_code_map(gf->code, gf->pc);
    unsigned base = gf->code->nlocals;
    if (vm_gen_state(gf) == GEN_SUSPENDED) {
        for (unsigned i = map[1]; i-- > 0;) {
            if (map[2 + i] == base + i)
                vm_release(gf->regs[base + i]);
        }
    }
    if (gf->shadow != NULL)
        cpy_frame_set_previous(gf->shadow, top);
    clear_frame(&act, gf);
    cpy_set_top_frame(act.ts, top);
}

void
vm_gen_dealloc(PyObject *gen)
{
    PyGenObject *g = (PyGenObject *)gen;
    PyObject_GC_UnTrack(gen);
    Py_TRASHCAN_BEGIN(gen, vm_gen_dealloc) if (g->gi_weakreflist != NULL)
        PyObject_ClearWeakRefs(gen);
    PyObject_GC_Track(gen);
    if (PyObject_CallFinalizerFromDealloc(gen) < 0)
        ;                       /* it lives on */
    else if (!vm_has_gen_frame(gen))
        Py_TYPE(gen)->tp_dealloc(gen);
    else {
        PyObject_GC_UnTrack(gen);
        drop_unfinished(gen);
        Py_XDECREF(g->gi_exc_state.exc_value);
        Py_CLEAR(g->gi_origin_or_finalizer);
        cpy_gen_drop_code(gen);
        Py_XDECREF(g->gi_name);
        Py_XDECREF(g->gi_qualname);
        PyObject_GC_Del(gen);
    }
    Py_TRASHCAN_END
}

static PyAsyncMethods gen_as_async = {.am_send = vm_gen_am_send};

PyTypeObject VmGen_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "generator",
    .tp_dealloc = vm_gen_dealloc,
    .tp_as_async = &gen_as_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = vm_gen_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = gen_iternext,
    .tp_methods = gen_methods,
    .tp_getset = gen_getset,
    .tp_finalize = vm_gen_finalize,
};

PyTypeObject *
vm_public_type(PyObject *o)
{
    return vm_has_gen_frame(o) ? Py_TYPE(o)->tp_base : NULL;
}

static PyAsyncMethods gencoro_as_async = {
    .am_await = PyObject_SelfIter,
    .am_send = vm_gen_am_send,
};

PyTypeObject VmGenCoro_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "generator",
    .tp_dealloc = vm_gen_dealloc,
    .tp_as_async = &gencoro_as_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = vm_gen_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = gen_iternext,
    .tp_methods = gen_methods,
    .tp_getset = gen_getset,
    .tp_finalize = vm_gen_finalize,
};

static int
ready(PyTypeObject *type, PyTypeObject *base)
{
    type->tp_base = base;
    type->tp_basicsize = base->tp_basicsize;
    type->tp_itemsize = base->tp_itemsize;
    type->tp_weaklistoffset = base->tp_weaklistoffset;
    type->tp_repr = base->tp_repr;
    return PyType_Ready(type);
}

int
vm_gen_init_types(void)
{
    return ready(&VmGen_Type, &PyGen_Type) < 0 || ready(&VmGenCoro_Type, &PyGen_Type) < 0
                   || ready(&VmCoro_Type, &PyCoro_Type) < 0
                   || ready(&VmAsyncGen_Type, &PyAsyncGen_Type) < 0
                   /* awaitable, but in CPython its type doesn't say so */
                   || PyDict_DelItemString(VmGenCoro_Type.tp_dict, "__await__") < 0
                   || vm_coro_init_types() < 0
               ? -1
               : vm_gen_base_init();
}
