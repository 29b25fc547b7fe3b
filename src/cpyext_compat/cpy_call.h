/* Calling C callables straight from an array of arguments.
 *
 * What PyObject_Vectorcall() does, with the choices taken apart: a call site that knows
 * its callee classifies it once (cpy_call_kind) and from then on goes to the C function
 * itself.  Errors, their words and the order of checks are CPython's.
 */
#ifndef CPY_CALL_H
#define CPY_CALL_H

#include "cpyext_compat/cpy_frame.h"

/* How a callable is called; a property of its type and, for C functions, of their
   METH_ flags.  Builtins carry their self, descriptors take it from the first
   argument. */
typedef enum {
    CPY_CALL_TUPLE,             /* tp_call with a tuple, or not callable at all */
    CPY_CALL_VECTOR, /* the object's own vectorcall: Python functions, types, partial */
    CPY_CALL_METHOD,            /* bound method: its function with self put first */
    CPY_CALL_SLOT,              /* slot wrapper of a type, int.__add__ */
    CPY_CALL_BUILTIN_NOARGS,
    CPY_CALL_BUILTIN_O,
    CPY_CALL_BUILTIN_FAST,
    CPY_CALL_BUILTIN_FAST_KW,
    CPY_CALL_BUILTIN_VARARGS,
    CPY_CALL_BUILTIN_VARARGS_KW,
    CPY_CALL_BUILTIN_CLASS,     /* METH_METHOD: told its defining class */
    CPY_CALL_DESCR_NOARGS,
    CPY_CALL_DESCR_O,
    CPY_CALL_DESCR_FAST,
    CPY_CALL_DESCR_FAST_KW,
    CPY_CALL_DESCR_VARARGS,
    CPY_CALL_DESCR_VARARGS_KW,
    CPY_CALL_DESCR_CLASS,
    CPY_CALL_KINDS
} CpyCallKind;

CpyCallKind cpy_call_kind(PyObject *callee);

/* `kind` must be cpy_call_kind(callee).  argv[0..n) are positional, the values of
   kwnames (a tuple or NULL) follow; argv[-1] is free to be written during the call.
   All stays the caller's.
   -> new; NULL exactly when an exception is set, SystemError if the callee broke
   that rule. */
PyObject *cpy_call_as(PyThreadState *ts, CpyCallKind kind, PyObject *callee,
                      PyObject **argv, size_t n, PyObject *kwnames);

static inline PyObject * /* -> new; as cpy_call_as() */
cpy_call(PyThreadState *ts, PyObject *callee, PyObject **argv, size_t n,
         PyObject *kwnames)
{
    return cpy_call_as(ts, cpy_call_kind(callee), callee, argv, n, kwnames);
}

#endif
