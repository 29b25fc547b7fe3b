/* The interpreter: threaded dispatch over the instruction bodies.
 *
 * vm_bodies.inc has one body per OP row; vm_bodies_dst.inc one per OPD row, included twice:
 * once writing dead temporaries, once writing locals.  vm_step.c includes this file again,
 * for an interpreter that stops at boundaries.
 */
#include "vm/vm_loop.h"

#include "vm/vm_call_direct.h"
#include "vm/vm_construct.h"
#include "vm/vm_fold.h"

/* One dispatch for each body, and nothing kept in registers from one body to the next. */
#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC optimize("no-gcse", "no-crossjumping", "no-tree-slp-vectorize")
#endif

#include "cpyext_compat/cpy_gen.h"
#include "vm/vm_bodies.h"

/* -- results of frames ------------------------------------------------------------------ */

typedef enum { GO_ON,
               RAISED,
               LEFT } ReturnStatus;

/* A trace function sees the StopIteration that a generator's value, v, would be.  0; or -1, v
   taken: it raised. */
static int
tell_stop(VmAct *A, VmFrame *f, VmWord v)
{
    vm_incref(v);
    vm_gen_set_stop(v);
    vm_boundary(A, f);
    cpy_trace_exception(A->ts);
    int stops = PyErr_ExceptionMatches(PyExc_StopIteration);
    if (stops)
        PyErr_Clear();
    else
        vm_release(v);
    vm_after(A, f);
    return stops ? 0 : -1;
}

/* A generator returned v (taken) to f, which resumed it; its frame is gone. */
static ReturnStatus
deliver_end(VmAct *A, VmFrame *f, VmGenMode mode, VmWord v)
{
    if (mode == GEN_BY_ASEND) {
        vm_release(v);
        PyErr_SetNone(PyExc_StopAsyncIteration);
        return RAISED;
    }
    if (mode == GEN_BY_CALL) {
        vm_gen_set_stop(v);
        return RAISED;
    }
    const VmInsn *ip = f->pc;
    const int32_t *jumps = (const int32_t *)(ip + 1);
    VmWord receiver = f->regs[ip->b];
    if (mode == GEN_BY_FOR) {
        if (vm_unlikely(A->delegate) && !vm_is_none(v) && tell_stop(A, f, v) < 0)
            return RAISED;
        vm_release(v);
        if (!ip->c)
            vm_release_in(A, f, receiver);
    }
    else if (ip->c)
        f->regs[ip->a] = v;
    else {
        f->regs[ip->b] = v;
        vm_release_in(A, f, receiver);
    }
    f->pc = ip + jumps[0];
    return GO_ON;
}

/* A generator yielded v (taken) to f and waits again.  own: its value is an async generator's,
   so the await is over and the SEND is finished with it. */
static ReturnStatus
deliver_yield(VmAct *A, VmFrame *f, const VmReturn *ret, int own, VmWord v)
{
    if (own) {
        const VmInsn *send = f->pc;
        VmWord receiver = f->regs[send->b];
        f->regs[send->c ? send->a : send->b] = v;
        if (!send->c)
            vm_release_in(A, f, receiver);
        f->pc = send + ((const int32_t *)(send + 1))[0];
        return GO_ON;
    }
    vm_set_any(A, f, ret->dst, v);
    f->pc = ret->next;
    return GO_ON;
}

/* v (owned) is the result of a builtin of f for which a generator ran.  VM_NULL: it raised */
static ReturnStatus
deliver_fold(VmAct *A, VmFrame *f, const VmReturn *ret, VmWord v)
{
    if (v == VM_NULL)
        return RAISED;
    vm_set_any(A, f, ret->dst, v);
    f->pc = ret->next;
    return GO_ON;
}

/* A frame returns v (owned) in a way the loop does not do itself.  GO_ON: *frame runs on
   at its pc.  RAISED: an exception at *frame's pc.  LEFT: *result is for the caller in C. */
