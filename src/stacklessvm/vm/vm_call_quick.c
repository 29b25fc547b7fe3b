/* Frames for calls whose arguments must be sorted first: keywords, defaults, * and **.
 *
 * Every way here either makes the frame, ready to run, or leaves all as it was: then the general
 * way (vm_call.c) does the call, and says what is wrong with it.
 */
#include "vm/vm_call.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"

#define TO_DICT 0xFF        /* in place of a parameter: the ** dict */

/* -- what callees and sites say ---------------------------------------------------------------- */

/* The default of a keyword-only parameter, of a function with such defaults.  -> borrowed or NULL */
static PyObject *
keyword_default(PyFunctionObject *func, int i)
{
    return func->func_kwdefaults == NULL
               ? NULL
               : PyDict_GetItemWithError(
                     func->func_kwdefaults,
                     cpy_code_local_name((PyCodeObject *)func->func_code, i));
}

/* Which parameter takes the keyword `name` when those of `given` have their arguments: it is added
   to them.  TO_DICT; -1: CPython has something to say about it */
static int
place_of_keyword(const VmCode *code, PyObject *name, uint64_t *given)
{
    if (!PyUnicode_CheckExact(name))
        return -1;
    Py_ssize_t at = vm_find_parameter(code->co, name);
    if (at < 0)
        return code->has_dstar ? TO_DICT : -1;
    uint64_t bit = (uint64_t)1 << at;
    if (*given & bit)
        return -1;
    *given |= bit;
    return (int)at;
}

/* Where the keywords of this site go in a call of this code with npos arguments by position.
   0: CPython has something to say about it. */
static __attribute__((noinline)) int
keywords_fit(VmCache *site, VmCode *code, size_t npos)
{
    PyObject *kwnames = site->name;
    size_t nk = (size_t)PyTuple_GET_SIZE(kwnames);
    uint64_t given = ((uint64_t)1 << npos) - 1, shape = vm_call_shape(code, npos);
    if (site->u.keywords.shape == shape)
        return 1;
    VmKeywords *fit = site->u.keywords.fit;
    if (fit == NULL) {
        fit = site->u.keywords.fit = PyMem_Calloc(1, sizeof *fit + nk);
        if (fit == NULL)
            return 0;
    }
    site->u.keywords.shape = 0;
    for (size_t i = 0; i < nk; i++) {
        int at = place_of_keyword(code, PyTuple_GET_ITEM(kwnames, (Py_ssize_t)i), &given);
        if (at < 0)
            return 0;
        fit->at[i] = (uint8_t)at;
    }
    fit->given = given;
    site->u.keywords.shape = shape;
    return 1;
}

static VmCode *
quick_code_of(PyFunctionObject *func)
{
    VmCode **place = vm_quick_code(func->func_code), *code = *place;
    if (vm_likely(code != NULL && (PyObject *)code->co == func->func_code))
        return code;
    code = vm_code_peek((PyCodeObject *)func->func_code);
    return code == NULL || code->refused != NULL || !code->quick ? NULL : (*place = code);
}

/* -- frames ------------------------------------------------------------------------------------ */

static void
release_registers(VmFrame *nf, uint64_t which)
{
    for (; which != 0; which &= which - 1)
        vm_release(nf->regs[__builtin_ctzll(which)]);
}

PyObject *
vm_default_of(const VmCode *code, PyFunctionObject *func, int i)
{
    int argc = code->argcount;
    if (i >= argc)
        return keyword_default(func, i);
    PyObject *defaults = func->func_defaults;
    int first = defaults == NULL ? argc : argc - (int)PyTuple_GET_SIZE(defaults);
    return i >= first ? PyTuple_GET_ITEM(defaults, i - first) : NULL;
}

int
vm_fill_defaults(VmFrame *nf, VmCode *code, PyFunctionObject *func, uint64_t missing)
{
    for (uint64_t left = missing; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);
        PyObject *o = vm_default_of(code, func, i);
        if (o == NULL) {
            PyErr_Clear();      /* the general way says it again */
            release_registers(nf, missing & (((uint64_t)1 << i) - 1));
            return -1;
        }
        nf->regs[i] = vm_word_of(o);
    }
    return 0;
}

/* A new frame, of which only the registers of arguments are to be set.  NULL: not now */
static inline VmFrame *
push_frame(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, const VmInsn *next)
{
    if (A->delegate || (*A->breaker & CPY_EVAL_BREAKER_MASK) || *A->left <= 0)
        return NULL;
    VmFrame *nf = vm_frame_push(A, f, code, (PyFunctionObject *)Py_NewRef(func),
                                code->nargs_total);
    if (nf == NULL)
        return NULL;
    --*A->left;
    vm_stats.native++;
    nf->ret_dst = f->pc->a;
    nf->ret_ip = next;
    return nf;
}

