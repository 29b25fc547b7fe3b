/* Result arrays: array.array without its constructor's detour, where that is safe.
 *
 * There is no C API for array.array.  Its struct has been the same since 3.10; a
 * self-check at import compares a live array with this picture, and anything unexpected
 * (another interpreter, a free-threaded build, a changed layout) turns the direct path
 * off: then arrays are made by calling array.array and reached through their buffers.
 */
#ifndef FA_ARRAY_H
#define FA_ARRAY_H

#include "fa_view.h"

/* Finds array.array and checks its layout; st->direct says the outcome. */
int fa_array_setup(FaState *st);
/* At import, if array is imported already: it takes three times as long as this module,
 * and who has bytes or NumPy arrays may never need it. */
int fa_array_setup_if_there(FaState *st);
static inline int
fa_array_need(FaState *st)
{
    return st->array_type != NULL ? 0 : fa_array_setup(st);
}

/* A result under construction: write n elements at ptr, then finish with how many are
 * meant to stay, or drop it.  Nobody else sees the array in between. */
typedef struct {
    PyObject *array; /* owned */
    char *ptr;
    Py_ssize_t n;
    unsigned size;
    char code;
    int direct;
    Py_buffer buffer;
} FaResult;

#define FA_RESULT_INIT(r) ((r)->array = NULL)

/* Room for n elements and `slack` bytes past them. */
int fa_result_new(FaState *st, FaResult *r, char code, Py_ssize_t n, size_t slack);
PyObject *fa_result_finish(FaState *st, FaResult *r, Py_ssize_t n); /* -> new */
void fa_result_drop(FaResult *r);

#endif
