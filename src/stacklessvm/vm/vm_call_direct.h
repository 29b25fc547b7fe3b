/* Calls without the layers between: of C functions, and of what a site has seen before. */
#ifndef VM_CALL_DIRECT_H
#define VM_CALL_DIRECT_H

#include "cpyext_compat/cpy_eval.h"
#include "vm/vm_builtin.h"
#include "vm/vm_call.h"
#include "vm/vm_call_out.h"
#include "vm/vm_ic.h"
#include "vm/vm_shadow.h"
#include "vm/vm_num.h"

/* The CALL or CALLM at f->pc where the function was called before (CALL_DIRECT).  CALL_DONE,
   CALL_PUSHED and CALL_ERROR: callee, self and operands are taken.  CALL_NOT_MINE: nothing was done. */
typedef VmCallStatus (*VmDirectWay)(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed);
extern const VmDirectWay vm_direct_ways[];      /* by VM_DIRECT_WAY() */
static inline VmCallStatus
vm_call_direct_again(VmAct *A, VmFrame *f, VmFrame **pushed)
{
    VmCache *c = vm_cache(f, f->pc->c);
    return vm_direct_ways[c->u.call.how](A, f, c, pushed);
}

/* Those that push frames (vm_call_frames.c, vm_call_check.c): of a class, of send(), of isinstance(). */
VmCallStatus vm_call_class_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed);
VmCallStatus vm_call_send_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed);
VmCallStatus vm_call_check_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed);
/* The next call of cls at the site comes there, if it is of that kind. */
void vm_remember_class(VmCache *c, PyTypeObject *cls);
void vm_remember_send(VmFrame *f);
/* 1 if the next call at f's pc comes there, as this one is of isinstance() or issubclass(). */
int vm_remember_check(VmFrame *f);

/* -> the callee of a CALL or CALLM, borrowed; *self: what comes before the arguments, or VM_NULL */
static inline VmWord
vm_callee_of(const VmFrame *f, const VmInsn *ip, VmWord *self)
{
    VmWord callee = f->regs[ip->b];
    *self = VM_NULL;
    if (ip->op != VM_CALLM)
        return callee;
    VmWord second = f->regs[ip->b + 1];
    if (CPY_CALL_NULL_FIRST ? callee == VM_NULL : second == VM_NULL)
        return CPY_CALL_NULL_FIRST ? second : callee;
    *self = second;
    return callee;
}

/* Does the call take the callee's reference? */
static inline int
vm_callee_moves(VmFrame *f, const VmInsn *ip)
{
    return ip->op == VM_CALLM || vm_is_temp(f, ip->b);
}

/* The callable has been computed from words (vm_builtin.h): the next call here comes to
   vm_call_direct_again() too. */
void vm_remember_computed(VmFrame *f, const VmBuiltin *b);

/* A builtin function, or a method of a C type with its object as args[0]; nothing is taken when
   *done is 0 afterwards.  DONE_QUIETLY: the frame was not shown, and vm_after() is not for it: what is
   kept for those who look at it is as old as the last boundary.  -> new */
enum { DONE_QUIETLY = 2 };
PyObject *vm_call_direct(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, int *done);

/* After a call without keywords in the general way: if it was of such an object, the next one at the
   site need not be. */
void vm_remember_vectorcall(VmFrame *f, PyObject *callee);

/* Words become objects, in place.  0, or -1 with MemoryError (what was boxed stays). */
int vm_box_words(VmFrame *f, VmWord *args, size_t n);

static inline void
vm_release_words(VmWord *args, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vm_release(args[i]);
}

/* Outgoing arguments stand in the slots CPython's stack would use: two free, then n. */
static inline VmWord *
vm_out_area(VmFrame *f)
{
    char *slots = (f->flags & FRAME_GENERATOR ? (char *)vm_gen_shadow(f)
                                              : (char *)f + f->code->shadow_offset)
                  + CPY_FRAME_HEADER;
    return (VmWord *)slots + f->code->nlocals + VM_OUT_FREE;
}

/* The object in the destination. takes o, NULL: exception */
static inline VmCallStatus
vm_finish(VmAct *A, VmFrame *f, PyObject *o, const VmReturn *ret)
{
    if (o == NULL)
        return CALL_ERROR;
    if (ret->kind == RET_DISCARD)
        Py_DECREF(o);
    else
        vm_set_any(A, f, ret->dst, vm_unbox_unique(o));
    return CALL_DONE;
}

/* Signals may have arrived in C code.  takes o and gives it back, or NULL: an exception */
static inline PyObject *
vm_after_c(VmAct *A, VmFrame *f, PyObject *o)
{
    if (vm_poll_is_due(A) && o != NULL && vm_poll(A, f) < 0)
        Py_CLEAR(o);
    return o;
}

/* The end of every call of C code: tools may have become active too. */
static inline VmCallStatus
vm_finish_c(VmAct *A, VmFrame *f, PyObject *o, const VmReturn *ret)
{
    A->delegate = vm_must_delegate(A->ts) != NULL;
    return vm_finish(A, f, vm_after_c(A, f, o), ret);
}

#endif
