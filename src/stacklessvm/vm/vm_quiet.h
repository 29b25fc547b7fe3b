/* C functions that need not see who calls them. */
#ifndef VM_QUIET_H
#define VM_QUIET_H

#include "cpyext_compat/cpy_version.h"

int vm_quiet_init(void);        /* once; 0, or -1 with an exception */

/* How many of the function's arguments (self apart) must be plain for it to run no code but its own;
   -1: it may anyhow */
int vm_quiet_arguments(const PyMethodDef *def);
/* Are the first `plain` of n arguments? */
int vm_are_plain(PyObject *const *args, size_t n, size_t plain);

#endif
