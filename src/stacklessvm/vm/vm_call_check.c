/* isinstance() and issubclass() of classes whose metaclass answers in Python: its method is a frame.
 *
 * The operands stay in the caller's registers until the answer is there.  Of a tuple of classes one
 * is asked after the other, and the frame's step says which one it is.
 */
#include "vm/vm_call_direct.h"
#include "vm/vm_special.h"

#include "cpyext_compat/cpy_dict.h"

#define INDICES (1 << 14)       /* that fit into a step */

typedef struct {
    PyObject *builtin;          /* borrowed, as all of it */
    PyObject *name;             /* of the method */
    int (*in_c)(PyObject *, PyObject *);
    VmWord asked, classes;
} Check;

static PyObject *instancecheck, *subclasscheck;

int
vm_call_check_init(void)
{
    instancecheck = PyUnicode_InternFromString("__instancecheck__");
    subclasscheck = PyUnicode_InternFromString("__subclasscheck__");
    return instancecheck == NULL || subclasscheck == NULL ? -1 : 0;
}

/* The call at f's pc, if it is one of either.  1 / 0 */
static int
check_of(VmFrame *f, Check *check)
{
    const VmInsn *ip = f->pc;
    VmWord self, callee = vm_callee_of(f, ip, &self);
    if ((ip->op != VM_CALL && ip->op != VM_CALLM) || ip[1].op != 2 || self != VM_NULL || !vm_is_obj(callee))
        return 0;
    int instances = vm_ptr(callee) == vm_known.isinstance;
    if (!instances && vm_ptr(callee) != vm_known.issubclass)
        return 0;
    check->builtin = vm_ptr(callee);
    check->name = instances ? instancecheck : subclasscheck;
    check->in_c = instances ? PyObject_IsInstance : PyObject_IsSubclass;
    check->asked = vm_operand_word(f->regs, f->code, vm_list_get(ip + 1, 0));
    check->classes = vm_operand_word(f->regs, f->code, vm_list_get(ip + 1, 1));
    return check->asked != VM_NULL && vm_is_obj(check->classes);
}

/* The function that answers for cls, and what it is called with before what is asked about.
   -> borrowed; NULL: C code answers */
static PyFunctionObject *
answering(PyObject *cls, PyObject *name, PyObject **first)
{
    PyTypeObject *meta = Py_TYPE(cls);
    PyObject *m = meta == &PyType_Type ? NULL : _PyType_Lookup(meta, name);
    *first = cls;
    if (m != NULL && Py_IS_TYPE(m, &PyClassMethod_Type)) {
        m = cpy_classmethod_callable(m);
        *first = (PyObject *)meta;
    }
    return m != NULL && Py_IS_TYPE(m, &PyFunction_Type) ? (PyFunctionObject *)m : NULL;
}

/* The function is one that vm_special_push_quick() takes, from now on. */
static int
make_quick(PyFunctionObject *func)
{
    VmCode *code = vm_code_to_run(func);
    PyErr_Clear();
    if (code == NULL || !code->simple || code->argcount != 2 || !(code->co->co_flags & CO_OPTIMIZED))
        return 0;
    *vm_quick_code(code->co) = code;
    return 1;
}

int
vm_remember_check(VmFrame *f)
{
    Check check;
    PyObject *first;
    if (!check_of(f, &check) || PyErr_Occurred())
        return 0;
    PyObject *classes = vm_ptr(check.classes), **items = &classes;
    Py_ssize_t n = 1;
    int found = 0;
    if (PyTuple_CheckExact(classes)) {
        items = ((PyTupleObject *)classes)->ob_item;
        n = Py_MIN(PyTuple_GET_SIZE(classes), INDICES);
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyFunctionObject *func = answering(items[i], check.name, &first);
        found |= func != NULL && make_quick(func);
    }
    if (!found)
        return 0;
    VmCache *c = vm_cache(f, f->pc->c);
    c->u.call.kind = CALL_DIRECT;
    c->u.call.how = VM_DIRECT_WAY(HOW_CHECK, SHAPE_ANY);
    return 1;
}

/* C code answers for that class.  1, 0, -1 */
static int
ask_in_c(VmAct *A, VmFrame *f, const Check *check, PyObject *cls, unsigned step)
{
    int units = vm_special_units(VM_HOW(RET_CHECK, step)) - CPY_C_CALL_TAKES_UNIT;
    PyObject *o = vm_operand_object(f, check->asked);
    if (o == NULL)
        return -1;
    vm_boundary(A, f);
    *A->left -= units;
    int answer = check->in_c(o, cls);
    *A->left += units;
    vm_after(A, f);
    Py_DECREF(o);
    return answer;
}

/* SP_NOT_MINE: it can't be a frame, or C code is to say that the recursion is too deep. */
static VmSpecialStatus
push(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args, VmHow how)
{
    if (vm_special_push_quick(A, f, func, args, 2, how))
        return SP_PUSHED;
    if (*A->left <= vm_special_units(how))
        return SP_NOT_MINE;
    return vm_special_start_slow(A, f, func, args, 2, how);
}

