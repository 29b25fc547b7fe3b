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

#if defined(__x86_64__)
/* Masks in order of their numbers: the highest bit decides first, and is the last lane. */
#  define bit0(v) (v), (v) << 8
#  define bit1(v) bit0(v), bit0((v) << 8 | 1)
#  define bit2(v) bit1(v), bit1((v) << 8 | 2)
#  define bit3(v) bit2(v), bit2((v) << 8 | 3)
#  define bit4(v) bit3(v), bit3((v) << 8 | 4)
#  define bit5(v) bit4(v), bit4((v) << 8 | 5)
#  define bit6(v) bit5(v), bit5((v) << 8 | 6)
#  define bit7(v) bit6(v), bit6((v) << 8 | 7)
const uint64_t fa_lane_order[256] = {bit7((uint64_t)0)};
#  undef bit0
#  undef bit1
#  undef bit2
#  undef bit3
#  undef bit4
#  undef bit5
#  undef bit6
#  undef bit7
#endif

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
