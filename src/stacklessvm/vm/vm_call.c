/* Calls.
 *
 * A Python function called from a VM frame is a pushed frame; everything else is a C call
 * through vm_call_out.c.  The loop itself does the commonest call (a function with exactly
 * enough positional arguments); all other forms come here.
 */
#include "vm/vm_call.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_internal.h"
#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_build.h"
#include "vm/vm_builtin.h"
#include "vm/vm_call_direct.h"
#include "vm/vm_call_out.h"
#include "vm/vm_class.h"
#include "vm/vm_construct.h"
#include "vm/vm_fold.h"
#include "vm/vm_handover.h"
#include "vm/vm_gen.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"
#include "vm/vm_quiet.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"
#include "vm/vm_text.h"

/* -- known callables ---------------------------------------------------------------------- */

VmKnown vm_known;
#define known vm_known

static PyObject *
builtin(const char *name)
{
    return Py_XNewRef(PyDict_GetItemString(PyEval_GetBuiltins(), name));
}

void
vm_call_init(void)
{
    known.builtins = Py_XNewRef(PyEval_GetBuiltins());
    known.len = builtin("len");
    known.build_class = builtin("__build_class__");
    known.exec = builtin("exec");
    known.eval = builtin("eval");
    known.no_args = PyTuple_New(0);
    known.next = builtin("next");
    known.iter = builtin("iter");
    known.hash = builtin("hash");
    known.repr = builtin("repr");
    known.getattr = builtin("getattr");
    known.hasattr = builtin("hasattr");
    known.isinstance = builtin("isinstance");
    known.issubclass = builtin("issubclass");
    known.anext = builtin("anext");
    known.format = builtin("format");
    known.ascii = builtin("ascii");
    known.sum = builtin("sum");
    known.any = builtin("any");
    known.sorted = builtin("sorted");
    if (known.sorted != NULL && !PyCFunction_Check(known.sorted))
        Py_CLEAR(known.sorted);         /* somebody has put another there */
    known.join = PyObject_GetAttrString((PyObject *)&PyUnicode_Type, "join");
    known.all = builtin("all");
    known.method_wrapper = cpy_method_wrapper_type();
    known.type_call = PyObject_GetAttrString((PyObject *)&PyType_Type, "__call__");
    known.type_new = PyObject_GetAttrString((PyObject *)&PyType_Type, "__new__");
    known.object_new = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, "__new__");
    known.gen_send = PyObject_GetAttrString((PyObject *)&VmGen_Type, "send");
    known.coro_send = PyObject_GetAttrString((PyObject *)&VmCoro_Type, "send");
    known.dict_get = PyObject_GetAttrString((PyObject *)&PyDict_Type, "get");
    known.list_append = PyObject_GetAttrString((PyObject *)&PyList_Type, "append");
}

/* -- frames -------------------------------------------------------------------------------- */

VmFrame *
vm_push_checked(VmAct *A, VmFrame *prev, VmCode *code, PyFunctionObject *func)
{
    if (--*A->left < 0 && cpy_recursion_error(A->ts, "") < 0) {
        ++*A->left;
        Py_DECREF(func);
        return NULL;
    }
    VmFrame *nf = vm_frame_push(A, prev, code, func, 0);
    if (nf == NULL) {
        ++*A->left;
        return NULL;
    }
    if (vm_unlikely(!(code->co->co_flags & CO_OPTIMIZED))) {
        nf->locals = Py_NewRef(func->func_globals);
        nf->flags |= FRAME_LOCALS;
    }
    vm_stats.native++;
    return nf;
}

int
vm_enter_c_for(VmAct *A, const char *where)
{
    *A->left -= CPY_C_CALL_TAKES_UNIT;
    if (*A->left >= 0 || cpy_recursion_error(A->ts, where) == 0)
        return 0;
    vm_leave_c(A);
    return -1;
}

int
vm_enter_c(VmAct *A)
{
    return vm_enter_c_for(A, " while calling a Python object");
}

int
vm_call_is_warm(VmFrame *f)
{
    if (f->pc->op != VM_CALL && f->pc->op != VM_CALLM && f->pc->op != VM_CALLKW)
        return 0;
    return vm_site_is_warm(vm_cache(f, f->pc->c));
}

