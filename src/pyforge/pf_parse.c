/* The JSON reader; see pf_parse.h. What it can't read is left to json.loads, which
   knows the message and the position. */
#include "pf_parse.h"

#include <string.h>

#include "pf_scan.h"

#if defined(__x86_64__)
#  include <emmintrin.h>
#endif

void
pf_json_init(PfJson *j, PfState *st, const char *s, Py_ssize_t n, PfLimits limits, int python)
{
    *j = (PfJson){.st = st, .start = s, .p = s, .end = s + n, .limits = limits, .python = python};
}

void
pf_json_clear(PfJson *j)
{
    for (int i = 0; i < KEY_CACHE; i++)
        Py_CLEAR(j->keys[i]);
}

int
pf_json_limits(PyObject *tuple, PfLimits *l)
{
    return PyArg_ParseTuple(tuple, "nnnnn", &l->max_bytes, &l->max_depth, &l->max_items,
                            &l->max_string, &l->max_digits)
               ? 0
               : -1;
}

int
pf_json_limit_error(PfJson *j, const char *name, Py_ssize_t limit)
{
    PyErr_Format(j->st->limit_error, "%s (%zd) exceeded at byte %zd", name, limit,
                 (Py_ssize_t)(j->p - j->start));
    return -1;
}

static int
malformed(PfJson *j)
{
    j->malformed = 1;
    return -1;
}

/* -- Strings ------------------------------------------------------------------ */

/* Moves to the first byte that ends or interrupts a string; ORs bytes into *high. */
static const char *
scan_plain(const char *p, const char *end, unsigned *high)
{
#if defined(__x86_64__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i low = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        unsigned m = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                         _mm_cmpeq_epi8(_mm_min_epu8(v, low), v)));
        unsigned top = (unsigned)_mm_movemask_epi8(v);
        if (m != 0) {
            int k = __builtin_ctz(m);
            *high |= top & ((1u << k) - 1);
            return p + k;
        }
        *high |= top;
    }
#endif
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            break;
        *high |= c & 0x80u;
    }
    return p;
}

int
pf_json_string(PfJson *j, PfToken *t)
{
    const char *p = ++j->p;
    unsigned high = 0;

    t->s = p;
    t->escaped = 0;
    for (;;) {
        p = scan_plain(p, j->end, &high);
        if (p >= j->end || (unsigned char)*p < 0x20)
            return malformed(j);
        if (*p == '"')
            break;
        t->escaped = 1;
        if (j->end - p < 2)
            return malformed(j);
        p += 2;
    }
    t->n = p - t->s;
    t->plain = !high && !t->escaped;
    j->p = p + 1;
    if (t->n > j->limits.max_string)
        return pf_json_limit_error(j, "max_string", j->limits.max_string);
    return 0;
}

static int
hex4(const char *s)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        unsigned d = (unsigned char)s[i] - '0';
        if (d > 9) {
            d = ((unsigned char)s[i] | 32) - 'a';
            if (d > 5)
                return -1;
            d += 10;
        }
        v = v << 4 | (int)d;
    }
    return v;
}

/* UTF-8, or its three-byte extension to lone surrogates */
static char *
put_utf8(char *o, unsigned c)
{
    if (c < 0x80) {
        *o++ = (char)c;
        return o;
    }
    if (c < 0x800) {
        *o++ = (char)(0xc0 | c >> 6);
    }
    else if (c < 0x10000) {
        *o++ = (char)(0xe0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 63));
    }
    else {
        *o++ = (char)(0xf0 | c >> 18);
        *o++ = (char)(0x80 | (c >> 12 & 63));
        *o++ = (char)(0x80 | (c >> 6 & 63));
    }
    *o++ = (char)(0x80 | (c & 63));
    return o;
}

/* After a backslash at s; returns what follows, or NULL. *lone: a lone surrogate */
static const char *
unescape(const char *s, const char *end, char **o, int *lone)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *simple = *s != '\0' ? strchr(from, *s) : NULL;
    int c, low;

    if (simple != NULL) {
        *(*o)++ = to[simple - from];
        return s + 1;
    }
    if (*s != 'u' || end - s < 5 || (c = hex4(s + 1)) < 0)
        return NULL;
    s += 5;
    if ((c & 0xfc00) == 0xd800 && end - s >= 6 && s[0] == '\\' && s[1] == 'u'
        && (low = hex4(s + 2)) >= 0 && (low & 0xfc00) == 0xdc00) {
        c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
        s += 6;
    }
    else if ((c & 0xf800) == 0xd800) {
        *lone = 1;
    }
    *o = put_utf8(*o, (unsigned)c);
    return s;
}

