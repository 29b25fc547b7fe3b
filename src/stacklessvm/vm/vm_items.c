/* Subscripts and membership. */
#include "vm/vm_build.h"

#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_long.h"

#include "vm/vm_call_out.h"
#include "vm/vm_methods.h"
#include "vm/vm_num.h"
#include "vm/vm_special.h"

/* Index of a list or tuple of length n, or -1: let Python decide. */
static Py_ssize_t
position(VmWord w, Py_ssize_t n)
{
    if (!vm_is_int(w))
        return -1;
    int64_t i = vm_int(w);
    if (i < 0)
        i += n;
    return i >= 0 && i < n ? (Py_ssize_t)i : -1;
}

/* What a key is that is found without running code. */
typedef enum { KEY_INT,
               KEY_STR,
               KEY_OTHER } KeyKind;

static inline KeyKind
kind_of_key(VmWord key, int64_t *n)
{
    if (vm_is_int(key)) {
        *n = vm_int(key);
        return KEY_INT;
    }
    if (!vm_is_obj(key))
        return KEY_OTHER;
    PyObject *o = vm_ptr(key);
    if (PyLong_CheckExact(o))
        return cpy_long_fits(o, n) ? KEY_INT : KEY_OTHER;
    if (!PyUnicode_CheckExact(o))
        return KEY_OTHER;
    if (vm_likely(((PyASCIIObject *)o)->hash != -1) || PyObject_Hash(o) != -1)
        return KEY_STR;
    PyErr_Clear();              /* the general way says it again */
    return KEY_OTHER;
}

int
vm_dict_find(PyObject *o, VmWord key, PyObject ***place)
{
    int64_t n;
    if (!PyDict_CheckExact(o))
        return -1;
    KeyKind kind = kind_of_key(key, &n);
    return kind == KEY_INT   ? cpy_dict_find_int((PyDictObject *)o, n, place)
           : kind == KEY_STR ? cpy_dict_find_str((PyDictObject *)o, vm_ptr(key), place)
                             : -1;
}

int
vm_set_find(PyObject *o, VmWord key)
{
    int64_t n;
    if (!PyAnySet_CheckExact(o))
        return -1;
    KeyKind kind = kind_of_key(key, &n);
    return kind == KEY_INT   ? cpy_set_find_int(o, n)
           : kind == KEY_STR ? cpy_set_find_str(o, vm_ptr(key))
                             : -1;
}

/* Is this exact int n? */
static inline int
is_that_int(PyObject *o, int64_t n)
{
    int64_t i;
    return (cpy_long_compact(o, &i) || cpy_long_fits(o, &i)) && i == n;
}

Py_ssize_t
vm_plain_position(PyObject *const *items, Py_ssize_t n, VmWord w)
{
    w = vm_small_box(w);
    PyObject *str = vm_is_obj(w) && PyUnicode_CheckExact(vm_ptr(w)) ? vm_ptr(w) : NULL;
    if (!vm_is_int(w) && str == NULL && !vm_is_none(w))
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *o = items[i];
        if (PyLong_CheckExact(o)) {
            if (vm_is_int(w) && is_that_int(o, vm_int(w)))
                return i;
        }
        else if (PyUnicode_CheckExact(o)) {
            int same = str == NULL ? 0 : o == str ? 1
                                                  : vm_compare_plain(Py_EQ, w, vm_from_ptr(o));
            if (same != 0)
                return same < 0 ? -1 : i;
        }
        else if (o != Py_None)
            return -1;
        else if (vm_is_none(w))
            return i;
    }
    return n;
}

/* Is it in there, as far as that takes no code?  1, 0 or -1 */
static int
plain_contains(PyObject *o, VmWord item)
{
    PyObject **place;
    if (PyDict_CheckExact(o))
        return vm_dict_find(o, item, &place);
    if (PyAnySet_CheckExact(o))
        return vm_set_find(o, item);
    if (!PyList_CheckExact(o) && !PyTuple_CheckExact(o))
        return vm_plain_part(vm_from_ptr(o), item);
    Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    Py_ssize_t at = vm_plain_position(PySequence_Fast_ITEMS(o), n, item);
    return at < 0 ? -1 : at < n;
}

/* The one there is of each.  -> borrowed for good, or NULL */
static PyObject *
latin1_char(unsigned c)
{
    static PyObject *chars[256];
    if (vm_unlikely(chars[c] == NULL) && (chars[c] = PyUnicode_FromOrdinal((int)c)) == NULL)
        PyErr_Clear();
    return chars[c];
}

