/* The next items of loops, of iterators that run no code for them without asking. */
#include "vm/vm_build.h"

#include "cpyext_compat/cpy_handover.h"
#include "cpyext_compat/cpy_iter.h"
#include "vm/vm_num.h"
#include "vm/vm_quiet.h"
#include "vm/vm_shadow.h"
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
