/* Builtins that are computed here. */
#ifndef VM_BUILTIN_H
#define VM_BUILTIN_H

#include "vm/vm_frame.h"

typedef struct {
    PyObject *callable;         /* kept alive for good; NULL: none */
    /* -> owned, or VM_NULL: not for arguments like these, nothing was done.  The arguments stay
       the caller's; some may be boxed in place. */
    VmWord (*compute)(VmFrame *f, VmWord *args, size_t n);
    PyTypeObject *receiver;     /* of a method: the exact type of its first argument; NULL: any */
    uint8_t asks;               /* calls a special method of its first argument (vm_call_asking()): how
                                   many it takes at most */
    uint8_t resumes;            /* next(g) and g.send(v) */
    uint8_t folds;              /* takes all of what an iterator yields (vm_fold.h) */
    uint8_t gets;               /* getattr() and hasattr() */
    uint8_t pure;               /* compute() uses no frame, and makes no object when it gets none */
    uint8_t borrows;            /* it leaves the arguments as they are */
} VmBuiltin;

int vm_builtin_init(void);      /* once, after vm_call_init(); 0, or -1 with an exception */

/* b->compute(), when the first argument is one that b is for. */
static inline VmWord
vm_compute(const VmBuiltin *b, VmFrame *f, VmWord *args, size_t n)
{
    if (b->receiver != NULL
        && (n == 0 || !vm_is_obj(args[0]) || !Py_IS_TYPE(vm_ptr(args[0]), b->receiver)))
        return VM_NULL;
    return b->compute(f, args, n);
}

/* What is known of a callable, or NULL. */
const VmBuiltin *vm_builtin(PyObject *callable);
/* The same of one that is not known: is it a function of a module that is computed here, too? */
const VmBuiltin *vm_builtin_learn(PyObject *callable);

/* isinstance() of an object of that type: 1; 0; -1: the class or the object has a say in it */
int vm_is_instance(PyTypeObject *type, PyObject *cls);

#endif
