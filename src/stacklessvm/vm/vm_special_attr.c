/* Attributes behind Python code: properties, descriptors, __getattribute__, __getattr__,
 * __setattr__ and __delattr__ as frames.
 *
 * Steps follow Objects/object.c, _PyObject_GenericGetAttrWithDict, and Objects/typeobject.c,
 * slot_tp_getattr_hook and type_getattro (3.11 to 3.14); what they find that is not Python code
 * is left to them.
 */
#include "vm/vm_special.h"

#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_attr.h"
#include "vm/vm_call_out.h"
#include "vm/vm_ic.h"

/* -- how a type looks attributes up ---------------------------------------------------------- */

/* What tp_getattro comes to without __getattr__ (*hook, borrowed or NULL); NULL: something else, or
   Python code (*func). */
static getattrofunc
base_getattro(PyTypeObject *type, PyObject **hook, PyFunctionObject **func)
{
    getattrofunc get = type->tp_getattro;
    *hook = NULL;
    *func = NULL;
    if (get == PyObject_GenericGetAttr || get == PyType_Type.tp_getattro)
        return get;
    if (vm_slot_is_generic(type, SP_GETATTR))
        *hook = _PyType_Lookup(type, vm_specials[SP_GETATTR].name);
    else if (get != vm_slot_getattribute)
        return NULL;
    PyObject *m = _PyType_Lookup(type, vm_specials[SP_GETATTRIBUTE].name);
    if (m != NULL && Py_IS_TYPE(m, &PyWrapperDescr_Type))
        return (getattrofunc)((PyWrapperDescrObject *)m)->d_wrapped;
    if (m != NULL && Py_IS_TYPE(m, &PyFunction_Type))
        *func = (PyFunctionObject *)m;
    return NULL;
}

int
vm_has_getattr_hook_only(PyTypeObject *type)
{
    PyObject *hook;
    PyFunctionObject *func;
    return base_getattro(type, &hook, &func) == PyObject_GenericGetAttr && hook != NULL;
}

/* -- what is found ----------------------------------------------------------------------------- */

/* Has the instance itself such an attribute?  1, 0, or -1: telling may run code */
static int
own_attribute(PyObject *o, PyObject *name)
{
    PyDictValues *values = cpy_inline_values(o);
    if (values != NULL) {
        Py_ssize_t i = cpy_shared_index(Py_TYPE(o), name);
        return i >= 0 && cpy_inline_get(values, i) != NULL;
    }
    PyObject **place = cpy_instance_dict_ptr(o);
    if (place == NULL || *place == NULL)
        return 0;
    if (!PyDict_CheckExact(*place) || !cpy_dict_is_unicode((PyDictObject *)*place))
        return -1;
    return cpy_dict_index((PyDictObject *)*place, name) >= 0;
}

/* A found attribute whose value Python code computes: the function, and its arguments.  -> their
   number, 0: none */
static unsigned
computed(PyObject *found, PyObject *o, PyTypeObject *type, PyFunctionObject **func, VmWord *args)
{
    if (Py_IS_TYPE(found, &PyProperty_Type)) {
        PyObject *getter = cpy_property_getter(found);
        if (o == NULL || getter == NULL || !Py_IS_TYPE(getter, &PyFunction_Type))
            return 0;
        *func = (PyFunctionObject *)getter;
        args[0] = vm_from_ptr(o);
        return 1;
    }
    *func = vm_special(Py_TYPE(found), SP_GET);
    if (*func == NULL)
        return 0;
    args[0] = vm_from_ptr(found);
    args[1] = o == NULL ? VM_NONE : vm_from_ptr(o);
    args[2] = vm_from_ptr((PyObject *)type);
    return 3;
}

/* The attribute of an instance. */
static unsigned
computed_for_instance(PyObject *o, PyObject *name, PyFunctionObject **func, VmWord *args)
{
    PyTypeObject *type = Py_TYPE(o);
    PyObject *found = _PyType_Lookup(type, name);
    if (found == NULL || Py_TYPE(found)->tp_descr_get == NULL
        || Py_IS_TYPE(found, &PyFunction_Type))
        return 0;
    unsigned n = computed(found, o, type, func, args);
    if (n == 0 || (Py_TYPE(found)->tp_descr_set == NULL && own_attribute(o, name) != 0))
        return 0;
    return n;
}

