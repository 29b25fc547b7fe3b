/* Attributes: 4-entry polymorphic caches keyed by the type's version.
 *
 * A row holds only for types whose tp_getattro (tp_setattro) is the generic one, so that a
 * hit runs no code.  What a row's `value` points to is kept alive by the type while the
 * version holds.
 *
 * What sites that load have seen is seen by all of them: those with more types than rows, and those
 * that run for the first time, find it by type and name.
 */
#include "vm/vm_attr.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_intrinsics.h"
#include "structmember.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"
#include "vm/vm_special.h"

VmCacheRow *
vm_cache_new_row(VmCache *c)
{
    if (c->u.attr.first.version == 0)
        return &c->u.attr.first;
    if (c->u.attr.more == NULL) {
        c->u.attr.more = PyMem_Calloc(VM_CACHE_MORE, sizeof(VmCacheRow));
        if (c->u.attr.more == NULL)
            return NULL;
    }
    for (int i = 0; i < VM_CACHE_MORE; i++) {
        if (c->u.attr.more[i].version == 0)
            return &c->u.attr.more[i];
    }
    unsigned turn = c->misses++ % (VM_CACHE_MORE + 1);
    return turn == VM_CACHE_MORE ? &c->u.attr.first : &c->u.attr.more[turn];
}

/* -- what other sites have seen ------------------------------------------------------------ */

#define SEEN 2048

/* Protected by the GIL. */
typedef struct {
    PyObject *name;         /* owned, or NULL */
    VmCacheRow row;         /* of a load, of any kind but ATTR_MODULE */
} Seen;
static Seen seen[SEEN];

/* Is o another class than the one a row is of? */
static inline int
is_of_other_class(const VmCacheRow *row, PyObject *o)
{
    return row->version2 != 0 && row->version2 != ((PyTypeObject *)o)->tp_version_tag;
}

static inline Seen *
seen_place(PyObject *o, PyObject *name)
{
    size_t version = Py_TYPE(o)->tp_version_tag;
    if (PyType_Check(o))
        version += (size_t)((PyTypeObject *)o)->tp_version_tag << 2;
    return &seen[(version ^ (uintptr_t)name >> 5) % SEEN];
}

static void
note_seen(PyObject *o, PyObject *name, const VmCacheRow *row)
{
    if (row->kind == ATTR_MODULE || !PyUnicode_CheckExact(name))
        return;
    Seen *s = seen_place(o, name);
    s->row = *row;
    Py_XSETREF(s->name, Py_NewRef(name));
}

static int
has_room(const VmCache *c)
{
    const VmCacheRow *more = c->u.attr.more;
    return c->u.attr.first.version == 0 || more == NULL || more[VM_CACHE_MORE - 1].version == 0;
}

/* A row for o at a site that has none (known: NULL), or another class's: the site's own from now
   on, now and then also where that costs it another one.  NULL: nobody has seen it */
static VmCacheRow *
row_seen(VmCache *c, PyObject *o, VmCacheRow *known)
{
    Seen *s = seen_place(o, c->name);
    if (s->name != c->name || s->row.version != Py_TYPE(o)->tp_version_tag
        || is_of_other_class(&s->row, o))
        return NULL;
    VmCacheRow *row = known;
    if (row == NULL && (has_room(c) || ++c->misses % 16 == 0))
        row = vm_cache_new_row(c);
    if (row == NULL)
        return &s->row;
    *row = s->row;
    return row;
}

/* The site's, or another one's.  -> NULL: fill one */
static inline VmCacheRow *
row_for(VmCache *c, PyObject *o)
{
    VmCacheRow *row = vm_cache_row(c, Py_TYPE(o)->tp_version_tag);
    return vm_likely(row != NULL && !is_of_other_class(row, o)) ? row : row_seen(c, o, row);
}

/* -- what an instance has besides its class ---------------------------------------------- */

