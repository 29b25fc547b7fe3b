/* Functions that only return a constant or an attribute of an argument: nobody can watch their
 * frame, so they get none.
 */
#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_call.h"
#include "vm/vm_ic.h"

PyObject *
vm_leaf_attribute(VmCode *code, VmWord object)
{
    if (code->leaf != LEAF_GETA || !vm_is_obj(object))
        return NULL;
    PyObject *o = vm_ptr(object);
    VmCacheRow *row = vm_cache_find(&code->caches[code->insns->c], Py_TYPE(o)->tp_version_tag);
    if (row->kind != ATTR_VALUES)
        return NULL;
    PyDictValues *values = cpy_inline_values(o);
    return values == NULL ? NULL : Py_XNewRef(cpy_inline_get(values, row->index));
}

/* Nothing happens when this reference goes. */
static inline int
is_shared(VmWord w)
{
    return !vm_is_obj(w) || Py_REFCNT(vm_ptr(w)) > 1;
}

/* Which of n operands from registers are given up, as bits; -1: one of them would die. */
static inline int
operands_to_release(VmFrame *f, const uint16_t *operands, unsigned n)
{
    int found = 0;
    for (unsigned i = 0; i < n; i++) {
        if (operands[i] & VM_OPERAND_CONST || !vm_is_temp(f, operands[i]))
            continue;
        if (!is_shared(f->regs[operands[i]]))
            return -1;
        found |= 1 << i;
    }
    return found;
}

static VmWord
leaf_argument(VmFrame *f, const uint16_t *operands, VmWord self, unsigned i)
{
    if (self != VM_NULL && i-- == 0)
        return self;
    unsigned o = operands[i];
    return o & VM_OPERAND_CONST ? f->code->consts[o & ~VM_OPERAND_CONST] : f->regs[o];
}

VmWord
vm_call_leaf(VmAct *A, VmFrame *f, const VmInsn *ip, VmCode *code, PyFunctionObject *func,
             VmWord self)
{
    const uint16_t *operands = (const uint16_t *)(ip + 1) + 1;
    unsigned n = ip[1].op;
    int callee_goes = ip->op != VM_CALL || vm_is_temp(f, ip->b);
    if (n + (self != VM_NULL) != code->argcount || n > 8 || A->delegate || *A->left <= 0
        || (*A->breaker & CPY_EVAL_BREAKER_MASK) || !is_shared(self)
        || (callee_goes && Py_REFCNT(func) == 1))
        return VM_NULL;
    int released = operands_to_release(f, operands, n);
    if (released < 0)
        return VM_NULL;
    VmWord result;
    if (code->leaf == LEAF_CONST) {
        result = code->consts[code->insns->a];
        vm_incref(result);
    }
    else {
        VmWord subject = leaf_argument(f, operands, self, code->insns->b);
        PyObject *value = vm_leaf_attribute(code, subject);
        if (value == NULL)
            return VM_NULL;
        result = vm_from_ptr(value);
    }
    for (; released != 0; released &= released - 1)
        vm_release(f->regs[operands[__builtin_ctz((unsigned)released)]]);
    vm_release(self);
    if (callee_goes)
        Py_DECREF(func);
    vm_stats.native++;
    return result;
}
