/* Compiled functions: made, kept in a small table, looked up, explained. */
#include "fa_front.h"

#include <string.h>

#include "cpyext_compat/cpy_tracing.h"

#include "fa_view.h"

enum { SLOTS = 64 };

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
    for (int i = 0; i < c->n_guards; i++)
        fa_guard_release(&c->guards[i]);
    Py_XDECREF(c->key);
    PyMem_Free(c);
}

/* -- Does it still mean the same -------------------------------------------------- */

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
        if (!fa_guard_holds(&c->guards[i], fn))
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

/* -- Compiling -------------------------------------------------------------------- */

static FaCompiled *
compile_new(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal, int inputs)
{
    FaCompiled *c = PyMem_Malloc(sizeof *c);
    FaFront fr = {.st = st, .c = c};
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
    root = fa_front_compile(&fr, fn, inputs);
    if (root >= 0 && fa_expr_wasted(fr.p, root))
        root = fa_front_refuse(&fr, "it computes what may raise and is not used");
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

    if (in >= FA_NDTYPES || watched(fn) || fa_front_is_partial(fn))
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
