/* Generators as objects: making one, its attributes, its end, and the types.
 *
 * Messages follow Objects/genobject.c (3.11).
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"

CpyFrame *
vm_gen_shadow(VmFrame *f)
{
    return cpy_gen_iframe(vm_gen_self(f));
}

/* -- making one ---------------------------------------------------------------------------- */

static PyGenObject *
gen_alloc(PyTypeObject *type, VmCode *code)
{
    size_t bytes = vm_gen_slots(code->co) * sizeof(PyObject *) + sizeof(VmFrame)
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
                           vm_code_word(gf->code, gf->pc));
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
    PyObject *delegate = vm_gen_delegate(vm_gen_frame(gen));
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
    vm_gen_clear(&act, gf);
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
    .tp_iternext = vm_gen_iternext,
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
    .tp_iternext = vm_gen_iternext,
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
                   || vm_coro_init_types() < 0 || vm_async_gen_init_types() < 0
                   || vm_await_init_types() < 0
               ? -1
               : vm_gen_base_init();
}