static void
set_return(VmFrame *nf, const VmReturn *ret)
{
    nf->ret_dst = (uint16_t)ret->dst;
    nf->ret_ip = ret->next;
    nf->kind = (uint8_t)ret->kind;
    nf->aux = ret->aux;
}

/* -- one call ------------------------------------------------------------------------------- */

static size_t
keyword_count(PyObject *kwnames)
{
    return kwnames == NULL ? 0 : (size_t)PyTuple_GET_SIZE(kwnames);
}

static VmCallStatus
call_python(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, VmWord *args,
            size_t n, PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    size_t all = n + keyword_count(kwnames);
    VmFrame *nf = NULL;
    if (vm_poll_is_due(A) && vm_poll(A, f) < 0)
        Py_DECREF(func);
    else
        nf = vm_push_checked(A, f, code, func);
    if (nf == NULL) {
        vm_release_words(args, all);
        return CALL_ERROR;
    }
    if (kwnames != NULL || vm_bind_by_position(nf, func, args, n) < 0) {
        vm_boundary(A, f);
        int status = vm_bind(nf, func, args, n, kwnames);
        vm_release_words(args, all);
        vm_after(A, f);
        if (status < 0) {
            vm_drop_new_frame(A, nf);
            return CALL_ERROR;
        }
    }
    set_return(nf, ret);
    *pushed = nf;
    return CALL_PUSHED;
}

static VmCallStatus
call_c(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, PyObject *kwnames,
       const VmReturn *ret)
{
    size_t all = n + keyword_count(kwnames);
    PyObject *o = NULL;
    vm_boundary(A, f);
    if (vm_box_words(f, args, all) == 0) {
        o = vm_call_out(A, f, callee, (PyObject **)args, n, kwnames);
        if (o != NULL && kwnames == NULL)
            vm_remember_vectorcall(f, callee);
    }
    Py_DECREF(callee);
    vm_release_words(args, all);
    vm_after(A, f);
    return vm_finish_c(A, f, o, ret);
}

static PyObject *
class_attribute(PyTypeObject *cls, const char *text, PyObject **name)
{
    if (*name == NULL)
        *name = PyUnicode_InternFromString(text);
    return *name == NULL ? NULL : _PyType_Lookup(cls, *name);
}

/* The Python __init__ of a class whose instances C code makes: calling the class is making
   the instance and pushing a frame.  -> borrowed, or NULL */
PyFunctionObject *
vm_plain_init(PyTypeObject *cls)
{
    static PyObject *init_name, *new_name;
    if (cls->tp_init == PyBaseObject_Type.tp_init
        || cls->tp_flags & Py_TPFLAGS_IS_ABSTRACT)
        return NULL;
    PyObject *init = class_attribute(cls, "__init__", &init_name);
    if (init == NULL || !Py_IS_TYPE(init, &PyFunction_Type))
        return NULL;
    if (cls->tp_new != PyBaseObject_Type.tp_new) {
        PyObject *new = class_attribute(cls, "__new__", &new_name);
        if (new == NULL || !PyCFunction_Check(new))
            return NULL;
    }
    return (PyFunctionObject *)init;
}

/* A new instance, with its inline values; C's __new__ sees the arguments. */
static PyObject *
new_instance(PyTypeObject *cls, const VmWord *args, size_t n)
{
    if (cls->tp_new == PyBaseObject_Type.tp_new)
        return cls->tp_new(cls, known.no_args, NULL);
    PyObject *t = vm_tuple_of_words(args, n);
    PyObject *o = t == NULL ? NULL : cls->tp_new(cls, t, NULL);
    Py_XDECREF(t);
    return o;
}

static VmCallStatus
call_class(VmAct *A, VmFrame *f, PyTypeObject *cls, PyFunctionObject *init, VmCode *code,
           VmWord *args, size_t n, PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    size_t all = n + keyword_count(kwnames);
    if (vm_box_words(f, args, all) < 0) {
        Py_DECREF(cls);
        vm_release_words(args, all);
        return CALL_ERROR;
    }
    vm_boundary(A, f);
    int in_c = vm_enter_c(A) == 0;
    PyObject *o = in_c ? new_instance(cls, args, n) : NULL;
    vm_after(A, f);
    Py_INCREF(init);
    int is_instance = o != NULL && PyObject_TypeCheck(o, cls);
    Py_DECREF(cls);
    if (!is_instance) {
        if (in_c)
            vm_leave_c(A);
        Py_DECREF(init);
        vm_release_words(args, all);
        return vm_finish(A, f, o, ret);
    }
    args[-1] = vm_from_ptr(Py_NewRef(o));
    VmReturn initialised = vm_return_with(ret, RET_INIT, vm_from_ptr(o));
    VmCallStatus status =
        call_python(A, f, code, init, args - 1, n + 1, kwnames, &initialised, pushed);
    if (status == CALL_PUSHED)
        (*pushed)->flags |= FRAME_IN_C;
    else {
        vm_leave_c(A);
        Py_DECREF(o);
    }
    return status;
}

