/* Boxing, and operators: from words to objects and back. */
#ifndef VM_NUM_H
#define VM_NUM_H

#include "cpyext_compat/cpy_long.h"
#include "vm/vm_frame.h"

int vm_num_init(void);      /* once; 0, or -1 with MemoryError */

/* A reference to the object a word stands for.  -> new, NULL with MemoryError */
PyObject *vm_box(VmWord w);
/* The same, sharing the box with locals of f that hold the same number.  -> new */
PyObject *vm_box_shared(VmFrame *f, VmWord w);
/* Constant k of the code.  -> new */
PyObject *vm_const_object(VmCode *code, unsigned k);
/* The constant of this code that is the number w, if that is none that exists once.  -> borrowed, or
   NULL */
PyObject *vm_number_constant(VmCode *code, VmWord w);
/* The object in a register, boxed there (and in every local with the same number: one
   number is one object).  -> borrowed from the register, NULL with MemoryError */
PyObject *vm_reg_object_slow(VmFrame *f, unsigned reg);
/* The word for the result of an operator: an int or float nobody else holds is unboxed.
   takes o */
VmWord vm_unbox(PyObject *o);
/* The word for the result of a call: objects keep their identity, but for those that only
   exist once (small ints, None, False, True).  takes o */
VmWord vm_unbox_unique(PyObject *o);
/* The same for what is rarely one of those. */
static inline VmWord
vm_unbox_called(PyObject *o)
{
    return PyLong_CheckExact(o) || PyBool_Check(o) || o == Py_None ? vm_unbox_unique(o) : vm_from_ptr(o);
}

static inline int
vm_is_str(VmWord w)
{
    return vm_is_obj(w) && PyUnicode_CheckExact(vm_ptr(w));
}

/* An object borrowed from somewhere, as a word: small ints are numbers. */
static inline VmWord
vm_word_lent(PyObject *o)
{
    int64_t i;
    return PyLong_CheckExact(o) && cpy_long_compact(o, &i) && i >= VM_SMALL_MIN && i <= VM_SMALL_MAX
               ? vm_from_int(i)
               : vm_from_ptr(o);
}

/* The same, owned. */
static inline VmWord
vm_word_of(PyObject *o)
{
    VmWord w = vm_word_lent(o);
    vm_incref(w);
    return w;
}

/* The number in a temporary replaces the one in `old`, of which somebody else is about to let go:
   when nobody but him knows that object, nor the number in another form.  1: done */
int vm_overwrite(VmFrame *f, unsigned reg, PyObject *old);
int vm_overwrite_by(VmWord w, PyObject *old);   /* of a number known to nobody in any form */

static inline int
vm_overwrite_number(VmFrame *f, unsigned reg, PyObject *old)
{
    return !vm_is_obj(f->regs[reg]) && old != NULL && Py_REFCNT(old) == 1
           && vm_overwrite(f, reg, old);
}

static inline PyObject *
vm_reg_object(VmFrame *f, unsigned reg)
{
    VmWord w = f->regs[reg];
    return vm_likely(vm_is_obj(w)) ? vm_ptr(w) : vm_reg_object_slow(f, reg);
}

/* -> new reference */
static inline PyObject *
vm_reg_object_new(VmFrame *f, unsigned reg)
{
    PyObject *o = vm_reg_object(f, reg);
    Py_XINCREF(o);
    return o;
}

int vm_same_object(VmWord a, VmWord b);     /* `is` */

/* NB_ADD ... NB_XOR; one order for tables, as in CPython's opcode.h */
enum { VM_NB_ADD,
       VM_NB_AND,
       VM_NB_FDIV,
       VM_NB_LSH,
       VM_NB_MATMUL,
       VM_NB_MUL,
       VM_NB_REM,
       VM_NB_OR,
       VM_NB_POW,
       VM_NB_RSH,
       VM_NB_SUB,
       VM_NB_DIV,
       VM_NB_XOR };

/* The operators on registers b, c of the instruction (c: an immediate when imm), consumed;
   result in *result.  0, or -1 with an exception. */
int vm_binary(VmAct *A, VmFrame *f, int kind, int inplace, int imm, VmWord *result);
int vm_unary(VmAct *A, VmFrame *f, int kind, VmWord *result);  /* '-' '+' '~' */
int vm_compare(VmAct *A, VmFrame *f, int op, unsigned x, unsigned y, VmWord *result);
int vm_compare_imm(VmAct *A, VmFrame *f, int op, unsigned x, int imm, VmWord *result);
/* Of numbers and strs, without running code: 1, 0, or -1 for anything else. */
int vm_compare_plain(int op, VmWord x, VmWord y);
int vm_truth_plain(VmWord w);       /* the same of the builtin types whose truth is plain */
/* Truth of register reg (consumed): 1, 0, or -1 with an exception. */
int vm_truth(VmAct *A, VmFrame *f, unsigned reg);
/* Truth of a word that is not a register's. takes w */
int vm_truth_word(VmAct *A, VmFrame *f, VmWord w);

/* An exact int of up to 49 bits as a word; anything else unchanged. */
static inline __attribute__((always_inline)) VmWord
vm_small_box(VmWord w)
{
    if (vm_is_obj(w) && PyLong_CheckExact(vm_ptr(w))) {
        int64_t i;
        if (vm_likely(cpy_long_compact(vm_ptr(w), &i))
            || (cpy_long_fits(vm_ptr(w), &i) && vm_int_fits(i)))
            return vm_from_int(i);
    }
    return w;
}

/* Numbers in any form (word, exact int of up to 49 bits, exact float) without calling out:
   1 and *result, 0 when the operands are not such numbers or the result needs Python,
   -1 MemoryError.  Nothing is consumed. */
int vm_numbers_add(VmWord x, VmWord y, VmWord *result);
int vm_numbers_sub(VmWord x, VmWord y, VmWord *result);
int vm_numbers_mul(VmWord x, VmWord y, VmWord *result);
int vm_numbers_div(VmWord x, VmWord y, VmWord *result);
/* Three-way: 1 and *order -1, 0, 1, or 2 unordered */
int vm_numbers_order(VmWord x, VmWord y, int *order);

/* Numbers without calling out: 1 and *d, or 0.  Ints are exact (49 bits). */
static inline int
vm_number(VmWord w, double *d)
{
    if (vm_is_int(w))
        *d = (double)vm_int(w);
    else if (vm_is_double(w))
        *d = vm_double(w);
    else
        return 0;
    return 1;
}

#endif
