/* A predicate made of comparisons with constants, joined by `and`, is one interval: it is
 * filtered in the elements' own type, without lanes or masks in memory.
 *
 * Strict comparisons become closed ones with the neighbouring value, which integers and
 * floats both have.  An empty interval has its ends crossed; so has one with a NaN.
 */
#include "fa_between.h"

#include <math.h>

#include "fa_box.h"

typedef struct {
    FaI128 lo, hi;
    double flo, fhi;
} Interval;

static void
at_least(Interval *r, const FaNode *k, int strictly)
{
    if (k->type != FA_T_FLOAT) {
        FaI128 lo = (FaI128)k->k.i + strictly;
        r->lo = lo > r->lo ? lo : r->lo;
        return;
    }
    if (!(k->k.d < INFINITY) && (strictly || k->k.d != k->k.d))
        r->fhi = -INFINITY, r->flo = INFINITY; /* above infinity, or a NaN: nothing */
    else
        r->flo = fmax(r->flo, strictly ? nextafter(k->k.d, INFINITY) : k->k.d);
}

static void
at_most(Interval *r, const FaNode *k, int strictly)
{
    if (k->type != FA_T_FLOAT) {
        FaI128 hi = (FaI128)k->k.i - strictly;
        r->hi = hi < r->hi ? hi : r->hi;
        return;
    }
    if (!(k->k.d > -INFINITY) && (strictly || k->k.d != k->k.d))
        r->fhi = -INFINITY, r->flo = INFINITY;
    else
        r->fhi = fmin(r->fhi, strictly ? nextafter(k->k.d, -INFINITY) : k->k.d);
}

/* Narrows r by node i; 0 when it says something else. */
static int
narrow(const FaProgram *p, int i, Interval *r)
{
    const FaNode *n = &p->nodes[i], *a, *b;

    if (n->op == FA_N_AND && n->type == FA_T_BOOL)
        return narrow(p, n->a, r) && narrow(p, n->b, r);
    if (n->op != FA_N_LT && n->op != FA_N_LE && n->op != FA_N_EQ)
        return 0;
    a = &p->nodes[n->a];
    b = &p->nodes[n->b];
    if (a->op == FA_N_X && b->op == FA_N_CONST && a->type == b->type) {
        at_most(r, b, n->op == FA_N_LT);
        if (n->op == FA_N_EQ)
            at_least(r, b, 0);
        return 1;
    }
    if (a->op == FA_N_CONST && b->op == FA_N_X && a->type == b->type) {
        at_least(r, a, n->op == FA_N_LT);
        if (n->op == FA_N_EQ)
            at_most(r, a, 0);
        return 1;
    }
    return 0;
}

/* The float32 values between two doubles: the ends move inwards. */
static void
to_float32(Interval *r)
{
    float lo = (float)r->flo, hi = (float)r->fhi;
    r->flo = lo < r->flo ? nextafterf(lo, INFINITY) : lo;
    r->fhi = hi > r->fhi ? nextafterf(hi, -INFINITY) : hi;
}

void
fa_between_recognise(FaProgram *p)
{
    Interval r = {.flo = -INFINITY, .fhi = INFINITY};

    if (p->goal != FA_TO_MASK || p->inputs != 1 || p->may_fault)
        return;
    if (fa_dtype_kind(p->in) != FA_FLOAT) {
        r.lo = fa_int_first(p->in);
        r.hi = fa_int_last(p->in);
    }
    if (!narrow(p, p->root, &r))
        return;
    p->between = 1;
    if (fa_dtype_kind(p->in) == FA_FLOAT) {
        if (p->in == FA_f32)
            to_float32(&r);
        p->lo.d = r.flo;
        p->hi.d = r.fhi;
    }
    else if (r.lo > r.hi) {
        p->lo.i = (int64_t)fa_int_last(p->in);
        p->hi.i = (int64_t)fa_int_first(p->in);
    }
    else {
        p->lo.i = (int64_t)r.lo;
        p->hi.i = (int64_t)r.hi;
    }
}