/* The attribute of a class: its metaclass's data descriptor, its own, its metaclass's. */
static unsigned
computed_for_class(PyTypeObject *cls, PyObject *name, PyFunctionObject **func, VmWord *args)
{
    PyTypeObject *meta = Py_TYPE(cls);
    PyObject *of_meta = _PyType_Lookup(meta, name);
    if (of_meta != NULL && Py_TYPE(of_meta)->tp_descr_set != NULL
        && Py_TYPE(of_meta)->tp_descr_get != NULL)
        return computed(of_meta, (PyObject *)cls, meta, func, args);
    PyObject *own = _PyType_Lookup(cls, name);
    if (own != NULL)
        return computed(own, NULL, cls, func, args);
    return of_meta == NULL ? 0 : computed(of_meta, (PyObject *)cls, meta, func, args);
}

/* -- loads ---------------------------------------------------------------------------------------- */

static VmSpecialStatus
call_getattr(VmAct *A, VmFrame *f, PyObject *hook, PyObject *o, PyObject *name, VmHow how,
             VmWord *result)
{
    VmWord args[2] = {vm_from_ptr(o), vm_from_ptr(name)};
    if (Py_IS_TYPE(hook, &PyFunction_Type))
        return vm_special_call(A, f, (PyFunctionObject *)hook, args, 2, how, result);
    return vm_special_call_other(A, f, hook, args, result);
}

/* How an attribute is looked up. */
typedef struct {
    getattrofunc base;      /* what C code asks, or NULL */
    PyObject *hook;         /* __getattr__, borrowed, or NULL */
    PyFunctionObject *func; /* what computes it, borrowed, with n arguments; n is 0: C code finds it */
    VmWord args[3];
    unsigned n;
} Lookup;

/* 0: not a way known here */
static int
look(PyObject *o, PyObject *name, Lookup *l)
{
    l->n = 0;
    l->base = base_getattro(Py_TYPE(o), &l->hook, &l->func);
    if (l->base == PyObject_GenericGetAttr)
        l->n = computed_for_instance(o, name, &l->func, l->args);
    else if (l->base != NULL && l->base == PyType_Type.tp_getattro)
        l->n = computed_for_class((PyTypeObject *)o, name, &l->func, l->args);
    else if (l->func != NULL) {         /* __getattribute__ */
        l->args[0] = vm_from_ptr(o);
        l->args[1] = vm_from_ptr(name);
        l->n = 2;
    }
    else
        return 0;
    return 1;
}

/* C code has found v (taken), or NULL: SP_DONE; SP_NOT_MINE when there is none, and no exception:
   __getattr__ is next. */
static VmSpecialStatus
found_in_c(VmAct *A, VmFrame *f, PyObject *v, VmWord *result)
{
    vm_after(A, f);
    *result = vm_from_ptr(v);
    if (v != NULL)
        return SP_DONE;
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_AttributeError))
        return SP_RAISED;
    PyErr_Clear();
    return SP_NOT_MINE;
}

/* What C code finds.  An AttributeError that nobody would see isn't made. */
static VmSpecialStatus
find_in_c(VmAct *A, VmFrame *f, const Lookup *l, PyObject *o, PyObject *name, VmWord *result)
{
    vm_boundary(A, f);
    PyObject *v = l->base == PyObject_GenericGetAttr
                      ? _PyObject_GenericGetAttrWithDict(o, name, NULL, 1)
                      : l->base(o, name);
    return found_in_c(A, f, v, result);
}

/* What C code finds, else __getattr__. */
static VmSpecialStatus
find_or_call_getattr(VmAct *A, VmFrame *f, const Lookup *l, PyObject *o, PyObject *name,
                     VmWord *result)
{
    PyObject *hook = Py_NewRef(l->hook);        /* what finds may run code */
    VmSpecialStatus status = find_in_c(A, f, l, o, name, result);
    if (status == SP_NOT_MINE)
        status = call_getattr(A, f, hook, o, name, VM_HOW(RET_ATTR, 0), result);
    Py_DECREF(hook);
    return status;
}

