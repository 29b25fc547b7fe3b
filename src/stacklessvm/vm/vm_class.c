/* Making classes: class statements, calls of type and of metaclasses, type.__new__.
 *
 * What is written in Python on the way is a frame, one after the other, and its kind says what
 * comes next:
 *
 *      __prepare__                RET_PREPARED      a namespace: the body
 *      the body                   RET_CLASS         the __class__ cell: the metaclass is called
 *      the metaclass's __new__    RET_CLASS_NEW     perhaps a class: its __init__
 *      __set_name__ ...,
 *      __init_subclass__          RET_CLASS_HOOK    the next one of these, or __init__ (vm_type_new.c)
 *      its __init__               RET_CLASS_INIT    the class
 *      the metaclass's __call__   RET_CLASS_CALLED  the class
 *
 * What waits meanwhile is a tuple, the frame's aux.  Steps and messages follow
 * Python/bltinmodule.c, builtin___build_class__, and Objects/typeobject.c, type_call (3.11 to 3.14).
 */
#include "vm/vm_class.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_construct.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"

enum { S_NAME,
       S_ORIG_BASES,
       S_BASES,
       S_META,              /* NULL: type.__new__ was called, nothing comes behind it */
       S_KEYWORDS,          /* a dict, or NULL */
       S_NAMESPACE,
       S_BODY,              /* the function of a class statement */
       S_CELL,              /* what it returned: a cell, or None; NULL: no class statement */
       S_CLASS,
       S_HOOKS,             /* calls that are put off: a list */
       S_HOOK,              /* the one that runs */
       S_COLD,              /* True where the builtin takes a unit of recursion */
       S_COUNT };

/* What every step knows. */
typedef struct {
    VmAct *A;
    VmFrame *f;
    PyObject *state;        /* owned until a frame has it */
    VmReturn ret;           /* dst, next: of the call */
    VmFrame *pushed;
    VmReturnKind kind;      /* of the value a step takes */
} Making;

static PyObject *                                           /* -> borrowed, or NULL */
part(const Making *m, int which)
{
    return PyTuple_GET_ITEM(m->state, which);
}

/* takes o */
static void
set_part(Making *m, int which, PyObject *o)
{
    PyObject *old = PyTuple_GET_ITEM(m->state, which);
    PyTuple_SET_ITEM(m->state, which, o);
    Py_XDECREF(old);
}

/* -- before the body ------------------------------------------------------------------------------ */

/* Bases with __mro_entries__ replaced by what it returns.  -> new (orig itself when none) */
static PyObject *
resolve_bases(PyObject *orig)
{
    static PyObject *name;
    PyObject *list = NULL, *result = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(orig);
    if (name == NULL && (name = PyUnicode_InternFromString("__mro_entries__")) == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *base = PyTuple_GET_ITEM(orig, i), *meth = NULL;
        if (!PyType_Check(base)) {
            if (PyObject_GetOptionalAttr(base, name, &meth) < 0)
                goto done;
        }
        if (meth == NULL) {
            if (list != NULL && PyList_Append(list, base) < 0)
                goto done;
            continue;
        }
        PyObject *entries = PyObject_CallOneArg(meth, orig);
        Py_DECREF(meth);
        if (entries == NULL)
            goto done;
        if (!PyTuple_Check(entries)) {
            PyErr_SetString(PyExc_TypeError, "__mro_entries__ must return a tuple");
            Py_DECREF(entries);
            goto done;
        }
        if (list == NULL) {
            list = PyList_New(i);
            for (Py_ssize_t j = 0; list != NULL && j < i; j++)
                PyList_SET_ITEM(list, j, Py_NewRef(PyTuple_GET_ITEM(orig, j)));
        }
        Py_ssize_t end = list == NULL ? 0 : PyList_GET_SIZE(list);
        int bad = list == NULL || PyList_SetSlice(list, end, end, entries) < 0;
        Py_DECREF(entries);
        if (bad)
            goto done;
    }
    result = list == NULL ? Py_NewRef(orig) : PyList_AsTuple(list);
done:
    Py_XDECREF(list);
    return result;
}

