/* Dates, times and durations → JSON text: DjangoJSONEncoder's forms, or the full
   isoformat of the drf dialect. */
#include "pf_style.h"

char *
pf_put_2(char *p, int v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

char *
pf_put_4(char *p, int v)
{
    return pf_put_2(pf_put_2(p, v / 100), v % 100);
}

static char *
put_6(char *p, int v)
{
    return pf_put_4(pf_put_2(p, v / 10000), v % 10000);
}

static char *
put_day(char *p, PyObject *v)
{
    p = pf_put_4(p, PyDateTime_GET_YEAR(v));
    *p++ = '-';
    p = pf_put_2(p, PyDateTime_GET_MONTH(v));
    *p++ = '-';
    return pf_put_2(p, PyDateTime_GET_DAY(v));
}

/* ".123" as Django's r[:23] cuts it (not rounded), ".123456" for drf */
static char *
put_fraction(char *p, int us, int full)
{
    if (us == 0)
        return p;
    *p++ = '.';
    if (full)
        return put_6(p, us);
    *p++ = (char)('0' + us / 100000);
    return pf_put_2(p, us / 1000 % 100);
}

static char *
put_clock(char *p, int h, int m, int s)
{
    p = pf_put_2(p, h);
    *p++ = ':';
    p = pf_put_2(p, m);
    *p++ = ':';
    return pf_put_2(p, s);
}

/* isoformat's offset; a whole zero becomes Z */
static char *
put_offset(char *p, PyObject *delta)
{
    int64_t s = (int64_t)PyDateTime_DELTA_GET_DAYS(delta) * 86400
                + PyDateTime_DELTA_GET_SECONDS(delta);
    int us = PyDateTime_DELTA_GET_MICROSECONDS(delta);

    if (s == 0 && us == 0) {
        *p++ = 'Z';
        return p;
    }
    *p++ = s < 0 ? '-' : '+';
    if (s < 0) { /* negate (s, us) */
        s = -s - (us != 0);
        us = us != 0 ? 1000000 - us : 0;
    }
    p = pf_put_2(p, (int)(s / 3600));
    *p++ = ':';
    p = pf_put_2(p, (int)(s / 60 % 60));
    if (s % 60 != 0 || us != 0) {
        *p++ = ':';
        p = pf_put_2(p, (int)(s % 60));
        if (us != 0) {
            *p++ = '.';
            p = put_6(p, us);
        }
    }
    return p;
}

int
pf_write_datetime_as(PfWriter *w, PyObject *v, int assume_utc)
{
    PyObject *tz = PyDateTime_DATE_GET_TZINFO(v);
    PyObject *offset = NULL; /* owned */
    char *p;

    if (tz != Py_None && tz != PyDateTime_TimeZone_UTC) {
        offset = PyObject_CallMethodNoArgs(v, w->st->s_utcoffset);
        if (offset == NULL)
            return -1;
    }
    if (pf_out_room(&w->out, 64) < 0) {
        Py_XDECREF(offset);
        return -1;
    }
    p = w->out.p;
    *p++ = '"';
    p = put_day(p, v);
    *p++ = 'T';
    p = put_clock(p, PyDateTime_DATE_GET_HOUR(v), PyDateTime_DATE_GET_MINUTE(v),
                  PyDateTime_DATE_GET_SECOND(v));
    p = put_fraction(p, PyDateTime_DATE_GET_MICROSECOND(v), w->style->drf);
    if (offset != NULL && PyDelta_Check(offset))
        p = put_offset(p, offset);
    else if (tz == PyDateTime_TimeZone_UTC || (tz == Py_None && assume_utc))
        *p++ = 'Z';
    *p++ = '"';
    w->out.p = p;
    Py_XDECREF(offset);
    return 0;
}

int
pf_write_datetime(PfWriter *w, PyObject *v)
{
    return pf_write_datetime_as(w, v, 0);
}

int
pf_write_date(PfWriter *w, PyObject *v)
{
    if (pf_out_room(&w->out, 16) < 0)
        return -1;
    *w->out.p++ = '"';
    w->out.p = put_day(w->out.p, v);
    *w->out.p++ = '"';
    return 0;
}

int
pf_write_time(PfWriter *w, PyObject *v)
{
    char *p;

    if (pf_out_room(&w->out, 24) < 0)
        return -1;
    p = w->out.p;
    *p++ = '"';
    p = put_clock(p, PyDateTime_TIME_GET_HOUR(v), PyDateTime_TIME_GET_MINUTE(v),
                  PyDateTime_TIME_GET_SECOND(v));
    p = put_fraction(p, PyDateTime_TIME_GET_MICROSECOND(v), w->style->drf);
    *p++ = '"';
    w->out.p = p;
    return 0;
}

/* django.utils.duration.duration_iso_string; 0 <= seconds < 86400 */
int
pf_write_duration(PfWriter *w, int64_t days, int64_t seconds, int us)
{
    char *p;

    if (pf_out_room(&w->out, 64) < 0)
        return -1;
    p = w->out.p;
    *p++ = '"';
    if (days < 0) { /* negate (days, seconds, us) */
        *p++ = '-';
        if (us != 0) {
            us = 1000000 - us;
            seconds += 1;
        }
        if (seconds != 0) {
            seconds = 86400 - seconds;
            days += 1;
        }
        days = -days;
    }
    *p++ = 'P';
    p = pf_put_i64(p, days);
    *p++ = 'D';
    *p++ = 'T';
    p = pf_put_2(p, (int)(seconds / 3600));
    *p++ = 'H';
    p = pf_put_2(p, (int)(seconds / 60 % 60));
    *p++ = 'M';
    p = pf_put_2(p, (int)(seconds % 60));
    if (us != 0) {
        *p++ = '.';
        p = put_6(p, us);
    }
    *p++ = 'S';
    *p++ = '"';
    w->out.p = p;
    return 0;
}

int
pf_write_timedelta(PfWriter *w, PyObject *v)
{
    int days = PyDateTime_DELTA_GET_DAYS(v);

    if (days == -999999999) /* its negation overflows, in Django too */
        return pf_write_fallback(w, v);
    return pf_write_duration(w, days, PyDateTime_DELTA_GET_SECONDS(v),
                             PyDateTime_DELTA_GET_MICROSECONDS(v));
}
