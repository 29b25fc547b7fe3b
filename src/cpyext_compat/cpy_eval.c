/* The parts of CPython's evaluation loop that it keeps for itself. */
#include "cpyext_compat/cpy_version.h"
#include "cpyext_compat/cpy_eval.h"

#if PY_VERSION_HEX >= 0x030D0000
#  define lookup_attr PyObject_GetOptionalAttr          /* public since 3.13 */
#else
#  define lookup_attr _PyObject_LookupAttr
#endif

static int                                              /* 1 and a new *v, 0 and NULL, or -1 */
lookup_attr_string(PyObject *o, const char *name, PyObject **v)
{
    PyObject *s = PyUnicode_InternFromString(name);
    *v = NULL;
    if (s == NULL)
        return -1;
    int found = lookup_attr(o, s, v);
    Py_DECREF(s);
    return found;
}

/* -- Calls ------------------------------------------------------------------- */

/* Not exported since 3.13: a new function has it. */
static vectorcallfunc
find_function_vectorcall(void)
{
    PyObject *globals = PyDict_New();                   /* owned */
    PyCodeObject *code = PyCode_NewEmpty("<none>", "<none>", 1);    /* owned */
    PyObject *func = globals == NULL || code == NULL ? NULL : PyFunction_New((PyObject *)code, globals);
    vectorcallfunc call = func == NULL ? NULL : ((PyFunctionObject *)func)->vectorcall;
    Py_XDECREF(func);
    Py_XDECREF(code);
    Py_XDECREF(globals);
    return call;
}

PyObject *
cpy_function_vectorcall(PyObject *func, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    static vectorcallfunc call;                         /* protected by the GIL */
    if (call == NULL && (call = find_function_vectorcall()) == NULL)
        return NULL;
    return call(func, args, nargsf, kwnames);
}

/* Python/ceval.c, check_args_iterable (3.11 to 3.14) */
#define SET_NAME_RAISED "Error calling __set_name__ on '%.100s' instance %R in '%.100s'"

void
cpy_set_name_raised(PyObject *value, PyObject *key, PyTypeObject *cls)
{
    const char *type = Py_TYPE(value)->tp_name;
#if PY_VERSION_HEX < 0x030C0000
    _PyErr_FormatFromCause(PyExc_RuntimeError, SET_NAME_RAISED, type, key, cls->tp_name);
#else
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *note = PyUnicode_FromFormat(SET_NAME_RAISED, type, key, cls->tp_name);
    PyObject *r = note == NULL ? NULL : PyObject_CallMethod(exc, "add_note", "O", note);
    Py_XDECREF(note);
    Py_XDECREF(r);
    PyErr_Clear();
    PyErr_SetRaisedException(exc);
#endif
}

int
cpy_check_args_iterable(PyObject *func, PyObject *args, int has_iter)
{
    if (has_iter || PySequence_Check(args))
        return 0;
    PyErr_Clear();                                      /* the next one runs code */
    PyObject *callee = _PyObject_FunctionStr(func);
    if (callee != NULL) {
        PyErr_Format(PyExc_TypeError, "%U argument after * must be an iterable, not %.200s",
                     callee, Py_TYPE(args)->tp_name);
        Py_DECREF(callee);
    }
    return -1;
}

static void
not_a_mapping(PyObject *func, PyObject *kwargs)
{
    PyErr_Clear();
    PyObject *callee = _PyObject_FunctionStr(func);
    if (callee == NULL)
        return;
    PyErr_Format(PyExc_TypeError, "%U argument after ** must be a mapping, not %.200s",
                 callee, Py_TYPE(kwargs)->tp_name);
    Py_DECREF(callee);
}

/* A KeyError of merging names the repeated key: its only argument.  3.11 still has it as the
   bare tuple, and takes no other for a repeated key. */
static PyObject *                                       /* -> borrowed from exc, or NULL */
repeated_key(PyObject *exc)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *args = exc == NULL ? NULL : ((PyBaseExceptionObject *)exc)->args;
#else
    PyObject *args = exc;
