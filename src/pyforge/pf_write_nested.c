/* Any Python value → JSON, in the order of tests json's own encoder makes.

   Recursion is counted by CPython; a container inside itself is found by walking the
   chain of open containers. What isn't known here goes to style->fallback, which is
   the live encoder's `default`. */
#include "cpyext_compat/cpy_dictref.h"
#include "pf_style.h"

static int
enter(PfWriter *w, PfOpen *here, PyObject *v, const char *where)
{
    if (w->style->check_circular) {
        for (PfOpen *up = w->open; up != NULL; up = up->outer) {
            if (up->object == v) {
                PyErr_SetString(PyExc_ValueError, "Circular reference detected");
                return -1;
            }
        }
    }
    if (Py_EnterRecursiveCall(where))
        return -1;
    here->object = v;
    here->outer = w->open;
    w->open = here;
    w->level++;
    return 0;
}

static void
leave(PfWriter *w, PfOpen *here)
{
    w->open = here->outer;
    w->level--;
    Py_LeaveRecursiveCall();
}

static int
write_bytes_object(PfWriter *w, PyObject *b)
{
    return pf_out_put(&w->out, PyBytes_AS_STRING(b), (size_t)PyBytes_GET_SIZE(b));
}

static int
new_line(PfWriter *w)
{
    if (w->style->indent == NULL)
        return 0;
    if (pf_out_char(&w->out, '\n') < 0)
        return -1;
    for (int i = 0; i < w->level; i++)
        if (write_bytes_object(w, w->style->indent) < 0)
            return -1;
    return 0;
}

/* What stands before item i of an open container. */
static int
before_item(PfWriter *w, int first)
{
    if (!first && write_bytes_object(w, w->style->item_sep) < 0)
        return -1;
    return new_line(w);
}

/* -- Lists -------------------------------------------------------------------- */

static int
write_items(PfWriter *w, PyObject *fast)
{
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(fast, i));
        int bad = before_item(w, i == 0) < 0 || pf_write_value(w, item) < 0;
        Py_DECREF(item);
        if (bad)
            return -1;
    }
    return 0;
}

static int
write_list(PfWriter *w, PyObject *v)
{
    PyObject *fast = PyList_CheckExact(v) ? cpy_list_to_walk(v)
                                          : PySequence_Fast(v, "sequence expected"); /* owned */
    PfOpen here;
    int r;

    if (fast == NULL)
        return -1;
    if (PySequence_Fast_GET_SIZE(fast) == 0) {
        Py_DECREF(fast);
        return pf_write_lit(w, "[]", 2);
    }
    if (enter(w, &here, v, " while encoding a JSON object") < 0) {
        Py_DECREF(fast);
        return -1;
    }
    r = pf_out_char(&w->out, '[') < 0 || write_items(w, fast) < 0 ? -1 : 0;
    leave(w, &here);
    Py_DECREF(fast);
    return r < 0 || new_line(w) < 0 ? -1 : pf_out_char(&w->out, ']');
}

/* -- Dicts -------------------------------------------------------------------- */

static int
write_quoted_number(PfWriter *w, PyObject *key)
{
    int r;

    if (pf_out_char(&w->out, '"') < 0)
        return -1;
    if (key == Py_True || key == Py_False)
        r = key == Py_True ? pf_write_lit(w, "true", 4) : pf_write_lit(w, "false", 5);
    else if (key == Py_None)
        r = pf_write_lit(w, "null", 4);
    else if (PyFloat_Check(key))
        r = pf_write_float(w, PyFloat_AS_DOUBLE(key));
    else
        r = pf_write_int(w, key);
    return r < 0 ? -1 : pf_out_char(&w->out, '"');
}

/* 1 written, 0 skipped, -1 error */
static int
write_key(PfWriter *w, PyObject *key, int first)
{
    int is_text = PyUnicode_Check(key);

    if (!is_text && !PyFloat_Check(key) && key != Py_None && !PyLong_Check(key)) {
        if (w->style->skip_keys)
            return 0;
        PyErr_Format(PyExc_TypeError,
                     "keys must be str, int, float, bool or None, not %.100s",
                     Py_TYPE(key)->tp_name);
        return -1;
    }
    if (before_item(w, first) < 0
        || (is_text ? pf_write_str(w, key) : write_quoted_number(w, key)) < 0
        || write_bytes_object(w, w->style->key_sep) < 0)
        return -1;
    return 1;
}

/* takes key and value */
static int
write_pair(PfWriter *w, PyObject *key, PyObject *value, int *first)
{
    int r = write_key(w, key, *first);

    if (r == 1) {
        *first = 0;
        r = pf_write_value(w, value);
    }
    Py_DECREF(key);
    Py_DECREF(value);
    return r < 0 ? -1 : 0;
}

