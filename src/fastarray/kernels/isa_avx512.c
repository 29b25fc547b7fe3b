/* Kernels for AVX-512 as of Ice Lake and Zen 4; older AVX-512 CPUs run the AVX2 set. */
#if defined(__x86_64__)
#define FA_ISA avx512
#define FA_VB 64
#define FA_X86 3
#if defined(__clang__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vbmi,avx512vbmi2,avx512vnni,avx2,fma,bmi,bmi2,f16c,popcnt,lzcnt"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vbmi,avx512vbmi2,avx512vnni,avx2,fma,bmi,bmi2,f16c,popcnt,lzcnt,prefer-vector-width=512")
#endif
#include "kernels/all.kernel.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int fa_no_x86; /* nothing to build here */
#endif
