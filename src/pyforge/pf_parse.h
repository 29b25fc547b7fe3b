/* JSON bytes → Python values, equal to json.loads within limits; iterative. */
#ifndef PF_PARSE_H
#define PF_PARSE_H

#include "pf_state.h"

typedef struct {
    Py_ssize_t max_bytes, max_depth, max_items, max_string, max_digits;
} PfLimits;

enum { KEY_CACHE = 64 };

typedef struct {
    PfState *st;
    const char *start, *p, *end;
    PfLimits limits;
    Py_ssize_t outer; /* levels open around the values that are asked for */
    int python;   /* NaN, Infinity and lone surrogates as json.loads takes them */
    int malformed; /* not JSON, as far as we can tell: json.loads makes the error */
    PyObject *keys[KEY_CACHE]; /* owned; short keys seen lately */
} PfJson;

/* A string token: its span without quotes. `plain`: ASCII without escapes. */
typedef struct {
    const char *s;
    Py_ssize_t n;
    char plain, escaped;
} PfToken;

void pf_json_init(PfJson *j, PfState *st, const char *s, Py_ssize_t n, PfLimits limits,
                  int python);
void pf_json_clear(PfJson *j);
int pf_json_limits(PyObject *tuple, PfLimits *limits);
int pf_json_limit_error(PfJson *j, const char *name, Py_ssize_t limit); /* -1 */

static inline void
pf_json_space(PfJson *j)
{
    while (j->p < j->end && (unsigned char)*j->p <= ' '
           && (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r'))
        j->p++;
}

int pf_json_string(PfJson *j, PfToken *t);              /* at '"'; 0 or -1 */
PyObject *pf_json_text(PfJson *j, const PfToken *t);    /* -> new */
PyObject *pf_json_value(PfJson *j);                     /* -> new; any value */
/* NULL and -1 with j->malformed and no exception, or with an exception set */

PyObject *pf_loads(PyObject *module, PyObject *args);

#endif
