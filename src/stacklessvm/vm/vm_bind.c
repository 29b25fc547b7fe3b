/* Arguments into the registers of a frame: CPython's rules. */
#include "vm/vm_call.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_num.h"

void
vm_drop_new_frame(VmAct *A, VmFrame *nf)
{
    Py_XDECREF(nf->locals);
    Py_DECREF(nf->func);
    ++*A->left;
    vm_stats.native--;
    vm_frame_pop(A, nf);
}

/* -- binding --------------------------------------------------------------------------------- */

PyObject *
vm_tuple_of_words(const VmWord *words, size_t n)
{
    PyObject *t = PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; t != NULL && i < n; i++) {
        PyObject *o = vm_box(words[i]);
        if (o == NULL)
            Py_CLEAR(t);
        else
            PyTuple_SET_ITEM(t, (Py_ssize_t)i, o);
    }
    return t;
}

Py_ssize_t
vm_find_parameter(PyCodeObject *co, PyObject *name)
{
    Py_ssize_t n = co->co_argcount + co->co_kwonlyargcount;
    for (Py_ssize_t i = co->co_posonlyargcount; i < n; i++) {
        if (cpy_code_local_name(co, (int)i) == name)
            return i;
    }
    for (Py_ssize_t i = co->co_posonlyargcount; i < n; i++) {
        if (PyUnicode_Compare(cpy_code_local_name(co, (int)i), name) == 0)
            return i;
    }
    return -1;
}

/* Keyword values into parameters or the ** dict.  0; 1: CPython will complain; -1 error */
static int
bind_keywords(VmFrame *nf, PyCodeObject *co, const VmWord *values, PyObject *kwnames,
              PyObject *kwdict)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (!PyUnicode_Check(name))
            return 1;
        Py_ssize_t at = vm_find_parameter(co, name);
        if (at >= 0) {
            if (nf->regs[at] != VM_NULL)
                return 1;
            nf->regs[at] = values[i];
            vm_incref(values[i]);
            continue;
        }
        if (kwdict == NULL)
            return 1;
        PyObject *v = vm_box(values[i]);
        int status = v == NULL ? -1 : PyDict_SetItem(kwdict, name, v);
        Py_XDECREF(v);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* Defaults for what is still unbound.  0; 1: CPython will complain. */
static int
bind_defaults(VmFrame *nf, PyFunctionObject *func, PyCodeObject *co)
{
    PyObject *defaults = func->func_defaults;
    Py_ssize_t nd = defaults == NULL ? 0 : PyTuple_GET_SIZE(defaults);
    Py_ssize_t first = co->co_argcount - nd;
    for (Py_ssize_t i = 0; i < co->co_argcount; i++) {
        if (nf->regs[i] != VM_NULL)
            continue;
        if (i < first)
            return 1;
        nf->regs[i] = vm_from_ptr(Py_NewRef(PyTuple_GET_ITEM(defaults, i - first)));
    }
    for (Py_ssize_t i = co->co_argcount; i < co->co_argcount + co->co_kwonlyargcount; i++) {
        if (nf->regs[i] != VM_NULL)
            continue;
        PyObject *v = func->func_kwdefaults == NULL
                          ? NULL
                          : PyDict_GetItemWithError(func->func_kwdefaults,
                                                    cpy_code_local_name(co, (int)i));
        if (v == NULL)
            return 1;
        nf->regs[i] = vm_from_ptr(Py_NewRef(v));
    }
    return 0;
}

/* CPython's own binding fails the same way, before any code of the function runs. */
static void
raise_binding_error(PyFunctionObject *func, const VmWord *args, size_t n, PyObject *kwnames)
{
    size_t all = n + (kwnames == NULL ? 0 : (size_t)PyTuple_GET_SIZE(kwnames));
    PyObject *boxes = vm_tuple_of_words(args, all);
    if (boxes == NULL)
        return;
    PyObject *r = cpy_function_vectorcall((PyObject *)func, &PyTuple_GET_ITEM(boxes, 0), n,
                                          kwnames);
    Py_DECREF(boxes);
    if (r != NULL) {
        Py_DECREF(r);
        PyErr_SetString(PyExc_SystemError, "pyrs: arguments bound differently from CPython");
    }
}

static int
bind_all(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n,
         PyObject *kwnames)
{
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    size_t argc = (size_t)co->co_argcount, npos = n < argc ? n : argc;
    size_t rest = argc + (size_t)co->co_kwonlyargcount;
    PyObject *kwdict = NULL;
    int status = 0;

    if (n > argc && !(co->co_flags & CO_VARARGS))
        return 1;
    for (size_t i = 0; i < npos; i++) {
        nf->regs[i] = args[i];
        vm_incref(args[i]);
    }
    if (co->co_flags & CO_VARARGS) {
        PyObject *t = vm_tuple_of_words(args + npos, n - npos);
        if (t == NULL)
            return -1;
        nf->regs[rest++] = vm_from_ptr(t);
    }
    if (co->co_flags & CO_VARKEYWORDS) {
        kwdict = PyDict_New();
        if (kwdict == NULL)
            return -1;
        nf->regs[rest++] = vm_from_ptr(kwdict);
    }
    if (kwnames != NULL)
        status = bind_keywords(nf, co, args + n, kwnames, kwdict);
    if (status == 0 && (npos < argc || co->co_kwonlyargcount > 0))
        status = bind_defaults(nf, func, co);
    return status;
}

int
vm_bind(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n, PyObject *kwnames)
{
    int status = bind_all(nf, func, args, n, kwnames);
    if (status == 0)
        return 0;
    for (unsigned i = 0; i < nf->code->nargs_total; i++) {
        vm_release(nf->regs[i]);
        nf->regs[i] = VM_NULL;
    }
    if (!PyErr_Occurred())
        raise_binding_error(func, args, n, kwnames);
    return -1;
}

unsigned
vm_bind_defaults(VmFrame *nf, PyFunctionObject *func, VmCode *code, unsigned n)
{
    PyObject *defaults = func->func_defaults;
    Py_ssize_t first = code->argcount - PyTuple_GET_SIZE(defaults);
    for (; n < code->argcount; n++)
        nf->regs[n] = vm_word_of(PyTuple_GET_ITEM(defaults, n - first));
    return n;
}

int
vm_bind_by_position(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n)
{
    size_t argc = nf->code->argcount;
    size_t nd = func->func_defaults == NULL ? 0 : (size_t)PyTuple_GET_SIZE(func->func_defaults);
    if (!nf->code->simple || n > argc || argc - n > nd)
        return -1;
    memcpy(nf->regs, args, n * sizeof(VmWord));
    if (n < argc)
        vm_bind_defaults(nf, func, nf->code, (unsigned)n);
    return 0;
}