/* The classes from that step on.  SP_NOT_MINE: nothing was done, for the first one */
static VmSpecialStatus
ask_each(VmAct *A, VmFrame *f, const Check *check, unsigned step, int *answer)
{
    PyObject *classes = vm_ptr(check->classes), *cls = classes;
    for (int may_leave = step >> CHECK_INDEX == 0;; step += 1 << CHECK_INDEX, may_leave = 0) {
        if (step & CHECK_TUPLE) {
            Py_ssize_t i = step >> CHECK_INDEX;
            *answer = 0;
            if (i >= PyTuple_GET_SIZE(classes))
                return SP_DONE;
            cls = PyTuple_GET_ITEM(classes, i);
        }
        PyObject *first;
        PyFunctionObject *func = answering(cls, check->name, &first);
        int instances = check->name == instancecheck;
        PyTypeObject *type = vm_type_of_word(check->asked);
        if (func != NULL && (!instances || type != (PyTypeObject *)cls)) {
            VmWord args[2] = {vm_from_ptr(first), check->asked};
            VmSpecialStatus status = push(A, f, func, args, VM_HOW(RET_CHECK, step));
            if (status != SP_NOT_MINE || may_leave)
                return status;
        }
        *answer = !instances ? -1 : type == (PyTypeObject *)cls ? 1
                                                                : vm_is_instance(type, cls);
        if (*answer < 0)
            *answer = ask_in_c(A, f, check, cls, step);
        if (*answer != 0 || !(step & CHECK_TUPLE))
            return *answer < 0 ? SP_RAISED : SP_DONE;
    }
}

/* The same; what the operands are meanwhile made to be in the frame is nothing to it. */
static VmSpecialStatus
ask(VmAct *A, VmFrame *f, const Check *check, unsigned step, int *answer)
{
    PyObject *classes = Py_NewRef(vm_ptr(check->classes));
    VmSpecialStatus status = ask_each(A, f, check, step, answer);
    Py_DECREF(classes);
    return status;
}

/* In the order in which CPython lets go of them. */
static void
drop(VmAct *A, VmFrame *f, const Check *check)
{
    const VmInsn *list = f->pc + 1;
    unsigned nlocals = f->code->nlocals;
    if (vm_callee_moves(f, f->pc))
        Py_DECREF(check->builtin);
    for (unsigned i = 0; i < 2; i++) {
        unsigned o = vm_list_get(list, i);
        if (!vm_operand_stays(o, nlocals))
            vm_release_in(A, f, f->regs[o]);
    }
}

VmCallStatus
vm_call_check_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed)
{
    Check check;
    int answer;
    if (A->delegate || *A->left <= 0 || (char *)__builtin_frame_address(0) <= A->stack_low
        || !check_of(f, &check))
        return CALL_NOT_MINE;
    int in_tuple = PyTuple_CheckExact(vm_ptr(check.classes));
    if (in_tuple && PyTuple_GET_SIZE(vm_ptr(check.classes)) > INDICES)
        return CALL_NOT_MINE;
    unsigned step = (vm_site_is_warm(c) ? 0 : CHECK_COLD) | (in_tuple ? CHECK_TUPLE : 0);
    switch (ask(A, f, &check, step, &answer)) {
    case SP_PUSHED:
        *pushed = vm_take_pushed(A);
        return CALL_PUSHED;
    case SP_NOT_MINE:
        return CALL_NOT_MINE;
    case SP_RAISED:
        drop(A, f, &check);
        return CALL_ERROR;
    default:
        drop(A, f, &check);
        vm_set_any(A, f, f->pc->a, vm_from_bool(answer));
        A->delegate = vm_must_delegate(A->ts) != NULL;
        return CALL_DONE;
    }
}

/* Of what a method returned (taken): 1, 0, -1 */
static int
truth(VmAct *A, VmFrame *f, VmWord v)
{
    if (v == VM_TRUE || v == VM_FALSE)
        return v == VM_TRUE;
    if (!vm_is_obj(v))
        return vm_truth_plain(v);
    vm_boundary(A, f);
    int answer = PyObject_IsTrue(vm_ptr(v));
    Py_DECREF(vm_ptr(v));
    vm_after(A, f);
    return answer;
}

VmSpecialStatus
vm_check_returned(VmAct *A, VmFrame *f, unsigned step, VmWord v)
{
    Check check;
    const VmInsn *ip = f->pc;
    VmSpecialStatus status = SP_DONE;
    int answer = truth(A, f, v), is_there = check_of(f, &check);
    if (answer < 0)
        status = SP_RAISED;
    else if (!answer && step & CHECK_TUPLE && is_there && PyTuple_CheckExact(vm_ptr(check.classes)))
        status = ask(A, f, &check, step + (1 << CHECK_INDEX), &answer);
    if (status == SP_PUSHED)
        return SP_PUSHED;
    drop(A, f, &check);
    if (status == SP_DONE) {
        vm_set_any(A, f, ip->a, vm_from_bool(answer));
        f->pc = ip + 1 + vm_list_words(ip[1].op);
    }
    return status;
}

void
vm_check_raised(VmAct *A, VmFrame *f)
{
    Check check;
    check_of(f, &check);
    drop(A, f, &check);
}
