/* What type.__new__ calls at its end, put off: __set_name__ of what is in the namespace, then the
 * bases' __init_subclass__.
 *
 * Where all of them are plain functions, they get a vectorcall that writes the call down; once the
 * class is made, the calls are frames, in that order (vm_class.c).  Steps and messages follow
 * Objects/typeobject.c, type_new_set_names and type_new_init_subclass (3.11 to 3.14).
 */
#include "vm/vm_class.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"

/* Where the calls of the class that this thread makes go, or NULL; borrowed. */
static __thread PyObject *put_off;

/* (function, keywords or None, argument ...) */
enum { H_FUNC,
       H_KEYWORDS,
       H_ARGUMENTS };

/* -> new */
static PyObject *
written_down(PyObject *func, PyObject *const *args, size_t n, PyObject *kwnames)
{
    PyObject *hook = PyTuple_New((Py_ssize_t)(H_ARGUMENTS + n));
    if (hook == NULL)
        return NULL;
    PyObject *keywords = Py_None;
    if (kwnames == NULL)
        Py_INCREF(keywords);
    else {
        keywords = PyDict_New();
        for (Py_ssize_t i = 0; keywords != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
            if (PyDict_SetItem(keywords, PyTuple_GET_ITEM(kwnames, i), args[n + (size_t)i]) < 0)
                Py_CLEAR(keywords);
        }
    }
    PyTuple_SET_ITEM(hook, H_FUNC, Py_NewRef(func));
    PyTuple_SET_ITEM(hook, H_KEYWORDS, keywords);
    for (size_t i = 0; i < n; i++)
        PyTuple_SET_ITEM(hook, (Py_ssize_t)(H_ARGUMENTS + i), Py_NewRef(args[i]));
    if (keywords == NULL)
        Py_CLEAR(hook);
    return hook;
}

/* The vectorcall of functions that are such hooks.  type calls __set_name__ with (value, class,
   name) and __init_subclass__ with (class). */
static PyObject *
hook_vectorcall(PyObject *func, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    size_t n = (size_t)PyVectorcall_NARGS(nargsf);
    PyObject *calls = put_off;
    if (calls != NULL && ((n == 1 && PyType_Check(args[0])) || (n == 3 && PyType_Check(args[1])))) {
        PyObject *hook = written_down(func, args, n, kwnames);
        int status = hook == NULL ? -1 : PyList_Append(calls, hook);
        Py_XDECREF(hook);
        return status < 0 ? NULL : Py_NewRef(Py_None);
    }
    put_off = NULL;
    PyObject *r = vm_function_vectorcall(func, args, nargsf, kwnames);
    put_off = calls;
    return r;
}

/* -- which ------------------------------------------------------------------------------------------ */

static PyObject *set_name_name, *init_subclass_name;

static int
has_names(void)
{
    if (set_name_name == NULL)
        set_name_name = PyUnicode_InternFromString("__set_name__");
    if (init_subclass_name == NULL)
        init_subclass_name = PyUnicode_InternFromString("__init_subclass__");
    return set_name_name != NULL && init_subclass_name != NULL;
}

/* A plain function that C code calls through us: 1, and it is ready to be written down. */
static int
can_put_off(PyObject *m)
{
    if (m == NULL || !Py_IS_TYPE(m, &PyFunction_Type))
        return 0;
    PyFunctionObject *func = (PyFunctionObject *)m;
    if (func->vectorcall == vm_function_vectorcall)
        cpy_func_set_vectorcall(func, hook_vectorcall);
    return func->vectorcall == hook_vectorcall;
}

/* 1: some; 0: none; -1: one that can't be put off */
static int
set_names(PyObject *namespace)
{
    PyObject *value;
    Py_ssize_t pos = 0;
    int some = 0;
    while (PyDict_Next(namespace, &pos, NULL, &value)) {
        PyTypeObject *type = Py_TYPE(value);
        PyObject *m = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? _PyType_Lookup(type, set_name_name) : NULL;
        if (m == NULL)
            continue;
        if (!can_put_off(m))
            return -1;
        some = 1;
    }
    return some;
}

static int
init_subclasses(PyObject *bases)
{
    PyObject *usual = _PyType_Lookup(&PyBaseObject_Type, init_subclass_name);
    int some = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        PyObject *m = PyType_Check(base) ? _PyType_Lookup((PyTypeObject *)base, init_subclass_name) : NULL;
        if (m == usual)
            continue;
        if (m == NULL || !Py_IS_TYPE(m, &PyClassMethod_Type)
            || !can_put_off(cpy_classmethod_callable(m)))
            return -1;
        some = 1;
    }
    return some;
}

PyObject *
vm_hooks_of(PyThreadState *ts, PyObject *bases, PyObject *namespace)
{
    if (!has_names()) {
        PyErr_Clear();
        return NULL;
    }
    if (!PyTuple_Check(bases) || !PyDict_Check(namespace) || vm_must_delegate(ts) != NULL)
        return NULL;
    int values = set_names(namespace), classes = values < 0 ? -1 : init_subclasses(bases);
    return classes < 0 || values + classes == 0 ? NULL : PyList_New(0);
}

/* -- when ------------------------------------------------------------------------------------------- */

PyObject *
vm_put_off_hooks(PyObject *hooks)
{
    PyObject *outer = put_off;
    put_off = hooks;
    return outer;
}

VmHook
vm_hook(PyObject *hook)
{
    PyObject *keywords = PyTuple_GET_ITEM(hook, H_KEYWORDS);
    return (VmHook){PyTuple_GET_ITEM(hook, H_FUNC), &PyTuple_GET_ITEM(hook, H_ARGUMENTS),
                    (size_t)PyTuple_GET_SIZE(hook) - H_ARGUMENTS,
                    keywords == Py_None ? NULL : keywords};
}

void
vm_hook_raised(PyObject *hook)
{
    VmHook h = vm_hook(hook);
    if (h.n == 3)
        cpy_set_name_raised(h.args[0], h.args[2], (PyTypeObject *)h.args[1]);
}

/* type.__new__ raised behind these calls. */
static void
call_before_error(PyObject *hooks)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks); i++) {
        PyObject *hook = PyList_GET_ITEM(hooks, i);
        VmHook h = vm_hook(hook);
        PyObject *r = PyObject_VectorcallDict(h.func, h.args, h.n, h.keywords);
        if (r == NULL) {
            vm_hook_raised(hook);
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(tb);
            return;
        }
        Py_DECREF(r);
    }
    PyErr_Restore(type, value, tb);
}

PyObject *
vm_hooks_are_put_off(PyObject *outer, PyObject *hooks, PyObject *cls)
{
    put_off = outer;
    if (cls == NULL && hooks != NULL)
        call_before_error(hooks);
    return cls;
}
