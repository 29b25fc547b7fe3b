/* Walks a plan over values, rows and instances.

   A value is accepted when C is sure that Field.clean would return what we return.
   Anything else is handed over: a value C doesn't understand to the field's own clean,
   a validator that would refuse to the live validator, in its place. No value is ever
   refused here; errors are always Django's. */
#include <math.h>
#include <string.h>

#include "cpyext_compat/cpy_dictref.h"
#include "pf_plan.h"
#include "pf_scan.h"

/* What to_python learned and the validators may use. */
typedef struct {
    PfDigits digits;
    int has_digits;
} Facts;

enum { PUNT = 0,
       TAKEN = 1 };

/* -- Emptiness ---------------------------------------------------------------- */

/* Types whose values equal none of None, "", b"", [], (), {} unless they are empty bytes */
static int
is_scalar(const PfState *st, PyObject *v)
{
    PyTypeObject *t = Py_TYPE(v);

    return t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type
           || t == PyDateTimeAPI->DateTimeType || t == PyDateTimeAPI->DateType
           || t == PyDateTimeAPI->TimeType || t == PyDateTimeAPI->DeltaType
           || t == st->decimal_type || t == st->uuid_type || t == &PyBytes_Type;
}

/* value in field.empty_values; -1 on error */
static int
is_empty(const PfState *st, const PfStep *s, PyObject *v)
{
    if (s->kind == PF_KIND_DYNAMIC) /* the list may hold anything */
        return PySequence_Contains(s->empty_values, v);
    if (v == Py_None)
        return 1;
    /* what has a length is only empty without it, and then the field's list decides */
    if (PyUnicode_CheckExact(v)) {
        if (PyUnicode_GET_LENGTH(v) != 0)
            return 0;
    }
    else if (PyBytes_CheckExact(v)) {
        if (PyBytes_GET_SIZE(v) != 0)
            return 0;
    }
    else if (is_scalar(st, v))
        return 0;
    return PySequence_Contains(s->empty_values, v);
}

/* -- to_python, per kind: TAKEN with *out new, PUNT, or -1 -------------------- */

static int
take_same(PyObject *v, PyObject **out)
{
    *out = Py_NewRef(v);
    return TAKEN;
}

static int
take_made(PyObject *v, PyObject **out)
{
    *out = v;
    return v != NULL ? TAKEN : PUNT;
}

static int
ascii_text(PyObject *v, const char **s, Py_ssize_t *n)
{
    if (!PyUnicode_CheckExact(v) || !PyUnicode_IS_ASCII(v))
        return 0;
    *s = PyUnicode_DATA(v);
    *n = PyUnicode_GET_LENGTH(v);
    return 1;
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
    if (!ascii_text(v, &s, &n) || !pf_scan_i64(s, n, &x))
        return PUNT;
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
            return PUNT;
        }
        return take_made(PyFloat_FromDouble(x), out);
    }
    if (!ascii_text(v, &s, &n) || !pf_scan_double(s, n, &x))
        return PUNT;
    return take_made(PyFloat_FromDouble(x), out);
}

/* Digits of a Decimal, by its text; only plain spellings are understood. */
static int
decimal_facts(PyObject *v, Facts *f)
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
take_decimal(PfState *st, PyObject *v, PyObject **out, Facts *f)
{
    const char *s;
    Py_ssize_t n;

    if (pf_is_decimal(st, v))
        return decimal_facts(v, f) ? take_same(v, out) : PUNT;
    if (PyLong_CheckExact(v)) {
        *out = PyObject_CallOneArg((PyObject *)st->decimal_type, v);
        if (*out == NULL || !decimal_facts(*out, f)) {
            PyErr_Clear();
            Py_CLEAR(*out);
        }
        return *out != NULL ? TAKEN : PUNT;
    }
    if (!ascii_text(v, &s, &n) || !pf_scan_decimal(s, n, &f->digits))
        return PUNT;
    f->has_digits = 1;
    *out = PyObject_CallOneArg((PyObject *)st->decimal_type, v);
    if (*out == NULL) /* a signal trap of the active context: Django's to report */
        PyErr_Clear();
    return *out != NULL ? TAKEN : PUNT;
}

