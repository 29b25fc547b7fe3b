#include "vm/vm_fold.h"

#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_build.h"
#include "vm/vm_call_direct.h"
#include "vm/vm_gen.h"
#include "vm/vm_num.h"

typedef enum { FOLD_SUM,
               FOLD_ANY,
               FOLD_ALL,
               FOLD_LIST,       /* this and those after it collect the items first */
               FOLD_TUPLE,
               FOLD_SORTED,
               FOLD_JOIN } FoldKind;

/* One that goes on.  Those of an activation are a stack, as their frames are. */
struct VmFold {
    VmFold *outer;
    PyObject *callee, *gen;     /* owned */
    PyObject *items;            /* owned; from FOLD_LIST on */
    PyObject *between;          /* owned; FOLD_JOIN */
    int64_t total;              /* FOLD_SUM */
    FoldKind kind;
};

static VmFold *spare;           /* one, protected by the GIL */

static int
kind_of(PyObject *callee, FoldKind *kind)
{
    const struct {
        PyObject *callable;
        FoldKind kind;
    } known[] = {
        {vm_known.sum, FOLD_SUM},
        {vm_known.any, FOLD_ANY},
        {vm_known.all, FOLD_ALL},
        {(PyObject *)&PyList_Type, FOLD_LIST},
        {(PyObject *)&PyTuple_Type, FOLD_TUPLE},
        {vm_known.sorted, FOLD_SORTED},
        {vm_known.join, FOLD_JOIN},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].callable == callee) {
            *kind = known[i].kind;
            return 1;
        }
    }
    return 0;
}

/* As list() makes it for what doesn't tell its length: with room for some.  -> new */
static PyObject *
list_for_unknown(void)
{
    PyObject *list = PyList_New(8);
    if (list != NULL)
        Py_SET_SIZE(list, 0);
    return list;
}

/* And gives most of it back when there was nothing, or one item (Objects/listobject.c, list_resize,
   3.11 to 3.14). */
static PyObject *                                       /* -> new */
list_of(PyObject *list)
{
    PyListObject *l = (PyListObject *)list;
    size_t room = Py_SIZE(l) == 0 ? 0 : 4;
    if (Py_SIZE(l) > 1 || l->allocated != 8)
        return Py_NewRef(list);
    PyObject **items = NULL;
    if (room == 0)
        PyMem_Free(l->ob_item);
    else if ((items = PyMem_Realloc(l->ob_item, room * sizeof *items)) == NULL)
        return PyErr_NoMemory();
    l->ob_item = items;
    l->allocated = (Py_ssize_t)room;
    return Py_NewRef(list);
}

static VmFold *                                         /* NULL: no memory, no exception */
fold_new(FoldKind kind)
{
    VmFold *fold = spare;
    spare = NULL;
    if (fold == NULL && (fold = PyMem_Malloc(sizeof *fold)) == NULL)
        return NULL;
    *fold = (VmFold){.kind = kind};
    if (kind < FOLD_LIST)
        return fold;
    if ((fold->items = list_for_unknown()) != NULL) {
        if (kind == FOLD_TUPLE)         /* CPython has no list there that gc.get_objects() would show */
            PyObject_GC_UnTrack(fold->items);
        return fold;
    }
    PyErr_Clear();
    PyMem_Free(fold);
    return NULL;
}

/* The innermost one ends; what it called is gone before its argument, as in a call. */
static void
fold_free(VmAct *A)
{
    VmFold *fold = A->fold;
    A->fold = fold->outer;
    Py_XDECREF(fold->items);
    Py_DECREF(fold->callee);
    Py_XDECREF(fold->between);
    Py_DECREF(fold->gen);
    if (spare == NULL)
        spare = fold;
    else
        PyMem_Free(fold);
}

/* What CPython's call takes of the recursion limit: METH_FASTCALL functions as vm_call_is_warm()
   says, METH_O ones always, types nothing. */
