/* Calls that push a frame in the way their site remembers: classes with an __init__ in Python, and
 * send() to generators.
 */
#include "vm/vm_call_direct.h"

#include "vm/vm_builtin.h"
#include "vm/vm_gen.h"
#include "vm/vm_ic.h"

/* -- classes -------------------------------------------------------------------------------------- */

/* Exceptions keep their arguments: the operands as a tuple.  -> new */
static PyObject *
tuple_of_operands(VmFrame *f, const VmInsn *list)
{
    PyObject *t = PyTuple_New(list->op);
    for (unsigned i = 0; t != NULL && i < list->op; i++) {
        VmWord w = vm_operand_word(f->regs, f->code, vm_list_get(list, i));
        PyObject *o = vm_is_obj(w) ? Py_NewRef(vm_ptr(w)) : vm_box_shared(f, w);
        if (o == NULL)
            Py_CLEAR(t);
        else
            PyTuple_SET_ITEM(t, i, o);
    }
    return t;
}

/* Is it the class that was seen, with the __init__ that was? */
static inline int
is_class_seen(const VmCache *c, PyTypeObject *cls)
{
    return c->u.call.version == cls->tp_version_tag && Py_TYPE(cls)->tp_call == PyType_Type.tp_call
           && (PyObject *)c->u.call.code->co == ((PyFunctionObject *)c->u.call.callee)->func_code;
}

/* The call at f's pc of a class with the __new__ of object or exceptions and an __init__ that takes
   exactly these arguments, seen before by the class's version: its frame, where the operands go.
   NULL: nothing was done. */
static VmFrame *
push_init(VmAct *A, VmFrame *f, const VmCache *c, PyTypeObject *cls)
{
    const VmInsn *ip = f->pc;
    PyFunctionObject *init = c->u.call.callee;
    VmCode *code = c->u.call.code;
    unsigned n = ip[1].op;
    if (!is_class_seen(c, cls) || code->exact_args != n + 1 || A->delegate || vm_poll_is_due(A)
        || *A->left <= CPY_C_CALL_TAKES_UNIT || (size_t)(A->limit - A->top) < code->frame_bytes)
        return NULL;
    int keeps = cls->tp_new != PyBaseObject_Type.tp_new, shown = vm_before_making(A, f);
    PyObject *t = keeps ? tuple_of_operands(f, ip + 1) : vm_known.no_args;
    PyObject *o = t == NULL ? NULL : cls->tp_new(cls, t, NULL);
    vm_after_making(A, f, shown);
    if (o == NULL || (shown && !is_class_seen(c, cls))) {
        if (keeps)
            Py_XDECREF(t);
        Py_XDECREF(o);
        PyErr_Clear();      /* the general way will say so */
        return NULL;
    }
    *A->left -= 1 + CPY_C_CALL_TAKES_UNIT;
    VmFrame *nf = vm_frame_push(A, f, code, (PyFunctionObject *)Py_NewRef((PyObject *)init), n + 1);
    nf->regs[0] = vm_from_ptr(Py_NewRef(o));
    for (unsigned i = 0; i < n; i++)
        nf->regs[1 + i] = vm_take_operand(f, vm_list_get(ip + 1, i));
    if (keeps) {
        for (unsigned i = 0; i < n; i++) {      /* one object in both */
            if (!vm_is_obj(nf->regs[1 + i]))
                nf->regs[1 + i] = vm_from_ptr(Py_NewRef(PyTuple_GET_ITEM(t, i)));
        }
        Py_DECREF(t);
    }
    nf->kind_flags = FRAME_PLAIN_INIT;
    nf->aux = vm_from_ptr(o);
    nf->ret_dst = ip->a;
    nf->ret_ip = ip + 1 + vm_list_words(n);
    vm_stats.native++;
    return nf;
}

void
vm_remember_class(VmCache *c, PyTypeObject *cls)
{
    PyFunctionObject *init = Py_TYPE(cls)->tp_call == PyType_Type.tp_call ? vm_plain_init(cls) : NULL;
    VmCode *code = init == NULL ? NULL : vm_code_peek((PyCodeObject *)init->func_code);
    uint32_t version = cpy_type_version(cls);
    if (init == NULL && version != 0) {     /* not to be looked for again */
        c->u.call.kind = CALL_C;
        c->u.call.version = version;
    }
    if (code == NULL || code->refused != NULL || code->exact_args == VM_NEVER || version == 0
        || (cls->tp_new != PyBaseObject_Type.tp_new
            && cls->tp_new != ((PyTypeObject *)PyExc_Exception)->tp_new))
        return;
    c->u.call.kind = CALL_DIRECT;
    c->u.call.how = VM_DIRECT_WAY(HOW_CLASS, SHAPE_ANY);
    c->u.call.version = version;
    c->u.call.callee = init;
    c->u.call.code = code;
}

VmCallStatus
vm_call_class_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed)
{
    VmWord self, callee = vm_callee_of(f, f->pc, &self);
    if (!vm_is_obj(callee) || self != VM_NULL || !PyType_Check(vm_ptr(callee))
        || (*pushed = push_init(A, f, c, (PyTypeObject *)vm_ptr(callee))) == NULL)
        return CALL_NOT_MINE;
    if (vm_callee_moves(f, f->pc))
        Py_DECREF(vm_ptr(callee));
    return CALL_PUSHED;
}

/* -- generators ------------------------------------------------------------------------------------ */

void
vm_remember_send(VmFrame *f)
{
    const VmInsn *ip = f->pc;
    if (ip->op != VM_CALLM || ip[1].op != 1)
        return;
    VmCache *c = vm_cache(f, ip->c);
    c->u.call.kind = CALL_DIRECT;
    c->u.call.how = VM_DIRECT_WAY(HOW_SEND, SHAPE_ANY);
}

VmCallStatus
vm_call_send_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed)
{
    const VmInsn *ip = f->pc;
    VmWord self, callee = vm_callee_of(f, ip, &self);
    PyObject *gen = vm_is_obj(self) ? vm_ptr(self) : NULL;
    if (gen == NULL || callee != vm_from_ptr(vm_known.gen_send) || !vm_is_gen(gen) || A->delegate
        || *A->left <= CPY_C_CALL_TAKES_UNIT
        || vm_gen_state(vm_gen_frame(gen)) != GEN_SUSPENDED)
        return CALL_NOT_MINE;
    VmWord value = vm_take_operand(f, vm_list_get(ip + 1, 0));
    VmFrame *gf = vm_gen_resume(A, f, gen, value, GEN_BY_CALL);
    *A->left -= CPY_C_CALL_TAKES_UNIT;
    gf->flags |= FRAME_IN_C;
    gf->ret_dst = ip->a;
    gf->ret_ip = ip + 2;
    Py_DECREF(vm_known.gen_send);
    Py_DECREF(gen);         /* the running frame has its own reference */
    *pushed = gf;
    return CALL_PUSHED;
}
