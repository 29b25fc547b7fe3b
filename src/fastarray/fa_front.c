/* Bytecode -> pure typed expression, by following every path.
 *
 * The code is run on a symbolic stack.  A conditional jump forks: both continuations run
 * to their RETURN, and the results meet in one SELECT, so and/or, chained comparisons,
 * ternaries and early returns look alike on every version.  Everything else that is not
 * plain arithmetic on numbers is refused with a reason.
 */
#include "fa_front.h"

#include <stdarg.h>
#include <string.h>

#include "cpyext_compat/cpy_code.h"

#include "fa_view.h"

enum { MAX_STACK = FA_MAX_ARGS,
       MAX_LOCALS = 8,
       BUDGET = 400 };

int
fa_front_refuse(FaFront *fr, const char *format, ...)
{
    va_list args;
    if (fr->c->reason[0])
        return -1;
    va_start(args, format);
    vsnprintf(fr->c->reason, sizeof fr->c->reason, format, args);
    va_end(args);
    return -1;
}

int
fa_front_node(FaFront *fr, int node)
{
    return node >= 0 ? node : fa_front_refuse(fr, "it is too long");
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
    int result;      /* once it has run to its end */
    uint32_t pc;
} Machine;

static int
push(FaFront *fr, Machine *m, Value v)
{
    if (m->depth == MAX_STACK)
        return fa_front_refuse(fr, "it is too long");
    m->stack[m->depth++] = v;
    return 0;
}

static int
push_node(FaFront *fr, Machine *m, int node)
{
    return node < 0 ? -1 : push(fr, m, (Value){.kind = V_NODE, .node = node});
}

/* The top item as a number. */
static int
pop_node(FaFront *fr, Machine *m)
{
    Value v;
    if (m->depth == 0)
        return fa_front_refuse(fr, "its code is not understood");
    v = m->stack[--m->depth];
    return v.kind == V_NODE ? v.node : fa_front_refuse(fr, "a function is used as a number");
}

/* -- Names ------------------------------------------------------------------------ */

