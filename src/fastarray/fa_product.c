/* Products: as long as they fit 128 bits in C, then as Python ints in a balanced tree,
 * so that long operands meet operands of their own length. */
#include "fa_product.h"

#include <string.h>

#include "fa_box.h"

static FaI128
item(const FaView *v, Py_ssize_t i)
{
    switch (v->dtype) {
#define FA_DTYPE(t, ctype, kind, bits, code) \
    case FA_##t: { \
        ctype x; \
        memcpy(&x, v->ptr + i * (Py_ssize_t)sizeof x, sizeof x); \
        return (FaI128)x; \
    }
#include "fa_dtypes.def"
#undef FA_DTYPE
    default:
        Py_UNREACHABLE();
    }
}

/* Multiplies elements from *i on while the product stays within 128 bits. */
static FaI128
run(const FaView *v, Py_ssize_t *i, Py_ssize_t end)
{
    FaI128 product = item(v, (*i)++), next;
    while (*i < end && !__builtin_mul_overflow(product, item(v, *i), &next)) {
        product = next;
        ++*i;
    }
    return product;
}

static PyObject *
tree(const FaView *v, Py_ssize_t from, Py_ssize_t end)
{
    Py_ssize_t i = from;
    FaI128 product = run(v, &i, end);
    PyObject *left, *right, *both = NULL;

    if (i == end || product == 0)
        return fa_box_int(product);
    if (end - from <= 64) {
        left = fa_box_int(product);
        right = tree(v, i, end);
    }
    else {
        Py_ssize_t middle = from + (end - from) / 2;
        left = tree(v, from, middle);
        right = left ? tree(v, middle, end) : NULL;
    }
    if (left != NULL && right != NULL)
        both = PyNumber_Multiply(left, right);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return both;
}

static int
has_zero(const FaView *v)
{
    for (Py_ssize_t i = 0; i < v->n; i++)
        if (item(v, i) == 0)
            return 1;
    return 0;
}

PyObject *
fa_product_ints(const FaView *v)
{
    if (v->n == 0)
        return PyLong_FromLong(1);
    if (has_zero(v)) /* before long products that would come to nothing */
        return PyLong_FromLong(0);
    return tree(v, 0, v->n);
}
