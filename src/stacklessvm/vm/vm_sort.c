/* sorted(), by numbers.
 *
 * Comparing exact ints or floats runs no code, so nobody can tell how they were put in order: all keys
 * are made first, as Objects/listobject.c's list.sort() does, and when they are such numbers the items
 * are sorted by machine words.  Other keys are handed to list.sort() as they are.
 */
#include "vm/vm_sort.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_tracing.h"
#include "vm/vm_call_out.h"
#include "vm/vm_leaf.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"

#include <math.h>

typedef struct {
    union {
        VmWord word;            /* as made: owned if there is a key function, else the item's */
        int64_t order;
    };
    PyObject *item;             /* owned */
} Pair;

/* -- sorting, stably ------------------------------------------------------------------------- */

#define RUN 12                  /* as many are sorted by insertion */
#define RADIX_BITS 11
#define RADIX_FROM 512          /* items it pays for */

/* 1: in order, or turned round so that it is; 0 */
static int
is_one_run(Pair *p, size_t n)
{
    size_t i = 1;
    while (i < n && p[i - 1].order <= p[i].order)
        i++;
    if (i >= n)
        return 1;
    for (i = 1; i < n && p[i - 1].order > p[i].order;)
        i++;
    if (i < n)
        return 0;
    for (size_t a = 0, b = n - 1; a < b; a++, b--) {
        Pair t = p[a];
        p[a] = p[b];
        p[b] = t;
    }
    return 1;
}

static void
insertion_sort(Pair *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        Pair t = p[i];
        size_t j = i;
        for (; j > 0 && p[j - 1].order > t.order; j--)
            p[j] = p[j - 1];
        p[j] = t;
    }
}

static void
merge(const Pair *a, const Pair *a_end, const Pair *b, const Pair *b_end, Pair *to)
{
    while (a < a_end && b < b_end) {
        int second = b->order < a->order;
        *to++ = second ? *b : *a;
        b += second;
        a += !second;
    }
    memcpy(to, a, (size_t)((char *)a_end - (char *)a));
    memcpy(to + (a_end - a), b, (size_t)((char *)b_end - (char *)b));
}

static Pair *                           /* -> which of the two has the result */
merge_sort(Pair *p, Pair *other, size_t n)
{
    for (size_t i = 0; i < n; i += RUN)
        insertion_sort(p + i, n - i < RUN ? n - i : RUN);
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t middle = i + width < n ? i + width : n, end = middle + width < n ? middle + width : n;
            merge(p + i, p + middle, p + middle, p + end, other + i);
        }
        Pair *t = p;
        p = other;
        other = t;
    }
    return p;
}

static Pair *
radix_sort(Pair *p, Pair *other, size_t n, uint64_t least, unsigned bits)
{
    for (unsigned shift = 0; shift < bits; shift += RADIX_BITS) {
        size_t starts[1 << RADIX_BITS] = {0}, at = 0;
        const uint64_t mask = (1 << RADIX_BITS) - 1;
        for (size_t i = 0; i < n; i++)
            starts[((uint64_t)p[i].order - least) >> shift & mask]++;
        for (size_t d = 0; d <= mask; d++) {
            size_t count = starts[d];
            starts[d] = at;
            at += count;
        }
        for (size_t i = 0; i < n; i++)
            other[starts[((uint64_t)p[i].order - least) >> shift & mask]++] = p[i];
        Pair *t = p;
        p = other;
        other = t;
    }
    return p;
}

static Pair *
sort_pairs(Pair *p, Pair *other, size_t n)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    if (is_one_run(p, n))
        return p;
    for (size_t i = 0; i < n; i++) {
        least = p[i].order < least ? p[i].order : least;
        most = p[i].order > most ? p[i].order : most;
    }
    uint64_t range = (uint64_t)most - (uint64_t)least;
    unsigned bits = 64 - (unsigned)__builtin_clzll(range | 1);
    if (n < RADIX_FROM || bits > 3 * RADIX_BITS)
        return merge_sort(p, other, n);
    return radix_sort(p, other, n, (uint64_t)least, bits);
}

