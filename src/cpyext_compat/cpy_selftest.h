/* Is this interpreter laid out as the headers said when we were compiled? */
#ifndef CPY_SELFTEST_H
#define CPY_SELFTEST_H

/* 0; or -1 with an ImportError that names the first check that failed.  Run at
   import, before anything else of cpyext_compat, with the lazy locals not yet in
   use. */
int cpy_selftest(void);

#endif
