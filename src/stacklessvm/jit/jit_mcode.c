/* Private mappings: a forked child has its own, a system that forbids them says so here. */
#include "jit/jit_mcode.h"

#include "cpyext_compat/cpy_version.h"

#include <sys/mman.h>
#include <unistd.h>

int
jit_mcode_new(JitMcode *m, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t rounded = (bytes + page - 1) / page * page;
    void *p = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        PyErr_NoMemory();
        return -1;
    }
    *m = (JitMcode){p, rounded};
    return 0;
}

int
jit_mcode_seal(JitMcode *m)
{
    if (mprotect(m->base, m->bytes, PROT_READ | PROT_EXEC) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    __builtin___clear_cache((char *)m->base, (char *)m->base + m->bytes);
    return 0;
}

void
jit_mcode_free(JitMcode *m)
{
    if (m->base != NULL)
        munmap(m->base, m->bytes);
    *m = (JitMcode){0};
}