/* The instance's own attribute of that name.  -> borrowed, NULL: none */
static PyObject *
instance_dict_value(PyObject *o, PyObject *name, Py_ssize_t hint)
{
    PyObject **dictptr = cpy_instance_dict_ptr(o);
    if (dictptr == NULL || *dictptr == NULL || !PyDict_CheckExact(*dictptr))
        return NULL;
    PyDictObject *d = (PyDictObject *)*dictptr;
    if (hint >= 0 && cpy_dict_key_at(d, hint) == name)
        return *cpy_dict_value_at(d, hint);
    Py_ssize_t i = cpy_dict_index(d, name);
    return i < 0 ? NULL : *cpy_dict_value_at(d, i);
}

/* No instance attribute hides the class's: see ATTR_METHOD. */
static int
not_hidden(PyObject *o, PyTypeObject *tp, unsigned index)
{
    if (tp->tp_dictoffset == 0)
        return 1;
    return cpy_inline_values(o) != NULL && cpy_shared_nentries(tp) == (Py_ssize_t)index;
}

static int
not_hidden_by_dict(PyObject *o, PyObject *name)
{
    if (cpy_inline_values(o) != NULL)
        return cpy_shared_index(Py_TYPE(o), name) < 0;
    PyObject **dictptr = cpy_instance_dict_ptr(o);
    if (dictptr == NULL || *dictptr == NULL)
        return 1;
    return PyDict_CheckExact(*dictptr)
           && cpy_dict_index((PyDictObject *)*dictptr, name) < 0
           && cpy_dict_is_unicode((PyDictObject *)*dictptr);
}

/* -- reading through a row ------------------------------------------------------------------ */

PyObject *
vm_attr_of_row(const VmCacheRow *row, PyObject *o, PyObject *name)
{
    PyDictValues *values;
    switch (row->kind) {
    case ATTR_VALUES:
        values = cpy_inline_values(o);
        return values == NULL ? NULL : cpy_inline_get(values, row->index);
    case ATTR_DICT:
        return instance_dict_value(o, name, row->index);
    case ATTR_SLOT:
        return *(PyObject **)((char *)o + row->index);
    case ATTR_FIELD:
        return row->index < PyTuple_GET_SIZE(o) ? PyTuple_GET_ITEM(o, row->index) : NULL;
    case ATTR_CLASS_VALUE:
        return not_hidden(o, Py_TYPE(o), row->index) ? row->value : NULL;
    case ATTR_CLASS_VALUE_DICT:
        return not_hidden_by_dict(o, name) ? row->value : NULL;
    case ATTR_TYPE_VALUE:
        return ((PyTypeObject *)o)->tp_version_tag == row->version2 ? row->value : NULL;
    case ATTR_MODULE: {
        PyDictObject *d = cpy_module_dict(o);
        return cpy_dict_key_at(d, row->index) == name ? *cpy_dict_value_at(d, row->index) : NULL;
    }
    default:
        return NULL;
    }
}

static int
row_is_method(VmCacheRow *row, PyObject *o, PyObject *name)
{
    switch (row->kind) {
    case ATTR_METHOD:
        return not_hidden(o, Py_TYPE(o), row->index);
    case ATTR_METHOD_DICT:
        return not_hidden_by_dict(o, name);
    default:
        return 0;
    }
}

PyObject *
vm_method_of_row(VmCache *c, PyObject *o)
{
    VmCacheRow *row = vm_cache_find(c, Py_TYPE(o)->tp_version_tag);
    return row_is_method(row, o, c->name) ? row->value : NULL;
}

/* -- filling rows ------------------------------------------------------------------------------ */

static void
fill(VmCache *c, uint32_t version, VmAttrKind kind, Py_ssize_t index, void *value,
     uint32_t version2)
{
    if (index < 0 || index > 0xFFFF)
        return;
    VmCacheRow *row = vm_cache_row(c, version);
    if (row == NULL)
        row = vm_cache_new_row(c);
    if (row != NULL)
        *row = (VmCacheRow){version, version2, value, (uint16_t)index, (uint8_t)kind};
}

