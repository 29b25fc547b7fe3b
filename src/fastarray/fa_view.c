/* Buffers in: array.array directly, everything else through the buffer protocol, Arrow
 * and DLPack last. */
#include "fa_view.h"

#include <string.h>

#include "fa_array.h"
#include "fa_arrow.h"
#include "fa_dlpack.h"

/* -- Element types --------------------------------------------------------------- */

const FaDtypeFacts fa_dtype_facts[FA_NVIEWTYPES] = {
#define FA_DTYPE(t, ctype, kind, bits, code) {kind, bits / 8, code},
#include "fa_dtypes.def"
#undef FA_DTYPE
    {FA_FLOAT, 2, 'f'},
    {FA_UNSIGNED, 1, 'B'},
};

/* Integers of a size: signed and unsigned are neighbours in fa_dtypes.def. */
#define INT_DTYPE(size, is_unsigned) \
    (2 * ((size) == 1 ? 0 : (size) == 2 ? 1 : (size) == 4 ? 2 : 3) + (is_unsigned))
#define BOTH_SIGNS(lower, upper, type) \
    [lower] = 1 + INT_DTYPE(sizeof(type), 0), [upper] = 1 + INT_DTYPE(sizeof(type), 1)
const unsigned char fa_dtype_codes[128] = {
    BOTH_SIGNS('b', 'B', char),
    BOTH_SIGNS('h', 'H', short),
    BOTH_SIGNS('i', 'I', int),
    BOTH_SIGNS('l', 'L', long),
    BOTH_SIGNS('q', 'Q', long long),
    ['f'] = 1 + FA_f32,
    ['d'] = 1 + FA_f64,
};
#undef BOTH_SIGNS

char
fa_dtype_array_code(FaDtype t, char code)
{
    FaDtype same;
    if (fa_dtype_of_code(code, &same) == 0 && same == t)
        return code;
    return fa_dtype_facts[t].code;
}

/* Native sizes; 0 for letters that are no integers. */
static size_t
int_size(char code)
{
    switch (code) {
    case 'b': case 'B': return 1;
    case 'h': case 'H': return sizeof(short);
    case 'i': case 'I': return sizeof(int);
    case 'l': case 'L': return sizeof(long);
    case 'q': case 'Q': return sizeof(long long);
    case 'n': case 'N': return sizeof(size_t);
    default: return 0;
    }
}

int
fa_view_type_error(const char *format)
{
    PyErr_Format(PyExc_TypeError,
                 "typecode '%s' is not numeric (expected one of bBhHiIlLqQfd)", format);
    return -1;
}

/* PEP 3118 format of one number, native order or the same spelled out. */
static int
parse_format(const char *format, Py_ssize_t itemsize, FaDtype *dtype, char *code)
{
    const char *f = format ? format : "B";
    char order = '@';
    size_t size;

    if (*f == '@' || *f == '=' || *f == '<' || *f == '>' || *f == '!')
        order = *f++;
    if (f[0] == '\0' || f[1] != '\0' || (!int_size(f[0]) && !strchr("fde?", f[0])))
        return fa_view_type_error(format);
    size = int_size(f[0]);
    if ((f[0] == 'l' || f[0] == 'L') && (itemsize == 4 || itemsize == 8))
        size = (size_t)itemsize; /* '<l' is 4 bytes to struct, a long to ctypes */
    if (size && (size_t)itemsize == size)
        *dtype = (FaDtype)INT_DTYPE(itemsize, f[0] < 'a');
    else if (f[0] == 'f' && itemsize == 4)
        *dtype = FA_f32;
    else if (f[0] == 'd' && itemsize == 8)
        *dtype = FA_f64;
    else if (f[0] == 'e' && itemsize == 2)
        *dtype = FA_F16;
    else if (f[0] == '?' && itemsize == 1)
        *dtype = FA_BOOL;
    else {
        PyErr_Format(PyExc_TypeError,
                     "items of %zd bytes with format '%s' are not numeric "
                     "(expected one of bBhHiIlLqQfd)", itemsize, format ? format : "B");
        return -1;
    }
    if (itemsize > 1 && (order == '>' || order == '!' || order == '<') &&
        (order == '<') != (PY_LITTLE_ENDIAN != 0)) {
        PyErr_Format(PyExc_ValueError,
                     "format '%s' is not in native byte order; "
                     "use fastarray.frombytes(data, typecode, byteorder=...)", format);
        return -1;
    }
    *code = f[0];
    return 0;
}

