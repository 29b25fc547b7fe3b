/* Every structure that is read in place is compared with what the interpreter's own
 * functions answer about the same object.  A point release or a distributor's patch
 * that moves a field is refused by name here, instead of corrupting memory later.
 */
#include "cpyext_compat/cpy_selftest.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_frame.h"
#include "cpyext_compat/cpy_iter.h"
#include "cpyext_compat/cpy_lazy_locals.h"
#include "cpyext_compat/cpy_long.h"

/* What the checks look at; line 2 of f is where its frame is said to be. */
static const char sample_source[] =
    "def f(a, b):\n"
    "    return a + b\n"
    "def g(a, b):\n"
    "    return (lambda: a), b\n"
    "class C:\n"
    "    def __init__(self):\n"
    "        self.x = 1\n"
    "        self.y = 2\n"
    "    p = property(f, f, f)\n"
    "    c = classmethod(f)\n"
    "    s = staticmethod(f)\n"
    "o = C()\n"
    "d = {'a': 1, 'b': 2}\n";

typedef struct {
    PyObject *ns;               /* owned */
} Samples;

static PyObject *                               /* -> borrowed from the samples */
sample(Samples *s, const char *name)
{
    return PyDict_GetItemString(s->ns, name);
}

static PyObject *                                       /* -> new interned string */
name_of(const char *text)
{
    return PyUnicode_InternFromString(text);
}

/* --- frames ----------------------------------------------------------------------- */

static void
fill_with_owner(void *owner, CpyFrame *f)
{
    int n = cpy_frame_code(f)->co_nlocalsplus;
    for (int i = 0; i < n; i++)
        cpy_frame_slot_set(f, i, Py_NewRef((PyObject *)owner));
    cpy_frame_set_stacktop(f, cpy_frame_code(f), n);
}

/* The object of the top frame and what it says, while the shadow of f is on top. */
static int
look_at_top(PyThreadState *ts, CpyFrame *f, PyCodeObject *co, PyFrameObject **kept)
{
    PyFrameObject *fo = PyThreadState_GetFrame(ts);     /* owned by *kept */
    *kept = fo;
    if (fo == NULL || cpy_frame_object(f) != fo || fo->f_frame != f)
        return 0;
    PyCodeObject *seen = PyFrame_GetCode(fo);           /* owned */
    Py_DECREF(seen);
    return seen == co && PyFrame_GetLineNumber(fo) == 2;
}

static int
locals_hold(PyFrameObject *fo, PyObject *value)
{
    PyObject *locals = PyObject_GetAttrString((PyObject *)fo, "f_locals"); /* owned */
    /* owned */
    PyObject *a = locals != NULL ? PyMapping_GetItemString(locals, "a") : NULL;
    Py_XDECREF(a);
    Py_XDECREF(locals);
    return a == value;
}

static int
check_frame(Samples *s)
{
    PyThreadState *ts = PyThreadState_Get();
    PyFunctionObject *func = (PyFunctionObject *)sample(s, "f");
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    PyObject *value = sample(s, "d");
    PyFrameObject *kept = NULL;                         /* owned */
    void (*fill)(void *, CpyFrame *) = cpy_lazy_locals_fill;
    CpyFrame *f = PyMem_Calloc(1, CPY_FRAME_HEADER
                                      + (size_t)co->co_nlocalsplus * sizeof(CpySlot));
    int ok = 0;

    if (f == NULL)
        return PyErr_NoMemory(), -1;
    cpy_lazy_locals_fill = fill_with_owner;
    cpy_frame_init(f, func, co, func->func_globals, func->func_builtins, NULL,
                   cpy_top_frame(ts));
    cpy_frame_set_word(f, co, cpy_code_words(co) - 1);
    cpy_set_top_frame(ts, f);
    ok = cpy_lazy_locals_arm(f, value) && look_at_top(ts, f, co, &kept)
         && cpy_frame_stacktop(f, co) == 0 && locals_hold(kept, value)
         && cpy_frame_stacktop(f, co) == co->co_nlocalsplus
         && cpy_frame_word(f, co) == (int)cpy_code_words(co) - 1;
    cpy_set_top_frame(ts, cpy_frame_previous(f));
    cpy_lazy_locals_disarm(f);
    if (kept != NULL && cpy_frame_take_ownership(ts, f, co, func))
        ok = ok && locals_hold(kept, value) && PyFrame_GetLineNumber(kept) == 2;
    else
        ok = 0;
    cpy_frame_drop(f, co);
    Py_XDECREF(kept);
    PyMem_Free(f);
    cpy_lazy_locals_fill = fill;
    return ok;
}

