/* Calling what is called through a special method in Python: __call__, metaclasses' included,
 * and __new__ with the __init__ behind it.
 *
 * Steps follow Objects/typeobject.c, type_call and slot_tp_new (3.11 to 3.14).
 */
#include "vm/vm_construct.h"

#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_call_out.h"
#include "vm/vm_special.h"

/* What waits for __new__: a tuple of these, the arguments, and the values of the keywords. */
enum { S_CLASS,
       S_KWNAMES,           /* tuple or None */
       S_ARGUMENTS };

PyFunctionObject *
vm_python_new(PyTypeObject *cls)
{
    if (!vm_slot_is_generic(cls, SP_NEW) || Py_TYPE(cls)->tp_getattro != PyType_Type.tp_getattro)
        return NULL;
    PyObject *new = _PyType_Lookup(cls, vm_specials[SP_NEW].name);
    if (new != NULL && Py_IS_TYPE(new, &PyStaticMethod_Type))
        new = cpy_staticmethod_callable(new);
    return new != NULL &&Py_IS_TYPE(new, &PyFunction_Type) ? (PyFunctionObject *)new : NULL;
}

int
vm_is_called_by_python(PyObject *callee)
{
    if (vm_special(Py_TYPE(callee), SP_CALL) != NULL)
        return 1;
    return PyType_Check(callee) && Py_TYPE(callee)->tp_call == PyType_Type.tp_call
           && vm_python_new((PyTypeObject *)callee) != NULL;
}

static size_t
count(size_t n, PyObject *kwnames)
{
    return n + (kwnames == NULL ? 0 : (size_t)PyTuple_GET_SIZE(kwnames));
}

static void
remember_code(VmCode *code)
{
    if (code->simple && code->co->co_flags & CO_OPTIMIZED)
        *vm_quick_code(code->co) = code;
}

/* A function seen before, with exactly its arguments (n words, taken), under a C function that
   CPython would be in.  0: nothing was done */
static int
push_seen(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args, size_t n, const VmReturn *ret,
          VmFrame **pushed)
{
    VmCode *code = vm_code_taking(func, n);
    if (code == NULL || A->delegate || vm_poll_is_due(A) || *A->left <= CPY_C_CALL_TAKES_UNIT
        || (size_t)(A->limit - A->top) < code->frame_bytes)
        return 0;
    *A->left -= 1 + CPY_C_CALL_TAKES_UNIT;
    VmFrame *nf = vm_frame_push(A, f, code, (PyFunctionObject *)Py_NewRef((PyObject *)func),
                                (unsigned)n);
    memcpy(nf->regs, args, n * sizeof(VmWord));
    nf->kind_flags = (uint16_t)(ret->kind | FRAME_IN_C << 8);
    nf->aux = ret->aux;
    nf->ret_dst = (uint16_t)ret->dst;
    nf->ret_ip = ret->next;
    vm_stats.native++;
    *pushed = nf;
    return 1;
}

/* The same, the general way. */
static VmCallStatus
call_in_c(VmAct *A, VmFrame *f, PyFunctionObject *func, VmWord *args, size_t n,
          PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    int in_c = vm_enter_c(A) == 0;
    if (!in_c) {
        for (size_t i = 0; i < count(n, kwnames); i++)
            vm_release(args[i]);
        return CALL_ERROR;
    }
    VmCallStatus status = vm_call_words(A, f, Py_NewRef((PyObject *)func), args, n, kwnames, ret,
                                        pushed);
    if (status == CALL_PUSHED)
        (*pushed)->flags |= FRAME_IN_C;
    else
        vm_leave_c(A);
    return status;
}

/* -- __call__ --------------------------------------------------------------------------------- */

VmCallStatus
vm_call_object(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, PyObject *kwnames,
               const VmReturn *ret, VmFrame **pushed)
{
    PyFunctionObject *func = vm_special(Py_TYPE(callee), SP_CALL);
    if (func == NULL || !vm_special_can_push(A, func))
        return CALL_NOT_MINE;
    int hold = ret->kind == RET_VALUE;      /* the caller's reference, until the call is over */
    VmReturn held = vm_return_with(ret, RET_HELD, vm_from_ptr(callee));
    args[-1] = vm_from_ptr(hold ? Py_NewRef(callee) : callee);
    VmCallStatus status = call_in_c(A, f, func, args - 1, n + 1, kwnames, hold ? &held : ret,
                                    pushed);
    if (hold && status != CALL_PUSHED)
        Py_DECREF(callee);
    if (status == CALL_PUSHED)
        remember_code((*pushed)->code);
    return status;
}

