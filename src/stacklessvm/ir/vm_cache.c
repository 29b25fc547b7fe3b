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
        VM_UNROLL_4
        for (int i = 0; i < 4; i++)
            lanes[i] = mix_at(lanes[i], p + 8 * i);
    }
    VM_UNROLL_4
    for (int i = 0; i < 4; i++)
        h = mix(h, lanes[i]);
    for (; n >= 8; n -= 8, p += 8)
        h = mix_at(h, p);
    memcpy(&rest, p, n);        /* above them what is left of the length */
    return mix(h, rest);
}

/* Lowering looks at a constant's number, or at how many names there are. */
static inline uint64_t
const_shape(VmWord w)
{
    if (!vm_is_obj(w))
        return w;
    PyObject *o = vm_ptr(w);
    return PyTuple_CheckExact(o) ? (uint64_t)PyTuple_GET_SIZE(o) << 8 | 1 : 2;
}

static inline uint64_t
pair(int a, int b)
{
    return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

/* The same as vm_sum() for what is mostly short: one lane. */
static inline uint64_t
mix_bytes(uint64_t h, const char *p, size_t n)
{
    uint64_t rest = n;
    for (; n >= 8; n -= 8, p += 8)
        h = mix_at(h, p);
    memcpy(&rest, p, n);        /* above them what is left of the length */
    return mix(h, rest);
}

static inline uint64_t
mix_object(uint64_t h, PyObject *bytes)
{
    return mix_bytes(h, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* All that vm_lower() looks at.  plain: its bytecode */
static uint64_t
key_of(const VmCode *code, const CpyPlain *plain)
{
    PyCodeObject *co = code->co;
    Py_ssize_t n_consts = PyTuple_GET_SIZE(co->co_consts);
    uint64_t numbers[] = {
        pair(co->co_argcount, co->co_posonlyargcount),
        pair(co->co_kwonlyargcount, co->co_flags),
        pair(cpy_code_stacksize(co), cpy_code_nlocalsplus(co)),
        pair(cpy_code_nfreevars(co), (int)n_consts),
    };
    uint64_t h = (uint64_t)PyTuple_GET_SIZE(co->co_names);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        h = mix(h, numbers[i]);
    h = vm_sum(h, plain->code, 2 * (size_t)plain->n_words);
    h = mix_object(h, co->co_exceptiontable);
    h = mix_object(h, co->co_localspluskinds);
    for (Py_ssize_t i = 0; i < n_consts; i++)
        h = mix(h, const_shape(code->consts[i]));
    return h;
}

/* -- what is in a record ---------------------------------------------------------------------- */

static inline VmRecordParts
parts_of(VmRecord *r)
{
    VmRecordParts p;
    size_t at = sizeof *r;
    char *base = (char *)r;
#define PART(field, count) \
    (p.field = (void *)(base + at), at += (size_t)(count) * sizeof *p.field)
    PART(insns, r->n_insns);
    PART(sites, r->n_caches);
    PART(handlers, r->n_handlers);
    PART(words, r->n_insns * (r->wide ? sizeof(uint32_t) : sizeof(uint16_t)));
    PART(stops, r->n_insns * (r->wide ? sizeof(VmWideStop) : sizeof(VmStop)));
    PART(maps, r->n_maps);
    PART(small, r->n_small);
#undef PART
    p.bytes = (at + 7) & ~(size_t)7;
    return p;
}

_Static_assert(sizeof(VmRecord) == 32 && sizeof(VmInsn) == 8 && sizeof(VmSite) == 8
                   && sizeof(VmHandler) % 4 == 0 && sizeof(VmWideStop) % 4 == 0,
               "ORDER: parts follow one another by alignment");

VmRecordParts
vm_record_parts(VmRecord *r)
{
    return parts_of(r);
}

static inline void
use(VmCode *code, VmRecord *r, const VmRecordParts *p)
{
    code->insns = p->insns;
    code->n_insns = r->n_insns;
    code->words = p->words;
    code->stops = p->stops;
    code->wide = r->wide != 0;
    code->maps = p->maps;
    code->n_maps = r->n_maps;
    code->handlers = p->handlers;
    code->n_handlers = r->n_handlers;
    code->record = r;
}

void
vm_code_use(VmCode *code, VmRecord *r)
{
    VmRecordParts p = parts_of(r);
    use(code, r, &p);
}

/* -- taking code from one ------------------------------------------------------------------------ */

#define KEPT_STARTS 4096

/* 1, 0: the record is wrong, -1 with MemoryError */
static int
check(const VmCode *code)
{
    static uint8_t kept[KEPT_STARTS];       /* protected by the GIL */
    char why[80];
    uint8_t *starts = kept;
    if (code->n_insns >= KEPT_STARTS)
        starts = PyMem_Malloc(code->n_insns + 1);
    if (starts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(starts, 0, code->n_insns + 1);
    VmCheck at = {.code = code, .why = why, .room = sizeof why};
    int good = vm_bounds_quick(&at, starts) == 0 && code->record->leaf == vm_code_is_leaf(code);
    if (starts != kept)
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
    VmRecordParts p = parts_of(r);
    int doubted = !slot->used && vm_image_doubts();
    if (doubted && (p.bytes != r->bytes || r->n_small > 256 || r->n_caches > 0x10000))
        return 0;
    vm_code_small_ints(code, p.small, r->n_small);
    use(code, r, &p);
    if (doubted && !are_sites(code->co, p.sites, r->n_caches))
        return 0;
    if (vm_code_caches(code, p.sites, r->n_caches) < 0)
        return -1;
    int status = doubted ? check(code) : 1;
    if (status == 1)
        slot->used = 1;
    return status;
}

/* As before vm_code_shape(). */
static void
forget(VmCode *code)
{
    VmCode fresh = {.co = code->co, .serial = code->serial};
    vm_code_free_caches(code);
    *code = fresh;
}

/* 0, or -1 with MemoryError; may set refused */
static int
begin(VmCode *code)
{
    code->refused = vm_code_shape(code);
    return code->refused != NULL ? 0 : vm_code_consts(code);
}

/* 1, 0: there is none, or a wrong one, -1 with MemoryError */
static int
find(VmImage *image, uint64_t key, VmCode *code)
{
    VmImageSlot *slot = vm_image_slot(image, key);
    if (slot == NULL || slot->record == NULL)
        return 0;
    int status = take(code, slot);
    if (status == 1)
        return 1;
    forget(code);
    return status < 0 || begin(code) < 0 ? -1 : 0;
}

/* -- entry --------------------------------------------------------------------------------------- */

static int
lower_anew(VmCode *code)
{
    if (vm_lower(code) < 0)
        return -1;
    vm_code_lowered++;
    return 0;
}

static int
find_or_lower(VmCode *code, VmImage *image)
{
    CpyPlain plain;
    if (cpy_code_plain(code->co, &plain) < 0)
        return -1;
    uint64_t key = key_of(code, &plain);
    Py_XDECREF(plain.copy);
    int found = find(image, key, code);
    vm_code_loaded += found == 1;
    if (found != 0)
        return found < 0 ? -1 : 0;
    if (lower_anew(code) < 0)
        return -1;
    if (code->refused != NULL)
        return 0;
    code->record->key = key;
    if (vm_image_add(image, code->record) == 0)
        code->owns_record = 0;              /* else it stays the code's own */
    return 0;
}

int
vm_cache_lower(VmCode *code, PyObject *globals)
{
    if (begin(code) < 0)
        return -1;
    VmImage *image = code->refused != NULL ? NULL : vm_image_of(code->co, globals);
    int status = image != NULL           ? find_or_lower(code, image)
                 : code->refused == NULL ? lower_anew(code)
                                         : 0;
    if (code->record == NULL)               /* refused: the constants are nobody's */
        code->consts = NULL, code->n_consts = 0;
    return status;
}
