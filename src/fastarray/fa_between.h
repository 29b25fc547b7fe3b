/* Predicates that only ask whether x lies between two constants. */
#ifndef FA_BETWEEN_H
#define FA_BETWEEN_H

#include "fa_expr.h"

/* Does the finished program say lo <= x <= hi (`3 < x <= 9`, `x == 4`, `x > 0 and x < 1`)?
 * Then p->between and its bounds say so, as the element type has them. */
void fa_between_recognise(FaProgram *p);

#endif
