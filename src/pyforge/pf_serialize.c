/* Walks a writer's columns over tuples, dicts and instances; see pf_serialize.h. */
#include "pf_serialize.h"

#include "cpyext_compat/cpy_dictref.h"

/* -- Frames and buffers ------------------------------------------------------- */

int
pf_frame_parse(PyObject *arg, PfFrame *frame)
{
    if (!PyTuple_Check(arg) || PyTuple_GET_SIZE(arg) != 3)
        goto bad;
    for (int i = 0; i < 3; i++) {
        PyObject *b = PyTuple_GET_ITEM(arg, i);
        if (!PyBytes_Check(b))
            goto bad;
        frame->text[i] = PyBytes_AS_STRING(b);
        frame->size[i] = PyBytes_GET_SIZE(b);
    }
    return 0;
bad:
    PyErr_SetString(PyExc_TypeError, "frame must be a tuple of three bytes objects");
    return -1;
}

int
pf_writer_begin(PfWriter *w, PfEncoder *e, Py_ssize_t rows)
{
    Py_ssize_t row = __atomic_load_n(&e->row_size, __ATOMIC_RELAXED), hint;

    *w = (PfWriter){.st = e->st, .style = &e->style};
    if (rows < 1)
        rows = 1;
    hint = row > (PY_SSIZE_T_MAX >> 8) / rows ? row : row * rows;
    return pf_out_init(&w->out, hint + hint / 16 + 128);
}

PyObject *
pf_writer_end(PfWriter *w, PfEncoder *e, Py_ssize_t rows, int ok)
{
    PyObject *bytes = NULL;

    __atomic_fetch_add(&e->fallbacks, w->fallbacks, __ATOMIC_RELAXED);
    if (ok) {
        Py_ssize_t size = (Py_ssize_t)pf_out_size(&w->out);
        if (rows > 0)
            __atomic_store_n(&e->row_size, size / rows + 1, __ATOMIC_RELAXED);
        bytes = pf_out_finish(&w->out);
    }
    pf_out_clear(&w->out);
    return bytes;
}

int
pf_writer_between(PfWriter *w, const PfFrame *frame, Py_ssize_t row)
{
    if (row != 0 && (row & 4095) == 0 && PyErr_CheckSignals() < 0)
        return -1;
    return pf_write_lit(w, frame->text[row != 0], (size_t)frame->size[row != 0]);
}

static inline int
write_cell(PfWriter *w, const PfColumn *c, PyObject *v)
{
    return pf_out_key(&w->out, c->key, c->key_size) < 0 ? -1 : pf_write_value(w, v);
}

static int
close_row(PfWriter *w, PfEncoder *e)
{
    return e->n_columns == 0 ? pf_write_lit(w, "{}", 2) : pf_out_char(&w->out, '}');
}

/* -- Rows that are tuples ----------------------------------------------------- */

static int
shape_error(PfEncoder *e, PyObject *row)
{
    PyErr_Format(e->st->row_shape_error, "row has %zd values, the descriptors name %zd",
                 PySequence_Size(row), e->n_columns);
    return -1;
}

static int
write_sequence(PfWriter *w, PfEncoder *e, PyObject *row)
{
    if (!PyTuple_Check(row) && !PyList_Check(row)) {
        PyErr_Format(e->st->row_shape_error, "row must be a tuple or list, not %.100s",
                     Py_TYPE(row)->tp_name);
        return -1;
    }
    if (PySequence_Fast_GET_SIZE(row) != e->n_columns)
        return shape_error(e, row);
    for (Py_ssize_t i = 0; i < e->n_columns; i++) {
        PyObject *v = PyTuple_Check(row) ? Py_NewRef(PyTuple_GET_ITEM(row, i))
                                         : cpy_list_get(row, i);
        int bad;
        if (v == NULL) /* shrunk meanwhile */
            return shape_error(e, row);
        bad = write_cell(w, &e->columns[i], v) < 0;
        Py_DECREF(v);
        if (bad)
            return -1;
    }
    return close_row(w, e);
}

/* -- Rows that are dicts ------------------------------------------------------ */

/* -> new */
static PyObject *
mapping_value(const PfColumn *c, PyObject *row)
{
    PyObject *v = NULL;

    if (!PyDict_CheckExact(row))
        return PyObject_GetItem(row, c->name);
    if (cpy_dict_get(row, c->name, &v) == 0)
        PyErr_SetObject(PyExc_KeyError, c->name);
    return v;
}

