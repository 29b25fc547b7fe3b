/* Arguments into the registers of a frame: CPython's rules, and the shape of a call with
 * keywords remembered at its site.
 */
#include "vm/vm_call.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"

void
vm_drop_new_frame(VmAct *A, VmFrame *nf)
{
    Py_XDECREF(nf->locals);
    Py_DECREF(nf->func);
    ++*A->left;
    vm_stats.native--;
    vm_frame_pop(A, nf);
}

/* -- binding --------------------------------------------------------------------------------- */

PyObject *
vm_tuple_of_words(const VmWord *words, size_t n)
{
    PyObject *t = PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; t != NULL && i < n; i++) {
        PyObject *o = vm_box(words[i]);
        if (o == NULL)
            Py_CLEAR(t);
        else
            PyTuple_SET_ITEM(t, (Py_ssize_t)i, o);
    }
    return t;
}

/* Parameter that takes keyword `name`, or -1. */
static Py_ssize_t
find_parameter(PyCodeObject *co, PyObject *name)
{
    Py_ssize_t n = co->co_argcount + co->co_kwonlyargcount;
    for (Py_ssize_t i = co->co_posonlyargcount; i < n; i++) {
        if (cpy_code_local_name(co, (int)i) == name)
            return i;
    }
    for (Py_ssize_t i = co->co_posonlyargcount; i < n; i++) {
        if (PyUnicode_Compare(cpy_code_local_name(co, (int)i), name) == 0)
            return i;
    }
    return -1;
}

/* Keyword values into parameters or the ** dict.  0; 1: CPython will complain; -1 error */
static int
bind_keywords(VmFrame *nf, PyCodeObject *co, const VmWord *values, PyObject *kwnames,
              PyObject *kwdict)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        if (!PyUnicode_Check(name))
            return 1;
        Py_ssize_t at = find_parameter(co, name);
        if (at >= 0) {
            if (nf->regs[at] != VM_NULL)
                return 1;
            nf->regs[at] = values[i];
            vm_incref(values[i]);
            continue;
        }
        if (kwdict == NULL)
            return 1;
        PyObject *v = vm_box(values[i]);
        int status = v == NULL ? -1 : PyDict_SetItem(kwdict, name, v);
        Py_XDECREF(v);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* Defaults for what is still unbound.  0; 1: CPython will complain. */
static int
bind_defaults(VmFrame *nf, PyFunctionObject *func, PyCodeObject *co)
{
    PyObject *defaults = func->func_defaults;
    Py_ssize_t nd = defaults == NULL ? 0 : PyTuple_GET_SIZE(defaults);
    Py_ssize_t first = co->co_argcount - nd;
    for (Py_ssize_t i = 0; i < co->co_argcount; i++) {
        if (nf->regs[i] != VM_NULL)
            continue;
        if (i < first)
            return 1;
        nf->regs[i] = vm_from_ptr(Py_NewRef(PyTuple_GET_ITEM(defaults, i - first)));
    }
    for (Py_ssize_t i = co->co_argcount; i < co->co_argcount + co->co_kwonlyargcount; i++) {
        if (nf->regs[i] != VM_NULL)
            continue;
        PyObject *v = func->func_kwdefaults == NULL
                          ? NULL
                          : PyDict_GetItemWithError(func->func_kwdefaults,
                                                    cpy_code_local_name(co, (int)i));
        if (v == NULL)
            return 1;
        nf->regs[i] = vm_from_ptr(Py_NewRef(v));
    }
    return 0;
}

/* CPython's own binding fails the same way, before any code of the function runs. */
static void
raise_binding_error(PyFunctionObject *func, const VmWord *args, size_t n, PyObject *kwnames)
{
    size_t all = n + (kwnames == NULL ? 0 : (size_t)PyTuple_GET_SIZE(kwnames));
    PyObject *boxes = vm_tuple_of_words(args, all);
    if (boxes == NULL)
        return;
    PyObject *r = cpy_function_vectorcall((PyObject *)func, &PyTuple_GET_ITEM(boxes, 0), n,
                                          kwnames);
    Py_DECREF(boxes);
    if (r != NULL) {
        Py_DECREF(r);
        PyErr_SetString(PyExc_SystemError, "pyrs: arguments bound differently from CPython");
    }
}

