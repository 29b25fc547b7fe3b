/* Text made from values: numbers and ASCII strs with their formats, +, join. */
#include "vm/vm_text.h"

#include "vm/vm_num.h"

/* Room for n characters.  -> behind them, or NULL: there is none */
static inline char *
reserve(VmWriter *w, size_t n)
{
    return (size_t)(w->end - w->at) < n ? NULL : (w->at += n);
}

static inline int                       /* 1, or 0: no room */
put(VmWriter *w, const char *from, size_t n)
{
    char *to = w->at;
    if (reserve(w, n) == NULL)
        return 0;
    cpy_copy_text(to, from, n);
    return 1;
}

PyObject *
vm_ascii_text(const char *from, size_t n)
{
    if (n <= 1)         /* CPython keeps those */
        return PyUnicode_FromStringAndSize(from, (Py_ssize_t)n);
    PyObject *s = cpy_ascii_new((Py_ssize_t)n);
    if (s != NULL)
        cpy_copy_text(cpy_ascii_data(s), from, n);
    return s;
}

/* -- digits ---------------------------------------------------------------------------------- */

/* They are written where they belong, once their number is known: what was written a digit at a time
   and is read again at once makes processors wait. */

#define DIGITS 72               /* sign, 64 binary ones */

/* How an int is written. */
typedef struct {
    uint64_t u;                 /* its magnitude */
    uint8_t bits;               /* of a digit; 0: decimal */
    uint8_t comma, is_negative;
    const char *digits;         /* the characters of digits of that many bits */
} Form;

static inline Form
decimal_form(int64_t i)
{
    return (Form){.u = i < 0 ? -(uint64_t)i : (uint64_t)i, .is_negative = i < 0};
}

static inline unsigned
decimal_digits(uint64_t u)
{
    static const uint64_t powers[] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    unsigned bits = 64 - (unsigned)__builtin_clzll(u | 1), n = bits * 1233 >> 12;     /* log10(2) */
    return n + (u >= powers[n]);
}

/* How many characters those are. */
static inline unsigned
form_length(const Form *form)
{
    unsigned n;
    if (form->bits == 0) {
        n = decimal_digits(form->u);
        if (form->comma)
            n += (n - 1) / 3;
    }
    else
        n = (63 - (unsigned)__builtin_clzll(form->u | 1)) / form->bits + 1;
    return n + form->is_negative;
}

/* Decimal digits of u, ending at `end`.  -> the first */
static inline char *
decimal(char *end, uint64_t u)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    for (; u >= 100; u /= 100)
        memcpy(end -= 2, pairs + u % 100 * 2, 2);
    if (u >= 10)
        return memcpy(end - 2, pairs + u * 2, 2);
    *--end = (char)('0' + u);
    return end;
}

static char *
grouped(char *end, uint64_t u)
{
    for (; u >= 1000; u /= 1000) {
        unsigned low = (unsigned)(u % 1000);
        end -= 4;
        end[0] = ',';
        end[1] = (char)('0' + low / 100);
        end[2] = (char)('0' + low / 10 % 10);
        end[3] = (char)('0' + low % 10);
    }
    return decimal(end, u);
}

static char *
by_bits(char *end, uint64_t u, unsigned bits, const char *digits)
{
    do
        *--end = digits[u & ((1u << bits) - 1)];
    while ((u >>= bits) != 0);
    return end;
}

/* Its form_length() characters, ending at `end`.  -> the first */
static inline char *
write_form(char *end, const Form *form)
{
    char *p = form->bits != 0 ? by_bits(end, form->u, form->bits, form->digits)
              : form->comma   ? grouped(end, form->u)
                              : decimal(end, form->u);
    if (form->is_negative)
        *--p = '-';
    return p;
}

PyObject *
vm_int_text(int64_t i)
{
    Form form = decimal_form(i);
    unsigned n = form_length(&form);
    PyObject *s = cpy_ascii_new(n);
    if (s != NULL)
        write_form(cpy_ascii_data(s) + n, &form);
    return s;
}

static inline int                       /* 1, or 0: no room */
put_form(VmWriter *w, const Form *form)
{
    char *end = reserve(w, form_length(form));
    return end != NULL && write_form(end, form) != NULL;
}

static int
put_decimal(VmWriter *w, int64_t i)
{
    Form form = decimal_form(i);
    return put_form(w, &form);
}

/* -- format specifications --------------------------------------------------------------------- */

