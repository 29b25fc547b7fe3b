/* JSON bytes → validated typed rows, directed by the plan.

   A row's values go straight into the tuple that is returned. Texts of dates, times and
   UUIDs become typed values without a str in between. When user code could run while a
   row is cleaned, all rows are read before the first is cleaned, as after json.loads. */
#include <string.h>

#include "pf_parse.h"
#include "pf_plan.h"
#include "pf_scan.h"

typedef struct {
    PfJson j;
    PfPlan *plan;
    PyObject *rows;    /* owned list of tuples */
    PyObject *extra;   /* borrowed dict row → {key: value}, or NULL: drop unknown keys */
    int forbid;
    PfFailures failures;
    Py_ssize_t cleaned;
    int halted;          /* no row is cleaned any more: enough errors, or an exception */
    Py_ssize_t misshapen; /* number of the first row that is no object, or -1 */
    PyObject *raised[3]; /* owned: that exception, while the rest of the text is read */
} Rows;

static int
malformed(Rows *r)
{
    r->j.malformed = 1;
    return -1;
}

/* -- One member --------------------------------------------------------------- */

/* The typed value of a text, for kinds that can do without the str. */
static PyObject *
typed(PfState *st, const PfStep *s, const PfToken *t)
{
    PfStamp stamp;
    unsigned char b[16];

    switch ((PfKind)s->kind) {
    case PF_KIND_DATETIME:
        return pf_scan_stamp(t->s, t->n, &stamp) ? pf_make_datetime(&stamp) : NULL;
    case PF_KIND_DATE:
        return pf_scan_date(t->s, t->n, &stamp) ? pf_make_date(&stamp) : NULL;
    case PF_KIND_TIME:
        return pf_scan_clock(t->s, t->n, &stamp) ? pf_make_time(&stamp) : NULL;
    case PF_KIND_UUID:
        return pf_scan_uuid(t->s, t->n, b) ? pf_make_uuid(st, b) : NULL;
    default: return NULL;
    }
}

static PyObject *
member_value(Rows *r, const PfStep *s)
{
    PfToken t;
    PyObject *v;

    pf_json_space(&r->j);
    if (r->j.p >= r->j.end)
        return malformed(r), NULL;
    if (*r->j.p != '"')
        return pf_json_value(&r->j);
    if (pf_json_string(&r->j, &t) < 0)
        return NULL;
    v = t.plain ? typed(r->j.st, s, &t) : NULL;
    return v != NULL ? v : pf_json_text(&r->j, &t);
}

/* The step a key names, looking first where the last row had it; -1 none, -2 error */
static Py_ssize_t
find_step(Rows *r, const PfToken *t, Py_ssize_t guess)
{
    PfPlan *p = r->plan;
    PyObject *key, *number;

    if (t->escaped) {
        if ((key = pf_json_text(&r->j, t)) == NULL)
            return -2;
        number = PyDict_GetItemWithError(p->index, key);
        Py_DECREF(key);
        return number != NULL ? PyLong_AsSsize_t(number) : PyErr_Occurred() ? -2
                                                                            : -1;
    }
    for (Py_ssize_t k = 0; k < p->n_steps; k++) {
        Py_ssize_t i = guess + k < p->n_steps ? guess + k : guess + k - p->n_steps;
        const PfStep *s = &p->steps[i];
        if (s->key_size == t->n && memcmp(s->key, t->s, (size_t)t->n) == 0)
            return i;
    }
    return -1;
}

/* `"key"` is the step's, byte for byte: it needs no reading. */
static inline int
is_key_of(const Rows *r, const PfStep *s)
{
    const char *p = r->j.p;

    return s->key_is_plain && r->j.end - p > s->key_size + 1 && p[s->key_size + 1] == '"'
           && s->key_size <= r->j.limits.max_string
           && memcmp(p + 1, s->key, (size_t)s->key_size) == 0;
}

