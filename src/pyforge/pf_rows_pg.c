/* Cells of a psycopg PGresult in text format → JSON.

   Only psycopg's public get_value is used. Each reader returns 1 written, 0 not sure,
   -1 error; not sure means the cell goes through its stock loader and Django's
   converters, so infinity, BC, huge years, array bounds and odd intervals come out as
   Django has them. A reader that gives up has put `w->out.p` back where it was. */
#include "pf_cells.h"
#include "pf_scan.h"

static int write_cell(PfWriter *w, int code, long param, const char *s, Py_ssize_t n);

static int
done(int r)
{
    return r < 0 ? -1 : 1;
}

/* -- Scalars ------------------------------------------------------------------ */

static int
write_int(PfWriter *w, const char *s, Py_ssize_t n)
{
    Py_ssize_t i = n > 0 && s[0] == '-';

    if (i == n || n > 20 || (s[i] == '0' && n > 1))
        return 0; /* -0 and 05 are no integers of a server's */
    for (; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return 0;
    return done(pf_write_lit(w, s, (size_t)n));
}

static int
write_float(PfWriter *w, const char *s, Py_ssize_t n)
{
    double v;
    return pf_scan_double(s, n, &v) ? done(pf_write_float(w, v)) : 0;
}

/* str(Decimal(text)) is the text itself unless it starts 0.000000 */
static int
write_numeric(PfWriter *w, const char *s, Py_ssize_t n)
{
    PfDigits d;
    const char *p = s + (n > 0 && s[0] == '-');

    if (n < 1 || n > 200 || *p < '0' || *p > '9' || !pf_scan_decimal(s, n, &d)
        || s[n - 1] == '.')
        return 0;
    if (d.decimals > 6 && *p == '0')
        return 0;
    if (pf_out_room(&w->out, (size_t)n + 2) < 0)
        return -1;
    *w->out.p++ = '"';
    memcpy(w->out.p, s, (size_t)n);
    w->out.p += n;
    *w->out.p++ = '"';
    return 1;
}

static int
write_stamp(PfWriter *w, const char *s, Py_ssize_t n, int utc)
{
    PfStamp t;
    PyObject *v;
    int r;

    if (utc) { /* "+00" and nothing else: the server's TimeZone is UTC */
        if (n < 22 || memcmp(s + n - 3, "+00", 3) != 0)
            return 0;
        n -= 3;
    }
    if (n < 19 || !pf_scan_stamp(s, n, &t) || t.has_offset)
        return 0;
    if (!w->style->drf) { /* the text is nearly the answer */
        char *p;
        if (pf_out_room(&w->out, 32) < 0)
            return -1;
        p = w->out.p;
        *p++ = '"';
        memcpy(p, s, 10);
        p[10] = 'T';
        memcpy(p + 11, s + 11, 8);
        p += 19;
        if (t.us != 0) {
            *p++ = '.';
            *p++ = (char)('0' + t.us / 100000);
            p = pf_put_2(p, t.us / 1000 % 100);
        }
        if (utc)
            *p++ = 'Z';
        *p++ = '"';
        w->out.p = p;
        return 1;
    }
    if ((v = pf_make_datetime(&t)) == NULL)
        return 0;
    r = pf_write_datetime_as(w, v, utc);
    Py_DECREF(v);
    return done(r);
}

static int
write_time(PfWriter *w, const char *s, Py_ssize_t n)
{
    PfStamp t;
    PyObject *v;
    int r;

    if (n < 8 || !pf_scan_clock(s, n, &t) || (v = pf_make_time(&t)) == NULL)
        return 0;
    r = pf_write_time(w, v);
    Py_DECREF(v);
    return done(r);
}

/* "[-]D day[s] [-]HH:MM:SS[.f]" or either half; years and months are left to psycopg */
static int
write_interval(PfWriter *w, const char *s, Py_ssize_t n)
{
    const char *end = s + n, *space;
    int64_t days = 0, seconds = 0;
    PfStamp t = {0};
    int negative;

    if (w->style->drf)
        return 0;
    if ((space = memchr(s, ' ', (size_t)n)) != NULL) {
        if (space - s > 9 || !pf_scan_i64(s, space - s, &days))
            return 0;
        s = space + 1;
        if (end - s < 3 || memcmp(s, "day", 3) != 0)
            return 0;
        s += 3;
        if (s < end && *s == 's')
            s++;
        if (s == end)
            return done(pf_write_duration(w, days, 0, 0));
        if (*s++ != ' ')
            return 0;
    }
    negative = s < end && (*s == '-' || *s == '+') ? *s++ == '-' : 0;
    if (end - s < 8 || s[2] != ':' || !pf_scan_clock(s, end - s, &t))
        return 0; /* hours of three digits too: rare, and psycopg reads them */
    seconds = t.hour * 3600 + t.minute * 60 + t.second;
    if (negative && (seconds != 0 || t.us != 0)) {
        if (t.us != 0) {
            t.us = 1000000 - t.us;
            seconds++;
        }
        seconds = 86400 - seconds;
        days--;
        if (seconds == 86400) {
            seconds = 0;
            days++;
        }
    }
    return done(pf_write_duration(w, days, seconds, t.us));
}

static int
write_uuid(PfWriter *w, const char *s, Py_ssize_t n)
{
    unsigned char b[16];

    if (n != 36 || !pf_scan_uuid(s, n, b))
        return 0;
    return done(pf_write_ascii(w, s, 36));
}

/* -- Quoted parts: hstore and array items ------------------------------------- */

/* A quoted item from s (at the opening quote): unescaped into buf, its length in *len.
   Returns what follows the closing quote, or NULL. */
static const char *
unquote(const char *s, const char *end, PfOut *buf, size_t *len)
{
    buf->p = PyBytes_AS_STRING(buf->bytes);
    if (pf_out_room(buf, (size_t)(end - s)) < 0)
        return NULL;
    for (s++; s < end && *s != '"'; s++) {
        if (*s == '\\' && ++s == end)
            return NULL;
        *buf->p++ = *s;
    }
    *len = pf_out_size(buf);
    return s < end ? s + 1 : NULL;
}

/* The same when nothing is escaped: no copy. */
static const char *
quoted_span(const char *s, const char *end, const char **text, size_t *len)
{
    const char *close = memchr(s + 1, '"', (size_t)(end - s - 1));

    if (close == NULL || memchr(s, '\\', (size_t)(close - s)) != NULL)
        return NULL;
    *text = s + 1;
    *len = (size_t)(close - s - 1);
    return close + 1;
}

static const char *
quoted(const char *s, const char *end, PfOut *buf, const char **text, size_t *len)
{
    const char *next;

    if (s >= end || *s != '"')
        return NULL;
    if ((next = quoted_span(s, end, text, len)) != NULL)
        return next;
    if (buf->bytes == NULL && pf_out_init(buf, 256) < 0)
        return NULL;
    next = unquote(s, end, buf, len);
    *text = PyBytes_AS_STRING(buf->bytes);
    return next;
}

/* -- hstore ------------------------------------------------------------------- */

/* What follows the two bytes of `sign` at s, or NULL when they aren't there. */
static const char *
after(const char *s, const char *end, const char *sign)
{
    return end - s >= 2 && memcmp(s, sign, 2) == 0 ? s + 2 : NULL;
}

static int
put_sep(PfWriter *w, PyObject *sep)
{
    return pf_out_put(&w->out, PyBytes_AS_STRING(sep), (size_t)PyBytes_GET_SIZE(sep));
}

static int
write_hstore(PfWriter *w, const char *s, Py_ssize_t n)
{
    const char *end = s + n, *text;
    PfOut buf = {0};
    size_t len;
    int r = pf_out_char(&w->out, '{');

    for (int first = 1; r == 0 && s != NULL && s < end; first = 0) {
        if (!first)
            s = after(s, end, ", ");
        if (s == NULL || (s = quoted(s, end, &buf, &text, &len)) == NULL
            || (s = after(s, end, "=>")) == NULL)
            break;
        r = (!first && put_sep(w, w->style->item_sep) < 0)
            || pf_write_utf8(w, text, len) < 0 || put_sep(w, w->style->key_sep) < 0;
        if (r != 0)
            break;
        if (end - s >= 4 && memcmp(s, "NULL", 4) == 0) {
            r = pf_write_lit(w, "null", 4);
            s += 4;
        }
        else if ((s = quoted(s, end, &buf, &text, &len)) != NULL) {
            r = pf_write_utf8(w, text, len);
        }
    }
    pf_out_clear(&buf);
    if (r != 0 || PyErr_Occurred())
        return -1;
    return s == end ? done(pf_out_char(&w->out, '}')) : 0;
}

/* -- Arrays ------------------------------------------------------------------- */

typedef struct {
    PfWriter *w;
    PfOut buf;
    const char *end;
    int code;
} ArrayRead;

/* One unquoted item up to , or }. */
static const char *
array_bare(ArrayRead *a, const char *s, int *r)
{
    const char *start = s;

    while (s < a->end && *s != ',' && *s != '}' && *s != '\\' && *s != '"' && *s != '{')
        s++;
    if (s == a->end || (*s != ',' && *s != '}') || s == start)
        return NULL;
    if (s - start == 4 && memcmp(start, "NULL", 4) == 0)
        *r = pf_write_lit(a->w, "null", 4) < 0 ? -1 : 1;
    else
        *r = write_cell(a->w, a->code, 0, start, s - start);
    return s;
}

/* From the opening brace; returns what follows the closing one, or NULL (see *r). */
static const char *
array_level(ArrayRead *a, const char *s, int depth, int *r)
{
    const char *text;
    size_t len;

    *r = 1;
    if (s >= a->end || *s++ != '{' || depth > 6)
        return NULL;
    if ((*r = done(pf_out_char(&a->w->out, '['))) < 0)
        return NULL;
    for (int first = 1; s != NULL && s < a->end && *s != '}'; first = 0) {
        if (!first) {
            if (*s++ != ',')
                return NULL;
            if ((*r = done(put_sep(a->w, a->w->style->item_sep))) < 0)
                return NULL;
        }
        if (s < a->end && *s == '{') {
            s = array_level(a, s, depth + 1, r);
        }
        else if (s < a->end && *s == '"') {
            if ((s = quoted(s, a->end, &a->buf, &text, &len)) != NULL)
                *r = write_cell(a->w, a->code, 0, text, (Py_ssize_t)len);
        }
        else {
            s = array_bare(a, s, r);
        }
        if (*r != 1)
            return NULL;
    }
    if (s == NULL || s >= a->end)
        return NULL;
    *r = done(pf_out_char(&a->w->out, ']'));
    return *r < 0 ? NULL : s + 1;
}

static int
write_array(PfWriter *w, int code, const char *s, Py_ssize_t n)
{
    ArrayRead a = {.w = w, .end = s + n, .code = code};
    int r;
    const char *rest = array_level(&a, s, 0, &r);

    pf_out_clear(&a.buf);
    if (r < 0 || PyErr_Occurred())
        return -1;
    return rest != NULL && rest == s + n ? 1 : 0;
}

/* -- One cell, one row -------------------------------------------------------- */

static int
write_cell(PfWriter *w, int code, long param, const char *s, Py_ssize_t n)
{
    PfStamp t;

    switch ((PfCell)code) {
    case PF_CELL_INT: return write_int(w, s, n);
    case PF_CELL_FLOAT: return write_float(w, s, n);
    case PF_CELL_NUMERIC: return w->style->drf ? 0 : write_numeric(w, s, n);
    case PF_CELL_TEXT: return done(pf_write_utf8(w, s, (size_t)n));
    case PF_CELL_BOOL:
        if (n != 1 || (*s != 't' && *s != 'f'))
            return 0;
        return done(*s == 't' ? pf_write_lit(w, "true", 4) : pf_write_lit(w, "false", 5));
    case PF_CELL_DATE:
        return pf_scan_date(s, n, &t) ? done(pf_write_ascii(w, s, 10)) : 0;
    case PF_CELL_DATETIME: return write_stamp(w, s, n, 0);
    case PF_CELL_DATETIME_UTC: return write_stamp(w, s, n, 1);
    case PF_CELL_TIME: return write_time(w, s, n);
    case PF_CELL_DURATION: return write_interval(w, s, n);
    case PF_CELL_UUID: return write_uuid(w, s, n);
    case PF_CELL_JSON: return done(pf_write_json_cell(w, s, (size_t)n));
    case PF_CELL_HSTORE: return write_hstore(w, s, n);
    case PF_CELL_ARRAY: return write_array(w, (int)param, s, n);
    default: return 0;
    }
}

static int
write_result_cell(PfWriter *w, PfCells *c, Py_ssize_t i, PyObject *raw)
{
    size_t before = pf_out_size(&w->out);
    int r = 0;

    if (raw == Py_None && c->codes[i] != PF_CELL_CONVERT)
        return pf_write_lit(w, "null", 4);
    if (PyBytes_CheckExact(raw))
        r = write_cell(w, c->codes[i], PyLong_AsLong(PyTuple_GET_ITEM(c->params, i)),
                       PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw));
    if (r != 0)
        return r < 0 ? -1 : 0;
    w->out.p = PyBytes_AS_STRING(w->out.bytes) + before;
    return pf_cells_convert(c, w, i, raw);
}

