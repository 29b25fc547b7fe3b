/* Fills the module state; see pf_state.h. */
#include "pf_state.h"

#include <structmember.h> /* PyMemberDef on 3.11 */

PyDateTime_CAPI *pf_datetime_api;

static PyObject *
import_attr(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *v = m == NULL ? NULL : PyObject_GetAttrString(m, name);
    Py_XDECREF(m);
    return v;
}

static PyTypeObject *
import_type(const char *module, const char *name)
{
    PyObject *v = import_attr(module, name);
    if (v != NULL && !PyType_Check(v)) {
        PyErr_Format(PyExc_TypeError, "%s.%s is not a type", module, name);
        Py_CLEAR(v);
    }
    return (PyTypeObject *)v;
}

/* Byte offset of a slot, from its member descriptor. */
static Py_ssize_t
slot_offset(PyTypeObject *type, const char *name)
{
    Py_ssize_t at = -1;
    PyObject *d = PyObject_GetAttrString((PyObject *)type, name);

    if (d != NULL && Py_TYPE(d) == &PyMemberDescr_Type)
        at = ((PyMemberDescrObject *)d)->d_member->offset;
    else if (d != NULL)
        PyErr_Format(PyExc_TypeError, "%s.%s is not a slot", type->tp_name, name);
    Py_XDECREF(d);
    return at;
}

static int
init_uuid(PfState *st)
{
    PyObject *safe;

    if ((st->uuid_type = import_type("uuid", "UUID")) == NULL)
        return -1;
    if ((safe = import_attr("uuid", "SafeUUID")) == NULL)
        return -1;
    st->uuid_unknown = PyObject_GetAttrString(safe, "unknown");
    Py_DECREF(safe);
    st->uuid_int_at = slot_offset(st->uuid_type, "int");
    st->uuid_safe_at = slot_offset(st->uuid_type, "is_safe");
    if (st->uuid_unknown == NULL || st->uuid_int_at < 0 || st->uuid_safe_at < 0)
        return -1;
    return 0;
}

int
pf_state_init(PfState *st)
{
    PyDateTime_CAPI *api = PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0);

    if (api == NULL)
        return -1;
    pf_datetime_api = api;
    if ((st->decimal_type = import_type("decimal", "Decimal")) == NULL
        || init_uuid(st) < 0
        || (st->json_loads = import_attr("json", "loads")) == NULL
        || (st->row_shape_error = import_attr("pyforge.errors", "RowShapeError")) == NULL
        || (st->limit_error = import_attr("pyforge.errors", "LimitError")) == NULL
        || (st->decode_error = import_attr("pyforge.errors", "JSONDecodeError")) == NULL)
        return -1;
#define intern(field, text) \
    if ((st->field = PyUnicode_InternFromString(text)) == NULL) return -1
    intern(s_name, "name");
    intern(s_utcoffset, "utcoffset");
    intern(s_error_list, "error_list");
    intern(s_get_value, "get_value");
    intern(s_append, "append");
#undef intern
    return 0;
}

int
pf_state_visit(PfState *st, visitproc visit, void *arg)
{
    Py_VISIT(st->plan_type);
    Py_VISIT(st->writer_type);
    Py_VISIT(st->dfa_type);
    Py_VISIT(st->decimal_type);
    Py_VISIT(st->uuid_type);
    Py_VISIT(st->uuid_unknown);
    Py_VISIT(st->json_loads);
    Py_VISIT(st->row_shape_error);
    Py_VISIT(st->limit_error);
    Py_VISIT(st->decode_error);
    return 0;
}

void
pf_state_clear(PfState *st)
{
    Py_CLEAR(st->plan_type);
    Py_CLEAR(st->writer_type);
    Py_CLEAR(st->dfa_type);
    Py_CLEAR(st->decimal_type);
    Py_CLEAR(st->uuid_type);
    Py_CLEAR(st->uuid_unknown);
    Py_CLEAR(st->json_loads);
    Py_CLEAR(st->row_shape_error);
    Py_CLEAR(st->limit_error);
    Py_CLEAR(st->decode_error);
    Py_CLEAR(st->s_name);
    Py_CLEAR(st->s_utcoffset);
    Py_CLEAR(st->s_error_list);
    Py_CLEAR(st->s_get_value);
    Py_CLEAR(st->s_append);
}