static int
take_bool(const PfStep *s, PyObject *v, PyObject **out)
{
    const char *t;
    Py_ssize_t n;

    if (PyBool_Check(v))
        return take_same(v, out);
    if (v == Py_None)
        return s->null ? take_same(v, out) : PUNT;
    if (PyLong_CheckExact(v)) {
        int overflow;
        long x = PyLong_AsLongAndOverflow(v, &overflow);
        return overflow == 0 && (x == 0 || x == 1) ? take_made(PyBool_FromLong(x), out) : PUNT;
    }
    if (!ascii_text(v, &t, &n))
        return PUNT;
    if (n == 0)
        return s->null ? take_same(Py_None, out) : PUNT;
    if ((n == 1 && (*t == 't' || *t == '1')) || (n == 4 && memcmp(t, "True", 4) == 0))
        return take_same(Py_True, out);
    if ((n == 1 && (*t == 'f' || *t == '0')) || (n == 5 && memcmp(t, "False", 5) == 0))
        return take_same(Py_False, out);
    return PUNT;
}

static int
take_date(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    PfStamp t;

    if (Py_TYPE(v) == PyDateTimeAPI->DateType)
        return take_same(v, out);
    if (!ascii_text(v, &s, &n) || !pf_scan_date(s, n, &t))
        return PUNT;
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
    if (!ascii_text(v, &s, &n) || !pf_scan_stamp(s, n, &t))
        return PUNT;
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
    if (!ascii_text(v, &s, &n) || !pf_scan_clock(s, n, &t))
        return PUNT;
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
    if (!ascii_text(v, &s, &n) || n < 8 || !pf_scan_duration(s, n, &days, &t))
        return PUNT;
    *out = PyDelta_FromDSU((int)days, t.hour * 3600 + t.minute * 60 + t.second, t.us);
    if (*out == NULL)
        PyErr_Clear();
    return *out != NULL ? TAKEN : PUNT;
}

static int
take_uuid(PfState *st, PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    unsigned char b[16];

    if (Py_TYPE(v) == st->uuid_type)
        return take_same(v, out);
    if (!ascii_text(v, &s, &n) || !pf_scan_uuid(s, n, b))
        return PUNT;
    return take_made(pf_make_uuid(st, b), out);
}

static int
take_ip(PyObject *v, PyObject **out)
{
    const char *s;
    Py_ssize_t n;
    char canonical[48];
    int size;

    if (!ascii_text(v, &s, &n))
        return PUNT;
    if (n == 0 || pf_rule_ipv4(s, n) == PF_YES)
        return take_same(v, out);
    if ((size = pf_ipv6_canonical(s, n, canonical)) == 0)
        return PUNT;
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
        return PUNT;
    if ((dict = PyObject_GenericGetDict(v, NULL)) == NULL) {
        PyErr_Clear();
        return PUNT;
    }
    ok = cpy_dict_get(dict, st->s_name, &name) == 1 && PyUnicode_CheckExact(name)
         && PyUnicode_GET_LENGTH(name) > 0;
    Py_XDECREF(name);
    Py_DECREF(dict);
    PyErr_Clear();
    return ok ? take_same(v, out) : PUNT;
}

/* json.dumps would print it: exact types, text keys, bounded depth, small ints */
static int
is_json(PyObject *v, int depth)
{
    PyTypeObject *t = Py_TYPE(v);
    PyObject *key, *item;
    Py_ssize_t at = 0;
    int overflow;

    if (v == Py_None || t == &PyUnicode_Type || t == &PyFloat_Type || t == &PyBool_Type)
        return 1;
    if (t == &PyLong_Type) {
        PyLong_AsLongLongAndOverflow(v, &overflow);
        return overflow == 0;
    }
    if (depth > 60)
        return 0;
    if (t == &PyDict_Type) {
        while (PyDict_Next(v, &at, &key, &item))
            if (!PyUnicode_CheckExact(key) || !is_json(item, depth + 1))
                return 0;
        return 1;
    }
    if (t != &PyList_Type && t != &PyTuple_Type)
        return 0;
    for (; at < PySequence_Fast_GET_SIZE(v); at++)
        if (!is_json(PySequence_Fast_GET_ITEM(v, at), depth + 1))
            return 0;
    return 1;
}

static int
is_hstore(PyObject *v)
{
    PyObject *key, *item;
    Py_ssize_t at = 0;

    while (PyDict_Next(v, &at, &key, &item))
        if (item != Py_None && !PyUnicode_CheckExact(item))
            return 0;
    return 1;
}

