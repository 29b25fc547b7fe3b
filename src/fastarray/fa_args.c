/* Positional and keyword arguments by a small table; messages as CPython's own. */
#include "fa_state.h"

static int
wrong_count(const FaSpec *s, Py_ssize_t nargs)
{
    if (s->required == s->positional)
        PyErr_Format(PyExc_TypeError, "%s() takes exactly %d positional argument%s (%zd given)",
                     s->function, s->required, s->required == 1 ? "" : "s", nargs);
    else
        PyErr_Format(PyExc_TypeError,
                     "%s() takes from %d to %d positional arguments (%zd given)",
                     s->function, s->required, s->positional, nargs);
    return -1;
}

static int
place_keyword(const FaSpec *s, PyObject *name, PyObject *value, PyObject **out)
{
    for (int i = s->unnamed; s->names[i] != NULL; i++) {
        if (PyUnicode_CompareWithASCIIString(name, s->names[i]) != 0)
            continue;
        if (out[i] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'",
                         s->function, s->names[i]);
            return -1;
        }
        out[i] = value;
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'",
                 s->function, name);
    return -1;
}

int
fa_args_parse(const FaSpec *s, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
              PyObject **out)
{
    int i = 0;
    if (nargs > s->positional)
        return wrong_count(s, nargs);
    for (; i < nargs; i++)
        out[i] = args[i];
    for (; s->names[i] != NULL; i++)
        out[i] = NULL;
    if (kwnames != NULL)
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); k++)
            if (place_keyword(s, PyTuple_GET_ITEM(kwnames, k), args[nargs + k], out) < 0)
                return -1;
    for (i = 0; i < s->required; i++)
        if (out[i] == NULL)
            return wrong_count(s, nargs);
    return 0;
}
