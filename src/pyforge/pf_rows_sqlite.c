/* Raw rows of Django's own sqlite3 cursor → JSON, without making the Python values
   that Django's converters would make.

   sqlite3 gives text, int, float, and (through Django's PARSE_DECLTYPES converters)
   bool, date and naive datetime. Each writer below returns 1 written, 0 not sure,
   -1 error; not sure means the column's converters are called for that cell. */
#include <math.h>

#include "cpyext_compat/cpy_dictref.h"
#include "pf_cells.h"
#include "pf_scan.h"

int
pf_cells_init(PfCells *c, PfEncoder *e, PyObject *codes, PyObject *params,
              PyObject *converts)
{
    Py_ssize_t n = e->n_columns;

    if (PyBytes_GET_SIZE(codes) != n || PyTuple_GET_SIZE(params) != n
        || PyTuple_GET_SIZE(converts) != n) {
        PyErr_SetString(PyExc_ValueError, "one code, parameter and converter a column");
        return -1;
    }
    *c = (PfCells){PyBytes_AS_STRING(codes), params, converts, n, 0};
    for (Py_ssize_t i = 0; i < n; i++) {
        if ((unsigned char)c->codes[i] >= PF_CELL_COUNT) {
            PyErr_SetString(PyExc_ValueError, "unknown cell code");
            return -1;
        }
    }
    return 0;
}

int
pf_cells_convert(PfCells *c, PfWriter *w, Py_ssize_t i, PyObject *raw)
{
    PyObject *convert = PyTuple_GET_ITEM(c->converts, i), *value;
    int r;

    if (convert == Py_None)
        return pf_write_value(w, raw);
    c->converted++;
    if ((value = PyObject_CallOneArg(convert, raw)) == NULL)
        return -1;
    r = pf_write_value(w, value);
    Py_DECREF(value);
    return r;
}

static int
done(int r)
{
    return r < 0 ? -1 : 1;
}

/* -- Times -------------------------------------------------------------------- */

static int
ascii_text(PyObject *v, const char **s, Py_ssize_t *n)
{
    if (!PyUnicode_CheckExact(v) || !PyUnicode_IS_ASCII(v))
        return 0;
    *s = PyUnicode_DATA(v);
    *n = PyUnicode_GET_LENGTH(v);
    return 1;
}

/* Checked text goes out as it is, cut to milliseconds. */
static int
write_stamp_text(PfWriter *w, const char *s, Py_ssize_t n, int utc)
{
    PfStamp t;
    PyObject *v;
    int r;

    if (!pf_scan_stamp(s, n, &t) || t.has_offset)
        return 0;
    if ((v = pf_make_datetime(&t)) == NULL)
        return 0;
    r = pf_write_datetime_as(w, v, utc);
    Py_DECREF(v);
    return done(r);
}

static int
write_datetime_cell(PfWriter *w, PyObject *v, int utc)
{
    const char *s;
    Py_ssize_t n;

    if (Py_TYPE(v) == PyDateTimeAPI->DateTimeType) {
        if (!utc && PyDateTime_DATE_GET_TZINFO(v) != Py_None)
            return 0;
        return done(pf_write_datetime_as(w, v, utc));
    }
    return ascii_text(v, &s, &n) ? write_stamp_text(w, s, n, utc) : 0;
}

static int
write_date_cell(PfWriter *w, PyObject *v)
{
    const char *s;
    Py_ssize_t n;
    PfStamp t;

    if (Py_TYPE(v) == PyDateTimeAPI->DateType)
        return done(pf_write_date(w, v));
    if (!ascii_text(v, &s, &n) || !pf_scan_date(s, n, &t))
        return 0;
    return done(pf_write_ascii(w, s, 10));
}

static int
write_time_cell(PfWriter *w, PyObject *v)
{
    const char *s;
    Py_ssize_t n;
    PfStamp t;
    PyObject *time;
    int r;

    if (!ascii_text(v, &s, &n) || !pf_scan_clock(s, n, &t))
        return 0;
    if ((time = pf_make_time(&t)) == NULL)
        return 0;
    r = pf_write_time(w, time);
    Py_DECREF(time);
    return done(r);
}

