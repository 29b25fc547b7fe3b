/* Strict readers of small texts; see pf_scan.h. */
#include "pf_scan.h"

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

/* value + 1 of a hexadecimal digit, 0 for anything else */
static const uint8_t hex_value[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
    ['A'] = 11,
    ['B'] = 12,
    ['C'] = 13,
    ['D'] = 14,
    ['E'] = 15,
    ['F'] = 16,
};

int
pf_scan_uuid(const char *s, Py_ssize_t n, unsigned char out[16])
{
    static const uint8_t at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    const unsigned char *u = (const unsigned char *)s;
    unsigned bad = 0;

    if (n != 32 && n != 36)
        return 0;
    if (n == 36 && (s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-'))
        return 0;
    for (int i = 0; i < 16; i++) {
        int k = n == 36 ? at[i] : 2 * i;
        unsigned high = hex_value[u[k]], low = hex_value[u[k + 1]];
        bad |= (high == 0) | (low == 0);
        out[i] = (unsigned char)((high - 1) << 4 | (low - 1));
    }
    return !bad;
}

/* What uuid.UUID(hex=...) builds, slot by slot. */
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

static const double exact_powers[] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Up to 15 digits and a small power of ten: one exact multiplication or division. */
static int
scan_exact(const char *s, Py_ssize_t n, double *v)
{
    uint64_t m = 0;
    int digits = 0, after = 0, point = 0, seen = 0, negative = n > 0 && s[0] == '-';
    double x;

    for (Py_ssize_t i = negative; i < n; i++) {
        int d = digit_of(s[i]);
        if (d < 0) {
            if (s[i] != '.' || point)
                return 0;
            point = 1;
            continue;
        }
        seen++;
        after += point;
        digits += digits > 0 || d != 0;
        m = m * 10 + (unsigned)d;
        if (digits > 15 || after > 22)
            return 0;
    }
    if (seen == 0)
        return 0;
    x = (double)m / exact_powers[after];
    *v = negative ? -x : x;
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
