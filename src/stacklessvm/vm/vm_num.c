/* Boxing, identity, operators and comparisons.
 *
 * Identity of numbers: an unboxed number has none yet.  When it is boxed, every local of
 * the frame that holds the same word gets the same box, and a number that is a constant of
 * the code uses the constant's object; so identity may be merged, never split, within a
 * frame.  A NaN is never unboxed.
 */
#include "vm/vm_num.h"

#include "cpyext_compat/cpy_long.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"
#include "vm/vm_text.h"

#include <math.h>


/* -- boxing ------------------------------------------------------------------------ */

static PyObject *const *
singleton(VmWord w)
{
    static PyObject *const objects[] = {NULL, Py_None, Py_False, Py_True};
    assert(w > 0 && w < 4);
    return &objects[w];
}

#define N_SMALL (VM_SMALL_MAX - VM_SMALL_MIN + 1)
static PyObject *small_ints[N_SMALL];

int
vm_num_init(void)
{
    cpy_text_init();
    for (int i = 0; i < N_SMALL && small_ints[i] == NULL; i++) {
        small_ints[i] = PyLong_FromLong(i + VM_SMALL_MIN);
        if (small_ints[i] == NULL)
            return -1;
    }
    return 0;
}

/* -> borrowed for good, or NULL */
static inline PyObject *
small_int(int64_t i)
{
    uint64_t at = (uint64_t)(i - VM_SMALL_MIN);
    return at < N_SMALL ? small_ints[at] : NULL;
}

PyObject *
vm_box(VmWord w)
{
    if (vm_is_obj(w))
        return Py_NewRef(vm_ptr(w));
    if (vm_is_int(w)) {
        PyObject *o = small_int(vm_int(w));
        return o != NULL ? Py_NewRef(o) : cpy_long_new(vm_int(w));
    }
    if (vm_is_double(w))
        return PyFloat_FromDouble(vm_double(w));
    return Py_NewRef(*singleton(w));
}

PyObject *
vm_const_object(VmCode *code, unsigned k)
{
    PyObject *consts = code->co->co_consts;
    if (k < (unsigned)PyTuple_GET_SIZE(consts))
        return Py_NewRef(PyTuple_GET_ITEM(consts, k));
    return vm_box(code->consts[k]);
}

/* The constant of this code that stands for the number w.  -> borrowed, or NULL */
static inline PyObject *
constant_box(VmCode *code, VmWord w)
{
    if (vm_likely(!(code->num_consts_seen & vm_word_bit(w))))
        return NULL;
    PyObject *consts = code->co->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        if (code->consts[i] == w)
            return PyTuple_GET_ITEM(consts, i);
    }
    return NULL;
}

static inline PyObject *                                /* -> borrowed for good, or NULL */
small_box(VmWord w)
{
    if (w < VM_FIRST_POINTER)
        return *singleton(w);
    return vm_is_int(w) ? small_int(vm_int(w)) : NULL;
}

PyObject *
vm_number_constant(VmCode *code, VmWord w)
{
    int number = vm_is_double(w) || (vm_is_int(w) && small_int(vm_int(w)) == NULL);
    return number ? constant_box(code, w) : NULL;
}

/* A number that is no small int, shared with the constants and locals that are the same. */
static inline PyObject *                                /* -> new */
number_box(VmFrame *f, VmWord w)
{
    PyObject *o = constant_box(f->code, w);
    if (o != NULL)
        Py_INCREF(o);
    else
        o = vm_is_int(w) ? cpy_long_new(vm_int(w)) : PyFloat_FromDouble(vm_double(w));
    if (o == NULL)
        return NULL;
    unsigned n = f->code->nlocals;
    for (unsigned i = 0; i < n; i++) {
        if (vm_unlikely(f->regs[i] == w))
            f->regs[i] = vm_from_ptr(Py_NewRef(o));
    }
    return o;
}

PyObject *
vm_box_shared(VmFrame *f, VmWord w)
{
    PyObject *o = small_box(w);
    return o != NULL ? Py_NewRef(o) : number_box(f, w);
}

PyObject *
vm_reg_object_slow(VmFrame *f, unsigned reg)
{
    VmWord w = f->regs[reg];
    PyObject *o = small_box(w);
    if (o != NULL)
        return o;
    o = number_box(f, w);
    if (o == NULL)
        return NULL;
    if (vm_is_temp(f, reg))
        f->regs[reg] = vm_from_ptr(o);
    else
        Py_DECREF(o);           /* the local got its own reference */
    return o;
}

