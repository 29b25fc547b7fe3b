/* Entries of tracebacks, for whoever knows the line. */
#ifndef CPY_TRACEBACK_H
#define CPY_TRACEBACK_H

#include "cpyext_compat/cpy_frame.h"

/* 3.11 looks the line up in the code's table when the entry is made, 3.12 to 3.14 when somebody asks. */
#define CPY_TRACEBACK_HAS_LINE (CPY_MINOR == 311)

/* The pending exception passes the thread's top frame, which is at that word of its code: an entry
   more in the traceback.  `line` is that of the word, needed where CPY_TRACEBACK_HAS_LINE. */
void cpy_traceback_add(PyThreadState *ts, uint32_t word, int line);

#endif
