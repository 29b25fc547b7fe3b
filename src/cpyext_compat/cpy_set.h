/* Looking into sets. */
#ifndef CPY_SET_H
#define CPY_SET_H

#include "cpyext_compat/cpy_long.h"

/* Objects/setobject.c, set_add_entry (3.11 to 3.14): 1 when an exact int equal to i, which has at most
   60 bits, is where adding i would find it; 0: who knows. */
static inline int
cpy_set_has_int(PyObject *set, int64_t i)
{
    enum { LINEAR_PROBES = 9,
           PERTURB_SHIFT = 5,
           ROUNDS = 8 };
    const PySetObject *so = (const PySetObject *)set;
    Py_hash_t hash = i == -1 ? -2 : (Py_hash_t)i;
    size_t mask = (size_t)so->mask, at = (size_t)hash & mask, perturb = (size_t)hash;
    for (int round = 0; round < ROUNDS; round++) {
        const setentry *e = &so->table[at];
        int probes = at + LINEAR_PROBES <= mask ? LINEAR_PROBES : 0;
        do {
            int64_t k;
            if (e->key == NULL)
                return 0;
            if (e->hash == hash)
                return PyLong_CheckExact(e->key)
                       && (cpy_long_compact(e->key, &k) || cpy_long_fits(e->key, &k)) && k == i;
            e++;
        } while (probes--);
        perturb >>= PERTURB_SHIFT;
        at = (at * 5 + 1 + perturb) & mask;
    }
    return 0;
}

#endif
