/* Iterators: those of loops, whose items are taken without asking where that runs no code, and those
 * that are sent to. */
#include "vm/vm_build.h"

#include "cpyext_compat/cpy_handover.h"
#include "cpyext_compat/cpy_iter.h"
#include "vm/vm_call_out.h"
#include "vm/vm_gen.h"
#include "vm/vm_quiet.h"
#include "vm/vm_special.h"

/* Each saves the registers it needs, and no more. */
#ifdef __clang__
#  define APART __attribute__((noinline))
#else
#  define APART __attribute__((noinline, no_stack_protector))
#endif

/* -- asking ----------------------------------------------------------------------------------------- */

static APART int
next_asked(VmAct *A, VmFrame *f, PyObject *it, VmWord *result)
{
    if (vm_may_be_special(it) && vm_special_next(A, f, it) != SP_NOT_MINE)
        return -1;
    vm_boundary(A, f);
    PyObject *v = Py_TYPE(it)->tp_iternext(it);
    int status = 1;
    if (vm_unlikely(v == NULL)) {
        status = 0;
        if (PyErr_Occurred()) {
            status = -1;
            if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
                if (vm_unlikely(cpy_tracing(A->ts)))
                    cpy_trace_exception(A->ts);
            }
            if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
                PyErr_Clear();
                status = 0;
            }
        }
    }
    vm_after(A, f);
    *result = vm_from_ptr(v);
    return status;
}

/* -- two at once -------------------------------------------------------------------------------------
 *
 * The tuple an iterator makes of them keeps them until it makes the next one.  Nobody sees that of what
 * is inert; with others the iterator is asked.
 */

/* The next item of a list's or tuple's iterator, if it is such a one, and what counts when it is taken.
   (A range's numbers are other objects than those in a list.)  -> borrowed, or NULL */
static inline __attribute__((always_inline)) PyObject *
peek(PyObject *it, Py_ssize_t **index)
{
    PyObject *o = NULL;
    if (CPY_IS_LIST_ITER(it) || CPY_IS_TUPLE_ITER(it))
        o = cpy_sequence_iter_peek(it, index);
    return o != NULL && vm_is_plain(o) ? o : NULL;
}

/* -> owned */
static inline __attribute__((always_inline)) VmWord
take(PyObject *o, Py_ssize_t *index)
{
    ++*index;
    return vm_from_ptr(Py_NewRef(o));
}

/* To where the UNP at f->pc puts its two. */
static inline __attribute__((always_inline)) int
store_pair(VmAct *A, VmFrame *f, VmWord first, VmWord second)
{
    const VmInsn *list = f->pc + 1;
    vm_set_any(A, f, vm_list_get(list, 0), first);
    vm_set_any(A, f, vm_list_get(list, 1), second);
    return VM_PAIR_STORED;
}

/* The UNP that takes apart what the loop at f->pc gets, or NULL: something else happens with it. */
static inline __attribute__((always_inline)) const VmInsn *
unpack_of(VmFrame *f)
{
    const VmInsn *ip = f->pc, *then = ip + ((const int32_t *)(ip + 1))[1];
    return then->op == VM_UNP && then->b == ip->a && then[1].op == 2 && vm_is_temp(f, ip->a) ? then : NULL;
}

static APART int
next_of_items(VmAct *A, VmFrame *f, PyObject *it, VmWord *result)
{
    const VmInsn *unpack = unpack_of(f);
    PyObject *key, *value;
    Py_ssize_t at;
    if (unpack == NULL || !cpy_dict_items_are_unmade(it) || !cpy_dict_iter_peek(it, &key, &value, &at)
        || !vm_is_plain(key) || !vm_is_plain(value))
        return next_asked(A, f, it, result);
    cpy_dict_iter_step(it, at);
    f->pc = unpack;
    return store_pair(A, f, vm_from_ptr(Py_NewRef(key)), vm_from_ptr(Py_NewRef(value)));
}

static APART int
next_counted(VmAct *A, VmFrame *f, PyObject *it, VmWord *result)
{
    const VmInsn *unpack = unpack_of(f);
    Py_ssize_t *count, *index;
    PyObject *of = cpy_enumerate_of(it, &count), *o;
    if (unpack == NULL || of == NULL || !vm_int_fits(*count) || (o = peek(of, &index)) == NULL)
        return next_asked(A, f, it, result);
    f->pc = unpack;
    return store_pair(A, f, vm_from_int((*count)++), take(o, index));
}

static APART int
next_zipped(VmAct *A, VmFrame *f, PyObject *it, VmWord *result)
{
    const VmInsn *unpack = unpack_of(f);
    PyObject *first, *second, *a, *b;
    Py_ssize_t *i, *j;
    if (unpack == NULL || !cpy_zip_of_two(it, &first, &second) || first == second
        || (a = peek(first, &i)) == NULL || (b = peek(second, &j)) == NULL)
        return next_asked(A, f, it, result);
    f->pc = unpack;
    return store_pair(A, f, take(a, i), take(b, j));
}

/* -- one ---------------------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) int
one(PyObject *o, VmWord *result)
{
    Py_INCREF(o);
    *result = vm_from_ptr(o);
    return 1;
}

/* Of a dict: its keys or values. */
static APART int
next_of_dict(VmAct *A, VmFrame *f, PyObject *it, VmWord *result)
{
    PyObject *key, *value;
    Py_ssize_t at;
    if (!cpy_dict_iter_peek(it, &key, &value, &at))
        return next_asked(A, f, it, result);
    cpy_dict_iter_step(it, at);
    return one(Py_IS_TYPE(it, &PyDictIterValue_Type) ? value : key, result);
}

