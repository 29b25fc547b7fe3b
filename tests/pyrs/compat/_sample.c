/* A C extension as others write them: the thirteen families of the C API, one function or a few
   each, and every calling convention.  Only Python.h: nothing of this project. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stddef.h>
#include <structmember.h>

/* --- calling conventions: each answers what it was given ------------------------------- */

static PyObject *
conv_noargs(PyObject *self, PyObject *unused)
{
    return Py_BuildValue("sO", "noargs", unused == NULL ? Py_None : Py_True);
}

static PyObject *
conv_o(PyObject *self, PyObject *arg)
{
    return Py_BuildValue("sO", "o", arg);
}

static PyObject *
conv_varargs(PyObject *self, PyObject *args)
{
    return Py_BuildValue("sO", "varargs", args);
}

static PyObject *
conv_varargs_kw(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return Py_BuildValue("sOO", "varargs_kw", args, kwargs == NULL ? Py_None : kwargs);
}

static PyObject *
as_tuple(PyObject *const *argv, Py_ssize_t n)
{
    PyObject *t = PyTuple_New(n);
    for (Py_ssize_t i = 0; t != NULL && i < n; i++)
        PyTuple_SET_ITEM(t, i, Py_NewRef(argv[i]));
    return t;
}

static PyObject *
conv_fast(PyObject *self, PyObject *const *argv, Py_ssize_t n)
{
    return Py_BuildValue("sN", "fast", as_tuple(argv, n));
}

static PyObject *
conv_fast_kw(PyObject *self, PyObject *const *argv, Py_ssize_t n, PyObject *kwnames)
{
    Py_ssize_t k = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    return Py_BuildValue("sNNO", "fast_kw", as_tuple(argv, n), as_tuple(argv + n, k),
                         k == 0 ? Py_None : kwnames);
}

static PyObject *
conv_class(PyObject *self, PyTypeObject *defining, PyObject *const *argv, Py_ssize_t n, PyObject *kwnames)
{
    Py_ssize_t k = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    return Py_BuildValue("sONNO", "class", defining, as_tuple(argv, n), as_tuple(argv + n, k),
                         k == 0 ? Py_None : kwnames);
}

/* two that break the rules */
static PyObject *
bad_null(PyObject *self, PyObject *unused)
{
    return NULL;
}

static PyObject *
bad_result(PyObject *self, PyObject *arg)
{
    PyErr_SetString(PyExc_KeyError, "set all the same");
    return Py_NewRef(arg);
}

/* --- object ---------------------------------------------------------------------------- */

static PyObject *
object_tour(PyObject *self, PyObject *args)
{
    PyObject *o, *name, *value;
    if (!PyArg_ParseTuple(args, "OUO", &o, &name, &value))
        return NULL;
    if (PyObject_SetAttr(o, name, value) < 0)
        return NULL;
    PyObject *got = PyObject_GetAttr(o, name);
    int had = PyObject_HasAttr(o, name);
    if (PyObject_DelAttr(o, name) < 0) {
        Py_XDECREF(got);
        return NULL;
    }
    int same = PyObject_RichCompareBool(got, value, Py_EQ);
    return Py_BuildValue("NiiiNNN", got, had, PyObject_HasAttr(o, name), same, PyObject_Repr(o),
                         PyObject_Str(value), PyObject_Type(o));
}

static PyObject *
object_compare(PyObject *self, PyObject *args)
{
    PyObject *a, *b, *out = PyList_New(0);
    if (!PyArg_ParseTuple(args, "OO", &a, &b))
        return NULL;
    for (int op = Py_LT; op <= Py_GE; op++) {
        PyObject *r = PyObject_RichCompare(a, b, op);
        if (r == NULL) {
            Py_DECREF(out);
            return NULL;
        }
        PyList_Append(out, r);
        Py_DECREF(r);
    }
    return out;
}

static PyObject *
object_measures(PyObject *self, PyObject *o)
{
    Py_hash_t hash = PyObject_Hash(o);
    if (hash == -1)
        return NULL;
    int truth = PyObject_IsTrue(o);
    Py_ssize_t n = PyObject_Length(o);
    return n < 0 ? NULL : Py_BuildValue("nin", hash, truth, n);
}

