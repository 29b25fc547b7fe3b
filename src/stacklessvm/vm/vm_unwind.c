/* Exceptions.
 *
 * Handlers are looked up in the table lowered from CPython's; what must be released on the
 * way is in the map of the raising instruction: the temporaries of stack slots above the
 * handler's depth.
 */
#include "vm/vm_unwind.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_handover.h"
#include "cpyext_compat/cpy_traceback.h"
#include "vm/vm_call.h"
#include "vm/vm_call_out.h"
#include "vm/vm_class.h"
#include "vm/vm_fold.h"
#include "vm/vm_gen.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"

/* -- leaving frames ------------------------------------------------------------------- */

void
vm_frame_leave(VmAct *A, VmFrame *f)
{
    PyCodeObject *linked = f->shadow == NULL ? NULL : f->code->co;
    if (linked != NULL)
        vm_unlink(A, f);
    for (unsigned i = 0, n = f->code->nlocals; i < n; i++) {
        VmWord *place = &f->regs[vm_drop_order(i, n)], w = *place;
        *place = VM_NULL;
        vm_release_from(A, f, w);
    }
    if (f->flags & FRAME_LOCALS)
        Py_CLEAR(f->locals);
    *A->left += vm_frame_units(f);
    PyFunctionObject *func = f->func;
    if (!(f->flags & FRAME_GENERATOR))
        vm_frame_pop(A, f);
    Py_DECREF(func);
    Py_XDECREF(linked);
}

/* Temporaries of slots [to, live) of the map at f->pc. */
static void
release_temps(VmFrame *f, unsigned to)
{
    const uint16_t *map = vm_code_map(f->code, f->pc);
    unsigned live = map[1], base = f->code->nlocals;
    while (live > to) {
        live--;
        if (map[2 + live] == base + live)
            vm_release(f->regs[base + live]);
    }
}

/* -- unwinding --------------------------------------------------------------------------- */

/* The line of a word of CPython's code.  Looking one up takes longer the further down it is, and
   it is mostly the same few that raise. */
static int
line_of(const VmCode *code, uint32_t word)
{
    static struct {
        uint64_t serial;
        uint32_t word;
        int line;
    } seen[128], *s;
    s = &seen[(code->serial / 256 * 37 + word) % 128];
    if (s->serial != code->serial || s->word != word) {
        s->line = PyCode_Addr2Line(code->co, (int)(word * sizeof(_Py_CODEUNIT)));
        s->serial = code->serial;
        s->word = word;
    }
    return s->line;
}

static void
add_traceback(VmAct *A, VmFrame *f, uint32_t word)
{
    int line = CPY_TRACEBACK_HAS_LINE ? line_of(f->code, word) : 0;
    if (f->shadow == NULL || f->flags & FRAME_EAGER) {      /* which allocates */
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        vm_boundary(A, f);
        PyErr_Restore(type, value, tb);
    }
    else
        vm_boundary(A, f);
    cpy_frame_set_word(f->shadow, f->code->co, word);
    cpy_traceback_add(A->ts, word, line);
}

/* Enter the handler: the stack cut, f_lasti when asked for, the exception on top. */
static void
enter_handler(VmAct *A, VmFrame *f, const VmHandler *h, uint32_t word)
{
    release_temps(f, h->depth);
    VmWord *top = &f->regs[f->code->nlocals + h->depth];
    if (h->lasti)
        *top++ = vm_from_lasti(word);
    *top = vm_from_ptr(cpy_take_raised(A->ts));
    f->pc = f->code->insns + h->pc;
}

/* The frame goes with an exception.  -> the caller, NULL: it was the entry frame */
static VmFrame *
leave_raising(VmAct *A, VmFrame *f)
{
    VmFrame *caller = f->prev;
    int entry = f->kind == RET_ENTRY;
    release_temps(f, 0);
    if (vm_unlikely(A->delegate))
        cpy_profile_unwind(A->ts);      /* linked by its traceback */
    if (f->flags & FRAME_GENERATOR) {
        VmGenMode mode = vm_gen_mode(f);
        entry = mode == GEN_BY_C;
        vm_gen_convert_stop(f);
        if (mode == GEN_BY_ASEND)
            vm_asend_done(vm_ptr(caller->regs[caller->pc->b]), vm_ptr(f->aux));
        vm_gen_finish(A, f);
        if (mode == GEN_BY_FOLD)
            vm_fold_drop(A, caller);
    }
    else {
        VmWord state = vm_frame_return_state(f);
        VmReturnKind kind = (VmReturnKind)f->kind;
        if (f->flags & FRAME_OF_TEXT)
            vm_exec_raised();
        vm_frame_leave(A, f);
        vm_release_return_state(kind, state);
    }
    return entry ? NULL : caller;
}

