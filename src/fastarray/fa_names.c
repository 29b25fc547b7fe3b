/* The table of known functions and their objects in this interpreter. */
#include "fa_names.h"

#include <math.h>

#include "opcode.h"

#define MATH(name) {"math", #name, FA_KNOWN_LIBM, 0, name}
static const FaKnown table[] = {
    {"builtins", "abs", FA_KNOWN_UNARY, FA_N_ABS, NULL},
    {"builtins", "min", FA_KNOWN_MINMAX, FA_N_MIN, NULL},
    {"builtins", "max", FA_KNOWN_MINMAX, FA_N_MAX, NULL},
    {"builtins", "round", FA_KNOWN_TO_INT, FA_N_ROUND, NULL},
    {"builtins", "int", FA_KNOWN_INT, 0, NULL},
    {"builtins", "float", FA_KNOWN_FLOAT, 0, NULL},
    {"builtins", "bool", FA_KNOWN_TRUTH, 0, NULL},
    {"builtins", "pow", FA_KNOWN_ARITH, NB_POWER, NULL},
    {"_operator", "add", FA_KNOWN_ARITH, NB_ADD, NULL},
    {"_operator", "sub", FA_KNOWN_ARITH, NB_SUBTRACT, NULL},
    {"_operator", "mul", FA_KNOWN_ARITH, NB_MULTIPLY, NULL},
    {"_operator", "truediv", FA_KNOWN_ARITH, NB_TRUE_DIVIDE, NULL},
    {"_operator", "floordiv", FA_KNOWN_ARITH, NB_FLOOR_DIVIDE, NULL},
    {"_operator", "mod", FA_KNOWN_ARITH, NB_REMAINDER, NULL},
    {"_operator", "pow", FA_KNOWN_ARITH, NB_POWER, NULL},
    {"_operator", "and_", FA_KNOWN_ARITH, NB_AND, NULL},
    {"_operator", "or_", FA_KNOWN_ARITH, NB_OR, NULL},
    {"_operator", "xor", FA_KNOWN_ARITH, NB_XOR, NULL},
    {"_operator", "lshift", FA_KNOWN_ARITH, NB_LSHIFT, NULL},
    {"_operator", "rshift", FA_KNOWN_ARITH, NB_RSHIFT, NULL},
    {"_operator", "lt", FA_KNOWN_COMPARE, Py_LT, NULL},
    {"_operator", "le", FA_KNOWN_COMPARE, Py_LE, NULL},
    {"_operator", "eq", FA_KNOWN_COMPARE, Py_EQ, NULL},
    {"_operator", "ne", FA_KNOWN_COMPARE, Py_NE, NULL},
    {"_operator", "gt", FA_KNOWN_COMPARE, Py_GT, NULL},
    {"_operator", "ge", FA_KNOWN_COMPARE, Py_GE, NULL},
    {"_operator", "neg", FA_KNOWN_UNARY, FA_N_NEG, NULL},
    {"_operator", "pos", FA_KNOWN_POS, 0, NULL},
    {"_operator", "abs", FA_KNOWN_UNARY, FA_N_ABS, NULL},
    {"_operator", "invert", FA_KNOWN_UNARY, FA_N_INVERT, NULL},
    {"_operator", "inv", FA_KNOWN_UNARY, FA_N_INVERT, NULL},
    {"_operator", "not_", FA_KNOWN_NOT, 0, NULL},
    {"_operator", "truth", FA_KNOWN_TRUTH, 0, NULL},
    {"math", "sqrt", FA_KNOWN_SQRT, 0, NULL},
    {"math", "fabs", FA_KNOWN_FABS, 0, NULL},
    {"math", "pow", FA_KNOWN_POW, 0, NULL},
    {"math", "floor", FA_KNOWN_TO_INT, FA_N_FLOOR, NULL},
    {"math", "ceil", FA_KNOWN_TO_INT, FA_N_CEIL, NULL},
    {"math", "trunc", FA_KNOWN_TO_INT, FA_N_TRUNC, NULL},
    MATH(sin),
    MATH(cos),
    MATH(tan),
    MATH(asin),
    MATH(acos),
    MATH(atan),
    MATH(sinh),
    MATH(cosh),
    MATH(tanh),
    MATH(asinh),
    MATH(acosh),
    MATH(atanh),
    MATH(exp),
    MATH(exp2),
    MATH(expm1),
    MATH(log),
    MATH(log2),
    MATH(log10),
    MATH(log1p),
    MATH(cbrt),
    MATH(erf),
    MATH(erfc),
};
#undef MATH
enum { COUNT = sizeof table / sizeof *table };

struct FaNames {
    PyObject *objects[COUNT]; /* owned; NULL where this Python lacks the name */
};

void
fa_names_clear(FaState *st)
{
    if (st->names == NULL)
        return;
    for (int i = 0; i < COUNT; i++)
        Py_CLEAR(st->names->objects[i]);
    PyMem_Free(st->names);
    st->names = NULL;
}

static int
fill(FaState *st)
{
    struct FaNames *names = PyMem_Calloc(1, sizeof *names);
    if (names == NULL)
        return -1;
    st->names = names;
    for (int i = 0; i < COUNT; i++) {
        PyObject *module = PyImport_ImportModule(table[i].module);
        if (module != NULL) {
            names->objects[i] = PyObject_GetAttrString(module, table[i].name);
            Py_DECREF(module);
        }
        if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_MemoryError)) {
            PyErr_Clear();
            fa_names_clear(st); /* all of them, or none and another try */
            return -1;
        }
        PyErr_Clear(); /* what isn't there isn't known */
    }
    return 0;
}

int
fa_names_setup(FaState *st)
{
#ifdef Py_GIL_DISABLED /* threads may ask at once: nothing is left for later */
    if (fill(st) < 0) {
        PyErr_NoMemory();
        return -1;
    }
#endif
    return 0;
}

const FaKnown *
fa_names_find(FaState *st, PyObject *obj)
{
    if (st->names == NULL && fill(st) < 0)
        return NULL;
    for (int i = 0; i < COUNT; i++)
        if (st->names->objects[i] == obj)
            return &table[i];
    return NULL;
}
