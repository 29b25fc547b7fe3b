/* sorted(), by numbers. */
#ifndef VM_SORT_H
#define VM_SORT_H

#include "vm/vm_frame.h"

/* sorted(*args, **keywords).  *done 0: not in a way known here, and nothing was done.  -> new */
PyObject *vm_sorted(PyObject *const *args, size_t n, PyObject *kwnames, int *done);

#endif