static int
write_result_row(PfWriter *w, PfEncoder *e, PfCells *c, PyObject *get_value,
                 PyObject *row, PyObject **indexes)
{
    for (Py_ssize_t i = 0; i < c->n; i++) {
        PyObject *raw, *call[3] = {NULL, row, indexes[i]};
        int r;
        if (pf_out_key(&w->out, e->columns[i].key, e->columns[i].key_size) < 0)
            return -1;
        raw = PyObject_Vectorcall(get_value, call + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                  NULL);
        if (raw == NULL)
            return -1;
        r = write_result_cell(w, c, i, raw);
        Py_DECREF(raw);
        if (r < 0)
            return -1;
    }
    return pf_out_char(&w->out, '}');
}

/* Column numbers as Python ints, made once a call. */
static PyObject **
make_indexes(Py_ssize_t n)
{
    PyObject **indexes = PyMem_Calloc((size_t)n + 1, sizeof *indexes);

    for (Py_ssize_t i = 0; indexes != NULL && i < n; i++)
        if ((indexes[i] = PyLong_FromSsize_t(i)) == NULL) {
            while (i-- > 0)
                Py_DECREF(indexes[i]);
            PyMem_Free(indexes);
            return NULL;
        }
    return indexes;
}

static int
write_result(PfWriter *w, PfEncoder *e, PfCells *c, PyObject *get_value, Py_ssize_t first,
             Py_ssize_t last, const PfFrame *frame)
{
    PyObject **indexes = make_indexes(c->n);
    int bad = 0;

    if (indexes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = first; !bad && i < last; i++) {
        PyObject *row = PyLong_FromSsize_t(i);
        bad = row == NULL || pf_writer_between(w, frame, i - first) < 0
              || write_result_row(w, e, c, get_value, row, indexes) < 0;
        Py_XDECREF(row);
    }
    for (Py_ssize_t i = 0; i < c->n; i++)
        Py_DECREF(indexes[i]);
    PyMem_Free(indexes);
    return bad ? -1 : 0;
}

