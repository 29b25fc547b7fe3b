/* Life of a VmCode, and what the instruction table says.
 *
 * Lowering is in vm_lower.c, the checks in vm_verify.c.
 */
#include "ir/vm_arena.h"
#include "ir/vm_cache.h"
#include "ir/vm_leaf_ops.h"
#include "ir/vm_plant.h"

#include "cpyext_compat/cpy_code.h"
#include "cpyext_compat/cpy_frame.h"
#include "cpyext_compat/cpy_long.h"

uint64_t vm_code_lowered, vm_code_loaded;
VmCode vm_no_code;
VmCode *vm_quick_codes[VM_QUICK_CODES];

/* -- the table ---------------------------------------------------------------- */

static const char *const op_names[] = {
#define OP(NAME, ...) #NAME,
#define OPD(NAME, ...) #NAME, #NAME "_L",
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};

static const char *const op_formats[] = {
#define OP(NAME, FORMAT, ...) #FORMAT,
#define OPD(NAME, FORMAT, ...) #FORMAT, #FORMAT,
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};

#define RAISES VM_RAISES
#define BOUNDARY VM_BOUNDARY
#define JUMPS VM_JUMPS
#define ENDS VM_ENDS
#define ANYDST VM_ANYDST
const uint8_t vm_op_flag_bits[VM_OP_COUNT] = {
#define OP(NAME, FORMAT, READS, WRITES, FLAGS, ...) (FLAGS),
#define OPD(NAME, FORMAT, READS, WRITES, FLAGS, ...) (FLAGS) | VM_DST, (FLAGS),
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};
#undef RAISES
#undef BOUNDARY
#undef JUMPS
#undef ENDS
#undef ANYDST

const char *
vm_op_name(int op)
{
    return op < VM_OP_COUNT ? op_names[op] : "?";
}

const char *
vm_op_format(int op)
{
    return op < VM_OP_COUNT ? op_formats[op] : "___";
}

/* Of a format: its last letter; the words behind an instruction, none where there is a list. */
#define LAST(FORMAT) (#FORMAT)[sizeof #FORMAT - 2]
#define WORDS(FORMAT) \
    sizeof #FORMAT <= 5 || LAST(FORMAT) == 'O' ? 1 : LAST(FORMAT) == 'F' ? 2 \
                                                                         : 0
const char vm_op_last[VM_OP_COUNT] = {
#define OP(NAME, FORMAT, ...) LAST(FORMAT),
#define OPD(NAME, FORMAT, ...) LAST(FORMAT), LAST(FORMAT),
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};
const uint8_t vm_op_fixed_words[VM_OP_COUNT] = {
#define OP(NAME, FORMAT, ...) WORDS(FORMAT),
#define OPD(NAME, FORMAT, ...) WORDS(FORMAT), WORDS(FORMAT),
#include "ir/vm_ops.def"
#undef OP
#undef OPD
};
#undef LAST
#undef WORDS

/* -- allocation --------------------------------------------------------------- */

#define SLAB 64

static VmCode *free_codes;      /* dead headers, never returned: see vm_code.h */
static Py_ssize_t extra_index = -1;
static uint64_t serials;

