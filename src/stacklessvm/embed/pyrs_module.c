/* The extension module pyrs._pyrs: Python's way into the VM.
 *
 * Two kinds of entry:
 *   run_function, run_code     called by a program, run above its frames
 *   main_source, main_code,    are the program: nothing of what started it is visible from
 *   main_function              inside, and an unhandled exception ends here, printed
 *
 * State that is process-wide (type objects, co_extra index, counters) is set up once, in the
 * main interpreter; other interpreters are refused.
 */
#include "cpyext_compat/cpy_iter.h"
#include "cpyext_compat/cpy_selftest.h"
#include "cpyext_compat/cpy_lazy_locals.h"
#include "cpyext_compat/cpy_load.h"
#include "cpyext_compat/bytecode/cpy_decode.h"

#include "ir/vm_cache.h"
#include "jit/jit_patch.h"
#include "vm/vm_builtin.h"
#include "vm/vm_call.h"
#include "vm/vm_call_out.h"
#include "vm/vm_gen.h"
#include "vm/vm_ic.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"
#include "vm/vm_quiet.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"

#include <stdio.h>

typedef struct {
    VmStats then;               /* counters at the last reset_stats() */
    uint64_t translated_then, loaded_then;
    PyObject *reasons_then;     /* owned dict, or NULL: never reset */
} ModuleState;

/* -- arguments ------------------------------------------------------------------------- */

static int
expect(PyObject *o, PyTypeObject *type, const char *function, const char *what)
{
    if (PyObject_TypeCheck(o, type))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() expects %s, not %.200s", function, what,
                 Py_TYPE(o)->tp_name);
    return -1;
}

/* The code of a code object or function.  -> borrowed from o */
static PyCodeObject *
code_of(PyObject *o, const char *function)
{
    if (PyFunction_Check(o))
        return (PyCodeObject *)PyFunction_GET_CODE(o);
    if (expect(o, &PyCode_Type, function, "a function or code object") < 0)
        return NULL;
    return (PyCodeObject *)o;
}

static VmCode *
vm_code_for(PyObject *o, const char *function)
{
    PyCodeObject *co = code_of(o, function);
    return co == NULL ? NULL : vm_code_of(co);
}

/* -- running ----------------------------------------------------------------------------- */

