/* Kernels for AArch64: the plain bodies, which the compiler turns into NEON. */
#if defined(__aarch64__)
#define FA_ISA neon
#define FA_VB 16
#define FA_X86 0
#include "kernels/all.kernel.h"
#else
typedef int fa_no_aarch64; /* nothing to build here */
#endif
