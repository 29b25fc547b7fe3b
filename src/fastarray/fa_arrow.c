/* Arrow's C data interface.  The two structs are its published ABI. */
#include "fa_arrow.h"

#include <stdlib.h>
#include <string.h>

typedef struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
} ArrowSchema;

typedef struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
} ArrowArray;

enum { ARROW_NULLABLE = 2 };

static const struct {
    char arrow;
    char code;
    FaDtype dtype;
} formats[] = {
    {'c', 'b', FA_i8},
    {'C', 'B', FA_u8},
    {'s', 'h', FA_i16},
    {'S', 'H', FA_u16},
    {'i', 'i', FA_i32},
    {'I', 'I', FA_u32},
    {'l', 'q', FA_i64},
    {'L', 'Q', FA_u64},
    {'e', 'e', FA_F16},
    {'f', 'f', FA_f32},
    {'g', 'd', FA_f64},
};

/* -- In --------------------------------------------------------------------------- */

static void
drop_array(void *moved)
{
    ArrowArray *a = moved;
    if (a->release != NULL)
        a->release(a);
    free(a);
}

/* Takes what the capsule's struct holds; NULL with an exception if it was taken before. */
static ArrowArray *
move_array(PyObject *capsule)
{
    ArrowArray *from = PyCapsule_GetPointer(capsule, "arrow_array"), *to;
    if (from == NULL)
        return NULL;
    if (from->release == NULL) {
        PyErr_SetString(PyExc_ValueError, "the Arrow array was released already");
        return NULL;
    }
    to = malloc(sizeof *to);
    if (to == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *to = *from;
    from->release = NULL;
    return to;
}

static int
check_schema(PyObject *capsule, FaView *v)
{
    ArrowSchema *s = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (s == NULL)
        return -1;
    if (s->release == NULL || s->format == NULL) {
        PyErr_SetString(PyExc_ValueError, "the Arrow schema was released already");
        return -1;
    }
    if (s->dictionary == NULL && s->format[0] != '\0' && s->format[1] == '\0')
        for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
            if (formats[i].arrow == s->format[0]) {
                v->dtype = formats[i].dtype;
                v->code = formats[i].code;
                v->size = (unsigned char)fa_dtype_size(v->dtype);
                return 0;
            }
    PyErr_Format(PyExc_TypeError,
                 "Arrow format '%.20s' is not a number type (expected one of cCsSiIlLefg)",
                 s->dictionary ? "dictionary" : s->format);
    return -1;
}

static int
check_array(const ArrowArray *a)
{
    if (a->length < 0 || a->offset < 0 || a->n_buffers != 2 || a->buffers == NULL || a->n_children != 0 || a->length > PY_SSIZE_T_MAX / 8 - a->offset || (a->length > 0 && a->buffers[1] == NULL) || (a->null_count > 0 && a->buffers[0] == NULL)) {
        PyErr_SetString(PyExc_ValueError, "the Arrow array is malformed");
        return -1;
    }
    return 0;
}

static int
import_pair(FaView *v, PyObject *obj, PyObject *pair)
{
    ArrowArray *a;
    if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ must return two capsules");
        return -1;
    }
    if (check_schema(PyTuple_GET_ITEM(pair, 0), v) < 0)
        return -1;
    a = move_array(PyTuple_GET_ITEM(pair, 1));
    if (a == NULL)
        return -1;
    if (check_array(a) < 0) {
        fa_view_drop(drop_array, a);
        return -1;
    }
    v->n = (Py_ssize_t)a->length;
    v->ptr = (char *)a->buffers[1] + (a->length ? a->offset * v->size : 0);
    v->valid = a->null_count != 0 ? a->buffers[0] : NULL;
    v->valid_at = (Py_ssize_t)a->offset;
    v->drop = drop_array;
    v->foreign = a;
    v->owner = Py_NewRef(obj);
    v->mode = FA_FOREIGN;
    return 1;
}