/* -- keys -------------------------------------------------------------------------------------- */

/* Exact ints and floats as words where that is possible.  o: taken if `owned`, else borrowed */
static VmWord
key_word(PyObject *o, int owned)
{
    VmWord w = vm_small_box(vm_from_ptr(o));
    if (PyFloat_CheckExact(o) && !isnan(PyFloat_AS_DOUBLE(o)))
        w = vm_from_double(PyFloat_AS_DOUBLE(o));
    if (owned && !vm_is_obj(w))
        Py_DECREF(o);
    return w;
}

/* The key of an item, by a function.  -> owned, or VM_NULL with an exception */
static VmWord
make_key(PyThreadState *ts, PyObject *function, PyObject *item)
{
    if (Py_IS_TYPE(function, &PyFunction_Type) && vm_must_delegate(ts) == NULL) {
        VmWord arg = vm_from_ptr(item), v = VM_NULL;
        VmCode *code = vm_code_taking((PyFunctionObject *)function, 1);
        if (code != NULL && code->leaf)
            v = vm_leaf_word(ts, (PyFunctionObject *)function, code, &arg, 1);
        if (v != VM_NULL)
            return vm_is_obj(v) ? key_word(vm_ptr(v), 1) : v;
    }
    PyObject *o = PyObject_CallOneArg(function, item);
    return o == NULL ? VM_NULL : key_word(o, 1);
}

