/* Operand ranges for checked arithmetic with a constant. */
#include "fa_affine.h"

#include "fa_box.h"

/* 128-bit division is a slow library call: use it only where 64 bits won't do. */
static FaI128
quotient(FaI128 a, FaI128 b)
{
    if (a > INT64_MIN && a <= INT64_MAX && b >= INT64_MIN && b <= INT64_MAX)
        return (int64_t)a / (int64_t)b;
    return a / b;
}

static FaI128
div_floor(FaI128 a, FaI128 b)
{
    FaI128 q = quotient(a, b);
    return q - (q * b != a && (a < 0) != (b < 0));
}

static FaI128
div_ceil(FaI128 a, FaI128 b)
{
    return -div_floor(-a, b);
}

FaAffine
fa_affine(int op, FaDtype t, FaI128 k, int check)
{
    const FaI128 first = fa_int_first(t), last = fa_int_last(t);
    FaI128 lo = first, hi = last;
    FaAffine r;

    if (check && op == FA_MUL && k > 0) {
        lo = div_ceil(first, k);
        hi = div_floor(last, k);
    } else if (check && op == FA_MUL && k < 0) {
        lo = div_ceil(last, k);
        hi = div_floor(first, k);
    } else if (check && op != FA_MUL) {
        FaI128 shift = op == FA_ADD ? k : -k;
        lo = first - shift;
        hi = last - shift;
    }
    r.k.i = (int64_t)k;
    if (lo > last || hi < first) { /* nothing fits; an empty range the type can hold */
        r.lo.i = (int64_t)last;
        r.hi.i = (int64_t)first;
        return r;
    }
    r.lo.i = (int64_t)(lo > first ? lo : first);
    r.hi.i = (int64_t)(hi < last ? hi : last);
    return r;
}