PyObject *
vm_plain_item(PyObject *o, VmWord index)
{
    Py_ssize_t i;
    if (PyList_CheckExact(o)) {
        i = position(index, PyList_GET_SIZE(o));
        return i < 0 ? NULL : PyList_GET_ITEM(o, i);
    }
    if (PyTuple_CheckExact(o)) {
        i = position(index, PyTuple_GET_SIZE(o));
        return i < 0 ? NULL : PyTuple_GET_ITEM(o, i);
    }
    if (PyUnicode_CheckExact(o)) {
        i = PyUnicode_IS_COMPACT(o) ? position(index, PyUnicode_GET_LENGTH(o)) : -1;
        Py_UCS4 c = i < 0 ? 256 : PyUnicode_READ_CHAR(o, i);
        return c < 256 ? latin1_char(c) : NULL;
    }
    PyObject **place;
    return vm_dict_find(o, index, &place) == 1 ? *place : NULL;
}

static PyObject *missing_name, *class_getitem_name, *dict_getitem;      /* kept for good */

int
vm_items_init(void)
{
    missing_name = PyUnicode_InternFromString("__missing__");
    class_getitem_name = PyUnicode_InternFromString("__class_getitem__");
    dict_getitem = _PyType_Lookup(&PyDict_Type, vm_specials[SP_GETITEM].name);
    return missing_name == NULL || class_getitem_name == NULL ? -1 : 0;
}

/* A plain function the type has under a name.  -> borrowed, or NULL */
static PyFunctionObject *
plain_function(PyTypeObject *type, PyObject *name)
{
    PyObject *m = _PyType_Lookup(type, name);
    return m != NULL && Py_IS_TYPE(m, &PyFunction_Type) ? (PyFunctionObject *)m : NULL;
}

/* Is it a dict whose [] asks __missing__, and that is a plain function?  Its slot looks dict's own
   __getitem__ up, a method beside the slot, and calls it. */
static int
has_missing(PyObject *o)
{
    return PyDict_Check(o) && vm_slot_is_generic(Py_TYPE(o), SP_GETITEM)
           && _PyType_Lookup(Py_TYPE(o), vm_specials[SP_GETITEM].name) == dict_getitem
           && plain_function(Py_TYPE(o), missing_name) != NULL;
}

/* The __class_getitem__ that cls[...] comes to, when it is a plain function's classmethod.
   -> borrowed, or NULL */
static PyFunctionObject *
class_getitem(PyObject *cls)
{
    PyTypeObject *meta = Py_TYPE(cls);
    if (!PyType_Check(cls) || meta->tp_getattro != PyType_Type.tp_getattro
        || (meta->tp_as_mapping != NULL && meta->tp_as_mapping->mp_subscript != NULL)
        || (meta->tp_as_sequence != NULL && meta->tp_as_sequence->sq_item != NULL)
        || _PyType_Lookup(meta, class_getitem_name) != NULL)
        return NULL;
    PyObject *m = _PyType_Lookup((PyTypeObject *)cls, class_getitem_name);
    if (m == NULL || !Py_IS_TYPE(m, &PyClassMethod_Type))
        return NULL;
    m = cpy_classmethod_callable(m);
    return m != NULL && Py_IS_TYPE(m, &PyFunction_Type) ? (PyFunctionObject *)m : NULL;
}

/* __missing__ of a dict without the key, __class_getitem__: no slot calls them.  SP_DONE with *v (new) */
static VmSpecialStatus
subscript_by_hook(VmAct *A, VmFrame *f, PyObject *o, PyObject *key, PyObject **v)
{
    PyFunctionObject *func = NULL;
    VmHow how = VM_HOW(RET_ITEM, 0);
    if (vm_must_delegate(A->ts) != NULL)
        return SP_NOT_MINE;
    if (has_missing(o)) {
        how = VM_HOW(RET_ITEM, ITEM_BY_METHOD);
        vm_boundary(A, f);
        *v = Py_XNewRef(PyDict_GetItemWithError(o, key));
        vm_after(A, f);
        if (*v != NULL || PyErr_Occurred())
            return *v != NULL ? SP_DONE : SP_RAISED;
        func = plain_function(Py_TYPE(o), missing_name);    /* comparing keys may have changed it */
    }
    else
        func = class_getitem(o);
    VmWord args[2] = {vm_from_ptr(o), vm_from_ptr(key)};
    return vm_special_start(A, f, func, args, 2, how);
}