/* -> new; *is_class: meta is a class */
static PyObject *
choose_metaclass(PyObject *bases, PyObject *keywords, int *is_class)
{
    PyObject *meta = keywords == NULL ? NULL : PyDict_GetItemString(keywords, "metaclass");
    *is_class = 1;
    if (meta != NULL) {
        Py_INCREF(meta);
        if (PyDict_DelItemString(keywords, "metaclass") < 0) {
            Py_DECREF(meta);
            return NULL;
        }
        *is_class = PyType_Check(meta);
    }
    else if (PyTuple_GET_SIZE(bases) == 0)
        meta = Py_NewRef((PyObject *)&PyType_Type);
    else
        meta = Py_NewRef((PyObject *)Py_TYPE(PyTuple_GET_ITEM(bases, 0)));
    if (!*is_class)
        return meta;
    PyObject *winner = (PyObject *)cpy_calculate_metaclass((PyTypeObject *)meta, bases);
    Py_XINCREF(winner);
    Py_DECREF(meta);
    return winner;
}

static PyObject *
keywords_of(const VmWord *values, PyObject *kwnames)
{
    PyObject *d = PyDict_New();
    for (Py_ssize_t i = 0; d != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *v = vm_box(values[i]);
        if (v == NULL || PyDict_SetItem(d, PyTuple_GET_ITEM(kwnames, i), v) < 0)
            Py_CLEAR(d);
        Py_XDECREF(v);
    }
    return d;
}

/* Everything up to __prepare__.  -> new state */
static PyObject *
statement_state(const VmWord *args, size_t n, PyObject *kwnames, int *is_class)
{
    PyObject *state = PyTuple_New(S_COUNT);
    if (state == NULL)
        return NULL;
    PyTuple_SET_ITEM(state, S_BODY, Py_NewRef(vm_ptr(args[0])));
    PyTuple_SET_ITEM(state, S_NAME, Py_NewRef(vm_ptr(args[1])));
    PyObject *orig = vm_tuple_of_words(args + 2, n - 2);
    PyTuple_SET_ITEM(state, S_ORIG_BASES, orig);
    PyObject *bases = orig == NULL ? NULL : resolve_bases(orig), *keywords = NULL;
    PyTuple_SET_ITEM(state, S_BASES, bases);
    if (bases == NULL)
        goto failed;
    if (kwnames != NULL) {
        keywords = keywords_of(args + n, kwnames);
        PyTuple_SET_ITEM(state, S_KEYWORDS, keywords);
        if (keywords == NULL)
            goto failed;
    }
    PyObject *meta = choose_metaclass(bases, keywords, is_class);
    PyTuple_SET_ITEM(state, S_META, meta);
    if (meta != NULL)
        return state;
failed:
    Py_DECREF(state);
    return NULL;
}

/* -- calling -------------------------------------------------------------------------------------- */

/* Units of recursion that C takes under the call.  0 / -1 */
static int
take_units(VmAct *A, int units)
{
    for (int taken = 0; taken < units; taken++) {
        if (vm_enter_c(A) < 0) {
            *A->left += taken;
            return -1;
        }
    }
    return 0;
}

static int
units_of(const Making *m, int calls)
{
    return (part(m, S_COLD) == Py_True) + calls * CPY_C_CALL_TAKES_UNIT;
}

/* The function a call of it runs as a frame.  -> borrowed, or NULL */
static PyFunctionObject *
frame_of_call(const Making *m, PyObject *callee)
{
    if (Py_IS_TYPE(callee, &PyMethod_Type))
        callee = PyMethod_GET_FUNCTION(callee);
    return Py_IS_TYPE(callee, &PyFunction_Type)
                   && vm_special_can_push(m->A, (PyFunctionObject *)callee)
               ? (PyFunctionObject *)callee
               : NULL;
}

#define MOST_ARGUMENTS 4

