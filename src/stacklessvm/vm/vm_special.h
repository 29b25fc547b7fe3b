/* Special methods written in Python are frames, not calls through CPython's slots.
 *
 * An instruction that comes to one of them puts its frame into A->pushed and fails without an
 * exception; the loop then runs that frame.  The instruction's operands stay in the caller's
 * registers, and the frame's kind (VmReturnKind from RET_SPECIAL on) says what its result means:
 *
 *      caller   ADD a, b, c            pc stays; b and c are still owned
 *        frame  __add__(b, c)          kind RET_BINARY, ret_dst: what else can be tried
 *      caller   NotImplemented: push __radd__(c, b) | value: release b and c, store a, pc + 1
 *
 * Everything that is not a plain Python function takes the slot, as before.
 */
#ifndef VM_SPECIAL_H
#define VM_SPECIAL_H

#include "vm/vm_call.h"
#include "vm/vm_num.h"

/* SPECIAL(identifier, name, the field of PyHeapTypeObject its method fills) */
#define VM_SPECIAL_METHODS(SPECIAL) \
    SPECIAL(GETATTRIBUTE, "__getattribute__", ht_type.tp_getattro) \
    SPECIAL(GETATTR, "__getattr__", ht_type.tp_getattro) \
    SPECIAL(SETATTR, "__setattr__", ht_type.tp_setattro) \
    SPECIAL(DELATTR, "__delattr__", ht_type.tp_setattro) \
    SPECIAL(GET, "__get__", ht_type.tp_descr_get) \
    SPECIAL(SET, "__set__", ht_type.tp_descr_set) \
    SPECIAL(DELETE, "__delete__", ht_type.tp_descr_set) \
    SPECIAL(CALL, "__call__", ht_type.tp_call) \
    SPECIAL(NEW, "__new__", ht_type.tp_new) \
    SPECIAL(INIT, "__init__", ht_type.tp_init) \
    SPECIAL(ITER, "__iter__", ht_type.tp_iter) \
    SPECIAL(NEXT, "__next__", ht_type.tp_iternext) \
    SPECIAL(GETITEM, "__getitem__", as_mapping.mp_subscript) \
    SPECIAL(SETITEM, "__setitem__", as_mapping.mp_ass_subscript) \
    SPECIAL(DELITEM, "__delitem__", as_mapping.mp_ass_subscript) \
    SPECIAL(LEN, "__len__", as_sequence.sq_length) \
    SPECIAL(CONTAINS, "__contains__", as_sequence.sq_contains) \
    SPECIAL(BOOL, "__bool__", as_number.nb_bool) \
    SPECIAL(NEG, "__neg__", as_number.nb_negative) \
    SPECIAL(POS, "__pos__", as_number.nb_positive) \
    SPECIAL(INVERT, "__invert__", as_number.nb_invert) \
    SPECIAL(REPR, "__repr__", ht_type.tp_repr) \
    SPECIAL(STR, "__str__", ht_type.tp_str) \
    SPECIAL(HASH, "__hash__", ht_type.tp_hash) \
    SPECIAL(AWAIT, "__await__", as_async.am_await) \
    SPECIAL(AITER, "__aiter__", as_async.am_aiter) \
    SPECIAL(ANEXT, "__anext__", as_async.am_anext) \
    SPECIAL(LT, "__lt__", ht_type.tp_richcompare) \
    SPECIAL(LE, "__le__", ht_type.tp_richcompare) \
    SPECIAL(EQ, "__eq__", ht_type.tp_richcompare) \
    SPECIAL(NE, "__ne__", ht_type.tp_richcompare) \
    SPECIAL(GT, "__gt__", ht_type.tp_richcompare) \
    SPECIAL(GE, "__ge__", ht_type.tp_richcompare)

