/* A program's steps for one lane width.
 *
 * Nodes become steps in order; a constant operand becomes an immediate where the operation
 * has such a form, and a product that is only added to, or a sum of which only the
 * magnitude is asked, waits and is computed there.
 */
#include "fa_plan.h"

#include <string.h>

#include "fa_range.h"

/* -- Steps ------------------------------------------------------------------------ */

enum { NOWHERE = -1,
       WAITS = -2 }; /* a product or sum that its only user computes as well */

/* Where every node's value is while steps are emitted. */
typedef struct {
    const FaProgram *p;
    FaPlan *plan;
    const FaRange *range;
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
fits32(FaRange r)
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
    if (m->op != FA_N_MUL || e->uses[product] != 1 || e->reg[product] != WAITS)
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

/* |a + k|, where the sum has no other user */
static int
emit_abs_of_sum(Emit *e, int i)
{
    const FaProgram *p = e->p;
    const FaNode *n = &p->nodes[i], *sum = n->a >= 0 ? &p->nodes[n->a] : NULL;
    int from;
    FaStep *s;

    if (n->op != FA_N_ABS || e->reg[n->a] != WAITS)
        return 0;
    from = is_const(p, sum->b) ? sum->a : sum->b;
    s = add_step(e, FA_L_ABSADDK, e->plan->lane, 0, reg_of(e, from), 0, 0);
    s->k[0] = p->nodes[is_const(p, sum->b) ? sum->b : sum->a].k;
    use_up(e, from);
    s->d = e->reg[i] = (int8_t)take_reg(e);
    return 1;
}

/* The node that uses node i once, and nothing else does; NULL: none or several. */
static const FaNode *
only_user(const Emit *e, int i)
{
    if (e->uses[i] != 1)
        return NULL;
    for (int j = i + 1; j < e->p->n; j++) {
        const FaNode *n = &e->p->nodes[j];
        if ((n->a == i || n->b == i || n->c == i) && e->uses[j] > 0)
            return n;
    }
    return NULL;
}

/* A product by a constant whose only user adds a constant waits for that user. */
static int
waits_for_add(const Emit *e, int i)
{
    const FaProgram *p = e->p;
    const FaNode *m = &p->nodes[i], *n;
    if (m->op != FA_N_MUL || is_const(p, m->a) == is_const(p, m->b))
        return 0;
    if (m->type == FA_T_INT && e->plan->lane == FA_LANE64)
        return 0; /* a 32-bit product and an addition beat a 64-bit multiply-add */
    n = only_user(e, i);
    return n != NULL && n->op == FA_N_ADD && n->a != n->b && (is_const(p, n->a) || is_const(p, n->b));
}

/* Likewise a sum with a constant whose only user is abs. */
static int
waits_for_abs(const Emit *e, int i)
{
    const FaProgram *p = e->p;
    const FaNode *m = &p->nodes[i], *n;
    if (m->op != FA_N_ADD || m->type != FA_T_INT || is_const(p, m->a) == is_const(p, m->b))
        return 0;
    n = only_user(e, i);
    return n != NULL && n->op == FA_N_ABS;
}

/* How a node becomes a step: the operation, and which operand is an immediate. */
typedef struct {
    int op, is_float, a, b, k; /* k: the constant's node, or -1 */
} Choice;

static int
choose(const FaProgram *p, const FaNode *n, Choice *c)
{
    const Form *f;

    c->is_float = n->op != FA_N_SELECT && (n->type == FA_T_FLOAT || (n->a >= 0 && p->nodes[n->a].type == FA_T_FLOAT));
    f = form_of(n->op, c->is_float);
    if (f == NULL)
        return 0;
    c->op = f->vv;
    c->a = n->a;
    c->b = n->b;
    c->k = -1;
    if (is_const(p, n->b) && f->vk != NONE) {
        c->op = f->vk;
        c->k = n->b;
    }
    else if (is_const(p, n->a) && f->kv != NONE) {
        c->op = f->kv;
        c->k = n->a;
        c->a = n->b;
    }
    return c->op != NONE;
}

static FaStep *
emit_choice(Emit *e, const FaNode *n, const Choice *c)
{
    int a = reg_of(e, c->a), b = c->k < 0 ? reg_of(e, c->b) : 0;
    int third = n->c >= 0 ? reg_of(e, n->c) : 0;
    FaStep *s = add_step(e, c->op, c->is_float ? FA_LANEF64 : e->plan->lane, 0, a, b, third);

    if (c->k >= 0)
        s->k[0] = e->p->nodes[c->k].k;
    if (n->op == FA_N_CALL1)
        s->k[0] = n->k;
    if (!c->is_float)
        refine(e, s, n, s->k[0].i);
    return s;
}

static void
emit_node(Emit *e, int i)
{
    const FaNode *n = &e->p->nodes[i];
    Choice c;
    FaStep *s;

    if (emit_muladd(e, i) || emit_abs_of_sum(e, i))
        return;
    if (waits_for_add(e, i) || waits_for_abs(e, i)) {
        e->reg[i] = WAITS;
        return;
    }
    if (!choose(e->p, n, &c)) {
        e->failed = 1;
        return;
    }
    s = emit_choice(e, n, &c);
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
emit_program(const FaState *st, FaProgram *p, int lane, const FaRange *r)
{
    Emit e = {.p = p, .plan = &p->plan, .range = r};
    p->plan.n = 0;
    p->plan.lane = lane;
    p->plan.load_float = 0;
    memset(e.reg, NOWHERE, sizeof e.reg);
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

static int
lane_serves(const FaState *st, const FaProgram *p, int lane, FaRange all)
{
    const FaKernels *k = st->kernels;
    FaI128 top = ((FaI128)1 << (fa_plan_bits[lane] - 1)) - 1;

    if (p->has_float && lane != FA_LANE64)
        return 0;
    if (all.lo < -top - 1 || all.hi > top)
        return 0;
    if (fa_dtype_kind(p->in) != FA_FLOAT && k->load[lane][p->in] == NULL && !fa_plan_lies_as(lane, p->in))
        return 0;
    return p->goal == FA_TO_MASK || fa_plan_is_float(p) || k->store[lane][p->out] != NULL || fa_plan_lies_as(lane, p->out);
}

static FaRange
type_range(FaDtype t)
{
    if (fa_dtype_kind(t) == FA_FLOAT)
        return (FaRange){0, 0};
    return (FaRange){fa_int_first(t), fa_int_last(t)};
}

/* Every result is in the range of the array's type, whatever x and y are in theirs. */
static int
result_fits(const FaProgram *p, const FaRange *r)
{
    FaRange all = type_range(p->out), got = {0, 0};
    if (p->goal == FA_TO_MASK || p->nodes[p->root].type != FA_T_INT || fa_dtype_kind(p->out) == FA_FLOAT)
        return 0;
    got = r[p->root];
    return got.lo >= all.lo && got.hi <= all.hi;
}

/* A plan for inputs in these ranges; 0: none can be proven. */
static int
make_plan(const FaState *st, FaProgram *p, FaRange x, FaRange y)
{
    FaRange r[FA_MAX_NODES], all;
    p->plan.ready = 0;
    if (!fa_range_nodes(p, x, y, r, &all))
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

static FaRange
block_range(const FaState *st, FaDtype t, const char *p, Py_ssize_t n)
{
    FaExtreme e;
    st->kernels->minmax[t](p, (size_t)n, &e);
    if (fa_dtype_kind(t) == FA_SIGNED)
        return (FaRange){e.lo.i, e.hi.i};
    return (FaRange){(FaI128)e.lo.u, (FaI128)e.hi.u};
}

static int
inside(FaRange r, const FaPlan *plan, int which)
{
    return r.lo >= plan->lo[which] && r.hi <= plan->hi[which];
}

void
fa_plan_type(const FaState *st, FaProgram *p)
{
    FaRange all = type_range(p->in);
    unsigned size = fa_dtype_size(p->in);
    int ok = make_plan(st, p, all, all) && (p->has_float || fa_plan_bits[p->plan.lane] <= (size < 2 ? 16 : 8 * (int)size));
    p->plan.whole_type = ok ? 1 : -1;
    p->plan.ready = ok;
}

int
fa_plan_block(const FaState *st, FaProgram *p, const char *x, const char *y, Py_ssize_t n)
{
    FaRange rx, ry = {0, 0};

    if (p->plan.whole_type == 0)
        fa_plan_type(st, p);
    if (p->plan.whole_type > 0)
        return 1;
    rx = block_range(st, p->in, x, n);
    if (p->inputs > 1)
        ry = block_range(st, p->in, y, n);
    if (p->plan.ready && inside(rx, &p->plan, 0) && (p->inputs < 2 || inside(ry, &p->plan, 1)))
        return 1;
    if (p->plan.ready) { /* a plan for this block and those before serves longer */
        FaRange wide = fa_range_hull(rx, (FaRange){p->plan.lo[0], p->plan.hi[0]});
        FaRange wide_y = fa_range_hull(ry, (FaRange){p->plan.lo[1], p->plan.hi[1]});
        int lane = p->plan.lane;
        if (make_plan(st, p, wide, wide_y) && p->plan.lane == lane)
            return 1;
    }
    return make_plan(st, p, rx, ry);
}
