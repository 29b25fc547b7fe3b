/* Both kinds of trap; see cpy_lazy_locals.h for what they catch. */
#include "cpyext_compat/cpy_lazy_locals.h"

void (*cpy_lazy_locals_fill)(void *owner, CpyFrame *f);

#if PY_VERSION_HEX < 0x030D0000

/* --- 3.11, 3.12: a dict that fills itself ----------------------------------------- */

/* Which frame an armed dict belongs to.  Its address is in the dict's version tag,
   which nobody reads while the type is ours, and which is zeroed before any dict
   operation (the low bits are watchers in 3.12). */
typedef struct {
    CpyFrame *frame;
    void *owner;
    PyObject *dict;             /* owned while in the pool, else f_locals owns it */
    int tracked;                /* by the collector, before it was armed */
} Trap;

static Trap *pool[256];         /* each with an empty, armed dict */
static int pool_n;
static PyTypeObject lazy_dict_type;
static PyMappingMethods lazy_mapping;

static inline int
is_armed(PyObject *locals)
{
    return locals != NULL && Py_IS_TYPE(locals, &lazy_dict_type);
}

static inline Trap *
trap_of(PyObject *dict)
{
    return (Trap *)(uintptr_t)((PyDictObject *)dict)->ma_version_tag;
}

static void
set_armed(PyObject *dict, Trap *t)
{
    ((PyDictObject *)dict)->ma_version_tag = (uint64_t)(uintptr_t)t;
    Py_SET_TYPE(dict, &lazy_dict_type);
}

static void
set_plain(PyObject *dict, Trap *t)
{
    ((PyDictObject *)dict)->ma_version_tag = 0;
    Py_SET_TYPE(dict, &PyDict_Type);
    if (t->tracked)
        PyObject_GC_Track(dict);
}

/* The variable a reader asked about, for the write that sprang the trap: the same that
   CPython's loop does for all others, whose slots it finds filled. */
static int
write_variable(CpyFrame *f, PyObject *dict, PyObject *name)
{
    PyCodeObject *co = cpy_frame_code(f);
    int i = 0;
    while (i < co->co_nlocalsplus
           && PyTuple_GET_ITEM(co->co_localsplusnames, i) != name)
        i++;
    PyObject *value = i < co->co_nlocalsplus ? cpy_frame_slot_get(f, i) : NULL;
    int kind =
        i < co->co_nlocalsplus ? PyBytes_AS_STRING(co->co_localspluskinds)[i] : 0;
    if (kind & (CO_FAST_CELL | CO_FAST_FREE) && value != NULL && PyCell_Check(value))
        value = PyCell_GET(value);
    if (value != NULL)
        return PyDict_SetItem(dict, name, value);
    int there = PyDict_Contains(dict, name);            /* from an earlier look */
    return there > 0 ? PyDict_DelItem(dict, name) : there;
}

/* mp_ass_subscript of an armed dict: (name, value or NULL) of the first variable */
static int
spring(PyObject *dict, PyObject *name, PyObject *value)
{
    Trap *t = trap_of(dict);
    CpyFrame *f = t->frame;
    void *owner = t->owner;

    set_plain(dict, t);
    PyMem_Free(t);
    cpy_lazy_locals_fill(owner, f);
    return write_variable(f, dict, name);
}

static __attribute__((noinline)) Trap * /* -> the caller's; NULL without exception */
new_trap(void)
{
    Trap *t = PyMem_Malloc(sizeof(Trap));
    if (t == NULL)
        return NULL;
    t->dict = PyDict_New();
    if (t->dict == NULL) {
        PyErr_Clear();
        PyMem_Free(t);
        return NULL;
    }
    t->tracked = 0;             /* a new dict is not, until something is put in */
    set_armed(t->dict, t);
    return t;
}

/* A dict from an earlier look that only the frame holds. */
static __attribute__((noinline)) int
arm_again(CpyFrame *f, void *owner)
{
    PyObject *dict = f->f_locals;
    if (is_armed(dict)) {
        trap_of(dict)->owner = owner;
        return 1;
    }
    if (!PyDict_CheckExact(dict) || Py_REFCNT(dict) > 1)
        return 0;
#  if CPY_HAS_WATCHERS
    if (((PyDictObject *)dict)->ma_version_tag & ((1 << DICT_MAX_WATCHERS) - 1))
        return 0;
#  endif
    Trap *t = PyMem_Malloc(sizeof(Trap));
    if (t == NULL)
        return 0;
    *t = (Trap){f, owner, dict, PyObject_GC_IsTracked(dict)};
    if (t->tracked)
        PyObject_GC_UnTrack(dict);              /* gc.get_objects() must not show it */
    set_armed(dict, t);
    return 1;
}

int
cpy_lazy_locals_arm(CpyFrame *f, void *owner)
{
    if (!(cpy_frame_code(f)->co_flags & CO_OPTIMIZED))
        return 0;
    if (f->f_locals != NULL)
        return arm_again(f, owner);
    Trap *t = pool_n > 0 ? pool[--pool_n] : new_trap();
    if (t == NULL)
        return 0;
    t->frame = f;
    t->owner = owner;
    f->f_locals = t->dict;
    return 1;
}

/* It holds what a reader put there, or the pool is full. */
static __attribute__((noinline)) void
retire(CpyFrame *f, Trap *t)
{
    PyObject *dict = t->dict;
    set_plain(dict, t);
    PyMem_Free(t);
    if (((PyDictObject *)dict)->ma_used == 0) {
        f->f_locals = NULL;
        Py_DECREF(dict);
    }
}

