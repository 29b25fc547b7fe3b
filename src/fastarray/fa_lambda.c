/* Bytecode -> pure typed expression, by following every path.
 *
 * The code is run on a symbolic stack.  A conditional jump forks: both continuations run
 * to their RETURN, and the results meet in one SELECT, so and/or, chained comparisons,
 * ternaries and early returns look alike on every version.  Everything else that is not
 * plain arithmetic on numbers is refused with a reason.  Operators on exact ints and
 * floats run no user code, so order of evaluation shows only in exceptions, and a block
 * that would raise is run again by Python.
 */
#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_backports.h"
#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_tracing.h"

#include "fa_lambda.h"

#include <stdarg.h>
#include <string.h>

#include "opcode.h"

#include "fa_names.h"
#include "fa_view.h"

enum { SLOTS = 64,
       MAX_GUARDS = 8,
       MAX_STACK = 16,
       MAX_LOCALS = 8,
       BUDGET = 400 };

/* -- What a compiled form hangs on ------------------------------------------------ */

typedef enum { GUARD_GLOBAL,
               GUARD_CELL,
               GUARD_DEFAULT,
               GUARD_ATTR } GuardKind;

typedef struct {
    GuardKind kind;
    int index;          /* of a cell or default */
    PyObject *where;    /* owned: GUARD_ATTR's module */
    PyObject *name;     /* owned */
    PyObject *expected; /* owned */
} Guard;

struct FaCompiled {
    Py_ssize_t users;
    PyObject *key; /* owned: the code object, or the callable itself */
    FaDtype in, out;
    FaGoal goal;
    int n_guards, usable;
    int transient; /* refused for want of memory: another try may succeed */
    Guard guards[MAX_GUARDS];
    char reason[96];
    FaProgram program;
};

struct FaLambdaCache {
    FaCompiled *slots[SLOTS];
};

FaProgram *
fa_lambda_program(FaCompiled *c)
{
    return &c->program;
}

void
fa_lambda_release(FaCompiled *c)
{
    if (c == NULL || --c->users > 0)
        return;
    for (int i = 0; i < c->n_guards; i++) {
        Py_XDECREF(c->guards[i].where);
        Py_XDECREF(c->guards[i].name);
        Py_XDECREF(c->guards[i].expected);
    }
    Py_XDECREF(c->key);
    PyMem_Free(c);
}

/* One number may be another object of the same type and value. */
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

/* What a name is bound to now: -> new, or NULL without an error.  New, because other
 * threads of a free-threaded build may bind it to something else meanwhile. */
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

static PyObject *
find_attr(PyObject *module, PyObject *name)
{
    return find_in(PyModule_GetDict(module), name);
}

static int
guard_holds(const Guard *g, PyObject *fn)
{
    PyFunctionObject *f = (PyFunctionObject *)fn;
    PyObject *now = NULL;
    int same;

    switch (g->kind) {
    case GUARD_GLOBAL: now = find_global(f, g->name); break;
    case GUARD_CELL: now = find_cell(f, g->index); break;
    case GUARD_DEFAULT: now = find_default(f, g->index); break;
    case GUARD_ATTR: now = find_attr(g->where, g->name); break;
    }
    same = g->kind == GUARD_ATTR ? now == g->expected : same_value(now, g->expected);
    Py_XDECREF(now);
    return same;
}

static PyObject *
key_of(PyObject *fn)
{
    return PyFunction_Check(fn) ? PyFunction_GET_CODE(fn) : fn;
}

static int
guards_hold(const FaCompiled *c, PyObject *fn)
{
    if (c->key != key_of(fn))
        return 0;
    for (int i = 0; i < c->n_guards; i++)
        if (!guard_holds(&c->guards[i], fn))
            return 0;
    return 1;
}

static int
watched(PyObject *fn)
{
    return PyFunction_Check(fn) && cpy_tracing_active(PyThreadState_Get(), (PyCodeObject *)PyFunction_GET_CODE(fn));
}

int
fa_lambda_holds(FaState *st, const FaCompiled *c, PyObject *fn)
{
    return guards_hold(c, fn) && !watched(fn);
}

/* -- The symbolic machine --------------------------------------------------------- */

typedef enum { V_EMPTY,
               V_NULL,
               V_NODE,
               V_KNOWN,
               V_MODULE } ValueKind;

typedef struct {
    ValueKind kind;
    int node;
    const FaKnown *known;
    PyObject *module; /* borrowed from a guard */
} Value;

typedef struct {
    Value stack[MAX_STACK], locals[MAX_LOCALS];
    int depth, path; /* path: BOOL node true where this continuation runs, or -1 */
    uint32_t pc;
} Machine;

typedef struct {
    FaState *st;
    FaCompiled *c;
    FaProgram *p;
    PyFunctionObject *f; /* borrowed */
    PyCodeObject *code;  /* borrowed from f */
    CpyStream stream;
    int budget;
} Front;

/* Sets the reason once; always -1. */
static int
refuse(Front *fr, const char *format, ...)
{
    va_list args;
    if (fr->c->reason[0])
        return -1;
    va_start(args, format);
    vsnprintf(fr->c->reason, sizeof fr->c->reason, format, args);
    va_end(args);
    return -1;
}

static int
node_or_refuse(Front *fr, int node)
{
    return node >= 0 ? node : refuse(fr, "it is too long");
}

static FaType
type_of(const Front *fr, int node)
{
    return (FaType)fr->p->nodes[node].type;
}

static int
is_constant(const Front *fr, int node)
{
    return fr->p->nodes[node].op == FA_N_CONST;
}

/* -- Constants: Python itself computes with them ---------------------------------- */

