/* One value in C's hands: is it empty, what does to_python make of it, does a validator
   pass it. What C isn't sure of is left to Django. */
#ifndef PF_VALUES_H
#define PF_VALUES_H

#include "pf_plan.h"
#include "pf_scan.h"

/* What to_python learned and the validators may use. */
typedef struct {
    PfDigits digits;
    int has_digits;
} PfFacts;

enum { PF_PUNT = 0,
       PF_TAKEN = 1 };

/* pf_take.c */
int pf_is_empty(const PfState *st, const PfStep *s, PyObject *v); /* -1 on error */
/* PF_TAKEN with *out new, or PF_PUNT; no exception is left set */
int pf_take(PfState *st, const PfStep *s, PyObject *v, PyObject **out, PfFacts *f);
int pf_decimal_facts(PyObject *v, PfFacts *f); /* 0: not a plain finite Decimal */
int pf_is_json(PyObject *v, int depth); /* json.dumps would print it; never runs Python */

/* pf_check.c; no exception is left set */
PfVerdict pf_check(PfState *st, const PfOp *op, PyObject *v, const PfFacts *f);

/* Types whose values equal none of None, "", b"", [], (), {} unless they are empty bytes */
static inline int
pf_is_scalar(const PfState *st, PyObject *v)
{
    PyTypeObject *t = Py_TYPE(v);

    return t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type
           || t == PyDateTimeAPI->DateTimeType || t == PyDateTimeAPI->DateType
           || t == PyDateTimeAPI->TimeType || t == PyDateTimeAPI->DeltaType
           || t == st->decimal_type || t == st->uuid_type || t == &PyBytes_Type;
}

static inline int
pf_ascii_text(PyObject *v, const char **s, Py_ssize_t *n)
{
    if (!PyUnicode_CheckExact(v) || !PyUnicode_IS_ASCII(v))
        return 0;
    *s = PyUnicode_DATA(v);
    *n = PyUnicode_GET_LENGTH(v);
    return 1;
}

#endif
