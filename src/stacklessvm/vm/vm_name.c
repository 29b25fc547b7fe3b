/* Names: globals, builtins, the mapping of a module, class body or exec, and cells. */
#include "vm/vm_attr.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_call.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"

/* NameError with the name as attribute, so that "Did you mean" works. */
static void
name_error(PyObject *type, const char *format, PyObject *name)
{
    PyErr_Format(type, format, name);
    if (type != PyExc_NameError)
        return;
    PyObject *t, *v, *tb;
    PyErr_Fetch(&t, &v, &tb);
    PyErr_NormalizeException(&t, &v, &tb);
    if (v != NULL && Py_IS_TYPE(v, (PyTypeObject *)PyExc_NameError)) {
        if (PyObject_SetAttrString(v, "name", name) < 0)
            PyErr_Clear();
    }
    PyErr_Restore(t, v, tb);
}

static void
not_defined(PyObject *name)
{
    name_error(PyExc_NameError, "name '%.200U' is not defined", name);
}

void
vm_raise_unbound(VmFrame *f, unsigned local)
{
    PyCodeObject *co = f->code->co;
    PyObject *name = cpy_code_local_name(co, (int)local);
    if (cpy_code_local_kind(co, (int)local) & CPY_FREE)
        name_error(PyExc_NameError,
                   "cannot access free variable '%U' where it is not associated with a "
                   "value in enclosing scope",
                   name);
    else
        name_error(PyExc_UnboundLocalError,
                   "cannot access local variable '%U' where it is not associated with a "
                   "value",
                   name);
}

/* -- globals -------------------------------------------------------------------------- */

/* Remember that the name is entry i of d, which is one of the two: of globals by keys and index, of
   builtins by the versions of both.  Builtins that may go away, so that something else may come to be
   where they were, are not remembered. */
static void
remember(VmCache *c, PyDictObject *globals, PyDictObject *builtins, PyDictObject *d, Py_ssize_t i)
{
    uint32_t builtins_version = 0, globals_version = cpy_keys_version(globals);
    if (globals_version == 0 || globals_version == VM_NO_VERSION)
        return;
    if (d != globals
        && ((PyObject *)builtins != vm_known.builtins
            || (builtins_version = cpy_keys_version(builtins)) == 0))
        return;
    c->u.global.builtins = (PyObject *)builtins;
    c->u.global.globals_version = globals_version;
    c->u.global.builtins_version = builtins_version;
    c->u.global.at = (size_t)((char *)cpy_dict_value_at(d, i) - (char *)d->ma_keys);
}

/* All keys are exact strs, and the values are with them: those of instances are not. */
static inline int
is_plain_namespace(PyDictObject *d)
{
    return cpy_dict_is_unicode(d) && d->ma_values == NULL;
}

/* -> borrowed, or NULL: the name is in neither, or an exception is set */
static PyObject *
global_from_dicts(VmCache *c, PyDictObject *globals, PyDictObject *builtins)
{
    PyDictObject *both[] = {globals, builtins};
    for (int k = 0; k < 2; k++) {
        PyDictObject *d = both[k];
        if (!is_plain_namespace(d)) {
            PyObject *v = PyDict_GetItemWithError((PyObject *)d, c->name);
            if (v != NULL || PyErr_Occurred())
                return v;
            continue;
        }
        Py_ssize_t i = cpy_dict_index(d, c->name);
        if (i < 0)
            continue;
        if (is_plain_namespace(globals))
            remember(c, globals, builtins, d, i);
        return *cpy_dict_value_at(d, i);
    }
    return NULL;
}

static PyObject *
global_from_mappings(VmAct *A, VmFrame *f, PyObject *name)
{
    PyObject *globals = f->func->func_globals, *builtins = f->func->func_builtins;
    vm_boundary(A, f);
    PyObject *v = PyObject_GetItem(globals, name);
    if (v == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        v = PyObject_GetItem(builtins, name);
        if (v == NULL && PyErr_ExceptionMatches(PyExc_KeyError))
            not_defined(name);
    }
    vm_after(A, f);
    return v;
}

PyObject *
vm_load_global(VmAct *A, VmFrame *f, VmCache *c)
{
    PyObject *globals = f->func->func_globals, *builtins = f->func->func_builtins;
    if (!PyDict_CheckExact(globals) || !PyDict_CheckExact(builtins))
        return global_from_mappings(A, f, c->name);
    PyObject *v = global_from_dicts(c, (PyDictObject *)globals, (PyDictObject *)builtins);
    if (v == NULL && !PyErr_Occurred())
        not_defined(c->name);
    return Py_XNewRef(v);
}

/* Setting an item may release the old value: that can run code. */
static int
set_item(VmAct *A, VmFrame *f, PyObject *mapping, PyObject *name, unsigned reg)
{
    PyObject *v = vm_reg_object(f, reg);
    int status = -1;
    if (v != NULL) {
        vm_boundary(A, f);
        status = PyDict_CheckExact(mapping) ? PyDict_SetItem(mapping, name, v)
                                            : PyObject_SetItem(mapping, name, v);
        vm_after(A, f);
    }
    vm_consume(A, f, reg);
    return status;
}

