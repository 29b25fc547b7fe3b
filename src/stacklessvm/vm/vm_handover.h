/* A VM frame goes on in CPython's evaluator. */
#ifndef VM_HANDOVER_H
#define VM_HANDOVER_H

#include "vm/vm_frame.h"

/* Does the instruction have a map of CPython's stack? */
static inline int
vm_has_map(const VmInsn *ip)
{
    return (vm_op_flags(ip->op) & (VM_RAISES | VM_BOUNDARY)) != 0;
}

/* Run f (not a generator's frame) from the instruction at f->pc, not begun yet, to its end
   in CPython.  The frame is gone afterwards.  -> new result, or NULL with an exception */
PyObject *vm_hand_over(VmAct *A, VmFrame *f);

#endif
