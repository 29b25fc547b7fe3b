/* Tree → Thompson automaton → deterministic table; see pf_dfa.h.

   Characters first become classes: two characters are of one class when every set of
   the pattern contains both or neither. ASCII has a table; beyond it the class follows
   from the interval between range ends and from \d \w \s, asked of CPython's own tables.

   Anchors: ^ is passed only when the first closure is taken at the start of the text.
   $ and \Z stay in the state; they count at the end, and $ also before a last newline.
   A pattern that could go on reading after $ is refused. */
#include "pf_dfa.h"

#include <string.h>

#include "pf_dfa_parse.h"

enum { MAX_NFA = 4096,
       MAX_STATES = 2000,
       MAX_CLASSES = 200,
       DEAD = 0 };

typedef enum { F_SET,
               F_SPLIT,
               F_BOL,
               F_EOL,
               F_EOS,
               F_MATCH } FragType;

typedef struct {
    uint8_t type;
    int16_t set;
    int16_t out[2];
} Frag;

struct PfDfa {
    PyObject_HEAD
    uint8_t ascii[128];   /* class of a character below 0x80 */
    Py_UCS4 *bounds;      /* owned; starts of the intervals above */
    uint8_t *wide;        /* owned; class by interval * 4 + category */
    int intervals;
    int classes, states;
    uint16_t *next;       /* owned; states × classes */
    uint8_t *accept;      /* owned; ACCEPT_* by state */
    uint8_t (*stay)[128]; /* owned or NULL; ASCII bytes that lead back to the state */
    uint16_t start;
    char only_ascii;      /* other text is left to re (IGNORECASE) */
};

enum { ACCEPT_ALWAYS = 1,
       ACCEPT_END = 2,
       ACCEPT_NEWLINE = 4 };

/* -- Running ------------------------------------------------------------------ */

static inline int
wide_class(const PfDfa *d, Py_UCS4 c)
{
    int low = 0, high = d->intervals - 1, category = 0;

    while (low < high) {
        int mid = (low + high + 1) / 2;
        if (d->bounds[mid] <= c)
            low = mid;
        else
            high = mid - 1;
    }
    if (Py_UNICODE_ISSPACE(c))
        category = 3;
    else if (Py_UNICODE_ISDECIMAL(c))
        category = 2;
    else if (Py_UNICODE_ISALNUM(c))
        category = 1;
    return d->wide[low * 4 + category];
}

/* Runs of bytes that change nothing are skipped without the chain of table loads. */
static PfVerdict
search_ascii(const PfDfa *d, const uint8_t *s, Py_ssize_t n)
{
    unsigned state = d->start, classes = (unsigned)d->classes, a;
    Py_ssize_t i = 0;

    for (;;) {
        const uint8_t *stay = d->stay[state];
        a = d->accept[state];
        if (a & ACCEPT_ALWAYS)
            return PF_YES;
        while (i < n && stay[s[i]])
            i++;
        if (i == n)
            return (a & ACCEPT_END) ? PF_YES : PF_NO;
        if (i == n - 1 && s[i] == '\n' && (a & ACCEPT_NEWLINE))
            return PF_YES;
        state = d->next[state * classes + d->ascii[s[i++]]];
        if (state == DEAD)
            return PF_NO;
    }
}

#define RUN(type, class_of) \
    do { \
        const type *s = PyUnicode_DATA(text); \
        for (Py_ssize_t i = 0; i < n; i++) { \
            unsigned a = d->accept[state]; \
            if (a & ACCEPT_ALWAYS) \
                return PF_YES; \
            if (i == n - 1 && s[i] == '\n' && (a & ACCEPT_NEWLINE)) \
                return PF_YES; \
            state = d->next[state * classes + (unsigned)(class_of)]; \
            if (state == DEAD) \
                return PF_NO; \
        } \
    } while (0)

PfVerdict
pf_dfa_search(PfDfa *d, PyObject *text)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(text);
    unsigned state = d->start, classes = (unsigned)d->classes;

    if (PyUnicode_IS_ASCII(text) && d->stay != NULL)
        return search_ascii(d, PyUnicode_DATA(text), n);
    if (PyUnicode_IS_ASCII(text))
        RUN(uint8_t, d->ascii[s[i]]);
    else if (d->only_ascii)
        return PF_UNSURE;
    else if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND)
        RUN(Py_UCS1, s[i] < 128 ? d->ascii[s[i]] : wide_class(d, s[i]));
    else if (PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND)
        RUN(Py_UCS2, s[i] < 128 ? d->ascii[s[i]] : wide_class(d, s[i]));
    else
        RUN(Py_UCS4, s[i] < 128 ? d->ascii[s[i]] : wide_class(d, s[i]));
    return (d->accept[state] & (ACCEPT_ALWAYS | ACCEPT_END)) ? PF_YES : PF_NO;
}
#undef RUN

