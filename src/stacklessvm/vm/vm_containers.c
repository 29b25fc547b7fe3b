/* Methods of lists, tuples, dicts and sets that are computed from words: where ints, strs and None are
 * looked for among their like, so that no comparison runs code.
 *
 * Results are those of Objects/listobject.c, tupleobject.c, dictobject.c and setobject.c (3.11 to 3.14).
 */
#include "vm/vm_methods.h"

#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_build.h"
#include "vm/vm_num.h"

/* The argument at i as an object of that very type, or NULL. */
static inline PyObject *
exact(VmWord w, PyTypeObject *type)
{
    return vm_is_obj(w) && Py_IS_TYPE(vm_ptr(w), type) ? vm_ptr(w) : NULL;
}

/* What a call that runs no code gave; where it failed, the general way says why. */
static inline VmWord
none_if(int status)
{
    if (status == 0)
        return VM_NONE;
    PyErr_Clear();
    return VM_NULL;
}

static inline VmWord
made(PyObject *o)
{
    if (o == NULL)
        PyErr_Clear();
    return vm_from_ptr(o);
}

/* -- list and tuple ---------------------------------------------------------------------------- */

/* The last item, or one from the front, where list_resize() would only count. */
static VmWord
compute_pop(VmFrame *f, VmWord *args, size_t n)
{
    PyListObject *l = n == 1 || n == 2 ? (PyListObject *)exact(args[0], &PyList_Type) : NULL;
    if (l == NULL)
        return VM_NULL;
    Py_ssize_t left = Py_SIZE(l) - 1, at = left;
    if (left < 0 || left < l->allocated >> 1)
        return VM_NULL;
    if (n == 2) {
        if (!vm_is_int(args[1]) || vm_int(args[1]) < 0 || vm_int(args[1]) > left)
            return VM_NULL;
        at = (Py_ssize_t)vm_int(args[1]);
    }
    PyObject *o = l->ob_item[at];
    if (at != left)
        memmove(&l->ob_item[at], &l->ob_item[at + 1], (size_t)(left - at) * sizeof(PyObject *));
    Py_SET_SIZE(l, left);
    return vm_from_ptr(o);
}

static VmWord
compute_insert(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *l = n == 3 ? exact(args[0], &PyList_Type) : NULL;
    if (l == NULL || !vm_is_int(args[1]))
        return VM_NULL;
    PyObject *o = vm_is_obj(args[2]) ? Py_NewRef(vm_ptr(args[2])) : vm_box_shared(f, args[2]);
    int status = o == NULL ? -1 : PyList_Insert(l, (Py_ssize_t)vm_int(args[1]), o);
    Py_XDECREF(o);
    return none_if(status);
}

/* By what is a list or tuple itself; others may run code. */
static VmWord
compute_extend(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *l = n == 2 ? exact(args[0], &PyList_Type) : NULL, *more = vm_ptr(args[n - 1]);
    if (l == NULL || !vm_is_obj(args[1]) || !(PyList_CheckExact(more) || PyTuple_CheckExact(more)))
        return VM_NULL;
    PyObject *none = _PyList_Extend((PyListObject *)l, more);
    Py_XDECREF(none);
    return none_if(none == NULL ? -1 : 0);
}

static VmWord
compute_reverse(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *l = n == 1 ? exact(args[0], &PyList_Type) : NULL;
    if (l == NULL)
        return VM_NULL;
    PyObject **items = ((PyListObject *)l)->ob_item;
    for (Py_ssize_t i = 0, j = Py_SIZE(l) - 1; i < j; i++, j--) {
        PyObject *o = items[i];
        items[i] = items[j];
        items[j] = o;
    }
    return VM_NONE;
}

static VmWord
compute_list_copy(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *l = n == 1 ? exact(args[0], &PyList_Type) : NULL;
    return l == NULL || cpy_gc_is_due() ? VM_NULL : made(PyList_GetSlice(l, 0, Py_SIZE(l)));
}

/* Where the second argument is in the first. */
static Py_ssize_t
position_in(VmWord *args, size_t n)
{
    PyObject *o = n == 2 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (o == NULL || !(PyList_CheckExact(o) || PyTuple_CheckExact(o)))
        return -1;
    return vm_plain_position(PySequence_Fast_ITEMS(o), PySequence_Fast_GET_SIZE(o), args[1]);
}

static VmWord
compute_index(VmFrame *f, VmWord *args, size_t n)
{
    Py_ssize_t at = position_in(args, n);
    return at < 0 || at == Py_SIZE(vm_ptr(args[0])) ? VM_NULL : vm_from_int(at);
}

static VmWord
compute_remove(VmFrame *f, VmWord *args, size_t n)
{
    Py_ssize_t at = position_in(args, n);
    if (at < 0 || at == Py_SIZE(vm_ptr(args[0])))
        return VM_NULL;
    return none_if(PyList_SetSlice(vm_ptr(args[0]), at, at + 1, NULL));
}

