/* from_arrow and from_dlpack: foreign memory as a memoryview that keeps it alive. */
#include "fa_foreign.h"

#include "fa_arrow.h"
#include "fa_dlpack.h"

typedef struct {
    PyObject_HEAD
    FaView view;
    Py_ssize_t stride;
    char format[2];
    int writable;
} ForeignObject;

static int
foreign_getbuffer(PyObject *self, Py_buffer *b, int flags)
{
    ForeignObject *f = (ForeignObject *)self;
    if ((flags & PyBUF_WRITABLE) && !f->writable) {
        b->obj = NULL;
        PyErr_SetString(PyExc_BufferError, "the foreign array is read-only");
        return -1;
    }
    *b = (Py_buffer){.buf = f->view.n ? f->view.ptr : f->format,
                     .obj = Py_NewRef(self),
                     .len = f->view.n * f->view.size,
                     .itemsize = f->view.size,
                     .readonly = !f->writable,
                     .ndim = 1,
                     .format = (flags & PyBUF_FORMAT) ? f->format : NULL,
                     .shape = (flags & PyBUF_ND) ? &f->view.n : NULL,
                     .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &f->stride : NULL};
    return 0;
}

static void
foreign_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    fa_view_release(&((ForeignObject *)self)->view);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot foreign_slots[] = {
    {Py_tp_dealloc, foreign_dealloc},
    {Py_bf_getbuffer, foreign_getbuffer},
    {Py_tp_doc, "Memory of another library, given back when the last view of it goes."},
    {0, NULL},
};

static PyType_Spec foreign_spec = {
    .name = "fastarray._fastarray.Foreign",
    .basicsize = sizeof(ForeignObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = foreign_slots,
};

int
fa_foreign_setup(FaState *st, PyObject *module)
{
    st->foreign_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &foreign_spec, NULL);
    return st->foreign_type == NULL ? -1 : 0;
}

/* A memoryview over an acquired view, which it takes over. -> new */
static PyObject *
as_memoryview(FaState *st, FaView *v, int writable)
{
    ForeignObject *f;
    PyObject *result;

    if (v->valid != NULL) {
        PyErr_SetString(PyExc_ValueError, "the array has nulls");
        fa_view_release(v);
        return NULL;
    }
    f = PyObject_New(ForeignObject, st->foreign_type);
    if (f == NULL) {
        fa_view_release(v);
        return NULL;
    }
    f->view = *v;
    f->stride = v->size;
    f->format[0] = v->code;
    f->format[1] = '\0';
    f->writable = writable;
    result = PyMemoryView_FromObject((PyObject *)f);
    Py_DECREF(f);
    return result;
}

/* A memoryview of what obj offers by a protocol. -> new */
static PyObject *
from_protocol(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
              const FaSpec *spec, int (*import)(FaView *, PyObject *, int), const char *protocol)
{
    PyObject *in[1];
    FaView v;
    int found;

    if (fa_args_parse(spec, args, nargs, kwnames, in) < 0)
        return NULL;
    found = import(&v, in[0], FA_READ);
    if (found > 0)
        return as_memoryview(fa_state(module), &v, 0);
    if (found == 0)
        PyErr_Format(PyExc_TypeError, "'%.100s' object has no %s", Py_TYPE(in[0])->tp_name,
                     protocol);
    return NULL;
}

FA_FUNCTION(from_arrow)
{
    static const FaSpec spec = {"from_arrow", 1, 1, 1, {"obj"}};
    return from_protocol(module, args, nargs, kwnames, &spec, fa_arrow_import,
                         "__arrow_c_array__");
}

FA_FUNCTION(from_dlpack)
{
    static const FaSpec spec = {"from_dlpack", 1, 1, 1, {"obj"}};
    return from_protocol(module, args, nargs, kwnames, &spec, fa_dlpack_import, "__dlpack__");
}