#endif
    if (args == NULL || !PyTuple_Check(args) || PyTuple_GET_SIZE(args) != 1)
        return NULL;
    return PyTuple_GET_ITEM(args, 0);
}

/* Python/ceval.c, format_kwargs_error (3.11 to 3.14) */
void
cpy_format_kwargs_error(PyObject *func, PyObject *kwargs)
{
    PyObject *type, *exc, *tb;

    if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
        not_a_mapping(func, kwargs);
        return;
    }
    if (!PyErr_ExceptionMatches(PyExc_KeyError))
        return;
    PyErr_Fetch(&type, &exc, &tb);
    PyObject *key = repeated_key(exc);
    if (key == NULL) {
        PyErr_Restore(type, exc, tb);
        return;
    }
    PyObject *callee = _PyObject_FunctionStr(func);
    if (callee != NULL) {
        PyErr_Format(PyExc_TypeError, "%U got multiple values for keyword argument '%S'", callee, key);
        Py_DECREF(callee);
    }
    Py_DECREF(type);
    Py_XDECREF(exc);
    Py_XDECREF(tb);
}

/* Objects/typeobject.c, _PyObject_LookupSpecial (3.11 to 3.14) */
PyObject *
cpy_lookup_special(PyObject *o, PyObject *name)
{
    PyObject *res = _PyType_Lookup(Py_TYPE(o), name);   /* borrowed */
    if (res == NULL)
        return NULL;
    descrgetfunc get = Py_TYPE(res)->tp_descr_get;
    Py_INCREF(res);                                     /* binding may run code that drops it */
    if (get == NULL)
        return res;
    PyObject *bound = get(res, o, (PyObject *)Py_TYPE(o));
    Py_DECREF(res);
    return bound;
}

/* Objects/typeobject.c, _PyType_CalculateMetaclass (3.11 to 3.14; not exported since 3.13) */
PyTypeObject *
cpy_calculate_metaclass(PyTypeObject *meta, PyObject *bases)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyTypeObject *type = Py_TYPE(PyTuple_GET_ITEM(bases, i));
        if (PyType_IsSubtype(meta, type))
            continue;
        if (!PyType_IsSubtype(type, meta)) {
            PyErr_SetString(PyExc_TypeError,
                            "metaclass conflict: the metaclass of a derived class must be a "
                            "(non-strict) subclass of the metaclasses of all its bases");
            return NULL;
        }
        meta = type;
    }
    return meta;
}

/* -- Raising ----------------------------------------------------------------- */

/* Python/errors.c, _PyErr_ChainStackItem (not exported since 3.13): setting an exception again
   gives it the handled one as context. */
void
cpy_chain_raised(PyThreadState *ts)
{
    PyObject *handled = ts->exc_info->exc_value;
    PyObject *type, *exc, *tb;

    if (handled == NULL || handled == Py_None)
        return;
    PyErr_Fetch(&type, &exc, &tb);
    PyErr_SetObject(type, exc);
    Py_DECREF(type);
    Py_XDECREF(exc);
    Py_XDECREF(tb);
}

static void                                             /* the suggestions of a traceback start from it */
raised_gets_name(PyObject *name)
{
    PyObject *type, *exc, *tb;

    PyErr_Fetch(&type, &exc, &tb);
    PyErr_NormalizeException(&type, &exc, &tb);
    if (PyErr_GivenExceptionMatches(exc, PyExc_NameError) && ((PyNameErrorObject *)exc)->name == NULL)
        (void)PyObject_SetAttrString(exc, "name", name);
    PyErr_Restore(type, exc, tb);
}

/* Python/ceval.c, format_exc_check_arg (3.11 to 3.14).  CPython formats the name as UTF-8, whose
   precision counts bytes: so a %U here becomes a %s. */
void
cpy_name_error(PyObject *type, const char *format, PyObject *name)
{
    char bytes_format[200];
    const char *text = PyUnicode_AsUTF8(name);

    if (text == NULL)
        return;
    assert(strlen(format) < sizeof bytes_format);
    snprintf(bytes_format, sizeof bytes_format, "%s", format);
    char *conversion = strchr(bytes_format, '%');
    if (conversion != NULL) {
        conversion += 1 + strspn(conversion + 1, ".0123456789");
        if (*conversion == 'U')
            *conversion = 's';
    }
    PyErr_Format(type, bytes_format, text);
    if (type == PyExc_NameError)
        raised_gets_name(name);
}

