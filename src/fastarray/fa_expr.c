/* Expressions: building them, and running their blocks. */
#include "fa_expr.h"

#include <string.h>

#include "fa_between.h"
#include "fa_plan.h"

/* -- Building --------------------------------------------------------------------- */

void
fa_expr_init(FaProgram *p, FaDtype in, FaDtype out, FaGoal goal)
{
    memset(p, 0, offsetof(FaProgram, nodes));
    p->in = in;
    p->out = out;
    p->goal = goal;
    p->root = -1;
    memset(&p->plan, 0, offsetof(FaPlan, steps));
}

static int
same_node(const FaNode *a, const FaNode *b)
{
    return a->op == b->op && a->type == b->type && a->a == b->a && a->b == b->b && a->c == b->c && a->k.u == b->k.u;
}

static int
add_node(FaProgram *p, FaNode node)
{
    for (int i = 0; i < p->n; i++)
        if (same_node(&p->nodes[i], &node))
            return i;
    if (p->n == FA_MAX_NODES)
        return -1;
    p->nodes[p->n] = node;
    return p->n++;
}

int
fa_expr_node(FaProgram *p, FaNodeOp op, FaType type, int a, int b, int c)
{
    if (a < 0 || (b < 0 && op != FA_N_X && op >= FA_N_ADD && op <= FA_N_SHR))
        return -1;
    return add_node(p, (FaNode){.op = op, .type = type, .a = a, .b = b, .c = c});
}

int
fa_expr_input(FaProgram *p, int which)
{
    FaType type = fa_dtype_kind(p->in) == FA_FLOAT ? FA_T_FLOAT : FA_T_INT;
    if (which + 1 > p->inputs)
        p->inputs = which + 1;
    return add_node(p, (FaNode){.op = which ? FA_N_Y : FA_N_X, .type = type, .a = -1, .b = -1, .c = -1});
}

static int
constant(FaProgram *p, FaType type, FaImm k)
{
    return add_node(p, (FaNode){.op = FA_N_CONST, .type = type, .a = -1, .b = -1, .c = -1, .k = k});
}

int
fa_expr_int(FaProgram *p, int64_t k)
{
    return constant(p, FA_T_INT, (FaImm){.i = k});
}

int
fa_expr_float(FaProgram *p, double k)
{
    return constant(p, FA_T_FLOAT, (FaImm){.d = k});
}

int
fa_expr_bool(FaProgram *p, int k)
{
    return constant(p, FA_T_BOOL, (FaImm){.i = k ? -1 : 0});
}

int
fa_expr_call1(FaProgram *p, double (*f)(double), const char *name, int a)
{
    if (a < 0)
        return -1;
    return add_node(p, (FaNode){.op = FA_N_CALL1, .type = FA_T_FLOAT, .a = a, .b = -1, .c = -1, .k.f1 = f, .name = name});
}

int
fa_expr_as_int(FaProgram *p, int a)
{
    if (a < 0 || p->nodes[a].type == FA_T_FLOAT)
        return -1;
    if (p->nodes[a].type == FA_T_INT)
        return a;
    if (p->nodes[a].op == FA_N_CONST)
        return fa_expr_int(p, p->nodes[a].k.i != 0);
    return fa_expr_node(p, FA_N_BOOL_INT, FA_T_INT, a, -1, -1);
}

int
fa_expr_as_float(FaProgram *p, int a)
{
    const int64_t exact = (int64_t)1 << 53;
    if (a >= 0 && p->nodes[a].type == FA_T_FLOAT)
        return a;
    a = fa_expr_as_int(p, a);
    if (a < 0)
        return -1;
    if (p->nodes[a].op == FA_N_CONST && p->nodes[a].k.i >= -exact && p->nodes[a].k.i <= exact)
        return fa_expr_float(p, (double)p->nodes[a].k.i);
    return fa_expr_node(p, FA_N_INT_FLOAT, FA_T_FLOAT, a, -1, -1);
}

int
fa_expr_truth(FaProgram *p, int a)
{
    if (a < 0 || p->nodes[a].type == FA_T_BOOL)
        return a;
    if (p->nodes[a].op == FA_N_CONST)
        return fa_expr_bool(p, p->nodes[a].type == FA_T_FLOAT ? p->nodes[a].k.d != 0
                                                              : p->nodes[a].k.i != 0);
    return fa_expr_node(p, FA_N_NE, FA_T_BOOL, a,
                        p->nodes[a].type == FA_T_FLOAT ? fa_expr_float(p, 0.0)
                                                       : fa_expr_int(p, 0),
                        -1);
}

int
fa_expr_not(FaProgram *p, int a)
{
    a = fa_expr_truth(p, a);
    if (a < 0)
        return -1;
    if (p->nodes[a].op == FA_N_CONST)
        return fa_expr_bool(p, !p->nodes[a].k.i);
    return fa_expr_node(p, FA_N_INVERT, FA_T_BOOL, a, -1, -1);
}

