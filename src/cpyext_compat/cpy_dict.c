/* The dict and type operations too long to inline. */
#include "cpyext_compat/cpy_dict.h"

#include "cpyext_compat/cpy_long.h"
#include "cpyext_compat/cpy_set.h"

#include <string.h>

static inline Py_ssize_t
index_at(PyDictKeysObject *keys, size_t slot)
{
    /* log2 of a slot's width */
    switch (keys->dk_log2_index_bytes - keys->dk_log2_size) {
    case 0: return ((const int8_t *)keys->dk_indices)[slot];
    case 1: return ((const int16_t *)keys->dk_indices)[slot];
    case 2: return ((const int32_t *)keys->dk_indices)[slot];
    default: return (Py_ssize_t)((const int64_t *)keys->dk_indices)[slot];
    }
}

/* Two different exact strs of the same hash. */
static int
same_text(PyObject *a, PyObject *b)
{
    if (PyUnicode_GET_LENGTH(a) != PyUnicode_GET_LENGTH(b))
        return 0;
    if (PyUnicode_IS_COMPACT_ASCII(a) && PyUnicode_IS_COMPACT_ASCII(b))
        return memcmp((PyASCIIObject *)a + 1, (PyASCIIObject *)b + 1,
                      (size_t)PyUnicode_GET_LENGTH(a))
               == 0;
    return PyUnicode_Compare(a, b) == 0;
}

/* Objects/dictobject.c, unicodekeys_lookup_unicode (3.11 to 3.14): same probing. */
static inline Py_ssize_t
find_text(PyDictKeysObject *keys, PyObject *name, Py_hash_t hash)
{
    PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash, slot = (size_t)hash & mask;
    for (;;) {
        Py_ssize_t i = index_at(keys, slot);
        if (i == DKIX_EMPTY)
            return -1;
        if (i >= 0) {
            PyObject *key = entries[i].me_key;
            if (key == name
                || (((PyASCIIObject *)key)->hash == hash && same_text(key, name)))
                return i;
        }
        perturb >>= 5;                                  /* PERTURB_SHIFT */
        slot = (slot * 5 + perturb + 1) & mask;
    }
}

Py_ssize_t
cpy_keys_index(PyDictKeysObject *keys, PyObject *name)
{
    Py_hash_t hash = ((PyASCIIObject *)name)->hash;
    if (hash == -1)
        hash = PyObject_Hash(name);                     /* an exact str: can't fail */
    return DK_IS_UNICODE(keys) ? find_text(keys, name, hash) : -1;
}

/* Objects/dictobject.c, dictkeys_generic_lookup (3.11 to 3.14): same probing.  equal: 1, 0, or -1
   for keys that only their own comparison could tell apart. */
static inline int
find_general(PyDictKeysObject *keys, Py_hash_t hash, int (*equal)(PyObject *, const void *),
             const void *wanted, PyObject ***place)
{
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash, slot = (size_t)hash & mask;
    for (;;) {
        Py_ssize_t i = index_at(keys, slot);
        if (i == DKIX_EMPTY)
            return 0;
        if (i >= 0 && entries[i].me_hash == hash) {
            int same = equal(entries[i].me_key, wanted);
            *place = &entries[i].me_value;
            if (same != 0)
                return same;
        }
        perturb >>= 5;                                  /* PERTURB_SHIFT */
        slot = (slot * 5 + perturb + 1) & mask;
    }
}

static int
equals_int(PyObject *key, const void *wanted)
{
    int64_t n;
    if (PyLong_CheckExact(key))
        return cpy_long_fits(key, &n) && n == *(const int64_t *)wanted;
    return PyUnicode_CheckExact(key) ? 0 : -1;
}

static int
equals_str(PyObject *key, const void *wanted)
{
    if (key == wanted)
        return 1;
    if (PyUnicode_CheckExact(key))
        return same_text(key, (PyObject *)wanted);
    return PyLong_CheckExact(key) ? 0 : -1;
}

/* The first probe mostly tells; what takes more is kept apart, so that the usual way saves no
   registers. */
#define APART __attribute__((noinline))

