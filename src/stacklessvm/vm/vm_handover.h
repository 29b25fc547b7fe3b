/* A VM frame goes on in CPython's evaluator. */
#ifndef VM_HANDOVER_H
#define VM_HANDOVER_H

#include "vm/vm_frame.h"

/* Can f go on in CPython instead of running the instruction? */
static inline int
vm_can_hand_over(VmFrame *f, const VmInsn *ip)
{
    return f->code->where[ip - f->code->insns].resume != VM_NO_RESUME;
}

/* Can it go on there from f->pc, and is there memory for the boxes of its numbers?  Without
   it stays here a little longer. */
int vm_ready_to_hand_over(VmFrame *f);

/* Ready: run f (not a generator's frame) from the instruction at f->pc, not begun yet, to its end
   in CPython.  The frame is gone afterwards.  -> new result, or NULL with an exception */
PyObject *vm_hand_over(VmAct *A, VmFrame *f);

#endif
