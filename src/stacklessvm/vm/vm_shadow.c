/* VM frames as CPython sees them.
 *
 * A frame is linked into CPython's chain when it first calls out; a frame that only calls
 * other VM frames is never seen, until one of those is linked: linking a frame links its
 * callers.  Locals stay in registers; the lazy dict of cpy_lazy_locals.h calls
 * fill_locals() when somebody asks for them.  After that the dict is the frame's f_locals:
 * if nobody kept it, the frame goes back to being lazy, else it is eager, and its slots
 * follow its registers at every boundary.
 */
#include "vm/vm_shadow.h"

#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_iter.h"
#include "cpyext_compat/cpy_lazy_locals.h"
#include "vm/vm_gen.h"
#include "vm/vm_num.h"

static CpyFrame *
shadow_place(VmFrame *f)
{
    if (f->flags & FRAME_GENERATOR)
        return vm_gen_shadow(f);
    return (CpyFrame *)((char *)f + f->code->shadow_offset);
}

static int
has_lazy_locals(VmFrame *f)
{
    return f->locals == NULL && f->code->nlocals > 0;
}

static void
link_one(VmFrame *f, CpyFrame *previous)
{
    PyFunctionObject *func = f->func;
    CpyFrame *s = shadow_place(f);
    cpy_frame_init_of(s, func, f->code->co, func->func_globals, func->func_builtins, f->locals,
                      previous, f->code->nlocals);
    if (f->flags & FRAME_GENERATOR)
        cpy_frame_set_owned_by_generator(s);
    f->shadow = s;
    Py_INCREF(f->code->co);     /* whoever runs meanwhile may give func other code */
    f->flags |= FRAME_LINKED;
    if (has_lazy_locals(f) && !cpy_lazy_locals_arm(s, f))
        f->flags |= FRAME_EAGER;
}

/* The instruction a frame waits at, for another frame of ours or NULL: what its shadow says may be
   stale. */
static void
set_waiting_word(VmFrame *f, const VmFrame *callee)
{
    uint32_t word = vm_code_word(f->code, f->pc) + (callee == NULL ? 0 : vm_words_behind_call(callee));
    cpy_frame_set_word(f->shadow, f->code->co, word);
}

void
vm_link(VmAct *A, VmFrame *f)
{
    for (VmFrame *callee = NULL;; callee = f, f = f->prev) {
        VmFrame *caller = f->prev;
        CpyFrame *previous = caller == NULL           ? A->entry_top
                             : caller->shadow != NULL ? caller->shadow
                                                      : shadow_place(caller);
        link_one(f, previous);
        if (callee != NULL)
            set_waiting_word(f, callee);
        if (caller == NULL)
            return;
        if (caller->shadow != NULL) {
            set_waiting_word(caller, f);
            return;
        }
    }
}

/* -- locals -------------------------------------------------------------------------- */

/* Slots get references of their own. */
int
vm_sync_locals(VmFrame *f)
{
    VmCode *code = f->code;
    CpyFrame *s = f->shadow;
    int status = 0;
    for (unsigned i = 0; i < code->nlocals; i++) {
        PyObject *o = NULL;
        if (f->regs[i] != VM_NULL) {
            o = vm_reg_object(f, i);
            if (o == NULL)
                status = -1;
        }
        PyObject *old = cpy_frame_slot_get(s, (int)i);
        if (o == old)
            continue;
        Py_XINCREF(o);
        cpy_frame_slot_set(s, (int)i, o);
        Py_XDECREF(old);
    }
    cpy_frame_set_stacktop(s, code->co, code->nlocals);
    return status;
}

static void
fill_locals(void *owner, CpyFrame *s)
{
    VmFrame *f = owner;
    assert(f->shadow == s);
    f->flags |= FRAME_EAGER;    /* until nobody needs the slots: registers go on changing */
    vm_sync_locals(f);
}

/* What was written into the slots while we were out goes into the registers. */
static void
reload_locals(VmFrame *f)
{
    CpyFrame *s = f->shadow;
    for (unsigned i = 0; i < f->code->nlocals; i++) {
        PyObject *o = cpy_frame_slot_get(s, (int)i);
        VmWord w = f->regs[i];
        PyObject *mine = w == VM_NULL ? NULL : vm_reg_object(f, i);
        if (o == mine)
            continue;
        Py_XINCREF(o);
        f->regs[i] = vm_from_ptr(o);
        vm_release(w);
    }
}