/* Passes `"key":`; -> the step's number, -1 unknown (its token in *t), -2 */
static Py_ssize_t
read_key(Rows *r, PfToken *t, Py_ssize_t guess)
{
    PfJson *j = &r->j;
    Py_ssize_t i = guess;

    pf_json_space(j);
    if (j->p >= j->end || *j->p != '"') {
        malformed(r);
        return -2;
    }
    if (r->plan->n_steps > 0 && is_key_of(r, &r->plan->steps[guess]))
        j->p += r->plan->steps[guess].key_size + 2;
    else if (pf_json_string(j, t) < 0 || (i = find_step(r, t, guess)) == -2)
        return -2;
    pf_json_space(j);
    if (j->p >= j->end || *j->p != ':') {
        malformed(r);
        return -2;
    }
    j->p++;
    return i;
}

/* A key the plan doesn't know. */
static int
unknown_member(Rows *r, const PfToken *t)
{
    PyObject *key = pf_json_text(&r->j, t), *v, *number, *row;
    int bad;

    if (key == NULL || (v = pf_json_value(&r->j)) == NULL) {
        Py_XDECREF(key);
        return -1;
    }
    bad = 0;
    if (r->extra != NULL || r->forbid) {
        number = PyLong_FromSsize_t(PyList_GET_SIZE(r->rows));
        row = number == NULL ? NULL : PyDict_SetDefault(r->extra, number, Py_None);
        if (row == Py_None) { /* first of this row */
            row = PyDict_New();
            bad = row == NULL || PyDict_SetItem(r->extra, number, row) < 0;
            Py_XDECREF(row); /* the dict holds it */
        }
        bad = bad || row == NULL || PyDict_SetItem(row, key, v) < 0;
        Py_XDECREF(number);
    }
    Py_DECREF(key);
    Py_DECREF(v);
    return bad ? -1 : 0;
}

/* `"key": value`; *guess is where the next key is expected */
static int
read_member(Rows *r, PyObject *row, Py_ssize_t *guess)
{
    PfToken t;
    Py_ssize_t i = read_key(r, &t, *guess);
    PyObject *v, *old;

    if (i == -2)
        return -1;
    if (i < 0)
        return unknown_member(r, &t);
    if ((v = member_value(r, &r->plan->steps[i])) == NULL)
        return -1;
    old = PyTuple_GET_ITEM(row, i); /* a repeated key: the last one counts */
    PyTuple_SET_ITEM(row, i, v);
    Py_XDECREF(old);
    *guess = i + 1 < r->plan->n_steps ? i + 1 : 0;
    return 0;
}

static int
read_members(Rows *r, PyObject *row)
{
    Py_ssize_t guess = 0, n = 0;

    pf_json_space(&r->j);
    if (r->j.p < r->j.end && *r->j.p == '}') {
        r->j.p++;
        return 0;
    }
    for (;;) {
        if (read_member(r, row, &guess) < 0)
            return -1;
        if (++n > r->j.limits.max_items)
            return pf_json_limit_error(&r->j, "max_items", r->j.limits.max_items);
        pf_json_space(&r->j);
        if (r->j.p >= r->j.end)
            return malformed(r);
        if (*r->j.p == '}') {
            r->j.p++;
            return 0;
        }
        if (*r->j.p++ != ',')
            return malformed(r);
    }
}

/* -- Rows --------------------------------------------------------------------- */