/* -- import ------------------------------------------------------------------ */

/* Objects/moduleobject.c, _PyModuleSpec_IsInitializing; leaves no exception */
static int
is_initializing(PyObject *module)
{
    PyObject *spec = PyObject_GetAttrString(module, "__spec__");
    PyObject *flag = spec == NULL ? NULL : PyObject_GetAttrString(spec, "_initializing");
    int yes = flag == NULL ? 0 : PyObject_IsTrue(flag);
    Py_XDECREF(flag);
    Py_XDECREF(spec);
    if (yes < 0)
        yes = 0;
    PyErr_Clear();
    return yes;
}

static void
raised_gets_name_from(PyObject *name)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *exc = PyErr_GetRaisedException();
    if (PyErr_GivenExceptionMatches(exc, PyExc_ImportError)
        && PyObject_SetAttrString(exc, "name_from", name) < 0)
        PyErr_Clear();
    PyErr_SetRaisedException(exc);
#else
    (void)name;                                         /* an attribute of 3.12 */
#endif
}

/* `package`: the module's __name__, or NULL when it has none that is a str */
static void
cannot_import(PyObject *module, PyObject *package, PyObject *name)
{
    PyObject *path = NULL, *message = NULL;
    PyObject *shown = Py_XNewRef(package);

    PyErr_Clear();
    if (shown == NULL && (shown = PyUnicode_FromString("<unknown module name>")) == NULL)
        return;
    path = PyModule_GetFilenameObject(module);
    if (path == NULL) {
        PyErr_Clear();
        message = PyUnicode_FromFormat("cannot import name %R from %R (unknown location)", name, shown);
    }
    else if (is_initializing(module))
        message = PyUnicode_FromFormat("cannot import name %R from partially initialized module %R "
                                       "(most likely due to a circular import) (%S)",
                                       name, shown, path);
    else
        message = PyUnicode_FromFormat("cannot import name %R from %R (%S)", name, shown, path);
    if (message != NULL) {
        PyErr_SetImportError(message, package, path);
        raised_gets_name_from(name);
    }
    Py_XDECREF(message);
    Py_XDECREF(path);
    Py_DECREF(shown);
}

/* Python/ceval.c, import_from (3.11, 3.12; later ones word some failures further).  A submodule
   being imported may be in sys.modules and not yet an attribute of its package. */
PyObject *
cpy_import_from(PyObject *module, PyObject *name)
{
    PyObject *found, *package = NULL, *full = NULL;

    if (lookup_attr(module, name, &found) != 0)
        return found;
    package = PyObject_GetAttrString(module, "__name__");
    if (package != NULL && !PyUnicode_Check(package))
        Py_CLEAR(package);
    if (package != NULL) {
        full = PyUnicode_FromFormat("%U.%U", package, name);
        if (full == NULL)
            goto done;
        found = PyImport_GetModule(full);
        if (found != NULL || PyErr_Occurred())
            goto done;
    }
    cannot_import(module, package, name);
done:
    Py_XDECREF(full);
    Py_XDECREF(package);
    return found;
}

static void
name_not_a_string(PyObject *module, PyObject *name, int from_dict)
{
    PyObject *module_name = PyObject_GetAttrString(module, "__name__");
    if (module_name == NULL)
        return;
    if (!PyUnicode_Check(module_name))
        PyErr_Format(PyExc_TypeError, "module __name__ must be a string, not %.100s",
                     Py_TYPE(module_name)->tp_name);
    else
        PyErr_Format(PyExc_TypeError, "%s in %U.%s must be str, not %.100s", from_dict ? "Key" : "Item",
                     module_name, from_dict ? "__dict__" : "__all__", Py_TYPE(name)->tp_name);
    Py_DECREF(module_name);
}