/* Pushed by the loop for a property. */
static int
is_getter(VmFrame *f)
{
    return f->kind == RET_VALUE && f->prev != NULL
           && (f->prev->pc->op == VM_GETA || f->prev->pc->op == VM_GETA_L);
}

static void
name_getter_error(VmFrame *f)
{
    PyObject *self = vm_is_obj(f->regs[0]) ? vm_ptr(f->regs[0]) : NULL;
    if (self != NULL && PyCell_Check(self))
        self = PyCell_GET(self);
    if (self != NULL)
        vm_name_attribute_error(self, vm_cache(f->prev, f->prev->pc->c)->name);
}

VmFrame *
vm_unwind(VmAct *A, VmFrame *f, int reraise)
{
    uint32_t behind = 0;
    do {
        uint32_t at = vm_code_word(f->code, f->pc);
        uint32_t shown = at + behind;       /* what f_lasti says */
        if (!reraise)
            add_traceback(A, f, shown);
        else {
            if (A->reraise_word != VM_NO_WORD)
                shown = A->reraise_word;
            if (f->shadow != NULL)
                cpy_frame_set_word(f->shadow, f->code->co, shown);
        }
        reraise = 0;
        const VmHandler *h = vm_code_handler(f->code, at);
        if (h != NULL) {
            enter_handler(A, f, h, shown);
            if (f->shadow != NULL)
                vm_after(A, f);
            return f;
        }
        VmHow how = vm_how_of(f);
        VmWord aux = f->aux;
        if (is_getter(f))
            name_getter_error(f);
        behind = vm_words_behind_call(f);
        f = leave_raising(A, f);
        if (VM_HOW_KIND(how) >= RET_SPECIAL) {
            if (vm_special_raised(A, f, how, aux))
                return f;
            if (A->pushed != NULL)
                return vm_take_pushed(A);
        }
    } while (f != NULL);
    return NULL;
}

/* -- raise ----------------------------------------------------------------------------------- */

/* Python/ceval.c, do_raise (3.11): an instance of what was raised.  takes exc; -> new */
static PyObject *
exception_instance(PyObject *exc)
{
    if (PyExceptionClass_Check(exc)) {
        PyObject *v = PyObject_CallNoArgs(exc);
        if (v != NULL && !PyExceptionInstance_Check(v)) {
            PyErr_Format(PyExc_TypeError,
                         "calling %R should have returned an instance of BaseException, "
                         "not %R",
                         exc, Py_TYPE(v));
            Py_CLEAR(v);
        }
        return v;
    }
    if (PyExceptionInstance_Check(exc))
        return Py_NewRef(exc);
    PyErr_SetString(PyExc_TypeError, "exceptions must derive from BaseException");
    return NULL;
}

static int
set_cause(PyObject *v, PyObject *cause)
{
    PyObject *fixed;
    if (PyExceptionClass_Check(cause)) {
        fixed = PyObject_CallNoArgs(cause);
        if (fixed == NULL)
            return -1;
    }
    else if (PyExceptionInstance_Check(cause))
        fixed = Py_NewRef(cause);
    else if (cause == Py_None)
        fixed = NULL;
    else {
        PyErr_SetString(PyExc_TypeError, "exception causes must derive from BaseException");
        return -1;
    }
    PyException_SetCause(v, fixed);
    return 0;
}

static PyObject *                                       /* -> borrowed, or NULL */
handled_exception(VmAct *A)
{
    _PyErr_StackItem *item = cpy_exc_info(A->ts);
    while ((item->exc_value == NULL || item->exc_value == Py_None)
           && item->previous_item != NULL)
        item = item->previous_item;
    return item->exc_value == Py_None ? NULL : item->exc_value;
}

int
vm_raise(VmAct *A, VmFrame *f)
{
    unsigned w = f->pc->a, n = f->pc->b;
    if (n == 0) {
        PyObject *v = handled_exception(A);
        if (v == NULL) {
            PyErr_SetString(PyExc_RuntimeError, "No active exception to reraise");
            return -1;
        }
        cpy_set_raised(A->ts, Py_NewRef(v));
        A->reraise_word = VM_NO_WORD;
        return -2;
    }
    PyObject *exc = vm_reg_object(f, w);
    PyObject *cause = n == 2 ? vm_reg_object(f, w + 1) : NULL;
    if (exc != NULL) {
        vm_boundary(A, f);
        PyObject *v = exception_instance(exc);
        if (v != NULL && (cause == NULL || set_cause(v, cause) == 0))
            PyErr_SetObject((PyObject *)Py_TYPE(v), v);
        Py_XDECREF(v);
        vm_after(A, f);
    }
    vm_consume(A, f, w);
    if (n == 2)
        vm_consume(A, f, w + 1);
    return -1;
}