static ReturnStatus
return_from_generator(VmAct *A, VmFrame **frame, VmWord v, PyObject **result)
{
    VmFrame *gf = *frame, *f = gf->prev;
    VmGenMode mode = vm_gen_mode(gf);
    if (mode == GEN_BY_C) {
        *result = vm_box(v);
        vm_release(v);
        vm_gen_finish(A, gf);
        return LEFT;
    }
    if (mode == GEN_BY_FOLD) {
        VmReturn ret = vm_return_of(gf);
        vm_boundary(A, f);      /* who goes with the generator's variables sees f */
        vm_release(v);
        vm_gen_finish(A, gf);
        vm_after(A, f);
        *frame = f;
        return deliver_fold(A, f, &ret, vm_fold_end(A, f));
    }
    if (mode == GEN_BY_ASEND)
        vm_asend_done(vm_ptr(f->regs[f->pc->b]), vm_ptr(gf->aux));
    vm_gen_finish(A, gf);
    *frame = f;
    return deliver_end(A, f, mode, v);
}

/* What becomes of v, the result of a frame that is gone: the caller's, at its call. */
static ReturnStatus
deliver(VmAct *A, VmFrame *caller, const VmReturn *ret, VmWord v)
{
    unsigned dst = ret->dst;
    switch (ret->kind) {
    case RET_INIT:
        if (!vm_is_none(v)) {
            PyObject *o = vm_box(v);
            PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'",
                         Py_TYPE(o)->tp_name);
            Py_DECREF(o);
            vm_release(v);
            vm_release(ret->aux);
            return RAISED;
        }
        vm_release(v);
        v = ret->aux;
        break;
    case RET_DISCARD:
        vm_release(v);
        caller->pc = ret->next;
        return GO_ON;
    case RET_NONE:
        vm_release(v);
        v = VM_NONE;
        break;
    case RET_WITH:
        caller->regs[ret->dst] = ret->aux;
        dst++;
        break;
    case RET_HELD:
        if (Py_REFCNT(vm_ptr(ret->aux)) > 1) {
            vm_release(ret->aux);
            break;
        }
        vm_boundary(A, caller);
        vm_release(ret->aux);
        vm_after(A, caller);
        break;
    case RET_LEN:
    case RET_BOOL:
    case RET_BOOL_BY_LEN:
    case RET_ITERATOR:
    case RET_HASH:
    case RET_REPR:
    case RET_STR:
    case RET_FORMAT:
    case RET_ASCII:
    case RET_AWAITABLE:
        v = ret->kind == RET_AWAITABLE ? vm_anext_answer(A, caller, ret->aux, v) : vm_answer(ret->kind, v);
        vm_release(ret->aux);
        if (v == VM_NULL)
            return RAISED;
        break;
    default:
        break;
    }
    vm_set_any(A, caller, dst, v);
    caller->pc = ret->next;
    return GO_ON;
}

/* The frame with that return is gone; *frame is its caller.  RAISED: or another frame is pushed. */
static ReturnStatus
deliver_any(VmAct *A, VmFrame **frame, const VmReturn *ret, VmWord v)
{
    if (ret->kind >= RET_SPECIAL)
        return vm_special_returned(A, *frame, VM_HOW(ret->kind, ret->dst), ret->aux, v) ? GO_ON : RAISED;
    if (ret->kind == RET_NEW)
        return vm_constructed(A, *frame, ret, v, frame) == CALL_ERROR ? RAISED : GO_ON;
    if (ret->kind >= RET_PREPARED && ret->kind <= RET_CLASS_CALLED)
        return vm_class_go_on(A, *frame, ret, v, frame) == CALL_ERROR ? RAISED : GO_ON;
    return deliver(A, *frame, ret, v);
}

/* A frame without a flag that nobody looked at goes.  -> its caller */
static inline VmFrame *
leave_plain(VmAct *A, VmFrame *f)
{
    VmFrame *caller = f->prev;
    PyFunctionObject *func = f->func;
    vm_release_locals(A, f, f->code->nlocals);
    A->top = (char *)f;
    *A->left += vm_frame_units(f);
    Py_DECREF(func);
    return caller;
}

/* Who keeps the frame sees it at its return, and v (taken) still in the variable it was in.
   -> v, owned */
static VmWord
show_return(VmFrame *f, VmWord v)
{
    const VmInsn *ip = f->pc;
    cpy_frame_set_word(f->shadow, f->code->co, vm_code_word(f->code, ip));
    if (ip->op != VM_RET || vm_is_temp(f, ip->a) || cpy_frame_object(f->shadow) == NULL)
        return v;
    f->regs[ip->a] = v;
    PyObject *o = vm_reg_object(f, ip->a);
    if (o == NULL) {
        PyErr_Clear();          /* it is not shown */
        f->regs[ip->a] = VM_NULL;
        return v;
    }
    return vm_unbox_unique(Py_NewRef(o));
}

