/* Items, containers, strings, iteration, imports, pattern matching: instructions that work
 * on objects. */
#ifndef VM_BUILD_H
#define VM_BUILD_H

#include "vm/vm_frame.h"

/* All return 0, or -1 with an exception; operands are those of f->pc. */
/* As cpy_dict_find_str and _int, for any object o and key. */
int vm_dict_find(PyObject *o, VmWord key, PyObject ***place);
int vm_set_find(PyObject *o, VmWord key);       /* the same of sets and frozensets */
/* Where the first of n items is that equals w, n: there is none; -1: only code of theirs could tell */
Py_ssize_t vm_plain_position(PyObject *const *items, Py_ssize_t n, VmWord w);
/* o[index] of the common types, without running code.  -> borrowed, NULL: not done */
PyObject *vm_plain_item(PyObject *o, VmWord index);
int vm_getitem(VmAct *A, VmFrame *f, int imm, VmWord *result);
int vm_setitem(VmAct *A, VmFrame *f);
int vm_delitem(VmAct *A, VmFrame *f);
int vm_getslice(VmAct *A, VmFrame *f, VmWord *result);
int vm_setslice(VmAct *A, VmFrame *f);
int vm_contains(VmAct *A, VmFrame *f);              /* 1, 0 or -1 */
int vm_length(VmAct *A, VmFrame *f, VmWord *result);

int vm_build_tuple(VmAct *A, VmFrame *f, VmWord *result);
int vm_build_listing(VmAct *A, VmFrame *f, VmWord *result);
int vm_build_set(VmAct *A, VmFrame *f, VmWord *result);
int vm_build_map(VmAct *A, VmFrame *f, VmWord *result);
int vm_build_const_key_map(VmAct *A, VmFrame *f, VmWord *result);
/* SLICE, and the GETI behind it of a list, tuple or str: how many instructions; or -1 */
int vm_slice(VmAct *A, VmFrame *f);
int vm_build_template(VmFrame *f, VmWord *result);
int vm_build_interpolation(VmFrame *f, VmWord *result);
int vm_intrinsic_1(VmAct *A, VmFrame *f, VmWord *result);
int vm_intrinsic_2(VmAct *A, VmFrame *f, VmWord *result);
int vm_list_append(VmFrame *f);
int vm_set_add(VmAct *A, VmFrame *f);
int vm_map_add(VmAct *A, VmFrame *f);
int vm_list_extend(VmAct *A, VmFrame *f);
int vm_set_update(VmAct *A, VmFrame *f);
int vm_dict_update(VmAct *A, VmFrame *f);
int vm_dict_merge(VmAct *A, VmFrame *f);
int vm_list_to_tuple(VmFrame *f, VmWord *result);
int vm_unpack(VmAct *A, VmFrame *f);
int vm_unpack_ex(VmAct *A, VmFrame *f);

int vm_new_cell(VmAct *A, VmFrame *f);          /* local a = a cell with what it holds */
int vm_make_function(VmAct *A, VmFrame *f, VmWord *result);
int vm_function_attribute(VmFrame *f, VmWord *result);

int vm_get_iter(VmAct *A, VmFrame *f, VmWord *result);
int vm_yield_from_iter(VmAct *A, VmFrame *f, VmWord *result);
/* Next item of the general iterator of the loop at f->pc: 1 and *result, VM_PAIR_STORED when it went to
   where the UNP that comes then puts its two, 0 exhausted, -1 exception */
enum { VM_PAIR_STORED = 2 };
int vm_iter_next(VmAct *A, VmFrame *f, PyObject *it, VmWord *result);
/* receiver.send(value): 1 yielded, 0 returned, -1; value taken */
int vm_send(VmAct *A, VmFrame *f, PyObject *receiver, VmWord value, VmWord *result);

int vm_import_name(VmAct *A, VmFrame *f, VmWord *result);
int vm_import_from(VmAct *A, VmFrame *f, VmWord *result);
int vm_import_star(VmAct *A, VmFrame *f);
int vm_print_expr(VmAct *A, VmFrame *f);
int vm_match_class(VmAct *A, VmFrame *f, VmWord *result);
int vm_match_keys(VmAct *A, VmFrame *f, VmWord *result);
int vm_prep_reraise(VmAct *A, VmFrame *f, VmWord *result);

#endif
