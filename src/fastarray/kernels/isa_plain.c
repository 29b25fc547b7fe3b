/* Kernels in plain vector extensions: what every other architecture runs, and a second
 * opinion on x86. */
#if defined(__x86_64__)
#  define FA_SMALL /* nobody runs this set here but tests */
#endif
#define FA_ISA plain
#define FA_VB 16
#define FA_X86 0
#include "kernels/all.kernel.h"
