/* Making classes, exec() and eval() as VM frames. */
#ifndef VM_CLASS_H
#define VM_CLASS_H

#include "vm/vm_call.h"

/* __build_class__(func, name, *bases, **kw), metaclass(name, bases, namespace, **kw) and
   type.__new__(metaclass, name, bases, namespace, **kw), as vm_call_words(); unless CALL_NOT_MINE
   everything is taken. */
VmCallStatus vm_build_class(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                            PyObject *kwnames, const VmReturn *ret, VmFrame **pushed);
VmCallStatus vm_call_metaclass(VmAct *A, VmFrame *f, PyTypeObject *meta, VmWord *args, size_t n,
                               PyObject *kwnames, const VmReturn *ret, VmFrame **pushed);
VmCallStatus vm_call_type_new(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                              PyObject *kwnames, const VmReturn *ret, VmFrame **pushed);
/* v (taken) is what a frame of these kinds (RET_PREPARED to RET_CLASS_CALLED) returned: CALL_DONE,
   f goes on; CALL_PUSHED; CALL_ERROR. */
VmCallStatus vm_class_go_on(VmAct *A, VmFrame *f, const VmReturn *ret, VmWord v, VmFrame **pushed);
/* The exception is that of a RET_CLASS_HOOK with this state (borrowed). */
void vm_class_hook_raised(PyObject *state);

/* The state of a frame that is gone with an exception. */
static inline void
vm_release_return_state(VmReturnKind kind, VmWord state)
{
    if (vm_unlikely(kind == RET_CLASS_HOOK))
        vm_class_hook_raised(vm_ptr(state));
    vm_release(state);
}

/* -- what type.__new__ calls (vm_type_new.c) ------------------------------------------------- */

/* __set_name__ and __init_subclass__, all plain functions, that making a class of these would call:
   a new empty list for them.  NULL: none, or not all are, or an exception. */
PyObject *vm_hooks_of(PyThreadState *ts, PyObject *bases, PyObject *namespace);
/* From now on they are put into the list (borrowed) instead.  -> the outer one */
PyObject *vm_put_off_hooks(PyObject *hooks);
/* cls (NULL: exception) is what was made meanwhile.  When it failed those before are called.
   -> cls */
PyObject *vm_hooks_are_put_off(PyObject *outer, PyObject *hooks, PyObject *cls);

/* A call that was put off; all borrowed from it. */
typedef struct {
    PyObject *func;
    PyObject *const *args;
    size_t n;
    PyObject *keywords;         /* a dict, or NULL */
} VmHook;
VmHook vm_hook(PyObject *hook);
/* The pending exception is that of the call. */
void vm_hook_raised(PyObject *hook);

/* -- exec and eval (vm_exec.c) --------------------------------------------------------------- */

/* exec(code or str, globals, locals) and eval().  CALL_NOT_MINE: args untouched. */
VmCallStatus vm_exec(VmAct *A, VmFrame *f, int is_eval, VmWord *args, size_t n, const VmReturn *ret,
                     VmFrame **pushed);
/* An exception leaves a frame with FRAME_OF_TEXT. */
void vm_exec_raised(void);

/* A frame of code over namespaces (all borrowed): modules, exec, class bodies. */
VmFrame *vm_push_code(VmAct *A, VmFrame *prev, PyFunctionObject *func, PyObject *locals);

#endif
