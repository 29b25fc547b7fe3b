/* Test-only extension: the compatibility layer's functions, callable from Python.
   Built by conftest.py for the interpreter that runs the tests. */
#include "cpyext_compat/cpy_version.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_backports.h"
#include "cpyext_compat/cpy_call.h"
#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_frame.h"
#include "cpyext_compat/cpy_handover.h"
#include "cpyext_compat/cpy_iter.h"
#include "cpyext_compat/cpy_lazy_locals.h"
#include "cpyext_compat/cpy_load.h"
#include "cpyext_compat/cpy_long.h"
#include "cpyext_compat/cpy_refs.h"
#include "cpyext_compat/cpy_selftest.h"

#include <time.h>

static double
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* decode(code) -> ([(op, arg, arg2, word, start, next, target)], [(start, end, target, depth, lasti)], at) */
static PyObject *
test_decode(PyObject *module, PyObject *code)
{
    CpyStream s;
    if (!PyCode_Check(code))
        return PyErr_Format(PyExc_TypeError, "code object expected");
    if (cpy_decode((PyCodeObject *)code, &s) < 0)
        return NULL;
    PyObject *insns = PyList_New(0), *handlers = PyList_New(0), *at = PyList_New(0), *v;
    for (uint32_t i = 0; i < s.n; i++) {
        CpyInsn *in = &s.insns[i];
        v = Py_BuildValue("sIHIIII", cpy_op_name(in->op), in->arg, in->arg2, in->word, in->start,
                          in->next, in->target);
        PyList_Append(insns, v);
        Py_DECREF(v);
    }
    for (uint32_t i = 0; i < s.n_handlers; i++) {
        CpyHandler *h = &s.handlers[i];
        v = Py_BuildValue("IIIHO", h->start, h->end, h->target, h->depth, h->lasti ? Py_True : Py_False);
        PyList_Append(handlers, v);
        Py_DECREF(v);
    }
    for (uint32_t i = 0; i < s.n_words; i++) {
        v = s.at[i] == CPY_NO_INSN ? Py_NewRef(Py_None) : PyLong_FromLong(s.at[i]);
        PyList_Append(at, v);
        Py_DECREF(v);
    }
    cpy_stream_free(&s);
    return Py_BuildValue("NNN", insns, handlers, at);
}

/* find_handler(code, word) -> index or None */
static PyObject *
test_find_handler(PyObject *module, PyObject *args)
{
    PyCodeObject *co;
    unsigned word;
    CpyStream s;
    if (!PyArg_ParseTuple(args, "O!I", &PyCode_Type, &co, &word) || cpy_decode(co, &s) < 0)
        return NULL;
    const CpyHandler *h = cpy_find_handler(&s, word);
    long i = h != NULL ? h - s.handlers : -1;
    cpy_stream_free(&s);
    if (i < 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(i);
}

/* decode_time(codes) -> (words, ns, ns of PyCode_GetCode alone) */
static PyObject *
test_decode_time(PyObject *module, PyObject *codes)
{
    double words = 0, start = now_ns(), all;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++) {
        CpyStream s;
        if (cpy_decode((PyCodeObject *)PyList_GET_ITEM(codes, i), &s) < 0)
            return NULL;
        words += s.n_words;
        cpy_stream_free(&s);
    }
    all = now_ns() - start;
    start = now_ns();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++) {
        PyObject *b = PyCode_GetCode((PyCodeObject *)PyList_GET_ITEM(codes, i));
        Py_XDECREF(b);
    }
    return Py_BuildValue("ddd", words, all, now_ns() - start);
}

/* --- shadow frames ---------------------------------------------------------------- */

/* Stands for a VM frame: its variables live here until somebody looks. */
typedef struct {
    PyObject *values;           /* borrowed tuple; Ellipsis is an unbound variable */
    int fills;
} Owner;

static void
fill_from_owner(void *owner, CpyFrame *f)
{
    Owner *w = owner;
    PyCodeObject *co = cpy_frame_code(f);
    for (int i = 0; i < co->co_nlocalsplus; i++) {
        PyObject *v = PyTuple_GET_ITEM(w->values, i);
        cpy_frame_slot_clear(f, i);
        cpy_frame_slot_set(f, i, v == Py_Ellipsis ? NULL : Py_NewRef(v));
    }
    cpy_frame_set_stacktop(f, co, co->co_nlocalsplus);
    w->fills++;
}