int
fa_expr_as_result(FaProgram *p, int a)
{
    if (p->goal == FA_TO_MASK)
        return fa_expr_truth(p, a);
    if (fa_dtype_kind(p->out) == FA_FLOAT)
        return fa_expr_as_float(p, a);
    return fa_expr_as_int(p, a);
}

static int
faults(const FaProgram *p, const FaNode *node)
{
    switch (node->op) {
    case FA_N_FLOORDIV:
    case FA_N_MOD:
    case FA_N_TRUEDIV:
        return p->nodes[node->b].op != FA_N_CONST;
    case FA_N_POW:
    case FA_N_TRUNC:
    case FA_N_FLOOR:
    case FA_N_CEIL:
    case FA_N_ROUND:
    case FA_N_SQRT:
    case FA_N_CALL1:
        return 1;
    default:
        return 0;
    }
}

/* A value that is not used may still raise: `(1 / x) ** 0`. */
int
fa_expr_wasted(const FaProgram *p, int root)
{
    unsigned char live[FA_MAX_NODES] = {0};
    int wasted = 0;
    if (root >= 0)
        live[root] = 1;
    for (int i = p->n - 1; i >= 0; i--) { /* operands come before what uses them */
        const FaNode *n = &p->nodes[i];
        const int operands[] = {n->a, n->b, n->c};
        for (int k = 0; k < 3; k++)
            if (live[i] && operands[k] >= 0)
                live[operands[k]] = 1;
        wasted |= !live[i] && faults(p, n);
    }
    return wasted;
}

int
fa_expr_finish(FaProgram *p, int root)
{
    p->root = root;
    p->has_float = fa_dtype_kind(p->in) == FA_FLOAT;
    for (int i = 0; i < p->n; i++) {
        p->has_float |= p->nodes[i].type == FA_T_FLOAT;
        p->may_fault |= faults(p, &p->nodes[i]);
    }
    if (root < 0)
        return -1;
    fa_between_recognise(p);
    return 0;
}

/* -- Running ---------------------------------------------------------------------- */

int
fa_expr_never_stops(FaState *st, FaProgram *p)
{
    if (p->may_fault)
        return 0;
    if (p->plan.whole_type == 0)
        fa_plan_type(st, p);
    if (p->plan.whole_type < 0)
        return 0;
    /* then only the store could refuse */
    return fa_dtype_kind(p->out) == FA_FLOAT || p->plan.fits;
}

Py_ssize_t
fa_expr_block(const FaProgram *p)
{
    return FA_REG_BYTES / 8;
}

typedef struct {
    char regs[FA_MAX_REGS][FA_REG_BYTES] __attribute__((aligned(64)));
} Bank;

static Py_ssize_t
block_length(const FaProgram *p)
{
    static const int log_bytes[] = {1, 2, 3, 3};
    return FA_REG_BYTES >> log_bytes[p->plan.lane];
}

/* As much as fills the registers, if the next block takes the lanes of the last one. */
static Py_ssize_t
next_length(const FaProgram *p, Py_ssize_t left)
{
    Py_ssize_t most = p->plan.ready ? block_length(p) : fa_expr_block(p);
    return left < most ? left : most;
}

/* Where input `which` of a block is, loaded into its register unless it lies in memory as
 * the lanes want it (and whole vectors of it may be read). */
static const void *
input(const FaState *st, const FaProgram *p, const char *from, Py_ssize_t n, char *reg)
{
    FaLane lane = fa_dtype_kind(p->in) == FA_FLOAT || p->plan.load_float
                      ? FA_LANEF64
                      : (FaLane)p->plan.lane;
    unsigned size = fa_dtype_size(p->in);

    if (!fa_plan_lies_as(lane, p->in))
        st->kernels->load[lane][p->in](reg, from, (size_t)n);
    else if ((n * size) % 64 == 0)
        return from;
    else
        memcpy(reg, from, (size_t)n * size);
    return reg;
}

/* Runs the steps; the last may write to `out` itself.  Returns the result's place, or
 * NULL when a lane needs Python. */
static const void *
run_steps(const FaState *st, const FaProgram *p, Bank *bank, const void *x, const void *y,
          char *out, Py_ssize_t n)
{
    const FaPlan *plan = &p->plan;
    const void *at[FA_MAX_REGS]; /* of what was written; unused operands are register 0 */

    at[0] = x;
    at[1] = y;
    for (int i = 0; i < plan->n; i++) {
        const FaStep *s = &plan->steps[i];
        char *d = bank->regs[s->d];
        if (i == plan->n - 1 && out != NULL)
            d = out;
        if (st->kernels->lane[s->lane][s->op](d, at[s->a], at[s->b], at[s->c], s->k,
                                              (size_t)n))
            return NULL;
        at[s->d] = d;
    }
    return at[plan->result];
}

static inline int
fits_plan(const FaState *st, FaProgram *p, const char *x, const char *y, Py_ssize_t n)
{
    return (p->plan.whole_type > 0 && p->plan.ready) || fa_plan_block(st, p, x, y, n);
}

