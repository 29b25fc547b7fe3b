/* Builtin functions, methods and types that are computed from words, without a call: for numbers
 * and plain objects, which have no code of their own to run.
 */
#include "vm/vm_builtin.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_iter.h"
#include "vm/vm_attr.h"
#include "vm/vm_build.h"
#include "vm/vm_call.h"
#include "vm/vm_gen.h"
#include "vm/vm_methods.h"
#include "vm/vm_num.h"
#include "vm/vm_special.h"
#include "vm/vm_text.h"

#include <math.h>

/* -- numbers --------------------------------------------------------------------------------- */

/* An int or float in any form; other words as they are, and what is not a number. */
static VmWord
number(VmWord w)
{
    if (!vm_is_obj(w) || !PyFloat_CheckExact(vm_ptr(w)))
        return vm_small_box(w);
    double d = PyFloat_AS_DOUBLE(vm_ptr(w));
    return d == d ? vm_from_double(d) : w;
}

/* o (taken) as a word; without memory the general way says so. */
static inline VmWord
computed(PyObject *o)
{
    if (o == NULL)
        PyErr_Clear();
    return vm_from_ptr(o);
}

static VmWord
compute_abs(VmFrame *f, VmWord *args, size_t n)
{
    VmWord w = n == 1 ? number(args[0]) : VM_NULL;
    if (vm_is_int(w) && vm_int_fits(-vm_int(w))) {
        if (vm_int(w) >= 0) {
            vm_incref(args[0]);         /* the same object */
            return args[0];
        }
        return vm_from_int(-vm_int(w));
    }
    return w != VM_NULL && vm_is_double(w) ? vm_from_double(fabs(vm_double(w))) : VM_NULL;
}

/* The first of the arguments that none of the later ones is beyond: -1 below, 1 above it. */
static VmWord
extreme(VmWord *args, size_t n, int beyond)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        int order;
        if (!vm_numbers_order(args[i], args[best], &order))
            return VM_NULL;
        if (order == beyond)
            best = i;
    }
    if (n < 2)
        return VM_NULL;
    vm_incref(args[best]);
    return args[best];
}

/* The same of the items of a list or tuple. */
static VmWord
extreme_item(VmWord w, int beyond)
{
    PyObject *o = vm_is_obj(w) ? vm_ptr(w) : NULL;
    if (o == NULL || !(PyList_CheckExact(o) || PyTuple_CheckExact(o)))
        return VM_NULL;
    return extreme((VmWord *)PySequence_Fast_ITEMS(o), (size_t)PySequence_Fast_GET_SIZE(o), beyond);
}

static VmWord
compute_min(VmFrame *f, VmWord *args, size_t n)
{
    return n == 1 ? extreme_item(args[0], -1) : extreme(args, n, -1);
}

static VmWord
compute_max(VmFrame *f, VmWord *args, size_t n)
{
    return n == 1 ? extreme_item(args[0], 1) : extreme(args, n, 1);
}

/* As vm_truth_plain(), of bools and ints at once. */
static inline int
truth_of_item(PyObject *o)
{
    int64_t i;
    if (o == Py_False || o == Py_True)
        return o == Py_True;
    return PyLong_CheckExact(o) && cpy_long_compact(o, &i) ? i != 0 : vm_truth_plain(vm_from_ptr(o));
}

/* Is the truth of an item of a list or tuple `wanted`?  1, 0, or -1: that takes code */
static int
has_truth(VmWord *args, size_t n, int wanted)
{
    PyObject *o = n == 1 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (o == NULL || !(PyList_CheckExact(o) || PyTuple_CheckExact(o)))
        return -1;
    PyObject **items = PySequence_Fast_ITEMS(o);
    Py_ssize_t size = PySequence_Fast_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < size; i++) {
        int truth = truth_of_item(items[i]);
        if (truth < 0 || truth == wanted)
            return truth < 0 ? -1 : 1;
    }
    return 0;
}

static VmWord
compute_any(VmFrame *f, VmWord *args, size_t n)
{
    int has = has_truth(args, n, 1);
    return has < 0 ? VM_NULL : vm_from_bool(has);
}

