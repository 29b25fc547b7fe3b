/* What the module knows once it is imported: types of the standard library,
   interned names, offsets of UUID's slots. Written by pf_state_init only. */
#ifndef PF_STATE_H
#define PF_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable" /* its static pointer; see below */
#include <datetime.h>
#pragma GCC diagnostic pop
#include <stdint.h>

/* datetime.h keeps one static pointer per C file; ours is shared and set once. */
extern PyDateTime_CAPI *pf_datetime_api;
#define PyDateTimeAPI pf_datetime_api

typedef struct {
    PyTypeObject *plan_type, *writer_type, *dfa_type;
    PyTypeObject *decimal_type, *uuid_type;
    PyObject *uuid_unknown; /* SafeUUID.unknown */
    Py_ssize_t uuid_int_at, uuid_safe_at; /* byte offsets of the two slots */
    PyObject *json_loads;
    PyObject *row_shape_error, *limit_error, *decode_error; /* pyforge.errors */
    PyObject *s_name, *s_utcoffset, *s_error_list, *s_get_value, *s_append;
    unsigned long epoch; /* raised when settings changed; plans compare it */
} PfState;

int pf_state_init(PfState *st);
int pf_state_visit(PfState *st, visitproc visit, void *arg);
void pf_state_clear(PfState *st);

static inline int
pf_is_decimal(const PfState *st, PyObject *v)
{
    return Py_TYPE(v) == st->decimal_type;
}

/* UUID has __slots__; its int lives at a fixed offset. -> borrowed from v, may be NULL */
static inline PyObject *
pf_uuid_int(const PfState *st, PyObject *v)
{
    return *(PyObject **)((char *)v + st->uuid_int_at);
}

#endif
