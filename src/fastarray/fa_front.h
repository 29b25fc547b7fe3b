/* What the files share that turn a Python function into a program.
 *
 *   fa_front.c   follows the bytecode along every path
 *   fa_arith.c   what an operator or a known function means for typed operands
 *   fa_guard.c   the names the meaning hangs on
 *   fa_lambda.c  keeps what was compiled
 *
 * Functions that return a node return -1 when the function is refused; the reason is set.
 */
#ifndef FA_FRONT_H
#define FA_FRONT_H

#include "cpyext_compat/bytecode/cpy_decode.h"

#include "fa_lambda.h"
#include "fa_names.h"

enum { FA_MAX_GUARDS = 8,
       FA_MAX_ARGS = 16 };

/* -- What a compiled form hangs on ------------------------------------------------ */

typedef enum { FA_GUARD_GLOBAL,
               FA_GUARD_CELL,
               FA_GUARD_DEFAULT,
               FA_GUARD_ATTR } FaGuardKind;

typedef struct {
    FaGuardKind kind;
    int index;          /* of a cell or default */
    PyObject *where;    /* owned: FA_GUARD_ATTR's module */
    PyObject *name;     /* owned */
    PyObject *expected; /* owned */
} FaGuard;

struct FaCompiled {
    Py_ssize_t users;
    PyObject *key; /* owned: the code object, or the callable itself */
    FaDtype in, out;
    FaGoal goal;
    int n_guards, usable;
    int transient; /* refused for want of memory: another try may succeed */
    FaGuard guards[FA_MAX_GUARDS];
    char reason[96];
    FaProgram program;
};

/* What a guarded place holds now: -> new, or NULL without an error.  New, because other
 * threads of a free-threaded build may put something else there meanwhile. */
PyObject *fa_guard_find(const FaGuard *g, PyFunctionObject *f);
int fa_guard_holds(const FaGuard *g, PyObject *fn);
/* Remembers that `at` (where and name borrowed) holds this; -1: no room. */
int fa_guard_add(FaCompiled *c, const FaGuard *at, PyObject *expected);
void fa_guard_release(FaGuard *g);

/* -- One compilation -------------------------------------------------------------- */

typedef struct {
    FaState *st;
    FaCompiled *c;
    FaProgram *p;         /* c's */
    PyFunctionObject *f;  /* borrowed from the caller */
    PyCodeObject *code;   /* borrowed from f */
    CpyStream stream;
    int budget; /* instructions left to follow, on all paths */
} FaFront;

/* Sets the reason once; always -1. */
int fa_front_refuse(FaFront *fr, const char *format, ...);
/* The node, or refuses what there was no room for. */
int fa_front_node(FaFront *fr, int node);
/* fn of so many elements, as the program's goal wants it: the root. */
int fa_front_compile(FaFront *fr, PyObject *fn, int inputs);
int fa_front_is_partial(PyObject *fn);

static inline FaType
fa_front_type(const FaFront *fr, int node)
{
    return (FaType)fr->p->nodes[node].type;
}

static inline int
fa_front_is_constant(const FaFront *fr, int node)
{
    return fr->p->nodes[node].op == FA_N_CONST;
}

/* -- Typed arithmetic ------------------------------------------------------------- */

/* path: the BOOL node that is true where the operation is reached, or -1: everywhere. */
int fa_arith_constant(FaFront *fr, PyObject *v);
int fa_arith_binary(FaFront *fr, int path, int op, int a, int b); /* op: NB_* of opcode.h */
int fa_arith_compare(FaFront *fr, int op, int a, int b);          /* op: Py_LT .. Py_GE */
int fa_arith_unary(FaFront *fr, int op, int a);                   /* op: FaNodeOp */
int fa_arith_call(FaFront *fr, int path, const FaKnown *k, const int *args, int n);

#endif
