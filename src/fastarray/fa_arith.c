/* What operators and known functions mean for typed operands.
 *
 * Operators on exact ints and floats run no user code, so order of evaluation shows only in
 * exceptions, and a block that would raise is run again by Python.  Where an operation is
 * reached on one path only, operands that could raise elsewhere are made harmless there.
 */
#include "fa_front.h"

#include "opcode.h"

/* -- Constants: Python itself computes with them ---------------------------------- */

int
fa_arith_constant(FaFront *fr, PyObject *v)
{
    if (PyBool_Check(v))
        return fa_front_node(fr, fa_expr_bool(fr->p, v == Py_True));
    if (PyFloat_CheckExact(v))
        return fa_front_node(fr, fa_expr_float(fr->p, PyFloat_AS_DOUBLE(v)));
    if (PyLong_CheckExact(v)) {
        int overflow;
        long long k = PyLong_AsLongLongAndOverflow(v, &overflow);
        if (overflow)
            return fa_front_refuse(fr, "a constant does not fit 64 bits");
        return fa_front_node(fr, fa_expr_int(fr->p, k));
    }
    return fa_front_refuse(fr, "it uses a constant of type '%.40s'", Py_TYPE(v)->tp_name);
}

static PyObject *
constant_object(const FaFront *fr, int node)
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
folded(FaFront *fr, PyObject *value)
{
    int node;
    if (value == NULL) {
        fr->c->transient |= PyErr_ExceptionMatches(PyExc_MemoryError) != 0;
        PyErr_Clear();
        return fa_front_refuse(fr, "its constants raise");
    }
    node = fa_arith_constant(fr, value);
    Py_DECREF(value);
    return node;
}

