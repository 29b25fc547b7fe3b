/* Memory of what translating leaves behind: code's headers, caches and records, and the images of the
 * translation cache.
 *
 * There is much of it and it comes a little at a time, so that page faults would cost more than
 * making what it holds.  Behind a first small piece it is taken in huge pages where the
 * system has them.  Pieces are never returned; blocks that are given back serve again for their size.
 *
 * Protected by the GIL.
 */
#ifndef VM_ARENA_H
#define VM_ARENA_H

#include <stddef.h>

/* Room for n bytes, not zeroed, aligned to 16; NULL without exception when there is none.  It
   goes back with its size. */
void *vm_arena_take(size_t n);
void vm_arena_give(void *block, size_t n);      /* safe with NULL */

/* What is left of the piece at hand, at least so many bytes: they may be written, and stay its
   until vm_arena_keep() says how many were.  NULL: a piece can't have as many, or there is no memory */
char *vm_arena_rest(size_t at_least, size_t *left);
void vm_arena_keep(size_t n);

#endif
