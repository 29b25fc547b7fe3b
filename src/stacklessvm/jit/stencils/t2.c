/* Tagged stencils: the instruction bodies once more, each a function of its own.
 *
 * Not part of the build.  tools/gen/stencils.py compiles this with clang, takes the functions
 * it lists out of the object file, and writes them to jit/generated/ as bytes with holes:
 *
 *   HOLE_A HOLE_B HOLE_C   the instruction's fields, times 8: a register's offset
 *   HOLE_PC                its address (f->pc)
 *   HOLE_TARGET            the address it jumps to
 *   STENCIL_NEXT           the code behind it; STENCIL_JUMP the code it jumps to
 *
 * A stencil ends in a tail call, so that code is stencils laid one behind the other.  It
 * returns to C only to leave, and says how (StencilExit).  f->pc is stored where the
 * interpreter stores it, so at each exit the frame alone is enough to go on.
 *
 * BODY(NAME) closes the function before it with the labels that bodies go to.  All bodies
 * compile; those that several instructions share look at ip->op and can't be cut yet.
 */
#if !__has_attribute(preserve_none) || !__has_attribute(musttail)
#  error "stencils need clang 19 or later"
#endif

#include "jit/jit_stencil.h"
#include "vm/vm_bodies.h"

typedef struct {
    uint64_t op, a, b, c;
} Operands;

#define HOLE(NAME) \
    extern char NAME[] __attribute__((aligned(8), visibility("hidden")))
HOLE(HOLE_A);
HOLE(HOLE_B);
HOLE(HOLE_C);

#define STENCIL __attribute__((preserve_none)) StencilExit
#define STATE VmAct *A, VmFrame *f, VmWord *R
STENCIL STENCIL_NEXT(STATE);
STENCIL STENCIL_JUMP(STATE);

int make_generator(VmAct *A, VmFrame *f, VmWord *v);

#define GO_TO(where) __attribute__((musttail)) return where(A, f, R)
#define WORD_OF(hole) ((uint64_t)(hole) >> 3)
#define SAVE(hole) \
    do { \
        const VmInsn *at_; \
        __asm__("movabsq $" #hole ", %0" : "=r"(at_)); \
        f->pc = at_; \
    } while (0)
#define LEAVE(how, value) \
    return (StencilExit) { (how), (value) }

#define F f
#define LOAD_FRAME(frame) (f = (frame), R = f->regs)
#define NEXT GO_TO(STENCIL_NEXT)
#define NEXT_N(words) NEXT
#define NEXT_AFTER(words) NEXT
#define RELEASE(w) vm_release(w)
#define RELEASE_LAST(w) vm_release(w)
#define OUT(call) \
    do { \
        SAVE(HOLE_PC); \
        if (vm_unlikely((call) < 0)) \
            goto error; \
    } while (0)

#define BEGIN(NAME) \
    STENCIL stencil_##NAME(STATE) \
    { \
        const Operands ip_[1] = {{0, WORD_OF(HOLE_A), WORD_OF(HOLE_B), WORD_OF(HOLE_C)}}; \
        const Operands *ip = ip_; \
        unsigned nlocals = f->code->nlocals; \
        VmCache *caches = f->code->caches; \
        VmWord v = VM_NULL, returned = VM_NULL; \
        VmLeaf *leaf = NULL; \
        int reraise = 0; \
        (void)ip, (void)nlocals, (void)caches, (void)v, (void)leaf, (void)returned, (void)reraise;
#define END() \
        __builtin_unreachable(); \
    error: \
        SAVE(HOLE_PC); \
        LEAVE(STENCIL_RAISED, VM_NULL); \
    do_return: \
        SAVE(HOLE_PC); \
        LEAVE(STENCIL_RETURNED, returned); \
    do_call: \
    do_direct: \
    do_leaf: \
    do_yield: \
    poll_and_go: \
    resume_at_pc: \
        LEAVE(STENCIL_LEFT, VM_NULL); \
    }

const uint16_t stencil_layout[] = STENCIL_LAYOUT;

/* -- what begins and ends a stretch of stencils ----------------------------------------- */

/* Called from C: the ordinary calling convention. */
StencilExit
stencil_ENTER(STATE)
{
    return STENCIL_NEXT(A, f, R);
}

/* The interpreter goes on at this instruction. */
STENCIL
stencil_LEAVE(STATE)
{
    SAVE(HOLE_PC);
    LEAVE(STENCIL_LEFT, VM_NULL);
}

/* -- one per instruction ------------------------------------------------------------------ */

#define JUMP_OFFSET(words) GO_TO(STENCIL_JUMP)

#define BODY(NAME) END() BEGIN(NAME)
#define SET SET_TEMP
BEGIN(first)
#include "vm/vm_bodies_dst.inc"
op_FOR_exhausted:
END()
#undef BODY
#undef SET

#define BODY(NAME) END() BEGIN(NAME##_L)
#define SET SET_LOCAL
BEGIN(first_L)
#include "vm/vm_bodies_dst.inc"
op_FOR_exhausted:
END()
#undef BODY

#define BODY(NAME) END() BEGIN(NAME)
BEGIN(first_other)
#include "vm/vm_bodies.inc"
END()
#undef BODY
#undef JUMP_OFFSET

/* Jumping back: whoever wants attention gets it from the interpreter, at the target. */
#define JUMP_OFFSET(words) \
    do { \
        if (vm_unlikely(*A->breaker & CPY_EVAL_BREAKER_MASK)) { \
            SAVE(HOLE_TARGET); \
            LEAVE(STENCIL_LEFT, VM_NULL); \
        } \
        GO_TO(STENCIL_JUMP); \
    } while (0)
#define BODY(NAME) END() BEGIN(NAME##_BACK)
BEGIN(first_back)
#include "vm/vm_bodies.inc"
END()
