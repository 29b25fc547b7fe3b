/* Numbers → JSON text, exactly as int.__repr__, float.__repr__ and str(Decimal). */
#include <math.h>

#include "cpyext_compat/cpy_json.h"
#include "cpyext_compat/cpy_uint128.h"
#include "generated/pow10_table.h"
#include "pf_style.h"

/* -- Integers ----------------------------------------------------------------- */

static const char two_digits[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940"
    "4142434445464748495051525354555657585960616263646566676869707172737475767778798081"
    "828384858687888990919293949596979899";

static char *
put_u64(char *p, uint64_t u)
{
    char t[20], *q = t + 20;
    size_t n;

    while (u >= 100) {
        q -= 2;
        memcpy(q, two_digits + u % 100 * 2, 2);
        u /= 100;
    }
    if (u >= 10) {
        q -= 2;
        memcpy(q, two_digits + u * 2, 2);
    }
    else {
        *--q = (char)('0' + u);
    }
    n = (size_t)(t + 20 - q);
    memcpy(p, q, n);
    return p + n;
}

char *
pf_put_i64(char *p, int64_t v)
{
    if (v >= 0)
        return put_u64(p, (uint64_t)v);
    *p++ = '-';
    return put_u64(p, 0 - (uint64_t)v);
}

int
pf_write_i64(PfWriter *w, int64_t v)
{
    if (pf_out_room(&w->out, 24) < 0)
        return -1;
    w->out.p = pf_put_i64(w->out.p, v);
    return 0;
}

static int
write_repr(PfWriter *w, PyObject *text) /* takes text */
{
    int r = -1;

    if (text != NULL)
        r = pf_out_put(&w->out, PyUnicode_DATA(text), (size_t)PyUnicode_GET_LENGTH(text));
    Py_XDECREF(text);
    return r;
}

int
pf_write_int(PfWriter *w, PyObject *v)
{
    int overflow;
    long long x = PyLong_AsLongLongAndOverflow(v, &overflow);

    if (overflow != 0) /* int.__repr__ knows the digit limit */
        return write_repr(w, PyLong_Type.tp_repr(v));
    if (x == -1 && PyErr_Occurred())
        return -1;
    return pf_write_i64(w, x);
}

/* -- Floats -------------------------------------------------------------------

   Shortest digits that read back as the same double, nearest to it, by Raffaello
   Giulietti's Schubfach: three multiplications by a power of ten with 128 bits,
   rounded to odd, tell which of four candidates lie in the rounding interval. */

static inline uint64_t
round_to_odd(const uint64_t g[2], uint64_t cp)
{
    unsigned __int128 low = (unsigned __int128)g[1] * cp;
    unsigned __int128 high = (unsigned __int128)g[0] * cp + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* v = *digits * 10^result; v finite and positive */
static int
shortest(double v, uint64_t *digits)
{
    uint64_t bits, c, s;
    int e, q, k, h, closer, odd, lower_in, upper_in;
    uint64_t vbl, vb, vbr, lower, upper;
    const uint64_t *g;

    memcpy(&bits, &v, 8);
    c = bits & (((uint64_t)1 << 52) - 1);
    e = (int)(bits >> 52);
    closer = c == 0 && e > 1;
    q = e != 0 ? e - 1075 : -1074;
    if (e != 0)
        c |= (uint64_t)1 << 52;
    if (q <= 0 && q > -53 && (c & (((uint64_t)1 << -q) - 1)) == 0) {
        *digits = c >> -q; /* a small integer */
        return 0;
    }
    k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
    h = q + (-k * 1741647 >> 19) + 1;
    g = pow10_table[-k - POW10_FIRST];
    vb = round_to_odd(g, (4 * c) << h);
    vbl = round_to_odd(g, (4 * c - 2 + (unsigned)closer) << h);
    vbr = round_to_odd(g, (4 * c + 2) << h);
    odd = (int)(c & 1);
    lower = vbl + (unsigned)odd;
    upper = vbr - (unsigned)odd;
    s = vb / 4;
    if (s >= 10) {
        uint64_t sp = s / 10;
        lower_in = lower <= 40 * sp;
        upper_in = 40 * sp + 40 <= upper;
        if (lower_in != upper_in) {
            *digits = sp + (unsigned)upper_in;
            return k + 1;
        }
    }
    lower_in = lower <= 4 * s;
    upper_in = 4 * s + 4 <= upper;
    if (lower_in != upper_in)
        *digits = s + (unsigned)upper_in;
    else
        *digits = s + (vb > 4 * s + 2 || (vb == 4 * s + 2 && (s & 1)));
    return k;
}

/* Lays digits out as float.__repr__ does. */
static char *
put_float(char *p, const char *d, int n, int point)
{
    if (point > 16 || point <= -4) {
        int e = point - 1;
        *p++ = *d;
        if (n > 1) {
            *p++ = '.';
            memcpy(p, d + 1, (size_t)n - 1);
            p += n - 1;
        }
        *p++ = 'e';
        *p++ = e < 0 ? '-' : '+';
        e = e < 0 ? -e : e;
        if (e < 10)
            *p++ = '0';
        return put_u64(p, (uint64_t)e);
    }
    if (point <= 0) {
        memcpy(p, "0.000", 5);
        p += 2 - point;
        memcpy(p, d, (size_t)n);
        return p + n;
    }
    if (point >= n) {
        memcpy(p, d, (size_t)n);
        memset(p + n, '0', (size_t)(point - n));
        p += point;
        memcpy(p, ".0", 2);
        return p + 2;
    }
    memcpy(p, d, (size_t)point);
    p[point] = '.';
    memcpy(p + point + 1, d + point, (size_t)(n - point));
    return p + n + 1;
}

int
pf_double_repr(double v, char out[32])
{
    char d[24], *p = out;
    uint64_t digits;
    int k, n;

    if (signbit(v)) {
        *p++ = '-';
        v = -v;
    }
    if (v == 0.0) {
        memcpy(p, "0.0", 3);
        return (int)(p + 3 - out);
    }
    k = shortest(v, &digits);
    while (digits % 10 == 0) {
        digits /= 10;
        k++;
    }
    n = (int)(put_u64(d, digits) - d);
    return (int)(put_float(p, d, n, n + k) - out);
}

int
pf_write_float(PfWriter *w, double v)
{
    if (!isfinite(v)) {
        const char *text = isnan(v) ? "NaN" : v > 0 ? "Infinity"
                                                    : "-Infinity";
        if (w->style->allow_nan)
            return pf_write_lit(w, text, strlen(text));
        {
            PyObject *f = PyFloat_FromDouble(v);
            PyErr_Format(PyExc_ValueError,
                         CPY_NAN_MESSAGE_HAS_VALUE
                             ? "Out of range float values are not JSON compliant: %R"
                             : "Out of range float values are not JSON compliant",
                         f);
            Py_XDECREF(f);
        }
        return -1;
    }
    if (pf_out_room(&w->out, 40) < 0)
        return -1;
    w->out.p += pf_double_repr(v, w->out.p);
    return 0;
}

/* -- Decimal and UUID --------------------------------------------------------- */

int
pf_write_decimal(PfWriter *w, PyObject *v)
{
    PyObject *text = Py_TYPE(v)->tp_str(v); /* ASCII without anything to escape */
    size_t n;

    if (text == NULL)
        return -1;
    n = (size_t)PyUnicode_GET_LENGTH(text);
    if (pf_out_room(&w->out, n + 2) < 0) {
        Py_DECREF(text);
        return -1;
    }
    *w->out.p++ = '"';
    memcpy(w->out.p, PyUnicode_DATA(text), n);
    w->out.p += n;
    *w->out.p++ = '"';
    Py_DECREF(text);
    return 0;
}

int
pf_write_uuid_bytes(PfWriter *w, const unsigned char b[16])
{
    char *p;

    if (pf_out_room(&w->out, 40) < 0)
        return -1;
    p = w->out.p;
    *p++ = '"';
    for (int i = 0; i < 16; i++) {
        memcpy(p, &pf_hex_pair[b[i]], 2);
        p += 2;
        if (i == 3 || i == 5 || i == 7 || i == 9)
            *p++ = '-';
    }
    *p++ = '"';
    w->out.p = p;
    return 0;
}

int
pf_write_uuid(PfWriter *w, PyObject *v)
{
    PyObject *number = pf_uuid_int(w->st, v);
    unsigned char b[16];

    if (number == NULL || !PyLong_CheckExact(number))
        return pf_write_fallback(w, v);
    if (cpy_uint128_as_bytes(number, b) < 0) {
        PyErr_Clear();
        return pf_write_fallback(w, v);
    }
    return pf_write_uuid_bytes(w, b);
}
