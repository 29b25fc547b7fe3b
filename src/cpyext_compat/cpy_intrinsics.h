/* Instructions that only some versions have: what they do, for code that runs them itself. */
#ifndef CPY_INTRINSICS_H
#define CPY_INTRINSICS_H

#include "cpyext_compat/cpy_version.h"

#define CPY_COMMON_CONSTANTS 5

/* LOAD_COMMON's AssertionError, NotImplementedError, tuple, all, any (3.14; the first of them
   always).  -> borrowed for good; NULL where the version has none */
PyObject *cpy_common_constant(int i);

/* super(cls, self).name for the builtin super.  *is_method 1: a function to be called with self
   first, 0: the attribute itself; is_method NULL: always the attribute.  -> new */
PyObject *cpy_super_lookup(PyTypeObject *cls, PyObject *self, PyObject *name, int *is_method);

/* The function super(cls, o).name is bound to o of, when all of it is as usual: o an instance of
   cls, the function Python's or a slot's.  -> borrowed from the class, or NULL */
PyObject *cpy_super_function(PyTypeObject *cls, PyObject *o, PyObject *name);

/* LOAD_SPECIAL (3.14): __enter__, __exit__, __aenter__, __aexit__ by number.  *is_method as above;
   TypeError when the type of o has none.  -> new */
PyObject *cpy_special_method(PyObject *o, int which, int *is_method);

/* CALL_INTRINSIC_1 and _2 (3.12+), by CPython's number.  -> new */
PyObject *cpy_intrinsic_1(int number, PyObject *a);
PyObject *cpy_intrinsic_2(int number, PyObject *a, PyObject *b);

/* BUILD_TEMPLATE and BUILD_INTERPOLATION (3.14); format NULL: none.  -> new */
PyObject *cpy_template(PyObject *strings, PyObject *interpolations);
PyObject *cpy_interpolation(PyObject *value, PyObject *text, int conversion, PyObject *format);

#endif