static int
bind_all(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n,
         PyObject *kwnames)
{
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    size_t argc = (size_t)co->co_argcount, npos = n < argc ? n : argc;
    size_t rest = argc + (size_t)co->co_kwonlyargcount;
    PyObject *kwdict = NULL;
    int status = 0;

    if (n > argc && !(co->co_flags & CO_VARARGS))
        return 1;
    for (size_t i = 0; i < npos; i++) {
        nf->regs[i] = args[i];
        vm_incref(args[i]);
    }
    if (co->co_flags & CO_VARARGS) {
        PyObject *t = vm_tuple_of_words(args + npos, n - npos);
        if (t == NULL)
            return -1;
        nf->regs[rest++] = vm_from_ptr(t);
    }
    if (co->co_flags & CO_VARKEYWORDS) {
        kwdict = PyDict_New();
        if (kwdict == NULL)
            return -1;
        nf->regs[rest++] = vm_from_ptr(kwdict);
    }
    if (kwnames != NULL)
        status = bind_keywords(nf, co, args + n, kwnames, kwdict);
    if (status == 0 && (npos < argc || co->co_kwonlyargcount > 0))
        status = bind_defaults(nf, func, co);
    return status;
}

int
vm_bind(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n, PyObject *kwnames)
{
    int status = bind_all(nf, func, args, n, kwnames);
    if (status == 0)
        return 0;
    for (unsigned i = 0; i < nf->code->nargs_total; i++) {
        vm_release(nf->regs[i]);
        nf->regs[i] = VM_NULL;
    }
    if (!PyErr_Occurred())
        raise_binding_error(func, args, n, kwnames);
    return -1;
}

unsigned
vm_bind_defaults(VmFrame *nf, PyFunctionObject *func, VmCode *code, unsigned n)
{
    PyObject *defaults = func->func_defaults;
    Py_ssize_t first = code->argcount - PyTuple_GET_SIZE(defaults);
    for (; n < code->argcount; n++)
        nf->regs[n] = vm_word_of(PyTuple_GET_ITEM(defaults, n - first));
    return n;
}

int
vm_bind_by_position(VmFrame *nf, PyFunctionObject *func, const VmWord *args, size_t n)
{
    size_t argc = nf->code->argcount;
    size_t nd = func->func_defaults == NULL ? 0 : (size_t)PyTuple_GET_SIZE(func->func_defaults);
    if (!nf->code->simple || n > argc || argc - n > nd)
        return -1;
    memcpy(nf->regs, args, n * sizeof(VmWord));
    if (n < argc)
        vm_bind_defaults(nf, func, nf->code, (unsigned)n);
    return 0;
}

/* -- calls from operand lists ---------------------------------------------------------------- */

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

/* Where the keywords of this site go in a call of this code with npos arguments by position:
   parameters not given by position, each once.  0: CPython has something to say about it. */
static __attribute__((noinline)) int
keywords_fit(VmCache *site, VmCode *code, size_t npos)
{
    PyObject *kwnames = site->name;
    size_t nk = (size_t)PyTuple_GET_SIZE(kwnames);
    uint64_t given = ((uint64_t)1 << npos) - 1;
    if (site->u.keywords.shape == (code->serial | npos))
        return 1;
    if (nk > VM_CACHED_KEYWORDS)
        return 0;
    for (size_t i = 0; i < nk; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, (Py_ssize_t)i);
        Py_ssize_t at = PyUnicode_Check(name) ? find_parameter(code->co, name) : -1;
        if (at < 0 || (size_t)at < npos || (given >> at & 1))
            return 0;
        given |= (uint64_t)1 << at;
        site->u.keywords.at[i] = (uint8_t)at;
    }
    site->u.keywords.given = given;
    site->u.keywords.shape = code->serial | npos;
    return 1;
}

/* Defaults into the registers of `missing`.  -1: there is none for one of them */
static __attribute__((noinline)) int
fill_defaults(VmFrame *nf, PyFunctionObject *func, uint64_t missing)
{
    PyObject *defaults = func->func_defaults;
    int argc = nf->code->argcount;
    int first = defaults == NULL ? argc : argc - (int)PyTuple_GET_SIZE(defaults);
    for (uint64_t left = missing; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);
        PyObject *o = i >= argc    ? keyword_default(func, i)
                      : i >= first ? PyTuple_GET_ITEM(defaults, i - first)
                                   : NULL;
        if (o == NULL) {
            for (uint64_t done = missing & (((uint64_t)1 << i) - 1); done != 0; done &= done - 1)
                vm_release(nf->regs[__builtin_ctzll(done)]);
            return -1;
        }
        nf->regs[i] = vm_word_of(o);
    }
    return 0;
}

/* Operands from `first` to `n`, as the tuple for *args.  Nothing is consumed.  -> new */
static PyObject *
star_of_operands(VmAct *A, VmFrame *f, size_t first, size_t n)
{
    vm_boundary(A, f);
    PyObject *t = PyTuple_New((Py_ssize_t)(n - first));
    for (size_t i = first; t != NULL && i < n; i++) {
        unsigned operand = vm_list_get(f->pc + 1, (unsigned)i);
        PyObject *o = vm_box(operand & VM_OPERAND_CONST
                                 ? f->code->consts[operand & ~VM_OPERAND_CONST]
                                 : f->regs[operand]);
        if (o == NULL)
            Py_CLEAR(t);
        else
            PyTuple_SET_ITEM(t, (Py_ssize_t)(i - first), o);
    }
    vm_after(A, f);
    return t;
}

