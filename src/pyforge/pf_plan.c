/* Builds and releases plans; see pf_plan.h. */
#include "cpyext_compat/cpy_dictref.h"
#include "pf_plan.h"

#include <string.h>

/* -- Steps -------------------------------------------------------------------- */

static int
op_init(PfState *st, PfOp *op, PyObject *arg)
{
    int code, flag;
    PyObject *limit, *validator;
    long long number, places;

    /* (code, flag, number, places, arg, validator) */
    if (!PyArg_ParseTuple(arg, "ipLLOO", &code, &flag, &number, &places, &limit, &validator))
        return -1;
    if (code < 0 || code >= PF_OP_COUNT) {
        PyErr_SetString(PyExc_ValueError, "unknown validator code");
        return -1;
    }
    if ((code == PF_OP_AUTOMATON && Py_TYPE(limit) != st->dfa_type)
        || ((code == PF_OP_EMAIL || code == PF_OP_URL) && !PyAnySet_Check(limit))) {
        PyErr_SetString(PyExc_TypeError, "validator argument");
        return -1;
    }
    op->code = (uint8_t)code;
    op->flag = (char)flag;
    op->number = number;
    op->places = places;
    op->arg = limit == Py_None ? NULL : Py_NewRef(limit);
    op->validator = Py_NewRef(validator);
    if (PyLong_CheckExact(limit)) {
        int overflow;
        op->number = PyLong_AsLongLongAndOverflow(limit, &overflow);
        op->is_int = overflow == 0;
    }
    else if (PyFloat_CheckExact(limit)) {
        op->real = PyFloat_AS_DOUBLE(limit);
        op->is_float = 1;
    }
    return 0;
}

static int
ops_init(PfState *st, PfStep *s, PyObject *ops)
{
    Py_ssize_t n = PyTuple_GET_SIZE(ops);

    if ((s->ops = PyMem_Calloc((size_t)n + 1, sizeof *s->ops)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; s->n_ops < n; s->n_ops++)
        if (op_init(st, &s->ops[s->n_ops], PyTuple_GET_ITEM(ops, s->n_ops)) < 0)
            return -1;
    return 0;
}

/* (container, key, value), and behind a list the items it had when it was read */
static int
watches_init(PfStep *s, PyObject *watches)
{
    Py_ssize_t n = PyTuple_GET_SIZE(watches);

    if ((s->watches = PyMem_Calloc((size_t)n + 1, sizeof *s->watches)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; s->n_watches < n; s->n_watches++) {
        PfWatch *w = &s->watches[s->n_watches];
        PyObject *container, *key, *value, *items = NULL;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(watches, s->n_watches), "O!UO|O!",
                              &PyDict_Type, &container, &key, &value, &PyTuple_Type, &items))
            return -1;
        w->container = Py_NewRef(container);
        w->key = Py_NewRef(key);
        w->value = Py_NewRef(value);
        w->size = PyDict_GET_SIZE(container);
        if (!PyList_CheckExact(value))
            continue;
        w->items = items != NULL ? Py_NewRef(items) : PyList_AsTuple(value);
        if (w->items == NULL)
            return -1;
    }
    return 0;
}

/* The type whose values to_python returns as they are and C's rules can judge. */
static PyTypeObject *
own_type(const PfState *st, const PfStep *s)
{
    for (Py_ssize_t i = 0; i < s->n_ops; i++)
        if (s->ops[i].code == PF_OP_CALL)
            return NULL;
    switch ((PfKind)s->kind) {
    case PF_KIND_TEXT: return &PyUnicode_Type;
    case PF_KIND_INT:
    case PF_KIND_AUTO: return &PyLong_Type;
    case PF_KIND_FLOAT: return &PyFloat_Type;
    case PF_KIND_BOOL: return &PyBool_Type;
    case PF_KIND_DECIMAL: return st->decimal_type;
    case PF_KIND_DATE: return PyDateTimeAPI->DateType;
    case PF_KIND_DATETIME: return PyDateTimeAPI->DateTimeType;
    case PF_KIND_TIME: return PyDateTimeAPI->TimeType;
    case PF_KIND_DURATION: return PyDateTimeAPI->DeltaType;
    case PF_KIND_UUID: return st->uuid_type;
    case PF_KIND_JSON: return s->json_plain && s->choices == NULL ? &PyDict_Type : NULL;
    default: return NULL;
    }
}