/* -- Acquire and release --------------------------------------------------------- */

/* Exporters that refuse a layout with another exception say BufferError here. */
static void
as_buffer_error(void)
{
    PyObject *type, *value, *trace, *text;
    if (!PyErr_ExceptionMatches(PyExc_ValueError))
        return;
    PyErr_Fetch(&type, &value, &trace);
    text = value ? PyObject_Str(value) : NULL;
    if (text != NULL)
        PyErr_SetObject(PyExc_BufferError, text);
    else
        PyErr_SetString(PyExc_BufferError, "the buffer can't be used");
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static int
acquire_buffer(FaView *v, PyObject *obj, int flags)
{
    int want = PyBUF_FORMAT | ((flags & FA_ORDERED) ? PyBUF_C_CONTIGUOUS
                                                    : PyBUF_ANY_CONTIGUOUS);
    if (flags & FA_WRITE)
        want |= PyBUF_WRITABLE;
    if (PyObject_GetBuffer(obj, &v->buffer, want) < 0) {
        as_buffer_error();
        return -1;
    }
    if (parse_format(v->buffer.format, v->buffer.itemsize, &v->dtype, &v->code) < 0) {
        PyBuffer_Release(&v->buffer);
        return -1;
    }
    v->ptr = v->buffer.buf;
    v->size = (unsigned char)v->buffer.itemsize;
    v->n = v->buffer.len / v->buffer.itemsize;
    v->valid = NULL;
    v->owner = NULL;
    v->mode = FA_BUFFER;
    return 0;
}

int
fa_view_acquire_other(FaState *st, FaView *v, PyObject *obj, int flags)
{
    int found;

    if (st->array_type == NULL && strcmp(Py_TYPE(obj)->tp_name, "array.array") == 0 &&
        fa_array_setup(st) < 0)
        return -1;
    if (st->direct && Py_TYPE(obj) == st->array_type) {
        char name[2] = {((const FaArrayLayout *)obj)->ob_descr->typecode, 0};
        if (fa_dtype_of_code(name[0], &v->dtype) < 0)
            return fa_view_type_error(name);
        return fa_view_acquire(st, v, obj, flags);
    }
    if (PyObject_CheckBuffer(obj))
        return acquire_buffer(v, obj, flags);
    found = fa_arrow_import(v, obj, flags);
    if (found == 0)
        found = fa_dlpack_import(v, obj, flags);
    if (found)
        return found < 0 ? -1 : 0;
    PyErr_Format(PyExc_TypeError,
                 "expected an array.array or an object with the buffer protocol, Arrow "
                 "or DLPack, got '%.100s'", Py_TYPE(obj)->tp_name);
    return -1;
}

PyThreadState *
fa_view_leave(FaView *v, PyObject *obj)
{
    if (v->mode == FA_DIRECT)
        fa_view_hold(v, obj);
    return PyEval_SaveThread();
}

PyObject *
fa_view_attr(PyObject *obj, const char *name)
{
    PyObject *key = PyUnicode_InternFromString(name), *value;
    if (key == NULL)
        return NULL;
    value = PyObject_GetAttr(obj, key);
    Py_DECREF(key);
    return value;
}

PyObject *
fa_view_method(PyObject *obj, const char *name)
{
    PyObject *method = PyType_Check(obj) ? NULL : fa_view_attr(obj, name);
    if (method == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_AttributeError))
        PyErr_Clear();
    return method;
}

void
fa_view_drop(void (*drop)(void *), void *foreign)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    drop(foreign);
    PyErr_Restore(type, value, trace);
}

void
fa_view_give_back(FaView *v)
{
    FaViewMode mode = v->mode;
    v->mode = FA_NOTHING;
    switch (mode) {
    case FA_HELD:
        fa_array_export(v->owner, -1);
        Py_DECREF(v->owner);
        break;
    case FA_BUFFER:
        PyBuffer_Release(&v->buffer);
        break;
    case FA_FOREIGN:
        fa_view_drop(v->drop, v->foreign);
        Py_XDECREF(v->owner);
        break;
    default:
        break;
    }
}

