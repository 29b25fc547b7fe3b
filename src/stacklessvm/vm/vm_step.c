/* The interpreter once more, with a look before each instruction whether the frame goes on in
 * CPython here.
 *
 * vm_run itself never looks: an activation comes here when vm_step asks for it.  The hostile
 * build always does.
 */
#include "vm/vm_handover.h"
#include "vm/vm_loop.h"

#ifdef VM_HOSTILE
VmStep vm_step = {.left = 61, .then = 61};
#else
VmStep vm_step;
#endif

static int
is_stop(VmAct *A, VmFrame *f, const VmInsn *ip)
{
    if (vm_step.left == 0 || A->delegate || !vm_can_hand_over(f, ip))
        return 0;
    if (--vm_step.left > 0)
        return 0;
    vm_step.left = vm_step.then;
    vm_step.done++;
    vm_step.op = ip->op;
    return 1;
}

#define VM_STEPPING
#include "vm/vm_loop.c"
