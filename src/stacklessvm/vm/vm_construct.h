/* Calls of objects and classes whose __call__ or __new__ is written in Python. */
#ifndef VM_CONSTRUCT_H
#define VM_CONSTRUCT_H

#include "vm/vm_call.h"

/* Both as vm_call_words(); CALL_NOT_MINE: nothing was done, or an exception is set.  args[-1] is
   free. */
VmCallStatus vm_call_object(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                            PyObject *kwnames, const VmReturn *ret, VmFrame **pushed);
VmCallStatus vm_construct(VmAct *A, VmFrame *f, PyTypeObject *cls, VmWord *args, size_t n,
                          PyObject *kwnames, const VmReturn *ret, VmFrame **pushed);

/* CALL, CALLM of an object (a register's, taken) with exactly its __call__'s arguments, seen before.
   NULL: nothing was done */
VmFrame *vm_call_object_quick(VmAct *A, VmFrame *f, PyObject *callee);
/* len(), bool(), format() and others of an object that answers in Python; args[0] is the object, the
   n words are taken.  NULL: nothing was done, or *raised */
VmFrame *vm_call_asking(VmAct *A, VmFrame *f, PyObject *builtin, VmWord *args, size_t n,
                        const VmReturn *ret, int *raised);

/* v (taken) is what __new__ of a RET_NEW frame returned; f goes on, unless __init__ is pushed. */
VmCallStatus vm_constructed(VmAct *A, VmFrame *f, const VmReturn *ret, VmWord v, VmFrame **pushed);

/* The plain function that makes the instances of a class.  -> borrowed, or NULL */
PyFunctionObject *vm_python_new(PyTypeObject *cls);

/* May a call of it push a frame? */
int vm_is_called_by_python(PyObject *callee);

#endif
