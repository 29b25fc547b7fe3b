/* The writer: an immutable plan of columns, and the rows it turns into bytes. */
#ifndef PF_SERIALIZE_H
#define PF_SERIALIZE_H

#include "pf_style.h"

typedef struct {
    char *key;         /* owned: `{"name": ` or `, "name": `, then PF_OUT_BLOCK zeros */
    size_t key_size;
    PyObject *name;    /* owned str: key of a dict row and of instance_dict */
    PyObject *attname; /* owned interned str */
    PyObject *convert; /* owned callable or NULL: instance value → value to write */
    char by_getattr;   /* the class has a descriptor of its own there */
} PfColumn;

typedef struct {
    PyObject_HEAD
    PyObject *module;     /* owned; keeps st alive */
    PfState *st;
    PyTypeObject *model;  /* owned or NULL: whose __dict__ may be read directly */
    PfStyle style;
    PfColumn *columns;
    Py_ssize_t n_columns;
    Py_ssize_t row_size;  /* bytes of a row lately; a hint, races are harmless */
    Py_ssize_t fallbacks; /* values style->fallback wrote; a statistic */
} PfEncoder;

extern PyType_Spec pf_writer_spec;

/* What goes round and between rows: `open row between row … close`. */
typedef struct {
    const char *text[3];
    Py_ssize_t size[3];
} PfFrame;

int pf_frame_parse(PyObject *arg, PfFrame *frame); /* tuple of three bytes, kept by caller */
int pf_writer_begin(PfWriter *w, PfEncoder *e, Py_ssize_t rows);
PyObject *pf_writer_end(PfWriter *w, PfEncoder *e, Py_ssize_t rows, int ok); /* -> new */
int pf_writer_between(PfWriter *w, const PfFrame *frame, Py_ssize_t row);

/* pf_rows_sqlite.c, pf_rows_pg.c: methods of the writer */
PyObject *pf_encoder_sqlite_rows(PyObject *self, PyObject *args);
PyObject *pf_encoder_pg_rows(PyObject *self, PyObject *args);

/* pf_canon.c: is this JSON text already what json.dumps would print? */
int pf_json_is_canonical(const char *s, size_t n);
/* A cell holding JSON text: passed through when canonical, else loaded and written. */
int pf_write_json_cell(PfWriter *w, const char *s, size_t n);

#endif