static int
constant_node(Front *fr, PyObject *v)
{
    if (PyBool_Check(v))
        return node_or_refuse(fr, fa_expr_bool(fr->p, v == Py_True));
    if (PyFloat_CheckExact(v))
        return node_or_refuse(fr, fa_expr_float(fr->p, PyFloat_AS_DOUBLE(v)));
    if (PyLong_CheckExact(v)) {
        int overflow;
        long long k = PyLong_AsLongLongAndOverflow(v, &overflow);
        if (overflow)
            return refuse(fr, "a constant does not fit 64 bits");
        return node_or_refuse(fr, fa_expr_int(fr->p, k));
    }
    return refuse(fr, "it uses a constant of type '%.40s'", Py_TYPE(v)->tp_name);
}

static PyObject *
constant_object(const Front *fr, int node)
{
    const FaNode *n = &fr->p->nodes[node];
    switch (n->type) {
    case FA_T_BOOL: return PyBool_FromLong(n->k.i != 0);
    case FA_T_FLOAT: return PyFloat_FromDouble(n->k.d);
    default: return PyLong_FromLongLong(n->k.i);
    }
}

static PyObject *
power(PyObject *a, PyObject *b)
{
    return PyNumber_Power(a, b, Py_None);
}

static PyObject *(*const python_arith[])(PyObject *, PyObject *) = {
    [NB_ADD] = PyNumber_Add,
    [NB_AND] = PyNumber_And,
    [NB_FLOOR_DIVIDE] = PyNumber_FloorDivide,
    [NB_LSHIFT] = PyNumber_Lshift,
    [NB_MATRIX_MULTIPLY] = PyNumber_MatrixMultiply,
    [NB_MULTIPLY] = PyNumber_Multiply,
    [NB_REMAINDER] = PyNumber_Remainder,
    [NB_OR] = PyNumber_Or,
    [NB_POWER] = power,
    [NB_RSHIFT] = PyNumber_Rshift,
    [NB_SUBTRACT] = PyNumber_Subtract,
    [NB_TRUE_DIVIDE] = PyNumber_TrueDivide,
    [NB_XOR] = PyNumber_Xor,
};

static int
folded(Front *fr, PyObject *value)
{
    int node;
    if (value == NULL) {
        fr->c->transient |= PyErr_ExceptionMatches(PyExc_MemoryError) != 0;
        PyErr_Clear();
        return refuse(fr, "its constants raise");
    }
    node = constant_node(fr, value);
    Py_DECREF(value);
    return node;
}

static int
fold_arith(Front *fr, int op, int a, int b)
{
    PyObject *x, *y, *z = NULL;
    if (op == NB_LSHIFT || op == NB_POWER) { /* might be huge */
        double k = type_of(fr, b) == FA_T_FLOAT ? 0 : (double)fr->p->nodes[b].k.i;
        if (k > 64)
            return refuse(fr, "a constant does not fit 64 bits");
    }
    x = constant_object(fr, a);
    y = constant_object(fr, b);
    if (x != NULL && y != NULL)
        z = python_arith[op](x, y);
    Py_XDECREF(x);
    Py_XDECREF(y);
    return folded(fr, z);
}

/* -- Arithmetic ------------------------------------------------------------------- */

/* An operand that could raise where this path does not run is made harmless there. */
static int
only_on_path(Front *fr, const Machine *m, int node)
{
    int one;
    if (node < 0 || m->path < 0 || is_constant(fr, node))
        return node;
    one = type_of(fr, node) == FA_T_FLOAT ? fa_expr_float(fr->p, 1.0)
                                          : fa_expr_int(fr->p, 1);
    if (one < 0)
        return -1;
    return fa_expr_node(fr->p, FA_N_SELECT, type_of(fr, node), m->path, node, one);
}

static int
both_floats(Front *fr, int *a, int *b)
{
    *a = fa_expr_as_float(fr->p, *a);
    *b = fa_expr_as_float(fr->p, *b);
    return *a < 0 || *b < 0 ? -1 : 0;
}

static int
divide_ints(Front *fr, const Machine *m, int is_mod, int a, int b)
{
    FaProgram *p = fr->p;
    FaNodeOp op = is_mod ? FA_N_MOD : FA_N_FLOORDIV;
    int64_t k = p->nodes[b].k.i;
    int r;

    if (!is_constant(fr, b))
        return fa_expr_node(p, op, FA_T_INT, a, only_on_path(fr, m, b), -1);
    if (k == 0)
        return refuse(fr, "it divides by zero");
    if (k == INT64_MIN)
        return refuse(fr, "a divisor is too large");
    if (k < 0) { /* x // -k is -x // k; x % -k is -(-x % k) */
        a = fa_expr_node(p, FA_N_NEG, FA_T_INT, a, -1, -1);
        if (a < 0)
            return -1;
        r = divide_ints(fr, m, is_mod, a, fa_expr_int(p, -k));
        return is_mod && r >= 0 ? fa_expr_node(p, FA_N_NEG, FA_T_INT, r, -1, -1) : r;
    }
    if (k == 1)
        return is_mod ? fa_expr_int(p, 0) : a;
    if ((k & (k - 1)) == 0) {
        int shift = __builtin_ctzll((uint64_t)k);
        if (is_mod)
            return fa_expr_node(p, FA_N_AND, FA_T_INT, a, fa_expr_int(p, k - 1), -1);
        return fa_expr_node(p, FA_N_SHR, FA_T_INT, a, fa_expr_int(p, shift), -1);
    }
    return fa_expr_node(p, op, FA_T_INT, a, b, -1);
}

static int
int_power(Front *fr, int a, int64_t k)
{
    int half, r;
    if (k < 0 || k > 8)
        return refuse(fr, "an int power is only compiled for exponents 0 to 8");
    if (k == 0)
        return fa_expr_int(fr->p, 1);
    if (k == 1)
        return a;
    half = int_power(fr, a, k / 2);
    if (half < 0)
        return -1;
    r = fa_expr_node(fr->p, FA_N_MUL, FA_T_INT, half, half, -1);
    return k % 2 && r >= 0 ? fa_expr_node(fr->p, FA_N_MUL, FA_T_INT, r, a, -1) : r;
}

