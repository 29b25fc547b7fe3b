/* Text made from values. */
#ifndef VM_TEXT_H
#define VM_TEXT_H

#include "cpyext_compat/cpy_text.h"
#include "vm/vm_frame.h"

#define VM_TEXT_ROOM 400        /* characters made at once */

typedef struct {
    char *at, *end;
    char data[VM_TEXT_ROOM];
} VmWriter;

static inline void
vm_text_begin(VmWriter *w)
{
    w->at = w->data;
    w->end = w->data + VM_TEXT_ROOM;
}

/* A value, or the text that a format instruction makes of it.  Borrowed. */
typedef struct {
    VmWord value;
    PyObject *spec;             /* or NULL */
    uint8_t is_text;            /* the latter */
    uint8_t conversion;
} VmTextPart;

static inline int
vm_is_exact_str(VmWord w)
{
    return vm_is_obj(w) && PyUnicode_CheckExact(vm_ptr(w));
}

/* Added to what is written.  1; 0: no room, or one for the general way */
int vm_text_put_str(VmWriter *w, PyObject *s);
int vm_text_put_part(VmWriter *w, const VmTextPart *part);
/* -> new */
PyObject *vm_ascii_text(const char *from, size_t n);

/* str(i).  -> new */
PyObject *vm_int_text(int64_t i);
/* left + right, exact strs; left is taken when it is the last use, and may be grown.  -> new */
PyObject *vm_concat(PyObject *left, PyObject *right, int last_use);
/* separator.join(list or tuple of strs), and of n objects with the `between` characters of a
   separator, where all is ASCII.  -> new; NULL without exception: not that */
PyObject *vm_join(PyObject *separator, PyObject *parts);
PyObject *vm_join_ascii(const char *separator, Py_ssize_t between, PyObject *const *items,
                        Py_ssize_t n);

/* -- instructions (vm_fstring.c) ------------------------------------------------------------ */

/* The FMT or FMTS at f->pc, and what follows it up to a whole f-string where that is simple: how many
   instructions are done, results in their registers, operands consumed.  -1 with an exception, or a
   frame is to be run first */
int vm_format(VmAct *A, VmFrame *f);
int vm_convert(VmAct *A, VmFrame *f, VmWord *result);
int vm_build_string(VmFrame *f, VmWord *result);

#endif