/* type.__call__(callee, ...): making an instance. */
static VmCallStatus
call_type(VmAct *A, VmFrame *f, PyTypeObject *cls, VmWord *args, size_t n, PyObject *kwnames,
          const VmReturn *ret, VmFrame **pushed)
{
    if (cls->tp_new == PyType_Type.tp_new) {
        VmCallStatus status = vm_call_metaclass(A, f, cls, args, n, kwnames, ret, pushed);
        if (status != CALL_NOT_MINE)
            return status;
    }
    PyFunctionObject *init = vm_plain_init(cls);
    if (init != NULL && kwnames != NULL && cls->tp_new != PyBaseObject_Type.tp_new)
        init = NULL;
    VmCode *code = init == NULL ? NULL : vm_code_to_run(init);
    if (code != NULL && ret->kind == RET_VALUE && vm_must_delegate(A->ts) == NULL)
        return call_class(A, f, cls, init, code, args, n, kwnames, ret, pushed);
    return vm_construct(A, f, cls, args, n, kwnames, ret, pushed);
}

/* The class that type.__call__, bound as super().__call__ is, would make an instance of.
   -> borrowed, or NULL */
static PyTypeObject *
class_of_bound_call(PyObject *callee)
{
    PyObject *self = Py_IS_TYPE(callee, known.method_wrapper)
                         ? cpy_method_wrapper_self(callee, known.type_call)
                         : NULL;
    return self != NULL && self != (PyObject *)&PyType_Type && PyType_Check(self)
               ? (PyTypeObject *)self
               : NULL;
}

VmCallStatus
vm_call_words(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
              PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    PyTypeObject *tp = Py_TYPE(callee);
    if (tp == &PyMethod_Type) {
        PyObject *func = Py_NewRef(PyMethod_GET_FUNCTION(callee));
        args[-1] = vm_from_ptr(Py_NewRef(PyMethod_GET_SELF(callee)));
        Py_DECREF(callee);
        callee = func;
        args--;
        n++;
        tp = Py_TYPE(callee);
        if (tp == &PyMethod_Type)       /* its args[-1] is not free any more */
            return call_c(A, f, callee, args, n, kwnames, ret);
    }
    if (tp == &PyFunction_Type) {
        VmCode *code = vm_code_to_run((PyFunctionObject *)callee);
        if (code != NULL && vm_must_delegate(A->ts) == NULL)
            return call_python(A, f, code, (PyFunctionObject *)callee, args, n, kwnames, ret,
                               pushed);
    }
    else if (vm_slot_is_generic(tp, SP_CALL)) {
        VmCallStatus status = vm_call_object(A, f, callee, args, n, kwnames, ret, pushed);
        if (status != CALL_NOT_MINE)
            return status;
    }
    else if (PyType_Check(callee) && tp->tp_call == PyType_Type.tp_call) {
        VmCallStatus status = call_type(A, f, (PyTypeObject *)callee, args, n, kwnames, ret, pushed);
        if (status != CALL_NOT_MINE)
            return status;
    }
    else if (class_of_bound_call(callee) != NULL) {
        PyTypeObject *cls = (PyTypeObject *)Py_NewRef((PyObject *)class_of_bound_call(callee));
        VmCallStatus status = call_type(A, f, cls, args, n, kwnames, ret, pushed);
        if (status != CALL_NOT_MINE) {
            Py_DECREF(callee);
            return status;
        }
        Py_DECREF(cls);
    }
    else if (callee == known.build_class && n >= 2 && ret->kind == RET_VALUE) {
        VmCallStatus status = vm_build_class(A, f, callee, args, n, kwnames, ret, pushed);
        if (status != CALL_NOT_MINE)
            return status;
    }
    else if (callee == known.type_new) {
        VmCallStatus status = vm_call_type_new(A, f, callee, args, n, kwnames, ret, pushed);
        if (status != CALL_NOT_MINE)
            return status;
    }
    else if ((callee == known.exec || callee == known.eval) && kwnames == NULL
             && ret->kind == RET_VALUE) {
        VmCallStatus status = vm_exec(A, f, callee == known.eval, args, n, ret, pushed);
        if (status != CALL_NOT_MINE) {
            Py_DECREF(callee);
            return status;
        }
    }
    if (PyErr_Occurred()) {     /* MemoryError while lowering */
        Py_DECREF(callee);
        vm_release_words(args, n + keyword_count(kwnames));
        return CALL_ERROR;
    }
    return call_c(A, f, callee, args, n, kwnames, ret);
}

