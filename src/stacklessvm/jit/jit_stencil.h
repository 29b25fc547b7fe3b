/* Stencils: machine code of single instructions, cut from C when the project is built for
 * release, joined and filled in at run time.
 */
#ifndef JIT_STENCIL_H
#define JIT_STENCIL_H

#include "vm/vm_frame.h"

#include <stddef.h>

/* Why code returned to C.  f->pc is the instruction. */
typedef enum {
    STENCIL_LEFT,           /* not begun: the interpreter goes on with it */
    STENCIL_RAISED,         /* an exception is set */
    STENCIL_RETURNED,       /* the frame's result is `value` */
} StencilWhy;

typedef struct {
    uint64_t why;           /* StencilWhy */
    VmWord value;           /* owned */
} StencilExit;

/* What goes into a hole. */
typedef enum {
    FILL_A,
    FILL_B,
    FILL_C,         /* a field times 8 */
    FILL_PC,
    FILL_TARGET,           /* addresses of instructions */
    FILL_NEXT,
    FILL_JUMP,           /* code */
    FILL_SYMBOL,                    /* FILL_SYMBOL + i: stencil_symbols[i] */
} StencilFill;

typedef enum {
    HOLE_ABS32,             /* zero-extended */
    HOLE_ABS32S,            /* sign-extended */
    HOLE_ABS64,
    HOLE_REL32,             /* distance from here; to a symbol: to a jump nearby */
    HOLE_SLOT,              /* distance to a word nearby with the address of a symbol */
} StencilHoleKind;

typedef struct {
    uint16_t offset;
    uint8_t kind;           /* StencilHoleKind */
    uint8_t fill;           /* StencilFill */
    int32_t addend;
} StencilHole;

/* What stencils know of our structs: they are only good for the layout they were cut for. */
#define STENCIL_LAYOUT \
    { \
        offsetof(VmAct, ts), \
        offsetof(VmAct, breaker), \
        offsetof(VmAct, left), \
        offsetof(VmAct, top), \
        offsetof(VmAct, limit), \
        offsetof(VmAct, delegate), \
        offsetof(VmFrame, prev), \
        offsetof(VmFrame, code), \
        offsetof(VmFrame, pc), \
        offsetof(VmFrame, func), \
        offsetof(VmFrame, locals), \
        offsetof(VmFrame, shadow), \
        offsetof(VmFrame, flags), \
        offsetof(VmFrame, aux), \
        offsetof(VmFrame, regs), \
        offsetof(VmCode, co), \
        offsetof(VmCode, insns), \
        offsetof(VmCode, consts), \
        offsetof(VmCode, nlocals), \
        offsetof(VmCode, caches), \
        offsetof(VmCode, words), \
        offsetof(VmCode, wide), \
        sizeof(VmInsn), \
        sizeof(VmCache), \
    }

typedef struct {
    const unsigned char *bytes;
    const StencilHole *holes;
    uint16_t size, n_holes;
} Stencil;

#endif