static VmWord
compute_all(VmFrame *f, VmWord *args, size_t n)
{
    int has = has_truth(args, n, 0);
    return has < 0 ? VM_NULL : vm_from_bool(!has);
}

/* Of a list or tuple of ints, or one of floats where those are simply added. */
static VmWord
compute_sum(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *o = n == 1 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (o == NULL || !(PyList_CheckExact(o) || PyTuple_CheckExact(o)))
        return VM_NULL;
    PyObject **items = PySequence_Fast_ITEMS(o);
    Py_ssize_t size = PySequence_Fast_GET_SIZE(o), i = 0;
    int64_t total = 0;
    double d = 0.0;
    for (; i < size && PyLong_CheckExact(items[i]); i++) {
        VmWord w = vm_small_box(vm_from_ptr(items[i]));
        if (!vm_is_int(w))
            return VM_NULL;
        total += vm_int(w);
        if (!vm_int_fits(total))
            return VM_NULL;
    }
    if (i == size)
        return vm_from_int(total);
    for (; CPY_SUM_ADDS_FLOATS && i < size && PyFloat_CheckExact(items[i]); i++)
        d = total != 0 ? NAN : d + PyFloat_AS_DOUBLE(items[i]);
    return i == size && d == d ? vm_from_double(d) : VM_NULL;
}

/* A number's whole one, that `towards` finds for floats. */
static inline VmWord
whole(VmWord *args, size_t n, double (*towards)(double))
{
    VmWord w = n == 1 ? number(args[0]) : VM_NULL;
    if (vm_is_int(w)) {
        vm_incref(args[0]);
        return args[0];
    }
    if (w == VM_NULL || !vm_is_double(w) || !(fabs(vm_double(w)) < 1e14))
        return VM_NULL;
    return vm_from_int((int64_t)towards(vm_double(w)));
}

static VmWord
compute_int(VmFrame *f, VmWord *args, size_t n)
{
    if (n == 0)
        return vm_from_int(0);
    if (n == 1 && f != NULL && vm_is_exact_str(args[0]))
        return computed(PyLong_FromUnicodeObject(vm_ptr(args[0]), 10));
    return whole(args, n, trunc);
}

/* To the nearest, of two the even one: Objects/floatobject.c, float___round___impl. */
static VmWord
compute_round(VmFrame *f, VmWord *args, size_t n)
{
    return whole(args, n, rint);
}

static VmWord
compute_float(VmFrame *f, VmWord *args, size_t n)
{
    if (n == 1 && f != NULL && vm_is_exact_str(args[0]))
        return computed(PyFloat_FromString(vm_ptr(args[0])));
    VmWord w = n == 1 ? number(args[0]) : VM_NULL;
    if (vm_is_int(w))
        return vm_from_double((double)vm_int(w));
    if (w == VM_NULL || !vm_is_double(w))
        return VM_NULL;
    vm_incref(args[0]);
    return args[0];
}

/* 1 and two ints, or 0 */
static inline int
two_ints(VmWord *args, size_t n, int64_t *x, int64_t *y)
{
    VmWord v = n == 2 ? vm_small_box(args[0]) : VM_NULL;
    VmWord w = n == 2 ? vm_small_box(args[1]) : VM_NULL;
    *x = vm_int(v);
    *y = vm_int(w);
    return vm_is_int(v) && vm_is_int(w);
}

static VmWord
compute_divmod(VmFrame *f, VmWord *args, size_t n)
{
    int64_t x, y;
    if (!two_ints(args, n, &x, &y) || y == 0 || cpy_gc_is_due())
        return VM_NULL;
    int64_t rest = x % y, down = rest != 0 && (rest ^ y) < 0;
    PyObject *pair = PyTuple_New(2);
    PyObject *items[2] = {PyLong_FromLongLong(x / y - down), PyLong_FromLongLong(rest + down * y)};
    for (int i = 0; i < 2 && pair != NULL; i++) {
        if (items[i] == NULL)
            Py_CLEAR(pair);
    }
    if (pair == NULL) {
        Py_XDECREF(items[0]);
        Py_XDECREF(items[1]);
        return computed(NULL);
    }
    PyTuple_SET_ITEM(pair, 0, items[0]);
    PyTuple_SET_ITEM(pair, 1, items[1]);
    return vm_from_ptr(pair);
}

