/* Standing in front of a C function of CPython's types: for the few that look into an object's
 * memory, where it may be laid out by us.  Process-wide, once; the GIL protects it.
 */
#ifndef CPY_SWAP_H
#define CPY_SWAP_H

#include "cpyext_compat/cpy_gen.h"

/* The function behind a method, a slot wrapper or (reading) an attribute that the type has itself.
   -> the one before; NULL with SystemError: the type has none of that name */
void *cpy_swap_function(PyTypeObject *type, const char *name, void *mine);

/* The generator, of whatever type, whose frame this is.  -> borrowed, or NULL */
static inline PyObject *
cpy_frame_generator(PyFrameObject *fo)
{
    CpyFrame *f = fo->f_frame;
    if (f->owner != FRAME_OWNED_BY_GENERATOR)
        return NULL;
    return (PyObject *)((char *)f - offsetof(PyGenObject, gi_iframe));
}

#endif
