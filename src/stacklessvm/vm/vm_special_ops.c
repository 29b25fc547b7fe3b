/* Operators, comparisons, truth and membership by special methods in Python.
 *
 * An operator is a short list of attempts (three bits each in ret_dst, the next one lowest);
 * NotImplemented leads to the next.  Order and messages follow Objects/abstract.c, binary_op1
 * and ternary_op, Objects/object.c, do_richcompare, and what Objects/typeobject.c makes of
 * their slots, SLOT1BINFULL and slot_tp_richcompare (3.11 to 3.14).
 */
#include "vm/vm_special.h"

#include "cpyext_compat/cpy_backports.h"
#include "vm/vm_call_out.h"
#include "vm/vm_shadow.h"

typedef enum {
    TRY_NOTHING,
    TRY_LEFT,           /* v.__add__(w) */
    TRY_RIGHT,          /* w.__radd__(v) */
    TRY_LEFT_SLOT,      /* a slot in C: v's, */
    TRY_RIGHT_SLOT,     /* or w's */
    TRY_INPLACE,        /* v.__iadd__(w) */
    TRY_INPLACE_SLOT,
} Attempt;
#define ATTEMPT_BITS 3

/* -- what an instruction does ------------------------------------------------------------------ */

typedef struct {
    uint8_t kind;       /* VM_NB_ADD ..., or Py_LT ... */
    uint8_t is;         /* BINARY ... */
    uint8_t inplace, imm;
    uint8_t wanted;     /* JUMP: when the outcome is this */
} Operation;

enum { NO_OPERATION,
       BINARY,
       COMPARE,             /* into a register */
       COMPARE_JUMP };