/* func(*args, **kwargs) in the VM.  -> new */
static PyObject *
call_function(PyObject *func, PyObject *args, PyObject *kwargs)
{
    size_t n = (size_t)PyTuple_GET_SIZE(args);
    size_t n_keywords = kwargs == NULL ? 0 : (size_t)PyDict_GET_SIZE(kwargs);
    if (n_keywords == 0)
        return vm_function_vectorcall(func, ((PyTupleObject *)args)->ob_item, n, NULL);
    PyObject **all = PyMem_New(PyObject *, n + n_keywords);     /* borrowed from args, kwargs */
    PyObject *names = NULL, *result = NULL, *name, *value;
    if (all == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    names = PyTuple_New((Py_ssize_t)n_keywords);
    if (names == NULL)
        goto done;
    for (size_t i = 0; i < n; i++)
        all[i] = PyTuple_GET_ITEM(args, i);
    Py_ssize_t at = 0;
    for (size_t i = 0; PyDict_Next(kwargs, &at, &name, &value); i++) {
        PyTuple_SET_ITEM(names, i, Py_NewRef(name));
        all[n + i] = value;
    }
    /* args and kwargs are the caller's: nobody else can change them during the call */
    result = vm_function_vectorcall(func, all, n, names);
done:
    Py_XDECREF(names);
    PyMem_Free(all);
    return result;
}

static int
add_builtins(PyObject *globals)
{
    PyObject *name = PyUnicode_InternFromString("__builtins__");
    int has = name == NULL ? -1 : PyDict_Contains(globals, name);
    if (has == 0)
        has = PyDict_SetItem(globals, name, PyEval_GetBuiltins());
    Py_XDECREF(name);
    return has < 0 ? -1 : 0;
}

/* exec(code, globals, locals) in the VM.  -> new: None, or the value of an expression */
static PyObject *
exec_code(PyObject *code, PyObject *globals, PyObject *locals)
{
    PyObject *func = NULL, *result = NULL;
    if (PyCode_GetNumFree((PyCodeObject *)code) > 0) {
        PyErr_SetString(PyExc_TypeError,
                        "code without free variables is expected: nothing here can fill them");
        goto done;
    }
    if (add_builtins(globals) < 0)
        goto done;
    const char *why = vm_must_delegate(PyThreadState_Get());
    if (why == NULL) {
        VmCode *lowered = vm_code_of((PyCodeObject *)code);
        if (lowered == NULL)
            goto done;
        why = lowered->refused;
    }
    if (why != NULL) {
        result = vm_fallback_eval(code, globals, locals, why);
        goto done;
    }
    func = PyFunction_New(code, globals);
    if (func != NULL)
        result = vm_enter_code((PyFunctionObject *)func, locals);
done:
    Py_XDECREF(func);
    return result;
}

static PyObject *
run_function(PyObject *module, PyObject *args)
{
    PyObject *func, *positional, *keywords = Py_None;
    if (!PyArg_ParseTuple(args, "OO!|O:run_function", &func, &PyTuple_Type, &positional,
                          &keywords)
        || expect(func, &PyFunction_Type, "run_function", "a Python function") < 0)
        return NULL;
    if (keywords == Py_None)
        keywords = NULL;
    else if (expect(keywords, &PyDict_Type, "run_function", "a dict of keyword arguments") < 0)
        return NULL;
    return call_function(func, positional, keywords);
}

static PyObject *
run_code(PyObject *module, PyObject *args)
{
    PyObject *code, *globals, *locals = NULL;
    if (!PyArg_ParseTuple(args, "OO|O:run_code", &code, &globals, &locals)
        || expect(code, &PyCode_Type, "run_code", "a code object") < 0
        || expect(globals, &PyDict_Type, "run_code", "a dict as globals") < 0)
        return NULL;
    if (locals == NULL || locals == Py_None)
        locals = globals;
    if (!PyMapping_Check(locals)) {
        PyErr_Format(PyExc_TypeError, "run_code() expects a mapping as locals, not %.200s",
                     Py_TYPE(locals)->tp_name);
        return NULL;
    }
    return exec_code(code, globals, locals);
}

/* -- being the program --------------------------------------------------------------------- */

/* The frames that started the program, out of its sight: its first frame is the bottom of the
   stack, and all of the recursion limit is its own. */
typedef struct {
    PyThreadState *ts;
    CpyFrame *top;
    int depth;
} Hidden;

static Hidden
hide_frames(void)
{
    vm_own_modules();
    PyThreadState *ts = PyThreadState_Get();
    Hidden h = {ts, cpy_top_frame(ts), Py_GetRecursionLimit() - *cpy_recursion_left(ts)};
    cpy_set_top_frame(ts, NULL);
    *cpy_recursion_left(ts) += h.depth;
    return h;
}

static void
show_frames(Hidden h)
{
    *cpy_recursion_left(h.ts) -= h.depth;
    cpy_set_top_frame(h.ts, h.top);
}

/* An unhandled exception is printed by CPython itself while the frames are still hidden: an
   excepthook sees no frame of ours either.  `result` is taken.
   -> new: None, or the type of the exception that was printed; NULL with SystemExit */
static PyObject *
end_program(PyObject *result)
{
    if (result != NULL) {
        Py_DECREF(result);
        return Py_NewRef(Py_None);
    }
    if (PyErr_ExceptionMatches(PyExc_SystemExit))
        return NULL;
    PyObject *type = Py_NewRef(PyErr_Occurred());
    PyErr_Print();
    return type;
}

/* A temporary file with these bytes, to be read.  NULL without an exception when there can't be
   one. */
static FILE *
file_of(PyObject *bytes)
{
    FILE *file = tmpfile();
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    if (file == NULL)
        return NULL;
    if (fwrite(PyBytes_AS_STRING(bytes), 1, size, file) == size && fflush(file) == 0) {
        rewind(file);
        return file;
    }
    fclose(file);
    return NULL;
}

/* What CPython says to a source file is worded by its file reader, which has messages of its
   own (encodings, NUL bytes): a source that does not compile, an exception being set, is given
   to it to complain about.  -> new when the reader accepts and runs it */
static PyObject *
run_as_file(PyObject *source, PyObject *filename, PyObject *globals)
{
    PyObject *type, *value, *traceback, *result = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *name = PyUnicode_EncodeFSDefault(filename);
    FILE *file = name == NULL ? NULL : file_of(source);
    if (file == NULL) {
        PyErr_Restore(type, value, traceback);
        goto done;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    result = PyRun_FileExFlags(file, PyBytes_AS_STRING(name), Py_file_input, globals, globals,
                               1, NULL);
done:
    Py_XDECREF(name);
    return result;
}

static PyObject *
compile_source(PyObject *source, PyObject *filename, int is_file)
{
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    if (!is_file)
        flags.cf_flags |= PyCF_IGNORE_COOKIE | PyCF_SOURCE_IS_UTF8;
    const char *text = PyBytes_AS_STRING(source);
    if (strlen(text) != (size_t)PyBytes_GET_SIZE(source)) {
        PyErr_SetString(PyExc_ValueError, "source code string cannot contain null bytes");
        return NULL;
    }
    return Py_CompileStringObject(text, filename, Py_file_input, &flags, -1);
}

static PyObject *
source_as_program(PyObject *source, PyObject *filename, PyObject *globals, int is_file)
{
    if (add_builtins(globals) < 0)
        return NULL;
    PyObject *code = compile_source(source, filename, is_file);
    if (code == NULL)
        return is_file ? run_as_file(source, filename, globals) : NULL;
    PyObject *result = exec_code(code, globals, globals);
    Py_DECREF(code);
    return result;
}

static PyObject *
main_source(PyObject *module, PyObject *args)
{
    PyObject *source, *filename, *globals;
    int is_file;
    if (!PyArg_ParseTuple(args, "SUO!p:main_source", &source, &filename, &PyDict_Type,
                          &globals, &is_file))
        return NULL;
    Hidden h = hide_frames();
    PyObject *end = end_program(source_as_program(source, filename, globals, is_file));
    show_frames(h);
    return end;
}

static PyObject *
main_code(PyObject *module, PyObject *args)
{
    PyObject *code, *globals;
    if (!PyArg_ParseTuple(args, "O!O!:main_code", &PyCode_Type, &code, &PyDict_Type, &globals))
        return NULL;
    Hidden h = hide_frames();
    PyObject *end = end_program(exec_code(code, globals, globals));
    show_frames(h);
    return end;
}

static PyObject *
main_function(PyObject *module, PyObject *args)
{
    PyObject *func, *positional;
    if (!PyArg_ParseTuple(args, "O!O!:main_function", &PyFunction_Type, &func, &PyTuple_Type,
                          &positional))
        return NULL;
    Hidden h = hide_frames();
    PyObject *end = end_program(call_function(func, positional, NULL));
    show_frames(h);
    return end;
}

/* -- counters ------------------------------------------------------------------------------ */

/* now - then, without what did not grow.  -> new dict */
static PyObject *
reasons_since(PyObject *then)
{
    PyObject *now = vm_fallback_reasons(), *grown = NULL;
    PyObject *reason, *count;
    Py_ssize_t at = 0;
    if (now == NULL || then == NULL)
        return now;
    grown = PyDict_New();
    while (grown != NULL && PyDict_Next(now, &at, &reason, &count)) {
        PyObject *before = PyDict_GetItemWithError(then, reason);      /* borrowed */
        PyObject *more = before == NULL ? Py_NewRef(count) : PyNumber_Subtract(count, before);
        int status = more == NULL ? -1 : PyObject_IsTrue(more);
        if (status > 0)
            status = PyDict_SetItem(grown, reason, more);
        Py_XDECREF(more);
        if (status < 0)
            Py_CLEAR(grown);
    }
    Py_DECREF(now);
    return grown;
}

static PyObject *
stats(PyObject *module, PyObject *unused)
{
    ModuleState *st = PyModule_GetState(module);
    PyObject *reasons = reasons_since(st->reasons_then);
    if (reasons == NULL)
        return NULL;
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:N}",
                         "native", vm_stats.native - st->then.native,
                         "delegated", vm_stats.delegated - st->then.delegated,
                         "compiled", vm_stats.compiled - st->then.compiled,
                         "bailouts", vm_stats.bailouts - st->then.bailouts,
                         "translated", vm_code_lowered - st->translated_then,
                         "loaded", vm_code_loaded - st->loaded_then,
                         "reasons", reasons);
}