/* Cleans row i in its place; its tuple is still ours alone and untracked. */
static int
clean_row(Rows *r, Py_ssize_t i)
{
    PfPlan *p = r->plan;
    PfClean c = {p, Py_None, 1};
    PyObject *row = PyList_GET_ITEM(r->rows, i), *errors = NULL; /* row: of our own list */

    for (Py_ssize_t k = 0; k < p->n_steps; k++) {
        PyObject *v = PyTuple_GET_ITEM(row, k), *out = NULL;
        PfStep *s = &p->steps[k];
        int q;
        if (v == NULL) {
            if ((v = PyObject_CallNoArgs(s->get_default)) == NULL)
                goto fail;
            PyTuple_SET_ITEM(row, k, v);
        }
        if (s->kind == PF_KIND_SKIP || pf_step_keeps(p, s, v))
            continue;
        q = pf_step_clean(&c, s, v, &out);
        if (q == 0) {
            PyTuple_SET_ITEM(row, k, out);
            Py_DECREF(v);
            continue;
        }
        Py_XDECREF(out);
        if (q < 0 && pf_collect_error(p, s->name, &errors) < 0)
            goto fail;
    }
    if (errors == NULL)
        return 0;
    {
        int q = pf_row_failed(p, &r->failures, i, errors);
        PyList_SetItem(r->rows, i, Py_NewRef(Py_None)); /* drops the row */
        return q;
    }
fail:
    Py_XDECREF(errors);
    return -1;
}

/* A row that is no object: an error, once the rest has been read as JSON. */
static int
read_misshapen(Rows *r)
{
    PyObject *v;

    r->j.outer--;
    v = pf_json_value(&r->j);
    r->j.outer++;
    if (v == NULL)
        return -1;
    Py_DECREF(v);
    if (r->misshapen < 0)
        r->misshapen = PyList_GET_SIZE(r->rows);
    r->halted = 1;
    return PyList_Append(r->rows, Py_None);
}

static int
clean_next(Rows *r)
{
    int q = clean_row(r, r->cleaned++);

    r->halted = q != 0;
    return q;
}

/* Cleans what is left to clean; rows beyond the last error are dropped. */
static int
clean_rest(Rows *r)
{
    if (r->misshapen >= 0) {
        PyErr_Format(r->j.st->row_shape_error, "row %zd is not a JSON object", r->misshapen);
        return -1;
    }
    if (r->raised[0] != NULL) {
        PyErr_Restore(r->raised[0], r->raised[1], r->raised[2]);
        memset(r->raised, 0, sizeof r->raised);
        return -1;
    }
    while (!r->halted && r->cleaned < PyList_GET_SIZE(r->rows))
        if (clean_next(r) < 0)
            return -1;
    return PyList_SetSlice(r->rows, r->cleaned, PyList_GET_SIZE(r->rows), NULL);
}

static int
read_row(Rows *r)
{
    PyObject *row;
    int bad;

    pf_json_space(&r->j);
    if (r->j.p >= r->j.end)
        return malformed(r);
    if (*r->j.p != '{')
        return read_misshapen(r);
    r->j.p++;
    if (r->j.outer > r->j.limits.max_depth)
        return pf_json_limit_error(&r->j, "max_depth", r->j.limits.max_depth);
    if ((row = pf_row_new(r->plan)) == NULL)
        return -1;
    bad = read_members(r, row) < 0 || PyList_Append(r->rows, row) < 0;
    Py_DECREF(row);
    if (bad)
        return -1;
    /* cleaned while it is warm, unless its error could hide that what follows is no JSON */
    if (r->plan->pure && !r->forbid && !r->failures.first_only && !r->halted
        && clean_next(r) < 0)
        PyErr_Fetch(&r->raised[0], &r->raised[1], &r->raised[2]);
    return 0;
}

static int
read_array(Rows *r)
{
    r->j.p++;
    pf_json_space(&r->j);
    if (r->j.p < r->j.end && *r->j.p == ']') {
        r->j.p++;
        return 0;
    }
    for (Py_ssize_t n = 1;; n++) {
        if (read_row(r) < 0)
            return -1;
        if (n > r->j.limits.max_items)
            return pf_json_limit_error(&r->j, "max_items", r->j.limits.max_items);
        if ((n & 4095) == 0 && PyErr_CheckSignals() < 0)
            return -1;
        pf_json_space(&r->j);
        if (r->j.p >= r->j.end)
            return malformed(r);
        if (*r->j.p == ']') {
            r->j.p++;
            return 0;
        }
        if (*r->j.p++ != ',')
            return malformed(r);
    }
}

