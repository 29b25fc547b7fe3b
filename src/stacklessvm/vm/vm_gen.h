/* Generators: frames that live in an object.
 *
 *   | PyGenObject with its frame (our shadow) and slots | VmFrame | registers |
 *
 * The types are static subtypes of CPython's, so isinstance, inspect and asyncio see
 * generators; CPython's own state field is parked at "cleared", ours is in the VmFrame.
 */
#ifndef VM_GEN_H
#define VM_GEN_H

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_gen.h"
#include "vm/vm_frame.h"

typedef enum { GEN_CREATED,
               GEN_SUSPENDED,
               GEN_RUNNING,
               GEN_DONE } VmGenState;

/* Who resumed: what a yield or the end means.  ORDER: GEN_WAITED_FOR */
typedef enum {
    GEN_BY_FOR,         /* a FOR instruction of the frame below */
    GEN_BY_SEND,        /* a SEND instruction */
    GEN_BY_CALL,        /* next(g) or g.send(v), called by the frame below */
    GEN_BY_C,           /* vm_run returns */
    GEN_BY_FOLD,        /* a builtin, called by the frame below, that takes all it yields (vm_fold.h) */
    GEN_BY_ASEND,       /* a SEND instruction, through an asend object */
} VmGenMode;

extern PyTypeObject VmGen_Type;         /* generators */
extern PyTypeObject VmGenCoro_Type;     /* generators made awaitable by types.coroutine */
extern PyTypeObject VmCoro_Type;        /* coroutines */
extern PyTypeObject VmAsyncGen_Type;    /* async generators */

/* c of a YIELD instruction */
enum { YIELD_PLAIN,
       YIELD_DELEGATING,
       YIELD_ASYNC };

/* What a FOR instruction or `yield from` may resume as a generator. */
static inline int
vm_is_gen(PyObject *o)
{
    return Py_IS_TYPE(o, &VmGen_Type) || Py_IS_TYPE(o, &VmGenCoro_Type);
}

/* Any object with a VM frame in it. */
static inline int
vm_has_gen_frame(PyObject *o)
{
    return vm_is_gen(o) || Py_IS_TYPE(o, &VmCoro_Type) || Py_IS_TYPE(o, &VmAsyncGen_Type);
}

/* How many slots its shadow has. */
static inline size_t
vm_gen_slots(PyCodeObject *co)
{
    return (size_t)cpy_code_nlocalsplus(co) + (size_t)cpy_code_stacksize(co) + VM_OUT_FREE;
}

static inline VmFrame *
vm_gen_frame(PyObject *gen)
{
    char *slots = (char *)cpy_gen_iframe(gen) + CPY_FRAME_HEADER;
    return (VmFrame *)(slots + vm_gen_slots(cpy_gen_code(gen)) * sizeof(PyObject *));
}

static inline PyObject *                                /* -> borrowed */
vm_gen_self(VmFrame *gf)
{
    return vm_ptr(gf->aux);
}

int vm_gen_init_types(void);
int vm_coro_init_types(void);           /* vm_coro.c; this and the next two: from vm_gen_init_types */
int vm_async_gen_init_types(void);
int vm_await_init_types(void);
int vm_gen_base_init(void);             /* vm_gen_base.c, after those */

/* GEN: move frame f into a new generator and leave it.  -> new */
PyObject *vm_gen_new(VmAct *A, VmFrame *f);

/* Make the generator's frame the running one, `value` (taken) the result of its yield.
   NULL: exception (already running, recursion). */
VmFrame *vm_gen_resume(VmAct *A, VmFrame *f, PyObject *gen, VmWord value, VmGenMode mode);
/* The same by the FOR, the SEND at f->pc.  NULL: nothing was done, it doesn't wait or there is no
   room for it */
VmFrame *vm_gen_next(VmAct *A, VmFrame *f, PyObject *gen);
VmFrame *vm_gen_sent(VmAct *A, VmFrame *f, PyObject *gen);
/* The frame of a generator that waits on top; its yield's destination is not written yet.  It is in
   the list of what handles exceptions.  0 / -1 */
