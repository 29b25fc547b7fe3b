/* Databases hand back JSON as text. Most of it was printed by json.dumps in the first
   place; one scan proves that a text is exactly what json.dumps would print again, and
   it is copied. Whatever the scan doesn't prove is loaded and written. */
#include "pf_serialize.h"

#include "pf_scan.h"

enum { DEPTH = 24,
       KEYS = 24 }; /* more of either: load and write */

typedef struct {
    const char *s;
    uint32_t n;
} Span;

typedef struct {
    const char *p, *end;
    int depth;
} Scan;

static int scan_value(Scan *c);

/* Escapes as json.dumps writes them; non-ASCII would have been \uXXXX, and those
   may hide a surrogate pair or a letter: only control characters pass. */
static int
scan_escape(Scan *c)
{
    if (c->end - c->p < 2)
        return 0;
    if (memchr("\"\\nrtbf", c->p[1], 7) != NULL) {
        c->p += 2;
        return 1;
    }
    if (c->end - c->p < 6 || memcmp(c->p, "\\u00", 4) != 0)
        return 0;
    if (c->p[4] == '7')
        return c->p[5] == 'f' ? (c->p += 6, 1) : 0;
    if ((c->p[4] != '0' && c->p[4] != '1')
        || memchr("0123456789abcdef", c->p[5], 16) == NULL)
        return 0;
    if (c->p[4] == '0' && memchr("89acd", c->p[5], 5) != NULL)
        return 0; /* has a short form */
    c->p += 6;
    return 1;
}

static int
scan_string(Scan *c)
{
    if (c->p >= c->end || *c->p != '"')
        return 0;
    c->p++;
    while (c->p < c->end) {
        unsigned char b = (unsigned char)*c->p;
        if (b == '"') {
            c->p++;
            return 1;
        }
        if (b < 0x20 || b > 0x7e)
            return 0;
        if (b == '\\') {
            if (!scan_escape(c))
                return 0;
        }
        else {
            c->p++;
        }
    }
    return 0;
}

static int
scan_number(Scan *c)
{
    const char *start = c->p, *d;
    int is_float = 0;

    while (c->p < c->end && memchr("+-.eE0123456789", *c->p, 15) != NULL) {
        is_float |= *c->p == '.' || *c->p == 'e' || *c->p == 'E';
        c->p++;
    }
    if (is_float) {
        char again[32];
        double v;
        return pf_scan_double(start, c->p - start, &v) && v - v == 0
               && pf_double_repr(v, again) == c->p - start
               && memcmp(again, start, (size_t)(c->p - start)) == 0;
    }
    d = start + (*start == '-');
    if (d == c->p || c->p - d > 4000 || (*d == '0' && (c->p - d > 1 || d != start)))
        return 0;
    for (; d < c->p; d++)
        if (*d < '0' || *d > '9')
            return 0;
    return 1;
}

static int
scan_text(Scan *c, const char *text, size_t n)
{
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
        return 0;
    c->p += n;
    return 1;
}

static int
scan_list(Scan *c)
{
    if (scan_text(c, "[]", 2))
        return 1;
    c->p++;
    do {
        if (!scan_value(c))
            return 0;
    } while (scan_text(c, ", ", 2));
    return scan_text(c, "]", 1);
}

static int
scan_dict(Scan *c)
{
    Span seen[KEYS];
    int n = 0;

    if (scan_text(c, "{}", 2))
        return 1;
    c->p++;
    do {
        Span key = {c->p, 0};
        if (n == KEYS || !scan_string(c))
            return 0;
        key.n = (uint32_t)(c->p - key.s);
        for (int i = 0; i < n; i++) /* a repeated key: json.loads keeps the last */
            if (seen[i].n == key.n && memcmp(seen[i].s, key.s, key.n) == 0)
                return 0;
        seen[n++] = key;
        if (!scan_text(c, ": ", 2) || !scan_value(c))
            return 0;
    } while (scan_text(c, ", ", 2));
    return scan_text(c, "}", 1);
}

static int
scan_value(Scan *c)
{
    int ok;

    if (c->p >= c->end || c->depth >= DEPTH)
        return 0;
    c->depth++;
    switch (*c->p) {
    case '"': ok = scan_string(c); break;
    case '{': ok = scan_dict(c); break;
    case '[': ok = scan_list(c); break;
    case 't': ok = scan_text(c, "true", 4); break;
    case 'f': ok = scan_text(c, "false", 5); break;
    case 'n': ok = scan_text(c, "null", 4); break;
    default: ok = scan_number(c);
    }
    c->depth--;
    return ok;
}

int
pf_json_is_canonical(const char *s, size_t n)
{
    Scan c = {s, s + n, 0};

    if (n == 0 || n > UINT32_MAX)
        return 0;
    return scan_value(&c) && c.p == c.end;
}

/* Is this style json.dumps's own? Only then may canonical text pass. */
static int
style_is_default(const PfStyle *s)
{
    return s->ascii && s->allow_nan && !s->sort_keys && s->indent == NULL
           && PyBytes_GET_SIZE(s->item_sep) == 2 && PyBytes_GET_SIZE(s->key_sep) == 2;
}

int
pf_write_json_cell(PfWriter *w, const char *s, size_t n)
{
    PyObject *text, *value;
    int r;

    if (style_is_default(w->style) && pf_json_is_canonical(s, n))
        return pf_write_lit(w, s, n);
    text = PyUnicode_DecodeUTF8(s, (Py_ssize_t)n, "strict");
    if (text == NULL)
        return -1;
    value = PyObject_CallOneArg(w->st->json_loads, text);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear(); /* JSONField.from_db_value gives the text back */
        value = Py_NewRef(text);
    }
    Py_DECREF(text);
    if (value == NULL)
        return -1;
    r = pf_write_value(w, value);
    Py_DECREF(value);
    return r;
}