#define PLAIN_ROWS(NAME) \
    [VM_##NAME] = {VM_NB_##NAME, BINARY, 0, 0, 0}, [VM_##NAME##_L] = {VM_NB_##NAME, BINARY, 0, 0, 0}, \
    [VM_I##NAME] = {VM_NB_##NAME, BINARY, 1, 0, 0}, \
    [VM_I##NAME##_L] = {VM_NB_##NAME, BINARY, 1, 0, 0},
#define IMM_ROWS(NAME) \
    [VM_##NAME##I] = {VM_NB_##NAME, BINARY, 0, 1, 0}, \
    [VM_##NAME##I_L] = {VM_NB_##NAME, BINARY, 0, 1, 0}, \
    [VM_I##NAME##I] = {VM_NB_##NAME, BINARY, 1, 1, 0}, \
    [VM_I##NAME##I_L] = {VM_NB_##NAME, BINARY, 1, 1, 0},
#define COMPARE_ROWS(NAME) \
    [VM_##NAME] = {Py_##NAME, COMPARE, 0, 0, 0}, [VM_##NAME##_L] = {Py_##NAME, COMPARE, 0, 0, 0}, \
    [VM_JT_##NAME] = {Py_##NAME, COMPARE_JUMP, 0, 0, 1}, \
    [VM_JF_##NAME] = {Py_##NAME, COMPARE_JUMP, 0, 0, 0}, \
    [VM_JT_##NAME##I] = {Py_##NAME, COMPARE_JUMP, 0, 1, 1}, \
    [VM_JF_##NAME##I] = {Py_##NAME, COMPARE_JUMP, 0, 1, 0},
#define OPERATOR(NAME, SLOT, FIELD, IFIELD) PLAIN_ROWS(NAME)
static const Operation operations[VM_OP_COUNT] = {
    VM_SPECIAL_OPERATORS(OPERATOR)
        IMM_ROWS(ADD) IMM_ROWS(SUB) IMM_ROWS(MUL) IMM_ROWS(REM)
            IMM_ROWS(FDIV) IMM_ROWS(AND) IMM_ROWS(LSH) IMM_ROWS(RSH)
                COMPARE_ROWS(LT) COMPARE_ROWS(LE) COMPARE_ROWS(EQ)
                    COMPARE_ROWS(NE) COMPARE_ROWS(GT) COMPARE_ROWS(GE)};
#undef OPERATOR
#undef PLAIN_ROWS
#undef IMM_ROWS
#undef COMPARE_ROWS

/* The operands of f's instruction: registers, the right one perhaps an immediate. */
typedef struct {
    const Operation *op;
    unsigned left_reg, right_reg;
    PyObject *left;         /* borrowed */
    VmWord right;           /* a word as it is in the register */
    PyTypeObject *right_type;
} Operands;

PyTypeObject *
vm_type_of_word(VmWord w)
{
    return vm_is_obj(w)      ? Py_TYPE(vm_ptr(w))
           : vm_is_int(w)    ? &PyLong_Type
           : vm_is_double(w) ? &PyFloat_Type
           : w == VM_NONE    ? Py_TYPE(Py_None)
                             : &PyBool_Type;
}

static Operands
operands_of(VmFrame *f)
{
    const VmInsn *ip = f->pc;
    Operands o = {.op = &operations[ip->op]};
    o.left_reg = o.op->is == COMPARE_JUMP ? ip->a : ip->b;
    o.right_reg = o.op->is == COMPARE_JUMP ? ip->b : ip->c;
    o.right = o.op->imm ? vm_from_int((int16_t)o.right_reg) : f->regs[o.right_reg];
    o.right_type = vm_type_of_word(o.right);
    return o;
}

static void
drop_operands(VmAct *A, VmFrame *f, const Operands *o)
{
    vm_consume(A, f, o->left_reg);
    if (!o->op->imm)
        vm_consume(A, f, o->right_reg);
}

/* -- binary operators -------------------------------------------------------------------------------- */

static VmSpecialId
left_id(const Operation *op)
{
    return (VmSpecialId)(SP_OPERATORS + 3 * op->kind);
}

static void *
number_slot(PyTypeObject *type, VmSpecialId id)
{
    size_t offset = vm_specials[id].offset - offsetof(PyHeapTypeObject, as_number);
    return type->tp_as_number == NULL ? NULL
                                      : *(void **)((char *)type->tp_as_number + offset);
}

/* 1, 0, or -1 with an exception: see method_is_overloaded */
static int
is_overloaded(VmAct *A, VmFrame *f, PyTypeObject *left, PyTypeObject *right, VmSpecialId id)
{
    PyObject *a = _PyType_Lookup(left, vm_specials[id].name);
    PyObject *b = _PyType_Lookup(right, vm_specials[id].name);
    if (a == NULL || b == NULL)
        return b != NULL;
    if (Py_IS_TYPE(a, &PyFunction_Type) && Py_IS_TYPE(b, &PyFunction_Type))
        return a != b;
    vm_boundary(A, f);
    int differ = -1;
    a = b = NULL;
    if (PyObject_GetOptionalAttr((PyObject *)right, vm_specials[id].name, &b) >= 0
        && PyObject_GetOptionalAttr((PyObject *)left, vm_specials[id].name, &a) >= 0)
        differ = a == NULL || b == NULL ? b != NULL : PyObject_RichCompareBool(a, b, Py_NE);
    Py_XDECREF(a);
    Py_XDECREF(b);
    vm_after(A, f);
    return differ;
}

/* The attempts of a binary operator, first one lowest.  -1: exception */
static int
plan_binary(VmAct *A, VmFrame *f, const Operands *o)
{
    PyTypeObject *left = Py_TYPE(o->left), *right = o->right_type;
    VmSpecialId id = left_id(o->op), inplace = (VmSpecialId)(id + 2);
    void *slot = number_slot(left, id), *other = left == right ? NULL : number_slot(right, id);
    int left_python = vm_slot_is_generic(left, id), subtype;
    int right_python = other != NULL && vm_slot_is_generic(right, id);
    Attempt tries[5];
    int n = 0, plan = 0;
    if (o->op->inplace && number_slot(left, inplace) != NULL)
        tries[n++] = vm_slot_is_generic(left, inplace) ? TRY_INPLACE : TRY_INPLACE_SLOT;
    subtype = slot != NULL && other != NULL && PyType_IsSubtype(right, left);
    if (left_python && right_python) {
        int overloaded = subtype ? is_overloaded(A, f, left, right, (VmSpecialId)(id + 1)) : 0;
        if (overloaded < 0)
            return -1;
        if (overloaded)
            tries[n++] = TRY_RIGHT;
        tries[n++] = TRY_LEFT;
        if (!overloaded)
            tries[n++] = TRY_RIGHT;
    }
    else {
        Attempt of_right = right_python ? TRY_RIGHT : TRY_RIGHT_SLOT;
        if (subtype && other != slot)
            tries[n++] = of_right;
        if (slot != NULL)
            tries[n++] = left_python ? TRY_LEFT : TRY_LEFT_SLOT;
        if (other != NULL && other != slot && !subtype)
            tries[n++] = of_right;
    }
    while (n > 0)
        plan = plan << ATTEMPT_BITS | (int)tries[--n];
    return plan;
}

/* Sequences are added and repeated when all attempts fail: C code does that. */
static int
is_for_sequences(const Operands *o)
{
    PySequenceMethods *m = Py_TYPE(o->left)->tp_as_sequence;
    PySequenceMethods *other = o->right_type->tp_as_sequence;
    if (o->op->kind == VM_NB_ADD)
        return m != NULL && (m->sq_concat != NULL || m->sq_inplace_concat != NULL);
    if (o->op->kind == VM_NB_MUL)
        return (m != NULL && (m->sq_repeat != NULL || m->sq_inplace_repeat != NULL))
               || (other != NULL && other->sq_repeat != NULL);
    return 0;
}

static VmSpecialStatus
call_number_slot(VmAct *A, VmFrame *f, const Operands *o, PyTypeObject *type, VmSpecialId id,
                 VmWord *result)
{
    void *slot = number_slot(type, id);
    PyObject *right = vm_operand_object(f, o->right), *v = NULL;
    vm_boundary(A, f);
    if (right != NULL && slot == NULL)
        v = Py_NewRef(Py_NotImplemented);
    else if (right != NULL)
        v = o->op->kind == VM_NB_POW ? ((ternaryfunc)slot)(o->left, right, Py_None)
                                     : ((binaryfunc)slot)(o->left, right);
    vm_after(A, f);
    Py_XDECREF(right);
    if (v == NULL)
        return SP_RAISED;
    *result = v == Py_NotImplemented ? vm_from_ptr(v) : vm_unbox(v);
    return SP_DONE;
}

/* One attempt, with `rest` to be tried after it. */
static VmSpecialStatus
attempt(VmAct *A, VmFrame *f, const Operands *o, Attempt what, int rest, VmWord *result)
{
    VmSpecialId id = left_id(o->op);
    VmWord args[2] = {vm_from_ptr(o->left), o->right};
    PyTypeObject *self = Py_TYPE(o->left);
    switch (what) {
    case TRY_LEFT_SLOT:
        return call_number_slot(A, f, o, self, id, result);
    case TRY_RIGHT_SLOT:
        return call_number_slot(A, f, o, o->right_type, id, result);
    case TRY_INPLACE_SLOT:
        return call_number_slot(A, f, o, self, (VmSpecialId)(id + 2), result);
    case TRY_INPLACE:
        id = (VmSpecialId)(id + 2);
        break;
    case TRY_RIGHT:
        id = (VmSpecialId)(id + 1);
        args[0] = o->right;
        args[1] = vm_from_ptr(o->left);
        self = o->right_type;
        break;
    default:
        break;
    }
    PyObject *m = _PyType_Lookup(self, vm_specials[id].name);
    if (m == NULL) {
        *result = vm_from_ptr(Py_NewRef(Py_NotImplemented));
        return SP_DONE;
    }
    if (!Py_IS_TYPE(m, &PyFunction_Type))
        return vm_special_call_other(A, f, m, args, result);
    return vm_special_call(A, f, (PyFunctionObject *)m, args, 2, VM_HOW(RET_BINARY, rest), result);
}

static void
operand_error(const Operands *o)
{
#define OPERATOR(ID, NAME, FIELD, IFIELD) [VM_NB_##ID] = SIGN_##ID,
#define SIGN_ADD "+"
#define SIGN_AND "&"
#define SIGN_FDIV "//"
#define SIGN_LSH "<<"
#define SIGN_MATMUL "@"
#define SIGN_MUL "*"
#define SIGN_REM "%"
#define SIGN_OR "|"
#define SIGN_POW "**"
#define SIGN_RSH ">>"
#define SIGN_SUB "-"
#define SIGN_DIV "/"
#define SIGN_XOR "^"
    static const char *const signs[] = {VM_SPECIAL_OPERATORS(OPERATOR)};
#undef OPERATOR
    const char *suffix = o->op->inplace ? "=" : o->op->kind == VM_NB_POW ? " or pow()"
                                                                         : "";
    PyErr_Format(PyExc_TypeError,
                 "unsupported operand type(s) for %.100s%s: '%.100s' and '%.100s'",
                 signs[o->op->kind], suffix, Py_TYPE(o->left)->tp_name, o->right_type->tp_name);
}

static int
is_not_implemented(VmWord v)
{
    return v == vm_from_ptr(Py_NotImplemented);
}

/* The attempts of the plan one by one. */
static VmSpecialStatus
try_all(VmAct *A, VmFrame *f, const Operands *o, int plan, VmWord *result)
{
    while (plan != 0) {
        Attempt what = (Attempt)(plan & ((1 << ATTEMPT_BITS) - 1));
        plan >>= ATTEMPT_BITS;
        VmSpecialStatus status = attempt(A, f, o, what, plan, result);
        if (status != SP_DONE || !is_not_implemented(*result))
            return status;
        Py_DECREF(Py_NotImplemented);
    }
    operand_error(o);
    return SP_RAISED;
}

int
vm_special_binary_quick(VmAct *A, VmFrame *f, PyObject *left, VmWord right, int kind, int inplace)
{
    static const Operation plain[] = {{VM_NB_ADD, BINARY, 0, 0, 0}, {VM_NB_MUL, BINARY, 0, 0, 0}};
    PyTypeObject *type = Py_TYPE(left), *other = vm_type_of_word(right);
    VmSpecialId id = (VmSpecialId)(SP_OPERATORS + 3 * kind);
    if (type != other && other->tp_flags & Py_TPFLAGS_HEAPTYPE)
        return 0;
    int rest = type != other && number_slot(other, id) != NULL ? TRY_RIGHT_SLOT : 0;
    if (inplace && vm_slot_is_generic(type, (VmSpecialId)(id + 2))) {
        if (number_slot(type, id) != NULL)
            rest = rest << ATTEMPT_BITS
                   | (vm_slot_is_generic(type, id) ? TRY_LEFT : TRY_LEFT_SLOT);
        id = (VmSpecialId)(id + 2);
    }
    else if (inplace && number_slot(type, (VmSpecialId)(id + 2)) != NULL)
        return 0;
    PyFunctionObject *func = vm_special(type, id);
    if (func == NULL)
        return 0;
    if (kind == VM_NB_ADD || kind == VM_NB_MUL) {
        Operands o = {.op = &plain[kind == VM_NB_MUL], .left = left, .right_type = other};
        if (is_for_sequences(&o))
            return 0;
    }
    VmWord args[2] = {vm_from_ptr(left), right};
    return vm_special_push_quick(A, f, func, args, 2, VM_HOW(RET_BINARY, rest));
}

int
vm_special_reflected_quick(VmAct *A, VmFrame *f, VmWord left, PyObject *right, int kind)
{
    PyTypeObject *type = Py_TYPE(right);
    if ((!vm_is_int(left) && !vm_is_double(left)) || PyLong_Check(right) || PyFloat_Check(right)
        || (kind == VM_NB_MUL && type->tp_as_sequence->sq_repeat != NULL))
        return 0;           /* else their slots say NotImplemented */
    PyFunctionObject *func = vm_special(type, (VmSpecialId)(SP_OPERATORS + 3 * kind + 1));
    VmWord args[2] = {vm_from_ptr(right), left};
    return func != NULL && vm_special_push_quick(A, f, func, args, 2, VM_HOW(RET_BINARY, 0));
}

VmSpecialStatus
vm_special_binary(VmAct *A, VmFrame *f, VmWord *result)
{
    Operands o = operands_of(f);
    PyTypeObject *left = vm_type_of_word(f->regs[o.left_reg]);
    VmSpecialId id = left_id(o.op);
    if (!vm_slot_is_generic(left, id) && !vm_slot_is_generic(o.right_type, id)
        && !(o.op->inplace && vm_slot_is_generic(left, (VmSpecialId)(id + 2))))
        return SP_NOT_MINE;
    o.left = vm_reg_object(f, o.left_reg);
    if (o.left == NULL)
        return SP_RAISED;
    o.right = o.op->imm ? o.right : f->regs[o.right_reg];       /* boxed with it, perhaps */
    if (vm_must_delegate(A->ts) != NULL || is_for_sequences(&o) || PyCFunction_Check(o.left))
        return SP_NOT_MINE;
    int plan = plan_binary(A, f, &o);
    return plan < 0 ? SP_RAISED : try_all(A, f, &o, plan, result);
}

/* -- unary operators ------------------------------------------------------------------------------------ */

VmSpecialStatus
vm_special_unary(VmAct *A, VmFrame *f, PyObject *o, int kind)
{
    VmSpecialId id = kind == '-' ? SP_NEG : kind == '+' ? SP_POS
                                                        : SP_INVERT;
    PyFunctionObject *func = vm_special(Py_TYPE(o), id);
    VmWord args[1] = {vm_from_ptr(o)};
    return vm_special_start(A, f, func, args, 1, VM_HOW(RET_ITEM, 0));
}

/* -- truth -------------------------------------------------------------------------------------------------- */

PyFunctionObject *
vm_special_truth_method(PyTypeObject *type, VmReturnKind *kind)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return NULL;
    *kind = RET_BOOL;
    PyFunctionObject *func = vm_special(type, SP_BOOL);
    if (func == NULL && type->tp_as_number->nb_bool == NULL
        && type->tp_as_mapping->mp_length == type->tp_as_sequence->sq_length) {
        func = vm_special(type, SP_LEN);
        *kind = RET_BOOL_BY_LEN;
    }
    return func;
}

VmSpecialStatus
vm_special_truth(VmAct *A, VmFrame *f, PyObject *o, VmWord held)
{
    VmReturnKind by;
    PyFunctionObject *func = vm_special_truth_method(Py_TYPE(o), &by);
    VmWord args[1] = {vm_from_ptr(o)};
    VmSpecialStatus status = vm_special_start(A, f, func, args, 1, VM_HOW(RET_TRUTH, by));
    if (status == SP_PUSHED)
        A->pushed->aux = held;
    return status;
}

static int
is_negative(PyObject *i)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(i, &overflow);
    return overflow < 0 || (overflow == 0 && small < 0);
}

/* What __len__ returned, as a length.  takes v; -1 with an exception */
static Py_ssize_t
length_of(VmWord v)
{
    if (vm_is_int(v) && vm_int(v) >= 0)
        return (Py_ssize_t)vm_int(v);
    PyObject *o = vm_box(v), *i = o == NULL ? NULL : PyNumber_Index(o);
    Py_ssize_t n = -1;
    if (i != NULL && is_negative(i))
        PyErr_SetString(PyExc_ValueError, "__len__() should return >= 0");
    else if (i != NULL)
        n = PyNumber_AsSsize_t(i, PyExc_OverflowError);
    Py_XDECREF(i);
    Py_XDECREF(o);
    vm_release(v);
    return n;
}

/* takes v; 1, 0, or -1 with an exception */
static int
truth_of_result(VmReturnKind by, VmWord v)
{
    if (by == RET_BOOL_BY_LEN) {
        Py_ssize_t n = length_of(v);
        return n < 0 ? -1 : n != 0;
    }
    if (v == VM_TRUE || v == VM_FALSE)
        return v == VM_TRUE;
    int truth = v == vm_from_ptr(Py_True) ? 1 : v == vm_from_ptr(Py_False) ? 0
                                                                           : -1;
    if (truth < 0)
        PyErr_Format(PyExc_TypeError, "__bool__ should return bool, returned %s",
                     vm_type_of_word(v)->tp_name);
    vm_release(v);
    return truth;
}

VmWord
vm_answer(VmReturnKind kind, VmWord v)
{
    if (kind == RET_LEN) {
        Py_ssize_t n = length_of(v);
        return n < 0            ? VM_NULL
               : vm_int_fits(n) ? vm_from_int(n)
                                : vm_from_ptr(PyLong_FromSsize_t(n));
    }
    if (kind == RET_ITERATOR) {
        if (vm_is_obj(v) && PyIter_Check(vm_ptr(v)))
            return v;
        PyErr_Format(PyExc_TypeError, "iter() returned non-iterator of type '%.100s'",
                     vm_type_of_word(v)->tp_name);
        vm_release(v);
        return VM_NULL;
    }
    if (kind == RET_HASH)
        return vm_answer_hash(v);
    if (kind >= RET_REPR && kind <= RET_ASCII)
        return vm_answer_text(kind, v);
    int truth = truth_of_result(kind, v);
    return truth < 0 ? VM_NULL : vm_from_bool(truth);
}

/* As the loop jumps: backward, others get their turn. */
static VmSpecialStatus
jump(VmAct *A, VmFrame *f, int32_t offset)
{
    if (offset <= 0 && vm_poll_is_due(A) && vm_poll(A, f) < 0)
        return SP_RAISED;
    f->pc += offset;
    return SP_DONE;
}

/* The truth an instruction waited for. */
static VmSpecialStatus
finish_truth(VmAct *A, VmFrame *f, int truth)
{
    const VmInsn *ip = f->pc;
    int32_t far = *(const int32_t *)&ip->b;
    int jumps;
    switch (ip->op) {
    case VM_NOT:
    case VM_BOOL:
        vm_consume(A, f, ip->b);
        vm_set_any(A, f, ip->a, vm_from_bool(truth == (ip->op == VM_BOOL)));
        return jump(A, f, 1);
    case VM_IN:
    case VM_NIN:
        vm_consume(A, f, ip->b);
        vm_consume(A, f, ip->c);
        vm_set_any(A, f, ip->a, vm_from_bool(truth == (ip->op == VM_IN)));
        return jump(A, f, 1);
    case VM_JT:
    case VM_JF:
        vm_consume(A, f, ip->a);
        return jump(A, f, truth == (ip->op == VM_JT) ? far : 1);
    case VM_JTK:
    case VM_JFK:
        jumps = truth == (ip->op == VM_JTK);
        Py_DECREF(vm_ptr(f->regs[ip->a]));      /* the test's */
        if (!jumps)
            vm_release(f->regs[ip->a]);
        return jump(A, f, jumps ? far : 1);
    default:            /* a comparison */
        return jump(A, f, truth == operations[ip->op].wanted ? (int16_t)ip->c : 1);
    }
}

static void
drop_tested(VmAct *A, VmFrame *f)
{
    const VmInsn *ip = f->pc;
    switch (ip->op) {
    case VM_IN:
    case VM_NIN:
        vm_consume(A, f, ip->b);
        vm_consume(A, f, ip->c);
        break;
    case VM_NOT:
    case VM_BOOL:
        vm_consume(A, f, ip->b);
        break;
    case VM_JT:
    case VM_JF:
        vm_consume(A, f, ip->a);
        break;
    case VM_JTK:
    case VM_JFK:
        Py_DECREF(vm_ptr(f->regs[ip->a]));
        break;
    default:            /* a comparison: let go of before */
        break;
    }
}

/* -- comparisons ----------------------------------------------------------------------------------------------- */

static const uint8_t swapped[] = {[Py_LT] = Py_GT, [Py_LE] = Py_GE, [Py_EQ] = Py_EQ, [Py_NE] = Py_NE, [Py_GT] = Py_LT, [Py_GE] = Py_LE};

static int
is_default_ne(PyObject *m)
{
    static PyObject *default_ne;
    if (default_ne == NULL)
        default_ne = _PyType_Lookup(&PyBaseObject_Type, vm_specials[SP_NE].name);
    return m != NULL && m == default_ne;
}

/* takes v; turned round, SP_RAISED when it can't be told */
static VmSpecialStatus
invert(VmAct *A, VmFrame *f, VmWord v, VmWord *result)
{
    int truth = v == VM_TRUE ? 1 : v == VM_FALSE ? 0
                                                 : -1;
    if (truth < 0) {
        PyObject *o = vm_box(v);
        vm_boundary(A, f);
        truth = o == NULL ? -1 : PyObject_IsTrue(o);
        vm_after(A, f);
        Py_XDECREF(o);
        vm_release(v);
    }
    *result = vm_from_bool(!truth);
    return truth < 0 ? SP_RAISED : SP_DONE;
}

static VmSpecialStatus
call_compare_slot(VmAct *A, VmFrame *f, const VmWord *args, int op, VmWord *result)
{
    PyObject *x = vm_operand_object(f, args[0]), *y = x == NULL ? NULL : vm_operand_object(f, args[1]);
    PyObject *v = NULL;
    vm_boundary(A, f);
    if (y != NULL && Py_EnterRecursiveCall(" in comparison") == 0) {
        richcmpfunc compare = Py_TYPE(x)->tp_richcompare;
        v = compare == NULL ? Py_NewRef(Py_NotImplemented) : compare(x, y, op);
        Py_LeaveRecursiveCall();
    }
    vm_after(A, f);
    Py_XDECREF(x);
    Py_XDECREF(y);
    if (v == NULL)
        return SP_RAISED;
    *result = v == Py_NotImplemented ? vm_from_ptr(v) : vm_unbox_unique(v);
    return SP_DONE;
}

/* self.__lt__(other) */
static VmSpecialStatus
attempt_compare(VmAct *A, VmFrame *f, VmWord self, VmWord other, int op, int rest, VmWord *result)
{
    VmWord args[2] = {self, other};
    PyTypeObject *type = vm_type_of_word(self);
    int inverted = 0;
    VmSpecialId id = (VmSpecialId)(SP_LT + op);
    if (!vm_slot_is_generic(type, id))
        return call_compare_slot(A, f, args, op, result);
    PyObject *m = _PyType_Lookup(type, vm_specials[id].name);
    if (is_default_ne(m)) {
        m = _PyType_Lookup(type, vm_specials[SP_EQ].name);
        inverted = 1;
    }
    if (m == NULL || !Py_IS_TYPE(m, &PyFunction_Type))
        return call_compare_slot(A, f, args, op, result);
    VmSpecialStatus status =
        vm_special_call(A, f, (PyFunctionObject *)m, args, 2,
                        VM_HOW(RET_COMPARE, (unsigned)rest | (inverted ? COMPARE_INVERTED : 0)), result);
    if (status == SP_DONE && inverted && !is_not_implemented(*result))
        status = invert(A, f, *result, result);
    return status;
}

/* No side knows. */
static VmSpecialStatus
default_comparison(VmFrame *f, const Operands *o, VmWord *result)
{
    static const char *const signs[] = {[Py_LT] = "<", [Py_LE] = "<=", [Py_EQ] = "==", [Py_NE] = "!=", [Py_GT] = ">", [Py_GE] = ">="};
    int op = o->op->kind;
    if (op != Py_EQ && op != Py_NE) {
        PyErr_Format(PyExc_TypeError,
                     "'%s' not supported between instances of '%.100s' and '%.100s'", signs[op],
                     vm_type_of_word(f->regs[o->left_reg])->tp_name, o->right_type->tp_name);
        return SP_RAISED;
    }
    int same = f->regs[o->left_reg] == o->right;
    *result = vm_from_bool(same == (op == Py_EQ));
    return SP_DONE;
}

static VmSpecialStatus
try_comparisons(VmAct *A, VmFrame *f, const Operands *o, int plan, VmWord *result)
{
    VmWord left = f->regs[o->left_reg];
    while (plan != 0) {
        int right_first = (plan & ((1 << ATTEMPT_BITS) - 1)) == TRY_RIGHT;
        plan >>= ATTEMPT_BITS;
        VmSpecialStatus status =
            right_first
                ? attempt_compare(A, f, o->right, left, swapped[o->op->kind], plan, result)
                : attempt_compare(A, f, left, o->right, o->op->kind, plan, result);
        if (status != SP_DONE || !is_not_implemented(*result))
            return status;
        Py_DECREF(Py_NotImplemented);
    }
    return default_comparison(f, o, result);
}

int
vm_special_compare_quick(VmAct *A, VmFrame *f, PyObject *left, VmWord right, int op)
{
    PyTypeObject *type = Py_TYPE(left), *other = vm_type_of_word(right);
    if (type != other && other->tp_flags & Py_TPFLAGS_HEAPTYPE)
        return 0;
    PyFunctionObject *func = vm_special(type, (VmSpecialId)(SP_LT + op));
    VmWord args[2] = {vm_from_ptr(left), right};
    return func != NULL
           && vm_special_push_quick(A, f, func, args, 2, VM_HOW(RET_COMPARE, TRY_RIGHT));
}

VmSpecialStatus
vm_special_compare(VmAct *A, VmFrame *f, VmWord *result)
{
    Operands o = operands_of(f);
    PyTypeObject *left = vm_type_of_word(f->regs[o.left_reg]);
    if ((!vm_slot_is_generic(left, SP_EQ) && !vm_slot_is_generic(o.right_type, SP_EQ))
        || vm_must_delegate(A->ts) != NULL)
        return SP_NOT_MINE;
    int subtype = left != o.right_type && PyType_IsSubtype(o.right_type, left);
    int plan = subtype ? TRY_RIGHT | TRY_LEFT << ATTEMPT_BITS : TRY_LEFT | TRY_RIGHT << ATTEMPT_BITS;
    return try_comparisons(A, f, &o, plan, result);
}

/* The comparison's value (taken): stored, or its truth waited for. */
static VmSpecialStatus
finish_compare(VmAct *A, VmFrame *f, const Operands *o, VmWord v)
{
    const VmInsn *ip = f->pc;
    drop_operands(A, f, o);
    if (o->op->is == COMPARE) {
        vm_set_any(A, f, ip->a, v);
        f->pc = ip + 1;
        return SP_DONE;
    }
    int truth = v == VM_TRUE ? 1 : v == VM_FALSE ? 0
                                                 : vm_truth_word(A, f, v);
    if (truth < 0)
        return A->pushed != NULL ? SP_PUSHED : SP_RAISED;
    return finish_truth(A, f, truth);
}

/* -- membership ------------------------------------------------------------------------------------------------------ */

VmSpecialStatus
vm_special_contains(VmAct *A, VmFrame *f, PyObject *o, VmWord item)
{
    PyFunctionObject *func = vm_special(Py_TYPE(o), SP_CONTAINS);
    VmWord args[2] = {vm_from_ptr(o), item};
    return vm_special_start(A, f, func, args, 2, VM_HOW(RET_CONTAINS, 0));
}

/* -- results ------------------------------------------------------------------------------------------------------------ */

static VmSpecialStatus
binary_returned(VmAct *A, VmFrame *f, int plan, VmWord v)
{
    const VmInsn *ip = f->pc;
    if (vm_unlikely(is_not_implemented(v))) {
        Operands o = operands_of(f);
        Py_DECREF(Py_NotImplemented);
        o.left = vm_reg_object(f, o.left_reg);
        VmSpecialStatus status = try_all(A, f, &o, plan, &v);
        if (status == SP_RAISED)
            drop_operands(A, f, &o);
        if (status != SP_DONE)
            return status;
    }
    vm_consume(A, f, ip->b);
    if (!operations[ip->op].imm)
        vm_consume(A, f, ip->c);
    vm_set_any(A, f, ip->a, v);
    f->pc = ip + 1;
    return SP_DONE;
}

static VmSpecialStatus
compare_returned(VmAct *A, VmFrame *f, unsigned plan, VmWord v)
{
    Operands o = operands_of(f);
    VmSpecialStatus status = SP_DONE;
    if (is_not_implemented(v)) {
        Py_DECREF(Py_NotImplemented);
        status = try_comparisons(A, f, &o, (int)(plan & ~COMPARE_INVERTED), &v);
    }
    else if (plan & COMPARE_INVERTED)
        status = invert(A, f, v, &v);
    if (status == SP_RAISED)
        drop_operands(A, f, &o);
    return status == SP_DONE ? finish_compare(A, f, &o, v) : status;
}

static VmSpecialStatus
truth_returned(VmAct *A, VmFrame *f, VmReturnKind by, VmWord held, VmWord v)
{
    int truth = truth_of_result(by, v);
    vm_release(held);
    if (truth < 0) {
        drop_tested(A, f);
        return SP_RAISED;
    }
    return finish_truth(A, f, truth);
}

/* The operands of IN stay until the truth of what __contains__ returned is known. */
static VmSpecialStatus
contains_returned(VmAct *A, VmFrame *f, VmWord v)
{
    int truth = v == VM_TRUE ? 1 : v == VM_FALSE ? 0
                                                 : vm_truth_word(A, f, v);
    if (truth < 0 && A->pushed != NULL)
        return SP_PUSHED;
    if (truth < 0) {
        drop_tested(A, f);
        return SP_RAISED;
    }
    return finish_truth(A, f, truth);
}

VmSpecialStatus
vm_operator_returned(VmAct *A, VmFrame *f, VmHow how, VmWord aux, VmWord v)
{
    unsigned step = VM_HOW_STEP(how);
    switch ((int)VM_HOW_KIND(how)) {
    case RET_BINARY:
        return binary_returned(A, f, (int)step, v);
    case RET_COMPARE:
        return compare_returned(A, f, step, v);
    case RET_CONTAINS:
        return contains_returned(A, f, v);
    default:
        return truth_returned(A, f, (VmReturnKind)step, aux, v);
    }
}

VmSpecialStatus
vm_operator_raised(VmAct *A, VmFrame *f, VmHow how, VmWord aux)
{
    Operands o;
    switch ((int)VM_HOW_KIND(how)) {
    case RET_BINARY:
    case RET_COMPARE:
        o = operands_of(f);
        drop_operands(A, f, &o);
        break;
    case RET_TRUTH:
        vm_release(aux);
        /* fall through */
    default:
        drop_tested(A, f);
    }
    return SP_RAISED;
}
