/* pyrs._guard: the import guard and the last step of start-up, without the VM.
 *
 * An import statement ends up in builtins.__import__.  The guard stands there and asks one
 * question per (importing file, imported name): may it?  The Python callable `decide` answers
 * (True, False for yes but ask again, or the exception to raise); True is remembered by object identity in a direct-mapped table, so that a repeated import costs
 * one dict lookup and one compare on top of what it cost before.
 *
 * Limited API: one binary serves every CPython from 3.11 on, because the interpreter of a
 * project need not be the one the package manager runs on.
 *
 * Protected by the GIL: all of GuardState.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 1024 /* power of two; a collision costs one call of decide */

typedef struct {
    PyObject *file; /* owned; identity only */
    PyObject *name; /* owned; identity only */
} GuardSlot;

typedef struct {
    PyObject *decide; /* owned, NULL until installed: decide(globals, name, fromlist) */
    PyObject *file_key; /* owned, interned "__file__" */
    PyObject *zero; /* owned; the level of an absolute import, one object in every CPython */
    GuardSlot slots[SLOTS];
} GuardState;

static GuardState *
state_of(PyObject *module)
{
    return (GuardState *)PyModule_GetState(module);
}

/* -- The table ---------------------------------------------------------------------------- */

static GuardSlot *
slot_for(GuardState *st, PyObject *file, PyObject *name)
{
    uintptr_t mixed = ((uintptr_t)file >> 4) * 31 ^ ((uintptr_t)name >> 4);
    return &st->slots[(mixed ^ (mixed >> 10)) & (SLOTS - 1)];
}

static void
slot_fill(GuardSlot *slot, PyObject *file, PyObject *name)
{
    PyObject *old_file = slot->file, *old_name = slot->name;

    slot->file = Py_NewRef(file);
    slot->name = Py_NewRef(name);
    Py_XDECREF(old_file);
    Py_XDECREF(old_name);
}

/* 1 when decide said yes for good to this very import; an error counts as no, and is met again by
 * whoever asks in full. */
static int
is_known(GuardState *st, PyObject *globals, PyObject *name)
{
    PyObject *file; /* borrowed from globals */
    GuardSlot *slot;

    if (globals == NULL || !Py_IS_TYPE(globals, &PyDict_Type))
        return 0;
    file = PyDict_GetItemWithError(globals, st->file_key);
    if (file == NULL) {
        PyErr_Clear();
        return 0;
    }
    slot = slot_for(st, file, name);
    return slot->file == file && slot->name == name;
}

/* Globals that decide should look at: the importer's.  -> borrowed from the frame or the caller */
static PyObject *
importer_globals(PyObject *given)
{
    if (given != NULL && PyDict_Check(given))
        return given;
    return PyEval_GetGlobals();
}

/* 0 when the import may go on; -1 with the exception decide raised.  decide says True when the
 * answer holds for every later import of this name from this file. */
static int
ask(GuardState *st, PyObject *globals, PyObject *name, PyObject *fromlist)
{
    PyObject *file = NULL; /* borrowed from globals, kept by the slot once filled */
    PyObject *answer = NULL;
    GuardSlot *slot = NULL;
    int cacheable;

    globals = importer_globals(globals);
    if (globals != NULL) {
        file = PyDict_GetItemWithError(globals, st->file_key);
        if (file == NULL && PyErr_Occurred())
            return -1;
    }
    if (file != NULL) {
        slot = slot_for(st, file, name);
        if (slot->file == file && slot->name == name)
            return 0;
    }
    Py_XINCREF(file); /* decide runs Python code, which may change the module's globals */
    answer = PyObject_CallFunctionObjArgs(st->decide, globals ? globals : Py_None, name,
                                          fromlist ? fromlist : Py_None, NULL);
    if (answer != NULL && PyExceptionInstance_Check(answer)) {
        /* raised here and not in decide, so that the traceback ends at the import */
        PyErr_SetObject((PyObject *)Py_TYPE(answer), answer);
        Py_CLEAR(answer);
    }
    cacheable = answer == NULL ? -1 : PyObject_IsTrue(answer);
    if (cacheable > 0 && file != NULL)
        slot_fill(slot_for(st, file, name), file, name);
    Py_XDECREF(answer);
    Py_XDECREF(file);
    return cacheable < 0 ? -1 : 0;
}

