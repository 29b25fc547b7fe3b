/* A small pool of threads for long read-only work, started at first use.
 *
 * One per process, shared by all interpreters: the only mutable state of this module that
 * is not a module's own.  Its lock protects it.  After a fork the child starts afresh.
 * Who calls it holds no GIL or keeps it: workers touch no Python object.
 */
#ifndef FA_POOL_H
#define FA_POOL_H

/* Bytes from which the pool is worth waking. */
#define FA_POOL_BYTES ((size_t)8 << 20)

/* part(ctx, i) for i in 0..parts-1, each once, in any order, on the caller's thread and
 * the pool's; returns when all are done. */
void fa_pool_run(int parts, void (*part)(void *ctx, int i), void *ctx);

int fa_pool_threads(void);
void fa_pool_set_threads(int n); /* n >= 1 */

#endif
