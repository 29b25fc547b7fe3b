/* Emptiness and to_python, per field kind; see pf_values.h. */
#include <string.h>

#include "cpyext_compat/cpy_dictref.h"
#include "pf_values.h"

/* -- Emptiness ---------------------------------------------------------------- */

static int
has_length(PyObject *v)
{
    if (PyUnicode_CheckExact(v))
        return PyUnicode_GET_LENGTH(v) != 0;
    if (PyDict_CheckExact(v))
        return PyDict_GET_SIZE(v) != 0;
    return (PyBytes_CheckExact(v) || PyList_CheckExact(v) || PyTuple_CheckExact(v))
           && Py_SIZE(v) != 0;
}

/* value in field.empty_values; -1 on error */
int
pf_is_empty(const PfState *st, const PfStep *s, PyObject *v)
{
    if (s->kind == PF_KIND_DYNAMIC) /* the list may hold anything */
        return PySequence_Contains(s->empty_values, v);
    if (v == Py_None)
        return 1;
    /* what has a length is only empty without it, and then the field's list decides */
    if (has_length(v) || (pf_is_scalar(st, v) && !PyBytes_CheckExact(v)))
        return 0;
    return PySequence_Contains(s->empty_values, v);
}

/* -- to_python, per kind: PF_TAKEN with *out new, PF_PUNT, or -1 -------------------- */

static int
take_same(PyObject *v, PyObject **out)
{
    *out = Py_NewRef(v);
    return PF_TAKEN;
}

static int
take_made(PyObject *v, PyObject **out)
{
    *out = v;
    return v != NULL ? PF_TAKEN : PF_PUNT;
}

static int
take_int(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    int64_t x;

    if (PyLong_CheckExact(v))
        return take_same(v, out);
    if (PyBool_Check(v))
        return take_made(PyLong_FromLong(v == Py_True), out);
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_i64(s, n, &x))
        return PF_PUNT;
    return take_made(PyLong_FromLongLong(x), out);
}

static int
take_float(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    double x;

    if (PyFloat_CheckExact(v))
        return take_same(v, out);
    if (PyLong_CheckExact(v)) {
        x = PyLong_AsDouble(v);
        if (x == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            return PF_PUNT;
        }
        return take_made(PyFloat_FromDouble(x), out);
    }
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_double(s, n, &x))
        return PF_PUNT;
    return take_made(PyFloat_FromDouble(x), out);
}

/* Digits of a Decimal, by its text; only plain spellings are understood. */
int
pf_decimal_facts(PyObject *v, PfFacts *f)
{
    PyObject *text = Py_TYPE(v)->tp_str(v);
    int ok;

    if (text == NULL) {
        PyErr_Clear();
        return 0;
    }
    ok = pf_scan_decimal(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text), &f->digits);
    f->has_digits = ok;
    Py_DECREF(text);
    return ok;
}

static int
take_decimal(PfState *st, PyObject *v, PyObject **out, PfFacts *f)
{
    const char *s;
    Py_ssize_t n;

    if (pf_is_decimal(st, v))
        return pf_decimal_facts(v, f) ? take_same(v, out) : PF_PUNT;
    if (PyLong_CheckExact(v)) {
        *out = PyObject_CallOneArg((PyObject *)st->decimal_type, v);
        if (*out == NULL || !pf_decimal_facts(*out, f)) {
            PyErr_Clear();
            Py_CLEAR(*out);
        }
        return *out != NULL ? PF_TAKEN : PF_PUNT;
    }
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_decimal(s, n, &f->digits))
        return PF_PUNT;
    f->has_digits = 1;
    *out = PyObject_CallOneArg((PyObject *)st->decimal_type, v);
    if (*out == NULL) /* a signal trap of the active context: Django's to report */
        PyErr_Clear();
    return *out != NULL ? PF_TAKEN : PF_PUNT;
}