/* callee(*args, **keywords) as a frame whose result is a value of that kind (CALL_PUSHED: it has
   the state), or in C: CALL_DONE with *result.  Arguments are borrowed. */
static VmCallStatus
call(Making *m, PyObject *callee, PyObject *const *args, size_t n, PyObject *keywords,
     VmReturnKind kind, int units, PyObject **result)
{
    size_t nk = keywords == NULL ? 0 : (size_t)PyDict_GET_SIZE(keywords);
    VmAct *A = m->A;
    VmWord words[2 + MOST_ARGUMENTS + 12], *word = words + 2;
    *result = NULL;
    assert(n <= MOST_ARGUMENTS);
    if (take_units(A, units) < 0)
        return CALL_ERROR;
    vm_boundary(A, m->f);
    if (nk > 12 || frame_of_call(m, callee) == NULL) {
        if (!PyErr_Occurred() && vm_c_stack_check(A) == 0)
            *result = PyObject_VectorcallDict(callee, args, n, keywords);
        *A->left += units;
        vm_after(A, m->f);
        return *result == NULL ? CALL_ERROR : CALL_DONE;
    }
    for (size_t i = 0; i < n; i++)
        *word++ = vm_from_ptr(Py_NewRef(args[i]));
    PyObject *kwnames = nk == 0 ? NULL : PySequence_Tuple(keywords);
    VmCallStatus status = CALL_ERROR;
    for (size_t i = 0; kwnames != NULL && i < nk; i++)
        *word++ = vm_from_ptr(Py_NewRef(PyDict_GetItem(keywords, PyTuple_GET_ITEM(kwnames, (Py_ssize_t)i))));
    vm_after(A, m->f);
    if (nk == 0 || kwnames != NULL) {
        VmReturn ret = {m->ret.dst, m->ret.next, kind, vm_from_ptr(m->state)};
        status = vm_call_words(A, m->f, Py_NewRef(callee), words + 2, n, kwnames, &ret, &m->pushed);
    }
    else {
        while (word > words + 2)
            vm_release(*--word);
    }
    Py_XDECREF(kwnames);
    if (status == CALL_PUSHED)
        m->pushed->flags |= FRAME_FLAGS_OF_UNITS(units);
    else
        *A->left += units;
    return status;
}

/* metaclass(name, bases, namespace, **keywords) and what is like it, after self. */
static VmCallStatus
call_making(Making *m, PyObject *callee, PyObject *self, VmReturnKind kind, int units,
            PyObject **result)
{
    PyObject *args[4] = {self, part(m, S_NAME), part(m, S_BASES), part(m, S_NAMESPACE)};
    return self == NULL ? call(m, callee, args + 1, 3, part(m, S_KEYWORDS), kind, units, result)
                        : call(m, callee, args, 4, part(m, S_KEYWORDS), kind, units, result);
}

/* The same in one of a type's C slots: RESULT becomes what it gives, or FAILED. */
#define IN_SLOT(m, units, RESULT, FAILED, CALL) \
    do { \
        PyObject *args = PyTuple_Pack(3, part(m, S_NAME), part(m, S_BASES), part(m, S_NAMESPACE)); \
        RESULT = FAILED; \
        vm_boundary((m)->A, (m)->f); \
        if (args != NULL && take_units((m)->A, units) == 0) { \
            if (vm_c_stack_check((m)->A) == 0) \
                RESULT = CALL; \
            *(m)->A->left += units; \
        } \
        Py_XDECREF(args); \
        vm_after((m)->A, (m)->f); \
    } while (0)

/* -- the steps ------------------------------------------------------------------------------------ */

/* Each takes the value of the step before (taken), sets m->kind, and gives CALL_PUSHED, CALL_DONE
   with the value of that kind in *o, or CALL_ERROR. */