#define APART __attribute__((noinline))         /* so that the usual way saves few registers */

static APART int
getitem_in_general(VmAct *A, VmFrame *f, int imm, VmWord *result)
{
    unsigned x = f->pc->b, y = f->pc->c;
    VmWord index = imm ? vm_from_int((int16_t)y) : vm_small_box(f->regs[y]);
    PyObject *o = vm_reg_object(f, x), *key = NULL, *v = NULL;
    if (o == NULL)
        goto done;
    VmSpecialStatus special = vm_may_be_special(o)
                                  ? vm_special_getitem(A, f, o, imm ? index : f->regs[y])
                                  : SP_NOT_MINE;
    if (special == SP_NOT_MINE) {
        key = imm ? PyLong_FromLong((int16_t)y) : vm_reg_object_new(f, y);
        special = key == NULL                               ? SP_RAISED
                  : vm_may_be_special(o) || PyType_Check(o) ? subscript_by_hook(A, f, o, key, &v)
                                                            : SP_NOT_MINE;
    }
    if (special == SP_PUSHED) {
        Py_XDECREF(key);
        return -1;
    }
    if (special == SP_NOT_MINE) {
        vm_boundary(A, f);
        v = PyObject_GetItem(o, key);
        vm_after(A, f);
    }
done:
    if (v != NULL)
        *result = vm_from_ptr(v);
    vm_consume(A, f, x);
    if (!imm)
        vm_consume(A, f, y);
    Py_XDECREF(key);
    return v == NULL ? -1 : 0;
}

int
vm_getitem(VmAct *A, VmFrame *f, int imm, VmWord *result)
{
    unsigned x = f->pc->b, y = f->pc->c;
    VmWord index = imm ? vm_from_int((int16_t)y) : vm_small_box(f->regs[y]);
    PyObject *v = vm_is_obj(f->regs[x]) ? vm_plain_item(vm_ptr(f->regs[x]), index) : NULL;
    if (v == NULL)
        return getitem_in_general(A, f, imm, result);
    *result = vm_from_ptr(Py_NewRef(v));
    vm_consume(A, f, x);
    if (!imm)
        vm_consume(A, f, y);
    return 0;
}

/* Where o[index] = v stores, when that takes no more than an exchange: an item of a list, the
   value of a key that is there.  1; 0: a dict that certainly has no such key; -1: another case */
static inline int
find_place(PyObject *o, VmWord index, PyObject ***place)
{
    if (PyList_CheckExact(o)) {
        Py_ssize_t i = position(index, PyList_GET_SIZE(o));
        if (i < 0)
            return -1;
        *place = &((PyListObject *)o)->ob_item[i];
        return 1;
    }
    return CPY_DICT_EXCHANGES ? vm_dict_find(o, index, place) : -1;
}

/* The object in a register, owned: a temporary's is taken.  NULL with MemoryError */
static PyObject *
take_object(VmFrame *f, unsigned reg)
{
    VmWord w = f->regs[reg];
    if (!vm_is_obj(w))
        return vm_box_shared(f, w);
    if (!vm_is_temp(f, reg))
        Py_INCREF(vm_ptr(w));
    return vm_ptr(w);
}

/* The value is taken, if it is a temporary. */
static int
set_item_in_place(VmAct *A, VmFrame *f, PyObject *o, PyObject **place, unsigned value)
{
    if (vm_overwrite_number(f, value, *place))
        return 0;
    PyObject *v = take_object(f, value);
    if (v == NULL)
        return -1;
    PyObject *old = v;
    if (PyDict_CheckExact(o))
        old = cpy_dict_exchange((PyDictObject *)o, place, v);
    else {
        old = *place;
        *place = v;
    }
    vm_release_old(A, f, old);
    return 0;
}

static APART int
setitem_in_general(VmAct *A, VmFrame *f)
{
    unsigned x = f->pc->a, y = f->pc->b, z = f->pc->c;
    int status = -1;
    PyObject *o = vm_reg_object(f, x), *v = NULL, *key = NULL;
    if (o == NULL)
        goto done;
    v = vm_reg_object(f, z);
    if (v == NULL)
        goto done;
    switch (vm_may_be_special(o) ? vm_special_setitem(A, f, o, f->regs[y], v) : SP_NOT_MINE) {
    case SP_PUSHED:
        return -1;
    case SP_RAISED:
        goto done;
    default:
        break;
    }
    key = vm_reg_object_new(f, y);
    if (key != NULL) {
        vm_boundary(A, f);
        status = PyDict_CheckExact(o) ? PyDict_SetItem(o, key, v) : PyObject_SetItem(o, key, v);
        vm_after(A, f);
        Py_DECREF(key);
    }
done:
    vm_consume(A, f, z);
    vm_consume(A, f, x);
    vm_consume(A, f, y);
    return status;
}