void
cpy_lazy_locals_disarm(CpyFrame *f)
{
    PyObject *dict = f->f_locals;
    if (!is_armed(dict))
        return;
    Trap *t = trap_of(dict);
    if (((PyDictObject *)dict)->ma_used != 0 || pool_n == (int)Py_ARRAY_LENGTH(pool)) {
        retire(f, t);
        return;
    }
    f->f_locals = NULL;
    pool[pool_n++] = t;
}

int
cpy_lazy_locals_kept(CpyFrame *f)
{
    PyObject *dict = f->f_locals;
    return dict != NULL && !is_armed(dict) && Py_REFCNT(dict) > 1;
}

int
cpy_lazy_locals_init(void)
{
    if (lazy_dict_type.tp_name != NULL)
        return 0;
    lazy_mapping = *PyDict_Type.tp_as_mapping;
    lazy_mapping.mp_ass_subscript = spring;
    lazy_dict_type = (PyTypeObject){
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = "dict",
        .tp_basicsize = PyDict_Type.tp_basicsize,
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .tp_base = &PyDict_Type,
        .tp_as_mapping = &lazy_mapping,
        .tp_traverse = PyDict_Type.tp_traverse,
        .tp_clear = PyDict_Type.tp_clear,
        .tp_dealloc = PyDict_Type.tp_dealloc,
        .tp_free = PyDict_Type.tp_free,
    };
    return PyType_Ready(&lazy_dict_type);
}

#else

/* --- 3.13+: a marker, and the two ways to a FrameLocalsProxy ---------------------- */

typedef struct {
    PyObject_HEAD
    CpyFrame *frame;
    void *owner;
    uint8_t filled;
    uint8_t below;              /* and so are all frames this one was called from */
} Trap;

static Trap *pool[256];
static int pool_n;
static getter original_f_locals;
static allocfunc original_alloc;

static PyTypeObject trap_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "lazy_locals",
    .tp_basicsize = sizeof(Trap),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)PyObject_Free,
};

static inline Trap *                            /* -> borrowed from f, or NULL */
trap_of(CpyFrame *f)
{
    /* frames of other owners leave the field unset */
    if (f->owner > FRAME_OWNED_BY_GENERATOR || f->f_locals == NULL)
        return NULL;
    return Py_IS_TYPE(f->f_locals, &trap_type) ? (Trap *)f->f_locals : NULL;
}

static void
spring(Trap *t)
{
    if (t->filled)
        return;
    t->filled = 1;
    cpy_lazy_locals_fill(t->owner, t->frame);
}

/* tp_alloc of FrameLocalsProxy: it doesn't say for which frame, so all of this
   thread's; each is filled once, and below one found complete nothing is left to do. */
static PyObject *
alloc_proxy(PyTypeObject *type, Py_ssize_t n)
{
    for (CpyFrame *f = cpy_top_frame(PyThreadState_Get()); f != NULL; f = f->previous) {
        Trap *t = trap_of(f);
        if (t == NULL)
            continue;
        if (t->below)
            break;
        spring(t);
        t->below = 1;
    }
    return original_alloc(type, n);
}

/* frame.f_locals: the frame may be another thread's */
static PyObject *
get_f_locals(PyObject *frame, void *closure)
{
    Trap *t = trap_of(((PyFrameObject *)frame)->f_frame);
    if (t != NULL)
        spring(t);
    return original_f_locals(frame, closure);
}

int
cpy_lazy_locals_arm(CpyFrame *f, void *owner)
{
    if (!(cpy_frame_code(f)->co_flags & CO_OPTIMIZED))
        return 0;
    Trap *t = trap_of(f);
    if (t == NULL) {
        if (f->f_locals != NULL)
            return 0;
        t = pool_n > 0 ? pool[--pool_n] : PyObject_New(Trap, &trap_type);
        if (t == NULL) {
            PyErr_Clear();
            return 0;
        }
        f->f_locals = (PyObject *)t;
    }
    t->frame = f;
    t->owner = owner;
    t->filled = t->below = 0;
    return 1;
}

void
cpy_lazy_locals_disarm(CpyFrame *f)
{
    Trap *t = trap_of(f);
    if (t == NULL)
        return;
    f->f_locals = NULL;
    if (pool_n < (int)Py_ARRAY_LENGTH(pool))
        pool[pool_n++] = t;
    else
        Py_DECREF(t);
}

/* A proxy reads the slots through the frame object. */
int
cpy_lazy_locals_kept(CpyFrame *f)
{
    return f->frame_obj != NULL;
}

int
cpy_lazy_locals_init(void)
{
    if (original_alloc != NULL)
        return 0;
    if (PyType_Ready(&trap_type) < 0)
        return -1;
    PyGetSetDef *def = PyFrame_Type.tp_getset;
    while (def->name != NULL && strcmp(def->name, "f_locals") != 0)
        def++;
    if (def->name == NULL) {
        PyErr_SetString(PyExc_SystemError, "frame objects have no f_locals");
        return -1;
    }
    original_f_locals = def->get;
    def->get = get_f_locals;
    original_alloc = PyFrameLocalsProxy_Type.tp_alloc;
    PyFrameLocalsProxy_Type.tp_alloc = alloc_proxy;
    return 0;
}

#endif