static void
fill_for_class_attribute(VmCache *c, PyObject *o, PyTypeObject *tp, PyObject *descr)
{
    uint32_t version = tp->tp_version_tag;
    PyTypeObject *dt = Py_TYPE(descr);
    int method = PyType_HasFeature(dt, Py_TPFLAGS_METHOD_DESCRIPTOR);
    if (!method && dt->tp_descr_get != NULL)
        return;
    int inline_values = cpy_inline_values(o) != NULL;
    int direct = tp->tp_dictoffset == 0 || inline_values;
    VmAttrKind kind = method ? (direct ? ATTR_METHOD : ATTR_METHOD_DICT)
                             : (direct ? ATTR_CLASS_VALUE : ATTR_CLASS_VALUE_DICT);
    if (direct && inline_values && cpy_shared_index(tp, c->name) >= 0)
        kind = method ? ATTR_METHOD_DICT : ATTR_CLASS_VALUE_DICT;
    fill(c, version, kind, inline_values ? cpy_shared_nentries(tp) : 0, descr, 0);
}

static int
is_python_property(PyObject *descr, PyObject **getter)
{
    if (Py_TYPE(descr) != &PyProperty_Type)
        return 0;
    *getter = cpy_property_getter(descr);
    return *getter != NULL && PyFunction_Check(*getter);
}

/* A data descriptor that C code gets the value of.  What its type is may change, if that isn't static. */
static inline int
is_c_getter(PyObject *descr)
{
    PyTypeObject *type = Py_TYPE(descr);
    return type->tp_descr_get != NULL && type->tp_descr_set != NULL && !vm_slot_is_generic(type, SP_GET)
           && type != &PyProperty_Type;
}

static int
runs_no_code(PyObject *descr)
{
    return Py_IS_TYPE(descr, &PyMemberDescr_Type)
           && !(((PyMemberDescrObject *)descr)->d_member->flags & PY_AUDIT_READ);
}

/* A field of a named tuple: its place.  -1: something else */
static Py_ssize_t
field_place(PyObject *descr)
{
    PyTypeObject *type = Py_TYPE(descr);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE || strcmp(type->tp_name, "_collections._tuplegetter") != 0)
        return -1;
    Py_ssize_t place = -1;
    PyObject *doc, *made = PyObject_CallMethod(descr, "__reduce__", NULL);
    if (made == NULL || !PyArg_ParseTuple(PyTuple_GET_ITEM(made, 1), "nO", &place, &doc))
        PyErr_Clear();
    Py_XDECREF(made);
    return place;
}

static void
fill_for_data_descriptor(VmCache *c, PyTypeObject *tp, PyObject *descr)
{
    uint32_t version = tp->tp_version_tag;
    PyObject *getter;
    if (Py_IS_TYPE(descr, &PyMemberDescr_Type)) {
        PyMemberDef *m = ((PyMemberDescrObject *)descr)->d_member;
        if (m->type == T_OBJECT_EX && m->flags == 0)
            return fill(c, version, ATTR_SLOT, m->offset, NULL, 0);
    }
    int hooked = tp->tp_getattro != PyObject_GenericGetAttr;
    if (is_python_property(descr, &getter))
        return fill(c, version, hooked ? ATTR_HOOKED : ATTR_PROPERTY, 0, getter, 0);
    if (!is_c_getter(descr))
        return;
    if (hooked)
        return fill(c, version, ATTR_HOOKED, 0, descr, 0);
    Py_ssize_t place = PyType_IsSubtype(tp, &PyTuple_Type) ? field_place(descr) : -1;
    if (place >= 0)
        fill(c, version, ATTR_FIELD, place, NULL, 0);
    else
        fill(c, version, ATTR_DESCRIPTOR, runs_no_code(descr), descr, 0);
}