static int
take_bool(const PfStep *s, PyObject *v, PyObject **out)
{
    const char *t;
    Py_ssize_t n;

    if (PyBool_Check(v))
        return take_same(v, out);
    if (v == Py_None)
        return s->null ? take_same(v, out) : PF_PUNT;
    if (PyLong_CheckExact(v)) {
        int overflow;
        long x = PyLong_AsLongAndOverflow(v, &overflow);
        return overflow == 0 && (x == 0 || x == 1) ? take_made(PyBool_FromLong(x), out) : PF_PUNT;
    }
    if (!pf_ascii_text(v, &t, &n))
        return PF_PUNT;
    if (n == 0)
        return s->null ? take_same(Py_None, out) : PF_PUNT;
    if ((n == 1 && (*t == 't' || *t == '1')) || (n == 4 && memcmp(t, "True", 4) == 0))
        return take_same(Py_True, out);
    if ((n == 1 && (*t == 'f' || *t == '0')) || (n == 5 && memcmp(t, "False", 5) == 0))
        return take_same(Py_False, out);
    return PF_PUNT;
}

static int
take_date(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    PfStamp t;

    if (Py_TYPE(v) == PyDateTimeAPI->DateType)
        return take_same(v, out);
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_date(s, n, &t))
        return PF_PUNT;
    return take_made(pf_make_date(&t), out);
}

static int
take_datetime(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    PfStamp t;

    if (Py_TYPE(v) == PyDateTimeAPI->DateTimeType)
        return take_same(v, out);
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_stamp(s, n, &t))
        return PF_PUNT;
    return take_made(pf_make_datetime(&t), out);
}

static int
take_time(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    PfStamp t;

    if (Py_TYPE(v) == PyDateTimeAPI->TimeType)
        return take_same(v, out);
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_clock(s, n, &t))
        return PF_PUNT;
    return take_made(pf_make_time(&t), out);
}

static int
take_duration(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    int64_t days;
    PfStamp t;

    if (Py_TYPE(v) == PyDateTimeAPI->DeltaType)
        return take_same(v, out);
    if (!pf_ascii_text(v, &s, &n) || n < 8 || !pf_scan_duration(s, n, &days, &t))
        return PF_PUNT;
    *out = PyDelta_FromDSU((int)days, t.hour * 3600 + t.minute * 60 + t.second, t.us);
    if (*out == NULL)
        PyErr_Clear();
    return *out != NULL ? PF_TAKEN : PF_PUNT;
}

static int
take_uuid(PfState *st, PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    unsigned char b[16];

    if (Py_TYPE(v) == st->uuid_type)
        return take_same(v, out);
    if (!pf_ascii_text(v, &s, &n) || !pf_scan_uuid(s, n, b))
        return PF_PUNT;
    return take_made(pf_make_uuid(st, b), out);
}

static int
take_ip(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    char canonical[48];
    int size;

    if (!pf_ascii_text(v, &s, &n))
        return PF_PUNT;
    if (n == 0 || pf_rule_ipv4(s, n) == PF_YES)
        return take_same(v, out);
    if ((size = pf_ipv6_canonical(s, n, canonical)) == 0)
        return PF_PUNT;
    if (size == n && memcmp(s, canonical, (size_t)n) == 0)
        return take_same(v, out);
    return take_made(PyUnicode_FromStringAndSize(canonical, size), out);
}

/* Only a stored file of the field's own class, with a name, is taken. */
static int
take_file(PfState *st, const PfStep *s, PyObject *v, PyObject **out)
{
    PyObject *dict, *name = NULL;
    int ok;

    if (PyUnicode_CheckExact(v))
        return take_same(v, out);
    if (s->extra == NULL || (PyObject *)Py_TYPE(v) != s->extra)
        return PF_PUNT;
    if ((dict = PyObject_GenericGetDict(v, NULL)) == NULL) {
        PyErr_Clear();
        return PF_PUNT;
    }
    ok = cpy_dict_get(dict, st->s_name, &name) == 1 && PyUnicode_CheckExact(name)
         && PyUnicode_GET_LENGTH(name) > 0;
    Py_XDECREF(name);
    Py_DECREF(dict);
    PyErr_Clear();
    return ok ? take_same(v, out) : PF_PUNT;
}