static APART int
find_str_further(PyDictObject *d, PyObject *key, PyObject ***place)
{
    Py_hash_t hash = ((PyASCIIObject *)key)->hash;
    if (!cpy_dict_is_unicode(d))
        return find_general(d->ma_keys, hash, equals_str, key, place);
    Py_ssize_t i = find_text(d->ma_keys, key, hash);
    if (i < 0)
        return 0;
    *place = cpy_dict_value_at(d, i);
    return **place != NULL;
}

int
cpy_dict_find_str(PyDictObject *d, PyObject *key, PyObject ***place)
{
    PyDictKeysObject *keys = d->ma_keys;
    if (DK_IS_UNICODE(keys)) {
        size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
        Py_ssize_t i = index_at(keys, (size_t)((PyASCIIObject *)key)->hash & mask);
        if (i == DKIX_EMPTY)
            return 0;
        if (i >= 0 && DK_UNICODE_ENTRIES(keys)[i].me_key == key) {
            *place = cpy_dict_value_at(d, i);
            return **place != NULL;
        }
    }
    return find_str_further(d, key, place);
}

static APART int
find_int_further(PyDictObject *d, Py_hash_t hash, int64_t key, PyObject ***place)
{
    return find_general(d->ma_keys, hash, equals_int, &key, place);
}

int
cpy_dict_find_int(PyDictObject *d, int64_t key, PyObject ***place)
{
    PyDictKeysObject *keys = d->ma_keys;
    if (DK_IS_UNICODE(keys))
        return 0;
    Py_hash_t hash = key == -1 ? -2 : (Py_hash_t)key;   /* of an int this short */
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    Py_ssize_t i = index_at(keys, (size_t)hash & mask);
    if (i == DKIX_EMPTY)
        return 0;
    if (i >= 0) {
        PyDictKeyEntry *entry = &DK_ENTRIES(keys)[i];
        int64_t n;
        if (entry->me_hash == hash && PyLong_CheckExact(entry->me_key)
            && cpy_long_fits(entry->me_key, &n) && n == key) {
            *place = &entry->me_value;
            return 1;
        }
    }
    return find_int_further(d, hash, key, place);
}

PyObject *
cpy_dict_exchange(PyDictObject *d, PyObject **place, PyObject *v)
{
    PyObject *old = *place;
    *place = v;
#if PY_VERSION_HEX < 0x030C0000
    /* CPython counts up from 1 */
    static uint64_t next_version = (uint64_t)1 << 63;   /* protected by the GIL */
    d->ma_version_tag = next_version++;
#endif
    if (PyObject_IS_GC(v) && !PyObject_GC_IsTracked((PyObject *)d))
        PyObject_GC_Track(d);
    return old;
}

int
cpy_inline_store_shared(PyObject *o, Py_ssize_t i, PyObject *v)
{
    /* borrowed from o; our reference keeps it */
    PyObject *dict = *cpy_instance_dict_ptr(o);
    PyObject *name = DK_UNICODE_ENTRIES(cpy_shared_keys(Py_TYPE(o)))[i].me_key;
    Py_INCREF(dict);
    int err = PyDict_SetItem(dict, name, v);
    Py_DECREF(dict);
    Py_DECREF(v);
    return err;
}

uint32_t
cpy_type_version_assign(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyUnstable_Type_AssignVersionTag(type))
        return 0;
#else
    PyObject *name = PyUnicode_InternFromString("__doc__");
    if (name == NULL) {
        PyErr_Clear();
        return 0;
    }
    _PyType_Lookup(type, name); /* fills the method cache, which needs a version */
    Py_DECREF(name);
    if (!(type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG))
        return 0;
#endif
    return type->tp_version_tag;
}

PyObject *
cpy_dict_pop(PyObject *d, PyObject *key)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *value;
    if (PyDict_Pop(d, key, &value) == 0)
        PyErr_SetObject(PyExc_KeyError, key);
    return value;
#else
    return _PyDict_Pop(d, key, NULL);
#endif
}

/* -- sets ---------------------------------------------------------------------------------------- */

int
cpy_set_find_int(PyObject *set, int64_t key)
{
    return cpy_set_find(set, key == -1 ? -2 : (Py_hash_t)key, equals_int, &key);
}

int
cpy_set_find_str(PyObject *set, PyObject *key)
{
    return cpy_set_find(set, ((PyASCIIObject *)key)->hash, equals_str, key);
}
