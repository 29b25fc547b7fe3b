/* A growing byte buffer that becomes the bytes object without a last copy.

   Writers ask for room once (pf_out_room), then store through `p` freely. */
#ifndef PF_OUT_H
#define PF_OUT_H

#include <Python.h>
#include <string.h>

typedef struct {
    char *p;         /* next byte to write */
    char *end;       /* one past the reserved bytes */
    PyObject *bytes; /* owned; the buffer itself */
} PfOut;

int pf_out_init(PfOut *o, Py_ssize_t hint);
int pf_out_grow(PfOut *o, size_t need);
PyObject *pf_out_finish(PfOut *o); /* -> new; the buffer is gone afterwards */
void pf_out_clear(PfOut *o);       /* safe on a zeroed or finished buffer */

static inline size_t
pf_out_size(const PfOut *o)
{
    return (size_t)(o->p - PyBytes_AS_STRING(o->bytes));
}

static inline int
pf_out_room(PfOut *o, size_t need)
{
    return (size_t)(o->end - o->p) >= need ? 0 : pf_out_grow(o, need);
}

static inline int
pf_out_put(PfOut *o, const char *s, size_t n)
{
    if (pf_out_room(o, n) < 0)
        return -1;
    memcpy(o->p, s, n);
    o->p += n;
    return 0;
}

enum { PF_OUT_BLOCK = 32 };

/* The same for a short text with PF_OUT_BLOCK readable bytes behind it: whole blocks are
   stored, and what they store too much is written over. */
static inline int
pf_out_key(PfOut *o, const char *s, size_t n)
{
    if (pf_out_room(o, n + PF_OUT_BLOCK) < 0)
        return -1;
    for (size_t i = 0; i < n; i += PF_OUT_BLOCK)
        memcpy(o->p + i, s + i, PF_OUT_BLOCK);
    o->p += n;
    return 0;
}

static inline int
pf_out_char(PfOut *o, char c)
{
    if (pf_out_room(o, 1) < 0)
        return -1;
    *o->p++ = c;
    return 0;
}

#endif
