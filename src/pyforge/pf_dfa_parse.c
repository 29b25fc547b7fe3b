/* Reads the subset of Python's regular expressions that an automaton can decide.

   The grammar follows CPython 3.11 Lib/re/_parser.py (_parse, _parse_sub); a pattern
   reaches us only after re has compiled it, so malformed ones need no good message. */
#include "pf_dfa_parse.h"

#include <string.h>

typedef struct {
    Tree *t;
    PyObject *text;
    Py_ssize_t at, end;
    int depth;
} Reader;

static int parse_alternatives(Reader *r);

static int
refuse(Reader *r, const char *why)
{
    if (r->t->refused == NULL)
        r->t->refused = why;
    return -1;
}

static Py_UCS4
peek(const Reader *r, Py_ssize_t ahead)
{
    return r->at + ahead < r->end ? PyUnicode_READ_CHAR(r->text, r->at + ahead) : 0xffffffff;
}

static int
accept(Reader *r, Py_UCS4 c)
{
    if (peek(r, 0) != c)
        return 0;
    r->at++;
    return 1;
}

/* -- Tree --------------------------------------------------------------------- */

static int
new_node(Reader *r, NodeType type, int a, int b)
{
    Tree *t = r->t;

    if (t->nodes == MAX_NODES)
        return refuse(r, "pattern too long");
    t->node[t->nodes] = (Node){type, a, b, 0, 0};
    return t->nodes++;
}

static int
new_set(Reader *r, int negated)
{
    Tree *t = r->t;

    if (t->sets == MAX_SETS)
        return refuse(r, "too many character classes");
    t->set[t->sets] = (Set){t->ranges, 0, 0, (uint8_t)negated};
    return t->sets++;
}

static int
add_range(Reader *r, Set *s, Py_UCS4 lo, Py_UCS4 hi)
{
    Tree *t = r->t;

    if (t->ranges == MAX_RANGES)
        return refuse(r, "too many ranges");
    if (hi > 127 && (t->flags & RX_IGNORECASE))
        return refuse(r, "non-ASCII under IGNORECASE");
    t->range[t->ranges++] = (Range){lo, hi};
    s->count++;
    return 0;
}

/* An equal set seen before is used again: fewer bits, fewer classes. */
static int
share_set(Reader *r, int set)
{
    Tree *t = r->t;
    Set *s = &t->set[set];

    for (int i = 0; i < set; i++) {
        Set *o = &t->set[i];
        if (o->count == s->count && o->categories == s->categories && o->negated == s->negated
            && memcmp(&t->range[o->first], &t->range[s->first],
                      (size_t)s->count * sizeof *t->range)
                   == 0) {
            t->ranges = s->first;
            t->sets--;
            return i;
        }
    }
    return set;
}

static int
set_node(Reader *r, int set)
{
    return set < 0 ? -1 : new_node(r, N_SET, share_set(r, set), 0);
}

static int
literal_node(Reader *r, Py_UCS4 c)
{
    int set = new_set(r, 0);

    if (set < 0 || add_range(r, &r->t->set[set], c, c) < 0)
        return -1;
    return set_node(r, set);
}

/* -- Escapes ------------------------------------------------------------------ */

static int
category_of(Py_UCS4 c)
{
    switch (c) {
    case 'd': return C_DIGIT;
    case 'D': return C_NOT_DIGIT;
    case 'w': return C_WORD;
    case 'W': return C_NOT_WORD;
    case 's': return C_SPACE;
    case 'S': return C_NOT_SPACE;
    default: return 0;
    }
}

static int
hex_escape(Reader *r, int digits, Py_UCS4 *c)
{
    Py_UCS4 v = 0;

    for (int i = 0; i < digits; i++) {
        Py_UCS4 d = peek(r, i);
        if (d >= '0' && d <= '9')
            v = v * 16 + (d - '0');
        else if ((d | 32) >= 'a' && (d | 32) <= 'f')
            v = v * 16 + ((d | 32) - 'a' + 10);
        else
            return refuse(r, "escape");
    }
    r->at += digits;
    *c = v;
    return 0;
}