/* The names `import *` takes: __all__, else the keys of __dict__, of which the private ones stay. */
static PyObject *                                       /* -> new */
star_names(PyObject *module, int *from_dict)
{
    PyObject *names, *dict;

    *from_dict = 0;
    if (lookup_attr_string(module, "__all__", &names) != 0)
        return names;
    if (lookup_attr_string(module, "__dict__", &dict) < 0)
        return NULL;
    if (dict == NULL) {
        PyErr_SetString(PyExc_ImportError, "from-import-* object has no __dict__ and no __all__");
        return NULL;
    }
    *from_dict = 1;
    names = PyMapping_Keys(dict);
    Py_DECREF(dict);
    return names;
}

static int
import_one(PyObject *locals, PyObject *module, PyObject *name, int from_dict)
{
    if (!PyUnicode_Check(name)) {
        name_not_a_string(module, name, from_dict);
        return -1;
    }
    if (from_dict && PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) == '_')
        return 0;
    PyObject *value = PyObject_GetAttr(module, name);
    if (value == NULL)
        return -1;
    int err = PyDict_CheckExact(locals) ? PyDict_SetItem(locals, name, value)
                                        : PyObject_SetItem(locals, name, value);
    Py_DECREF(value);
    return err;
}

/* Python/ceval.c, import_all_from (3.11 to 3.14) */
int
cpy_import_star(PyObject *locals, PyObject *module)
{
    int from_dict, err = 0;
    PyObject *names = star_names(module, &from_dict);

    if (names == NULL)
        return -1;
    for (Py_ssize_t i = 0; err == 0; i++) {
        PyObject *name = PySequence_GetItem(names, i);
        if (name == NULL) {
            if (PyErr_ExceptionMatches(PyExc_IndexError))
                PyErr_Clear();
            else
                err = -1;
            break;
        }
        err = import_one(locals, module, name, from_dict);
        Py_DECREF(name);
    }
    Py_DECREF(names);
    return err;
}

/* -- except* ----------------------------------------------------------------- */

#if PY_VERSION_HEX >= 0x030C0000

PyObject *
cpy_prep_reraise_star(PyObject *orig, PyObject *excs)
{
    return PyUnstable_Exc_PrepReraiseStar(orig, excs);
}

#else

/* Objects/exceptions.c (3.11) from here to _PyExc_PrepReraiseStar */

static int
is_group(PyObject *exc)
{
    return PyObject_TypeCheck(exc, (PyTypeObject *)PyExc_BaseExceptionGroup);
}

static int
copy_notes(PyObject *to, PyObject *from)
{
    if (!PyObject_HasAttrString(from, "__notes__"))
        return 0;
    PyObject *notes = PyObject_GetAttrString(from, "__notes__");
    if (notes == NULL)
        return -1;
    int err = 0;
    if (PySequence_Check(notes)) {                      /* anything else isn't for us to complain about */
        PyObject *copy = PySequence_List(notes);
        err = copy == NULL ? -1 : PyObject_SetAttrString(to, "__notes__", copy);
        Py_XDECREF(copy);
    }
    Py_DECREF(notes);
    return err;
}

/* A group like `orig` of other exceptions (exceptiongroup_subset). */
static PyObject *                                       /* -> new */
derive_group(PyObject *orig, PyObject *excs)
{
    PyObject *group = PyObject_CallMethod(orig, "derive", "(O)", excs);
    if (group == NULL)
        return NULL;
    if (!is_group(group)) {
        PyErr_SetString(PyExc_TypeError, "derive must return an instance of BaseExceptionGroup");
        goto error;
    }
    PyObject *tb = PyException_GetTraceback(orig);
    int err = tb == NULL ? 0 : PyException_SetTraceback(group, tb);
    Py_XDECREF(tb);
    if (err < 0)
        goto error;
    PyException_SetContext(group, PyException_GetContext(orig));
    PyException_SetCause(group, PyException_GetCause(orig));
    if (copy_notes(group, orig) < 0)
        goto error;
    return group;
error:
    Py_DECREF(group);
    return NULL;
}