/* --- number ------------------------------------------------------------------------------- */

typedef PyObject *(*Binary)(PyObject *, PyObject *);

static PyObject *
number_binary(PyObject *self, PyObject *args)
{
    static const Binary all[] = {
        PyNumber_Add, PyNumber_Subtract, PyNumber_Multiply, PyNumber_TrueDivide, PyNumber_FloorDivide,
        PyNumber_Remainder, PyNumber_Divmod, PyNumber_InPlaceAdd, PyNumber_InPlaceMultiply,
    };
    PyObject *a, *b, *out = PyList_New(0);
    if (!PyArg_ParseTuple(args, "OO", &a, &b))
        return NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        PyObject *r = all[i](a, b);
        if (r == NULL) {
            Py_DECREF(out);
            return NULL;
        }
        PyList_Append(out, r);
        Py_DECREF(r);
    }
    return out;
}

static PyObject *
number_convert(PyObject *self, PyObject *o)
{
    PyObject *index = PyNumber_Index(o);
    if (index == NULL)
        return NULL;
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(index, &overflow);
    if (overflow) {
        Py_DECREF(index);
        return PyErr_Format(PyExc_OverflowError, "beyond long long, sign %d", overflow);
    }
    return Py_BuildValue("NLNNd", index, v, PyNumber_Long(o), PyNumber_Negative(o), PyFloat_AsDouble(o));
}

/* --- sequence ------------------------------------------------------------------------------ */

static PyObject *
sequence_tour(PyObject *self, PyObject *s)
{
    Py_ssize_t n = PySequence_Size(s);
    if (n < 1)
        return n < 0 ? NULL : PyErr_Format(PyExc_ValueError, "empty sequence");
    PyObject *last = PySequence_GetItem(s, -1);
    if (last == NULL)
        return NULL;
    PyObject *out = Py_BuildValue("[nOnni]", n, last, PySequence_Count(s, last), PySequence_Index(s, last),
                                  PySequence_Contains(s, last));
    Py_DECREF(last);
    for (int i = 0; out != NULL && i < 5; i++) {
        PyObject *r = NULL;
        switch (i) {
        case 0: r = PySequence_GetSlice(s, 0, 1); break;
        case 1: r = PySequence_Concat(s, s); break;
        case 2: r = PySequence_Repeat(s, 2); break;
        case 3: r = PySequence_Tuple(s); break;
        case 4: r = PySequence_Fast(s, "a sequence is needed"); break;
        }
        if (r == NULL || PyList_Append(out, r) < 0)
            Py_CLEAR(out);
        Py_XDECREF(r);
    }
    return out;
}

static PyObject *
sequence_write(PyObject *self, PyObject *s)
{
    PyObject *mark = PyUnicode_FromString("mark");
    if (PySequence_SetItem(s, 0, mark) < 0 || PySequence_DelItem(s, -1) < 0) {
        Py_DECREF(mark);
        return NULL;
    }
    Py_DECREF(mark);
    return PySequence_List(s);
}

/* --- mapping -------------------------------------------------------------------------------- */

static PyObject *
mapping_tour(PyObject *self, PyObject *m)
{
    PyObject *one = PyLong_FromLong(1);
    int err = PyMapping_SetItemString(m, "added", one);
    Py_DECREF(one);
    if (err < 0)
        return NULL;
    PyObject *got = PyMapping_GetItemString(m, "added");
    int had = PyMapping_HasKeyString(m, "added");
    if (PyMapping_DelItemString(m, "added") < 0) {
        Py_XDECREF(got);
        return NULL;
    }
    return Py_BuildValue("NinNNN", got, had, PyMapping_Size(m), PyMapping_Keys(m), PyMapping_Values(m),
                         PyMapping_Items(m));
}

