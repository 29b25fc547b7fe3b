/* The dispatch loop. */
#ifndef VM_LOOP_H
#define VM_LOOP_H

#include "vm/vm_frame.h"

/* Run from f at f->pc until the activation's entry frame returns or yields.  -> new, NULL
   with an exception */
PyObject *vm_run(VmAct *A, VmFrame *f);

/* The same, stopping at boundaries: the frame that is about to run the `left`-th instruction
   where CPython can go on does so, and then each `then`-th after it.  0: never (again).  Frames of generators are not counted.  Process-wide, protected by the GIL. */
typedef struct {
    uint64_t left, then;
    uint64_t done;      /* frames handed over */
    uint16_t op;        /* of the instruction the last one was handed over at */
} VmStep;
extern VmStep vm_step;
PyObject *vm_run_stepping(VmAct *A, VmFrame *f);

#endif