static VmWord
compute_pow(VmFrame *f, VmWord *args, size_t n)
{
    int64_t base, exponent, power = 1;
    if (!two_ints(args, n, &base, &exponent) || exponent < 0 || exponent > 48)
        return VM_NULL;
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(power, base, &power) || !vm_int_fits(power))
            return VM_NULL;
    }
    return vm_from_int(power);
}

#ifdef __SIZEOF_INT128__
static int64_t
power_modulo(int64_t base, int64_t exponent, int64_t modulus)
{
    __int128 power = 1 % modulus, factor = base % modulus;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            power = power * factor % modulus;
        factor = factor * factor % modulus;
    }
    return (int64_t)(power < 0 ? power + modulus : power);
}
#else
#  define power_modulo(base, exponent, modulus) VM_INT_MAX + 1
#endif

static VmWord
compute_power(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 3)
        return compute_pow(f, args, n);
    int64_t base, exponent;
    VmWord modulus = vm_small_box(args[2]);
    if (!two_ints(args, 2, &base, &exponent) || exponent < 0 || !vm_is_int(modulus)
        || vm_int(modulus) <= 0)
        return VM_NULL;
    int64_t power = power_modulo(base, exponent, vm_int(modulus));
    return vm_int_fits(power) ? vm_from_int(power) : VM_NULL;
}

static VmWord
compute_hex(VmFrame *f, VmWord *args, size_t n)
{
    VmWord w = n == 1 ? vm_small_box(args[0]) : VM_NULL;
    char text[16], *end = text + sizeof text, *p = end;
    if (!vm_is_int(w))
        return VM_NULL;
    int64_t i = vm_int(w);
    uint64_t left = (uint64_t)(i < 0 ? -i : i);
    do
        *--p = "0123456789abcdef"[left & 15];
    while ((left >>= 4) != 0);
    *--p = 'x';
    *--p = '0';
    if (i < 0)
        *--p = '-';
    return computed(vm_ascii_text(p, (size_t)(end - p)));
}

/* -- plain objects ----------------------------------------------------------------------------- */

static Py_ssize_t
plain_len(VmWord w)
{
    PyObject *o = vm_is_obj(w) ? vm_ptr(w) : NULL;
    if (o == NULL)
        return -1;
    if (PyList_CheckExact(o) || PyTuple_CheckExact(o) || PyBytes_CheckExact(o))
        return Py_SIZE(o);
    if (PyUnicode_CheckExact(o))
        return PyUnicode_GET_LENGTH(o);
    if (PyDict_CheckExact(o))
        return PyDict_GET_SIZE(o);
    return PyAnySet_CheckExact(o) ? PySet_GET_SIZE(o) : -1;
}

static VmWord
compute_len(VmFrame *f, VmWord *args, size_t n)
{
    Py_ssize_t size = n == 1 ? plain_len(args[0]) : -1;
    return size < 0 ? VM_NULL : vm_from_int(size);
}

static VmWord
compute_bool(VmFrame *f, VmWord *args, size_t n)
{
    VmWord w = n == 1 ? number(args[0]) : VM_NULL;
    if (vm_is_int(w))
        return vm_from_bool(vm_int(w) != 0);
    if (w == VM_TRUE || w == VM_FALSE)
        return w;
    if (vm_is_none(w))
        return VM_FALSE;
    Py_ssize_t size = plain_len(w);
    return size < 0 ? VM_NULL : vm_from_bool(size > 0);
}

static VmWord
compute_ord(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *o = n == 1 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (o == NULL || !PyUnicode_CheckExact(o) || PyUnicode_GET_LENGTH(o) != 1)
        return VM_NULL;
    return vm_from_int(PyUnicode_READ_CHAR(o, 0));
}

/* Types that have no say in what isinstance() answers. */
static int
is_plain_type(PyTypeObject *type)
{
    return type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type
           || type == &PyList_Type || type == &PyDict_Type || type == &PyTuple_Type
           || type == &PyBool_Type || type == &PySet_Type || type == &PyBytes_Type
           || type == Py_TYPE(Py_None);
}

