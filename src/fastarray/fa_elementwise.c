/* Elementwise arithmetic.
 *
 * add, sub and mul have kernels of their own, checked for integers.  The divisions are
 * block programs (fa_expr.h); blocks those can't run go element by element through
 * Python's own operator, which also raises.
 */
#include "fa_elementwise.h"

#include <string.h>

#include "fa_affine.h"
#include "fa_array.h"
#include "fa_box.h"
#include "fa_expr.h"
#include "fa_store.h"

enum { TRUEDIV = FA_DIV,
       FLOORDIV = FA_NVV };

typedef struct {
    FaState *st;
    const char *name;
    int op;
    FaView a, b, out;
    int has_b, has_out;
    PyObject *number; /* borrowed; the second operand when it is no array */
    PyObject *whole;  /* owned: the int that number is, if it came as a float */
    char code;        /* of the result */
    FaDtype dtype;
} Work;

/* -- Running into memory ---------------------------------------------------------- */

static int
out_of_range(const Work *w)
{
    PyErr_Format(PyExc_OverflowError, "%s(): result out of range for typecode '%c'", w->name,
                 w->code);
    return -1;
}

static int
run_with_number(Work *w, char *to)
{
    const FaView *a = &w->a;
    FaAffine k;
    FaI128 whole = 0;
    double fraction;
    int integral;

    if (fa_dtype_kind(a->dtype) == FA_FLOAT) {
        if (fa_unbox_double(w->number, &k.k.d, "the second operand") < 0)
            return -1;
        if (w->op == FA_SUB)
            k.k.d = -k.k.d;
    }
    else {
        integral = fa_unbox_integral(w->number, &whole, &fraction, "the second operand");
        if (integral == 0)
            PyErr_Format(PyExc_TypeError, "%s(): %R is not integral for typecode '%c'",
                         w->name, w->number, a->code);
        if (integral <= 0)
            return -1;
        k = fa_affine(w->op, a->dtype, whole, 1);
        if (w->op == FA_SUB)
            k.k.u = -k.k.u;
    }
    if (w->st->kernels->vs[w->op == FA_MUL ? FA_MUL : FA_ADD][a->dtype](to, a->ptr, (size_t)a->n, &k) < (size_t)a->n)
        return out_of_range(w);
    return 0;
}

static int
run_arith(Work *w, char *to)
{
    const FaView *a = &w->a;
    if (!w->has_b)
        return run_with_number(w, to);
    if (w->st->kernels->vv[w->op][a->dtype](to, a->ptr, w->b.ptr, (size_t)a->n) < (size_t)a->n)
        return out_of_range(w);
    return 0;
}

/* The divisor of an integer floor division by a number, as nodes; -1: leave it to Python */
static int
floordiv_by(FaProgram *p, int x, FaI128 k)
{
    if (k < 0)
        x = fa_expr_node(p, FA_N_NEG, FA_T_INT, x, -1, -1);
    if (k < 0)
        k = -k;
    if (x < 0 || k == 0 || k > INT64_MAX)
        return -1;
    if (k == 1)
        return x;
    return fa_expr_node(p, FA_N_FLOORDIV, FA_T_INT, x, fa_expr_int(p, (int64_t)k), -1);
}

/* 1: compiled; 0: Python has to do it; -1: the operand is no number */
static int
build_division(Work *w, FaProgram *p)
{
    int is_float = fa_dtype_kind(w->a.dtype) == FA_FLOAT, x, y, root;
    FaI128 whole;
    double k;

    fa_expr_init(p, w->a.dtype, w->dtype, FA_TO_ARRAY);
    x = fa_expr_input(p, 0);
    if (w->has_b)
        y = fa_expr_input(p, 1);
    else if (!is_float && w->op == FLOORDIV) {
        int integral = fa_unbox_integral(w->number, &whole, &k, "the second operand");
        if (integral == 0)
            PyErr_Format(PyExc_TypeError, "%s(): %R is not integral for typecode '%c'",
                         w->name, w->number, w->a.code);
        if (integral <= 0)
            return -1;
        if (PyFloat_Check(w->number)) { /* Python's part divides by the int as well */
            w->whole = PyNumber_Long(w->number);
            if (w->whole == NULL)
                return -1;
            w->number = w->whole;
        }
        return fa_expr_finish(p, floordiv_by(p, x, whole)) == 0;
    }
    else {
        if (fa_unbox_double(w->number, &k, "the second operand") < 0)
            return -1;
        if (k == 0 || (PyLong_Check(w->number) && !(k < 0x1p53 && k > -0x1p53)))
            return 0;
        y = fa_expr_float(p, k);
    }
    if (is_float || w->op == TRUEDIV) {
        x = fa_expr_as_float(p, x);
        y = fa_expr_as_float(p, y);
        root = fa_expr_node(p, w->op == TRUEDIV ? FA_N_TRUEDIV : FA_N_FLOORDIV, FA_T_FLOAT, x,
                            y, -1);
    }
    else
        root = fa_expr_node(p, FA_N_FLOORDIV, FA_T_INT, x, y, -1);
    return fa_expr_finish(p, root) == 0;
}

