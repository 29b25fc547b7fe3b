/* A Python object as a stretch of numbers: who owns it, what is in it, for how long.
 *
 * Invariant: between acquire and release `ptr` stays valid.  Without FA_HOLD that is so
 * only while no Python code runs and the GIL is kept: the direct path reads array.array's
 * fields and exports nothing.
 */
#ifndef FA_VIEW_H
#define FA_VIEW_H

#include <string.h>

#include "fa_layout.h"
#include "fa_pool.h"
#include "fa_state.h"

enum {
    FA_READ = 0,
    FA_WRITE = 1,   /* read-only targets are a BufferError */
    FA_HOLD = 2,    /* Python code may run, or the GIL may go: hold an export */
    FA_ORDERED = 4, /* C order wanted; otherwise any contiguous layout will do */
};

typedef enum { FA_NOTHING, FA_DIRECT, FA_HELD, FA_BUFFER, FA_FOREIGN } FaViewMode;

typedef struct {
    char *ptr;
    Py_ssize_t n;
    FaDtype dtype;
    char code; /* typecode as the user wrote it; what a result array gets */
    unsigned char size;
    FaViewMode mode;
    const uint8_t *valid; /* Arrow validity bitmap, or NULL: nothing is null */
    Py_ssize_t valid_at;  /* bit of element 0 */
    PyObject *owner;      /* owned when held, buffered or foreign */
    void (*drop)(void *); /* foreign: gives `foreign` back */
    void *foreign;
    Py_buffer buffer;
} FaView;

/* A view to be acquired; release is safe on it. */
#define FA_VIEW_INIT(v) ((v)->mode = FA_NOTHING)

/* From a direct view to one that keeps its array alive and its size as it is. */
static inline void
fa_view_hold(FaView *v, PyObject *obj)
{
    fa_array_export(obj, +1);
    v->owner = Py_NewRef(obj);
    v->mode = FA_HELD;
}
/* obj's method of that name, or NULL: with an exception, or without one where there is none
 * (a class's own methods are its objects'). -> new */
PyObject *fa_view_method(PyObject *obj, const char *name);
/* An attribute by a name that is interned: CPython's cache of attributes keeps every name it
 * was asked for, and would keep a new string each time. -> new */
PyObject *fa_view_attr(PyObject *obj, const char *name);
/* Gives foreign memory back; what its owner runs meanwhile leaves our exception alone. */
void fa_view_drop(void (*drop)(void *), void *foreign);

/* Long read-only work lets other threads run: with an export held, so that the memory
 * stays, and other threads see no half-way state because there is none.  obj is what v was
 * acquired from.  NULL (not worth it), or what to come back with. */
PyThreadState *fa_view_leave(FaView *v, PyObject *obj);
static inline PyThreadState *
fa_view_let_go(FaView *v, PyObject *obj)
{
    return (size_t)(v->n * v->size) < FA_POOL_BYTES ? NULL : fa_view_leave(v, obj);
}
static inline void
fa_view_come_back(PyThreadState *ts)
{
    if (ts != NULL)
        PyEval_RestoreThread(ts);
}

/* Longest stretch fa_view_block() hands out for views it must convert. */
#define FA_BLOCK 4096

/* Elements first .. first + *n as the kernels' own type: a pointer into the view, or, for
 * half floats, bools and arrays with nulls, into `room` (FA_BLOCK * 8 bytes, and at most
 * FA_BLOCK elements).  Nulls are left out: *n becomes what is there.  Returns the
 * elements consumed through *taken. */
const void *fa_view_block(const FaState *st, const FaView *v, Py_ssize_t first, Py_ssize_t *n,
                          Py_ssize_t *taken, void *room);
/* The kernels' type of such a block. */
static inline FaDtype
fa_view_kernel_type(const FaView *v)
{
    return v->dtype == FA_F16 ? FA_f32 : v->dtype == FA_BOOL ? FA_u8 : v->dtype;
}
/* Element i of a block of floats. */
static inline double
fa_float_at(FaDtype kernel_type, const char *p, Py_ssize_t i)
{
    double d;
    float f;
    if (kernel_type == FA_f64) {
        memcpy(&d, p + 8 * i, sizeof d);
        return d;
    }
    memcpy(&f, p + 4 * i, sizeof f);
    return f;
}
/* Nothing to convert: blocks may be as long as the view. */
static inline int
fa_view_is_plain(const FaView *v)
{
    return v->dtype < FA_NDTYPES && v->valid == NULL;
}

/* Element types by number, and their numbers (plus 1) by typecode; here because a call
 * on ten elements takes no longer than a few function calls. */
typedef struct {
    unsigned char kind, size;
    char code;
} FaDtypeFacts;
extern const FaDtypeFacts fa_dtype_facts[FA_NVIEWTYPES];
extern const unsigned char fa_dtype_codes[128];

/* The kinds of element, also for half floats (float) and bools (unsigned). */
static inline FaKind
fa_dtype_kind(FaDtype t)
{
    return (FaKind)fa_dtype_facts[t].kind;
}
static inline unsigned
fa_dtype_size(FaDtype t)
{
    return fa_dtype_facts[t].size;
}
/* 'i' and friends -> dtype as array.array has it; -1 if not numeric. */
static inline int
fa_dtype_of_code(char code, FaDtype *dtype)
{
    int found = fa_dtype_codes[code & 127];
    *dtype = (FaDtype)(found - 1);
    return found ? 0 : -1;
}
/* -- Acquire and release ---------------------------------------------------------- */

/* What is no numeric array.array, and arrays before fa_array_setup(). */
int fa_view_acquire_other(FaState *st, FaView *v, PyObject *obj, int flags);

/* -1 with an exception: not an array of numbers, or not in such a way as flags want. */
static inline int
fa_view_acquire(FaState *st, FaView *v, PyObject *obj, int flags)
{
    const FaArrayLayout *a = (const FaArrayLayout *)obj;

    if (!st->direct || Py_TYPE(obj) != st->array_type ||
        fa_dtype_of_code(a->ob_descr->typecode, &v->dtype) < 0)
        return fa_view_acquire_other(st, v, obj, flags);
    v->code = a->ob_descr->typecode;
    v->size = (unsigned char)a->ob_descr->itemsize;
    v->ptr = a->ob_item;
    v->n = Py_SIZE(obj);
    v->valid = NULL;
    v->mode = FA_DIRECT;
    if (flags & FA_HOLD)
        fa_view_hold(v, obj);
    return 0;
}

void fa_view_give_back(FaView *v);
static inline void
fa_view_release(FaView *v)
{
    if (v->mode > FA_DIRECT)
        fa_view_give_back(v);
}

/* array typecode that holds a dtype, given the letter it was spelled with. */
char fa_dtype_array_code(FaDtype t, char code);

/* TypeError naming the code and the supported ones; returns -1. */
int fa_view_type_error(const char *format);

/* Element i as a Python object: int, float or bool.  -> new */
PyObject *fa_view_item(const FaView *v, Py_ssize_t i);

#endif
