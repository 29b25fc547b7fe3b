/* A shadow frame whose variables are boxed only when somebody looks.
 *
 * Readers of a frame's locals (locals(), f_locals, eval, tracebacks that capture
 * locals, PyEval_GetLocals, ...) all pass one place that can be made ours:
 *
 *   3.11, 3.12  they write into frame->f_locals, a dict, beginning with the first
 *               variable.  An armed frame has a dict there whose type is a subtype
 *               with its own item assignment: the first write fills the frame's slots
 *               and turns the object into an exact dict, which the reader then fills
 *               and hands out.  It stays the frame's f_locals, as CPython's would.
 *   3.13+       they make a FrameLocalsProxy, whose type's tp_alloc is replaced, or
 *               get there by frame.f_locals, whose getter is.  An armed frame carries
 *               a marker object in f_locals, a field unused for optimized code.
 *
 * Whoever reads the slots of a struct _PyInterpreterFrame directly, and
 * PyFrame_GetVar() of 3.12+, sees unbound variables in a frame that is not filled.
 *
 * Protected by the GIL.
 */
#ifndef CPY_LAZY_LOCALS_H
#define CPY_LAZY_LOCALS_H

#include "cpyext_compat/cpy_frame.h"

/* The owner's: puts boxed copies of all variables into the slots [0, nlocalsplus),
   cells as cells, and sets the stack top there.  Runs no Python code. */
extern void (*cpy_lazy_locals_fill)(void *owner, CpyFrame *f);

/* Once per process, before the first arm: 0, or -1 with an exception. */
int cpy_lazy_locals_init(void);

/* Only for optimized code (functions); slots empty, stack top 0.  Again after a
   fill, when the slots are empty again: a dict nobody else holds is armed as it is,
   keys of the reader's stay.
   1; or 0 when the frame can't be lazy (no memory, the dict is held): its slots must
   be filled before every call-out. */
int cpy_lazy_locals_arm(CpyFrame *f, void *owner);

/* Takes the trap away: before the frame's memory goes or its ownership moves.
   f_locals is then what CPython would have there: NULL, or the dict that a reader
   got.  Safe when not armed. */
void cpy_lazy_locals_disarm(CpyFrame *f);

/* Somebody holds what he was given and may look again without passing here: the
   frame's slots must follow its variables. */
int cpy_lazy_locals_kept(CpyFrame *f);

#endif
