/* Pure typed expressions over one or two arrays, and the blocks they run in.
 *
 * A program is a list of nodes, operands before users, equal nodes shared.  Running it
 * cuts the array into blocks that fit the first-level cache.  Before a block runs, the
 * range of every integer node is derived from the block's own extremes (or once from the
 * element type): the narrowest lanes that hold all of them are used, and a block whose
 * ranges leave 64 bits, or with a lane that would raise, is not run: the caller gives it
 * to Python.
 *
 * Invariant: what a block writes is what Python would have computed and stored.
 */
#ifndef FA_EXPR_H
#define FA_EXPR_H

#include "fa_state.h"

typedef enum { FA_T_INT,
               FA_T_FLOAT,
               FA_T_BOOL } FaType;

/* FA_NODE(name): operands a, b, c; FaType of a tells int from float arithmetic. */
typedef enum {
    FA_N_X,
    FA_N_Y,  /* the inputs */
    FA_N_CONST,      /* k */
    FA_N_ADD,
    FA_N_SUB,
    FA_N_MUL,
    FA_N_FLOORDIV,
    FA_N_MOD,
    FA_N_TRUEDIV,
    FA_N_POW,
    FA_N_AND,
    FA_N_OR,
    FA_N_XOR,
    FA_N_SHR,     /* SHR: b is a constant */
    FA_N_NEG,
    FA_N_ABS,
    FA_N_INVERT,
    FA_N_MIN,
    FA_N_MAX,
    FA_N_LT,
    FA_N_LE,
    FA_N_EQ,
    FA_N_NE,        /* -> BOOL */
    FA_N_SELECT,     /* a ? b : c */
    FA_N_BOOL_INT,   /* BOOL -> 0 or 1 */
    FA_N_INT_FLOAT,
    FA_N_TRUNC,
    FA_N_FLOOR,
    FA_N_CEIL,
    FA_N_ROUND, /* FLOAT -> INT */
    FA_N_SQRT,
    FA_N_CALL1,                     /* k.f1 */
} FaNodeOp;

typedef struct {
    uint8_t op, type;
    int16_t a, b, c;
    FaImm k;
    const char *name; /* of a CALL1's function, for explain() */
} FaNode;

enum { FA_MAX_NODES = 48,
       FA_MAX_STEPS = 64,
       FA_MAX_REGS = 10,
       FA_REG_BYTES = 4096 };

typedef struct {
    uint8_t op, lane; /* FaLaneOpId, FaLane */
    int8_t d, a, b, c;
    FaImm k[4];
} FaStep;

/* Steps for one lane width, valid while x and y stay inside the ranges. */
typedef struct {
    int ready, lane, n, result, whole_type;
    int load_float; /* x enters as float64 */
    int fits;       /* integer results: all of them are in the range of the array's type */
    FaI128 lo[2], hi[2];
    FaStep steps[FA_MAX_STEPS];
} FaPlan;

typedef enum { FA_TO_ARRAY,
               FA_TO_MASK } FaGoal;

typedef struct {
    FaDtype in, out;
    FaGoal goal;
    int n, inputs, root, has_float, may_fault;
    int between; /* it only asks for lo <= x <= hi */
    FaScalar lo, hi;
    FaNode nodes[FA_MAX_NODES];
    FaPlan plan;
} FaProgram;

void fa_expr_init(FaProgram *p, FaDtype in, FaDtype out, FaGoal goal);

/* Adding nodes: the index, or -1 when there is no room. */
int fa_expr_input(FaProgram *p, int which);
int fa_expr_int(FaProgram *p, int64_t k);
int fa_expr_float(FaProgram *p, double k);
int fa_expr_bool(FaProgram *p, int k);
int fa_expr_node(FaProgram *p, FaNodeOp op, FaType type, int a, int b, int c);
int fa_expr_call1(FaProgram *p, double (*f)(double), const char *name, int a);

/* Typed helpers shared by the front ends: Python's conversions spelled out. */
int fa_expr_as_int(FaProgram *p, int a);   /* BOOL -> INT; -1 for FLOAT */
int fa_expr_as_float(FaProgram *p, int a);
int fa_expr_truth(FaProgram *p, int a);    /* -> BOOL */
int fa_expr_not(FaProgram *p, int a);
/* A finished value as the program's goal wants it; -1: the goal can't hold it. */
int fa_expr_as_result(FaProgram *p, int a);
int fa_expr_finish(FaProgram *p, int root);
/* Something that can raise is in no way to the root. */
int fa_expr_wasted(const FaProgram *p, int root);

/* Elements in one block. */
Py_ssize_t fa_expr_block(const FaProgram *p);
/* Nothing in the type's whole range can raise or leave the lanes: every block runs. */
int fa_expr_never_stops(FaState *st, FaProgram *p);
/* Runs blocks from element `from` on; returns where it stopped: n, or the start of a
 * block that needs Python.  out may be x. */
Py_ssize_t fa_expr_map(FaState *st, FaProgram *p, const char *x, const char *y, char *out,
                       Py_ssize_t n, Py_ssize_t from);
/* Likewise; appends the chosen elements at *kept (room for all of them, and
 * FA_COMPRESS_SLACK bytes). */
Py_ssize_t fa_expr_filter(FaState *st, FaProgram *p, const char *x, char *out,
                          Py_ssize_t *kept, Py_ssize_t n, Py_ssize_t from);
/* "int32 lanes, 3 steps" for explain(). */
void fa_expr_describe(FaState *st, FaProgram *p, char *text, size_t size);

#endif