/* The instruction to report is the one that raised first, when the handler saved it. */
int
vm_reraise(VmAct *A, VmFrame *f)
{
    unsigned a = f->pc->a, saved = f->pc->b;
    VmWord exc = f->regs[a];
    if (!vm_is_temp(f, a))
        vm_incref(exc);
    if (!vm_is_obj(exc) || !PyExceptionInstance_Check(vm_ptr(exc))) {
        vm_release(exc);        /* no compiler made this code */
        PyErr_SetString(PyExc_SystemError, "what is raised again is no exception");
        return -1;
    }
    A->reraise_word = VM_NO_WORD;
    if (saved != VM_NO_REG && vm_is_lasti(f->regs[saved]))
        A->reraise_word = vm_lasti(f->regs[saved]);
    cpy_set_raised(A->ts, vm_ptr(exc));
    return -2;
}

/* -- handled exceptions ------------------------------------------------------------------------ */

/* Where what f handles is noted. */
static inline _PyErr_StackItem *
handles_in(VmAct *A, VmFrame *f)
{
    if (vm_unlikely(f->flags & FRAME_GENERATOR) && f->exc_below == NULL)
        vm_gen_push_exc(A, f);
    return cpy_exc_info(A->ts);
}

void
vm_push_exc_info(VmAct *A, VmFrame *f)
{
    VmWord *w = &f->regs[f->pc->a];
    _PyErr_StackItem *item = handles_in(A, f);
    VmWord exc = w[0];
    w[0] = item->exc_value == NULL ? VM_NONE : vm_from_ptr(item->exc_value);
    w[1] = exc;
    item->exc_value = vm_is_obj(exc) ? Py_NewRef(vm_ptr(exc)) : NULL;   /* as below */
}

void
vm_pop_exc_info(VmAct *A, VmFrame *f)
{
    unsigned a = f->pc->a;
    _PyErr_StackItem *item = handles_in(A, f);
    PyObject *old = item->exc_value;
    VmWord w = f->regs[a];
    if (!vm_is_temp(f, a))
        vm_incref(w);
    /* whatever else is there, no compiler made this code */
    item->exc_value = w == VM_NONE ? Py_NewRef(Py_None) : vm_is_obj(w) ? vm_ptr(w)
                                                                       : NULL;
    if (old == NULL || Py_REFCNT(old) > 1) {
        Py_XDECREF(old);
        return;
    }
    vm_boundary(A, f);
    Py_DECREF(old);
    vm_after(A, f);
}

/* Python/ceval.c, check_except_type_valid (3.11) */
static int
check_except_type(PyObject *types)
{
    static const char message[] =
        "catching classes that do not inherit from BaseException is not allowed";
    if (!PyTuple_Check(types)) {
        if (PyExceptionClass_Check(types))
            return 0;
        PyErr_SetString(PyExc_TypeError, message);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(types); i++) {
        if (!PyExceptionClass_Check(PyTuple_GET_ITEM(types, i))) {
            PyErr_SetString(PyExc_TypeError, message);
            return -1;
        }
    }
    return 0;
}

int
vm_exc_match(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *exc = vm_reg_object(f, f->pc->b);
    PyObject *types = vm_reg_object(f, f->pc->c);
    if (exc == NULL || types == NULL) {
        vm_consume(A, f, f->pc->c);
        return -1;
    }
    int is_its = (PyObject *)Py_TYPE(exc) == types && PyExceptionInstance_Check(exc);
    int status = is_its ? 0 : check_except_type(types);
    if (status == 0)
        *result = vm_from_bool(is_its || PyErr_GivenExceptionMatches(exc, types));
    if (vm_is_temp(f, f->pc->c))
        vm_release_old(A, f, types);
    return status;
}

/* -- with --------------------------------------------------------------------------------------- */

/* How the methods of both kinds of `with` are called, and what it says where one is missing. */
typedef struct {
    const char *const text[2];
    const char *const protocol;
    const char *const missing[2];
    PyObject *names[2];         /* enter, exit: interned at first use, kept */
} WithKind;

