/* Class statements, exec() and eval().
 *
 * The body of a class and the code of exec() are frames like any other; what CPython's
 * builtins do around them happens here, before the frame is pushed and when it returns.
 * Steps and messages follow Python/bltinmodule.c, builtin___build_class__ (3.11 to 3.14).
 */
#include "vm/vm_class.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"

VmFrame *
vm_push_code(VmAct *A, VmFrame *prev, PyFunctionObject *func, PyObject *locals)
{
    VmCode *code = vm_code_to_run(func);
    assert(code != NULL);
    VmFrame *nf = vm_push_checked(A, prev, code, (PyFunctionObject *)Py_NewRef(func));
    if (nf == NULL || locals == NULL)
        return nf;
    Py_XDECREF(nf->locals);
    nf->locals = Py_NewRef(locals);
    nf->flags |= FRAME_LOCALS;
    return nf;
}

/* The frame of a builtin that runs code, with the unit of recursion that the builtin takes. */
static VmFrame *
push_under_builtin(VmAct *A, VmFrame *f, PyFunctionObject *func, PyObject *locals)
{
    if (vm_call_is_warm(f))
        return vm_push_code(A, f, func, locals);
    if (vm_enter_c(A) < 0)
        return NULL;
    VmFrame *nf = vm_push_code(A, f, func, locals);
    if (nf == NULL)
        vm_leave_c(A);
    else
        nf->flags |= FRAME_IN_C;
    return nf;
}

static void
set_return(VmFrame *nf, VmReturn ret, VmReturnKind kind, VmWord aux)
{
    nf->ret_dst = (uint16_t)ret.dst;
    nf->ret_ip = ret.next;
    nf->kind = (uint8_t)kind;
    nf->aux = aux;
}

/* -- class statements --------------------------------------------------------------------- */

enum { S_NAME,
       S_ORIG_BASES,
       S_BASES,
       S_META,
       S_KEYWORDS,
       S_NAMESPACE,
       S_COUNT };

/* Bases with __mro_entries__ replaced by what it returns.  -> new (orig itself when none) */
static PyObject *
resolve_bases(PyObject *orig)
{
    PyObject *list = NULL, *result = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(orig);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *base = PyTuple_GET_ITEM(orig, i), *meth = NULL;
        if (!PyType_Check(base)) {
            if (PyObject_GetOptionalAttr(base, PyUnicode_InternFromString("__mro_entries__"),
                                         &meth)
                < 0)
                goto done;
        }
        if (meth == NULL) {
            if (list != NULL && PyList_Append(list, base) < 0)
                goto done;
            continue;
        }
        PyObject *entries = PyObject_CallOneArg(meth, orig);
        Py_DECREF(meth);
        if (entries == NULL)
            goto done;
        if (!PyTuple_Check(entries)) {
            PyErr_SetString(PyExc_TypeError, "__mro_entries__ must return a tuple");
            Py_DECREF(entries);
            goto done;
        }
        if (list == NULL) {
            list = PyList_New(i);
            for (Py_ssize_t j = 0; list != NULL && j < i; j++)
                PyList_SET_ITEM(list, j, Py_NewRef(PyTuple_GET_ITEM(orig, j)));
        }
        Py_ssize_t end = list == NULL ? 0 : PyList_GET_SIZE(list);
        int bad = list == NULL || PyList_SetSlice(list, end, end, entries) < 0;
        Py_DECREF(entries);
        if (bad)
            goto done;
    }
    result = list == NULL ? Py_NewRef(orig) : PyList_AsTuple(list);
done:
    Py_XDECREF(list);
    return result;
}