VmFrame *
vm_call_object_quick(VmAct *A, VmFrame *f, PyObject *callee)
{
    const VmInsn *ip = f->pc;
    unsigned n = ip[1].op;
    PyFunctionObject *func = vm_special(Py_TYPE(callee), SP_CALL);
    VmCode *code = func == NULL ? NULL : vm_code_taking(func, n + 1);
    if (code == NULL || A->delegate || vm_poll_is_due(A) || *A->left <= CPY_C_CALL_TAKES_UNIT
        || (size_t)(A->limit - A->top) < code->frame_bytes)
        return NULL;
    *A->left -= 1 + CPY_C_CALL_TAKES_UNIT;
    VmFrame *nf = vm_frame_push(A, f, code, (PyFunctionObject *)Py_NewRef((PyObject *)func), n + 1);
    nf->regs[0] = vm_from_ptr(Py_NewRef(callee));
    for (unsigned i = 0; i < n; i++)
        nf->regs[1 + i] = vm_take_operand(f, vm_list_get(ip + 1, i));
    nf->kind_flags = FRAME_PLAIN_CALL;
    nf->aux = vm_from_ptr(callee);
    nf->ret_dst = ip->a;
    nf->ret_ip = ip + 1 + vm_list_words(n);
    vm_stats.native++;
    return nf;
}

/* -- builtins that ask --------------------------------------------------------------------------- */

/* Is the second of n arguments of format(), if there is one, a text? */
static int
is_format_spec(const VmWord *args, size_t n)
{
    return n == 1 || (vm_is_obj(args[1]) && PyUnicode_CheckExact(vm_ptr(args[1])));
}

/* The method a builtin asks, and what it makes of the answer.  -> borrowed, or NULL */
static PyFunctionObject *
asked_method(PyObject *builtin, const VmWord *args, size_t n, VmReturnKind *kind)
{
    PyTypeObject *type = Py_TYPE(vm_ptr(args[0]));
    PyFunctionObject *func = NULL;
    if (builtin == vm_known.len) {
        *kind = RET_LEN;
        func = vm_special(type, SP_LEN);
    }
    else if (builtin == vm_known.next) {
        *kind = RET_HELD;
        func = vm_special(type, SP_NEXT);
    }
    else if (builtin == vm_known.iter) {
        *kind = RET_ITERATOR;
        func = vm_special(type, SP_ITER);
    }
    else if (builtin == (PyObject *)&PyBool_Type) {
        *kind = RET_BOOL;
        func = vm_special_truth_method(type, kind);
    }
    else if (builtin == (PyObject *)&PyUnicode_Type) {
        *kind = RET_STR;
        func = vm_special_str_method(type);
    }
    else if (builtin == vm_known.repr) {
        *kind = RET_REPR;
        func = vm_special(type, SP_REPR);
    }
    else if (builtin == vm_known.hash) {
        *kind = RET_HASH;
        func = vm_special(type, SP_HASH);
    }
    else if (builtin == vm_known.ascii) {
        *kind = RET_ASCII;
        func = vm_special(type, SP_REPR);
    }
    else if (builtin == vm_known.anext) {
        *kind = n == 2 ? RET_AWAITABLE : RET_HELD;
        func = vm_special(type, SP_ANEXT);
    }
    else if (builtin == vm_known.format && is_format_spec(args, n)) {
        unsigned step;
        int has_spec = n == 2 && PyUnicode_GET_LENGTH(vm_ptr(args[1])) > 0;
        func = vm_special_format_method(type, has_spec, &step);
        *kind = step == TEXT_FORMAT ? RET_FORMAT : RET_STR;
    }
    return func;
}

/* Units of recursion CPython's C code takes between the call and the method. */
static int
units_of_asking(VmFrame *f, PyObject *builtin, VmReturnKind kind)
{
    int cold = CPY_C_CALL_TAKES_UNIT && !vm_call_is_warm(f);
    if (builtin == vm_known.format && kind == RET_STR)
        return 2 * CPY_C_CALL_TAKES_UNIT + cold;            /* object.__format__ and PyObject_Str */
    switch ((int)kind) {
    case RET_ASCII:
    case RET_REPR: return 2 * CPY_C_CALL_TAKES_UNIT;        /* repr() and PyObject_Repr */
    case RET_STR: return CPY_C_CALL_TAKES_UNIT + cold;
    case RET_HASH: return CPY_C_CALL_TAKES_UNIT;
    case RET_BOOL:
    case RET_BOOL_BY_LEN: return 0;
    default: return cold;
    }
}

