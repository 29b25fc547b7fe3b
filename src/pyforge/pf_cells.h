/* Cell codes; see pf_cells.def. */
#ifndef PF_CELLS_H
#define PF_CELLS_H

#include "pf_serialize.h"

typedef enum {
#define CELL(name, what) PF_CELL_##name,
#include "pf_cells.def"
#undef CELL
    PF_CELL_COUNT
} PfCell;

/* The raw columns of one query, beside the writer's columns. */
typedef struct {
    const char *codes;   /* borrowed from the argument tuple */
    PyObject *params;    /* tuple of ints, borrowed likewise */
    PyObject *converts;  /* tuple of callables or None, borrowed likewise */
    Py_ssize_t n;
    Py_ssize_t converted; /* cells that went through `convert` */
} PfCells;

int pf_cells_init(PfCells *c, PfEncoder *e, PyObject *codes, PyObject *params,
                  PyObject *converts);
int pf_cells_convert(PfCells *c, PfWriter *w, Py_ssize_t i, PyObject *raw);

#endif