int
vm_store_global(VmAct *A, VmFrame *f)
{
    PyObject *name = vm_cache(f, f->pc->c)->name;
    PyObject *v = vm_reg_object(f, f->pc->a);
    int status = -1;
    if (v != NULL) {
        vm_boundary(A, f);
        status = PyDict_SetItem(f->func->func_globals, name, v);
        vm_after(A, f);
    }
    vm_consume(A, f, f->pc->a);
    return status;
}

int
vm_delete_global(VmAct *A, VmFrame *f)
{
    PyObject *name = vm_cache(f, f->pc->c)->name;
    vm_boundary(A, f);
    int status = PyDict_DelItem(f->func->func_globals, name);
    if (status < 0 && PyErr_ExceptionMatches(PyExc_KeyError))
        not_defined(name);
    vm_after(A, f);
    return status;
}

/* -- names in a mapping ------------------------------------------------------------------ */

static PyObject *
no_locals(const char *what, PyObject *name)
{
    PyErr_Format(PyExc_SystemError, what, name);
    return NULL;
}

/* -> new, or NULL; no exception set when the key is simply missing */
static PyObject *
mapping_get(VmAct *A, VmFrame *f, PyObject *mapping, PyObject *name)
{
    if (PyDict_CheckExact(mapping)) {
        PyObject *v = PyDict_GetItemWithError(mapping, name);
        Py_XINCREF(v);
        return v;
    }
    vm_boundary(A, f);
    PyObject *v = PyObject_GetItem(mapping, name);
    if (v == NULL && PyErr_ExceptionMatches(PyExc_KeyError))
        PyErr_Clear();
    vm_after(A, f);
    return v;
}

PyObject *
vm_load_name(VmAct *A, VmFrame *f, PyObject *mapping, VmCache *c)
{
    if (mapping == NULL)
        return no_locals("no locals when loading %R", c->name);
    PyObject *v = mapping_get(A, f, mapping, c->name);
    if (v != NULL || PyErr_Occurred())
        return v;
    return vm_load_global(A, f, c);
}

int
vm_store_name(VmAct *A, VmFrame *f)
{
    PyObject *name = vm_cache(f, f->pc->c)->name;
    if (f->locals == NULL) {
        no_locals("no locals found when storing %R", name);
        vm_consume(A, f, f->pc->a);
        return -1;
    }
    return set_item(A, f, f->locals, name, f->pc->a);
}

int
vm_delete_name(VmAct *A, VmFrame *f)
{
    PyObject *name = vm_cache(f, f->pc->c)->name;
    if (f->locals == NULL) {
        no_locals("no locals when deleting %R", name);
        return -1;
    }
    vm_boundary(A, f);
    int status = PyObject_DelItem(f->locals, name);
    if (status < 0)     /* whatever it was: CPython says so too */
        not_defined(name);
    vm_after(A, f);
    return status;
}

PyObject *
vm_load_cell_or_mapping(VmAct *A, VmFrame *f, PyObject *mapping, unsigned cell)
{
    PyObject *name = cpy_code_local_name(f->code->co, (int)cell);
    if (mapping == NULL)
        return no_locals("no locals when loading %R", name);
    PyObject *v = mapping_get(A, f, mapping, name);
    if (v != NULL || PyErr_Occurred())
        return v;
    v = PyCell_GET(vm_ptr(f->regs[cell]));
    if (v == NULL)
        vm_raise_unbound(f, cell);
    return Py_XNewRef(v);
}

int
vm_setup_annotations(VmAct *A, VmFrame *f)
{
    PyObject *name = PyUnicode_InternFromString("__annotations__");
    int status = -1;
    if (name == NULL)
        return -1;
    if (f->locals == NULL) {
        PyErr_Format(PyExc_SystemError, "no locals found when setting up annotations");
        goto done;
    }
    PyObject *v = mapping_get(A, f, f->locals, name);
    if (v == NULL && !PyErr_Occurred()) {
        v = PyDict_New();
        if (v != NULL) {
            vm_boundary(A, f);
            status = PyObject_SetItem(f->locals, name, v);
            vm_after(A, f);
        }
    }
    else if (v != NULL)
        status = 0;
    Py_XDECREF(v);
done:
    Py_DECREF(name);
    return status;
}

PyObject *
vm_load_build_class(VmAct *A, VmFrame *f)
{
    PyObject *builtins = f->func->func_builtins, *v;
    if (PyDict_CheckExact(builtins)) {
        v = Py_XNewRef(PyDict_GetItemString(builtins, "__build_class__"));
        if (v == NULL)
            PyErr_SetString(PyExc_NameError, "__build_class__ not found");
        return v;
    }
    PyObject *name = PyUnicode_InternFromString("__build_class__");
    if (name == NULL)
        return NULL;
    vm_boundary(A, f);
    v = PyObject_GetItem(builtins, name);
    vm_after(A, f);
    Py_DECREF(name);
    if (v == NULL && PyErr_ExceptionMatches(PyExc_KeyError))
        PyErr_SetString(PyExc_NameError, "__build_class__ not found");
    return v;
}