static int
units_of(VmFrame *f, FoldKind kind)
{
    int fast = kind == FOLD_SUM || kind == FOLD_SORTED;
    if (kind == FOLD_LIST || kind == FOLD_TUPLE || (fast && vm_call_is_warm(f)))
        return 0;
    return CPY_C_CALL_TAKES_UNIT;
}

VmCallStatus
vm_fold_begin(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, const VmReturn *ret,
              VmFrame **pushed)
{
    FoldKind kind;
    size_t last = callee == vm_known.join ? 1 : 0;
    PyObject *gen = n == last + 1 && vm_is_obj(args[last]) ? vm_ptr(args[last]) : NULL;
    if (gen == NULL || !vm_is_gen(gen) || !kind_of(callee, &kind) || A->delegate
        || (last == 1 && !(vm_is_obj(args[0]) && PyUnicode_Check(vm_ptr(args[0]))))
        || vm_gen_state(vm_gen_frame(gen)) > GEN_SUSPENDED || *A->left <= 1
        || ret->kind != RET_VALUE || vm_poll_is_due(A))
        return CALL_NOT_MINE;
    VmFold *fold = fold_new(kind);
    if (fold == NULL)
        return CALL_NOT_MINE;
    int units = units_of(f, kind);
    VmFrame *gf = vm_gen_resume(A, f, gen, VM_NONE, GEN_BY_FOLD);
    *A->left -= units;
    gf->flags |= FRAME_FLAGS_OF_UNITS(units);
    gf->ret_dst = (uint16_t)ret->dst;
    gf->ret_ip = ret->next;
    fold->callee = callee;
    fold->gen = gen;
    fold->between = last == 1 ? vm_ptr(args[0]) : NULL;
    fold->outer = A->fold;
    A->fold = fold;
    *pushed = gf;
    return CALL_PUSHED;
}

/* -- items ------------------------------------------------------------------------------------ */

/* The truth of what has one that no code is asked for, or -1. */
static int
plain_truth(VmWord v)
{
    if (v == VM_TRUE || v == VM_FALSE)
        return v == VM_TRUE;
    if (vm_is_none(v))
        return 0;
    VmWord w = vm_small_box(v);
    return vm_is_int(w) ? vm_int(w) != 0 : -1;
}

/* 1: taken in; 0: not that simple, nothing was done */
static inline int
take_item(VmFold *fold, VmFrame *gf, VmWord v)
{
    if (fold->kind == FOLD_SUM) {
        VmWord w = v == VM_TRUE    ? vm_from_int(1)
                   : v == VM_FALSE ? vm_from_int(0)
                                   : vm_small_box(v);
        if (!vm_is_int(w) || !vm_int_fits(fold->total + vm_int(w)))
            return 0;
        fold->total += vm_int(w);
        vm_release(v);
        return 1;
    }
    if (fold->kind < FOLD_LIST) {
        if (plain_truth(v) != (fold->kind == FOLD_ALL))
            return 0;
        vm_release(v);
        return 1;
    }
    PyObject *o = vm_is_obj(v) ? vm_ptr(v) : vm_box_shared(gf, v);
    int taken = o != NULL && PyList_Append(fold->items, o) == 0;
    if (!taken)
        PyErr_Clear();          /* no memory: said again */
    if (taken || !vm_is_obj(v))
        Py_XDECREF(o);
    return taken;
}

int
vm_fold_take(VmAct *A, VmFrame *gf, VmWord v)
{
    if (vm_unlikely(!take_item(A->fold, gf, v)))
        return 0;
    gf->regs[gf->pc->a] = VM_NONE;
    vm_stats.native++;          /* as resumed */
    return 1;
}

VmWord
vm_fold_leave(VmAct *A, VmFrame *gf, VmWord v)
{
    PyObject *o = vm_is_obj(v) ? vm_ptr(v) : vm_box_shared(gf, v);
    VmFrame *f = gf->prev;
    vm_gen_suspend(A, gf);
    return vm_fold_rest(A, f, o);
}

/* -- the end ------------------------------------------------------------------------------------ */

