/* Containers, unpacking, functions, pattern matching.
 *
 * Operands of lists and windows are moved into what is built; what is left over on an
 * error is released here.  Messages follow Python/ceval.c (3.11).
 */
#include "vm/vm_build.h"

#include "cpyext_compat/cpy_dict.h"
#include "vm/vm_call_out.h"
#include "vm/vm_gen.h"
#include "vm/vm_special.h"

/* -- moving operands out of registers ----------------------------------------------------- */

/* Operand i of the list behind f->pc as an owned object; a temporary is moved.
   NULL with MemoryError */
static PyObject *
take_object(VmFrame *f, unsigned operand)
{
    if (operand & VM_OPERAND_CONST)
        return vm_const_object(f->code, operand & ~VM_OPERAND_CONST);
    VmWord w = f->regs[operand];
    if (vm_is_obj(w)) {
        if (!vm_is_temp(f, operand))
            Py_INCREF(vm_ptr(w));
        return vm_ptr(w);
    }
    return vm_box_shared(f, w);
}

static void
release_list_from(VmFrame *f, unsigned i)
{
    const VmInsn *list = f->pc + 1;
    for (; i < list->op; i++) {
        unsigned operand = vm_list_get(list, i);
        if (!(operand & VM_OPERAND_CONST))
            vm_consume_unseen(f, operand);
    }
}

/* -- builders -------------------------------------------------------------------------------- */

int
vm_build_tuple(VmAct *A, VmFrame *f, VmWord *result)
{
    const VmInsn *list = f->pc + 1;
    unsigned n = list->op;
    int shown = vm_before_making(A, f);
    PyObject *t = PyTuple_New(n);
    vm_after_making(A, f, shown);
    for (unsigned i = 0; i < n; i++) {
        PyObject *o = t == NULL ? NULL : take_object(f, vm_list_get(list, i));
        if (o == NULL) {
            release_list_from(f, t == NULL ? i : i + 1);
            Py_XDECREF(t);
            return -1;
        }
        PyTuple_SET_ITEM(t, i, o);
    }
    *result = vm_from_ptr(t);
    return t == NULL ? -1 : 0;
}

int
vm_build_listing(VmAct *A, VmFrame *f, VmWord *result)
{
    const VmInsn *list = f->pc + 1;
    unsigned n = list->op;
    int shown = vm_before_making(A, f);
    PyObject *l = PyList_New(n);
    vm_after_making(A, f, shown);
    for (unsigned i = 0; i < n; i++) {
        PyObject *o = l == NULL ? NULL : take_object(f, vm_list_get(list, i));
        if (o == NULL) {
            release_list_from(f, l == NULL ? i : i + 1);
            Py_XDECREF(l);
            return -1;
        }
        PyList_SET_ITEM(l, i, o);
    }
    *result = vm_from_ptr(l);
    return l == NULL ? -1 : 0;
}

int
vm_build_set(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b, n = f->pc->c;
    vm_boundary(A, f);
    PyObject *set = PySet_New(NULL);
    int status = set == NULL ? -1 : 0;
    for (unsigned i = 0; i < n; i++) {
        PyObject *o = status == 0 ? vm_reg_object(f, base + i) : NULL;
        if (o == NULL || PySet_Add(set, o) < 0)
            status = -1;
        vm_consume(A, f, base + i);
    }
    vm_after(A, f);
    if (status < 0)
        Py_CLEAR(set);
    *result = vm_from_ptr(set);
    return status;
}

int
vm_build_map(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b, n = f->pc->c;
    int shown = n > 0;
    if (shown)
        vm_boundary(A, f);
    else
        shown = vm_before_making(A, f);
    PyObject *d = PyDict_New();
    int status = d == NULL ? -1 : 0;
    for (unsigned i = 0; status == 0 && i < n; i++) {
        PyObject *k = vm_reg_object(f, base + 2 * i), *v = vm_reg_object(f, base + 2 * i + 1);
        if (k == NULL || v == NULL || PyDict_SetItem(d, k, v) < 0)
            status = -1;
    }
    vm_release_window(f, base, 2 * n);
    vm_after_making(A, f, shown);
    if (status < 0)
        Py_CLEAR(d);
    *result = vm_from_ptr(d);
    return status;
}

