/* Pattern text → syntax tree, for pf_dfa.c alone. */
#ifndef PF_DFA_PARSE_H
#define PF_DFA_PARSE_H

#include "pf_state.h"

enum { RX_IGNORECASE = 2,
       RX_DOTALL = 16,
       RX_UNICODE = 32,
       RX_ASCII = 256 };
enum { MAX_SETS = 64,
       MAX_RANGES = 512,
       MAX_NODES = 2048,
       MANY = -1 };

typedef enum { N_EMPTY,
               N_SET,
               N_CAT,
               N_ALT,
               N_REPEAT,
               N_BOL,
               N_EOL,
               N_EOS } NodeType;

/* Categories a set may contain; `NOT_` is the complement of the one before. */
enum { C_DIGIT = 1,
       C_NOT_DIGIT = 2,
       C_WORD = 4,
       C_NOT_WORD = 8,
       C_SPACE = 16,
       C_NOT_SPACE = 32 };

typedef struct {
    NodeType type;
    int a, b;     /* children; of N_SET, a is the set */
    int min, max; /* of N_REPEAT */
} Node;

typedef struct {
    int first, count; /* into ranges */
    uint8_t categories, negated;
} Set;

typedef struct {
    Py_UCS4 lo, hi;
} Range;

typedef struct {
    Node node[MAX_NODES];
    Set set[MAX_SETS];
    Range range[MAX_RANGES];
    int nodes, sets, ranges;
    int flags;
    const char *refused; /* why, when parsing gave up */
} Tree;

int rx_parse(Tree *t, PyObject *pattern, int flags); /* root node, or -1 */

#endif
