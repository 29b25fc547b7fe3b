/* Looking into sets. */
#ifndef CPY_SET_H
#define CPY_SET_H

#include <Python.h>

/* Objects/setobject.c, set_add_entry (3.11 to 3.14): is a key of that hash, equal to what is wanted, where
   adding it would find it?  equal: 1, 0, or -1 for keys that only their own comparison could tell apart.
   1, 0 or -1 */
static inline int
cpy_set_find(PyObject *set, Py_hash_t hash, int (*equal)(PyObject *, const void *), const void *wanted)
{
    enum { LINEAR_PROBES = 9,
           PERTURB_SHIFT = 5 };
    const PySetObject *so = (const PySetObject *)set;
    size_t mask = (size_t)so->mask, at = (size_t)hash & mask, perturb = (size_t)hash;
    for (;;) {
        const setentry *e = &so->table[at];
        int probes = at + LINEAR_PROBES <= mask ? LINEAR_PROBES : 0;
        do {
            if (e->key == NULL)
                return 0;
            int same = e->hash == hash ? equal(e->key, wanted) : 0;
            if (same != 0)
                return same;
            e++;
        } while (probes--);
        perturb >>= PERTURB_SHIFT;
        at = (at * 5 + 1 + perturb) & mask;
    }
}

#endif
