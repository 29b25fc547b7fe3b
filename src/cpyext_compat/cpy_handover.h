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
 * make the stack as CPython would, and hand over at the handler.
 */
PyObject *cpy_handover(PyThreadState *ts, CpyFrame *src, PyFunctionObject *func,
                       PyCodeObject *co, uint32_t word, int depth);

#endif
