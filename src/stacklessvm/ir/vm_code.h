/* The VM's code object: instructions, constants, caches, exception and boundary maps.
 *
 * A VmCode belongs to one PyCodeObject (its co_extra) and dies with it.  Headers come
 * from slabs that are never returned, so a cached VmCode pointer may be read at any
 * time: `code->co` tells whether it still is the code that was cached.
 *
 * Protected by the GIL.
 */
#ifndef VM_CODE_H
#define VM_CODE_H

#include "ir/vm_value.h"

#include "cpyext_compat/cpy_intrinsics.h"

typedef enum {
#define OP(NAME, ...) VM_##NAME,
#define OPD(NAME, ...) VM_##NAME, VM_##NAME##_L,
#include "ir/vm_ops.def"
#undef OP
#undef OPD
    VM_OP_COUNT
} VmOp;

enum {
    VM_RAISES = 1,
    VM_BOUNDARY = 2,
    VM_JUMPS = 4,
    VM_ENDS = 8,
    VM_ANYDST = 16,
    VM_DST = 32,        /* two forms: temporary (this) and local (the next op) */
};

typedef struct {
    uint16_t op, a, b, c;
} VmInsn;

#define VM_FRAME_BYTES 80           /* sizeof(VmFrame), asserted in vm_frame.h */
#define VM_OUT_FREE 2               /* free slots below outgoing arguments */
#define VM_OPERAND_CONST 0x8000u    /* operand lists: the rest is a constant's index */
#define VM_NO_REG 0xFFFFu           /* a map's NULL slot; no register */
#define VM_NO_RESUME 0xFFFFFFFFu    /* CPython can't go on here */
#define VM_NO_RESUME_16 0xFFFFu

/* Where an instruction stands in CPython's code, and the map of CPython's stack there, while it
   is lowered.  Code keeps the words apart from the rest, which is asked for much more rarely, and
   both in 16 bits where they fit. */
typedef struct {
    uint32_t word;
    uint32_t map;       /* index into maps: depth at `resume`, depth after the pops, slots */
    uint32_t resume;    /* word where CPython's evaluator can go on instead, or VM_NO_RESUME */
} VmWhere;
typedef struct {
    uint16_t map, resume;       /* VM_NO_RESUME_16 */
} VmStop;
typedef struct {
    uint32_t map, resume;
} VmWideStop;

typedef struct {
    uint32_t start, end;    /* words of CPython's code, end exclusive */
    uint32_t pc;            /* our handler */
    uint16_t depth;
    uint8_t lasti;
} VmHandler;

/* One row of a polymorphic attribute cache. */
typedef struct {
    uint32_t version;       /* tp_version_tag of the object's type; 0: empty */
    uint32_t version2;      /* of the class itself, when the object is a class */
    void *value;            /* borrowed from the type while the version holds */
    uint16_t index;
    uint8_t kind;           /* VmAttrKind, vm_ic.h */
} VmCacheRow;

#define VM_LEAF_ARGS 8             /* at most */
/* Runs the calls that one site makes of one code object (vm_leaf.h). */
typedef struct VmLeaf {
    struct VmLeaf *next;        /* of the same site, for another code object */
    uint64_t serial;            /* of the code */
    const VmInsn *insns;
    uint32_t runs, failures;
    uint32_t entered;           /* functions, in this run */
    uint8_t n_args;             /* arguments: first those that stay where they are, */
    uint8_t n_kept;             /* so many; then temporaries, consumed */
    uint8_t callee_goes;        /* likewise the function, in a register of the caller */
    uint8_t n_given;            /* made for calls from C: arguments given */
    uint16_t callee;            /* register of the function */
    uint16_t from[VM_LEAF_ARGS];   /* registers of the arguments */
    VmWord slots[];             /* the arguments; VM_LEAF_ARGS: the function; the rest */
} VmLeaf;

#define VM_CACHE_MORE 3
#define VM_LEAF_CALLS_WATCHED 16
#define VM_NO_VERSION 0xFFFFFFFFu    /* of a dict's keys: not one to remember */

/* How the keywords of a call fit its function. */
typedef struct {
    uint64_t given;         /* a bit for each parameter with an argument */
    VmLeaf *leaves;         /* as in other calls' caches */
    uint8_t at[];           /* parameter of each keyword */
} VmKeywords;

typedef enum { IC_NONE,
               IC_GLOBAL,
               IC_ATTR,
               IC_CALL,
               IC_KEYWORDS } VmCacheKind;

