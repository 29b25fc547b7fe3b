/* Strings of ASCII characters, made and grown in place.
 *
 * PyUnicode_New() and PyUnicode_Append() do the same for every kind of string; what is here knows the
 * one kind that nearly all are.
 */
#ifndef CPY_TEXT_H
#define CPY_TEXT_H

#include "cpyext_compat/cpy_version.h"

#include <string.h>

void cpy_text_init(void);       /* once */

/* A str, or an instance of a subclass, whose characters are ASCII and behind its head. */
static inline int
cpy_is_ascii_text(PyObject *o)
{
    return PyUnicode_Check(o) && PyUnicode_IS_COMPACT_ASCII(o);
}

static inline char *
cpy_ascii_data(PyObject *s)
{
    return (char *)((PyASCIIObject *)s + 1);
}

/* n characters, which mostly are few: no call for those.  -> behind the last one */
static inline char *
cpy_copy_text(char *to, const char *from, size_t n)
{
#define BOTH_ENDS(size) (memcpy(to, from, size), memcpy(to + n - (size), from + n - (size), size))
    if (n > 16)
        memcpy(to, from, n);
    else if (n >= 8)
        BOTH_ENDS(8);
    else if (n >= 4)
        BOTH_ENDS(4);
    else if (n >= 2)
        BOTH_ENDS(2);
    else if (n == 1)
        *to = *from;
#undef BOTH_ENDS
    return to + n;
}

/* A str of n ASCII characters, which the caller writes before anybody sees it.  -> new */
static inline PyObject *
cpy_ascii_new(Py_ssize_t n)
{
#if PY_VERSION_HEX < 0x030C0000 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
    /* Objects/unicodeobject.c, PyUnicode_New (3.11) */
    if (n > 0 && n < PY_SSIZE_T_MAX / 2) {
        PyASCIIObject *s = PyObject_Malloc(sizeof(PyASCIIObject) + (size_t)n + 1);
        if (s == NULL)
            return PyErr_NoMemory();
        s->ob_base.ob_refcnt = 1;
        s->ob_base.ob_type = &PyUnicode_Type;
        s->length = n;
        s->hash = -1;
        memset(&s->state, 0, sizeof s->state);
        s->state.kind = PyUnicode_1BYTE_KIND;
        s->state.compact = s->state.ascii = s->state.ready = 1;
        s->wstr = NULL;
        cpy_ascii_data((PyObject *)s)[n] = 0;
        return (PyObject *)s;
    }
#endif
    return PyUnicode_New(n, 127);
}

/* *left + right, both exact strs, in the place of *left (taken) when nobody else has that.  As with
   PyUnicode_Append(), *left is NULL with MemoryError.  Room is left for more, so that text made bit
   by bit is copied seldom. */
void cpy_text_append(PyObject **left, PyObject *right);

#endif