int
vm_iter_next(VmAct *A, VmFrame *f, PyObject *it, VmWord *result)
{
    PyTypeObject *type = Py_TYPE(it);
    if (type == &PyListRevIter_Type) {
        PyObject *o = cpy_list_reversed_next(it);
        if (o != NULL)
            return one(o, result);
    }
    else if (type == &PyEnum_Type)
        return next_counted(A, f, it, result);
    else if (type == &PyZip_Type)
        return next_zipped(A, f, it, result);
    else if (type == &PyDictIterItem_Type)
        return next_of_items(A, f, it, result);
    else if (type == &PyDictIterKey_Type || type == &PyDictIterValue_Type)
        return next_of_dict(A, f, it, result);
    return next_asked(A, f, it, result);
}

/* -- making iterators ------------------------------------------------------------------------------- */

/* Making its iterator, if it isn't its own, runs nobody's code. */
static inline int
iterates_quietly(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    return type == &PyList_Type || type == &PyTuple_Type || PyRange_Check(o) || vm_is_gen(o)
           || type == &PyDict_Type || type == &PyDictItems_Type || type == &PyDictKeys_Type
           || type == &PyDictValues_Type;
}

/* The operand's iterator, when it is a list or tuple and one is at hand.  -> new, or NULL: nothing
   was done */
static inline PyObject *
iterator_at_hand(VmFrame *f, VmWord w)
{
    if (!vm_is_obj(w) || !(PyList_CheckExact(vm_ptr(w)) || PyTuple_CheckExact(vm_ptr(w))))
        return NULL;
    PyObject *it = cpy_sequence_iter_again(vm_ptr(w));
    if (it != NULL && !vm_is_temp(f, f->pc->b))
        vm_incref(w);
    return it;
}

int
vm_get_iter(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *it = iterator_at_hand(f, f->regs[f->pc->b]);
    if (vm_likely(it != NULL)) {
        *result = vm_from_ptr(it);
        return 0;
    }
    PyObject *o = vm_reg_object(f, f->pc->b);
    if (o != NULL && iterates_quietly(o)) {
        int shown = vm_before_making(A, f);
        it = vm_is_gen(o) ? Py_NewRef(o) : Py_TYPE(o)->tp_iter(o);
        vm_after_making(A, f, shown);
        if (vm_is_temp(f, f->pc->b))
            vm_release_old(A, f, o);
        *result = vm_from_ptr(it);
        return it == NULL ? -1 : 0;
    }
    VmSpecialStatus special = o == NULL              ? SP_RAISED
                              : vm_may_be_special(o) ? vm_special_iter(A, f, o)
                                                     : SP_NOT_MINE;
    if (special == SP_PUSHED)
        return -1;
    if (special == SP_NOT_MINE) {
        vm_boundary(A, f);
        it = PyObject_GetIter(o);
        vm_after(A, f);
    }
    vm_consume(A, f, f->pc->b);
    *result = vm_from_ptr(it);
    return it == NULL ? -1 : 0;
}

int
vm_yield_from_iter(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *o = vm_reg_object(f, f->pc->b);
    if (o != NULL && (PyCoro_CheckExact(o) || Py_IS_TYPE(o, &VmCoro_Type))) {
        if (f->code->co->co_flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE)) {
            *result = vm_from_ptr(Py_NewRef(o));
            vm_consume(A, f, f->pc->b);
            return 0;
        }
        PyErr_SetString(PyExc_TypeError,
                        "cannot 'yield from' a coroutine object in a non-coroutine generator");
        vm_consume(A, f, f->pc->b);
        return -1;
    }
    return vm_get_iter(A, f, result);
}

/* -- sending ---------------------------------------------------------------------------------------- */

/* SEND: the receiver's __next__ returned. */
void
vm_sent_returned(VmFrame *f, VmWord v)
{
    f->regs[f->pc->a] = v;
    f->pc += 2;
}

/* The receiver's __next__ raised: StopIteration is its end. */
VmSpecialStatus
vm_sent_raised(VmFrame *f)
{
    const VmInsn *ip = f->pc;
    PyObject *value;
    if (_PyGen_FetchStopIterationValue(&value) < 0)
        return SP_RAISED;
    if (ip->c)
        f->regs[ip->a] = vm_from_ptr(value);
    else {
        VmWord receiver = f->regs[ip->b];
        f->regs[ip->b] = vm_from_ptr(value);
        vm_release(receiver);
    }
    f->pc = ip + ((const int32_t *)(ip + 1))[0];
    return SP_DONE;
}

int
vm_send(VmAct *A, VmFrame *f, PyObject *receiver, VmWord value, VmWord *result)
{
    if (vm_is_none(value) && vm_may_be_special(receiver)) {
        VmWord args[1] = {vm_from_ptr(receiver)};
        PyFunctionObject *next = vm_special(Py_TYPE(receiver), SP_NEXT);
        if (vm_special_start(A, f, next, args, 1, VM_HOW(RET_SENT, 0)) != SP_NOT_MINE) {
            vm_release(value);
            return -1;
        }
    }
    PyObject *v = vm_box(value), *r = NULL;
    vm_release(value);
    if (v == NULL)
        return -1;
    vm_boundary(A, f);
    int status = vm_c_stack_check(A) < 0 ? PYGEN_ERROR : PyIter_Send(receiver, v, &r);
    vm_after(A, f);
    Py_DECREF(v);
    *result = vm_from_ptr(r);
    return status == PYGEN_NEXT ? 1 : status == PYGEN_RETURN ? 0
                                                             : -1;
}