typedef struct {
    PyObject *name;         /* borrowed from co_names; IC_KEYWORDS: the names' tuple, from co_consts */
    uint8_t kind;           /* VmCacheKind */
    uint8_t misses;
    uint8_t two_args;       /* of super(), in an attribute cache of SUPA and SUPM */
    uint8_t leaf_calls;     /* of leaves, while there is none for them (vm_leaf.c) */
    uint32_t index;         /* of the name, where it was borrowed from */
    union {
        struct {
            VmCacheRow first;
            VmCacheRow *more;       /* VM_CACHE_MORE rows, or NULL */
        } attr;
        struct {
            uint32_t globals_version;   /* VM_NO_VERSION: nothing seen */
            uint32_t builtins_version;  /* 0: the value is in globals */
            PyObject *builtins;     /* the dict, only compared */
            size_t at;              /* bytes from the keys of one of the two to the value */
        } global;
        struct {
            struct VmCode *code;    /* callee's code, exact positional call; never NULL */
            void *callee;           /* the callable seen, only compared */
            uint32_t version;       /* type called: its version */
            uint8_t kind;           /* VmCallKind, vm_ic.h */
            uint8_t how;            /* VM_DIRECT_WAY(), of CALL_DIRECT, */
            union {
                uint8_t unlike;     /* and what it is not for: VmDirectUnlike; */
                uint8_t failures;   /* HOW_COMPUTED: how often it could not be computed */
            };
            VmLeaf *leaves;         /* for the functions seen, or NULL */
        } call;
        struct {
            uint64_t shape;         /* the code's serial | arguments by position; 0: unseen */
            VmKeywords *fit;        /* not NULL when seen */
        } keywords;
    } u;
} VmCache;

/* Of an inline cache: what lowering knows. */
typedef struct {
    uint32_t index;
    uint8_t kind, two_args;
    uint16_t unused;
} VmSite;

#define VM_NEVER 0xFFFF         /* no number of arguments */

typedef struct VmCode {
    PyCodeObject *co;           /* borrowed: we die with it; NULL when dead */
    VmInsn *insns;
    VmWord *consts;             /* what registers hold; pointers borrowed from co_consts.  Behind those
                                   of co_consts, the ones that instructions of CPython imply.  In the
                                   memory of caches; while it is being made, in nobody's */
    uint32_t n_consts;
    uint16_t nlocals;           /* locals, cells and free variables */
    uint16_t nregs;             /* nlocals + stack depth */
    uint32_t frame_bytes;       /* frame, registers and shadow frame with its slots */
    uint32_t shadow_offset;
    uint16_t argcount;          /* positional, positional-only included */
    uint16_t exact_args;        /* arguments that by position fill a frame: argcount or VM_NEVER */
    uint16_t push_args;         /* the same; VM_NEVER for a leaf */
    uint16_t nargs_total;       /* + keyword-only, *args, **kwargs */
    uint8_t simple;             /* no *args, **kwargs, keyword-only: bind by position */
    uint8_t quick;              /* CO_OPTIMIZED, fewer than 64 parameters */
    uint8_t has_star;           /* *args */
    uint8_t has_dstar;          /* **kwargs */
    uint8_t leaf;               /* calls are tried without a frame first (vm_leaf_ops.h) */
    uint8_t is_generator;       /* any of the generator, coroutine, async generator flags */
    uint8_t has_class_cell;     /* a free variable __class__ ... */
    uint16_t class_cell;        /* ... in this register */
    uint8_t leaf_calls;         /* by C, as in call sites' caches */
    uint8_t leaf_failures;      /* sites where its leaf failed too often */
    VmLeaf *leaf_for_c;         /* or NULL */
    uint32_t n_insns;
    VmCache *caches;
    uint32_t n_caches;
    void *words;                /* of each instruction: uint16_t; uint32_t in `wide` code */
    void *stops;                /* likewise: VmStop; VmWideStop */
    uint16_t *maps;
    uint32_t n_maps;            /* words in them */
    VmHandler *handlers;
    uint32_t n_handlers;
    uint64_t num_consts_seen;   /* bit vm_word_bit(w) for each number of co_consts: its box is reused */
    const char *refused;        /* why this code runs on CPython; NULL: it runs here */
    struct VmCode *next_free;
    struct VmRecord *record;    /* holds insns, words, stops, maps and handlers (vm_cache.h) */
    uint8_t owns_record;        /* else it is an image's */
    uint8_t wide;
    uint64_t serial;            /* of no other code, ever; the low 8 bits are 0 */
    uint64_t parameters;        /* a bit for each, without * and ** */
} VmCode;

static inline uint64_t
vm_word_bit(VmWord w)
{
    return (uint64_t)1 << (w * 0x9E3779B97F4A7C15u >> 58);
}

/* The VmCode of co, lowered on first use or taken from the translation cache.  NULL with MemoryError
   only; code that can't be lowered has `refused` set.  -> borrowed from co */
VmCode *vm_code_of(PyCodeObject *co);
/* The same for a function: its globals tell which module's cache. */
VmCode *vm_code_of_function(PyFunctionObject *func);
/* The VmCode when it already exists, else NULL.  -> borrowed from co */
VmCode *vm_code_peek(PyCodeObject *co);

/* Code that calls by position may push a frame for at once, by the address of its code object:
   an entry is good while its `co` is that object. */
#define VM_QUICK_CODES 4096
extern VmCode *vm_quick_codes[VM_QUICK_CODES];
/* The code of no function: what caches of sites that never ran refer to. */
extern VmCode vm_no_code;

static inline VmCode **
vm_quick_code(const void *co)
{
    return &vm_quick_codes[(uintptr_t)co / 64 % VM_QUICK_CODES];
}

