/* Result arrays and the self-check of array.array's layout. */
#include "fa_array.h"

#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

/* -- Setup ------------------------------------------------------------------------ */

#ifdef Py_GIL_DISABLED
/* other threads may resize while it is looked at: only by exporting it */
static int
check_layout(FaState *st)
{
    return 0;
}
#else
/* Does this live array look as FaArrayLayout says?  Every field that is used is compared
 * with what the buffer protocol and len() report. */
static int
layout_matches(PyTypeObject *type, PyObject *array, char code)
{
    FaArrayLayout *a = (FaArrayLayout *)array;
    Py_buffer b;
    int same;

    if (type->tp_basicsize != (Py_ssize_t)sizeof(FaArrayLayout) ||
        type->tp_itemsize != 0)
        return 0;
    if (PyObject_GetBuffer(array, &b, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) < 0)
        return -1;
    same = a->ob_item == b.buf && a->ob_exports == 1 && Py_SIZE(array) == 2 &&
           a->allocated >= 2 && a->ob_descr->typecode == code &&
           a->ob_descr->itemsize == (int)b.itemsize && a->weakreflist == NULL;
    PyBuffer_Release(&b);
    return same && a->ob_exports == 0;
}

static int
check_layout(FaState *st)
{
    static const char codes[] = "bBhHiIlLqQfd";
    for (const char *c = codes; *c; c++) {
        PyObject *array = PyObject_CallFunction((PyObject *)st->array_type, "C(ii)", *c,
                                                1, 2);
        int same;
        if (array == NULL)
            return -1;
        same = layout_matches(st->array_type, array, *c);
        if (same > 0)
            st->array_descr[(int)*c] = ((FaArrayLayout *)array)->ob_descr;
        Py_DECREF(array);
        if (same <= 0)
            return same;
    }
    return 1;
}
#endif

int
fa_array_setup(FaState *st)
{
    PyObject *module = PyImport_ImportModule("array"), *type;
    if (module == NULL)
        return -1;
    type = PyObject_GetAttrString(module, "array");
    Py_DECREF(module);
    if (type == NULL)
        return -1;
    if (!PyType_Check(type)) {
        Py_DECREF(type);
        PyErr_SetString(PyExc_TypeError, "array.array is not a type");
        return -1;
    }
    if (st->array_type != NULL) { /* set up by another thread while this one imported */
        Py_DECREF(type);
        return 0;
    }
    st->array_type = (PyTypeObject *)type;
    st->direct = check_layout(st);
    if (st->direct >= 0)
        return 0;
    st->direct = 0;
    Py_CLEAR(st->array_type);
    return -1;
}

int
fa_array_setup_if_there(FaState *st)
{
#ifndef Py_GIL_DISABLED /* there the state is written by one thread: the importing one */
    PyObject *name = PyUnicode_FromString("array"), *module;
    if (name == NULL)
        return -1;
    module = PyImport_GetModule(name);
    Py_DECREF(name);
    if (module == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_DECREF(module);
#endif
    return fa_array_setup(st);
}

/* -- Results ---------------------------------------------------------------------- */

/* Page faults, not arithmetic, bound large results: ask for huge pages. */
static void
advise_huge(void *p, size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    uintptr_t from = ((uintptr_t)p + 4095) & ~(uintptr_t)4095;
    if (size >= (size_t)2 << 20)
        (void)madvise((void *)from, ((uintptr_t)p + size - from) & ~(uintptr_t)4095,
                      MADV_HUGEPAGE);
#endif
}

static int
new_direct(FaState *st, FaResult *r, size_t bytes)
{
    FaArrayLayout *a;
    char *items = PyMem_Malloc(bytes ? bytes : 1);

    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    r->array = st->array_type->tp_alloc(st->array_type, 0);
    if (r->array == NULL) {
        PyMem_Free(items);
        return -1;
    }
    advise_huge(items, bytes);
    a = (FaArrayLayout *)r->array;
    a->ob_item = items;
    a->allocated = r->n;
    a->ob_descr = st->array_descr[(int)r->code];
    a->weakreflist = NULL;
    a->ob_exports = 0;
    Py_SET_SIZE(r->array, r->n);
    r->ptr = items;
    return 0;
}

/* array(code, [0]) * n, then written through its buffer */
static int
new_portable(FaState *st, FaResult *r, Py_ssize_t room)
{
    PyObject *one = PyObject_CallFunction((PyObject *)st->array_type, "C(i)", r->code, 0);
    if (one == NULL)
        return -1;
    r->array = PySequence_Repeat(one, room);
    Py_DECREF(one);
    if (r->array == NULL)
        return -1;
    if (PyObject_GetBuffer(r->array, &r->buffer, PyBUF_WRITABLE) < 0) {
        Py_CLEAR(r->array);
        return -1;
    }
    r->ptr = r->buffer.buf;
    return 0;
}

int
fa_result_new(FaState *st, FaResult *r, char code, Py_ssize_t n, size_t slack)
{
    FaDtype dtype;
    if (fa_dtype_of_code(code, &dtype) < 0) {
        char name[2] = {code, 0};
        return fa_view_type_error(name);
    }
    if (fa_array_need(st) < 0)
        return -1;
    r->size = fa_dtype_size(dtype);
    if ((size_t)n > ((size_t)PY_SSIZE_T_MAX - slack) / r->size) {
        PyErr_NoMemory();
        return -1;
    }
    r->n = n;
    r->code = code;
    r->direct = st->direct;
    r->array = NULL;
    if (r->direct)
        return new_direct(st, r, (size_t)n * r->size + slack);
    return new_portable(st, r, n + (Py_ssize_t)((slack + r->size - 1) / r->size));
}

PyObject *
fa_result_finish(FaState *st, FaResult *r, Py_ssize_t n)
{
    PyObject *array = r->array;
    r->array = NULL;
    if (r->direct) {
        FaArrayLayout *a = (FaArrayLayout *)array;
        if (n != r->n) {
            char *items = PyMem_Realloc(a->ob_item, n ? (size_t)n * r->size : 1);
            if (items != NULL) { /* shrinking may keep the longer block */
                a->ob_item = items;
                a->allocated = n;
            }
            Py_SET_SIZE(array, n);
        }
        return array;
    }
    PyBuffer_Release(&r->buffer);
    if (PySequence_Size(array) != n &&
        PySequence_DelSlice(array, n, PySequence_Size(array)) < 0)
        Py_CLEAR(array);
    return array;
}

void
fa_result_drop(FaResult *r)
{
    if (r->array == NULL)
        return;
    if (!r->direct)
        PyBuffer_Release(&r->buffer);
    Py_CLEAR(r->array);
}