static void
clear_slots(VmFrame *f)
{
    unsigned n = f->code->nlocals;
    cpy_frame_set_stacktop(f->shadow, f->code->co, 0);
    for (unsigned i = 0; i < n; i++)
        cpy_frame_slot_clear(f->shadow, (int)vm_drop_order(i, n));
}

void
vm_after_slow(VmAct *A, VmFrame *f)
{
    CpyFrame *s = f->shadow;
    reload_locals(f);
    if (cpy_lazy_locals_kept(s)) {
        f->flags |= FRAME_EAGER;
        return;
    }
    f->flags &= (uint8_t)~FRAME_EAGER;
    clear_slots(f);
    if (!cpy_lazy_locals_arm(s, f))
        f->flags |= FRAME_EAGER;
}

void
vm_link_waiting(VmAct *A, VmFrame *f)
{
    if (f->shadow == NULL)
        vm_link(A, f);
    set_waiting_word(f, NULL);
}

void
vm_link_suspended(VmFrame *gf)
{
    link_one(gf, NULL);
}

/* -- frame exit ------------------------------------------------------------------------ */

/* The locals become the frame object's. */
static void
move_locals_out(VmAct *A, VmFrame *f)
{
    CpyFrame *s = f->shadow;
    vm_sync_locals(f);
    for (unsigned i = 0; i < f->code->nlocals; i++) {
        vm_release(f->regs[i]);
        f->regs[i] = VM_NULL;
    }
    if (!cpy_frame_take_ownership(A->ts, s, f->code->co, f->func))
        clear_slots(f);
}

void
vm_unlink(VmAct *A, VmFrame *f)
{
    CpyFrame *s = f->shadow;
    cpy_set_top_frame(A->ts, cpy_frame_previous(s));
    if (has_lazy_locals(f))
        cpy_lazy_locals_disarm(s);
    PyFrameObject *o = cpy_frame_object(s);
    if (o != NULL && Py_REFCNT(o) > 1)
        move_locals_out(A, f);
    else {
        cpy_frame_set_object(s, NULL);
        Py_XDECREF(o);
        if (cpy_frame_stacktop(s, f->code->co) != 0)
            clear_slots(f);
    }
    if (f->locals == NULL) {    /* locals() makes one for a frame without variables too */
        PyObject *snapshot = cpy_frame_locals(s);
        cpy_frame_set_locals(s, NULL);
        Py_XDECREF(snapshot);
    }
    f->shadow = NULL;
    f->flags &= (uint8_t) ~(FRAME_LINKED | FRAME_EAGER);
}

int
vm_unlink_unseen(VmAct *A, VmFrame *f)
{
    CpyFrame *s = f->shadow;
    if (A->delegate || cpy_frame_object(s) != NULL || cpy_frame_stacktop(s, f->code->co) != 0
        || Py_REFCNT(f->code->co) == 1)
        return 0;
    if (has_lazy_locals(f))
        cpy_lazy_locals_disarm(s);
    if (cpy_frame_locals(s) != NULL)
        return 0;
    cpy_set_top_frame(A->ts, cpy_frame_previous(s));
    f->shadow = NULL;
    f->flags &= (uint8_t)~FRAME_LINKED;
    Py_DECREF(f->code->co);     /* not the last: the loop goes on with it */
    return 1;
}

void
vm_shadow_init(void)
{
    cpy_lazy_locals_fill = fill_locals;
}

/* -- what goes ----------------------------------------------------------------------------------- */

#define LOOKED_AT 16            /* contents, at most */

/* Of what goes with these n places, nothing can be seen: somebody else has it, or it is inert. */
static int
stay_or_inert(PyObject *const *items, Py_ssize_t n)
{
    if (n > LOOKED_AT)
        return 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *o = items[i];
        Py_ssize_t here = 0;
        if (o == NULL || Py_REFCNT(o) > n || vm_is_inert(o))
            continue;
        for (Py_ssize_t j = 0; j < n; j++)
            here += items[j] == o;
        if (Py_REFCNT(o) <= here)
            return 0;
    }
    return 1;
}