static PyObject *
decode(PfJson *j, const char *s, Py_ssize_t n, const char *errors)
{
    PyObject *text = PyUnicode_DecodeUTF8(s, n, errors);

    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        malformed(j);
    }
    return text;
}

static PyObject *
escaped_text(PfJson *j, const PfToken *t)
{
    char *buf = PyMem_Malloc((size_t)t->n + 1), *o = buf;
    const char *s = t->s, *end = t->s + t->n;
    PyObject *text = NULL;
    int lone = 0;

    if (buf == NULL)
        return PyErr_NoMemory();
    while (s != NULL && s < end) {
        if (*s != '\\')
            *o++ = *s++;
        else
            s = unescape(s + 1, end, &o, &lone);
    }
    if (s == NULL || (lone && !j->python))
        malformed(j);
    else if (!lone)
        text = decode(j, buf, o - buf, "strict");
    else if (PyUnicode_DecodeUTF8(t->s, t->n, "strict") == NULL) { /* the source itself */
        PyErr_Clear();
        malformed(j);
    }
    else
        text = decode(j, buf, o - buf, "surrogatepass");
    PyMem_Free(buf);
    return text;
}

PyObject *
pf_json_text(PfJson *j, const PfToken *t)
{
    PyObject *text;

    if (t->escaped)
        return escaped_text(j, t);
    if (!t->plain)
        return decode(j, t->s, t->n, "strict");
    text = PyUnicode_New(t->n, 127);
    if (text != NULL)
        memcpy(PyUnicode_DATA(text), t->s, (size_t)t->n);
    return text;
}

/* Keys repeat from row to row: short ones are looked up before they are made. */
static PyObject *
key_text(PfJson *j, const PfToken *t)
{
    unsigned h = (unsigned)t->n * 31u;
    PyObject **slot, *text;

    if (!t->plain || t->n == 0 || t->n > 24)
        return pf_json_text(j, t);
    h += (unsigned char)t->s[0] * 7u + (unsigned char)t->s[t->n - 1] * 13u
         + (unsigned char)t->s[t->n / 2] * 3u;
    slot = &j->keys[h % KEY_CACHE];
    if (*slot != NULL && PyUnicode_GET_LENGTH(*slot) == t->n
        && memcmp(PyUnicode_DATA(*slot), t->s, (size_t)t->n) == 0)
        return Py_NewRef(*slot);
    text = pf_json_text(j, t);
    if (text != NULL)
        Py_XSETREF(*slot, Py_NewRef(text));
    return text;
}

/* -- Numbers and words -------------------------------------------------------- */

static PyObject *
long_number(PfJson *j, const char *s, Py_ssize_t n, int is_float)
{
    char *copy;
    PyObject *v;

    if (n > j->limits.max_digits) {
        pf_json_limit_error(j, "max_number_digits", j->limits.max_digits);
        return NULL;
    }
    if ((copy = PyMem_Malloc((size_t)n + 1)) == NULL)
        return PyErr_NoMemory();
    memcpy(copy, s, (size_t)n);
    copy[n] = '\0';
    if (is_float) {
        double d = PyOS_string_to_double(copy, NULL, NULL);
        v = d == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(d);
    }
    else {
        v = PyLong_FromString(copy, NULL, 10);
    }
    PyMem_Free(copy);
    return v;
}

static const char *
digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* `-?digits` that fits, or what follows them makes a longer number: 0 not decided */
static int
small_int(const char *p, const char *end, const char **after, int64_t *v)
{
    const char *s = p + (*p == '-'), *q = s;
    int64_t x = 0;

    for (; q < end && (unsigned char)(*q - '0') <= 9 && q - s < 18; q++)
        x = x * 10 + (*q - '0');
    if (q == s || q >= end || (*s == '0' && q > s + 1) || (unsigned char)(*q - '0') <= 9
        || *q == '.' || (*q | 32) == 'e')
        return 0;
    *after = q;
    *v = *p == '-' ? -x : x;
    return 1;
}