static int
is_plain_in_json(const char *s, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == '"' || s[i] == '\\')
            return 0;
    return 1;
}

/* 1 when an exact "" is among the empty values */
static int
text_is_empty(PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); i++) {
        PyObject *v = PyList_GET_ITEM(values, i);
        if (PyUnicode_CheckExact(v) && PyUnicode_GET_LENGTH(v) == 0)
            return 1;
    }
    return 0;
}

static PfStep *
base_new(PfState *st, PyObject *arg);

static PyObject *
optional(PyObject *v)
{
    return v == Py_None ? NULL : Py_NewRef(v);
}

static int
step_init(PfState *st, PfStep *s, PyObject *arg)
{
    PyObject *name, *attname, *clean, *rest, *get_default, *empty, *choices, *extra, *base;
    PyObject *ops, *watches;
    int kind, null, blank, editable, by_getattr, plain;

    if (!PyTuple_Check(arg)) {
        PyErr_SetString(PyExc_TypeError, "a step is a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(arg, "UUipppppOOOO!OOOO!O!", &name, &attname, &kind, &null, &blank,
                          &editable, &by_getattr, &plain, &clean, &rest, &get_default,
                          &PyList_Type, &empty, &choices, &extra, &base, &PyTuple_Type, &ops,
                          &PyTuple_Type, &watches))
        return -1;
    if (kind < 0 || kind >= PF_KIND_COUNT || (choices != Py_None && !PyFrozenSet_Check(choices))) {
        PyErr_SetString(PyExc_ValueError, "unknown field kind, or choices not a frozenset");
        return -1;
    }
    s->name = Py_NewRef(name);
    PyUnicode_InternInPlace(&s->name);
    s->attname = Py_NewRef(attname);
    PyUnicode_InternInPlace(&s->attname);
    s->kind = (uint8_t)kind;
    s->null = (char)null;
    s->blank = (char)blank;
    s->editable = (char)editable;
    s->by_getattr = (char)by_getattr;
    s->json_plain = (char)plain;
    s->clean = Py_NewRef(clean);
    s->raise_collected = Py_NewRef(rest);
    s->get_default = Py_NewRef(get_default);
    s->empty_values = Py_NewRef(empty);
    s->choices = optional(choices);
    s->extra = optional(extra);
    if ((s->key = PyUnicode_AsUTF8AndSize(s->name, &s->key_size)) == NULL)
        return -1;
    s->key_is_plain = (char)is_plain_in_json(s->key, s->key_size);
    if (base != Py_None && (s->base = base_new(st, base)) == NULL)
        return -1;
    if (s->kind == PF_KIND_ARRAY && s->base == NULL) {
        PyErr_SetString(PyExc_ValueError, "an array needs its item's step");
        return -1;
    }
    if (ops_init(st, s, ops) < 0 || watches_init(s, watches) < 0)
        return -1;
    s->own = own_type(st, s);
    s->none_stays = s->blank && s->kind != PF_KIND_DYNAMIC;
    s->text_stays = s->blank && s->own == &PyUnicode_Type && text_is_empty(empty);
    return 0;
}

static void
step_release(PfStep *s)
{
    for (Py_ssize_t i = 0; i < s->n_ops; i++) {
        Py_XDECREF(s->ops[i].arg);
        Py_XDECREF(s->ops[i].validator);
    }
    for (Py_ssize_t i = 0; i < s->n_watches; i++) {
        Py_XDECREF(s->watches[i].container);
        Py_XDECREF(s->watches[i].key);
        Py_XDECREF(s->watches[i].value);
        Py_XDECREF(s->watches[i].items);
    }
    PyMem_Free(s->ops);
    PyMem_Free(s->watches);
    if (s->base != NULL) {
        step_release(s->base);
        PyMem_Free(s->base);
    }
    Py_XDECREF(s->name);
    Py_XDECREF(s->attname);
    Py_XDECREF(s->clean);
    Py_XDECREF(s->raise_collected);
    Py_XDECREF(s->get_default);
    Py_XDECREF(s->empty_values);
    Py_XDECREF(s->choices);
    Py_XDECREF(s->extra);
    *s = (PfStep){0};
}