int vm_gen_activate(VmAct *A, VmFrame *f, VmFrame *gf, VmGenMode mode);
/* A running one, whose exc_below is NULL, comes into that list. */
void vm_gen_push_exc(VmAct *A, VmFrame *gf);
/* Everything its frame holds is released, in CPython's order. */
void vm_gen_clear(VmAct *A, VmFrame *gf);
/* It runs no more: what it took of the recursion limit is given back. */
static inline void
vm_gen_leave_units(VmAct *A, VmFrame *gf)
{
    if (vm_likely(!(gf->flags & (FRAME_UNITS | FRAME_UNCOUNTED)))) {
        ++*A->left;
        return;
    }
    *A->left += vm_frame_units(gf) - (gf->flags & FRAME_UNCOUNTED ? 1 : 0);
    gf->flags &= (uint8_t) ~(FRAME_UNITS | FRAME_UNCOUNTED);
}

static inline VmGenState
vm_gen_state(VmFrame *gf)
{
    return (VmGenState)(gf->spare & 0xFF);
}

static inline void
vm_gen_set_state(VmFrame *gf, VmGenState state)
{
    gf->spare = (gf->spare & ~0xFFu) | state;
}

static inline VmGenMode
vm_gen_mode(VmFrame *gf)
{
    return (VmGenMode)(gf->spare >> 8);
}

/* kind_flags and spare of one that nobody looked at, run by an instruction of the frame below,
   where what it yields goes into a register. */
#define GEN_PLAIN (RET_GENERATOR | FRAME_GENERATOR << 8)
#define GEN_WAITED_FOR(spare) ((spare) < (uint32_t)GEN_BY_C << 8)

/* The running generator frame stops with a yield: out of the chain of frames. */
void vm_gen_suspend(VmAct *A, VmFrame *gf);
/* It ends (value or exception): everything it holds is released. */
void vm_gen_finish(VmAct *A, VmFrame *gf);
/* StopIteration must not leave a generator: up to 3.11 this sees to it, later its own code. */
void vm_gen_convert_stop(VmFrame *gf);
int vm_stop_error(VmFrame *gf, VmWord *result);                 /* STOPERR: 0 / -1 */
int vm_cleanup_throw(VmAct *A, VmFrame *f);                     /* CTHROW: 0, -2 re-raise */
/* What __class__ and type() answer.  -> borrowed, NULL: not one of ours */
PyTypeObject *vm_public_type(PyObject *o);

/* -- leaving it to CPython (vm_handover.c) ------------------------------------------------ */

/* One that doesn't run becomes a generator of CPython's: same object, same frame object.
   0, or -1 with MemoryError */
int vm_gen_become(PyObject *gen);
/* It is CPython's, or became so now: a tool wants to see it run. */
int vm_gen_is_theirs(PyObject *gen);

/* -- the same object from C: slots and methods of all four types ----------------------- */

/* StopIteration with the value (taken) of a generator that returned. */
void vm_gen_set_stop(VmWord value);
/* That for a value returned (taken), when `status` says so: NULL.  Else result. */
PyObject *vm_gen_yielded_or_stop(PySendResult status, PyObject *result);
PyObject *vm_gen_iternext(PyObject *gen);
void vm_gen_already_executing(PyObject *gen);
/* The iterator a suspended `yield from` waits for.  -> borrowed, or NULL */
PyObject *vm_gen_delegate(VmFrame *gf);
PySendResult vm_gen_am_send(PyObject *gen, PyObject *arg, PyObject **result);
PyObject *vm_gen_send(PyObject *gen, PyObject *arg);
PyObject *vm_gen_throw(PyObject *gen, PyObject *const *args, Py_ssize_t n);
/* throw() that leaves a delegate open when GeneratorExit is thrown; status as am_send's */
PySendResult vm_gen_throw_status(PyObject *gen, PyObject *const *args, Py_ssize_t n,
                                 int close_delegate, PyObject **result);