/* -> new; *is_class: meta is a class */
static PyObject *
choose_metaclass(PyObject *bases, PyObject *keywords, int *is_class)
{
    PyObject *meta = keywords == NULL ? NULL : PyDict_GetItemString(keywords, "metaclass");
    *is_class = 1;
    if (meta != NULL) {
        Py_INCREF(meta);
        if (PyDict_DelItemString(keywords, "metaclass") < 0) {
            Py_DECREF(meta);
            return NULL;
        }
        *is_class = PyType_Check(meta);
    }
    else if (PyTuple_GET_SIZE(bases) == 0)
        meta = Py_NewRef((PyObject *)&PyType_Type);
    else
        meta = Py_NewRef((PyObject *)Py_TYPE(PyTuple_GET_ITEM(bases, 0)));
    if (!*is_class)
        return meta;
    PyObject *winner = (PyObject *)cpy_calculate_metaclass((PyTypeObject *)meta, bases);
    Py_XINCREF(winner);
    Py_DECREF(meta);
    return winner;
}

/* -> new */
static PyObject *
prepare_namespace(PyObject *meta, int is_class, PyObject *name, PyObject *bases,
                  PyObject *keywords)
{
    PyObject *prepare, *ns;
    if (PyObject_GetOptionalAttr(meta, PyUnicode_InternFromString("__prepare__"), &prepare) < 0)
        return NULL;
    if (prepare == NULL)
        return PyDict_New();
    PyObject *args[2] = {name, bases};
    ns = PyObject_VectorcallDict(prepare, args, 2, keywords);
    Py_DECREF(prepare);
    if (ns != NULL && !PyMapping_Check(ns)) {
        PyErr_Format(PyExc_TypeError, "%.200s.__prepare__() must return a mapping, not %.200s",
                     is_class ? ((PyTypeObject *)meta)->tp_name : "<metaclass>",
                     Py_TYPE(ns)->tp_name);
        Py_CLEAR(ns);
    }
    return ns;
}

static PyObject *
keywords_of(const VmWord *values, PyObject *kwnames)
{
    PyObject *d = PyDict_New();
    for (Py_ssize_t i = 0; d != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *v = vm_box(values[i]);
        if (v == NULL || PyDict_SetItem(d, PyTuple_GET_ITEM(kwnames, i), v) < 0)
            Py_CLEAR(d);
        Py_XDECREF(v);
    }
    return d;
}

/* Everything up to the body.  -> new state tuple */
static PyObject *
class_state(const VmWord *args, size_t n, PyObject *kwnames)
{
    PyObject *state = PyTuple_New(S_COUNT);
    if (state == NULL)
        return NULL;
    PyObject *name = Py_NewRef(vm_ptr(args[1]));
    PyTuple_SET_ITEM(state, S_NAME, name);
    PyObject *orig = PyTuple_New((Py_ssize_t)n - 2);
    PyTuple_SET_ITEM(state, S_ORIG_BASES, orig);
    for (size_t i = 2; orig != NULL && i < n; i++) {
        PyObject *base = vm_box(args[i]);
        if (base == NULL)
            goto failed;
        PyTuple_SET_ITEM(orig, (Py_ssize_t)i - 2, base);
    }
    PyObject *bases = orig == NULL ? NULL : resolve_bases(orig);
    PyTuple_SET_ITEM(state, S_BASES, bases);
    if (bases == NULL)
        goto failed;
    PyObject *keywords = NULL;
    if (kwnames != NULL) {
        keywords = keywords_of(args + n, kwnames);
        PyTuple_SET_ITEM(state, S_KEYWORDS, keywords);
        if (keywords == NULL)
            goto failed;
    }
    int is_class;
    PyObject *meta = choose_metaclass(bases, keywords, &is_class);
    PyTuple_SET_ITEM(state, S_META, meta);
    if (meta == NULL)
        goto failed;
    PyObject *ns = prepare_namespace(meta, is_class, name, bases, keywords);
    PyTuple_SET_ITEM(state, S_NAMESPACE, ns);
    if (ns != NULL)
        return state;
failed:
    Py_DECREF(state);
    return NULL;
}