static PyObject *object_class, *object_getattribute, *class_name;

/* May an object of the type say that it is of another class?  isinstance() asks for its __class__. */
static int
may_pretend(PyTypeObject *type)
{
    getattrofunc get = type->tp_getattro;
    if (get != PyObject_GenericGetAttr && get != PyType_Type.tp_getattro
        && (!vm_slot_is_generic(type, SP_GETATTRIBUTE)
            || _PyType_Lookup(type, vm_specials[SP_GETATTRIBUTE].name) != object_getattribute))
        return 1;
    return _PyType_Lookup(type, class_name) != object_class;
}

int
vm_is_instance(PyTypeObject *type, PyObject *cls)
{
    if (!Py_IS_TYPE(cls, &PyType_Type))
        return -1;
    if (type == (PyTypeObject *)cls || PyType_IsSubtype(type, (PyTypeObject *)cls))
        return 1;
    return is_plain_type(type) || !may_pretend(type) ? 0 : -1;
}

static VmWord
compute_isinstance(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 2 || args[0] == VM_NULL || !vm_is_obj(args[1]))
        return VM_NULL;
    PyTypeObject *type = vm_type_of_word(args[0]);
    PyObject *cls = vm_ptr(args[1]);
    int answer = -1;
    if (!PyTuple_CheckExact(cls))
        answer = vm_is_instance(type, cls);
    else {
        answer = PyTuple_GET_SIZE(cls) == 0 ? -1 : 0;
        for (Py_ssize_t i = 0; answer == 0 && i < PyTuple_GET_SIZE(cls); i++)
            answer = vm_is_instance(type, PyTuple_GET_ITEM(cls, i));
    }
    return answer < 0 ? VM_NULL : vm_from_bool(answer);
}

static VmWord
compute_callable(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 1 || args[0] == VM_NULL)
        return VM_NULL;
    return vm_from_bool(vm_is_obj(args[0]) && PyCallable_Check(vm_ptr(args[0])));
}

static VmWord
compute_issubclass(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 2 || !vm_is_obj(args[0]) || !vm_is_obj(args[1]) || !PyType_Check(vm_ptr(args[0]))
        || !Py_IS_TYPE(vm_ptr(args[1]), &PyType_Type))
        return VM_NULL;
    return vm_from_bool(PyType_IsSubtype((PyTypeObject *)vm_ptr(args[0]),
                                         (PyTypeObject *)vm_ptr(args[1])));
}

static VmWord
compute_type(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 1 || args[0] == VM_NULL)
        return VM_NULL;
    PyTypeObject *type = vm_is_obj(args[0]) ? vm_public_type(vm_ptr(args[0])) : NULL;
    return vm_from_ptr(Py_NewRef(type != NULL ? type : vm_type_of_word(args[0])));
}

/* Objects/floatobject.c, float_repr.  -> new */
static PyObject *
float_text(double d)
{
    char *text = PyOS_double_to_string(d, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    PyObject *s = text == NULL ? NULL : vm_ascii_text(text, strlen(text));
    PyMem_Free(text);
    return s;
}

static VmWord
compute_str(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 1)
        return VM_NULL;
    VmWord w = vm_small_box(args[0]);
    PyObject *s = NULL;
    if (vm_is_int(w))
        s = vm_int_text(vm_int(w));
    else if (vm_is_exact_str(w))
        s = Py_NewRef(vm_ptr(w));
    else if (vm_is_double(w))
        s = float_text(vm_double(w));
    return computed(s);
}

/* Of numbers, whose two texts are the same, and of strs. */
static VmWord
compute_repr(VmFrame *f, VmWord *args, size_t n)
{
    if (n == 1 && vm_is_exact_str(args[0]))
        return computed(PyObject_Repr(vm_ptr(args[0])));
    return compute_str(f, args, n);
}

