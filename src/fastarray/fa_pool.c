/* The thread pool: one job at a time, its parts handed out by a counter. */
#ifndef _GNU_SOURCE
#  define _GNU_SOURCE
#endif
#include "fa_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 64,
       DEFAULT_MOST = 8 };

static struct {
    pthread_mutex_t lock;     /* all below but `next` */
    pthread_cond_t wake, idle;
    int wanted;               /* threads to use, the caller's included; 0: not asked yet */
    int started;              /* workers running */
    int forked_handler;
    int busy;                 /* a job is on */
    unsigned long job;        /* its number */
    int working;              /* workers inside it */
    int parts;
    atomic_int next;
    void (*part)(void *, int);
    void *ctx;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .idle = PTHREAD_COND_INITIALIZER};

static void
in_child(void)
{
    /* only the forking thread is left; it held no job of ours, or that job is lost */
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.idle, NULL);
    pool.started = 0;
    pool.busy = 0;
    pool.working = 0;
}

static int
default_threads(void)
{
    const char *text = getenv("FASTARRAY_NUM_THREADS");
    int n = text ? atoi(text) : 0;
#if defined(__linux__)
    if (n < 1) {
        cpu_set_t set;
        if (sched_getaffinity(0, sizeof set, &set) == 0)
            n = CPU_COUNT(&set) < DEFAULT_MOST ? CPU_COUNT(&set) : DEFAULT_MOST;
    }
#endif
    return n < 1 ? 1 : n > MOST ? MOST
                                : n;
}

int
fa_pool_threads(void)
{
    int n;
    pthread_mutex_lock(&pool.lock);
    if (pool.wanted == 0)
        pool.wanted = default_threads();
    n = pool.wanted;
    pthread_mutex_unlock(&pool.lock);
    return n;
}

void
fa_pool_set_threads(int n)
{
    pthread_mutex_lock(&pool.lock);
    pool.wanted = n > MOST ? MOST : n;
    pthread_mutex_unlock(&pool.lock);
}

static void
do_parts(void)
{
    int i;
    while ((i = atomic_fetch_add(&pool.next, 1)) < pool.parts)
        pool.part(pool.ctx, i);
}

static void *
worker(void *number)
{
    long me = (long)number;
    unsigned long seen;

    pthread_mutex_lock(&pool.lock);
    seen = pool.busy ? pool.job - 1 : pool.job;
    for (;;) {
        while (!pool.busy || pool.job == seen || me >= pool.wanted)
            pthread_cond_wait(&pool.wake, &pool.lock);
        seen = pool.job;
        pool.working++;
        pthread_mutex_unlock(&pool.lock);
        do_parts();
        pthread_mutex_lock(&pool.lock);
        if (--pool.working == 0)
            pthread_cond_signal(&pool.idle);
    }
    return NULL;
}

/* With the lock held: as many workers as wanted; fewer if the system refuses. */
static void
start_workers(void)
{
    if (!pool.forked_handler)
        pool.forked_handler = pthread_atfork(NULL, NULL, in_child) == 0;
    while (pool.forked_handler && pool.started < pool.wanted - 1) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker, (void *)(long)(pool.started + 1)) != 0)
            break;
        pthread_detach(thread);
        pool.started++;
    }
}

void
fa_pool_run(int parts, void (*part)(void *ctx, int i), void *ctx)
{
    pthread_mutex_lock(&pool.lock);
    if (pool.wanted == 0)
        pool.wanted = default_threads();
    if (parts < 2 || pool.wanted < 2 || pool.busy) { /* nothing to share, or in use */
        pthread_mutex_unlock(&pool.lock);
        for (int i = 0; i < parts; i++)
            part(ctx, i);
        return;
    }
    start_workers();
    pool.busy = 1;
    pool.job++;
    pool.parts = parts;
    pool.part = part;
    pool.ctx = ctx;
    atomic_store(&pool.next, 0);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    do_parts();
    pthread_mutex_lock(&pool.lock);
    while (pool.working > 0) /* still busy: the next job must not replace this one yet */
        pthread_cond_wait(&pool.idle, &pool.lock);
    pool.busy = 0;
    pthread_mutex_unlock(&pool.lock);
}
