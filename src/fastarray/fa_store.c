/* Storing one element: the common exact types here, everything else by array.array. */
#include "fa_store.h"

#include <string.h>

#include "fa_array.h"

/* What is odd (other types, values out of range) goes through a real array of one, so
 * that conversions, exceptions and their texts are those of this Python. */
static int
store_by_array(FaState *st, char code, unsigned size, char *p, PyObject *value)
{
    PyObject *one = NULL;
    Py_buffer b;
    int status = -1;

    if (fa_array_need(st) == 0)
        one = PyObject_CallFunction((PyObject *)st->array_type, "C(i)", code, 0);
    if (one == NULL)
        return -1;
    if (PySequence_SetItem(one, 0, value) == 0 && PyObject_GetBuffer(one, &b, PyBUF_SIMPLE) == 0) {
        memcpy(p, b.buf, size);
        PyBuffer_Release(&b);
        status = 0;
    }
    Py_DECREF(one);
    return status;
}

#define PUT(ctype, v) \
    do { \
        ctype x_ = (ctype)(v); \
        memcpy(p, &x_, sizeof x_); \
        return 0; \
    } while (0)

static int
store_int(FaDtype dtype, char *p, int64_t v)
{
    switch (dtype) {
    case FA_i8:
        if (v == (int8_t)v) PUT(int8_t, v);
        break;
    case FA_u8:
        if (v == (uint8_t)v) PUT(uint8_t, v);
        break;
    case FA_i16:
        if (v == (int16_t)v) PUT(int16_t, v);
        break;
    case FA_u16:
        if (v == (uint16_t)v) PUT(uint16_t, v);
        break;
    case FA_i32:
        if (v == (int32_t)v) PUT(int32_t, v);
        break;
    case FA_u32:
        if (v == (uint32_t)v) PUT(uint32_t, v);
        break;
    case FA_i64: PUT(int64_t, v);
    case FA_u64:
        if (v >= 0) PUT(uint64_t, v);
        break;
    default: break;
    }
    return -1;
}

int
fa_store_item(FaState *st, char code, FaDtype dtype, char *p, PyObject *value)
{
    if (dtype == FA_f64 && PyFloat_CheckExact(value))
        PUT(double, PyFloat_AS_DOUBLE(value));
    if (dtype == FA_f32 && PyFloat_CheckExact(value))
        PUT(float, PyFloat_AS_DOUBLE(value));
    if (PyLong_CheckExact(value)) {
        int overflow;
        int64_t v = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (!overflow && store_int(dtype, p, v) == 0)
            return 0;
    }
    return store_by_array(st, code, fa_dtype_size(dtype), p, value);
}
#undef PUT