/* the binary operators, in the order of VM_NB_ADD and so on (vm_num.h) */
#define VM_SPECIAL_OPERATORS(OPERATOR) \
    OPERATOR(ADD, add, nb_add, nb_inplace_add) \
    OPERATOR(AND, and, nb_and, nb_inplace_and) \
    OPERATOR(FDIV, floordiv, nb_floor_divide, nb_inplace_floor_divide) \
    OPERATOR(LSH, lshift, nb_lshift, nb_inplace_lshift) \
    OPERATOR(MATMUL, matmul, nb_matrix_multiply, nb_inplace_matrix_multiply) \
    OPERATOR(MUL, mul, nb_multiply, nb_inplace_multiply) \
    OPERATOR(REM, mod, nb_remainder, nb_inplace_remainder) \
    OPERATOR(OR, or, nb_or, nb_inplace_or) \
    OPERATOR(POW, pow, nb_power, nb_inplace_power) \
    OPERATOR(RSH, rshift, nb_rshift, nb_inplace_rshift) \
    OPERATOR(SUB, sub, nb_subtract, nb_inplace_subtract) \
    OPERATOR(DIV, truediv, nb_true_divide, nb_inplace_true_divide) \
    OPERATOR(XOR, xor, nb_xor, nb_inplace_xor)

typedef enum {
#define SPECIAL(ID, NAME, FIELD) SP_##ID,
    VM_SPECIAL_METHODS(SPECIAL)
#undef SPECIAL
#define OPERATOR(ID, NAME, SLOT, ISLOT) SP_##ID, SP_R##ID, SP_I##ID,
        SP_OPERATORS,
    SP_BEFORE_OPERATORS = SP_OPERATORS - 1,
    VM_SPECIAL_OPERATORS(OPERATOR)
#undef OPERATOR
        SP_COUNT
} VmSpecialId;

typedef struct {
    const char *text;
    PyObject *name;         /* interned */
    uint32_t offset;        /* of the slot in PyHeapTypeObject */
    void *generic;          /* what the slot holds when the method is looked up by name */
} VmSpecialMethod;
extern VmSpecialMethod vm_specials[SP_COUNT];
/* tp_getattro of a class with __getattribute__ once it was seen to have no __getattr__ */
extern getattrofunc vm_slot_getattribute;

int vm_special_init(void);              /* once; 0 / -1 */

/* Does the type's slot look the method up by name? */
static inline int
vm_slot_is_generic(PyTypeObject *type, VmSpecialId id)
{
    const VmSpecialMethod *s = &vm_specials[id];
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE
           && *(void **)((char *)type + s->offset) == s->generic;
}

/* The function a special method of the type is, when it is a plain one.  -> borrowed, or NULL */
static inline PyFunctionObject *
vm_special(PyTypeObject *type, VmSpecialId id)
{
    if (!vm_slot_is_generic(type, id))
        return NULL;
    PyObject *m = _PyType_Lookup(type, vm_specials[id].name);
    return m != NULL && Py_IS_TYPE(m, &PyFunction_Type) ? (PyFunctionObject *)m : NULL;
}

/* How far an instruction got. */
typedef enum {
    SP_RAISED = -1,
    SP_PUSHED = 0,          /* A->pushed is to be run first */
    SP_DONE = 1,
    SP_NOT_MINE = 2,        /* nothing was done: take the slot */
} VmSpecialStatus;

/* What becomes of a method's result: the frame's kind, and what its step needs to know (16 bits). */
typedef uint32_t VmHow;
#define VM_HOW(kind, step) ((VmHow)(kind) | (VmHow)(step) << 8)
#define VM_HOW_KIND(how) ((VmReturnKind)((how) & 0xFF))
#define VM_HOW_STEP(how) ((unsigned)(how) >> 8)

/* What a RET_TEXT's ret_dst says of the method. */
enum { TEXT_STR,
       TEXT_REPR,
       TEXT_FORMAT,
       TEXT_ASCII };

/* A RET_CHECK's: units that CPython's C code takes beside that of the check; the rest is the index of
   the class in its tuple. */
