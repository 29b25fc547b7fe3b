/* Methods of builtin types that are computed here. */
#ifndef VM_METHODS_H
#define VM_METHODS_H

#include "vm/vm_frame.h"

typedef struct {
    PyTypeObject *type;
    const char *name;
    VmWord (*compute)(VmFrame *f, VmWord *args, size_t n);      /* as in VmBuiltin, self first */
} VmMethod;

extern const VmMethod vm_methods[];     /* up to one without a type */

#endif
