/* The dispatch loop. */
#ifndef VM_LOOP_H
#define VM_LOOP_H

#include "vm/vm_frame.h"

/* Run from f at f->pc until the activation's entry frame returns or yields.  -> new, NULL
   with an exception */
PyObject *vm_run(VmAct *A, VmFrame *f);

#endif