static PyObject *
reset_stats(PyObject *module, PyObject *unused)
{
    ModuleState *st = PyModule_GetState(module);
    PyObject *reasons = vm_fallback_reasons();
    if (reasons == NULL)
        return NULL;
    Py_XSETREF(st->reasons_then, reasons);
    st->then = vm_stats;
    st->translated_then = vm_code_lowered;
    st->loaded_then = vm_code_loaded;
    Py_RETURN_NONE;
}

/* -- looking at code --------------------------------------------------------------------------- */

static const char *const ATTR_NAMES[] = {
    [ATTR_NONE] = "nothing",
    [ATTR_VALUES] = "inline value",
    [ATTR_DICT] = "instance dict",
    [ATTR_SLOT] = "slot",
    [ATTR_METHOD] = "method",
    [ATTR_METHOD_DICT] = "method, instance dict checked",
    [ATTR_CLASS_VALUE] = "class value",
    [ATTR_CLASS_VALUE_DICT] = "class value, instance dict checked",
    [ATTR_PROPERTY] = "property",
    [ATTR_TYPE_VALUE] = "attribute of a class",
    [ATTR_TYPE_CLASSMETHOD] = "classmethod",
    [ATTR_MODULE] = "module attribute",
    [ATTR_FIELD] = "field of a named tuple",
    [ATTR_DESCRIPTOR] = "descriptor written in C",
    [ATTR_HOOKED] = "property, of a class with __getattr__",
    [ATTR_SUPER] = "method of a base class",
};