/* -- Blocks of views that need converting ---------------------------------------- */

static float
half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31, m = h & 0x3ff, bits;
    float f;
    if (e == 31)
        bits = sign | 0x7f800000 | (m << 13);
    else if (e)
        bits = sign | ((e + 112) << 23) | (m << 13);
    else { /* subnormal: m * 2**-24, exact in float */
        f = (float)m * 0x1p-24f;
        return sign ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Bits of `count` (at most 64) elements from bit `at` on. */
static uint64_t
bits_at(const uint8_t *map, Py_ssize_t at, Py_ssize_t count)
{
    uint64_t w = 0;
    for (Py_ssize_t i = 0; i < count; i++)
        w |= (uint64_t)((map[(at + i) >> 3] >> ((at + i) & 7)) & 1) << i;
    return w;
}

const void *
fa_view_block(const FaState *st, const FaView *v, Py_ssize_t first, Py_ssize_t *n,
              Py_ssize_t *taken, void *room)
{
    const char *from = v->ptr + first * v->size;
    uint64_t bits[FA_BLOCK / 64];

    if (fa_view_is_plain(v)) {
        *taken = *n;
        return from;
    }
    if (*n > FA_BLOCK - 64)
        *n = FA_BLOCK - 64;
    *taken = *n;
    if (v->dtype == FA_F16) {
        for (Py_ssize_t i = 0; i < *n; i++) {
            uint16_t h;
            memcpy(&h, from + 2 * i, 2);
            ((float *)room)[i] = half_to_float(h);
        }
    } else if (v->dtype == FA_BOOL) {
        for (Py_ssize_t i = 0; i < *n; i++)
            ((uint8_t *)room)[i] = from[i] != 0;
    } else {
        int log = v->size == 1 ? 0 : v->size == 2 ? 1 : v->size == 4 ? 2 : 3;
        for (Py_ssize_t i = 0; i < *n; i += 64)
            bits[i / 64] = bits_at(v->valid, v->valid_at + first + i,
                                   *n - i < 64 ? *n - i : 64);
        *n = (Py_ssize_t)st->kernels->compress[log](room, from, bits, (size_t)*n);
        return room;
    }
    if (v->valid != NULL) { /* a half or a bool that may be null */
        Py_ssize_t kept = 0;
        unsigned size = fa_dtype_size(fa_view_kernel_type(v));
        for (Py_ssize_t i = 0; i < *n; i++)
            if (bits_at(v->valid, v->valid_at + first + i, 1))
                memmove((char *)room + size * kept++, (char *)room + size * i, size);
        *n = kept;
    }
    return room;
}

PyObject *
fa_view_item(const FaView *v, Py_ssize_t i)
{
    const char *p = v->ptr + i * v->size;
    union {
        int8_t i8; uint8_t u8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32;
        int64_t i64; uint64_t u64; float f32; double f64;
    } x;
    switch (v->dtype) {
    case FA_i8: memcpy(&x, p, 1); return PyLong_FromLong(x.i8);
    case FA_u8: memcpy(&x, p, 1); return PyLong_FromLong(x.u8);
    case FA_i16: memcpy(&x, p, 2); return PyLong_FromLong(x.i16);
    case FA_u16: memcpy(&x, p, 2); return PyLong_FromLong(x.u16);
    case FA_i32: memcpy(&x, p, 4); return PyLong_FromLong(x.i32);
    case FA_u32: memcpy(&x, p, 4); return PyLong_FromLongLong(x.u32);
    case FA_i64: memcpy(&x, p, 8); return PyLong_FromLongLong(x.i64);
    case FA_u64: memcpy(&x, p, 8); return PyLong_FromUnsignedLongLong(x.u64);
    case FA_f32: memcpy(&x, p, 4); return PyFloat_FromDouble(x.f32);
    case FA_f64: memcpy(&x, p, 8); return PyFloat_FromDouble(x.f64);
    case FA_F16: memcpy(&x, p, 2); return PyFloat_FromDouble(half_to_float(x.u16));
    case FA_BOOL: return PyBool_FromLong(*p != 0);
    default: Py_UNREACHABLE();
    }
}