static VmFrame *
push_with_defaults(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, uint64_t missing)
{
    VmFrame *nf = push_frame(A, f, code, func, f->pc + 1 + vm_list_words(f->pc[1].op));
    if (nf == NULL || missing == 0 || vm_fill_defaults(nf, code, func, missing) == 0)
        return nf;
    vm_drop_new_frame(A, nf);
    return NULL;
}

/* -- the tuple of * and the dict of ** ------------------------------------------------------ */

typedef struct {
    PyObject *star, *dict;      /* NULL: the function has no such parameter */
} Rest;

static void
drop_rest(Rest *rest)
{
    Py_CLEAR(rest->star);
    Py_CLEAR(rest->dict);
}

/* The tuple takes `items` (borrowed).  0, or -1: no memory, or the function has no such
   parameter for them */
static int
make_rest(const VmCode *code, const VmWord *items, size_t n, Rest *rest)
{
    *rest = (Rest){NULL, NULL};
    if (n > 0 && !code->has_star)
        return -1;
    if (code->has_star)
        rest->star = vm_tuple_of_words(items, n);
    if (code->has_dstar && (rest->star != NULL || !code->has_star))
        rest->dict = PyDict_New();
    if ((code->has_star && rest->star == NULL) || (code->has_dstar && rest->dict == NULL)) {
        drop_rest(rest);
        return -1;
    }
    return 0;
}

/* Into the new frame, for good. */
static void
give_rest(VmFrame *nf, const Rest *rest)
{
    VmWord *last = nf->regs + nf->code->nargs_total;
    if (rest->dict != NULL)
        *--last = vm_from_ptr(rest->dict);
    if (rest->star != NULL)
        *--last = vm_from_ptr(rest->star);
}

/* -- calls from operand lists -------------------------------------------------------------------- */

/* n listed operands to registers of another frame, from `to` on or, where `at` is given, to
   to[at[0]] and so on. */
static inline void
take_operands(VmFrame *f, const uint16_t *operands, size_t n, VmWord *to, const uint8_t *at)
{
    unsigned nlocals = f->code->nlocals;
    for (size_t i = 0; i < n; i++) {
        unsigned o = operands[i];
        VmWord w = vm_operand_word(f->regs, f->code, o);
        if (at != NULL && at[i] == TO_DICT) {
            if (!(o & VM_OPERAND_CONST))
                vm_consume_unseen(f, o);
            continue;
        }
        if (vm_operand_stays(o, nlocals))
            vm_incref(w);
        to[at == NULL ? i : at[i]] = w;
    }
}

/* The keywords of the site that no parameter takes.  0, or -1 without memory */
static int
fill_dict(VmFrame *f, const VmCache *site, const uint16_t *operands, PyObject *dict)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(site->name); i++) {
        if (site->u.keywords.fit->at[i] != TO_DICT)
            continue;
        PyObject *o = vm_box(vm_operand_word(f->regs, f->code, operands[i]));
        int status = o == NULL ? -1 : PyDict_SetItem(dict, PyTuple_GET_ITEM(site->name, i), o);
        Py_XDECREF(o);
        if (status < 0)
            return -1;
    }
    return 0;
}

#define REST_WORDS 32           /* more items of * than that: the general way */

/* A function with * or **. */
static VmFrame *
call_with_rest(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, VmWord self)
{
    VmCache *site = vm_cache(f, f->pc->c);
    const uint16_t *operands = (const uint16_t *)(f->pc + 1) + 1;
    size_t nk = f->pc->op == VM_CALLKW ? (size_t)PyTuple_GET_SIZE(site->name) : 0;
    size_t listed = f->pc[1].op - nk, first = self != VM_NULL;
    size_t npos = first + listed < code->argcount ? first + listed : code->argcount;
    if (first > npos || listed - (npos - first) > REST_WORDS
        || (nk > 0 && !keywords_fit(site, code, npos)))
        return NULL;
    uint64_t given = nk > 0 ? site->u.keywords.fit->given : ((uint64_t)1 << npos) - 1;
    size_t by_register = npos - first, n = listed - by_register;
    VmWord items[REST_WORDS];
    for (size_t i = 0; i < n; i++)
        items[i] = vm_operand_word(f->regs, f->code, operands[by_register + i]);
    Rest rest;
    int shown = vm_before_making(A, f), status = make_rest(code, items, n, &rest);
    vm_after_making(A, f, shown);
    if (status < 0)
        return NULL;
    VmFrame *nf = NULL;
    if (rest.dict == NULL || nk == 0 || fill_dict(f, site, operands + listed, rest.dict) == 0)
        nf = push_with_defaults(A, f, code, func, code->parameters & ~given);
    if (nf == NULL) {
        drop_rest(&rest);
        return NULL;
    }
    if (first)
        nf->regs[0] = self;
    take_operands(f, operands, by_register, nf->regs + first, NULL);
    for (size_t i = by_register; i < listed; i++) {
        if (!(operands[i] & VM_OPERAND_CONST))
            vm_consume(A, f, operands[i]);
    }
    if (nk > 0)
        take_operands(f, operands + listed, nk, nf->regs, site->u.keywords.fit->at);
    give_rest(nf, &rest);
    return nf;
}

