/* A running frame of ours goes on in CPython's own evaluator.
 *
 * For an instruction that isn't supported, the last exit of compiled code, and the
 * hostile build.  Only the innermost frame moves; its callers stay linked shadows.
 */
#ifndef CPY_HANDOVER_H
#define CPY_HANDOVER_H

#include "cpyext_compat/cpy_frame.h"

/* Runs src from `word` to its end -> new, or NULL with an exception.
 *
 * Before: src is the thread's top frame, its callers are linked; slots [0, nlocalsplus)
 * are its variables and the next `depth` its stack, boxed and owned by src (NULL where
 * CPython has NULL, cpy_slot_lasti() where it has a saved f_lasti); memory for
 * co_stacksize of them.  `word` is where CPython could go on: the first word of a
 * group, not between KW_NAMES and its CALL (cpy_resume_word()); a caller whose callee
 * is done goes on behind the call, CpyInsn.next, with the result on its stack.
 * Exceptions being handled are in cpy_exc_info() and in the slots that PUSH_EXC_INFO
 * filled.  A lazy-locals trap is taken away here.
 *
 * After: src is unlinked and owns nothing; the frame object, if there was one, is the
 * same and has the variables as they were at the end.  cpy_recursion_left() is as
 * before: the unit that src holds is still the caller's to give back.
 *
 * An exception in flight is not passed on: look the handler up (cpy_find_handler()),
 * make the stack as CPython would, and hand over at the handler.  Unless a trace function is
 * to see it (CPY_HANDS_OVER_RAISING, cpy_trace_function()): then the pending exception
 * is raised at `word`, whose instruction has consumed its operands, and the
 * traceback entry, the event and the handler are CPython's business.
 */
typedef enum {
    CPY_GOES_ON,
    CPY_RAISES,         /* the instruction raised */
    CPY_THROWN,         /* throw() or close() of a generator, at its yield */
} CpyHandover;

PyObject *cpy_handover(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func,
                       PyCodeObject *co, uint32_t word, int depth, CpyHandover how);

/* 3.12 and later say "thrown into" when an evaluator starts with an exception. */
#define CPY_HANDS_OVER_RAISING (PY_VERSION_HEX < 0x030C0000)

/* sys.settrace() or its like is on, and not running itself */
static inline int
cpy_trace_function(PyThreadState *ts)
{
    return ts->c_tracefunc != NULL && ts->tracing == 0;
}

/* The top frame leaves with the pending exception, or with what a profiler raises when it is told;
   a trace function is told by the frame's handover. */
void cpy_profile_unwind(PyThreadState *ts);
/* The pending StopIteration ends a loop: a trace function is told. */
void cpy_trace_exception(PyThreadState *ts);

/* A generator, coroutine or async generator of a subtype of ours (cpy_gen.h) becomes one of its
   base type, which from then on is all CPython's.

   Before: its frame is linked, in gi_iframe, with variables and `depth` stack slots as for
   cpy_handover(); f_locals of code that is not optimized is owned.  cpy_gen_become(): it waits at
   `word`, its making or a yield.  cpy_gen_go_on(): it runs, as the thread's top frame, and goes
   on at `word` until it yields, returns or raises: -> new, or NULL with an exception;
   *yielded 1: it waits again.  An async generator's own yield comes wrapped
   (cpy_async_unwrap()).  cpy_exc_info() is the caller's to restore. */
void cpy_gen_become(PyObject *gen, PyFunctionObject *func, PyCodeObject *co, uint32_t word,
                    int depth, int is_new);
PyObject *cpy_gen_go_on(PyThreadState *ts, PyObject *gen, PyFunctionObject *func,
                        PyCodeObject *co, uint32_t word, int depth, CpyHandover how,
                        int *yielded);

#endif