VmSpecialStatus
vm_special_property(VmAct *A, VmFrame *f, PyFunctionObject *getter, PyObject *o, VmWord *result)
{
    VmWord args[1] = {vm_from_ptr(o)};
    return vm_special_call(A, f, getter, args, 1, VM_HOW(RET_ATTR, 0), result);
}

VmSpecialStatus
vm_special_hooked(VmAct *A, VmFrame *f, PyObject *by, PyObject *o, PyObject *name, VmWord *result)
{
    PyTypeObject *type = Py_TYPE(o);
    PyObject *hook = _PyType_Lookup(type, vm_specials[SP_GETATTR].name);
    VmSpecialStatus status;
    if (hook == NULL || vm_must_delegate(A->ts) != NULL)
        return SP_NOT_MINE;
    if (Py_IS_TYPE(by, &PyFunction_Type)) {
        VmWord args[1] = {vm_from_ptr(o)};
        status = vm_special_start(A, f, (PyFunctionObject *)by, args, 1, VM_HOW(RET_ATTR, 0));
        if (status == SP_PUSHED)
            A->pushed->aux = vm_from_ptr(Py_NewRef(hook));
        return status;
    }
    Py_INCREF(by);
    Py_INCREF(hook);                            /* what finds may run code */
    vm_boundary(A, f);
    status = found_in_c(A, f, Py_TYPE(by)->tp_descr_get(by, o, (PyObject *)type), result);
    if (status == SP_NOT_MINE)
        status = call_getattr(A, f, hook, o, name, VM_HOW(RET_ATTR, 0), result);
    Py_DECREF(by);
    Py_DECREF(hook);
    return status;
}

VmSpecialStatus
vm_special_find_attr(VmAct *A, VmFrame *f, PyObject *o, PyObject *name, VmWord *result)
{
    Lookup l;
    if (!look(o, name, &l))
        return SP_NOT_MINE;
    if (l.n == 0)
        return l.hook != NULL && vm_must_delegate(A->ts) == NULL
                   ? find_or_call_getattr(A, f, &l, o, name, result)
                   : SP_NOT_MINE;
    VmSpecialStatus status = vm_special_start(A, f, l.func, l.args, l.n, VM_HOW(RET_ATTR, 0));
    if (status == SP_PUSHED && l.hook != NULL)
        A->pushed->aux = vm_from_ptr(Py_NewRef(l.hook));
    return status;
}

/* GETA, GETM: v (taken) is the attribute. */
static VmSpecialStatus
finish_load(VmAct *A, VmFrame *f, VmWord v)
{
    const VmInsn *ip = f->pc;
    vm_consume(A, f, ip->b);
    if (ip->op == VM_GETM)
        vm_set_pair(f, v, VM_NULL);
    else
        vm_set_any(A, f, ip->a, v);
    f->pc = ip + 1;
    return SP_DONE;
}

VmSpecialStatus
vm_attr_returned(VmAct *A, VmFrame *f, VmWord aux, VmWord v)
{
    vm_release(aux);
    return finish_load(A, f, v);
}

void
vm_name_attribute_error(PyObject *o, PyObject *name)
{
    if (!PyErr_ExceptionMatches(PyExc_AttributeError))
        return;
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyErr_NormalizeException(&type, &value, &tb);
    PyAttributeErrorObject *error = (PyAttributeErrorObject *)value;
    if (PyErr_GivenExceptionMatches(value, PyExc_AttributeError) && error->name == NULL
        && error->obj == NULL) {
        error->name = Py_NewRef(name);
        error->obj = Py_NewRef(o);
    }
    PyErr_Restore(type, value, tb);
}