static void
fill_for_instance(VmCache *c, PyObject *o, PyTypeObject *tp)
{
    PyObject *descr = _PyType_Lookup(tp, c->name);      /* borrowed; gives tp a version */
    uint32_t version = cpy_type_version(tp);
    if (version == 0)
        return;
    if (descr != NULL && Py_TYPE(descr)->tp_descr_set != NULL)
        return fill_for_data_descriptor(c, tp, descr);
    PyDictValues *values = cpy_inline_values(o);
    if (values != NULL) {
        Py_ssize_t i = cpy_shared_index(tp, c->name);
        if (i >= 0 && cpy_inline_get(values, i) != NULL) {
            fill(c, version, ATTR_VALUES, i, NULL, 0);
            return;
        }
    }
    else {
        PyObject **dictptr = cpy_instance_dict_ptr(o);
        if (dictptr != NULL && *dictptr != NULL) {
            if (!PyDict_CheckExact(*dictptr))
                return;
            Py_ssize_t i = cpy_dict_index((PyDictObject *)*dictptr, c->name);
            if (i >= 0) {
                fill(c, version, ATTR_DICT, i, NULL, 0);
                return;
            }
        }
    }
    if (descr != NULL)
        fill_for_class_attribute(c, o, tp, descr);
}

static void
fill_for_class(VmCache *c, PyTypeObject *cls)
{
    PyTypeObject *meta = Py_TYPE(cls);
    PyObject *of_meta = _PyType_Lookup(meta, c->name);
    if (of_meta != NULL && Py_TYPE(of_meta)->tp_descr_set != NULL) {
        if (is_c_getter(of_meta) && cpy_type_version(meta) != 0)
            fill(c, meta->tp_version_tag, ATTR_DESCRIPTOR, runs_no_code(of_meta), of_meta, 0);
        return;
    }
    PyObject *descr = _PyType_Lookup(cls, c->name);
    uint32_t version = cpy_type_version(meta), version2 = cpy_type_version(cls);
    if (descr == NULL || version == 0 || version2 == 0)
        return;
    if (Py_TYPE(descr)->tp_descr_get == NULL || PyFunction_Check(descr)
        || Py_IS_TYPE(descr, &PyWrapperDescr_Type) || Py_IS_TYPE(descr, &PyMethodDescr_Type))
        fill(c, version, ATTR_TYPE_VALUE, 0, descr, version2);
    else if (Py_IS_TYPE(descr, &PyClassMethod_Type)) {
        PyObject *func = cpy_classmethod_callable(descr);
        if (func != NULL && PyFunction_Check(func))
            fill(c, version, ATTR_TYPE_CLASSMETHOD, 0, func, version2);
    }
    else if (Py_IS_TYPE(descr, &PyStaticMethod_Type)) {
        PyObject *func = cpy_staticmethod_callable(descr);
        if (func != NULL)
            fill(c, version, ATTR_TYPE_VALUE, 0, func, version2);
    }
}

static void
fill_for_module(VmCache *c, PyObject *o)
{
    PyTypeObject *tp = Py_TYPE(o);
    if (_PyType_Lookup(tp, c->name) != NULL)
        return;
    uint32_t version = cpy_type_version(tp);
    Py_ssize_t i = cpy_dict_index(cpy_module_dict(o), c->name);
    if (version != 0 && i >= 0)
        fill(c, version, ATTR_MODULE, i, NULL, 0);
}

static void
fill_any(VmCache *c, PyObject *o)
{
    getattrofunc get = Py_TYPE(o)->tp_getattro;
    if (get == PyObject_GenericGetAttr)
        fill_for_instance(c, o, Py_TYPE(o));
    else if (get == PyType_Type.tp_getattro)
        fill_for_class(c, (PyTypeObject *)o);
    else if (get == PyModule_Type.tp_getattro && PyModule_CheckExact(o))
        fill_for_module(c, o);
    else if (Py_TYPE(o)->tp_flags & Py_TPFLAGS_HEAPTYPE && vm_has_getattr_hook_only(Py_TYPE(o)))
        fill_for_instance(c, o, Py_TYPE(o));
    VmCacheRow *row = vm_cache_row(c, Py_TYPE(o)->tp_version_tag);
    if (row != NULL && !is_of_other_class(row, o))
        note_seen(o, c->name, row);
}