static int
int_arith(Front *fr, const Machine *m, int op, int a, int b)
{
    FaProgram *p = fr->p;
    int64_t k = p->nodes[b].k.i;
    int fixed = is_constant(fr, b);

    switch (op) {
    case NB_ADD: return fa_expr_node(p, FA_N_ADD, FA_T_INT, a, b, -1);
    case NB_SUBTRACT:
        if (fixed && k != INT64_MIN)
            return fa_expr_node(p, FA_N_ADD, FA_T_INT, a, fa_expr_int(p, -k), -1);
        return fa_expr_node(p, FA_N_SUB, FA_T_INT, a, b, -1);
    case NB_MULTIPLY: return fa_expr_node(p, FA_N_MUL, FA_T_INT, a, b, -1);
    case NB_FLOOR_DIVIDE: return divide_ints(fr, m, 0, a, b);
    case NB_REMAINDER: return divide_ints(fr, m, 1, a, b);
    case NB_AND: return fa_expr_node(p, FA_N_AND, FA_T_INT, a, b, -1);
    case NB_OR: return fa_expr_node(p, FA_N_OR, FA_T_INT, a, b, -1);
    case NB_XOR: return fa_expr_node(p, FA_N_XOR, FA_T_INT, a, b, -1);
    case NB_POWER:
        return fixed ? int_power(fr, a, k) : refuse(fr, "an exponent varies");
    case NB_LSHIFT:
    case NB_RSHIFT:
        if (!fixed || k < 0)
            return refuse(fr, "a shift count varies or is negative");
        if (op == NB_RSHIFT)
            return fa_expr_node(p, FA_N_SHR, FA_T_INT, a, fa_expr_int(p, k > 63 ? 63 : k),
                                -1);
        if (k > 62)
            return refuse(fr, "a shift leaves 64 bits");
        return fa_expr_node(p, FA_N_MUL, FA_T_INT, a, fa_expr_int(p, (int64_t)1 << k), -1);
    default: return refuse(fr, "it uses an operator numbers don't have");
    }
}

static int
float_arith(Front *fr, const Machine *m, int op, int a, int b)
{
    FaProgram *p = fr->p;
    double k = p->nodes[b].k.d;
    int fixed = is_constant(fr, b);

    switch (op) {
    case NB_ADD: return fa_expr_node(p, FA_N_ADD, FA_T_FLOAT, a, b, -1);
    case NB_SUBTRACT:
        if (fixed && k == k)
            return fa_expr_node(p, FA_N_ADD, FA_T_FLOAT, a, fa_expr_float(p, -k), -1);
        return fa_expr_node(p, FA_N_SUB, FA_T_FLOAT, a, b, -1);
    case NB_MULTIPLY: return fa_expr_node(p, FA_N_MUL, FA_T_FLOAT, a, b, -1);
    case NB_POWER:
        a = only_on_path(fr, m, a);
        return fa_expr_node(p, FA_N_POW, FA_T_FLOAT, a, b, -1);
    case NB_TRUE_DIVIDE:
    case NB_FLOOR_DIVIDE:
    case NB_REMAINDER:
        if (fixed && k == 0)
            return refuse(fr, "it divides by zero");
        b = only_on_path(fr, m, b);
        return fa_expr_node(p, op == NB_TRUE_DIVIDE ? FA_N_TRUEDIV : op == NB_FLOOR_DIVIDE ? FA_N_FLOORDIV
                                                                                           : FA_N_MOD,
                            FA_T_FLOAT, a, b, -1);
    default: return refuse(fr, "it uses an operator floats don't have");
    }
}

static int
arith(Front *fr, const Machine *m, int op, int a, int b)
{
    if (op == NB_MATRIX_MULTIPLY)
        return refuse(fr, "it uses an operator numbers don't have");
    if (is_constant(fr, a) && is_constant(fr, b))
        return fold_arith(fr, op, a, b);
    if (type_of(fr, a) == FA_T_BOOL && type_of(fr, b) == FA_T_BOOL && (op == NB_AND || op == NB_OR || op == NB_XOR))
        return node_or_refuse(
            fr, fa_expr_node(fr->p, op == NB_AND ? FA_N_AND : op == NB_OR ? FA_N_OR
                                                                          : FA_N_XOR,
                             FA_T_BOOL, a, b, -1));
    if (op == NB_TRUE_DIVIDE || type_of(fr, a) == FA_T_FLOAT || type_of(fr, b) == FA_T_FLOAT) {
        if (both_floats(fr, &a, &b) < 0)
            return refuse(fr, "it is too long");
        return node_or_refuse(fr, float_arith(fr, m, op, a, b));
    }
    a = fa_expr_as_int(fr->p, a);
    b = fa_expr_as_int(fr->p, b);
    if (a < 0 || b < 0)
        return refuse(fr, "it is too long");
    return node_or_refuse(fr, int_arith(fr, m, op, a, b));
}

static int
compare(Front *fr, int op, int a, int b)
{
    static const uint8_t node_op[] = {[Py_LT] = FA_N_LT, [Py_LE] = FA_N_LE, [Py_EQ] = FA_N_EQ, [Py_NE] = FA_N_NE, [Py_GT] = FA_N_LT, [Py_GE] = FA_N_LE};
    if (is_constant(fr, a) && is_constant(fr, b)) {
        PyObject *x = constant_object(fr, a), *y = constant_object(fr, b), *z = NULL;
        if (x != NULL && y != NULL)
            z = PyObject_RichCompare(x, y, op);
        Py_XDECREF(x);
        Py_XDECREF(y);
        return folded(fr, z);
    }
    if (type_of(fr, a) == FA_T_FLOAT || type_of(fr, b) == FA_T_FLOAT) {
        if (both_floats(fr, &a, &b) < 0)
            return refuse(fr, "it is too long");
    }
    else {
        a = fa_expr_as_int(fr->p, a);
        b = fa_expr_as_int(fr->p, b);
    }
    if (op == Py_GT || op == Py_GE) {
        int t = a;
        a = b;
        b = t;
    }
    return node_or_refuse(fr, fa_expr_node(fr->p, node_op[op], FA_T_BOOL, a, b, -1));
}

