/* The one door to CPython's evaluator: whatever the VM does not run itself goes through
 * here, and is counted by reason.
 */
#include "vm/vm_call_out.h"

#include "cpyext_compat/cpy_eval.h"

static PyObject *reasons;           /* dict: reason -> count */
int vm_fallback_is_error;           /* PYRS_FALLBACK=error */

static int
count(const char *reason)
{
    vm_stats.delegated++;
    if (reasons == NULL && (reasons = PyDict_New()) == NULL)
        return -1;
    PyObject *old = PyDict_GetItemString(reasons, reason);      /* borrowed */
    PyObject *n = PyLong_FromLong(old == NULL ? 1 : PyLong_AsLong(old) + 1);
    int status = n == NULL ? -1 : PyDict_SetItemString(reasons, reason, n);
    Py_XDECREF(n);
    if (status == 0 && vm_fallback_is_error) {
        PyErr_Format(PyExc_RuntimeError,
                     "pyrs: would run on CPython's evaluator (%s), and PYRS_FALLBACK=error",
                     reason);
        status = -1;
    }
    return status;
}

PyObject *
vm_fallback_call(PyFunctionObject *func, PyObject *const *args, size_t nargsf,
                 PyObject *kwnames, const char *reason)
{
    if (count(reason) < 0)
        return NULL;
    return cpy_function_vectorcall((PyObject *)func, args, nargsf, kwnames);
}

PyObject *
vm_fallback_eval(PyObject *code, PyObject *globals, PyObject *locals, const char *reason)
{
    if (count(reason) < 0)
        return NULL;
    return PyEval_EvalCode(code, globals, locals);
}

PyObject *
vm_fallback_body(PyFunctionObject *func, PyObject *locals, const char *reason)
{
    if (count(reason) < 0)
        return NULL;
    return PyEval_EvalCodeEx(func->func_code, func->func_globals, locals, NULL, 0, NULL, 0, NULL, 0,
                             NULL, func->func_closure);
}

int
vm_fallback_by_c(PyFunctionObject *func)
{
    VmCode *code = vm_code_of_function(func);
    return code == NULL || (code->refused != NULL && count(code->refused) < 0) ? -1 : 0;
}

PyObject *
vm_fallback_reasons(void)
{
    return reasons == NULL ? PyDict_New() : PyDict_Copy(reasons);
}