/* Neither the array nor the object that is asked for, if it is JSON at all. */
static int
read_another(Rows *r, int many)
{
    PyObject *v = pf_json_value(&r->j);

    if (v == NULL)
        return -1;
    Py_DECREF(v);
    pf_json_space(&r->j);
    if (r->j.p != r->j.end)
        return malformed(r);
    PyErr_SetString(r->j.st->row_shape_error,
                    many ? "expected a JSON array of objects" : "expected a JSON object");
    return -1;
}

static int
forbidden(Rows *r)
{
    return r->misshapen < 0 && r->forbid && PyDict_GET_SIZE(r->extra) > 0;
}

/* 0 done, 1 unknown keys and they are forbidden, -1 */
static int
read_all(Rows *r, int many)
{
    PfJson *j = &r->j;

    if (j->end - j->p > j->limits.max_bytes)
        return pf_json_limit_error(j, "max_bytes", j->limits.max_bytes);
    if (j->end - j->p >= 2 && (j->p[0] == 0 || j->p[1] == 0))
        return malformed(r); /* UTF-16 or UTF-32: json.loads knows */
    pf_json_space(j);
    if (j->p >= j->end)
        return malformed(r);
    if (many < 0)
        many = *j->p == '[';
    if (*j->p != (many ? '[' : '{'))
        return read_another(r, many);
    j->outer = many ? 2 : 1;
    if ((many ? read_array(r) : read_row(r)) < 0)
        return -1;
    pf_json_space(j);
    if (j->p != j->end)
        return malformed(r);
    return forbidden(r) ? 1 : clean_rest(r);
}

static int
rows_init(Rows *r, PfPlan *p, Py_buffer *data, PyObject *limits_arg, PyObject *extra,
          int python)
{
    PfLimits limits;

    *r = (Rows){.plan = p, .misshapen = -1};
    if (pf_json_limits(limits_arg, &limits) < 0)
        return -1;
    pf_json_init(&r->j, p->st, data->buf, data->len, limits, python);
    r->extra = PyDict_Check(extra) ? extra : NULL;
    r->rows = PyList_New(0);
    r->failures.by_row = PyDict_New();
    return r->rows == NULL || r->failures.by_row == NULL ? -1 : 0;
}

/* parse_json(data, many, extra, forbid, python, limits, first_only, max_errors)
   -> (rows, errors), NotImplemented when json.loads must say what is wrong, or None
   when unknown keys are forbidden and `extra` names them */
PyObject *
pf_plan_parse_json(PyObject *self, PyObject *args)
{
    PfPlan *p = (PfPlan *)self;
    PyObject *extra, *limits, *result = NULL;
    Py_buffer data;
    Rows r;
    int many, forbid, python, first_only, q = -1;
    Py_ssize_t max_errors;

    if (!PyArg_ParseTuple(args, "y*iOppO!pn", &data, &many, &extra, &forbid, &python,
                          &PyTuple_Type, &limits, &first_only, &max_errors))
        return NULL;
    if (rows_init(&r, p, &data, limits, extra, python) == 0) {
        r.forbid = forbid && r.extra != NULL;
        r.failures.first_only = first_only;
        r.failures.limit = max_errors;
        q = read_all(&r, many);
    }
    if (q == 0) {
        pf_plan_count_rows(p, r.cleaned);
        pf_rows_done(r.rows);
        result = Py_BuildValue("OO", r.rows, r.failures.by_row);
    }
    else if (q == 1) {
        result = Py_NewRef(Py_None);
    }
    else if (r.j.malformed && !PyErr_Occurred()) {
        result = Py_NewRef(Py_NotImplemented);
    }
    pf_json_clear(&r.j);
    for (int i = 0; i < 3; i++)
        Py_XDECREF(r.raised[i]);
    Py_XDECREF(r.rows);
    Py_XDECREF(r.failures.by_row);
    PyBuffer_Release(&data);
    return result;
}
