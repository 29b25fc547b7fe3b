/* Loading an extension module from a file, with one clear error per thing that can be
 * wrong.  Needs only Python.h.
 */
#ifndef CPY_LOAD_H
#define CPY_LOAD_H

#include <Python.h>

/* The module in the shared object at `path` (str or PathLike), imported as `name` (str,
 * or NULL: what the file is called) -> new.
 *
 * It is in sys.modules while it initialises and afterwards, as after `import`; loading
 * the same file again answers the same module.  ImportError, with .name and .path, when
 * the file is not an ELF shared object, is for another machine, has the ABI tag of
 * another Python, lacks a symbol or its PyInit_ function, or when another file has the
 * name; OSError when it can't be read; anything that its initialisation raises.
 */
PyObject *cpy_load_extension(PyObject *path, PyObject *name);

#endif