VmCode *
vm_code_alloc(PyCodeObject *co)
{
    if (free_codes == NULL) {
        VmCode *slab = vm_arena_take(SLAB * sizeof(VmCode));
        if (slab == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        for (int i = 0; i < SLAB + (VM_PLANT == PLANT_OVERFLOW); i++) {
            slab[i].next_free = free_codes;
            free_codes = &slab[i];
        }
    }
    VmCode *code = free_codes;
    free_codes = code->next_free;
    memset(code, 0, sizeof *code);
    code->co = co;
    code->serial = ++serials << 8;
    return code;
}

static void
free_leaves(VmLeaf *leaf)
{
    while (leaf != NULL) {
        VmLeaf *next = leaf->next;
        PyMem_Free(leaf);
        leaf = next;
    }
}

void
vm_code_free(VmCode *code)
{
    if (code->owns_record)
        vm_arena_give(code->record, code->record->bytes);
    free_leaves(code->leaf_for_c);
    vm_code_free_caches(code);
    if (code->co != NULL && *vm_quick_code(code->co) == code)
        *vm_quick_code(code->co) = NULL;    /* the next code here may be no quick one */
    memset(code, 0, sizeof *code);
    code->next_free = free_codes;
    free_codes = code;
}

static void
free_extra(void *code)
{
    if (code != NULL && VM_PLANT != PLANT_LEAK)
        vm_code_free(code);
}

int
vm_code_init(void)
{
    if (extra_index < 0)
        extra_index = cpy_code_extra_index(free_extra);
    if (extra_index < 0) {
        PyErr_SetString(PyExc_ImportError,
                        "pyrs: CPython has no free slot for per-code data (co_extra)");
        return -1;
    }
    return 0;
}

VmCode *
vm_code_peek(PyCodeObject *co)
{
    return cpy_code_extra_get(co, extra_index);
}

int
vm_code_is_leaf(const VmCode *code)
{
    static const uint8_t is_leaf_op[VM_OP_COUNT] = {
#define LEAF(NAME, HOW, OP) [VM_##NAME] = 1,
        VM_LEAF_OPS(LEAF)
#undef LEAF
    };
    if (code->n_insns > VM_LEAF_WORDS || code->nregs > VM_LEAF_REGS
        || code->is_generator)
        return 0;
    for (uint32_t i = 0; i < code->n_insns; i += (uint32_t)vm_op_words(&code->insns[i])) {
        const VmInsn *ip = &code->insns[i];
        if (!is_leaf_op[ip->op] || (vm_op_flags(ip->op) & VM_JUMPS && vm_op_jump(ip, 0) <= 0))
            return 0;
    }
    return 1;
}

/* How the loop calls it. */
static void
find_shortcuts(VmCode *code)
{
    code->exact_args = code->simple && code->quick ? code->argcount : VM_NEVER;
    code->leaf = code->quick && !code->has_dstar && code->record != NULL && code->record->leaf;
    code->push_args = code->leaf ? VM_NEVER : code->exact_args;
}

/* globals: of a function with this code, or NULL. */
static VmCode *
make_code(PyCodeObject *co, PyObject *globals)
{
    VmCode *code = vm_code_alloc(co);
    if (code == NULL)
        return NULL;
    int status = vm_cache_lower(code, globals);
    find_shortcuts(code);
    if (status < 0 || cpy_code_extra_set(co, extra_index, code) < 0) {
        vm_code_free(code);
        return NULL;
    }
    return code;
}

VmCode *
vm_code_of(PyCodeObject *co)
{
    VmCode *code = cpy_code_extra_get(co, extra_index);
    return vm_likely(code != NULL) ? code : make_code(co, NULL);
}

VmCode *
vm_code_of_function(PyFunctionObject *func)
{
    PyCodeObject *co = (PyCodeObject *)func->func_code;
    VmCode *code = cpy_code_extra_get(co, extra_index);
    return vm_likely(code != NULL) ? code : make_code(co, func->func_globals);
}

const VmHandler *
vm_code_handler(const VmCode *code, uint32_t word)
{
    uint32_t lo = 0, hi = code->n_handlers;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (code->handlers[mid].end <= word)
            lo = mid + 1;
        else
            hi = mid;
    }
    const VmHandler *h = code->handlers + lo;
    return lo < code->n_handlers && h->start <= word ? h : NULL;
}

/* -- what follows from the code object alone -------------------------------------- */

