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
call_getattr(VmAct *A, VmFrame *f, PyObject *hook, PyObject *o, PyObject *name, VmWord *result)
{
    VmWord args[2] = {vm_from_ptr(o), vm_from_ptr(name)};
    if (Py_IS_TYPE(hook, &PyFunction_Type))
        return vm_special_call(A, f, (PyFunctionObject *)hook, args, 2, VM_HOW(RET_ATTR, 0),
                               result);
    return vm_special_call_other(A, f, hook, args, result);
}

/* What C code finds, else __getattr__.  An AttributeError that nobody would see isn't made. */
static VmSpecialStatus
find_or_call_getattr(VmAct *A, VmFrame *f, PyObject *hook, PyObject *o, PyObject *name,
                     getattrofunc base, VmWord *result)
{
    VmSpecialStatus status = SP_DONE;
    Py_INCREF(hook);        /* base may run code */
    vm_boundary(A, f);
    PyObject *v = base == PyObject_GenericGetAttr
                      ? _PyObject_GenericGetAttrWithDict(o, name, NULL, 1)
                      : base(o, name);
    vm_after(A, f);
    *result = vm_from_ptr(v);
    if (v == NULL && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_AttributeError))
        status = SP_RAISED;
    else if (v == NULL) {
        PyErr_Clear();
        status = call_getattr(A, f, hook, o, name, result);
    }
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
vm_special_find_attr(VmAct *A, VmFrame *f, PyObject *o, PyObject *name, VmWord *result)
{
    unsigned n;
    PyObject *hook;
    VmWord args[3];
    PyFunctionObject *func;
    getattrofunc base = base_getattro(Py_TYPE(o), &hook, &func);
    if (base == PyObject_GenericGetAttr)
        n = computed_for_instance(o, name, &func, args);
    else if (base != NULL && base == PyType_Type.tp_getattro)
        n = computed_for_class((PyTypeObject *)o, name, &func, args);
    else if (func != NULL) {        /* __getattribute__ */
        args[0] = vm_from_ptr(o);
        args[1] = vm_from_ptr(name);
        n = 2;
    }
    else
        return SP_NOT_MINE;
    if (n == 0)
        return hook != NULL && vm_must_delegate(A->ts) == NULL
                   ? find_or_call_getattr(A, f, hook, o, name, base, result)
                   : SP_NOT_MINE;
    VmSpecialStatus status = vm_special_start(A, f, func, args, n, VM_HOW(RET_ATTR, 0));
    if (status == SP_PUSHED && hook != NULL)
        A->pushed->aux = vm_from_ptr(Py_NewRef(hook));
    return status;
}

/* GETA, GETM: v (taken) is the attribute. */
static VmSpecialStatus
finish_load(VmFrame *f, VmWord v)
{
    const VmInsn *ip = f->pc;
    vm_consume(f, ip->b);
    if (ip->op == VM_GETM)
        vm_set_pair(f, v, VM_NULL);
    else
        vm_set_any(f, ip->a, v);
    f->pc = ip + 1;
    return SP_DONE;
}

VmSpecialStatus
vm_attr_returned(VmFrame *f, VmWord aux, VmWord v)
{
    vm_release(aux);
    return finish_load(f, v);
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
        status = call_getattr(A, f, vm_ptr(aux), o, name, &v);
    }
    vm_release(aux);
    if (status == SP_DONE)
        return finish_load(f, v);
    if (status == SP_RAISED) {
        if (ip->op != VM_GETM || Py_TYPE(o)->tp_getattro != PyObject_GenericGetAttr)
            vm_name_attribute_error(o, name);
        vm_consume(f, ip->b);
    }
    return status;
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
