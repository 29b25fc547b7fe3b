/* One small caller per kind; whatever is not the plain case of its kind (wrong number
 * of arguments, keywords where none are taken, a self of another type) goes to the
 * callee's own entry, which knows the words of the error.
 */
#include "cpyext_compat/cpy_call.h"

#include "internal/pycore_call.h"
#include "internal/pycore_ceval.h"
#include "internal/pycore_object.h"

/* --- classification --------------------------------------------------------------- */

/* The calling conventions, in the order of the kinds: builtins first, then
   descriptors. */
enum {
    NOARGS,
    O,
    FAST,
    FAST_KW,
    VARARGS,
    VARARGS_KW,
    CLASS,
};
_Static_assert(CPY_CALL_BUILTIN_CLASS == CPY_CALL_BUILTIN_NOARGS + CLASS
                   && CPY_CALL_DESCR_CLASS == CPY_CALL_DESCR_NOARGS + CLASS,
               "kind_of_flags() counts from NOARGS");

#define FLAVOUR_MASK \
    (METH_VARARGS | METH_FASTCALL | METH_NOARGS | METH_O | METH_KEYWORDS | METH_METHOD)

static CpyCallKind
kind_of_flags(int flags, CpyCallKind noargs)
{
    switch (flags & FLAVOUR_MASK) {
    case METH_NOARGS: return noargs;
    case METH_O: return noargs + O;
    case METH_FASTCALL: return noargs + FAST;
    case METH_FASTCALL | METH_KEYWORDS: return noargs + FAST_KW;
    case METH_VARARGS: return noargs + VARARGS;
    case METH_VARARGS | METH_KEYWORDS: return noargs + VARARGS_KW;
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS: return noargs + CLASS;
    default: return CPY_CALL_VECTOR;
    }
}

CpyCallKind
cpy_call_kind(PyObject *callee)
{
    PyTypeObject *type = Py_TYPE(callee);
    if (type == &PyCFunction_Type || type == &PyCMethod_Type)
        return kind_of_flags(PyCFunction_GET_FLAGS(callee), CPY_CALL_BUILTIN_NOARGS);
    if (type == &PyMethodDescr_Type)
        return kind_of_flags(((PyMethodDescrObject *)callee)->d_method->ml_flags,
                             CPY_CALL_DESCR_NOARGS);
    if (type == &PyMethod_Type)
        return CPY_CALL_METHOD;
    if (type == &PyWrapperDescr_Type)
        return CPY_CALL_SLOT;
    return PyVectorcall_Function(callee) != NULL ? CPY_CALL_VECTOR : CPY_CALL_TUPLE;
}

/* --- C functions by flavour ------------------------------------------------------- */

typedef PyObject *(*FastFunction)(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *(*FastKwFunction)(PyObject *, PyObject *const *, Py_ssize_t,
                                    PyObject *);
typedef PyObject *(*ClassFunction)(PyObject *, PyTypeObject *, PyObject *const *,
                                   size_t, PyObject *);
#define AS(type, f) ((type)(void (*)(void))(f))

typedef struct {
    PyCFunction meth;
    PyObject *self;                     /* borrowed from the callee or from argv[0] */
    PyTypeObject *defining;             /* for METH_METHOD */
    PyObject **argv;
    size_t n;
    PyObject *kwnames;
} Call;

static PyObject *                                       /* -> new */
tuple_of(PyObject *const *argv, size_t n)
{
    PyObject *t = PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; t != NULL && i < n; i++)
        PyTuple_SET_ITEM(t, (Py_ssize_t)i, Py_NewRef(argv[i]));
    return t;
}