static ReturnStatus
return_slow(VmAct *A, VmFrame **frame, VmWord v, PyObject **result)
{
    VmFrame *f = *frame, *caller = f->prev;
    VmReturn ret = vm_return_of(f);
    if (f->shadow != NULL)
        v = show_return(f, v);
    if (f->flags & FRAME_GENERATOR)
        return return_from_generator(A, frame, v, result);
    if (ret.kind == RET_ENTRY) {
        *result = vm_box(v);
        vm_release(v);
        vm_frame_leave(A, f);
        return LEFT;
    }
    vm_frame_leave(A, f);
    *frame = caller;
    return deliver_any(A, frame, &ret, v);
}

/* The same for a generator's frame; the object is one of CPython's afterwards. */
static ReturnStatus
hand_over_generator(VmAct *A, VmFrame **frame, CpyHandover how, PyObject **result)
{
    VmFrame *gf = *frame, *f = gf->prev;
    VmGenMode mode = vm_gen_mode(gf);
    VmReturn ret = vm_return_of(gf);
    PyObject *gen = vm_ptr(gf->aux);        /* with the reference of what runs */
    int yielded;
    PyObject *o = vm_gen_hand_over(A, gf, how, &yielded);
    A->delegate = vm_must_delegate(A->ts) != NULL;
    if (mode == GEN_BY_C) {
        *result = o;                        /* an async generator's value is still wrapped */
        Py_DECREF(gen);
        return LEFT;
    }
    *frame = f;
    if (mode == GEN_BY_FOLD) {
        Py_DECREF(gen);
        if (yielded)
            return deliver_fold(A, f, &ret, vm_fold_rest(A, f, o));
        int returned = o != NULL;
        Py_XDECREF(o);
        if (returned)
            return deliver_fold(A, f, &ret, vm_fold_end(A, f));
        vm_fold_drop(A, f);
        return RAISED;
    }
    int own = mode == GEN_BY_ASEND && yielded && cpy_async_unwrap(&o);
    if (mode == GEN_BY_ASEND && (own || !yielded))
        vm_asend_done(vm_ptr(f->regs[f->pc->b]), gen);
    Py_DECREF(gen);
    if (o == NULL)
        return RAISED;
    VmWord v = vm_unbox_unique(o);
    return yielded ? deliver_yield(A, f, &ret, own, v) : deliver_end(A, f, mode, v);
}

/* The frame's instruction at pc has not begun, or raised the pending exception: CPython goes on
   from there to the end of the frame, and its result is the frame's. */
static ReturnStatus
hand_over(VmAct *A, VmFrame **frame, CpyHandover how, PyObject **result)
{
    VmFrame *f = *frame, *caller = f->prev;
    if (f->flags & FRAME_GENERATOR)
        return hand_over_generator(A, frame, how, result);
    VmReturn ret = vm_return_of(f);
    VmWord state = vm_frame_return_state(f);
    int of_text = f->flags & FRAME_OF_TEXT;
    PyObject *o = vm_hand_over(A, f, how);
    *frame = caller;
    if (o == NULL && of_text)
        vm_exec_raised();
    A->delegate = vm_must_delegate(A->ts) != NULL;
    if (ret.kind == RET_ENTRY) {
        *result = o;
        return LEFT;
    }
    if (o != NULL)
        return deliver_any(A, frame, &ret, vm_unbox_unique(o));
    if (ret.kind >= RET_SPECIAL)
        return vm_special_raised(A, caller, VM_HOW(ret.kind, ret.dst), ret.aux) ? GO_ON : RAISED;
    vm_release_return_state(ret.kind, state);
    return RAISED;
}

/* On to where CPython can go on: the instructions before that only move registers. */
static void
step_to_boundary(VmAct *A, VmFrame *f)
{
    VmWord *R = f->regs;
    for (const VmInsn *ip = f->pc; !vm_can_hand_over(f, ip); ip = f->pc) {
        switch (ip->op) {
        case VM_MOV:
            R[ip->a] = R[ip->b];
            vm_incref(R[ip->a]);
            break;
        case VM_MOV_L: {
            VmWord w = R[ip->b];
            vm_incref(w);
            vm_set_any(A, f, ip->a, w);
            break;
        }
        case VM_MOVE: R[ip->a] = R[ip->b]; break;
        case VM_DUP:
            R[ip->a] = R[ip->b];
            vm_incref(R[ip->a]);
            break;
        case VM_SWAP: {
            VmWord w = R[ip->a];
            R[ip->a] = R[ip->b];
            R[ip->b] = w;
            break;
        }
        case VM_CLR: R[ip->a] = VM_NULL; break;
        case VM_K:
        case VM_K_L: {
            VmWord w = f->code->consts[ip->b];
            vm_incref(w);
            vm_set_any(A, f, ip->a, w);
            break;
        }
        case VM_J: f->pc += *(const int32_t *)&ip->b; continue;
        default: return;
        }
        f->pc++;
    }
}