enum { CHECK_COLD = 1,      /* the call's own */
       CHECK_TUPLE = 2,     /* that of the tuple */
       CHECK_INDEX = 2 };   /* shift */

/* A RET_ITEM's: the item was first asked of a method in C. */
#define ITEM_BY_METHOD 1u

/* Units of recursion that CPython's C code around it takes: a comparison and a text are C calls
   that count, object.__ne__ and object.__format__ one more each; of the slots only those that call
   a method in C. */
static inline int
vm_special_units(VmHow how)
{
    unsigned kind = VM_HOW_KIND(how), step = VM_HOW_STEP(how), units = 0;
    _Static_assert(COMPARE_INVERTED == TEXT_OF_OBJECT, "both are the unit more");
    if (kind == RET_COMPARE || (kind == RET_TEXT && step != TEXT_FORMAT))
        units = step & COMPARE_INVERTED ? 2 : 1;
    else if (kind == RET_ITEM)
        units = step;
    else if (kind == RET_CHECK)
        units = 1 + !!(step & CHECK_COLD) + !!(step & CHECK_TUPLE);
    return CPY_C_CALL_TAKES_UNIT ? (int)units : 0;
}

static inline VmHow
vm_how_of(const VmFrame *f)
{
    return VM_HOW(f->kind, f->ret_dst);
}

/* Can the function be a frame now?  When not: take the slot, or call it (vm_special_call). */
int vm_special_can_push(VmAct *A, PyFunctionObject *func);

/* Call func with n borrowed words: SP_PUSHED; or SP_DONE with *result (owned) where it can't be a
   frame; or SP_RAISED. */
VmSpecialStatus vm_special_call(VmAct *A, VmFrame *f, PyFunctionObject *func,
                                const VmWord *args, unsigned n, VmHow how, VmWord *result);

/* The first method an instruction comes to (func NULL: none): SP_NOT_MINE where it can't be a
   frame; the slot does it. */
VmSpecialStatus vm_special_start_slow(VmAct *A, VmFrame *f, PyFunctionObject *func,
                                      const VmWord *args, unsigned n, VmHow how);

/* A function that is called often, with exactly its arguments: 1, A->pushed; 0: nothing done. */
static inline int
vm_special_push_quick(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args,
                      unsigned n, VmHow how)
{
    VmCode *code = vm_code_taking(func, n);
    int units = 1 + vm_special_units(how);
    if (vm_unlikely(code == NULL || A->delegate || vm_poll_is_due(A) || *A->left < units
                    || (size_t)(A->limit - A->top) < code->frame_bytes))
        return 0;
    *A->left -= units;
    VmFrame *nf = vm_frame_push(A, f, code, (PyFunctionObject *)Py_NewRef((PyObject *)func), n);
    for (unsigned i = 0; i < n; i++) {
        nf->regs[i] = args[i];
        vm_incref(args[i]);
    }
    nf->ret_dst = (uint16_t)VM_HOW_STEP(how);
    nf->aux = VM_NULL;
    nf->kind_flags = (uint16_t)(VM_HOW_KIND(how) | FRAME_FLAGS_OF_UNITS(units - 1) << 8);
    vm_stats.native++;
    A->pushed = nf;
    return 1;
}

static inline VmSpecialStatus
vm_special_start(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args, unsigned n,
                 VmHow how)
{
    if (vm_unlikely(func == NULL))
        return SP_NOT_MINE;
    if (vm_likely(vm_special_push_quick(A, f, func, args, n, how)))
        return SP_PUSHED;
    return vm_special_start_slow(A, f, func, args, n, how);
}

/* The same for a method m (borrowed) with two arguments, itself one of them, that is no plain
   function: called as the slots do. */
VmSpecialStatus vm_special_call_other(VmAct *A, VmFrame *f, PyObject *m, const VmWord *args,
                                      VmWord *result);

