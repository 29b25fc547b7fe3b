/* Functions that only compute, and perhaps set attributes, need no frame (ir/vm_leaf_ops.h).
 *
 * Nobody can watch the frame of one while its values are numbers and plain objects.  So a site that
 * calls it gets a leaf: the function's instructions, and those of the leaves it calls, as one run
 * over slots of the leaf's own.  Slots borrow everything: from the caller, from attributes, items
 * and globals; nothing that could let go of those runs meanwhile.  Constants are in slots from the
 * beginning, and moves between registers become other names of slots.
 * Tuples and lists whose items are all that is asked for are never made.
 * Whatever would need more than that (other types, an empty cache, an exception, a big number)
 * gives the run up with nothing done, and the function is called as any other: attributes are set
 * when nothing can give up any more.
 *
 * Protected by the GIL, which a run never gives up: it is never entered twice.
 */
#ifndef VM_LEAF_H
#define VM_LEAF_H

#include "ir/vm_leaf_ops.h"
#include "vm/vm_call.h"

/* The instructions, on slots a, b, c; jumps go forward, c words.  Pointers and numbers of 64 bits
   follow in words of their own. */
#define LEAF_COMPARISON_CODES(CODE, NAME) CODE(NAME) CODE(JT_##NAME) CODE(JF_##NAME)
#define LEAF_CODES(CODE) \
    CODE(MOV) /* a = b */ \
    CODE(CHK) /* a is bound */ \
    CODE(LDG) /* a = global of function b; cache */ \
    CODE(CALLEE) /* a is function b, and of this code; code, its serial */ \
    CODE(EXPECT) /* a is the object b */ \
    CODE(BUILTIN) /* a = computed from the c slots from b on; VmBuiltin */ \
    CODE(LDC) /* a = contents of cell b */ \
    CODE(FREEV) /* a = cell c of function b */ \
    CODE(DEFAULT) /* a = c-th last default of function b */ \
    CODE(GETA) /* a = attribute of b; cache */ \
    CODE(GETM) /* a = method of b; cache */ \
    CODE(PICK) /* a = of the c slots listed, the one that number b says */ \
    CODE(NUMBER) /* b is the number of one of c */ \
    CODE(DIFFER) /* a and b are not the same object */ \
    CODE(BUILD) /* a = new tuple, or list if b, of the c slots listed */ \
    CODE(GETI) /* a = b[c]; so on for the operators */ \
    CODE(ADD) \
    CODE(SUB) \
    CODE(MUL) \
    CODE(DIV) \
    CODE(FDIV) \
    CODE(REM) \
    CODE(AND) \
    CODE(OR) \
    CODE(XOR) \
    CODE(LSH) \
    CODE(RSH) \
    CODE(NEG) \
    CODE(NOT) \
    CODE(BOOL) \
    CODE(IS) \
    CODE(ISN) \
    LEAF_COMPARISON_CODES(CODE, LT) \
    LEAF_COMPARISON_CODES(CODE, LE) \
    LEAF_COMPARISON_CODES(CODE, EQ) \
    LEAF_COMPARISON_CODES(CODE, NE) \
    LEAF_COMPARISON_CODES(CODE, GT) \
    LEAF_COMPARISON_CODES(CODE, GE) \
    CODE(J) \
    CODE(JT) \
    CODE(JF) \
    CODE(JNONE) \
    CODE(JNNONE) \
    CODE(FAIL) /* nobody has seen what is called here */ \
    CODE(SWITCH) /* go on at the one of c offsets listed that number b says */ \
    CODE(RET) /* a is the result */ \
    CODE(RETN) /* a, a new object, is the result */ \
    CODE(RETS) /* the same, new if b, once c stores are done: object, value; cache */

#define LEAF_DEPTH 3            /* leaves called by leaves */
#define VM_LEAF_ITEMS 8         /* of a tuple or list in a leaf */
#define VM_LEAF_STORES 4        /* attributes it sets */

typedef enum {
#define CODE(NAME) LEAF_##NAME,
    LEAF_CODES(CODE)
#undef CODE
        LEAF_CODE_COUNT
} VmLeafOp;

/* What a call gives: each parameter, and behind VM_LEAF_REGS the tuple of *. */
#define VM_LEAF_GIVEN (VM_LEAF_REGS + VM_LEAF_ARGS)
typedef struct {
    enum { GIVEN_NOTHING,
           GIVEN_CONSTANT,
           GIVEN_REGISTER,
           GIVEN_TEMPORARY } kind;
    uint16_t reg;
    VmWord word;                /* borrowed; a register's in the call at hand */
} VmLeafArg;

/* Calls of func, whose code that is, with these arguments.  NULL: it is no leaf (or no memory) */
VmLeaf *vm_leaf_make(PyFunctionObject *func, VmCode *code, const VmLeafArg *args, int callee_goes);

/* The call it was made for, with arguments in R.  What is consumed is gone.  -> owned, or VM_NULL:
   nothing was done, it takes a frame */
VmWord vm_leaf_run(VmLeaf *leaf, PyFunctionObject *func, const VmWord *R);

/* How leaves end (vm_leaf_result.c).  A tuple or list of the slots listed behind ip.  -> new, or NULL
   without an exception: not now */
PyObject *vm_leaf_build(const VmInsn *ip, const VmWord *S);
/* What is stored behind ip, done.  -> the result (owned; v is taken), or VM_NULL: nothing was */
VmWord vm_leaf_store(const VmLeaf *leaf, const VmInsn *ip, VmWord v);

/* An attribute that is there, by its cache.  -> borrowed, or NULL */
PyObject *vm_leaf_attribute(VmCache *c, VmWord w);
/* The leaf of the call at f's pc gave up: perhaps it does so too often to be worth it. */
void vm_leaf_failed(VmFrame *f, VmLeaf *leaf);

/* The call at f's pc of func, whose code is a leaf: perhaps the site gets one, in `list`.
   at: parameters of the keywords, or NULL */
void vm_leaf_prepare(VmFrame *f, PyFunctionObject *func, VmCode *code, VmWord self, VmLeaf **list,
                     const uint8_t *at);
/* Of a function with one parameter.  -> owned, or VM_NULL: nothing was done */
VmWord vm_leaf_of_one(VmAct *A, PyFunctionObject *func, VmCode *code, VmWord arg);
/* Called by C, nothing tracing.  -> owned, or VM_NULL: nothing was done */
VmWord vm_leaf_word(PyThreadState *ts, PyFunctionObject *func, VmCode *code, const VmWord *args,
                    size_t n);
/* The same.  -> new, or NULL without an exception: nothing was done */
PyObject *vm_leaf_enter(PyThreadState *ts, PyFunctionObject *func, VmCode *code,
                        PyObject *const *args, size_t n);

/* The one for calls of the code with this serial, or NULL. */
VmLeaf *vm_leaf_of(VmLeaf *list, uint64_t serial);

static inline unsigned
vm_leaf_temporaries(const VmLeaf *leaf)
{
    return (unsigned)leaf->n_args - leaf->n_kept;
}

/* Nothing happens when n references to it go. */
static inline int
vm_goes_unseen(VmWord w, unsigned n)
{
    return !vm_is_obj(w) || Py_REFCNT(vm_ptr(w)) > (Py_ssize_t)n || vm_is_inert(vm_ptr(w));
}

/* Nothing wants attention first, and no limit is near. */
static inline __attribute__((always_inline)) int
vm_leaf_may_run(const VmAct *A)
{
    return !(*A->breaker & CPY_EVAL_BREAKER_MASK) && !A->delegate && *A->left > LEAF_DEPTH;
}

#endif