VmCallStatus
vm_build_class(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
               PyObject *kwnames, VmReturn ret, VmFrame **pushed)
{
    PyObject *func = vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (func == NULL || !Py_IS_TYPE(func, &PyFunction_Type) || !vm_is_obj(args[1])
        || !PyUnicode_Check(vm_ptr(args[1])) || vm_must_delegate(A->ts) != NULL
        || vm_code_to_run((PyFunctionObject *)func) == NULL)
        return CALL_NOT_MINE;
    VmCallStatus status = CALL_ERROR;
    vm_boundary(A, f);
    PyObject *state = NULL;
    if (vm_enter_c(A) == 0) {
        state = class_state(args, n, kwnames);
        vm_leave_c(A);
    }
    vm_after(A, f);
    if (state != NULL) {
        VmFrame *nf = push_under_builtin(A, f, (PyFunctionObject *)func,
                                         PyTuple_GET_ITEM(state, S_NAMESPACE));
        if (nf == NULL)
            Py_DECREF(state);
        else {
            set_return(nf, ret, RET_CLASS, vm_from_ptr(state));
            *pushed = nf;
            status = CALL_PUSHED;
        }
    }
    Py_DECREF(callee);
    size_t all = n + (kwnames == NULL ? 0 : (size_t)PyTuple_GET_SIZE(kwnames));
    for (size_t i = 0; i < all; i++)
        vm_release(args[i]);
    return status;
}

static int
check_class_cell(PyObject *cls, PyObject *cell, PyObject *name)
{
    PyObject *set = PyCell_GET(cell);
    if (set == cls)
        return 0;
    if (set == NULL)
        PyErr_Format(PyExc_RuntimeError,
                     "__class__ not set defining %.200R as %.200R. "
                     "Was __classcell__ propagated to type.__new__?",
                     name, cls);
    else
        PyErr_Format(PyExc_TypeError, "__class__ set to %.200R defining %.200R as %.200R", set,
                     name, cls);
    return -1;
}

PyObject *
vm_finish_class(VmAct *A, VmFrame *f, PyObject *state, VmWord cell)
{
    PyObject *name = PyTuple_GET_ITEM(state, S_NAME), *cls = NULL;
    PyObject *orig = PyTuple_GET_ITEM(state, S_ORIG_BASES);
    PyObject *bases = PyTuple_GET_ITEM(state, S_BASES);
    PyObject *ns = PyTuple_GET_ITEM(state, S_NAMESPACE);
    PyObject *margs[3] = {name, bases, ns};
    vm_boundary(A, f);
    int in_c = vm_enter_c(A) == 0;
    if (!in_c || (bases != orig && PyMapping_SetItemString(ns, "__orig_bases__", orig) < 0))
        goto done;
    cls = PyObject_VectorcallDict(PyTuple_GET_ITEM(state, S_META), margs, 3,
                                  PyTuple_GET_ITEM(state, S_KEYWORDS));
    if (cls != NULL && PyType_Check(cls) && vm_is_obj(cell) && PyCell_Check(vm_ptr(cell))
        && check_class_cell(cls, vm_ptr(cell), name) < 0)
        Py_CLEAR(cls);
done:
    if (in_c)
        vm_leave_c(A);
    vm_after(A, f);
    vm_release(cell);
    Py_DECREF(state);
    return cls;
}

/* -- exec and eval --------------------------------------------------------------------------- */

/* Python/bltinmodule.c: what exec and eval pass to the compiler.  -> new code */
static PyObject *
compile_source(PyObject *source, int is_eval)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(source, &size);
    if (text == NULL || strlen(text) != (size_t)size)
        return NULL;
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    while (is_eval && (*text == ' ' || *text == '\t'))
        text++;
    PyEval_MergeCompilerFlags(&flags);
    return Py_CompileStringExFlags(text, "<string>", is_eval ? Py_eval_input : Py_file_input,
                                   &flags, -1);
}

