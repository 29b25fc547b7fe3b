/* Methods of builtin types that are computed from words: of ASCII strs, with ASCII strs; of lists.
 *
 * Results are those of Objects/unicodeobject.c and listobject.c (3.11 to 3.14), down to which strs
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
    if (n != 2 || !chars_of(args[0], &s) || !chars_of(args[1], &part))
        return VM_NULL;
    return vm_from_bool(part.n <= s.n && memcmp(s.at, part.at, part.n) == 0);
}

static VmWord
compute_endswith(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part;
    if (n != 2 || !chars_of(args[0], &s) || !chars_of(args[1], &part))
        return VM_NULL;
    return vm_from_bool(part.n <= s.n && memcmp(s.at + s.n - part.n, part.at, part.n) == 0);
}

static VmWord
compute_find(VmFrame *f, VmWord *args, size_t n)
{
    Chars s, part;
    if (n != 2 || !chars_of(args[0], &s) || !chars_of(args[1], &part) || part.n != 1)
        return VM_NULL;         /* longer ones want a searcher with a plan */
    const char *found = memchr(s.at, *part.at, s.n);
    return vm_from_int(found == NULL ? -1 : found - s.at);
}

/* Python/pyctype.c, of ASCII */
static inline int
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

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

/* With another case for the letters from `first` on. */
static inline VmWord
in_case(VmWord *args, size_t n, char first)
{
    Chars s;
    if (n != 1 || !chars_of(args[0], &s))
        return VM_NULL;
    PyObject *o = PyUnicode_New((Py_ssize_t)s.n, 127);
    if (o == NULL || s.n == 0)
        return made(o);
    char *to = cpy_ascii_data(o);
    for (size_t i = 0; i < s.n; i++)
        to[i] = (char)(s.at[i] ^ ((unsigned char)(s.at[i] - first) < 26 ? 0x20 : 0));
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

static VmWord
compute_join(VmFrame *f, VmWord *args, size_t n)
{
    return n == 2 && vm_is_obj(args[0]) && vm_is_obj(args[1])
               ? made(vm_join(vm_ptr(args[0]), vm_ptr(args[1])))
               : VM_NULL;
}

/* -- list ------------------------------------------------------------------------------------------ */

/* The last item, or one from the front, where list_resize() would only count. */
static VmWord
compute_pop(VmFrame *f, VmWord *args, size_t n)
{
    PyListObject *l = (n == 1 || n == 2) && vm_is_obj(args[0]) ? (PyListObject *)vm_ptr(args[0]) : NULL;
    if (l == NULL || !PyList_CheckExact(l))
        return VM_NULL;
    Py_ssize_t left = Py_SIZE(l) - 1, at = left;
    if (left < 0 || left < l->allocated >> 1)
        return VM_NULL;
    if (n == 2) {
        if (!vm_is_int(args[1]) || vm_int(args[1]) < 0 || vm_int(args[1]) > left)
            return VM_NULL;
        at = (Py_ssize_t)vm_int(args[1]);
    }
    PyObject *o = l->ob_item[at];
    memmove(&l->ob_item[at], &l->ob_item[at + 1], (size_t)(left - at) * sizeof(PyObject *));
    Py_SET_SIZE(l, left);
    return vm_from_ptr(o);
}

static VmWord
compute_insert(VmFrame *f, VmWord *args, size_t n)
{
    PyObject *l = n == 3 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL;
    if (l == NULL || !PyList_CheckExact(l) || !vm_is_int(args[1]))
        return VM_NULL;
    PyObject *o = vm_is_obj(args[2]) ? Py_NewRef(vm_ptr(args[2])) : vm_box_shared(f, args[2]);
    int status = o == NULL ? -1 : PyList_Insert(l, (Py_ssize_t)vm_int(args[1]), o);
    Py_XDECREF(o);
    if (status == 0)
        return VM_NONE;
    PyErr_Clear();              /* the general way says it again */
    return VM_NULL;
}

/* -- the table ------------------------------------------------------------------------------------- */

const VmMethod vm_methods[] = {
    {&PyUnicode_Type, "startswith", compute_startswith},
    {&PyUnicode_Type, "endswith", compute_endswith},
    {&PyUnicode_Type, "find", compute_find},
    {&PyUnicode_Type, "strip", compute_strip},
    {&PyUnicode_Type, "lstrip", compute_lstrip},
    {&PyUnicode_Type, "rstrip", compute_rstrip},
    {&PyUnicode_Type, "lower", compute_lower},
    {&PyUnicode_Type, "upper", compute_upper},
    {&PyUnicode_Type, "join", compute_join},
    {&PyList_Type, "pop", compute_pop},
    {&PyList_Type, "insert", compute_insert},
    {NULL},
};