/* -- the instructions --------------------------------------------------------------------------- */

/* -> new, or NULL with an exception */
static PyObject *
get_by_descriptor(VmAct *A, VmFrame *f, const VmCacheRow *row, PyObject *o)
{
    PyObject *name = vm_cache(f, f->pc->c)->name;
    PyObject *descr = Py_NewRef((PyObject *)row->value);
    int quiet = row->index;
    if (!quiet)
        vm_boundary(A, f);
    PyObject *v = Py_TYPE(descr)->tp_descr_get(descr, o, (PyObject *)Py_TYPE(o));
    if (v == NULL)
        vm_name_attribute_error(o, name);
    Py_DECREF(descr);
    if (!quiet)
        vm_after(A, f);
    return v;
}

/* The same of a class with __getattr__, by a getter or a descriptor.  Returns as attr_of_row() */
static int
hooked_attr(VmAct *A, VmFrame *f, PyObject *by, PyObject *o, VmWord *result)
{
    if (!PyFunction_Check(by) && !is_c_getter(by))
        return 1;
    switch (vm_special_hooked(A, f, by, o, vm_cache(f, f->pc->c)->name, result)) {
    case SP_NOT_MINE: return 1;
    case SP_DONE: return 0;
    default: return -1;
    }
}

/* What a row says of o, and what takes no frame: 0, *result (new); -1 exception.  1: unknown */
static int
attr_of_row(VmAct *A, VmFrame *f, VmCacheRow *row, PyObject *o, VmWord *result)
{
    PyObject *name = vm_cache(f, f->pc->c)->name, *v;
    if (row->kind == ATTR_DESCRIPTOR && is_c_getter(row->value)) {
        v = get_by_descriptor(A, f, row, o);
        *result = vm_from_ptr(v);
        return v == NULL ? -1 : 0;
    }
    if (row->kind == ATTR_PROPERTY)
        return vm_special_property(A, f, row->value, o, result) == SP_DONE ? 0 : -1;
    if (row->kind == ATTR_HOOKED)
        return hooked_attr(A, f, row->value, o, result);
    v = vm_attr_of_row(row, o, name);
    if (v != NULL)
        Py_INCREF(v);
    else if (row_is_method(row, o, name)) {
        PyObject *descr = row->value;
        int shown = vm_before_making(A, f);
        v = PyFunction_Check(descr)
                ? PyMethod_New(descr, o)
                : Py_TYPE(descr)->tp_descr_get(descr, o, (PyObject *)Py_TYPE(o));
        vm_after_making(A, f, shown);
        if (v == NULL)
            return -1;
    }
    else
        return 1;
    *result = vm_from_ptr(v);
    return 0;
}

/* 0 / -1 */
static int
attr_general(VmAct *A, VmFrame *f, PyObject *o, int new_type, VmWord *result)
{
    VmCache *c = vm_cache(f, f->pc->c);
    VmSpecialStatus special = vm_special_getattr(A, f, o, c->name, result);
    if (special == SP_NOT_MINE) {
        vm_boundary(A, f);
        PyObject *v = PyObject_GetAttr(o, c->name);
        vm_after(A, f);
        if (v == NULL)
            return -1;
        *result = vm_from_ptr(v);
    }
    /* of a type that is new to the site; but where rows can't be had, seldom */
    if (special == SP_PUSHED || (special == SP_DONE && c->misses >= 8)
            ? c->misses++ % 16 == 0
            : special != SP_RAISED && (new_type || ++c->misses % 16 == 0))
        fill_any(c, o);
    return special == SP_RAISED || special == SP_PUSHED ? -1 : 0;
}