static int
add_builtins(PyObject *globals, PyObject *builtins)
{
    PyObject *name = PyUnicode_InternFromString("__builtins__");
    int has = name == NULL ? -1 : PyDict_Contains(globals, name);
    if (has == 0)
        has = PyDict_SetItem(globals, name, builtins);
    Py_XDECREF(name);
    return has < 0 ? -1 : 0;
}

/* The two namespaces; what the frame itself has where none is given.  0: not for us, or an
   exception.  *globals borrowed, *locals new (when it is set) */
static int
exec_namespaces(VmAct *A, VmFrame *f, const VmWord *args, size_t n, PyObject **globals,
                PyObject **locals)
{
    PyObject *g = n > 1 && !vm_is_none(args[1]) ? vm_ptr(args[1]) : NULL;
    PyObject *l = n > 2 && !vm_is_none(args[2]) ? vm_ptr(args[2]) : NULL;
    if ((n > 1 && g != NULL && !vm_is_obj(args[1])) || (l != NULL && !vm_is_obj(args[2])))
        return 0;
    if (g == NULL) {
        g = f->func->func_globals;
        if (l == NULL && f->locals == NULL) {
            vm_boundary(A, f);
            *locals = PyEval_GetFrameLocals();
            vm_after(A, f);
            *globals = g;
            return *locals != NULL;
        }
        if (l == NULL)
            l = f->locals;
    }
    if (l == NULL)
        l = g;
    if (!PyDict_CheckExact(g) || !PyMapping_Check(l))
        return 0;
    *globals = g;
    *locals = Py_NewRef(l);
    return 1;
}

/* exec and eval of a code object must not need free variables.  -> new function, or NULL */
static PyObject *
exec_function(VmFrame *f, PyObject *source, int is_eval, PyObject *globals)
{
    if (add_builtins(globals, f->func->func_builtins) < 0)
        return NULL;
    PyObject *code;
    if (PyCode_Check(source)) {
        if (PySys_Audit("exec", "O", source) < 0)
            return NULL;
        code = Py_NewRef(source);
    }
    else
        code = compile_source(source, is_eval);
    if (code == NULL)
        return NULL;
    PyObject *func = PyFunction_New(code, globals);
    Py_DECREF(code);
    return func;
}

VmCallStatus
vm_exec(VmAct *A, VmFrame *f, int is_eval, VmWord *args, size_t n, VmReturn ret,
        VmFrame **pushed)
{
    PyObject *globals, *locals;
    if (n < 1 || n > 3 || !vm_is_obj(args[0]) || vm_must_delegate(A->ts) != NULL)
        return CALL_NOT_MINE;
    PyObject *source = vm_ptr(args[0]);
    if (PyCode_Check(source) ? PyCode_GetNumFree((PyCodeObject *)source) > 0
                             : !PyUnicode_CheckExact(source))
        return CALL_NOT_MINE;
    if (!exec_namespaces(A, f, args, n, &globals, &locals))
        return CALL_NOT_MINE;       /* with an exception: the caller sees to it */
    vm_boundary(A, f);
    PyObject *func = exec_function(f, source, is_eval, globals);
    vm_after(A, f);
    if (func == NULL && !PyErr_Occurred()) {
        Py_DECREF(locals);
        return CALL_NOT_MINE;   /* a source with NULs: let CPython word the error */
    }
    VmCallStatus status = CALL_ERROR;
    if (func != NULL) {
        if (vm_code_to_run((PyFunctionObject *)func) == NULL) {
            Py_DECREF(locals);
            Py_DECREF(func);
            return CALL_NOT_MINE;
        }
        VmFrame *nf = push_under_builtin(A, f, (PyFunctionObject *)func, locals);
        if (nf != NULL) {
            set_return(nf, ret, is_eval ? RET_VALUE : RET_NONE, VM_NULL);
            *pushed = nf;
            status = CALL_PUSHED;
        }
        Py_DECREF(func);
    }
    Py_DECREF(locals);
    for (size_t i = 0; i < n; i++)
        vm_release(args[i]);
    return status;
}