/* What a frame does after a call-out: lazy again, unless somebody keeps something. */
static void
relax(CpyFrame *f, PyCodeObject *co, Owner *w)
{
    PyFrameObject *fo = cpy_frame_object(f);
    if (fo != NULL && Py_REFCNT(fo) == 1 && !cpy_frame_object_in_use(fo)) {
        cpy_frame_set_object(f, NULL);
        Py_DECREF(fo);
    }
    if (cpy_lazy_locals_kept(f))
        return;
    int n = cpy_frame_stacktop(f, co);
    cpy_frame_set_stacktop(f, co, 0);
    for (int i = 0; i < n; i++)
        cpy_frame_slot_clear(f, i);
    cpy_lazy_locals_arm(f, w);
}

static void
leave(PyThreadState *ts, CpyFrame *f, PyCodeObject *co, PyFunctionObject *func, Owner *w)
{
    PyFrameObject *fo = cpy_frame_object(f);
    cpy_set_top_frame(ts, cpy_frame_previous(f));
    cpy_lazy_locals_disarm(f);
    if (fo != NULL && Py_REFCNT(fo) > 1)
        fill_from_owner(w, f);
    cpy_frame_take_ownership(ts, f, co, func);
    PyObject *type, *exc, *tb;
    PyErr_Fetch(&type, &exc, &tb);
    cpy_frame_drop(f, co);
    PyErr_Restore(type, exc, tb);
}

/* shadow(func, word, values1, callback1, values2, callback2, ...) -> ([results], fills)
   One shadow frame of func at word; before each callback the variables are as given. */
static PyObject *
test_shadow(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    PyThreadState *ts = PyThreadState_Get();
    PyFunctionObject *func = (PyFunctionObject *)args[0];
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    PyObject *globals = func->func_globals, *locals = NULL;
    Owner w = {0};
    PyObject *results = PyList_New(0);

    if (!(co->co_flags & CO_OPTIMIZED))
        locals = globals;
    CpyFrame *f = PyMem_Malloc(CPY_FRAME_HEADER
                               + (size_t)(co->co_nlocalsplus + co->co_stacksize) * sizeof(CpySlot));
    memset(f, 0xdb, CPY_FRAME_HEADER + (size_t)(co->co_nlocalsplus + co->co_stacksize) * sizeof(CpySlot));
    cpy_frame_init(f, func, co, globals, func->func_builtins, locals, cpy_top_frame(ts));
    cpy_frame_set_word(f, co, (uint32_t)PyLong_AsLong(args[1]));
    cpy_set_top_frame(ts, f);
    for (Py_ssize_t i = 2; i + 1 < nargs && results != NULL; i += 2) {
        w.values = args[i];
        if (i == 2)
            cpy_lazy_locals_arm(f, &w);
        else if (cpy_lazy_locals_kept(f))
            fill_from_owner(&w, f);
        PyObject *r = PyObject_CallNoArgs(args[i + 1]);
        if (r == NULL) {
            PyFrameObject *fo = PyThreadState_GetFrame(ts);
            PyTraceBack_Here(fo);
            Py_DECREF(fo);
            Py_CLEAR(results);
            break;
        }
        PyList_Append(results, r);
        Py_DECREF(r);
        relax(f, co, &w);
    }
    leave(ts, f, co, func, &w);
    PyMem_Free(f);
    return results == NULL ? NULL : Py_BuildValue("Ni", results, w.fills);
}

/* frame_time(func, rounds) -> (ns of init and link, ns with a lazy-locals trap) */
static PyObject *
test_frame_time(PyObject *module, PyObject *args)
{
    PyFunctionObject *func;
    int rounds;
    double ns[2];
    if (!PyArg_ParseTuple(args, "O!i", &PyFunction_Type, &func, &rounds))
        return NULL;
    PyThreadState *ts = PyThreadState_Get();
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    CpyFrame *f = PyMem_Malloc(CPY_FRAME_HEADER + (size_t)co->co_nlocalsplus * sizeof(CpySlot));
    CpyFrame *entry = cpy_top_frame(ts);
    Owner w = {0};
    for (int armed = 0; armed < 2; armed++) {
        double start = now_ns();
        for (int i = 0; i < rounds; i++) {
            cpy_frame_init(f, func, co, func->func_globals, func->func_builtins, NULL, entry);
            cpy_frame_set_word(f, co, 3);
            cpy_set_top_frame(ts, f);
            if (armed)
                cpy_lazy_locals_arm(f, &w);
            __asm__ volatile("" : : "r"(f) : "memory");
            cpy_set_top_frame(ts, entry);
            if (armed)
                cpy_lazy_locals_disarm(f);
        }
        ns[armed] = (now_ns() - start) / rounds;
    }
    PyMem_Free(f);
    return Py_BuildValue("dd", ns[0], ns[1]);
}

