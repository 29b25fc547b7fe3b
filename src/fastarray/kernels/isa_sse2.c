/* Kernels for baseline x86-64. */
#if defined(__x86_64__)
#define FA_SMALL /* for CPUs of before 2013: correct first */
#define FA_ISA sse2
#define FA_VB 16
#define FA_X86 1
#include "kernels/all.kernel.h"
#else
typedef int fa_no_x86; /* nothing to build here */
#endif