/* -- Building: sets and classes ----------------------------------------------- */

typedef struct {
    Tree tree;
    Frag frag[MAX_NFA];
    int frags, match;
    uint64_t mask[MAX_CLASSES]; /* which sets contain the characters of a class */
    int classes;
    PfDfa *d;
    size_t words;       /* of a state's bit set */
    uint64_t *sets;     /* owned; bit sets of the states, by state */
    int capacity;
    int32_t *hash;      /* owned; open addressing over the states */
} Builder;

enum { HASH_SIZE = 8192 };

static int
in_category(int categories, int digit, int word, int space)
{
    return ((categories & C_DIGIT) && digit) || ((categories & C_NOT_DIGIT) && !digit)
           || ((categories & C_WORD) && word) || ((categories & C_NOT_WORD) && !word)
           || ((categories & C_SPACE) && space) || ((categories & C_NOT_SPACE) && !space);
}

static int
in_ranges(const Tree *t, const Set *s, Py_UCS4 c)
{
    for (int i = 0; i < s->count; i++)
        if (t->range[s->first + i].lo <= c && c <= t->range[s->first + i].hi)
            return 1;
    return 0;
}

static uint64_t
mask_of(const Tree *t, Py_UCS4 c, int digit, int word, int space)
{
    uint64_t mask = 0;
    int letter = (t->flags & RX_IGNORECASE) && c < 128 && (c | 32) >= 'a' && (c | 32) <= 'z';

    for (int i = 0; i < t->sets; i++) {
        const Set *s = &t->set[i];
        int in = in_ranges(t, s, c) || (letter && in_ranges(t, s, c ^ 32))
                 || in_category(s->categories, digit, word, space);
        if (in != s->negated)
            mask |= (uint64_t)1 << i;
    }
    return mask;
}

static int
class_of_mask(Builder *b, uint64_t mask)
{
    for (int i = 0; i < b->classes; i++)
        if (b->mask[i] == mask)
            return i;
    if (b->classes == MAX_CLASSES)
        return -1;
    b->mask[b->classes] = mask;
    return b->classes++;
}

static int
compare_bounds(const void *a, const void *b)
{
    Py_UCS4 x = *(const Py_UCS4 *)a, y = *(const Py_UCS4 *)b;
    return x < y ? -1 : x > y;
}

/* PyMem_Realloc that leaves a MemoryError: no memory is no fault of the pattern. */
static void *
resized(void *p, size_t n)
{
    void *q = PyMem_Realloc(p, n);

    if (q == NULL)
        PyErr_NoMemory();
    return q;
}

static int
collect_bounds(Builder *b)
{
    Tree *t = &b->tree;
    PfDfa *d = b->d;
    int n = 0, kept = 0;

    d->bounds = resized(NULL, sizeof(Py_UCS4) * (size_t)(2 * t->ranges + 1));
    if (d->bounds == NULL)
        return -1;
    d->bounds[n++] = 128;
    for (int i = 0; i < t->ranges; i++) {
        if (t->range[i].lo > 128)
            d->bounds[n++] = t->range[i].lo;
        if (t->range[i].hi >= 128)
            d->bounds[n++] = t->range[i].hi + 1;
    }
    qsort(d->bounds, (size_t)n, sizeof *d->bounds, compare_bounds);
    for (int i = 0; i < n; i++)
        if (i == 0 || d->bounds[i] != d->bounds[kept - 1])
            d->bounds[kept++] = d->bounds[i];
    d->intervals = kept;
    return 0;
}

