/* Pieces of memory, and blocks in them; see vm_arena.h. */
#include "ir/vm_arena.h"

#include <Python.h>

#include <stdint.h>
#include <sys/mman.h>

#define FIRST_PIECE ((size_t)256 << 10)
#define PIECE ((size_t)2 << 20)         /* a huge page */
#define ROUND 32
#define LARGEST ((size_t)16 << 10)      /* larger blocks are malloc()'s */
#define SMALLEST 513                    /* smaller ones are CPython's, which counts them */

#if defined(__SANITIZE_ADDRESS__)
#  define ALONE 1                       /* each block by itself, so that its ends are watched */
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer)
#    define ALONE 1
#  endif
#endif
#ifndef ALONE
#  define ALONE 0
#endif

typedef struct Free {
    struct Free *next;
} Free;

static struct {
    char *at;
    size_t left;
    int pieces;
    Free *given[LARGEST / ROUND + 1];   /* by size */
} arena;

/* -- pieces ----------------------------------------------------------------------------------- */

static char *
map(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Where a huge page can be: of twice as much, what lies across is returned. */
static char *
map_huge(void)
{
    char *p = map(2 * PIECE);
    if (p == NULL)
        return NULL;
    size_t before = -(uintptr_t)p & (PIECE - 1);
    if (before > 0)
        munmap(p, before);
    munmap(p + before + PIECE, PIECE - before);
#ifdef MADV_HUGEPAGE
    madvise(p + before, PIECE, MADV_HUGEPAGE);          /* else it is small ones */
#endif
    return p + before;
}

/* 0, or -1: no memory.  What is left of the one before is lost. */
static int
next_piece(void)
{
    char *p = arena.pieces == 0 ? map(FIRST_PIECE) : map_huge();
    if (p == NULL)
        return -1;
    arena.at = p;
    arena.left = arena.pieces++ == 0 ? FIRST_PIECE : PIECE;
    return 0;
}

char *
vm_arena_rest(size_t at_least, size_t *left)
{
    if (at_least > PIECE / 2)
        return NULL;
    while (arena.left < at_least) {
        if (next_piece() < 0)
            return NULL;
    }
    *left = arena.left;
    return arena.at;
}

void
vm_arena_keep(size_t n)
{
    n = (n + ROUND - 1) & ~(size_t)(ROUND - 1);
    if (n > arena.left)
        n = arena.left;
    arena.at += n;
    arena.left -= n;
}

/* -- blocks ----------------------------------------------------------------------------------- */

static int
is_here(size_t n)
{
    return !ALONE && n >= SMALLEST && n <= LARGEST;
}

static Free **
given_of(size_t n)
{
    return &arena.given[(n + ROUND - 1) / ROUND];
}

void *
vm_arena_take(size_t n)
{
    size_t left;
    if (!is_here(n))
        return PyMem_Malloc(n);
    Free **given = given_of(n), *block = *given;
    if (block != NULL) {
        *given = block->next;
        return block;
    }
    block = (Free *)vm_arena_rest(n, &left);
    if (block != NULL)
        vm_arena_keep(n);
    return block;
}

void
vm_arena_give(void *p, size_t n)
{
    if (!is_here(n)) {
        PyMem_Free(p);
        return;
    }
    Free *block = p, **given = given_of(n);
    if (block == NULL)
        return;
    block->next = *given;
    *given = block;
}
