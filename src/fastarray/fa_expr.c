/* Expressions: building, ranges, steps, blocks. */
#include "fa_expr.h"

#include <math.h>
#include <string.h>

#include "fa_between.h"
#include "fa_box.h"

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

/* -- Ranges ----------------------------------------------------------------------- */

typedef struct {
    FaI128 lo, hi;
} Range;

static Range
hull(Range a, Range b)
{
    return (Range){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

static Range
range_mul(Range a, Range b, int square)
{
    FaI128 q[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
    Range r = {q[0], q[0]};
    for (int i = 1; i < 4; i++)
        r = hull(r, (Range){q[i], q[i]});
    if (square && r.lo < 0)
        r.lo = 0;
    return r;
}

/* The smallest 2**k - 1 that is at least x >= 0. */
static FaI128
ones(FaI128 x)
{
    FaI128 m = 0;
    while (m < x)
        m = 2 * m + 1;
    return m;
}

static Range
range_bits(FaNodeOp op, Range a, Range b)
{
    FaI128 top = ones(hull(a, b).hi), bottom = hull(a, b).lo;
    if (op == FA_N_AND && (a.lo >= 0 || b.lo >= 0)) {
        FaI128 hi = a.lo < 0 ? b.hi : b.lo < 0  ? a.hi
                                  : a.hi < b.hi ? a.hi
                                                : b.hi;
        return (Range){0, hi};
    }
    if (bottom >= 0)
        return (Range){0, top};
    bottom = -ones(-bottom) - 1;
    if (top < -bottom - 1)
        top = -bottom - 1;
    return (Range){-top - 1 < bottom ? -top - 1 : bottom, top};
}

static Range
range_magnitude(Range a)
{
    FaI128 m = -a.lo > a.hi ? -a.lo : a.hi;
    return (Range){a.lo <= 0 && a.hi >= 0 ? 0 : (a.lo > 0 ? a.lo : -a.hi), m};
}

static Range
range_divided(Range a, Range b, int is_mod)
{
    FaI128 m = range_magnitude(a).hi;
    if (!is_mod)
        return a.lo >= 0 && b.lo > 0 ? (Range){0, a.hi} : (Range){-m - 1, m + 1};
    return (Range){b.lo < 0 ? b.lo + 1 : 0, b.hi > 0 ? b.hi - 1 : 0};
}

#define EXACT_FLOAT ((FaI128)1 << 53)

/* Range of integer node i from its operands'; 0 if the node can't run at all. */
static int
node_range(const FaProgram *p, int i, Range *r)
{
    const FaNode *n = &p->nodes[i];
    Range a = n->a >= 0 ? r[n->a] : (Range){0, 0}, b = n->b >= 0 ? r[n->b] : (Range){0, 0};

    switch (n->op) {
    case FA_N_CONST: r[i] = (Range){n->k.i, n->k.i}; break;
    case FA_N_ADD: r[i] = (Range){a.lo + b.lo, a.hi + b.hi}; break;
    case FA_N_SUB: r[i] = (Range){a.lo - b.hi, a.hi - b.lo}; break;
    case FA_N_MUL: r[i] = range_mul(a, b, n->a == n->b); break;
    case FA_N_FLOORDIV: r[i] = range_divided(a, b, 0); break;
    case FA_N_MOD: r[i] = range_divided(a, b, 1); break;
    case FA_N_AND:
    case FA_N_OR:
    case FA_N_XOR: r[i] = range_bits(n->op, a, b); break;
    case FA_N_SHR: r[i] = (Range){a.lo >> b.lo, a.hi >> b.lo}; break;
    case FA_N_NEG: r[i] = (Range){-a.hi, -a.lo}; break;
    case FA_N_INVERT: r[i] = (Range){-a.hi - 1, -a.lo - 1}; break;
    case FA_N_ABS: r[i] = range_magnitude(a); break;
    case FA_N_MIN: r[i] = (Range){a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi}; break;
    case FA_N_MAX: r[i] = (Range){a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi}; break;
    case FA_N_SELECT: r[i] = hull(b, r[n->c]); break;
    case FA_N_BOOL_INT: r[i] = (Range){0, 1}; break;
    case FA_N_TRUNC:
    case FA_N_FLOOR:
    case FA_N_CEIL:
    case FA_N_ROUND: r[i] = (Range){-EXACT_FLOAT, EXACT_FLOAT}; break;
    case FA_N_X:
    case FA_N_Y: break;
    default: return 0;
    }
    return r[i].lo >= INT64_MIN && r[i].hi <= INT64_MAX;
}

/* Ranges of all integer nodes, their hull in *all; 0: some node may leave 64 bits. */
static int
ranges(const FaProgram *p, Range x, Range y, Range *r, Range *all)
{
    *all = (Range){0, 0};
    for (int i = 0; i < p->n; i++) {
        const FaNode *n = &p->nodes[i];
        if (n->op == FA_N_X)
            r[i] = x;
        else if (n->op == FA_N_Y)
            r[i] = y;
        if (n->op == FA_N_INT_FLOAT && (r[n->a].lo < -EXACT_FLOAT || r[n->a].hi > EXACT_FLOAT))
            return 0;
        if (n->type != FA_T_INT)
            continue;
        if (!node_range(p, i, r))
            return 0;
        *all = hull(*all, r[i]);
    }
    return 1;
}

/* -- Steps ------------------------------------------------------------------------ */

/* Where every node's value is while steps are emitted. */
typedef struct {
    const FaProgram *p;
    FaPlan *plan;
    const Range *range;
    int8_t reg[FA_MAX_NODES];
    int16_t uses[FA_MAX_NODES];
    uint8_t taken[FA_MAX_REGS];
    int failed;
} Emit;

static int
is_const(const FaProgram *p, int i)
{
    return i >= 0 && p->nodes[i].op == FA_N_CONST;
}

static int
take_reg(Emit *e)
{
    for (int i = 0; i < FA_MAX_REGS; i++)
        if (!e->taken[i]) {
            e->taken[i] = 1;
            return i;
        }
    e->failed = 1;
    return 0;
}

static void
use_up(Emit *e, int node)
{
    if (node >= 0 && --e->uses[node] == 0 && e->reg[node] >= 0)
        e->taken[e->reg[node]] = 0;
}

static FaStep *
add_step(Emit *e, FaLaneOpId op, int lane, int d, int a, int b, int c)
{
    FaStep *s = &e->plan->steps[e->plan->n];
    if (e->plan->n == FA_MAX_STEPS) {
        e->failed = 1;
        return s - 1;
    }
    e->plan->n++;
    *s = (FaStep){.op = op, .lane = lane, .d = d, .a = a, .b = b, .c = c};
    return s;
}

/* The register of a node; a constant that needs one is set there once. */
static int
reg_of(Emit *e, int node)
{
    const FaNode *n = node >= 0 ? &e->p->nodes[node] : NULL;
    if (n == NULL)
        return 0;
    if (e->reg[node] < 0 && n->op == FA_N_CONST) {
        FaStep *s;
        e->reg[node] = (int8_t)take_reg(e);
        s = add_step(e, FA_L_SET, n->type == FA_T_FLOAT ? FA_LANEF64 : e->plan->lane,
                     e->reg[node], 0, 0, 0);
        s->k[0] = n->k;
    }
    return e->reg[node];
}

static int
fits32(Range r)
{
    return r.lo >= INT32_MIN && r.hi <= INT32_MAX;
}

/* Immediates of a floor division by a constant (kernels/expr.kernel.h, floor_by). */
static void
magic(FaStep *s, int64_t by, int bits)
{
    int log = 0;
    while (((FaU128)1 << log) < (FaU128)by)
        log++;
    s->k[0].i = by;
    s->k[1].u = (uint64_t)((((FaU128)1 << (bits - 1 + log)) / (FaU128)by) + 1);
    s->k[2].i = log - 1;
}

typedef struct {
    uint8_t node, vv, vk, kv; /* FA_L_ of: both in registers, b constant, a constant */
} Form;
#define NONE FA_NLANEOPS
static const Form int_forms[] = {
    {FA_N_ADD, FA_L_ADD, FA_L_ADDK, FA_L_ADDK},
    {FA_N_SUB, FA_L_SUB, NONE, FA_L_RSUBK},
    {FA_N_MUL, FA_L_MUL, FA_L_MULK, FA_L_MULK},
    {FA_N_FLOORDIV, FA_L_FDIV, FA_L_FDIVK, NONE},
    {FA_N_MOD, FA_L_MOD, FA_L_MODK, NONE},
    {FA_N_AND, FA_L_AND, FA_L_ANDK, FA_L_ANDK},
    {FA_N_OR, FA_L_OR, FA_L_ORK, FA_L_ORK},
    {FA_N_XOR, FA_L_XOR, FA_L_XORK, FA_L_XORK},
    {FA_N_SHR, NONE, FA_L_SHRK, NONE},
    {FA_N_NEG, FA_L_NEG, NONE, NONE},
    {FA_N_ABS, FA_L_ABS, NONE, NONE},
    {FA_N_INVERT, FA_L_INVERT, NONE, NONE},
    {FA_N_MIN, FA_L_MIN, NONE, NONE},
    {FA_N_MAX, FA_L_MAX, NONE, NONE},
    {FA_N_LT, FA_L_LT, FA_L_LTK, FA_L_GTK},
    {FA_N_LE, FA_L_LE, FA_L_LEK, FA_L_GEK},
    {FA_N_EQ, FA_L_EQ, FA_L_EQK, FA_L_EQK},
    {FA_N_NE, FA_L_NE, FA_L_NEK, FA_L_NEK},
    {FA_N_SELECT, FA_L_SEL, NONE, NONE},
    {FA_N_BOOL_INT, FA_L_NEG, NONE, NONE},
};
static const Form float_forms[] = {
    {FA_N_ADD, FA_L_ADD, FA_L_ADDK, FA_L_ADDK},
    {FA_N_SUB, FA_L_SUB, NONE, FA_L_RSUBK},
    {FA_N_MUL, FA_L_MUL, FA_L_MULK, FA_L_MULK},
    {FA_N_TRUEDIV, FA_L_TRUEDIV, FA_L_DIVK, FA_L_RDIVK},
    {FA_N_FLOORDIV, FA_L_FLOORDIVF, NONE, NONE},
    {FA_N_MOD, FA_L_MODF, NONE, NONE},
    {FA_N_POW, FA_L_POW, NONE, NONE},
    {FA_N_NEG, FA_L_NEG, NONE, NONE},
    {FA_N_ABS, FA_L_ABS, NONE, NONE},
    {FA_N_MIN, FA_L_MIN, NONE, NONE},
    {FA_N_MAX, FA_L_MAX, NONE, NONE},
    {FA_N_LT, FA_L_LT, FA_L_LTK, FA_L_GTK},
    {FA_N_LE, FA_L_LE, FA_L_LEK, FA_L_GEK},
    {FA_N_EQ, FA_L_EQ, FA_L_EQK, FA_L_EQK},
    {FA_N_NE, FA_L_NE, FA_L_NEK, FA_L_NEK},
    {FA_N_INT_FLOAT, FA_L_I2F, NONE, NONE},
    {FA_N_TRUNC, FA_L_TRUNC, NONE, NONE},
    {FA_N_FLOOR, FA_L_FLOOR, NONE, NONE},
    {FA_N_CEIL, FA_L_CEIL, NONE, NONE},
    {FA_N_ROUND, FA_L_ROUND, NONE, NONE},
    {FA_N_SQRT, FA_L_SQRT, NONE, NONE},
    {FA_N_CALL1, FA_L_CALL1, NONE, NONE},
};

static const Form *
form_of(int op, int is_float)
{
    const Form *f = is_float ? float_forms : int_forms;
    size_t n = is_float ? sizeof float_forms / sizeof *f : sizeof int_forms / sizeof *f;
    for (size_t i = 0; i < n; i++)
        if (f[i].node == op)
            return &f[i];
    return NULL;
}

/* Adjusts a step to what the ranges allow: cheaper multiplications and divisions. */
static void
refine(Emit *e, FaStep *s, const FaNode *n, int64_t k)
{
    static const int bits[] = {16, 32, 64};
    int narrow = e->plan->lane == FA_LANE64 && fits32(e->range[n->a]);

    if ((s->op == FA_L_MUL || s->op == FA_L_MULK) && narrow && fits32(e->range[n->b]))
        s->op = s->op == FA_L_MUL ? FA_L_MUL32 : FA_L_MULK32;
    else if (s->op == FA_L_FDIVK || s->op == FA_L_MODK) {
        narrow &= k <= INT32_MAX;
        magic(s, k, narrow ? 32 : bits[e->plan->lane]);
        s->k[3].i = narrow;
    }
}

/* a * k0 + k1, where the product has no other user */
static int
emit_muladd(Emit *e, int i)
{
    const FaProgram *p = e->p;
    const FaNode *n = &p->nodes[i], *m;
    int product = is_const(p, n->b) ? n->a : n->b, k1 = is_const(p, n->b) ? n->b : n->a;
    int factor, k0;
    FaStep *s;

    if (n->op != FA_N_ADD || !is_const(p, k1) || is_const(p, product))
        return 0;
    m = &p->nodes[product];
    if (m->op != FA_N_MUL || e->uses[product] != 1 || e->reg[product] != -2)
        return 0;
    factor = is_const(p, m->b) ? m->a : m->b;
    k0 = is_const(p, m->b) ? m->b : m->a;
    s = add_step(e, FA_L_MULADDK, n->type == FA_T_FLOAT ? FA_LANEF64 : e->plan->lane, 0,
                 reg_of(e, factor), 0, 0);
    s->k[0] = p->nodes[k0].k;
    s->k[1] = p->nodes[k1].k;
    use_up(e, factor);
    s->d = e->reg[i] = (int8_t)take_reg(e);
    return 1;
}

/* A product by a constant whose only user adds a constant waits for that user. */
static int
waits_for_add(const Emit *e, int i)
{
    const FaProgram *p = e->p;
    const FaNode *m = &p->nodes[i];
    if (m->op != FA_N_MUL || e->uses[i] != 1 || is_const(p, m->a) == is_const(p, m->b))
        return 0;
    if (m->type == FA_T_INT && e->plan->lane == FA_LANE64)
        return 0; /* a 32-bit product and an addition beat a 64-bit multiply-add */
    for (int j = i + 1; j < p->n; j++) {
        const FaNode *n = &p->nodes[j];
        if ((n->a == i || n->b == i || n->c == i) && e->uses[j] > 0)
            return n->op == FA_N_ADD && n->a != n->b && (is_const(p, n->a) || is_const(p, n->b));
    }
    return 0;
}

static void
emit_node(Emit *e, int i)
{
    const FaProgram *p = e->p;
    const FaNode *n = &p->nodes[i];
    int is_float = n->type == FA_T_FLOAT || (n->op != FA_N_SELECT && n->a >= 0 && p->nodes[n->a].type == FA_T_FLOAT);
    const Form *f;
    FaStep *s;
    int a = n->a, b = n->b, op, k = -1;

    if (waits_for_add(e, i)) {
        e->reg[i] = -2;
        return;
    }
    if (emit_muladd(e, i))
        return;
    if (n->op == FA_N_SELECT || n->type == FA_T_BOOL)
        is_float = n->op != FA_N_SELECT && p->nodes[n->a].type == FA_T_FLOAT;
    f = form_of(n->op, is_float);
    if (f == NULL) {
        e->failed = 1;
        return;
    }
    op = f->vv;
    if (is_const(p, b) && f->vk != NONE) {
        op = f->vk;
        k = b;
    }
    else if (is_const(p, a) && f->kv != NONE) {
        op = f->kv;
        k = a;
        a = b;
    }
    if (op == NONE) {
        e->failed = 1;
        return;
    }
    {
        int ra = reg_of(e, a), rb = k < 0 ? reg_of(e, b) : 0;
        int rc = n->c >= 0 ? reg_of(e, n->c) : 0;
        s = add_step(e, op, is_float ? FA_LANEF64 : e->plan->lane, 0, ra, rb, rc);
    }
    if (k >= 0)
        s->k[0] = p->nodes[k].k;
    if (n->op == FA_N_CALL1)
        s->k[0] = n->k;
    if (!is_float)
        refine(e, s, n, s->k[0].i);
    use_up(e, n->a);
    use_up(e, n->b);
    use_up(e, n->c);
    s->d = e->reg[i] = (int8_t)take_reg(e);
}

static void
count_uses(Emit *e)
{
    const FaProgram *p = e->p;
    memset(e->uses, 0, sizeof e->uses);
    e->uses[p->root] = 1;
    for (int i = p->n - 1; i >= 0; i--) {
        const FaNode *n = &p->nodes[i];
        if (e->uses[i] == 0)
            continue;
        if (n->a >= 0)
            e->uses[n->a]++;
        if (n->b >= 0)
            e->uses[n->b]++;
        if (n->c >= 0)
            e->uses[n->c]++;
    }
}

/* Node i is x as a float and x has no other user: load it as float64 at once. */
static int
enters_as_float(const FaState *st, const Emit *e, int i)
{
    const FaNode *n = &e->p->nodes[i];
    return n->op == FA_N_INT_FLOAT && e->p->inputs == 1 && e->p->nodes[n->a].op == FA_N_X && e->uses[n->a] == 1 && st->kernels->load[FA_LANEF64][e->p->in] != NULL;
}

static int
emit_program(const FaState *st, FaProgram *p, int lane, const Range *r)
{
    Emit e = {.p = p, .plan = &p->plan, .range = r};
    p->plan.n = 0;
    p->plan.lane = lane;
    p->plan.load_float = 0;
    memset(e.reg, -1, sizeof e.reg);
    count_uses(&e);
    e.taken[0] = 1; /* register 0 is x, register 1 y when there is one */
    e.taken[1] = p->inputs > 1;
    for (int i = 0; i < p->n && !e.failed; i++) {
        int op = p->nodes[i].op;
        if (op == FA_N_X || op == FA_N_Y) {
            e.reg[i] = op == FA_N_Y;
            e.uses[i]++; /* inputs keep their registers */
        }
        else if (e.uses[i] > 0 && enters_as_float(st, &e, i)) {
            e.reg[i] = 0;
            e.uses[i]++;
            p->plan.load_float = 1;
        }
        else if (op != FA_N_CONST && e.uses[i] > 0)
            emit_node(&e, i);
    }
    if (e.failed)
        return 0;
    p->plan.result = reg_of(&e, p->root);
    return !e.failed;
}

/* -- Choosing the lanes ----------------------------------------------------------- */

static const int lane_bits[] = {16, 32, 64, 64};

/* The element type that lies in memory as this lane does. */
static FaDtype
lane_dtype(int lane)
{
    static const FaDtype same[] = {FA_i16, FA_i32, FA_i64, FA_f64};
    return same[lane];
}

/* Elements of type t lie as lanes do, where these hold the same values: whoever asks knows
 * that the values fit both. */
static int
lies_as(int lane, FaDtype t)
{
    if (lane == FA_LANEF64 || fa_dtype_kind(t) == FA_FLOAT)
        return lane_dtype(lane) == t;
    return lane_bits[lane] == 8 * (int)fa_dtype_size(t);
}

static int
is_float_result(const FaProgram *p)
{
    return p->nodes[p->root].type == FA_T_FLOAT;
}

static int
lane_serves(const FaState *st, const FaProgram *p, int lane, Range all)
{
    const FaKernels *k = st->kernels;
    FaI128 top = ((FaI128)1 << (lane_bits[lane] - 1)) - 1;

    if (p->has_float && lane != FA_LANE64)
        return 0;
    if (all.lo < -top - 1 || all.hi > top)
        return 0;
    if (fa_dtype_kind(p->in) != FA_FLOAT && k->load[lane][p->in] == NULL && !lies_as(lane, p->in))
        return 0;
    return p->goal == FA_TO_MASK || is_float_result(p) || k->store[lane][p->out] != NULL || lies_as(lane, p->out);
}

static Range
type_range(FaDtype t)
{
    if (fa_dtype_kind(t) == FA_FLOAT)
        return (Range){0, 0};
    return (Range){fa_int_first(t), fa_int_last(t)};
}

/* Every result is in the range of the array's type, whatever x and y are in theirs. */
static int
result_fits(const FaProgram *p, const Range *r)
{
    Range all = type_range(p->out), got = {0, 0};
    if (p->goal == FA_TO_MASK || p->nodes[p->root].type != FA_T_INT || fa_dtype_kind(p->out) == FA_FLOAT)
        return 0;
    got = r[p->root];
    return got.lo >= all.lo && got.hi <= all.hi;
}

/* A plan for inputs in these ranges; 0: none can be proven. */
static int
make_plan(const FaState *st, FaProgram *p, Range x, Range y)
{
    Range r[FA_MAX_NODES], all;
    p->plan.ready = 0;
    if (!ranges(p, x, y, r, &all))
        return 0;
    for (int lane = FA_LANE16; lane <= FA_LANE64; lane++)
        if (lane_serves(st, p, lane, all)) {
            if (!emit_program(st, p, lane, r))
                return 0;
            p->plan.lo[0] = x.lo;
            p->plan.hi[0] = x.hi;
            p->plan.lo[1] = y.lo;
            p->plan.hi[1] = y.hi;
            p->plan.fits = result_fits(p, r);
            p->plan.ready = 1;
            return 1;
        }
    return 0;
}

static Range
block_range(const FaState *st, FaDtype t, const char *p, Py_ssize_t n)
{
    FaExtreme e;
    st->kernels->minmax[t](p, (size_t)n, &e);
    if (fa_dtype_kind(t) == FA_SIGNED)
        return (Range){e.lo.i, e.hi.i};
    return (Range){(FaI128)e.lo.u, (FaI128)e.hi.u};
}

static int
inside(Range r, const FaPlan *plan, int which)
{
    return r.lo >= plan->lo[which] && r.hi <= plan->hi[which];
}

/* One plan for every value of the type, if that costs no wider lanes than the type's own;
 * otherwise blocks are looked at one by one, most of them being narrower. */
static void
plan_type(const FaState *st, FaProgram *p)
{
    Range all = type_range(p->in);
    unsigned size = fa_dtype_size(p->in);
    int ok = make_plan(st, p, all, all) && (p->has_float || lane_bits[p->plan.lane] <= (size < 2 ? 16 : 8 * (int)size));
    p->plan.whole_type = ok ? 1 : -1;
    p->plan.ready = ok;
}

/* Makes p->plan valid for this block; 0: it needs Python. */
static int
plan_block(const FaState *st, FaProgram *p, const char *x, const char *y, Py_ssize_t n)
{
    Range rx, ry = {0, 0};

    if (p->plan.whole_type == 0)
        plan_type(st, p);
    if (p->plan.whole_type > 0)
        return 1;
    rx = block_range(st, p->in, x, n);
    if (p->inputs > 1)
        ry = block_range(st, p->in, y, n);
    if (p->plan.ready && inside(rx, &p->plan, 0) && (p->inputs < 2 || inside(ry, &p->plan, 1)))
        return 1;
    if (p->plan.ready) { /* a plan for this block and those before serves longer */
        Range wide = hull(rx, (Range){p->plan.lo[0], p->plan.hi[0]});
        Range wide_y = hull(ry, (Range){p->plan.lo[1], p->plan.hi[1]});
        int lane = p->plan.lane;
        if (make_plan(st, p, wide, wide_y) && p->plan.lane == lane)
            return 1;
    }
    return make_plan(st, p, rx, ry);
}

int
fa_expr_never_stops(FaState *st, FaProgram *p)
{
    if (p->may_fault)
        return 0;
    if (p->plan.whole_type == 0)
        plan_type(st, p);
    if (p->plan.whole_type < 0)
        return 0;
    /* then only the store could refuse */
    return fa_dtype_kind(p->out) == FA_FLOAT || p->plan.fits;
}

/* -- Running ---------------------------------------------------------------------- */

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

    if (!lies_as(lane, p->in))
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
    return (p->plan.whole_type > 0 && p->plan.ready) || plan_block(st, p, x, y, n);
}

static int
map_block(const FaState *st, FaProgram *p, Bank *bank, const char *x, const char *y,
          char *out, Py_ssize_t n)
{
    FaLane lane = is_float_result(p) ? FA_LANEF64 : (FaLane)p->plan.lane;
    unsigned size = fa_dtype_size(p->out);
    int same = lane_dtype(lane) == p->out || (p->plan.fits && lies_as(lane, p->out));
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
        len = n - from < FA_REG_BYTES / 2 ? n - from : head ? head : FA_REG_BYTES / 2;
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
        plan_type(st, p);
    if (!p->plan.ready) {
        snprintf(text, size, "compiled: lanes chosen per block from its values");
        return;
    }
    lane = p->has_float ? FA_LANEF64 : p->plan.lane;
    snprintf(text, size, "compiled: %s lanes, %d step%s%s", lanes[lane], p->plan.n,
             p->plan.n == 1 ? "" : "s",
             p->plan.whole_type > 0 ? "" : ", ranges checked per block");
}
