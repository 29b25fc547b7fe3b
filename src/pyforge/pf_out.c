/* The growing byte buffer; see pf_out.h. */
#include "pf_out.h"

/* Bytes that may stay unused behind a finished text: giving back fewer of them costs more
   than writing a short row. */
enum { SLACK = 256 };

int
pf_out_init(PfOut *o, Py_ssize_t hint)
{
    o->bytes = PyBytes_FromStringAndSize(NULL, hint < 64 ? 64 : hint);
    if (o->bytes == NULL) {
        o->p = o->end = NULL;
        return -1;
    }
    o->p = PyBytes_AS_STRING(o->bytes);
    o->end = o->p + PyBytes_GET_SIZE(o->bytes);
    return 0;
}

int
pf_out_grow(PfOut *o, size_t need)
{
    size_t used, size;

    if (o->bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    used = pf_out_size(o);
    size = (size_t)PyBytes_GET_SIZE(o->bytes);
    if (need > (size_t)PY_SSIZE_T_MAX / 2 - used) {
        PyErr_NoMemory();
        return -1;
    }
    size += size / 2;
    if (size < used + need)
        size = used + need;
    if (_PyBytes_Resize(&o->bytes, (Py_ssize_t)size) < 0) {
        o->p = o->end = NULL;
        return -1;
    }
    o->p = PyBytes_AS_STRING(o->bytes) + used;
    o->end = PyBytes_AS_STRING(o->bytes) + size;
    return 0;
}

PyObject *
pf_out_finish(PfOut *o)
{
    PyObject *bytes = o->bytes;
    Py_ssize_t used = (Py_ssize_t)pf_out_size(o);

    o->bytes = NULL;
    o->p = o->end = NULL;
    if (PyBytes_GET_SIZE(bytes) - used <= SLACK) {
        Py_SET_SIZE(bytes, used); /* nobody else has seen the object */
        PyBytes_AS_STRING(bytes)[used] = '\0';
        return bytes;
    }
    return _PyBytes_Resize(&bytes, used) < 0 ? NULL : bytes;
}

void
pf_out_clear(PfOut *o)
{
    Py_CLEAR(o->bytes);
    o->p = o->end = NULL;
}