/* -0.0 and 0.0 are equal. */
static int64_t
order_of_double(double d)
{
    int64_t bits;
    d += 0.0;
    memcpy(&bits, &d, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

/* Words become orders, if all are numbers of one kind.  1, or 0: nothing was done */
static int
order_by_words(Pair *p, size_t n, int reverse)
{
    size_t ints = 0, doubles = 0;
    for (size_t i = 0; i < n; i++) {
        ints += (size_t)vm_is_int(p[i].word);
        doubles += (size_t)vm_is_double(p[i].word);
    }
    if (ints != n && doubles != n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        VmWord w = p[i].word;
        p[i].order = ints == n ? vm_int(w) : order_of_double(vm_double(w));
        if (reverse)
            p[i].order = ~p[i].order;       /* equal ones stay as they are */
    }
    return 1;
}

/* -- the general way ------------------------------------------------------------------------------ */

static PyObject *
next_key(PyObject *keys, PyObject *item)
{
    return PyIter_Next(keys);
}

/* What list.sort() calls for each item: gives out keys that are made.  -> new */
static PyObject *
giver_of_keys(const Pair *p, size_t n)
{
    static PyMethodDef def = {"key", next_key, METH_O, NULL};
    PyObject *keys = PyList_New((Py_ssize_t)n), *it = NULL, *giver = NULL;
    for (size_t i = 0; keys != NULL && i < n; i++) {
        PyObject *o = vm_box(p[i].word);
        if (o == NULL)
            Py_CLEAR(keys);
        else
            PyList_SET_ITEM(keys, (Py_ssize_t)i, o);
    }
    if (keys != NULL && (it = PyObject_GetIter(keys)) != NULL)
        giver = PyCFunction_New(&def, it);
    Py_XDECREF(it);
    Py_XDECREF(keys);
    return giver;
}

/* list.sort(key=giver or None, reverse=reverse).  0 / -1 */
static int
sort_list(PyObject *list, PyObject *giver, int reverse)
{
    static PyObject *method, *names;    /* kept for good */
    if (method == NULL)
        method = PyObject_GetAttrString((PyObject *)&PyList_Type, "sort");
    if (names == NULL)
        names = Py_BuildValue("(ss)", "key", "reverse");
    if (method == NULL || names == NULL)
        return -1;
    PyObject *args[3] = {list, giver == NULL ? Py_None : giver, reverse ? Py_True : Py_False};
    PyObject *none = PyObject_Vectorcall(method, args, 1, names);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

/* -- sorted() --------------------------------------------------------------------------------------- */

/* Keys of all items, which nobody else can reach.  0 / -1 */
static int
make_keys(Pair *p, size_t n, PyObject *function)
{
    PyThreadState *ts = PyThreadState_Get();
    for (size_t i = 0; i < n; i++) {
        p[i].word = function == NULL ? key_word(p[i].item, 0) : make_key(ts, function, p[i].item);
        if (p[i].word == VM_NULL) {
            while (i-- > 0)
                vm_release(p[i].word);
            return -1;
        }
    }
    return 0;
}

/* The items back in the list, which was empty meanwhile.  Taken.  0, or -1: somebody came upon it */
static int
put_back(PyListObject *list, PyObject **place, const Pair *p, size_t n)
{
    int untouched = Py_SIZE(list) == 0 && list->ob_item == place && list->allocated >= (Py_ssize_t)n;
    for (size_t i = 0; i < n; i++) {
        if (untouched)
            place[i] = p[i].item;
        else
            Py_DECREF(p[i].item);
    }
    if (untouched) {
        Py_SET_SIZE(list, (Py_ssize_t)n);
        return 0;
    }
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "list modified during sort");
    return -1;
}

/* A new list that is not empty.  0 / -1; 1: it is for list.sort(), with *giver (new) if there is a key
   function */
static int
sort_items(PyListObject *list, PyObject *function, int reverse, PyObject **giver)
{
    PyObject **place = list->ob_item;
    size_t n = (size_t)PyList_GET_SIZE(list);
    Pair *p = PyMem_Malloc(2 * n * sizeof(Pair)), *sorted = p;
    if (p == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        p[i].item = place[i];
    Py_SET_SIZE(list, 0);
    int status = make_keys(p, n, function);
    if (status == 0 && order_by_words(p, n, reverse))
        sorted = sort_pairs(p, p + n, n);
    else if (status == 0) {
        status = 1;
        if (function != NULL) {
            *giver = giver_of_keys(p, n);
            status = *giver == NULL ? -1 : 1;
            for (size_t i = 0; i < n; i++)
                vm_release(p[i].word);
        }
    }
    if (put_back(list, place, sorted, n) < 0)
        status = -1;
    PyMem_Free(p);
    return status;
}

/* CPython calls two C functions, one from the other. */
static int
sort_new_list(PyObject *list, PyObject *function, int reverse)
{
    int *left = cpy_recursion_left(PyThreadState_Get());
    PyObject *giver = NULL;
    *left -= 2 * CPY_C_CALL_TAKES_UNIT;
    int status = sort_items((PyListObject *)list, function, reverse, &giver);
    *left += CPY_C_CALL_TAKES_UNIT;
    if (status == 1)
        status = sort_list(list, giver, reverse);
    *left += CPY_C_CALL_TAKES_UNIT;
    Py_XDECREF(giver);
    return status;
}

/* key= and reverse= where they are plain.  1, or 0 */
static int
read_keywords(PyObject *const *values, PyObject *kwnames, PyObject **key, int *reverse)
{
    Py_ssize_t n = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    *key = NULL;
    *reverse = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (PyUnicode_CompareWithASCIIString(name, "key") == 0)
            *key = values[i] == Py_None ? NULL : values[i];
        else if (PyUnicode_CompareWithASCIIString(name, "reverse") == 0 && PyBool_Check(values[i]))
            *reverse = values[i] == Py_True;
        else
            return 0;
    }
    return 1;
}

PyObject *
vm_sorted(PyObject *const *args, size_t n, PyObject *kwnames, int *done)
{
    PyObject *key;
    int reverse;
    *done = n == 1 && read_keywords(args + 1, kwnames, &key, &reverse)
            && *cpy_recursion_left(PyThreadState_Get()) > 2 * CPY_C_CALL_TAKES_UNIT;
    PyObject *list = *done ? PySequence_List(args[0]) : NULL;
    if (list != NULL && PyList_GET_SIZE(list) > 0 && sort_new_list(list, key, reverse) < 0)
        Py_CLEAR(list);
    return list;
}
