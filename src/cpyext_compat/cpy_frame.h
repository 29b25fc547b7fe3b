/* Frames as CPython sees them, and the thread state around them.
 *
 * A "shadow frame" is a _PyInterpreterFrame in memory of ours, linked into the
 * thread's chain so that tracebacks, sys._getframe(), locals() and the debuggers
 * find what they expect.  CPython never owns it: code, function, namespaces are
 * borrowed from whoever runs the code, and the shadow is unlinked before its
 * memory goes.  Unsynced slots are NULL, with the stack top at 0.
 *
 * cpy_frame_3NN.h holds what differs between versions; the names are the same in
 * all four.
 */
#ifndef CPY_FRAME_H
#define CPY_FRAME_H

#include "cpyext_compat/cpy_version.h"

#include "frameobject.h"
#include "internal/pycore_code.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_pystate.h"

#include <stddef.h>

typedef struct _PyInterpreterFrame CpyFrame;

/* bytes before the slots; a frame with n slots takes CPY_FRAME_HEADER + n words */
#define CPY_FRAME_HEADER offsetof(CpyFrame, localsplus)

#if CPY_MINOR == 311
#  include "cpyext_compat/cpy_frame_311.h"
#elif CPY_MINOR == 312
#  include "cpyext_compat/cpy_frame_312.h"
#elif CPY_MINOR == 313
#  include "cpyext_compat/cpy_frame_313.h"
#else
#  include "cpyext_compat/cpy_frame_314.h"
#endif

/* From the version's file:
 *
 *   CpyFrame *cpy_top_frame(ts)                 void cpy_set_top_frame(ts, f)
 *   CpySlot                                     a variable's or stack place
 *   CPY_SLOT_NULL   cpy_slot_take(object)       cpy_slot_object(slot) -> borrowed
 *   cpy_slot_dup(slot) -> owned                 void cpy_slot_close(slot)
 *   int cpy_slot_lasti(&slot, word)
 *   void cpy_frame_init_specials(f, func, co, globals, builtins)   all borrowed
 *   void cpy_frame_own_specials(f, func, co)    turns them into owned ones
 *   cpy_frame_code(f), cpy_frame_func(f)        -> borrowed
 *   void cpy_frame_set_word(f, co, word)        int cpy_frame_word(f, co)
 *   void cpy_frame_set_stacktop(f, co, n)       int cpy_frame_stacktop(f, co)
 *   int *cpy_recursion_left(ts)                 the counter of Python frames left
 *   const CpyBreaker *cpy_eval_breaker_ptr(ts)  something is pending when
 *                                               *ptr & CPY_EVAL_BREAKER_MASK
 *   int cpy_handle_pending(ts)                  0, or -1: a signal handler raised, ...
 *   int cpy_tracing(ts)                         a trace, profile or monitoring tool
 *   int cpy_is_raised(ts)                       an exception is pending
 *   PyObject *cpy_take_raised(ts)               -> new, normalised, traceback set;
 *                                               NULL when nothing is raised
 *   void cpy_set_raised(ts, exc)                takes exc
 */

/* Everything is borrowed.  `locals` is for code without CO_OPTIMIZED (modules,
   classes, exec); the f_locals of optimized code belongs to the frame: NULL at
   first, then a lazy dict of cpy_lazy_locals.h or the snapshot CPython 3.11 and 3.12
   make. */
static inline void
cpy_frame_init_of(CpyFrame *f, PyFunctionObject *func, PyCodeObject *co,
                  PyObject *globals, PyObject *builtins, PyObject *locals,
                  CpyFrame *previous, unsigned n_variables)
{
    cpy_frame_init_specials(f, func, co, globals, builtins);
    f->f_locals = locals;
    f->frame_obj = NULL;
    f->previous = previous;
    f->owner = FRAME_OWNED_BY_THREAD;
    cpy_frame_set_stacktop(f, co, 0);
    /* readers of locals look at all of them, whatever the stack top says */
    for (unsigned i = 0; i < n_variables; i++) {
        f->localsplus[i] = CPY_SLOT_NULL;
        __asm__("" : : : "memory");     /* a few stores, not a memset */
    }
}

/* The same, asking the code how many variables there are. */
static inline void
cpy_frame_init(CpyFrame *f, PyFunctionObject *func, PyCodeObject *co, PyObject *globals,
               PyObject *builtins, PyObject *locals, CpyFrame *previous)
{
    cpy_frame_init_of(f, func, co, globals, builtins, locals, previous,
                      (unsigned)co->co_nlocalsplus);
}

/* f is the one inside a generator object. */
static inline void
cpy_frame_set_owned_by_generator(CpyFrame *f)
{
    f->owner = FRAME_OWNED_BY_GENERATOR;
}

static inline CpyFrame *
cpy_frame_previous(CpyFrame *f)
{
    return f->previous;
}

static inline void
cpy_frame_set_previous(CpyFrame *f, CpyFrame *previous)
{
    f->previous = previous;
}

static inline PyFrameObject *                   /* -> borrowed from f, or NULL */
cpy_frame_object(CpyFrame *f)
{
    return f->frame_obj;
}