VmSpecialStatus
vm_attr_raised(VmAct *A, VmFrame *f, VmWord aux)
{
    const VmInsn *ip = f->pc;
    VmSpecialStatus status = SP_RAISED;
    PyObject *o = vm_reg_object(f, ip->b), *name = vm_cache(f, ip->c)->name;
    VmWord v;
    if (aux != VM_NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        status = call_getattr(A, f, vm_ptr(aux), o, name, VM_HOW(RET_ATTR, 0), &v);
    }
    vm_release(aux);
    if (status == SP_DONE)
        return finish_load(A, f, v);
    if (status == SP_RAISED) {
        if (ip->op != VM_GETM || Py_TYPE(o)->tp_getattro != PyObject_GenericGetAttr)
            vm_name_attribute_error(o, name);
        vm_consume(A, f, ip->b);
    }
    return status;
}

/* -- getattr() and hasattr() ----------------------------------------------------------------------------- */

/* What a frame for them holds: a tuple of these. */
enum { G_OBJECT,
       G_NAME,
       G_HOOK,              /* __getattr__ if that is still to be asked, else None */
       G_DEFAULT };         /* when there is one */

/* The call at f's pc has its value (taken). */
static VmSpecialStatus
finish_call(VmAct *A, VmFrame *f, VmWord v)
{
    const VmInsn *ip = f->pc;
    vm_set_any(A, f, ip->a, v);
    f->pc = ip + 1 + vm_list_words(ip[1].op);
    return SP_DONE;
}

VmSpecialStatus
vm_getattr_returned(VmAct *A, VmFrame *f, unsigned asks, VmWord aux, VmWord v)
{
    if (asks) {
        vm_release(v);
        v = VM_TRUE;
    }
    vm_release_old(A, f, vm_ptr(aux));
    return finish_call(A, f, v);
}

VmSpecialStatus
vm_getattr_raised(VmAct *A, VmFrame *f, unsigned asks, VmWord aux)
{
    PyObject *state = vm_ptr(aux), *hook = PyTuple_GET_ITEM(state, G_HOOK);
    PyObject *o = PyTuple_GET_ITEM(state, G_OBJECT), *name = PyTuple_GET_ITEM(state, G_NAME);
    VmSpecialStatus status = SP_RAISED;
    VmWord v;
    if (hook != Py_None && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyTuple_SET_ITEM(state, G_HOOK, Py_NewRef(Py_None));
        status = call_getattr(A, f, hook, o, name, VM_HOW(RET_GETATTR, asks), &v);
        Py_DECREF(hook);
        if (status == SP_PUSHED)
            A->pushed->aux = aux;
        if (status == SP_DONE)
            return vm_getattr_returned(A, f, asks, aux, v);
    }
    if (status == SP_PUSHED)
        return status;
    if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
        if (asks || PyTuple_GET_SIZE(state) > G_DEFAULT) {
            PyErr_Clear();
            v = asks ? VM_FALSE : vm_from_ptr(Py_NewRef(PyTuple_GET_ITEM(state, G_DEFAULT)));
            vm_release(aux);
            return finish_call(A, f, v);
        }
        vm_name_attribute_error(o, name);
    }
    vm_release(aux);
    return SP_RAISED;
}

/* The arguments move.  -> new, or NULL with them untouched */
static PyObject *
getattr_state(VmFrame *f, VmWord *args, size_t n, PyObject *hook)
{
    PyObject *fallback = n == 3 ? vm_operand_object(f, args[2]) : NULL;
    PyObject *state = n == 3 && fallback == NULL ? NULL
                                                 : PyTuple_New(n == 3 ? G_DEFAULT + 1 : G_DEFAULT);
    if (state == NULL) {
        Py_XDECREF(fallback);
        return NULL;
    }
    PyTuple_SET_ITEM(state, G_OBJECT, vm_ptr(args[0]));
    PyTuple_SET_ITEM(state, G_NAME, vm_ptr(args[1]));
    PyTuple_SET_ITEM(state, G_HOOK, Py_NewRef(hook == NULL ? Py_None : hook));
    if (n == 3) {
        PyTuple_SET_ITEM(state, G_DEFAULT, fallback);
        vm_release(args[2]);
    }
    return state;
}