static PyObject *                                       /* -> new */
keyword_dict(PyObject *const *values, PyObject *kwnames)
{
    PyObject *d = PyDict_New();
    for (Py_ssize_t i = 0; d != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
        if (PyDict_SetItem(d, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0)
            Py_CLEAR(d);
    }
    return d;
}

static PyObject *
call_varargs(const Call *c, int with_keywords)
{
    PyObject *result = NULL, *kwargs = NULL;
    PyObject *args = tuple_of(c->argv, c->n);
    if (args == NULL)
        goto done;
    if (!with_keywords) {
        result = c->meth(c->self, args);
        goto done;
    }
    if (c->kwnames != NULL && PyTuple_GET_SIZE(c->kwnames) > 0) {
        kwargs = keyword_dict(c->argv + c->n, c->kwnames);
        if (kwargs == NULL)
            goto done;
    }
    result = AS(PyCFunctionWithKeywords, c->meth)(c->self, args, kwargs);
done:
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

static inline int
has_keywords(const Call *c)
{
    return c->kwnames != NULL && PyTuple_GET_SIZE(c->kwnames) > 0;
}

/* Nothing about the number of arguments or keywords is wrong. */
static inline int
fits(int flavour, const Call *c)
{
    switch (flavour) {
    case NOARGS: return c->n == 0 && !has_keywords(c);
    case O: return c->n == 1 && !has_keywords(c);
    case FAST:
    case VARARGS: return !has_keywords(c);
    default: return 1;
    }
}

/* The flavour is a constant at each place this is expanded. */
static inline __attribute__((always_inline)) PyObject *
call_flavour(PyThreadState *ts, int flavour, const Call *c)
{
    PyObject *result;
    if (flavour == FAST)
        return AS(FastFunction, c->meth)(c->self, c->argv, (Py_ssize_t)c->n);
    if (flavour == FAST_KW)
        return AS(FastKwFunction, c->meth)(c->self, c->argv, (Py_ssize_t)c->n,
                                           c->kwnames);
    if (flavour == CLASS)
        return AS(ClassFunction, c->meth)(c->self, c->defining, c->argv, c->n,
                                          c->kwnames);
    /* the ones CPython guards */
    if (_Py_EnterRecursiveCallTstate(ts, " while calling a Python object"))
        return NULL;
    if (flavour == NOARGS)
        result = c->meth(c->self, NULL);
    else if (flavour == O)
        result = c->meth(c->self, c->argv[0]);
    else
        result = call_varargs(c, flavour == VARARGS_KW);
    _Py_LeaveRecursiveCallTstate(ts);
    return result;
}

/* --- kinds ------------------------------------------------------------------------ */

/* the callee's own entry */
static __attribute__((noinline)) PyObject *
call_generic(PyObject *callee, PyObject **argv, size_t n, PyObject *kwnames)
{
    return PyObject_Vectorcall(callee, argv, n | PY_VECTORCALL_ARGUMENTS_OFFSET,
                               kwnames);
}

static inline __attribute__((always_inline)) PyObject *
call_builtin(PyThreadState *ts, int flavour, PyObject *callee, PyObject **argv,
             size_t n, PyObject *kwnames)
{
    Call c = {
        .meth = PyCFunction_GET_FUNCTION(callee),
        .self = PyCFunction_GET_SELF(callee),
        .argv = argv,
        .n = n,
        .kwnames = kwnames,
    };
    if (!fits(flavour, &c))
        return call_generic(callee, argv, n, kwnames);
    if (flavour == CLASS)
        c.defining = PyCFunction_GET_CLASS(callee);
    return call_flavour(ts, flavour, &c);
}

static inline __attribute__((always_inline)) PyObject *
call_descriptor(PyThreadState *ts, int flavour, PyObject *callee, PyObject **argv,
                size_t n, PyObject *kwnames)
{
    PyMethodDescrObject *d = (PyMethodDescrObject *)callee;
    if (n == 0 || !PyObject_TypeCheck(argv[0], PyDescr_TYPE(d)))
        return call_generic(callee, argv, n, kwnames);
    Call c = {
        .meth = d->d_method->ml_meth,
        .self = argv[0],
        .defining = PyDescr_TYPE(d),
        .argv = argv + 1,
        .n = n - 1,
        .kwnames = kwnames,
    };
    return fits(flavour, &c) ? call_flavour(ts, flavour, &c)
                             : call_generic(callee, argv, n, kwnames);
}

static PyObject *
call_slot(PyThreadState *ts, PyObject *callee, PyObject **argv, size_t n,
          PyObject *kwnames)
{
    PyWrapperDescrObject *d = (PyWrapperDescrObject *)callee;
    int keywords = (d->d_base->flags & PyWrapperFlag_KEYWORDS) != 0;
    PyObject *args = NULL, *kwargs = NULL, *result = NULL;      /* owned */
    int any = kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0;

    if (n == 0 || !PyObject_TypeCheck(argv[0], PyDescr_TYPE(d)) || (any && !keywords))
        return call_generic(callee, argv, n, kwnames);
    if (_Py_EnterRecursiveCallTstate(ts, " while calling a Python object"))
        return NULL;
    args = tuple_of(argv + 1, n - 1);
    if (args == NULL || (any && (kwargs = keyword_dict(argv + n, kwnames)) == NULL))
        goto done;
    if (keywords)
        result = AS(wrapperfunc_kwds, d->d_base->wrapper)(argv[0], args, d->d_wrapped,
                                                          kwargs);
    else
        result = d->d_base->wrapper(argv[0], args, d->d_wrapped);
done:
    _Py_LeaveRecursiveCallTstate(ts);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

/* self takes the free place; the function must not count on another one before it */
static PyObject *
call_method(PyObject *callee, PyObject **argv, size_t n, PyObject *kwnames)
{
    PyObject *saved = argv[-1];
    argv[-1] = PyMethod_GET_SELF(callee);
    PyObject *result =
        PyObject_Vectorcall(PyMethod_GET_FUNCTION(callee), argv - 1, n + 1, kwnames);
    argv[-1] = saved;
    return result;
}

static inline PyObject *
dispatch(PyThreadState *ts, CpyCallKind kind, PyObject *callee, PyObject **argv,
         size_t n, PyObject *kwnames)
{
    switch (kind) {
#define BOTH(flavour) \
    case CPY_CALL_BUILTIN_##flavour: \
        return call_builtin(ts, flavour, callee, argv, n, kwnames); \
    case CPY_CALL_DESCR_##flavour: \
        return call_descriptor(ts, flavour, callee, argv, n, kwnames);
        BOTH(NOARGS)
        BOTH(O)
        BOTH(FAST)
        BOTH(FAST_KW)
        BOTH(VARARGS)
        BOTH(VARARGS_KW)
        BOTH(CLASS)
#undef BOTH
    case CPY_CALL_METHOD:
        return call_method(callee, argv, n, kwnames);
    case CPY_CALL_SLOT:
        return call_slot(ts, callee, argv, n, kwnames);
    default:
        return call_generic(callee, argv, n, kwnames);
    }
}

#ifndef NDEBUG

/* What a call must leave as it found it; a callee that doesn't is named at once. */
typedef struct {
    CpyFrame *top;
    _PyErr_StackItem *exc_info;
    int left;
} Before;

static Before
before_call(PyThreadState *ts)
{
    if (cpy_is_raised(ts))
        Py_FatalError("a call while an exception is pending");
    return (Before){cpy_top_frame(ts), cpy_exc_info(ts), *cpy_recursion_left(ts)};
}

static void
broken(PyObject *callee, const char *rule)
{
    fprintf(stderr, "after a call of a %s (", Py_TYPE(callee)->tp_name);
    PyErr_Clear();
    PyObject_Print(callee, stderr, 0);
    fprintf(stderr, "): %s\n", rule);
    Py_FatalError("a callee broke a rule of the C API");
}

static void
after_call(PyThreadState *ts, const Before *b, PyObject *callee, PyObject **argv,
           size_t n, int limit)
{
    if (cpy_top_frame(ts) != b->top)
        broken(callee, "another frame is on top");
    if (cpy_exc_info(ts) != b->exc_info)
        broken(callee, "another exception is being handled");
    if (*cpy_recursion_left(ts) != b->left && Py_GetRecursionLimit() == limit)
        broken(callee, "the recursion counter has moved");
    for (size_t i = 0; i < n; i++) {
        if (Py_REFCNT(argv[i]) <= 0)
            broken(callee, "an argument is dead");
    }
}

#endif

PyObject *
cpy_call_as(PyThreadState *ts, CpyCallKind kind, PyObject *callee, PyObject **argv,
            size_t n, PyObject *kwnames)
{
    assert(kind == cpy_call_kind(callee));
#ifndef NDEBUG
    Before b = before_call(ts);
    int limit = Py_GetRecursionLimit();
#endif
    PyObject *result = dispatch(ts, kind, callee, argv, n, kwnames);
#ifndef NDEBUG
    after_call(ts, &b, callee, argv, n, limit);
#endif
    if ((result == NULL) != cpy_is_raised(ts))
        return _Py_CheckFunctionResult(ts, callee, result, NULL);
    return result;
}