static int
build_classes(Builder *b)
{
    Tree *t = &b->tree;
    PfDfa *d = b->d;
    int ascii = t->flags & RX_ASCII, c;

    for (Py_UCS4 i = 0; i < 128; i++) {
        int digit = i >= '0' && i <= '9', space = ascii ? (i >= 9 && i <= 13) || i == ' '
                                                        : Py_UNICODE_ISSPACE(i);
        int word = digit || ((i | 32) >= 'a' && (i | 32) <= 'z') || i == '_';
        if ((c = class_of_mask(b, mask_of(t, i, digit, word, space))) < 0)
            return -1;
        d->ascii[i] = (uint8_t)c;
    }
    if (collect_bounds(b) < 0)
        return -1;
    d->wide = resized(NULL, (size_t)d->intervals * 4);
    if (d->wide == NULL)
        return -1;
    for (int i = 0; i < d->intervals * 4; i++) {
        int category = ascii ? 0 : i % 4;
        c = class_of_mask(b, mask_of(t, d->bounds[i / 4], category == 2,
                                     category == 1 || category == 2, category == 3));
        if (c < 0)
            return -1;
        d->wide[i] = (uint8_t)c;
    }
    d->classes = b->classes;
    d->only_ascii = (t->flags & RX_IGNORECASE) != 0;
    return 0;
}

/* -- Building: the nondeterministic automaton --------------------------------- */

static int
new_frag(Builder *b, FragType type, int set, int out0, int out1)
{
    if (b->frags == MAX_NFA)
        return -1;
    b->frag[b->frags] = (Frag){(uint8_t)type, (int16_t)set, {(int16_t)out0, (int16_t)out1}};
    return b->frags++;
}

/* Emits the node so that it continues at `next`; returns its entry, or -1. */
static int
emit(Builder *b, int node, int next)
{
    const Node *n = &b->tree.node[node];
    int left, right;

    if (next < 0)
        return -1;
    switch (n->type) {
    case N_EMPTY: return next;
    case N_SET: return new_frag(b, F_SET, n->a, next, -1);
    case N_BOL: return new_frag(b, F_BOL, 0, next, -1);
    case N_EOL: return new_frag(b, F_EOL, 0, next, -1);
    case N_EOS: return new_frag(b, F_EOS, 0, next, -1);
    case N_CAT: return emit(b, n->a, emit(b, n->b, next));
    case N_ALT:
        left = emit(b, n->a, next);
        right = emit(b, n->b, next);
        return left < 0 || right < 0 ? -1 : new_frag(b, F_SPLIT, 0, left, right);
    case N_REPEAT: break;
    }
    if (n->max == MANY) {
        int loop = new_frag(b, F_SPLIT, 0, next, next);
        if (loop < 0 || (left = emit(b, n->a, loop)) < 0)
            return -1;
        b->frag[loop].out[0] = (int16_t)left;
        next = loop;
    }
    for (int i = n->max == MANY ? n->min : n->max; i > 0; i--) {
        if (n->max != MANY && i > n->min) {
            /* optional copies, from the last one outwards */
            left = emit(b, n->a, next);
            if (left < 0)
                return -1;
            next = new_frag(b, F_SPLIT, 0, left, next);
        }
        else {
            next = emit(b, n->a, next);
        }
        if (next < 0)
            return -1;
    }
    return next;
}

static inline int
has(const uint64_t *set, int i)
{
    return (int)(set[i >> 6] >> (i & 63) & 1);
}

/* Adds `from` and what is reachable without reading. `pass` says which anchors open. */
enum { PASS_BOL = 1,
       PASS_EOL = 2,
       PASS_EOS = 4 };

static void
close_over(Builder *b, uint64_t *set, int from, int pass)
{
    int16_t stack[2 * MAX_NFA + 2];
    int n = 0;

    stack[n++] = (int16_t)from;
    while (n > 0) {
        int i = stack[--n];
        const Frag *f = &b->frag[i];
        int open = f->type == F_SPLIT || (f->type == F_BOL && (pass & PASS_BOL))
                   || (f->type == F_EOL && (pass & PASS_EOL))
                   || (f->type == F_EOS && (pass & PASS_EOS));
        if (has(set, i))
            continue;
        set[i >> 6] |= (uint64_t)1 << (i & 63);
        if (open) {
            stack[n++] = f->out[0];
            if (f->type == F_SPLIT)
                stack[n++] = f->out[1];
        }
    }
}

/* Can something be read after $ or \Z? */
static int
reads_after_end(Builder *b, uint64_t *set)
{
    for (int i = 0; i < b->frags; i++) {
        if (b->frag[i].type != F_EOL && b->frag[i].type != F_EOS)
            continue;
        memset(set, 0, b->words * 8);
        close_over(b, set, i, PASS_BOL | PASS_EOL | PASS_EOS);
        for (int j = 0; j < b->frags; j++)
            if (has(set, j) && b->frag[j].type == F_SET)
                return 1;
    }
    return 0;
}