/* 0 / -1 */
static int
enter_builtin(VmAct *A, VmReturnKind kind, int units)
{
    const char *inner = kind == RET_STR                         ? " while getting the str of an object"
                        : kind == RET_REPR || kind == RET_ASCII ? " while getting the repr of an object"
                                                                : " while calling a Python object";
    for (int taken = 0; taken < units; taken++) {
        if (vm_enter_c_for(A, taken + 1 < units ? " while calling a Python object" : inner) < 0) {
            *A->left += taken;
            return -1;
        }
    }
    return 0;
}

VmFrame *
vm_call_asking(VmAct *A, VmFrame *f, PyObject *builtin, VmWord *args, size_t n, const VmReturn *ret,
               int *raised)
{
    VmReturnKind kind;
    VmWord unused;
    PyFunctionObject *func = asked_method(builtin, args, n, &kind);
    *raised = 0;
    if (func == NULL)
        return NULL;
    int units = units_of_asking(f, builtin, kind);
    VmWord asked[2] = {args[0], kind != RET_FORMAT ? VM_NULL : n == 2 ? args[1]
                                                                      : vm_no_text()};
    unsigned count = kind == RET_FORMAT ? 2 : 1;
    VmHow how = VM_HOW(kind, ret->dst);
    PyObject *both = NULL;
    if (units > 0 || n > 1 || !vm_special_push_quick(A, f, func, asked, count, how)) {
        if (!vm_special_can_push(A, func)) {
            *raised = PyErr_Occurred() != NULL;
            return NULL;
        }
        if (kind == RET_AWAITABLE && (both = vm_tuple_of_words(args, n)) == NULL)
            *raised = 1;
        else
            *raised = enter_builtin(A, kind, units) < 0;
        if (!*raised && vm_special_call(A, f, func, asked, count, how, &unused) != SP_PUSHED) {
            *A->left += units;
            *raised = 1;
        }
        if (*raised) {
            Py_XDECREF(both);
            return NULL;
        }
    }
    VmFrame *nf = vm_take_pushed(A);
    nf->flags |= FRAME_FLAGS_OF_UNITS(units);
    nf->aux = args[0];
    if (both != NULL) {
        nf->aux = vm_from_ptr(both);
        vm_release(args[0]);
    }
    if (n > 1)
        vm_release(args[1]);
    nf->ret_ip = ret->next;
    return nf;
}

/* -- __new__ ------------------------------------------------------------------------------------- */

/* -> new, NULL without memory; the arguments are boxed in place */
static PyObject *
construction(VmFrame *f, PyTypeObject *cls, VmWord *args, size_t n, PyObject *kwnames)
{
    size_t all = count(n, kwnames);
    PyObject *state = PyTuple_New((Py_ssize_t)(S_ARGUMENTS + all));
    if (state == NULL)
        return NULL;
    PyTuple_SET_ITEM(state, S_CLASS, Py_NewRef((PyObject *)cls));
    PyTuple_SET_ITEM(state, S_KWNAMES, Py_NewRef(kwnames == NULL ? Py_None : kwnames));
    for (size_t i = 0; i < all; i++) {
        PyObject *o = vm_operand_object(f, args[i]);
        if (o == NULL) {
            Py_DECREF(state);
            return NULL;
        }
        PyTuple_SET_ITEM(state, (Py_ssize_t)(S_ARGUMENTS + i), o);
        if (!vm_is_obj(args[i]))
            args[i] = vm_from_ptr(Py_NewRef(o));
    }
    return state;
}

VmCallStatus
vm_construct(VmAct *A, VmFrame *f, PyTypeObject *cls, VmWord *args, size_t n, PyObject *kwnames,
             const VmReturn *ret, VmFrame **pushed)
{
    if (ret->kind != RET_VALUE)
        return CALL_NOT_MINE;
    PyFunctionObject *new = vm_python_new(cls);
    if (new == NULL || !vm_special_can_push(A, new))
        return CALL_NOT_MINE;
    PyObject *state = construction(f, cls, args, n, kwnames);
    if (state == NULL)
        return CALL_NOT_MINE;
    VmReturn made = vm_return_with(ret, RET_NEW, vm_from_ptr(state));
    args[-1] = vm_from_ptr((PyObject *)cls);
    if (kwnames == NULL && push_seen(A, f, new, args - 1, n + 1, &made, pushed))
        return CALL_PUSHED;
    VmCallStatus status = call_in_c(A, f, new, args - 1, n + 1, kwnames, &made, pushed);
    if (status != CALL_PUSHED)
        Py_DECREF(state);
    else
        remember_code((*pushed)->code);
    return status;
}