static int
write_duration_cell(PfWriter *w, PyObject *v)
{
    int64_t us, days;

    if (!PyLong_CheckExact(v))
        return 0;
    us = PyLong_AsLongLong(v);
    if (us == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    days = us / 86400000000;
    us %= 86400000000;
    if (us < 0) {
        us += 86400000000;
        days -= 1;
    }
    if (days <= -999999999 || days > 999999999)
        return 0;
    return done(pf_write_duration(w, days, us / 1000000, (int)(us % 1000000)));
}

/* -- Decimal ------------------------------------------------------------------

   Django: Context(prec=15).create_decimal_from_float(v).quantize(places). A double
   that is the nearest one to m / 10**places, with m of 15 digits at most, becomes
   exactly m / 10**places by that; anything else goes to Django. */
static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static int
write_scaled(PfWriter *w, int64_t m, int places)
{
    char digits[24], *p;
    uint64_t u = m < 0 ? 0 - (uint64_t)m : (uint64_t)m;
    int n = (int)(pf_put_i64(digits, (int64_t)u) - digits);

    if (pf_out_room(&w->out, 48) < 0)
        return -1;
    p = w->out.p;
    *p++ = '"';
    if (m < 0)
        *p++ = '-';
    if (n <= places) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)(places - n));
        p += places - n;
        memcpy(p, digits, (size_t)n);
        p += n;
    }
    else {
        memcpy(p, digits, (size_t)(n - places));
        p += n - places;
        if (places > 0) {
            *p++ = '.';
            memcpy(p, digits + n - places, (size_t)places);
            p += places;
        }
    }
    *p++ = '"';
    w->out.p = p;
    return 0;
}

/* param: places + 100 * max_digits */
static int
write_decimal_cell(PfWriter *w, PyObject *v, long param)
{
    long places = param % 100, max_digits = param / 100;
    double x, scaled, m;

    /* str(Decimal) turns to exponents beyond six zeros: 0.0000001 is 1E-7 */
    if (places > 6 || max_digits < 1)
        return 0;
    if (PyFloat_CheckExact(v))
        x = PyFloat_AS_DOUBLE(v);
    else if (PyLong_CheckExact(v)) {
        x = PyLong_AsDouble(v);
        if (x == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            return 0;
        }
    }
    else
        return 0;
    if (!(fabs(x) < 1e15) || (x == 0 && signbit(x)))
        return 0;
    scaled = x * powers[places];
    m = rint(scaled);
    if (!(fabs(m) < 1e15) || m / powers[places] != x
        || (max_digits < 15 && fabs(m) >= powers[max_digits]))
        return 0;
    return done(write_scaled(w, (int64_t)m, (int)places));
}

/* -- UUID, bool, JSON --------------------------------------------------------- */

static int
write_uuid_cell(PfWriter *w, PyObject *v)
{
    const char *s;
    Py_ssize_t n;
    unsigned char b[16];

    if (!ascii_text(v, &s, &n) || !pf_scan_uuid(s, n, b))
        return 0;
    return done(pf_write_uuid_bytes(w, b));
}

static int
write_bool_cell(PfWriter *w, PyObject *v)
{
    int yes;

    if (PyBool_Check(v))
        yes = v == Py_True;
    else if (PyLong_CheckExact(v)) {
        int64_t x = PyLong_AsLongLong(v);
        if (x == -1 && PyErr_Occurred())
            PyErr_Clear();
        if (x != 0 && x != 1)
            return 0;
        yes = (int)x;
    }
    else
        return 0;
    return done(yes ? pf_write_lit(w, "true", 4) : pf_write_lit(w, "false", 5));
}