/* A yield.  The same meaning of the result. */
static ReturnStatus
yield_slow(VmAct *A, VmFrame **frame, VmWord v, PyObject **result)
{
    VmFrame *gf = *frame, *f = gf->prev;
    if (vm_unlikely(!(gf->flags & FRAME_GENERATOR))) {      /* no compiler made this code */
        vm_release(v);
        PyErr_SetString(PyExc_SystemError, "yield in a frame that is no generator's");
        return RAISED;
    }
    VmGenMode mode = vm_gen_mode(gf);
    VmReturn ret = vm_return_of(gf);
    if (mode == GEN_BY_C) {
        *result = vm_is_obj(v) ? vm_ptr(v) : vm_box_shared(gf, v);
        vm_gen_suspend(A, gf);
        return LEFT;
    }
    if (mode == GEN_BY_FOLD) {
        *frame = f;
        return deliver_fold(A, f, &ret, vm_fold_leave(A, gf, v));
    }
    int own = mode == GEN_BY_ASEND && gf->pc->c == YIELD_ASYNC;
    if (own)
        vm_asend_done(vm_ptr(f->regs[f->pc->b]), vm_ptr(gf->aux));
    vm_gen_suspend(A, gf);
    *frame = f;
    return deliver_yield(A, f, &ret, own, v);
}

/* GEN: the frame becomes a generator and its caller gets it. */
static int
make_generator(VmAct *A, VmFrame *f, VmWord *v)
{
    PyObject *gen = NULL;
    if (f->flags & FRAME_GENERATOR || !f->code->is_generator)
        PyErr_SetString(PyExc_SystemError, "a generator is made by code that is none");
    else {
        int shown = vm_before_making(A, f);
        gen = vm_gen_new(A, f);
        vm_after_making(A, f, shown);
    }
    *v = vm_from_ptr(gen);
    return gen == NULL ? -1 : 0;
}

/* -- the loop --------------------------------------------------------------------------------- */

#ifndef VM_STEPPING
#  define DISPATCH() goto *labels[ip->op]
#else
#  define vm_run vm_run_stepping
#  define DISPATCH() \
      do { \
          if (vm_unlikely(is_stop(A, F, ip))) { \
              F->pc = ip; \
              goto hand_over_at_pc; \
          } \
          goto *labels[ip->op]; \
      } while (0)
#endif
#define NEXT_N(n) \
    do { \
        ip += (n); \
        DISPATCH(); \
    } while (0)
#define NEXT NEXT_N(1)
#define NEXT_AFTER(n) \
    do { \
        if (vm_unlikely(A->delegate)) { \
            F->pc = ip + (n); \
            goto leave_to_cpython; \
        } \
        NEXT_N(n); \
    } while (0)
#define JUMP_OFFSET(off) \
    do { \
        int32_t jump_ = (off); \
        if (jump_ <= 0 && vm_unlikely(*A->breaker & CPY_EVAL_BREAKER_MASK)) { \
            F->pc = ip; \
            ip += jump_; \
            goto poll_and_go; \
        } \
        NEXT_N(jump_); \
    } while (0)
#define RELEASE(w) ((void)vm_release_at(A, F, ip, (w)))
#define RELEASE_LAST(w) \
    do { \
        if (vm_unlikely(vm_release_at(A, F, ip, (w)))) \
            goto tool_began; \
    } while (0)
#define OUT(call) \
    do { \
        F->pc = ip; \
        if (vm_unlikely((call) < 0)) \
            goto error; \
    } while (0)
/* One variable for the frame and its registers: a machine register more for the rest. */
#define F VM_FRAME_OF(R)
#define LOAD_FRAME(frame) \
    do { \
        R = (frame)->regs; \
        nlocals = F->code->nlocals; \
        caches = F->code->caches; \
    } while (0)