/* -- builtins.__import__ -------------------------------------------------------------------- */

static const char *const import_names[] = {"name", "globals", "locals", "fromlist", "level"};

/* Positional and keyword arguments into args[5]; NULL where not given.  All borrowed. */
static int
spread(PyObject *const *given, Py_ssize_t count, PyObject *keywords, PyObject *args[5])
{
    Py_ssize_t named = keywords ? PyTuple_Size(keywords) : 0;

    if (count > 5) {
        PyErr_Format(PyExc_TypeError, "__import__() takes at most 5 arguments (%zd given)", count + named);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        args[i] = given[i];
    for (Py_ssize_t k = 0; k < named; k++) {
        PyObject *key = PyTuple_GetItem(keywords, k);
        int at = 0;
        while (at < 5 && PyUnicode_CompareWithASCIIString(key, import_names[at]) != 0)
            at++;
        if (at == 5 || args[at] != NULL) {
            PyErr_Format(PyExc_TypeError, "__import__() got an unexpected keyword argument '%U'", key);
            return -1;
        }
        args[at] = given[count + k];
    }
    if (args[0] == NULL) {
        PyErr_SetString(PyExc_TypeError, "__import__() missing required argument 'name' (pos 1)");
        return -1;
    }
    return 0;
}

/* PyImport_Import, the C way to import, passes an empty list where a statement passes None or a
 * tuple: pickle and extension modules must not be charged to the code that called them. */
static int
comes_from_c(PyObject *fromlist)
{
    return fromlist != NULL && PyList_CheckExact(fromlist) && PyList_Size(fromlist) == 0;
}

static PyObject * /* -> new */
guarded_import(PyObject *module, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    GuardState *st = state_of(module);
    PyObject *args[5] = {NULL, NULL, NULL, NULL, NULL};
    int level = 0;

    /* what an import statement passes */
    if (count == 5 && keywords == NULL && given[4] == st->zero && is_known(st, given[1], given[0]))
        return PyImport_ImportModuleLevelObject(given[0], given[1], given[2], given[3], 0);
    if (spread(given, count, keywords, args) < 0)
        return NULL;
    if (args[4] != NULL) {
        level = (int)PyLong_AsLong(args[4]);
        if (level == -1 && PyErr_Occurred())
            return NULL;
    }
    if (level == 0 && st->decide != NULL && PyUnicode_Check(args[0]) && !comes_from_c(args[3])) {
        if (ask(st, args[1], args[0], args[3]) < 0)
            return NULL;
    }
    return PyImport_ImportModuleLevelObject(args[0], args[1], args[2], args[3], level);
}

static PyMethodDef guarded_import_def = {
    "__import__", (PyCFunction)(void (*)(void))guarded_import, METH_FASTCALL | METH_KEYWORDS,
    "__import__(name, globals=None, locals=None, fromlist=(), level=0)\n--\n\n"
    "Import a module, if the importing code may."};

/* -- importlib.import_module and importlib.util.find_spec ------------------------------------ */

/* The name argument.  -> borrowed, NULL when it is not there */
static PyObject *
name_argument(PyObject *args, PyObject *keywords)
{
    if (PyTuple_Size(args) > 0)
        return PyTuple_GetItem(args, 0);
    return keywords ? PyDict_GetItemString(keywords, "name") : NULL;
}

/* self is (module, original): ask on behalf of the caller, then do what the original does. */
static PyObject * /* -> new */
guarded_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    GuardState *st = state_of(PyTuple_GetItem(self, 0));
    PyObject *name = name_argument(args, keywords); /* borrowed */

    if (name != NULL && PyUnicode_Check(name) && PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) != '.' && st->decide != NULL) {
        if (ask(st, NULL, name, NULL) < 0)
            return NULL;
    }
    return PyObject_Call(PyTuple_GetItem(self, 1), args, keywords);
}