static WithKind with_kinds[2] = {
    {{"__enter__", "__exit__"}, "context manager", {"", " (missed __exit__ method)"}, {NULL, NULL}},
    {{"__aenter__", "__aexit__"},
     "asynchronous context manager",
     {"", " (missed __aexit__ method)"},
     {NULL, NULL}},
};

/* Of f's instruction, or of the other kind.  NULL: no memory */
static const WithKind *
with_kind(int async)
{
    WithKind *kind = &with_kinds[async];
    for (int i = 0; i < 2; i++) {
        if (kind->names[i] == NULL
            && (kind->names[i] = PyUnicode_InternFromString(kind->text[i])) == NULL)
            return NULL;
    }
    return kind;
}

static PyObject *
with_method(PyObject *o, const WithKind *kind, int i)
{
    PyObject *method = cpy_lookup_special(o, kind->names[i]);
    if (method == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "'%.200s' object does not support the %s protocol%s",
                     Py_TYPE(o)->tp_name, kind->protocol, kind->missing[i]);
    return method;
}

int
vm_with_enter(VmAct *A, VmFrame *f, int async)
{
    unsigned b = f->pc->b;
    const WithKind *kind = with_kind(async);
    PyObject *o = vm_reg_object(f, b), *enter = NULL, *exit = NULL, *result = NULL;
    if (o != NULL) {
        vm_boundary(A, f);
        enter = kind == NULL ? NULL : with_method(o, kind, 0);
        exit = enter == NULL ? NULL : with_method(o, kind, 1);
    }
    vm_consume(A, f, b);
    if (exit != NULL)
        result = PyObject_CallNoArgs(enter);
    Py_XDECREF(enter);
    if (o != NULL)
        vm_after(A, f);
    if (result == NULL) {
        Py_XDECREF(exit);
        return -1;
    }
    f->regs[f->pc->a] = vm_from_ptr(exit);
    f->regs[f->pc->a + 1] = vm_from_ptr(result);
    return 0;
}

/* A plain Python method of the class.  -> borrowed, or NULL */
static PyObject *
python_method(PyTypeObject *type, PyObject *name)
{
    PyObject *m = _PyType_Lookup(type, name);
    return m != NULL && Py_IS_TYPE(m, &PyFunction_Type) ? m : NULL;
}

/* Those by which `with` enters and leaves instances of a class, if both are such methods. */
typedef struct {
    uint32_t version;           /* the class's */
    PyObject *enter, *exit;     /* borrowed while it holds; NULL */
} Manager;

static const Manager *
manager_of(PyTypeObject *type, int async)
{
    static Manager seen[16];
    uint32_t version = type->tp_version_tag;
    Manager *m = &seen[(version << 1 | (unsigned)async) % 16];
    if (vm_unlikely(version == 0 || m->version != version)) {
        const WithKind *kind = with_kind(async);
        if (kind == NULL)
            return NULL;
        m->enter = python_method(type, kind->names[0]);
        m->exit = python_method(type, kind->names[1]);
        m->version = cpy_type_version(type);
    }
    return m;
}

/* The frames of both methods are ours.  NULL, perhaps with an exception: they are called otherwise */
static VmCode *
code_to_enter(const Manager *manager)
{
    if (manager == NULL || manager->enter == NULL || manager->exit == NULL)
        return NULL;
    VmCode *code = vm_code_to_run((PyFunctionObject *)manager->enter);
    return code != NULL && code->simple && code->argcount == 1
                   && code->co->co_flags & CO_OPTIMIZED
               ? code
               : NULL;
}

VmFrame *
vm_with_push(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    if (!vm_is_obj(f->regs[b]) || A->delegate)
        return NULL;
    PyObject *o = vm_ptr(f->regs[b]);
    const Manager *manager = manager_of(Py_TYPE(o), f->pc->op == VM_AWITH);
    VmCode *code = code_to_enter(manager);
    if (code == NULL) {
        PyErr_Clear();          /* vm_with_enter will say it */
        return NULL;
    }
    PyObject *enter = manager->enter, *exit = manager->exit;
    PyObject *bound = PyMethod_New(exit, o);
    if (bound == NULL) {
        PyErr_Clear();
        return NULL;
    }
    VmFrame *nf = vm_push_checked(A, f, code, (PyFunctionObject *)Py_NewRef(enter));
    if (nf == NULL) {
        PyErr_Clear();
        Py_DECREF(bound);
        return NULL;
    }
    if (!vm_is_temp(f, b))
        Py_INCREF(o);
    nf->regs[0] = vm_from_ptr(o);
    nf->kind = RET_WITH;
    nf->aux = vm_from_ptr(bound);
    nf->ret_dst = f->pc->a;
    nf->ret_ip = f->pc + 1;
    return nf;
}