static VmCallStatus
run_body(Making *m, PyObject **o)
{
    PyObject *meta = part(m, S_META), *ns = *o;
    set_part(m, S_NAMESPACE, ns);
    *o = NULL;
    if (!PyMapping_Check(ns)) {
        PyErr_Format(PyExc_TypeError, "%.200s.__prepare__() must return a mapping, not %.200s",
                     PyType_Check(meta) ? ((PyTypeObject *)meta)->tp_name : "<metaclass>",
                     Py_TYPE(ns)->tp_name);
        return CALL_ERROR;
    }
    int units = units_of(m, 0);
    if (take_units(m->A, units) < 0)
        return CALL_ERROR;
    PyFunctionObject *body = (PyFunctionObject *)part(m, S_BODY);
    const char *why = vm_must_delegate(m->A->ts);
    if (why != NULL) {          /* __prepare__ began to trace */
        vm_boundary(m->A, m->f);
        *o = vm_fallback_body(body, ns, why);
        *m->A->left += units;
        vm_after(m->A, m->f);
        m->kind = RET_CLASS;
        return *o == NULL ? CALL_ERROR : CALL_DONE;
    }
    VmFrame *nf = vm_push_code(m->A, m->f, body, ns);
    if (nf == NULL) {
        *m->A->left += units;
        return CALL_ERROR;
    }
    nf->ret_dst = (uint16_t)m->ret.dst;
    nf->ret_ip = m->ret.next;
    nf->kind = RET_CLASS;
    nf->aux = vm_from_ptr(m->state);
    nf->flags |= FRAME_FLAGS_OF_UNITS(units);
    m->pushed = nf;
    return CALL_PUSHED;
}

/* type.__new__, what it would call put off */
static VmCallStatus
make_type(Making *m, PyTypeObject *meta, PyObject **o)
{
    PyObject *hooks = vm_hooks_of(m->A->ts, part(m, S_BASES), part(m, S_NAMESPACE)), *outer;
    if (hooks == NULL && PyErr_Occurred())
        return CALL_ERROR;
    PyObject *cls;
    outer = vm_put_off_hooks(hooks);
    IN_SLOT(m, units_of(m, 1), cls, NULL,
            vm_hooks_are_put_off(outer, hooks, meta->tp_new(meta, args, part(m, S_KEYWORDS))));
    vm_put_off_hooks(outer);
    set_part(m, S_CLASS, cls);
    set_part(m, S_HOOKS, hooks);
    m->kind = RET_CLASS_HOOK;
    *o = cls == NULL ? NULL : Py_NewRef(Py_None);
    return cls == NULL ? CALL_ERROR : CALL_DONE;
}

static VmCallStatus
call_metaclass(Making *m, PyObject **o)
{
    PyObject *meta = part(m, S_META);
    PyTypeObject *type = Py_TYPE(meta), *cls = PyType_Check(meta) ? (PyTypeObject *)meta : NULL;
    PyFunctionObject *func = vm_special(type, SP_CALL);
    m->kind = RET_CLASS_CALLED;
    if (func != NULL)
        return call_making(m, (PyObject *)func, meta, m->kind, units_of(m, 1), o);
    if (cls == NULL || type->tp_call != PyType_Type.tp_call)
        return call_making(m, meta, NULL, m->kind, units_of(m, 0), o);
    if (cls->tp_new == PyType_Type.tp_new)
        return make_type(m, cls, o);
    func = vm_python_new(cls);
    if (func == NULL)
        return call_making(m, meta, NULL, m->kind, units_of(m, 0), o);
    m->kind = RET_CLASS_NEW;
    return call_making(m, (PyObject *)func, meta, m->kind, units_of(m, 1), o);
}

static VmCallStatus
body_ran(Making *m, PyObject **o)
{
    set_part(m, S_CELL, *o);
    *o = NULL;
    if (part(m, S_BASES) != part(m, S_ORIG_BASES)) {
        vm_boundary(m->A, m->f);
        int status = PyMapping_SetItemString(part(m, S_NAMESPACE), "__orig_bases__", part(m, S_ORIG_BASES));
        vm_after(m->A, m->f);
        if (status < 0)
            return CALL_ERROR;
    }
    return call_metaclass(m, o);
}

