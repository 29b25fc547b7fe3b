/* Functions that every supported CPython exports, and each declares in another header. */
#ifndef CPY_INTERNAL_H
#define CPY_INTERNAL_H

#include "cpyext_compat/cpy_version.h"

#if PY_VERSION_HEX >= 0x030D0000
#  include "internal/pycore_dict.h"                     /* _PyDict_MergeEx */
#  include "internal/pycore_genobject.h"                /* _PyGen_{Set,Fetch}StopIterationValue */
#  include "internal/pycore_list.h"                     /* _PyList_Extend */
#  include "internal/pycore_modsupport.h"               /* _PyArg_CheckPositional */
#  include "internal/pycore_pyerrors.h"                 /* _PyErr_FormatFromCause */
#  include "internal/pycore_setobject.h"                /* _PySet_Update */
#  include "internal/pycore_unicodeobject.h"            /* _PyUnicode_JoinArray */
#endif

#include "cpyext_compat/cpy_backports.h"

#endif
