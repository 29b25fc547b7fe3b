/* Executable memory: written first, then run, never both. */
#ifndef JIT_MCODE_H
#define JIT_MCODE_H

#include <stddef.h>

typedef struct {
    unsigned char *base;
    size_t bytes;
} JitMcode;

int jit_mcode_new(JitMcode *m, size_t bytes);       /* writable: 0, or -1 with MemoryError */
int jit_mcode_seal(JitMcode *m);                    /* executable: 0, or -1 with OSError */
void jit_mcode_free(JitMcode *m);                   /* safe on a zeroed one, twice */

#endif
