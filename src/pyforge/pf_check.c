/* Django's validators that C can decide; see pf_values.h. */
#include <math.h>
#include <string.h>

#include "pf_values.h"

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
    if (op->arg == NULL || !pf_is_scalar(st, v) || !pf_is_scalar(st, op->arg))
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
check_decimal(const PfOp *op, const PfFacts *f)
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

    if (!pf_ascii_text(v, &s, &n)) /* beyond ASCII only a scope could be valid */
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

PfVerdict
pf_check(PfState *st, const PfOp *op, PyObject *v, const PfFacts *f)
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