/* Python/bltinmodule.c, builtin_sum: what comes after a result that is no int.  -> new */
static PyObject *
sum_objects(PyObject *sum, PyObject *gen)
{
    PyObject *o;
    while (sum != NULL && (o = PyIter_Next(gen)) != NULL) {
        PyObject *next = PyNumber_Add(sum, o);
        Py_DECREF(o);
        Py_SETREF(sum, next);
    }
    if (PyErr_Occurred())
        Py_CLEAR(sum);
    return sum;
}

/* -> new */
static PyObject *
sum_rest(VmFold *fold, PyObject *item)
{
    PyObject *total = PyLong_FromLongLong(fold->total);
    PyObject *sum = total == NULL ? NULL : PyNumber_Add(total, item);
    Py_XDECREF(total);
    if (sum == NULL)
        return NULL;
    if (!PyLong_CheckExact(sum) && !PyFloat_CheckExact(sum))
        return sum_objects(sum, fold->gen);
    PyObject *r = PyObject_CallFunctionObjArgs(fold->callee, fold->gen, sum, NULL);
    Py_DECREF(sum);
    return r;
}

static PyObject *                                       /* -> new */
truth_rest(VmFold *fold, PyObject *item)
{
    int truth = PyObject_IsTrue(item);
    if (truth < 0)
        return NULL;
    return truth == (fold->kind == FOLD_ANY) ? PyBool_FromLong(truth)
                                             : PyObject_CallOneArg(fold->callee, fold->gen);
}

/* What is made of all items. */
static PyObject *                                       /* -> new */
items_result(VmFold *fold)
{
    switch (fold->kind) {
    case FOLD_TUPLE: return PyList_AsTuple(fold->items);
    case FOLD_JOIN: return PyUnicode_Join(fold->between, fold->items);
    case FOLD_SORTED: {
        PyObject *o = list_of(fold->items);
        if (o != NULL && PyList_Sort(o) < 0)
            Py_CLEAR(o);
        return o;
    }
    default: return list_of(fold->items);
    }
}

static PyObject *                                       /* -> new */
items_rest(VmFold *fold, PyObject *item)
{
    if (PyList_Append(fold->items, item) < 0)
        return NULL;
    PyObject *none = _PyList_Extend((PyListObject *)fold->items, fold->gen);
    if (none == NULL)
        return NULL;
    Py_DECREF(none);
    return items_result(fold);
}

/* The generator lets go of what it holds with f on top. */
static VmWord
finish(VmAct *A, VmFrame *f, PyObject *o)
{
    VmWord v = o == NULL ? VM_NULL : vm_unbox_unique(o);
    PyObject *items = A->fold->items;
    if (Py_REFCNT(A->fold->gen) > 1 && (items == NULL || Py_REFCNT(items) > 1)) {
        fold_free(A);
        return v;
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    vm_boundary(A, f);
    fold_free(A);
    vm_after(A, f);
    PyErr_Restore(type, value, tb);
    return v;
}

VmWord
vm_fold_rest(VmAct *A, VmFrame *f, PyObject *item)
{
    VmFold *fold = A->fold;
    PyObject *o = NULL;
    vm_boundary(A, f);
    if (item != NULL)
        o = fold->kind == FOLD_SUM   ? sum_rest(fold, item)
            : fold->kind < FOLD_LIST ? truth_rest(fold, item)
                                     : items_rest(fold, item);
    Py_XDECREF(item);
    vm_after(A, f);
    return finish(A, f, o);
}

VmWord
vm_fold_end(VmAct *A, VmFrame *f)
{
    VmFold *fold = A->fold;
    PyObject *o = NULL;
    if (fold->kind == FOLD_SUM) {
        VmWord total = vm_from_int(fold->total);
        finish(A, f, NULL);
        return total;
    }
    if (fold->kind < FOLD_LIST)
        o = PyBool_FromLong(fold->kind == FOLD_ALL);
    else {
        vm_boundary(A, f);      /* who is sorted may compare by code of its own */
        o = items_result(fold);
        vm_after(A, f);
    }
    return finish(A, f, o);
}

void
vm_fold_drop(VmAct *A, VmFrame *f)
{
    finish(A, f, NULL);
}