/* What a call's site has seen, or NULL: nothing. */
static const char *
call_seen(const VmCache *c)
{
    if (c->u.call.kind != CALL_DIRECT)
        return c->u.call.kind == CALL_C ? "C class" : NULL;
    switch (c->u.call.how) {
    case HOW_CLASS: return "class";
    case HOW_SEND: return "generator";
    default: return "C function";
    }
}

#define NAME_OF(NAMES, i) ((size_t)(i) < Py_ARRAY_LENGTH(NAMES) ? (NAMES)[i] : "?")

static int
add_seen(PyObject *seen, const char *what)
{
    PyObject *text = PyUnicode_FromString(what);
    int status = text == NULL ? -1 : PyList_Append(seen, text);
    Py_XDECREF(text);
    return status;
}

/* What an inline cache has specialised for.  -> new list of str */
static PyObject *
cache_seen(const VmCache *c)
{
    PyObject *seen = PyList_New(0);
    int status = seen == NULL ? -1 : 0;
    if (c->kind == IC_GLOBAL && c->u.global.globals_version != VM_NO_VERSION)
        status = status < 0 ? -1 : add_seen(seen, "global");
    if (c->kind == IC_CALL && call_seen(c) != NULL)
        status = status < 0 ? -1 : add_seen(seen, call_seen(c));
    if ((c->kind == IC_CALL && c->u.call.leaves != NULL)
        || (c->kind == IC_KEYWORDS && c->u.keywords.fit != NULL && c->u.keywords.fit->leaves != NULL))
        status = status < 0 ? -1 : add_seen(seen, "leaf");
    if (c->kind == IC_ATTR && c->u.attr.first.version != 0)
        status = status < 0 ? -1 : add_seen(seen, NAME_OF(ATTR_NAMES, c->u.attr.first.kind));
    for (int i = 0; c->kind == IC_ATTR && c->u.attr.more != NULL && i < VM_CACHE_MORE; i++)
        if (status == 0 && c->u.attr.more[i].version != 0)
            status = add_seen(seen, NAME_OF(ATTR_NAMES, c->u.attr.more[i].kind));
    if (status < 0)
        Py_CLEAR(seen);
    return seen;
}

