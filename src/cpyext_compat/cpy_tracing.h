/* Is anybody watching Python code run?  Tracing, profiling, or sys.monitoring. */
#ifndef CPY_TRACING_H
#define CPY_TRACING_H

#include "cpyext_compat/cpy_version.h"

#include "internal/pycore_interp.h"
#if PY_VERSION_HEX >= 0x030C0000
#  include "internal/pycore_runtime.h"
#else
#  include "internal/pycore_pymem.h"
#endif

/* tracemalloc asks for the line at every allocation. */
static inline int
cpy_tracemalloc_active(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return _PyRuntime.tracemalloc.config.tracing;
#else
    return _Py_tracemalloc_config.tracing;
#endif
}

static inline int
cpy_tracing_active(PyThreadState *ts, PyCodeObject *co)
{
    if (ts->c_tracefunc != NULL || ts->c_profilefunc != NULL)
        return 1;
#if PY_VERSION_HEX >= 0x030C0000
    /* Python/instrumentation.c: one byte of tools per event, and events local to a code */
    for (size_t i = 0; i < sizeof ts->interp->monitors.tools; i++)
        if (ts->interp->monitors.tools[i])
            return 1;
    return co->_co_monitoring != NULL;
#else
    return 0;
#endif
}

#endif
