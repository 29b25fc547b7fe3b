/* Walks a plan over values, rows and instances.

   A value is accepted when C is sure that Field.clean would return what we return.
   Anything else is handed over: a value C doesn't understand to the field's own clean,
   a validator that would refuse to the live validator, in its place. No value is ever
   refused here; errors are always Django's. */
#include <string.h>

#include "cpyext_compat/cpy_dictref.h"
#include "pf_values.h"

/* -- validate: choices, null, blank ------------------------------------------- */

static int
in_choices(PfState *st, const PfStep *s, PyObject *v)
{
    int r;

    if (!PyUnicode_CheckExact(v) && !pf_is_scalar(st, v))
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
run_validators(PfPlan *p, PfStep *s, PyObject *v, const PfFacts *f)
{
    PyObject *raised = NULL, *r; /* owned */
    int bad = 0;

    for (Py_ssize_t i = 0; !bad && i < s->n_ops; i++) {
        const PfOp *op = &s->ops[i];
        PfVerdict verdict = pf_check(p->st, op, v, f);
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

static int items_pass(PfPlan *p, PfStep *s, PyObject *list);

/* An item passes base.validate and base.run_validators, by C alone. Items are not
   converted by Django, so only values already of the kind's type are understood. */
static int
item_passes(PfPlan *p, PfStep *s, PyObject *v)
{
    PfFacts f = {0};
    PyObject *same = NULL;
    int empty = 0, ok;

    if (s->kind == PF_KIND_ARRAY && PyList_CheckExact(v)
        && (!items_pass(p, s, v) || s->base->kind == PF_KIND_ARRAY))
        return 0; /* three levels: lengths are Django's to compare */
    if (pf_take(p->st, s, v, &same, &f) != PF_TAKEN)
        return 0;
    ok = same == v;
    Py_DECREF(same);
    if (!ok || (empty = pf_is_empty(p->st, s, v)) != 0 || v == Py_None) {
        PyErr_Clear();
        return ok && empty == 1 && passes_validate(p->st, s, v, 1);
    }
    if (!passes_validate(p->st, s, v, 0))
        return 0;
    for (Py_ssize_t i = 0; i < s->n_ops; i++)
        if (s->ops[i].code == PF_OP_CALL || s->ops[i].code == PF_OP_SEARCH
            || pf_check(p->st, &s->ops[i], v, &f) != PF_YES)
            return 0;
    return 1;
}

static int
has_width(PyObject *item, Py_ssize_t *width)
{
    if (!PyList_CheckExact(item) || (*width >= 0 && PyList_GET_SIZE(item) != *width))
        return 0;
    *width = PyList_GET_SIZE(item);
    return 1;
}

/* 0 may leave an exception, which the punt that follows clears */
static int
items_pass(PfPlan *p, PfStep *s, PyObject *list)
{
    PyObject *items = cpy_list_to_walk(list); /* owned */
    Py_ssize_t width = -1;
    int yes = items != NULL;

    for (Py_ssize_t i = 0; yes && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        yes = item_passes(p, s->base, item)
              && (s->base->kind != PF_KIND_ARRAY || has_width(item, &width));
    }
    Py_XDECREF(items);
    return yes;
}

/* -- The common case ---------------------------------------------------------- */

static int
all_pass(PfState *st, const PfStep *s, PyObject *v, const PfFacts *f)
{
    for (Py_ssize_t i = 0; i < s->n_ops; i++)
        if (pf_check(st, &s->ops[i], v, f) != PF_YES)
            return 0;
    return 1;
}

int
pf_step_keeps(const PfPlan *p, const PfStep *s, PyObject *v)
{
    PfFacts f = {0};

    if (Py_TYPE(v) != s->own)
        return v == Py_None && s->none_stays;
    if (s->kind == PF_KIND_TEXT) {
        if (PyUnicode_GET_LENGTH(v) == 0)
            return s->text_stays;
    }
    else if (s->kind == PF_KIND_JSON) {
        if (PyDict_GET_SIZE(v) == 0 || !pf_is_json(v, 0))
            return 0;
    }
    else if (s->kind == PF_KIND_DECIMAL && !pf_decimal_facts(v, &f)) {
        return 0;
    }
    if (s->choices != NULL && s->editable && s->kind != PF_KIND_AUTO
        && !in_choices(p->st, s, v))
        return 0;
    return all_pass(p->st, s, v, &f);
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
    int r = s->blank ? pf_is_empty(c->plan->st, s, v) : 0;

    if (r == 0 && c->plan->database_default != NULL && !PyUnicode_CheckExact(v)
        && !pf_is_scalar(c->plan->st, v) && v != Py_None)
        r = PyObject_IsInstance(v, c->plan->database_default);
    return r;
}

int
pf_step_clean(PfClean *c, PfStep *s, PyObject *v, PyObject **out)
{
    PfPlan *p = c->plan;
    PfFacts f = {0};
    int r, empty;

    *out = NULL;
    if (c->skip_blank && (r = is_left_alone(c, s, v)) != 0) {
        *out = r > 0 ? Py_NewRef(v) : NULL;
        return r;
    }
    if (pf_take(p->st, s, v, out, &f) != PF_TAKEN)
        return punt(c, s, v, out);
    empty = pf_is_empty(p->st, s, *out);
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

PyObject *
pf_row_new(const PfPlan *p)
{
    PyObject *row = PyTuple_New(p->n_steps);

    if (row != NULL && PyObject_GC_IsTracked(row))
        PyObject_GC_UnTrack(row);
    return row;
}

void
pf_rows_done(PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *row = PyList_GET_ITEM(list, i);
        if (PyTuple_CheckExact(row) && PyTuple_GET_SIZE(row) > 0 && !PyObject_GC_IsTracked(row))
            PyObject_GC_Track(row);
    }
}

/* takes v; -> new, or NULL with an exception */
static PyObject *
cleaned(PfClean *c, PfStep *s, PyObject *v)
{
    PyObject *out;

    if (s->kind == PF_KIND_SKIP || pf_step_keeps(c->plan, s, v))
        return v;
    pf_step_clean(c, s, v, &out);
    Py_DECREF(v);
    return out;
}

/* -> new tuple, not tracked yet; NULL with *errors set, or NULL with an exception */
static PyObject *
clean_row(PfPlan *p, PyObject *row, PyObject *instance, PyObject **errors)
{
    PfClean c = {p, instance, 1};
    PyObject *result, *values[GATHERED]; /* owned */
    Py_ssize_t gathered = 0, done = 0, at = 0;

    *errors = NULL;
    if (row_has_shape(p, row) < 0 || (result = pf_row_new(p)) == NULL)
        return NULL;
    if (PyDict_CheckExact(row) && p->pure) {
        gathered = p->n_steps < GATHERED ? p->n_steps : GATHERED;
        for (Py_ssize_t i = 0; i < gathered; i++)
            if (cpy_dict_next(row, &at, p->steps[i].name, &values[i]) < 0)
                PyErr_Clear(); /* asked again in its turn */
    }
    for (; done < p->n_steps && result != NULL; done++) {
        PfStep *s = &p->steps[done];
        PyObject *v = done < gathered && values[done] != NULL ? values[done]
                                                              : row_value(s, row, done);
        PyObject *clean = v == NULL ? NULL : cleaned(&c, s, v); /* takes v */
        if (clean != NULL)
            PyTuple_SET_ITEM(result, done, clean);
        else if (v == NULL || pf_collect_error(p, s->name, errors) < 0)
            Py_CLEAR(result);
    }
    for (; done < gathered; done++)
        Py_XDECREF(values[done]);
    if (result == NULL)
        Py_CLEAR(*errors);
    else if (*errors != NULL)
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
    pf_rows_done(list);
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
    if (dict != NULL && !s->by_getattr && pf_step_keeps(c->plan, s, v)) {
        Py_DECREF(v);
        return 0;
    }
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
    Py_ssize_t gathered = 0, at = 0;
    int r = 0;

    *errors = NULL;
    if (dict != NULL && p->pure) {
        gathered = p->n_steps < GATHERED ? p->n_steps : GATHERED;
        for (Py_ssize_t i = 0; i < gathered; i++)
            if (cpy_dict_next(dict, &at, p->steps[i].attname, &values[i]) < 0)
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