/* nested(func, word, values, depth, callback): `depth` shadow frames of func on top of each other */
static PyObject *
test_nested(PyObject *module, PyObject *args)
{
    PyFunctionObject *func;
    PyObject *values, *callback;
    int word, depth;
    if (!PyArg_ParseTuple(args, "O!iO!iO", &PyFunction_Type, &func, &word, &PyTuple_Type, &values,
                          &depth, &callback))
        return NULL;
    PyThreadState *ts = PyThreadState_Get();
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    size_t size = CPY_FRAME_HEADER + (size_t)co->co_nlocalsplus * sizeof(CpySlot);
    char *memory = PyMem_Malloc(size * (size_t)depth);
    Owner *w = PyMem_Calloc((size_t)depth, sizeof(Owner));
    int fills = 0;
    for (int i = 0; i < depth; i++) {
        CpyFrame *f = (CpyFrame *)(memory + (size_t)i * size);
        w[i].values = values;
        cpy_frame_init(f, func, co, func->func_globals, func->func_builtins, NULL, cpy_top_frame(ts));
        cpy_frame_set_word(f, co, (uint32_t)word);
        cpy_set_top_frame(ts, f);
        cpy_lazy_locals_arm(f, &w[i]);
    }
    PyObject *r = PyObject_CallNoArgs(callback);
    for (int i = depth - 1; i >= 0; i--) {
        if (r == NULL) {
            PyFrameObject *fo = PyThreadState_GetFrame(ts);
            PyTraceBack_Here(fo);
            Py_DECREF(fo);
        }
        fills += w[i].fills;
        leave(ts, (CpyFrame *)(memory + (size_t)i * size), co, func, &w[i]);
    }
    PyMem_Free(memory);
    PyMem_Free(w);
    return r == NULL ? NULL : Py_BuildValue("Ni", r, fills);
}

/* --- hand-over --------------------------------------------------------------------------

   A frame that CPython runs is taken over at an instruction (variables, stack, frame object), the
   original is ended without its handlers, and what was taken goes on through cpy_handover(). */

typedef struct {
    PyObject_HEAD
    PyFunctionObject *func;     /* owned */
    PyCodeObject *co;           /* owned */
    PyObject *ns;               /* owned: the namespace of code that isn't optimized */
    uint32_t word;
    int depth;
    CpyFrame *f;
    CpyStream stream;
} State;

static void
state_dealloc(State *s)
{
    for (int i = 0; s->f != NULL && i < s->co->co_nlocalsplus + s->depth; i++)
        cpy_frame_slot_clear(s->f, i);
    PyMem_Free(s->f);
    cpy_stream_free(&s->stream);
    Py_XDECREF(s->ns);
    Py_XDECREF(s->func);
    Py_XDECREF(s->co);
    PyObject_Free(s);
}

static PyTypeObject state_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "_cpytest.State",
    .tp_basicsize = sizeof(State),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)state_dealloc,
};

static State *
new_state(PyFunctionObject *func, PyCodeObject *co, PyObject *ns, uint32_t word, int depth)
{
    State *s = PyObject_New(State, &state_type);
    s->func = (PyFunctionObject *)Py_NewRef(func);
    s->co = (PyCodeObject *)Py_NewRef(co);
    s->ns = Py_XNewRef(ns);
    s->word = word;
    s->depth = depth;
    s->stream = (CpyStream){0};
    s->f = PyMem_Malloc(CPY_FRAME_HEADER
                        + (size_t)(co->co_nlocalsplus + co->co_stacksize + 1) * sizeof(CpySlot));
    cpy_frame_init(s->f, func, co, func->func_globals, func->func_builtins, s->ns, NULL);
    return s;
}