static VmWord
compute_chr(VmFrame *f, VmWord *args, size_t n)
{
    VmWord w = n == 1 ? vm_small_box(args[0]) : VM_NULL;
    if (!vm_is_int(w) || vm_int(w) < 0 || vm_int(w) > 0x10FFFF)
        return VM_NULL;
    return computed(PyUnicode_FromOrdinal((int)vm_int(w)));
}

/* Nothing but what it is made of says what its hash is. */
static int
has_plain_hash(PyObject *o)
{
    if (!PyTuple_CheckExact(o))
        return PyUnicode_CheckExact(o);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); i++) {
        PyObject *item = PyTuple_GET_ITEM(o, i);
        if (!PyUnicode_CheckExact(item) && !PyLong_CheckExact(item) && !PyFloat_CheckExact(item)
            && item != Py_None)
            return 0;
    }
    return 1;
}

static VmWord
compute_hash(VmFrame *f, VmWord *args, size_t n)
{
    VmWord w = n == 1 ? vm_small_box(args[0]) : VM_NULL;
    if (vm_is_int(w))
        return vm_from_int(vm_int(w) == -1 ? -2 : vm_int(w));
    if (!vm_is_obj(w) || !has_plain_hash(vm_ptr(w)))
        return VM_NULL;
    Py_hash_t h = PyObject_Hash(vm_ptr(w));
    if (vm_int_fits(h))
        return vm_from_int(h);
    return f == NULL ? VM_NULL : computed(PyLong_FromSsize_t(h));
}

/* Of builtin containers, whose iterators are just made. */
static VmWord
compute_iter(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *o = n == 1 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    int plain = o != NULL
                && (PyList_CheckExact(o) || PyTuple_CheckExact(o) || PyDict_CheckExact(o)
                    || PyAnySet_CheckExact(o) || PyUnicode_CheckExact(o));
    return plain && !cpy_gc_is_due() ? computed(PyObject_GetIter(o)) : VM_NULL;
}

static VmWord
compute_dict_get(VmFrame *f, VmWord *args, size_t n)
{
    PyObject **place;
    int found = (n == 2 || n == 3) && vm_is_obj(args[0])
                    ? vm_dict_find(vm_ptr(args[0]), args[1], &place)
                    : -1;
    if (found < 0)
        return VM_NULL;
    if (found)
        return vm_from_ptr(Py_NewRef(*place));
    VmWord w = n == 3 ? args[2] : VM_NONE;
    vm_incref(w);
    return w;
}

static VmWord
compute_list_append(VmFrame *f, VmWord *args, size_t n)
{
    if (n != 2 || !vm_is_obj(args[0]) || !PyList_CheckExact(vm_ptr(args[0])))
        return VM_NULL;
    PyListObject *l = (PyListObject *)vm_ptr(args[0]);
    PyObject *o = vm_is_obj(args[1]) ? Py_NewRef(vm_ptr(args[1])) : vm_box_shared(f, args[1]);
    if (o != NULL && Py_SIZE(l) < l->allocated) {
        l->ob_item[Py_SIZE(l)] = o;
        Py_SET_SIZE(l, Py_SIZE(l) + 1);
        return VM_NONE;
    }
    int status = o == NULL ? -1 : PyList_Append((PyObject *)l, o);
    Py_XDECREF(o);
    return status == 0 ? VM_NONE : computed(NULL);
}

/* list(x) and tuple(x) of the two. */
static VmWord
listing(VmWord *args, size_t n, PyObject *(*make)(PyObject *))
{
    PyObject *o = n == 1 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    int plain = o != NULL && (PyList_CheckExact(o) || PyTuple_CheckExact(o));
    return plain && !cpy_gc_is_due() ? computed(make(o)) : VM_NULL;
}

static VmWord
compute_list(VmFrame *f, VmWord *args, size_t n)
{
    return listing(args, n, PySequence_List);
}

static VmWord
compute_tuple(VmFrame *f, VmWord *args, size_t n)
{
    return listing(args, n, PySequence_Tuple);
}

/* getattr(o, name), with a default or without one, and hasattr(o, name). */
static VmWord
compute_getattr(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *v;
    int found = n == 2 || n == 3 ? vm_attr_plain(args[0], args[1], &v) : -1;
    if (found == 1)
        return vm_from_ptr(Py_NewRef(v));
    if (found < 0 || n == 2)
        return VM_NULL;
    vm_incref(args[2]);
    return args[2];
}

