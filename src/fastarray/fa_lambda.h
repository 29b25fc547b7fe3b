/* Python functions as programs of fa_expr.h, or the reason why not.
 *
 * A function is compiled once per element type and kept in a small table.  What its
 * meaning hangs on besides its code (globals, closure cells, default values, attributes
 * of modules) is remembered and compared at every use and after every Python execution.
 */
#ifndef FA_LAMBDA_H
#define FA_LAMBDA_H

#include "fa_expr.h"

typedef struct FaCompiled FaCompiled;

/* The compiled form of fn, counted; NULL when it has to run as Python (never an error).
 * Release it when done: the table may have dropped it meanwhile. */
FaCompiled *fa_lambda_find(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal);
FaProgram *fa_lambda_program(FaCompiled *c);
void fa_lambda_release(FaCompiled *c);
/* fn still means what was compiled, and nobody traces. */
int fa_lambda_holds(FaState *st, const FaCompiled *c, PyObject *fn);

/* Which fold over elements of a kind fn is: FA_N_ADD, FA_N_MUL, ..., or -1. */
int fa_lambda_fold(FaState *st, PyObject *fn, FaDtype in);

/* One line for explain(). -> new */
PyObject *fa_lambda_explain(FaState *st, PyObject *fn, FaDtype in, FaDtype out, FaGoal goal);

void fa_lambda_clear(FaState *st);
int fa_lambda_traverse(FaState *st, visitproc visit, void *arg);

#endif