/* The frame of a special method is gone, with a result v (taken) or an exception; f is its
   caller; aux (taken) was the frame's.  1: f goes on at its pc.  0: another frame is pushed; or an
   exception at f's pc, whose instruction has let go of its operands. */
int vm_special_returned(VmAct *A, VmFrame *f, VmHow how, VmWord aux, VmWord v);
int vm_special_raised(VmAct *A, VmFrame *f, VmHow how, VmWord aux);

/* An operand as an object.  -> new */
static inline PyObject *
vm_operand_object(VmFrame *f, VmWord w)
{
    return vm_is_obj(w) ? Py_NewRef(vm_ptr(w)) : vm_box_shared(f, w);
}

/* What A->pushed became. -> the frame */
static inline VmFrame *
vm_take_pushed(VmAct *A)
{
    VmFrame *f = A->pushed;
    A->pushed = NULL;
    return f;
}

/* -- attributes (vm_special_attr.c) ---------------------------------------------------------- */

/* The attribute of o, an operand of f's instruction: SP_DONE with *result (owned), ... */
VmSpecialStatus vm_special_find_attr(VmAct *A, VmFrame *f, PyObject *o, PyObject *name,
                                     VmWord *result);
static inline VmSpecialStatus
vm_special_getattr(VmAct *A, VmFrame *f, PyObject *o, PyObject *name, VmWord *result)
{
    if (!((Py_TYPE(o)->tp_flags & Py_TPFLAGS_HEAPTYPE) || PyType_Check(o)))
        return SP_NOT_MINE;
    return vm_special_find_attr(A, f, o, name, result);
}
/* A property's getter */
/* The value of a property's getter or a C descriptor (by), of an object whose class has __getattr__. */
VmSpecialStatus vm_special_hooked(VmAct *A, VmFrame *f, PyObject *by, PyObject *o, PyObject *name,
                                  VmWord *result);
VmSpecialStatus vm_special_property(VmAct *A, VmFrame *f, PyFunctionObject *getter, PyObject *o,
                                    VmWord *result);
VmSpecialStatus vm_special_setattr(VmAct *A, VmFrame *f, PyObject *o, PyObject *name, PyObject *v);
/* A pending AttributeError learns whose attribute it is about, as in Objects/object.c,
   set_attribute_error_context. */
void vm_name_attribute_error(PyObject *o, PyObject *name);
/* Instances of the type have __getattr__, but are looked at as usual before. */
int vm_has_getattr_hook_only(PyTypeObject *type);
VmSpecialStatus vm_attr_returned(VmAct *A, VmFrame *f, VmWord aux, VmWord v);
VmSpecialStatus vm_attr_raised(VmAct *A, VmFrame *f, VmWord aux);
/* getattr() and hasattr() that come to Python code; as vm_call_words(), of a CALL or CALLM.
   CALL_NOT_MINE: nothing was done */
VmCallStatus vm_call_getattr(VmAct *A, VmFrame *f, PyObject *builtin, VmWord *args, size_t n,
                             VmFrame **pushed);
VmSpecialStatus vm_check_returned(VmAct *A, VmFrame *f, unsigned step, VmWord v);
void vm_check_raised(VmAct *A, VmFrame *f);
int vm_call_check_init(void);           /* once; 0 / -1 */
VmSpecialStatus vm_getattr_returned(VmAct *A, VmFrame *f, unsigned asks, VmWord aux, VmWord v);
VmSpecialStatus vm_getattr_raised(VmAct *A, VmFrame *f, unsigned asks, VmWord aux);

/* -- items, iteration (vm_special.c) --------------------------------------------------------- */