static VmWord
compute_hasattr(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *v;
    int found = n == 2 ? vm_attr_plain(args[0], args[1], &v) : -1;
    return found < 0 ? VM_NULL : vm_from_bool(found);
}

static VmWord
compute_setattr(VmFrame *f, VmWord *args, size_t n)
{
    return n == 3 && vm_setattr_plain(f, args[0], args[1], args[2]) ? VM_NONE : VM_NULL;
}

/* object.__new__(cls) of a class whose instances it may make: Objects/typeobject.c,
   tp_new_wrapper and object_new. */
static VmWord
compute_object_new(VmFrame *f, VmWord *args, size_t n)
{
    PyTypeObject *cls = n == 1 && vm_is_obj(args[0]) ? (PyTypeObject *)vm_ptr(args[0]) : NULL;
    if (cls == NULL || !PyType_Check(cls) || cls->tp_flags & Py_TPFLAGS_IS_ABSTRACT)
        return VM_NULL;
    PyTypeObject *base = cls;
    while (base != NULL && vm_slot_is_generic(base, SP_NEW))
        base = base->tp_base;
    if (base == NULL || base->tp_new != PyBaseObject_Type.tp_new)
        return VM_NULL;
    return computed(PyBaseObject_Type.tp_new(cls, vm_known.no_args, NULL));
}

/* Of an iterator that runs no code, and is not at its end; a range's may be, with a default. */
static VmWord
compute_next(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *it = (n == 1 || n == 2) && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL, *o = NULL, *whole;
    if (it == NULL)
        return VM_NULL;
    if (CPY_IS_RANGE_ITER(it)) {
        CpyRange r = cpy_range_iter_state(it);
        if (r.left <= 0 && n == 2) {
            vm_incref(args[1]);
            return args[1];
        }
        if (r.left <= 0 || !vm_int_fits(r.next))
            return VM_NULL;
        cpy_range_iter_skip(it, 1);
        return vm_from_int(r.next);
    }
    if (CPY_IS_LIST_ITER(it) && cpy_list_iter_waits(it))
        o = cpy_list_iter_next(it, &whole);
    else if (CPY_IS_TUPLE_ITER(it) && cpy_tuple_iter_waits(it))
        o = cpy_tuple_iter_next(it, &whole);
    return vm_from_ptr(Py_XNewRef(o));
}

/* -- functions of modules ------------------------------------------------------------------------ */

#define ARITHMETIC(NAME, NUMBERS) \
    static VmWord operator_##NAME(VmFrame *f, VmWord *args, size_t n) \
    { \
        VmWord result; \
        return n == 2 && NUMBERS(args[0], args[1], &result) == 1 ? result : VM_NULL; \
    }
ARITHMETIC(add, vm_numbers_add)
ARITHMETIC(sub, vm_numbers_sub)
ARITHMETIC(mul, vm_numbers_mul)
ARITHMETIC(truediv, vm_numbers_div)
#undef ARITHMETIC

#define COMPARISON(NAME, OP) \
    static VmWord operator_##NAME(VmFrame *f, VmWord *args, size_t n) \
    { \
        int truth = n == 2 ? vm_compare_plain(OP, args[0], args[1]) : -1; \
        return truth < 0 ? VM_NULL : vm_from_bool(truth); \
    }
COMPARISON(lt, Py_LT)
COMPARISON(le, Py_LE)
COMPARISON(eq, Py_EQ)
COMPARISON(ne, Py_NE)
COMPARISON(gt, Py_GT)
COMPARISON(ge, Py_GE)
#undef COMPARISON

/* Of a number, where the result is one and not infinite. */
#define OF_FLOAT(NAME, FUNCTION) \
    static VmWord math_##NAME(VmFrame *f, VmWord *args, size_t n) \
    { \
        double d; \
        if (n != 1 || !vm_number(number(args[0]), &d) || !isfinite(d = FUNCTION(d))) \
            return VM_NULL; \
        return vm_from_double(d); \
    }