static VmFrame *
call_with_defaults(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, VmWord self)
{
    size_t listed = f->pc[1].op, first = self != VM_NULL, npos = first + listed;
    if (npos > code->argcount)
        return NULL;
    uint64_t missing = code->parameters & ~(((uint64_t)1 << npos) - 1);
    VmFrame *nf = push_with_defaults(A, f, code, func, missing);
    if (nf == NULL)
        return NULL;
    if (first)
        nf->regs[0] = self;
    take_operands(f, (const uint16_t *)(f->pc + 1) + 1, listed, nf->regs + first, NULL);
    return nf;
}

static VmFrame *
call_with_keywords(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, VmWord self)
{
    VmCache *site = vm_cache(f, f->pc->c);
    size_t nk = (size_t)PyTuple_GET_SIZE(site->name);
    size_t first = self != VM_NULL, listed = f->pc[1].op - nk, npos = first + listed;
    if (npos > code->argcount || !keywords_fit(site, code, npos))
        return NULL;
    VmFrame *nf = push_with_defaults(A, f, code, func,
                                     code->parameters & ~site->u.keywords.fit->given);
    if (nf == NULL)
        return NULL;
    const uint16_t *operands = (const uint16_t *)(f->pc + 1) + 1;
    if (first)
        nf->regs[0] = self;
    take_operands(f, operands, listed, nf->regs + first, NULL);
    take_operands(f, operands + listed, nk, nf->regs, site->u.keywords.fit->at);
    return nf;
}

VmFrame *
vm_call_quick(VmAct *A, VmFrame *f, PyFunctionObject *func, VmWord self)
{
    VmCode *code = quick_code_of(func);
    VmFrame *nf = code == NULL                        ? NULL
                  : code->has_star || code->has_dstar ? call_with_rest(A, f, code, func, self)
                  : f->pc->op == VM_CALLKW            ? call_with_keywords(A, f, code, func, self)
                                                      : call_with_defaults(A, f, code, func, self);
    if (vm_unlikely(nf == NULL && PyErr_Occurred()))
        PyErr_Clear();      /* the general way says it again */
    return nf;
}

/* -- f(*args, **kwargs) -------------------------------------------------------------------------- */

/* The mapping's items into registers of parameters and the ** dict; *given grows.  0, or -1: some
   registers may be set */
static int
take_mapping(VmFrame *nf, PyObject *mapping, PyObject *dict, uint64_t *given)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(mapping, &position, &name, &value)) {
        int at = place_of_keyword(nf->code, name, given);
        if (at < 0 || (at == TO_DICT && PyDict_SetItem(dict, name, value) < 0))
            return -1;
        if (at != TO_DICT)
            nf->regs[at] = vm_word_of(value);
    }
    return 0;
}

/* Everything but the rest.  0, or -1: the frame is gone */
static int
fill_frame(VmAct *A, VmFrame *nf, PyFunctionObject *func, PyObject *tuple, size_t npos,
           PyObject *mapping, const Rest *rest)
{
    VmCode *code = nf->code;
    uint64_t given = ((uint64_t)1 << npos) - 1;
    for (size_t i = 0; i < npos; i++)
        nf->regs[i] = vm_word_of(PyTuple_GET_ITEM(tuple, (Py_ssize_t)i));
    int status = mapping == NULL ? 0 : take_mapping(nf, mapping, rest->dict, &given);
    uint64_t missing = code->parameters & ~given;
    if (status == 0 && missing != 0)
        status = vm_fill_defaults(nf, code, func, missing);
    if (status < 0) {
        release_registers(nf, given);
        vm_drop_new_frame(A, nf);
    }
    return status;
}

VmFrame *
vm_call_star_quick(VmAct *A, VmFrame *f, PyFunctionObject *func, PyObject *tuple,
                   PyObject *mapping)
{
    VmCode *code = quick_code_of(func);
    if (code == NULL)
        return NULL;
    size_t n = (size_t)PyTuple_GET_SIZE(tuple), npos = n < code->argcount ? n : code->argcount;
    Rest rest = {NULL, NULL};
    if (n > npos && !code->has_star)
        return NULL;
    if ((code->has_star || code->has_dstar)
        && make_rest(code, (const VmWord *)&PyTuple_GET_ITEM(tuple, npos), n - npos, &rest) < 0)
        goto nothing;
    VmFrame *nf = push_frame(A, f, code, func, f->pc + 1);
    if (nf == NULL || fill_frame(A, nf, func, tuple, npos, mapping, &rest) < 0)
        goto nothing;
    give_rest(nf, &rest);
    return nf;
nothing:
    drop_rest(&rest);
    PyErr_Clear();
    return NULL;
}
