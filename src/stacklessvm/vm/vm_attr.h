/* Attributes and names. */
#ifndef VM_ATTR_H
#define VM_ATTR_H

#include "vm/vm_frame.h"

/* Register b's attribute (instruction format DRC); b consumed on success and on failure. 0 / -1 */
int vm_getattr(VmAct *A, VmFrame *f, VmWord *result);
/* Callee pair of register b's attribute; b consumed on success and on failure. 0 / -1 */
int vm_getmethod(VmAct *A, VmFrame *f);
/* The callee pair in registers a, a+1, in CPython's order; takes both, self VM_NULL: none. */
void vm_set_pair(VmFrame *f, VmWord func, VmWord self);
/* 3.12+: super().name, and its callee pair; 3.14: the callee pair of __enter__ and the like */
int vm_super_attr(VmAct *A, VmFrame *f, VmWord *result);
int vm_super_method(VmAct *A, VmFrame *f);
int vm_special_method(VmAct *A, VmFrame *f);
/* super() was called, and f->pc is the GETM of its result: the callee pair, when a function is
   found that is remembered here or can be.  1, or 0: nothing was done */
int vm_super_again(VmFrame *f);
/* What a row of GETA's cache says of o, and the function that one of GETM's does.  -> borrowed, or
   NULL: not now; no code runs */
PyObject *vm_attr_of_row(const VmCacheRow *row, PyObject *o, PyObject *name);
PyObject *vm_method_of_row(VmCache *c, PyObject *o);
/* o.name where no code runs: 1 and *v borrowed; 0: it has none; -1: not that simple */
int vm_attr_plain(VmWord o, VmWord name, PyObject **v);
/* o.name = v of an instance's inline value: 1, or 0: nothing was done */
int vm_setattr_plain(VmFrame *f, VmWord o, VmWord name, VmWord v);
int vm_setattr(VmAct *A, VmFrame *f);           /* a.name = b, both consumed */
int vm_delattr(VmAct *A, VmFrame *f);

/* Hit of an instance's inline value: the object, or NULL.  -> borrowed */
PyObject *vm_load_global(VmAct *A, VmFrame *f, VmCache *c);     /* -> new */
int vm_store_global(VmAct *A, VmFrame *f);
int vm_delete_global(VmAct *A, VmFrame *f);
PyObject *vm_load_name(VmAct *A, VmFrame *f, PyObject *mapping, VmCache *c);    /* -> new */
int vm_store_name(VmAct *A, VmFrame *f);
int vm_delete_name(VmAct *A, VmFrame *f);
PyObject *vm_load_cell_or_mapping(VmAct *A, VmFrame *f, PyObject *mapping, unsigned cell);
int vm_setup_annotations(VmAct *A, VmFrame *f);
PyObject *vm_load_build_class(VmAct *A, VmFrame *f);            /* -> new */

/* UnboundLocalError for a local, or NameError for a free variable. */
void vm_raise_unbound(VmFrame *f, unsigned local);

#endif