OF_FLOAT(sqrt, sqrt)
OF_FLOAT(fabs, fabs)
#undef OF_FLOAT

static VmWord
math_floor(VmFrame *f, VmWord *args, size_t n)
{
    return whole(args, n, floor);
}

static VmWord
math_ceil(VmFrame *f, VmWord *args, size_t n)
{
    return whole(args, n, ceil);
}

/* By the names in the C tables that define them. */
static const struct {
    const char *module, *name;
    VmWord (*compute)(VmFrame *, VmWord *, size_t);
} of_modules[] = {
    {"_operator", "add", operator_add},
    {"_operator", "sub", operator_sub},
    {"_operator", "mul", operator_mul},
    {"_operator", "truediv", operator_truediv},
    {"_operator", "lt", operator_lt},
    {"_operator", "le", operator_le},
    {"_operator", "eq", operator_eq},
    {"_operator", "ne", operator_ne},
    {"_operator", "gt", operator_gt},
    {"_operator", "ge", operator_ge},
    {"math", "sqrt", math_sqrt},
    {"math", "fabs", math_fabs},
    {"math", "floor", math_floor},
    {"math", "ceil", math_ceil},
};

/* -- the table ------------------------------------------------------------------------------------ */

#define N_SLOTS 256

static VmBuiltin slots[N_SLOTS];

static size_t
first_slot(PyObject *callable)
{
    return (uintptr_t)callable / 16 * 0x9E3779B1u >> 7 & (N_SLOTS - 1);
}

const VmBuiltin *
vm_builtin(PyObject *callable)
{
    size_t i = first_slot(callable);
    while (slots[i].callable != callable) {
        if (slots[i].callable == NULL)
            return NULL;
        i = (i + 1) % N_SLOTS;
    }
    return &slots[i];
}

static void
add(VmBuiltin row)
{
    size_t i = first_slot(row.callable);
    while (slots[i].callable != NULL)
        i = (i + 1) % N_SLOTS;
    slots[i] = row;
}

/* Is it one that the module was made with? */
static int
is_defined_by(const PyModuleDef *module, const PyMethodDef *def)
{
    const PyMethodDef *m = module == NULL ? NULL : module->m_methods;
    while (m != NULL && m->ml_name != NULL) {
        if (m++ == def)
            return 1;
    }
    return 0;
}

const VmBuiltin *
vm_builtin_learn(PyObject *callable)
{
    static size_t room = 2 * (sizeof of_modules / sizeof *of_modules);
    static const PyMethodDef *asked[64];        /* lately */
    if (room == 0 || !Py_IS_TYPE(callable, &PyCFunction_Type))
        return NULL;
    const PyMethodDef *def = ((PyCFunctionObject *)callable)->m_ml;
    const PyMethodDef **last = &asked[(uintptr_t)def / sizeof *def % 64];
    if (*last == def)
        return NULL;
    *last = def;
    PyObject *module = PyCFunction_GET_SELF(callable);
    const PyModuleDef *of = module != NULL && PyModule_Check(module) ? PyModule_GetDef(module) : NULL;
    for (size_t i = 0; of != NULL && i < sizeof of_modules / sizeof *of_modules; i++) {
        if (strcmp(of_modules[i].name, def->ml_name) == 0 && strcmp(of_modules[i].module, of->m_name) == 0
            && is_defined_by(of, def) && vm_builtin(callable) == NULL) {
            room--;
            add((VmBuiltin){Py_NewRef(callable), of_modules[i].compute, .borrows = 1});
            return vm_builtin(callable);
        }
    }
    return NULL;
}

/* As long as it is the one the type was made with.  0, or -1 */
static int
add_method(const VmMethod *m)
{
    PyObject *o = PyObject_GetAttrString((PyObject *)m->type, m->name);
    if (o == NULL)
        return -1;
    VmBuiltin *known = (VmBuiltin *)vm_builtin(o);
    if (known != NULL) {
        known->compute = m->compute;
        known->receiver = m->type;
        known->borrows = 1;
    }
    if (known == NULL && Py_IS_TYPE(o, &PyMethodDescr_Type))
        add((VmBuiltin){o, m->compute, .receiver = m->type, .borrows = 1});
    else
        Py_DECREF(o);
    return 0;
}

