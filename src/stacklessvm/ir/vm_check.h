/* What the checks of a VmCode share: the operands of each instruction, from the table of
 * vm_ops.def, and what to say when one is wrong.
 *
 * vm_bounds() is one pass over what stands in the code: fields, operand lists, caches,
 * constants, jumps, handlers and maps are in range.  vm_verify() goes on by data flow, for whoever
 * has reason to doubt the lowering.  A kept translation whose sum is right is what the lowering
 * made: of that only what would be read out of range is looked for, before it is run.
 */
#ifndef VM_CHECK_H
#define VM_CHECK_H

#include "ir/vm_code.h"

/* READS: fields, the operand list, a window with its size (0: vm_window_size() tells) */
#define VM_WINDOW(n) (16 | (n) << 5)
enum {
    R_0 = 0,
    R_A = 1,
    R_B = 2,
    R_AB = 3,
    R_BC = 6,
    R_ABC = 7,
    R_X = 8,
    R_BX = R_B | R_X,
    R_W = VM_WINDOW(0),
    R_W2 = VM_WINDOW(2),
    R_W3 = VM_WINDOW(3),
    R_W4 = VM_WINDOW(4),
    R_W2X = R_W2 | R_X,
};
typedef enum { W_0,
               W_A,
               W_AA,
               W_W2,
               W_W,
               W_X } VmWrites;

typedef struct {
    uint8_t field[3];       /* letters of the format */
    uint8_t reads, writes, cache;
} VmOperands;

extern const VmOperands vm_operands[VM_OP_COUNT];

static inline uint16_t
vm_field(const VmInsn *insn, int i)
{
    return i == 0 ? insn->a : i == 1 ? insn->b
                                     : insn->c;
}

/* Of the window that an instruction reads, or unpacks into. */
unsigned vm_window_size(const VmInsn *insn);

typedef struct {
    const VmCode *code;
    char *why;
    size_t room;
    uint32_t pc;
    const VmInsn *insn;     /* at pc; NULL: it is about the code as a whole */
} VmCheck;

int vm_check_failed(VmCheck *check, const char *format, ...);       /* -1 */

enum { VM_STARTS = 1,          /* an instruction begins here */
       VM_TARGET = 2,          /* a jump or handler comes here */
};
/* 0; or -1 and a sentence about what is wrong.  starts: a zeroed byte for each word of the code,
   where these two are noted */
int vm_bounds(VmCheck *check, uint8_t *starts);
/* The same, but of what has the usual numbers only that they are no larger than they may be. */
int vm_bounds_quick(VmCheck *check, uint8_t *starts);

#endif