int
vm_overwrite_by(VmWord w, PyObject *old)
{
    if (vm_is_double(w) && PyFloat_CheckExact(old)) {
        ((PyFloatObject *)old)->ob_fval = vm_double(w);
        return 1;
    }
    return vm_is_int(w) && PyLong_CheckExact(old) && small_int(vm_int(w)) == NULL
           && cpy_long_overwrite(old, vm_int(w));
}

int
vm_overwrite(VmFrame *f, unsigned reg, PyObject *old)
{
    VmWord w = f->regs[reg];
    if (!vm_is_temp(f, reg) || f->code->num_consts_seen & vm_word_bit(w))
        return 0;
    for (unsigned i = 0; i < f->code->nlocals; i++) {
        if (f->regs[i] == w)
            return 0;
    }
    return vm_overwrite_by(w, old);
}

VmWord
vm_unbox(PyObject *o)
{
    int64_t i;
    if (PyLong_CheckExact(o)) {
        if (!cpy_long_fits(o, &i) || !vm_int_fits(i)
            || (Py_REFCNT(o) > 1 && (i < VM_SMALL_MIN || i > VM_SMALL_MAX)))
            return vm_from_ptr(o);
        Py_DECREF(o);
        return vm_from_int(i);
    }
    if (PyFloat_CheckExact(o) && Py_REFCNT(o) == 1) {
        double d = PyFloat_AS_DOUBLE(o);
        if (isnan(d))
            return vm_from_ptr(o);
        Py_DECREF(o);
        return vm_from_double(d);
    }
    return vm_from_ptr(o);
}

VmWord
vm_unbox_unique(PyObject *o)
{
    int64_t i;
    if (PyLong_CheckExact(o)) {
        if (!cpy_long_fits(o, &i) || i < VM_SMALL_MIN || i > VM_SMALL_MAX)
            return vm_from_ptr(o);
        Py_DECREF(o);
        return vm_from_int(i);
    }
    for (VmWord w = VM_NONE; w <= VM_TRUE; w++) {
        if (o == *singleton(w)) {
            Py_DECREF(o);
            return w;
        }
    }
    return vm_from_ptr(o);
}

/* Number behind a word or a box, without calling out: 'i' and *i, 'd' and *d, or 0. */
static int
number_of(VmWord w, int64_t *i, double *d)
{
    if (vm_is_int(w)) {
        *i = vm_int(w);
        return 'i';
    }
    if (vm_is_double(w)) {
        *d = vm_double(w);
        return 'd';
    }
    if (!vm_is_obj(w))
        return 0;
    PyObject *o = vm_ptr(w);
    if (PyLong_CheckExact(o))
        return cpy_long_fits(o, i) && vm_int_fits(*i) ? 'i' : 0;
    if (PyFloat_CheckExact(o)) {
        *d = PyFloat_AS_DOUBLE(o);
        return 'd';
    }
    return 0;
}

int
vm_same_object(VmWord a, VmWord b)
{
    if (a == b)
        return 1;
    if (a < VM_FIRST_POINTER || b < VM_FIRST_POINTER) {
        VmWord one = a < VM_FIRST_POINTER ? a : b, other = a < VM_FIRST_POINTER ? b : a;
        return one != VM_NULL && other != VM_NULL
               && other == vm_from_ptr(*singleton(one));
    }
    if (vm_is_obj(a) && vm_is_obj(b))
        return 0;
    /* a number without identity and a box: the box is taken for its box */
    int64_t i = 0, j = 0;
    double d = 0, e = 0;
    int ka = number_of(a, &i, &d), kb = number_of(b, &j, &e);
    return ka != 0 && ka == kb && (ka == 'i' ? i == j : memcmp(&d, &e, sizeof d) == 0);
}

/* -- arithmetic without calling out ---------------------------------------------------- */

/* A float result: a NaN stays an object.  0, or -1 with MemoryError */
static int
float_result(double d, VmWord *result)
{
    if (vm_unlikely(isnan(d))) {
        PyObject *o = PyFloat_FromDouble(d);
        *result = vm_from_ptr(o);
        return o == NULL ? -1 : 1;
    }
    *result = vm_from_double(d);
    return 1;
}

static int
int_result(int64_t i, VmWord *result)
{
    if (vm_int_fits(i))
        *result = vm_from_int(i);
    else {
        PyObject *o = PyLong_FromLongLong(i);
        if (o == NULL)
            return -1;
        *result = vm_from_ptr(o);
    }
    return 1;
}