/* next(g) and g.send(v) of a generator of ours that waits: its frame runs on here.
   NULL: not that, or an exception when *status is CALL_ERROR. */
static VmFrame *
call_generator(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, const VmReturn *ret,
               VmCallStatus *status)
{
    *status = CALL_NOT_MINE;
    if (!((callee == known.next && n == 1)
          || ((callee == known.gen_send || callee == known.coro_send) && n == 2))
        || !vm_is_obj(args[0]) || A->delegate)
        return NULL;
    PyObject *gen = vm_ptr(args[0]);
    if (callee == known.coro_send ? !Py_IS_TYPE(gen, &VmCoro_Type) : !vm_is_gen(gen))
        return NULL;
    VmGenState state = vm_gen_state(vm_gen_frame(gen));
    VmWord value = n == 2 ? args[1] : VM_NONE;
    if (state != GEN_SUSPENDED && (state != GEN_CREATED || !vm_is_none(value)))
        return NULL;
    int unit = CPY_C_CALL_TAKES_UNIT && !(callee == known.next && vm_call_is_warm(f));
    if (unit && vm_enter_c(A) < 0) {
        vm_release(value);
        Py_DECREF(gen);
        *status = CALL_ERROR;
        return NULL;
    }
    VmFrame *gf = vm_gen_resume(A, f, gen, value, GEN_BY_CALL);
    *status = gf == NULL ? CALL_ERROR : CALL_PUSHED;
    if (gf == NULL)
        *A->left += unit;
    else {
        if (callee == known.gen_send)
            vm_remember_send(f);
        gf->flags |= FRAME_FLAGS_OF_UNITS(unit);
        gf->ret_dst = (uint16_t)ret->dst;
        gf->ret_ip = ret->next;
    }
    Py_DECREF(gen);         /* the running frame has its own reference */
    return gf;
}

/* -- calls of C ------------------------------------------------------------------------------- */

/* One-argument calls of types that CPython's evaluator also knows.  -> new; *done as above */
static PyObject *
call_known_type(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, int *done)
{
    *done = 0;
    if (callee != (PyObject *)&PyUnicode_Type && callee != (PyObject *)&PyType_Type
        && callee != (PyObject *)&PyTuple_Type)
        return NULL;
    if (callee == (PyObject *)&PyUnicode_Type && vm_is_int(args[0])) {
        *done = 1;
        vm_boundary(A, f);
        return vm_int_text(vm_int(args[0]));
    }
    if (vm_box_words(f, args, 1) < 0)
        return NULL;
    *done = 1;
    PyObject *o = vm_ptr(args[0]);
    vm_boundary(A, f);
    if (callee == (PyObject *)&PyUnicode_Type)
        return PyObject_Str(o);
    if (callee == (PyObject *)&PyTuple_Type)
        return PySequence_Tuple(o);
    PyTypeObject *public_type = vm_public_type(o);
    return Py_NewRef((PyObject *)(public_type != NULL ? public_type : Py_TYPE(o)));
}

