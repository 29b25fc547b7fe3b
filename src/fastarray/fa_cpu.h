/* What this CPU can run; asked once, at import. */
#ifndef FA_CPU_H
#define FA_CPU_H

/* Non-zero when the kernel set of that name runs here. */
int fa_cpu_runs(const char *set);

#endif