static PfStep *
base_new(PfState *st, PyObject *arg)
{
    PfStep *s = PyMem_Calloc(1, sizeof *s);

    if (s == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (step_init(st, s, arg) < 0) {
        step_release(s);
        PyMem_Free(s);
        return NULL;
    }
    return s;
}

static int
step_visit(PfStep *s, visitproc visit, void *arg)
{
    Py_VISIT(s->clean);
    Py_VISIT(s->raise_collected);
    Py_VISIT(s->get_default);
    Py_VISIT(s->empty_values);
    Py_VISIT(s->choices);
    Py_VISIT(s->extra);
    for (Py_ssize_t i = 0; i < s->n_ops; i++) {
        Py_VISIT(s->ops[i].arg);
        Py_VISIT(s->ops[i].validator);
    }
    for (Py_ssize_t i = 0; i < s->n_watches; i++) {
        Py_VISIT(s->watches[i].container);
        Py_VISIT(s->watches[i].value);
        Py_VISIT(s->watches[i].items);
    }
    return s->base != NULL ? step_visit(s->base, visit, arg) : 0;
}

/* -- Staleness ---------------------------------------------------------------- */

static int
holds_other_items(PyObject *list, PyObject *items)
{
    int other = PyList_GET_SIZE(list) != PyTuple_GET_SIZE(items);

    for (Py_ssize_t i = 0; !other && i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = cpy_list_get(list, i);
        other = item != PyTuple_GET_ITEM(items, i);
        Py_XDECREF(item);
    }
    return other;
}

static int
watch_is_stale(const PfWatch *w)
{
    PyObject *now; /* owned */
    int r;

    if (PyUnicode_GET_LENGTH(w->key) == 0)
        return PyDict_GET_SIZE(w->container) != w->size;
    if ((r = cpy_dict_get(w->container, w->key, &now)) < 0)
        return -1;
    if (w->value == Py_NotImplemented) /* nothing was there */
        r = now != NULL;
    else
        r = now != w->value || (w->items != NULL && holds_other_items(now, w->items));
    Py_XDECREF(now);
    return r;
}

int
pf_plan_is_stale(PfPlan *p)
{
    int r = p->epoch != p->st->epoch;

    for (Py_ssize_t i = 0; r == 0 && i < p->n_steps; i++)
        for (PfStep *s = &p->steps[i]; r == 0 && s != NULL; s = s->base)
            for (Py_ssize_t j = 0; r == 0 && j < s->n_watches; j++)
                r = watch_is_stale(&s->watches[j]);
    return r;
}

/* -- The Python type ---------------------------------------------------------- */

static int
plan_init(PfPlan *p, PyObject *steps)
{
    Py_ssize_t n = PyTuple_GET_SIZE(steps);

    if ((p->steps = PyMem_Calloc((size_t)n + 1, sizeof *p->steps)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if ((p->index = PyDict_New()) == NULL)
        return -1;
    while (p->n_steps < n) {
        PfStep *s = &p->steps[p->n_steps];
        PyObject *number;
        int r;
        p->n_steps++; /* so that its parts are released */
        if (step_init(p->st, s, PyTuple_GET_ITEM(steps, p->n_steps - 1)) < 0)
            return -1;
        if ((number = PyLong_FromSsize_t(p->n_steps - 1)) == NULL)
            return -1;
        r = PyDict_SetItem(p->index, s->name, number);
        Py_DECREF(number);
        if (r < 0)
            return -1;
    }
    return 0;
}

static int
runs_user_code(const PfStep *s)
{
    if (s->kind == PF_KIND_DYNAMIC || s->by_getattr || (s->base && runs_user_code(s->base)))
        return 1;
    for (Py_ssize_t i = 0; i < s->n_ops; i++)
        if (s->ops[i].code == PF_OP_CALL)
            return 1;
    return 0;
}

static PyObject *
plan_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"steps", "validation_error", "database_default", "model", NULL};
    PyObject *steps, *error, *dbdefault = Py_None, *model = Py_None;
    PfPlan *p;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O|OO:Plan", names, &PyTuple_Type,
                                     &steps, &error, &dbdefault, &model))
        return NULL;
    if ((p = (PfPlan *)type->tp_alloc(type, 0)) == NULL)
        return NULL;
    p->module = Py_XNewRef(PyType_GetModule(type));
    p->st = PyType_GetModuleState(type);
    if (p->module == NULL || p->st == NULL)
        goto fail;
    p->epoch = p->st->epoch;
    p->validation_error = Py_NewRef(error);
    p->database_default = optional(dbdefault);
    p->model = PyType_Check(model) ? (PyTypeObject *)Py_NewRef(model) : NULL;
    if (plan_init(p, steps) < 0)
        goto fail;
    p->pure = 1;
    for (Py_ssize_t i = 0; i < p->n_steps; i++)
        p->pure &= !runs_user_code(&p->steps[i]);
    return (PyObject *)p;