static int
unary(Front *fr, int op, int a)
{
    if (op == FA_N_INVERT && type_of(fr, a) == FA_T_FLOAT)
        return refuse(fr, "it uses an operator floats don't have");
    if (op == FA_N_INVERT && type_of(fr, a) == FA_T_BOOL)
        return refuse(fr, "~ of a bool warns");
    if (type_of(fr, a) == FA_T_BOOL)
        a = fa_expr_as_int(fr->p, a);
    if (a >= 0 && is_constant(fr, a)) {
        PyObject *x = constant_object(fr, a), *y = NULL;
        if (x != NULL)
            y = op == FA_N_NEG   ? PyNumber_Negative(x)
                : op == FA_N_ABS ? PyNumber_Absolute(x)
                                 : PyNumber_Invert(x);
        Py_XDECREF(x);
        return folded(fr, y);
    }
    return node_or_refuse(fr, a < 0 ? -1 : fa_expr_node(fr->p, op, type_of(fr, a), a, -1, -1));
}

/* -- Known functions -------------------------------------------------------------- */

static int
to_int(Front *fr, const Machine *m, FaNodeOp op, int a)
{
    if (type_of(fr, a) != FA_T_FLOAT)
        return node_or_refuse(fr, fa_expr_as_int(fr->p, a));
    return node_or_refuse(
        fr, fa_expr_node(fr->p, op, FA_T_INT, only_on_path(fr, m, a), -1, -1));
}

static int
call_one(Front *fr, const Machine *m, const FaKnown *k, int a)
{
    FaProgram *p = fr->p;
    switch (k->kind) {
    case FA_KNOWN_UNARY: return unary(fr, k->x, a);
    case FA_KNOWN_POS: return type_of(fr, a) == FA_T_BOOL ? fa_expr_as_int(p, a) : a;
    case FA_KNOWN_NOT: return node_or_refuse(fr, fa_expr_not(p, a));
    case FA_KNOWN_TRUTH: return node_or_refuse(fr, fa_expr_truth(p, a));
    case FA_KNOWN_INT: return to_int(fr, m, FA_N_TRUNC, a);
    case FA_KNOWN_TO_INT: return to_int(fr, m, (FaNodeOp)k->x, a);
    case FA_KNOWN_FLOAT: return node_or_refuse(fr, fa_expr_as_float(p, a));
    case FA_KNOWN_FABS:
        a = fa_expr_as_float(p, a);
        return node_or_refuse(fr, a < 0 ? -1 : fa_expr_node(p, FA_N_ABS, FA_T_FLOAT, a, -1, -1));
    case FA_KNOWN_SQRT:
        a = only_on_path(fr, m, fa_expr_as_float(p, a));
        return node_or_refuse(fr, fa_expr_node(p, FA_N_SQRT, FA_T_FLOAT, a, -1, -1));
    case FA_KNOWN_LIBM:
        a = only_on_path(fr, m, fa_expr_as_float(p, a));
        return node_or_refuse(fr, fa_expr_call1(p, k->f, k->name, a));
    default: return refuse(fr, "%.40s() is called with one argument", k->name);
    }
}

static int
call_two(Front *fr, const Machine *m, const FaKnown *k, int a, int b)
{
    switch (k->kind) {
    case FA_KNOWN_ARITH: return arith(fr, m, k->x, a, b);
    case FA_KNOWN_COMPARE: return compare(fr, k->x, a, b);
    case FA_KNOWN_POW:
        if (both_floats(fr, &a, &b) < 0)
            return refuse(fr, "it is too long");
        return node_or_refuse(fr, fa_expr_node(fr->p, FA_N_POW, FA_T_FLOAT,
                                               only_on_path(fr, m, a), b, -1));
    case FA_KNOWN_MINMAX:
        if (type_of(fr, a) == FA_T_BOOL || type_of(fr, b) == FA_T_BOOL || type_of(fr, a) != type_of(fr, b))
            return refuse(fr, "%.40s() mixes types", k->name);
        return node_or_refuse(
            fr, fa_expr_node(fr->p, (FaNodeOp)k->x, type_of(fr, a), a, b, -1));
    default: return refuse(fr, "%.40s() is called with two arguments", k->name);
    }
}

static int
call_known(Front *fr, const Machine *m, const FaKnown *k, const int *args, int n)
{
    int r;
    if (n == 1)
        return call_one(fr, m, k, args[0]);
    if (n == 0 || (n > 2 && k->kind != FA_KNOWN_MINMAX))
        return refuse(fr, "%.40s() is called with %d arguments", k->name, n);
    r = call_two(fr, m, k, args[0], args[1]);
    for (int i = 2; i < n && r >= 0; i++)
        r = call_two(fr, m, k, r, args[i]);
    return r;
}

/* -- Names ------------------------------------------------------------------------ */

static int
add_guard(Front *fr, GuardKind kind, int index, PyObject *where, PyObject *name,
          PyObject *expected)
{
    FaCompiled *c = fr->c;
    for (int i = 0; i < c->n_guards; i++) {
        Guard *g = &c->guards[i];
        if (g->kind == kind && g->index == index && g->where == where && g->name == name)
            return 0;
    }
    if (c->n_guards == MAX_GUARDS)
        return refuse(fr, "it uses too many names");
    c->guards[c->n_guards++] = (Guard){kind, index, Py_XNewRef(where), Py_XNewRef(name),
                                       Py_XNewRef(expected)};
    return 0;
}