static void
consume_operands(VmFrame *f, size_t first, size_t n)
{
    for (size_t i = first; i < n; i++) {
        unsigned operand = vm_list_get(f->pc + 1, (unsigned)i);
        if (!(operand & VM_OPERAND_CONST))
            vm_consume(f, operand);
    }
}

/* A new frame, of which only the registers of arguments are to be set.  NULL: not now */
static inline VmFrame *
push_frame(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func)
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
    nf->ret_ip = f->pc + 1 + vm_list_words(f->pc[1].op);
    return nf;
}

static VmFrame *
push_with_defaults(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, uint64_t missing)
{
    VmFrame *nf = push_frame(A, f, code, func);
    if (nf == NULL || missing == 0 || fill_defaults(nf, func, missing) == 0)
        return nf;
    vm_drop_new_frame(A, nf);
    return NULL;
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

/* n listed operands to registers of another frame, from `to` on or, where `at` is given, to
   to[at[0]] and so on. */
static inline void
take_operands(VmFrame *f, const uint16_t *operands, size_t n, VmWord *to, const uint8_t *at)
{
    const VmWord *regs = f->regs, *consts = f->code->consts;
    unsigned nlocals = f->code->nlocals;
    for (size_t i = 0; i < n; i++) {
        unsigned o = operands[i];
        VmWord w = o & VM_OPERAND_CONST ? consts[o & ~VM_OPERAND_CONST] : regs[o];
        if (o < nlocals || o & VM_OPERAND_CONST)
            vm_incref(w);       /* a temporary moves */
        to[at == NULL ? i : at[i]] = w;
    }
}

/* The rest of the arguments by position are one: a tuple. */
static VmFrame *
call_with_star(VmAct *A, VmFrame *f, VmCode *code, PyFunctionObject *func, VmWord self)
{
    VmCache *site = vm_cache(f, f->pc->c);
    size_t nk = f->pc->op == VM_CALLKW ? (size_t)PyTuple_GET_SIZE(site->name) : 0;
    size_t listed = f->pc[1].op - nk, first = self != VM_NULL;
    size_t npos = first + listed < code->argcount ? first + listed : code->argcount;
    uint64_t given = ((uint64_t)1 << npos) - 1;
    if (first > npos || (nk > 0 && !keywords_fit(site, code, npos)))
        return NULL;
    if (nk > 0)
        given = site->u.keywords.given;
    PyObject *star = star_of_operands(A, f, npos - first, listed);
    VmFrame *nf = star == NULL ? NULL
                               : push_with_defaults(A, f, code, func, code->parameters & ~given);
    if (nf == NULL) {
        Py_XDECREF(star);
        return NULL;
    }
    const uint16_t *operands = (const uint16_t *)(f->pc + 1) + 1;
    if (first)
        nf->regs[0] = self;
    take_operands(f, operands, npos - first, nf->regs + first, NULL);
    take_operands(f, operands + listed, nk, nf->regs, site->u.keywords.at);
    nf->regs[code->nargs_total - 1] = vm_from_ptr(star);
    consume_operands(f, npos - first, listed);
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
    if (vm_unlikely(site->u.keywords.shape != (code->serial | npos))
        && (npos > code->argcount || !keywords_fit(site, code, npos)))
        return NULL;
    VmFrame *nf = push_with_defaults(A, f, code, func,
                                     code->parameters & ~site->u.keywords.given);
    if (nf == NULL)
        return NULL;
    const uint16_t *operands = (const uint16_t *)(f->pc + 1) + 1;
    if (first)
        nf->regs[0] = self;
    take_operands(f, operands, listed, nf->regs + first, NULL);
    take_operands(f, operands + listed, nk, nf->regs, site->u.keywords.at);
    return nf;
}

VmFrame *
vm_call_quick(VmAct *A, VmFrame *f, PyFunctionObject *func, VmWord self)
{
    VmCode *code = quick_code_of(func);
    VmFrame *nf = code == NULL             ? NULL
                  : code->has_star         ? call_with_star(A, f, code, func, self)
                  : f->pc->op == VM_CALLKW ? call_with_keywords(A, f, code, func, self)
                                           : call_with_defaults(A, f, code, func, self);
    if (vm_unlikely(nf == NULL && PyErr_Occurred()))
        PyErr_Clear();      /* the general way says it again */
    return nf;
}