int
vm_build_const_key_map(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b, n = f->pc->c;
    PyObject *keys = vm_ptr(f->regs[base + n]);
    PyObject *d = NULL;
    int status = -1;
    vm_boundary(A, f);
    if (!vm_is_obj(f->regs[base + n]) || !PyTuple_CheckExact(keys)
        || PyTuple_GET_SIZE(keys) != (Py_ssize_t)n)
        PyErr_SetString(PyExc_SystemError, "bad BUILD_CONST_KEY_MAP keys argument");
    else if ((d = PyDict_New()) != NULL)
        status = 0;
    for (unsigned i = 0; status == 0 && i < n; i++) {
        PyObject *v = vm_reg_object(f, base + i);
        if (v == NULL || PyDict_SetItem(d, PyTuple_GET_ITEM(keys, i), v) < 0)
            status = -1;
    }
    vm_release_window(f, base, n + 1);
    vm_after(A, f);
    if (status < 0)
        Py_CLEAR(d);
    *result = vm_from_ptr(d);
    return status;
}

/* -- growing ------------------------------------------------------------------------------------ */

/* What something is put into.  Of code that no compiler made it may be a number. */
static PyObject *
container(VmFrame *f)
{
    return vm_reg_object(f, f->pc->a);
}

int
vm_list_append(VmFrame *f)
{
    unsigned b = f->pc->b;
    PyObject *v = vm_reg_object(f, b), *into = container(f);
    int status = v == NULL || into == NULL ? -1 : PyList_Append(into, v);
    vm_consume_unseen(f, b);
    return status;
}