static int
value_of(Front *fr, PyObject *v, const char *name, Value *out)
{
    *out = (Value){.kind = V_NODE, .node = -1};
    if (v == NULL)
        return refuse(fr, "name '%.40s' is not bound", name);
    if (PyBool_Check(v) || PyLong_CheckExact(v) || PyFloat_CheckExact(v)) {
        out->node = constant_node(fr, v);
        return out->node < 0 ? -1 : 0;
    }
    if (PyModule_CheckExact(v)) {
        *out = (Value){.kind = V_MODULE, .module = v};
        return 0;
    }
    out->known = fa_names_find(fr->st, v);
    if (out->known == NULL)
        return refuse(fr, "'%.40s' is neither a number nor a known function", name);
    out->kind = V_KNOWN;
    return 0;
}

static const char *
text_of(PyObject *name)
{
    const char *s = PyUnicode_AsUTF8(name);
    if (s == NULL)
        PyErr_Clear();
    return s ? s : "?";
}

/* Guards what was found and says what it is; takes v. */
static int
load_found(Front *fr, Guard at, PyObject *v, const char *name, Value *out)
{
    int status = -1;
    if (v == NULL || add_guard(fr, at.kind, at.index, at.where, at.name, v) == 0)
        status = value_of(fr, v, name, out);
    Py_XDECREF(v);
    return status;
}

static int
load_global(Front *fr, PyObject *name, Value *out)
{
    return load_found(fr, (Guard){.kind = GUARD_GLOBAL, .name = name},
                      find_global(fr->f, name), text_of(name), out);
}

static int
load_attr(Front *fr, const Value *of, PyObject *name, Value *out)
{
    if (of->kind != V_MODULE)
        return refuse(fr, "it reads attribute '%.40s'", text_of(name));
    return load_found(fr, (Guard){.kind = GUARD_ATTR, .where = of->module, .name = name},
                      find_attr(of->module, name), text_of(name), out);
}

static int
load_cell(Front *fr, uint32_t slot, Value *out)
{
    int free_at = (int)slot - (cpy_code_nlocalsplus(fr->code) - cpy_code_nfreevars(fr->code));
    PyObject *v = free_at < 0 ? NULL : find_cell(fr->f, free_at);
    if (v == NULL)
        return refuse(fr, "a closure variable is not a number of the enclosing scope");
    return load_found(fr, (Guard){.kind = GUARD_CELL, .index = free_at}, v,
                      "a closure variable", out);
}

/* -- Running the code ------------------------------------------------------------- */

static int run(Front *fr, Machine *m);

static int
push(Front *fr, Machine *m, Value v)
{
    if (m->depth == MAX_STACK)
        return refuse(fr, "it is too long");
    m->stack[m->depth++] = v;
    return 0;
}

static int
push_node(Front *fr, Machine *m, int node)
{
    return node < 0 ? -1 : push(fr, m, (Value){.kind = V_NODE, .node = node});
}

/* The top item as a number. */
static int
pop_node(Front *fr, Machine *m)
{
    Value v;
    if (m->depth == 0)
        return refuse(fr, "its code is not understood");
    v = m->stack[--m->depth];
    return v.kind == V_NODE ? v.node : refuse(fr, "a function is used as a number");
}

/* Where cond holds t, elsewhere f; both are results. */
static int
join(Front *fr, int cond, int t, int f)
{
    FaProgram *p = fr->p;
    if (t < 0 || f < 0)
        return -1;
    if (t == f)
        return t;
    if (type_of(fr, t) == FA_T_BOOL) {
        int t_const = is_constant(fr, t), f_const = is_constant(fr, f);
        if (f == cond || (f_const && !p->nodes[f].k.i))
            return node_or_refuse(fr, t_const && p->nodes[t].k.i
                                          ? cond
                                          : fa_expr_node(p, FA_N_AND, FA_T_BOOL, cond, t, -1));
        if (t == cond || (t_const && p->nodes[t].k.i))
            return node_or_refuse(fr, fa_expr_node(p, FA_N_OR, FA_T_BOOL, cond, f, -1));
        if (t_const && f_const)
            return node_or_refuse(fr, fa_expr_not(p, cond));
    }
    return node_or_refuse(fr, fa_expr_node(p, FA_N_SELECT, type_of(fr, t), cond, t, f));
}

static int
narrowed(Front *fr, int path, int cond)
{
    if (path < 0 || cond < 0)
        return cond;
    return fa_expr_node(fr->p, FA_N_AND, FA_T_BOOL, path, cond, -1);
}

/* Both continuations of a condition: `yes` where it holds, `no` elsewhere. */
static int
fork_on(Front *fr, int cond, Machine *yes, Machine *no)
{
    int t, f;
    if (cond < 0)
        return refuse(fr, "it is too long");
    if (is_constant(fr, cond))
        return run(fr, fr->p->nodes[cond].k.i ? yes : no);
    yes->path = narrowed(fr, yes->path, cond);
    no->path = narrowed(fr, no->path, fa_expr_not(fr->p, cond));
    if (yes->path < 0 || no->path < 0)
        return refuse(fr, "it is too long");
    t = run(fr, yes);
    if (t < 0)
        return -1;
    f = run(fr, no);
    return join(fr, cond, t, f);
}

static int
jump_to(Front *fr, Machine *m, uint32_t target)
{
    m->pc = fr->stream.at[target];
    return 0;
}

static int
conditional(Front *fr, Machine *m, const CpyInsn *i)
{
    int on_true = i->op == CPY_POP_JUMP_IF_TRUE || i->op == CPY_JUMP_IF_TRUE_OR_POP;
    int keeps = i->op == CPY_JUMP_IF_TRUE_OR_POP || i->op == CPY_JUMP_IF_FALSE_OR_POP;
    int value = pop_node(fr, m);
    Machine taken = *m;

    if (value < 0)
        return -1;
    if (i->target <= i->word)
        return refuse(fr, "it loops");
    if (keeps && push_node(fr, &taken, value) < 0)
        return -1;
    jump_to(fr, &taken, i->target);
    value = fa_expr_truth(fr->p, value);
    return on_true ? fork_on(fr, value, &taken, m) : fork_on(fr, value, m, &taken);
}