/* 49-bit operands: sums and differences never overflow 64 bits.
   1 done, 0 not for us, -1 MemoryError */
static int
int_binary(int kind, int64_t x, int64_t y, VmWord *result)
{
    int64_t r;
    switch (kind) {
    case VM_NB_ADD: return int_result(x + y, result);
    case VM_NB_SUB: return int_result(x - y, result);
    case VM_NB_MUL:
        return __builtin_mul_overflow(x, y, &r) ? 0 : int_result(r, result);
    case VM_NB_AND: return int_result(x & y, result);
    case VM_NB_OR: return int_result(x | y, result);
    case VM_NB_XOR: return int_result(x ^ y, result);
    case VM_NB_FDIV:
        if (y == 0)
            return 0;
        r = x / y;
        return int_result(r - (x % y != 0 && (x < 0) != (y < 0)), result);
    case VM_NB_REM:
        if (y == 0)
            return 0;
        r = x % y;
        return int_result(r != 0 && (r < 0) != (y < 0) ? r + y : r, result);
    case VM_NB_DIV:
        return y == 0 ? 0 : float_result((double)x / (double)y, result);
    case VM_NB_LSH:
        if (y < 0 || y > 13)
            return 0;
        return int_result((int64_t)((uint64_t)x << y), result);
    case VM_NB_RSH:
        if (y < 0)
            return 0;
        return int_result(x >> (y > 63 ? 63 : y), result);
    default: return 0;
    }
}

/* Objects/floatobject.c, _float_div_mod (3.11): floor division by Python's rules */
static void
float_divmod(double x, double y, double *div, double *mod)
{
    *mod = fmod(x, y);
    *div = (x - *mod) / y;
    if (*mod != 0.0) {
        if ((y < 0) != (*mod < 0)) {
            *mod += y;
            *div -= 1.0;
        }
    }
    else
        *mod = copysign(0.0, y);
    if (*div != 0.0) {
        double down = floor(*div);
        if (*div - down > 0.5)
            down += 1.0;
        *div = down;
    }
    else
        *div = copysign(0.0, x / y);
}

static int
float_binary(int kind, double x, double y, VmWord *result)
{
    double div, mod;
    switch (kind) {
    case VM_NB_ADD: return float_result(x + y, result);
    case VM_NB_SUB: return float_result(x - y, result);
    case VM_NB_MUL: return float_result(x * y, result);
    case VM_NB_DIV: return y == 0.0 ? 0 : float_result(x / y, result);
    case VM_NB_FDIV:
    case VM_NB_REM:
        if (y == 0.0)
            return 0;
        float_divmod(x, y, &div, &mod);
        return float_result(kind == VM_NB_FDIV ? div : mod, result);
    default: return 0;
    }
}

static int
number_binary(int kind, VmWord x, VmWord y, VmWord *result)
{
    int64_t i = 0, j = 0;
    double d = 0, e = 0;
    int kx = number_of(x, &i, &d), ky = kx == 0 ? 0 : number_of(y, &j, &e);
    if (kx == 0 || ky == 0)
        return 0;
    if (kx == 'i' && ky == 'i')
        return int_binary(kind, i, j, result);
    return float_binary(kind, kx == 'i' ? (double)i : d, ky == 'i' ? (double)j : e, result);
}

/* The hot kinds without the switch. */
#define NUMBERS(NAME, INT, FLOAT, FLOAT_OK) \
    int vm_numbers_##NAME(VmWord x, VmWord y, VmWord *result) \
    { \
        int64_t i = 0, j = 0, r; \
        double d = 0, e = 0; \
        int kx = number_of(x, &i, &d), ky = kx == 0 ? 0 : number_of(y, &j, &e); \
        if (kx == 'i' && ky == 'i') \
            return INT; \
        if (kx == 0 || ky == 0) \
            return 0; \
        if (kx == 'i') \
            d = (double)i; \
        if (ky == 'i') \
            e = (double)j; \
        (void)r; \
        return FLOAT_OK ? float_result(FLOAT, result) : 0; \
    }
NUMBERS(add, int_result(i + j, result), d + e, 1)
NUMBERS(sub, int_result(i - j, result), d - e, 1)
NUMBERS(mul, __builtin_mul_overflow(i, j, &r) ? 0 : int_result(r, result), d *e, 1)
NUMBERS(div, j == 0 ? 0 : float_result((double)i / (double)j, result), d / e, e != 0.0)
#undef NUMBERS