/* Callers look at the type's flag first: most containers are builtin. */
static inline int
vm_may_be_special(PyObject *o)
{
    return Py_TYPE(o)->tp_flags & Py_TPFLAGS_HEAPTYPE ? 1 : 0;
}
int vm_items_init(void);        /* once; 0 / -1 */
VmSpecialStatus vm_special_getitem(VmAct *A, VmFrame *f, PyObject *o, VmWord index);
VmSpecialStatus vm_special_setitem(VmAct *A, VmFrame *f, PyObject *o, VmWord index, PyObject *v);
VmSpecialStatus vm_special_iter(VmAct *A, VmFrame *f, PyObject *o);
VmSpecialStatus vm_special_next(VmAct *A, VmFrame *f, PyObject *it);

/* -- operators (vm_special_ops.c) ------------------------------------------------------------ */

/* The commonest cases of the ones below: both operands of a class, or the right one of a builtin
   class.  1: A->pushed */
int vm_special_binary_quick(VmAct *A, VmFrame *f, PyObject *left, VmWord right, int kind,
                            int inplace);
/* A number of the builtin ones on the left, an instance that is none on the right. */
int vm_special_reflected_quick(VmAct *A, VmFrame *f, VmWord left, PyObject *right, int kind);
int vm_special_compare_quick(VmAct *A, VmFrame *f, PyObject *left, VmWord right, int op);
VmSpecialStatus vm_special_binary(VmAct *A, VmFrame *f, VmWord *result);
VmSpecialStatus vm_special_unary(VmAct *A, VmFrame *f, PyObject *o, int kind);
VmSpecialStatus vm_special_compare(VmAct *A, VmFrame *f, VmWord *result);
VmSpecialStatus vm_special_contains(VmAct *A, VmFrame *f, PyObject *o, VmWord item);
/* The function that tells the truth of an instance, RET_BOOL or RET_BOOL_BY_LEN.  -> borrowed */
PyFunctionObject *vm_special_truth_method(PyTypeObject *type, VmReturnKind *kind);
/* Truth of o; held (taken when SP_PUSHED) lives until it is known. */
VmSpecialStatus vm_special_truth(VmAct *A, VmFrame *f, PyObject *o, VmWord held);
VmSpecialStatus vm_operator_returned(VmAct *A, VmFrame *f, VmHow how, VmWord aux, VmWord v);
VmSpecialStatus vm_operator_raised(VmAct *A, VmFrame *f, VmHow how, VmWord aux);

/* What a builtin that asked makes of the answer (taken): RET_LEN ...  VM_NULL: exception */
VmWord vm_answer(VmReturnKind kind, VmWord v);
PyTypeObject *vm_type_of_word(VmWord w);

/* -- text and hashes (vm_special_text.c) ---------------------------------------------------------- */

int vm_text_init(void);         /* once; 0 / -1 */
/* The function str() comes to.  -> borrowed, or NULL */
PyFunctionObject *vm_special_str_method(PyTypeObject *type);
/* The one format() comes to; *step: TEXT_FORMAT, or object.__format__ asks it: TEXT_STR. */
PyFunctionObject *vm_special_format_method(PyTypeObject *type, int has_spec, unsigned *step);
VmWord vm_no_text(void);        /* "", borrowed */
/* CONV, FMT, FMTS (spec: its text, else NULL): what the conversion of o asks for. */
VmSpecialStatus vm_special_text(VmAct *A, VmFrame *f, PyObject *o, unsigned conversion,
                                PyObject *spec);
VmSpecialStatus vm_text_returned(VmAct *A, VmFrame *f, VmHow how, VmWord v);
void vm_text_raised(VmAct *A, VmFrame *f);
VmWord vm_answer_text(VmReturnKind kind, VmWord v);
VmWord vm_answer_hash(VmWord v);

/* -- awaiting (vm_await.c), delegating (vm_iter.c) --------------------------------------------------- */

VmSpecialStatus vm_await_returned(VmAct *A, VmFrame *f, VmReturnKind kind, VmWord v);
void vm_await_raised(VmAct *A, VmFrame *f, VmReturnKind kind);
void vm_sent_returned(VmFrame *f, VmWord v);
VmSpecialStatus vm_sent_raised(VmFrame *f);

#endif
