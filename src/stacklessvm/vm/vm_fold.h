/* sum(g), any(g), all(g), list(g), tuple(g), sorted(g) and s.join(g) of a generator of ours: what it
 * yields is taken where it stands, and its frame runs on in the loop, without C between them.
 *
 * That is so as long as nothing but the generator runs meanwhile.  At the first item that takes
 * more (of another type, for the sum) the generator is left suspended, and the builtin itself does
 * the rest.
 */
#ifndef VM_FOLD_H
#define VM_FOLD_H

#include "vm/vm_call.h"

typedef struct VmFold VmFold;

/* The call at f->pc of such a builtin.  CALL_PUSHED: all is taken, *pushed is the generator's frame,
   resumed.  CALL_NOT_MINE: nothing was done */
VmCallStatus vm_fold_begin(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                           const VmReturn *ret, VmFrame **pushed);

/* Its frame gf yields v.  1: v is taken, and it runs on; 0: nothing was done */
int vm_fold_take(VmAct *A, VmFrame *gf, VmWord v);
/* Then it waits, and v (taken) decides the result or the builtin does the rest.  -> owned, VM_NULL
   with an exception */
VmWord vm_fold_leave(VmAct *A, VmFrame *gf, VmWord v);
/* The same where CPython ran the generator, which waits, and yielded o (taken).  f waits for it. */
VmWord vm_fold_rest(VmAct *A, VmFrame *f, PyObject *o);
/* It returned.  -> owned, VM_NULL with an exception */
VmWord vm_fold_end(VmAct *A, VmFrame *f);
/* It raised; the exception is pending. */
void vm_fold_drop(VmAct *A, VmFrame *f);

#endif