static int
divide_python(Work *w, char *to, Py_ssize_t from, Py_ssize_t end)
{
    unsigned size = fa_dtype_size(w->dtype);
    for (Py_ssize_t i = from; i < end; i++) {
        PyObject *x = fa_view_item(&w->a, i), *r = NULL;
        PyObject *y = w->has_b ? fa_view_item(&w->b, i) : Py_NewRef(w->number);
        int status = -1;
        if (x != NULL && y != NULL)
            r = w->op == TRUEDIV ? PyNumber_TrueDivide(x, y) : PyNumber_FloorDivide(x, y);
        if (r != NULL)
            status = fa_store_item(w->st, w->code, w->dtype, to + i * size, r);
        Py_XDECREF(r);
        Py_XDECREF(x);
        Py_XDECREF(y);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* Two arrays of floats divide as they lie; past a zero divisor Python does. */
static int
divide_floats(Work *w, char *to)
{
    size_t done = w->st->kernels->vv[FA_DIV][w->dtype](to, w->a.ptr, w->b.ptr, (size_t)w->a.n);
    return divide_python(w, to, (Py_ssize_t)done, w->a.n);
}

static int
run_division(Work *w, char *to)
{
    FaProgram p;
    Py_ssize_t i = 0, n = w->a.n;
    int compiled;

    if (w->op == TRUEDIV && w->has_b && fa_dtype_kind(w->a.dtype) == FA_FLOAT)
        return divide_floats(w, to);
    compiled = build_division(w, &p);

    if (compiled < 0)
        return -1;
    while (compiled && i < n) {
        Py_ssize_t end;
        i = fa_expr_map(w->st, &p, w->a.ptr, w->has_b ? w->b.ptr : NULL, to, n, i);
        end = n - i < fa_expr_block(&p) ? n : i + fa_expr_block(&p);
        if (i < n && divide_python(w, to, i, end) < 0)
            return -1;
        i = end;
    }
    return compiled ? 0 : divide_python(w, to, 0, n);
}

static int
run(Work *w, char *to)
{
    return w->op < FA_NARITH ? run_arith(w, to) : run_division(w, to);
}

/* -- Operands and results --------------------------------------------------------- */

static int
plain(const Work *w, const FaView *v)
{
    if (fa_view_is_plain(v))
        return 0;
    if (v->valid != NULL)
        PyErr_Format(PyExc_ValueError, "%s(): the array has nulls", w->name);
    else
        PyErr_Format(PyExc_TypeError,
                     "%s() can't take typecode '%c' (expected one of bBhHiIlLqQfd)", w->name,
                     v->code);
    return -1;
}

static int
acquire_operands(Work *w, PyObject *a, PyObject *b)
{
    if (fa_view_acquire(w->st, &w->a, a, FA_READ | FA_HOLD | FA_ORDERED) < 0 || plain(w, &w->a) < 0)
        return -1;
    w->has_b = !(PyLong_Check(b) || PyFloat_Check(b)) && (PyObject_CheckBuffer(b) || !PyNumber_Check(b));
    if (!w->has_b) {
        w->number = b;
        return 0;
    }
    if (fa_view_acquire(w->st, &w->b, b, FA_READ | FA_HOLD | FA_ORDERED) < 0 || plain(w, &w->b) < 0)
        return -1;
    if (w->a.dtype != w->b.dtype) {
        PyErr_Format(PyExc_TypeError, "%s() can't mix typecodes '%c' and '%c'", w->name,
                     w->a.code, w->b.code);
        return -1;
    }
    if (w->a.n != w->b.n) {
        PyErr_Format(PyExc_ValueError, "%s() of %zd and %zd elements", w->name, w->a.n, w->b.n);
        return -1;
    }
    return 0;
}

static int
acquire_out(Work *w, PyObject *out)
{
    if (fa_view_acquire(w->st, &w->out, out, FA_WRITE | FA_HOLD | FA_ORDERED) < 0)
        return -1;
    if (w->out.dtype != w->dtype) {
        PyErr_Format(PyExc_TypeError, "%s(): out has typecode '%c', the result '%c'", w->name,
                     w->out.code, w->code);
        return -1;
    }
    if (w->out.n != w->a.n) {
        PyErr_Format(PyExc_ValueError, "%s(): out has %zd elements, the result %zd", w->name,
                     w->out.n, w->a.n);
        return -1;
    }
    return 0;
}

/* [p, p + n) and out share memory without being the same stretch */
static int
crosses(const FaView *v, const FaView *out)
{
    Py_ssize_t bytes = v->n * v->size, room = out->n * out->size;
    return v->ptr != out->ptr && v->ptr < out->ptr + room && out->ptr < v->ptr + bytes;
}

/* Floats fail by a zero divisor only. */
static int
never_fails(const Work *w)
{
    const double zero = 0; /* its first bytes are a float's zero too */
    size_t n = (size_t)w->a.n;
    if (fa_dtype_kind(w->a.dtype) != FA_FLOAT)
        return 0;
    if (w->op == TRUEDIV)
        return w->has_b && w->st->kernels->find[w->b.dtype](w->b.ptr, n, &zero) == n;
    return w->op < FA_NARITH;
}

/* What can't fail is written at once.  The rest is finished aside, so that an exception
 * leaves out as it was. */
static int
run_into_out(Work *w)
{
    size_t bytes = (size_t)w->out.n * w->out.size;
    int direct = !crosses(&w->a, &w->out) && !(w->has_b && crosses(&w->b, &w->out)) && never_fails(w);
    char *scratch;
    int status;

    if (direct)
        return run(w, w->out.ptr);
    scratch = PyMem_Malloc(bytes ? bytes : 1);
    if (scratch == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    status = run(w, scratch);
    if (status == 0 && bytes)
        memcpy(w->out.ptr, scratch, bytes);
    PyMem_Free(scratch);
    return status;
}

static PyObject *
elementwise(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
            const FaSpec *spec, int op)
{
    Work w = {.st = fa_state(module), .name = spec->function, .op = op};
    PyObject *in[3], *result = NULL;
    FaResult r;

    FA_RESULT_INIT(&r);
    if (fa_args_parse(spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (acquire_operands(&w, in[0], in[1]) < 0)
        goto done;
    w.code = fa_dtype_array_code(w.a.dtype, w.a.code);
    if (op == TRUEDIV && w.a.dtype != FA_f32)
        w.code = 'd';
    fa_dtype_of_code(w.code, &w.dtype);
    if (in[2] != NULL && in[2] != Py_None) {
        if (acquire_out(&w, in[2]) == 0 && run_into_out(&w) == 0)
            result = Py_NewRef(in[2]);
    }
    else if (fa_result_new(w.st, &r, w.code, w.a.n, 0) == 0 && run(&w, r.ptr) == 0)
        result = fa_result_finish(w.st, &r, w.a.n);
done:
    Py_XDECREF(w.whole);
    fa_result_drop(&r);
    fa_view_release(&w.out);
    fa_view_release(&w.b);
    fa_view_release(&w.a);
    return result;
}

#define ELEMENTWISE(function, op) \
    FA_FUNCTION(function) \
    { \
        static const FaSpec spec = {#function, 2, 2, 2, {"a", "b", "out"}}; \
        return elementwise(module, args, nargs, kwnames, &spec, op); \
    }
ELEMENTWISE(add, FA_ADD)
ELEMENTWISE(sub, FA_SUB)
ELEMENTWISE(mul, FA_MUL)
ELEMENTWISE(truediv, TRUEDIV)
ELEMENTWISE(floordiv, FLOORDIV)
#undef ELEMENTWISE