/* take(frame, word, depth, with_object) -> State; the frame is left empty */
static PyObject *
test_take(PyObject *module, PyObject *args)
{
    PyFrameObject *fo;
    int word, depth, with_object;
    if (!PyArg_ParseTuple(args, "O!iip", &PyFrame_Type, &fo, &word, &depth, &with_object))
        return NULL;
    CpyFrame *src = fo->f_frame;
    PyCodeObject *co = cpy_frame_code(src);
    int optimized = co->co_flags & CO_OPTIMIZED;
    State *s = new_state(cpy_frame_func(src), co, optimized ? NULL : src->f_locals, (uint32_t)word, depth);
    for (int i = 0; i < co->co_nlocalsplus + depth; i++) {
        CpySlot slot = src->localsplus[i];
        s->f->localsplus[i] = cpy_slot_dup(slot);
        src->localsplus[i] = CPY_SLOT_NULL;
        cpy_slot_close(slot);
    }
    if (with_object) {
        cpy_frame_set_object(s->f, cpy_frame_object(src));
        cpy_frame_set_object(src, NULL);
        fo->f_frame = s->f;
        if (optimized) {
            cpy_frame_set_locals(s->f, cpy_frame_locals(src));
            cpy_frame_set_locals(src, NULL);
        }
    }
    return (PyObject *)s;
}

/* copy(State) -> State, for doing it again */
static PyObject *
test_copy(PyObject *module, PyObject *arg)
{
    State *s = (State *)arg, *t = new_state(s->func, s->co, s->ns, s->word, s->depth);
    for (int i = 0; i < s->co->co_nlocalsplus + s->depth; i++)
        t->f->localsplus[i] = cpy_slot_dup(s->f->localsplus[i]);
    return (PyObject *)t;
}

/* exception_table(code, bytes) -> the old one; empty, no handler of the frame runs */
static PyObject *
test_exception_table(PyObject *module, PyObject *args)
{
    PyCodeObject *co;
    PyObject *table;
    if (!PyArg_ParseTuple(args, "O!S", &PyCode_Type, &co, &table))
        return NULL;
    PyObject *old = co->co_exceptiontable;
    co->co_exceptiontable = Py_NewRef(table);
    return old;
}

