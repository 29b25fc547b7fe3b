/* C functions that need not see who calls them. */
#ifndef VM_QUIET_H
#define VM_QUIET_H

#include "vm/vm_frame.h"

int vm_quiet_init(void);        /* once; 0, or -1 with an exception */

/* How many of the function's arguments (self apart) must be plain for it to run no code but its own;
   -1: it may anyhow */
int vm_quiet_arguments(const PyMethodDef *def);
static inline int
vm_is_plain(PyObject *o)
{
    return vm_is_inert(o) || o == Py_None || PyBool_Check(o);
}

/* Are the first `plain` of n arguments? */
static inline int
vm_are_plain(PyObject *const *args, size_t n, size_t plain)
{
    for (size_t k = 0; k < n && k < plain; k++) {
        if (!vm_is_plain(args[k]))
            return 0;
    }
    return 1;
}

#endif
