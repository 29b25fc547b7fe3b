/* exec() and eval(), and frames of code that has namespaces of its own.
 *
 * Steps follow Python/bltinmodule.c, builtin_exec_impl and builtin_eval_impl (3.11 to 3.14).
 */
#include "vm/vm_class.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_direct.h"
#include "vm/vm_call_out.h"
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

/* The same under a builtin, with the unit of recursion that it takes. */
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
    PyObject *code = PyCode_Check(source) ? Py_NewRef(source) : compile_source(source, is_eval);
    if (code == NULL)
        return NULL;
    if (PySys_Audit("exec", "O", code) < 0) {
        Py_DECREF(code);
        return NULL;
    }
    PyObject *func = PyFunction_New(code, globals);
    Py_DECREF(code);
    return func;
}

/* Python/pythonrun.c, run_eval_code_obj */
void
vm_exec_raised(void)
{
    if (PyErr_Occurred() == PyExc_KeyboardInterrupt)
        *cpy_interrupt_unhandled() = 1;
}

/* Code that is not for us, as exec() or eval() run it. */
static VmCallStatus
run_refused(VmAct *A, VmFrame *f, PyFunctionObject *func, int is_eval, int is_text,
            PyObject *locals, const char *reason, const VmReturn *ret)
{
    vm_boundary(A, f);
    PyObject *o = vm_fallback_eval(func->func_code, func->func_globals, locals, reason);
    vm_after(A, f);
    if (o == NULL && is_text)
        vm_exec_raised();
    if (o != NULL && !is_eval)
        Py_SETREF(o, Py_NewRef(Py_None));
    return vm_finish_c(A, f, o, ret);
}

VmCallStatus
vm_exec(VmAct *A, VmFrame *f, int is_eval, VmWord *args, size_t n, const VmReturn *ret,
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
        VmCode *code = vm_code_of_function((PyFunctionObject *)func);
        int refused = code != NULL && code->refused != NULL, is_text = !PyCode_Check(source);
        if (is_text)
            *cpy_interrupt_unhandled() = 0;
        VmFrame *nf = code == NULL || refused
                          ? NULL
                          : push_under_builtin(A, f, (PyFunctionObject *)func, locals);
        if (refused)
            status = run_refused(A, f, (PyFunctionObject *)func, is_eval, is_text, locals,
                                 code->refused, ret);
        if (nf != NULL) {
            nf->ret_dst = (uint16_t)ret->dst;
            nf->ret_ip = ret->next;
            nf->kind = is_eval ? RET_VALUE : RET_NONE;
            if (is_text)
                nf->flags |= FRAME_OF_TEXT;
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