/* Adds the addresses of the exceptions in the tree to the set. */
static int
collect_leaves(PyObject *exc, PyObject *leaves)
{
    if (exc == Py_None)
        return 0;
    if (!is_group(exc)) {
        PyObject *id = PyLong_FromVoidPtr(exc);
        int err = id == NULL ? -1 : PySet_Add(leaves, id);
        Py_XDECREF(id);
        return err;
    }
    PyObject *excs = ((PyBaseExceptionGroupObject *)exc)->excs;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(excs); i++) {
        if (Py_EnterRecursiveCall(" in collect_exception_group_leaf_ids"))
            return -1;
        int err = collect_leaves(PyTuple_GET_ITEM(excs, i), leaves);
        Py_LeaveRecursiveCall();
        if (err < 0)
            return -1;
    }
    return 0;
}

static int                                              /* 1 and exc itself, 0 and NULL, or -1 */
pick_leaf(PyObject *exc, PyObject *leaves, PyObject **part)
{
    PyObject *id = PyLong_FromVoidPtr(exc);
    int found = id == NULL ? -1 : PySet_Contains(leaves, id);
    Py_XDECREF(id);
    *part = found > 0 ? Py_NewRef(exc) : NULL;
    return found;
}

/* The part of the tree that has only the given leaves: new *part, NULL when there are none
   (exceptiongroup_split_recursive). */
static int
pick_leaves(PyObject *exc, PyObject *leaves, PyObject **part)
{
    *part = NULL;
    if (!is_group(exc))
        return pick_leaf(exc, leaves, part) < 0 ? -1 : 0;

    PyObject *excs = ((PyBaseExceptionGroupObject *)exc)->excs;
    PyObject *kept = PyList_New(0);
    int err = kept == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyTuple_GET_SIZE(excs); i++) {
        PyObject *sub;
        err = -1;
        if (Py_EnterRecursiveCall(" in exceptiongroup_split_recursive"))
            break;
        err = pick_leaves(PyTuple_GET_ITEM(excs, i), leaves, &sub);
        Py_LeaveRecursiveCall();
        if (err == 0 && sub != NULL)
            err = PyList_Append(kept, sub);
        Py_XDECREF(sub);
    }
    if (err == 0 && PyList_GET_SIZE(kept) > 0) {
        *part = derive_group(exc, kept);
        err = *part == NULL ? -1 : 0;
    }
    Py_XDECREF(kept);
    return err;
}

/* What of `orig` is in the groups `reraised` (exception_group_projection). */
static PyObject *                                       /* -> new, or None */
project(PyObject *orig, PyObject *reraised)
{
    PyObject *part = NULL;
    PyObject *leaves = PySet_New(NULL);
    int err = leaves == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; err == 0 && i < PyList_GET_SIZE(reraised); i++)
        err = collect_leaves(PyList_GET_ITEM(reraised, i), leaves);
    if (err == 0)
        err = pick_leaves(orig, leaves, &part);
    Py_XDECREF(leaves);
    if (err < 0)
        return NULL;
    return part != NULL ? part : Py_NewRef(Py_None);
}

static int
same_metadata(PyObject *a, PyObject *b)
{
    PyBaseExceptionObject *x = (PyBaseExceptionObject *)a, *y = (PyBaseExceptionObject *)b;
    return x->notes == y->notes && x->traceback == y->traceback && x->cause == y->cause
           && x->context == y->context;
}

/* An exception of a clause that carries the caught group's metadata is a part of that group,
   reraised; any other was raised in the clause. */
static int
sort_out(PyObject *orig, PyObject *excs, PyObject *raised, PyObject *reraised)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(excs); i++) {
        PyObject *e = PyList_GET_ITEM(excs, i);
        if (e != Py_None && PyList_Append(same_metadata(e, orig) ? reraised : raised, e) < 0)
            return -1;
    }
    return 0;
}