VmCallStatus
vm_with_except(VmAct *A, VmFrame *f, VmFrame **pushed)
{
    PyObject *exit = vm_reg_object(f, f->pc->b), *exc = vm_reg_object(f, f->pc->c);
    if (exit == NULL || exc == NULL || !PyExceptionInstance_Check(exc)) {
        if (exit != NULL && exc != NULL)
            PyErr_SetString(PyExc_SystemError, "what a with statement is left by is no exception");
        return CALL_ERROR;
    }
    PyObject *tb = PyException_GetTraceback(exc);
    VmWord self = CPY_EXIT_IS_PAIR ? f->regs[f->pc->b + 1] : VM_NULL;
    VmWord args[6] = {VM_NULL, VM_NULL, self, vm_from_ptr(Py_NewRef((PyObject *)Py_TYPE(exc))),
                      vm_from_ptr(Py_NewRef(exc)), tb == NULL ? VM_NONE : vm_from_ptr(tb)};
    int first = self != VM_NULL ? 2 : 3;
    VmReturn ret = {f->pc->a, f->pc + 1, RET_VALUE, VM_NULL};
    vm_incref(self);
    return vm_call_words(A, f, Py_NewRef(exit), args + first, (size_t)(6 - first), NULL, &ret, pushed);
}

/* -- except* ------------------------------------------------------------------------------------ */

static int
check_star_type(PyObject *types)
{
    if (check_except_type(types) < 0)
        return -1;
    Py_ssize_t n = PyTuple_Check(types) ? PyTuple_GET_SIZE(types) : 1;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *type = PyTuple_Check(types) ? PyTuple_GET_ITEM(types, i) : types;
        int is_group = PyObject_IsSubclass(type, PyExc_BaseExceptionGroup);
        if (is_group < 0)
            return -1;
        if (is_group) {
            PyErr_SetString(PyExc_TypeError,
                            "catching ExceptionGroup with except* is not allowed. Use except "
                            "instead.");
            return -1;
        }
    }
    return 0;
}

static PyObject *                                       /* -> new group of one */
wrap_naked(PyObject *exc)
{
    return PyObject_CallFunction(PyExc_BaseExceptionGroup, "s(O)", "", exc);
}

/* Python/ceval.c, exception_group_match (3.11).  New references; 0 / -1 */
static int
split_group(PyObject *exc, PyObject *types, PyObject **match, PyObject **rest)
{
    *match = Py_NewRef(Py_None);
    *rest = Py_NewRef(Py_None);
    if (exc == Py_None)
        return 0;
    int is_group = PyObject_TypeCheck(exc, (PyTypeObject *)PyExc_BaseExceptionGroup);
    if (PyErr_GivenExceptionMatches(exc, types)) {
        Py_SETREF(*match, is_group ? Py_NewRef(exc) : wrap_naked(exc));
        return *match == NULL ? -1 : 0;
    }
    if (!is_group)
        return 0;
    PyObject *pair = PyObject_CallMethod(exc, "split", "(O)", types);
    if (pair == NULL)
        return -1;
    Py_SETREF(*match, Py_NewRef(PyTuple_GET_ITEM(pair, 0)));
    Py_SETREF(*rest, Py_NewRef(PyTuple_GET_ITEM(pair, 1)));
    Py_DECREF(pair);
    return 0;
}

int
vm_eg_match(VmAct *A, VmFrame *f)
{
    VmWord *w = &f->regs[f->pc->a];
    PyObject *exc = vm_box(w[0]), *types = vm_box(w[1]), *match = NULL, *rest = NULL;
    int status = -1;
    vm_boundary(A, f);
    if (exc != NULL && types != NULL && check_star_type(types) == 0)
        status = split_group(exc, types, &match, &rest);
    vm_release(w[1]);
    vm_release(w[0]);
    if (status == 0 && match == Py_None) {
        Py_DECREF(rest);
        w[0] = vm_from_ptr(Py_NewRef(exc));
        w[1] = vm_from_ptr(match);
    }
    else if (status == 0) {
        w[0] = vm_from_ptr(rest);
        w[1] = vm_from_ptr(match);
        PyErr_SetHandledException(match);
    }
    else {
        Py_XDECREF(match);
        Py_XDECREF(rest);
    }
    Py_XDECREF(exc);
    Py_XDECREF(types);
    vm_after(A, f);
    return status;
}