int
vm_numbers_order(VmWord x, VmWord y, int *order)
{
    int64_t i = 0, j = 0;
    double d = 0, e = 0;
    VmWord xi = vm_small_box(x), yi = vm_small_box(y);
    if (vm_likely(vm_both_int(xi, yi))) {
        i = vm_int(xi);
        j = vm_int(yi);
        *order = i < j ? -1 : i > j;
        return 1;
    }
    int kx = number_of(x, &i, &d), ky = number_of(y, &j, &e);
    if (kx == 'i' && ky == 'i') {
        *order = i < j ? -1 : i > j;
        return 1;
    }
    if (kx == 0 || ky == 0)
        return 0;
    if (kx == 'i')
        d = (double)i;
    if (ky == 'i')
        e = (double)j;
    *order = d < e ? -1 : d > e ? 1
                      : d == e  ? 0
                                : 2;
    return 1;
}

/* -- binary operators --------------------------------------------------------------------- */

static PyObject *
power(PyObject *x, PyObject *y)
{
    return PyNumber_Power(x, y, Py_None);
}

static PyObject *
power_inplace(PyObject *x, PyObject *y)
{
    return PyNumber_InPlacePower(x, y, Py_None);
}

static const binaryfunc object_binary[2][13] = {
    {PyNumber_Add, PyNumber_And, PyNumber_FloorDivide, PyNumber_Lshift,
     PyNumber_MatrixMultiply, PyNumber_Multiply, PyNumber_Remainder, PyNumber_Or, power,
     PyNumber_Rshift, PyNumber_Subtract, PyNumber_TrueDivide, PyNumber_Xor},
    {PyNumber_InPlaceAdd, PyNumber_InPlaceAnd, PyNumber_InPlaceFloorDivide,
     PyNumber_InPlaceLshift, PyNumber_InPlaceMatrixMultiply, PyNumber_InPlaceMultiply,
     PyNumber_InPlaceRemainder, PyNumber_InPlaceOr, power_inplace, PyNumber_InPlaceRshift,
     PyNumber_InPlaceSubtract, PyNumber_InPlaceTrueDivide, PyNumber_InPlaceXor},
};

/* str + str where the left one is used up here: grow it in place, so that `s += x` is
   linear.  The left register's reference is taken. */
static int
concat(VmFrame *f, unsigned x, unsigned y, int last_use, VmWord *result)
{
    PyObject *left = vm_ptr(f->regs[x]);
    PyObject *right = vm_ptr(f->regs[y]);
    int takes = last_use && x != y;
    if (takes)
        f->regs[x] = VM_NULL;
    left = vm_concat(left, right, takes);
    vm_consume_unseen(f, y);
    if (!takes)
        vm_consume_unseen(f, x);
    *result = vm_from_ptr(left);
    return left == NULL ? -1 : 0;
}

static int
object_operator(VmAct *A, VmFrame *f, binaryfunc op, unsigned x, PyObject *right,
                VmWord *result)
{
    PyObject *left = vm_reg_object(f, x);
    PyObject *o = NULL;
    if (left != NULL && right != NULL) {
        vm_boundary(A, f);
        o = op(left, right);
        vm_after(A, f);
    }
    *result = vm_from_ptr(o);
    return o == NULL ? -1 : 0;
}

int
vm_binary(VmAct *A, VmFrame *f, int kind, int inplace, int imm, VmWord *result)
{
    const VmInsn *ip = f->pc;
    unsigned x = ip->b, y = ip->c;
    VmWord right = imm ? vm_from_int((int16_t)y) : f->regs[y];
    if (kind == VM_NB_ADD && !imm && vm_is_str(f->regs[x]) && vm_is_str(right)) {
        int last_use = vm_is_temp(f, x) || ip->a == x;
        return concat(f, x, y, last_use, result);
    }
    int left_may = vm_is_obj(f->regs[x]) && vm_may_be_special(vm_ptr(f->regs[x]));
    int right_may = vm_is_obj(right) && vm_may_be_special(vm_ptr(right));
    if (left_may && vm_special_binary_quick(A, f, vm_ptr(f->regs[x]), right, kind, inplace))
        return -1;
    if (right_may && vm_special_reflected_quick(A, f, f->regs[x], vm_ptr(right), kind))
        return -1;
    int done = number_binary(kind, f->regs[x], right, result);
    if (done != 0) {
        vm_consume(A, f, x);
        if (!imm)
            vm_consume(A, f, y);
        return done < 0 ? -1 : 0;
    }
    VmSpecialStatus special = left_may || right_may ? vm_special_binary(A, f, result) : SP_NOT_MINE;
    if (special == SP_PUSHED)
        return -1;
    if (special != SP_NOT_MINE) {
        vm_consume(A, f, x);
        if (!imm)
            vm_consume(A, f, y);
        return special == SP_RAISED ? -1 : 0;
    }
    PyObject *o = imm ? PyLong_FromLong((int16_t)y) : vm_reg_object_new(f, y);
    int status = object_operator(A, f, object_binary[inplace][kind], x, o, result);
    vm_consume(A, f, x);
    if (!imm)
        vm_consume(A, f, y);
    Py_XDECREF(o);
    if (status == 0)
        *result = vm_unbox(vm_ptr(*result));
    return status;
}