static PyObject *
number(PfJson *j)
{
    const char *s = j->p, *p = s + (*s == '-'), *end = j->end, *q;
    int is_float = 0;
    int64_t x;
    double d;

    if (small_int(s, end, &j->p, &x))
        return PyLong_FromLongLong(x);
    q = digits(p, end);
    if (q == p)
        return malformed(j), NULL;
    if (*p == '0' && q > p + 1)
        q = p + 1; /* json reads 0 and stumbles over what follows */
    p = q;
    if (end - p >= 2 && *p == '.' && (q = digits(p + 1, end)) > p + 1) {
        p = q;
        is_float = 1;
    }
    if (end - p >= 2 && (*p | 32) == 'e') {
        q = p + 1 + (p[1] == '+' || p[1] == '-');
        if (digits(q, end) > q) {
            p = digits(q, end);
            is_float = 1;
        }
    }
    j->p = p;
    if (!is_float && pf_scan_i64(s, p - s, &x))
        return PyLong_FromLongLong(x);
    if (is_float && p - s < 400 && p - s <= j->limits.max_digits && pf_scan_double(s, p - s, &d))
        return PyFloat_FromDouble(d);
    return long_number(j, s, p - s, is_float);
}

static int
word(PfJson *j, const char *w, Py_ssize_t n)
{
    if (j->end - j->p < n || memcmp(j->p, w, (size_t)n) != 0)
        return 0;
    j->p += n;
    return 1;
}

static PyObject *
constant(PfJson *j)
{
    if (word(j, "true", 4))
        return Py_NewRef(Py_True);
    if (word(j, "false", 5))
        return Py_NewRef(Py_False);
    if (word(j, "null", 4))
        return Py_NewRef(Py_None);
    if (j->python && word(j, "NaN", 3))
        return PyFloat_FromDouble(Py_NAN);
    if (j->python && word(j, "Infinity", 8))
        return PyFloat_FromDouble(Py_HUGE_VAL);
    if (j->python && word(j, "-Infinity", 9))
        return PyFloat_FromDouble(-Py_HUGE_VAL);
    malformed(j);
    return NULL;
}

static PyObject *
scalar(PfJson *j)
{
    PfToken t;
    char c = *j->p;

    if (c == '"')
        return pf_json_string(j, &t) < 0 ? NULL : pf_json_text(j, &t);
    if ((c >= '0' && c <= '9') || (c == '-' && j->end - j->p > 1 && j->p[1] != 'I'))
        return number(j);
    return constant(j);
}

/* -- Containers: an explicit stack -------------------------------------------- */

typedef struct {
    PyObject *box;  /* owned list or dict */
    PyObject *key;  /* owned, of the value being read */
} Level;

enum { SHALLOW = 12 };

typedef struct {
    Level *level; /* `first`, or owned memory when that was too small */
    Py_ssize_t depth, capacity;
    Level first[SHALLOW];
} Stack;

