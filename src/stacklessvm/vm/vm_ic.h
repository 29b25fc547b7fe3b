/* Inline caches: what a site has seen. */
#ifndef VM_IC_H
#define VM_IC_H

#include "vm/vm_frame.h"

#include "cpyext_compat/cpy_dict.h"

typedef enum {
    ATTR_NONE,
    ATTR_VALUES,            /* instance with inline values: slot `index` */
    ATTR_DICT,              /* instance dict: entry `index` */
    ATTR_SLOT,              /* __slots__ member at byte offset `index` */
    ATTR_FIELD,             /* item `index` of a named tuple */
    ATTR_METHOD,            /* function of the class, instances have no attribute of that name:
                               no dict, or inline values whose shared keys have `index` entries */
    ATTR_METHOD_DICT,       /* the same, instance dict looked at each time */
    ATTR_CLASS_VALUE,       /* class attribute without __get__; as ATTR_METHOD */
    ATTR_CLASS_VALUE_DICT,
    ATTR_PROPERTY,          /* property with a Python getter */
    ATTR_TYPE_VALUE,        /* the object is a class: attribute found in its bases */
    ATTR_TYPE_CLASSMETHOD,  /* likewise, a classmethod's function */
    ATTR_MODULE,            /* module dict entry `index` */
    ATTR_DESCRIPTOR,        /* what a data descriptor written in C gets; `index` 1: and no code runs */
    ATTR_HOOKED,            /* property with a Python getter, or data descriptor written in C, of a class
                               with __getattr__, which is asked when that has no value */
    ATTR_SUPER,             /* function behind class `version2` in the type's mro */
} VmAttrKind;

typedef enum {
    CALL_UNSEEN,
    CALL_C,                 /* a class for which the site remembers no way */
    CALL_DIRECT,            /* in the way that `how` says */
} VmCallKind;

/* What `callee` is of such a site, and `version`. */
typedef enum {
    HOW_ANY,                /* the definition; the number of arguments that must be plain for it to be
                               quiet + 1, or 0 */
    HOW_NONE,               /* the same of a definition that takes no arguments, */
    HOW_ONE,                /* one, as METH_O, */
    HOW_LIST,               /* any number, as METH_FASTCALL, */
    HOW_NAMES,              /* with METH_KEYWORDS */
    HOW_COMPUTED,           /* a VmBuiltin */
    HOW_OBJECT,             /* the type of an object that C code calls */
    HOW_TYPE,               /* a type whose instances C code makes; its version if it isn't static */
    HOW_CLASS,              /* __init__, whose code is `code`, of a class without another __new__ than that
                               of object or exceptions; its version */
    HOW_SEND,               /* send() of generators */
    HOW_CHECK,              /* isinstance() or issubclass() of classes that answer in Python */
} VmDirectHow;

/* And of what shape its call is: those with few operands have code of their own. */
typedef enum {
    SHAPE_ANY,
    SHAPE_FUNCTION,         /* of no operands, and after it of 1, 2 and 3 */
    SHAPE_METHOD = SHAPE_FUNCTION + 4,      /* likewise, up to 2, after its object */
    VM_SHAPES = SHAPE_METHOD + 3,
} VmDirectShape;
#define VM_DIRECT_WAY(how, shape) ((unsigned)(how) * VM_SHAPES + (unsigned)(shape))

/* First arguments that the way of the site is not for: Python code of theirs runs in frames. */
typedef enum {
    UNLIKE_NOTHING,
    UNLIKE_INSTANCES = 1,   /* of classes */
    UNLIKE_GENERATORS = 2,  /* of ours */
} VmDirectUnlike;

static inline VmCacheRow *
vm_cache_row(VmCache *c, uint32_t version)
{
    if (vm_likely(c->u.attr.first.version == version))
        return version != 0 ? &c->u.attr.first : NULL;
    VmCacheRow *more = c->u.attr.more;
    if (more != NULL && version != 0) {
        for (int i = 0; i < VM_CACHE_MORE; i++)
            if (more[i].version == version)
                return &more[i];
    }
    return NULL;
}

/* The same for the loop: never NULL, a row of kind ATTR_NONE says that there is none. */
static inline VmCacheRow *
vm_cache_find(VmCache *c, uint32_t version)
{
    static VmCacheRow none;
    if (vm_likely(c->u.attr.first.version == version))
        return &c->u.attr.first;
    VmCacheRow *more = c->u.attr.more;
    if (more != NULL) {
        for (int i = 0; i < VM_CACHE_MORE; i++)
            if (more[i].version == version)
                return &more[i];
    }
    return &none;
}

/* A row of an object's type says: its attribute is the function there, and nothing hides it. */
static inline int
vm_method_seen(const VmCacheRow *row, PyObject *o)
{
    return row->kind == ATTR_METHOD
           && (Py_TYPE(o)->tp_dictoffset == 0
               || (cpy_inline_values_known(o) != NULL
                   && cpy_shared_nentries_known(Py_TYPE(o)) == row->index));
}

/* A row to fill for `version`: a free one, or the oldest.  NULL without memory. */
VmCacheRow *vm_cache_new_row(VmCache *c);

/* The global or builtin a function's site has seen: where it is in a dict's keys, as those of a copy
   have the same version.  Builtins need not be a dict.  -> borrowed, or NULL: look again */
static inline PyObject *
vm_global_seen(const VmCache *c, const PyFunctionObject *func)
{
    PyDictObject *d = (PyDictObject *)func->func_globals;
    if (vm_unlikely(d->ma_keys->dk_version != c->u.global.globals_version))
        return NULL;
    if (c->u.global.builtins_version != 0) {
        d = (PyDictObject *)c->u.global.builtins;
        if (vm_unlikely(func->func_builtins != (PyObject *)d)
            || vm_unlikely(d->ma_keys->dk_version != c->u.global.builtins_version))
            return NULL;
    }
    return *(PyObject **)((char *)d->ma_keys + c->u.global.at);
}

static inline VmCache *
vm_cache(VmFrame *f, unsigned i)
{
    return &f->code->caches[i];
}

#endif