int
vm_unary(VmAct *A, VmFrame *f, int kind, VmWord *result)
{
    unsigned x = f->pc->b;
    int64_t i = 0;
    double d = 0;
    int k = number_of(f->regs[x], &i, &d);
    if (k == 'i') {
        int status = int_result(kind == '-' ? -i : kind == '~' ? ~i
                                                               : i,
                                result);
        vm_consume(A, f, x);
        return status < 0 ? -1 : 0;
    }
    if (k == 'd' && kind == '-') {
        int status = float_result(-d, result);
        vm_consume(A, f, x);
        return status < 0 ? -1 : 0;
    }
    PyObject *o = vm_reg_object(f, x);
    VmSpecialStatus special = o == NULL ? SP_RAISED : vm_special_unary(A, f, o, kind);
    if (special == SP_PUSHED)
        return -1;
    if (special == SP_RAISED)
        o = NULL;
    else {
        vm_boundary(A, f);
        o = kind == '-'   ? PyNumber_Negative(o)
            : kind == '~' ? PyNumber_Invert(o)
                          : PyNumber_Positive(o);
        vm_after(A, f);
    }
    vm_consume(A, f, x);
    if (o == NULL)
        return -1;
    *result = vm_unbox(o);
    return 0;
}

/* -- comparisons ------------------------------------------------------------------------- */

#define COMPARE(op, x, y) \
    ((op) == Py_LT   ? (x) < (y) \
     : (op) == Py_LE ? (x) <= (y) \
     : (op) == Py_EQ ? (x) == (y) \
     : (op) == Py_NE ? (x) != (y) \
     : (op) == Py_GT ? (x) > (y) \
                     : (x) >= (y))

static int
number_compare(int op, VmWord x, VmWord y, VmWord *result)
{
    int64_t i = 0, j = 0;
    double d = 0, e = 0;
    int kx = number_of(x, &i, &d), ky = kx == 0 ? 0 : number_of(y, &j, &e);
    if (ky == 0)
        return 0;
    if (kx == 'i' && ky == 'i')
        *result = vm_from_bool(COMPARE(op, i, j));
    else {
        if (kx == 'i')
            d = (double)i;
        if (ky == 'i')
            e = (double)j;
        *result = vm_from_bool(COMPARE(op, d, e));
    }
    return 1;
}

static int
str_equal(PyObject *x, PyObject *y)
{
    if (x == y)
        return 1;
    Py_ssize_t n = PyUnicode_GET_LENGTH(x);
    if (n != PyUnicode_GET_LENGTH(y) || PyUnicode_KIND(x) != PyUnicode_KIND(y))
        return 0;
    return memcmp(PyUnicode_DATA(x), PyUnicode_DATA(y), (size_t)n * PyUnicode_KIND(x)) == 0;
}

/* 1, 0 or -1: not to be told without code */
static inline int
str_compare(int op, PyObject *x, VmWord y)
{
    if (!vm_is_str(y)) {
        int is_other = (op == Py_EQ || op == Py_NE) && (!vm_is_obj(y) || vm_is_inert(vm_ptr(y)));
        return is_other ? op == Py_NE : -1;
    }
    if (!PyUnicode_IS_READY(x) || !PyUnicode_IS_READY(vm_ptr(y)))
        return -1;
    if (op == Py_EQ || op == Py_NE)
        return str_equal(x, vm_ptr(y)) == (op == Py_EQ);
    int order = PyUnicode_Compare(x, vm_ptr(y));
    return COMPARE(op, order, 0);
}