static int
write_mapping(PfWriter *w, PfEncoder *e, PyObject *row)
{
    for (Py_ssize_t i = 0; i < e->n_columns; i++) {
        const PfColumn *c = &e->columns[i];
        PyObject *v = mapping_value(c, row);
        int bad = v == NULL || write_cell(w, c, v) < 0;
        Py_XDECREF(v);
        if (bad)
            return -1;
    }
    return close_row(w, e);
}

/* -- Rows that are instances -------------------------------------------------- */

/* The instance's __dict__ when its columns may be read from it. -> new, may be NULL */
static PyObject *
readable_dict(PfEncoder *e, PyObject *instance)
{
    PyObject *dict;

    if (Py_TYPE(instance) != e->model
        || Py_TYPE(instance)->tp_getattro != PyObject_GenericGetAttr)
        return NULL;
    dict = PyObject_GenericGetDict(instance, NULL);
    if (dict == NULL)
        PyErr_Clear();
    return dict;
}

/* *at: where in the dict the last column was; 0 at first. -> new */
static PyObject *
instance_value(const PfColumn *c, PyObject *instance, PyObject *dict, Py_ssize_t *at)
{
    PyObject *v = NULL, *converted;

    if (dict != NULL && !c->by_getattr && cpy_dict_next(dict, at, c->attname, &v) < 0)
        return NULL;
    if (v == NULL && (v = PyObject_GetAttr(instance, c->attname)) == NULL)
        return NULL;
    if (c->convert == NULL)
        return v;
    converted = PyObject_CallOneArg(c->convert, v);
    Py_DECREF(v);
    return converted;
}

static int
write_instance(PfWriter *w, PfEncoder *e, PyObject *instance)
{
    PyObject *dict = readable_dict(e, instance); /* owned */
    Py_ssize_t at = 0;
    int r = 0;

    for (Py_ssize_t i = 0; r == 0 && i < e->n_columns; i++) {
        PyObject *v = instance_value(&e->columns[i], instance, dict, &at);
        r = v == NULL ? -1 : write_cell(w, &e->columns[i], v);
        Py_XDECREF(v);
    }
    Py_XDECREF(dict);
    return r < 0 ? -1 : close_row(w, e);
}

/* -- Batches ------------------------------------------------------------------ */

typedef int (*WriteRow)(PfWriter *, PfEncoder *, PyObject *);

static int
write_list_rows(PfWriter *w, PfEncoder *e, PyObject *rows, const PfFrame *frame,
                WriteRow write, Py_ssize_t *count)
{
    PyObject *row;

    for (; (row = cpy_list_get(rows, *count)) != NULL; ++*count) {
        int bad = pf_writer_between(w, frame, *count) < 0 || write(w, e, row) < 0;
        Py_DECREF(row);
        if (bad)
            return -1;
    }
    return 0;
}

static int
write_iter_rows(PfWriter *w, PfEncoder *e, PyObject *rows, const PfFrame *frame,
                WriteRow write, Py_ssize_t *count)
{
    PyObject *it = PyObject_GetIter(rows), *row;
    int r = 0;

    if (it == NULL)
        return -1;
    for (; r == 0 && (row = PyIter_Next(it)) != NULL; ++*count) {
        r = pf_writer_between(w, frame, *count) < 0 || write(w, e, row) < 0 ? -1 : 0;
        Py_DECREF(row);
    }
    Py_DECREF(it);
    return PyErr_Occurred() ? -1 : r;
}

static PyObject *
write_batch(PyObject *self, PyObject *args, WriteRow write)
{
    PfEncoder *e = (PfEncoder *)self;
    PyObject *rows, *frame_arg;
    PfFrame frame;
    PfWriter w;
    Py_ssize_t count = 0;
    int r;

    if (!PyArg_ParseTuple(args, "OO", &rows, &frame_arg)
        || pf_frame_parse(frame_arg, &frame) < 0
        || pf_writer_begin(&w, e, PyList_Check(rows) ? PyList_GET_SIZE(rows) : 1) < 0)
        return NULL;
    r = PyList_CheckExact(rows) ? write_list_rows(&w, e, rows, &frame, write, &count)
                                : write_iter_rows(&w, e, rows, &frame, write, &count);
    if (r == 0 && count == 0)
        r = pf_write_lit(&w, frame.text[0], (size_t)frame.size[0]);
    if (r == 0)
        r = pf_write_lit(&w, frame.text[2], (size_t)frame.size[2]);
    return pf_writer_end(&w, e, count, r == 0);
}

