/* map, map_inplace, filter and reduce: blocks in kernels where the function compiles,
 * element by element through the callable where it does not.
 *
 * Invariant: while a callable can run, an export of the array is held (it cannot be
 * resized) and elements are read afresh for each call (they may be written).  A result
 * under construction is visible to nobody.
 */
#include "fa_callback.h"

#include <string.h>

#include "fa_array.h"
#include "fa_box.h"
#include "fa_lambda.h"
#include "fa_store.h"

static int
no_nulls(const FaView *v, const char *function)
{
    if (v->valid == NULL)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s(): the array has nulls", function);
    return -1;
}

static int
callable(PyObject *fn)
{
    if (PyCallable_Check(fn))
        return 0;
    PyErr_Format(PyExc_TypeError, "'%.100s' object is not callable", Py_TYPE(fn)->tp_name);
    return -1;
}

/* fn(element i). -> new */
static inline PyObject *
call_on(PyObject *fn, const FaView *v, Py_ssize_t i)
{
    PyObject *args[2] = {NULL, fa_view_item(v, i)}, *r;
    if (args[1] == NULL)
        return NULL;
    r = PyObject_Vectorcall(fn, args + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(args[1]);
    return r;
}

static void
count_python(FaState *st, Py_ssize_t n)
{
    fa_add_blocks(&st->python_blocks, (uint64_t)((n + FA_REG_BYTES / 8 - 1) / (FA_REG_BYTES / 8)));
}

/* -- map -------------------------------------------------------------------------- */

/* Where results go: `to` and its element type. */
typedef struct {
    char *to;
    char code;
    FaDtype dtype;
    unsigned size;
} Target;

static int
map_python(FaState *st, const FaView *v, PyObject *fn, const Target *t, Py_ssize_t from,
           Py_ssize_t end)
{
    count_python(st, end - from);
    for (Py_ssize_t i = from; i < end; i++) {
        PyObject *r = call_on(fn, v, i);
        int status;
        if (r == NULL)
            return -1;
        status = fa_store_item(st, t->code, t->dtype, t->to + i * t->size, r);
        Py_DECREF(r);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* Blocks in kernels; a block that can't goes through fn, and after it the function must
 * still mean the same or the rest goes that way too. */
static int
map_all(FaState *st, const FaView *v, PyObject *fn, const Target *t, FaCompiled *c)
{
    Py_ssize_t i = 0;
    while (c != NULL && i < v->n) {
        FaProgram *p = fa_lambda_program(c);
        Py_ssize_t end;
        i = fa_expr_map(st, p, v->ptr, NULL, t->to, v->n, i);
        if (i == v->n)
            return 0;
        end = v->n - i < fa_expr_block(p) ? v->n : i + fa_expr_block(p);
        if (map_python(st, v, fn, t, i, end) < 0)
            return -1;
        i = end;
        if (!fa_lambda_holds(st, c, fn))
            break;
    }
    return i < v->n ? map_python(st, v, fn, t, i, v->n) : 0;
}

static int
typecode_of(PyObject *obj, char *code)
{
    if (!PyUnicode_Check(obj) || PyUnicode_GetLength(obj) != 1 || PyUnicode_ReadChar(obj, 0) > 127) {
        PyErr_Format(PyExc_TypeError, "typecode must be a single character, not %R", obj);
        return -1;
    }
    *code = (char)PyUnicode_ReadChar(obj, 0);
    return 0;
}

static int
target_type(Target *t)
{
    char name[2] = {t->code, 0};
    if (fa_dtype_of_code(t->code, &t->dtype) < 0)
        return fa_view_type_error(name);
    t->size = fa_dtype_size(t->dtype);
    return 0;
}

/* out=: results are finished in scratch and copied at the end, so that an exception
 * leaves out alone and out may overlap the input. */
static int
map_into(FaState *st, const FaView *v, PyObject *fn, PyObject *out, Target *t)
{
    FaView o;
    FaCompiled *c = NULL;
    char *scratch = NULL;
    int status = -1;

    FA_VIEW_INIT(&o);
    if (fa_view_acquire(st, &o, out, FA_WRITE | FA_HOLD | FA_ORDERED) < 0)
        goto done;
    if (o.dtype >= FA_NDTYPES || o.n != v->n) {
        PyErr_Format(o.dtype >= FA_NDTYPES ? PyExc_TypeError : PyExc_ValueError,
                     "out must hold %zd numbers of a typecode in bBhHiIlLqQfd", v->n);
        goto done;
    }
    t->code = fa_dtype_array_code(o.dtype, o.code);
    t->dtype = o.dtype;
    t->size = o.size;
    t->to = scratch = PyMem_Malloc(v->n ? (size_t)v->n * o.size : 1);
    if (scratch == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    c = fa_lambda_find(st, fn, v->dtype, t->dtype, FA_TO_ARRAY);
    status = map_all(st, v, fn, t, c);
    if (status == 0 && v->n)
        memcpy(o.ptr, scratch, (size_t)v->n * o.size);
done:
    fa_lambda_release(c);
    PyMem_Free(scratch);
    fa_view_release(&o);
    return status;
}

static PyObject *
map_new(FaState *st, const FaView *v, PyObject *fn, Target *t)
{
    FaResult r;
    FaCompiled *c = NULL;
    PyObject *array = NULL;

    FA_RESULT_INIT(&r);
    if (target_type(t) < 0 || fa_result_new(st, &r, t->code, v->n, 0) < 0)
        goto done;
    t->to = r.ptr;
    c = fa_lambda_find(st, fn, v->dtype, t->dtype, FA_TO_ARRAY);
    if (map_all(st, v, fn, t, c) == 0)
        array = fa_result_finish(st, &r, v->n);
done:
    fa_lambda_release(c);
    fa_result_drop(&r);
    return array;
}

FA_FUNCTION(map)
{
    static const FaSpec spec = {"map", 2, 2, 2, {"a", "fn", "typecode", "out"}};
    FaState *st = fa_state(module);
    PyObject *in[4] = {NULL, NULL, NULL, NULL}, *result = NULL;
    Target t;
    FaView v;

    FA_VIEW_INIT(&v);
    if (nargs == 2 && kwnames == NULL) {
        in[0] = args[0];
        in[1] = args[1];
    }
    else if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0)
        return NULL;
    if (callable(in[1]) < 0 || fa_view_acquire(st, &v, in[0], FA_READ | FA_HOLD | FA_ORDERED) < 0)
        return NULL;
    if (no_nulls(&v, "map") < 0)
        goto done;
    t.code = fa_dtype_array_code(v.dtype, v.code);
    if (in[2] != NULL && in[2] != Py_None && typecode_of(in[2], &t.code) < 0)
        goto done;
    if (in[3] == NULL || in[3] == Py_None)
        result = map_new(st, &v, in[1], &t);
    else if (in[2] != NULL && in[2] != Py_None)
        PyErr_SetString(PyExc_TypeError, "map() takes typecode or out, not both");
    else if (map_into(st, &v, in[1], in[3], &t) == 0)
        result = Py_NewRef(in[3]);
done:
    fa_view_release(&v);
    return result;
}

/* -- map_inplace ------------------------------------------------------------------ */

static int
map_scratch(FaState *st, FaView *v, PyObject *fn, FaCompiled *c, Target *t)
{
    char *scratch = PyMem_Malloc(v->n ? (size_t)v->n * v->size : 1);
    int status;

    if (scratch == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    t->to = scratch;
    status = map_all(st, v, fn, t, c);
    if (status == 0 && v->n)
        memcpy(v->ptr, scratch, (size_t)v->n * v->size);
    PyMem_Free(scratch);
    return status;
}

FA_FUNCTION(map_inplace)
{
    static const FaSpec spec = {"map_inplace", 2, 2, 2, {"a", "fn"}};
    FaState *st = fa_state(module);
    PyObject *in[2];
    FaCompiled *c;
    Target t;
    FaView v;
    int status = -1;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 || callable(in[1]) < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_WRITE | FA_HOLD | FA_ORDERED) < 0)
        return NULL;
    if (v.dtype >= FA_NDTYPES) {
        char name[2] = {v.code, 0};
        fa_view_type_error(name);
        fa_view_release(&v);
        return NULL;
    }
    t = (Target){v.ptr, fa_dtype_array_code(v.dtype, v.code), v.dtype, v.size};
    c = fa_lambda_find(st, in[1], v.dtype, v.dtype, FA_TO_ARRAY);
    if (c != NULL && fa_expr_never_stops(st, fa_lambda_program(c)))
        status = map_all(st, &v, in[1], &t, c);
    else
        status = map_scratch(st, &v, in[1], c, &t);
    fa_lambda_release(c);
    fa_view_release(&v);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* -- filter ----------------------------------------------------------------------- */

static int
filter_python(FaState *st, const FaView *v, PyObject *fn, char *out, unsigned size,
              Py_ssize_t *kept, Py_ssize_t from, Py_ssize_t end)
{
    count_python(st, end - from);
    for (Py_ssize_t i = from; i < end; i++) {
        char *to = out + *kept * size; /* the element as it is before fn sees it */
        PyObject *r;
        int keep;
        if (v->dtype == FA_F16) {
            PyObject *x = fa_view_item(v, i);
            float f = x ? (float)PyFloat_AS_DOUBLE(x) : 0;
            Py_XDECREF(x);
            memcpy(to, &f, sizeof f);
        }
        else if (v->dtype == FA_BOOL)
            *to = v->ptr[i] != 0;
        else
            memcpy(to, v->ptr + i * size, size);
        r = call_on(fn, v, i);
        if (r == NULL)
            return -1;
        keep = r == Py_True ? 1 : r == Py_False ? 0
                                                : PyObject_IsTrue(r);
        Py_DECREF(r);
        if (keep < 0)
            return -1;
        *kept += keep;
    }
    return 0;
}

static int
filter_all(FaState *st, const FaView *v, PyObject *fn, char *out, unsigned size,
           Py_ssize_t *kept, FaCompiled *c)
{
    Py_ssize_t i = 0;
    while (c != NULL && i < v->n) {
        FaProgram *p = fa_lambda_program(c);
        Py_ssize_t end;
        i = fa_expr_filter(st, p, v->ptr, out, kept, v->n, i);
        if (i == v->n)
            return 0;
        end = v->n - i < fa_expr_block(p) ? v->n : i + fa_expr_block(p);
        if (filter_python(st, v, fn, out, size, kept, i, end) < 0)
            return -1;
        i = end;
        if (!fa_lambda_holds(st, c, fn))
            break;
    }
    return i < v->n ? filter_python(st, v, fn, out, size, kept, i, v->n) : 0;
}

FA_FUNCTION(filter)
{
    static const FaSpec spec = {"filter", 2, 2, 2, {"a", "predicate"}};
    FaState *st = fa_state(module);
    PyObject *in[2], *array = NULL;
    FaCompiled *c = NULL;
    Py_ssize_t kept = 0;
    FaResult r;
    FaView v;
    char code;

    FA_VIEW_INIT(&v);
    FA_RESULT_INIT(&r);
    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 || callable(in[1]) < 0)
        return NULL;
    if (fa_view_acquire(st, &v, in[0], FA_READ | FA_HOLD | FA_ORDERED) < 0)
        return NULL;
    code = fa_dtype_array_code(v.dtype, v.code);
    if (no_nulls(&v, "filter") < 0 || fa_result_new(st, &r, code, v.n, FA_COMPRESS_SLACK) < 0)
        goto done;
    c = fa_lambda_find(st, in[1], v.dtype, v.dtype, FA_TO_MASK);
    if (filter_all(st, &v, in[1], r.ptr, r.size, &kept, c) == 0)
        array = fa_result_finish(st, &r, kept);
done:
    fa_lambda_release(c);
    fa_result_drop(&r);
    fa_view_release(&v);
    return array;
}

/* -- explain and counters --------------------------------------------------------- */

FA_FUNCTION(explain)
{
    static const FaSpec spec = {"explain", 2, 2, 2, {"fn", "typecode", "use", "result"}};
    FaState *st = fa_state(module);
    PyObject *in[4];
    FaDtype dtype, out;
    FaGoal goal = FA_TO_ARRAY;
    char code, result;

    if (fa_args_parse(&spec, args, nargs, kwnames, in) < 0 || callable(in[0]) < 0 || typecode_of(in[1], &code) < 0)
        return NULL;
    result = code;
    if (in[3] != NULL && in[3] != Py_None && typecode_of(in[3], &result) < 0)
        return NULL;
    if (in[2] != NULL) {
        if (PyUnicode_Check(in[2]) && PyUnicode_CompareWithASCIIString(in[2], "filter") == 0)
            goal = FA_TO_MASK;
        else if (!PyUnicode_Check(in[2]) || PyUnicode_CompareWithASCIIString(in[2], "map") != 0) {
            PyErr_Format(PyExc_ValueError, "use must be 'map' or 'filter', not %R", in[2]);
            return NULL;
        }
    }
    if (fa_dtype_of_code(code, &dtype) < 0 || fa_dtype_of_code(result, &out) < 0) {
        char name[2] = {fa_dtype_of_code(code, &dtype) < 0 ? code : result, 0};
        fa_view_type_error(name);
        return NULL;
    }
    return fa_lambda_explain(st, in[0], dtype, goal == FA_TO_MASK ? dtype : out, goal);
}

PyObject *
fa_block_counts(PyObject *module, PyObject *unused)
{
    FaState *st = fa_state(module);
    return Py_BuildValue("{s:K,s:K}", "kernel", (unsigned long long)st->kernel_blocks,
                         "python", (unsigned long long)st->python_blocks);
}
