/* Functions that only compute need no frame (ir/vm_leaf_ops.h).
 *
 * Nobody can watch the frame of one while its values are numbers and plain objects.  So its
 * instructions run on a few registers of their own that borrow everything: from the caller, from attributes, items and globals; nothing that could let go of those runs meanwhile.
 * Whatever would need more than that (other types, an empty cache, an exception, a big number)
 * gives the leaf up with nothing done, and the function is called as any other.
 */
#ifndef VM_LEAF_H
#define VM_LEAF_H

#include "ir/vm_leaf_ops.h"
#include "vm/vm_call.h"

#define VM_LEAF_DEPTH 3         /* leaves called by leaves */

/* n arguments by position, borrowed.  -> borrowed from what they or the function hold; VM_NULL: nothing
   was done */
VmWord vm_leaf_run(PyFunctionObject *func, VmCode *code, const VmWord *args, size_t n);
/* An attribute that is there, by its cache.  -> borrowed, or NULL */
PyObject *vm_leaf_attribute(VmCache *c, VmWord w);

/* The CALL or CALLM at ip of a function that only returns a constant or an attribute; first: there is a self.  Callee, self
   and operands are consumed.  -> owned, or VM_NULL: nothing was done, it takes a frame */
VmWord vm_leaf_call(VmAct *A, VmWord *regs, unsigned nlocals, const VmInsn *ip, VmCode *code,
                    unsigned first);
/* A leaf with one parameter.  -> owned, or VM_NULL: nothing was done */
VmWord vm_leaf_of_one(VmAct *A, PyFunctionObject *func, VmCode *code, VmWord arg);
/* Called by C.  -> new, or NULL without an exception: nothing was done */
PyObject *vm_leaf_enter(PyThreadState *ts, PyFunctionObject *func, VmCode *code,
                        PyObject *const *args, size_t n);

#endif