static PyObject *
write_single(PyObject *self, PyObject *row, WriteRow write)
{
    PfEncoder *e = (PfEncoder *)self;
    PfWriter w;
    int r;

    if (pf_writer_begin(&w, e, 1) < 0)
        return NULL;
    r = write(&w, e, row);
    return pf_writer_end(&w, e, 1, r == 0);
}

static PyObject *
encoder_tuples(PyObject *s, PyObject *a)
{
    return write_batch(s, a, write_sequence);
}
static PyObject *
encoder_dicts(PyObject *s, PyObject *a)
{
    return write_batch(s, a, write_mapping);
}
static PyObject *
encoder_instances(PyObject *s, PyObject *a)
{
    return write_batch(s, a, write_instance);
}
static PyObject *
encoder_tuple(PyObject *s, PyObject *r)
{
    return write_single(s, r, write_sequence);
}
static PyObject *
encoder_dict(PyObject *s, PyObject *r)
{
    return write_single(s, r, write_mapping);
}
static PyObject *
encoder_instance(PyObject *s, PyObject *r)
{
    return write_single(s, r, write_instance);
}

static PyObject *
encoder_dumps(PyObject *self, PyObject *v)
{
    PfEncoder *e = (PfEncoder *)self;
    PfWriter w;
    int r;

    if (pf_writer_begin(&w, e, 1) < 0)
        return NULL;
    r = pf_write_value(&w, v);
    return pf_writer_end(&w, e, 1, r == 0);
}

/* -- Instances as dicts ------------------------------------------------------- */

/* The object json.loads would make of the value's JSON text. -> new */
static PyObject *
jsonable(PfWriter *w, PyObject *v)
{
    char *text;
    size_t n;

    if (v == Py_None || PyBool_Check(v) || PyUnicode_CheckExact(v) || PyLong_CheckExact(v)
        || PyFloat_CheckExact(v))
        return Py_NewRef(v);
    w->out.p = PyBytes_AS_STRING(w->out.bytes);
    if (pf_write_value(w, v) < 0)
        return NULL;
    text = PyBytes_AS_STRING(w->out.bytes);
    n = pf_out_size(&w->out);
    if (n >= 2 && text[0] == '"' && memchr(text, '\\', n) == NULL)
        return PyUnicode_DecodeUTF8(text + 1, (Py_ssize_t)n - 2, "surrogatepass");
    {
        PyObject *b = PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "surrogatepass");
        PyObject *loaded = b == NULL ? NULL : PyObject_CallOneArg(w->st->json_loads, b);
        Py_XDECREF(b);
        return loaded;
    }
}

static PyObject *
encoder_as_dict(PyObject *self, PyObject *instance, int is_mapping)
{
    PfEncoder *e = (PfEncoder *)self;
    PyObject *dict = NULL, *result = PyDict_New(); /* owned */
    Py_ssize_t at = 0;
    PfWriter w;

    if (result == NULL || pf_writer_begin(&w, e, 1) < 0) {
        Py_XDECREF(result);
        return NULL;
    }
    dict = is_mapping ? NULL : readable_dict(e, instance);
    for (Py_ssize_t i = 0; result != NULL && i < e->n_columns; i++) {
        const PfColumn *c = &e->columns[i];
        PyObject *v = is_mapping ? mapping_value(c, instance)
                                 : instance_value(c, instance, dict, &at);
        PyObject *plain = v == NULL ? NULL : jsonable(&w, v);
        if (plain == NULL || PyDict_SetItem(result, c->name, plain) < 0)
            Py_CLEAR(result);
        Py_XDECREF(v);
        Py_XDECREF(plain);
    }
    Py_XDECREF(dict);
    __atomic_fetch_add(&e->fallbacks, w.fallbacks, __ATOMIC_RELAXED);
    pf_out_clear(&w.out);
    return result;
}