fail:
    Py_DECREF(p);
    return NULL;
}

static int
plan_traverse(PyObject *self, visitproc visit, void *arg)
{
    PfPlan *p = (PfPlan *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(p->module);
    Py_VISIT(p->model);
    Py_VISIT(p->validation_error);
    Py_VISIT(p->database_default);
    for (Py_ssize_t i = 0; i < p->n_steps; i++) {
        int r = step_visit(&p->steps[i], visit, arg);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Cycles run through field.clean; a plan in use is held by its caller. */
static int
plan_clear(PyObject *self)
{
    PfPlan *p = (PfPlan *)self;
    Py_ssize_t n = p->n_steps;

    p->n_steps = 0;
    for (Py_ssize_t i = 0; i < n; i++)
        step_release(&p->steps[i]);
    return 0;
}

static void
plan_dealloc(PyObject *self)
{
    PfPlan *p = (PfPlan *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    plan_clear(self);
    PyMem_Free(p->steps);
    Py_XDECREF(p->index);
    Py_XDECREF(p->validation_error);
    Py_XDECREF(p->database_default);
    Py_XDECREF((PyObject *)p->model);
    Py_XDECREF(p->module);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
plan_get_stale(PyObject *self, void *unused)
{
    int r = pf_plan_is_stale((PfPlan *)self);
    return r < 0 ? NULL : PyBool_FromLong(r);
}

/* name → (values seen, handed to field.clean, validators called, refused) */
static PyObject *
plan_get_counters(PyObject *self, void *unused)
{
    PfPlan *p = (PfPlan *)self;
    PyObject *result = PyDict_New();

    for (Py_ssize_t i = 0; result != NULL && i < p->n_steps; i++) {
        PfStep *s = &p->steps[i];
        PyObject *t = Py_BuildValue("nnnn", s->seen, s->punted, s->called, s->refused);
        if (t == NULL || PyDict_SetItem(result, s->name, t) < 0)
            Py_CLEAR(result);
        Py_XDECREF(t);
    }
    return result;
}

static PyObject *
plan_reset_counters(PyObject *self, PyObject *unused)
{
    PfPlan *p = (PfPlan *)self;

    for (Py_ssize_t i = 0; i < p->n_steps; i++) {
        PfStep *s = &p->steps[i];
        s->seen = s->punted = s->called = s->refused = 0;
    }
    Py_RETURN_NONE;
}

static PyGetSetDef plan_getset[] = {
    {"stale", plan_get_stale, NULL, "has something the plan was compiled from changed?", NULL},
    {"counters", plan_get_counters, NULL,
     "field name: (values, given to Field.clean, validators called, refused by C)", NULL},
    {NULL},
};

static PyMethodDef plan_methods[] = {
    {"clean_rows", pf_plan_clean_rows, METH_VARARGS,
     "clean_rows(rows, first_only, max_errors) -> (rows, errors)"},
    {"clean_instances", pf_plan_clean_instances, METH_VARARGS,
     "clean_instances(instances, exclude, first_only, max_errors) -> errors"},
    {"clean_value", pf_plan_clean_value, METH_VARARGS,
     "clean_value(name, value, instance) -> what Field.clean returns"},
    {"parse_json", pf_plan_parse_json, METH_VARARGS,
     "parse_json(data, many, extra, python, limits, max_errors)"},
    {"reset_counters", plan_reset_counters, METH_NOARGS, NULL},
    {NULL},
};

static PyType_Slot plan_slots[] = {
    {Py_tp_new, plan_new},
    {Py_tp_dealloc, plan_dealloc},
    {Py_tp_traverse, plan_traverse},
    {Py_tp_clear, plan_clear},
    {Py_tp_methods, plan_methods},
    {Py_tp_getset, plan_getset},
    {Py_tp_doc, "Field rules compiled once; immutable."},
    {0, NULL},
};

PyType_Spec pf_plan_spec = {
    .name = "pyforge._pyforge.Plan",
    .basicsize = sizeof(PfPlan),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = plan_slots,
};