static VmWord
compute_count(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *o = n == 2 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (o == NULL || !(PyList_CheckExact(o) || PyTuple_CheckExact(o)))
        return VM_NULL;
    PyObject **items = PySequence_Fast_ITEMS(o);
    Py_ssize_t size = PySequence_Fast_GET_SIZE(o), count = 0;
    for (Py_ssize_t from = 0; from < size; from++, count++) {
        Py_ssize_t at = vm_plain_position(items + from, size - from, args[1]);
        if (at < 0)
            return VM_NULL;
        from += at;
        if (from == size)
            break;
    }
    return vm_from_int(count);
}

/* -- dict ---------------------------------------------------------------------------------------- */

/* As vm_dict_find(); *place is only set where it is there. */
static int
find(VmWord *args, PyObject ***place)
{
    return vm_is_obj(args[0]) ? vm_dict_find(vm_ptr(args[0]), args[1], place) : -1;
}

static VmWord
compute_setdefault(VmFrame *f, VmWord *args, size_t n)
{
    PyObject **place;
    if ((n != 2 && n != 3) || find(args, &place) != 1)
        return VM_NULL;
    return vm_from_ptr(Py_NewRef(*place));
}

static VmWord
compute_dict_pop(VmFrame *f, VmWord *args, size_t n)
{
    PyObject **place;
    int found = n == 2 || n == 3 ? find(args, &place) : -1;
    if (found == 0 && n == 3) {
        vm_incref(args[2]);
        return args[2];
    }
    PyObject *key = found == 1 ? vm_box(args[1]) : NULL;
    VmWord w = key == NULL ? VM_NULL : made(cpy_dict_pop(vm_ptr(args[0]), key));
    Py_XDECREF(key);
    return w;
}

static VmWord
view(VmWord *args, size_t n, PyTypeObject *type)
{
    PyObject *d = n == 1 ? exact(args[0], &PyDict_Type) : NULL;
    return d == NULL || cpy_gc_is_due() ? VM_NULL : made(_PyDictView_New(d, type));
}

static VmWord
compute_keys(VmFrame *f, VmWord *args, size_t n)
{
    return view(args, n, &PyDictKeys_Type);
}

static VmWord
compute_values(VmFrame *f, VmWord *args, size_t n)
{
    return view(args, n, &PyDictValues_Type);
}

static VmWord
compute_items(VmFrame *f, VmWord *args, size_t n)
{
    return view(args, n, &PyDictItems_Type);
}

static VmWord
compute_dict_copy(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *d = n == 1 ? exact(args[0], &PyDict_Type) : NULL;
    return d == NULL || cpy_gc_is_due() ? VM_NULL : made(PyDict_Copy(d));
}

/* -- set ------------------------------------------------------------------------------------------- */

/* 1 when it is there, 0 when not, and `change` is made; -1: who knows. */
static int
changed(VmFrame *f, VmWord *args, size_t n, int (*change)(PyObject *, PyObject *), int when)
{
    PyObject *set = n == 2 ? exact(args[0], &PySet_Type) : NULL;
    int found = set == NULL ? -1 : vm_set_find(set, args[1]);
    if (found != when)
        return found;
    PyObject *o = vm_is_obj(args[1]) ? Py_NewRef(vm_ptr(args[1])) : vm_box_shared(f, args[1]);
    int status = o == NULL ? -1 : change(set, o);
    Py_XDECREF(o);
    if (status < 0)
        PyErr_Clear();
    return status < 0 ? -1 : found;
}

static VmWord
compute_set_add(VmFrame *f, VmWord *args, size_t n)
{
    return changed(f, args, n, PySet_Add, 0) < 0 ? VM_NULL : VM_NONE;
}

static VmWord
compute_discard(VmFrame *f, VmWord *args, size_t n)
{
    return changed(f, args, n, PySet_Discard, 1) < 0 ? VM_NULL : VM_NONE;
}

static VmWord
compute_set_remove(VmFrame *f, VmWord *args, size_t n)
{
    return changed(f, args, n, PySet_Discard, 1) == 1 ? VM_NONE : VM_NULL;
}

/* -- the table ------------------------------------------------------------------------------------- */

const VmMethod vm_container_methods[] = {
    {&PyList_Type, "pop", compute_pop},
    {&PyList_Type, "insert", compute_insert},
    {&PyList_Type, "extend", compute_extend},
    {&PyList_Type, "reverse", compute_reverse},
    {&PyList_Type, "copy", compute_list_copy},
    {&PyList_Type, "index", compute_index},
    {&PyList_Type, "remove", compute_remove},
    {&PyList_Type, "count", compute_count},
    {&PyTuple_Type, "index", compute_index},
    {&PyTuple_Type, "count", compute_count},
    {&PyDict_Type, "setdefault", compute_setdefault},
    {&PyDict_Type, "pop", compute_dict_pop},
    {&PyDict_Type, "keys", compute_keys},
    {&PyDict_Type, "values", compute_values},
    {&PyDict_Type, "items", compute_items},
    {&PyDict_Type, "copy", compute_dict_copy},
    {&PySet_Type, "add", compute_set_add},
    {&PySet_Type, "discard", compute_discard},
    {&PySet_Type, "remove", compute_set_remove},
    {NULL},
};