static PyObject *
mapping_walk(PyObject *self, PyObject *d)
{
    PyObject *key, *value, *out = PyDict_New();
    Py_ssize_t pos = 0;
    if (!PyDict_Check(d)) {
        Py_DECREF(out);
        return PyErr_Format(PyExc_TypeError, "dict expected, not %.100s", Py_TYPE(d)->tp_name);
    }
    while (PyDict_Next(d, &pos, &key, &value)) {
        if (PyDict_SetItem(out, value, key) < 0) {
            Py_DECREF(out);
            return NULL;
        }
    }
    return out;
}

/* --- unicode -------------------------------------------------------------------------------- */

static PyObject *
unicode_tour(PyObject *self, PyObject *s)
{
    if (!PyUnicode_Check(s))
        return PyErr_Format(PyExc_TypeError, "str expected, not %.100s", Py_TYPE(s)->tp_name);
    Py_ssize_t n = PyUnicode_GET_LENGTH(s);
    PyObject *copy = PyUnicode_FromKindAndData(PyUnicode_KIND(s), PyUnicode_DATA(s), n);
    PyObject *sep = PyUnicode_FromString(", "), *pair = Py_BuildValue("OO", s, s);
    PyObject *out = Py_BuildValue("niNNNNi", n, (int)PyUnicode_KIND(s), copy, PyUnicode_Join(sep, pair),
                                  PyUnicode_Concat(s, sep), PyUnicode_FromFormat("%U:%zd:%R", s, n, s),
                                  PyUnicode_FindChar(s, 'a', 0, n, 1) >= 0);
    Py_DECREF(sep);
    Py_DECREF(pair);
    return out;
}

static PyObject *
unicode_bytes(PyObject *self, PyObject *s)
{
    Py_ssize_t n;
    const char *utf8 = PyUnicode_AsUTF8AndSize(s, &n);
    if (utf8 == NULL)
        return NULL;
    return Py_BuildValue("y#Nn", utf8, n, PyUnicode_DecodeUTF8(utf8, n, "strict"), n);
}

/* --- type ------------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    PyObject *item;                     /* owned, may be NULL */
    int number;
} Box;

static PyObject *
box_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"item", "number", NULL};
    PyObject *item = Py_None;
    int number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Oi:Box", names, &item, &number))
        return NULL;
    Box *b = (Box *)type->tp_alloc(type, 0);
    if (b == NULL)
        return NULL;
    b->item = Py_NewRef(item);
    b->number = number;
    return (PyObject *)b;
}

static int
box_traverse(Box *b, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(b));
    Py_VISIT(b->item);
    return 0;
}

static int
box_clear(Box *b)
{
    Py_CLEAR(b->item);
    return 0;
}

static void
box_dealloc(Box *b)
{
    PyTypeObject *type = Py_TYPE(b);
    PyObject_GC_UnTrack(b);
    box_clear(b);
    type->tp_free(b);
    Py_DECREF(type);
}

static PyObject *
box_repr(Box *b)
{
    return PyUnicode_FromFormat("Box(%R, %d)", b->item, b->number);
}

static PyObject *
box_add(PyObject *a, PyObject *b)
{
    if (Py_TYPE(a) != Py_TYPE(b))
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *pair = Py_BuildValue("OO", ((Box *)a)->item, ((Box *)b)->item);
    int sum = ((Box *)a)->number + ((Box *)b)->number;
    return pair == NULL ? NULL : PyObject_CallFunction((PyObject *)Py_TYPE(a), "Ni", pair, sum);
}

static PyObject *
box_compare(PyObject *a, PyObject *b, int op)
{
    if (Py_TYPE(a) != Py_TYPE(b))
        Py_RETURN_NOTIMPLEMENTED;
    Py_RETURN_RICHCOMPARE(((Box *)a)->number, ((Box *)b)->number, op);
}

static Py_ssize_t
box_length(Box *b)
{
    return b->number;
}

static PyObject *
box_item(Box *b, Py_ssize_t i)
{
    if (i < 0 || i >= b->number) {
        PyErr_SetString(PyExc_IndexError, "box index out of range");
        return NULL;
    }
    return Py_NewRef(b->item);
}

static PyObject *
box_call(Box *b, PyObject *args, PyObject *kwargs)
{
    return Py_BuildValue("OOO", b->item, args, kwargs == NULL ? Py_None : kwargs);
}