static int
grow(Stack *s)
{
    Py_ssize_t n = s->capacity * 2;
    Level *level = PyMem_Realloc(s->level == s->first ? NULL : s->level, (size_t)n * sizeof *level);

    if (level == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (s->level == s->first)
        memcpy(level, s->first, sizeof s->first);
    s->level = level;
    s->capacity = n;
    return 0;
}

static int
push(PfJson *j, Stack *s, PyObject *box) /* takes box */
{
    if (box == NULL)
        return -1;
    if (s->depth + j->outer >= j->limits.max_depth) {
        Py_DECREF(box);
        return pf_json_limit_error(j, "max_depth", j->limits.max_depth);
    }
    if (s->depth == s->capacity && grow(s) < 0) {
        Py_DECREF(box);
        return -1;
    }
    s->level[s->depth++] = (Level){box, NULL};
    return 0;
}

/* Reads `"key":` of the dict on top. */
static int
read_key(PfJson *j, Level *top)
{
    PfToken t;

    pf_json_space(j);
    if (j->p >= j->end || *j->p != '"')
        return malformed(j);
    if (pf_json_string(j, &t) < 0 || (top->key = key_text(j, &t)) == NULL)
        return -1;
    pf_json_space(j);
    if (j->p >= j->end || *j->p != ':')
        return malformed(j);
    j->p++;
    return 0;
}

/* Puts v into the container on top; takes v. */
static int
attach(PfJson *j, Level *top, PyObject *v)
{
    int r;

    if (top->key != NULL) {
        r = PyDict_SetItem(top->box, top->key, v);
        Py_CLEAR(top->key);
        if (PyDict_GET_SIZE(top->box) > j->limits.max_items)
            r = pf_json_limit_error(j, "max_items", j->limits.max_items);
    }
    else {
        r = PyList_Append(top->box, v);
        if (PyList_GET_SIZE(top->box) > j->limits.max_items)
            r = pf_json_limit_error(j, "max_items", j->limits.max_items);
    }
    Py_DECREF(v);
    return r;
}

/* After a value in the container on top: 1 another follows, 0 it is closed, -1 */
static int
after_value(PfJson *j, Level *top)
{
    int is_dict = PyDict_CheckExact(top->box);

    pf_json_space(j);
    if (j->p >= j->end)
        return malformed(j);
    if (*j->p == ',') {
        j->p++;
        return is_dict && read_key(j, top) < 0 ? -1 : 1;
    }
    if (*j->p != (is_dict ? '}' : ']'))
        return malformed(j);
    j->p++;
    return 0;
}

/* Opens the container at j->p: 1 a value follows, 0 it is empty, -1 */
static int
open_box(PfJson *j, Stack *s)
{
    int is_dict = *j->p++ == '{';

    if (push(j, s, is_dict ? PyDict_New() : PyList_New(0)) < 0)
        return -1;
    pf_json_space(j);
    if (j->p < j->end && *j->p == (is_dict ? '}' : ']')) {
        j->p++;
        return 0;
    }
    return is_dict && read_key(j, &s->level[s->depth - 1]) < 0 ? -1 : 1;
}

static PyObject *
value(PfJson *j, Stack *s)
{
    PyObject *v;
    int r;

    for (;;) { /* a value is expected */
        pf_json_space(j);
        if (j->p >= j->end)
            return malformed(j), NULL;
        if (*j->p == '{' || *j->p == '[') {
            if ((r = open_box(j, s)) < 0)
                return NULL;
            if (r == 1)
                continue;
            v = s->level[--s->depth].box;
        }
        else if ((v = scalar(j)) == NULL) {
            return NULL;
        }
        for (;;) { /* v is complete */
            if (s->depth == 0)
                return v;
            if (attach(j, &s->level[s->depth - 1], v) < 0
                || (r = after_value(j, &s->level[s->depth - 1])) < 0)
                return NULL;
            if (r == 1)
                break;
            v = s->level[--s->depth].box;
        }
    }
}

PyObject *
pf_json_value(PfJson *j)
{
    Stack s;
    PyObject *v;

    pf_json_space(j);
    if (j->p < j->end && *j->p != '{' && *j->p != '[')
        return scalar(j);
    s.level = s.first;
    s.depth = 0;
    s.capacity = SHALLOW;
    v = value(j, &s);
    while (s.depth > 0) {
        s.depth--;
        Py_XDECREF(s.level[s.depth].box);
        Py_XDECREF(s.level[s.depth].key);
    }
    if (s.level != s.first)
        PyMem_Free(s.level);
    return v;
}

/* loads(bytes, limits, python) -> value, or NotImplemented when json.loads must say */
PyObject *
pf_loads(PyObject *module, PyObject *args)
{
    Py_buffer data;
    PyObject *limits_arg, *v = NULL;
    PfLimits limits;
    PfJson j;
    int python;

    if (!PyArg_ParseTuple(args, "y*O!p", &data, &PyTuple_Type, &limits_arg, &python))
        return NULL;
    if (pf_json_limits(limits_arg, &limits) == 0) {
        pf_json_init(&j, PyModule_GetState(module), data.buf, data.len, limits, python);
        if (data.len > limits.max_bytes) {
            pf_json_limit_error(&j, "max_bytes", limits.max_bytes);
        }
        else {
            v = pf_json_value(&j);
            pf_json_space(&j);
            if (v != NULL && j.p != j.end) {
                Py_CLEAR(v);
                j.malformed = 1;
            }
            if (v == NULL && j.malformed && !PyErr_Occurred())
                v = Py_NewRef(Py_NotImplemented);
        }
        pf_json_clear(&j);
    }
    PyBuffer_Release(&data);
    return v;
}