/* handled([exception or None]) -> the exception being handled; with an argument: sets it */
static PyObject *
test_handled(PyObject *module, PyObject *args)
{
    PyObject *v = NULL;
    if (!PyArg_ParseTuple(args, "|O", &v))
        return NULL;
    _PyErr_StackItem *item = cpy_exc_info(PyThreadState_Get());
    PyObject *old = item->exc_value;
    if (v == NULL)
        return Py_NewRef(old != NULL ? old : Py_None);
    item->exc_value = v == Py_None ? NULL : Py_NewRef(v);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static void
push(State *s, CpySlot slot)
{
    s->f->localsplus[s->co->co_nlocalsplus + s->depth++] = slot;
}

static PyObject *
go_on(PyThreadState *ts, State *s, uint32_t word)
{
    int depth = s->depth;
    s->depth = -s->co->co_nlocalsplus;                  /* the frame owns nothing afterwards */
    return cpy_handover(ts, s->f, s->func, s->co, word, depth, CPY_GOES_ON);
}

/* A pending exception at s->word: its handler is looked up here and goes on in CPython. */
static PyObject *
go_on_raising(PyThreadState *ts, State *s)
{
    PyFrameObject *fo = PyThreadState_GetFrame(ts);
    PyTraceBack_Here(fo);
    Py_DECREF(fo);
    const CpyHandler *h = cpy_find_handler(&s->stream, s->word);
    PyObject *exc = cpy_take_raised(ts);
    int keep = h != NULL ? h->depth : 0;
    while (s->depth > keep)
        cpy_frame_slot_clear(s->f, s->co->co_nlocalsplus + --s->depth);
    if (h != NULL) {
        CpySlot lasti;
        if (h->lasti && cpy_slot_lasti(&lasti, s->word) == 0)
            push(s, lasti);
        push(s, cpy_slot_take(exc));
        return go_on(ts, s, h->target);
    }
    cpy_set_raised(ts, exc);
    cpy_set_top_frame(ts, cpy_frame_previous(s->f));
    cpy_lazy_locals_disarm(s->f);
    cpy_frame_set_stacktop(s->f, s->co, s->co->co_nlocalsplus);
    s->depth = -s->co->co_nlocalsplus;
    cpy_frame_take_ownership(ts, s->f, s->co, s->func);
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    cpy_frame_drop(s->f, s->co);
    PyErr_Restore(type, value, tb);
    return NULL;
}

static uint32_t
behind_call(State *s)
{
    return s->stream.insns[s->stream.at[s->word]].next;
}

/* resume([outermost, ..., innermost], probe=None, in_call=False): all are linked; probe() is called
   from the innermost, whose pending call it stands for if in_call; then each goes on, innermost
   first, the others behind the call they wait in. */
static PyObject *
test_resume(PyObject *module, PyObject *args)
{
    PyObject *states, *probe = Py_None, *r = NULL;
    int in_call = 0;
    if (!PyArg_ParseTuple(args, "O!|Op", &PyList_Type, &states, &probe, &in_call))
        return NULL;
    PyThreadState *ts = PyThreadState_Get();
    CpyFrame *entry = cpy_top_frame(ts);
    Py_ssize_t n = PyList_GET_SIZE(states);
    for (Py_ssize_t i = 0; i < n; i++) {
        State *s = (State *)PyList_GET_ITEM(states, i);
        if (s->stream.insns == NULL && cpy_decode(s->co, &s->stream) < 0)
            return NULL;
        cpy_frame_set_previous(s->f, cpy_top_frame(ts));
        cpy_frame_set_word(s->f, s->co, s->word);
        cpy_frame_set_stacktop(s->f, s->co, s->co->co_nlocalsplus);
        cpy_set_top_frame(ts, s->f);
    }
    *cpy_recursion_left(ts) -= (int)n;
    int raising = 0, have = 0;
    if (probe != Py_None) {
        r = PyObject_CallNoArgs(probe);
        raising = r == NULL;
        have = in_call;
        if (!in_call)
            Py_CLEAR(r);
    }
    for (Py_ssize_t i = n - 1; i >= 0; i--) {
        State *s = (State *)PyList_GET_ITEM(states, i);
        CpyFrame *below = cpy_frame_previous(s->f);
        cpy_frame_set_word(s->f, s->co, s->word);
        if (raising)
            r = go_on_raising(ts, s);
        else if (have) {
            push(s, cpy_slot_take(r));
            r = go_on(ts, s, behind_call(s));
        }
        else
            r = go_on(ts, s, s->word);
        raising = r == NULL;
        have = 1;
        ++*cpy_recursion_left(ts);
        if (cpy_top_frame(ts) != below)
            Py_FatalError("the hand-over left another frame on top");
    }
    if (cpy_top_frame(ts) != entry)
        Py_FatalError("frames left over");
    return r;
}

/* handover_time(State, rounds) -> (ns of copying alone, ns with the hand-over) */
static PyObject *
test_handover_time(PyObject *module, PyObject *args)
{
    State *s;
    int rounds;
    double ns[2];
    if (!PyArg_ParseTuple(args, "O!i", &state_type, &s, &rounds))
        return NULL;
    PyThreadState *ts = PyThreadState_Get();
    CpyFrame *entry = cpy_top_frame(ts);
    int n = s->co->co_nlocalsplus + s->depth;
    State *t = new_state(s->func, s->co, s->ns, s->word, s->depth);
    for (int with = 0; with < 2; with++) {
        double start = now_ns();
        for (int i = 0; i < rounds; i++) {
            cpy_frame_init(t->f, s->func, s->co, s->func->func_globals, s->func->func_builtins, s->ns, entry);
            for (int k = 0; k < n; k++)
                t->f->localsplus[k] = cpy_slot_dup(s->f->localsplus[k]);
            cpy_frame_set_word(t->f, s->co, s->word);
            cpy_set_top_frame(ts, t->f);
            if (with)
                Py_XDECREF(cpy_handover(ts, t->f, s->func, s->co, s->word, s->depth, CPY_GOES_ON));
            else {
                cpy_set_top_frame(ts, entry);
                for (int k = 0; k < n; k++)
                    cpy_frame_slot_clear(t->f, k);
            }
        }
        ns[with] = (now_ns() - start) / rounds;
    }
    t->depth = -s->co->co_nlocalsplus;
    Py_DECREF(t);
    return Py_BuildValue("dd", ns[0], ns[1]);
}

/* --- calls ------------------------------------------------------------------------------- */

static const char *const kind_names[CPY_CALL_KINDS] = {
    [CPY_CALL_TUPLE] = "tuple",
    [CPY_CALL_VECTOR] = "vector",
    [CPY_CALL_METHOD] = "method",
    [CPY_CALL_SLOT] = "slot",
    [CPY_CALL_BUILTIN_NOARGS] = "builtin noargs",
    [CPY_CALL_BUILTIN_O] = "builtin o",
    [CPY_CALL_BUILTIN_FAST] = "builtin fast",
    [CPY_CALL_BUILTIN_FAST_KW] = "builtin fast kw",
    [CPY_CALL_BUILTIN_VARARGS] = "builtin varargs",
    [CPY_CALL_BUILTIN_VARARGS_KW] = "builtin varargs kw",
    [CPY_CALL_BUILTIN_CLASS] = "builtin class",
    [CPY_CALL_DESCR_NOARGS] = "descr noargs",
    [CPY_CALL_DESCR_O] = "descr o",
    [CPY_CALL_DESCR_FAST] = "descr fast",
    [CPY_CALL_DESCR_FAST_KW] = "descr fast kw",
    [CPY_CALL_DESCR_VARARGS] = "descr varargs",
    [CPY_CALL_DESCR_VARARGS_KW] = "descr varargs kw",
    [CPY_CALL_DESCR_CLASS] = "descr class",
};

static PyObject *
test_call_kind(PyObject *module, PyObject *callee)
{
    return PyUnicode_FromString(kind_names[cpy_call_kind(callee)]);
}

/* call(callee, *args, **kwargs) through the trampoline */
static PyObject *
test_call(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    Py_ssize_t k = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    PyObject *argv[64];
    if (n < 1 || n + k > 60)
        return PyErr_Format(PyExc_TypeError, "call(callee, ...)");
    argv[0] = (PyObject *)0xdb;                         /* the free place */
    memcpy(argv + 1, args + 1, (size_t)(n - 1 + k) * sizeof *argv);
    PyObject *r = cpy_call(PyThreadState_Get(), args[0], argv + 1, (size_t)n - 1, kwnames);
    return r;
}

/* plain_call(callee, *args, **kwargs) through CPython's own */
static PyObject *
test_plain_call(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames)
{
    return PyObject_Vectorcall(args[0], args + 1, (size_t)n - 1, kwnames);
}

/* call_time(callee, args, rounds) -> (ns by PyObject_Vectorcall, ns by the trampoline) */
static PyObject *
test_call_time(PyObject *module, PyObject *args)
{
    PyObject *callee, *tuple, *argv[16] = {NULL};
    int rounds;
    if (!PyArg_ParseTuple(args, "OO!i", &callee, &PyTuple_Type, &tuple, &rounds))
        return NULL;
    PyThreadState *ts = PyThreadState_Get();
    size_t n = (size_t)PyTuple_GET_SIZE(tuple);
    memcpy(argv + 1, ((PyTupleObject *)tuple)->ob_item, n * sizeof *argv);
    CpyCallKind kind = cpy_call_kind(callee);
    double start = now_ns();
    for (int i = 0; i < rounds; i++)
        Py_XDECREF(PyObject_Vectorcall(callee, argv + 1, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL));
    double middle = now_ns();
    for (int i = 0; i < rounds; i++)
        Py_XDECREF(cpy_call_as(ts, kind, callee, argv + 1, n, NULL));
    return Py_BuildValue("dd", (middle - start) / rounds, (now_ns() - middle) / rounds);
}

/* load_extension(path, name=None) */
static PyObject *
test_load_extension(PyObject *module, PyObject *args)
{
    PyObject *path, *name = NULL;
    if (!PyArg_ParseTuple(args, "O|O", &path, &name))
        return NULL;
    return cpy_load_extension(path, name);
}

/* backports(dict, key, list, weakref) -> what the newer functions answer */
static PyObject *
test_backports(PyObject *module, PyObject *args)
{
    PyObject *d, *key, *list, *ref, *v[4], *item;
    if (!PyArg_ParseTuple(args, "OOOO", &d, &key, &list, &ref))
        return NULL;
    int found[4] = {
        PyDict_GetItemRef(d, key, &v[0]),
        PyMapping_GetOptionalItem(d, key, &v[1]),
        PyObject_GetOptionalAttr(list, key, &v[2]),
        PyWeakref_GetRef(ref, &v[3]),
    };
    for (int i = 0; i < 4; i++) {
        if ((found[i] > 0) != (v[i] != NULL))
            Py_FatalError("found something, or not?");
        if (v[i] == NULL)
            v[i] = Py_NewRef(Py_None);
    }
    item = PyList_GetItemRef(list, 0);
    if (item == NULL || PyErr_Occurred()) {
        for (int i = 0; i < 4; i++)
            Py_DECREF(v[i]);
        Py_XDECREF(item);
        return NULL;
    }
    PyObject *copy = PyDict_New(), *place = Py_NewRef(item);
    cpy_replace(&place, copy);
    int unshared = cpy_is_unshared(cpy_move_out(&place));
    Py_DECREF(copy);
    return Py_BuildValue("NNNNNiii", v[0], v[1], v[2], v[3], item, unshared, cpy_is_immortal(Py_None),
                         PyLong_AsInt(PyTuple_GET_ITEM(args, 0)) == -1 && (PyErr_Clear(), 1));
}

/* --- thread state -------------------------------------------------------------------- */

/* spin(rounds) -> rounds done; polls like a loop's back edge */
static PyObject *
test_spin(PyObject *module, PyObject *arg)
{
    PyThreadState *ts = PyThreadState_Get();
    long long rounds = PyLong_AsLongLong(arg), i;
    for (i = 0; i < rounds; i++) {
        if (cpy_eval_breaker(ts) && cpy_handle_pending(ts) < 0)
            return NULL;
    }
    return PyLong_FromLongLong(i);
}

static PyObject *
test_tracing(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(cpy_tracing(PyThreadState_Get()));
}

static PyObject *
test_recursion_left(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(*cpy_recursion_left(PyThreadState_Get()));
}

/* recursion_error(headroom): the counter has run out */
static PyObject *
test_recursion_error(PyObject *module, PyObject *arg)
{
    PyThreadState *ts = PyThreadState_Get();
    int *left = cpy_recursion_left(ts), saved = *left, headroom = (int)PyLong_AsLong(arg);
    *left = -1;
    ts->recursion_headroom += headroom;
    int err = cpy_recursion_error(ts, "");
    ts->recursion_headroom -= headroom;
    *left = saved;
    return err < 0 ? NULL : PyLong_FromLong(err);
}

/* raised(callable) -> the exception it raised, through take, set, take */
static PyObject *
test_raised(PyObject *module, PyObject *callable)
{
    PyThreadState *ts = PyThreadState_Get();
    PyObject *r = PyObject_CallNoArgs(callable);
    Py_XDECREF(r);
    PyObject *exc = cpy_take_raised(ts);
    if (exc == NULL)
        Py_RETURN_NONE;
    if (PyErr_Occurred())
        Py_FatalError("the exception is still there");
    cpy_set_raised(ts, exc);
    return cpy_take_raised(ts);
}

static PyObject *
test_selftest(PyObject *module, PyObject *unused)
{
    if (cpy_selftest() < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --- objects ---------------------------------------------------------------------------- */

/* table(dict, name) -> (keys version, index, key at index, value at index) */
static PyObject *
test_table(PyObject *module, PyObject *args)
{
    PyDictObject *d;
    PyObject *name;
    if (!PyArg_ParseTuple(args, "O!U", &PyDict_Type, &d, &name))
        return NULL;
    Py_ssize_t i = cpy_dict_index(d, name);
    PyObject *key = i < 0 ? NULL : cpy_dict_key_at(d, i);
    PyObject *value = i < 0 ? NULL : *cpy_dict_value_at(d, i);
    return Py_BuildValue("InOO", cpy_keys_version(d), i, key ? key : Py_None, value ? value : Py_None);
}

/* instance(o, name) -> (how it is kept, index, value) */
static PyObject *
test_instance(PyObject *module, PyObject *args)
{
    PyObject *o, *name;
    if (!PyArg_ParseTuple(args, "OU", &o, &name))
        return NULL;
    PyDictValues *values = cpy_inline_values(o);
    PyObject **place = cpy_instance_dict_ptr(o);
    if (values != NULL) {
        Py_ssize_t i = cpy_shared_index(Py_TYPE(o), name);
        PyObject *v = i < 0 ? NULL : cpy_inline_get(values, i);
        return Py_BuildValue("snO", "values", i, v ? v : Py_None);
    }
    if (place == NULL || *place == NULL)
        return Py_BuildValue("snO", place ? "no dict yet" : "no dict", (Py_ssize_t)-1, Py_None);
    Py_ssize_t i = cpy_dict_index((PyDictObject *)*place, name);
    PyObject *v = i < 0 ? NULL : *cpy_dict_value_at((PyDictObject *)*place, i);
    return Py_BuildValue("snO", "dict", i, v ? v : Py_None);
}

/* store(o, name, value): into the instance's values */
static PyObject *
test_store(PyObject *module, PyObject *args)
{
    PyObject *o, *name, *v;
    if (!PyArg_ParseTuple(args, "OUO", &o, &name, &v))
        return NULL;
    PyDictValues *values = cpy_inline_values(o);
    Py_ssize_t i = cpy_shared_index(Py_TYPE(o), name);
    if (values == NULL || i < 0)
        return PyErr_Format(PyExc_LookupError, "no such value");
    if (cpy_inline_store(o, values, i, Py_NewRef(v)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
test_type_version(PyObject *module, PyObject *type)
{
    return PyLong_FromUnsignedLong(cpy_type_version((PyTypeObject *)type));
}

static PyObject *
test_func_version(PyObject *module, PyObject *func)
{
    uint32_t before = cpy_func_version((PyFunctionObject *)func);
    return Py_BuildValue("II", before, cpy_func_version_assign((PyFunctionObject *)func));
}

static PyObject *
test_int(PyObject *module, PyObject *o)
{
    int64_t v;
    if (!cpy_long_fits(o, &v))
        Py_RETURN_NONE;
    return PyLong_FromLongLong(v);
}

/* steps(iterator, n) -> up to n items taken in place */
static PyObject *
test_steps(PyObject *module, PyObject *args)
{
    PyObject *it, *whole = NULL, *out = PyList_New(0);
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "On", &it, &n))
        return NULL;
    while (n-- > 0) {
        PyObject *v = NULL;
        long i;
        if (CPY_IS_RANGE_ITER(it))
            v = cpy_range_iter_next(it, &i) ? PyLong_FromLong(i) : NULL;
        else if (CPY_IS_LIST_ITER(it))
            v = Py_XNewRef(cpy_list_iter_next(it, &whole));
        else if (CPY_IS_TUPLE_ITER(it))
            v = Py_XNewRef(cpy_tuple_iter_next(it, &whole));
        if (v == NULL)
            break;
        PyList_Append(out, v);
        Py_DECREF(v);
    }
    Py_XDECREF(whole);
    return out;
}

static PyMethodDef methods[] = {
    {"shadow", (PyCFunction)(void (*)(void))test_shadow, METH_FASTCALL, NULL},
    {"frame_time", test_frame_time, METH_VARARGS, NULL},
    {"nested", test_nested, METH_VARARGS, NULL},
    {"take", test_take, METH_VARARGS, NULL},
    {"copy", test_copy, METH_O, NULL},
    {"exception_table", test_exception_table, METH_VARARGS, NULL},
    {"handled", test_handled, METH_VARARGS, NULL},
    {"resume", test_resume, METH_VARARGS, NULL},
    {"handover_time", test_handover_time, METH_VARARGS, NULL},
    {"call_kind", test_call_kind, METH_O, NULL},
    {"call", (PyCFunction)(void (*)(void))test_call, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"plain_call", (PyCFunction)(void (*)(void))test_plain_call, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"call_time", test_call_time, METH_VARARGS, NULL},
    {"load_extension", test_load_extension, METH_VARARGS, NULL},
    {"backports", test_backports, METH_VARARGS, NULL},
    {"spin", test_spin, METH_O, NULL},
    {"tracing", test_tracing, METH_NOARGS, NULL},
    {"recursion_left", test_recursion_left, METH_NOARGS, NULL},
    {"recursion_error", test_recursion_error, METH_O, NULL},
    {"raised", test_raised, METH_O, NULL},
    {"selftest", test_selftest, METH_NOARGS, NULL},
    {"table", test_table, METH_VARARGS, NULL},
    {"instance", test_instance, METH_VARARGS, NULL},
    {"store", test_store, METH_VARARGS, NULL},
    {"type_version", test_type_version, METH_O, NULL},
    {"func_version", test_func_version, METH_O, NULL},
    {"int", test_int, METH_O, NULL},
    {"steps", test_steps, METH_VARARGS, NULL},
    {"decode", test_decode, METH_O, NULL},
    {"find_handler", test_find_handler, METH_VARARGS, NULL},
    {"decode_time", test_decode_time, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_cpytest",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__cpytest(void)
{
    if (cpy_lazy_locals_init() < 0 || PyType_Ready(&state_type) < 0)
        return NULL;
    cpy_lazy_locals_fill = fill_from_owner;
    return PyModule_Create(&definition);
}
