/* Generators of ours in the hands of CPython's own functions for them: `type(g).send(g, x)`,
 * `frame.clear()`.
 *
 * Ours are subtypes, so the functions of the base types may be called with them; they would find
 * a generator that has ended.  So each is preceded by a look at the type.
 */
#include "vm/vm_gen.h"

#include "cpyext_compat/cpy_swap.h"

/* TWO(NAME, ...): theirs, which is swapped out, and the function in its place */
#define TWO_UNARY(NAME, TYPE, MINE, THEIRS) \
    static unaryfunc NAME##_theirs; \
    static PyObject *NAME(PyObject *gen) \
    { \
        return TYPE(gen) ? MINE(gen) : THEIRS(NAME##_theirs(gen)); \
    }
#define TWO(NAME, TYPE, MINE, THEIRS) \
    static PyCFunction NAME##_theirs; \
    static PyObject *NAME(PyObject *gen, PyObject *arg) \
    { \
        return TYPE(gen) ? MINE(gen, arg) : THEIRS(NAME##_theirs(gen, arg)); \
    }
#define TWO_THROW(NAME, TYPE) \
    static _PyCFunctionFast NAME##_theirs; \
    static PyObject *NAME(PyObject *gen, PyObject *const *args, Py_ssize_t n) \
    { \
        return TYPE(gen) ? vm_gen_throw(gen, args, n) \
                         : vm_gen_throw_through(gen, args, n, NAME##_theirs); \
    }
#define TWO_GET(NAME, TYPE) \
    static getter NAME##_theirs; \
    static PyObject *NAME(PyObject *gen, void *closure) \
    { \
        return TYPE(gen) ? vm_gen_get_delegate(gen, NULL) \
                         : vm_coro_awaited(NAME##_theirs(gen, closure)); \
    }
/* THEIRS: what it gives, or an object that can throw into the generator */
#define AS_IT_IS(o) (o)
#define STEP(o) vm_gen_step_made(o, 0)
#define THROWING_STEP(o) vm_gen_step_made(o, 1)
#define IS_CORO(o) Py_IS_TYPE(o, &VmCoro_Type)
#define IS_ASYNC(o) Py_IS_TYPE(o, &VmAsyncGen_Type)

TWO_UNARY(gen_next, vm_is_gen, VmGen_Type.tp_iternext, AS_IT_IS)
TWO(gen_send, vm_is_gen, vm_gen_send, AS_IT_IS)
TWO_THROW(gen_throw, vm_is_gen)
TWO(gen_close, vm_is_gen, vm_gen_close, AS_IT_IS)
TWO_GET(gen_delegate, vm_is_gen)
TWO_UNARY(coro_await, IS_CORO, vm_coro_await, STEP)
TWO(coro_send, IS_CORO, vm_gen_send, AS_IT_IS)
TWO_THROW(coro_throw, IS_CORO)
TWO(coro_close, IS_CORO, vm_gen_close, AS_IT_IS)
TWO_GET(coro_delegate, IS_CORO)
TWO_UNARY(async_next, IS_ASYNC, VmAsyncGen_Type.tp_as_async->am_anext, STEP)
TWO(async_send, IS_ASYNC, vm_async_gen_asend, STEP)
TWO(async_throw, IS_ASYNC, vm_async_gen_athrow, THROWING_STEP)
TWO(async_close, IS_ASYNC, vm_async_gen_aclose, THROWING_STEP)
TWO_GET(async_delegate, IS_ASYNC)

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
        {&PyGen_Type, "gi_yieldfrom", gen_delegate, &gen_delegate_theirs},
        {&PyCoro_Type, "__await__", coro_await, &coro_await_theirs},
        {&PyCoro_Type, "send", coro_send, &coro_send_theirs},
        {&PyCoro_Type, "throw", coro_throw, &coro_throw_theirs},
        {&PyCoro_Type, "close", coro_close, &coro_close_theirs},
        {&PyCoro_Type, "cr_await", coro_delegate, &coro_delegate_theirs},
        {&PyAsyncGen_Type, "__anext__", async_next, &async_next_theirs},
        {&PyAsyncGen_Type, "asend", async_send, &async_send_theirs},
        {&PyAsyncGen_Type, "athrow", async_throw, &async_throw_theirs},
        {&PyAsyncGen_Type, "aclose", async_close, &async_close_theirs},
        {&PyAsyncGen_Type, "ag_await", async_delegate, &async_delegate_theirs},
        {&PyFrame_Type, "clear", frame_clear, &frame_clear_theirs},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(table); i++) {
        void *theirs = cpy_swap_function(table[i].type, table[i].name, table[i].mine);
        if (theirs == NULL)
            return -1;
        if (theirs != table[i].mine)        /* else it was done before */
            *(void **)table[i].theirs = theirs;
    }
    PyAsyncGen_Type.tp_as_async->am_anext = async_next;
    return 0;
}
