/* Strict readers of small texts; see pf_scan.h. */
#include "pf_scan.h"

#include <float.h>
#include <string.h>

#include "cpyext_compat/cpy_uint128.h"

static inline int
digit_of(char c)
{
    unsigned d = (unsigned char)c - '0';
    return d > 9 ? -1 : (int)d;
}

/* -1 unless both are digits */
static inline int
two(const char *s)
{
    int a = digit_of(s[0]), b = digit_of(s[1]);
    return (a | b) < 0 ? -1 : a * 10 + b;
}

static int
days_in_month(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

/* -- Dates and times ---------------------------------------------------------- */

int
pf_scan_date(const char *s, Py_ssize_t n, PfStamp *t)
{
    int century, year;

    if (n != 10 || s[4] != '-' || s[7] != '-')
        return 0;
    century = two(s);
    year = two(s + 2);
    t->month = two(s + 5);
    t->day = two(s + 8);
    if ((century | year | t->month | t->day) < 0)
        return 0;
    t->year = century * 100 + year;
    return t->year >= 1 && t->month >= 1 && t->month <= 12 && t->day >= 1
           && t->day <= days_in_month(t->year, t->month);
}

static int
scan_fraction(const char *s, Py_ssize_t n, int *us)
{
    int v = 0;

    if (n < 1 || n > 6)
        return 0;
    for (Py_ssize_t i = 0; i < 6; i++) {
        int d = i < n ? digit_of(s[i]) : 0;
        if (d < 0)
            return 0;
        v = v * 10 + d;
    }
    *us = v;
    return 1;
}

int
pf_scan_clock(const char *s, Py_ssize_t n, PfStamp *t)
{
    t->second = t->us = 0;
    if (n < 5 || s[2] != ':' || (n > 5 && (n < 8 || s[5] != ':')))
        return 0;
    t->hour = two(s);
    t->minute = two(s + 3);
    if (n > 5)
        t->second = two(s + 6);
    if ((t->hour | t->minute | t->second) < 0 || t->hour > 23 || t->minute > 59
        || t->second > 59)
        return 0;
    return n <= 8 || (s[8] == '.' && scan_fraction(s + 9, n - 9, &t->us));
}

/* Takes the offset off the end: how many characters remain, or -1. */
static Py_ssize_t
scan_offset(const char *s, Py_ssize_t n, PfStamp *t)
{
    int h, m;

    t->has_offset = 0;
    t->offset = 0;
    if (s[n - 1] == 'Z') {
        t->has_offset = 1;
        return n - 1;
    }
    if (n < 16 + 6 || (s[n - 6] != '+' && s[n - 6] != '-'))
        return n;
    h = two(s + n - 5);
    m = two(s + n - 2);
    if (s[n - 3] != ':' || h < 0 || m < 0 || h > 23 || m > 59)
        return -1;
    t->has_offset = 1;
    t->offset = (h * 60 + m) * 60;
    if (s[n - 6] == '-')
        t->offset = -t->offset;
    return n - 6;
}

int
pf_scan_stamp(const char *s, Py_ssize_t n, PfStamp *t)
{
    if (n < 16 || (s[10] != 'T' && s[10] != ' ') || !pf_scan_date(s, 10, t))
        return 0;
    n = scan_offset(s, n, t);
    return n >= 16 && pf_scan_clock(s + 11, n - 11, t);
}

int
pf_scan_duration(const char *s, Py_ssize_t n, int64_t *days, PfStamp *t)
{
    const char *space = memchr(s, ' ', (size_t)n);

    *days = 0;
    if (space != NULL) {
        if (digit_of(s[0]) < 0 || space - s > 9 || !pf_scan_i64(s, space - s, days))
            return 0;
        n -= space + 1 - s;
        s = space + 1;
    }
    return n >= 8 && pf_scan_clock(s, n, t);
}

PyObject *
pf_make_date(const PfStamp *t)
{
    PyObject *v = PyDate_FromDate(t->year, t->month, t->day);
    if (v == NULL)
        PyErr_Clear();
    return v;
}

PyObject *
pf_make_time(const PfStamp *t)
{
    PyObject *v = PyTime_FromTime(t->hour, t->minute, t->second, t->us);
    if (v == NULL)
        PyErr_Clear();
    return v;
}

static PyObject *
make_zone(const PfStamp *t)
{
    PyObject *delta, *zone;

    if (!t->has_offset)
        return Py_NewRef(Py_None);
    if (t->offset == 0)
        return Py_NewRef(PyDateTime_TimeZone_UTC);
    delta = PyDelta_FromDSU(0, t->offset, 0);
    zone = delta == NULL ? NULL : PyTimeZone_FromOffset(delta);
    Py_XDECREF(delta);
    return zone;
}

PyObject *
pf_make_datetime(const PfStamp *t)
{
    PyObject *zone = make_zone(t), *v = NULL;

    if (zone != NULL)
        v = PyDateTimeAPI->DateTime_FromDateAndTime(
            t->year, t->month, t->day, t->hour, t->minute, t->second, t->us, zone,
            PyDateTimeAPI->DateTimeType);
    if (v == NULL)
        PyErr_Clear();
    Py_XDECREF(zone);
    return v;
}

/* -- UUID --------------------------------------------------------------------- */

enum { NOT_HEX = 0x100 }; /* stays above a byte however it is shifted in */

static uint16_t hex_value[256];

void
pf_scan_init(void)
{
    for (int c = 0; c < 256; c++) { /* one store each: another interpreter may be reading */
        int letter = (c | 32) - 'a', digit = c - '0';
        hex_value[c] = (uint16_t)(digit >= 0 && digit <= 9     ? digit
                                  : letter >= 0 && letter <= 5 ? letter + 10
                                                               : NOT_HEX);
    }
}

/* n bytes from 2n digits; ORs into *seen what shows a character that isn't one */
static inline void
hex_bytes(const char *s, int n, unsigned char *out, unsigned *seen)
{
    for (int i = 0; i < n; i++) {
        unsigned v = (unsigned)hex_value[(uint8_t)s[2 * i]] << 4 | hex_value[(uint8_t)s[2 * i + 1]];
        *seen |= v;
        out[i] = (unsigned char)v;
    }
}

int
pf_scan_uuid(const char *s, Py_ssize_t n, unsigned char out[16])
{
    unsigned seen = 0;

    if (n == 32) {
        hex_bytes(s, 16, out, &seen);
        return seen < NOT_HEX;
    }
    if (n != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-')
        return 0;
    hex_bytes(s, 4, out, &seen);
    hex_bytes(s + 9, 2, out + 4, &seen);
    hex_bytes(s + 14, 2, out + 6, &seen);
    hex_bytes(s + 19, 2, out + 8, &seen);
    hex_bytes(s + 24, 6, out + 10, &seen);
    return seen < NOT_HEX;
}

/* What uuid.UUID(hex=...) builds, slot by slot. It refers to an int and an enum member and
   refuses assignment, so that no cycle runs through it: the collector need not visit it. */
PyObject *
pf_make_uuid(const PfState *st, const unsigned char bytes[16])
{
    PyObject *number = cpy_uint128_from_bytes(bytes);
    PyObject *v = number == NULL ? NULL : st->uuid_type->tp_alloc(st->uuid_type, 0);

    if (v == NULL) {
        PyErr_Clear();
        Py_XDECREF(number);
        return NULL;
    }
    *(PyObject **)((char *)v + st->uuid_int_at) = number;
    *(PyObject **)((char *)v + st->uuid_safe_at) = Py_NewRef(st->uuid_unknown);
    PyObject_GC_UnTrack(v);
    return v;
}

/* -- Numbers ------------------------------------------------------------------ */

int
pf_scan_i64(const char *s, Py_ssize_t n, int64_t *v)
{
    int negative = n > 0 && s[0] == '-';
    int64_t x = 0;

    if (n > 0 && (s[0] == '-' || s[0] == '+'))
        s++, n--;
    if (n < 1 || n > 18)
        return 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        int d = digit_of(s[i]);
        if (d < 0)
            return 0;
        x = x * 10 + d;
    }
    *v = negative ? -x : x;
    return 1;
}

int
pf_scan_decimal(const char *s, Py_ssize_t n, PfDigits *d)
{
    int whole = 0, zeros = 1, after = 0, seen = 0; /* `zeros`: only zeros so far */
    int significant = 0;
    Py_ssize_t i = n > 0 && (s[0] == '-' || s[0] == '+');

    if (n > 1000)
        return 0;
    for (; i < n; i++) {
        int v = digit_of(s[i]);
        if (v < 0) {
            if (s[i] != '.' || after)
                return 0;
            after = 1;
            whole = seen;
            continue;
        }
        seen++;
        if (v != 0)
            zeros = 0;
        significant += !zeros;
    }
    if (seen == 0)
        return 0;
    if (!after)
        whole = seen;
    if (significant == 0)
        significant = 1; /* Decimal keeps one zero */
    d->decimals = seen - whole;
    d->digits = significant > d->decimals ? significant : d->decimals;
    return 1;
}

/* Up to 19 digits divided by a power of ten, both exact as a long double of 64 bits: the
   quotient is the true value rounded to 64 bits. Rounding that to 53 is right as well,
   unless it lies exactly in the middle and the true value may be on either side. */
#if LDBL_MANT_DIG == 64
typedef long double Wide;
enum { MAX_DIGITS = 19,
       MAX_AFTER = 27 };
#else
typedef double Wide;
enum { MAX_DIGITS = 15,
       MAX_AFTER = 22 };
#endif
static const Wide exact_powers[] = {
    1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L,
    1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

static int
in_the_middle(Wide x)
{
#if LDBL_MANT_DIG == 64
    uint64_t mantissa;

    memcpy(&mantissa, &x, sizeof mantissa);
    return (mantissa & 0x7ff) == 0x400;
#else
    return 0;
#endif
}

static int
scan_exact(const char *s, Py_ssize_t n, double *v)
{
    uint64_t m = 0;
    int digits = 0, negative = n > 0 && s[0] == '-';
    Py_ssize_t point = -1, after;
    Wide x;

    if (n > MAX_DIGITS + MAX_AFTER)
        return 0;
    for (Py_ssize_t i = negative; i < n; i++) {
        int d = digit_of(s[i]);
        if (d < 0) {
            if (s[i] != '.' || point >= 0)
                return 0;
            point = i;
            continue;
        }
        digits += digits > 0 || d != 0;
        m = m * 10 + (unsigned)d; /* wraps only beyond MAX_DIGITS */
    }
    after = point < 0 ? 0 : n - 1 - point;
    if (n - negative - (point >= 0) < 1 || digits > MAX_DIGITS || after > MAX_AFTER)
        return 0;
    x = (Wide)m / exact_powers[after];
    if (in_the_middle(x))
        return 0;
    *v = (double)(negative ? -x : x);
    return 1;
}

int
pf_scan_double(const char *s, Py_ssize_t n, double *v)
{
    char copy[512], *end;

    if (scan_exact(s, n, v))
        return 1;
    if (n < 1 || n >= (Py_ssize_t)sizeof copy)
        return 0;
    for (Py_ssize_t i = 0; i < n; i++) /* no nan, inf, hex, spaces */
        if (digit_of(s[i]) < 0 && memchr("+-.eE", s[i], 5) == NULL)
            return 0;
    memcpy(copy, s, (size_t)n);
    copy[n] = '\0';
    *v = PyOS_string_to_double(copy, &end, NULL);
    if (*v == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return end == copy + n;
}