int
fa_arrow_import(FaView *v, PyObject *obj, int flags)
{
    PyObject *method = fa_view_method(obj, "__arrow_c_array__"), *pair;
    int status;

    if (method == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (flags & FA_WRITE) {
        Py_DECREF(method);
        PyErr_SetString(PyExc_BufferError, "Arrow arrays are read-only");
        return -1;
    }
    pair = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (pair == NULL)
        return -1;
    status = import_pair(v, obj, pair);
    Py_DECREF(pair);
    return status;
}

/* -- Out -------------------------------------------------------------------------- */

/* What an exported ArrowArray keeps: the buffer of the original, and room for pointers. */
typedef struct {
    Py_buffer buffer;
    const void *pointers[2];
} Export;

/* May run on any thread. Without an interpreter to hold, the reference leaks. */
static void
release_array(ArrowArray *a)
{
    Export *e = a->private_data;
    a->release = NULL;
#if defined(Py_LIMITED_API)
#  error "the interpreter's state must be visible"
#endif
    if (!Py_IsInitialized())
        return;
    {
        PyGILState_STATE gil = PyGILState_Ensure();
        PyBuffer_Release(&e->buffer);
        PyGILState_Release(gil);
    }
    free(e);
}

static void
release_schema(ArrowSchema *s)
{
    s->release = NULL; /* its strings are constants */
}

static void
destroy_array_capsule(PyObject *capsule)
{
    ArrowArray *a = PyCapsule_GetPointer(capsule, "arrow_array");
    if (a != NULL && a->release != NULL)
        a->release(a);
    free(a);
}

static void
destroy_schema_capsule(PyObject *capsule)
{
    ArrowSchema *s = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (s != NULL && s->release != NULL)
        s->release(s);
    free(s);
}

static PyObject *
schema_capsule(FaDtype dtype)
{
    static const char *const names[] = {"c", "C", "s", "S", "i", "I", "l", "L", "f", "g", "e"};
    ArrowSchema *s = calloc(1, sizeof *s);
    PyObject *capsule;
    if (s == NULL)
        return PyErr_NoMemory();
    s->format = names[dtype];
    s->name = "";
    s->flags = ARROW_NULLABLE;
    s->release = release_schema;
    capsule = PyCapsule_New(s, "arrow_schema", destroy_schema_capsule);
    if (capsule == NULL)
        free(s);
    return capsule;
}

static PyObject *
array_capsule(FaState *st, PyObject *obj, FaDtype *dtype)
{
    ArrowArray *a = calloc(1, sizeof *a);
    Export *e = calloc(1, sizeof *e);
    PyObject *capsule = NULL;
    FaView v;

    if (a == NULL || e == NULL) {
        PyErr_NoMemory();
        goto fail;
    }
    if (fa_view_acquire(st, &v, obj, FA_READ | FA_ORDERED) < 0)
        goto fail;
    *dtype = v.dtype;
    a->length = v.n;
    fa_view_release(&v);
    if (*dtype == FA_BOOL) {
        PyErr_SetString(PyExc_TypeError, "Arrow keeps bools as bits: map them to 'B' first");
        goto fail;
    }
    if (PyObject_GetBuffer(obj, &e->buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) < 0)
        goto fail;
    e->pointers[1] = e->buffer.buf;
    a->n_buffers = 2;
    a->buffers = e->pointers;
    a->private_data = e;
    a->release = release_array;
    capsule = PyCapsule_New(a, "arrow_array", destroy_array_capsule);
    if (capsule != NULL)
        return capsule;
    PyBuffer_Release(&e->buffer);
fail:
    free(e);
    free(a);
    return NULL;
}

typedef struct {
    PyObject_HEAD
    PyObject *source; /* owned */
} ArrowObject;

static PyObject *
offer(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t nargs,
      PyObject *kwnames)
{
    static const FaSpec spec = {"__arrow_c_array__", 0, 1, 0, {"requested_schema"}};
    FaState *st = PyType_GetModuleState(type);
    PyObject *in[1], *array, *schema;
    FaDtype dtype;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0)
        return NULL; /* a request for another schema is best effort: ours stands */
    array = array_capsule(st, ((ArrowObject *)self)->source, &dtype);
    if (array == NULL)
        return NULL;
    schema = schema_capsule(dtype);
    if (schema == NULL) {
        Py_DECREF(array);
        return NULL;
    }
    return Py_BuildValue("(NN)", schema, array);
}

static int
arrow_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((ArrowObject *)self)->source);
    return 0;
}

static int
arrow_clear(PyObject *self)
{
    Py_CLEAR(((ArrowObject *)self)->source);
    return 0;
}

static void
arrow_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    arrow_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef arrow_methods[] = {
    {"__arrow_c_array__", (PyCFunction)(void (*)(void))offer,
     METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
     "__arrow_c_array__($self, /, requested_schema=None)\n--\n\n"
     "The array as a pair of capsules, without a copy."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot arrow_slots[] = {
    {Py_tp_dealloc, arrow_dealloc},
    {Py_tp_traverse, arrow_traverse},
    {Py_tp_clear, arrow_clear},
    {Py_tp_methods, arrow_methods},
    {Py_tp_doc, "An array offered through Arrow's C data interface."},
    {0, NULL},
};

static PyType_Spec arrow_spec = {
    .name = "fastarray._fastarray.ArrowArray",
    .basicsize = sizeof(ArrowObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = arrow_slots,
};

int
fa_arrow_setup(FaState *st, PyObject *module)
{
    st->arrow_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &arrow_spec, NULL);
    return st->arrow_type == NULL ? -1 : 0;
}

FA_FUNCTION(to_arrow)
{
    static const FaSpec spec = {"to_arrow", 1, 1, 1, {"a"}};
    FaState *st = fa_state(module);
    PyObject *in[1];
    ArrowObject *r;
    FaView v;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 || fa_view_acquire(st, &v, in[0], FA_READ | FA_ORDERED) < 0)
        return NULL;
    fa_view_release(&v);
    r = PyObject_GC_New(ArrowObject, st->arrow_type);
    if (r == NULL)
        return NULL;
    r->source = Py_NewRef(in[0]);
    PyObject_GC_Track(r);
    return (PyObject *)r;
}
