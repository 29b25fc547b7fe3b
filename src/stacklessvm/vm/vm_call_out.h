/* The boundary between the VM and C: out to C callables, in from them. */
#ifndef VM_CALL_OUT_H
#define VM_CALL_OUT_H

#include "cpyext_compat/cpy_tracing.h"
#include "vm/vm_frame.h"

/* The lowest address of this thread's C stack that calls may reach. */
char *vm_c_stack_low(void);
int vm_c_stack_error(void);             /* RecursionError; -1 */

/* RecursionError when the C stack is nearly used up; 0 / -1. */
static inline int
vm_c_stack_check(VmAct *A)
{
    if (vm_likely((char *)__builtin_frame_address(0) > A->stack_low))
        return 0;
    return vm_c_stack_error();
}

/* Why nothing runs here at the moment, or NULL. */
static inline const char *
vm_must_delegate(PyThreadState *ts)
{
    if (vm_unlikely(cpy_tracing(ts)))
        return "tracing or profiling is active";
    if (vm_unlikely(cpy_tracemalloc_active()))
        return "tracemalloc is active";
    if (vm_unlikely(cpy_foreign_eval_hook(ts)))
        return "another eval-frame hook is installed";
    return NULL;
}

/* An activation for a call from C into the VM.  NULL with MemoryError or RecursionError */
static inline VmAct *
vm_act_enter(PyThreadState *ts)
{
    VmAct *A = vm_act_idle;
    if (vm_likely(A != NULL && A->ts == ts && A->ts_id == ts->id && A->c_thread == vm_c_thread()))
        vm_act_idle = NULL;
    else if ((A = vm_act_new(ts)) == NULL)
        return NULL;
    A->entry_top = cpy_top_frame(ts);
    A->delegate = vm_must_delegate(ts) != NULL;
    A->pushed = NULL;
    if (vm_likely(vm_c_stack_check(A) == 0 && cpy_enter_evaluator() == 0))
        return A;
    vm_act_drop(A);
    return NULL;
}

static inline void
vm_act_leave(VmAct *A)
{
    cpy_leave_evaluator();
    if (vm_unlikely(A->chunk->prev != NULL || vm_act_idle != NULL)) {
        vm_act_drop(A);
        return;
    }
    A->top = A->chunk->data + sizeof(VmAct);
    vm_act_idle = A;
}

/* Call a C callable.  argv[0..n) positional, then the keyword values; argv[-1] is free.
   Everything stays the caller's.  -> new */
PyObject *vm_call_out(VmAct *A, VmFrame *f, PyObject *callee, PyObject **argv, size_t n,
                      PyObject *kwnames);

/* Run a Python function in a new activation.  args are borrowed objects.  -> new */
PyObject *vm_enter_function(PyFunctionObject *func, PyObject *const *args, size_t n,
                            PyObject *kwnames);
/* Run a code object with its own namespaces (modules, exec, class bodies).  -> new */
PyObject *vm_enter_code(PyFunctionObject *func, PyObject *locals);

/* The vectorcall of functions that belong to the VM. */
PyObject *vm_function_vectorcall(PyObject *func, PyObject *const *args, size_t nargsf,
                                 PyObject *kwnames);
/* Make C callers of func come to the VM. */
void vm_own_function(PyObject *func);
/* The same for all functions of the modules imported so far, and of their classes (vm_own.c). */
void vm_own_modules(void);

/* The one door to CPython's evaluator (vm_fallback.c).  -> new, NULL on error */
PyObject *vm_fallback_call(PyFunctionObject *func, PyObject *const *args, size_t nargsf,
                           PyObject *kwnames, const char *reason);
PyObject *vm_fallback_eval(PyObject *code, PyObject *globals, PyObject *locals,
                           const char *reason);
/* A class body. */
PyObject *vm_fallback_body(PyFunctionObject *func, PyObject *locals, const char *reason);
/* A C function is about to run it there, if that is what must be: 0, or -1 on error. */
int vm_fallback_by_c(PyFunctionObject *func);
PyObject *vm_fallback_reasons(void);        /* -> new dict: reason -> count */
extern int vm_fallback_is_error;

#endif
