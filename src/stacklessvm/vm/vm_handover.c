/* Handing a frame over to CPython: registers become the slots of the shadow frame.
 *
 * Locals move as they are; the stack is put together by the map of the instruction.  Used
 * when a tool (a tracer, a profiler) becomes active while the frame runs, and where vm_step
 * says so: in tests, and at every n-th boundary of a hostile build.  A generator's frame takes
 * its object with it, which from then on is one of CPython's.
 */
#include "vm/vm_handover.h"

#include "cpyext_compat/cpy_handover.h"
#include "ir/vm_plant.h"
#include "vm/vm_gen.h"
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
fill_stack(VmFrame *f, const uint16_t *map, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        fill_slot(f, i, map[2 + i]);
}

/* Numbers that CPython will see get their boxes.  0, or -1 without memory: nothing else has
   changed yet. */
static int
box_registers(VmFrame *f, const uint16_t *map, unsigned depth)
{
    unsigned base = f->code->nlocals;
    for (unsigned r = 0; r < base + depth; r++) {
        int in_use = r < base || map[2 + r - base] == r;
        if (in_use && f->regs[r] != VM_NULL && !vm_is_lasti(f->regs[r])
            && vm_reg_object(f, r) == NULL)
            return -1;
    }
    return 0;
}

/* How much of the map is on the stack: what an instruction that raised has consumed is not. */
static unsigned
depth_at(const uint16_t *map, CpyHandover how)
{
    return map[how == CPY_GOES_ON ? 0 : 1];
}

int
vm_ready_to_hand_over(VmFrame *f, CpyHandover how)
{
    PyObject *type = NULL, *exc = NULL, *tb = NULL;
    if (how == CPY_GOES_ON && !vm_can_hand_over(f, f->pc))
        return 0;
    const uint16_t *map = vm_code_map(f->code, f->pc);
    if (how != CPY_GOES_ON)
        PyErr_Fetch(&type, &exc, &tb);
    int ready = box_registers(f, map, depth_at(map, how)) == 0;
    if (how != CPY_GOES_ON)
        PyErr_Restore(type, exc, tb);
    else if (!ready)
        PyErr_Clear();
    return ready;
}

static void
forget_locals(VmFrame *f)
{
    for (unsigned i = 0; i < f->code->nlocals; i++) {
        vm_release(f->regs[i]);     /* the slot has a reference of its own */
        f->regs[i] = VM_NULL;
    }
}

/* Variables and `depth` stack slots move to the shadow. */
static void
fill_slots(VmFrame *f, const uint16_t *map, unsigned depth)
{
    vm_sync_locals(f);
    fill_stack(f, map, depth);
    forget_locals(f);
}

/* Fill the slots of a running frame. -> how much is on the stack */
static int
fill_running(VmAct *A, VmFrame *f, CpyHandover how)
{
    const uint16_t *map = vm_code_map(f->code, f->pc);
    PyObject *type = NULL, *exc = NULL, *tb = NULL;
    unsigned depth = depth_at(map, how);
    if (how != CPY_GOES_ON)
        PyErr_Fetch(&type, &exc, &tb);
    vm_boundary(A, f);
    fill_slots(f, map, depth);
    if (how != CPY_GOES_ON)
        PyErr_Restore(type, exc, tb);
    return (int)depth;
}

static uint32_t
word_at(VmFrame *f, CpyHandover how)
{
    return how == CPY_GOES_ON ? vm_code_resume(f->code, f->pc) : vm_code_word(f->code, f->pc);
}

PyObject *
vm_hand_over(VmAct *A, VmFrame *f, CpyHandover how)
{
    uint32_t word = word_at(f, how);
    PyCodeObject *co = f->code->co;
    PyFunctionObject *func = f->func;
    PyObject *locals = f->locals;

    int depth = fill_running(A, f, how);
    PyObject *result = cpy_handover(A->ts, f->shadow, func, co, word, depth, how);
    f->shadow = NULL;
    *A->left += vm_frame_units(f);
    vm_frame_pop(A, f);
    Py_XDECREF(locals);
    Py_DECREF(func);
    Py_DECREF(co);
    return result;
}

/* -- generators ---------------------------------------------------------------------- */

/* What our part of the object held is gone or CPython's now. */
static void
leave_object(VmFrame *gf, VmGenState state)
{
    PyFunctionObject *func = gf->func;
    PyCodeObject *co = gf->code->co;
    gf->func = NULL;
    gf->locals = NULL;          /* went with the frame */
    gf->shadow = NULL;
    gf->prev = NULL;
    vm_gen_set_state(gf, state);
    Py_DECREF(func);
    Py_DECREF(co);
}

int
vm_gen_become(PyObject *gen)
{
    VmFrame *gf = vm_gen_frame(gen);
    PyCodeObject *co = gf->code->co;
    const uint16_t *map = vm_code_map(gf->code, gf->pc);
    int is_new = vm_gen_state(gf) == GEN_CREATED;
    unsigned depth = is_new ? 0 : map[1];
    if (box_registers(gf, map, depth) < 0)
        return -1;
    if (gf->shadow == NULL)
        vm_link_suspended(gf);
    fill_slots(gf, map, depth);
    cpy_gen_become(gen, gf->func, co, vm_code_word(gf->code, gf->pc), (int)depth,
                   is_new);
    leave_object(gf, GEN_DONE);
    return 0;
}

PyObject *
vm_gen_hand_over(VmAct *A, VmFrame *gf, CpyHandover how, int *yielded)
{
    PyGenObject *gen = (PyGenObject *)vm_ptr(gf->aux);
    uint32_t word = word_at(gf, how);
    if (gf->exc_below == NULL)
        vm_gen_push_exc(A, gf);
    int depth = fill_running(A, gf, how);
    PyObject *result = cpy_gen_go_on(A->ts, (PyObject *)gen, gf->func, gf->code->co, word, depth,
                                     how, yielded);
    cpy_set_exc_info(A->ts, gf->exc_below);
    gf->exc_below = NULL;
    gen->gi_exc_state.previous_item = NULL;
    leave_object(gf, *yielded ? GEN_SUSPENDED : GEN_DONE);
    if (result == NULL)
        vm_gen_convert_stop(gf);
    vm_gen_leave_units(A, gf);
    return result;
}
