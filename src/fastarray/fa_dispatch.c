/* The kernel sets of this build, and the choice among them. */
#include "fa_dispatch.h"

#include <string.h>

#include "fa_cpu.h"

extern const FaKernels fa_kernels_plain;
#if defined(__x86_64__)
extern const FaKernels fa_kernels_sse2, fa_kernels_avx2, fa_kernels_avx512;
#elif defined(__aarch64__)
extern const FaKernels fa_kernels_neon;
#endif

const FaKernels *const fa_kernel_sets[] = {
    &fa_kernels_plain,
#if defined(__x86_64__)
    &fa_kernels_sse2,
    &fa_kernels_avx2,
    &fa_kernels_avx512,
#elif defined(__aarch64__)
    &fa_kernels_neon,
#endif
    NULL,
};

const FaKernels *
fa_dispatch_choose(void)
{
    const FaKernels *best = fa_kernel_sets[0];
    for (int i = 1; fa_kernel_sets[i] != NULL; i++)
        if (fa_cpu_runs(fa_kernel_sets[i]->name))
            best = fa_kernel_sets[i];
    return best;
}

const FaKernels *
fa_dispatch_find(const char *name)
{
    for (int i = 0; fa_kernel_sets[i] != NULL; i++)
        if (strcmp(fa_kernel_sets[i]->name, name) == 0 && fa_cpu_runs(name))
            return fa_kernel_sets[i];
    return NULL;
}