/* A key that the dict hasn't got, and nobody's code is needed to find that out.  The value is taken, if
   it is a temporary. */
static APART int
set_new_item(VmAct *A, VmFrame *f, PyObject *d)
{
    unsigned y = f->pc->b, z = f->pc->c;
    PyObject *key = vm_reg_object_new(f, y);
    PyObject *v = key == NULL ? NULL : vm_reg_object(f, z);
    int status = v == NULL ? -1 : PyDict_SetItem(d, key, v);
    Py_XDECREF(key);
    vm_consume(A, f, z);
    return status;
}

int
vm_setitem(VmAct *A, VmFrame *f)
{
    unsigned x = f->pc->a, y = f->pc->b, z = f->pc->c;
    PyObject **place, *o = vm_is_obj(f->regs[x]) ? vm_ptr(f->regs[x]) : NULL;
    int found = o == NULL ? -1 : find_place(o, vm_small_box(f->regs[y]), &place);
    if (found < 0)
        return setitem_in_general(A, f);
    int status = found > 0 ? set_item_in_place(A, f, o, place, z) : set_new_item(A, f, o);
    vm_consume(A, f, x);
    vm_consume(A, f, y);
    return status;
}

int
vm_delitem(VmAct *A, VmFrame *f)
{
    unsigned x = f->pc->a, y = f->pc->b;
    PyObject *o = vm_reg_object(f, x), *key = vm_reg_object_new(f, y);
    int status = -1;
    if (o != NULL && key != NULL) {
        VmSpecialStatus special = vm_special_setitem(A, f, o, f->regs[y], NULL);
        if (special == SP_PUSHED) {
            Py_DECREF(key);
            return -1;
        }
        if (special == SP_NOT_MINE) {
            vm_boundary(A, f);
            status = PyObject_DelItem(o, key);
            vm_after(A, f);
        }
    }
    Py_XDECREF(key);
    vm_consume(A, f, x);
    vm_consume(A, f, y);
    return status;
}

/* A bound of a slice of size items; `none`: what None stands for.  1, or 0: another object */
static int
slice_bound(VmWord w, Py_ssize_t size, Py_ssize_t none, Py_ssize_t *bound)
{
    w = vm_small_box(w);
    *bound = none;
    if (!vm_is_int(w))
        return vm_is_none(w);
    int64_t i = vm_int(w) < 0 ? vm_int(w) + size : vm_int(w);
    *bound = i < 0 ? 0 : i > size ? size
                                  : (Py_ssize_t)i;
    return 1;
}

/* A slice of a list, tuple or str, without a slice object.  -> new, NULL: not done */
static PyObject *
plain_slice(VmWord w, VmWord from, VmWord to)
{
    PyObject *o = vm_is_obj(w) ? vm_ptr(w) : NULL, *part;
    Py_ssize_t a, b, size;
    if (o == NULL)
        return NULL;
    if (PyList_CheckExact(o) || PyTuple_CheckExact(o)) {
        size = Py_SIZE(o);
        if (cpy_gc_is_due())    /* finalizers would look for the frame */
            return NULL;
    }
    else if (PyUnicode_CheckExact(o) && PyUnicode_IS_COMPACT(o))
        size = PyUnicode_GET_LENGTH(o);
    else
        return NULL;
    if (!slice_bound(from, size, 0, &a) || !slice_bound(to, size, size, &b))
        return NULL;
    b = b < a ? a : b;
    part = PyList_CheckExact(o)    ? PyList_GetSlice(o, a, b)
           : PyTuple_CheckExact(o) ? PyTuple_GetSlice(o, a, b)
                                   : PyUnicode_Substring(o, a, b);
    if (part == NULL)
        PyErr_Clear();          /* the general way says it again */
    return part;
}

