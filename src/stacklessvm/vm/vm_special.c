/* Special methods as frames: which they are, pushing them, items and iteration.
 *
 * A slot of a class written in Python holds one of typeobject.c's generic functions, which look
 * the method up by name.  Their addresses are read from a class made for that.
 */
#include "vm/vm_special.h"

#include "cpyext_compat/cpy_eval.h"
#include "vm/vm_call_out.h"
#include "vm/vm_shadow.h"

/* -- which slots look methods up --------------------------------------------------------- */

#define SLOT(FIELD) offsetof(PyHeapTypeObject, FIELD)
VmSpecialMethod vm_specials[SP_COUNT] = {
#define SPECIAL(ID, NAME, FIELD) [SP_##ID] = {NAME, NULL, SLOT(FIELD), NULL},
    VM_SPECIAL_METHODS(SPECIAL)
#undef SPECIAL
#define OPERATOR(ID, NAME, FIELD, IFIELD) \
    [SP_##ID] = {"__" #NAME "__", NULL, SLOT(as_number.FIELD), NULL}, \
    [SP_R##ID] = {"__r" #NAME "__", NULL, SLOT(as_number.FIELD), NULL}, \
    [SP_I##ID] = {"__i" #NAME "__", NULL, SLOT(as_number.IFIELD), NULL},
        VM_SPECIAL_OPERATORS(OPERATOR)
#undef OPERATOR
};
#undef SLOT

getattrofunc vm_slot_getattribute;

/* Special methods first .. last as `...`: none is a wrapper of a C slot.  -> new */
static PyObject *
class_with(int first, int last)
{
    PyObject *namespace = PyDict_New(), *cls = NULL;
    for (int i = first; namespace != NULL && i <= last; i++) {
        if (PyDict_SetItem(namespace, vm_specials[i].name, Py_Ellipsis) < 0)
            Py_CLEAR(namespace);
    }
    if (namespace != NULL)
        cls = PyObject_CallFunction((PyObject *)&PyType_Type, "s()O", "special", namespace);
    Py_XDECREF(namespace);
    return cls;
}

/* The slot changes when it is first used.  0 / -1 */
static int
find_slot_getattribute(void)
{
    PyObject *cls = class_with(SP_GETATTRIBUTE, SP_GETATTRIBUTE);
    PyObject *o = cls == NULL ? NULL : PyObject_CallNoArgs(cls);
    PyObject *v = o == NULL ? NULL : PyObject_GetAttrString(o, "x");
    if (o != NULL) {
        PyErr_Clear();          /* `...` can't be called */
        vm_slot_getattribute = Py_TYPE(o)->tp_getattro;
    }
    Py_XDECREF(v);
    Py_XDECREF(o);
    Py_XDECREF(cls);
    return o == NULL ? -1 : 0;
}

int
vm_special_init(void)
{
    for (int i = 0; i < SP_COUNT; i++) {
        vm_specials[i].name = PyUnicode_InternFromString(vm_specials[i].text);
        if (vm_specials[i].name == NULL)
            return -1;
    }
    PyObject *cls = class_with(0, SP_COUNT - 1);
    if (cls == NULL)
        return -1;
    for (int i = 0; i < SP_COUNT; i++)
        vm_specials[i].generic = *(void **)((char *)cls + vm_specials[i].offset);
    Py_DECREF(cls);
    return vm_text_init() < 0 || vm_items_init() < 0 || vm_call_check_init() < 0 ? -1 : find_slot_getattribute();
}

/* -- pushing ------------------------------------------------------------------------------ */

int
vm_special_can_push(VmAct *A, PyFunctionObject *func)
{
    return vm_must_delegate(A->ts) == NULL && vm_code_to_run(func) != NULL;
}

/* In C, where the function can't be a frame. */
static VmSpecialStatus
call_out(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args, unsigned n,
         VmWord *result)
{
    PyObject *objects[4] = {NULL}, *o = NULL;
    assert(n < 4);
    for (unsigned i = 0; i < n; i++) {
        objects[i] = vm_operand_object(f, args[i]);
        if (objects[i] == NULL)
            goto done;
    }
    vm_boundary(A, f);
    o = vm_call_out(A, f, (PyObject *)func, objects, n, NULL);
    vm_after(A, f);
    if (o != NULL)
        *result = vm_unbox_unique(o);
done:
    for (unsigned i = 0; i < n; i++)
        Py_XDECREF(objects[i]);
    return o == NULL ? SP_RAISED : SP_DONE;
}

/* 0, or -1 with the TypeError of a call, the frame gone. */
static int
bind(VmAct *A, VmFrame *f, VmFrame *nf, const VmWord *args, unsigned n)
{
    VmCode *code = nf->code;
    if (vm_likely(code->simple && code->argcount == n)) {
        for (unsigned i = 0; i < n; i++) {
            nf->regs[i] = args[i];
            vm_incref(args[i]);
        }
        return 0;
    }
    vm_boundary(A, f);
    int status = vm_bind(nf, nf->func, args, n, NULL);
    vm_after(A, f);
    if (status < 0)
        vm_drop_new_frame(A, nf);
    return status;
}

static int
enter(VmAct *A, VmHow how)
{
    static const char *const texts[] = {[TEXT_STR] = " while getting the str of an object",
                                        [TEXT_REPR] = " while getting the repr of an object"};
    int units = vm_special_units(how);
    *A->left -= units;
    if (units == 0 || *A->left >= 0
        || cpy_recursion_error(A->ts, VM_HOW_KIND(how) == RET_COMPARE ? " in comparison"
                                      : VM_HOW_KIND(how) == RET_ITEM || *A->left < -1
                                          ? " while calling a Python object"
                                          : texts[VM_HOW_STEP(how) & 1])
               == 0)
        return 0;
    *A->left += units;
    return -1;
}

VmSpecialStatus
vm_special_call(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args, unsigned n,
                VmHow how, VmWord *result)
{
    if (vm_special_push_quick(A, f, func, args, n, how))
        return SP_PUSHED;
    VmCode *code = vm_must_delegate(A->ts) == NULL ? vm_code_to_run(func) : NULL;
    if (vm_unlikely(code == NULL))
        return PyErr_Occurred() ? SP_RAISED : call_out(A, f, func, args, n, result);
    if ((vm_poll_is_due(A) && vm_poll(A, f) < 0) || enter(A, how) < 0)
        return SP_RAISED;
    VmFrame *nf = vm_push_checked(A, f, code, (PyFunctionObject *)Py_NewRef(func));
    if (nf == NULL || bind(A, f, nf, args, n) < 0) {
        *A->left += vm_special_units(how);
        return SP_RAISED;
    }
    nf->ret_dst = (uint16_t)VM_HOW_STEP(how);
    nf->kind = (uint8_t)VM_HOW_KIND(how);
    nf->aux = VM_NULL;
    nf->flags |= FRAME_FLAGS_OF_UNITS(vm_special_units(how));
    if (code->simple && code->co->co_flags & CO_OPTIMIZED)
        *vm_quick_code(code->co) = code;
    A->pushed = nf;
    return SP_PUSHED;
}

VmSpecialStatus
vm_special_call_other(VmAct *A, VmFrame *f, PyObject *m, const VmWord *args, VmWord *result)
{
    PyObject *self = vm_ptr(args[0]), *v = NULL;
    PyTypeObject *type = Py_TYPE(self);
    PyObject *other = vm_operand_object(f, args[1]);
    if (other == NULL)
        return SP_RAISED;
    Py_INCREF(m);
    vm_boundary(A, f);
    if (vm_c_stack_check(A) < 0)
        ;
    else if (PyType_HasFeature(Py_TYPE(m), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        PyObject *both[2] = {self, other};
        v = PyObject_Vectorcall(m, both, 2, NULL);
    }
    else {
        if (Py_TYPE(m)->tp_descr_get != NULL)
            Py_SETREF(m, Py_TYPE(m)->tp_descr_get(m, self, (PyObject *)type));
        if (m != NULL)
            v = PyObject_CallOneArg(m, other);
    }
    vm_after(A, f);
    Py_XDECREF(m);
    Py_DECREF(other);
    *result = vm_from_ptr(v);
    return v == NULL ? SP_RAISED : SP_DONE;
}

VmSpecialStatus
vm_special_start_slow(VmAct *A, VmFrame *f, PyFunctionObject *func, const VmWord *args, unsigned n,
                      VmHow how)
{
    VmWord unused;
    if (!vm_special_can_push(A, func))
        return PyErr_Occurred() ? SP_RAISED : SP_NOT_MINE;
    return vm_special_call(A, f, func, args, n, how, &unused);
}

/* -- items ------------------------------------------------------------------------------------ */

VmSpecialStatus
vm_special_getitem(VmAct *A, VmFrame *f, PyObject *o, VmWord index)
{
    VmWord args[2] = {vm_from_ptr(o), index};
    return vm_special_start(A, f, vm_special(Py_TYPE(o), SP_GETITEM), args, 2, VM_HOW(RET_ITEM, 0));
}

VmSpecialStatus
vm_special_setitem(VmAct *A, VmFrame *f, PyObject *o, VmWord index, PyObject *v)
{
    VmWord args[3] = {vm_from_ptr(o), index, vm_from_ptr(v)};
    VmSpecialId id = v == NULL ? SP_DELITEM : SP_SETITEM;
    return vm_special_start(A, f, vm_special(Py_TYPE(o), id), args, v == NULL ? 2 : 3, VM_HOW(RET_STORED, 0));
}

static void
drop_item_operands(VmAct *A, VmFrame *f)
{
    const VmInsn *ip = f->pc;
    vm_consume(A, f, ip->b);
    if (ip->op == VM_GETI || ip->op == VM_GETI_L)
        vm_consume(A, f, ip->c);
}

/* SETA, DELA, SETI, DELI: in the order CPython lets go of them */
static void
drop_stored_operands(VmAct *A, VmFrame *f)
{
    const VmInsn *ip = f->pc;
    if (ip->op == VM_SETI)
        vm_consume(A, f, ip->c);
    if (ip->op == VM_SETA)
        vm_consume(A, f, ip->b);
    vm_consume(A, f, ip->a);
    if (ip->op == VM_SETI || ip->op == VM_DELI)
        vm_consume(A, f, ip->b);
}

/* -- iteration ---------------------------------------------------------------------------------- */

VmSpecialStatus
vm_special_iter(VmAct *A, VmFrame *f, PyObject *o)
{
    VmWord args[1] = {vm_from_ptr(o)};
    return vm_special_start(A, f, vm_special(Py_TYPE(o), SP_ITER), args, 1, VM_HOW(RET_ITER, 0));
}

/* ITER, YFITER.  1 / 0 */
static int
iter_returned(VmAct *A, VmFrame *f, VmWord v)
{
    const VmInsn *ip = f->pc;
    if (vm_unlikely(!vm_is_obj(v) || !PyIter_Check(vm_ptr(v)))) {
        PyObject *o = vm_box(v);
        if (o != NULL)
            PyErr_Format(PyExc_TypeError, "iter() returned non-iterator of type '%.100s'",
                         Py_TYPE(o)->tp_name);
        Py_XDECREF(o);
        vm_release(v);
        vm_consume(A, f, ip->b);
        return 0;
    }
    vm_consume(A, f, ip->b);
    vm_set_any(A, f, ip->a, v);
    f->pc = ip + 1;
    return 1;
}

VmSpecialStatus
vm_special_next(VmAct *A, VmFrame *f, PyObject *it)
{
    VmWord args[1] = {vm_from_ptr(it)};
    return vm_special_start(A, f, vm_special(Py_TYPE(it), SP_NEXT), args, 1, VM_HOW(RET_NEXT, 0));
}

/* FOR: the end of the loop */
static int
next_raised(VmFrame *f)
{
    const VmInsn *ip = f->pc;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration))
        return 0;
    PyErr_Clear();
    if (!ip->c)
        vm_release(f->regs[ip->b]);
    f->pc = ip + *(const int32_t *)(ip + 1);
    return 1;
}

/* -- results --------------------------------------------------------------------------------------- */

int
vm_special_returned(VmAct *A, VmFrame *f, VmHow how, VmWord aux, VmWord v)
{
    const VmInsn *ip = f->pc;
    switch ((int)VM_HOW_KIND(how)) {
    case RET_ATTR:
        return vm_attr_returned(A, f, aux, v) == SP_DONE;
    case RET_STORED:
        vm_release(v);
        drop_stored_operands(A, f);
        f->pc = ip + 1;
        return 1;
    case RET_ITEM:
        drop_item_operands(A, f);
        vm_set_any(A, f, ip->a, v);
        f->pc = ip + 1;
        return 1;
    case RET_ITER:
        return iter_returned(A, f, v);
    case RET_NEXT:
        vm_set_any(A, f, ip->a, v);
        f->pc = ip + ((const int32_t *)(ip + 1))[1];
        return 1;
    case RET_TEXT:
        return vm_text_returned(A, f, how, v) == SP_DONE;
    case RET_GETATTR:
        return vm_getattr_returned(A, f, VM_HOW_STEP(how), aux, v) == SP_DONE;
    case RET_CHECK:
        return vm_check_returned(A, f, VM_HOW_STEP(how), v) == SP_DONE;
    case RET_AWAIT:
    case RET_AITER:
    case RET_ANEXT:
        return vm_await_returned(A, f, VM_HOW_KIND(how), v) == SP_DONE;
    case RET_SENT:
        vm_sent_returned(f, v);
        return 1;
    default:
        return vm_operator_returned(A, f, how, aux, v) == SP_DONE;
    }
}

int
vm_special_raised(VmAct *A, VmFrame *f, VmHow how, VmWord aux)
{
    switch ((int)VM_HOW_KIND(how)) {
    case RET_ATTR:
        return vm_attr_raised(A, f, aux) == SP_DONE;
    case RET_STORED:
        drop_stored_operands(A, f);
        return 0;
    case RET_ITEM:
        drop_item_operands(A, f);
        return 0;
    case RET_ITER:
        vm_consume(A, f, f->pc->b);
        return 0;
    case RET_NEXT:
        return next_raised(f);
    case RET_TEXT:
        vm_text_raised(A, f);
        return 0;
    case RET_GETATTR:
        return vm_getattr_raised(A, f, VM_HOW_STEP(how), aux) == SP_DONE;
    case RET_CHECK:
        vm_check_raised(A, f);
        return 0;
    case RET_AWAIT:
    case RET_AITER:
    case RET_ANEXT:
        vm_await_raised(A, f, VM_HOW_KIND(how));
        return 0;
    case RET_SENT:
        return vm_sent_raised(f) == SP_DONE;
    default:
        return vm_operator_raised(A, f, how, aux) == SP_DONE;
    }
}
