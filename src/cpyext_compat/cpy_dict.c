/* The dict and type operations too long to inline. */
#include "cpyext_compat/cpy_dict.h"

#include "cpyext_compat/cpy_long.h"

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

/* Objects/dictobject.c, unicodekeys_lookup_unicode (3.11 to 3.14): same probing. */
Py_ssize_t
cpy_keys_index(PyDictKeysObject *keys, PyObject *name)
{
    Py_hash_t hash = PyObject_Hash(name);               /* an exact str: can't fail */
    if (!DK_IS_UNICODE(keys))
        return -1;
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
                || (((PyASCIIObject *)key)->hash == hash
                    && PyUnicode_Compare(key, name) == 0))
                return i;
        }
        perturb >>= 5;                                  /* PERTURB_SHIFT */
        slot = (slot * 5 + perturb + 1) & mask;
    }
}

int
cpy_dict_find_str(PyDictObject *d, PyObject *key, PyObject **value)
{
    if (!cpy_dict_is_unicode(d))
        return -1;
    Py_ssize_t i = cpy_dict_index(d, key);
    *value = i < 0 ? NULL : *cpy_dict_value_at(d, i);
    return *value != NULL;
}

/* Objects/dictobject.c, dictkeys_generic_lookup (3.11 to 3.14): same probing. */
int
cpy_dict_find_int(PyDictObject *d, int64_t key, PyObject **value)
{
    PyDictKeysObject *keys = d->ma_keys;
    if (DK_IS_UNICODE(keys))
        return 0;
    Py_hash_t hash = key == -1 ? -2 : (Py_hash_t)key;   /* of an int this short */
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash, slot = (size_t)hash & mask;
    for (;;) {
        Py_ssize_t i = index_at(keys, slot);
        if (i == DKIX_EMPTY)
            return 0;
        if (i >= 0 && entries[i].me_hash == hash) {
            PyObject *other = entries[i].me_key;
            int64_t n;
            if (PyLong_CheckExact(other)) {
                if (cpy_long_fits(other, &n) && n == key) {
                    *value = entries[i].me_value;
                    return 1;
                }
            }
            else if (!PyUnicode_CheckExact(other))
                return -1;
        }
        perturb >>= 5;                                  /* PERTURB_SHIFT */
        slot = (slot * 5 + perturb + 1) & mask;
    }
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