/* A slice of two bounds that the GETI behind takes, and no object needs to be made for: 1 / 0 */
static int
slice_at_once(VmAct *A, VmFrame *f)
{
    const VmInsn *ip = f->pc, *get = ip + 1;
    unsigned w = ip->b;
    if (ip->c != 2 || (get->op != VM_GETI && get->op != VM_GETI_L) || get->c != ip->a
        || !vm_is_temp(f, ip->a))
        return 0;
    PyObject *part = plain_slice(f->regs[get->b], f->regs[w], f->regs[w + 1]);
    if (part == NULL)
        return 0;
    vm_consume(A, f, w);
    vm_consume(A, f, w + 1);
    vm_consume(A, f, get->b);
    vm_set_any(A, f, get->a, vm_from_ptr(part));
    return 1;
}

int
vm_slice(VmAct *A, VmFrame *f)
{
    if (slice_at_once(A, f))
        return 2;
    unsigned base = f->pc->b, n = f->pc->c;
    PyObject *a = vm_reg_object(f, base), *b = vm_reg_object(f, base + 1);
    PyObject *c = n == 3 ? vm_reg_object(f, base + 2) : NULL, *s = NULL;
    int shown = vm_before_making(A, f);
    if (a != NULL && b != NULL && (n < 3 || c != NULL))
        s = PySlice_New(a, b, c);
    vm_after_making(A, f, shown);
    for (unsigned i = 0; i < n; i++)
        vm_consume(A, f, base + i);
    if (s == NULL)
        return -1;
    vm_set_any(A, f, f->pc->a, vm_from_ptr(s));
    return 1;
}

int
vm_getslice(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned w = f->pc->b;
    PyObject *part = plain_slice(f->regs[w], f->regs[w + 1], f->regs[w + 2]);
    if (part != NULL) {
        for (unsigned i = 0; i < 3; i++)
            vm_consume(A, f, w + i);
        *result = vm_from_ptr(part);
        return 0;
    }
    PyObject *o = vm_reg_object(f, w), *a = vm_reg_object(f, w + 1), *b = vm_reg_object(f, w + 2);
    PyObject *slice = NULL, *v = NULL;
    if (o != NULL && a != NULL && b != NULL) {
        vm_boundary(A, f);
        slice = PySlice_New(a, b, NULL);
        v = slice == NULL ? NULL : PyObject_GetItem(o, slice);
        vm_after(A, f);
    }
    Py_XDECREF(slice);
    for (unsigned i = 0; i < 3; i++)
        vm_consume(A, f, w + i);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}

int
vm_setslice(VmAct *A, VmFrame *f)
{
    unsigned w = f->pc->b;
    PyObject *v = vm_reg_object(f, w), *o = vm_reg_object(f, w + 1);
    PyObject *a = vm_reg_object(f, w + 2), *b = vm_reg_object(f, w + 3);
    PyObject *slice = a == NULL || b == NULL ? NULL : PySlice_New(a, b, NULL);
    int status = -1;
    if (o != NULL && v != NULL && slice != NULL) {
        vm_boundary(A, f);
        status = PyObject_SetItem(o, slice, v);
        vm_after(A, f);
    }
    Py_XDECREF(slice);
    for (unsigned i = 0; i < 4; i++)
        vm_consume(A, f, w + i);
    return status;
}

int
vm_contains(VmAct *A, VmFrame *f)
{
    unsigned x = f->pc->b, y = f->pc->c;
    PyObject *item = NULL, *o = vm_reg_object(f, y);
    int found = o == NULL ? -1 : plain_contains(o, f->regs[x]);
    if (found >= 0) {
        vm_consume(A, f, x);
        vm_consume(A, f, y);
        return found;
    }
    if (o != NULL && vm_may_be_special(o)) {
        VmSpecialStatus special = vm_special_contains(A, f, o, f->regs[x]);
        if (special == SP_PUSHED)
            return -1;
        if (special == SP_RAISED)
            goto done;
    }
    item = vm_reg_object_new(f, x);
    if (item != NULL && o != NULL) {
        vm_boundary(A, f);
        found = PySequence_Contains(o, item);
        vm_after(A, f);
    }
    Py_XDECREF(item);
done:
    vm_consume(A, f, x);
    vm_consume(A, f, y);
    return found;
}

int
vm_length(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *o = vm_reg_object(f, f->pc->b);
    if (o == NULL)
        return -1;
    vm_boundary(A, f);
    Py_ssize_t n = PyObject_Length(o);
    vm_after(A, f);
    if (n < 0)
        return -1;
    *result = vm_int_fits(n) ? vm_from_int(n) : vm_from_ptr(PyLong_FromSsize_t(n));
    return 0;
}