static PyObject *
encoder_instance_dict(PyObject *s, PyObject *o)
{
    return encoder_as_dict(s, o, 0);
}
static PyObject *
encoder_mapping_dict(PyObject *s, PyObject *o)
{
    return encoder_as_dict(s, o, 1);
}

/* -- Construction ------------------------------------------------------------- */

/* style: (ascii, escape_lines, drf, plain, allow_nan, sort_keys, skip_keys,
           check_circular, custom, fallback, item_sep, key_sep, indent) */
static int
style_init(PfStyle *s, PyObject *arg)
{
    int flag[9];
    PyObject *fallback, *item_sep, *key_sep, *indent;

    if (!PyArg_ParseTuple(arg, "pppppppppOSSO", &flag[0], &flag[1], &flag[2], &flag[3],
                          &flag[4], &flag[5], &flag[6], &flag[7], &flag[8], &fallback,
                          &item_sep, &key_sep, &indent))
        return -1;
    s->ascii = (char)flag[0];
    s->escape_lines = (char)flag[1];
    s->drf = (char)flag[2];
    s->plain = (char)flag[3];
    s->allow_nan = (char)flag[4];
    s->sort_keys = (char)flag[5];
    s->skip_keys = (char)flag[6];
    s->check_circular = (char)flag[7];
    s->custom = (char)flag[8];
    s->fallback = Py_NewRef(fallback);
    s->item_sep = Py_NewRef(item_sep);
    s->key_sep = Py_NewRef(key_sep);
    s->indent = PyBytes_Check(indent) ? Py_NewRef(indent) : NULL;
    return 0;
}

/* `{"name": ` for the first column, `, "name": ` for the others. -> new bytes */
static PyObject *
key_text(PfEncoder *e, PyObject *name, int first)
{
    PfWriter w;
    int r;

    if (pf_writer_begin(&w, e, 1) < 0)
        return NULL;
    r = first ? pf_out_char(&w.out, '{')
              : pf_out_put(&w.out, PyBytes_AS_STRING(e->style.item_sep),
                           (size_t)PyBytes_GET_SIZE(e->style.item_sep));
    if (r == 0)
        r = pf_write_str(&w, name);
    if (r == 0)
        r = pf_out_put(&w.out, PyBytes_AS_STRING(e->style.key_sep),
                       (size_t)PyBytes_GET_SIZE(e->style.key_sep));
    return pf_writer_end(&w, e, 0, r == 0);
}

static int
column_init(PfEncoder *e, PfColumn *c, PyObject *arg, int first)
{
    PyObject *name, *attname, *convert, *key;
    int by_getattr;

    if (!PyArg_ParseTuple(arg, "UUpO", &name, &attname, &by_getattr, &convert))
        return -1;
    c->name = Py_NewRef(name);
    PyUnicode_InternInPlace(&c->name);
    c->attname = Py_NewRef(attname);
    PyUnicode_InternInPlace(&c->attname);
    c->by_getattr = (char)by_getattr;
    c->convert = convert == Py_None ? NULL : Py_NewRef(convert);
    if ((key = key_text(e, c->name, first)) == NULL)
        return -1;
    c->key_size = (size_t)PyBytes_GET_SIZE(key);
    if ((c->key = PyMem_Calloc(c->key_size + PF_OUT_BLOCK, 1)) != NULL)
        memcpy(c->key, PyBytes_AS_STRING(key), c->key_size);
    else
        PyErr_NoMemory();
    Py_DECREF(key);
    return c->key == NULL ? -1 : 0;
}

static int
columns_init(PfEncoder *e, PyObject *columns)
{
    Py_ssize_t n = PyTuple_GET_SIZE(columns);

    e->columns = PyMem_Calloc((size_t)n + 1, sizeof *e->columns);
    if (e->columns == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; e->n_columns < n; e->n_columns++) {
        PyObject *c = PyTuple_GET_ITEM(columns, e->n_columns);
        if (!PyTuple_Check(c)) {
            PyErr_SetString(PyExc_TypeError, "a column is a tuple");
            return -1;
        }
        if (column_init(e, &e->columns[e->n_columns], c, e->n_columns == 0) < 0) {
            e->n_columns++; /* so that its parts are released */
            return -1;
        }
    }
    return 0;
}

