/* Module slots that exist only on some versions, as one list to paste. */
#ifndef CPY_MODSLOTS_H
#define CPY_MODSLOTS_H

#include <Python.h>

#if PY_VERSION_HEX >= 0x030D0000 /* public since 3.13 */
#  define CPY_GIL_SLOT {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#else
#  define CPY_GIL_SLOT
#endif

#if PY_VERSION_HEX >= 0x030C0000 /* public since 3.12 */
#  define CPY_INTERPRETERS_SLOT \
      {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#else
#  define CPY_INTERPRETERS_SLOT
#endif

#endif