PyObject *vm_gen_close(PyObject *gen, PyObject *ignored);
void vm_gen_dealloc(PyObject *gen);
int vm_gen_traverse(PyObject *gen, visitproc visit, void *arg);
void vm_gen_finalize(PyObject *gen);
PyObject *vm_gen_get_frame(PyObject *gen, void *ignored);
PyObject *vm_gen_get_running(PyObject *gen, void *ignored);
PyObject *vm_gen_get_suspended(PyObject *gen, void *ignored);
PyObject *vm_gen_get_delegate(PyObject *gen, void *ignored);
PyObject *vm_gen_get_class(PyObject *gen, void *ignored);
/* It waits for something it delegates to or awaits. */
int vm_gen_is_awaiting(PyObject *gen);
/* It is suspended at a yield of an async generator's own (not of something awaited). */
int vm_gen_at_async_yield(PyObject *gen);

/* -- thrown into through CPython's generators (vm_gen_through.c) ---------------------------- */

/* throw() of one of CPython's. */
PyObject *vm_gen_throw_through(PyObject *gen, PyObject *const *args, Py_ssize_t n,
                               _PyCFunctionFast theirs);
/* Such a one made an object that can throw into it, `sent`: when it is sent to, too.  Given back, or NULL
   where it is NULL or with SystemError.  takes */
PyObject *vm_gen_step_made(PyObject *step, int sent);
/* The frame of the one that is thrown through into ours goes on the stack.  -> what to hide again, or
   NULL */
CpyFrame *vm_gen_show_waiting(PyThreadState *ts, PyObject *delegate);
void vm_gen_hide_waiting(PyThreadState *ts, CpyFrame *frame);

/* -- awaiting (vm_await.c), and what is awaited (vm_coro.c, vm_async_gen.c) ----------------------------------------------------------------- */

int vm_get_awaitable(VmAct *A, VmFrame *f, VmWord *result);     /* AWAITBL */
int vm_get_aiter(VmAct *A, VmFrame *f, VmWord *result);         /* AITER */
int vm_get_anext(VmAct *A, VmFrame *f, VmWord *result);         /* ANEXT */
/* The same where __anext__ (of the first of both) was a frame and returned v (taken).  VM_NULL:
   exception */
VmWord vm_anext_answer(VmAct *A, VmFrame *f, VmWord both, VmWord v);
PyObject *vm_anext_default(PyObject *builtin, PyObject *it, PyObject *value);   /* -> new */
int vm_end_async_for(VmAct *A, VmFrame *f);     /* ENDAF: 0, -2 re-raise */
/* A SEND to the asend object of one of our async generators: the frame to run, or NULL;
   *general 1: not for us, send the general way. */
VmFrame *vm_asend_resume(VmAct *A, VmFrame *f, PyObject *receiver, VmWord value, int *general);
/* Its outcome: the asend object is used up. */
void vm_asend_done(PyObject *receiver, PyObject *gen);
/* What CPython's code waits for (takes): one of ours in place of the object that it needs to await it.
   -> new, NULL for NULL */
PyObject *vm_coro_awaited(PyObject *o);
/* Has it an iterator?  Coroutines have none, whatever their slot says. */
static inline int
vm_has_iter(PyObject *o)
{
    return Py_TYPE(o)->tp_iter != NULL && !Py_IS_TYPE(o, &VmCoro_Type);
}
/* coro.__await__(), which doesn't ask whether it is awaited already */
PyObject *vm_coro_await(PyObject *coro);
PyObject *vm_async_gen_asend(PyObject *gen, PyObject *value);
PyObject *vm_async_gen_athrow(PyObject *gen, PyObject *args);
PyObject *vm_async_gen_aclose(PyObject *gen, PyObject *ignored);
/* "generator", "coroutine" or "async generator" */
const char *vm_gen_noun(PyObject *gen);

#endif