static int
is_dotted(PyObject *args, PyObject *keywords)
{
    PyObject *name = name_argument(args, keywords);

    return name != NULL && PyUnicode_Check(name) && PyUnicode_FindChar(name, '.', 0, PyUnicode_GetLength(name), 1) >= 0;
}

static PyObject * /* -> new */
guarded_find(PyObject *self, PyObject *args, PyObject *keywords)
{
    PyObject *found = guarded_call(self, args, keywords);

    /* a spec that may not be used is a spec that was not found; of a submodule the error stays, as
     * it does when the parent package is missing */
    if (found == NULL && PyErr_ExceptionMatches(PyExc_ModuleNotFoundError) && !is_dotted(args, keywords)) {
        PyErr_Clear();
        found = Py_NewRef(Py_None);
    }
    return found;
}

static PyMethodDef guarded_call_def = {
    "import_module", (PyCFunction)(void (*)(void))guarded_call, METH_VARARGS | METH_KEYWORDS,
    "import_module(name, package=None)\n--\n\nImport a module, if the calling code may."};
static PyMethodDef guarded_find_def = {
    "find_spec", (PyCFunction)(void (*)(void))guarded_find, METH_VARARGS | METH_KEYWORDS,
    "find_spec(name, package=None)\n--\n\nFind a module's spec, if the calling code may import it."};

static PyObject * /* -> new */
wrap(PyObject *module, PyObject *args, PyMethodDef *def)
{
    PyObject *original, *self, *result;

    if (!PyArg_ParseTuple(args, "O:wrap", &original))
        return NULL;
    self = PyTuple_Pack(2, module, original);
    if (self == NULL)
        return NULL;
    result = PyCFunction_NewEx(def, self, NULL);
    Py_DECREF(self);
    return result;
}

static PyObject * /* -> new */
wrap_import_module(PyObject *module, PyObject *args)
{
    return wrap(module, args, &guarded_call_def);
}

static PyObject * /* -> new */
wrap_find_spec(PyObject *module, PyObject *args)
{
    return wrap(module, args, &guarded_find_def);
}

/* -- Switching on and off --------------------------------------------------------------------- */

static void
forget(GuardState *st)
{
    for (int i = 0; i < SLOTS; i++) {
        Py_CLEAR(st->slots[i].file);
        Py_CLEAR(st->slots[i].name);
    }
}