/* The code of a function called before whose parameters are n plain ones: n arguments by position
   are all its frame needs.  -> borrowed, or NULL */
static inline VmCode *
vm_code_taking(const PyFunctionObject *func, size_t n)
{
    VmCode *code = *vm_quick_code(func->func_code);
    return code != NULL && (PyObject *)code->co == func->func_code
                   && code->exact_args == n
               ? code
               : NULL;
}

int vm_code_init(void);                 /* once: takes a co_extra index; -1 on error */
VmCode *vm_code_alloc(PyCodeObject *co);
void vm_code_free(VmCode *code);

/* What follows from the code object alone.  Constants that instructions of CPython imply are behind
   those of the code: these, then the small ints (a byte each). */
enum { VM_IMPLIED_NONE = CPY_COMMON_CONSTANTS,
       VM_IMPLIED_COUNT };
const char *vm_code_shape(VmCode *code);        /* NULL, or why it can't be run here */
/* The constants, in memory that the next code's take: 0, or -1 with MemoryError. */
int vm_code_consts(VmCode *code);
void vm_code_small_ints(VmCode *code, const uint8_t *small, unsigned n);    /* once, behind them */
/* The code's caches, that have seen nothing, and its constants, in memory of its own: 0, or -1 with
   MemoryError.  Sites are as lowering makes them. */
int vm_code_caches(VmCode *code, const VmSite *sites, uint32_t n);
void vm_code_free_caches(VmCode *code);

/* Process-wide: code objects lowered, and taken from the translation cache instead. */
extern uint64_t vm_code_lowered, vm_code_loaded;

/* Is it a leaf by its instructions (vm_leaf_ops.h): only those, none of them back? */
int vm_code_is_leaf(const VmCode *code);
int vm_lower(VmCode *code);             /* 0, or -1 with MemoryError; may set refused */
int vm_verify(const VmCode *code, char *why, size_t n);     /* 0, or -1 and a sentence */
PyObject *vm_dis(const VmCode *code);   /* -> new str */

const char *vm_op_name(int op);
const char *vm_op_format(int op);
/* VmHandler for a raise at CPython word `word`, or NULL */
const VmHandler *vm_code_handler(const VmCode *code, uint32_t word);

extern const uint8_t vm_op_flag_bits[VM_OP_COUNT];
extern const uint8_t vm_op_fixed_words[VM_OP_COUNT];    /* 0: an operand list follows */
extern const char vm_op_last[VM_OP_COUNT];              /* letter of its format */

static inline int
vm_op_flags(int op)
{
    return vm_op_flag_bits[op];
}

/* How far it jumps, in words from itself; FOR and SEND have a way 0 and a way 1. */
static inline int32_t
vm_op_jump(const VmInsn *insn, int way)
{
    char last = vm_op_last[insn->op];
    int32_t both[2];
    if (last == 'J')
        return (int16_t)insn->c;
    if (last == 'O') {
        memcpy(both, &insn->b, 4);
        return both[0];
    }
    memcpy(both, insn + 1, 8);
    return both[way];
}

/* The word of CPython's code that an instruction stands for. */
static inline uint32_t
vm_code_word(const VmCode *code, const VmInsn *insn)
{
    size_t i = (size_t)(insn - code->insns);
    return vm_unlikely(code->wide) ? ((const uint32_t *)code->words)[i]
                                   : ((const uint16_t *)code->words)[i];
}

static inline uint32_t
vm_code_resume(const VmCode *code, const VmInsn *insn)
{
    size_t i = (size_t)(insn - code->insns);
    if (vm_unlikely(code->wide))
        return ((const VmWideStop *)code->stops)[i].resume;
    uint32_t word = ((const VmStop *)code->stops)[i].resume;
    return word == VM_NO_RESUME_16 ? VM_NO_RESUME : word;
}

static inline uint32_t
vm_code_map_index(const VmCode *code, const VmInsn *insn)
{
    size_t i = (size_t)(insn - code->insns);
    return vm_unlikely(code->wide) ? ((const VmWideStop *)code->stops)[i].map
                                   : ((const VmStop *)code->stops)[i].map;
}

static inline const uint16_t *
vm_code_map(const VmCode *code, const VmInsn *insn)
{
    return code->maps + vm_code_map_index(code, insn);
}

/* words an operand list of n takes */
static inline unsigned
vm_list_words(unsigned n)
{
    return 1 + n / 4;
}

/* instruction with its extension words */
static inline int
vm_op_words(const VmInsn *insn)
{
    int n = vm_op_fixed_words[insn->op];
    return n != 0 ? n : 1 + (int)vm_list_words(insn[1].op);
}

static inline int
vm_bits_of_4(unsigned flags)
{
    return (int)(0x4332322132212110u >> 4 * (flags & 15) & 15);
}

/* operand i of a list that starts at the word `list` */
static inline uint16_t
vm_list_get(const VmInsn *list, unsigned i)
{
    return ((const uint16_t *)list)[i + 1];
}

#endif