static int
check_thread(Samples *s)
{
    PyThreadState *ts = PyThreadState_Get();
    int left = *cpy_recursion_left(ts), limit = Py_GetRecursionLimit();
    return left > 0 && left <= limit && cpy_exc_info(ts) != NULL
           && !cpy_foreign_eval_hook(ts) && cpy_eval_breaker_ptr(ts) != NULL;
}

static int
check_code(Samples *s)
{
    PyCodeObject *co = (PyCodeObject *)((PyFunctionObject *)sample(s, "g"))->func_code;
    static Py_ssize_t index = -1;                       /* they are not given back */
    static int mark;
    if (index < 0)
        index = cpy_code_extra_index(NULL);
    if (index < 0)
        return 1;                       /* all taken by others: nothing to compare */
    if (cpy_code_extra_set(co, index, &mark) < 0)
        return -1;
    return cpy_code_extra_get(co, index) == &mark && cpy_code_argcount(co) == 2
           && cpy_code_nlocalsplus(co) == 2 && (cpy_code_local_kind(co, 0) & CPY_CELL)
           && cpy_code_local_kind(co, 1) == CPY_LOCAL;
}

/* --- objects ---------------------------------------------------------------------- */

static int
check_dict(Samples *s)
{
    PyDictObject *d = (PyDictObject *)sample(s, "d");
    PyObject *b = name_of("b"), *c = name_of("c");      /* owned */
    int ok = b != NULL && c != NULL;
    if (ok) {
        Py_ssize_t i = cpy_dict_index(d, b);
        uint32_t version = cpy_keys_version(d);
        ok = i == 1 && cpy_dict_key_at(d, i) == b
             && *cpy_dict_value_at(d, i) == PyDict_GetItem((PyObject *)d, b)
             && cpy_dict_index(d, c) == -1 && version != 0
             && cpy_keys_version(d) == version
             && PyDict_SetItem((PyObject *)d, c, Py_None) == 0
             && cpy_keys_version(d) != version && cpy_dict_index(d, c) == 2
             && cpy_dict_key_at(d, 3) == NULL;
    }
    Py_XDECREF(b);
    Py_XDECREF(c);
    return ok;
}

static int
check_instance(Samples *s)
{
    PyObject *o = sample(s, "o"), *y = name_of("y");    /* y: owned */
    PyDictValues *values = cpy_inline_values(o);
    Py_ssize_t i = y != NULL ? cpy_shared_index(Py_TYPE(o), y) : -1;
    int ok = values != NULL && i == 1 && cpy_shared_nentries(Py_TYPE(o)) == 2;
    if (ok) {
        PyObject *got = PyObject_GetAttr(o, y);         /* owned */
        ok = got != NULL && cpy_inline_get(values, i) == got;
        Py_XDECREF(got);
    }
    if (ok && cpy_inline_store(o, values, i, Py_NewRef(Py_Ellipsis)) == 0) {
        PyObject *got = PyObject_GetAttr(o, y);         /* owned */
        ok = got == Py_Ellipsis;
        Py_XDECREF(got);
    }
    PyObject *dict = PyObject_GetAttrString(o, "__dict__");     /* owned */
    PyObject **place = dict != NULL ? cpy_instance_dict_ptr(o) : NULL;
    ok = ok && place != NULL && *place == dict;
    Py_XDECREF(dict);
    Py_XDECREF(y);
    return ok;
}

static int
check_type(Samples *s)
{
    PyTypeObject *type = (PyTypeObject *)sample(s, "C");
    uint32_t version = cpy_type_version(type);
    if (version == 0)
        return 1;                               /* allowed: all numbers used up */
    if (PyObject_SetAttrString((PyObject *)type, "z", Py_None) < 0)
        return -1;
    return cpy_type_version(type) != version;
}

static int
wraps(Samples *s, const char *name, PyObject *(*callable)(PyObject *))
{
    PyObject *dict = ((PyTypeObject *)sample(s, "C"))->tp_dict;
    PyObject *descr = PyDict_GetItemString(dict, name);
    return descr != NULL && callable(descr) == sample(s, "f");
}

/* C.__call__, which is type.__call__ bound to C */
static int
wraps_slot(PyObject *cls)
{
    PyObject *wrapper = PyObject_GetAttrString(cls, "__call__");
    PyObject *descr = PyObject_GetAttrString((PyObject *)&PyType_Type, "__call__");
    int ok = wrapper != NULL && descr != NULL && Py_TYPE(wrapper) == cpy_method_wrapper_type()
             && cpy_method_wrapper_self(wrapper, descr) == cls
             && cpy_method_wrapper_self(wrapper, cls) == NULL;
    Py_XDECREF(descr);
    Py_XDECREF(wrapper);
    return ok;
}

