/* Per-module state, and the handful of things every entry point needs from it.
 *
 * Written once (at import; what array.array is, when it is first needed), but for the
 * counters (relaxed atomics), what the test hooks switch, and `lambdas`, which the GIL
 * protects and free-threaded builds do without.
 */
#ifndef FA_STATE_H
#define FA_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fa_dispatch.h"

typedef struct FaState {
    const FaKernels *kernels;
    PyTypeObject *array_type;    /* owned: array.array, NULL until it is needed */
    const void *array_descr[128]; /* borrowed from array_type's module, by typecode */
    int direct;                  /* array.array's layout passed the self-check */
    struct FaLambdaCache *lambdas; /* owned; fa_lambda.c */
    struct FaNames *names;       /* owned; builtins and operators fa_lambda.c knows */
    PyTypeObject *arrow_type;    /* owned; what to_arrow() returns */
    PyTypeObject *foreign_type;  /* owned; what from_arrow() views look at */
    uint64_t kernel_blocks, python_blocks;
} FaState;

static inline void
fa_add_blocks(uint64_t *counter, uint64_t n)
{
#ifdef Py_GIL_DISABLED
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
#else
    *counter += n;
#endif
}

static inline FaState *
fa_state(PyObject *module)
{
    return (FaState *)PyModule_GetState(module);
}

/* -- Arguments ------------------------------------------------------------------ */

/* What a function takes: `required` of `positional` names first (the first `unnamed` of
 * them positional-only), then keyword-only ones up to the NULL. */
typedef struct {
    const char *function;
    int required, positional, unnamed;
    const char *names[8];
} FaSpec;

/* Fills out[] (borrowed from the caller's arguments; NULL where absent). */
int fa_args_parse(const FaSpec *spec, PyObject *const *args, Py_ssize_t nargs,
                  PyObject *kwnames, PyObject **out);

#define FA_FUNCTION(name)                                                                \
    PyObject *fa_##name(PyObject *module, PyObject *const *args, Py_ssize_t nargs,       \
                        PyObject *kwnames)

#endif