static PyObject *
encoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"style", "columns", "model", NULL};
    PyObject *style, *columns, *model = Py_None;
    PfEncoder *e;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!|O:Writer", names, &PyTuple_Type,
                                     &style, &PyTuple_Type, &columns, &model))
        return NULL;
    e = (PfEncoder *)type->tp_alloc(type, 0);
    if (e == NULL)
        return NULL;
    e->module = Py_XNewRef(PyType_GetModule(type));
    e->st = PyType_GetModuleState(type);
    if (e->module == NULL || e->st == NULL)
        goto fail;
    e->model = PyType_Check(model) ? (PyTypeObject *)Py_NewRef(model) : NULL;
    e->row_size = 256;
    if (style_init(&e->style, style) < 0 || columns_init(e, columns) < 0)
        goto fail;
    e->fallbacks = 0;
    return (PyObject *)e;
fail:
    Py_DECREF(e);
    return NULL;
}

static int
encoder_traverse(PyObject *self, visitproc visit, void *arg)
{
    PfEncoder *e = (PfEncoder *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(e->module);
    Py_VISIT(e->model);
    Py_VISIT(e->style.fallback);
    for (Py_ssize_t i = 0; i < e->n_columns; i++)
        Py_VISIT(e->columns[i].convert);
    return 0;
}

static int
encoder_clear(PyObject *self)
{
    PfEncoder *e = (PfEncoder *)self;

    Py_CLEAR(e->style.fallback);
    for (Py_ssize_t i = 0; i < e->n_columns; i++)
        Py_CLEAR(e->columns[i].convert);
    return 0;
}

static void
encoder_dealloc(PyObject *self)
{
    PfEncoder *e = (PfEncoder *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    encoder_clear(self);
    for (Py_ssize_t i = 0; i < e->n_columns; i++) {
        PyMem_Free(e->columns[i].key);
        Py_XDECREF(e->columns[i].name);
        Py_XDECREF(e->columns[i].attname);
    }
    PyMem_Free(e->columns);
    Py_XDECREF(e->style.item_sep);
    Py_XDECREF(e->style.key_sep);
    Py_XDECREF(e->style.indent);
    Py_XDECREF((PyObject *)e->model);
    Py_XDECREF(e->module);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
encoder_get_fallbacks(PyObject *self, void *unused)
{
    return PyLong_FromSsize_t(((PfEncoder *)self)->fallbacks);
}

static PyGetSetDef encoder_getset[] = {
    {"fallbacks", encoder_get_fallbacks, NULL, "values written by the live encoder", NULL},
    {NULL},
};

static PyMethodDef encoder_methods[] = {
    {"dumps", encoder_dumps, METH_O, "Any value as JSON bytes."},
    {"tuple", encoder_tuple, METH_O, "One tuple, in column order, as a JSON object."},
    {"dict", encoder_dict, METH_O, "One mapping as a JSON object."},
    {"instance", encoder_instance, METH_O, "One instance as a JSON object."},
    {"tuples", encoder_tuples, METH_VARARGS, "Rows that are tuples, in a frame."},
    {"dicts", encoder_dicts, METH_VARARGS, "Rows that are mappings, in a frame."},
    {"instances", encoder_instances, METH_VARARGS, "Rows that are instances, in a frame."},
    {"instance_dict", encoder_instance_dict, METH_O, "json.loads of the instance's bytes."},
    {"mapping_dict", encoder_mapping_dict, METH_O, "json.loads of the mapping's bytes."},
    {"sqlite_rows", pf_encoder_sqlite_rows, METH_VARARGS, "Raw rows of sqlite3, in a frame."},
    {"pg_rows", pf_encoder_pg_rows, METH_VARARGS, "Cells of a psycopg PGresult, in a frame."},
    {NULL},
};

static PyType_Slot encoder_slots[] = {
    {Py_tp_new, encoder_new},
    {Py_tp_dealloc, encoder_dealloc},
    {Py_tp_traverse, encoder_traverse},
    {Py_tp_clear, encoder_clear},
    {Py_tp_methods, encoder_methods},
    {Py_tp_getset, encoder_getset},
    {Py_tp_doc, "Columns and a JSON style, compiled once."},
    {0, NULL},
};

PyType_Spec pf_writer_spec = {
    .name = "pyforge._pyforge.Writer",
    .basicsize = sizeof(PfEncoder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = encoder_slots,
};