static int
to_python(PfState *st, const PfStep *s, PyObject *v, PyObject **out, Facts *f)
{
    if (v == Py_None && s->kind != PF_KIND_BOOL)
        return take_same(v, out);
    switch ((PfKind)s->kind) {
    case PF_KIND_TEXT: return PyUnicode_CheckExact(v) ? take_same(v, out) : PUNT;
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
    case PF_KIND_JSON: return s->json_plain && is_json(v, 0) ? take_same(v, out) : PUNT;
    case PF_KIND_IP: return take_ip(v, out);
    case PF_KIND_BINARY: return PyBytes_CheckExact(v) ? take_same(v, out) : PUNT;
    case PF_KIND_FILE: return take_file(st, s, v, out);
    case PF_KIND_ARRAY: return PyList_CheckExact(v) ? take_same(v, out) : PUNT;
    case PF_KIND_HSTORE:
        return PyDict_CheckExact(v) && is_hstore(v) ? take_same(v, out) : PUNT;
    default: return PUNT;
    }
}

/* -- validate: choices, null, blank ------------------------------------------- */

static int
in_choices(PfState *st, const PfStep *s, PyObject *v)
{
    int r;

    if (!PyUnicode_CheckExact(v) && !is_scalar(st, v))
        return 0;
    r = PySet_Contains(s->choices, v);
    if (r < 0)
        PyErr_Clear();
    return r == 1;
}

/* Would Field.validate pass? Only C-sure answers count. */
static int
passes_validate(PfState *st, const PfStep *s, PyObject *v, int empty)
{
    if (!s->editable || s->kind == PF_KIND_AUTO)
        return 1;
    if (s->choices != NULL && !empty && in_choices(st, s, v))
        return 1;
    if (s->choices != NULL && !empty)
        return 0;
    if (v == Py_None && !s->null)
        return 0;
    return s->blank || !empty;
}

/* -- run_validators ----------------------------------------------------------- */

static PfVerdict
yes_or_no(int yes)
{
    return yes ? PF_YES : PF_NO;
}

/* len(v) against a limit */
static PfVerdict
check_length(const PfOp *op, PyObject *v)
{
    Py_ssize_t n;

    if (!op->is_int)
        return PF_UNSURE;
    if (PyUnicode_CheckExact(v))
        n = PyUnicode_GET_LENGTH(v);
    else if (PyBytes_CheckExact(v))
        n = PyBytes_GET_SIZE(v);
    else if (PyList_CheckExact(v))
        n = PyList_GET_SIZE(v);
    else
        return PF_UNSURE;
    return yes_or_no(op->code == PF_OP_MAX_LENGTH ? n <= op->number : n >= op->number);
}

static PfVerdict
check_bound(PfState *st, const PfOp *op, PyObject *v)
{
    int upper = op->code == PF_OP_MAX_VALUE, r;

    if (PyLong_CheckExact(v) && op->is_int) {
        int overflow;
        long long x = PyLong_AsLongLongAndOverflow(v, &overflow);
        if (overflow != 0)
            return yes_or_no(upper ? overflow < 0 : overflow > 0);
        return yes_or_no(upper ? x <= op->number : x >= op->number);
    }
    if (PyFloat_CheckExact(v) && op->is_float) {
        double x = PyFloat_AS_DOUBLE(v); /* the validator asks x > limit: NaN passes */
        return yes_or_no(upper ? !(x > op->real) : !(x < op->real));
    }
    if (op->arg == NULL || !is_scalar(st, v) || !is_scalar(st, op->arg))
        return PF_UNSURE;
    r = PyObject_RichCompareBool(v, op->arg, upper ? Py_GT : Py_LT);
    if (r < 0)
        PyErr_Clear();
    return r < 0 ? PF_UNSURE : yes_or_no(!r);
}

/* math.isclose(math.remainder(v, step), 0, abs_tol=1e-9), no offset */
static PfVerdict
check_step(const PfOp *op, PyObject *v)
{
    double x, step = op->is_int ? (double)op->number : op->real;
    int overflow;

    if (!op->is_int && !op->is_float)
        return PF_UNSURE;
    if (PyLong_CheckExact(v)) {
        long long i = PyLong_AsLongLongAndOverflow(v, &overflow);
        if (overflow != 0 || i > (1LL << 53) || i < -(1LL << 53))
            return PF_UNSURE;
        x = (double)i;
    }
    else if (PyFloat_CheckExact(v)) {
        x = PyFloat_AS_DOUBLE(v);
    }
    else {
        return PF_UNSURE;
    }
    if (!isfinite(x) || !isfinite(step) || step == 0)
        return PF_UNSURE;
    return yes_or_no(fabs(remainder(x, step)) <= 1e-9);
}

