/* Text and hashes of objects that make them in Python: __str__, __repr__, __format__ and __hash__ as
 * frames.
 *
 * Steps and messages follow Objects/object.c, PyObject_Str and PyObject_Repr, Objects/abstract.c,
 * PyObject_Format, and Objects/typeobject.c, object___format___impl and slot_tp_hash (3.11 to 3.14).
 */
#include "vm/vm_special.h"

#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"

static PyObject *format_name, *format_of_object, *no_text;      /* kept for good */

int
vm_text_init(void)
{
    format_name = PyUnicode_InternFromString("__format__");
    no_text = PyUnicode_FromString("");
    if (format_name == NULL || no_text == NULL)
        return -1;
    format_of_object = Py_XNewRef(_PyType_Lookup(&PyBaseObject_Type, format_name));
    return 0;
}

/* -- which function ------------------------------------------------------------------------------ */

PyFunctionObject *
vm_special_str_method(PyTypeObject *type)
{
    /* object's __str__ asks __repr__ */
    return vm_special(type, type->tp_str == PyBaseObject_Type.tp_str ? SP_REPR : SP_STR);
}

PyFunctionObject *
vm_special_format_method(PyTypeObject *type, int has_spec, unsigned *step)
{
    PyObject *m = _PyType_Lookup(type, format_name);
    *step = TEXT_FORMAT;
    if (m != NULL && Py_IS_TYPE(m, &PyFunction_Type))
        return (PyFunctionObject *)m;
    if (m == NULL || m != format_of_object || has_spec)
        return NULL;
    *step = TEXT_STR | TEXT_OF_OBJECT;
    return vm_special_str_method(type);
}

VmWord
vm_no_text(void)
{
    return vm_from_ptr(no_text);
}

VmSpecialStatus
vm_special_text(VmAct *A, VmFrame *f, PyObject *o, unsigned conversion, PyObject *spec)
{
    enum { NONE,
           STR,
           REPR,
           ASCII };
    PyTypeObject *type = Py_TYPE(o);
    PyFunctionObject *func = NULL;
    unsigned step = TEXT_STR;
    if (conversion == NONE)
        func = vm_special_format_method(type, spec != NULL, &step);
    else if (conversion == STR)
        func = vm_special_str_method(type);
    else if (conversion == REPR || conversion == ASCII) {
        func = vm_special(type, SP_REPR);
        step = conversion == REPR ? TEXT_REPR : TEXT_ASCII;
    }
    VmWord args[2] = {vm_from_ptr(o), vm_from_ptr(spec == NULL ? no_text : spec)};
    return vm_special_start(A, f, func, args, step == TEXT_FORMAT ? 2 : 1, VM_HOW(RET_TEXT, step));
}

/* -- what it returned ------------------------------------------------------------------------------- */

/* Objects/object.c, PyObject_ASCII.  takes text; -> new */
static PyObject *
ascii_of(PyObject *text)
{
    if (PyUnicode_IS_ASCII(text))
        return text;
    PyObject *bytes = PyUnicode_AsEncodedString(text, "ascii", "backslashreplace");
    Py_DECREF(text);
    if (bytes == NULL)
        return NULL;
    PyObject *o = PyUnicode_DecodeASCII(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), NULL);
    Py_DECREF(bytes);
    return o;
}

/* takes v; -> the text, or VM_NULL with the TypeError */
static VmWord
checked_text(unsigned method, VmWord v)
{
    static const char *const messages[] = {
        [TEXT_STR] = "__str__ returned non-string (type %.200s)",
        [TEXT_REPR] = "__repr__ returned non-string (type %.200s)",
        [TEXT_FORMAT] = "__format__ must return a str, not %.200s",
        [TEXT_ASCII] = "__repr__ returned non-string (type %.200s)",
    };
    if (vm_is_obj(v) && PyUnicode_Check(vm_ptr(v)))
        return method == TEXT_ASCII ? vm_from_ptr(ascii_of(vm_ptr(v))) : v;
    PyErr_Format(PyExc_TypeError, messages[method], vm_type_of_word(v)->tp_name);
    vm_release(v);
    return VM_NULL;
}

VmWord
vm_answer_text(VmReturnKind kind, VmWord v)
{
    static const uint8_t methods[] = {[RET_REPR - RET_REPR] = TEXT_REPR,
                                      [RET_STR -
                                          RET_REPR] = TEXT_STR,
                                      [RET_FORMAT -
                                          RET_REPR] = TEXT_FORMAT,
                                      [RET_ASCII -
                                          RET_REPR] = TEXT_ASCII};
    return checked_text(methods[kind - RET_REPR], v);
}

VmWord
vm_answer_hash(VmWord v)
{
    PyObject *o = vm_box(v), *result = NULL;
    vm_release(v);
    if (o != NULL && !PyLong_Check(o))
        PyErr_SetString(PyExc_TypeError, "__hash__ method should return an integer");
    else if (o != NULL) {
        Py_hash_t h = PyLong_AsSsize_t(o);
        if (h == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            h = PyLong_Type.tp_hash(o);
        }
        result = PyLong_FromSsize_t(h == -1 ? -2 : h);
    }
    Py_XDECREF(o);
    return result == NULL ? VM_NULL : vm_unbox(result);
}

void
vm_text_raised(VmAct *A, VmFrame *f)
{
    const VmInsn *ip = f->pc;
    vm_consume(A, f, ip->b);
    if (ip->op == VM_FMTS)
        vm_consume(A, f, ip->b + 1u);
}

VmSpecialStatus
vm_text_returned(VmAct *A, VmFrame *f, VmHow how, VmWord v)
{
    const VmInsn *ip = f->pc;
    unsigned method = VM_HOW_STEP(how) & ~TEXT_OF_OBJECT;
    v = checked_text(method, v);
    int is_final = ip->op == VM_CONV || VM_HOW_STEP(how) != method || method == TEXT_FORMAT
                   || (ip->op == VM_FMT && v != VM_NULL && PyUnicode_CheckExact(vm_ptr(v)));
    if (v != VM_NULL && !is_final) {
        PyObject *converted = vm_ptr(v);
        PyObject *spec = ip->op == VM_FMTS ? vm_reg_object(f, ip->b + 1u) : NULL;
        vm_boundary(A, f);
        v = ip->op == VM_FMTS && spec == NULL ? VM_NULL
                                              : vm_from_ptr(PyObject_Format(converted, spec));
        Py_DECREF(converted);
        vm_after(A, f);
    }
    vm_text_raised(A, f);          /* lets go of the same */
    if (v == VM_NULL)
        return SP_RAISED;
    vm_set_any(A, f, ip->a, v);
    f->pc = ip + 1;
    return SP_DONE;
}