int
vm_getattr(VmAct *A, VmFrame *f, VmWord *result)
{
    unsigned b = f->pc->b;
    PyObject *o = vm_reg_object(f, b);
    if (o == NULL)
        return -1;
    VmCacheRow *row = row_for(vm_cache(f, f->pc->c), o);
    int status = row == NULL ? 1 : attr_of_row(A, f, row, o, result);
    if (status == 1)
        status = attr_general(A, f, o, row == NULL, result);
    if (A->pushed == NULL)
        vm_consume(A, f, b);
    return status;
}

/* NULL marks the slot without self. */
void
vm_set_pair(VmFrame *f, VmWord func, VmWord self)
{
    VmWord *pair = &f->regs[f->pc->a];
    if (self == VM_NULL) {
        pair[0] = CPY_CALL_NULL_FIRST ? VM_NULL : func;
        pair[1] = CPY_CALL_NULL_FIRST ? func : VM_NULL;
    }
    else {
        pair[0] = func;
        pair[1] = self;
    }
}

int
vm_getmethod(VmAct *A, VmFrame *f)
{
    unsigned b = f->pc->b;
    VmCache *c = vm_cache(f, f->pc->c);
    PyObject *o = vm_reg_object(f, b);
    if (o == NULL)
        return -1;
    VmCacheRow *row = row_for(c, o);
    if (row != NULL) {
        if (row_is_method(row, o, c->name)) {
            VmWord self = vm_from_ptr(o);
            if (!vm_is_temp(f, b) || !vm_is_obj(f->regs[b]))
                Py_INCREF(o);
            vm_set_pair(f, vm_from_ptr(Py_NewRef((PyObject *)row->value)), self);
            return 0;
        }
        if (row->kind == ATTR_TYPE_CLASSMETHOD
            && ((PyTypeObject *)o)->tp_version_tag == row->version2) {
            if (!vm_is_temp(f, b))
                Py_INCREF(o);
            vm_set_pair(f, vm_from_ptr(Py_NewRef((PyObject *)row->value)), vm_from_ptr(o));
            return 0;
        }
        PyObject *v = vm_attr_of_row(row, o, c->name);
        if (v != NULL) {
            Py_INCREF(v);
            vm_consume(A, f, b);
            vm_set_pair(f, vm_from_ptr(v), VM_NULL);
            return 0;
        }
    }
    PyObject *method = NULL;
    int bound = 0;
    VmWord found;
    switch (vm_special_getattr(A, f, o, c->name, &found)) {
    case SP_PUSHED:
        return -1;
    case SP_RAISED:
        break;
    case SP_DONE:
        if (row == NULL)
            fill_any(c, o);
        vm_consume(A, f, b);
        vm_set_pair(f, found, VM_NULL);
        return 0;
    default:
        vm_boundary(A, f);
        bound = cpy_get_method(o, c->name, &method);
        vm_after(A, f);
    }
    if (method == NULL) {
        vm_consume(A, f, b);
        return -1;
    }
    if (row == NULL || ++c->misses % 16 == 0)
        fill_any(c, o);
    if (!bound) {
        vm_consume(A, f, b);
        vm_set_pair(f, vm_from_ptr(method), VM_NULL);
        return 0;
    }
    if (!vm_is_temp(f, b) || !vm_is_obj(f->regs[b]))
        Py_INCREF(o);
    vm_set_pair(f, vm_from_ptr(method), vm_from_ptr(o));
    return 0;
}

/* The class and the object zero-argument super() finds in its caller's frame.  1, or 0 */
static int
super_arguments(VmFrame *f, PyTypeObject **cls, PyObject **o)
{
    VmCode *code = f->code;
    if (!code->has_class_cell || code->co->co_argcount == 0 || !vm_is_obj(f->regs[0]))
        return 0;
    PyObject *cell = vm_ptr(f->regs[code->class_cell]), *self = vm_ptr(f->regs[0]);
    if (PyCell_Check(self) && cpy_code_local_kind(code->co, 0) & CPY_CELL)
        self = PyCell_GET(self);
    *cls = (PyTypeObject *)PyCell_GET(cell);
    *o = self;
    return self != NULL && *cls != NULL && PyType_Check(*cls);
}