static PfVerdict
check_decimal(const PfOp *op, const Facts *f)
{
    int whole = f->digits.digits - f->digits.decimals;

    if (!f->has_digits)
        return PF_UNSURE;
    if (op->number >= 0 && f->digits.digits > op->number)
        return PF_NO;
    if (op->places >= 0 && f->digits.decimals > op->places)
        return PF_NO;
    return yes_or_no(op->number < 0 || op->places < 0 || whole <= op->number - op->places);
}

static PfVerdict
check_ip(const PfOp *op, PyObject *v)
{
    const char *s;
    Py_ssize_t n;
    PfVerdict four;

    if (!ascii_text(v, &s, &n)) /* beyond ASCII only a scope could be valid */
        return op->code == PF_OP_IPV4 ? PF_NO : PF_UNSURE;
    if (op->code == PF_OP_IPV6)
        return pf_rule_ipv6(s, n);
    four = pf_rule_ipv4(s, n);
    return four == PF_YES || op->code == PF_OP_IPV4 ? four : pf_rule_ipv6(s, n);
}

/* regex.search(value), the compiled pattern's own */
static PfVerdict
check_search(const PfOp *op, PyObject *v)
{
    PyObject *match = PyObject_CallOneArg(op->arg, v);
    int found = match != NULL && match != Py_None;

    if (match == NULL) {
        PyErr_Clear();
        return PF_UNSURE;
    }
    Py_DECREF(match);
    return yes_or_no(found != op->flag);
}

static PfVerdict
check_extension(PfState *st, const PfOp *op, PyObject *v)
{
    PyObject *name = PyUnicode_CheckExact(v) ? NULL : PyObject_GetAttr(v, st->s_name);
    PfVerdict r = PF_UNSURE;

    if (name != NULL && PyUnicode_CheckExact(name))
        r = pf_rule_extension(name, op->arg);
    PyErr_Clear();
    Py_XDECREF(name);
    return r;
}

static PfVerdict
check(PfState *st, const PfOp *op, PyObject *v, const Facts *f)
{
    PfVerdict r;

    switch ((PfOpCode)op->code) {
    case PF_OP_MAX_LENGTH:
    case PF_OP_MIN_LENGTH: return check_length(op, v);
    case PF_OP_MAX_VALUE:
    case PF_OP_MIN_VALUE: return check_bound(st, op, v);
    case PF_OP_STEP: return check_step(op, v);
    case PF_OP_DECIMAL: return check_decimal(op, f);
    case PF_OP_FILE_EXT: return check_extension(st, op, v);
    case PF_OP_CALL: return PF_UNSURE;
    default: break;
    }
    if (!PyUnicode_CheckExact(v))
        return PF_UNSURE;
    switch ((PfOpCode)op->code) {
    case PF_OP_EMAIL: return pf_rule_email(v, op->arg);
    case PF_OP_URL: return pf_rule_url(v, op->arg, (int)op->number);
    case PF_OP_DOMAIN: return pf_rule_domain(v, op->flag);
    case PF_OP_NO_NUL: return pf_rule_no_nul(v);
    case PF_OP_SEARCH: return check_search(op, v);
    case PF_OP_AUTOMATON:
        r = pf_dfa_search((PfDfa *)op->arg, v);
        return r == PF_UNSURE ? r : yes_or_no((r == PF_YES) != op->flag);
    default: return check_ip(op, v);
    }
}

/* The exception that is set, out of the way. -> new */
static PyObject *
take_error(void)
{
    PyObject *type, *error, *tb;

    PyErr_Fetch(&type, &error, &tb);
    PyErr_NormalizeException(&type, &error, &tb);
    Py_XDECREF(type);
    Py_XDECREF(tb);
    return error;
}

/* One live validator: its ValidationError goes to *raised. -1: another exception */
static int
run_live(PfPlan *p, const PfOp *op, PyObject *v, PyObject **raised)
{
    PyObject *r = PyObject_CallOneArg(op->validator, v), *error;
    int bad;

    if (r != NULL) {
        Py_DECREF(r);
        return 0;
    }
    if (!PyErr_ExceptionMatches(p->validation_error))
        return -1;
    error = take_error();
    bad = (*raised == NULL && (*raised = PyList_New(0)) == NULL)
          || PyList_Append(*raised, error) < 0;
    Py_DECREF(error);
    return bad ? -1 : 0;
}