int
vm_compare_plain(int op, VmWord x, VmWord y)
{
    VmWord truth;
    if (vm_is_str(x))
        return str_compare(op, vm_ptr(x), y);
    return number_compare(op, x, y, &truth) ? truth == VM_TRUE : -1;
}

static int
object_compare(VmAct *A, VmFrame *f, int op, PyObject *x, PyObject *y, VmWord *result)
{
    if (x == NULL || y == NULL)
        return -1;
    VmSpecialStatus special = vm_special_compare(A, f, result);
    if (special != SP_NOT_MINE)
        return special == SP_DONE ? 0 : -1;
    vm_boundary(A, f);
    PyObject *o = PyObject_RichCompare(x, y, op);
    vm_after(A, f);
    if (o == NULL)
        return -1;
    if (o == Py_True || o == Py_False) {
        *result = vm_from_bool(o == Py_True);
        Py_DECREF(o);
    }
    else
        *result = vm_unbox(o);
    return 0;
}

int
vm_compare(VmAct *A, VmFrame *f, int op, unsigned x, unsigned y, VmWord *result)
{
    VmWord a = f->regs[x], b = f->regs[y];
    int status = 0;
    if (vm_is_obj(a) && vm_may_be_special(vm_ptr(a))
        && vm_special_compare_quick(A, f, vm_ptr(a), b, op))
        return -1;
    int truth = vm_compare_plain(op, a, b);
    if (truth >= 0)
        *result = vm_from_bool(truth);
    else
        status = object_compare(A, f, op, vm_reg_object(f, x), vm_reg_object(f, y), result);
    if (A->pushed != NULL)
        return -1;
    vm_consume(A, f, x);
    vm_consume(A, f, y);
    return status;
}

int
vm_compare_imm(VmAct *A, VmFrame *f, int op, unsigned x, int imm, VmWord *result)
{
    int status = 0;
    VmWord a = f->regs[x];
    if (vm_is_obj(a) && vm_may_be_special(vm_ptr(a))
        && vm_special_compare_quick(A, f, vm_ptr(a), vm_from_int(imm), op))
        return -1;
    if (!number_compare(op, f->regs[x], vm_from_int(imm), result)) {
        PyObject *o = PyLong_FromLong(imm);
        status = object_compare(A, f, op, vm_reg_object(f, x), o, result);
        Py_XDECREF(o);
    }
    if (A->pushed != NULL)
        return -1;
    vm_consume(A, f, x);
    return status;
}

/* -- truth ------------------------------------------------------------------------------- */

static int
plain_truth(PyObject *o)
{
    if (o == Py_True || o == Py_False || o == Py_None)
        return o == Py_True;
    if (PyUnicode_CheckExact(o))
        return PyUnicode_GET_LENGTH(o) != 0;
    if (PyList_CheckExact(o) || PyTuple_CheckExact(o))
        return Py_SIZE(o) != 0;
    if (PyDict_CheckExact(o))
        return PyDict_GET_SIZE(o) != 0;
    if (PyLong_CheckExact(o) || PyFloat_CheckExact(o))
        return PyObject_IsTrue(o);
    return -1;
}

static int
word_truth(VmWord w)
{
    return vm_is_int(w) ? vm_int(w) != 0 : vm_is_double(w) ? vm_double(w) != 0.0
                                                           : w == VM_TRUE;
}

int
vm_truth_plain(VmWord w)
{
    return vm_is_obj(w) ? plain_truth(vm_ptr(w)) : word_truth(w);
}

/* held: as vm_special_truth(), when a frame is pushed */
static int
object_truth(VmAct *A, VmFrame *f, PyObject *o, VmWord held)
{
    int truth = plain_truth(o);
    if (truth >= 0)
        return truth;
    if (vm_special_truth(A, f, o, held) != SP_NOT_MINE)
        return -1;
    vm_boundary(A, f);
    truth = PyObject_IsTrue(o);
    vm_after(A, f);
    return truth;
}

int
vm_truth(VmAct *A, VmFrame *f, unsigned reg)
{
    VmWord w = f->regs[reg];
    if (!vm_is_obj(w))
        return word_truth(w);
    int truth = object_truth(A, f, vm_ptr(w), VM_NULL);
    if (A->pushed == NULL)
        vm_consume(A, f, reg);
    return truth;
}

int
vm_truth_word(VmAct *A, VmFrame *f, VmWord w)
{
    if (!vm_is_obj(w))
        return word_truth(w);
    int truth = object_truth(A, f, vm_ptr(w), w);
    if (A->pushed == NULL)
        vm_release(w);
    return truth;
}