static PyObject *
box_get_double(Box *b, void *closure)
{
    return PyLong_FromLong(2L * b->number);
}

static int
box_set_double(Box *b, PyObject *v, void *closure)
{
    if (v == NULL) {
        PyErr_SetString(PyExc_AttributeError, "double can't be deleted");
        return -1;
    }
    long n = PyLong_AsLong(v);
    if (n == -1 && PyErr_Occurred())
        return -1;
    b->number = (int)(n / 2);
    return 0;
}

#define FUNCTION(f) (PyCFunction)(void (*)(void))(f)

static PyMethodDef box_methods[] = {
    {"noargs", FUNCTION(conv_noargs), METH_NOARGS, NULL},
    {"o", FUNCTION(conv_o), METH_O, NULL},
    {"varargs", FUNCTION(conv_varargs), METH_VARARGS, NULL},
    {"varargs_kw", FUNCTION(conv_varargs_kw), METH_VARARGS | METH_KEYWORDS, NULL},
    {"fast", FUNCTION(conv_fast), METH_FASTCALL, NULL},
    {"fast_kw", FUNCTION(conv_fast_kw), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"in_class", FUNCTION(conv_class), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL},
    {"make", FUNCTION(conv_fast), METH_FASTCALL | METH_CLASS, NULL},
    {"loose", FUNCTION(conv_fast_kw), METH_FASTCALL | METH_KEYWORDS | METH_STATIC, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef box_members[] = {
    {"item", T_OBJECT, offsetof(Box, item), 0, NULL},
    {"number", T_INT, offsetof(Box, number), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef box_getset[] = {
    {"double", (getter)box_get_double, (setter)box_set_double, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot box_slots[] = {
    {Py_tp_new, box_new},
    {Py_tp_traverse, box_traverse},
    {Py_tp_clear, box_clear},
    {Py_tp_dealloc, box_dealloc},
    {Py_tp_repr, box_repr},
    {Py_tp_richcompare, box_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {Py_tp_call, box_call},
    {Py_tp_methods, box_methods},
    {Py_tp_members, box_members},
    {Py_tp_getset, box_getset},
    {Py_nb_add, box_add},
    {Py_sq_length, box_length},
    {Py_sq_item, box_item},
    {0, NULL},
};

static PyType_Spec box_spec = {
    .name = "_sample.Box",
    .basicsize = sizeof(Box),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = box_slots,
};

/* --- module state -------------------------------------------------------------------------------- */

typedef struct {
    PyObject *error;                    /* owned */
    PyTypeObject *box;                  /* owned */
    PyTypeObject *bytes;                /* owned */
    long calls;
} State;

static State *
state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

static PyObject *
module_count(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(++state_of(module)->calls);
}

/* --- errors --------------------------------------------------------------------------------------- */

static PyObject *
errors_raise(PyObject *module, PyObject *args)
{
    PyObject *type = NULL;
    const char *text;
    if (!PyArg_ParseTuple(args, "s|O", &text, &type))
        return NULL;
    return PyErr_Format(type == NULL ? state_of(module)->error : type, "%s!", text);
}

/* Calls f; KeyError becomes None, everything else passes. */
static PyObject *
errors_swallow(PyObject *module, PyObject *f)
{
    PyObject *r = PyObject_CallNoArgs(f);
    if (r == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    return r;
}

static PyObject *
errors_keep(PyObject *module, PyObject *f)
{
    PyObject *type, *exc, *tb, *r = PyObject_CallNoArgs(f);
    if (r != NULL)
        return r;
    PyErr_Fetch(&type, &exc, &tb);
    PyObject *between = PyUnicode_FromString("between");
    Py_XDECREF(between);
    PyErr_Restore(type, exc, tb);
    return NULL;
}

static PyObject *
errors_warn(PyObject *module, PyObject *text)
{
    if (PyErr_WarnFormat(PyExc_UserWarning, 1, "%U", text) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
errors_unraisable(PyObject *module, PyObject *where)
{
    PyErr_SetString(PyExc_ValueError, "nowhere to go");
    PyErr_WriteUnraisable(where);
    Py_RETURN_NONE;
}

/* --- import ----------------------------------------------------------------------------------------- */

static PyObject *
import_attribute(PyObject *module, PyObject *args)
{
    const char *name, *attribute;
    if (!PyArg_ParseTuple(args, "ss", &name, &attribute))
        return NULL;
    PyObject *m = PyImport_ImportModule(name);
    if (m == NULL)
        return NULL;
    PyObject *v = PyObject_GetAttrString(m, attribute);
    Py_DECREF(m);
    return v;
}

static PyObject *
import_known(PyObject *module, PyObject *name)
{
    PyObject *m = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
    return m == NULL ? (PyErr_Occurred() ? NULL : Py_NewRef(Py_None)) : Py_NewRef(m);
}

/* --- buffer --------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    char data[8];
    Py_ssize_t exports;
} Bytes8;

static int
bytes8_getbuffer(Bytes8 *b, Py_buffer *view, int flags)
{
    int err = PyBuffer_FillInfo(view, (PyObject *)b, b->data, sizeof b->data, 0, flags);
    b->exports += err == 0;
    return err;
}

static void
bytes8_releasebuffer(Bytes8 *b, Py_buffer *view)
{
    b->exports--;
}

static void
bytes8_dealloc(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    type->tp_free(o);
    Py_DECREF(type);
}

static PyMemberDef bytes8_members[] = {
    {"exports", T_PYSSIZET, offsetof(Bytes8, exports), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot bytes8_slots[] = {
    {Py_tp_dealloc, bytes8_dealloc},
    {Py_tp_members, bytes8_members},
    {Py_bf_getbuffer, bytes8_getbuffer},
    {Py_bf_releasebuffer, bytes8_releasebuffer},
    {0, NULL},
};

static PyType_Spec bytes8_spec = {
    .name = "_sample.Bytes8",
    .basicsize = sizeof(Bytes8),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = bytes8_slots,
};

static PyObject *
buffer_describe(PyObject *module, PyObject *o)
{
    Py_buffer v;
    if (PyObject_GetBuffer(o, &v, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *out = Py_BuildValue("nniiz", v.len, v.itemsize, v.ndim, v.readonly, v.format);
    PyBuffer_Release(&v);
    return out;
}

static PyObject *
buffer_fill(PyObject *module, PyObject *args)
{
    Py_buffer v;
    unsigned char c;
    if (!PyArg_ParseTuple(args, "w*b", &v, &c))
        return NULL;
    memset(v.buf, c, (size_t)v.len);
    PyBuffer_Release(&v);
    Py_RETURN_NONE;
}

static PyObject *
buffer_view(PyObject *module, PyObject *o)
{
    return PyMemoryView_FromObject(o);
}

/* --- memory ------------------------------------------------------------------------------------------------ */

static PyObject *
memory_tour(PyObject *module, PyObject *arg)
{
    Py_ssize_t n = PyNumber_AsSsize_t(arg, PyExc_OverflowError);
    if (n < 0)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "negative size");
    char *raw = PyMem_RawMalloc((size_t)n + 1), *mem = PyMem_Calloc((size_t)n + 1, 1),
         *obj = PyObject_Malloc((size_t)n + 1);
    PyObject *out = NULL;
    if (raw == NULL || mem == NULL || obj == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    memset(raw, 'r', (size_t)n);
    memset(obj, 'o', (size_t)n);
    char *more = PyMem_Realloc(mem, (size_t)n + 100);
    if (more != NULL)
        mem = more;
    out = Py_BuildValue("y#y#y#", raw, n, mem, n, obj, n);
done:
    PyMem_RawFree(raw);
    PyMem_Free(mem);
    PyObject_Free(obj);
    return out;
}

/* --- capsule ----------------------------------------------------------------------------------------------- */

static int capsules_alive;

static void
capsule_gone(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, "_sample.number"));
    capsules_alive--;
}

static PyObject *
capsule_make(PyObject *module, PyObject *arg)
{
    int *p = PyMem_Malloc(sizeof *p);
    if (p == NULL)
        return PyErr_NoMemory();
    *p = (int)PyLong_AsLong(arg);
    if (*p == -1 && PyErr_Occurred()) {
        PyMem_Free(p);
        return NULL;
    }
    capsules_alive++;
    return PyCapsule_New(p, "_sample.number", capsule_gone);
}

static PyObject *
capsule_read(PyObject *module, PyObject *capsule)
{
    int *p = PyCapsule_GetPointer(capsule, "_sample.number");
    return p == NULL ? NULL : Py_BuildValue("ii", *p, capsules_alive);
}

static const int exported_api = 42;

static PyObject *
capsule_import(PyObject *module, PyObject *unused)
{
    const int *p = PyCapsule_Import("_sample.api", 0);
    return p == NULL ? NULL : PyLong_FromLong(*p);
}

/* --- back into Python ----------------------------------------------------------------------------------------- */

static PyObject *
back_calls(PyObject *module, PyObject *f)
{
    PyObject *kw = Py_BuildValue("(s)", "key"), *v[] = {NULL, Py_None, Py_True}, *out = PyList_New(0);
    for (int i = 0; i < 6; i++) {
        PyObject *r = NULL;
        switch (i) {
        case 0: r = PyObject_CallNoArgs(f); break;
        case 1: r = PyObject_CallOneArg(f, Py_None); break;
        case 2: r = PyObject_CallFunction(f, "is", 1, "two"); break;
        case 3: r = PyObject_CallFunctionObjArgs(f, Py_None, Py_True, NULL); break;
        case 4: r = PyObject_Vectorcall(f, v + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, kw); break;
        case 5: r = PyObject_CallMethod(f, "__call__", "(i)", 5); break;
        }
        if (r == NULL) {
            Py_CLEAR(out);
            break;
        }
        PyList_Append(out, r);
        Py_DECREF(r);
    }
    Py_DECREF(kw);
    return out;
}

static PyObject *
back_iterate(PyObject *module, PyObject *args)
{
    PyObject *iterable, *f, *item, *out = NULL;
    if (!PyArg_ParseTuple(args, "OO", &iterable, &f))
        return NULL;
    PyObject *it = PyObject_GetIter(iterable);
    if (it == NULL)
        return NULL;
    out = PyList_New(0);
    while ((item = PyIter_Next(it)) != NULL) {
        PyObject *r = PyObject_CallOneArg(f, item);
        Py_DECREF(item);
        if (r == NULL)
            break;
        PyList_Append(out, r);
        Py_DECREF(r);
    }
    Py_DECREF(it);
    if (PyErr_Occurred())
        Py_CLEAR(out);
    return out;
}

static void *
thread_body(void *f)
{
    PyGILState_STATE g = PyGILState_Ensure();
    PyObject *r = PyObject_CallNoArgs(f);
    if (r == NULL)
        PyErr_WriteUnraisable(f);
    Py_XDECREF(r);
    PyGILState_Release(g);
    return NULL;
}

static PyObject *
back_from_thread(PyObject *module, PyObject *f)
{
    pthread_t t;
    if (pthread_create(&t, NULL, thread_body, f) != 0)
        return PyErr_Format(PyExc_OSError, "no thread");
    Py_BEGIN_ALLOW_THREADS
    pthread_join(t, NULL);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* --- the module ------------------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"noargs", FUNCTION(conv_noargs), METH_NOARGS, NULL},
    {"o", FUNCTION(conv_o), METH_O, NULL},
    {"varargs", FUNCTION(conv_varargs), METH_VARARGS, NULL},
    {"varargs_kw", FUNCTION(conv_varargs_kw), METH_VARARGS | METH_KEYWORDS, NULL},
    {"fast", FUNCTION(conv_fast), METH_FASTCALL, NULL},
    {"fast_kw", FUNCTION(conv_fast_kw), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"bad_null", bad_null, METH_NOARGS, NULL},
    {"bad_result", bad_result, METH_O, NULL},
    {"object_tour", object_tour, METH_VARARGS, NULL},
    {"object_compare", object_compare, METH_VARARGS, NULL},
    {"object_measures", object_measures, METH_O, NULL},
    {"number_binary", number_binary, METH_VARARGS, NULL},
    {"number_convert", number_convert, METH_O, NULL},
    {"sequence_tour", sequence_tour, METH_O, NULL},
    {"sequence_write", sequence_write, METH_O, NULL},
    {"mapping_tour", mapping_tour, METH_O, NULL},
    {"mapping_walk", mapping_walk, METH_O, NULL},
    {"unicode_tour", unicode_tour, METH_O, NULL},
    {"unicode_bytes", unicode_bytes, METH_O, NULL},
    {"module_count", module_count, METH_NOARGS, NULL},
    {"errors_raise", errors_raise, METH_VARARGS, NULL},
    {"errors_swallow", errors_swallow, METH_O, NULL},
    {"errors_keep", errors_keep, METH_O, NULL},
    {"errors_warn", errors_warn, METH_O, NULL},
    {"errors_unraisable", errors_unraisable, METH_O, NULL},
    {"import_attribute", import_attribute, METH_VARARGS, NULL},
    {"import_known", import_known, METH_O, NULL},
    {"buffer_describe", buffer_describe, METH_O, NULL},
    {"buffer_fill", buffer_fill, METH_VARARGS, NULL},
    {"buffer_view", buffer_view, METH_O, NULL},
    {"memory_tour", memory_tour, METH_O, NULL},
    {"capsule_make", capsule_make, METH_O, NULL},
    {"capsule_read", capsule_read, METH_O, NULL},
    {"capsule_import", capsule_import, METH_NOARGS, NULL},
    {"back_calls", back_calls, METH_O, NULL},
    {"back_iterate", back_iterate, METH_VARARGS, NULL},
    {"back_from_thread", back_from_thread, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int
module_exec(PyObject *module)
{
    State *s = state_of(module);
    s->error = PyErr_NewException("_sample.Error", PyExc_ValueError, NULL);
    s->box = (PyTypeObject *)PyType_FromModuleAndSpec(module, &box_spec, NULL);
    s->bytes = (PyTypeObject *)PyType_FromModuleAndSpec(module, &bytes8_spec, NULL);
    if (s->error == NULL || s->box == NULL || s->bytes == NULL)
        return -1;
    PyObject *api = PyCapsule_New((void *)&exported_api, "_sample.api", NULL);
    if (api == NULL || PyModule_AddObjectRef(module, "api", api) < 0) {
        Py_XDECREF(api);
        return -1;
    }
    Py_DECREF(api);
    if (PyModule_AddObjectRef(module, "Error", s->error) < 0 || PyModule_AddType(module, s->box) < 0
        || PyModule_AddType(module, s->bytes) < 0 || PyModule_AddIntConstant(module, "ANSWER", 42) < 0
        || PyModule_AddStringConstant(module, "WORD", "word") < 0)
        return -1;
    return 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *s = state_of(module);
    Py_VISIT(s->error);
    Py_VISIT(s->box);
    Py_VISIT(s->bytes);
    return 0;
}

static int
module_clear(PyObject *module)
{
    State *s = state_of(module);
    Py_CLEAR(s->error);
    Py_CLEAR(s->box);
    Py_CLEAR(s->bytes);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_sample",
    .m_doc = "one function for each thing",
    .m_size = sizeof(State),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit__sample(void)
{
    return PyModuleDef_Init(&definition);
}

/* the same file under another name: single-phase initialisation */
static PyMethodDef single_methods[] = {
    {"o", FUNCTION(conv_o), METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef single = {
    PyModuleDef_HEAD_INIT, .m_name = "_sample_single", .m_size = -1, .m_methods = single_methods,
};

PyMODINIT_FUNC
PyInit__sample_single(void)
{
    PyObject *m = PyModule_Create(&single);
    if (m != NULL && PyModule_AddIntConstant(m, "ANSWER", 43) < 0)
        Py_CLEAR(m);
    return m;
}

/* and one whose initialisation fails */
PyMODINIT_FUNC
PyInit__sample_fails(void)
{
    PyErr_SetString(PyExc_RuntimeError, "not today");
    return NULL;
}