/* pg_rows(get_value, first, last, codes, params, converts, frame)
   -> (bytes, cells converted) */
PyObject *
pf_encoder_pg_rows(PyObject *self, PyObject *args)
{
    PfEncoder *e = (PfEncoder *)self;
    PyObject *get_value, *codes, *params, *converts, *frame_arg, *bytes;
    Py_ssize_t first, last;
    PfFrame frame;
    PfCells cells;
    PfWriter w;
    int bad = 0;

    if (!PyArg_ParseTuple(args, "OnnSO!O!O", &get_value, &first, &last, &codes,
                          &PyTuple_Type, &params, &PyTuple_Type, &converts, &frame_arg)
        || pf_frame_parse(frame_arg, &frame) < 0
        || pf_cells_init(&cells, e, codes, params, converts) < 0
        || pf_writer_begin(&w, e, last - first) < 0)
        return NULL;
    if (last <= first)
        bad = pf_write_lit(&w, frame.text[0], (size_t)frame.size[0]) < 0;
    else
        bad = write_result(&w, e, &cells, get_value, first, last, &frame) < 0;
    if (!bad)
        bad = pf_write_lit(&w, frame.text[2], (size_t)frame.size[2]) < 0;
    bytes = pf_writer_end(&w, e, last - first, !bad);
    return bytes == NULL ? NULL : Py_BuildValue("Nn", bytes, cells.converted);
}
