/* Calls: from one VM frame to the next, and to everything else. */
#ifndef VM_CALL_H
#define VM_CALL_H

#include "vm/vm_frame.h"

typedef enum {
    CALL_ERROR = -1,
    CALL_DONE = 0,      /* the result is in the destination register */
    CALL_PUSHED = 1,    /* a new frame is to be run */
    CALL_NOT_MINE = 2,  /* nothing was done: call it the general way */
    CALL_LEFT = 3,      /* nothing was called: a tool is to see this instruction */
} VmCallStatus;

/* Where a call's result goes. */
typedef struct {
    unsigned dst;
    const VmInsn *next;
    VmReturnKind kind;
    VmWord aux;
} VmReturn;

/* The same place, another meaning.  (Handed on by address: a copy would be read wider than it was
   written, for which processors wait.) */
static inline VmReturn
vm_return_with(const VmReturn *ret, VmReturnKind kind, VmWord aux)
{
    return (VmReturn){ret->dst, ret->next, kind, aux};
}

static inline VmReturn
vm_return_of(const VmFrame *f)
{
    return (VmReturn){f->ret_dst, f->ret_ip, (VmReturnKind)f->kind, f->aux};
}

/* CALL, CALLM, CALLKW and CALLX: the general way.  On CALL_PUSHED *pushed is the frame. */
VmCallStatus vm_call_insn(VmAct *A, VmFrame *f, VmFrame **pushed);
VmCallStatus vm_callx_insn(VmAct *A, VmFrame *f, VmFrame **pushed);

/* Call callee (taken) with n words in args (taken; args[-2] and args[-1] are free) and, after
   them, the values of kwnames (borrowed, or NULL). */
VmCallStatus vm_call_words(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                           PyObject *kwnames, const VmReturn *ret, VmFrame **pushed);

/* Arguments into the registers of a new frame.  args (owned by the caller) are moved on
   success only.  0, or -1 with CPython's TypeError. */
int vm_bind(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n,
            PyObject *kwnames);
/* By position into a function without *, ** and keyword-only parameters, defaults for the
   rest: the arguments are moved.  0, or -1: not that simple, nothing was done. */
int vm_bind_by_position(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n);
/* -> new tuple, words borrowed */
PyObject *vm_tuple_of_words(const VmWord *words, size_t n);
/* Parameter that takes keyword `name`, or -1. */
Py_ssize_t vm_find_parameter(PyCodeObject *co, PyObject *name);
/* A frame that never ran, its arguments gone. */
void vm_drop_new_frame(VmAct *A, VmFrame *nf);

/* C code that CPython would call takes a unit of the recursion limit until vm_leave_c(), or until
   a frame that became FRAME_IN_C is left.  0, or -1 with RecursionError. */
int vm_enter_c(VmAct *A);
int vm_enter_c_for(VmAct *A, const char *where);    /* what the error says */
static inline void
vm_leave_c(VmAct *A)
{
    *A->left += CPY_C_CALL_TAKES_UNIT;
}

/* CPython 3.11 saves that unit for functions with METH_FASTCALL where the code that calls them is
   warm, from its eighth run on.  Counts this run of the call at f->pc. */
int vm_call_is_warm(VmFrame *f);
static inline int
vm_site_is_warm(VmCache *site)
{
    return site->misses >= 7 || (site->misses++, 0);
}

/* The Python __init__ of a class whose instances C code makes: calling the class is making
   the instance and pushing a frame.  -> borrowed, or NULL */
PyFunctionObject *vm_plain_init(PyTypeObject *cls);

/* A frame for func (taken), with the recursion limit checked and counted.  NULL on error. */
VmFrame *vm_push_checked(VmAct *A, VmFrame *prev, VmCode *code, PyFunctionObject *func);

/* An operand of an operand list, borrowed. */
static inline VmWord
vm_operand_word(const VmWord *regs, const VmCode *code, unsigned operand)
{
    return (operand & VM_OPERAND_CONST ? code->consts - VM_OPERAND_CONST : regs)[operand];
}

/* Does it stay where it is, a local's or a constant?  A temporary moves. */
static inline int
vm_operand_stays(unsigned operand, unsigned nlocals)
{
    return operand - nlocals >= VM_OPERAND_CONST - nlocals;
}

/* The same as an owned word; a temporary is moved. */
static inline VmWord
vm_take_operand(VmFrame *f, unsigned operand)
{
    VmWord w = vm_operand_word(f->regs, f->code, operand);
    if (vm_operand_stays(operand, f->code->nlocals))
        vm_incref(w);
    return w;
}

/* The code of a function when the VM runs it, else NULL (with MemoryError only when set). */
static inline VmCode *
vm_code_to_run(PyFunctionObject *func)
{
    VmCode *code = vm_code_of_function(func);
    return code == NULL || code->refused != NULL ? NULL : code;
}

/* A Python function whose arguments can be put into its frame directly (by position, by
   keyword, from defaults, the rest to *args; no **): the frame, ready to run.  NULL: nothing was
   done.  func is borrowed; self is taken on success. */
VmFrame *vm_call_quick(VmAct *A, VmFrame *f, PyFunctionObject *func, VmWord self);

/* The same for the CALLX at f->pc, whose tuple and mapping (exact dict or NULL) are borrowed. */
VmFrame *vm_call_star_quick(VmAct *A, VmFrame *f, PyFunctionObject *func, PyObject *tuple,
                            PyObject *mapping);

/* Do the defaults of a function that is called with n arguments by position cover the rest? */
static inline int
vm_defaults_suffice(PyFunctionObject *func, VmCode *code, unsigned n)
{
    PyObject *defaults = func->func_defaults;
    return defaults != NULL && n < code->argcount
           && code->argcount - n <= (size_t)PyTuple_GET_SIZE(defaults);
}

/* Put them into registers n and on, of a frame in the making.  -> argcount */
unsigned vm_bind_defaults(VmFrame *nf, PyFunctionObject *func, VmCode *code, unsigned n);
/* The default of parameter i.  -> borrowed, or NULL: none, perhaps with an exception */
PyObject *vm_default_of(const VmCode *code, PyFunctionObject *func, int i);
/* Defaults into the registers of `missing`.  0, or -1: there is none for one of them */
int vm_fill_defaults(VmFrame *nf, VmCode *code, PyFunctionObject *func, uint64_t missing);

/* What a site with keywords remembers of a callee called with npos arguments by position. */
static inline uint64_t
vm_call_shape(const VmCode *code, size_t npos)
{
    return code->serial | (uint64_t)(code->has_star | code->has_dstar) << 7 | npos;
}

/* Objects compared by identity, kept alive for good: callables, and the dict of builtins. */
typedef struct {
    PyObject *len, *list_append, *build_class, *exec, *eval, *no_args, *next,
        *gen_send, *dict_get, *sum, *any, *all, *sorted, *join, *iter, *object_new, *coro_send, *hash, *repr, *getattr, *hasattr, *isinstance, *issubclass, *anext, *format, *ascii, *type_new,
        *type_call,         /* type.__call__, a slot wrapper */
        *builtins;
    PyTypeObject *method_wrapper;
} VmKnown;
extern VmKnown vm_known;

void vm_call_init(void);

#endif
