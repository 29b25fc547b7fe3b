/* A value of the VM: one 64-bit word.
 *
 *   0                        unbound, or CPython's NULL on its stack
 *   1 2 3                    None, False, True (never reference counted by the VM)
 *   0x0000_0000_0000_0010 .. pointer to a PyObject; the register owns a reference
 *   0x0002_...  0xFFF2_...   double, bits + 2^49; never a NaN
 *   0xFFFE_...  0xFFFF_...   int of 49 bits
 *
 * The singletons may also appear as pointers (C code returns them); both forms are
 * the same object, so identity is never compared on raw words alone
 * (vm_same_object).
 */
#ifndef VM_VALUE_H
#define VM_VALUE_H

#include "cpyext_compat/cpy_version.h"

#include <stdint.h>
#include <string.h>

typedef uint64_t VmWord;

#define VM_NULL ((VmWord)0)
/* CPython has one object for each of these ints. */
#define VM_SMALL_MIN (-5)
#define VM_SMALL_MAX 256
#define VM_NONE ((VmWord)1)
#define VM_FALSE ((VmWord)2)
#define VM_TRUE ((VmWord)3)

#define VM_FIRST_POINTER ((VmWord)16)
#define VM_DOUBLE_OFFSET ((VmWord)1 << 49)
#define VM_INT_TAG ((VmWord)0xFFFE << 48)
#define VM_INT_MAX (((int64_t)1 << 48) - 1)
#define VM_INT_MIN (-((int64_t)1 << 48))

#define vm_likely(x) __builtin_expect(!!(x), 1)
#define vm_unlikely(x) __builtin_expect(!!(x), 0)

static inline int
vm_is_obj(VmWord w)
{
    return w - VM_FIRST_POINTER < VM_DOUBLE_OFFSET - VM_FIRST_POINTER;
}

static inline int
vm_is_int(VmWord w)
{
    return w >= VM_INT_TAG;
}

static inline int
vm_both_int(VmWord x, VmWord y)
{
    return (x & y) >= VM_INT_TAG;
}

static inline int
vm_is_double(VmWord w)
{
    return w - VM_DOUBLE_OFFSET < VM_INT_TAG - VM_DOUBLE_OFFSET;
}

static inline int64_t
vm_int(VmWord w)
{
    return (int64_t)(w << 15) >> 15;
}

static inline int
vm_int_fits(int64_t i)
{
    return i >= VM_INT_MIN && i <= VM_INT_MAX;
}

/* i must fit (vm_int_fits) */
static inline VmWord
vm_from_int(int64_t i)
{
    return (VmWord)i | VM_INT_TAG;
}

static inline double
vm_double(VmWord w)
{
    double d;
    w -= VM_DOUBLE_OFFSET;
    memcpy(&d, &w, sizeof d);
    return d;
}

/* d must not be a NaN */
static inline VmWord
vm_from_double(double d)
{
    VmWord w;
    memcpy(&w, &d, sizeof w);
    return w + VM_DOUBLE_OFFSET;
}

/* A saved f_lasti on the stack of an exception handler.  CPython has an int there (a tagged one
   from 3.14 on); nothing but RERAISE looks at it, so here it is a word that no double has. */
#define VM_LASTI_TAG ((VmWord)0x7FFB << 48)

static inline int
vm_is_lasti(VmWord w)
{
    return w >> 32 == VM_LASTI_TAG >> 32;
}

static inline VmWord
vm_from_lasti(uint32_t word)
{
    return VM_LASTI_TAG | word;
}

static inline uint32_t
vm_lasti(VmWord w)
{
    return (uint32_t)w;
}

static inline PyObject *
vm_ptr(VmWord w)
{
    return (PyObject *)(uintptr_t)w;
}

static inline VmWord
vm_from_ptr(PyObject *o)
{
    return (VmWord)(uintptr_t)o;
}

static inline VmWord
vm_from_bool(int truth)
{
    return VM_FALSE + (VmWord)(truth != 0);
}

static inline void
vm_incref(VmWord w)
{
    if (vm_is_obj(w))
        Py_INCREF(vm_ptr(w));
}

static inline void
vm_release(VmWord w)
{
    if (vm_is_obj(w))
        Py_DECREF(vm_ptr(w));
}

static inline int
vm_is_none(VmWord w)
{
    return w == VM_NONE || w == vm_from_ptr(Py_None);
}

#endif