static int
write_pairs_live(PfWriter *w, PyObject *dict)
{
    PyObject *key, *value; /* borrowed until taken by write_pair */
    Py_ssize_t at = 0;
    int first = 1;

    while (PyDict_Next(dict, &at, &key, &value))
        if (write_pair(w, Py_NewRef(key), Py_NewRef(value), &first) < 0)
            return -1;
    return 0;
}

static int
write_pairs_snapshot(PfWriter *w, PyObject *mapping)
{
    PyObject *items = PyMapping_Items(mapping);
    int first = 1, r = -1;

    if (items == NULL || (w->style->sort_keys && PyList_Sort(items) < 0))
        goto done;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PyList_GET_ITEM(items, i); /* borrowed from items, ours alone */
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
            PyErr_SetString(PyExc_ValueError, "items must return 2-tuples");
            goto done;
        }
        if (write_pair(w, Py_NewRef(PyTuple_GET_ITEM(pair, 0)),
                       Py_NewRef(PyTuple_GET_ITEM(pair, 1)), &first)
            < 0)
            goto done;
    }
    r = 0;
done:
    Py_XDECREF(items);
    return r;
}

static int
write_dict(PfWriter *w, PyObject *v)
{
    PfOpen here;
    int r;

    if (PyDict_GET_SIZE(v) == 0)
        return pf_write_lit(w, "{}", 2);
    if (enter(w, &here, v, " while encoding a JSON object") < 0)
        return -1;
    r = pf_out_char(&w->out, '{');
    if (r == 0) {
        int live = PyDict_CheckExact(v) && !w->style->sort_keys && !w->style->custom
                   && !CPY_FREE_THREADED;
        r = live ? write_pairs_live(w, v) : write_pairs_snapshot(w, v);
    }
    leave(w, &here);
    return r < 0 || new_line(w) < 0 ? -1 : pf_out_char(&w->out, '}');
}

/* -- One value ---------------------------------------------------------------- */

int
pf_write_fallback(PfWriter *w, PyObject *v)
{
    PfOpen here;
    PyObject *result;
    int r;

    w->fallbacks++;
    if (enter(w, &here, v, " while encoding a JSON object") < 0)
        return -1;
    w->level--; /* not a level of indentation */
    result = PyObject_CallOneArg(w->style->fallback, v);
    r = result == NULL ? -1 : pf_write_value(w, result);
    w->level++;
    leave(w, &here);
    Py_XDECREF(result);
    return r;
}

/* Types Django's encoder knows; 1 written, 0 not ours, -1 error */
static int
write_django(PfWriter *w, PyObject *v)
{
    PyTypeObject *t = Py_TYPE(v);
    int drf = w->style->drf, r;

    if (t == PyDateTimeAPI->DateTimeType)
        r = pf_write_datetime(w, v);
    else if (t == PyDateTimeAPI->DateType)
        r = pf_write_date(w, v);
    else if (t == w->st->decimal_type && !drf)
        r = pf_write_decimal(w, v);
    else if (t == w->st->uuid_type)
        r = pf_write_uuid(w, v);
    else if (t == PyDateTimeAPI->TimeType && PyDateTime_TIME_GET_TZINFO(v) == Py_None)
        r = pf_write_time(w, v);
    else if (t == PyDateTimeAPI->DeltaType && !drf)
        r = pf_write_timedelta(w, v);
    else
        return 0;
    return r < 0 ? -1 : 1;
}

/* Everything but the exact types of pf_write_value. */
static int
write_unusual(PfWriter *w, PyObject *v)
{
    if (PyUnicode_Check(v))
        return pf_write_str(w, v);
    if (PyLong_Check(v))
        return pf_write_int(w, v);
    if (PyFloat_Check(v))
        return pf_write_float(w, PyFloat_AS_DOUBLE(v));
    if (PyDict_Check(v))
        return write_dict(w, v);
    if (PyList_Check(v) || PyTuple_Check(v))
        return write_list(w, v);
    return pf_write_fallback(w, v);
}

int
pf_write_value(PfWriter *w, PyObject *v)
{
    PyTypeObject *t = Py_TYPE(v);
    int r;

    if (t == &PyUnicode_Type)
        return pf_write_str(w, v);
    if (v == Py_None)
        return pf_write_lit(w, "null", 4);
    if (v == Py_True)
        return pf_write_lit(w, "true", 4);
    if (v == Py_False)
        return pf_write_lit(w, "false", 5);
    if (t == &PyLong_Type)
        return pf_write_int(w, v);
    if (t == &PyFloat_Type)
        return pf_write_float(w, PyFloat_AS_DOUBLE(v));
    if (t == &PyDict_Type)
        return write_dict(w, v);
    if (t == &PyList_Type)
        return write_list(w, v);
    if (!w->style->plain && (r = write_django(w, v)) != 0)
        return r < 0 ? -1 : 0;
    return write_unusual(w, v);
}