static int
value_of(FaFront *fr, PyObject *v, const char *name, Value *out)
{
    *out = (Value){.kind = V_NODE, .node = -1};
    if (v == NULL)
        return fa_front_refuse(fr, "name '%.40s' is not bound", name);
    if (PyBool_Check(v) || PyLong_CheckExact(v) || PyFloat_CheckExact(v)) {
        out->node = fa_arith_constant(fr, v);
        return out->node < 0 ? -1 : 0;
    }
    if (PyModule_CheckExact(v)) {
        *out = (Value){.kind = V_MODULE, .module = v};
        return 0;
    }
    out->known = fa_names_find(fr->st, v);
    if (out->known == NULL)
        return fa_front_refuse(fr, "'%.40s' is neither a number nor a known function", name);
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

/* What a place holds, guarded. */
static int
load_from(FaFront *fr, FaGuard at, const char *name, Value *out)
{
    PyObject *v = fa_guard_find(&at, fr->f);
    int status = -1;
    if (v != NULL && fa_guard_add(fr->c, &at, v) < 0)
        fa_front_refuse(fr, "it uses too many names");
    else
        status = value_of(fr, v, name, out);
    Py_XDECREF(v);
    return status;
}

/* -- Forks ------------------------------------------------------------------------ */

static int run(FaFront *fr, Machine *m);

/* Where cond holds t, elsewhere f; both are results. */
static int
join(FaFront *fr, int cond, int t, int f)
{
    FaProgram *p = fr->p;
    if (t < 0 || f < 0)
        return -1;
    if (t == f)
        return t;
    if (fa_front_type(fr, t) == FA_T_BOOL) {
        int t_const = fa_front_is_constant(fr, t), f_const = fa_front_is_constant(fr, f);
        if (f == cond || (f_const && !p->nodes[f].k.i))
            return fa_front_node(fr, t_const && p->nodes[t].k.i
                                         ? cond
                                         : fa_expr_node(p, FA_N_AND, FA_T_BOOL, cond, t, -1));
        if (t == cond || (t_const && p->nodes[t].k.i))
            return fa_front_node(fr, fa_expr_node(p, FA_N_OR, FA_T_BOOL, cond, f, -1));
        if (t_const && f_const)
            return fa_front_node(fr, fa_expr_not(p, cond));
    }
    return fa_front_node(fr, fa_expr_node(p, FA_N_SELECT, fa_front_type(fr, t), cond, t, f));
}

static int
narrowed(FaFront *fr, int path, int cond)
{
    if (path < 0 || cond < 0)
        return cond;
    return fa_expr_node(fr->p, FA_N_AND, FA_T_BOOL, path, cond, -1);
}

/* Both continuations of a condition: `yes` where it holds, `no` elsewhere. */
static int
fork_on(FaFront *fr, int cond, Machine *yes, Machine *no)
{
    int t, f;
    if (cond < 0)
        return fa_front_refuse(fr, "it is too long");
    if (fa_front_is_constant(fr, cond))
        return run(fr, fr->p->nodes[cond].k.i ? yes : no);
    yes->path = narrowed(fr, yes->path, cond);
    no->path = narrowed(fr, no->path, fa_expr_not(fr->p, cond));
    if (yes->path < 0 || no->path < 0)
        return fa_front_refuse(fr, "it is too long");
    t = run(fr, yes);
    if (t < 0)
        return -1;
    f = run(fr, no);
    return join(fr, cond, t, f);
}

static int
jump_to(FaFront *fr, Machine *m, uint32_t target)
{
    m->pc = fr->stream.at[target];
    return 0;
}

static int
conditional(FaFront *fr, Machine *m, const CpyInsn *i)
{
    int on_true = i->op == CPY_POP_JUMP_IF_TRUE || i->op == CPY_JUMP_IF_TRUE_OR_POP;
    int keeps = i->op == CPY_JUMP_IF_TRUE_OR_POP || i->op == CPY_JUMP_IF_FALSE_OR_POP;
    int value = pop_node(fr, m);
    Machine taken = *m;

    if (value < 0)
        return -1;
    if (i->target <= i->word)
        return fa_front_refuse(fr, "it loops");
    if (keeps && push_node(fr, &taken, value) < 0)
        return -1;
    jump_to(fr, &taken, i->target);
    value = fa_expr_truth(fr->p, value);
    return on_true ? fork_on(fr, value, &taken, m) : fork_on(fr, value, m, &taken);
}

/* min or max of two numbers of different types: which one it is decides the type. */
static int
mixed_extreme(FaFront *fr, Machine *m, const FaKnown *k, int a, int b)
{
    Machine other = *m;
    int cond = fa_arith_compare(fr, k->x == FA_N_MIN ? Py_LT : Py_GT, b, a);
    if (cond < 0 || push_node(fr, &other, b) < 0 || push_node(fr, m, a) < 0)
        return -1;
    return fork_on(fr, cond, &other, m);
}

/* -- One instruction -------------------------------------------------------------- */

/* 0: go on; 1: that was all, m->result is set; -1: refused. */
typedef int Step(FaFront *fr, Machine *m, const CpyInsn *i);
#define STEP(name) static int step_##name(FaFront *fr, Machine *m, const CpyInsn *i)

STEP(nothing)
{
    return 0;
}

STEP(pop)
{
    return m->depth-- > 0 ? 0 : -1;
}

STEP(copy)
{
    return (int)i->arg > m->depth ? -1 : push(fr, m, m->stack[m->depth - (int)i->arg]);
}

STEP(swap)
{
    int top = m->depth - 1, other = m->depth - (int)i->arg;
    Value v;
    if (other < 0 || top < 0)
        return -1;
    v = m->stack[top];
    m->stack[top] = m->stack[other];
    m->stack[other] = v;
    return 0;
}

STEP(push_null)
{
    return push(fr, m, (Value){.kind = V_NULL});
}

STEP(load_const)
{
    return push_node(fr, m, fa_arith_constant(fr, PyTuple_GET_ITEM(fr->code->co_consts, i->arg)));
}

STEP(load_small_int)
{
    return push_node(fr, m, fa_front_node(fr, fa_expr_int(fr->p, (int)i->arg)));
}

STEP(load_fast)
{
    if (i->arg >= MAX_LOCALS || m->locals[i->arg].kind == V_EMPTY)
        return fa_front_refuse(fr, "a local variable is not understood");
    return push(fr, m, m->locals[i->arg]);
}

STEP(store_fast)
{
    if (i->arg >= MAX_LOCALS || m->depth == 0)
        return fa_front_refuse(fr, "it has too many local variables");
    m->locals[i->arg] = m->stack[--m->depth];
    return 0;
}

STEP(load_global)
{
    PyObject *name = PyTuple_GET_ITEM(fr->code->co_names, i->arg);
    Value v;
    if (load_from(fr, (FaGuard){.kind = FA_GUARD_GLOBAL, .name = name}, text_of(name), &v) < 0)
        return -1;
    return push(fr, m, v);
}

STEP(load_deref)
{
    int from = (int)i->arg - (cpy_code_nlocalsplus(fr->code) - cpy_code_nfreevars(fr->code));
    FaGuard at = {.kind = FA_GUARD_CELL, .index = from};
    PyObject *there = from < 0 ? NULL : fa_guard_find(&at, fr->f);
    Value v;
    Py_XDECREF(there);
    if (there == NULL)
        return fa_front_refuse(fr, "a closure variable is not a number of the enclosing scope");
    return load_from(fr, at, "a closure variable", &v) < 0 ? -1 : push(fr, m, v);
}

static int
load_attr(FaFront *fr, Machine *m, const CpyInsn *i, Value *v)
{
    PyObject *name = PyTuple_GET_ITEM(fr->code->co_names, i->arg);
    Value of = m->stack[--m->depth];
    if (of.kind != V_MODULE)
        return fa_front_refuse(fr, "it reads attribute '%.40s'", text_of(name));
    return load_from(fr, (FaGuard){.kind = FA_GUARD_ATTR, .where = of.module, .name = name},
                     text_of(name), v);
}

STEP(load_attr)
{
    Value v;
    return load_attr(fr, m, i, &v) < 0 ? -1 : push(fr, m, v);
}

STEP(load_method)
{
    Value v, null = {.kind = V_NULL};
    if (load_attr(fr, m, i, &v) < 0 || push(fr, m, CPY_CALL_NULL_FIRST ? null : v) < 0)
        return -1;
    return push(fr, m, CPY_CALL_NULL_FIRST ? v : null);
}

STEP(binary)
{
    int b = pop_node(fr, m), a = b < 0 ? -1 : pop_node(fr, m);
    if (a < 0)
        return -1;
    return push_node(fr, m, i->op == CPY_COMPARE_OP ? fa_arith_compare(fr, (int)i->arg, a, b) : fa_arith_binary(fr, m->path, (int)i->arg, a, b));
}

STEP(unary)
{
    int a = pop_node(fr, m);
    if (a < 0)
        return -1;
    switch (i->op) {
    case CPY_UNARY_NEGATIVE: return push_node(fr, m, fa_arith_unary(fr, FA_N_NEG, a));
    case CPY_UNARY_INVERT: return push_node(fr, m, fa_arith_unary(fr, FA_N_INVERT, a));
    case CPY_UNARY_NOT: return push_node(fr, m, fa_front_node(fr, fa_expr_not(fr->p, a)));
    case CPY_TO_BOOL: return push_node(fr, m, fa_front_node(fr, fa_expr_truth(fr->p, a)));
    default: /* UNARY_POSITIVE */
        return push_node(fr, m, fa_front_type(fr, a) == FA_T_BOOL ? fa_expr_as_int(fr->p, a) : a);
    }
}

STEP(call)
{
    int args[MAX_STACK], n = (int)i->arg;
    Value first, second, callee;

    if (n + 2 > m->depth)
        return fa_front_refuse(fr, "its code is not understood");
    for (int k = n - 1; k >= 0; k--)
        if ((args[k] = pop_node(fr, m)) < 0)
            return -1;
    second = m->stack[--m->depth];
    first = m->stack[--m->depth];
    callee = CPY_CALL_NULL_FIRST ? second : first;
    if ((CPY_CALL_NULL_FIRST ? first : second).kind != V_NULL || callee.kind != V_KNOWN)
        return fa_front_refuse(fr, "it calls something unknown");
    if (callee.known->kind == FA_KNOWN_MINMAX && n == 2 && fa_front_type(fr, args[0]) != fa_front_type(fr, args[1])) {
        m->result = mixed_extreme(fr, m, callee.known, args[0], args[1]);
        return m->result < 0 ? -1 : 1;
    }
    return push_node(fr, m, fa_arith_call(fr, m->path, callee.known, args, n));
}

STEP(jump)
{
    if (i->target <= i->word)
        return fa_front_refuse(fr, "it loops");
    return jump_to(fr, m, i->target);
}

STEP(conditional)
{
    m->result = conditional(fr, m, i);
    return m->result < 0 ? -1 : 1;
}

STEP(return_value)
{
    int a = pop_node(fr, m);
    if (a < 0)
        return -1;
    m->result = fa_expr_as_result(fr->p, a);
    if (m->result < 0)
        return fa_front_refuse(fr, fa_front_type(fr, a) == FA_T_FLOAT && fa_dtype_kind(fr->p->out) != FA_FLOAT
                                       ? "it returns a float for an array of ints"
                                       : "it is too long");
    return 1;
}
#undef STEP

/* What a lambda may be made of; anything else is refused by its name. */
static Step *const steps[CPY_OP_COUNT] = {
    [CPY_NOP] = step_nothing,
    [CPY_RESUME] = step_nothing,
    [CPY_COPY_FREE_VARS] = step_nothing,
    [CPY_POP] = step_pop,
    [CPY_COPY] = step_copy,
    [CPY_SWAP] = step_swap,
    [CPY_PUSH_NULL] = step_push_null,
    [CPY_LOAD_CONST] = step_load_const,
    [CPY_LOAD_SMALL_INT] = step_load_small_int,
    [CPY_LOAD_FAST] = step_load_fast,
    [CPY_LOAD_FAST_CHECK] = step_load_fast,
    [CPY_STORE_FAST] = step_store_fast,
    [CPY_LOAD_GLOBAL] = step_load_global,
    [CPY_LOAD_DEREF] = step_load_deref,
    [CPY_LOAD_ATTR] = step_load_attr,
    [CPY_LOAD_METHOD] = step_load_method,
    [CPY_BINARY_OP] = step_binary,
    [CPY_INPLACE_OP] = step_binary,
    [CPY_COMPARE_OP] = step_binary,
    [CPY_UNARY_NEGATIVE] = step_unary,
    [CPY_UNARY_INVERT] = step_unary,
    [CPY_UNARY_POSITIVE] = step_unary,
    [CPY_UNARY_NOT] = step_unary,
    [CPY_TO_BOOL] = step_unary,
    [CPY_CALL] = step_call,
    [CPY_JUMP] = step_jump,
    [CPY_POP_JUMP_IF_TRUE] = step_conditional,
    [CPY_POP_JUMP_IF_FALSE] = step_conditional,
    [CPY_JUMP_IF_TRUE_OR_POP] = step_conditional,
    [CPY_JUMP_IF_FALSE_OR_POP] = step_conditional,
    [CPY_RETURN_VALUE] = step_return_value,
};

static int
run(FaFront *fr, Machine *m)
{
    for (;;) {
        const CpyInsn *i;
        int status;
        if (fr->budget-- == 0 || m->pc >= fr->stream.n)
            return fa_front_refuse(fr, "it is too long");
        i = &fr->stream.insns[m->pc++];
        if (steps[i->op] == NULL)
            return fa_front_refuse(fr, "it uses %.40s", cpy_op_name(i->op));
        status = steps[i->op](fr, m, i);
        if (status < 0)
            return fa_front_refuse(fr, "its code is not understood");
        if (status > 0)
            return m->result;
    }
}

/* -- Compiling -------------------------------------------------------------------- */

static int
bind_parameters(FaFront *fr, Machine *m, int inputs)
{
    int count = cpy_code_argcount(fr->code);
    int defaults = fr->f->func_defaults ? (int)PyTuple_GET_SIZE(fr->f->func_defaults) : 0;

    if (cpy_code_flags(fr->code) & (CO_VARARGS | CO_VARKEYWORDS | CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) || cpy_code_kwonlyargcount(fr->code))
        return fa_front_refuse(fr, "its signature is not plain");
    if (count < inputs || count - defaults > inputs || count > MAX_LOCALS)
        return fa_front_refuse(fr, "it takes %d arguments", count);
    for (int i = 0; i < count; i++) {
        int at = i - (count - defaults);
        if (i < inputs) {
            m->locals[i] = (Value){.kind = V_NODE, .node = fa_expr_input(fr->p, i)};
            continue;
        }
        if (load_from(fr, (FaGuard){.kind = FA_GUARD_DEFAULT, .index = at}, "a default",
                      &m->locals[i])
            < 0)
            return -1;
    }
    return 0;
}

static int
compile_function(FaFront *fr, int inputs)
{
    Machine m = {.path = -1};
    int root = -1;

    fr->budget = BUDGET;
    fr->code = (PyCodeObject *)PyFunction_GET_CODE((PyObject *)fr->f);
    if (bind_parameters(fr, &m, inputs) < 0)
        return -1;
    if (cpy_decode(fr->code, &fr->stream) < 0) {
        fr->c->transient |= PyErr_ExceptionMatches(PyExc_MemoryError) != 0;
        PyErr_Clear();
        return fa_front_refuse(fr, "its code is not understood");
    }
    if (fr->stream.n_handlers)
        fa_front_refuse(fr, "it handles exceptions");
    else
        root = run(fr, &m);
    cpy_stream_free(&fr->stream);
    return root;
}

/* functools.partial of a known function with numbers in front */
static int
compile_partial(FaFront *fr, PyObject *fn, int inputs)
{
    PyObject *of = fa_view_attr(fn, "func");
    PyObject *fixed = fa_view_attr(fn, "args");
    PyObject *named = fa_view_attr(fn, "keywords");
    const FaKnown *known = of ? fa_names_find(fr->st, of) : NULL;
    int args[MAX_STACK], n = 0, root = -1;

    if (known == NULL || fixed == NULL || named == NULL || !PyTuple_CheckExact(fixed) || !PyDict_Check(named) || PyDict_GET_SIZE(named) || PyTuple_GET_SIZE(fixed) + inputs > MAX_STACK) {
        PyErr_Clear();
        fa_front_refuse(fr, "it is a partial of something unknown");
    }
    else {
        for (; n < (int)PyTuple_GET_SIZE(fixed); n++)
            if ((args[n] = fa_arith_constant(fr, PyTuple_GET_ITEM(fixed, n))) < 0)
                goto done;
        for (int i = 0; i < inputs; i++)
            args[n++] = fa_expr_input(fr->p, i);
        root = fa_arith_call(fr, -1, known, args, n);
    }
done:
    Py_XDECREF(of);
    Py_XDECREF(fixed);
    Py_XDECREF(named);
    return root;
}

int
fa_front_is_partial(PyObject *fn)
{
    return strcmp(Py_TYPE(fn)->tp_name, "functools.partial") == 0;
}

int
fa_front_compile(FaFront *fr, PyObject *fn, int inputs)
{
    const FaKnown *known;
    int args[2], root;

    if (PyFunction_Check(fn)) {
        fr->f = (PyFunctionObject *)fn;
        return compile_function(fr, inputs);
    }
    if (fa_front_is_partial(fn))
        root = compile_partial(fr, fn, inputs);
    else {
        known = fa_names_find(fr->st, fn);
        if (known == NULL)
            return fa_front_refuse(fr, "it is a '%.40s', not a Python function", Py_TYPE(fn)->tp_name);
        for (int i = 0; i < inputs; i++)
            args[i] = fa_expr_input(fr->p, i);
        root = fa_arith_call(fr, -1, known, args, inputs);
    }
    if (root >= 0) {
        root = fa_expr_as_result(fr->p, root);
        if (root < 0)
            fa_front_refuse(fr, "it returns a float for an array of ints");
    }
    return root;
}
