/* What inline caches read in place: dict tables, instance values, type versions,
 * descriptors.
 *
 * Nothing here calls out: a caller that stores through these pointers keeps the
 * rules of dictobject.c itself.  The three that matter:
 *   - only a *changed value of an existing key* may be written through
 *     cpy_dict_value_at(); new keys, deleted keys and watched dicts go through the
 *     dict API (cpy_dict_is_watched() says which);
 *   - a split table can hold NULL for a key that other instances have;
 *   - an entry index stays good as long as the keys version does, or as long as
 *     cpy_dict_key_at() still answers the same name.
 */
#ifndef CPY_DICT_H
#define CPY_DICT_H

#include "cpyext_compat/cpy_version.h"

#include "internal/pycore_dict.h"
#include "internal/pycore_moduleobject.h"
#include "internal/pycore_object.h"

/* --- keys -------------------------------------------------------------------- */

/* Numbers CPython hands out count up from 1; ours start here. */
#define CPY_FIRST_KEYS_VERSION 0x80000000u

/* One number for the present set of keys (not values), 0 when there is none.
   CPython zeroes it when a key is added or removed.  The table that empty dicts
   share keeps the number CPython gave it (1 or none). */
static inline uint32_t
cpy_keys_version(PyDictObject *d)
{
    static uint32_t next = CPY_FIRST_KEYS_VERSION;      /* protected by the GIL */
    PyDictKeysObject *keys = d->ma_keys;
    if (keys->dk_version == 0 && keys->dk_nentries > 0 && next != 0)
        keys->dk_version = next++;
    return keys->dk_version;
}

/* All keys are exact strs: the table can be read by cpy_dict_index(). */
static inline int
cpy_dict_is_unicode(PyDictObject *d)
{
    return DK_IS_UNICODE(d->ma_keys);
}

/* Where the value of a key is that is an exact str with a computed hash, or an int below 2**60:
   found without running Python code.  1: *place of a borrowed value; 0: not there; -1: only a
   comparison with some object could tell. */
int cpy_dict_find_str(PyDictObject *d, PyObject *key, PyObject ***place);
int cpy_dict_find_int(PyDictObject *d, int64_t key, PyObject ***place);
/* The same of a set. */
int cpy_set_find_str(PyObject *set, PyObject *key);
int cpy_set_find_int(PyObject *set, int64_t key);
/* The value of a key that is there, which goes.  -> new, or NULL with an exception */
PyObject *cpy_dict_pop(PyObject *d, PyObject *key);

/* May values be exchanged in place?  Later versions tell others of each change. */
#define CPY_DICT_EXCHANGES (PY_VERSION_HEX < 0x030C0000)
/* v (taken) in the place of a value.  -> the old value, the caller's */
PyObject *cpy_dict_exchange(PyDictObject *d, PyObject **place, PyObject *v);

/* Entry of an exact str with a computed hash in a table of str keys, or -1. */
Py_ssize_t cpy_keys_index(PyDictKeysObject *keys, PyObject *name);

static inline Py_ssize_t                                /* name: exact str */
cpy_dict_index(PyDictObject *d, PyObject *name)
{
    return cpy_keys_index(d->ma_keys, name);
}

/* -> borrowed from d; NULL past the end, where a key was deleted, or in a table of
   other keys */
static inline PyObject *
cpy_dict_key_at(PyDictObject *d, Py_ssize_t i)
{
    PyDictKeysObject *keys = d->ma_keys;
    if (!DK_IS_UNICODE(keys) || (size_t)i >= (size_t)keys->dk_nentries)
        return NULL;
    return DK_UNICODE_ENTRIES(keys)[i].me_key;
}

static inline PyObject ** /* -> place of a borrowed value; i from cpy_dict_index() */
cpy_dict_value_at(PyDictObject *d, Py_ssize_t i)
{
    if (d->ma_values != NULL)
        return &d->ma_values->values[i];
    return &DK_UNICODE_ENTRIES(d->ma_keys)[i].me_value;
}