static int
write_json_cell(PfWriter *w, PyObject *v)
{
    const char *s;
    Py_ssize_t n;

    if (!PyUnicode_CheckExact(v))
        return 0;
    if (PyUnicode_IS_ASCII(v) && ascii_text(v, &s, &n))
        return done(pf_write_json_cell(w, s, (size_t)n));
    return 0;
}

/* -- Rows --------------------------------------------------------------------- */

static int
write_raw(PfWriter *w, PfCells *c, Py_ssize_t i, PyObject *v)
{
    switch ((PfCell)c->codes[i]) {
    case PF_CELL_DATETIME: return write_datetime_cell(w, v, 0);
    case PF_CELL_DATETIME_UTC: return write_datetime_cell(w, v, 1);
    case PF_CELL_DATE: return write_date_cell(w, v);
    case PF_CELL_TIME: return write_time_cell(w, v);
    case PF_CELL_DECIMAL:
        return write_decimal_cell(w, v, PyLong_AsLong(PyTuple_GET_ITEM(c->params, i)));
    case PF_CELL_UUID: return write_uuid_cell(w, v);
    case PF_CELL_BOOL: return write_bool_cell(w, v);
    case PF_CELL_JSON: return write_json_cell(w, v);
    case PF_CELL_DURATION: return write_duration_cell(w, v);
    default: return 0;
    }
}

static int
write_row(PfWriter *w, PfEncoder *e, PfCells *c, PyObject *row)
{
    if (!PyTuple_Check(row) || PyTuple_GET_SIZE(row) != c->n) {
        PyErr_Format(e->st->row_shape_error, "raw row must be a tuple of %zd values", c->n);
        return -1;
    }
    for (Py_ssize_t i = 0; i < c->n; i++) {
        PyObject *v = PyTuple_GET_ITEM(row, i);
        int r;
        if (pf_out_key(&w->out, e->columns[i].key, e->columns[i].key_size) < 0)
            return -1;
        if (c->codes[i] == PF_CELL_ANY)
            r = done(pf_write_value(w, v));
        else if (v == Py_None && PyTuple_GET_ITEM(c->converts, i) == Py_None)
            r = done(pf_write_lit(w, "null", 4));
        else if (v == Py_None && c->codes[i] != PF_CELL_CONVERT)
            r = done(pf_write_lit(w, "null", 4));
        else
            r = write_raw(w, c, i, v);
        if (r == 0)
            r = done(pf_cells_convert(c, w, i, v));
        if (r < 0)
            return -1;
    }
    return pf_out_char(&w->out, '}');
}

/* sqlite_rows(rows, codes, params, converts, frame) -> (bytes, cells converted) */
PyObject *
pf_encoder_sqlite_rows(PyObject *self, PyObject *args)
{
    PfEncoder *e = (PfEncoder *)self;
    PyObject *rows, *codes, *params, *converts, *frame_arg, *bytes, *row;
    PfFrame frame;
    PfCells cells;
    PfWriter w;
    Py_ssize_t count = 0;
    int bad = 0;

    if (!PyArg_ParseTuple(args, "O!SO!O!O", &PyList_Type, &rows, &codes, &PyTuple_Type,
                          &params, &PyTuple_Type, &converts, &frame_arg)
        || pf_frame_parse(frame_arg, &frame) < 0
        || pf_cells_init(&cells, e, codes, params, converts) < 0
        || pf_writer_begin(&w, e, PyList_GET_SIZE(rows)) < 0)
        return NULL;
    for (; !bad && (row = cpy_list_get(rows, count)) != NULL; count++) {
        bad = pf_writer_between(&w, &frame, count) < 0 || write_row(&w, e, &cells, row) < 0;
        Py_DECREF(row);
    }
    if (!bad && count == 0)
        bad = pf_write_lit(&w, frame.text[0], (size_t)frame.size[0]) < 0;
    if (!bad)
        bad = pf_write_lit(&w, frame.text[2], (size_t)frame.size[2]) < 0;
    bytes = pf_writer_end(&w, e, count, !bad);
    return bytes == NULL ? NULL : Py_BuildValue("Nn", bytes, cells.converted);
}