/* What the table of builtins has for it.  All is taken, unless CALL_NOT_MINE. */
static VmCallStatus
call_builtin(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, const VmReturn *ret,
             VmFrame **pushed)
{
    const VmBuiltin *b = vm_builtin(callee);
    if (b == NULL)
        return CALL_NOT_MINE;
    int computes = b->compute != NULL && *A->left >= CPY_C_CALL_TAKES_UNIT;
    VmWord result = computes ? vm_compute(b, f, args, n) : VM_NULL;
    if (result != VM_NULL) {
        vm_remember_computed(f, b);
        Py_DECREF(callee);
        vm_release_words(args, n);
        vm_set_any(A, f, ret->dst, result);
        return CALL_DONE;
    }
    VmCallStatus status = CALL_NOT_MINE;
    if (b->resumes)
        *pushed = call_generator(A, f, callee, args, n, ret, &status);
    if (b->folds
        && (status = vm_fold_begin(A, f, callee, args, n, ret, pushed)) == CALL_PUSHED)
        return status;          /* with the callee */
    if (status == CALL_NOT_MINE && n >= 1 && n <= b->asks && vm_is_obj(args[0])
        && vm_may_be_special(vm_ptr(args[0]))) {
        int raised;
        *pushed = vm_call_asking(A, f, callee, args, n, ret, &raised);
        if (raised)
            vm_release_words(args, n);
        status = raised ? CALL_ERROR : *pushed != NULL ? CALL_PUSHED
                                                       : CALL_NOT_MINE;
    }
    if (status == CALL_NOT_MINE && b->gets && n >= 2)
        status = vm_call_getattr(A, f, callee, args, n, pushed);
    if (status != CALL_NOT_MINE)
        Py_DECREF(callee);
    return status;
}

/* A class seen before, a C function, a C type.  All is taken, unless CALL_NOT_MINE. */
static VmCallStatus
call_by_kind(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, const VmReturn *ret,
             VmFrame **pushed)
{
    int done;
    PyObject *r;
    if (!PyType_Check(callee))
        r = vm_call_direct(A, f, callee, args, n, &done);
    else {
        VmCache *c = vm_cache(f, f->pc->c);
        PyTypeObject *cls = (PyTypeObject *)callee;
        if (c->u.call.kind == CALL_UNSEEN || c->u.call.version != cls->tp_version_tag)
            vm_remember_class(c, cls);
        if (n != 1)
            return CALL_NOT_MINE;
        r = call_known_type(A, f, callee, args, &done);
    }
    if (!done)
        return CALL_NOT_MINE;
    Py_DECREF(callee);
    vm_release_words(args, n);
    if (done != DONE_QUIETLY)
        vm_after(A, f);
    return vm_finish_c(A, f, r, ret);
}

/* -- the instructions ------------------------------------------------------------------------------- */

static inline int
is_python_method(PyObject *callee)
{
    return Py_IS_TYPE(callee, &PyMethod_Type)
           && Py_IS_TYPE(PyMethod_GET_FUNCTION(callee), &PyFunction_Type);
}

VmCallStatus
vm_call_insn(VmAct *A, VmFrame *f, VmFrame **pushed)
{
    const VmInsn *ip = f->pc;
    unsigned n = ip[1].op, b = ip->b;
    VmWord callee, self = VM_NULL;
    PyObject *kwnames = NULL;
    if (ip->op == VM_CALL) {
        callee = f->regs[b];
        if (!vm_is_temp(f, b))
            vm_incref(callee);
    }
    else {
        VmWord w0 = f->regs[b], w1 = f->regs[b + 1];
        VmWord null_slot = CPY_CALL_NULL_FIRST ? w0 : w1;
        if (null_slot == VM_NULL)
            callee = CPY_CALL_NULL_FIRST ? w1 : w0;
        else {
            callee = w0;
            self = w1;
        }
        if (ip->op == VM_CALLKW)
            kwnames = vm_cache(f, ip->c)->name;
    }
    if (self == VM_NULL && kwnames == NULL && vm_is_obj(callee)
        && vm_may_be_special(vm_ptr(callee))) {
        *pushed = vm_call_object_quick(A, f, vm_ptr(callee));
        if (*pushed != NULL)
            return CALL_PUSHED;
    }
    VmReturn ret = {ip->a, ip + 1 + vm_list_words(n), RET_VALUE, VM_NULL};
    VmWord *args = vm_out_area(f);
    for (unsigned i = 0; i < n; i++)
        args[i] = vm_take_operand(f, vm_list_get(ip + 1, i));
    size_t npos = n - keyword_count(kwnames);
    if (self != VM_NULL) {
        args--;
        args[0] = self;
        npos++;
    }
    if (!vm_is_obj(callee)) {
        PyObject *o = vm_box(callee);
        if (o == NULL)
            return CALL_ERROR;
        callee = vm_from_ptr(o);
    }
    else if (kwnames == NULL && !Py_IS_TYPE(vm_ptr(callee), &PyFunction_Type)
             && !is_python_method(vm_ptr(callee))) {
        VmCallStatus status = call_builtin(A, f, vm_ptr(callee), args, npos, &ret, pushed);
        if (status == CALL_NOT_MINE)
            status = call_by_kind(A, f, vm_ptr(callee), args, npos, &ret, pushed);
        if (status != CALL_NOT_MINE)
            return status;
    }
    return vm_call_words(A, f, vm_ptr(callee), args, npos, kwnames, &ret, pushed);
}