/* Field.run_validators: every validator in its place, live where C doesn't say yes. */
static int
run_validators(PfPlan *p, PfStep *s, PyObject *v, const Facts *f)
{
    PyObject *raised = NULL, *r; /* owned */
    int bad = 0;

    for (Py_ssize_t i = 0; !bad && i < s->n_ops; i++) {
        const PfOp *op = &s->ops[i];
        PfVerdict verdict = check(p->st, op, v, f);
        if (verdict == PF_YES)
            continue;
        pf_count(verdict == PF_NO ? &s->refused : &s->called, 1);
        bad = run_live(p, op, v, &raised) < 0;
    }
    if (raised != NULL && !bad) {
        r = PyObject_CallOneArg(s->raise_collected, raised);
        Py_XDECREF(r);
        bad = 1;
    }
    Py_XDECREF(raised);
    return bad ? -1 : 0;
}

/* -- Array items -------------------------------------------------------------- */

/* An item passes base.validate and base.run_validators, by C alone. Items are not
   converted by Django, so only values already of the kind's type are understood. */
static int
item_passes(PfPlan *p, PfStep *s, PyObject *v)
{
    Facts f = {0};
    PyObject *same = NULL;
    int empty = 0, ok;

    if (s->kind == PF_KIND_ARRAY && PyList_CheckExact(v)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(v); i++)
            if (!item_passes(p, s->base, PyList_GET_ITEM(v, i)))
                return 0;
        if (s->base->kind == PF_KIND_ARRAY)
            return 0; /* three levels: lengths are Django's to compare */
    }
    if (to_python(p->st, s, v, &same, &f) != TAKEN)
        return 0;
    ok = same == v;
    Py_DECREF(same);
    if (!ok || (empty = is_empty(p->st, s, v)) != 0 || v == Py_None) {
        PyErr_Clear();
        return ok && empty == 1 && passes_validate(p->st, s, v, 1);
    }
    if (!passes_validate(p->st, s, v, 0))
        return 0;
    for (Py_ssize_t i = 0; i < s->n_ops; i++)
        if (s->ops[i].code == PF_OP_CALL || s->ops[i].code == PF_OP_SEARCH
            || check(p->st, &s->ops[i], v, &f) != PF_YES)
            return 0;
    return 1;
}

static int
items_pass(PfPlan *p, PfStep *s, PyObject *list)
{
    Py_ssize_t width = -1;

    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (!item_passes(p, s->base, item))
            return 0;
        if (s->base->kind == PF_KIND_ARRAY) {
            if (!PyList_CheckExact(item) || (width >= 0 && PyList_GET_SIZE(item) != width))
                return 0;
            width = PyList_GET_SIZE(item);
        }
    }
    return 1;
}

/* -- One value ---------------------------------------------------------------- */

