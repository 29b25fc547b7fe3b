/* Which CPython this is.  Include this instead of Python.h, first in a file.
 *
 * The only header of the project that opens CPython's internal structures; it
 * also says, as constants for ordinary `if`s, what differs between versions and
 * can't be hidden behind a function.
 */
#ifndef CPY_VERSION_H
#define CPY_VERSION_H

#if defined(Py_PYTHON_H) && !defined(Py_BUILD_CORE)
#  error "include cpyext_compat/cpy_version.h before Python.h"
#endif

#ifndef PY_SSIZE_T_CLEAN
#  define PY_SSIZE_T_CLEAN
#endif
#ifndef Py_BUILD_CORE_MODULE
#  define Py_BUILD_CORE_MODULE 1
#endif
#include "Python.h"

#if PY_VERSION_HEX < 0x030B0000 || PY_VERSION_HEX >= 0x030F0000
#  error "CPython 3.11 to 3.14 are supported"
#endif
/* who only reads code objects says so: frames, dicts and ints are laid out otherwise */
#if defined(Py_GIL_DISABLED) && !defined(CPY_READS_CODE_ONLY)
#  error "free-threaded builds are not supported"
#endif

#include "cpyext_compat/cpy_refs.h"      /* from here on Py_DECREF is ours */

#undef _PyGC_FINALIZED          /* 3.12 defines it publicly and internally */

/* 311, 312, 313 or 314: for reports and tests; code asks the constants below */
#define CPY_MINOR (300 + ((PY_VERSION_HEX >> 16) & 0xff))

/* None, small ints and the like have a fixed reference count (PEP 683) */
#define CPY_HAS_IMMORTAL (PY_VERSION_HEX >= 0x030C0000)
/* dict, type, function and code watchers */
#define CPY_HAS_WATCHERS (PY_VERSION_HEX >= 0x030C0000)
/* CALL honours a foreign func->vectorcall */
#define CPY_CALL_HONOURS_VECTORCALL (PY_VERSION_HEX >= 0x030C0000)
/* the two callee slots of CALL: [NULL or method, callable or self], else [callable,
   self or NULL] */
#define CPY_CALL_NULL_FIRST (PY_VERSION_HEX < 0x030D0000)
/* f_locals writes through to the frame's variables (PEP 667) */
#define CPY_LOCALS_WRITE_THROUGH (PY_VERSION_HEX >= 0x030D0000)
/* a saved f_lasti on the stack is a tagged int, not a PyLong */
#define CPY_LASTI_IS_TAGGED (PY_VERSION_HEX >= 0x030E0000)
/* the compiler moves handlers behind the rest, so that normal code can be reached
   from them by a jump back */
#define CPY_HANDLERS_AT_END (PY_VERSION_HEX >= 0x030C0000)
/* a generator's bytecode sees to it that StopIteration doesn't leave it, and that the end of what
   it delegates to becomes a value when that was thrown into */
#define CPY_GEN_STOPS_ITSELF (PY_VERSION_HEX >= 0x030C0000)
/* sum() of floats has no compensation */
#define CPY_SUM_ADDS_FLOATS (PY_VERSION_HEX < 0x030C0000)
/* `with` keeps its exit method as a pair, function and self (or NULL) */
#define CPY_EXIT_IS_PAIR (PY_VERSION_HEX >= 0x030E0000)
/* C recursion is limited apart from Python recursion */
#define CPY_SEPARATE_C_RECURSION (PY_VERSION_HEX >= 0x030C0000)
/* a call of C code takes a unit of the Python recursion limit for as long as it runs */
#define CPY_C_CALL_TAKES_UNIT (PY_VERSION_HEX < 0x030C0000)

/* Words of the inline cache of a call: a frame that waits for the Python function it called stands on
   the last of them, up to 3.11.  (3.12 has three for some calls; later ones wait at the call.) */
#define CPY_CALL_CACHE_WORDS (PY_VERSION_HEX < 0x030C0000 ? 4 : 0)
/* f(*args, **kwargs) holds the tuple and the dict until f has returned */
#define CPY_STAR_CALL_HOLDS_ARGUMENTS (PY_VERSION_HEX < 0x030C0000)
/* a frame that goes drops its variables from the last to the first */
#define CPY_DROPS_LAST_FIRST (PY_VERSION_HEX >= 0x030E0000)
/* a list, tuple or dict that is too long to unpack is told its length */
#define CPY_UNPACK_SAYS_LENGTH (PY_VERSION_HEX >= 0x030E0000)
/* an instance's values lie inside the object */
#define CPY_VALUES_EMBEDDED (PY_VERSION_HEX >= 0x030D0000)

#endif