/* f(*args, **kwargs) */
static PyObject *
kwnames_of_dict(PyObject *kwargs, VmWord *values)
{
    PyObject *names = PyTuple_New(PyDict_GET_SIZE(kwargs));
    PyObject *key, *value;
    Py_ssize_t pos = 0, i = 0;
    while (PyDict_Next(kwargs, &pos, &key, &value)) {
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            Py_CLEAR(names);
        }
    }
    pos = 0;
    while (names != NULL && PyDict_Next(kwargs, &pos, &key, &value)) {
        PyTuple_SET_ITEM(names, i, Py_NewRef(key));
        values[i++] = vm_from_ptr(Py_NewRef(value));
    }
    return names;
}

/* args made a tuple, kwargs an exact dict, in the window.  0 / -1 */
static int
check_star_arguments(VmFrame *f, PyObject *callee, unsigned args, unsigned kwargs)
{
    PyObject *t = vm_reg_object(f, args);
    if (t != NULL && !PyTuple_CheckExact(t)) {
        if (cpy_check_args_iterable(callee, t, vm_has_iter(t)) < 0)
            return -1;
        PyObject *made = PySequence_Tuple(t);
        if (made == NULL)
            return -1;
        vm_release(f->regs[args]);
        f->regs[args] = vm_from_ptr(made);
    }
    if (kwargs == 0 || f->regs[kwargs] == VM_NULL || PyDict_CheckExact(vm_ptr(f->regs[kwargs])))
        return t == NULL ? -1 : 0;
    PyObject *d = PyDict_New();
    if (d == NULL || _PyDict_MergeEx(d, vm_ptr(f->regs[kwargs]), 2) < 0) {
        if (d != NULL)
            cpy_format_kwargs_error(callee, vm_ptr(f->regs[kwargs]));
        Py_XDECREF(d);
        return -1;
    }
    vm_release(f->regs[kwargs]);
    f->regs[kwargs] = vm_from_ptr(d);
    return 0;
}

/* Does a call of it push a frame, perhaps? */
static int
is_python_callable(PyObject *callee)
{
    return Py_IS_TYPE(callee, &PyFunction_Type) || Py_IS_TYPE(callee, &PyMethod_Type)
           || callee == known.exec || callee == known.eval || callee == known.build_class
           || callee == known.type_new
           || (PyType_Check(callee) && Py_TYPE(callee)->tp_call == PyType_Type.tp_call
               && vm_plain_init((PyTypeObject *)callee) != NULL)
           || class_of_bound_call(callee) != NULL
           || vm_is_called_by_python(callee);
}

/* For as long as the frame runs; then the tuple goes first, as a tuple lets go from its end. */
static void
hold_arguments(VmFrame *nf, PyObject *tuple, PyObject *kwargs)
{
    int nothing = PyTuple_GET_SIZE(tuple) == 0;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) == 0)
        kwargs = NULL;
    if (nf->kind != RET_VALUE || nf->flags & FRAME_GENERATOR || (nothing && kwargs == NULL))
        return;
    PyObject *held = kwargs == NULL ? Py_NewRef(tuple) : PyTuple_Pack(2, kwargs, tuple);
    if (held == NULL) {
        PyErr_Clear();      /* they die earlier */
        return;
    }
    nf->kind = RET_HELD;
    nf->aux = vm_from_ptr(held);
}