static int
check_descriptors(Samples *s)
{
    return wraps(s, "p", cpy_property_getter) && wraps(s, "p", cpy_property_setter)
           && wraps(s, "p", cpy_property_deleter) && wraps(s, "c", cpy_classmethod_callable)
           && wraps(s, "s", cpy_staticmethod_callable) && wraps_slot(sample(s, "C"));
}

static int
check_int(Samples *s)
{
    static const int64_t values[] = {
        0,
        1,
        -1,
        5,
        (1 << 30) - 1,
        1 << 30,
        -(1 << 30),
        1ll << 48,
        (1ll << 60) - 1,
        -(1ll << 60) + 1,
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        PyObject *v = PyLong_FromLongLong(values[i]);   /* owned */
        int64_t got = 1;
        if (v == NULL)
            return -1;
        int fits = cpy_long_fits(v, &got);
        Py_DECREF(v);
        if (!fits || got != values[i])
            return 0;
    }
    PyObject *big = PyLong_FromLongLong(1ll << 60);     /* owned */
    int64_t got;
    int fits = big != NULL && cpy_long_fits(big, &got);
    Py_XDECREF(big);
    return !fits;
}

static int
check_range_iter(Samples *s)
{
    /* owned */
    PyObject *range =
        PyObject_CallFunction((PyObject *)&PyRange_Type, "iii", 10, 0, -3);
    PyObject *it = range != NULL ? PyObject_GetIter(range) : NULL; /* owned */
    PyObject *first = it != NULL ? PyIter_Next(it) : NULL; /* owned */
    int ok = 0;
    if (first != NULL && CPY_IS_RANGE_ITER(it)) {
        CpyRange r = cpy_range_iter_state(it);
        long v = 0;
        ok = r.next == 7 && r.step == -3 && r.left == 3 && cpy_range_iter_next(it, &v)
             && v == 7;
        PyObject *next = PyIter_Next(it);               /* owned */
        ok = ok && next != NULL && PyLong_AsLong(next) == 4
             && cpy_range_iter_next(it, &v) && v == 1 && !cpy_range_iter_next(it, &v);
        Py_XDECREF(next);
    }
    Py_XDECREF(first);
    Py_XDECREF(it);
    Py_XDECREF(range);
    return ok;
}

/* One step by the interpreter, one by us, then exhaustion seen by both. */
static int
steps_agree(PyObject *seq, PyObject *(*step)(PyObject *, PyObject **))
{
    PyObject *it = PyObject_GetIter(seq);               /* owned */
    PyObject *first = it != NULL ? PyIter_Next(it) : NULL;      /* owned */
    PyObject *whole = NULL, *none;                      /* owned; NULL */
    int ok = first != NULL && first == PySequence_Fast_GET_ITEM(seq, 0)
             && step(it, &none) == PySequence_Fast_GET_ITEM(seq, 1) && step(it, &whole) == NULL
             && step(it, &none) == NULL && whole == seq && none == NULL
             && PyIter_Next(it) == NULL && !PyErr_Occurred();
    Py_XDECREF(whole);
    Py_XDECREF(first);
    Py_XDECREF(it);
    return ok;
}

static int
check_sequence_iters(Samples *s)
{
    PyObject *list = Py_BuildValue("[ss]", "x", "y");   /* owned */
    PyObject *tuple = Py_BuildValue("(ss)", "x", "y");  /* owned */
    int ok = list != NULL && tuple != NULL && steps_agree(list, cpy_list_iter_next)
             && steps_agree(tuple, cpy_tuple_iter_next);
    Py_XDECREF(list);
    Py_XDECREF(tuple);
    return ok;
}

/* The text of what is left of an iterator (taken) is as expected. */
static int
rest_is(PyObject *it, const char *expected)
{
    PyObject *rest = it != NULL ? PySequence_List(it) : NULL;   /* owned */
    PyObject *text = rest != NULL ? PyObject_Repr(rest) : NULL; /* owned */
    int ok = text != NULL && PyUnicode_CompareWithASCIIString(text, expected) == 0;
    Py_XDECREF(text);
    Py_XDECREF(rest);
    Py_XDECREF(it);
    return ok;
}

/* One step by us, then the rest by the interpreter. */
static int
check_reversed(PyObject *list)
{
    PyObject *it = PyObject_CallOneArg((PyObject *)&PyReversed_Type, list);     /* owned */
    int ok = it != NULL && Py_IS_TYPE(it, &PyListRevIter_Type)
             && cpy_list_reversed_next(it) == PyList_GET_ITEM(list, 2);
    return rest_is(it, "['y', 'x']") && ok;
}

