/* DLPack 1.0 (and the older unversioned capsules), CPU memory only.  The structs are its
 * published ABI. */
#include "fa_dlpack.h"

#include <stdlib.h>

typedef struct {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} DLTensor;

typedef struct DLManaged { /* before 1.0 */
    DLTensor tensor;
    void *manager;
    void (*deleter)(struct DLManaged *);
} DLManaged;

typedef struct DLVersioned { /* 1.0 on */
    struct {
        uint32_t major, minor;
    } version;
    void *manager;
    void (*deleter)(struct DLVersioned *);
    uint64_t flags;
    DLTensor tensor;
} DLVersioned;

enum { DL_CPU = 1,
       DL_READ_ONLY = 1 };
enum { DL_INT = 0,
       DL_UINT = 1,
       DL_FLOAT = 2,
       DL_BOOL = 6 };

static void
drop_managed(void *p)
{
    DLManaged *m = p;
    if (m->deleter != NULL)
        m->deleter(m);
}

static void
drop_versioned(void *p)
{
    DLVersioned *m = p;
    if (m->deleter != NULL)
        m->deleter(m);
}

static const struct {
    uint8_t code, bits;
    FaDtype dtype;
    char typecode;
} types[] = {
    {DL_INT, 8, FA_i8, 'b'},
    {DL_UINT, 8, FA_u8, 'B'},
    {DL_INT, 16, FA_i16, 'h'},
    {DL_UINT, 16, FA_u16, 'H'},
    {DL_INT, 32, FA_i32, 'i'},
    {DL_UINT, 32, FA_u32, 'I'},
    {DL_INT, 64, FA_i64, 'q'},
    {DL_UINT, 64, FA_u64, 'Q'},
    {DL_FLOAT, 16, FA_F16, 'e'},
    {DL_FLOAT, 32, FA_f32, 'f'},
    {DL_FLOAT, 64, FA_f64, 'd'},
    {DL_BOOL, 8, FA_BOOL, '?'},
};

static int
contiguous(const DLTensor *t, int64_t *count)
{
    int64_t want = 1;
    *count = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        if (t->shape[i] < 0 || (t->shape[i] > 0 && *count > PY_SSIZE_T_MAX / 16 / t->shape[i]))
            return 0;
        if (t->strides != NULL && t->shape[i] > 1 && t->strides[i] != want)
            return 0;
        want *= t->shape[i];
        *count *= t->shape[i];
    }
    return 1;
}

static int
describe(FaView *v, const DLTensor *t)
{
    int64_t count;
    if (t->device.type != DL_CPU) {
        PyErr_SetString(PyExc_BufferError, "the DLPack tensor is not in CPU memory");
        return -1;
    }
    if (t->ndim < 0 || (t->ndim > 0 && t->shape == NULL) || !contiguous(t, &count)) {
        PyErr_SetString(PyExc_BufferError, "the DLPack tensor is not contiguous");
        return -1;
    }
    for (size_t i = 0; t->dtype.lanes == 1 && i < sizeof types / sizeof *types; i++)
        if (types[i].code == t->dtype.code && types[i].bits == t->dtype.bits) {
            v->dtype = types[i].dtype;
            v->code = types[i].typecode;
            v->size = (unsigned char)fa_dtype_size(v->dtype);
            if (t->data == NULL && count > 0) {
                PyErr_SetString(PyExc_BufferError, "the DLPack tensor has no data");
                return -1;
            }
            v->ptr = t->data ? (char *)t->data + t->byte_offset : NULL;
            v->n = (Py_ssize_t)count;
            v->valid = NULL;
            return 0;
        }
    PyErr_Format(PyExc_TypeError,
                 "DLPack type (code %d, %d bits) is not numeric "
                 "(expected one of bBhHiIlLqQfd)",
                 t->dtype.code, t->dtype.bits);
    return -1;
}

static int
take(FaView *v, PyObject *obj, PyObject *capsule, int flags)
{
    DLVersioned *versioned = NULL;
    DLManaged *managed = NULL;

    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        versioned = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        if (versioned->version.major != 1) {
            PyErr_Format(PyExc_BufferError, "DLPack version %u is not supported",
                         versioned->version.major);
            return -1;
        }
        if ((versioned->flags & DL_READ_ONLY) && (flags & FA_WRITE)) {
            PyErr_SetString(PyExc_BufferError, "the DLPack tensor is read-only");
            return -1;
        }
        if (describe(v, &versioned->tensor) < 0 || PyCapsule_SetName(capsule, "used_dltensor_versioned") < 0)
            return -1;
        v->drop = drop_versioned;
        v->foreign = versioned;
    }
    else {
        managed = PyCapsule_GetPointer(capsule, "dltensor");
        if (managed == NULL)
            return -1;
        if (describe(v, &managed->tensor) < 0 || PyCapsule_SetName(capsule, "used_dltensor") < 0)
            return -1;
        v->drop = drop_managed;
        v->foreign = managed;
    }
    v->owner = Py_NewRef(obj);
    v->mode = FA_FOREIGN;
    return 1;
}

/* __dlpack__(max_version=(1, 0)), or without arguments for producers before 1.0. -> new */
static PyObject *
ask(PyObject *method)
{
    PyObject *none = PyTuple_New(0), *kwargs = Py_BuildValue("{s:(ii)}", "max_version", 1, 0);
    PyObject *capsule = NULL;
    if (none != NULL && kwargs != NULL)
        capsule = PyObject_Call(method, none, kwargs);
    Py_XDECREF(none);
    Py_XDECREF(kwargs);
    if (capsule == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        capsule = PyObject_CallNoArgs(method);
    }
    return capsule;
}

int
fa_dlpack_import(FaView *v, PyObject *obj, int flags)
{
    PyObject *method = fa_view_method(obj, "__dlpack__"), *capsule;
    int status;

    if (method == NULL)
        return PyErr_Occurred() ? -1 : 0;
    capsule = ask(method);
    Py_DECREF(method);
    if (capsule == NULL)
        return -1;
    status = take(v, obj, capsule, flags);
    Py_DECREF(capsule);
    return status;
}
