/* The _fastarray module: method table, state, nothing computed here. */
#include "fa_state.h"

#include "fa_array.h"
#include "fa_arrow.h"
#include "fa_callback.h"
#include "fa_elementwise.h"
#include "fa_foreign.h"
#include "fa_lambda.h"
#include "fa_names.h"
#include "fa_pool.h"
#include "fa_reduce.h"
#include "fa_stats.h"

/* -- CPU targets ------------------------------------------------------------------ */

static PyObject *
cpu_targets(PyObject *module, PyObject *unused)
{
    FaState *st = fa_state(module);
    PyObject *all = PyList_New(0), *result = NULL;

    for (int i = 0; all != NULL && fa_kernel_sets[i] != NULL; i++) {
        const char *name = fa_kernel_sets[i]->name;
        PyObject *item;
        if (fa_dispatch_find(name) == NULL)
            continue;
        item = PyUnicode_FromString(name);
        if (item == NULL || PyList_Append(all, item) < 0)
            Py_CLEAR(all);
        Py_XDECREF(item);
    }
    if (all != NULL)
        result = Py_BuildValue("{s:s,s:O}", "chosen", st->kernels->name, "available", all);
    Py_XDECREF(all);
    return result;
}

static PyObject *
set_num_threads(PyObject *module, PyObject *number)
{
    Py_ssize_t n = PyNumber_AsSsize_t(number, NULL);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    if (n < 1) {
        PyErr_Format(PyExc_ValueError, "the number of threads must be at least 1, not %zd", n);
        return NULL;
    }
    fa_pool_set_threads(n > 1024 ? 1024 : (int)n);
    Py_RETURN_NONE;
}

static PyObject *
get_num_threads(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(fa_pool_threads());
}

/* For tests: run another kernel set from now on; the previous one's name comes back. */
static PyObject *
use_kernels(PyObject *module, PyObject *name)
{
    FaState *st = fa_state(module);
    const char *wanted = PyUnicode_AsUTF8(name), *before = st->kernels->name;
    const FaKernels *k = wanted ? fa_dispatch_find(wanted) : NULL;

    if (k == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_ValueError, "no kernel set '%U' on this CPU", name);
        return NULL;
    }
    st->kernels = k;
    return PyUnicode_FromString(before);
}

/* For tests: switch the direct array.array path off, or on if the self-check passed. */
static PyObject *
use_direct(PyObject *module, PyObject *flag)
{
    FaState *st = fa_state(module);
    int on = PyObject_IsTrue(flag), before;
    if (on < 0 || fa_array_need(st) < 0)
        return NULL;
    before = st->direct;
    st->direct = on && st->array_descr['i'] != NULL;
    return PyBool_FromLong(before);
}

/* -- Methods ---------------------------------------------------------------------- */