PyObject *
cpy_prep_reraise_star(PyObject *orig, PyObject *excs)
{
    if (PyList_GET_SIZE(excs) == 0)
        return Py_NewRef(Py_None);
    if (!is_group(orig))                                /* caught bare: at most one clause ran */
        return Py_NewRef(PyList_GET_ITEM(excs, 0));

    PyObject *result = NULL, *rest = NULL;
    PyObject *raised = PyList_New(0), *reraised = PyList_New(0);
    if (raised == NULL || reraised == NULL || sort_out(orig, excs, raised, reraised) < 0)
        goto done;
    rest = project(orig, reraised);
    if (rest == NULL)
        goto done;
    if (PyList_GET_SIZE(raised) == 0) {
        result = Py_NewRef(rest);
        goto done;
    }
    if (rest != Py_None && PyList_Append(raised, rest) < 0)
        goto done;
    /* the interpreter that runs, not the one whose headers these are: alone since 3.11.4 */
    if (PyList_GET_SIZE(raised) == 1 && Py_Version >= 0x030B0400)
        result = Py_NewRef(PyList_GET_ITEM(raised, 0));
    else
        result = PyObject_CallFunction(PyExc_BaseExceptionGroup, "sO", "", raised);
done:
    Py_XDECREF(rest);
    Py_XDECREF(reraised);
    Py_XDECREF(raised);
    return result;
}

#endif

/* -- match ------------------------------------------------------------------- */

static int                                              /* 0; -1 with an exception, ValueError for a duplicate */
key_is_new(PyObject *seen, PyObject *key)
{
    int had = PySet_Contains(seen, key);
    if (had == 0)
        return PySet_Add(seen, key);
    if (had > 0)
        PyErr_Format(PyExc_ValueError, "mapping pattern checks duplicate key (%R)", key);
    return -1;
}

static int                                              /* 1: all there, in values; 0: not; -1 */
get_values(PyObject *get, PyObject *keys, PyObject *absent, PyObject *seen, PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keys); i++) {
        PyObject *key = PyTuple_GET_ITEM(keys, i);
        if (key_is_new(seen, key) < 0)
            return -1;
        PyObject *value = PyObject_CallFunctionObjArgs(get, key, absent, NULL);
        if (value == NULL)
            return -1;
        if (value == absent) {
            Py_DECREF(value);
            return 0;
        }
        PyTuple_SET_ITEM(values, i, value);
    }
    return 1;
}

/* Python/ceval.c, match_keys (3.11 to 3.14).  map.get(key, default) and not map[key]: no error to
   sort out, and no __missing__ that inserts. */
PyObject *
cpy_match_keys(PyObject *map, PyObject *keys)
{
    if (PyTuple_GET_SIZE(keys) == 0)
        return PyTuple_New(0);

    int all = -1;
    PyObject *seen = NULL, *absent = NULL, *values = NULL;
    PyObject *get = PyObject_GetAttrString(map, "get");
    if (get == NULL)
        goto done;
    seen = PySet_New(NULL);
    absent = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    values = PyTuple_New(PyTuple_GET_SIZE(keys));
    if (seen != NULL && absent != NULL && values != NULL)
        all = get_values(get, keys, absent, seen, values);
done:
    Py_XDECREF(get);
    Py_XDECREF(seen);
    Py_XDECREF(absent);
    if (all > 0)
        return values;
    Py_XDECREF(values);
    return all < 0 ? NULL : Py_NewRef(Py_None);
}

/* One subpattern's attribute, appended: 1; 0 and no exception: the subject has none; -1
   (match_class_attr) */
static int
take_attr(PyObject *attrs, PyObject *subject, PyObject *type, PyObject *name, PyObject *seen)
{
    int had = PySet_Contains(seen, name);
    if (had > 0)
        PyErr_Format(PyExc_TypeError, "%s() got multiple sub-patterns for attribute %R",
                     ((PyTypeObject *)type)->tp_name, name);
    if (had != 0 || PySet_Add(seen, name) < 0)
        return -1;
    PyObject *value;
    int found = lookup_attr(subject, name, &value);
    if (found <= 0)
        return found;
    int err = PyList_Append(attrs, value);
    Py_DECREF(value);
    return err < 0 ? -1 : 1;
}