/* Instances of a Python class without a finalizer, and without other slots than those for its
   dict and weak references. */
static int
is_plain_instance(PyObject *o, PyTypeObject *type)
{
    Py_ssize_t weak = type->tp_weaklistoffset > 0 ? (Py_ssize_t)sizeof(PyObject *) : 0;
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE && type->tp_finalize == NULL
           && type->tp_del == NULL
           && type->tp_basicsize == (Py_ssize_t)sizeof(PyObject) + weak
           && (type->tp_weaklistoffset == 0 || *PyObject_GET_WEAKREFS_LISTPTR(o) == NULL);
}

static __attribute__((noinline)) int    /* an array in their frames is none of the others' business */
is_dict_of_those(PyObject *d)
{
    PyObject *items[LOOKED_AT];
    Py_ssize_t at = 0, n = 0;
    if (PyDict_GET_SIZE(d) > LOOKED_AT / 2)
        return 0;
    for (; PyDict_Next(d, &at, &items[n], &items[n + 1]); n += 2);
    return stay_or_inert(items, n);
}

/* Nothing that can run code goes with o, as far as one look into it says. */
static int
goes_unseen(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (CPY_IS_RANGE_ITER(o) || type == &PyBytes_Type)
        return 1;
    if (vm_has_gen_frame(o))
        return vm_gen_state(vm_gen_frame(o)) == GEN_DONE
               && ((PyGenObject *)o)->gi_weakreflist == NULL;
    if (type == &PyMethod_Type)
        return stay_or_inert(&((PyMethodObject *)o)->im_self, 1)
               && ((PyMethodObject *)o)->im_weakreflist == NULL;
    if (CPY_IS_LIST_ITER(o) || CPY_IS_TUPLE_ITER(o)) {
        PyObject *whole = cpy_sequence_iter_whole(o);
        return whole == NULL || Py_REFCNT(whole) > 1;
    }
    if (type == &PyDict_Type)
        return is_dict_of_those(o);
    if (type == &PyTuple_Type)
        return stay_or_inert(((PyTupleObject *)o)->ob_item, PyTuple_GET_SIZE(o));
    if (type == &PyList_Type)
        return stay_or_inert(((PyListObject *)o)->ob_item, PyList_GET_SIZE(o));
    if (!is_plain_instance(o, type))
        return 0;
    PyDictValues *values = cpy_inline_values(o);
    return values != NULL && stay_or_inert(values->values, cpy_shared_nentries(type));
}

void
vm_goes_from(VmAct *A, VmFrame *f, PyObject *o)
{
    vm_goes_at(A, f->prev, f->prev == NULL ? NULL : f->prev->pc, o);
}

void
vm_goes_in(VmAct *A, VmFrame *f, PyObject *o)
{
    vm_goes_at(A, f, f->pc, o);
}

/* Which allocates, while an exception may be on its way. */
static __attribute__((noinline)) void
link_in_passing(VmAct *A, VmFrame *f)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    vm_link(A, f);
    PyErr_Restore(type, value, tb);
}

/* Seldom from one place, but from many: compiled for speed. */
static __attribute__((noinline, hot)) int
goes_seen(VmAct *A, VmFrame *f, const VmInsn *at, PyObject *o)
{
    if (f == NULL || (f->shadow == NULL && goes_unseen(o))) {
        cpy_dealloc(o);
        return 0;
    }
    cpy_last_is_back(o);        /* until it goes: what is made here may begin a collection */
    f->pc = at;
    if (f->shadow == NULL)
        link_in_passing(A, f);
    vm_boundary(A, f);
    Py_DECREF(o);
    vm_after(A, f);
    return A->delegate;
}

/* Of what goes most is inert: that costs no more than a look. */
int
vm_goes_at(VmAct *A, VmFrame *f, const VmInsn *at, PyObject *o)
{
    if (!vm_is_inert(o))
        return goes_seen(A, f, at, o);
    cpy_dealloc(o);
    return 0;
}

/* -- polling ------------------------------------------------------------------------------------- */

int
vm_poll(VmAct *A, VmFrame *f)
{
    vm_boundary(A, f);
    int status = cpy_handle_pending(A->ts);
    vm_after(A, f);
    return status;
}
