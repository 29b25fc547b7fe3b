/* Exceptions: raising, finding handlers, leaving frames. */
#ifndef VM_UNWIND_H
#define VM_UNWIND_H

#include "vm/vm_call.h"

/* An exception is set and f was at f->pc.  Adds the traceback entry (unless reraise), pops
   frames without a handler, and prepares the one that has it: returns it with pc at the
   handler.  NULL: the entry frame is gone, the exception is for the caller in C. */
VmFrame *vm_unwind(VmAct *A, VmFrame *f, int reraise);

/* Leave f: unlink it and release what it holds; the memory too, unless it is a
   generator's. */
void vm_frame_leave(VmAct *A, VmFrame *f);

int vm_raise(VmAct *A, VmFrame *f);                 /* RAISE: -1 raised, -2 re-raised */
int vm_reraise(VmAct *A, VmFrame *f);
void vm_push_exc_info(VmAct *A, VmFrame *f);
void vm_pop_exc_info(VmAct *A, VmFrame *f);
int vm_exc_match(VmAct *A, VmFrame *f, VmWord *result);
int vm_with_enter(VmAct *A, VmFrame *f, int async);
/* __enter__ or __aenter__ as a frame when both methods are plain Python; NULL: use vm_with_enter. */
VmFrame *vm_with_push(VmAct *A, VmFrame *f);
VmCallStatus vm_with_except(VmAct *A, VmFrame *f, VmFrame **pushed);
int vm_eg_match(VmAct *A, VmFrame *f);
int vm_eg_reraise(VmAct *A, VmFrame *f, VmWord *result);

#endif
