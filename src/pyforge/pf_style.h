/* How a JSON text looks: separators, escapes, the texts of times and decimals.
   One of four dialects, or json.dumps arguments. Immutable once built. */
#ifndef PF_STYLE_H
#define PF_STYLE_H

#include "pf_out.h"
#include "pf_state.h"

typedef struct {
    char ascii;        /* every character above U+007E as \uXXXX */
    char escape_lines; /* U+2028 and U+2029 escaped in UTF-8 text (drf) */
    char drf;          /* isoformat in full; Decimal and timedelta by the encoder */
    char plain;        /* only what json itself knows; the rest by `fallback` */
    char allow_nan;
    char sort_keys;
    char skip_keys;
    char check_circular;
    char custom;       /* fallback is user code: iterate over snapshots */
    PyObject *fallback; /* owned; called for every type not written natively */
    PyObject *item_sep, *key_sep; /* owned bytes */
    PyObject *indent;             /* owned bytes or NULL */
} PfStyle;

/* Where the writer stands while nested containers are open. */
typedef struct PfOpen {
    PyObject *object; /* borrowed: its frame up the C stack owns it */
    struct PfOpen *outer;
} PfOpen;

typedef struct {
    PfOut out;
    const PfState *st;
    const PfStyle *style; /* borrowed from the encoder, which the caller holds */
    PfOpen *open;
    int level;
    Py_ssize_t fallbacks; /* values given to style->fallback */
} PfWriter;

/* pf_write_text.c */
extern uint16_t pf_hex_pair[256]; /* two hex digits, in memory order */
void pf_text_init(void);
const char *pf_text_isa(void);
int pf_write_str(PfWriter *w, PyObject *text); /* any str, subclass included */
int pf_write_utf8(PfWriter *w, const char *s, size_t n); /* valid UTF-8 */
int pf_write_ascii(PfWriter *w, const char *s, size_t n); /* bytes below 0x80 */

/* pf_write_num.c */
int pf_write_int(PfWriter *w, PyObject *v);
int pf_write_i64(PfWriter *w, int64_t v);
int pf_write_float(PfWriter *w, double v);
int pf_write_decimal(PfWriter *w, PyObject *v);
int pf_write_uuid_bytes(PfWriter *w, const unsigned char b[16]);
int pf_write_uuid(PfWriter *w, PyObject *v);
int pf_double_repr(double v, char out[32]); /* repr(v), its length; finite only */
char *pf_put_i64(char *p, int64_t v);

/* pf_write_time.c; digits of fixed width, and whole values */
char *pf_put_2(char *p, int v);
char *pf_put_4(char *p, int v);
int pf_write_datetime(PfWriter *w, PyObject *v); /* exact datetime */
int pf_write_datetime_as(PfWriter *w, PyObject *v, int assume_utc);
int pf_write_date(PfWriter *w, PyObject *v);
int pf_write_time(PfWriter *w, PyObject *v);         /* naive, exact */
int pf_write_timedelta(PfWriter *w, PyObject *v);
int pf_write_duration(PfWriter *w, int64_t days, int64_t seconds, int us);

/* pf_write_nested.c */
int pf_write_value(PfWriter *w, PyObject *v);
int pf_write_fallback(PfWriter *w, PyObject *v);

static inline int
pf_write_lit(PfWriter *w, const char *s, size_t n)
{
    return pf_out_put(&w->out, s, n);
}

#endif
