/* Kernels for AVX2 with FMA and BMI2 (Haswell, Zen and later). */
#if defined(__x86_64__)
#define FA_ISA avx2
#define FA_VB 32
#define FA_X86 2
#if defined(__clang__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,f16c,popcnt,lzcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi,bmi2,f16c,popcnt,lzcnt")
#endif
#include "kernels/all.kernel.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int fa_no_x86; /* nothing to build here */
#endif