static PyObject * /* -> new */
install(PyObject *module, PyObject *decide)
{
    GuardState *st = state_of(module);
    PyObject *builtins = NULL, *hook = NULL, *old = NULL; /* owned */
    int failed = -1;

    if (!PyCallable_Check(decide)) {
        PyErr_SetString(PyExc_TypeError, "decide must be callable");
        return NULL;
    }
    builtins = PyImport_ImportModule("builtins");
    hook = builtins ? PyCFunction_NewEx(&guarded_import_def, module, NULL) : NULL;
    if (hook == NULL)
        goto done;
    forget(st);
    old = st->decide;
    st->decide = Py_NewRef(decide);
    failed = PyObject_SetAttrString(builtins, "__import__", hook);
done:
    Py_XDECREF(old);
    Py_XDECREF(hook);
    Py_XDECREF(builtins);
    return failed < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject * /* -> new */
uninstall(PyObject *module, PyObject *original)
{
    GuardState *st = state_of(module);
    PyObject *builtins = PyImport_ImportModule("builtins");
    int failed = builtins == NULL ? -1 : PyObject_SetAttrString(builtins, "__import__", original);

    forget(st);
    Py_CLEAR(st->decide);
    Py_XDECREF(builtins);
    return failed < 0 ? NULL : Py_NewRef(Py_None);
}

/* -- Running the program ----------------------------------------------------------------------- */

/* What the interpreter does when its main program was interrupted: die of the signal. */
static void
die_of_interrupt(void)
{
    Py_FinalizeEx();
    signal(SIGINT, SIG_DFL);
    kill(getpid(), SIGINT);
}

/* Exit status of a main program whose result is `value` (takes it); reports an exception the
 * way the interpreter does.  The traceback starts in the program, because it is taken
 * here, before our own frames are unwound. */
static PyObject * /* -> new */
finish(PyObject *value)
{
    int interrupted;

    if (value != NULL) {
        Py_DECREF(value);
        return PyLong_FromLong(0);
    }
    interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
    PyErr_Print(); /* does not return for SystemExit */
    if (interrupted)
        die_of_interrupt();
    return PyLong_FromLong(1);
}

/* Source text as Py_CompileString takes it, or NULL (no exception) where only compile() will do:
 * it reads up to a NUL, and heeds an encoding line, which text that is decoded already must not
 * have.  -> borrowed from source */
static const char *
plain_text(PyObject *source)
{
    const char *text;
    Py_ssize_t size;

    if (PyBytes_Check(source)) {
        text = PyBytes_AsString(source);
        size = PyBytes_Size(source);
    }
    else {
        text = PyUnicode_Check(source) ? PyUnicode_AsUTF8AndSize(source, &size) : NULL;
        if (text == NULL || strstr(text, "coding") != NULL) {
            PyErr_Clear();
            return NULL;
        }
    }
    return strlen(text) == (size_t)size ? text : NULL;
}

/* compile(source, filename, "exec", dont_inherit=True).  The function of that name first makes
 * every type of the ast module, a sixth of what a start costs.
 * -> new */
static PyObject *
compile_main(PyObject *source, PyObject *filename)
{
    const char *text = plain_text(source);
    PyObject *path = NULL, *builtins = NULL, *code = NULL; /* owned */

    if (text != NULL) {
        if (PyUnicode_FSConverter(filename, &path))
            code = Py_CompileString(text, PyBytes_AsString(path), Py_file_input);
        goto done;
    }
    builtins = PyImport_ImportModule("builtins");
    if (builtins != NULL)
        code = PyObject_CallMethod(builtins, "compile", "OOsii", source, filename, "exec", 0, 1);
done:
    Py_XDECREF(path);
    Py_XDECREF(builtins);
    return code;
}

/* Compile and run text as the main program; a syntax error, too, is reported without our frames. */
static PyObject * /* -> new */
execute(PyObject *module, PyObject *args)
{
    PyObject *source, *filename, *globals;
    PyObject *code, *value = NULL; /* owned */

    if (!PyArg_ParseTuple(args, "OOO!:execute", &source, &filename, &PyDict_Type, &globals))
        return NULL;
    code = compile_main(source, filename);
    if (code != NULL)
        value = PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(code);
    return finish(value);
}

static PyObject * /* -> new */
call_main(PyObject *module, PyObject *args)
{
    PyObject *function, *arguments;

    if (!PyArg_ParseTuple(args, "OO!:call_main", &function, &PyTuple_Type, &arguments))
        return NULL;
    return finish(PyObject_Call(function, arguments, NULL));
}

/* -- Module ------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"install", install, METH_O, "install(decide): guard builtins.__import__"},
    {"uninstall", uninstall, METH_O, "uninstall(original): put the original __import__ back"},
    {"wrap_import_module", wrap_import_module, METH_VARARGS, "wrap_import_module(original)"},
    {"wrap_find_spec", wrap_find_spec, METH_VARARGS, "wrap_find_spec(original)"},
    {"execute", execute, METH_VARARGS, "execute(source, filename, globals) -> exit status"},
    {"call_main", call_main, METH_VARARGS, "call_main(function, args) -> exit status"},
    {NULL, NULL, 0, NULL},
};

static int
module_exec(PyObject *module)
{
    GuardState *st = state_of(module);

    st->file_key = PyUnicode_InternFromString("__file__");
    st->zero = PyLong_FromLong(0);
    return st->file_key == NULL || st->zero == NULL ? -1 : 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    GuardState *st = state_of(module);

    if (st != NULL)
        Py_VISIT(st->decide);
    return 0;
}

static int
module_clear(PyObject *module)
{
    GuardState *st = state_of(module);

    if (st != NULL) {
        forget(st);
        Py_CLEAR(st->decide);
        Py_CLEAR(st->file_key);
        Py_CLEAR(st->zero);
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_guard",
    .m_doc = "Import guard and start-up of environments made by the package manager.",
    .m_size = sizeof(GuardState),
    .m_methods = methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit__guard(void)
{
    return PyModuleDef_Init(&module_def);
}