static int
map_block(const FaState *st, FaProgram *p, Bank *bank, const char *x, const char *y,
          char *out, Py_ssize_t n)
{
    FaLane lane = fa_plan_is_float(p) ? FA_LANEF64 : (FaLane)p->plan.lane;
    unsigned size = fa_dtype_size(p->out);
    int same = fa_plan_dtype(lane) == p->out || (p->plan.fits && fa_plan_lies_as(lane, p->out));
    int direct = same && (n * size) % 64 == 0 && p->plan.n > 0;
    const void *a = input(st, p, x, n, bank->regs[0]);
    const void *b = p->inputs > 1 ? input(st, p, y, n, bank->regs[1]) : NULL;
    /* a program without steps is its input or a constant: nothing to write through */
    const void *r = run_steps(st, p, bank, a, b, direct ? out : NULL, n);

    if (r == NULL)
        return 0;
    if (same) {
        if (r != out)
            memmove(out, r, (size_t)n * size);
        return 1;
    }
    return st->kernels->store[lane][p->out](out, r, (size_t)n) == 0;
}

Py_ssize_t
fa_expr_map(FaState *st, FaProgram *p, const char *x, const char *y, char *out,
            Py_ssize_t n, Py_ssize_t from)
{
    Bank bank;
    unsigned in = fa_dtype_size(p->in), size = fa_dtype_size(p->out);

    while (from < n) {
        const char *bx = x + from * in, *by = y ? y + from * in : NULL;
        Py_ssize_t len = next_length(p, n - from);
        if (!fits_plan(st, p, bx, by, len))
            return from;
        if (len > block_length(p)) /* wider lanes than the block before */
            len = block_length(p);
        if (!map_block(st, p, &bank, bx, by, out + from * size, len))
            return from;
        fa_add_blocks(&st->kernel_blocks, 1);
        from += len;
    }
    return from;
}

static int
log_size(FaDtype t)
{
    unsigned size = fa_dtype_size(t);
    return size == 1 ? 0 : size == 2 ? 1
                       : size == 4   ? 2
                                     : 3;
}

/* No lanes, no ranges: the elements are compared as they lie.  The first block of a long run
 * ends where a cache line does, so that no load of the others touches two (0.8 of the time
 * from L3 on Zen 5). */
static void
filter_between(FaState *st, const FaProgram *p, const char *x, char *out, Py_ssize_t *kept,
               Py_ssize_t n, Py_ssize_t from)
{
    uint64_t bits[FA_REG_BYTES / 2 / 64];
    unsigned size = fa_dtype_size(p->in);
    int log = log_size(p->in);

    Py_ssize_t head = (Py_ssize_t)(-(uintptr_t)(x + from * size) % 64 / size);

    for (Py_ssize_t len; from < n; from += len, head = 0) {
        const char *bx = x + from * size;
        len = n - from < FA_REG_BYTES / 2 ? n - from : head ? head
                                                            : FA_REG_BYTES / 2;
        st->kernels->between[p->in](bx, (size_t)len, p->lo, p->hi, bits);
        *kept += (Py_ssize_t)st->kernels->compress[log](out + *kept * size, bx, bits,
                                                        (size_t)len);
        fa_add_blocks(&st->kernel_blocks, 1);
    }
}

Py_ssize_t
fa_expr_filter(FaState *st, FaProgram *p, const char *x, char *out, Py_ssize_t *kept,
               Py_ssize_t n, Py_ssize_t from)
{
    Bank bank;
    uint64_t bits[FA_REG_BYTES / 2 / 64];
    unsigned size = fa_dtype_size(p->in);
    int log = log_size(p->in);

    if (p->between) {
        filter_between(st, p, x, out, kept, n, from);
        return n;
    }
    while (from < n) {
        const char *bx = x + from * size;
        Py_ssize_t len = next_length(p, n - from);
        const void *r;
        if (!fits_plan(st, p, bx, NULL, len))
            return from;
        if (len > block_length(p))
            len = block_length(p);
        r = run_steps(st, p, &bank, input(st, p, bx, len, bank.regs[0]), NULL, NULL, len);
        if (r == NULL)
            return from;
        st->kernels->maskbits[p->plan.lane](r, bits, (size_t)len);
        *kept += (Py_ssize_t)st->kernels->compress[log](out + *kept * size, bx, bits,
                                                        (size_t)len);
        fa_add_blocks(&st->kernel_blocks, 1);
        from += len;
    }
    return from;
}

void
fa_expr_describe(FaState *st, FaProgram *p, char *text, size_t size)
{
    static const char *const lanes[] = {"int16", "int32", "int64", "float64"};
    int lane;

    if (p->between) {
        snprintf(text, size, "compiled: one interval of the element type");
        return;
    }
    if (p->plan.whole_type == 0)
        fa_plan_type(st, p);
    if (!p->plan.ready) {
        snprintf(text, size, "compiled: lanes chosen per block from its values");
        return;
    }
    lane = p->has_float ? FA_LANEF64 : p->plan.lane;
    snprintf(text, size, "compiled: %s lanes, %d step%s%s", lanes[lane], p->plan.n,
             p->plan.n == 1 ? "" : "s",
             p->plan.whole_type > 0 ? "" : ", ranges checked per block");
}