/* -> new list of dicts, one for each site */
static PyObject *
explain_caches(const VmCode *code)
{
    static const char *const KINDS[] = {
        [IC_NONE] = "none", [IC_GLOBAL] = "global", [IC_ATTR] = "attribute", [IC_CALL] = "call", [IC_KEYWORDS] = "call"};
    PyObject *sites = PyList_New(0);
    for (uint32_t i = 0; sites != NULL && i < code->n_caches; i++) {
        const VmCache *c = code->caches + i;
        PyObject *seen = cache_seen(c);
        PyObject *site = seen == NULL ? NULL
                                      : Py_BuildValue("{s:s,s:O,s:N,s:i}",
                                                      "kind", NAME_OF(KINDS, c->kind),
                                                      "name", c->name == NULL ? Py_None : c->name,
                                                      "seen", seen,
                                                      "misses", (int)c->misses);
        if (site == NULL || PyList_Append(sites, site) < 0)
            Py_CLEAR(sites);
        Py_XDECREF(site);
    }
    return sites;
}

static uint32_t
count_instructions(const VmCode *code)
{
    uint32_t count = 0;
    for (uint32_t pc = 0; pc < code->n_insns; pc += (uint32_t)vm_op_words(code->insns + pc))
        count++;
    return count;
}

static PyObject *
explain(PyObject *module, PyObject *o)
{
    VmCode *code = vm_code_for(o, "explain");
    if (code == NULL)
        return NULL;
    PyObject *caches = explain_caches(code);
    if (caches == NULL)
        return NULL;
    return Py_BuildValue("{s:O,s:z,s:n,s:I,s:i,s:i,s:I,s:O,s:N}",
                         "name", code->co->co_qualname,
                         "refused", code->refused,
                         "bytecode_units", Py_SIZE(code->co),
                         "instructions", count_instructions(code),
                         "registers", (int)code->nregs,
                         "locals", (int)code->nlocals,
                         "handlers", code->n_handlers,
                         "generator", code->is_generator ? Py_True : Py_False,
                         "caches", caches);
}

static PyObject *
dis(PyObject *module, PyObject *o)
{
    VmCode *code = vm_code_for(o, "dis");
    if (code == NULL)
        return NULL;
    if (code->refused != NULL)
        return PyUnicode_FromFormat("runs on CPython: %s\n", code->refused);
    return vm_dis(code);
}

static PyObject *
verify(PyObject *module, PyObject *o)
{
    char why[200];
    VmCode *code = vm_code_for(o, "verify");
    if (code == NULL)
        return NULL;
    if (code->refused != NULL)
        return PyUnicode_FromString(code->refused);
    if (vm_verify(code, why, sizeof why) < 0)
        return PyUnicode_FromString(why);
    Py_RETURN_NONE;
}

