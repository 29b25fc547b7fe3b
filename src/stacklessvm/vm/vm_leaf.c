/* Who gets a leaf (vm_leaf.h), and who loses it. */
#include "vm/vm_leaf.h"

#include "cpyext_compat/cpy_tracing.h"
#include "vm/vm_ic.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"

#define WARM_CALLS 4            /* before a leaf is made: then the function's caches have seen something */
#define MOST_FAILURES 16        /* of runs, when fewer than four of five succeed */
#define MOST_SITES 2            /* where that may happen */

/* Its code calls what is no leaf, or mostly does not get what leaves take. */
static void
is_no_leaf(VmCode *code)
{
    code->leaf = 0;
    code->push_args = code->exact_args;
}

/* A run of a leaf in this list gave up: perhaps it does so too often to be worth it. */
static void
count_failure(VmLeaf **list, VmLeaf *leaf, VmCode *code)
{
    if (++leaf->failures < MOST_FAILURES || leaf->failures <= leaf->runs / 4)
        return;
    while (*list != leaf)
        list = &(*list)->next;
    *list = leaf->next;
    PyMem_Free(leaf);
    if (++code->leaf_failures == MOST_SITES)
        is_no_leaf(code);
}

void
vm_leaf_failed(VmFrame *f, VmLeaf *leaf)
{
    VmCache *site = vm_cache(f, f->pc->c);
    PyFunctionObject *func = (PyFunctionObject *)vm_ptr(f->regs[leaf->callee]);
    count_failure(site->kind == IC_KEYWORDS ? &site->u.keywords.fit->leaves : &site->u.call.leaves, leaf,
                  vm_code_peek((PyCodeObject *)func->func_code));
}

VmLeaf *
vm_leaf_of(VmLeaf *list, uint64_t serial)
{
    while (list != NULL && list->serial != serial)
        list = list->next;
    return list;
}

/* -- sites ----------------------------------------------------------------------------------------- */

/* Where the i-th argument by position goes. */
static unsigned
place_of(const VmCode *code, unsigned i)
{
    return i < code->argcount ? i : VM_LEAF_REGS + i - code->argcount;
}

/* What the call at f's pc gives each parameter.  0, or -1: it has none for some of it */
static int
find_arguments(VmFrame *f, const VmCode *code, int has_self, const uint8_t *at, VmLeafArg *args)
{
    const VmInsn *ip = f->pc;
    unsigned n = ip[1].op, first = has_self != 0;
    unsigned nk = at == NULL ? 0 : (unsigned)PyTuple_GET_SIZE(vm_cache(f, ip->c)->name);
    unsigned npos = n - nk + first;
    for (unsigned i = 0; i < VM_LEAF_GIVEN; i++)
        args[i].kind = GIVEN_NOTHING;
    if (npos > code->argcount && (!code->has_star || npos - code->argcount > VM_LEAF_ARGS))
        return -1;
    if (has_self)
        args[place_of(code, 0)] = (VmLeafArg){GIVEN_TEMPORARY, (uint16_t)(ip->b + 1u), f->regs[ip->b + 1u]};
    for (unsigned i = 0; i < n; i++) {
        unsigned operand = vm_list_get(ip + 1, i);
        unsigned to = i < n - nk ? place_of(code, first + i) : at[i - (n - nk)];
        if (to >= VM_LEAF_GIVEN)
            return -1;
        if (operand & VM_OPERAND_CONST)
            args[to] = (VmLeafArg){GIVEN_CONSTANT, 0, vm_operand_word(f->regs, f->code, operand)};
        else
            args[to] = (VmLeafArg){vm_is_temp(f, operand) ? GIVEN_TEMPORARY : GIVEN_REGISTER, (uint16_t)operand, f->regs[operand]};
    }
    return 0;
}

void
vm_leaf_prepare(VmFrame *f, PyFunctionObject *func, VmCode *code, VmWord self, VmLeaf **list,
                const uint8_t *at)
{
    VmCache *site = vm_cache(f, f->pc->c);
    VmLeafArg args[VM_LEAF_GIVEN];
    if (++site->leaf_calls % WARM_CALLS != 0
        || find_arguments(f, code, self != VM_NULL, at, args) < 0)
        return;
    int callee_goes = f->pc->op != VM_CALL || vm_is_temp(f, f->pc->b);
    VmLeaf *leaf = vm_leaf_make(func, code, args, callee_goes);
    if (leaf == NULL) {
        is_no_leaf(code);
        return;
    }
    leaf->callee = f->pc->b + (f->pc->op == VM_CALLKW && f->regs[f->pc->b] == VM_NULL);
    leaf->next = *list;
    *list = leaf;
}

/* -- calls from C ------------------------------------------------------------------------------------ */

/* A leaf for calls with n arguments by position, perhaps. */
static void
prepare_for_c(PyFunctionObject *func, VmCode *code, const VmWord *args, size_t n)
{
    VmLeafArg given[VM_LEAF_GIVEN];
    if (n > VM_LEAF_ARGS || (n > code->argcount && !code->has_star))
        return;
    for (unsigned i = 0; i < VM_LEAF_GIVEN; i++)
        given[i].kind = GIVEN_NOTHING;
    for (unsigned i = 0; i < n; i++)
        given[place_of(code, i)] = (VmLeafArg){GIVEN_REGISTER, (uint16_t)i, args[i]};
    code->leaf_for_c = vm_leaf_make(func, code, given, 0);
    if (code->leaf_for_c == NULL)
        is_no_leaf(code);
    else
        code->leaf_for_c->n_given = (uint8_t)n;
}

/* n arguments by position.  -> owned, or VM_NULL: nothing was done */
static VmWord
call_from_c(PyFunctionObject *func, VmCode *code, const VmWord *args, size_t n)
{
    VmLeaf *leaf = code->leaf_for_c;
    if (leaf != NULL && leaf->n_given == n) {
        VmWord v = vm_leaf_run(leaf, func, args);
        if (v == VM_NULL)
            count_failure(&code->leaf_for_c, leaf, code);
        return v;
    }
    if (leaf == NULL && code->leaf_calls < VM_LEAF_CALLS_WATCHED
        && ++code->leaf_calls % WARM_CALLS == 0)
        prepare_for_c(func, code, args, n);
    return VM_NULL;
}

VmWord
vm_leaf_of_one(VmAct *A, PyFunctionObject *func, VmCode *code, VmWord arg)
{
    return vm_leaf_may_run(A) ? call_from_c(func, code, &arg, 1) : VM_NULL;
}

VmWord
vm_leaf_word(PyThreadState *ts, PyFunctionObject *func, VmCode *code, const VmWord *args, size_t n)
{
    if (cpy_eval_breaker(ts) || *cpy_recursion_left(ts) <= LEAF_DEPTH || vm_step.left != 0)
        return VM_NULL;
    return call_from_c(func, code, args, n);
}

PyObject *
vm_leaf_enter(PyThreadState *ts, PyFunctionObject *func, VmCode *code, PyObject *const *args,
              size_t n)
{
    VmWord v = vm_leaf_word(ts, func, code, (const VmWord *)args, n);
    PyObject *o = v == VM_NULL || vm_is_obj(v) ? vm_ptr(v) : vm_box(v);
    if (o == NULL)
        PyErr_Clear();          /* the other way says it again */
    return o;
}
