/* The instructions of leaves: functions that only compute from what they are given.
 *
 * On numbers and plain objects these run no code, create no object anybody can watch and change
 * nothing, so that a call of such a function needs no frame (vm_leaf.c), and one that meets
 * something else can begin again with a frame.  LEAF(NAME) for each.
 */
#ifndef VM_LEAF_OPS_H
#define VM_LEAF_OPS_H

#define VM_LEAF_BOTH(LEAF, NAME) LEAF(NAME) LEAF(NAME##_L)
#define VM_LEAF_OPERATOR(LEAF, NAME) VM_LEAF_BOTH(LEAF, NAME) VM_LEAF_BOTH(LEAF, I##NAME)
#define VM_LEAF_COMPARISON(LEAF, NAME) \
    VM_LEAF_BOTH(LEAF, NAME) \
    LEAF(JT_##NAME) \
    LEAF(JF_##NAME) \
    LEAF(JT_##NAME##I) \
    LEAF(JF_##NAME##I)

#define VM_LEAF_OPS(LEAF) \
    VM_LEAF_BOTH(LEAF, MOV) \
    LEAF(MOVT) \
    LEAF(MOVE) \
    LEAF(DUP) \
    LEAF(SWAP) \
    LEAF(CLR) \
    VM_LEAF_BOTH(LEAF, K) \
    LEAF(KO) \
    LEAF(DROP) \
    LEAF(CHK) \
    LEAF(TAKE) \
    VM_LEAF_BOTH(LEAF, LDG) \
    VM_LEAF_BOTH(LEAF, LDC) \
    LEAF(FREEV) \
    VM_LEAF_BOTH(LEAF, GETA) \
    LEAF(GETM) \
    VM_LEAF_BOTH(LEAF, GETI) \
    VM_LEAF_BOTH(LEAF, GETII) \
    VM_LEAF_OPERATOR(LEAF, ADD) \
    VM_LEAF_OPERATOR(LEAF, SUB) \
    VM_LEAF_OPERATOR(LEAF, MUL) \
    VM_LEAF_OPERATOR(LEAF, DIV) \
    VM_LEAF_OPERATOR(LEAF, FDIV) \
    VM_LEAF_OPERATOR(LEAF, REM) \
    VM_LEAF_OPERATOR(LEAF, AND) \
    VM_LEAF_OPERATOR(LEAF, OR) \
    VM_LEAF_OPERATOR(LEAF, XOR) \
    VM_LEAF_OPERATOR(LEAF, LSH) \
    VM_LEAF_OPERATOR(LEAF, RSH) \
    VM_LEAF_OPERATOR(LEAF, ADDI) \
    VM_LEAF_OPERATOR(LEAF, SUBI) \
    VM_LEAF_OPERATOR(LEAF, MULI) \
    VM_LEAF_OPERATOR(LEAF, FDIVI) \
    VM_LEAF_OPERATOR(LEAF, REMI) \
    VM_LEAF_OPERATOR(LEAF, ANDI) \
    VM_LEAF_OPERATOR(LEAF, LSHI) \
    VM_LEAF_OPERATOR(LEAF, RSHI) \
    LEAF(NEG) \
    LEAF(NOT) \
    LEAF(BOOL) \
        VM_LEAF_COMPARISON(LEAF, LT) \
            VM_LEAF_COMPARISON(LEAF, LE) \
                VM_LEAF_COMPARISON(LEAF, EQ) \
                    VM_LEAF_COMPARISON(LEAF, NE) \
                        VM_LEAF_COMPARISON(LEAF, GT) \
                            VM_LEAF_COMPARISON(LEAF, GE) \
                                LEAF(IS) LEAF(ISN) \
                                    LEAF(CALL) LEAF(CALLM) LEAF(RET) LEAF(RETK) \
                                        LEAF(J) LEAF(JT) LEAF(JF) LEAF(JNONE) LEAF(JNNONE) LEAF(JTK) LEAF(JFK)

#define VM_LEAF_REGS 16     /* registers of a leaf */
#define VM_LEAF_WORDS 48    /* words of its instructions */

#endif