static inline int
cpy_dict_is_watched(PyDictObject *d)
{
#if PY_VERSION_HEX >= 0x030E0000
    return (d->_ma_watcher_tag & DICT_WATCHER_MASK) != 0;
#elif PY_VERSION_HEX >= 0x030D0000
    return (d->ma_version_tag & DICT_WATCHER_MASK) != 0;
#elif PY_VERSION_HEX >= 0x030C0000
    return (d->ma_version_tag & DICT_VERSION_MASK) != 0;
#else
    return 0;
#endif
}

/* --- keys shared by the instances of a heap type --------------------------------- */

static inline PyDictKeysObject *                /* -> borrowed from the type, or NULL */
cpy_shared_keys(PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return NULL;
    return ((PyHeapTypeObject *)type)->ht_cached_keys;
}

static inline Py_ssize_t                                /* or -1 */
cpy_shared_index(PyTypeObject *type, PyObject *name)
{
    PyDictKeysObject *keys = cpy_shared_keys(type);
    return keys != NULL ? cpy_keys_index(keys, name) : -1;
}

static inline Py_ssize_t
cpy_shared_nentries(PyTypeObject *type)
{
    PyDictKeysObject *keys = cpy_shared_keys(type);
    return keys != NULL ? keys->dk_nentries : 0;
}

/* The same of a type whose instances have inline values. */
static inline Py_ssize_t
cpy_shared_nentries_known(PyTypeObject *type)
{
    return ((PyHeapTypeObject *)type)->ht_cached_keys->dk_nentries;
}

static inline uint32_t                                  /* as cpy_keys_version() */
cpy_shared_version(PyTypeObject *type)
{
    PyDictKeysObject *keys = cpy_shared_keys(type);
    return keys != NULL ? keys->dk_version : 0;
}

/* --- an instance's values and dict ---------------------------------------------- */

#if PY_VERSION_HEX >= 0x030D0000
#  define CPY_TYPE_HAS_VALUES Py_TPFLAGS_INLINE_VALUES
#else
#  define CPY_TYPE_HAS_VALUES Py_TPFLAGS_MANAGED_DICT
#endif

/* The same as below of an instance whose type is known to have them. */
static inline PyDictValues *
cpy_inline_values_known(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyDictValues *v = _PyObject_InlineValues(o);
    return v->valid ? v : NULL;
#elif PY_VERSION_HEX >= 0x030C0000
    PyDictOrValues place = *_PyObject_DictOrValuesPointer(o);
    return _PyDictOrValues_IsValues(place) ? _PyDictOrValues_GetValues(place) : NULL;
#else
    return *_PyObject_ValuesPointer(o);
#endif
}

/* -> borrowed from o, or NULL: it has a dict, or nothing yet */
static inline PyDictValues *
cpy_inline_values(PyObject *o)
{
    return Py_TYPE(o)->tp_flags & CPY_TYPE_HAS_VALUES ? cpy_inline_values_known(o) : NULL;
}

/* No dict shares them: storing needs no memory. */
static inline int
cpy_inline_values_alone(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030D0000
    return _PyObject_GetManagedDict(o) == NULL;
#else
    return o != NULL;
#endif
}

static inline PyObject * /* -> borrowed, NULL when unset; i from cpy_shared_index() */
cpy_inline_get(PyDictValues *values, Py_ssize_t i)
{
    return values->values[i];
}

static inline PyDictObject *
cpy_module_dict(PyObject *module)
{
    return (PyDictObject *)((PyModuleObject *)module)->md_dict;
}

/* The place of o's __dict__, or NULL: the type has none, or values stand in its
   place (3.12).  *place may be NULL: not made yet. */
static inline PyObject **
cpy_instance_dict_ptr(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
#if PY_VERSION_HEX >= 0x030D0000
        return (PyObject **)&_PyObject_ManagedDictPointer(o)->dict;
#elif PY_VERSION_HEX >= 0x030C0000
        PyDictOrValues *place = _PyObject_DictOrValuesPointer(o);
        return _PyDictOrValues_IsValues(*place) ? NULL : &place->dict;
#else
        return _PyObject_ManagedDictPointer(o);
#endif
    }
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0)
        return NULL;
    if (offset < 0) {                   /* behind the items of a variable-size object */
        Py_ssize_t n = Py_SIZE(o);
        offset += (Py_ssize_t)_PyObject_VAR_SIZE(type, n < 0 ? -n : n);
    }
    return (PyObject **)((char *)o + offset);
}