static VmCallStatus
call_init(Making *m, PyObject **o)
{
    PyObject *cls = part(m, S_CLASS);
    PyTypeObject *type = Py_TYPE(cls);
    PyFunctionObject *init = vm_special(type, SP_INIT);
    m->kind = RET_CLASS_INIT;
    if (init != NULL)
        return call_making(m, (PyObject *)init, cls, m->kind, units_of(m, 1), o);
    int status = 0;
    if (type->tp_init != NULL && type->tp_init != PyType_Type.tp_init)      /* which takes these */
        IN_SLOT(m, units_of(m, 1), status, -1, type->tp_init(cls, args, part(m, S_KEYWORDS)));
    *o = status < 0 ? NULL : Py_NewRef(Py_None);
    return status < 0 ? CALL_ERROR : CALL_DONE;
}

/* __new__ returned */
static VmCallStatus
instance_made(Making *m, PyObject **o)
{
    if (!PyObject_TypeCheck(*o, (PyTypeObject *)part(m, S_META))) {
        m->kind = RET_CLASS_CALLED;
        return CALL_DONE;
    }
    set_part(m, S_CLASS, *o);
    *o = NULL;
    return call_init(m, o);
}

/* The next of what type.__new__ put off. */
static VmCallStatus
run_hook(Making *m, PyObject **o)
{
    PyObject *hooks = part(m, S_HOOKS);
    Py_CLEAR(*o);
    set_part(m, S_HOOK, NULL);
    if (hooks == NULL || PyList_GET_SIZE(hooks) == 0) {
        if (part(m, S_META) != NULL)
            return call_init(m, o);
        m->kind = RET_CLASS_CALLED;
        *o = Py_NewRef(part(m, S_CLASS));
        return CALL_DONE;
    }
    PyObject *hook = Py_NewRef(PyList_GET_ITEM(hooks, 0));
    set_part(m, S_HOOK, hook);
    m->kind = RET_CLASS_HOOK;
    if (PyList_SetSlice(hooks, 0, 1, NULL) < 0)
        return CALL_ERROR;
    VmHook h = vm_hook(hook);
    VmCallStatus status = call(m, h.func, h.args, h.n, h.keywords, m->kind, units_of(m, 1), o);
    if (status == CALL_ERROR)
        vm_hook_raised(hook);
    return status;
}

static VmCallStatus
init_returned(Making *m, PyObject **o)
{
    PyObject *none = *o;
    *o = NULL;
    m->kind = RET_CLASS_CALLED;
    if (none == Py_None)
        *o = Py_NewRef(part(m, S_CLASS));
    else
        PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'", Py_TYPE(none)->tp_name);
    Py_DECREF(none);
    return *o == NULL ? CALL_ERROR : CALL_DONE;
}

static int
check_class_cell(PyObject *cls, PyObject *cell, PyObject *name)
{
    PyObject *set = PyCell_GET(cell);
    if (set == cls)
        return 0;
    if (set == NULL)
        PyErr_Format(PyExc_RuntimeError,
                     "__class__ not set defining %.200R as %.200R. "
                     "Was __classcell__ propagated to type.__new__?",
                     name, cls);
    else
        PyErr_Format(PyExc_TypeError, "__class__ set to %.200R defining %.200R as %.200R", set,
                     name, cls);
    return -1;
}

/* A value of m->kind (o, taken; NULL: exception) and all that comes behind it, until a frame is
   pushed or the class is there.  The state is taken. */
