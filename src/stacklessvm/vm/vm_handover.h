/* A VM frame goes on in CPython's evaluator. */
#ifndef VM_HANDOVER_H
#define VM_HANDOVER_H

#include "vm/vm_frame.h"

#include "cpyext_compat/cpy_handover.h"

/* Can f go on in CPython instead of running the instruction? */
static inline int
vm_can_hand_over(VmFrame *f, const VmInsn *ip)
{
    return vm_code_resume(f->code, ip) != VM_NO_RESUME;
}

/* Can it go on there from f->pc, and is there memory for the boxes of its numbers?  Without
   it stays here a little longer. */
int vm_ready_to_hand_over(VmFrame *f, CpyHandover how);

/* Ready: run f (not a generator's frame) from the instruction at f->pc, not begun yet, to its end
   in CPython; or from the raise of the pending exception by that instruction.  The frame is gone
   afterwards.  -> new result, or NULL with an exception */
PyObject *vm_hand_over(VmAct *A, VmFrame *f, CpyHandover how);

/* The same for a generator's frame, until it yields, returns or raises.  The reference that a
   running generator has to itself stays the caller's to release. */
PyObject *vm_gen_hand_over(VmAct *A, VmFrame *gf, CpyHandover how, int *yielded);

/* Is the frame of a pending exception CPython's, because a trace function is to see it? */
static inline int
vm_raises_in_cpython(VmAct *A)
{
    return CPY_HANDS_OVER_RAISING && vm_unlikely(A->delegate) && cpy_trace_function(A->ts);
}

#endif
