/* Operators on words: TAGGED computes r from two tagged ints and says whether it could, FLOAT gives
 * the result of two doubles, a NaN where Python decides.  The _IMM forms take an untagged y.
 */
#ifndef VM_ARITH_H
#define VM_ARITH_H

#include "vm/vm_num.h"

/* x / y or, with the remainder wanted, x % y; x >= 0, y > 0.  Many processors divide numbers of 32 bits
   three times as fast. */
static inline int64_t
vm_quotient(int64_t x, int64_t y, int remainder)
{
    if (vm_likely((x | y) >> 32 == 0))
        return remainder ? (uint32_t)x % (uint32_t)y : (uint32_t)x / (uint32_t)y;
    return remainder ? x % y : x / y;
}

#define TAGGED_ADD(x, y, r) \
    (!__builtin_add_overflow((int64_t)((x) << 15), (int64_t)((y) << 15), (int64_t *)&(r)) \
     && ((r) = VM_INT_TAG | (r) >> 15, 1))
#define TAGGED_SUB(x, y, r) \
    (!__builtin_sub_overflow((int64_t)((x) << 15), (int64_t)((y) << 15), (int64_t *)&(r)) \
     && ((r) = VM_INT_TAG | (r) >> 15, 1))
#define TAGGED_MUL(x, y, r) \
    (!__builtin_mul_overflow(vm_int(x), (int64_t)((y) << 15), (int64_t *)&(r)) \
     && ((r) = VM_INT_TAG | (r) >> 15, 1))
#define TAGGED_AND(x, y, r) ((r) = (x) & (y), 1)
#define TAGGED_AND_IMM(x, y, r) ((r) = (x) & (VM_INT_TAG | (y)), 1)
#define TAGGED_OR(x, y, r) ((r) = (x) | (y), 1)
#define TAGGED_XOR(x, y, r) ((r) = VM_INT_TAG | ((x) ^ (y)), 1)
#define TAGGED_REM(x, y, r) \
    (vm_int(x) >= 0 && vm_int(y) > 0 \
     && ((r) = vm_from_int(vm_quotient(vm_int(x), vm_int(y), 1)), 1))
#define TAGGED_FDIV(x, y, r) \
    (vm_int(x) >= 0 && vm_int(y) > 0 \
     && ((r) = vm_from_int(vm_quotient(vm_int(x), vm_int(y), 0)), 1))
#define TAGGED_LSH(x, y, r) \
    (vm_int(y) >= 0 && vm_int(y) <= 14 && vm_int_fits(vm_int(x) * (1 << vm_int(y))) \
     && ((r) = vm_from_int(vm_int(x) * (1 << vm_int(y))), 1))
#define TAGGED_RSH(x, y, r) \
    (vm_int(y) >= 0 && ((r) = vm_from_int(vm_int(x) >> (vm_int(y) > 63 ? 63 : vm_int(y))), 1))
#define TAGGED_NONE(x, y, r) 0
#define FLOAT_ADD(d, e) (d) + (e)
#define FLOAT_SUB(d, e) (d) - (e)
#define FLOAT_MUL(d, e) (d) * (e)
/* x / 0.0 is Python's to complain about: a NaN leads there */
#define FLOAT_DIV(d, e) ((e) == 0.0 ? Py_NAN : (d) / (e))

/* op applied to the three-way result of vm_numbers_order; 2 is unordered */
#define ORDERED(OP, order) \
    ((OP) == Py_LT   ? (order) == -1 \
     : (OP) == Py_LE ? (order) <= 0 \
     : (OP) == Py_EQ ? (order) == 0 \
     : (OP) == Py_NE ? (order) != 0 \
     : (OP) == Py_GT ? (order) == 1 \
                     : (order) == 0 || (order) == 1)

#endif