/* min or max of two numbers of different types: which one it is decides the type. */
static int
mixed_extreme(Front *fr, Machine *m, const FaKnown *k, int a, int b)
{
    Machine other = *m;
    int cond = compare(fr, k->x == FA_N_MIN ? Py_LT : Py_GT, b, a);
    if (cond < 0 || push_node(fr, &other, b) < 0 || push_node(fr, m, a) < 0)
        return -1;
    return fork_on(fr, cond, &other, m);
}

/* 0: pushed; 1: *result is the whole rest; -1: refused */
static int
call(Front *fr, Machine *m, int n, int *result)
{
    int args[MAX_STACK];
    Value first, second, callee;

    if (n + 2 > m->depth)
        return refuse(fr, "its code is not understood");
    for (int i = n - 1; i >= 0; i--)
        if ((args[i] = pop_node(fr, m)) < 0)
            return -1;
    second = m->stack[--m->depth];
    first = m->stack[--m->depth];
    callee = CPY_CALL_NULL_FIRST ? second : first;
    if ((CPY_CALL_NULL_FIRST ? first : second).kind != V_NULL || callee.kind != V_KNOWN)
        return refuse(fr, "it calls something unknown");
    if (callee.known->kind == FA_KNOWN_MINMAX && n == 2 && type_of(fr, args[0]) != type_of(fr, args[1])) {
        *result = mixed_extreme(fr, m, callee.known, args[0], args[1]);
        return *result < 0 ? -1 : 1;
    }
    return push_node(fr, m, call_known(fr, m, callee.known, args, n));
}

static int
load_local(Front *fr, Machine *m, uint32_t slot)
{
    if (slot >= MAX_LOCALS || m->locals[slot].kind == V_EMPTY)
        return refuse(fr, "a local variable is not understood");
    return push(fr, m, m->locals[slot]);
}

static int
push_method(Front *fr, Machine *m, Value v)
{
    Value null = {.kind = V_NULL};
    if (CPY_CALL_NULL_FIRST)
        return push(fr, m, null) < 0 ? -1 : push(fr, m, v);
    return push(fr, m, v) < 0 ? -1 : push(fr, m, null);
}

/* One instruction. 0: go on; 1: *result is the rest; -1: refused */
static int
step(Front *fr, Machine *m, const CpyInsn *i, int *result)
{
    PyCodeObject *co = fr->code;
    Value v = {.kind = V_NULL};
    int a, b;

    switch (i->op) {
    case CPY_NOP:
    case CPY_RESUME:
    case CPY_COPY_FREE_VARS:
        return 0;
    case CPY_POP:
        return m->depth-- > 0 ? 0 : -1;
    case CPY_COPY:
        if ((int)i->arg > m->depth)
            return -1;
        return push(fr, m, m->stack[m->depth - (int)i->arg]);
    case CPY_SWAP:
        if ((int)i->arg > m->depth)
            return -1;
        v = m->stack[m->depth - 1];
        m->stack[m->depth - 1] = m->stack[m->depth - (int)i->arg];
        m->stack[m->depth - (int)i->arg] = v;
        return 0;
    case CPY_PUSH_NULL:
        return push(fr, m, v);
    case CPY_LOAD_CONST:
        return push_node(fr, m, constant_node(fr, PyTuple_GET_ITEM(co->co_consts, i->arg)));
    case CPY_LOAD_SMALL_INT:
        return push_node(fr, m, node_or_refuse(fr, fa_expr_int(fr->p, (int)i->arg)));
    case CPY_LOAD_FAST:
    case CPY_LOAD_FAST_CHECK:
        return load_local(fr, m, i->arg);
    case CPY_STORE_FAST:
        if (i->arg >= MAX_LOCALS || m->depth == 0)
            return refuse(fr, "it has too many local variables");
        m->locals[i->arg] = m->stack[--m->depth];
        return 0;
    case CPY_LOAD_GLOBAL:
        if (load_global(fr, PyTuple_GET_ITEM(co->co_names, i->arg), &v) < 0)
            return -1;
        return push(fr, m, v);
    case CPY_LOAD_DEREF:
        return load_cell(fr, i->arg, &v) < 0 ? -1 : push(fr, m, v);
    case CPY_LOAD_ATTR:
    case CPY_LOAD_METHOD: {
        Value of = m->stack[--m->depth];
        if (load_attr(fr, &of, PyTuple_GET_ITEM(co->co_names, i->arg), &v) < 0)
            return -1;
        return i->op == CPY_LOAD_ATTR ? push(fr, m, v) : push_method(fr, m, v);
    }
    case CPY_BINARY_OP:
    case CPY_INPLACE_OP:
        if ((b = pop_node(fr, m)) < 0 || (a = pop_node(fr, m)) < 0)
            return -1;
        return push_node(fr, m, arith(fr, m, (int)i->arg, a, b));
    case CPY_COMPARE_OP:
        if ((b = pop_node(fr, m)) < 0 || (a = pop_node(fr, m)) < 0)
            return -1;
        return push_node(fr, m, compare(fr, (int)i->arg, a, b));
    case CPY_UNARY_NEGATIVE:
    case CPY_UNARY_INVERT:
        if ((a = pop_node(fr, m)) < 0)
            return -1;
        return push_node(fr, m, unary(fr, i->op == CPY_UNARY_INVERT ? FA_N_INVERT : FA_N_NEG, a));
    case CPY_UNARY_POSITIVE:
        if ((a = pop_node(fr, m)) < 0)
            return -1;
        return push_node(fr, m, type_of(fr, a) == FA_T_BOOL ? fa_expr_as_int(fr->p, a) : a);
    case CPY_UNARY_NOT:
        if ((a = pop_node(fr, m)) < 0)
            return -1;
        return push_node(fr, m, node_or_refuse(fr, fa_expr_not(fr->p, a)));
    case CPY_TO_BOOL:
        if ((a = pop_node(fr, m)) < 0)
            return -1;
        return push_node(fr, m, node_or_refuse(fr, fa_expr_truth(fr->p, a)));
    case CPY_CALL:
        return call(fr, m, (int)i->arg, result);
    case CPY_JUMP:
        if (i->target <= i->word)
            return refuse(fr, "it loops");
        return jump_to(fr, m, i->target);
    case CPY_POP_JUMP_IF_TRUE:
    case CPY_POP_JUMP_IF_FALSE:
    case CPY_JUMP_IF_TRUE_OR_POP:
    case CPY_JUMP_IF_FALSE_OR_POP:
        *result = conditional(fr, m, i);
        return *result < 0 ? -1 : 1;
    case CPY_RETURN_VALUE:
        if ((a = pop_node(fr, m)) < 0)
            return -1;
        *result = fa_expr_as_result(fr->p, a);
        if (*result < 0)
            return refuse(fr, type_of(fr, a) == FA_T_FLOAT && fa_dtype_kind(fr->p->out) != FA_FLOAT
                                  ? "it returns a float for an array of ints"
                                  : "it is too long");
        return 1;
    default:
        return refuse(fr, "it uses %.40s", cpy_op_name(i->op));
    }
}