/* Sets value i of o, as STORE_ATTR_INSTANCE_VALUE does: records the insertion order
   when the attribute is new; takes v; releases the old value last.  `values` from
   cpy_inline_values(o).  Where a dict shares the values (3.13+) the dict does it.
   0, or -1 with MemoryError. */
int cpy_inline_store_shared(PyObject *o, Py_ssize_t i, PyObject *v);

static inline int
cpy_inline_store(PyObject *o, PyDictValues *values, Py_ssize_t i, PyObject *v)
{
#if PY_VERSION_HEX >= 0x030D0000
    if (_PyObject_GetManagedDict(o) != NULL)
        return cpy_inline_store_shared(o, i, v);
#endif
    PyObject *old = values->values[i];
    values->values[i] = v;
    if (old == NULL)
        _PyDictValues_AddToInsertionOrder(values, i);
    else
        Py_DECREF(old);
    return 0;
}

/* --- types ------------------------------------------------------------------------ */

/* Changes with any change to the type or its bases; 0 when the type can't have one. */
uint32_t cpy_type_version_assign(PyTypeObject *type);

static inline uint32_t
cpy_type_version(PyTypeObject *type)
{
#if PY_VERSION_HEX < 0x030D0000
    if (type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG)
        return type->tp_version_tag;
#else
    if (type->tp_version_tag != 0)
        return type->tp_version_tag;
#endif
    return cpy_type_version_assign(type);
}

/* --- descriptors ------------------------------------------------------------------ */

/* 1: *method is an unbound method, call it with o first; 0: *method is the attribute
   itself, or NULL with an exception.  *method -> new */
static inline int
cpy_get_method(PyObject *o, PyObject *name, PyObject **method)
{
    *method = NULL;
    return _PyObject_GetMethod(o, name, method);
}

/* The first field of each, Objects/descrobject.c and funcobject.c (3.11 to 3.14);
   checked by cpy_selftest(). */
typedef struct {
    PyObject_HEAD
    PyObject *callable;
    PyObject *setter, *deleter;     /* of a property */
} CpyWrappedCallable;

static inline PyObject *        /* -> borrowed from the exact property, or NULL */
cpy_property_getter(PyObject *property)
{
    return ((CpyWrappedCallable *)property)->callable;
}

static inline PyObject *        /* likewise */
cpy_property_setter(PyObject *property)
{
    return ((CpyWrappedCallable *)property)->setter;
}

static inline PyObject *
cpy_property_deleter(PyObject *property)
{
    return ((CpyWrappedCallable *)property)->deleter;
}

static inline PyObject *        /* -> borrowed from the exact classmethod, or NULL */
cpy_classmethod_callable(PyObject *method)
{
    return ((CpyWrappedCallable *)method)->callable;
}

/* Objects/descrobject.c, wrapperobject (3.11 to 3.14); checked by cpy_selftest() */
typedef struct {
    PyObject_HEAD
    PyObject *descr, *self;
} CpyMethodWrapper;

/* 3.13+ does not export it.  -> borrowed, a static type; NULL on error */
static inline PyTypeObject *
cpy_method_wrapper_type(void)
{
    PyObject *wrapper = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, "__call__");
    PyTypeObject *type = wrapper == NULL ? NULL : Py_TYPE(wrapper);
    Py_XDECREF(wrapper);
    return type;
}

static inline PyObject *        /* -> borrowed from the exact method-wrapper; NULL: of another slot */
cpy_method_wrapper_self(PyObject *wrapper, PyObject *descr)
{
    CpyMethodWrapper *w = (CpyMethodWrapper *)wrapper;
    return w->descr == descr ? w->self : NULL;
}

static inline PyObject *        /* -> borrowed from the exact staticmethod, or NULL */
cpy_staticmethod_callable(PyObject *method)
{
    return ((CpyWrappedCallable *)method)->callable;
}

#endif