static int
items_are_json(PyObject *list, int depth)
{
    PyObject *items = cpy_list_to_walk(list); /* owned */
    int yes = items != NULL;

    for (Py_ssize_t i = 0; yes && i < PySequence_Fast_GET_SIZE(items); i++)
        yes = pf_is_json(PySequence_Fast_GET_ITEM(items, i), depth);
    Py_XDECREF(items);
    return yes;
}

static int
pairs_are_json(PyObject *dict, int depth)
{
    PyObject *pairs = cpy_dict_to_walk(dict), *key, *item; /* owned, borrowed from it */
    Py_ssize_t at = 0;
    int yes = pairs != NULL;

    while (yes && PyDict_Next(pairs, &at, &key, &item))
        yes = PyUnicode_CheckExact(key) && pf_is_json(item, depth);
    Py_XDECREF(pairs);
    return yes;
}

/* Exact types, text keys, bounded depth, small ints */
int
pf_is_json(PyObject *v, int depth)
{
    PyTypeObject *t = Py_TYPE(v);
    int overflow;

    if (v == Py_None || t == &PyUnicode_Type || t == &PyFloat_Type || t == &PyBool_Type)
        return 1;
    if (t == &PyLong_Type) {
        PyLong_AsLongLongAndOverflow(v, &overflow);
        return overflow == 0;
    }
    if (depth > 60)
        return 0;
    if (t == &PyDict_Type)
        return pairs_are_json(v, depth + 1);
    return (t == &PyList_Type || t == &PyTuple_Type) && items_are_json(v, depth + 1);
}

static int
is_hstore(PyObject *v)
{
    PyObject *pairs = cpy_dict_to_walk(v), *key, *item; /* owned, borrowed from it */
    Py_ssize_t at = 0;
    int yes = pairs != NULL;

    while (yes && PyDict_Next(pairs, &at, &key, &item))
        yes = item == Py_None || PyUnicode_CheckExact(item);
    Py_XDECREF(pairs);
    return yes;
}

int
pf_take(PfState *st, const PfStep *s, PyObject *v, PyObject **out, PfFacts *f)
{
    if (v == Py_None && s->kind != PF_KIND_BOOL)
        return take_same(v, out);
    switch ((PfKind)s->kind) {
    case PF_KIND_TEXT: return PyUnicode_CheckExact(v) ? take_same(v, out) : PF_PUNT;
    case PF_KIND_INT:
    case PF_KIND_AUTO: return take_int(v, out);
    case PF_KIND_FLOAT: return take_float(v, out);
    case PF_KIND_DECIMAL: return take_decimal(st, v, out, f);
    case PF_KIND_BOOL: return take_bool(s, v, out);
    case PF_KIND_DATE: return take_date(v, out);
    case PF_KIND_DATETIME: return take_datetime(v, out);
    case PF_KIND_TIME: return take_time(v, out);
    case PF_KIND_DURATION: return take_duration(v, out);
    case PF_KIND_UUID: return take_uuid(st, v, out);
    case PF_KIND_JSON: return s->json_plain && pf_is_json(v, 0) ? take_same(v, out) : PF_PUNT;
    case PF_KIND_IP: return take_ip(v, out);
    case PF_KIND_BINARY: return PyBytes_CheckExact(v) ? take_same(v, out) : PF_PUNT;
    case PF_KIND_FILE: return take_file(st, s, v, out);
    case PF_KIND_ARRAY: return PyList_CheckExact(v) ? take_same(v, out) : PF_PUNT;
    case PF_KIND_HSTORE:
        return PyDict_CheckExact(v) && is_hstore(v) ? take_same(v, out) : PF_PUNT;
    default: return PF_PUNT;
    }
}