/* [align][0][width][,][.precision][type]: what is read here of Python/formatter_unicode.c */
typedef struct {
    char align, type;           /* 0: none given */
    char zero, comma;
    int width, precision;       /* precision -1: none */
} Spec;

static const char *
read_number(const char *p, int *n)
{
    for (*n = 0; *p >= '0' && *p <= '9' && *n < VM_TEXT_ROOM; p++)
        *n = *n * 10 + (*p - '0');
    return p;
}

static int                              /* 1, or 0: one for CPython */
read_spec(PyObject *o, Spec *spec)
{
    *spec = (Spec){.precision = -1};
    if (o == NULL)
        return 1;
    if (!cpy_is_ascii_text(o))
        return 0;
    const char *p = cpy_ascii_data(o), *end = p + PyUnicode_GET_LENGTH(o);
    if (*p == '<' || *p == '>' || *p == '^')
        spec->align = *p++;
    if (*p == '0') {
        spec->zero = 1;
        p++;
    }
    p = read_number(p, &spec->width);
    if (*p == ',') {
        spec->comma = 1;
        p++;
    }
    if (*p == '.') {
        if (p[1] < '0' || p[1] > '9')
            return 0;
        p = read_number(p + 1, &spec->precision);
    }
    if (p != end)
        spec->type = *p++;
    return p == end && spec->width < VM_TEXT_ROOM && spec->precision < VM_TEXT_ROOM
           && !(spec->zero && (spec->align || spec->comma));
}

/* n characters, the first `sign` of which stay in front of zeros. */
static int
put_aligned(VmWriter *w, const Spec *spec, char align, const char *from, size_t n, size_t sign)
{
    size_t width = (size_t)spec->width, pad = width > n ? width - n : 0;
    if ((size_t)(w->end - w->at) < n + pad)
        return 0;
    if (spec->align)
        align = spec->align;
    size_t before = align == '<' ? 0 : align == '^' ? pad / 2
                                                    : pad;
    if (spec->zero) {
        memcpy(w->at, from, sign);
        w->at += sign;
        from += sign;
        n -= sign;
    }
    memset(w->at, spec->zero ? '0' : ' ', before);
    memcpy(w->at + before, from, n);
    memset(w->at + before + n, ' ', pad - before);
    w->at += n + pad;
    return 1;
}

/* 1, or 0: not a form known here */
static int
read_form(Form *form, int64_t i, const Spec *spec)
{
    *form = decimal_form(i);
    form->comma = (uint8_t)spec->comma;
    form->digits = spec->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    switch (spec->type) {
    case 'x':
    case 'X': form->bits = 4; break;
    case 'o': form->bits = 3; break;
    case 'b': form->bits = 1; break;
    case 0:
    case 'd': return spec->precision < 0;
    default: return 0;
    }
    return spec->precision < 0 && !spec->comma;
}

static int
put_int(VmWriter *w, int64_t i, const Spec *spec)
{
    Form form;
    if (!read_form(&form, i, spec))
        return 0;
    if (spec->width == 0)
        return put_form(w, &form);
    char digits[DIGITS], *end = digits + sizeof digits, *p = write_form(end, &form);
    return put_aligned(w, spec, '>', p, (size_t)(end - p), i < 0);
}

static int
put_float(VmWriter *w, double d, const Spec *spec)
{
    int precision = spec->precision, flags = 0;
    char type = spec->type;
    if (type == 0 && precision < 0) {
        type = 'r';
        precision = 0;
        flags = Py_DTSF_ADD_DOT_0;
    }
    else if (type != 'f' && type != 'e' && type != 'g')
        return 0;
    if (spec->comma)
        return 0;
    char *text = PyOS_double_to_string(d, type, precision < 0 ? 6 : precision, flags, NULL);
    if (text == NULL) {
        PyErr_Clear();          /* the general way says it again */
        return 0;
    }
    int done = put_aligned(w, spec, '>', text, strlen(text), *text == '-');
    PyMem_Free(text);
    return done;
}

static int
put_str(VmWriter *w, PyObject *s, const Spec *spec)
{
    size_t n = (size_t)PyUnicode_GET_LENGTH(s);
    if (!PyUnicode_IS_COMPACT_ASCII(s) || spec->zero || spec->comma
        || (spec->type != 0 && spec->type != 's'))
        return 0;
    if (spec->precision >= 0 && (size_t)spec->precision < n)
        n = (size_t)spec->precision;
    return put_aligned(w, spec, '<', cpy_ascii_data(s), n, 0);
}

