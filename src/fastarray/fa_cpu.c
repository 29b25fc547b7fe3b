/* CPU features, including whether the operating system saves the wide registers. */
#include "fa_cpu.h"

#include <string.h>

#if defined(__x86_64__)

static int
has_avx2(void)
{
    __builtin_cpu_init(); /* checks XGETBV too */
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static int
has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512vnni");
}

int
fa_cpu_runs(const char *set)
{
    if (strcmp(set, "avx512") == 0)
        return has_avx512();
    if (strcmp(set, "avx2") == 0)
        return has_avx2();
    return 1;
}

#else

int
fa_cpu_runs(const char *set)
{
    return 1;
}

#endif