PyObject *
vm_run(VmAct *A, VmFrame *first)
{
    static const void *const labels[] = {
#define OP(NAME, ...) &&op_##NAME,
#define OPD(NAME, ...) &&op_##NAME, &&op_##NAME##_L,
#include "ir/vm_ops.def"
#undef OP
#undef OPD
    };
    const VmInsn *ip = first->pc;
    VmWord *R = first->regs;
    unsigned nlocals = F->code->nlocals;
    VmCache *caches = F->code->caches;
    VmLeaf *leaf;               /* about to be run */
    VmFrame *frame;             /* while another one is being found */
    VmWord v, returned;         /* v's address is taken, so it is in memory */
    PyObject *result = NULL;
    int reraise = 0;
    CpyHandover how = CPY_GOES_ON;

#ifndef VM_STEPPING
    if (vm_unlikely(vm_step.left != 0))
        return vm_run_stepping(A, first);
#endif
    if (vm_unlikely(A->delegate))
        goto leave_to_cpython;
    DISPATCH();

#define BODY(NAME) op_##NAME:
#define SET SET_TEMP
#include "vm/vm_bodies_dst.inc"
#undef BODY
#undef SET
#define BODY(NAME) op_##NAME##_L:
#define SET SET_LOCAL
#include "vm/vm_bodies_dst.inc"
#undef BODY
#undef SET
#define BODY(NAME) op_##NAME:
#include "vm/vm_bodies.inc"
#undef BODY

do_leaf:
    v = vm_leaf_run(leaf, (PyFunctionObject *)vm_ptr(R[leaf->callee]), R);
    if (vm_likely(v != VM_NULL)) {
        SET_ANY(v);
        NEXT_N(1 + (int)vm_list_words(ip[1].op));
    }
    F->pc = ip;
    vm_leaf_failed(F, leaf);
    goto do_call;

do_direct:
    F->pc = ip;
    switch (vm_call_direct_again(A, F, &frame)) {
    case CALL_DONE:
        NEXT_AFTER(1 + (int)vm_list_words(ip[1].op));
    case CALL_PUSHED:
        goto run_pushed;
    case CALL_ERROR:
        goto error_at_pc;
    default:
        break;
    }
do_call: {
    F->pc = ip;
    VmCallStatus status = ip->op == VM_CALLX ? vm_callx_insn(A, F, &frame)
                                             : vm_call_insn(A, F, &frame);
    if (status == CALL_DONE) {
        int words = ip->op == VM_CALLX ? 1 : 1 + (int)vm_list_words(ip[1].op);
        if (vm_unlikely(A->delegate)) {
            F->pc = ip + words;
            goto leave_to_cpython;
        }
        NEXT_N(words);
    }
    if (status == CALL_ERROR)
        goto error;
    if (vm_unlikely(status == CALL_LEFT))
        goto hand_over_at_pc;
run_pushed:
    LOAD_FRAME(frame);
    if (vm_unlikely(F->flags & FRAME_GENERATOR)) {
        ip = F->pc;         /* behind its yield */
        NEXT;
    }
    ip = F->code->insns;
    NEXT_N(0);
}

do_return:
    if (vm_likely(F->kind_flags == 0)) {
        vm_release_locals(A, F, nlocals);
        VmFrame *done = F;
        PyFunctionObject *func = done->func;
        A->top = (char *)done;
        ++*A->left;
        unsigned dst = done->ret_dst;
        ip = done->ret_ip;
        LOAD_FRAME(done->prev);
        if (IS_TEMP(dst))
            R[dst] = returned;
        else {
            VmWord old = R[dst];
            R[dst] = returned;
            vm_release_in(A, F, old);
        }
        Py_DECREF(func);
        NEXT_N(0);
    }
    if (F->kind_flags == RET_ENTRY) {       /* nobody looked at it */
        vm_release_locals(A, F, nlocals);
        A->top = (char *)F;
        ++*A->left;
        result = vm_is_obj(returned) ? vm_ptr(returned) : vm_box(returned);
        Py_DECREF(F->func);
        return result;
    }
    if (F->kind_flags == FRAME_PLAIN_INIT && vm_is_none(returned)) {
        VmFrame *done = F;
        vm_release(returned);
        returned = done->aux;
        done->kind_flags = RET_VALUE;
        vm_leave_c(A);
        goto do_return;
    }
    if (F->kind == RET_HELD && (F->flags & ~FRAME_IN_C) == 0 && Py_REFCNT(vm_ptr(F->aux)) > 1) {
        Py_DECREF(vm_ptr(F->aux));
        if (F->flags & FRAME_IN_C)
            vm_leave_c(A);
        F->kind_flags = RET_VALUE;
        goto do_return;
    }
    if (F->kind >= RET_SPECIAL && (F->flags & ~FRAME_UNITS) == 0) {
        VmHow meaning = vm_how_of(F);
        VmWord aux = F->aux;
        frame = leave_plain(A, F);
        if (vm_special_returned(A, frame, meaning, aux, returned))
            goto resume_frame;
        goto error_in_frame;
    }
    if (F->kind > RET_ENTRY && (F->flags & ~FRAME_UNITS) == 0) {
        VmReturn ret = vm_return_of(F);
        frame = leave_plain(A, F);
        if (deliver_any(A, &frame, &ret, returned) == GO_ON)
            goto resume_frame;
        goto error_in_frame;
    }
    if ((F->flags & ~FRAME_UNITS) == FRAME_LINKED && vm_unlink_unseen(A, F))
        goto do_return;
    F->pc = ip;
    frame = F;
    switch (return_slow(A, &frame, returned, &result)) {
    case LEFT:
        return result;
    case RAISED:
        goto error_in_frame;
    default:
        goto resume_frame;
    }

do_yield:
    F->pc = ip;
    if (vm_likely((F->kind_flags & ~(FRAME_UNITS << 8)) == GEN_PLAIN && GEN_WAITED_FOR(F->spare)
                  && F->exc_below == NULL && Py_REFCNT(vm_ptr(F->aux)) > 1)) {
        VmFrame *done = F;
        vm_gen_leave_units(A, done);
        vm_gen_set_state(done, GEN_SUSPENDED);
        Py_DECREF(vm_ptr(done->aux));
        unsigned dst = done->ret_dst;
        ip = done->ret_ip;
        LOAD_FRAME(done->prev);
        done->prev = NULL;
        VmWord old = IS_TEMP(dst) ? VM_NULL : R[dst];
        R[dst] = returned;
        vm_release_in(A, F, old);
        NEXT_N(0);
    }
    if ((F->kind_flags & FRAME_GENERATOR << 8) && vm_gen_mode(F) == GEN_BY_FOLD
        && vm_fold_take(A, F, returned))
        NEXT;
    frame = F;
    switch (yield_slow(A, &frame, returned, &result)) {
    case LEFT:
        return result;
    case RAISED:
        goto error_in_frame;
    default:
        goto resume_frame;
    }

poll_and_go:        /* F->pc: where it is seen to happen */
    if (vm_poll(A, F) < 0)
        goto error_at_pc;
    NEXT_N(0);

tool_began:         /* in what the finished instruction let go of */
    F->pc = ip + (ip->op == VM_FOR_L ? vm_op_jump(ip, 1) : vm_op_words(ip));
    goto leave_to_cpython;

resume_frame:
    LOAD_FRAME(frame);
    if (vm_unlikely(A->delegate))
        goto leave_to_cpython;
    ip = F->pc;
    NEXT_N(0);

leave_to_cpython:   /* a tool is active: it sees the rest of this frame */
    step_to_boundary(A, F);
hand_over_at_pc:
    if (!vm_ready_to_hand_over(F, CPY_GOES_ON)) {
        ip = F->pc;
        goto *labels[ip->op];
    }
    frame = F;
    how = CPY_GOES_ON;
hand_over_now:
    switch (hand_over(A, &frame, how, &result)) {
    case LEFT:
        return result;
    case RAISED:
        goto error_in_frame;
    default:
        goto resume_frame;
    }

error:
    F->pc = ip;
error_at_pc:
    frame = F;
error_in_frame:
    if (A->pushed != NULL) {        /* no error: a special method is to be run first */
        frame = vm_take_pushed(A);
        goto resume_frame;
    }
    if (vm_raises_in_cpython(A) && !reraise && vm_ready_to_hand_over(frame, CPY_RAISES)) {
        how = CPY_RAISES;
        goto hand_over_now;
    }
    frame = vm_unwind(A, frame, reraise);
    reraise = 0;
    if (frame == NULL)
        return NULL;
    goto resume_frame;
}