static int
add_methods(const VmMethod *m)
{
    for (; m->type != NULL; m++) {
        if (add_method(m) < 0)
            return -1;
    }
    return 0;
}

int
vm_builtin_init(void)
{
    static const struct {
        const char *name;
        VmWord (*compute)(VmFrame *, VmWord *, size_t);
        uint8_t pure;
    } functions[] = {
        {"abs", compute_abs, 1},
        {"min", compute_min, 1},
        {"max", compute_max, 1},
        {"sum", compute_sum, 1},
        {"ord", compute_ord, 1},
        {"isinstance", compute_isinstance, 1},
        {"chr", compute_chr, 0},
        {"round", compute_round, 1},
        {"divmod", compute_divmod, 0},
        {"pow", compute_power, 1},
        {"hex", compute_hex, 0},
        {"callable", compute_callable, 1},
        {"issubclass", compute_issubclass, 1},
        {"setattr", compute_setattr, 0},
    };
    object_class = PyDict_GetItemString(PyBaseObject_Type.tp_dict, "__class__");
    object_getattribute = PyDict_GetItemString(PyBaseObject_Type.tp_dict, "__getattribute__");
    class_name = PyUnicode_InternFromString("__class__");
    if (class_name == NULL)
        return -1;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        PyObject *o = PyDict_GetItemString(PyEval_GetBuiltins(), functions[i].name);
        if (o == NULL || !PyCFunction_Check(o))
            continue;           /* somebody has put another there */
        add((VmBuiltin){Py_NewRef(o), functions[i].compute, .pure = functions[i].pure, .borrows = 1,
                        .folds = functions[i].compute == compute_sum});
    }
    const VmBuiltin rows[] = {
        {vm_known.len, compute_len, .asks = 1, .pure = 1, .borrows = 1},
        {vm_known.next, compute_next, .asks = 1, .resumes = 1, .borrows = 1},
        {vm_known.iter, compute_iter, .asks = 1, .borrows = 1},
        {vm_known.repr, compute_repr, .asks = 1, .borrows = 1},
        {vm_known.hash, compute_hash, .asks = 1, .pure = 1, .borrows = 1},
        {vm_known.ascii, .asks = 1},
        {vm_known.format, .asks = 2},
        {vm_known.anext, .asks = 2},
        {vm_known.gen_send, .resumes = 1},
        {vm_known.coro_send, .resumes = 1},
        {vm_known.any, compute_any, .folds = 1, .pure = 1, .borrows = 1},
        {vm_known.all, compute_all, .folds = 1, .pure = 1, .borrows = 1},
        {vm_known.sorted, .folds = 1},
        {vm_known.join, .folds = 1},
        {(PyObject *)&PyList_Type, compute_list, .folds = 1, .borrows = 1},
        {(PyObject *)&PyTuple_Type, compute_tuple, .folds = 1, .borrows = 1},
        {vm_known.getattr, compute_getattr, .gets = 1, .borrows = 1},
        {vm_known.hasattr, compute_hasattr, .gets = 1, .borrows = 1},
        {vm_known.dict_get, compute_dict_get, .pure = 1, .borrows = 1},
        {vm_known.list_append, compute_list_append},      /* the loop does it, too */
        {vm_known.object_new, compute_object_new, .borrows = 1},
        {(PyObject *)&PyBool_Type, compute_bool, .asks = 1, .pure = 1, .borrows = 1},
        {(PyObject *)&PyUnicode_Type, compute_str, .asks = 1, .borrows = 1},
        {(PyObject *)&PyLong_Type, compute_int, .pure = 1, .borrows = 1},
        {(PyObject *)&PyFloat_Type, compute_float, .pure = 1, .borrows = 1},
        {(PyObject *)&PyType_Type, compute_type, .pure = 1, .borrows = 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].callable != NULL)
            add(rows[i]);
    }
    return add_methods(vm_methods) < 0 || add_methods(vm_container_methods) < 0 ? -1 : 0;
}
