/* Kernel results as Python numbers, and Python numbers as kernel operands. */
#include "fa_box.h"

#include <math.h>

/* high * 2**64 + low; takes high. -> new */
static PyObject *
append_word(PyObject *high, uint64_t low)
{
    PyObject *word = PyLong_FromUnsignedLongLong(low), *bits = PyLong_FromLong(64);
    PyObject *shifted = NULL, *result = NULL;

    if (high != NULL && word != NULL && bits != NULL)
        shifted = PyNumber_Lshift(high, bits);
    if (shifted != NULL)
        result = PyNumber_Or(shifted, word);
    Py_XDECREF(shifted);
    Py_XDECREF(bits);
    Py_XDECREF(word);
    Py_XDECREF(high);
    return result;
}

PyObject *
fa_box_int(FaI128 x)
{
    if (x >= INT64_MIN && x <= INT64_MAX)
        return PyLong_FromLongLong((int64_t)x);
    return append_word(PyLong_FromLongLong((int64_t)(x >> 64)), (uint64_t)x);
}

PyObject *
fa_box_wide(FaWide x)
{
    if (x.high == ((FaI128)x.low < 0 ? -1 : 0))
        return fa_box_int((FaI128)x.low);
    return append_word(append_word(PyLong_FromLongLong(x.high), (uint64_t)(x.low >> 64)),
                       (uint64_t)x.low);
}

PyObject *
fa_box_scalar(FaKind kind, FaScalar x)
{
    switch (kind) {
    case FA_SIGNED:
        return PyLong_FromLongLong(x.i);
    case FA_UNSIGNED:
        return PyLong_FromUnsignedLongLong(x.u);
    default:
        return PyFloat_FromDouble(x.d);
    }
}

PyObject *
fa_box_ratio(FaI128 x, Py_ssize_t n)
{
    const int64_t exact = (int64_t)1 << 53;
    PyObject *total, *count, *ratio = NULL;

    /* both exact as doubles: the division rounds once, as int / int does */
    if (x >= -exact && x <= exact && n <= exact)
        return PyFloat_FromDouble((double)(int64_t)x / (double)n);
    total = fa_box_int(x);
    count = PyLong_FromSsize_t(n);
    if (total != NULL && count != NULL)
        ratio = PyNumber_TrueDivide(total, count);
    Py_XDECREF(total);
    Py_XDECREF(count);
    return ratio;
}

int
fa_unbox_int(PyObject *obj, FaI128 *x)
{
    int overflow;
    PyObject *index;
    long long v;

    if (fa_unbox_small(obj, x))
        return 0;
    index = PyNumber_Index(obj);
    if (index == NULL)
        return -1;
    v = PyLong_AsLongLongAndOverflow(index, &overflow);
    *x = v;
    if (overflow < 0)
        *x = -((FaI128)1 << 70);
    else if (overflow > 0) {
        unsigned long long u = PyLong_AsUnsignedLongLong(index);
        *x = u;
        if (u == (unsigned long long)-1 && PyErr_Occurred()) {
            PyErr_Clear();
            *x = (FaI128)1 << 70;
        }
    }
    Py_DECREF(index);
    return 0;
}

static int
not_a_number(PyObject *obj, const char *what)
{
    PyErr_Format(PyExc_TypeError, "%s must be a real number, not '%.100s'", what,
                 Py_TYPE(obj)->tp_name);
    return -1;
}

int
fa_unbox_double(PyObject *obj, double *x, const char *what)
{
    FaI128 small;
    if (PyFloat_CheckExact(obj)) {
        *x = PyFloat_AS_DOUBLE(obj);
        return 0;
    }
    if (fa_unbox_small(obj, &small)) { /* a digit or two: exact */
        *x = (double)(int64_t)small;
        return 0;
    }
    *x = PyFloat_AsDouble(obj);
    if (*x == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            return not_a_number(obj, what);
        return -1;
    }
    return 0;
}

int
fa_unbox_integral(PyObject *obj, FaI128 *x, double *f, const char *what)
{
    if (PyLong_Check(obj) || !(PyFloat_Check(obj) || PyNumber_Check(obj)))
        return PyLong_Check(obj) ? (fa_unbox_int(obj, x) < 0 ? -1 : 1)
                                 : not_a_number(obj, what);
    if (!PyFloat_Check(obj) && PyIndex_Check(obj))
        return fa_unbox_int(obj, x) < 0 ? -1 : 1;
    if (fa_unbox_double(obj, f, what) < 0)
        return -1;
    if (!(fabs(*f) < INFINITY) || *f != floor(*f))
        return 0;
    if (fabs(*f) < 0x1p100)
        *x = (FaI128)*f;
    else
        *x = *f < 0 ? -((FaI128)1 << 70) : (FaI128)1 << 70;
    return 1;
}