/* -- values ------------------------------------------------------------------------------------ */

int
vm_text_put_str(VmWriter *w, PyObject *s)
{
    return PyUnicode_IS_COMPACT_ASCII(s)
           && put(w, cpy_ascii_data(s), (size_t)PyUnicode_GET_LENGTH(s));
}

int
vm_text_put_part(VmWriter *w, const VmTextPart *part)
{
    static const char *const names[] = {[VM_NONE] = "None", [VM_FALSE] = "False", [VM_TRUE] = "True"};
    VmWord v = vm_small_box(part->value);
    Spec spec;
    if (vm_is_int(v) && part->spec == NULL)
        return put_decimal(w, vm_int(v));
    if (part->spec == NULL && vm_is_exact_str(v))
        return part->conversion <= 1 && vm_text_put_str(w, vm_ptr(v));
    if (v != VM_NULL && v < VM_FIRST_POINTER)
        return part->spec == NULL && put(w, names[v], strlen(names[v]));
    if (part->conversion != 0 && part->spec != NULL)    /* of the text */
        return 0;
    if (!read_spec(part->spec, &spec))
        return 0;
    if (vm_is_int(v))
        return put_int(w, vm_int(v), &spec);
    if (vm_is_double(v))
        return put_float(w, vm_double(v), &spec);
    if (!vm_is_obj(v))
        return 0;
    PyObject *o = vm_ptr(v);
    if (PyFloat_CheckExact(o))
        return put_float(w, PyFloat_AS_DOUBLE(o), &spec);
    return PyUnicode_CheckExact(o) && put_str(w, o, &spec);
}

/* -- + and join ------------------------------------------------------------------------------------ */

PyObject *
vm_concat(PyObject *left, PyObject *right, int last_use)
{
    if (last_use && Py_REFCNT(left) == 1) {
        cpy_text_append(&left, right);
        return left;
    }
    PyObject *s;
    Py_ssize_t n = PyUnicode_GET_LENGTH(left), m = PyUnicode_GET_LENGTH(right);
    if (n == 0 || m == 0 || n > PY_SSIZE_T_MAX / 4 || m > PY_SSIZE_T_MAX / 4
        || !PyUnicode_IS_COMPACT_ASCII(left) || !PyUnicode_IS_COMPACT_ASCII(right))
        s = PyUnicode_Concat(left, right);
    else if ((s = cpy_ascii_new(n + m)) != NULL) {
        char *to = cpy_copy_text(cpy_ascii_data(s), cpy_ascii_data(left), (size_t)n);
        cpy_copy_text(to, cpy_ascii_data(right), (size_t)m);
    }
    if (last_use)
        Py_DECREF(left);
    return s;
}

/* The characters of all, or -1: not all are ASCII strs */
static Py_ssize_t
length_of_all(PyObject *const *items, Py_ssize_t n)
{
    Py_ssize_t total = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *o = items[i];
        if (!cpy_is_ascii_text(o) || PyUnicode_GET_LENGTH(o) > PY_SSIZE_T_MAX / 4 - total)
            return -1;
        total += PyUnicode_GET_LENGTH(o);
    }
    return total;
}

PyObject *
vm_join_ascii(const char *separator, Py_ssize_t between, PyObject *const *items, Py_ssize_t n)
{
    Py_ssize_t total = n < 2 ? -1 : length_of_all(items, n);
    if (total < 0 || between > PY_SSIZE_T_MAX / 4 / n || total + between * (n - 1) < 2)
        return NULL;
    PyObject *s = cpy_ascii_new(total + between * (n - 1));
    if (s == NULL)
        return NULL;
    char *to = cpy_ascii_data(s);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i > 0)
            to = cpy_copy_text(to, separator, (size_t)between);
        to = cpy_copy_text(to, cpy_ascii_data(items[i]), (size_t)PyUnicode_GET_LENGTH(items[i]));
    }
    return s;
}

PyObject *
vm_join(PyObject *separator, PyObject *parts)
{
    if (!PyUnicode_CheckExact(separator) || !PyUnicode_IS_COMPACT_ASCII(separator)
        || !(PyList_CheckExact(parts) || PyTuple_CheckExact(parts)))
        return NULL;
    return vm_join_ascii(cpy_ascii_data(separator), PyUnicode_GET_LENGTH(separator),
                         PySequence_Fast_ITEMS(parts), PySequence_Fast_GET_SIZE(parts));
}