/* type.__match_args__; without one, no names, and *whole for the builtins whose only positional
   subpattern is the subject itself. */
static PyObject *                                       /* -> new tuple */
positional_names(PyObject *type, int *whole)
{
    PyObject *names;

    *whole = 0;
    if (lookup_attr_string(type, "__match_args__", &names) < 0)
        return NULL;
    if (names == NULL) {
        *whole = PyType_HasFeature((PyTypeObject *)type, _Py_TPFLAGS_MATCH_SELF) != 0;
        return PyTuple_New(0);
    }
    if (!PyTuple_CheckExact(names)) {
        PyErr_Format(PyExc_TypeError, "%s.__match_args__ must be a tuple (got %s)",
                     ((PyTypeObject *)type)->tp_name, Py_TYPE(names)->tp_name);
        Py_CLEAR(names);
    }
    return names;
}

static int                                              /* as take_attr */
take_positional(PyObject *attrs, PyObject *subject, PyObject *type, Py_ssize_t n, PyObject *seen)
{
    int whole, ok = -1;
    PyObject *names = positional_names(type, &whole);

    if (names == NULL)
        return -1;
    Py_ssize_t allowed = whole ? 1 : PyTuple_GET_SIZE(names);
    if (allowed < n) {
        PyErr_Format(PyExc_TypeError, "%s() accepts %zd positional sub-pattern%s (%zd given)",
                     ((PyTypeObject *)type)->tp_name, allowed, allowed == 1 ? "" : "s", n);
        goto done;
    }
    if (whole) {
        ok = PyList_Append(attrs, subject) < 0 ? -1 : 1;
        goto done;
    }
    ok = 1;
    for (Py_ssize_t i = 0; ok > 0 && i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_CheckExact(name)) {
            ok = take_attr(attrs, subject, type, name, seen);
            continue;
        }
        PyErr_Format(PyExc_TypeError, "__match_args__ elements must be strings (got %s)",
                     Py_TYPE(name)->tp_name);
        ok = -1;
    }
done:
    Py_DECREF(names);
    return ok;
}

/* Python/ceval.c, match_class (3.11 to 3.14) */
PyObject *
cpy_match_class(PyObject *subject, PyObject *type, Py_ssize_t n, PyObject *kwattrs)
{
    if (!PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "called match pattern must be a %s", CPY_MINOR >= 312 ? "class" : "type");
        return NULL;
    }
    int ok = PyObject_IsInstance(subject, type);
    if (ok <= 0)
        return ok < 0 ? NULL : Py_NewRef(Py_None);

    PyObject *result = NULL;
    PyObject *seen = PySet_New(NULL), *attrs = PyList_New(0);
    ok = seen == NULL || attrs == NULL ? -1 : 1;
    if (ok > 0 && n > 0)
        ok = take_positional(attrs, subject, type, n, seen);
    for (Py_ssize_t i = 0; ok > 0 && i < PyTuple_GET_SIZE(kwattrs); i++)
        ok = take_attr(attrs, subject, type, PyTuple_GET_ITEM(kwattrs, i), seen);
    if (ok >= 0)
        result = ok > 0 ? PyList_AsTuple(attrs) : Py_NewRef(Py_None);
    Py_XDECREF(attrs);
    Py_XDECREF(seen);
    return result;
}

#undef lookup_attr

PyObject *
cpy_origin(PyThreadState *ts, int depth)
{
    PyObject *list = PyList_New(0);
    PyFrameObject *f = PyThreadState_GetFrame(ts);
    while (list != NULL && f != NULL && PyList_GET_SIZE(list) < depth) {
        PyCodeObject *co = PyFrame_GetCode(f);
        PyObject *entry =
            Py_BuildValue("OiO", co->co_filename, PyFrame_GetLineNumber(f), co->co_name);
        Py_DECREF(co);
        if (entry == NULL || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
        PyFrameObject *back = PyFrame_GetBack(f);
        Py_SETREF(f, back);
    }
    Py_XDECREF(f);
    PyObject *t = list == NULL ? NULL : PyList_AsTuple(list);
    Py_XDECREF(list);
    return t;
}
