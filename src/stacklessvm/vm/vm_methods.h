/* Methods of builtin types that are computed here. */
#ifndef VM_METHODS_H
#define VM_METHODS_H

#include "vm/vm_frame.h"

typedef struct {
    PyTypeObject *type;
    const char *name;
    VmWord (*compute)(VmFrame *f, VmWord *args, size_t n);      /* as in VmBuiltin, self first */
} VmMethod;

/* up to one without a type */
extern const VmMethod vm_methods[];             /* of str and bytes (vm_methods.c) */
extern const VmMethod vm_container_methods[];   /* of list, tuple, dict and set (vm_containers.c) */

/* `part in whole` of two ASCII strs, or two bytes: 1, 0, or -1 for others */
int vm_plain_part(VmWord whole, VmWord part);

#endif
