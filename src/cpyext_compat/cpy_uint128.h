/* 16 unsigned bytes, most significant first, to and from a Python int. */
#ifndef CPY_UINT128_H
#define CPY_UINT128_H

#include <Python.h>

/* -> new; _PyLong_FromByteArray keeps its four arguments from 3.11 to 3.14. */
static inline PyObject *
cpy_uint128_from_bytes(const unsigned char bytes[16])
{
    return _PyLong_FromByteArray(bytes, 16, 0, 0);
}

/* -1 with an exception when the int is negative or wider than 128 bits. */
static inline int
cpy_uint128_as_bytes(PyObject *value, unsigned char bytes[16])
{
#if PY_VERSION_HEX >= 0x030D0000 /* 3.13 added with_exceptions */
    return _PyLong_AsByteArray((PyLongObject *)value, bytes, 16, 0, 0, 1);
#else
    return _PyLong_AsByteArray((PyLongObject *)value, bytes, 16, 0, 0);
#endif
}

#endif
