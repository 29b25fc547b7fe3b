/* C functions that need not see who calls them. */
#ifndef VM_QUIET_H
#define VM_QUIET_H

#include "cpyext_compat/cpy_version.h"

int vm_quiet_init(void);        /* once; 0, or -1 with an exception */

/* Does this function, called with these arguments (self apart), run no code but its own? */
int vm_is_quiet(const PyMethodDef *def, PyObject *const *args, size_t n);

#endif