/* -- Building: the deterministic automaton ------------------------------------ */

static int
accepts(Builder *b, const uint64_t *state, uint64_t *scratch, int pass)
{
    memset(scratch, 0, b->words * 8);
    for (int i = 0; i < b->frags; i++)
        if (has(state, i) && !has(scratch, i))
            close_over(b, scratch, i, pass);
    return has(scratch, b->match);
}

static int
grow_states(Builder *b)
{
    int capacity = b->capacity ? b->capacity * 4 : 32;
    PfDfa *d = b->d;
    void *p;

    if ((p = resized(b->sets, (size_t)capacity * b->words * 8)) == NULL)
        return -1;
    b->sets = p;
    if ((p = resized(d->next, (size_t)capacity * (size_t)d->classes * 2)) == NULL)
        return -1;
    d->next = p;
    if ((p = resized(d->accept, (size_t)capacity)) == NULL)
        return -1;
    d->accept = p;
    b->capacity = capacity;
    return 0;
}

/* The state with this bit set, made when new; -1 when there are too many. */
static int
state_of(Builder *b, const uint64_t *set, uint64_t *scratch, int at_start)
{
    uint64_t h = 1469598103934665603ULL;
    size_t slot, bytes = b->words * 8;
    PfDfa *d = b->d;
    int s = d->states, bol = at_start ? PASS_BOL : 0;

    for (size_t i = 0; i < b->words; i++)
        h = (h ^ set[i]) * 1099511628211ULL ^ h >> 29;
    for (slot = h % HASH_SIZE; !at_start && b->hash[slot] >= 0; slot = (slot + 1) % HASH_SIZE)
        if (memcmp(b->sets + (size_t)b->hash[slot] * b->words, set, bytes) == 0)
            return b->hash[slot];
    if (s == MAX_STATES || (s == b->capacity && grow_states(b) < 0))
        return -1;
    memcpy(b->sets + (size_t)s * b->words, set, bytes);
    d->accept[s] = (uint8_t)((has(set, b->match) ? ACCEPT_ALWAYS : 0)
                             | (accepts(b, set, scratch, bol | PASS_EOL | PASS_EOS) ? ACCEPT_END : 0)
                             | (accepts(b, set, scratch, bol | PASS_EOL) ? ACCEPT_NEWLINE : 0));
    if (!at_start) /* the start state differs from a later one with the same set */
        b->hash[slot] = s;
    d->states++;
    return s;
}

/* Where class c leads from state s; `again` is the set a search restarts with. */
static int
step(Builder *b, int s, int c, const uint64_t *again, uint64_t *set, uint64_t *scratch)
{
    const uint64_t *from = b->sets + (size_t)s * b->words;

    memcpy(set, again, b->words * 8);
    for (size_t word = 0; word < b->words; word++) {
        for (uint64_t bits = from[word]; bits != 0; bits &= bits - 1) {
            int i = (int)word * 64 + __builtin_ctzll(bits);
            const Frag *f = &b->frag[i];
            if (f->type == F_SET && (b->mask[c] >> f->set & 1))
                close_over(b, set, f->out[0], 0);
        }
    }
    return state_of(b, set, scratch, 0);
}

static const char *
build_table(Builder *b, int entry)
{
    PfDfa *d = b->d;
    uint64_t *scratch = resized(NULL, 4 * b->words * 8);
    uint64_t *set, *again;
    const char *why = "too many states";

    if (scratch == NULL)
        return "memory";
    memset(scratch, 0, 4 * b->words * 8);
    set = scratch + b->words;
    again = set + b->words;
    if (reads_after_end(b, scratch)) {
        why = "something is read after $";
        goto done;
    }
    if (state_of(b, set, scratch, 0) != DEAD) /* the empty set is state 0 */
        goto done;
    close_over(b, again, entry, 0);
    /* what only waits at a closed ^ can never go on */
    memset(set, 0, b->words * 8);
    close_over(b, set, entry, PASS_BOL);
    d->start = (uint16_t)state_of(b, set, scratch, 1);
    for (int i = 0, any = 0; i < b->frags; i++) {
        any |= has(again, i) && (b->frag[i].type != F_BOL && b->frag[i].type != F_SPLIT);
        if (i + 1 == b->frags && !any)
            memset(again, 0, b->words * 8); /* anchored: no restart */
    }
    for (int s = 0; s < d->states; s++) {
        for (int c = 0; c < d->classes; c++) {
            int to = s == DEAD || (d->accept[s] & ACCEPT_ALWAYS)
                         ? DEAD
                         : step(b, s, c, again, set, scratch);
            if (to < 0)
                goto done;
            d->next[s * d->classes + c] = (uint16_t)to;
        }
    }
    why = NULL;
done:
    PyMem_Free(scratch);
    return why;
}

