/* Generators of ours in the hands of CPython's own functions for them: `type(g).send(g, x)`,
 * `frame.clear()`.
 *
 * Ours are subtypes, so the functions of the base types may be called with them; they would find
 * a generator that has ended.  So each is preceded by a look at the type.
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_swap.h"

/* TWO(NAME, ...): theirs, which is swapped out, and the function in its place */
#define TWO_UNARY(NAME, TYPE, MINE) \
    static unaryfunc NAME##_theirs; \
    static PyObject *NAME(PyObject *gen) \
    { \
        return TYPE(gen) ? MINE(gen) : NAME##_theirs(gen); \
    }
#define TWO(NAME, TYPE, MINE) \
    static PyCFunction NAME##_theirs; \
    static PyObject *NAME(PyObject *gen, PyObject *arg) \
    { \
        return TYPE(gen) ? MINE(gen, arg) : NAME##_theirs(gen, arg); \
    }
#define TWO_FAST(NAME, TYPE, MINE) \
    static _PyCFunctionFast NAME##_theirs; \
    static PyObject *NAME(PyObject *gen, PyObject *const *args, Py_ssize_t n) \
    { \
        return TYPE(gen) ? MINE(gen, args, n) : NAME##_theirs(gen, args, n); \
    }

#define IS_CORO(o) Py_IS_TYPE(o, &VmCoro_Type)
#define IS_ASYNC(o) Py_IS_TYPE(o, &VmAsyncGen_Type)

TWO_UNARY(gen_next, vm_is_gen, VmGen_Type.tp_iternext)
TWO(gen_send, vm_is_gen, vm_gen_send)
TWO_FAST(gen_throw, vm_is_gen, vm_gen_throw)
TWO(gen_close, vm_is_gen, vm_gen_close)
TWO_UNARY(coro_await, IS_CORO, vm_coro_await)
TWO(coro_send, IS_CORO, vm_gen_send)
TWO_FAST(coro_throw, IS_CORO, vm_gen_throw)
TWO(coro_close, IS_CORO, vm_gen_close)
TWO_UNARY(async_next, IS_ASYNC, VmAsyncGen_Type.tp_as_async->am_anext)
TWO(async_send, IS_ASYNC, vm_async_gen_asend)
TWO(async_throw, IS_ASYNC, vm_async_gen_athrow)
TWO(async_close, IS_ASYNC, vm_async_gen_aclose)

/* frame.clear() ends a waiting generator: it is CPython's from here on. */
static PyCFunction frame_clear_theirs;

static PyObject *
frame_clear(PyObject *frame, PyObject *unused)
{
    PyObject *gen = cpy_frame_generator((PyFrameObject *)frame);
    if (gen != NULL && vm_has_gen_frame(gen)) {
        if (vm_gen_state(vm_gen_frame(gen)) == GEN_RUNNING) {
            PyErr_SetString(PyExc_RuntimeError, "cannot clear an executing frame");
            return NULL;
        }
        if (vm_gen_become(gen) < 0)
            return NULL;
    }
    return frame_clear_theirs(frame, unused);
}

int
vm_gen_base_init(void)
{
    static const struct {
        PyTypeObject *type;
        const char *name;
        void *mine;
        void *theirs;           /* where it is kept */
    } table[] = {
        {&PyGen_Type, "__next__", gen_next, &gen_next_theirs},
        {&PyGen_Type, "send", gen_send, &gen_send_theirs},
        {&PyGen_Type, "throw", gen_throw, &gen_throw_theirs},
        {&PyGen_Type, "close", gen_close, &gen_close_theirs},
        {&PyCoro_Type, "__await__", coro_await, &coro_await_theirs},
        {&PyCoro_Type, "send", coro_send, &coro_send_theirs},
        {&PyCoro_Type, "throw", coro_throw, &coro_throw_theirs},
        {&PyCoro_Type, "close", coro_close, &coro_close_theirs},
        {&PyAsyncGen_Type, "__anext__", async_next, &async_next_theirs},
        {&PyAsyncGen_Type, "asend", async_send, &async_send_theirs},
        {&PyAsyncGen_Type, "athrow", async_throw, &async_throw_theirs},
        {&PyAsyncGen_Type, "aclose", async_close, &async_close_theirs},
        {&PyFrame_Type, "clear", frame_clear, &frame_clear_theirs},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(table); i++) {
        void *theirs = cpy_swap_function(table[i].type, table[i].name, table[i].mine);
        if (theirs == NULL)
            return -1;
        if (theirs != table[i].mine)        /* else it was done before */
            *(void **)table[i].theirs = theirs;
    }
    return 0;
}