/* -- and __init__ ------------------------------------------------------------------------------------ */

/* The arguments as C code takes them.  0 / -1 */
static int
call_init_slot(PyObject *o, PyObject *state)
{
    PyObject *kwnames = PyTuple_GET_ITEM(state, S_KWNAMES), *kwargs = NULL;
    Py_ssize_t nk = kwnames == Py_None ? 0 : PyTuple_GET_SIZE(kwnames);
    Py_ssize_t end = PyTuple_GET_SIZE(state) - nk;
    PyObject *args = PyTuple_GetSlice(state, S_ARGUMENTS, end);
    int status = args == NULL ? -1 : 0;
    if (nk > 0 && status == 0)
        status = (kwargs = PyDict_New()) == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; i < nk && status == 0; i++)
        status = PyDict_SetItem(kwargs, PyTuple_GET_ITEM(kwnames, i),
                                PyTuple_GET_ITEM(state, end + i));
    if (status == 0)
        status = Py_TYPE(o)->tp_init(o, args, kwargs);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return status;
}

/* o is taken */
static VmCallStatus
push_init(VmAct *A, VmFrame *f, PyFunctionObject *init, PyObject *o, PyObject *state,
          const VmReturn *ret, VmFrame **pushed)
{
    PyObject *kwnames = PyTuple_GET_ITEM(state, S_KWNAMES);
    size_t all = (size_t)PyTuple_GET_SIZE(state) - S_ARGUMENTS, n = all;
    VmWord small[16], *words = all + 3 <= 16 ? small : PyMem_Malloc((all + 3) * sizeof(VmWord));
    VmCallStatus status = CALL_PUSHED;
    if (words == NULL) {
        Py_DECREF(o);
        PyErr_NoMemory();
        return CALL_ERROR;
    }
    if (kwnames == Py_None)
        kwnames = NULL;
    else
        n -= (size_t)PyTuple_GET_SIZE(kwnames);
    words[2] = vm_from_ptr(Py_NewRef(o));
    for (size_t i = 0; i < all; i++)
        words[3 + i] = vm_from_ptr(Py_NewRef(PyTuple_GET_ITEM(state, (Py_ssize_t)(S_ARGUMENTS + i))));
    VmReturn initialised = vm_return_with(ret, RET_INIT, vm_from_ptr(o));
    if (kwnames == NULL && push_seen(A, f, init, words + 2, n + 1, &initialised, pushed))
        goto done;
    status = call_in_c(A, f, init, words + 2, n + 1, kwnames, &initialised, pushed);
    if (status != CALL_PUSHED)
        Py_DECREF(o);
    else
        remember_code((*pushed)->code);
done:
    if (words != small)
        PyMem_Free(words);
    return status;
}

VmCallStatus
vm_constructed(VmAct *A, VmFrame *f, const VmReturn *ret, VmWord v, VmFrame **pushed)
{
    PyObject *state = vm_ptr(ret->aux), *o = vm_is_obj(v) ? vm_ptr(v) : NULL;
    PyTypeObject *cls = (PyTypeObject *)PyTuple_GET_ITEM(state, S_CLASS);
    VmCallStatus status = CALL_DONE;
    if (o != NULL && PyObject_TypeCheck(o, cls)) {
        PyTypeObject *type = Py_TYPE(o);
        int skip = type->tp_init == PyBaseObject_Type.tp_init
                   && type->tp_new != PyBaseObject_Type.tp_new;
        PyFunctionObject *init = skip ? NULL : vm_special(type, SP_INIT);
        if (init != NULL && vm_special_can_push(A, init)) {
            status = push_init(A, f, init, o, state, ret, pushed);
            Py_DECREF(state);
            return status;
        }
        if (!skip) {
            vm_boundary(A, f);
            if (vm_c_stack_check(A) < 0 || call_init_slot(o, state) < 0)
                status = CALL_ERROR;
            vm_after(A, f);
        }
    }
    Py_DECREF(state);
    if (status == CALL_ERROR)
        vm_release(v);
    else {
        vm_set_any(A, f, ret->dst, v);
        f->pc = ret->next;
    }
    return status;
}