static int
fold_arith(FaFront *fr, int op, int a, int b)
{
    PyObject *x, *y, *z = NULL;
    if (op == NB_LSHIFT || op == NB_POWER) { /* might be huge */
        double k = fa_front_type(fr, b) == FA_T_FLOAT ? 0 : (double)fr->p->nodes[b].k.i;
        if (k > 64)
            return fa_front_refuse(fr, "a constant does not fit 64 bits");
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
only_on_path(FaFront *fr, int path, int node)
{
    int one;
    if (node < 0 || path < 0 || fa_front_is_constant(fr, node))
        return node;
    one = fa_front_type(fr, node) == FA_T_FLOAT ? fa_expr_float(fr->p, 1.0)
                                                : fa_expr_int(fr->p, 1);
    if (one < 0)
        return -1;
    return fa_expr_node(fr->p, FA_N_SELECT, fa_front_type(fr, node), path, node, one);
}

static int
both_floats(FaFront *fr, int *a, int *b)
{
    *a = fa_expr_as_float(fr->p, *a);
    *b = fa_expr_as_float(fr->p, *b);
    return *a < 0 || *b < 0 ? -1 : 0;
}

static int
divide_ints(FaFront *fr, int path, int is_mod, int a, int b)
{
    FaProgram *p = fr->p;
    FaNodeOp op = is_mod ? FA_N_MOD : FA_N_FLOORDIV;
    int64_t k = p->nodes[b].k.i;
    int r;

    if (!fa_front_is_constant(fr, b))
        return fa_expr_node(p, op, FA_T_INT, a, only_on_path(fr, path, b), -1);
    if (k == 0)
        return fa_front_refuse(fr, "it divides by zero");
    if (k == INT64_MIN)
        return fa_front_refuse(fr, "a divisor is too large");
    if (k < 0) { /* x // -k is -x // k; x % -k is -(-x % k) */
        a = fa_expr_node(p, FA_N_NEG, FA_T_INT, a, -1, -1);
        if (a < 0)
            return -1;
        r = divide_ints(fr, path, is_mod, a, fa_expr_int(p, -k));
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
int_power(FaFront *fr, int a, int64_t k)
{
    int half, r;
    if (k < 0 || k > 8)
        return fa_front_refuse(fr, "an int power is only compiled for exponents 0 to 8");
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
int_arith(FaFront *fr, int path, int op, int a, int b)
{
    FaProgram *p = fr->p;
    int64_t k = p->nodes[b].k.i;
    int fixed = fa_front_is_constant(fr, b);

    switch (op) {
    case NB_ADD: return fa_expr_node(p, FA_N_ADD, FA_T_INT, a, b, -1);
    case NB_SUBTRACT:
        if (fixed && k != INT64_MIN)
            return fa_expr_node(p, FA_N_ADD, FA_T_INT, a, fa_expr_int(p, -k), -1);
        return fa_expr_node(p, FA_N_SUB, FA_T_INT, a, b, -1);
    case NB_MULTIPLY: return fa_expr_node(p, FA_N_MUL, FA_T_INT, a, b, -1);
    case NB_FLOOR_DIVIDE: return divide_ints(fr, path, 0, a, b);
    case NB_REMAINDER: return divide_ints(fr, path, 1, a, b);
    case NB_AND: return fa_expr_node(p, FA_N_AND, FA_T_INT, a, b, -1);
    case NB_OR: return fa_expr_node(p, FA_N_OR, FA_T_INT, a, b, -1);
    case NB_XOR: return fa_expr_node(p, FA_N_XOR, FA_T_INT, a, b, -1);
    case NB_POWER:
        return fixed ? int_power(fr, a, k) : fa_front_refuse(fr, "an exponent varies");
    case NB_LSHIFT:
    case NB_RSHIFT:
        if (!fixed || k < 0)
            return fa_front_refuse(fr, "a shift count varies or is negative");
        if (op == NB_RSHIFT)
            return fa_expr_node(p, FA_N_SHR, FA_T_INT, a, fa_expr_int(p, k > 63 ? 63 : k),
                                -1);
        if (k > 62)
            return fa_front_refuse(fr, "a shift leaves 64 bits");
        return fa_expr_node(p, FA_N_MUL, FA_T_INT, a, fa_expr_int(p, (int64_t)1 << k), -1);
    default: return fa_front_refuse(fr, "it uses an operator numbers don't have");
    }
}

static int
float_arith(FaFront *fr, int path, int op, int a, int b)
{
    FaProgram *p = fr->p;
    double k = p->nodes[b].k.d;
    int fixed = fa_front_is_constant(fr, b);

    switch (op) {
    case NB_ADD: return fa_expr_node(p, FA_N_ADD, FA_T_FLOAT, a, b, -1);
    case NB_SUBTRACT:
        if (fixed && k == k)
            return fa_expr_node(p, FA_N_ADD, FA_T_FLOAT, a, fa_expr_float(p, -k), -1);
        return fa_expr_node(p, FA_N_SUB, FA_T_FLOAT, a, b, -1);
    case NB_MULTIPLY: return fa_expr_node(p, FA_N_MUL, FA_T_FLOAT, a, b, -1);
    case NB_POWER:
        a = only_on_path(fr, path, a);
        return fa_expr_node(p, FA_N_POW, FA_T_FLOAT, a, b, -1);
    case NB_TRUE_DIVIDE:
    case NB_FLOOR_DIVIDE:
    case NB_REMAINDER:
        if (fixed && k == 0)
            return fa_front_refuse(fr, "it divides by zero");
        b = only_on_path(fr, path, b);
        return fa_expr_node(p, op == NB_TRUE_DIVIDE ? FA_N_TRUEDIV : op == NB_FLOOR_DIVIDE ? FA_N_FLOORDIV
                                                                                           : FA_N_MOD,
                            FA_T_FLOAT, a, b, -1);
    default: return fa_front_refuse(fr, "it uses an operator floats don't have");
    }
}

int
fa_arith_binary(FaFront *fr, int path, int op, int a, int b)
{
    if (op == NB_MATRIX_MULTIPLY)
        return fa_front_refuse(fr, "it uses an operator numbers don't have");
    if (fa_front_is_constant(fr, a) && fa_front_is_constant(fr, b))
        return fold_arith(fr, op, a, b);
    if (fa_front_type(fr, a) == FA_T_BOOL && fa_front_type(fr, b) == FA_T_BOOL && (op == NB_AND || op == NB_OR || op == NB_XOR))
        return fa_front_node(
            fr, fa_expr_node(fr->p, op == NB_AND ? FA_N_AND : op == NB_OR ? FA_N_OR
                                                                          : FA_N_XOR,
                             FA_T_BOOL, a, b, -1));
    if (op == NB_TRUE_DIVIDE || fa_front_type(fr, a) == FA_T_FLOAT || fa_front_type(fr, b) == FA_T_FLOAT) {
        if (both_floats(fr, &a, &b) < 0)
            return fa_front_refuse(fr, "it is too long");
        return fa_front_node(fr, float_arith(fr, path, op, a, b));
    }
    a = fa_expr_as_int(fr->p, a);
    b = fa_expr_as_int(fr->p, b);
    if (a < 0 || b < 0)
        return fa_front_refuse(fr, "it is too long");
    return fa_front_node(fr, int_arith(fr, path, op, a, b));
}

int
fa_arith_compare(FaFront *fr, int op, int a, int b)
{
    static const uint8_t node_op[] = {[Py_LT] = FA_N_LT, [Py_LE] = FA_N_LE, [Py_EQ] = FA_N_EQ, [Py_NE] = FA_N_NE, [Py_GT] = FA_N_LT, [Py_GE] = FA_N_LE};
    if (fa_front_is_constant(fr, a) && fa_front_is_constant(fr, b)) {
        PyObject *x = constant_object(fr, a), *y = constant_object(fr, b), *z = NULL;
        if (x != NULL && y != NULL)
            z = PyObject_RichCompare(x, y, op);
        Py_XDECREF(x);
        Py_XDECREF(y);
        return folded(fr, z);
    }
    if (fa_front_type(fr, a) == FA_T_FLOAT || fa_front_type(fr, b) == FA_T_FLOAT) {
        if (both_floats(fr, &a, &b) < 0)
            return fa_front_refuse(fr, "it is too long");
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
    return fa_front_node(fr, fa_expr_node(fr->p, node_op[op], FA_T_BOOL, a, b, -1));
}

int
fa_arith_unary(FaFront *fr, int op, int a)
{
    if (op == FA_N_INVERT && fa_front_type(fr, a) == FA_T_FLOAT)
        return fa_front_refuse(fr, "it uses an operator floats don't have");
    if (op == FA_N_INVERT && fa_front_type(fr, a) == FA_T_BOOL)
        return fa_front_refuse(fr, "~ of a bool warns");
    if (fa_front_type(fr, a) == FA_T_BOOL)
        a = fa_expr_as_int(fr->p, a);
    if (a >= 0 && fa_front_is_constant(fr, a)) {
        PyObject *x = constant_object(fr, a), *y = NULL;
        if (x != NULL)
            y = op == FA_N_NEG   ? PyNumber_Negative(x)
                : op == FA_N_ABS ? PyNumber_Absolute(x)
                                 : PyNumber_Invert(x);
        Py_XDECREF(x);
        return folded(fr, y);
    }
    return fa_front_node(fr, a < 0 ? -1 : fa_expr_node(fr->p, op, fa_front_type(fr, a), a, -1, -1));
}

/* -- Known functions -------------------------------------------------------------- */

static int
to_int(FaFront *fr, int path, FaNodeOp op, int a)
{
    if (fa_front_type(fr, a) != FA_T_FLOAT)
        return fa_front_node(fr, fa_expr_as_int(fr->p, a));
    return fa_front_node(
        fr, fa_expr_node(fr->p, op, FA_T_INT, only_on_path(fr, path, a), -1, -1));
}

static int
call_one(FaFront *fr, int path, const FaKnown *k, int a)
{
    FaProgram *p = fr->p;
    switch (k->kind) {
    case FA_KNOWN_UNARY: return fa_arith_unary(fr, k->x, a);
    case FA_KNOWN_POS: return fa_front_type(fr, a) == FA_T_BOOL ? fa_expr_as_int(p, a) : a;
    case FA_KNOWN_NOT: return fa_front_node(fr, fa_expr_not(p, a));
    case FA_KNOWN_TRUTH: return fa_front_node(fr, fa_expr_truth(p, a));
    case FA_KNOWN_INT: return to_int(fr, path, FA_N_TRUNC, a);
    case FA_KNOWN_TO_INT: return to_int(fr, path, (FaNodeOp)k->x, a);
    case FA_KNOWN_FLOAT: return fa_front_node(fr, fa_expr_as_float(p, a));
    case FA_KNOWN_FABS:
        a = fa_expr_as_float(p, a);
        return fa_front_node(fr, a < 0 ? -1 : fa_expr_node(p, FA_N_ABS, FA_T_FLOAT, a, -1, -1));
    case FA_KNOWN_SQRT:
        a = only_on_path(fr, path, fa_expr_as_float(p, a));
        return fa_front_node(fr, fa_expr_node(p, FA_N_SQRT, FA_T_FLOAT, a, -1, -1));
    case FA_KNOWN_LIBM:
        a = only_on_path(fr, path, fa_expr_as_float(p, a));
        return fa_front_node(fr, fa_expr_call1(p, k->f, k->name, a));
    default: return fa_front_refuse(fr, "%.40s() is called with one argument", k->name);
    }
}

static int
call_two(FaFront *fr, int path, const FaKnown *k, int a, int b)
{
    switch (k->kind) {
    case FA_KNOWN_ARITH: return fa_arith_binary(fr, path, k->x, a, b);
    case FA_KNOWN_COMPARE: return fa_arith_compare(fr, k->x, a, b);
    case FA_KNOWN_POW:
        if (both_floats(fr, &a, &b) < 0)
            return fa_front_refuse(fr, "it is too long");
        return fa_front_node(fr, fa_expr_node(fr->p, FA_N_POW, FA_T_FLOAT,
                                              only_on_path(fr, path, a), b, -1));
    case FA_KNOWN_MINMAX:
        if (fa_front_type(fr, a) == FA_T_BOOL || fa_front_type(fr, b) == FA_T_BOOL || fa_front_type(fr, a) != fa_front_type(fr, b))
            return fa_front_refuse(fr, "%.40s() mixes types", k->name);
        return fa_front_node(
            fr, fa_expr_node(fr->p, (FaNodeOp)k->x, fa_front_type(fr, a), a, b, -1));
    default: return fa_front_refuse(fr, "%.40s() is called with two arguments", k->name);
    }
}

int
fa_arith_call(FaFront *fr, int path, const FaKnown *k, const int *args, int n)
{
    int r;
    if (n == 1)
        return call_one(fr, path, k, args[0]);
    if (n == 0 || (n > 2 && k->kind != FA_KNOWN_MINMAX))
        return fa_front_refuse(fr, "%.40s() is called with %d arguments", k->name, n);
    r = call_two(fr, path, k, args[0], args[1]);
    for (int i = 2; i < n && r >= 0; i++)
        r = call_two(fr, path, k, r, args[i]);
    return r;
}
