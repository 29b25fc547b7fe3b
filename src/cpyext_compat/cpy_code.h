/* Code and function objects: the fields whose place or name depends on the version. */
#ifndef CPY_CODE_H
#define CPY_CODE_H

#include "cpyext_compat/cpy_version.h"

#include "internal/pycore_code.h"

#include <stddef.h>
#if PY_VERSION_HEX >= 0x030C0000
#  include "internal/pycore_instruments.h"
#endif

static inline int
cpy_code_nlocalsplus(PyCodeObject *co)
{
    return co->co_nlocalsplus;
}

static inline int
cpy_code_stacksize(PyCodeObject *co)
{
    return co->co_stacksize;
}

static inline int
cpy_code_argcount(PyCodeObject *co) /* positional, *args not counted */
{
    return co->co_argcount;
}

static inline int
cpy_code_posonlyargcount(PyCodeObject *co)
{
    return co->co_posonlyargcount;
}

static inline int
cpy_code_kwonlyargcount(PyCodeObject *co)
{
    return co->co_kwonlyargcount;
}

static inline int
cpy_code_flags(PyCodeObject *co)
{
    return co->co_flags;
}

static inline int
cpy_code_nfreevars(PyCodeObject *co)
{
    return co->co_nfreevars;
}

/* What a slot is; an argument that is captured is both local and cell. */
enum {
    CPY_HIDDEN = 0x10,          /* 3.12+: variable of an inlined comprehension */
    CPY_LOCAL = CO_FAST_LOCAL,
    CPY_CELL = CO_FAST_CELL,
    CPY_FREE = CO_FAST_FREE,
};

static inline int
cpy_code_local_kind(PyCodeObject *co, int i)
{
    return (unsigned char)PyBytes_AS_STRING(co->co_localspluskinds)[i]
           & (CPY_HIDDEN | CPY_LOCAL | CPY_CELL | CPY_FREE);
}

static inline PyObject *                                /* -> borrowed from co */
cpy_code_local_name(PyCodeObject *co, int i)
{
    return PyTuple_GET_ITEM(co->co_localsplusnames, i);
}

/* A frame before this word is "incomplete": tracebacks and f_back skip it. */
static inline uint32_t
cpy_code_first_word(PyCodeObject *co)
{
    return (uint32_t)co->_co_firsttraceable;
}

static inline uint32_t
cpy_code_words(PyCodeObject *co)
{
    return (uint32_t)Py_SIZE(co);
}

/* A tool of sys.monitoring asked for events of this code object alone; cpy_tracing()
   says the same for all code of a thread. */
static inline int
cpy_code_monitored(PyCodeObject *co)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (co->_co_monitoring == NULL)
        return 0;
    const uint8_t *tools = co->_co_monitoring->local_monitors.tools;
    for (size_t i = 0; i < sizeof co->_co_monitoring->local_monitors.tools; i++) {
        if (tools[i] != 0)
            return 1;
    }
#endif
    return 0;
}

/* --- one pointer of ours on a code object --------------------------------- */

/* Objects/codeobject.c, _PyCodeObjectExtra (3.11 to 3.14); checked by cpy_selftest() */
typedef struct {
    Py_ssize_t size;
    void *extras[1];
} CpyCodeExtra;

static inline Py_ssize_t                /* -1 when all are taken; never given back */
cpy_code_extra_index(freefunc free_one)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyUnstable_Eval_RequestCodeExtraIndex(free_one);
#else
    return _PyEval_RequestCodeExtraIndex(free_one);
#endif
}

static inline void *                                    /* NULL when not set */
cpy_code_extra_get(PyCodeObject *co, Py_ssize_t index)
{
    CpyCodeExtra *extra = co->co_extra;
    return extra != NULL && index < extra->size ? extra->extras[index] : NULL;
}

/* 0, or -1 with MemoryError; frees what was there.  A code object without extras gets room up to
   the index only: for every index in it, used or not, CPython calls its owner's function when the
   code object goes, and those who ask for one later don't expect to hear of code they never saw. */
static inline int
cpy_code_extra_set(PyCodeObject *co, Py_ssize_t index, void *value)
{
    if (co->co_extra == NULL) {
        size_t size = offsetof(CpyCodeExtra, extras) + ((size_t)index + 1) * sizeof(void *);
        CpyCodeExtra *extra = PyMem_Calloc(1, size);
        if (extra == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        extra->size = index + 1;
        extra->extras[index] = value;
        co->co_extra = extra;
        return 0;
    }
#if PY_VERSION_HEX >= 0x030C0000
    int status = PyUnstable_Code_SetExtra((PyObject *)co, index, value);
#else
    int status = _PyCode_SetExtra((PyObject *)co, index, value);
#endif
    if (status < 0 && !PyErr_Occurred())
        PyErr_NoMemory();
    return status;
}

/* --- functions ----------------------------------------------------------------- */

/* Where a new function has what SET_FUNCTION_ATTRIBUTE sets: 1 defaults, 2 keyword defaults,
   4 annotations, 8 closure, 16 annotate. */
static inline PyObject **                               /* -> NULL so far; borrowed place */
cpy_func_attribute(PyFunctionObject *func, int which)
{
    switch (which) {
    case 1: return &func->func_defaults;
    case 2: return &func->func_kwdefaults;
    case 4: return &func->func_annotations;
#if PY_VERSION_HEX >= 0x030E0000
    case 16: return &func->func_annotate;
#endif
    default: return &func->func_closure;
    }
}

/* From 3.12 on call sites that have seen the function notice. */
static inline void
cpy_func_set_vectorcall(PyFunctionObject *func, vectorcallfunc call)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyFunction_SetVectorcall(func, call);
#else
    func->vectorcall = call;
#endif
}

/* --- function versions ------------------------------------------------------ */

/* CPython zeroes the number (3.13+: 0 or 1) when __code__, __defaults__,
   __kwdefaults__ or the vectorcall change.  Functions made by one MAKE_FUNCTION may
   share it from 3.12 on: it stands for the code and the shape of the defaults, not
   for the function. */
static inline uint32_t                                  /* 0: none */
cpy_func_version(PyFunctionObject *func)
{
    return func->func_version > 1 ? func->func_version : 0;
}

/* Gives a function without one a number of ours, above all that CPython hands out. */
static inline uint32_t                                  /* 0: none left */
cpy_func_version_assign(PyFunctionObject *func)
{
    static uint32_t next = 0x80000000u;
    if (func->func_version <= 1 && next != 0)
        func->func_version = next++;
    return cpy_func_version(func);
}

#endif
