/* Stencils joined to the code of a function. */
#ifndef JIT_PATCH_H
#define JIT_PATCH_H

#include "jit/jit_mcode.h"
#include "jit/jit_stencil.h"

typedef struct {
    JitMcode mcode;
    uint32_t n_joined;      /* instructions that have a stencil */
    uint32_t n_left;        /* that don't: there the interpreter goes on */
} JitCode;

/* From the function's first instruction on, as they come.  0; or -1 with MemoryError, OSError,
   or RuntimeError where there are no stencils that fit. */
int jit_join(const VmCode *code, JitCode *out);
StencilExit jit_enter(const JitCode *code, VmAct *A, VmFrame *f);   /* f at its first instruction */
void jit_code_free(JitCode *code);                                  /* safe on a zeroed one */

/* For tests: func(*args) through its stencils, and by the interpreter from where they are left.
   *why is how.  -> new */
PyObject *jit_run_joined(const JitCode *code, PyFunctionObject *func, PyObject *const *args,
                         size_t n, StencilWhy *why);

#endif