static inline void                      /* takes o; what was there is the caller's */
cpy_frame_set_object(CpyFrame *f, PyFrameObject *o)
{
    f->frame_obj = o;
}

/* State that would be lost with the object, even if only the frame holds it. */
static inline int
cpy_frame_object_in_use(PyFrameObject *o)
{
#if PY_VERSION_HEX >= 0x030D0000
    if (o->f_extra_locals != NULL || o->f_locals_cache != NULL)
        return 1;
#endif
    return o->f_trace != NULL || o->f_lineno != 0 || o->f_trace_opcodes
           || !o->f_trace_lines;
}

static inline PyObject *                        /* -> borrowed from f, or NULL */
cpy_frame_locals(CpyFrame *f)
{
    return f->f_locals;
}

static inline void              /* optimized code: takes locals; other: borrows */
cpy_frame_set_locals(CpyFrame *f, PyObject *locals)
{
    f->f_locals = locals;
}

static inline PyObject *                        /* -> borrowed from f, or NULL */
cpy_frame_slot_get(CpyFrame *f, int i)
{
    return cpy_slot_object(f->localsplus[i]);
}

static inline void              /* takes v, may be NULL; does not release the old one */
cpy_frame_slot_set(CpyFrame *f, int i, PyObject *v)
{
    f->localsplus[i] = cpy_slot_take(v);
}

/* The same for a saved f_lasti.  0, or -1 with MemoryError, the slot NULL. */
static inline int
cpy_frame_slot_set_lasti(CpyFrame *f, int i, uint32_t word)
{
    f->localsplus[i] = CPY_SLOT_NULL;
    return cpy_slot_lasti(&f->localsplus[i], word);
}

static inline void
cpy_frame_slot_clear(CpyFrame *f, int i)
{
    CpySlot old = f->localsplus[i];
    f->localsplus[i] = CPY_SLOT_NULL;
    cpy_slot_close(old);
}

/* Releases what f owns: slots [0, stacktop) and the f_locals of optimized code. */
void cpy_frame_drop(CpyFrame *f, PyCodeObject *co);

/* Frame exit while others hold the frame object.  f is unlinked already (top frame
   set to its previous: destructors may walk the chain); previous NULL means a
   finished generator, which has no f_back.  All locals are boxed in slots [0,
   nlocalsplus), owned by f.
   -> 1: they moved to the frame object together with f_locals, f keeps nothing.
   -> 0: nobody else held it, or there was none: slots and f_locals are the caller's
   to drop.  f's reference to the frame object is gone either way; a pending
   exception stays pending. */
int cpy_frame_take_ownership(PyThreadState *ts, CpyFrame *f, PyCodeObject *co,
                             PyFunctionObject *func);

/* The counter *cpy_recursion_left() went below 0: -1 with RecursionError, or 0 when
   CPython would let it pass, as it does while a RecursionError is being made. */
int cpy_recursion_error(PyThreadState *ts, const char *where);

/* The thread state that holds the GIL, without a call where CPython exports what it takes. */
static inline PyThreadState *
cpy_thread_state(void)
{
    return PY_VERSION_HEX < 0x030C0000 ? _PyThreadState_GET() : PyThreadState_Get();
}

/* Around an evaluator on the C stack, in versions that count those apart from Python's frames:
   0, or -1 with RecursionError. */
static inline int
cpy_enter_evaluator(void)
{
    return CPY_SEPARATE_C_RECURSION ? Py_EnterRecursiveCall("") : 0;
}

static inline void
cpy_leave_evaluator(void)
{
    if (CPY_SEPARATE_C_RECURSION)
        Py_LeaveRecursiveCall();
}

static inline int
cpy_eval_breaker(PyThreadState *ts)
{
    return (int)(__atomic_load_n(cpy_eval_breaker_ptr(ts), __ATOMIC_RELAXED)
                 & CPY_EVAL_BREAKER_MASK);
}

/* A hook that only counts, for tests; or NULL. */
extern _PyFrameEvalFunction cpy_tolerated_hook;

/* somebody else's PEP 523 hook is installed */
static inline int
cpy_foreign_eval_hook(PyThreadState *ts)
{
    _PyFrameEvalFunction hook = ts->interp->eval_frame;
    return hook != NULL && hook != _PyEval_EvalFrameDefault && hook != cpy_tolerated_hook;
}

/* Did a CALL of CPython's pass these arguments?  Up to 3.11 it enters functions without asking
   for their vectorcall, unless there is a hook. */
static inline int
cpy_called_by_instruction(PyThreadState *ts, PyObject *const *args)
{
#if PY_VERSION_HEX < 0x030C0000
    CpyFrame *f = cpy_top_frame(ts);
    if (f == NULL)
        return 0;
    PyCodeObject *co = cpy_frame_code(f);
    return args >= f->localsplus && args <= f->localsplus + co->co_nlocalsplus + co->co_stacksize;
#else
    return 0;
#endif
}

/* the innermost handled exception's place; generators push their own */
static inline _PyErr_StackItem *                /* -> borrowed from the thread */
cpy_exc_info(PyThreadState *ts)
{
    return ts->exc_info;
}

static inline void
cpy_set_exc_info(PyThreadState *ts, _PyErr_StackItem *item)
{
    ts->exc_info = item;
}

#endif