static int
run(Front *fr, Machine *m)
{
    for (;;) {
        int result = -1, status;
        if (fr->budget-- == 0 || m->pc >= fr->stream.n)
            return refuse(fr, "it is too long");
        status = step(fr, m, &fr->stream.insns[m->pc++], &result);
        if (status < 0)
            return refuse(fr, "its code is not understood");
        if (status > 0)
            return result;
    }
}

/* -- Compiling -------------------------------------------------------------------- */

static int
bind_parameters(Front *fr, Machine *m, int inputs)
{
    int count = cpy_code_argcount(fr->code);
    int defaults = fr->f->func_defaults ? (int)PyTuple_GET_SIZE(fr->f->func_defaults) : 0;

    if (cpy_code_flags(fr->code) & (CO_VARARGS | CO_VARKEYWORDS | CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) || cpy_code_kwonlyargcount(fr->code))
        return refuse(fr, "its signature is not plain");
    if (count < inputs || count - defaults > inputs || count > MAX_LOCALS)
        return refuse(fr, "it takes %d arguments", count);
    for (int i = 0; i < count; i++) {
        int at = i - (count - defaults);
        if (i < inputs) {
            m->locals[i] = (Value){.kind = V_NODE, .node = fa_expr_input(fr->p, i)};
            continue;
        }
        if (load_found(fr, (Guard){.kind = GUARD_DEFAULT, .index = at},
                       find_default(fr->f, at), "a default", &m->locals[i])
            < 0)
            return -1;
    }
    return 0;
}

static int
compile_function(Front *fr, int inputs)
{
    Machine m = {.path = -1};
    int root = -1;

    fr->code = (PyCodeObject *)PyFunction_GET_CODE((PyObject *)fr->f);
    if (bind_parameters(fr, &m, inputs) < 0)
        return -1;
    if (cpy_decode(fr->code, &fr->stream) < 0) {
        fr->c->transient |= PyErr_ExceptionMatches(PyExc_MemoryError) != 0;
        PyErr_Clear();
        return refuse(fr, "its code is not understood");
    }
    if (fr->stream.n_handlers)
        refuse(fr, "it handles exceptions");
    else
        root = run(fr, &m);
    cpy_stream_free(&fr->stream);
    return root;
}

/* functools.partial of a known function with numbers in front */
static int
compile_partial(Front *fr, PyObject *fn, int inputs)
{
    Machine m = {.path = -1};
    PyObject *of = fa_view_attr(fn, "func");
    PyObject *fixed = fa_view_attr(fn, "args");
    PyObject *named = fa_view_attr(fn, "keywords");
    const FaKnown *known = of ? fa_names_find(fr->st, of) : NULL;
    int args[MAX_STACK], n = 0, root = -1;

    if (known == NULL || fixed == NULL || named == NULL || !PyTuple_CheckExact(fixed) || !PyDict_Check(named) || PyDict_GET_SIZE(named) || PyTuple_GET_SIZE(fixed) + inputs > MAX_STACK) {
        PyErr_Clear();
        refuse(fr, "it is a partial of something unknown");
    }
    else {
        for (; n < (int)PyTuple_GET_SIZE(fixed); n++)
            if ((args[n] = constant_node(fr, PyTuple_GET_ITEM(fixed, n))) < 0)
                goto done;
        for (int i = 0; i < inputs; i++)
            args[n++] = fa_expr_input(fr->p, i);
        root = call_known(fr, &m, known, args, n);
    }
done:
    Py_XDECREF(of);
    Py_XDECREF(fixed);
    Py_XDECREF(named);
    return root;
}

static int
is_partial(PyObject *fn)
{
    return strcmp(Py_TYPE(fn)->tp_name, "functools.partial") == 0;
}

static int
compile_callable(Front *fr, PyObject *fn, int inputs)
{
    Machine m = {.path = -1};
    const FaKnown *known;
    int args[2], root;

    if (PyFunction_Check(fn)) {
        fr->f = (PyFunctionObject *)fn;
        return compile_function(fr, inputs);
    }
    if (is_partial(fn))
        root = compile_partial(fr, fn, inputs);
    else {
        known = fa_names_find(fr->st, fn);
        if (known == NULL)
            return refuse(fr, "it is a '%.40s', not a Python function", Py_TYPE(fn)->tp_name);
        for (int i = 0; i < inputs; i++)
            args[i] = fa_expr_input(fr->p, i);
        root = call_known(fr, &m, known, args, inputs);
    }
    if (root >= 0) {
        root = fa_expr_as_result(fr->p, root);
        if (root < 0)
            refuse(fr, "it returns a float for an array of ints");
    }
    return root;
}