static VmCallStatus
go_on(Making *m, PyObject *o, VmFrame **pushed)
{
    VmCallStatus status = o == NULL ? CALL_ERROR : CALL_DONE;
    while (status == CALL_DONE && m->kind != RET_CLASS_CALLED) {
        switch ((int)m->kind) {
        case RET_PREPARED: status = run_body(m, &o); break;
        case RET_CLASS: status = body_ran(m, &o); break;
        case RET_CLASS_NEW: status = instance_made(m, &o); break;
        case RET_CLASS_HOOK: status = run_hook(m, &o); break;
        default: status = init_returned(m, &o); break;
        }
    }
    if (status == CALL_PUSHED) {
        *pushed = m->pushed;
        return status;
    }
    PyObject *cell = part(m, S_CELL);
    if (status == CALL_DONE && cell != NULL && PyType_Check(o) && PyCell_Check(cell)
        && check_class_cell(o, cell, part(m, S_NAME)) < 0)
        status = CALL_ERROR;
    if (status == CALL_DONE)
        vm_set_any(m->A, m->f, m->ret.dst, vm_from_ptr(o));
    else
        Py_XDECREF(o);
    vm_boundary(m->A, m->f);
    Py_DECREF(m->state);
    vm_after(m->A, m->f);
    return status;
}

VmCallStatus
vm_class_go_on(VmAct *A, VmFrame *f, const VmReturn *ret, VmWord v, VmFrame **pushed)
{
    Making m = {A, f, vm_ptr(ret->aux), *ret, .kind = ret->kind};
    PyObject *o = vm_box(v);
    vm_release(v);
    VmCallStatus status = go_on(&m, o, pushed);
    if (status == CALL_DONE)
        f->pc = ret->next;
    return status;
}

void
vm_class_hook_raised(PyObject *state)
{
    PyObject *hook = PyTuple_GET_ITEM(state, S_HOOK);
    if (hook != NULL)
        vm_hook_raised(hook);
}

/* -- the three ways to begin ------------------------------------------------------------------------- */

static void
release_arguments(VmWord *args, size_t n, PyObject *kwnames)
{
    size_t all = n + (kwnames == NULL ? 0 : (size_t)PyTuple_GET_SIZE(kwnames));
    for (size_t i = 0; i < all; i++)
        vm_release(args[i]);
}

/* *o: the namespace, unless a frame makes it */
static VmCallStatus
prepare(Making *m, PyObject **o)
{
    static PyObject *name;
    PyObject *prepare;
    m->kind = RET_PREPARED;
    if ((name == NULL && (name = PyUnicode_InternFromString("__prepare__")) == NULL)
        || PyObject_GetOptionalAttr(part(m, S_META), name, &prepare) < 0)
        return CALL_ERROR;
    if (prepare == NULL) {
        *o = PyDict_New();
        return *o == NULL ? CALL_ERROR : CALL_DONE;
    }
    PyObject *args[2] = {part(m, S_NAME), part(m, S_BASES)};
    VmCallStatus status = call(m, prepare, args, 2, part(m, S_KEYWORDS), m->kind, units_of(m, 0), o);
    Py_DECREF(prepare);
    return status;
}

VmCallStatus
vm_build_class(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
               PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    PyObject *func = vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL, *o = NULL;
    if (func == NULL || !Py_IS_TYPE(func, &PyFunction_Type) || !vm_is_obj(args[1])
        || !PyUnicode_Check(vm_ptr(args[1])) || vm_must_delegate(A->ts) != NULL)
        return CALL_NOT_MINE;
    if (vm_code_to_run((PyFunctionObject *)func) == NULL) {
        if (vm_fallback_by_c((PyFunctionObject *)func) == 0)
            return CALL_NOT_MINE;
        Py_DECREF(callee);
        release_arguments(args, n, kwnames);
        return CALL_ERROR;
    }
    Making m = {A, f, .ret = *ret};
    int is_class, unit = CPY_C_CALL_TAKES_UNIT && !vm_call_is_warm(f);
    VmCallStatus status = CALL_ERROR;
    vm_boundary(A, f);
    if (take_units(A, unit) == 0) {
        m.state = statement_state(args, n, kwnames, &is_class);
        *A->left += unit;
    }
    if (m.state != NULL) {
        PyTuple_SET_ITEM(m.state, S_COLD, PyBool_FromLong(unit));
        status = prepare(&m, &o);
    }
    vm_after(A, f);
    Py_DECREF(callee);
    release_arguments(args, n, kwnames);
    if (m.state == NULL)
        return CALL_ERROR;
    if (status == CALL_PUSHED) {
        *pushed = m.pushed;
        return status;
    }
    return go_on(&m, o, pushed);
}

