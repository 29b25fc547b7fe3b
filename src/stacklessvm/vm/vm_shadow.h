/* VM frames as CPython sees them: linking, lazy locals, frame exit. */
#ifndef VM_SHADOW_H
#define VM_SHADOW_H

#include "vm/vm_frame.h"

void vm_shadow_init(void);
/* f waits for what it called, at f->pc. */
void vm_link_waiting(VmAct *A, VmFrame *f);
/* Take a linked frame out of CPython's chain; a frame object that others hold gets the
   locals.  Must come before the registers are released.  Keeps a pending exception.  The reference
   to its code that linking took is the caller's from then on. */
void vm_unlink(VmAct *A, VmFrame *f);
/* The same for a frame of which nobody has asked for anything and no tool is active: 1; or 0, and it
   is still linked. */
int vm_unlink_unseen(VmAct *A, VmFrame *f);
/* Give a suspended generator's frame its shadow, without a caller. */
void vm_link_suspended(VmFrame *gf);
/* Where the frame of a generator has its shadow (vm_gen.c). */
CpyFrame *vm_gen_shadow(VmFrame *f);

#endif
