/* Records of the translation cache: their keys, making them, and taking code from them.
 *
 * Files are in vm_image.c.
 */
#include "ir/vm_cache.h"
#include "ir/vm_check.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_code.h"

/* -- keys --------------------------------------------------------------------------------- */

static inline uint64_t
mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9E3779B97F4A7C15u;       /* odd: each step can be undone */
    return h ^ h >> 29;
}

static inline uint64_t
mix_at(uint64_t h, const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return mix(h, word);
}

uint64_t
vm_sum(uint64_t h, const void *data, size_t n)
{
    const char *p = data;
    uint64_t lanes[4] = {h, h + 1, h + 2, h + 3}, rest = n;
    for (; n >= 32; n -= 32, p += 32) {
        for (int i = 0; i < 4; i++)
            lanes[i] = mix_at(lanes[i], p + 8 * i);
    }
    for (int i = 0; i < 4; i++)
        h = mix(h, lanes[i]);
    for (; n >= 8; n -= 8, p += 8)
        h = mix_at(h, p);
    memcpy(&rest, p, n);        /* above them what is left of the length */
    return mix(h, rest);
}

/* Lowering looks at a constant's number, or at how many names there are. */
static uint64_t
const_shape(VmWord w)
{
    if (!vm_is_obj(w))
        return w;
    PyObject *o = vm_ptr(w);
    return PyTuple_CheckExact(o) ? (uint64_t)PyTuple_GET_SIZE(o) << 8 | 1 : 2;
}