int
vm_super_again(VmFrame *f)
{
    VmCache *c = vm_cache(f, f->pc->c);
    PyTypeObject *cls;
    PyObject *o;
    if (!super_arguments(f, &cls, &o))
        return 0;
    VmCacheRow *row = vm_cache_find(c, Py_TYPE(o)->tp_version_tag);
    if (row->kind != ATTR_SUPER || row->version2 != cls->tp_version_tag) {
        uint32_t version = cpy_type_version(Py_TYPE(o)), version2 = cpy_type_version(cls);
        PyObject *func = cpy_super_function(cls, o, c->name);
        if (func == NULL || version == 0 || version2 == 0)
            return 0;
        fill(c, version, ATTR_SUPER, 0, func, version2);
        vm_set_pair(f, vm_from_ptr(Py_NewRef(func)), vm_from_ptr(Py_NewRef(o)));
        return 1;
    }
    vm_set_pair(f, vm_from_ptr(Py_NewRef((PyObject *)row->value)), vm_from_ptr(Py_NewRef(o)));
    return 1;
}

/* A store that hits: 1 when done (takes v). */
static int
store_through_row(VmAct *A, VmFrame *f, VmCacheRow *row, PyObject *o, PyObject *v)
{
    if (row->kind == ATTR_VALUES) {
        PyDictValues *values = cpy_inline_values(o);
        if (values == NULL)
            return 0;
        PyObject *old = Py_XNewRef(cpy_inline_get(values, row->index));
        cpy_inline_store(o, values, row->index, v);
        if (old != NULL)
            vm_release_old(A, f, old);
        return 1;
    }
    if (row->kind == ATTR_SLOT) {
        PyObject **slot = (PyObject **)((char *)o + row->index), *old = *slot;
        *slot = v;
        if (old != NULL)
            vm_release_old(A, f, old);
        return 1;
    }
    return 0;
}

static void
fill_for_store(VmCache *c, PyObject *o)
{
    PyTypeObject *tp = Py_TYPE(o);
    if (tp->tp_setattro != PyObject_GenericSetAttr)
        return;
    PyObject *descr = _PyType_Lookup(tp, c->name);
    uint32_t version = cpy_type_version(tp);
    if (version == 0)
        return;
    if (descr != NULL && Py_TYPE(descr)->tp_descr_set != NULL) {
        if (Py_IS_TYPE(descr, &PyMemberDescr_Type)) {
            PyMemberDef *m = ((PyMemberDescrObject *)descr)->d_member;
            if (m->type == T_OBJECT_EX && m->flags == 0)
                fill(c, version, ATTR_SLOT, m->offset, NULL, 0);
        }
        return;
    }
    if (cpy_inline_values(o) != NULL)
        fill(c, version, ATTR_VALUES, cpy_shared_index(tp, c->name), NULL, 0);
}

int
vm_setattr(VmAct *A, VmFrame *f)
{
    unsigned a = f->pc->a, b = f->pc->b;
    VmCache *c = vm_cache(f, f->pc->c);
    PyObject *o = vm_reg_object(f, a), *v = vm_reg_object(f, b);
    int status = -1;
    if (o == NULL || v == NULL)
        goto done;
    VmCacheRow *row = vm_cache_row(c, Py_TYPE(o)->tp_version_tag);
    if (row != NULL && store_through_row(A, f, row, o, Py_NewRef(v))) {
        status = 0;
        goto done;
    }
    if (row != NULL)
        Py_DECREF(v);
    VmSpecialStatus special = vm_special_setattr(A, f, o, c->name, v);
    if (special == SP_PUSHED)
        return -1;
    if (special == SP_NOT_MINE) {
        vm_boundary(A, f);
        status = PyObject_SetAttr(o, c->name, v);
        vm_after(A, f);
    }
    if (status == 0 && row == NULL)
        fill_for_store(c, o);
done:
    vm_consume(A, f, b);
    vm_consume(A, f, a);
    return status;
}

