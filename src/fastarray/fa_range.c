/* What an integer node's values can be, from its operands' ranges. */
#include "fa_range.h"

FaRange
fa_range_hull(FaRange a, FaRange b)
{
    return (FaRange){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

static FaRange
range_mul(FaRange a, FaRange b, int square)
{
    FaI128 q[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
    FaRange r = {q[0], q[0]};
    for (int i = 1; i < 4; i++)
        r = fa_range_hull(r, (FaRange){q[i], q[i]});
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

static FaRange
range_bits(FaNodeOp op, FaRange a, FaRange b)
{
    FaI128 top = ones(fa_range_hull(a, b).hi), bottom = fa_range_hull(a, b).lo;
    if (op == FA_N_AND && (a.lo >= 0 || b.lo >= 0)) {
        FaI128 hi = a.lo < 0 ? b.hi : b.lo < 0  ? a.hi
                                  : a.hi < b.hi ? a.hi
                                                : b.hi;
        return (FaRange){0, hi};
    }
    if (bottom >= 0)
        return (FaRange){0, top};
    bottom = -ones(-bottom) - 1;
    if (top < -bottom - 1)
        top = -bottom - 1;
    return (FaRange){-top - 1 < bottom ? -top - 1 : bottom, top};
}

static FaRange
range_magnitude(FaRange a)
{
    FaI128 m = -a.lo > a.hi ? -a.lo : a.hi;
    return (FaRange){a.lo <= 0 && a.hi >= 0 ? 0 : (a.lo > 0 ? a.lo : -a.hi), m};
}

static FaRange
range_divided(FaRange a, FaRange b, int is_mod)
{
    FaI128 m = range_magnitude(a).hi;
    if (!is_mod)
        return a.lo >= 0 && b.lo > 0 ? (FaRange){0, a.hi} : (FaRange){-m - 1, m + 1};
    return (FaRange){b.lo < 0 ? b.lo + 1 : 0, b.hi > 0 ? b.hi - 1 : 0};
}

#define EXACT_FLOAT ((FaI128)1 << 53)

/* FaRange of integer node i from its operands'; 0 if the node can't run at all. */
static int
node_range(const FaProgram *p, int i, FaRange *r)
{
    const FaNode *n = &p->nodes[i];
    FaRange a = n->a >= 0 ? r[n->a] : (FaRange){0, 0}, b = n->b >= 0 ? r[n->b] : (FaRange){0, 0};

    switch (n->op) {
    case FA_N_CONST: r[i] = (FaRange){n->k.i, n->k.i}; break;
    case FA_N_ADD: r[i] = (FaRange){a.lo + b.lo, a.hi + b.hi}; break;
    case FA_N_SUB: r[i] = (FaRange){a.lo - b.hi, a.hi - b.lo}; break;
    case FA_N_MUL: r[i] = range_mul(a, b, n->a == n->b); break;
    case FA_N_FLOORDIV: r[i] = range_divided(a, b, 0); break;
    case FA_N_MOD: r[i] = range_divided(a, b, 1); break;
    case FA_N_AND:
    case FA_N_OR:
    case FA_N_XOR: r[i] = range_bits(n->op, a, b); break;
    case FA_N_SHR: r[i] = (FaRange){a.lo >> b.lo, a.hi >> b.lo}; break;
    case FA_N_NEG: r[i] = (FaRange){-a.hi, -a.lo}; break;
    case FA_N_INVERT: r[i] = (FaRange){-a.hi - 1, -a.lo - 1}; break;
    case FA_N_ABS: r[i] = range_magnitude(a); break;
    case FA_N_MIN: r[i] = (FaRange){a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi}; break;
    case FA_N_MAX: r[i] = (FaRange){a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi}; break;
    case FA_N_SELECT: r[i] = fa_range_hull(b, r[n->c]); break;
    case FA_N_BOOL_INT: r[i] = (FaRange){0, 1}; break;
    case FA_N_TRUNC:
    case FA_N_FLOOR:
    case FA_N_CEIL:
    case FA_N_ROUND: r[i] = (FaRange){-EXACT_FLOAT, EXACT_FLOAT}; break;
    case FA_N_X:
    case FA_N_Y: break;
    default: return 0;
    }
    return r[i].lo >= INT64_MIN && r[i].hi <= INT64_MAX;
}

int
fa_range_nodes(const FaProgram *p, FaRange x, FaRange y, FaRange *r, FaRange *all)
{
    *all = (FaRange){0, 0};
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
        *all = fa_range_hull(*all, r[i]);
    }
    return 1;
}