static const char *
build_stay(PfDfa *d)
{
    if (d->states > 64)
        return NULL;
    if ((d->stay = resized(NULL, (size_t)d->states * sizeof *d->stay)) == NULL)
        return "memory";
    for (int s = 0; s < d->states; s++)
        for (int c = 0; c < 128; c++)
            d->stay[s][c] = c != '\n' && d->next[s * d->classes + d->ascii[c]] == s && s != DEAD;
    return NULL;
}

static const char *
build(Builder *b, PyObject *pattern, int flags)
{
    int root = rx_parse(&b->tree, pattern, flags), entry;

    if (root < 0)
        return b->tree.refused != NULL ? b->tree.refused : "not supported";
    b->match = new_frag(b, F_MATCH, 0, -1, -1);
    entry = emit(b, root, b->match);
    if (entry < 0)
        return "pattern too long";
    b->words = (size_t)(b->frags + 63) / 64;
    if (build_classes(b) < 0)
        return "too many character classes";
    if ((b->hash = resized(NULL, HASH_SIZE * sizeof *b->hash)) == NULL)
        return "memory";
    memset(b->hash, 0xff, HASH_SIZE * sizeof *b->hash);
    {
        const char *why = build_table(b, entry);
        return why != NULL ? why : build_stay(b->d);
    }
}

/* -- The Python type ---------------------------------------------------------- */

static PyObject *
dfa_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"pattern", "flags", NULL};
    PyObject *pattern;
    int flags = RX_UNICODE;
    PfDfa *d;
    Builder *b;
    const char *why;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|i:Automaton", names, &pattern, &flags))
        return NULL;
    d = (PfDfa *)type->tp_alloc(type, 0);
    b = PyMem_Calloc(1, sizeof *b);
    if (d == NULL || b == NULL) {
        Py_XDECREF(d);
        PyMem_Free(b);
        return PyErr_NoMemory();
    }
    b->d = d;
    why = build(b, pattern, flags);
    PyMem_Free(b->sets);
    PyMem_Free(b->hash);
    PyMem_Free(b);
    if (why != NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, why);
        Py_CLEAR(d);
    }
    return (PyObject *)d;
}

static void
dfa_dealloc(PyObject *self)
{
    PfDfa *d = (PfDfa *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyMem_Free(d->bounds);
    PyMem_Free(d->wide);
    PyMem_Free(d->next);
    PyMem_Free(d->accept);
    PyMem_Free(d->stay);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
dfa_search(PyObject *self, PyObject *text)
{
    PfVerdict v;

    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "expected str, not %.100s", Py_TYPE(text)->tp_name);
        return NULL;
    }
    v = pf_dfa_search((PfDfa *)self, text);
    if (v == PF_UNSURE)
        Py_RETURN_NONE;
    return PyBool_FromLong(v == PF_YES);
}

static PyObject *
dfa_get_states(PyObject *self, void *unused)
{
    return PyLong_FromLong(((PfDfa *)self)->states);
}

static PyGetSetDef dfa_getset[] = {
    {"states", dfa_get_states, NULL, "number of states", NULL},
    {NULL},
};

static PyMethodDef dfa_methods[] = {
    {"search", dfa_search, METH_O,
     "Does the pattern match somewhere? None when only re can tell."},
    {NULL},
};

static PyType_Slot dfa_slots[] = {
    {Py_tp_new, dfa_new},
    {Py_tp_dealloc, dfa_dealloc},
    {Py_tp_methods, dfa_methods},
    {Py_tp_getset, dfa_getset},
    {Py_tp_doc, "A regular expression of the safe subset; ValueError says why not."},
    {0, NULL},
};

PyType_Spec pf_dfa_spec = {
    .name = "pyforge._pyforge.Automaton",
    .basicsize = sizeof(PfDfa),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = dfa_slots,
};