VmCallStatus
vm_call_metaclass(VmAct *A, VmFrame *f, PyTypeObject *meta, VmWord *args, size_t n,
                  PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    if (n != 3 || ret->kind != RET_VALUE || meta->tp_new != PyType_Type.tp_new
        || vm_must_delegate(A->ts) != NULL)
        return CALL_NOT_MINE;
    Making m = {A, f, PyTuple_New(S_COUNT), *ret};
    if (m.state == NULL)
        return CALL_NOT_MINE;
    static const int places[] = {S_NAME, S_BASES, S_NAMESPACE};
    PyObject *keywords = kwnames == NULL ? NULL : keywords_of(args + n, kwnames);
    int whole = kwnames == NULL || keywords != NULL;
    PyTuple_SET_ITEM(m.state, S_KEYWORDS, keywords);
    for (size_t i = 0; i < n; i++) {
        PyObject *o = vm_operand_object(f, args[i]);
        PyTuple_SET_ITEM(m.state, places[i], o);
        whole = whole && o != NULL;
    }
    if (!whole) {
        Py_DECREF(m.state);
        return CALL_NOT_MINE;
    }
    PyTuple_SET_ITEM(m.state, S_META, (PyObject *)meta);
    release_arguments(args, n, kwnames);
    PyObject *o = NULL;
    VmCallStatus status = make_type(&m, meta, &o);
    return go_on(&m, status == CALL_DONE ? o : NULL, pushed);
}

VmCallStatus
vm_call_type_new(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n,
                 PyObject *kwnames, const VmReturn *ret, VmFrame **pushed)
{
    if (n != 4 || ret->kind != RET_VALUE || !vm_is_obj(args[2]) || !PyTuple_Check(vm_ptr(args[2]))
        || !vm_is_obj(args[3]) || vm_must_delegate(A->ts) != NULL)
        return CALL_NOT_MINE;
    PyObject *hooks = vm_hooks_of(A->ts, vm_ptr(args[2]), vm_ptr(args[3]));
    if (hooks == NULL)
        return CALL_NOT_MINE;
    Making m = {A, f, PyTuple_New(S_COUNT), *ret, .kind = RET_CLASS_HOOK};
    PyObject *objects[5] = {NULL}, *keywords = NULL;
    int whole = m.state != NULL && (kwnames == NULL || (keywords = keywords_of(args + n, kwnames)) != NULL);
    for (size_t i = 0; i < n; i++)
        whole = (objects[1 + i] = vm_operand_object(f, args[i])) != NULL && whole;
    vm_boundary(A, f);
    if (whole) {
        PyObject *outer = vm_put_off_hooks(hooks), *cls = NULL;
        if (vm_c_stack_check(A) == 0)
            cls = PyObject_VectorcallDict(callee, objects + 1, n | PY_VECTORCALL_ARGUMENTS_OFFSET, keywords);
        *A->left -= CPY_C_CALL_TAKES_UNIT;      /* type.__new__'s own */
        cls = vm_hooks_are_put_off(outer, hooks, cls);
        vm_leave_c(A);
        PyTuple_SET_ITEM(m.state, S_CLASS, cls);
        PyTuple_SET_ITEM(m.state, S_HOOKS, Py_NewRef(hooks));
    }
    vm_after(A, f);
    for (size_t i = 0; i < n; i++)
        Py_XDECREF(objects[1 + i]);
    Py_XDECREF(keywords);
    Py_DECREF(hooks);
    Py_DECREF(callee);
    release_arguments(args, n, kwnames);
    if (m.state == NULL)
        return CALL_ERROR;
    return go_on(&m, part(&m, S_CLASS) == NULL ? NULL : Py_NewRef(Py_None), pushed);
}