/* After a backslash: the character meant, or -1. */
static int
escaped_char(Reader *r, Py_UCS4 *c)
{
    static const char from[] = "ntrfva", to[] = "\n\t\r\f\v\a";
    const char *simple;

    *c = peek(r, 0);
    r->at++;
    if (*c == 'x')
        return hex_escape(r, 2, c);
    if (*c == 'u')
        return hex_escape(r, 4, c);
    if (*c < 128 && *c != 0 && (simple = strchr(from, (int)*c)) != NULL) {
        *c = (Py_UCS4)to[simple - from];
        return 0;
    }
    if ((*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') || *c > 0x10ffff)
        return refuse(r, "escape (boundary, backreference or octal)");
    return 0;
}

static int
escape_node(Reader *r)
{
    Py_UCS4 c = peek(r, 0);
    int category = category_of(c), set;

    if (c == 'A' || c == 'Z') {
        r->at++;
        return new_node(r, c == 'A' ? N_BOL : N_EOS, 0, 0);
    }
    if (category != 0) {
        r->at++;
        if ((set = new_set(r, 0)) < 0)
            return -1;
        r->t->set[set].categories = (uint8_t)category;
        return set_node(r, set);
    }
    return escaped_char(r, &c) < 0 ? -1 : literal_node(r, c);
}

/* -- Classes ------------------------------------------------------------------ */

/* One item of a class: 1 a character in *c, 0 a category (added), -1 refused */
static int
class_item(Reader *r, Set *s, Py_UCS4 *c)
{
    int category;

    if (r->at >= r->end)
        return refuse(r, "class");
    *c = peek(r, 0);
    r->at++;
    if (*c != '\\')
        return 1;
    if ((category = category_of(peek(r, 0))) != 0) {
        r->at++;
        s->categories |= (uint8_t)category;
        return 0;
    }
    if (peek(r, 0) == 'b') { /* backspace in a class */
        r->at++;
        *c = '\b';
        return 1;
    }
    return escaped_char(r, c) < 0 ? -1 : 1;
}

static int
class_node(Reader *r)
{
    int set = new_set(r, accept(r, '^'));
    Py_ssize_t start = r->at;
    Set *s;

    if (set < 0)
        return -1;
    s = &r->t->set[set];
    while (r->at == start || peek(r, 0) != ']') {
        Py_UCS4 lo, hi;
        int kind = class_item(r, s, &lo);
        if (kind < 0)
            return -1;
        if (kind == 0)
            continue;
        hi = lo;
        if (peek(r, 0) == '-' && peek(r, 1) != ']') {
            r->at++;
            if (class_item(r, s, &hi) != 1 || hi < lo)
                return refuse(r, "class range");
        }
        if (add_range(r, s, lo, hi) < 0)
            return -1;
    }
    r->at++;
    return set_node(r, set);
}

static int
dot_node(Reader *r)
{
    int set = new_set(r, 1);

    if (set < 0)
        return -1;
    if (!(r->t->flags & RX_DOTALL) && add_range(r, &r->t->set[set], '\n', '\n') < 0)
        return -1;
    return set_node(r, set);
}

/* -- Groups, repeats, sequences ----------------------------------------------- */

static int
group_node(Reader *r)
{
    int body;

    if (accept(r, '?')) {
        if (accept(r, 'P')) {
            if (!accept(r, '<'))
                return refuse(r, "named backreference");
            while (r->at < r->end && !accept(r, '>'))
                r->at++;
        }
        else if (!accept(r, ':')) {
            return refuse(r, "look-around, inline flags or conditional");
        }
    }
    if (++r->depth > 50)
        return refuse(r, "groups too deep");
    body = parse_alternatives(r);
    r->depth--;
    if (body < 0 || !accept(r, ')'))
        return body < 0 ? -1 : refuse(r, "group");
    return body;
}

static int
read_number(Reader *r, int *n)
{
    Py_ssize_t start = r->at;

    for (*n = 0; peek(r, 0) >= '0' && peek(r, 0) <= '9'; r->at++)
        if ((*n = *n * 10 + (int)(peek(r, 0) - '0')) > 1000)
            return refuse(r, "repeat count above 1000");
    return r->at > start;
}

/* {m} {m,} {,n} {m,n}; anything else would be a literal brace */
static int
read_braces(Reader *r, int *min, int *max)
{
    int has_min = read_number(r, min), has_max;

    if (has_min < 0)
        return -1;
    *max = *min;
    if (accept(r, ',')) {
        if ((has_max = read_number(r, max)) < 0)
            return -1;
        if (!has_max)
            *max = MANY;
        has_min |= has_max | 2;
    }
    if (!has_min || !accept(r, '}'))
        return refuse(r, "literal brace");
    return 0;
}

static int
repeat_node(Reader *r, int item)
{
    int min = 0, max = MANY, node;

    if (accept(r, '*')) {
    }
    else if (accept(r, '+')) {
        min = 1;
    }
    else if (accept(r, '?')) {
        max = 1;
    }
    else if (accept(r, '{')) {
        if (read_braces(r, &min, &max) < 0)
            return -1;
    }
    else {
        return item;
    }
    if (peek(r, 0) == '+')
        return refuse(r, "possessive repeat");
    accept(r, '?'); /* lazy: which match is found does not matter */
    node = new_node(r, N_REPEAT, item, 0);
    if (node >= 0) {
        r->t->node[node].min = min;
        r->t->node[node].max = max;
    }
    return node;
}

static int
item_node(Reader *r)
{
    Py_UCS4 c = peek(r, 0);

    r->at++;
    switch (c) {
    case '\\': return escape_node(r);
    case '[': return class_node(r);
    case '.': return dot_node(r);
    case '(': return group_node(r);
    case '^': return new_node(r, N_BOL, 0, 0);
    case '$': return new_node(r, N_EOL, 0, 0);
    case '*':
    case '+':
    case '?':
    case '{': return refuse(r, "repeat without an item");
    default: return literal_node(r, c);
    }
}

static int
parse_sequence(Reader *r)
{
    int sequence = new_node(r, N_EMPTY, 0, 0);

    while (sequence >= 0 && r->at < r->end && peek(r, 0) != '|' && peek(r, 0) != ')') {
        int item = item_node(r);
        if (item >= 0)
            item = repeat_node(r, item);
        sequence = item < 0 ? -1 : new_node(r, N_CAT, sequence, item);
    }
    return sequence;
}

static int
parse_alternatives(Reader *r)
{
    int left = parse_sequence(r);

    while (left >= 0 && accept(r, '|')) {
        int right = parse_sequence(r);
        left = right < 0 ? -1 : new_node(r, N_ALT, left, right);
    }
    return left;
}

int
rx_parse(Tree *t, PyObject *pattern, int flags)
{
    Reader r = {t, pattern, 0, PyUnicode_GET_LENGTH(pattern), 0};
    int root;

    t->nodes = t->sets = t->ranges = 0;
    t->flags = flags;
    t->refused = NULL;
    if (flags & ~(RX_IGNORECASE | RX_DOTALL | RX_UNICODE | RX_ASCII))
        return refuse(&r, "flags");
    root = parse_alternatives(&r);
    if (root >= 0 && r.at != r.end)
        return refuse(&r, "unbalanced parenthesis");
    return root;
}
