/* Generators: frames that live in an object.
 *
 *   | PyGenObject with its frame (our shadow) and slots | VmFrame | registers |
 *
 * The types are static subtypes of CPython's, so isinstance, inspect and asyncio see
 * generators; CPython's own state field is parked at "cleared", ours is in the VmFrame.
 */
#ifndef VM_GEN_H
#define VM_GEN_H

#include "vm/vm_frame.h"

typedef enum { GEN_CREATED, GEN_SUSPENDED, GEN_RUNNING, GEN_DONE } VmGenState;

/* Who resumed: what a yield or the end means. */
typedef enum {
    GEN_BY_C,           /* vm_run returns */
    GEN_BY_FOR,         /* a FOR instruction of the frame below */
    GEN_BY_SEND,        /* a SEND instruction */
} VmGenMode;

extern PyTypeObject VmGen_Type;

static inline int
vm_is_gen(PyObject *o)
{
    return Py_IS_TYPE(o, &VmGen_Type);
}

VmFrame *vm_gen_frame(PyObject *gen);
int vm_gen_init_types(void);

/* GEN: move frame f into a new generator and leave it.  -> new */
PyObject *vm_gen_new(VmAct *A, VmFrame *f);

/* Make the generator's frame the running one, `value` (taken) the result of its yield.
   NULL: exception (already running, recursion). */
VmFrame *vm_gen_resume(VmAct *A, VmFrame *f, PyObject *gen, VmWord value, VmGenMode mode);

/* Only when vm_gen_is_ready: no checks needed before a resume. */
static inline VmGenState
vm_gen_state(VmFrame *gf)
{
    return (VmGenState)(gf->spare & 0xFF);
}

static inline VmGenMode
vm_gen_mode(VmFrame *gf)
{
    return (VmGenMode)(gf->spare >> 8);
}

/* The running generator frame stops with a yield: out of the chain of frames. */
void vm_gen_suspend(VmAct *A, VmFrame *gf);
/* It ends (value or exception): everything it holds is released. */
void vm_gen_finish(VmAct *A, VmFrame *gf);
/* StopIteration must not leave a generator. */
void vm_gen_convert_stop(VmFrame *gf);
/* What __class__ and type() answer.  -> borrowed, NULL: not one of ours */
PyTypeObject *vm_public_type(PyObject *o);

#endif