#define ENTRY(name, signature)                                                           \
    {#name, (PyCFunction)(void (*)(void))fa_##name, METH_FASTCALL | METH_KEYWORDS,       \
     #name signature}

static PyMethodDef methods[] = {
    ENTRY(sum, "(a, /, *, start=0)\n--\n\n"
               "Sum of the elements: exact for integers, compensated for floats."),
    ENTRY(mean, "(a, /, *, default=...)\n--\n\n"
                "Arithmetic mean as a float; ValueError when empty."),
    ENTRY(min, "(a, /, *, default=..., nan='propagate')\n--\n\n"
               "Smallest element; NaN wins unless nan='ignore' or 'raise'."),
    ENTRY(max, "(a, /, *, default=..., nan='propagate')\n--\n\n"
               "Largest element; NaN wins unless nan='ignore' or 'raise'."),
    ENTRY(minmax, "(a, /, *, default=..., nan='propagate')\n--\n\n"
                  "(smallest, largest) in one pass."),
    ENTRY(scale, "(a, factor, /, *, rounding=None, check=True)\n--\n\n"
                 "Multiply every element in place; on OverflowError nothing has changed."),
    ENTRY(clip, "(a, min, max)\n--\n\n"
                "Limit every element to min..max in place; None leaves an end open."),
    ENTRY(map, "(a, fn, /, *, typecode=None, out=None)\n--\n\n"
               "fn of every element, as a new array of a's typecode, or in out."),
    ENTRY(map_inplace, "(a, fn, /)\n--\n\n"
                       "Replace every element by fn of it; all or nothing."),
    ENTRY(filter, "(a, predicate, /)\n--\n\n"
                  "A new array of the elements predicate is true for."),
    ENTRY(reduce, "(a, fn, /, initial=...)\n--\n\n"
                  "Left fold, as functools.reduce."),
    ENTRY(explain, "(fn, typecode, /, *, use='map', result=None)\n--\n\n"
                   "How fn would run over such an array: compiled, or why not."),
    ENTRY(fsum, "(a, /)\n--\n\nThe correctly rounded sum, as a float."),
    ENTRY(argmin, "(a, /)\n--\n\nIndex of the first smallest element (or first NaN)."),
    ENTRY(argmax, "(a, /)\n--\n\nIndex of the first largest element (or first NaN)."),
    ENTRY(var, "(a, /, *, correction=0, mean=None)\n--\n\n"
               "Variance: exact for integers, in two passes for floats."),
    ENTRY(std, "(a, /, *, correction=0, mean=None)\n--\n\n"
               "Standard deviation: the square root of var."),
    ENTRY(dot, "(a, b, /)\n--\n\n"
               "Sum of products: exact for integers, compensated for floats."),
    ENTRY(count, "(a, value, /)\n--\n\nHow many elements equal value."),
    ENTRY(prod, "(a, /)\n--\n\n"
                "Product: exact for integers, left to right for floats."),
    ENTRY(any, "(a, /)\n--\n\nIs some element not zero?"),
    ENTRY(all, "(a, /)\n--\n\nIs no element zero?"),
    ENTRY(add, "(a, b, /, *, out=None)\n--\n\nElementwise a + b; OverflowError if it does not fit."),
    ENTRY(sub, "(a, b, /, *, out=None)\n--\n\nElementwise a - b; OverflowError if it does not fit."),
    ENTRY(mul, "(a, b, /, *, out=None)\n--\n\nElementwise a * b; OverflowError if it does not fit."),
    ENTRY(truediv, "(a, b, /, *, out=None)\n--\n\n"
                   "Elementwise a / b, as Python divides; typecode 'd' ('f' for 'f')."),
    ENTRY(floordiv, "(a, b, /, *, out=None)\n--\n\nElementwise a // b, as Python divides."),
    ENTRY(to_arrow, "(a, /)\n--\n\n"
                    "An object that offers a through Arrow's C data interface, uncopied."),
    ENTRY(from_arrow, "(obj, /)\n--\n\n"
                      "A read-only memoryview of an Arrow array's numbers, uncopied."),
    ENTRY(from_dlpack, "(obj, /)\n--\n\n"
                       "A read-only memoryview of a DLPack tensor in CPU memory, uncopied."),
    {"_tally", (PyCFunction)(void (*)(void))fa_tally, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"block_counts", fa_block_counts, METH_NOARGS,
     "block_counts()\n--\n\n"
     "How many blocks of map, filter and reduce ran in kernels and how many in Python."},
    {"cpu_targets", cpu_targets, METH_NOARGS,
     "cpu_targets()\n--\n\n"
     "Instruction sets this CPU can run, and the one chosen at import."},
    {"set_num_threads", set_num_threads, METH_O,
     "set_num_threads(n, /)\n--\n\n"
     "Threads that reductions of 8 MiB and more may use, process-wide; results don't change."},
    {"get_num_threads", get_num_threads, METH_NOARGS,
     "get_num_threads()\n--\n\nThreads that long reductions may use."},
    {"_use_kernels", use_kernels, METH_O, NULL},
    {"_use_direct", use_direct, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int
exec_module(PyObject *module)
{
    FaState *st = fa_state(module);
    st->kernels = fa_dispatch_choose();
    if (fa_array_setup_if_there(st) < 0 || fa_arrow_setup(st, module) < 0 ||
        fa_names_setup(st) < 0)
        return -1;
    return fa_foreign_setup(st, module);
}

static int
traverse(PyObject *module, visitproc visit, void *arg)
{
    FaState *st = fa_state(module);
    Py_VISIT(st->array_type);
    Py_VISIT(st->arrow_type);
    Py_VISIT(st->foreign_type);
    return fa_lambda_traverse(st, visit, arg);
}

static int
clear(PyObject *module)
{
    FaState *st = fa_state(module);
    st->direct = 0;
    fa_lambda_clear(st);
    fa_names_clear(st);
    Py_CLEAR(st->array_type);
    Py_CLEAR(st->arrow_type);
    Py_CLEAR(st->foreign_type);
    return 0;
}

static void
free_module(void *module)
{
    clear((PyObject *)module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec_module},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fastarray._fastarray",
    .m_doc = "Array kernels over any buffer of numbers.",
    .m_size = sizeof(FaState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_module,
};

PyMODINIT_FUNC
PyInit__fastarray(void)
{
    return PyModuleDef_Init(&definition);
}
