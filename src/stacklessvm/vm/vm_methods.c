/* Methods that are computed from words: of ASCII strs, with ASCII strs, and of bytes with bytes.
 *
 * Results are those of Objects/unicodeobject.c and bytesobject.c (3.11 to 3.14), down to which strs
 * are the same object.
 */
#include "vm/vm_methods.h"

#include "vm/vm_num.h"
#include "vm/vm_text.h"

/* -- str ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *at;
    size_t n;
} Chars;

static inline int                       /* 1, or 0: not an exact ASCII str */
chars_of(VmWord w, Chars *c)
{
    if (!vm_is_exact_str(w) || !PyUnicode_IS_COMPACT_ASCII(vm_ptr(w)))
        return 0;
    *c = (Chars){cpy_ascii_data(vm_ptr(w)), (size_t)PyUnicode_GET_LENGTH(vm_ptr(w))};
    return 1;
}

static inline int                       /* the same of bytes */
bytes_of(VmWord w, Chars *c)
{
    if (!vm_is_obj(w) || !PyBytes_CheckExact(vm_ptr(w)))
        return 0;
    *c = (Chars){PyBytes_AS_STRING(vm_ptr(w)), (size_t)PyBytes_GET_SIZE(vm_ptr(w))};
    return 1;
}

/* Two of the same kind. */
static inline int
two_chars(VmWord *args, size_t n, Chars *s, Chars *part)
{
    return n == 2
           && (chars_of(args[0], s) ? chars_of(args[1], part)
                                    : bytes_of(args[0], s) && bytes_of(args[1], part));
}

/* A new str as a word; without memory the general way says so. */
static VmWord
made(PyObject *s)
{
    if (s == NULL)
        PyErr_Clear();
    return vm_from_ptr(s);
}

static VmWord
compute_startswith(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part;
    if (!two_chars(args, n, &s, &part))
        return VM_NULL;
    return vm_from_bool(part.n <= s.n && memcmp(s.at, part.at, part.n) == 0);
}

static VmWord
compute_endswith(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part;
    if (!two_chars(args, n, &s, &part))
        return VM_NULL;
    return vm_from_bool(part.n <= s.n && memcmp(s.at + s.n - part.n, part.at, part.n) == 0);
}

#define SHORT 256               /* so few characters take no plan */

/* Where the first `part` is, or NULL. */
static inline const char *
find(const Chars *s, const Chars *part)
{
    if (part->n == 1)
        return memchr(s->at, *part->at, s->n);
    if (s->n > SHORT || part->n == 0)
        return memmem(s->at, s->n, part->at, part->n);
    const char *at = s->at, *end = at + s->n;
    while ((size_t)(end - at) >= part->n) {
        at = memchr(at, *part->at, (size_t)(end - at) - part->n + 1);
        if (at == NULL || memcmp(at, part->at, part->n) == 0)
            return at;
        at++;
    }
    return NULL;
}

static VmWord
compute_find(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part;
    if (!two_chars(args, n, &s, &part))
        return VM_NULL;
    const char *found = find(&s, &part);
    return vm_from_int(found == NULL ? -1 : found - s.at);
}

static VmWord
compute_index(VmFrame *f, VmWord *args, size_t n)
{
    VmWord at = compute_find(f, args, n);
    return at == VM_NULL || vm_int(at) < 0 ? VM_NULL : at;
}

static size_t
count(Chars s, const Chars *part)
{
    size_t found = 0;
    for (const char *at; (at = find(&s, part)) != NULL; found++) {
        s.n -= (size_t)(at - s.at) + part->n;
        s.at = at + part->n;
    }
    return found;
}

static VmWord
compute_count(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part;
    if (!two_chars(args, n, &s, &part) || part.n == 0)
        return VM_NULL;
    return vm_from_int((int64_t)count(s, &part));
}

