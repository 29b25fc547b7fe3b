/* Out to C callables, and in from them.
 *
 * The only place where VM and C nest on the C stack; it checks how much of that is left.
 */
#include "vm/vm_call_out.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_eval.h"
#include "vm/vm_call.h"
#include "vm/vm_class.h"
#include "vm/vm_leaf.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_sort.h"

#include <pthread.h>
#include <sys/resource.h>

/* -- the C stack ---------------------------------------------------------------------- */

#define STACK_RESERVE ((size_t)96 << 10)
#define STACK_GUESS ((size_t)1 << 20)

static __thread char *stack_low;        /* lowest address calls may reach; 0 unknown */

static char *
find_stack_low(void)
{
    char *here = __builtin_frame_address(0), *low;
    pthread_attr_t attr;
    void *base;
    size_t size, guard = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &base, &size);
        pthread_attr_getguardsize(&attr, &guard);
        pthread_attr_destroy(&attr);
        low = (char *)base + guard;
    }
    else {
        struct rlimit r;        /* no /proc: the limit, counted from here */
        size = getrlimit(RLIMIT_STACK, &r) == 0 && r.rlim_cur != RLIM_INFINITY ? r.rlim_cur
                                                                               : STACK_GUESS;
        low = here - (size - size / 8);
    }
    return low + (size < 4 * STACK_RESERVE ? size / 4 : STACK_RESERVE);
}

char *
vm_c_stack_low(void)
{
    if (vm_unlikely(stack_low == NULL))
        stack_low = find_stack_low();
    return stack_low;
}

int
vm_c_stack_error(void)
{
    PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded");
    return -1;
}

/* -- out --------------------------------------------------------------------------------- */

/* Zero-argument super() reads its caller's frame. */
static PyObject *
call_super(VmFrame *f)
{
    PyCodeObject *co = f->code->co;
    VmWord self = co->co_argcount > 0 ? f->regs[0] : VM_NULL;
    PyObject *cell = f->code->has_class_cell ? vm_ptr(f->regs[f->code->class_cell]) : NULL;
    PyObject *cls = cell != NULL && PyCell_Check(cell) ? PyCell_GET(cell) : NULL;
    if (vm_is_obj(self) && cls != NULL && PyType_Check(cls)) {
        PyObject *o = vm_ptr(self);
        if (cpy_code_local_kind(co, 0) & CPY_CELL)
            o = PyCell_Check(o) ? PyCell_GET(o) : NULL;
        if (o != NULL) {
            PyObject *args[2] = {cls, o};
            return PyObject_Vectorcall((PyObject *)&PySuper_Type, args, 2, NULL);
        }
    }
    if (vm_sync_locals(f) < 0)      /* it complains by itself */
        return NULL;
    return PyObject_CallNoArgs((PyObject *)&PySuper_Type);
}

PyObject *
vm_call_out(VmAct *A, VmFrame *f, PyObject *callee, PyObject **argv, size_t n,
            PyObject *kwnames)
{
    if (vm_c_stack_check(A) < 0)
        return NULL;
    if (callee == (PyObject *)&PySuper_Type && n == 0 && kwnames == NULL)
        return call_super(f);
    if (Py_IS_TYPE(callee, &PyFunction_Type))
        return vm_function_vectorcall(callee, argv, n, kwnames);
    if (callee == vm_known.sorted) {
        int done;
        PyObject *list = vm_sorted(argv, n, kwnames, &done);
        if (done)
            return list;
    }
    return PyObject_Vectorcall(callee, argv, n, kwnames);
}

/* -- in ----------------------------------------------------------------------------------- */

void
vm_own_function(PyObject *func)
{
    cpy_func_set_vectorcall((PyFunctionObject *)func, vm_function_vectorcall);
}

static PyObject *
run_entry(VmAct *A, VmFrame *nf)
{
    nf->kind = RET_ENTRY;
    nf->ret_dst = 0;
    nf->ret_ip = NULL;
    PyObject *r = vm_run(A, nf);
    cpy_set_top_frame(A->ts, A->entry_top);
    return r;
}

static VmFrame *
frame_for_call(VmAct *A, VmCode *code, PyFunctionObject *func, PyObject *const *args, size_t n,
               PyObject *kwnames)
{
    VmFrame *nf = vm_push_checked(A, NULL, code, (PyFunctionObject *)Py_NewRef(func));
    if (nf == NULL || vm_bind(nf, func, (const VmWord *)args, n, kwnames) == 0)
        return nf;
    vm_drop_new_frame(A, nf);
    return NULL;
}

/* The same for as many arguments by position as there are parameters. */
static inline VmFrame *
frame_by_position(VmAct *A, VmCode *code, PyFunctionObject *func, PyObject *const *args)
{
    unsigned n = code->argcount;
    VmFrame *nf = vm_frame_push(A, NULL, code, (PyFunctionObject *)Py_NewRef(func), n);
    if (nf == NULL)
        return NULL;
    --*A->left;
    vm_stats.native++;
    for (unsigned i = 0; i < n; i++)
        nf->regs[i] = vm_from_ptr(Py_NewRef(args[i]));
    return nf;
}

static PyObject *
enter_function(PyThreadState *ts, VmCode *code, PyFunctionObject *func, PyObject *const *args,
               size_t n, PyObject *kwnames)
{
    VmAct *A = vm_act_enter(ts);
    if (A == NULL)
        return NULL;
    int simple = n == code->exact_args && kwnames == NULL;
    VmFrame *nf = vm_likely(simple && *A->left > 0)
                      ? frame_by_position(A, code, func, args)
                      : frame_for_call(A, code, func, args, n, kwnames);
    PyObject *r = nf == NULL ? NULL : run_entry(A, nf);
    vm_act_leave(A);
    return r;
}

PyObject *
vm_enter_function(PyFunctionObject *func, PyObject *const *args, size_t n, PyObject *kwnames)
{
    VmCode *code = vm_code_to_run(func);
    return code == NULL ? NULL
                        : enter_function(cpy_thread_state(), code, func, args, n, kwnames);
}

PyObject *
vm_enter_code(PyFunctionObject *func, PyObject *locals)
{
    VmAct *A = vm_act_enter(cpy_thread_state());
    if (A == NULL)
        return NULL;
    PyObject *r = NULL;
    VmFrame *nf = vm_push_code(A, NULL, func, locals);
    if (nf != NULL)
        r = run_entry(A, nf);
    vm_act_leave(A);
    return r;
}

PyObject *
vm_function_vectorcall(PyObject *o, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyFunctionObject *func = (PyFunctionObject *)o;
    PyThreadState *ts = cpy_thread_state();
    const char *why = vm_must_delegate(ts);
    if (vm_unlikely(cpy_tolerated_hook != NULL) && cpy_called_by_instruction(ts, args))
        return cpy_function_vectorcall(o, args, nargsf, kwnames);
    VmCode **place = vm_quick_code(func->func_code), *code = *place;
    if (vm_unlikely(code == NULL || (PyObject *)code->co != func->func_code) && why == NULL) {
        code = vm_code_of_function(func);
        if (code == NULL)
            return NULL;
        why = code->refused;
        if (why == NULL && code->quick)
            *place = code;
    }
    if (vm_unlikely(why != NULL))
        return vm_fallback_call(func, args, nargsf, kwnames, why);
    size_t n = (size_t)PyVectorcall_NARGS(nargsf);
    if (code->leaf && kwnames == NULL) {
        PyObject *r = vm_leaf_enter(ts, func, code, args, n);
        if (r != NULL)
            return r;
    }
    return enter_function(ts, code, func, args, n, kwnames);
}