/* What became of the first step, or of the one after it: as a call's end. */
static VmCallStatus
getattr_status(VmAct *A, VmFrame *f, VmSpecialStatus status, int unit, VmFrame **pushed)
{
    if (status != SP_PUSHED) {
        if (unit)
            vm_leave_c(A);
        return status == SP_DONE ? CALL_DONE : CALL_ERROR;
    }
    *pushed = vm_take_pushed(A);
    if (unit)
        (*pushed)->flags |= FRAME_IN_C;
    return CALL_PUSHED;
}

VmCallStatus
vm_call_getattr(VmAct *A, VmFrame *f, PyObject *builtin, VmWord *args, size_t n,
                VmFrame **pushed)
{
    unsigned asks = builtin == vm_known.hasattr;
    PyObject *o = vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    PyObject *name = n >= 2 && vm_is_obj(args[1]) ? vm_ptr(args[1]) : NULL;
    Lookup l;
    if (n > 3 - asks || o == NULL || name == NULL || !PyUnicode_CheckExact(name)
        || !(vm_may_be_special(o) || PyType_Check(o)) || vm_must_delegate(A->ts) != NULL
        || !look(o, name, &l) || (l.n == 0 && l.hook == NULL))
        return CALL_NOT_MINE;
    PyObject *state = getattr_state(f, args, n, l.n == 0 ? NULL : l.hook);
    if (state == NULL)
        return CALL_NOT_MINE;
    VmWord aux = vm_from_ptr(state), v;
    int unit = CPY_C_CALL_TAKES_UNIT && !vm_call_is_warm(f);
    if (unit && vm_enter_c(A) < 0) {
        Py_DECREF(state);
        return CALL_ERROR;
    }
    VmHow how = VM_HOW(RET_GETATTR, asks);
    VmSpecialStatus status;
    if (l.n > 0)
        status = vm_special_call(A, f, l.func, l.args, l.n, how, &v);
    else {
        PyObject *hook = Py_NewRef(l.hook);
        status = find_in_c(A, f, &l, o, name, &v);
        if (status == SP_NOT_MINE)
            status = call_getattr(A, f, hook, o, name, how, &v);
        Py_DECREF(hook);
    }
    if (status == SP_PUSHED)
        A->pushed->aux = aux;
    else if (status == SP_DONE)
        status = vm_getattr_returned(A, f, asks, aux, v);
    else
        status = vm_getattr_raised(A, f, asks, aux);
    return getattr_status(A, f, status, unit, pushed);
}

/* -- stores and deletions ------------------------------------------------------------------------------ */

/* v NULL: delete */
VmSpecialStatus
vm_special_setattr(VmAct *A, VmFrame *f, PyObject *o, PyObject *name, PyObject *v)
{
    PyTypeObject *type = Py_TYPE(o);
    PyFunctionObject *func;
    VmWord args[3] = {vm_from_ptr(o), vm_from_ptr(name), vm_from_ptr(v)};
    unsigned n = v == NULL ? 2 : 3;
    if (type->tp_setattro == PyObject_GenericSetAttr) {
        PyObject *found = _PyType_Lookup(type, name);
        if (found == NULL || Py_TYPE(found)->tp_descr_set == NULL)
            return SP_NOT_MINE;
        if (Py_IS_TYPE(found, &PyProperty_Type)) {
            PyObject *set = v == NULL ? cpy_property_deleter(found) : cpy_property_setter(found);
            func = set != NULL && Py_IS_TYPE(set, &PyFunction_Type) ? (PyFunctionObject *)set
                                                                    : NULL;
            args[1] = args[2];
            n--;
        }
        else {
            func = vm_special(Py_TYPE(found), v == NULL ? SP_DELETE : SP_SET);
            args[0] = vm_from_ptr(found);
            args[1] = vm_from_ptr(o);
        }
    }
    else
        func = vm_special(type, v == NULL ? SP_DELATTR : SP_SETATTR);
    return vm_special_start(A, f, func, args, n, VM_HOW(RET_STORED, 0));
}