int
vm_plain_part(VmWord whole, VmWord part)
{
    VmWord args[2] = {whole, part};
    Chars s, p;
    return two_chars(args, 2, &s, &p) ? find(&s, &p) != NULL : -1;
}

/* Each `one` of s by another character.  -> new */
static PyObject *
exchange(const Chars *s, char one, char by)
{
    PyObject *o = cpy_ascii_new((Py_ssize_t)s->n);
    char *to = o == NULL ? NULL : cpy_ascii_data(o);
    for (size_t i = 0; to != NULL && i < s->n; i++)
        to[i] = s->at[i] == one ? by : s->at[i];
    return o;
}

static VmWord
compute_replace(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part, by;
    if (n != 3 || !chars_of(args[0], &s) || !chars_of(args[1], &part) || part.n == 0
        || !chars_of(args[2], &by))
        return VM_NULL;
    if (find(&s, &part) == NULL || args[1] == args[2])
        return vm_from_ptr(Py_NewRef(vm_ptr(args[0])));
    if (part.n == 1 && by.n == 1)
        return made(exchange(&s, *part.at, *by.at));
    size_t found = count(s, &part);
    if (s.n > PY_SSIZE_T_MAX / 2 || (by.n > 0 && found > PY_SSIZE_T_MAX / 2 / by.n))
        return VM_NULL;
    PyObject *o = PyUnicode_New((Py_ssize_t)(s.n - found * part.n + found * by.n), 127);
    if (o == NULL || PyUnicode_GET_LENGTH(o) == 0)
        return made(o);
    char *to = cpy_ascii_data(o);
    for (; found > 0; found--) {
        const char *at = find(&s, &part);
        size_t before = (size_t)(at - s.at);
        memcpy(to, s.at, before);
        memcpy(to + before, by.at, by.n);
        to += before + by.n;
        s.n -= before + part.n;
        s.at = at + part.n;
    }
    memcpy(to, s.at, s.n);
    return vm_from_ptr(o);
}

/* Python/pyctype.c, of ASCII */
static inline int
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

/* Is each character of that kind, and there is one? */
#define EACH(NAME, TEST) \
    static VmWord compute_##NAME(VmFrame *f, VmWord *args, size_t n) \
    { \
        Chars s; \
        if (n != 1 || !(chars_of(args[0], &s) || bytes_of(args[0], &s))) \
            return VM_NULL; \
        for (size_t i = 0; i < s.n; i++) { \
            if (!TEST(s.at[i])) \
                return VM_FALSE; \
        } \
        return vm_from_bool(s.n > 0); \
    }
EACH(isalpha, Py_ISALPHA)
EACH(isdigit, Py_ISDIGIT)
EACH(isalnum, Py_ISALNUM)
#undef EACH

static inline VmWord
strip(VmWord *args, size_t n, int left, int right)
{
    Chars s;
    if (n != 1 || !chars_of(args[0], &s))
        return VM_NULL;
    size_t from = 0, to = s.n;
    while (left && from < to && is_space(s.at[from]))
        from++;
    while (right && to > from && is_space(s.at[to - 1]))
        to--;
    if (to - from == s.n)
        return vm_from_ptr(Py_NewRef(vm_ptr(args[0])));
    return made(vm_ascii_text(s.at + from, to - from));
}

static VmWord
compute_strip(VmFrame *f, VmWord *args, size_t n)
{
    return strip(args, n, 1, 1);
}

static VmWord
compute_lstrip(VmFrame *f, VmWord *args, size_t n)
{
    return strip(args, n, 1, 0);
}

static VmWord
compute_rstrip(VmFrame *f, VmWord *args, size_t n)
{
    return strip(args, n, 0, 1);
}

/* Eight ASCII characters, with another case for the letters from `first` on: adding lifts those from a
   letter on over 127. */
