/* Imports, and what an interactive session shows.  Messages follow Python/ceval.c (3.11). */
#include "vm/vm_build.h"

#include "vm/vm_call_out.h"
#include "vm/vm_special.h"

/* The import machinery's own entry point comes to the VM, so that what it runs does. */
static void
own_import_machinery(void)
{
    static int done;
    if (done)
        return;
    done = 1;
    PyObject *modules = PyImport_GetModuleDict();       /* borrowed */
    PyObject *bootstrap = PyDict_GetItemString(modules, "_frozen_importlib");
    PyObject *func = bootstrap == NULL
                         ? NULL
                         : PyObject_GetAttrString(bootstrap, "_find_and_load");
    if (func == NULL)
        PyErr_Clear();
    else if (PyFunction_Check(func))
        vm_own_function(func);
    Py_XDECREF(func);
}

static PyObject *
standard_import(void)
{
    static PyObject *import;        /* the builtin __import__, kept for good */
    if (import == NULL) {
        PyObject *builtins = PyImport_ImportModule("builtins");
        import = builtins == NULL ? NULL : PyObject_GetAttrString(builtins, "__import__");
        /* replaced before we came, by a C function too: never the fast way */
        if (import != NULL && (!PyCFunction_Check(import) || PyCFunction_GET_SELF(import) != builtins))
            Py_CLEAR(import);
        Py_XDECREF(builtins);
    }
    return import;
}

static PyObject *
import_in(VmFrame *f, PyObject *import, PyObject *name, PyObject *fromlist, PyObject *level)
{
    PyObject *globals = f->func->func_globals;
    PyObject *locals = f->locals == NULL ? Py_None : f->locals;
    if (import == standard_import()) {
        int n = (int)PyLong_AsLong(level);
        if (n == -1 && PyErr_Occurred())
            return NULL;
        own_import_machinery();
        return PyImport_ImportModuleLevelObject(name, globals, locals, fromlist, n);
    }
    PyObject *args[5] = {name, globals, locals, fromlist, level};
    return PyObject_Vectorcall(import, args, 5, NULL);
}

int
vm_import_name(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b;
    PyObject *name = f->code->caches[f->pc->c].name, *module = NULL;
    PyObject *level = vm_reg_object(f, base), *fromlist = vm_reg_object(f, base + 1);
    PyObject *builtins = f->func->func_builtins;
    PyObject *import = PyDict_CheckExact(builtins) ? PyDict_GetItemString(builtins, "__import__")
                                                   : NULL;
    if (import == NULL)
        PyErr_SetString(PyExc_ImportError, "__import__ not found");
    else if (level != NULL && fromlist != NULL && vm_c_stack_check(A) == 0) {
        Py_INCREF(import);
        vm_boundary(A, f);
        module = import_in(f, import, name, fromlist, level);
        vm_after(A, f);
        Py_DECREF(import);
    }
    vm_release_window(f, base, 2);
    *result = vm_from_ptr(module);
    return module == NULL ? -1 : 0;
}

int
vm_import_from(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *module = vm_reg_object(f, f->pc->b);
    vm_boundary(A, f);
    PyObject *v = cpy_import_from(module, f->code->caches[f->pc->c].name);
    vm_after(A, f);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}

int
vm_import_star(VmAct *A, VmFrame *f)
{
    PyObject *module = vm_reg_object(f, f->pc->a);
    int status = -1;
    if (f->locals == NULL)
        PyErr_SetString(PyExc_SystemError, "no locals found during 'import *'");
    else {
        vm_boundary(A, f);
        status = cpy_import_star(f->locals, module);
        vm_after(A, f);
    }
    vm_consume(A, f, f->pc->a);
    return status;
}

int
vm_print_expr(VmAct *A, VmFrame *f)
{
    PyObject *hook = PySys_GetObject("displayhook");    /* borrowed */
    PyObject *v = vm_reg_object(f, f->pc->a), *r = NULL;
    if (hook == NULL)
        PyErr_SetString(PyExc_RuntimeError, "lost sys.displayhook");
    else if (v != NULL) {
        vm_boundary(A, f);
        r = PyObject_CallOneArg(hook, v);
        vm_after(A, f);
    }
    vm_consume(A, f, f->pc->a);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}
