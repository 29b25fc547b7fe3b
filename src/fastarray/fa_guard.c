/* The names a compiled function hangs on, remembered and compared.
 *
 * A number may be another object of the same type and value; a function or module must be
 * the same object.
 */
#include "fa_front.h"

#include <string.h>

#include "cpyext_compat/cpy_backports.h"

static int
same_value(PyObject *a, PyObject *b)
{
    if (a == b)
        return 1;
    if (a == NULL || Py_TYPE(a) != Py_TYPE(b))
        return 0;
    if (PyFloat_CheckExact(a)) {
        double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
        return memcmp(&x, &y, sizeof x) == 0;
    }
    return PyLong_CheckExact(a) && PyObject_RichCompareBool(a, b, Py_EQ) == 1;
}

static PyObject *
find_in(PyObject *dict, PyObject *name)
{
    PyObject *v = NULL;
    if (dict != NULL && PyDict_CheckExact(dict) && PyDict_GetItemRef(dict, name, &v) < 0)
        PyErr_Clear();
    return v;
}

/* globals, then builtins, as LOAD_GLOBAL has it */
static PyObject *
find_global(PyFunctionObject *f, PyObject *name)
{
    PyObject *v = find_in(f->func_globals, name);
    return v != NULL ? v : find_in(f->func_builtins, name);
}

static PyObject *
find_cell(PyFunctionObject *f, int i)
{
    if (f->func_closure == NULL || i >= PyTuple_GET_SIZE(f->func_closure))
        return NULL;
    return PyCell_Get(PyTuple_GET_ITEM(f->func_closure, i));
}

static PyObject *
find_default(PyFunctionObject *f, int i)
{
    if (f->func_defaults == NULL || i >= PyTuple_GET_SIZE(f->func_defaults))
        return NULL;
    return Py_NewRef(PyTuple_GET_ITEM(f->func_defaults, i));
}

PyObject *
fa_guard_find(const FaGuard *g, PyFunctionObject *f)
{
    switch (g->kind) {
    case FA_GUARD_GLOBAL: return find_global(f, g->name);
    case FA_GUARD_CELL: return find_cell(f, g->index);
    case FA_GUARD_DEFAULT: return find_default(f, g->index);
    case FA_GUARD_ATTR: return find_in(PyModule_GetDict(g->where), g->name);
    }
    Py_UNREACHABLE();
}

int
fa_guard_holds(const FaGuard *g, PyObject *fn)
{
    PyObject *now = fa_guard_find(g, (PyFunctionObject *)fn);
    int same = g->kind == FA_GUARD_ATTR ? now == g->expected : same_value(now, g->expected);
    Py_XDECREF(now);
    return same;
}

int
fa_guard_add(FaCompiled *c, const FaGuard *at, PyObject *expected)
{
    for (int i = 0; i < c->n_guards; i++) {
        FaGuard *g = &c->guards[i];
        if (g->kind == at->kind && g->index == at->index && g->where == at->where && g->name == at->name)
            return 0;
    }
    if (c->n_guards == FA_MAX_GUARDS)
        return -1;
    c->guards[c->n_guards++] = (FaGuard){at->kind, at->index, Py_XNewRef(at->where),
                                         Py_XNewRef(at->name), Py_XNewRef(expected)};
    return 0;
}

void
fa_guard_release(FaGuard *g)
{
    Py_XDECREF(g->where);
    Py_XDECREF(g->name);
    Py_XDECREF(g->expected);
}
