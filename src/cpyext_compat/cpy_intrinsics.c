/* Newer instructions.  CPython's own functions do the work where they are exported; where
 * they aren't, its evaluator executes the one instruction.
 */
#include "cpyext_compat/cpy_intrinsics.h"

#include "cpyext_compat/cpy_frame.h"
#include "internal/pycore_ceval.h"

#if PY_VERSION_HEX >= 0x030D0000
#  include "internal/pycore_intrinsics.h"
#  include "internal/pycore_typeobject.h"
#elif PY_VERSION_HEX >= 0x030C0000
#  include "opcode.h"
#endif
#if PY_VERSION_HEX >= 0x030E0000
#  include "internal/pycore_interpolation.h"
#  include "internal/pycore_template.h"
#endif

PyObject *
cpy_common_constant(int i)
{
#if PY_VERSION_HEX >= 0x030E0000
    return PyInterpreterState_Get()->common_consts[i];
#else
    return i == 0 ? PyExc_AssertionError : NULL;
#endif
}

/* --- attributes --------------------------------------------------------------------- */

PyObject *
cpy_super_lookup(PyTypeObject *cls, PyObject *self, PyObject *name, int *is_method)
{
    if (is_method != NULL)
        *is_method = 0;
#if PY_VERSION_HEX >= 0x030D0000
    return _PySuper_Lookup(cls, self, name, is_method);
#else
    PyObject *args[] = {(PyObject *)cls, self};
    PyObject *super = PyObject_Vectorcall((PyObject *)&PySuper_Type, args, 2, NULL);    /* owned */
    PyObject *v = super == NULL ? NULL : PyObject_GetAttr(super, name);
    Py_XDECREF(super);
    return v;
#endif
}

PyObject *
cpy_super_function(PyTypeObject *cls, PyObject *o, PyObject *name)
{
#if PY_VERSION_HEX >= 0x030C0000
    return NULL;        /* their compilers make super().name one instruction */
#else
    PyObject *mro = Py_TYPE(o)->tp_mro;
    if (PyType_Check(o) || !PyUnicode_CheckExact(name)
        || _PyUnicode_EqualToASCIIString(name, "__class__"))
        return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(mro), i = 0;
    while (i < n && PyTuple_GET_ITEM(mro, i) != (PyObject *)cls)
        i++;
    for (i++; i < n; i++) {
        PyObject *base = PyTuple_GET_ITEM(mro, i);
        PyObject *found = PyDict_GetItemWithError(((PyTypeObject *)base)->tp_dict, name);
        if (found != NULL)
            return PyFunction_Check(found) || Py_IS_TYPE(found, &PyWrapperDescr_Type) ? found
                                                                                      : NULL;
        if (PyErr_Occurred())
            PyErr_Clear();
    }
    return NULL;
#endif
}

#if PY_VERSION_HEX >= 0x030E0000

PyObject *
cpy_special_method(PyObject *o, int which, int *is_method)
{
    const _Py_SpecialMethod *m = &_Py_SpecialMethods[which];
    PyObject *found = _PyType_LookupRef(Py_TYPE(o), m->name);
    *is_method = 0;
    if (found == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError,
                         _PyEval_SpecialMethodCanSuggest(o, which) ? m->error_suggestion : m->error, o);
        return NULL;
    }
    if (PyType_HasFeature(Py_TYPE(found), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        *is_method = 1;
        return found;
    }
    descrgetfunc get = Py_TYPE(found)->tp_descr_get;
    if (get != NULL)
        Py_SETREF(found, get(found, o, (PyObject *)Py_TYPE(o)));
    return found;
}

#else

PyObject *
cpy_special_method(PyObject *o, int which, int *is_method)
{
    PyErr_BadInternalCall();
    return NULL;
}

#endif

/* --- typing --------------------------------------------------------------------------- */

#if PY_VERSION_HEX >= 0x030D0000

PyObject *
cpy_intrinsic_1(int number, PyObject *a)
{
    return _PyIntrinsics_UnaryFunctions[number].func(PyThreadState_Get(), a);
}