static int
punt(PfClean *c, PfStep *s, PyObject *v, PyObject **out)
{
    PyObject *call[3] = {NULL, v, c->instance};

    pf_count(&s->punted, 1);
    *out = PyObject_Vectorcall(s->clean, call + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    return *out == NULL ? -1 : 0;
}

/* blank and empty, or a DatabaseDefault: Model.clean_fields leaves it alone */
static int
is_left_alone(PfClean *c, PfStep *s, PyObject *v)
{
    int r = s->blank ? is_empty(c->plan->st, s, v) : 0;

    if (r == 0 && c->plan->database_default != NULL && !PyUnicode_CheckExact(v)
        && !is_scalar(c->plan->st, v) && v != Py_None)
        r = PyObject_IsInstance(v, c->plan->database_default);
    return r;
}

int
pf_step_clean(PfClean *c, PfStep *s, PyObject *v, PyObject **out)
{
    PfPlan *p = c->plan;
    Facts f = {0};
    int r, empty;

    *out = NULL;
    if (c->skip_blank && (r = is_left_alone(c, s, v)) != 0) {
        *out = r > 0 ? Py_NewRef(v) : NULL;
        return r;
    }
    if (to_python(p->st, s, v, out, &f) != TAKEN)
        return punt(c, s, v, out);
    empty = is_empty(p->st, s, *out);
    if (empty < 0 || !passes_validate(p->st, s, *out, empty)
        || (s->kind == PF_KIND_ARRAY && (*out == Py_None || !items_pass(p, s, *out)))
        || (s->kind == PF_KIND_HSTORE && *out == Py_None)) {
        Py_CLEAR(*out);
        PyErr_Clear();
        return punt(c, s, v, out);
    }
    if (!empty && s->n_ops > 0 && run_validators(p, s, *out, &f) < 0) {
        Py_CLEAR(*out);
        return -1;
    }
    return 0;
}

/* -- Errors ------------------------------------------------------------------- */

int
pf_collect_error(PfPlan *p, PyObject *key, PyObject **errors)
{
    PyObject *error, *list;
    int r = -1;

    if (!PyErr_ExceptionMatches(p->validation_error))
        return -1;
    error = take_error();
    list = PyObject_GetAttr(error, p->st->s_error_list);
    if (list != NULL && (*errors != NULL || (*errors = PyDict_New()) != NULL))
        r = PyDict_SetItem(*errors, key, list);
    Py_XDECREF(list);
    Py_XDECREF(error);
    return r;
}

/* takes error, a ValidationError */
static int
keep_failure(PfFailures *f, Py_ssize_t row, PyObject *error)
{
    PyObject *number = NULL;
    int r = -1;

    if (f->first_only) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    else if ((number = PyLong_FromSsize_t(row)) != NULL) {
        r = PyDict_SetItem(f->by_row, number, error);
        if (r == 0 && f->limit >= 0 && PyDict_GET_SIZE(f->by_row) >= f->limit)
            r = 1;
    }
    Py_XDECREF(number);
    Py_DECREF(error);
    return r;
}

int
pf_row_failed(PfPlan *p, PfFailures *f, Py_ssize_t row, PyObject *errors)
{
    PyObject *error = PyObject_CallOneArg(p->validation_error, errors);

    Py_DECREF(errors);
    return error == NULL ? -1 : keep_failure(f, row, error);
}

/* Where no user code can run between two fields of a row, its values are looked up
   before the first is cleaned: the cache misses of one row overlap (a third of the
   time of a large batch). */
enum { GATHERED = 48 };

/* -- Rows: dicts, mappings, sequences ----------------------------------------- */

/* -> new; a missing key takes the field's default, as Model(**values) would */
static PyObject *
row_value(PfStep *s, PyObject *row, Py_ssize_t i)
{
    PyObject *v = NULL;

    if (PyDict_CheckExact(row)) {
        if (cpy_dict_get(row, s->name, &v) < 0)
            return NULL;
        return v != NULL ? v : PyObject_CallNoArgs(s->get_default);
    }
    if (PyTuple_Check(row) || PyList_Check(row))
        return PySequence_GetItem(row, i);
    v = PyObject_GetItem(row, s->name);
    if (v == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        v = PyObject_CallNoArgs(s->get_default);
    }
    return v;
}

static int
row_has_shape(PfPlan *p, PyObject *row)
{
    if (PyDict_Check(row))
        return 0;
    if (!PyTuple_Check(row) && !PyList_Check(row)) {
        if (PyMapping_Check(row) && !PyUnicode_Check(row) && !PyBytes_Check(row))
            return 0;
        PyErr_Format(p->st->row_shape_error, "a row is a mapping or a sequence, not %.100s",
                     Py_TYPE(row)->tp_name);
        return -1;
    }
    if (PySequence_Size(row) == p->n_steps)
        return 0;
    PyErr_Format(p->st->row_shape_error, "row has %zd values, the rule set has %zd fields",
                 PySequence_Size(row), p->n_steps);
    return -1;
}

/* -> new tuple; NULL with *errors set, or NULL with an exception */
static PyObject *
clean_row(PfPlan *p, PyObject *row, PyObject *instance, PyObject **errors)
{
    PfClean c = {p, instance, 1};
    PyObject *result, *values[GATHERED]; /* owned */
    Py_ssize_t gathered = 0, done = 0;

    *errors = NULL;
    if (row_has_shape(p, row) < 0 || (result = PyTuple_New(p->n_steps)) == NULL)
        return NULL;
    if (PyDict_CheckExact(row) && p->pure) {
        gathered = p->n_steps < GATHERED ? p->n_steps : GATHERED;
        for (Py_ssize_t i = 0; i < gathered; i++)
            if (cpy_dict_get(row, p->steps[i].name, &values[i]) < 0)
                PyErr_Clear(); /* asked again in its turn */
    }
    for (Py_ssize_t i = 0; i < p->n_steps; i++) {
        PfStep *s = &p->steps[i];
        PyObject *v = i < gathered && values[i] != NULL ? values[i] : row_value(s, row, i);
        PyObject *out = NULL;
        int r = v == NULL ? -2 : s->kind == PF_KIND_SKIP ? 1
                                                         : pf_step_clean(&c, s, v, &out);
        if (r == 1 && out == NULL)
            out = Py_NewRef(v);
        Py_XDECREF(v);
        done = i + 1;
        if (out != NULL) {
            PyTuple_SET_ITEM(result, i, out);
        }
        else if (r == -2 || pf_collect_error(p, s->name, errors) < 0) {
            Py_CLEAR(*errors);
            Py_CLEAR(result);
            break;
        }
    }
    for (; done < gathered; done++)
        Py_XDECREF(values[done]);
    if (result == NULL)
        return NULL;
    if (*errors != NULL)
        Py_CLEAR(result);
    return result;
}

void
pf_plan_count_rows(PfPlan *p, Py_ssize_t rows)
{
    for (Py_ssize_t i = 0; i < p->n_steps; i++)
        pf_count(&p->steps[i].seen, rows);
}

static int
poll_signals(Py_ssize_t i)
{
    return (i & 4095) == 4095 ? PyErr_CheckSignals() : 0;
}

/* clean_rows(rows, first_only, max_errors, instance) -> (list of tuples or None, errors) */
PyObject *
pf_plan_clean_rows(PyObject *self, PyObject *args)
{
    PfPlan *p = (PfPlan *)self;
    PyObject *rows, *instance = Py_None, *list = NULL, *it = NULL, *row;
    PfFailures f = {NULL, 0, -1};
    int stop = 0;

    if (!PyArg_ParseTuple(args, "Opn|O", &rows, &f.first_only, &f.limit, &instance))
        return NULL;
    if ((f.by_row = PyDict_New()) == NULL || (list = PyList_New(0)) == NULL
        || (it = PyObject_GetIter(rows)) == NULL)
        goto fail;
    for (Py_ssize_t i = 0; !stop && (row = PyIter_Next(it)) != NULL; i++) {
        PyObject *errors, *clean = clean_row(p, row, instance, &errors);
        int r;
        Py_DECREF(row);
        if (clean == NULL && errors == NULL)
            goto fail;
        if (clean == NULL) {
            stop = pf_row_failed(p, &f, i, errors);
            if (stop < 0)
                goto fail;
            clean = Py_NewRef(Py_None);
        }
        r = PyList_Append(list, clean);
        Py_DECREF(clean);
        if (r < 0 || poll_signals(i) < 0)
            goto fail;
    }
    if (PyErr_Occurred())
        goto fail;
    pf_plan_count_rows(p, PyList_GET_SIZE(list));
    Py_DECREF(it);
    return Py_BuildValue("NN", list, f.by_row);
fail: /* the row that failed was seen too */
    if (list != NULL)
        pf_plan_count_rows(p, PyList_GET_SIZE(list) + 1);
    Py_XDECREF(it);
    Py_XDECREF(list);
    Py_XDECREF(f.by_row);
    return NULL;
}

/* -- Instances ---------------------------------------------------------------- */

/* The instance's own __dict__, when the model's attributes live there. -> new or NULL */
static PyObject *
own_dict(PfPlan *p, PyObject *instance)
{
    PyObject *dict;

    if (Py_TYPE(instance) != p->model
        || Py_TYPE(instance)->tp_getattro != PyObject_GenericGetAttr)
        return NULL;
    if ((dict = PyObject_GenericGetDict(instance, NULL)) == NULL)
        PyErr_Clear();
    return dict;
}

/* takes v, the attribute's value if it is known already */
static int
clean_attribute(PfClean *c, PfStep *s, PyObject *dict, PyObject *v)
{
    PyObject *out = NULL;
    int r;

    if (v == NULL && dict != NULL && !s->by_getattr && cpy_dict_get(dict, s->attname, &v) < 0)
        return -2;
    if (v == NULL && (v = PyObject_GetAttr(c->instance, s->attname)) == NULL)
        return -2;
    r = pf_step_clean(c, s, v, &out);
    if (r == 0 && dict != NULL && !s->by_getattr) {
        if (out != v && PyDict_SetItem(dict, s->attname, out) < 0)
            r = -2;
    }
    else if (r == 0 && PyObject_SetAttr(c->instance, s->attname, out) < 0) {
        r = -2;
    }
    Py_XDECREF(out);
    Py_DECREF(v);
    return r;
}

/* An object of another class: its own clean_fields, which may know more fields.
   0; 1 with *error, a ValidationError; -1 with another exception */
static int
clean_foreign(PfPlan *p, PyObject *instance, PyObject *exclude, PyObject **error)
{
    PyObject *r = PyObject_CallMethod(instance, "clean_fields", "O", exclude);

    Py_XDECREF(r);
    if (r != NULL)
        return 0;
    if (!PyErr_ExceptionMatches(p->validation_error))
        return -1;
    *error = take_error();
    return 1;
}

/* 0; 1 with *errors; -1 with an exception */
static int
clean_instance(PfPlan *p, PyObject *instance, const char *skip, PyObject **errors)
{
    PfClean c = {p, instance, 1};
    PyObject *dict = own_dict(p, instance); /* owned */
    PyObject *values[GATHERED];              /* owned */
    Py_ssize_t gathered = 0;
    int r = 0;

    *errors = NULL;
    if (dict != NULL && p->pure) {
        gathered = p->n_steps < GATHERED ? p->n_steps : GATHERED;
        for (Py_ssize_t i = 0; i < gathered; i++)
            if (cpy_dict_get(dict, p->steps[i].attname, &values[i]) < 0)
                PyErr_Clear(); /* asked again in its turn */
    }
    for (Py_ssize_t i = 0; i < p->n_steps; i++) {
        PfStep *s = &p->steps[i];
        PyObject *v = i < gathered ? values[i] : NULL;
        if (r == -2 || skip[i] || s->kind == PF_KIND_SKIP) {
            Py_XDECREF(v);
            continue;
        }
        r = clean_attribute(&c, s, dict, v);
        if (r == -1 && pf_collect_error(p, s->name, errors) < 0)
            r = -2;
    }
    Py_XDECREF(dict);
    if (r == -2)
        Py_CLEAR(*errors);
    return r == -2 ? -1 : *errors != NULL;
}

/* Which steps `exclude` names; -> PyMem_Free */
static char *
excluded(PfPlan *p, PyObject *exclude)
{
    char *skip = PyMem_Calloc((size_t)p->n_steps + 1, 1);

    if (skip == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (exclude == Py_None)
        return skip;
    for (Py_ssize_t i = 0; i < p->n_steps; i++) {
        int r = PySequence_Contains(exclude, p->steps[i].name);
        if (r < 0) {
            PyMem_Free(skip);
            return NULL;
        }
        skip[i] = (char)r;
    }
    return skip;
}

/* clean_instances(instances, exclude, first_only, max_errors) -> (count, errors) */
PyObject *
pf_plan_clean_instances(PyObject *self, PyObject *args)
{
    PfPlan *p = (PfPlan *)self;
    PyObject *instances, *exclude, *it = NULL, *instance, *errors;
    PfFailures f = {NULL, 0, -1};
    char *skip = NULL;
    Py_ssize_t i = 0;
    int r = 0;

    if (!PyArg_ParseTuple(args, "OOpn", &instances, &exclude, &f.first_only, &f.limit))
        return NULL;
    if ((skip = excluded(p, exclude)) == NULL || (f.by_row = PyDict_New()) == NULL
        || (it = PyObject_GetIter(instances)) == NULL)
        goto fail;
    for (; r == 0 && (instance = PyIter_Next(it)) != NULL; i++) {
        if (Py_TYPE(instance) != p->model) {
            r = clean_foreign(p, instance, exclude, &errors);
            if (r > 0)
                r = keep_failure(&f, i, errors);
        }
        else if ((r = clean_instance(p, instance, skip, &errors)) > 0) {
            r = pf_row_failed(p, &f, i, errors);
        }
        Py_DECREF(instance);
        if (r < 0 || poll_signals(i) < 0)
            goto fail;
    }
    if (PyErr_Occurred())
        goto fail;
    pf_plan_count_rows(p, i);
    Py_DECREF(it);
    PyMem_Free(skip);
    return Py_BuildValue("nN", i, f.by_row);
fail: /* the instance that failed was seen too */
    pf_plan_count_rows(p, i + 1);
    Py_XDECREF(it);
    Py_XDECREF(f.by_row);
    PyMem_Free(skip);
    return NULL;
}

/* -- One named value ---------------------------------------------------------- */

PyObject *
pf_plan_clean_value(PyObject *self, PyObject *args)
{
    PfPlan *p = (PfPlan *)self;
    PfClean c = {p, Py_None, 0};
    PyObject *name, *value, *number, *out;

    if (!PyArg_ParseTuple(args, "UO|O", &name, &value, &c.instance))
        return NULL;
    number = PyDict_GetItemWithError(p->index, name);
    if (number == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetObject(PyExc_KeyError, name);
        return NULL;
    }
    pf_count(&p->steps[PyLong_AsSsize_t(number)].seen, 1);
    return pf_step_clean(&c, &p->steps[PyLong_AsSsize_t(number)], value, &out) < 0 ? NULL : out;
}