/* -> new: None, or what the decoder has against the code */
static PyObject *
undecodable(PyObject *module, PyObject *o)
{
    PyCodeObject *co = code_of(o, "undecodable");
    if (co == NULL)
        return NULL;
    CpyStream stream = {0};
    int status = cpy_decode(co, &stream);
    cpy_stream_free(&stream);
    if (status == 0)
        Py_RETURN_NONE;
    if (!PyErr_ExceptionMatches(PyExc_ValueError))
        return NULL;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *text = PyObject_Str(value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return text;
}

/* -> new (frames handed over since the last call, name of the last one's instruction) */
static PyObject *
hand_over(PyObject *module, PyObject *args)
{
    unsigned long long left, then = 0;
    if (!PyArg_ParseTuple(args, "K|K:_hand_over", &left, &then))
        return NULL;
    VmStep before = vm_step;
    vm_step = (VmStep){.left = left, .then = then};
    return Py_BuildValue("Ks", (unsigned long long)before.done,
                         before.done == 0 ? NULL : vm_op_name(before.op));
}

/* -> new (result, how the stencils were left, instructions with a stencil, without) */
static PyObject *
run_joined(PyObject *module, PyObject *args)
{
    static const char *const WAYS[] = {
        [STENCIL_LEFT] = "left", [STENCIL_RAISED] = "raised", [STENCIL_RETURNED] = "returned"};
    PyObject *func, *positional, *result = NULL;
    JitCode joined;
    StencilWhy why = STENCIL_LEFT;
    if (!PyArg_ParseTuple(args, "O!O!:_run_joined", &PyFunction_Type, &func, &PyTuple_Type,
                          &positional))
        return NULL;
    VmCode *code = vm_code_for(func, "_run_joined");
    if (code == NULL || jit_join(code, &joined) < 0)
        return NULL;
    result = jit_run_joined(&joined, (PyFunctionObject *)func,
                            ((PyTupleObject *)positional)->ob_item,
                            (size_t)PyTuple_GET_SIZE(positional), &why);
    if (result != NULL)
        result = Py_BuildValue("NsII", result, WAYS[why], joined.n_joined, joined.n_left);
    jit_code_free(&joined);
    return result;
}

static PyObject *
own(PyObject *module, PyObject *func)
{
    if (expect(func, &PyFunction_Type, "own", "a Python function") < 0)
        return NULL;
    vm_own_function(func);
    return Py_NewRef(func);
}

static PyObject *
own_modules(PyObject *module, PyObject *unused)
{
    vm_own_modules();
    Py_RETURN_NONE;
}

static PyObject *
load_extension(PyObject *module, PyObject *args)
{
    PyObject *path, *name = Py_None;
    if (!PyArg_ParseTuple(args, "O|O:load_extension", &path, &name))
        return NULL;
    return cpy_load_extension(path, name == Py_None ? NULL : name);
}

static PyObject *
tolerate_eval_hook(PyObject *module, PyObject *address)
{
    void *hook = PyLong_AsVoidPtr(address);
    if (hook == NULL && PyErr_Occurred())
        return NULL;
    cpy_tolerated_hook = (_PyFrameEvalFunction)hook;
    Py_RETURN_NONE;
}

/* -- the module --------------------------------------------------------------------------------- */

static PyMethodDef METHODS[] = {
    {"run_function", run_function, METH_VARARGS,
     "run_function($module, func, args, kwargs=None, /)\n--\n\nfunc(*args, **kwargs) in the VM."},
    {"run_code", run_code, METH_VARARGS,
     "run_code($module, code, globals, locals=None, /)\n--\n\nexec(code, globals, locals) in the VM; the value of an expression's code."},
    {"main_source", main_source, METH_VARARGS,
     "main_source($module, source, filename, globals, is_file, /)\n--\n\nBe the program with this source; an unhandled exception is printed, its type returned."},
    {"main_code", main_code, METH_VARARGS,
     "main_code($module, code, globals, /)\n--\n\nBe the program with this code; an unhandled exception is printed, its type returned."},
    {"main_function", main_function, METH_VARARGS,
     "main_function($module, func, args, /)\n--\n\nBe the program that calls func; an unhandled exception is printed, its type returned."},
    {"stats", stats, METH_NOARGS,
     "stats($module, /)\n--\n\nWhat ran where since the last reset_stats()."},
    {"reset_stats", reset_stats, METH_NOARGS,
     "reset_stats($module, /)\n--\n\nCount from here."},
    {"explain", explain, METH_O,
     "explain($module, code, /)\n--\n\nWhat became of a function or code object, and what its caches have seen."},
    {"dis", dis, METH_O,
     "dis($module, code, /)\n--\n\nThe VM's instructions of a function or code object, as text."},
    {"verify", verify, METH_O,
     "verify($module, code, /)\n--\n\nNone, or what is wrong with the VM's instructions."},
    {"undecodable", undecodable, METH_O,
     "undecodable($module, code, /)\n--\n\nNone, or why this Python's compiler can't have made this code."},
    {"own", own, METH_O,
     "own($module, func, /)\n--\n\nMake C callers of a function come to the VM; returns it."},
    {"own_modules", own_modules, METH_NOARGS,
     "own_modules($module, /)\n--\n\nThe same for the functions and classes of all modules there are."},
    {"load_extension", load_extension, METH_VARARGS,
     "load_extension($module, path, name=None, /)\n--\n\nThe module in a shared object, imported by its path."},
    {"_hand_over", hand_over, METH_VARARGS,
     "_hand_over($module, left, then=0, /)\n--\n\nFor tests: give frames to CPython at the left-th boundary from now and each then-th after it."},
    {"_tolerate_eval_hook", tolerate_eval_hook, METH_O,
     "_tolerate_eval_hook($module, address, /)\n--\n\nFor tests: an eval-frame hook that only counts; nothing is left to CPython because of it."},
    {"_run_joined", run_joined, METH_VARARGS,
     "_run_joined($module, func, args, /)\n--\n\nFor tests: func(*args) through stencils; (result, how they were left, instructions with one, without)."},
    {NULL, NULL, 0, NULL},
};

/* Once per process. */
static int
start_vm(void)
{
    static int started;
    if (started)
        return 0;
    if (cpy_selftest() < 0 || vm_code_init() < 0 || cpy_lazy_locals_init() < 0)
        return -1;
    vm_shadow_init();
    if (vm_num_init() < 0 || vm_quiet_init() < 0 || vm_gen_init_types() < 0)
        return -1;
    vm_call_init();
    if (vm_builtin_init() < 0 || vm_special_init() < 0)
        return -1;
    vm_image_start();
    const char *fallback = getenv("PYRS_FALLBACK");
    vm_fallback_is_error = fallback != NULL && strcmp(fallback, "error") == 0;
    started = 1;
    return 0;
}

static int
module_exec(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError,
                        "pyrs: the VM runs in the main interpreter, not in subinterpreters");
        return -1;
    }
    if (start_vm() < 0)
        return -1;
    return PyModule_AddStringConstant(module, "built_for", PY_VERSION);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *st = PyModule_GetState(module);
    Py_VISIT(st->reasons_then);
    return 0;
}

static int
module_clear(PyObject *module)
{
    ModuleState *st = PyModule_GetState(module);
    Py_CLEAR(st->reasons_then);
    cpy_sequence_iter_trim();
    return 0;
}

static PyModuleDef_Slot SLOTS[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pyrs._pyrs",
    .m_doc = "The stackless VM.",
    .m_size = sizeof(ModuleState),
    .m_methods = METHODS,
    .m_slots = SLOTS,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit__pyrs(void)
{
    return PyModuleDef_Init(&MODULE);
}
