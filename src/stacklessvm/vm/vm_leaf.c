/* Calls of leaves (vm_leaf.h). */
#include "vm/vm_leaf.h"

#include "cpyext_compat/cpy_tracing.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"

/* Nothing happens when this reference goes. */
static inline int
goes_unseen(VmWord w)
{
    return !vm_is_obj(w) || Py_REFCNT(vm_ptr(w)) > 1 || vm_is_inert(vm_ptr(w));
}

/* Which of a call's n operands it gives up, as bits; -1: one of them would be missed. */
static inline int
operands_to_release(const VmWord *regs, unsigned nlocals, const uint16_t *operands, unsigned n)
{
    int found = 0;
    for (unsigned i = 0; i < n; i++) {
        if (operands[i] & VM_OPERAND_CONST || operands[i] < nlocals)
            continue;
        if (!goes_unseen(regs[operands[i]]))
            return -1;
        found |= 1 << i;
    }
    return found;
}

/* Nothing wants attention first, and no limit is near. */
static inline int
may_run(const VmAct *A)
{
    return !(*A->breaker & CPY_EVAL_BREAKER_MASK) && !A->delegate && *A->left > VM_LEAF_DEPTH;
}

VmWord
vm_leaf_call(VmAct *A, VmWord *regs, unsigned nlocals, const VmInsn *ip, VmCode *code,
             unsigned first)
{
    const uint16_t *operands = (const uint16_t *)(ip + 1) + 1;
    PyFunctionObject *func = (PyFunctionObject *)vm_ptr(regs[ip->b]);
    VmWord self = first ? regs[ip->b + 1] : VM_NULL;
    unsigned n = ip[1].op;
    int callee_goes = first || ip->b >= nlocals;
    if (n + first != code->argcount || n > 8 || !may_run(A) || !goes_unseen(self)
        || (callee_goes && Py_REFCNT(func) == 1))
        return VM_NULL;
    int released = operands_to_release(regs, nlocals, operands, n);
    if (released < 0)
        return VM_NULL;
    VmWord result;
    if (code->insns->op == VM_RETK)
        result = code->consts[code->insns->a];
    else {
        unsigned i = code->insns->b;
        VmWord subject = first && i == 0 ? self : vm_operand_word(regs, VM_FRAME_OF(regs)->code, operands[i - first]);
        PyObject *o = vm_leaf_attribute(&code->caches[code->insns->c], subject);
        if (o == NULL)
            return VM_NULL;
        result = vm_from_ptr(o);
    }
    vm_incref(result);
    for (; vm_unlikely(released != 0); released &= released - 1)
        vm_release(regs[operands[__builtin_ctz((unsigned)released)]]);
    vm_release(self);
    if (callee_goes)
        Py_DECREF(func);
    vm_stats.native++;
    return result;
}

VmWord
vm_leaf_of_one(VmAct *A, PyFunctionObject *func, VmCode *code, VmWord arg)
{
    VmWord v = may_run(A) ? vm_leaf_run(func, code, &arg, 1) : VM_NULL;
    vm_incref(v);
    return v;
}

PyObject *
vm_leaf_enter(PyThreadState *ts, PyFunctionObject *func, VmCode *code, PyObject *const *args,
              size_t n)
{
    if (cpy_eval_breaker(ts) || *cpy_recursion_left(ts) <= VM_LEAF_DEPTH || vm_step.left != 0)
        return NULL;
    VmWord v = vm_leaf_run(func, code, (const VmWord *)args, n);
    PyObject *o = v == VM_NULL ? NULL : vm_box(v);
    if (o == NULL)
        PyErr_Clear();          /* the other way says it again */
    return o;
}