int
vm_set_add(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    PyObject *into = container(f);
    if (vm_is_int(f->regs[b]) && into != NULL && PySet_CheckExact(into)
        && cpy_set_find_int(into, vm_int(f->regs[b])) == 1)
        return 0;
    PyObject *v = vm_reg_object(f, b);
    int status = -1;
    if (v != NULL && into != NULL) {
        vm_boundary(A, f);
        status = PySet_Add(into, v);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    return status;
}

int
vm_map_add(VmAct *A, VmFrame *f)
{
    unsigned base = f->pc->b;
    PyObject *k = vm_reg_object(f, base), *v = vm_reg_object(f, base + 1), *into = container(f);
    int status = -1;
    if (k != NULL && v != NULL && into != NULL) {
        vm_boundary(A, f);
        status = PyDict_SetItem(into, k, v);
        vm_after(A, f);
    }
    vm_release_window(f, base, 2);
    return status;
}

int
vm_list_extend(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    PyObject *o = vm_reg_object(f, b);
    int status = -1;
    if (o != NULL) {
        vm_boundary(A, f);
        PyObject *none = _PyList_Extend((PyListObject *)vm_ptr(f->regs[f->pc->a]), o);
        if (none != NULL) {
            Py_DECREF(none);
            status = 0;
        }
        else if (PyErr_ExceptionMatches(PyExc_TypeError) && !vm_has_iter(o)
                 && !PySequence_Check(o))
            PyErr_Format(PyExc_TypeError, "Value after * must be an iterable, not %.200s",
                         Py_TYPE(o)->tp_name);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    return status;
}

int
vm_set_update(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    PyObject *o = vm_reg_object(f, b), *into = container(f);
    int status = -1;
    if (o != NULL && into != NULL) {
        vm_boundary(A, f);
        status = _PySet_Update(into, o);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    return status;
}

int
vm_dict_update(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    PyObject *o = vm_reg_object(f, b), *into = container(f);
    int status = -1;
    if (o != NULL && into != NULL) {
        vm_boundary(A, f);
        status = PyDict_Update(into, o);
        if (status < 0 && PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Format(PyExc_TypeError, "'%.200s' object is not a mapping",
                         Py_TYPE(o)->tp_name);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    return status;
}

int
vm_dict_merge(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b, c = f->pc->c;
    PyObject *o = vm_reg_object(f, b), *into = container(f);
    int status = -1;
    if (o != NULL && into != NULL && PyDict_CheckExact(o)
        && (PyDict_GET_SIZE(o) == 0 || PyDict_GET_SIZE(into) == 0))     /* no keys to compare */
        status = PyDict_GET_SIZE(o) == 0 ? 0 : _PyDict_MergeEx(into, o, 2);
    else if (o != NULL && into != NULL) {
        vm_boundary(A, f);
        status = _PyDict_MergeEx(into, o, 2);
        if (status < 0)
            cpy_format_kwargs_error(c == VM_NO_REG ? Py_None : vm_reg_object(f, c), o);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    return status;
}

int
vm_list_to_tuple(VmFrame *f, VmWord *result)
{
    PyObject *l = vm_reg_object(f, f->pc->b);       /* of code that no compiler made, whatever it is */
    PyObject *t = l == NULL ? NULL : PyList_AsTuple(l);
    vm_consume_unseen(f, f->pc->b);
    *result = vm_from_ptr(t);
    return t == NULL ? -1 : 0;
}

/* -- unpacking ------------------------------------------------------------------------------------ */

static PyObject *
iterator_to_unpack(PyObject *o)
{
    PyObject *it = PyObject_GetIter(o);
    if (it == NULL && PyErr_ExceptionMatches(PyExc_TypeError) && !vm_has_iter(o)
        && !PySequence_Check(o))
        PyErr_Format(PyExc_TypeError, "cannot unpack non-iterable %.200s object",
                     Py_TYPE(o)->tp_name);
    return it;
}

static int
too_few(int wanted, Py_ssize_t got, int at_least)
{
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError,
                     at_least ? "not enough values to unpack (expected at least %d, got %zd)"
                              : "not enough values to unpack (expected %d, got %zd)",
                     wanted, got);
    return -1;
}

static int
too_many(PyObject *o, int wanted)
{
    Py_ssize_t got = !CPY_UNPACK_SAYS_LENGTH                         ? 0
                     : PyList_CheckExact(o) || PyTuple_CheckExact(o) ? Py_SIZE(o)
                     : PyDict_CheckExact(o)                          ? PyDict_Size(o)
                                                                     : 0;
    PyErr_Format(PyExc_ValueError,
                 got > wanted ? "too many values to unpack (expected %d, got %zd)"
                              : "too many values to unpack (expected %d)",
                 wanted, got);
    return -1;
}

/* Exactly n items of an iterator into items[0..n), new references. */
static int
collect(PyObject *o, PyObject **items, unsigned n, int wanted, int at_least, PyObject **rest)
{
    PyObject *it = iterator_to_unpack(o);
    unsigned i = 0;
    if (it == NULL)
        return -1;
    for (; i < n; i++) {
        items[i] = PyIter_Next(it);
        if (items[i] == NULL) {
            too_few(wanted, i, at_least);
            goto failed;
        }
    }
    if (rest != NULL) {
        *rest = PySequence_List(it);
        if (*rest == NULL)
            goto failed;
        Py_DECREF(it);
        return 0;
    }
    PyObject *more = PyIter_Next(it);
    if (more == NULL && !PyErr_Occurred()) {
        Py_DECREF(it);
        return 0;
    }
    if (more != NULL) {
        Py_DECREF(more);
        too_many(o, wanted);
    }
failed:
    while (i-- > 0)
        Py_DECREF(items[i]);
    Py_DECREF(it);
    return -1;
}

static void
store_unpacked(VmAct *A, VmFrame *f, const VmInsn *list, PyObject *const *items, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        vm_set_any(A, f, vm_list_get(list, i), vm_from_ptr(items[i]));
}

int
vm_unpack(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    const VmInsn *list = f->pc + 1;
    unsigned n = list->op;
    PyObject *o = vm_reg_object(f, b);
    if (o == NULL)
        return -1;
    if (n == 2 && PyTuple_CheckExact(o) && Py_SIZE(o) == 2) {       /* the commonest */
        PyObject *first = Py_NewRef(PyTuple_GET_ITEM(o, 0));
        PyObject *second = Py_NewRef(PyTuple_GET_ITEM(o, 1));
        vm_consume(A, f, b);
        vm_set_any(A, f, vm_list_get(list, 0), vm_from_ptr(first));
        vm_set_any(A, f, vm_list_get(list, 1), vm_from_ptr(second));
        return 0;
    }
    PyObject **from = PyTuple_CheckExact(o)  ? &PyTuple_GET_ITEM(o, 0)
                      : PyList_CheckExact(o) ? ((PyListObject *)o)->ob_item
                                             : NULL;
    if (from != NULL && Py_SIZE(o) == (Py_ssize_t)n && n <= 16) {
        PyObject *items[16];
        for (unsigned i = 0; i < n; i++)
            items[i] = Py_NewRef(from[i]);
        vm_consume(A, f, b);
        store_unpacked(A, f, list, items, n);
        return 0;
    }
    PyObject **items = PyMem_Calloc(n + 1, sizeof(PyObject *));
    int status = -1;
    if (items == NULL)
        PyErr_NoMemory();
    else {
        vm_boundary(A, f);
        status = collect(o, items, n, (int)n, 0, NULL);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    if (status == 0)
        store_unpacked(A, f, list, items, n);
    PyMem_Free(items);
    return status;
}

int
vm_unpack_ex(VmAct *A, VmFrame *f)
{
    unsigned a = f->pc->a, b = f->pc->b;
    unsigned before = f->pc->c & 0xFF, after = f->pc->c >> 8, n = before + 1 + after;
    PyObject *o = vm_reg_object(f, b), *rest = NULL;
    PyObject **items = PyMem_Calloc(n, sizeof(PyObject *));
    int status = -1;
    if (items == NULL)
        PyErr_NoMemory();
    if (o != NULL && items != NULL) {
        vm_boundary(A, f);
        status = collect(o, items, before, (int)(before + after), 1, &rest);
        vm_after(A, f);
    }
    Py_ssize_t length = status == 0 ? PyList_GET_SIZE(rest) : 0;
    if (status == 0 && length < (Py_ssize_t)after) {
        status = too_few((int)(before + after), (Py_ssize_t)before + length, 1);
        for (unsigned i = before; i-- > 0;)
            Py_DECREF(items[i]);
        Py_CLEAR(rest);
    }
    vm_consume(A, f, b);
    if (status == 0) {
        for (unsigned i = 0; i < after; i++)
            items[before + 1 + i] = PyList_GET_ITEM(rest, length - (Py_ssize_t)after + i);
        Py_SET_SIZE(rest, length - (Py_ssize_t)after);
        items[before] = rest;
        for (unsigned i = 0; i < n; i++)        /* the first item ends on top */
            f->regs[a + n - 1 - i] = vm_from_ptr(items[i]);
    }
    PyMem_Free(items);
    return status;
}

/* -- functions -------------------------------------------------------------------------------------- */

/* What MAKE_FUNCTION's flags say is there: as a function has it.  Only code that no compiler made has
   anything else. */
static int
fits_function(VmWord w, unsigned flag, PyObject *code)
{
    PyObject *o = vm_ptr(w);
    if (!vm_is_obj(w))
        return 0;
    switch (flag) {
    case 1: return PyTuple_Check(o);
    case 2: return PyDict_Check(o);
    case 8: return PyTuple_Check(o) && PyTuple_GET_SIZE(o) == cpy_code_nfreevars((PyCodeObject *)code);
    default: return PyTuple_Check(o) || PyDict_Check(o);
    }
}

static PyObject *
new_function(VmFrame *f, unsigned base, unsigned n)
{
    VmWord code = f->regs[base + n];
    int fits = vm_is_obj(code) && PyCode_Check(vm_ptr(code));
    for (unsigned i = 0, flags = f->pc->c & 15u; fits && i < n; i++, flags &= flags - 1)
        fits = fits_function(f->regs[base + i], flags & -flags, vm_ptr(code));
    if (fits)
        return PyFunction_New(vm_ptr(code), f->func->func_globals);
    PyErr_SetString(PyExc_SystemError, "a function of what is no code");
    return NULL;
}

/* Window: defaults, keyword defaults, annotations, closure (what the flags say), code. */
int
vm_make_function(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b, flags = f->pc->c;
    unsigned n = (unsigned)__builtin_popcount(flags & 15);
    int shown = vm_before_making(A, f);
    PyFunctionObject *func = (PyFunctionObject *)new_function(f, base, n);
    vm_after_making(A, f, shown);
    vm_release(f->regs[base + n]);
    if (func == NULL) {
        vm_release_window(f, base, n);
        return -1;
    }
    VmWord *w = &f->regs[base];
    if (flags & 1)
        func->func_defaults = vm_ptr(*w++);
    if (flags & 2)
        func->func_kwdefaults = vm_ptr(*w++);
    if (flags & 4)
        func->func_annotations = vm_ptr(*w++);
    if (flags & 8)
        func->func_closure = vm_ptr(*w++);
    vm_own_function((PyObject *)func);
    *result = vm_from_ptr((PyObject *)func);
    return 0;
}

int
vm_function_attribute(VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b;
    PyFunctionObject *func = (PyFunctionObject *)vm_ptr(f->regs[base + 1]);
    PyObject *v = vm_ptr(f->regs[base]);
    *cpy_func_attribute(func, f->pc->c) = v;
    *result = vm_from_ptr((PyObject *)func);
    return 0;
}

int
vm_new_cell(VmAct *A, VmFrame *f)
{
    unsigned a = f->pc->a;
    int shown = vm_before_making(A, f);
    PyObject *cell = PyCell_New(f->regs[a] == VM_NULL ? NULL : vm_reg_object(f, a));
    vm_after_making(A, f, shown);
    if (cell == NULL)
        return -1;
    VmWord old = f->regs[a];
    f->regs[a] = vm_from_ptr(cell);
    vm_release(old);            /* the cell has it */
    return 0;
}

/* -- pattern matching ----------------------------------------------------------------------------------- */

/* 1; or 0 with an exception: no compiler made this code, or no memory */
static int
is_tuple(PyObject *o)
{
    if (o != NULL && PyTuple_CheckExact(o))
        return 1;
    if (o != NULL)
        PyErr_SetString(PyExc_SystemError, "a pattern whose names are no tuple");
    return 0;
}

int
vm_match_class(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b;
    PyObject *subject = vm_reg_object(f, base), *cls = vm_reg_object(f, base + 1), *r = NULL;
    PyObject *names = vm_reg_object(f, base + 2);
    if (subject != NULL && cls != NULL && is_tuple(names)) {
        vm_boundary(A, f);
        r = cpy_match_class(subject, cls, f->pc->c, names);
        vm_after(A, f);
    }
    vm_release_window(f, base, 3);
    *result = vm_from_ptr(r);
    return r == NULL ? -1 : 0;
}

int
vm_match_keys(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *map = vm_reg_object(f, f->pc->b), *keys = vm_reg_object(f, f->pc->c), *r = NULL;
    if (map != NULL && is_tuple(keys)) {
        vm_boundary(A, f);
        r = cpy_match_keys(map, keys);
        vm_after(A, f);
    }
    *result = vm_from_ptr(r);
    return r == NULL ? -1 : 0;
}

int
vm_prep_reraise(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b;
    vm_boundary(A, f);
    PyObject *r = cpy_prep_reraise_star(vm_reg_object(f, base), vm_reg_object(f, base + 1));
    vm_after(A, f);
    vm_release_window(f, base, 2);
    *result = vm_from_ptr(r);
    return r == NULL ? -1 : 0;
}
