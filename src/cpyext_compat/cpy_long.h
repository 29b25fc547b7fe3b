/* Exact ints, read without a call. */
#ifndef CPY_LONG_H
#define CPY_LONG_H

#include "cpyext_compat/cpy_version.h"

#include "internal/pycore_long.h"

#include <stddef.h>

_Static_assert(PyLong_SHIFT == 30, "ints are read by 30-bit digits");

/* Number of digits; the sign apart. */
static inline size_t
cpy_long_digits(PyObject *exact_int)
{
#if PY_VERSION_HEX >= 0x030C0000
    return ((PyLongObject *)exact_int)->long_value.lv_tag >> 3;
#else
    Py_ssize_t n = Py_SIZE(exact_int);
    return (size_t)(n < 0 ? -n : n);
#endif
}

/* 1 and the value for ints of one digit (below 2**30), 0 for longer ones. */
static inline int
cpy_long_compact(PyObject *exact_int, int64_t *out)
{
    PyLongObject *v = (PyLongObject *)exact_int;
#if PY_VERSION_HEX >= 0x030C0000
    uintptr_t tag = v->long_value.lv_tag;
    *out = (1 - (int64_t)(tag & 3)) * (int64_t)v->long_value.ob_digit[0];
    return tag < (2 << 3);
#else
    Py_ssize_t size = Py_SIZE(v);
    *out = size * (int64_t)v->ob_digit[0];
    return (size_t)(size + 1) <= 2;
#endif
}

#if PY_VERSION_HEX >= 0x030C0000
#  define CPY_LONG_DIGITS_AT offsetof(PyLongObject, long_value.ob_digit)
#else
#  define CPY_LONG_DIGITS_AT offsetof(PyLongObject, ob_digit)
#endif

/* A new int below 2**60 that is not one of those CPython keeps.  -> new, NULL with MemoryError */
static inline PyObject *
cpy_long_new(int64_t i)
{
    PyLongObject *v = PyObject_Malloc(sizeof(PyLongObject));
    _Static_assert(sizeof(PyLongObject) >= CPY_LONG_DIGITS_AT + 2 * sizeof(digit), "padded");
    if (v == NULL)
        return PyErr_NoMemory();
    uint64_t magnitude = (uint64_t)i;
    Py_ssize_t digits = 1;
    int is_negative = i < 0;
    if (magnitude > PyLong_MASK) {          /* seldom */
        magnitude = is_negative ? -magnitude : magnitude;
        digits += magnitude >> PyLong_SHIFT != 0;
    }
    digit *d;
#if PY_VERSION_HEX >= 0x030C0000
    PyObject_Init((PyObject *)v, &PyLong_Type);
    v->long_value.lv_tag = (uintptr_t)digits << 3 | (is_negative ? 2 : 0);
    d = v->long_value.ob_digit;
#else
    v->ob_base.ob_base.ob_refcnt = 1;
    v->ob_base.ob_base.ob_type = &PyLong_Type;
    v->ob_base.ob_size = is_negative ? -digits : digits;
    d = v->ob_digit;
#endif
    d[0] = (digit)(magnitude & PyLong_MASK);
    d[1] = (digit)(magnitude >> PyLong_SHIFT);
    return (PyObject *)v;
}

/* The value of an int nobody else has.  1, or 0: it has no room for that */
static inline int
cpy_long_overwrite(PyObject *exact_int, int64_t i)
{
    PyLongObject *v = (PyLongObject *)exact_int;
    uint64_t magnitude = i < 0 ? -(uint64_t)i : (uint64_t)i;
    Py_ssize_t digits = 1 + (magnitude >> PyLong_SHIFT != 0);
    if (cpy_long_digits(exact_int) < (size_t)digits)
        return 0;
    digit *d;
#if PY_VERSION_HEX >= 0x030C0000
    v->long_value.lv_tag = (uintptr_t)digits << 3 | (i < 0 ? 2 : 0);
    d = v->long_value.ob_digit;
#else
    Py_SET_SIZE(v, i < 0 ? -digits : digits);
    d = v->ob_digit;
#endif
    d[0] = (digit)(magnitude & PyLong_MASK);
    if (digits > 1)
        d[1] = (digit)(magnitude >> PyLong_SHIFT);
    return 1;
}

/* 1 and the value for ints of up to two digits (below 2**60), 0 for longer ones. */
static inline int
cpy_long_fits(PyObject *exact_int, int64_t *out)
{
    PyLongObject *v = (PyLongObject *)exact_int;
#if PY_VERSION_HEX >= 0x030C0000
    /* digits << 3 | 0 positive, 1 zero, 2 negative */
    uintptr_t tag = v->long_value.lv_tag;
    int64_t sign = 1 - (int64_t)(tag & 3);
    if (tag < (2 << 3)) {
        *out = sign * (int64_t)v->long_value.ob_digit[0];
        return 1;
    }
    if (tag >= (3 << 3))
        return 0;
    const digit *d = v->long_value.ob_digit;
    *out = sign * ((int64_t)d[0] | (int64_t)d[1] << PyLong_SHIFT);
    return 1;
#else
    const digit *d = v->ob_digit;
    Py_ssize_t size = Py_SIZE(v);
    if ((size_t)(size + 1) <= 2) {                      /* -1, 0, 1 */
        *out = size * (int64_t)d[0];
        return 1;
    }
    switch (size) {
    case 2: *out = (int64_t)d[0] | (int64_t)d[1] << PyLong_SHIFT; return 1;
    case -2: *out = -((int64_t)d[0] | (int64_t)d[1] << PyLong_SHIFT); return 1;
    default: return 0;
    }
#endif
}

#endif
