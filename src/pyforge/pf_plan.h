/* A validation plan: one step a field, built from plain tuples, never changed.

   Only the counters move; they are relaxed atomics, a statistic. */
#ifndef PF_PLAN_H
#define PF_PLAN_H

#include "pf_dfa.h"
#include "pf_state.h"

typedef enum {
#define KIND(name, classes) PF_KIND_##name,
#include "pf_fields.def"
#undef KIND
    PF_KIND_COUNT
} PfKind;

typedef enum {
#define OP(name, validator) PF_OP_##name,
#include "pf_ops.def"
#undef OP
    PF_OP_COUNT
} PfOpCode;

typedef struct {
    uint8_t code;
    char flag;            /* AUTOMATON, SEARCH: inverse_match; DOMAIN: accept_idna */
    char is_int, is_float; /* forms of the limit that compare without Python */
    int64_t number;       /* limit as int; DECIMAL: max_digits, or -1 */
    int64_t places;       /* DECIMAL: decimal_places, or -1 */
    double real;          /* limit as float */
    PyObject *arg;        /* owned or NULL: limit, set, Automaton or bound search */
    PyObject *validator;  /* owned: the live one */
} PfOp;

/* Something the plan was compiled from: container[key] is still `value`, and when
   that is a list, it still holds the same items. Without a key: the container has
   neither got nor lost one. */
typedef struct {
    PyObject *container; /* owned dict */
    PyObject *key, *value;
    PyObject *items;     /* owned tuple or NULL */
    Py_ssize_t size;     /* without a key: the container's */
} PfWatch;

typedef struct PfStep {
    PyObject *name, *attname;  /* owned, interned */
    const char *key;           /* borrowed from name: its UTF-8 */
    Py_ssize_t key_size;
    char key_is_plain;         /* stands in JSON as it is */
    uint8_t kind;
    char null, blank, editable, by_getattr, json_plain;
    char none_stays;           /* clean_fields leaves None alone */
    char text_stays;           /* and "" */
    PyTypeObject *own;         /* borrowed from PfState or static: values of this very type
                                  may stay themselves; NULL when they never do */
    PyObject *clean;           /* owned: field.clean */
    PyObject *raise_collected; /* owned: list of ValidationErrors → raises their sum */
    PyObject *get_default;     /* owned */
    PyObject *empty_values;    /* owned list, the field's */
    PyObject *choices;         /* owned frozenset or NULL */
    PyObject *extra;           /* owned or NULL: FILE: FieldFile class */
    struct PfStep *base;       /* owned or NULL: ARRAY's item */
    PfOp *ops;
    Py_ssize_t n_ops, n_watches;
    PfWatch *watches;
    Py_ssize_t seen, punted, called; /* values; handed to field.clean; validators called */
    Py_ssize_t refused;        /* values C was sure to be invalid */
} PfStep;

typedef struct {
    PyObject_HEAD
    PyObject *module;           /* owned; keeps st alive */
    PfState *st;
    PyTypeObject *model;        /* owned or NULL */
    PyObject *validation_error; /* owned class */
    PyObject *database_default; /* owned class or NULL */
    PyObject *index;            /* owned dict: name → step number */
    PfStep *steps;
    Py_ssize_t n_steps;
    unsigned long epoch;
    char pure; /* no user code runs while a row is cleaned, punts included */
} PfPlan;

extern PyType_Spec pf_plan_spec;

int pf_plan_is_stale(PfPlan *p); /* -1 on error */

/* pf_validate.c */
typedef struct {
    PfPlan *plan;
    PyObject *instance; /* borrowed from the caller, who holds it over the row */
    int skip_blank;     /* as Model.clean_fields: blank and empty is not cleaned */
} PfClean;

/* -> *out new; 0 cleaned, 1 skipped (*out is the value), -1 exception */
int pf_step_clean(PfClean *c, PfStep *s, PyObject *value, PyObject **out);

/* Would pf_step_clean with skip_blank give v itself? 0: not decided here */
int pf_step_keeps(const PfPlan *p, const PfStep *s, PyObject *v);

PyObject *pf_plan_clean_rows(PyObject *self, PyObject *args);
PyObject *pf_plan_clean_instances(PyObject *self, PyObject *args);
PyObject *pf_plan_clean_value(PyObject *self, PyObject *args);
PyObject *pf_plan_parse_json(PyObject *self, PyObject *args); /* pf_parse.c */

/* One row's outcome, shared by rows and parsed JSON: adds the field's error to *errors
   when the exception set is a ValidationError; -1 for any other exception. */
int pf_collect_error(PfPlan *p, PyObject *key, PyObject **errors);

/* What a batch keeps of failed rows. */
typedef struct {
    PyObject *by_row; /* owned dict: row number → ValidationError */
    int first_only;
    Py_ssize_t limit; /* -1: none */
} PfFailures;

/* takes errors; 1: stop here, -1: exception (first_only: the row's own error) */
int pf_row_failed(PfPlan *p, PfFailures *f, Py_ssize_t row, PyObject *errors);

/* Rows under construction are kept from the collector, which would walk a batch again and
   again while it grows. -> new tuple of the plan's width */
PyObject *pf_row_new(const PfPlan *p);
void pf_rows_done(PyObject *list); /* shows a finished batch's rows to the collector */

void pf_plan_count_rows(PfPlan *p, Py_ssize_t rows);

static inline void
pf_count(Py_ssize_t *counter, Py_ssize_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

#endif
