/* Handing a frame over to CPython: registers become the slots of the shadow frame.
 *
 * Locals move as they are; the stack is put together by the map of the instruction.  Used
 * when a tool (a tracer, a profiler) becomes active while the frame runs, and where vm_step
 * says so: in tests, and at every n-th boundary of a hostile build.
 */
#include "vm/vm_handover.h"

#include "cpyext_compat/cpy_handover.h"
#include "ir/vm_plant.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"

/* The object of a stack slot, owned; NULL where CPython has NULL.  Registers are boxed. */
static PyObject *
stack_object(VmFrame *f, unsigned slot, uint16_t place)
{
    if (place == VM_NO_REG)
        return NULL;
    if (place & VM_OPERAND_CONST)
        return vm_const_object(f->code, place & ~VM_OPERAND_CONST);
    if (f->regs[place] == VM_NULL)
        return NULL;
    PyObject *o = vm_reg_object(f, place);
    if (place != f->code->nlocals + slot || !vm_is_obj(f->regs[place]))
        Py_INCREF(o);           /* else the temporary's reference moves */
    return o;
}

static void
fill_slot(VmFrame *f, unsigned slot, uint16_t place)
{
    int at = (int)(f->code->nlocals + slot);
    if (VM_PLANT == PLANT_WRONG_HANDOVER)
        cpy_frame_slot_set(f->shadow, at, Py_NewRef(Py_None));
    else if (place & VM_OPERAND_CONST || !vm_is_lasti(f->regs[place]))
        cpy_frame_slot_set(f->shadow, at, stack_object(f, slot, place));
    else if (cpy_frame_slot_set_lasti(f->shadow, at, vm_lasti(f->regs[place])) < 0) {
        PyErr_Clear();          /* no memory: CPython complains if it ever comes to need it */
        cpy_frame_slot_set(f->shadow, at, Py_NewRef(Py_None));
    }
}

static void
fill_stack(VmFrame *f, const uint16_t *map)
{
    for (unsigned i = 0; i < map[0]; i++)
        fill_slot(f, i, map[2 + i]);
}

/* Numbers that CPython will see get their boxes.  0, or -1 without memory: nothing else has
   changed yet. */
static int
box_registers(VmFrame *f, const uint16_t *map)
{
    unsigned base = f->code->nlocals;
    for (unsigned r = 0; r < base + map[0]; r++) {
        int in_use = r < base || map[2 + r - base] == r;
        if (in_use && f->regs[r] != VM_NULL && !vm_is_lasti(f->regs[r])
            && vm_reg_object(f, r) == NULL)
            return -1;
    }
    return 0;
}

int
vm_ready_to_hand_over(VmFrame *f)
{
    if (!vm_can_hand_over(f, f->pc))
        return 0;
    if (box_registers(f, vm_code_map(f->code, f->pc)) == 0)
        return 1;
    PyErr_Clear();
    return 0;
}

static void
forget_locals(VmFrame *f)
{
    for (unsigned i = 0; i < f->code->nlocals; i++) {
        vm_release(f->regs[i]);     /* the slot has a reference of its own */
        f->regs[i] = VM_NULL;
    }
}

PyObject *
vm_hand_over(VmAct *A, VmFrame *f)
{
    const uint16_t *map = vm_code_map(f->code, f->pc);
    uint32_t word = f->code->where[f->pc - f->code->insns].resume;
    PyCodeObject *co = f->code->co;
    PyFunctionObject *func = f->func;
    PyObject *locals = f->locals;

    vm_boundary(A, f);
    vm_sync_locals(f);
    fill_stack(f, map);
    forget_locals(f);
    PyObject *result = cpy_handover(A->ts, f->shadow, func, co, word, map[0]);
    f->shadow = NULL;
    *A->left += vm_frame_units(f);
    vm_frame_pop(A, f);
    Py_XDECREF(locals);
    Py_DECREF(func);
    return result;
}
