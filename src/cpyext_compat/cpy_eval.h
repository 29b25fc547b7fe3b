/* Pieces of Python/ceval.c that CPython does not export. */
#ifndef CPY_EVAL_H
#define CPY_EVAL_H

#include "cpyext_compat/cpy_frame.h"

#if PY_VERSION_HEX < 0x030C0000
#  include "internal/pycore_pylifecycle.h"              /* _Py_UnhandledKeyboardInterrupt */
#else
#  include "internal/pycore_runtime.h"
#endif

/* 1: the text that exec(), eval() or the command line ran last was ended by an interrupt, and so the
   process will be.  Each such text sets it to 0 first. */
static inline int *
cpy_interrupt_unhandled(void)
{
#if PY_VERSION_HEX < 0x030C0000
    return &_Py_UnhandledKeyboardInterrupt;
#else
    return &_PyRuntime.signals.unhandled_keyboard_interrupt;
#endif
}

/* What a function does that nobody has given another vectorcall: Python/call.c,
   _PyFunction_Vectorcall.  -> new */
PyObject *cpy_function_vectorcall(PyObject *func, PyObject *const *args, size_t nargsf,
                                  PyObject *kwnames);
/* Objects/typeobject.c, _PyType_CalculateMetaclass.  -> borrowed */
PyTypeObject *cpy_calculate_metaclass(PyTypeObject *meta, PyObject *bases);
/* Objects/typeobject.c, type_new_set_names: the pending exception is one of value.__set_name__(). */
void cpy_set_name_raised(PyObject *value, PyObject *key, PyTypeObject *cls);
/* TypeError when `args` of func(*args) can't be iterated: 0 / -1 */
int cpy_check_args_iterable(PyObject *func, PyObject *args, int has_iter);
/* The pending exception of merging `kwargs` for func(**kwargs), in the words of a call. */
void cpy_format_kwargs_error(PyObject *func, PyObject *kwargs);
/* A special method looked up on the type and bound.  -> new; NULL without exception: none */
PyObject *cpy_lookup_special(PyObject *o, PyObject *name);
/* The pending exception gets the handled one as context, as generator.throw() does. */
void cpy_chain_raised(PyThreadState *ts);
/* NameError (exactly) gets the name as attribute.  `format` has one conversion, of the name:
   %U or %s, with a precision in bytes of UTF-8 as %s has it. */
void cpy_name_error(PyObject *type, const char *format, PyObject *name);
/* Python/ceval.c, import_from.  -> new */
PyObject *cpy_import_from(PyObject *module, PyObject *name);
/* Python/ceval.c, import_all_from: 0 / -1 */
int cpy_import_star(PyObject *locals, PyObject *module);
/* Objects/exceptions.c, _PyExc_PrepReraiseStar.  -> new */
PyObject *cpy_prep_reraise_star(PyObject *orig, PyObject *excs);
/* Python/ceval.c, match_keys and match_class: -> new tuple, None, or NULL with an exception */
PyObject *cpy_match_keys(PyObject *map, PyObject *keys);
PyObject *cpy_match_class(PyObject *subject, PyObject *type, Py_ssize_t n, PyObject *kwattrs);

/* May the next container that is made set the collector going?  From 3.12 on it waits for a poll. */
static inline int
cpy_gc_is_due(void)
{
#if PY_VERSION_HEX < 0x030C0000
    const struct _gc_runtime_state *gc = &_PyInterpreterState_GET()->gc;
    return gc->enabled && gc->generations[0].count >= gc->generations[0].threshold;
#else
    return 0;
#endif
}

#if PY_VERSION_HEX < 0x030C0000
/* The collector's count of containers, as PyObject_GC_New() and PyObject_GC_Del() keep it. */
static inline void
cpy_gc_made(void)
{
    _PyInterpreterState_GET()->gc.generations[0].count++;
}

static inline void
cpy_gc_gone(void)
{
    struct gc_generation *young = &_PyInterpreterState_GET()->gc.generations[0];
    if (young->count > 0)
        young->count--;
}
#endif

/* Where a coroutine is made: (file, line, function) of the `depth` innermost frames.  -> new */
PyObject *cpy_origin(PyThreadState *ts, int depth);

#endif