PyObject *
cpy_intrinsic_2(int number, PyObject *a, PyObject *b)
{
    return _PyIntrinsics_BinaryFunctions[number].func(PyThreadState_Get(), a, b);
}

#elif PY_VERSION_HEX >= 0x030C0000

/* A function whose code is the one instruction, its frame seen by nobody. */
static PyObject *                                       /* -> new */
function_of(const unsigned char *code, Py_ssize_t size)
{
    PyObject *func = NULL, *args = PyTuple_New(0), *globals = PyDict_New();
    PyObject *empty = (PyObject *)PyCode_NewEmpty("<intrinsic>", "<intrinsic>", 1);
    PyObject *replace = empty == NULL ? NULL : PyObject_GetAttrString(empty, "replace");
    PyObject *fields = Py_BuildValue("{s:y#,s:i,s:i,s:i,s:i,s:(ss)}", "co_code", code, size,
                                     "co_argcount", 2, "co_nlocals", 2, "co_stacksize", 3,
                                     "co_flags", CO_OPTIMIZED | CO_NEWLOCALS,
                                     "co_varnames", "a", "b");
    PyObject *made = args == NULL || replace == NULL || fields == NULL
                         ? NULL
                         : PyObject_Call(replace, args, fields);
    if (made != NULL && globals != NULL) {
        ((PyCodeObject *)made)->_co_firsttraceable = INT_MAX / 4;
        func = PyFunction_New(made, globals);
    }
    Py_XDECREF(made);
    Py_XDECREF(fields);
    Py_XDECREF(replace);
    Py_XDECREF(empty);
    Py_XDECREF(globals);
    Py_XDECREF(args);
    return func;
}

static PyObject *
execute(const unsigned char *code, Py_ssize_t size, PyObject *a, PyObject *b)
{
    PyObject *args[] = {a, b};
    PyObject *func = function_of(code, size);
    PyObject *v = func == NULL ? NULL : PyObject_Vectorcall(func, args, 2, NULL);
    Py_XDECREF(func);
    return v;
}

PyObject *
cpy_intrinsic_1(int number, PyObject *a)
{
    const unsigned char code[] = {RESUME, 0, LOAD_FAST, 0, CALL_INTRINSIC_1, (unsigned char)number,
                                  RETURN_VALUE, 0};
    return execute(code, sizeof code, a, Py_None);
}

PyObject *
cpy_intrinsic_2(int number, PyObject *a, PyObject *b)
{
    const unsigned char code[] = {RESUME, 0, LOAD_FAST, 0, LOAD_FAST, 1, CALL_INTRINSIC_2,
                                  (unsigned char)number, RETURN_VALUE, 0};
    return execute(code, sizeof code, a, b);
}

#else

PyObject *
cpy_intrinsic_1(int number, PyObject *a)
{
    PyErr_BadInternalCall();
    return NULL;
}

PyObject *
cpy_intrinsic_2(int number, PyObject *a, PyObject *b)
{
    PyErr_BadInternalCall();
    return NULL;
}

#endif

/* --- template strings ----------------------------------------------------------------- */

#if PY_VERSION_HEX >= 0x030E0000

PyObject *
cpy_template(PyObject *strings, PyObject *interpolations)
{
    return _PyTemplate_Build(strings, interpolations);
}

PyObject *
cpy_interpolation(PyObject *value, PyObject *text, int conversion, PyObject *format)
{
    PyObject *spec = format != NULL ? Py_NewRef(format) : PyUnicode_FromStringAndSize(NULL, 0);
    PyObject *v = spec == NULL ? NULL : _PyInterpolation_Build(value, text, conversion, spec);
    Py_XDECREF(spec);
    return v;
}

#else

PyObject *
cpy_template(PyObject *strings, PyObject *interpolations)
{
    PyErr_BadInternalCall();
    return NULL;
}

PyObject *
cpy_interpolation(PyObject *value, PyObject *text, int conversion, PyObject *format)
{
    PyErr_BadInternalCall();
    return NULL;
}

#endif