int
vm_delattr(VmAct *A, VmFrame *f)
{
    unsigned a = f->pc->a;
    PyObject *o = vm_reg_object(f, a);
    int status = -1;
    if (o != NULL) {
        PyObject *name = vm_cache(f, f->pc->c)->name;
        VmSpecialStatus special = vm_special_setattr(A, f, o, name, NULL);
        if (special == SP_PUSHED)
            return -1;
        if (special == SP_NOT_MINE) {
            vm_boundary(A, f);
            status = PyObject_SetAttr(o, name, NULL);
            vm_after(A, f);
        }
    }
    vm_consume(A, f, a);
    return status;
}

/* -- by a name that is a value ------------------------------------------------------------------ */

/* What the class has under the name, if that is no descriptor that acts (`set`: on stores).
   0, or -1: it is, or attributes are not found in the general way */
static int
class_has(VmWord ow, VmWord nw, int set, PyObject **found)
{
    PyObject *o = vm_ptr(ow), *name = vm_ptr(nw);
    if (!vm_is_obj(ow) || !vm_is_obj(nw) || !PyUnicode_CheckExact(name)
        || ((PyASCIIObject *)name)->hash == -1)
        return -1;
    PyTypeObject *type = Py_TYPE(o);
    if (set ? type->tp_setattro != PyObject_GenericSetAttr
            : type->tp_getattro != PyObject_GenericGetAttr)
        return -1;
    *found = _PyType_Lookup(type, name);
    if (*found == NULL)
        return 0;
    PyTypeObject *kind = Py_TYPE(*found);
    return (set ? (void *)kind->tp_descr_set : (void *)kind->tp_descr_get) == NULL ? 0 : -1;
}

int
vm_attr_plain(VmWord ow, VmWord nw, PyObject **v)
{
    PyObject *found, **place;
    if (class_has(ow, nw, 0, &found) < 0)
        return -1;
    PyObject *o = vm_ptr(ow), *name = vm_ptr(nw), **dict;
    PyDictValues *values = cpy_inline_values(o);
    *v = NULL;
    if (values != NULL) {
        Py_ssize_t i = cpy_shared_index(Py_TYPE(o), name);
        *v = i < 0 ? NULL : cpy_inline_get(values, i);
    }
    else if ((dict = cpy_instance_dict_ptr(o)) != NULL && *dict != NULL) {
        int status = PyDict_CheckExact(*dict) ? cpy_dict_find_str((PyDictObject *)*dict, name, &place)
                                              : -1;
        if (status < 0)
            return -1;
        *v = status ? *place : NULL;
    }
    if (*v == NULL)
        *v = found;
    return *v != NULL;
}

int
vm_setattr_plain(VmFrame *f, VmWord ow, VmWord nw, VmWord v)
{
    PyObject *found;
    if (class_has(ow, nw, 1, &found) < 0)
        return 0;
    PyObject *o = vm_ptr(ow), *old;
    PyDictValues *values = cpy_inline_values(o);
    Py_ssize_t i = values == NULL ? -1 : cpy_shared_index(Py_TYPE(o), vm_ptr(nw));
    if (i < 0 || ((old = cpy_inline_get(values, i)) != NULL && Py_REFCNT(old) == 1 && !vm_is_inert(old)))
        return 0;
    PyObject *item = vm_is_obj(v) ? Py_NewRef(vm_ptr(v)) : vm_box_shared(f, v);
    if (item == NULL || cpy_inline_store(o, values, i, item) < 0) {
        PyErr_Clear();          /* the general way says it again */
        return 0;
    }
    return 1;
}
