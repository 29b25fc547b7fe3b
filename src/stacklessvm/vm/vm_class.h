/* Class statements, exec() and eval() as VM frames. */
#ifndef VM_CLASS_H
#define VM_CLASS_H

#include "vm/vm_call.h"

/* __build_class__(func, name, *bases, **kw); everything is taken. */
VmCallStatus vm_build_class(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                            PyObject *kwnames, VmReturn ret, VmFrame **pushed);
/* After the body: the class. takes state and cell; -> new */
PyObject *vm_finish_class(VmAct *A, VmFrame *f, PyObject *state, VmWord cell);

/* exec(code or str, globals, locals) and eval().  CALL_NOT_MINE: args untouched. */
VmCallStatus vm_exec(VmAct *A, VmFrame *f, int is_eval, VmWord *args, size_t n, VmReturn ret,
                     VmFrame **pushed);

/* A frame of code over namespaces (all borrowed): modules, exec, class bodies. */
VmFrame *vm_push_code(VmAct *A, VmFrame *prev, PyFunctionObject *func, PyObject *locals);

#endif