static FaCompiled *
compile_new(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal, int inputs)
{
    FaCompiled *c = PyMem_Malloc(sizeof *c);
    Front fr = {.st = st, .c = c, .budget = BUDGET};
    int root;

    if (c == NULL)
        return NULL;
    memset(c, 0, offsetof(FaCompiled, program));
    c->users = 1;
    c->key = Py_NewRef(key_of(fn));
    c->in = in;
    c->out = out;
    c->goal = goal;
    fr.p = &c->program;
    fa_expr_init(fr.p, in, out, goal);
    root = compile_callable(&fr, fn, inputs);
    if (root >= 0 && fa_expr_wasted(fr.p, root))
        root = refuse(&fr, "it computes what may raise and is not used");
    c->usable = root >= 0 && fa_expr_finish(fr.p, root) == 0;
    PyErr_Clear();
    return c;
}

/* -- The table -------------------------------------------------------------------- */

static FaCompiled **
slot_of(FaState *st, PyObject *key, FaDtype in, FaDtype out, FaGoal goal)
{
    size_t h = (size_t)key >> 4;
    if (st->lambdas == NULL)
        st->lambdas = PyMem_Calloc(1, sizeof *st->lambdas);
    if (st->lambdas == NULL)
        return NULL;
    h = (h ^ (h >> 7)) + (size_t)in * 5 + (size_t)out * 11 + (size_t)goal * 3;
    return &st->lambdas->slots[h % SLOTS];
}

/* The entry for fn, usable or not; counted.  NULL: none, and no error. */
static FaCompiled *
entry(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal)
{
    FaCompiled **slot, *c, *old;

    if (in >= FA_NDTYPES || out >= FA_NDTYPES)
        return NULL;
    /* A partial can change (__setstate__), and other objects are not ours to keep alive. */
    if (!PyFunction_Check(fn) && fa_names_find(st, fn) == NULL)
        return compile_new(st, fn, in, out, goal, 1);
#ifdef Py_GIL_DISABLED /* a program changes while it runs: each call has its own */
    return compile_new(st, fn, in, out, goal, 1);
#endif
    slot = slot_of(st, key_of(fn), in, out, goal);
    if (slot == NULL)
        return NULL;
    c = *slot;
    if (c == NULL || c->in != in || c->out != out || c->goal != goal || !guards_hold(c, fn)) {
        c = compile_new(st, fn, in, out, goal, 1);
        if (c == NULL || c->transient)
            return c;
        old = *slot;
        *slot = c;
        fa_lambda_release(old);
    }
    c->users++;
    return c;
}

FaCompiled *
fa_lambda_find(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal)
{
    FaCompiled *c;
    if (watched(fn))
        return NULL;
    c = entry(st, fn, in, out, goal);
    if (c != NULL && !c->usable) {
        fa_lambda_release(c);
        return NULL;
    }
    return c;
}

int
fa_lambda_fold(FaState *st, PyObject *fn, FaDtype in)
{
    FaCompiled *c;
    const FaNode *n;
    int fold = -1;

    if (in >= FA_NDTYPES || watched(fn) || is_partial(fn))
        return -1;
    c = compile_new(st, fn, in, fa_dtype_kind(in) == FA_FLOAT ? FA_f64 : FA_i64, FA_TO_ARRAY, 2);
    if (c == NULL)
        return -1;
    if (c->usable) {
        n = &c->program.nodes[c->program.root];
        if (n->a >= 0 && n->b >= 0 && n->a != n->b && n->c < 0 && c->program.nodes[n->a].op <= FA_N_Y && c->program.nodes[n->b].op <= FA_N_Y)
            fold = n->op;
        /* min(x, acc) prefers x where neither is less: only acc first is a left fold */
        if ((fold == FA_N_MIN || fold == FA_N_MAX) && c->program.nodes[n->a].op != FA_N_X && fa_dtype_kind(in) == FA_FLOAT)
            fold = -1;
    }
    fa_lambda_release(c);
    return fold;
}

PyObject *
fa_lambda_explain(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal)
{
    FaCompiled *c;
    char text[128];
    PyObject *r;

    if (watched(fn))
        return PyUnicode_FromString("python: it is traced, profiled or monitored");
    c = entry(st, fn, in, out, goal);
    if (c == NULL)
        return PyUnicode_FromString("python: this element type is not compiled");
    if (c->usable) {
        fa_expr_describe(st, &c->program, text, sizeof text);
        r = PyUnicode_FromString(text);
    }
    else
        r = PyUnicode_FromFormat("python: %s", c->reason);
    fa_lambda_release(c);
    return r;
}

void
fa_lambda_clear(FaState *st)
{
    if (st->lambdas == NULL)
        return;
    for (int i = 0; i < SLOTS; i++) {
        FaCompiled *c = st->lambdas->slots[i];
        st->lambdas->slots[i] = NULL;
        fa_lambda_release(c);
    }
    PyMem_Free(st->lambdas);
    st->lambdas = NULL;
}

int
fa_lambda_traverse(FaState *st, visitproc visit, void *arg)
{
    if (st->lambdas == NULL)
        return 0;
    for (int i = 0; i < SLOTS; i++) {
        FaCompiled *c = st->lambdas->slots[i];
        if (c == NULL || c->users > 1)
            continue; /* in use: its references are not all the table's */
        Py_VISIT(c->key);
        for (int g = 0; g < c->n_guards; g++) {
            Py_VISIT(c->guards[g].where);
            Py_VISIT(c->guards[g].expected);
        }
    }
    return 0;
}
