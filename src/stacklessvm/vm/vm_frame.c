/* Segments: the memory of VM frames.
 *
 * Chunks start at 64 KiB and grow with the depth of a segment.  Small chunks are cut from
 * arenas, so that thousands of greenlets don't need thousands of mappings; big ones are
 * mappings of their own.  Free chunks are kept (a thread's watchdog may still read a dead
 * frame), their pages are given back when many are idle.
 */
#include "vm/vm_frame.h"
#include "ir/vm_plant.h"
#include "vm/vm_call_out.h"

#include <sched.h>
#include <sys/mman.h>

#define CHUNK_BYTES ((size_t)64 << 10)
#define CHUNK_BYTES_MAX ((size_t)8 << 20)
#define ARENA_CHUNKS 16
#define IDLE_MAX 64             /* free small chunks that keep their pages */

VmStats vm_stats;

static VmChunk *free_chunks;        /* CHUNK_BYTES each */
static unsigned n_free;
static size_t bytes_mapped;

static void *
map_pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    bytes_mapped += bytes;
    return p;
}

static void
chunk_free_small(VmChunk *c)
{
    c->prev = free_chunks;
    free_chunks = c;
    if (++n_free > IDLE_MAX) {      /* keep the first page: it holds the link */
        size_t page = 4096;
        madvise((char *)c + page, CHUNK_BYTES - page, MADV_DONTNEED);
    }
}

/* An arena of small chunks; half of it when the address space is short. */
static int
more_small_chunks(void)
{
    for (unsigned n = ARENA_CHUNKS; n > 0; n /= 2) {
        char *p = map_pages(n * CHUNK_BYTES);
        if (p == NULL)
            continue;
        for (unsigned i = 0; i < n; i++)
            chunk_free_small((VmChunk *)(p + i * CHUNK_BYTES));
        return 0;
    }
    PyErr_NoMemory();
    return -1;
}

static VmChunk *
chunk_new(size_t bytes)
{
    if (bytes <= CHUNK_BYTES) {
        if (free_chunks == NULL && more_small_chunks() < 0)
            return NULL;
        VmChunk *c = free_chunks;
        free_chunks = c->prev;
        n_free--;
        c->end = (char *)c + CHUNK_BYTES;
        return c;
    }
    VmChunk *c = map_pages(bytes);
    if (c == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    c->end = (char *)c + bytes;
    return c;
}

static void
chunk_free(VmChunk *c)
{
    size_t bytes = (size_t)(c->end - (char *)c);
    if (bytes <= CHUNK_BYTES) {
        chunk_free_small(c);
        if (VM_PLANT == PLANT_RACE) {
            PyThreadState *ts = PyEval_SaveThread();
            sched_yield();
            n_free++;
            PyEval_RestoreThread(ts);
        }
        return;
    }
    munmap(c, bytes);
    bytes_mapped -= bytes;
}

size_t
vm_segments_bytes(void)
{
    return bytes_mapped;
}

/* -- activations -------------------------------------------------------------------- */

VmAct *vm_act_idle;

VmAct *
vm_act_new(PyThreadState *ts)
{
    VmChunk *c = chunk_new(CHUNK_BYTES);
    if (c == NULL)
        return NULL;
    c->prev = NULL;
    VmAct *A = (VmAct *)c->data;
    A->ts = ts;
    A->ts_id = ts->id;
    A->c_thread = vm_c_thread();
    A->breaker = cpy_eval_breaker_ptr(ts);
    A->left = cpy_recursion_left(ts);
    A->stack_low = vm_c_stack_low();
    A->chunk = c;
    A->top = c->data + sizeof(VmAct);
    A->limit = c->end;
    A->fold = NULL;
    return A;
}

/* Its chunks but the first are given back, and that one too when another one waits. */
void
vm_act_drop(VmAct *A)
{
    VmChunk *c = A->chunk;
    while (c->prev != NULL) {
        VmChunk *prev = c->prev;
        chunk_free(c);
        c = prev;
    }
    if (vm_act_idle != NULL) {
        chunk_free(c);
        return;
    }
    A->chunk = c;
    A->top = c->data + sizeof(VmAct);
    A->limit = c->end;
    vm_act_idle = A;
}

/* Deeper segments get bigger chunks: a million frames should not need thousands. */
int
vm_act_grow(VmAct *A, size_t bytes)
{
    size_t size = (size_t)(A->chunk->end - (char *)A->chunk);
    if (size < CHUNK_BYTES_MAX)
        size *= 2;
#ifdef VM_HOSTILE
    size = CHUNK_BYTES;
#endif
    while (size < bytes + sizeof(VmChunk))
        size *= 2;
    VmChunk *c = chunk_new(size);
    if (c == NULL)
        return -1;
    c->prev = A->chunk;
    c->prev_top = A->top;
    A->chunk = c;
    A->top = c->data;
    A->limit = c->end;
    return 0;
}

void
vm_act_shrink(VmAct *A, VmFrame *f)
{
    VmChunk *c = A->chunk;
    assert((char *)f == c->data);
    A->chunk = c->prev;
    A->top = c->prev_top;
    A->limit = A->chunk->end;
    chunk_free(c);
}