static void
count_args(VmCode *code, PyCodeObject *co)
{
    int star = (co->co_flags & CO_VARARGS) != 0, dstar = (co->co_flags & CO_VARKEYWORDS) != 0;
    code->argcount = (uint16_t)co->co_argcount;
    code->nargs_total = (uint16_t)(co->co_argcount + co->co_kwonlyargcount + star + dstar);
    code->simple = !star && !dstar && co->co_kwonlyargcount == 0;
    code->has_star = (uint8_t)star;
    code->has_dstar = (uint8_t)dstar;
    unsigned parameters = (unsigned)(code->nargs_total - star - dstar);
    code->quick = co->co_flags & CO_OPTIMIZED && parameters < 64;
    if (code->quick)
        code->parameters = ((uint64_t)1 << parameters) - 1;
    code->is_generator =
        (co->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

const char *
vm_code_shape(VmCode *code)
{
    PyCodeObject *co = code->co;
    int nlocals = cpy_code_nlocalsplus(co);
    int stack = cpy_code_stacksize(co) + 1;     /* RETURN_CONST is two operations here */
    if (nlocals + stack > 0x7FF0)
        return "too many registers";
    if (PyTuple_GET_SIZE(co->co_consts) > 0x7E00)
        return "too many constants";
    count_args(code, co);
    code->nlocals = (uint16_t)nlocals;
    code->nregs = (uint16_t)(nlocals + stack);
    code->shadow_offset = VM_FRAME_BYTES + code->nregs * (uint32_t)sizeof(VmWord);
    code->frame_bytes = code->shadow_offset + (uint32_t)CPY_FRAME_HEADER
                        + (code->nregs + VM_OUT_FREE) * (uint32_t)sizeof(PyObject *);
    for (int i = 0; cpy_code_nfreevars(co) > 0 && i < nlocals; i++) {
        if ((cpy_code_local_kind(co, i) & CPY_FREE)
            && PyUnicode_CompareWithASCIIString(cpy_code_local_name(co, i), "__class__") == 0)
            code->has_class_cell = 1, code->class_cell = (uint16_t)i;
    }
    return NULL;
}

static inline VmWord
const_word(PyObject *o)
{
    int64_t i;
    if (o == Py_None)
        return VM_NONE;
    if (o == Py_True || o == Py_False)
        return vm_from_bool(o == Py_True);
    if (PyLong_CheckExact(o) && cpy_long_fits(o, &i) && vm_int_fits(i))
        return vm_from_int(i);
    if (PyFloat_CheckExact(o) && !isnan(PyFloat_AS_DOUBLE(o)))
        return vm_from_double(PyFloat_AS_DOUBLE(o));
    return vm_from_ptr(o);
}

static int
is_number(VmWord w)
{
    return !vm_is_obj(w) && w >= VM_FIRST_POINTER;
}

/* Constants of the code at hand: how many there will be is not known when they are first looked at.
   Protected by the GIL. */
static struct {
    VmWord *words;
    uint32_t room;
} pool;

#define SMALL_INTS 256

static VmWord *
pool_of(uint32_t n)
{
    if (n <= pool.room)
        return pool.words;
    PyMem_RawFree(pool.words);
    pool.words = PyMem_RawMalloc(2 * n * sizeof(VmWord));
    pool.room = pool.words == NULL ? 0 : 2 * n;
    return pool.words;
}

int
vm_code_consts(VmCode *code)
{
    PyObject *consts = code->co->co_consts;
    uint32_t n = (uint32_t)PyTuple_GET_SIZE(consts);
    VmWord *words = pool_of(n + VM_IMPLIED_COUNT + SMALL_INTS);
    if (words == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        VmWord w = words[i] = const_word(PyTuple_GET_ITEM(consts, i));
        if (is_number(w))
            code->num_consts_seen |= vm_word_bit(w);
    }
    for (unsigned i = 0; i < CPY_COMMON_CONSTANTS; i++)
        words[n + i] = vm_from_ptr(cpy_common_constant((int)i));
    words[n + VM_IMPLIED_NONE] = VM_NONE;
    code->consts = words;
    code->n_consts = n + VM_IMPLIED_COUNT;
    return 0;
}

void
vm_code_small_ints(VmCode *code, const uint8_t *small, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        code->consts[code->n_consts++] = vm_from_int(small[i]);
}

static void
init_cache(VmCache *c, PyCodeObject *co, const VmSite *site)
{
    memset(c, 0, sizeof *c);
    c->kind = site->kind;
    c->two_args = site->two_args;
    c->index = site->index;
    if (site->kind == IC_CALL)
        c->u.call.code = &vm_no_code;
    else
        c->name = PyTuple_GET_ITEM(site->kind == IC_KEYWORDS ? co->co_consts : co->co_names, site->index);
    if (site->kind == IC_GLOBAL)
        c->u.global.globals_version = VM_NO_VERSION;
}

/* The constants lie behind them. */
static size_t
size_of_caches(const VmCode *code)
{
    return code->n_caches * sizeof(VmCache) + code->n_consts * sizeof(VmWord);
}

static void
free_cache(VmCache *c)
{
    if (c->kind == IC_ATTR)
        PyMem_Free(c->u.attr.more);
    else if (c->kind == IC_CALL)
        free_leaves(c->u.call.leaves);
    else if (c->kind == IC_KEYWORDS && c->u.keywords.fit != NULL) {
        free_leaves(c->u.keywords.fit->leaves);
        PyMem_Free(c->u.keywords.fit);
    }
}

void
vm_code_free_caches(VmCode *code)
{
    if (code->caches == NULL)
        return;
    for (uint32_t i = 0; i < code->n_caches; i++)
        free_cache(&code->caches[i]);
    vm_arena_give(code->caches, size_of_caches(code));
}

int
vm_code_caches(VmCode *code, const VmSite *sites, uint32_t n)
{
    code->n_caches = n;
    code->caches = vm_arena_take(size_of_caches(code));
    if (code->caches == NULL) {
        code->n_caches = 0;
        PyErr_NoMemory();
        return -1;
    }
    size_t words = code->n_consts * sizeof(VmWord);
    code->consts = memcpy(code->caches + n, code->consts, words);
    for (uint32_t i = 0; i < n; i++)
        init_cache(&code->caches[i], code->co, &sites[i]);
    return 0;
}