static int
check_dict_iter(PyObject *list)
{
    PyObject *dict = PyDict_New(), *key = NULL, *value = NULL;  /* owned; borrowed */
    int ok = dict != NULL;
    for (Py_ssize_t i = 0; ok && i < 3; i++)
        ok = PyDict_SetItem(dict, PyList_GET_ITEM(list, i), Py_None) == 0;
    ok = ok && PyDict_DelItem(dict, PyList_GET_ITEM(list, 0)) == 0;
    PyObject *items = ok ? _PyDictView_New(dict, &PyDictItems_Type) : NULL;     /* owned */
    PyObject *it = items != NULL ? PyObject_GetIter(items) : NULL;      /* owned */
    Py_ssize_t at;
    ok = it != NULL && Py_IS_TYPE(it, &PyDictIterItem_Type) && PyObject_LengthHint(it, 0) == 2
         && cpy_dict_items_are_unmade(it) && cpy_dict_iter_peek(it, &key, &value, &at)
         && key == PyList_GET_ITEM(list, 1) && value == Py_None;
    if (ok)
        cpy_dict_iter_step(it, at);
    ok = ok && PyObject_LengthHint(it, 0) == 1;
    Py_XDECREF(items);
    Py_XDECREF(dict);
    return rest_is(it, "[('z', None)]") && ok;
}

static int
check_enumerate(PyObject *list)
{
    PyObject *it = PyObject_CallOneArg((PyObject *)&PyEnum_Type, list);         /* owned */
    Py_ssize_t *index = NULL;
    PyObject *of = it != NULL ? cpy_enumerate_of(it, &index) : NULL, *none;
    int ok = of != NULL && CPY_IS_LIST_ITER(of) && *index == 0
             && cpy_list_iter_next(of, &none) == PyList_GET_ITEM(list, 0);
    if (ok)
        ++*index;
    return rest_is(it, "[(1, 'y'), (2, 'z')]") && ok;
}

static int
check_zip(PyObject *list)
{
    PyObject *it = PyObject_CallFunctionObjArgs((PyObject *)&PyZip_Type, list, list, NULL);     /* owned */
    PyObject *first = NULL, *second = NULL, *none;
    int ok = it != NULL && cpy_zip_of_two(it, &first, &second) && CPY_IS_LIST_ITER(first)
             && CPY_IS_LIST_ITER(second) && first != second
             && cpy_list_iter_next(second, &none) == PyList_GET_ITEM(list, 0);
    return rest_is(it, "[('x', 'y'), ('y', 'z')]") && ok;
}

static int
check_iters_stepped(Samples *s)
{
    PyObject *list = Py_BuildValue("[sss]", "x", "y", "z");     /* owned */
    int ok = list != NULL && check_reversed(list) && check_dict_iter(list) && check_enumerate(list)
             && check_zip(list);
    Py_XDECREF(list);
    return ok;
}

static const struct {
    const char *what;
    int (*check)(Samples *);            /* 1, 0, or -1 with an exception */
} checks[] = {
    {"frames and their locals", check_frame},
    {"thread state", check_thread},
    {"code objects", check_code},
    {"dict tables", check_dict},
    {"instance values", check_instance},
    {"type versions", check_type},
    {"properties, class and static methods", check_descriptors},
    {"ints", check_int},
    {"range iterators", check_range_iter},
    {"list and tuple iterators", check_sequence_iters},
    {"iterators of dicts, reversed(), enumerate() and zip()", check_iters_stepped},
};

static int
prepare(Samples *s)
{
    PyObject *code = NULL, *done = NULL;                /* owned */
    s->ns = PyDict_New();
    if (s->ns != NULL
        && PyDict_SetItemString(s->ns, "__builtins__", PyEval_GetBuiltins()) == 0
        && PyDict_SetItemString(s->ns, "__name__", Py_None) == 0)
        code = Py_CompileString(sample_source, "<layout check>", Py_file_input);
    if (code != NULL)
        done = PyEval_EvalCode(code, s->ns, s->ns);
    Py_XDECREF(code);
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}

int
cpy_selftest(void)
{
    Samples s = {0};
    const char *failed = NULL;

    if (cpy_lazy_locals_init() < 0 || prepare(&s) < 0)
        goto done;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && failed == NULL; i++) {
        if (checks[i].check(&s) <= 0)
            failed = checks[i].what;
    }
    if (failed != NULL) {
        PyErr_Clear();
        PyErr_Format(
            PyExc_ImportError,
            "this Python (%s) is laid out otherwise than the one it was built for: %s",
            Py_GetVersion(), failed);
    }
done:
    Py_XDECREF(s.ns);
    return PyErr_Occurred() ? -1 : 0;
}