static inline uint64_t
eight_in_case(uint64_t eight, char first)
{
    const uint64_t each = 0x0101010101010101u;
    uint64_t from = eight + each * (128u - (unsigned char)first);
    uint64_t beyond = eight + each * (128u - 26u - (unsigned char)first);
    return eight ^ ((from ^ beyond) & each << 7) >> 2;
}

/* With another case for the letters from `first` on. */
static inline VmWord
in_case(VmWord *args, size_t n, char first)
{
    Chars s;
    if (n != 1 || !chars_of(args[0], &s))
        return VM_NULL;
    PyObject *o = cpy_ascii_new((Py_ssize_t)s.n);
    if (o == NULL || s.n == 0)
        return made(o);
    char *to = cpy_ascii_data(o);
    uint64_t eight;
    size_t i = 0;
    for (; i + sizeof eight <= s.n; i += sizeof eight) {
        memcpy(&eight, s.at + i, sizeof eight);
        eight = eight_in_case(eight, first);
        memcpy(to + i, &eight, sizeof eight);
    }
    for (; i < s.n; i++)
        to[i] = (char)eight_in_case((unsigned char)s.at[i], first);
    return vm_from_ptr(o);
}

static VmWord
compute_lower(VmFrame *f, VmWord *args, size_t n)
{
    return in_case(args, n, 'A');
}

static VmWord
compute_upper(VmFrame *f, VmWord *args, size_t n)
{
    return in_case(args, n, 'a');
}

/* To UTF-8, and from it: the same characters. */
static VmWord
compute_encode(VmFrame *f, VmWord *args, size_t n)
{
    Chars s;
    return n == 1 && chars_of(args[0], &s) ? made(PyBytes_FromStringAndSize(s.at, (Py_ssize_t)s.n))
                                           : VM_NULL;
}

static VmWord
compute_decode(VmFrame *f, VmWord *args, size_t n)
{
    Chars s;
    return n == 1 && bytes_of(args[0], &s) ? made(PyUnicode_DecodeUTF8(s.at, (Py_ssize_t)s.n, NULL))
                                           : VM_NULL;
}

static VmWord
compute_join(VmFrame *f, VmWord *args, size_t n)
{
    return n == 2 && vm_is_obj(args[0]) && vm_is_obj(args[1])
               ? made(vm_join(vm_ptr(args[0]), vm_ptr(args[1])))
               : VM_NULL;
}

/* -- the table ------------------------------------------------------------------------------------- */

const VmMethod vm_methods[] = {
    {&PyUnicode_Type, "startswith", compute_startswith},
    {&PyUnicode_Type, "endswith", compute_endswith},
    {&PyUnicode_Type, "find", compute_find},
    {&PyUnicode_Type, "index", compute_index},
    {&PyUnicode_Type, "count", compute_count},
    {&PyUnicode_Type, "replace", compute_replace},
    {&PyUnicode_Type, "isalpha", compute_isalpha},
    {&PyUnicode_Type, "isdigit", compute_isdigit},
    {&PyUnicode_Type, "isalnum", compute_isalnum},
    {&PyUnicode_Type, "encode", compute_encode},
    {&PyBytes_Type, "decode", compute_decode},
    {&PyBytes_Type, "startswith", compute_startswith},
    {&PyBytes_Type, "endswith", compute_endswith},
    {&PyBytes_Type, "find", compute_find},
    {&PyBytes_Type, "index", compute_index},
    {&PyBytes_Type, "count", compute_count},
    {&PyBytes_Type, "isalpha", compute_isalpha},
    {&PyBytes_Type, "isdigit", compute_isdigit},
    {&PyBytes_Type, "isalnum", compute_isalnum},
    {&PyUnicode_Type, "strip", compute_strip},
    {&PyUnicode_Type, "lstrip", compute_lstrip},
    {&PyUnicode_Type, "rstrip", compute_rstrip},
    {&PyUnicode_Type, "lower", compute_lower},
    {&PyUnicode_Type, "upper", compute_upper},
    {&PyUnicode_Type, "join", compute_join},
    {NULL},
};
