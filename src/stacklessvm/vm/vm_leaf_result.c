/* How leaves end (vm_leaf.h): what they return is made, and what they set is stored. */
#include "vm/vm_leaf.h"

#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_eval.h"
#include "vm/vm_ic.h"
#include "vm/vm_num.h"

/* -> new, or NULL without an exception */
static PyObject *
box(VmWord w)
{
    PyObject *o = vm_box(w);
    if (o == NULL)
        PyErr_Clear();          /* the way with a frame says it again */
    return o;
}

/* The items of a listing: one number is one object.  -> new, or NULL without an exception */
static PyObject *
box_item(const VmWord *S, const uint16_t *slots, unsigned i, PyObject *const *items)
{
    for (unsigned j = 0; j < i; j++) {
        if (slots[j] == slots[i])
            return Py_NewRef(items[j]);
    }
    return box(S[slots[i]]);
}

static PyObject *
new_listing(int list, PyObject *const *items, unsigned n)
{
    PyObject *o = list ? PyList_New(n) : PyTuple_New(n);
    if (o == NULL) {
        PyErr_Clear();
        return NULL;
    }
    for (unsigned i = 0; i < n; i++) {
        if (list)
            PyList_SET_ITEM(o, i, items[i]);
        else
            PyTuple_SET_ITEM(o, i, items[i]);
    }
    return o;
}

PyObject *
vm_leaf_build(const VmInsn *ip, const VmWord *S)
{
    const uint16_t *slots = (const uint16_t *)(ip + 1);
    PyObject *items[VM_LEAF_ITEMS], *o = NULL;
    unsigned n = 0;
    if (cpy_gc_is_due())        /* finalizers would look for the frame */
        return NULL;
    for (; n < ip->c; n++) {
        if ((items[n] = box_item(S, slots, n, items)) == NULL)
            break;
    }
    if (n == ip->c)
        o = new_listing(ip->b, items, n);
    while (o == NULL && n > 0)
        Py_DECREF(items[--n]);
    return o;
}

typedef struct {
    PyObject *object;           /* borrowed */
    PyDictValues *values;
    PyObject *item;             /* owned */
    uint16_t index;
} Place;

/* Where the attribute is, with its present value.  0, or -1: not where it can be stored without
   running code */
static inline int
find_place(const VmLeaf *leaf, unsigned n_stores, VmCache *c, VmWord w, Place *place, PyObject **old)
{
    if (vm_unlikely(!vm_is_obj(w)))
        return -1;
    PyObject *o = vm_ptr(w);
    VmCacheRow *row = vm_cache_find(c, Py_TYPE(o)->tp_version_tag);
    if (vm_unlikely(row->kind != ATTR_VALUES))
        return -1;
    place->object = o;
    place->index = row->index;
    place->values = cpy_inline_values_known(o);
    if (vm_unlikely(place->values == NULL || !cpy_inline_values_alone(o)))
        return -1;
    *old = cpy_inline_get(place->values, row->index);
    return *old == NULL || vm_goes_unseen(vm_from_ptr(*old), n_stores + vm_leaf_temporaries(leaf)) ? 0 : -1;
}

/* The object for the i-th value: one number is one object.  -> new, or NULL: no memory */
static inline PyObject *
item_of(const VmInsn *stores, const VmWord *S, unsigned i, const Place *places)
{
    unsigned slot = stores[2 * i].b;
    VmWord w = S[slot];
    if (vm_likely(vm_is_obj(w)))
        return Py_NewRef(vm_ptr(w));
    for (unsigned j = 0; j < i; j++) {
        if (stores[2 * j].b == slot)
            return Py_NewRef(places[j].item);
    }
    return box(w);
}

/* The i-th store.  -> the result, v: the very object when it is a number that is stored */
static inline VmWord
store(const VmInsn *ip, unsigned i, const Place *p, VmWord v)
{
    if (!ip->b && ip[1 + 2 * i].b == ip->a && !vm_is_obj(v))
        v = vm_unbox_unique(Py_NewRef(p->item));
    cpy_inline_store(p->object, p->values, p->index, p->item);
    return v;
}

/* Where the i-th store goes, and what.  0, or -1: it can't */
static inline int
prepare(const VmLeaf *leaf, const VmInsn *ip, unsigned i, Place *places, PyObject **old)
{
    const VmInsn *stores = ip + 1;
    VmCache *c = *(VmCache *const *)(stores + 2 * i + 1);
    return find_place(leaf, ip->c, c, leaf->slots[stores[2 * i].a], &places[i], old);
}

/* The commonest: one store. */
static __attribute__((noinline)) VmWord
store_one(const VmLeaf *leaf, const VmInsn *ip, VmWord v)
{
    VmWord w = leaf->slots[ip[1].b];
    Place place;
    PyObject *old;
    if (vm_unlikely(prepare(leaf, ip, 0, &place, &old) < 0))
        goto failed;
    if (!vm_is_obj(w) && w != v && old != NULL && Py_REFCNT(old) == 1 && vm_overwrite_by(w, old))
        return v;               /* of the old number nobody knows */
    place.item = vm_likely(vm_is_obj(w)) ? Py_NewRef(vm_ptr(w)) : box(w);
    if (vm_likely(place.item != NULL))
        return store(ip, 0, &place, v);
failed:
    vm_release(v);
    return VM_NULL;
}

VmWord
vm_leaf_store(const VmLeaf *leaf, const VmInsn *ip, VmWord v)
{
    if (vm_likely(ip->c == 1))
        return store_one(leaf, ip, v);
    unsigned found = 0;
    Place places[VM_LEAF_STORES];
    for (PyObject *old; found < ip->c; found++) {
        if (prepare(leaf, ip, found, places, &old) < 0
            || (places[found].item = item_of(ip + 1, leaf->slots, found, places)) == NULL)
            break;
    }
    if (vm_unlikely(found < ip->c)) {
        while (found > 0)
            Py_DECREF(places[--found].item);
        vm_release(v);
        return VM_NULL;
    }
    for (unsigned i = 0; i < ip->c; i++)
        v = store(ip, i, &places[i], v);
    return v;
}
