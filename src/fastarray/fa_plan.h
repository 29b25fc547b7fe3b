/* Choosing lanes for a program, and its steps in them. */
#ifndef FA_PLAN_H
#define FA_PLAN_H

#include "fa_box.h"
#include "fa_expr.h"
#include "fa_view.h"

/* One plan for every value of the type, if that costs no wider lanes than the type's own;
 * otherwise blocks are looked at one by one, most of them being narrower. */
void fa_plan_type(const FaState *st, FaProgram *p);
/* Makes p->plan valid for this block; 0: it needs Python. */
int fa_plan_block(const FaState *st, FaProgram *p, const char *x, const char *y, Py_ssize_t n);

static const int fa_plan_bits[] = {16, 32, 64, 64}; /* by lane */

/* The element type that lies in memory as this lane does. */
static inline FaDtype
fa_plan_dtype(int lane)
{
    static const FaDtype same[] = {FA_i16, FA_i32, FA_i64, FA_f64};
    return same[lane];
}

/* Elements of type t lie as lanes do, where these hold the same values: whoever asks knows
 * that the values fit both. */
static inline int
fa_plan_lies_as(int lane, FaDtype t)
{
    if (lane == FA_LANEF64 || fa_dtype_kind(t) == FA_FLOAT)
        return fa_plan_dtype(lane) == t;
    return fa_plan_bits[lane] == 8 * (int)fa_dtype_size(t);
}

static inline int
fa_plan_is_float(const FaProgram *p)
{
    return p->nodes[p->root].type == FA_T_FLOAT;
}

#endif
