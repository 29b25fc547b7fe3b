/* What the instruction bodies say besides what each kind of code they become defines for itself:
 *
 *   BODY(NAME)            begins the code of an instruction
 *   NEXT, NEXT_N(words)   go on with the next instruction
 *   JUMP_OFFSET(words)    jump; backward ones poll
 *   OUT(call)             call what may raise or run Python code
 *   SET(v)                store into a: SET_TEMP or SET_LOCAL
 *   LOAD_FRAME()          f has changed
 *
 * A, f, ip, R, nlocals, caches, v, result and reraise are variables there, and error, do_call,
 * do_return, do_yield, poll_and_go and resume_at_pc are labels.
 */
#ifndef VM_BODIES_H
#define VM_BODIES_H

#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_iter.h"
#include "cpyext_compat/cpy_long.h"
#include "vm/vm_attr.h"
#include "vm/vm_build.h"
#include "vm/vm_call.h"
#include "vm/vm_call_out.h"
#include "vm/vm_class.h"
#include "vm/vm_gen.h"
#include "vm/vm_handover.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_unwind.h"

#include <math.h>

#define OFFSET_BC (*(const int32_t *)&ip->b)
/* op applied to the three-way result of vm_numbers_order; 2 is unordered */
#define ORDERED(OP, order) \
    ((OP) == Py_LT   ? (order) == -1 \
     : (OP) == Py_LE ? (order) <= 0 \
     : (OP) == Py_EQ ? (order) == 0 \
     : (OP) == Py_NE ? (order) != 0 \
     : (OP) == Py_GT ? (order) == 1 \
                     : (order) == 0 || (order) == 1)
#define CONSUME(reg) vm_consume(f, (reg))
#define IS_TEMP(reg) ((reg) >= nlocals)
#define SET_ANY(v) \
    do { \
        VmWord new_ = (v); \
        if (IS_TEMP(ip->a)) \
            R[ip->a] = new_; \
        else { \
            VmWord old_ = R[ip->a]; \
            R[ip->a] = new_; \
            vm_release(old_); \
        } \
    } while (0)
#define SET_TEMP(v) R[ip->a] = (v)
#define SET_LOCAL(v) \
    do { \
        VmWord new_ = (v), old_ = R[ip->a]; \
        R[ip->a] = new_; \
        vm_release(old_); \
    } while (0)

#endif
