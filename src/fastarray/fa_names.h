/* The builtins, operators and math functions a compiled lambda may call. */
#ifndef FA_NAMES_H
#define FA_NAMES_H

#include "fa_expr.h"

typedef enum {
    FA_KNOWN_ARITH,   /* two arguments; x is an NB_* number of opcode.h */
    FA_KNOWN_COMPARE, /* two; x is Py_LT .. Py_GE */
    FA_KNOWN_UNARY,   /* one; x is a FaNodeOp */
    FA_KNOWN_POS,
    FA_KNOWN_NOT,
    FA_KNOWN_TRUTH,
    FA_KNOWN_MINMAX,  /* two or more; x is FA_N_MIN or FA_N_MAX */
    FA_KNOWN_INT,
    FA_KNOWN_FLOAT,
    FA_KNOWN_TO_INT,  /* one; x is FA_N_TRUNC .. FA_N_ROUND */
    FA_KNOWN_SQRT,
    FA_KNOWN_FABS,
    FA_KNOWN_POW,
    FA_KNOWN_LIBM,    /* one; f */
} FaKnownKind;

typedef struct {
    const char *module, *name;
    FaKnownKind kind;
    int x;
    double (*f)(double);
} FaKnown;

/* The row for an object, or NULL; the table is filled at its first use. */
const FaKnown *fa_names_find(FaState *st, PyObject *obj);
int fa_names_setup(FaState *st); /* at import; -1 with MemoryError */
void fa_names_clear(FaState *st);

#endif
