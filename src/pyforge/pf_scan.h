/* Strict readers of small texts: digits, dates, times, numbers, UUIDs.

   They accept one plain spelling each and answer "not sure" for everything else, so
   that a caller can hand the odd case to Python. No exception is ever left set, save
   MemoryError turned into "not sure". */
#ifndef PF_SCAN_H
#define PF_SCAN_H

#include "pf_state.h"

typedef struct {
    int year, month, day, hour, minute, second, us;
    int has_offset, offset; /* seconds east of UTC */
} PfStamp;

/* 1 when the whole text has the form and every part is in range, else 0 */
int pf_scan_date(const char *s, Py_ssize_t n, PfStamp *t);     /* YYYY-MM-DD */
int pf_scan_clock(const char *s, Py_ssize_t n, PfStamp *t);    /* HH:MM[:SS[.f{1,6}]] */
int pf_scan_stamp(const char *s, Py_ssize_t n, PfStamp *t);    /* date[T ]clock[Z|±HH:MM] */
int pf_scan_duration(const char *s, Py_ssize_t n, int64_t *days, PfStamp *t);
int pf_scan_i64(const char *s, Py_ssize_t n, int64_t *v);      /* [+-]?d{1,18} */
void pf_scan_init(void); /* tables; once, at import */
int pf_scan_uuid(const char *s, Py_ssize_t n, unsigned char out[16]);

/* -> new, or NULL without an exception when not sure */
PyObject *pf_make_date(const PfStamp *t);
PyObject *pf_make_time(const PfStamp *t);
PyObject *pf_make_datetime(const PfStamp *t);
PyObject *pf_make_uuid(const PfState *st, const unsigned char bytes[16]);

/* A JSON number or float literal, whole text; 0 when malformed or out of range. */
int pf_scan_double(const char *s, Py_ssize_t n, double *v);

/* [-+]?digits[.digits]: how many digits Decimal would report, and how many of them
   after the point. 0 for any other spelling (exponents, NaN, underscores, …). */
typedef struct {
    int digits, decimals;
} PfDigits;
int pf_scan_decimal(const char *s, Py_ssize_t n, PfDigits *d);

#endif
