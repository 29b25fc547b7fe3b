/* Instructions that only newer CPythons compile to: attributes of super() and typing's
 * intrinsics (3.12), special methods of `with` and template strings (3.14).
 */
#include "vm/vm_attr.h"
#include "vm/vm_build.h"

#include "cpyext_compat/cpy_intrinsics.h"
#include "vm/vm_num.h"

static void
release_window(VmFrame *f, unsigned base, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        vm_consume_unseen(f, base + i);
}

/* -- super().name --------------------------------------------------------------------- */

/* `super` is not the builtin: it is called as it is written, and asked. */
static PyObject *
ask_super(PyObject *super, PyObject *cls, PyObject *self, VmCache *c)
{
    PyObject *args[] = {cls, self};
    PyObject *o = PyObject_Vectorcall(super, args, c->two_args ? 2 : 0, NULL);     /* owned */
    PyObject *v = o == NULL ? NULL : PyObject_GetAttr(o, c->name);
    Py_XDECREF(o);
    return v;
}

/* Window b: super, class, self.  is_method NULL: the attribute is wanted.  -> new */
static PyObject *
super_lookup(VmAct *A, VmFrame *f, int *is_method)
{
    unsigned base = f->pc->b;
    VmCache *c = &f->code->caches[f->pc->c];
    PyObject *super = vm_reg_object(f, base), *cls = vm_reg_object(f, base + 1), *v = NULL;
    PyObject *self = vm_reg_object(f, base + 2);
    if (super == NULL || cls == NULL || self == NULL)
        return NULL;
    vm_boundary(A, f);
    if (super == (PyObject *)&PySuper_Type && PyType_Check(cls))
        v = cpy_super_lookup((PyTypeObject *)cls, self, c->name, is_method);
    else
        v = ask_super(super, cls, self, c);
    vm_after(A, f);
    return v;
}

int
vm_super_attr(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *v = super_lookup(A, f, NULL);
    release_window(f, f->pc->b, 3);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}

int
vm_super_method(VmAct *A, VmFrame *f)
{
    int is_method = 0;
    PyObject *v = super_lookup(A, f, &is_method);
    PyObject *self = is_method ? vm_reg_object_new(f, f->pc->b + 2) : NULL;
    release_window(f, f->pc->b, 3);
    if (v == NULL)
        return -1;
    vm_set_pair(f, vm_from_ptr(v), vm_from_ptr(self));
    return 0;
}

/* -- with ------------------------------------------------------------------------------ */

int
vm_special_method(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    int is_method = 0;
    PyObject *o = vm_reg_object_new(f, b), *v = NULL;
    if (o != NULL) {
        vm_boundary(A, f);
        v = cpy_special_method(o, f->pc->c, &is_method);
        vm_after(A, f);
    }
    vm_consume(A, f, b);
    if (v == NULL || !is_method)
        Py_CLEAR(o);
    if (v == NULL)
        return -1;
    vm_set_pair(f, vm_from_ptr(v), vm_from_ptr(o));
    return 0;
}

/* -- typing and template strings --------------------------------------------------------- */

int
vm_intrinsic_1(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *a = vm_reg_object(f, f->pc->b), *v = NULL;
    if (a != NULL) {
        vm_boundary(A, f);
        v = cpy_intrinsic_1(f->pc->c, a);
        vm_after(A, f);
    }
    vm_consume(A, f, f->pc->b);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}

int
vm_intrinsic_2(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b;
    PyObject *a = vm_reg_object(f, base), *b = vm_reg_object(f, base + 1), *v = NULL;
    if (a != NULL && b != NULL) {
        vm_boundary(A, f);
        v = cpy_intrinsic_2(f->pc->c, a, b);
        vm_after(A, f);
    }
    release_window(f, base, 2);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}

int
vm_build_template(VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b;
    PyObject *v = cpy_template(vm_ptr(f->regs[base]), vm_ptr(f->regs[base + 1]));
    release_window(f, base, 2);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}

int
vm_build_interpolation(VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b, with_format = f->pc->c & 1;
    PyObject *value = vm_reg_object(f, base), *text = vm_reg_object(f, base + 1), *v = NULL;
    PyObject *format = with_format ? vm_reg_object(f, base + 2) : NULL;
    if (value != NULL)
        v = cpy_interpolation(value, text, f->pc->c >> 2, format);
    release_window(f, base, 2 + with_format);
    *result = vm_from_ptr(v);
    return v == NULL ? -1 : 0;
}