static VmCallStatus
call_star(VmAct *A, VmFrame *f, PyObject *callee, PyObject *tuple, PyObject *kwargs,
          const VmReturn *ret, VmFrame **pushed)
{
    if (!is_python_callable(callee)) {      /* C code gets the tuple and the dict themselves */
        vm_boundary(A, f);
        PyObject *r = vm_c_stack_check(A) < 0 ? NULL
                      : callee == (PyObject *)&PySuper_Type
                          ? vm_call_out(A, f, callee, &PyTuple_GET_ITEM(tuple, 0),
                                        (size_t)PyTuple_GET_SIZE(tuple), NULL)
                          : PyObject_Call(callee, tuple, kwargs);
        vm_after(A, f);
        Py_DECREF(callee);
        return vm_finish_c(A, f, r, ret);
    }
    if (Py_IS_TYPE(callee, &PyFunction_Type)) {
        *pushed = vm_call_star_quick(A, f, (PyFunctionObject *)callee, tuple, kwargs);
        if (*pushed != NULL) {
            Py_DECREF(callee);
            if (CPY_STAR_CALL_HOLDS_ARGUMENTS)
                hold_arguments(*pushed, tuple, kwargs);
            return CALL_PUSHED;
        }
    }
    VmWord small[24];
    size_t n = (size_t)PyTuple_GET_SIZE(tuple);
    size_t nk = kwargs == NULL ? 0 : (size_t)PyDict_GET_SIZE(kwargs);
    VmWord *words = small;
    PyObject *kwnames = NULL;
    VmCallStatus status = CALL_ERROR;
    if (n + nk + 2 > 24) {
        words = PyMem_Malloc((n + nk + 2) * sizeof(VmWord));
        if (words == NULL) {
            Py_DECREF(callee);
            PyErr_NoMemory();
            return CALL_ERROR;
        }
    }
    VmWord *args = words + 2;
    for (size_t i = 0; i < n; i++)
        args[i] = vm_from_ptr(Py_NewRef(PyTuple_GET_ITEM(tuple, (Py_ssize_t)i)));
    if (nk > 0) {
        kwnames = kwnames_of_dict(kwargs, args + n);
        if (kwnames == NULL) {
            Py_DECREF(callee);
            vm_release_words(args, n);
            goto done;
        }
    }
    status = vm_call_words(A, f, callee, args, n, kwnames, ret, pushed);
    if (CPY_STAR_CALL_HOLDS_ARGUMENTS && status == CALL_PUSHED)
        hold_arguments(*pushed, tuple, kwargs);
done:
    Py_XDECREF(kwnames);
    if (words != small)
        PyMem_Free(words);
    return status;
}

/* A tuple, and no mapping or a dict: nothing to be made of them. */
static int
are_plain_arguments(VmWord tuple, VmWord kwargs)
{
    return vm_is_obj(tuple) && PyTuple_CheckExact(vm_ptr(tuple))
           && (kwargs == VM_NULL || PyDict_CheckExact(vm_ptr(kwargs)));
}

static int
make_plain_arguments(VmAct *A, VmFrame *f, PyObject *callee, unsigned args, unsigned kwargs)
{
    vm_boundary(A, f);
    int status = check_star_arguments(f, callee, args, kwargs);
    vm_after(A, f);
    return status;
}

VmCallStatus
vm_callx_insn(VmAct *A, VmFrame *f, VmFrame **pushed)
{
    const VmInsn *ip = f->pc;
    VmWord *R = f->regs;
    unsigned base = ip->b, args = base + 2, kwargs = ip->c & 1 ? base + 3 : 0;
    VmReturn ret = {ip->a, ip + 1, RET_VALUE, VM_NULL};
    VmCallStatus status = CALL_ERROR;
    VmWord callee_word = R[CPY_CALL_NULL_FIRST ? base + 1 : base];
    PyObject *callee = vm_box(callee_word);
    int plain = are_plain_arguments(R[args], kwargs == 0 ? VM_NULL : R[kwargs]);
    if (callee != NULL
        && (vm_likely(plain) || make_plain_arguments(A, f, callee, args, kwargs) == 0)) {
        if (vm_unlikely(!plain && A->delegate && vm_can_hand_over(f, ip)))
            return CALL_LEFT;   /* what made them: with a tuple, the call itself begins anew */
        vm_release(callee_word);
        PyObject *kw = kwargs == 0 || R[kwargs] == VM_NULL ? NULL : vm_ptr(R[kwargs]);
        PyObject *tuple = vm_ptr(R[args]);
        status = call_star(A, f, callee, tuple, kw, &ret, pushed);
        Py_DECREF(tuple);
        Py_XDECREF(kw);
        return status;
    }
    Py_XDECREF(callee);
    vm_release(callee_word);
    vm_release(R[args]);
    if (kwargs != 0)
        vm_release(R[kwargs]);
    return status;
}
