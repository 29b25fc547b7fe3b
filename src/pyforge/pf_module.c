/* The module: types, tables, entry points. Nothing is computed here. */
#include "cpyext_compat/cpy_modslots.h"
#include "pf_cells.h"
#include "pf_parse.h"
#include "pf_plan.h"
#include "pf_scan.h"
#include "pf_serialize.h"

/* Something outside the plans changed (settings, time zone): they are all stale. */
static PyObject *
bump_epoch(PyObject *module, PyObject *unused)
{
    PfState *st = PyModule_GetState(module);
    __atomic_fetch_add(&st->epoch, 1, __ATOMIC_RELAXED);
    Py_RETURN_NONE;
}

static PyObject *
rule(PyObject *module, PyObject *args)
{
    const char *name;
    PyObject *text, *arg = Py_None;
    PfVerdict v;

    if (!PyArg_ParseTuple(args, "sU|O", &name, &text, &arg))
        return NULL;
    if (strcmp(name, "email") == 0)
        v = pf_rule_email(text, arg);
    else if (strcmp(name, "url") == 0)
        v = pf_rule_url(text, arg, PF_HTTP | PF_HTTPS);
    else if (strcmp(name, "domain") == 0)
        v = pf_rule_domain(text, arg != Py_False);
    else if (!PyUnicode_IS_ASCII(text))
        v = PF_UNSURE;
    else if (strcmp(name, "ipv4") == 0)
        v = pf_rule_ipv4(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    else if (strcmp(name, "ipv6") == 0)
        v = pf_rule_ipv6(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    else
        return PyErr_Format(PyExc_ValueError, "unknown rule %s", name);
    if (v == PF_UNSURE)
        Py_RETURN_NONE;
    return PyBool_FromLong(v == PF_YES);
}

static PyObject *
json_is_canonical(PyObject *module, PyObject *text)
{
    Py_ssize_t n;
    const char *s = PyUnicode_AsUTF8AndSize(text, &n);
    return s == NULL ? NULL : PyBool_FromLong(pf_json_is_canonical(s, (size_t)n));
}

static PyObject *
float_repr(PyObject *module, PyObject *v)
{
    double d = PyFloat_AsDouble(v);
    char buf[32];

    if (d == -1.0 && PyErr_Occurred())
        return NULL;
    return PyUnicode_FromStringAndSize(buf, pf_double_repr(d, buf));
}

static PyMethodDef methods[] = {
    {"bump_epoch", bump_epoch, METH_NOARGS, "Make every plan stale."},
    {"loads", pf_loads, METH_VARARGS, "loads(data, limits, python)"},
    {"rule", rule, METH_VARARGS,
     "rule(name, text, arg=None): True, False, or None when only Python can tell."},
    {"json_is_canonical", json_is_canonical, METH_O,
     "Would json.dumps(json.loads(text)) print the same text? False: perhaps not."},
    {"float_repr", float_repr, METH_O, "repr of a finite float."},
    {NULL},
};

/* -- Tables ------------------------------------------------------------------- */

static const char *const kind_names[] = {
#define KIND(name, classes) #name,
#include "pf_fields.def"
#undef KIND
};
static const char *const kind_classes[] = {
#define KIND(name, classes) classes,
#include "pf_fields.def"
#undef KIND
};
static const char *const op_names[] = {
#define OP(name, validator) #name,
#include "pf_ops.def"
#undef OP
};
static const char *const cell_names[] = {
#define CELL(name, what) #name,
#include "pf_cells.def"
#undef CELL
};

static int
add_table(PyObject *module, const char *name, const char *const *names, int n)
{
    PyObject *table = PyDict_New();

    for (int i = 0; table != NULL && i < n; i++) {
        PyObject *code = PyLong_FromLong(i);
        if (code == NULL || PyDict_SetItemString(table, names[i], code) < 0)
            Py_CLEAR(table);
        Py_XDECREF(code);
    }
    if (table == NULL)
        return -1;
    return PyModule_AddObject(module, name, table); /* takes table when it succeeds */
}

/* KIND_OF_CLASS: Django class name → kind code */
static int
add_class_table(PyObject *module)
{
    PyObject *table = PyDict_New();

    for (int i = 0; table != NULL && i < PF_KIND_COUNT; i++) {
        PyObject *names = PyUnicode_FromString(kind_classes[i]);
        PyObject *list = names == NULL ? NULL : PyUnicode_Split(names, NULL, -1);
        PyObject *code = PyLong_FromLong(i);
        for (Py_ssize_t k = 0; list != NULL && code != NULL && k < PyList_GET_SIZE(list); k++)
            PyDict_SetItem(table, PyList_GET_ITEM(list, k), code);
        Py_XDECREF(names);
        Py_XDECREF(list);
        Py_XDECREF(code);
        if (PyErr_Occurred())
            Py_CLEAR(table);
    }
    if (table == NULL)
        return -1;
    return PyModule_AddObject(module, "KIND_OF_CLASS", table);
}

static int
add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot)
{
    *slot = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *slot == NULL ? -1 : PyModule_AddType(module, *slot);
}

static int
module_exec(PyObject *module)
{
    PfState *st = PyModule_GetState(module);

    pf_text_init();
    pf_rules_init();
    pf_scan_init();
    if (pf_state_init(st) < 0 || add_type(module, &pf_plan_spec, &st->plan_type) < 0
        || add_type(module, &pf_writer_spec, &st->writer_type) < 0
        || add_type(module, &pf_dfa_spec, &st->dfa_type) < 0
        || add_table(module, "KINDS", kind_names, PF_KIND_COUNT) < 0
        || add_table(module, "OPS", op_names, PF_OP_COUNT) < 0
        || add_table(module, "CELLS", cell_names, PF_CELL_COUNT) < 0
        || add_class_table(module) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "SIMD", pf_text_isa());
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    return pf_state_visit(PyModule_GetState(module), visit, arg);
}

static int
module_clear(PyObject *module)
{
    pf_state_clear(PyModule_GetState(module));
    return 0;
}

static void
module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
    CPY_INTERPRETERS_SLOT
        CPY_GIL_SLOT{0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_pyforge",
    .m_doc = "Compiled rules and writers; used through the pyforge package.",
    .m_size = sizeof(PfState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC
PyInit__pyforge(void)
{
    return PyModuleDef_Init(&definition);
}
