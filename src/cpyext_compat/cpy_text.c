/* Growing strings. */
#include "cpyext_compat/cpy_text.h"

#if PY_VERSION_HEX >= 0x030D0000
#  include "internal/pycore_pymem.h"
#endif

#ifdef __linux__
#  include <malloc.h>
#  define BLOCK_BYTES(p) malloc_usable_size(p)
#endif

/* Objects/obmalloc.c, SMALL_REQUEST_THRESHOLD (3.11 to 3.14): what is larger is malloc's own block */
#define LARGEST_SMALL 512

static PyMemAllocatorEx usual;  /* of objects, when that is CPython's own; else all NULL */

void
cpy_text_init(void)
{
    const char *name = _PyMem_GetCurrentAllocatorName();
    if (name != NULL && strcmp(name, "pymalloc") == 0)
        PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &usual);
}

/* A str in a block of malloc's, which was grown to that length: while it has it nobody else's object
   can be there. */
static struct {
    PyObject *o;
    Py_ssize_t length;
} grown;

/* How many bytes the block of a large object has.  0: nobody knows */
static size_t
room_of(PyObject *o)
{
#ifdef BLOCK_BYTES
    if (o != grown.o || PyUnicode_GET_LENGTH(o) != grown.length) {
        PyMemAllocatorEx now;   /* slow to ask for */
        PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
        if (usual.realloc == NULL || now.realloc != usual.realloc || now.ctx != usual.ctx)
            return 0;
    }
    return BLOCK_BYTES(o);
#endif
    return 0;
}

/* Objects/unicodeobject.c, unicode_modifiable (3.11 to 3.14), and all ASCII. */
static int
may_grow(PyObject *s)
{
    return Py_REFCNT(s) == 1 && PyUnicode_IS_COMPACT_ASCII(s) && ((PyASCIIObject *)s)->hash == -1
           && !PyUnicode_CHECK_INTERNED(s)
#if PY_VERSION_HEX < 0x030C0000
           && ((PyASCIIObject *)s)->wstr == NULL
#endif
        ;
}

/* A block for s of `length` characters, and perhaps more.  -> s or where it is now, NULL: as before */
static PyObject *
make_room(PyObject *s, Py_ssize_t length)
{
    size_t head = sizeof(PyASCIIObject) + 1, wanted = head + (size_t)length;
    if (head + (size_t)PyUnicode_GET_LENGTH(s) <= LARGEST_SMALL)
        return PyObject_Realloc(s, wanted);
    size_t room = room_of(s);
    if (room < wanted)
        s = PyObject_Realloc(s, wanted + wanted / 8);
    grown.o = room == 0 ? NULL : s;
    grown.length = length;
    return s;
}

void
cpy_text_append(PyObject **left, PyObject *right)
{
    PyObject *s = *left;
    Py_ssize_t n = PyUnicode_GET_LENGTH(s), more = PyUnicode_GET_LENGTH(right);
#ifndef Py_TRACE_REFS
    if (may_grow(s) && PyUnicode_IS_COMPACT_ASCII(right) && more > 0
        && n < PY_SSIZE_T_MAX / 4 && more < PY_SSIZE_T_MAX / 4) {
        s = make_room(s, n + more);
        if (s != NULL) {
            *cpy_copy_text(cpy_ascii_data(s) + n, cpy_ascii_data(right), (size_t)more) = 0;
            ((PyASCIIObject *)s)->length = n + more;
            *left = s;
            return;
        }
    }
#endif
    PyUnicode_Append(left, right);
}