static uint64_t
sum_bytes(uint64_t h, PyObject *bytes)
{
    return vm_sum(h, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* All that vm_lower() looks at.  plain: its bytecode */
static uint64_t
key_of(PyCodeObject *co, const CpyPlain *plain)
{
    PyObject *consts = co->co_consts;
    Py_ssize_t n_consts = PyTuple_GET_SIZE(consts);
    int numbers[] = {
        co->co_argcount,
        co->co_posonlyargcount,
        co->co_kwonlyargcount,
        co->co_flags,
        cpy_code_stacksize(co),
        cpy_code_nlocalsplus(co),
        cpy_code_nfreevars(co),
        (int)PyTuple_GET_SIZE(co->co_names),
        (int)n_consts,
    };
    uint64_t h = vm_sum(0, numbers, sizeof numbers);
    h = vm_sum(h, plain->code, 2 * (size_t)plain->n_words);
    h = sum_bytes(h, co->co_exceptiontable);
    h = sum_bytes(h, co->co_localspluskinds);
    for (Py_ssize_t i = 0; i < n_consts; i++)
        h = mix(h, const_shape(vm_code_const_word(PyTuple_GET_ITEM(consts, i))));
    return h;
}

/* -- what is in a record ---------------------------------------------------------------------- */

typedef struct {
    VmInsn *insns;
    VmSite *sites;
    VmHandler *handlers;
    VmWhere *where;
    uint16_t *maps;
    uint8_t *small;
    size_t bytes;               /* of a record with these counts */
} Parts;

static Parts
parts_of(VmRecord *r)
{
    Parts p;
    size_t at = sizeof *r;
    char *base = (char *)r;
#define PART(field, count) \
    (p.field = (void *)(base + at), at += (size_t)(count) * sizeof *p.field)
    PART(insns, r->n_insns);
    PART(sites, r->n_caches);
    PART(handlers, r->n_handlers);
    PART(where, r->n_insns);
    PART(maps, r->n_maps);
    PART(small, r->n_small);
#undef PART
    p.bytes = (at + 7) & ~(size_t)7;
    return p;
}

_Static_assert(sizeof(VmRecord) == 32 && sizeof(VmInsn) == 8 && sizeof(VmSite) == 8
                   && sizeof(VmHandler) % 4 == 0 && sizeof(VmWhere) % 4 == 0,
               "ORDER: parts follow one another by alignment");

/* -- making one ------------------------------------------------------------------------------- */

static void
fill(VmRecord *r, const VmCode *code)
{
    Parts p = parts_of(r);
    memcpy(p.insns, code->insns, code->n_insns * sizeof *p.insns);
    for (uint32_t i = 0; i < code->n_caches; i++) {
        const VmCache *c = code->caches + i;
        p.sites[i] = (VmSite){c->index, c->kind, c->two_args, 0};
    }
    memcpy(p.handlers, code->handlers, code->n_handlers * sizeof *p.handlers);
    memcpy(p.where, code->where, code->n_insns * sizeof *p.where);
    memcpy(p.maps, code->maps, code->n_maps * sizeof *p.maps);
    const VmWord *small = code->consts + code->n_consts - r->n_small;
    for (uint32_t i = 0; i < r->n_small; i++)
        p.small[i] = (uint8_t)vm_int(small[i]);
}

/* The code's arrays are the record's from now on. */
static void
refer_to(VmCode *code, VmRecord *r)
{
    Parts p = parts_of(r);
    code->insns = p.insns;
    code->n_insns = r->n_insns;
    code->where = p.where;
    code->maps = p.maps;
    code->n_maps = r->n_maps;
    code->handlers = p.handlers;
    code->n_handlers = r->n_handlers;
    code->record = r;
}

/* Code that was just lowered becomes a record; it stays its own where there is no memory. */
static void
keep(VmImage *image, uint64_t key, VmCode *code)
{
    uint32_t n_consts = (uint32_t)PyTuple_GET_SIZE(code->co->co_consts) + VM_IMPLIED_COUNT;
    VmRecord head = {
        .key = key,
        .n_insns = code->n_insns,
        .n_maps = code->n_maps,
        .n_handlers = code->n_handlers,
        .n_caches = code->n_caches,
        .n_small = code->n_consts - n_consts,
    };
    size_t bytes = parts_of(&head).bytes;
    VmRecord *r = vm_image_add(image, key, bytes);
    if (r == NULL)
        return;
    *r = head;
    r->bytes = (uint32_t)bytes;
    fill(r, code);
    vm_code_free_arrays(code);
    refer_to(code, r);
}

/* -- taking code from one ------------------------------------------------------------------------ */

/* 1, 0: the record is wrong, -1 with MemoryError */
static int
check(const VmCode *code)
{
    char why[80];
    uint8_t *starts = PyMem_Calloc(code->n_insns + 1, 1);
    if (starts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    VmCheck at = {.code = code, .why = why, .room = sizeof why};
    int good = vm_bounds_quick(&at, starts) == 0;
    PyMem_Free(starts);
    return good;
}

static int
are_sites(PyCodeObject *co, const VmSite *sites, uint32_t n)
{
    uint32_t names = (uint32_t)PyTuple_GET_SIZE(co->co_names), consts = (uint32_t)PyTuple_GET_SIZE(co->co_consts);
    uint32_t limit[] = {0, names, names, UINT32_MAX, consts};
    for (uint32_t i = 0; i < n; i++) {
        if (sites[i].kind > IC_KEYWORDS || sites[i].index >= limit[sites[i].kind])
            return 0;
    }
    return 1;
}

_Static_assert(IC_GLOBAL == 1 && IC_ATTR == 2 && IC_CALL == 3 && IC_KEYWORDS == 4,
               "ORDER: the limits above");

/* 1, 0: the record is wrong, -1 with MemoryError */
static int
take(VmCode *code, VmImageSlot *slot)
{
    VmRecord *r = slot->record;
    Parts p = parts_of(r);
    if (p.bytes != r->bytes || r->n_small > 256 || r->n_caches > 0x10000 || vm_code_shape(code) != NULL)
        return 0;
    if (vm_code_consts(code, p.small, r->n_small) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    refer_to(code, r);
    if (!slot->checked && !are_sites(code->co, p.sites, r->n_caches))
        return 0;
    if (vm_code_caches(code, p.sites, r->n_caches) < 0)
        return -1;
    int status = slot->checked ? 1 : check(code);
    if (status == 1)
        slot->checked = 1;
    return status;
}

/* As after vm_code_alloc(). */
static void
forget(VmCode *code)
{
    VmCode fresh = {.co = code->co, .serial = code->serial};
    PyMem_Free(code->consts);
    PyMem_Free(code->num_consts);
    PyMem_Free(code->caches);
    *code = fresh;
}

/* 1, 0: there is none, or a wrong one, -1 with MemoryError */
static int
find(VmImage *image, uint64_t key, VmCode *code)
{
    VmImageSlot *slot = vm_image_slot(image, key);
    if (slot == NULL || slot->record == NULL)
        return 0;
    int status = take(code, slot);
    if (status != 1)
        forget(code);
    return status;
}

/* -- entry --------------------------------------------------------------------------------------- */

int
vm_cache_lower(VmCode *code, PyObject *globals)
{
    VmImage *image = vm_image_of(code->co, globals);
    uint64_t key = 0;
    if (image != NULL) {
        CpyPlain plain;
        if (cpy_code_plain(code->co, &plain) < 0)
            return -1;
        key = key_of(code->co, &plain);
        Py_XDECREF(plain.copy);
        int found = find(image, key, code);
        vm_code_loaded += found == 1;
        if (found != 0)
            return found < 0 ? -1 : 0;
    }
    if (vm_lower(code) < 0)
        return -1;
    vm_code_lowered++;
    if (image != NULL && code->refused == NULL)
        keep(image, key, code);
    return 0;
}
