/* What the parts of the lowering share; vm_lower.c tells what it does.
 *
 * vm_lower.c          the pass over the operations, and what becomes of its results
 * vm_lower_slot.c     CPython's stack, followed symbolically; emitting instructions and maps
 * vm_lower_flow.c     labels, jumps, protected ranges
 * vm_lower_op.c       what each operation becomes
 *
 * The buffers outlive a call, so that code objects, of which most are small, need no memory of
 * their own while they are lowered.  Protected by the GIL; no Python code runs in between.
 */
#ifndef VM_LOWER_H
#define VM_LOWER_H

#include "ir/vm_code.h"

#include "cpyext_compat/bytecode/cpy_decode.h"
#include "cpyext_compat/cpy_code.h"

#define BOUND_WORDS 4           /* locals followed for "certainly bound": 64 each */
#define NOT_YET 0xFFFFFFFFu
#define SLOTS_SPARE 8           /* what operations push before the depth is checked */

typedef enum { SLOT_TEMP,
               SLOT_LOCAL,
               SLOT_CONST,
               SLOT_NULL } SlotKind;

typedef struct {
    uint8_t kind;
    uint16_t index;             /* local or constant; of a temporary 1: a list that was made here */
} Slot;

typedef struct {
    uint32_t insn;              /* operation in the stream */
    uint32_t pc;                /* our instruction, or NOT_YET */
    int32_t depth;              /* stack depth, -1 unknown */
    uint64_t bound[BOUND_WORDS];
    uint64_t lists;             /* a bit for each slot that is such a list, of the first 64 */
} Label;

typedef enum { FIX_16,
               FIX_32,
               FIX_EXT0 } FixKind;

typedef struct {
    uint32_t pc;                /* instruction that jumps */
    uint32_t label;
    FixKind kind;
} Fix;

typedef struct {
    void *data;
    uint32_t n, room;
    uint32_t size;
} Buffer;

typedef struct {
    Buffer insns, where, maps, sites, fixes, labels;
    Buffer label_of;            /* uint32_t: word -> label + 1 */
    Buffer lowered;             /* uint8_t: operation -> 1 when done */
    Buffer slots;               /* Slot */
    Buffer handlers;
    CpyStream stream;
} LowerMemory;

typedef struct {
    VmCode *code;
    PyCodeObject *co;
    LowerMemory m;
    uint32_t *label_of;         /* in m, as the next two */
    uint8_t *lowered;
    Slot *slots;
    int failed;                 /* out of memory */
    const char *refused;

    int depth, pre_depth;
    int max_depth;
    uint32_t group;             /* first word of the CPython instruction at hand */
    uint32_t resume_at;         /* operation where CPython could go on, with pre_depth slots, */
    int changed;                /* unless something has been done since */
    int pushing;                /* the operation before did nothing but push a slot */
    int first, first_depth;     /* this one begins its instruction, with that many slots */
    uint64_t bound[BOUND_WORDS];
    uint64_t deletable[BOUND_WORDS];
    uint32_t at;                /* operation being lowered */
    uint32_t word;
    int32_t producer;           /* instruction whose result is the top slot, or -1 */
    int async_yield;            /* the value of the next YIELD is an async generator's */
    uint32_t kwnames;           /* constant + 1 of a pending KW_NAMES */
    uint32_t last_map;
    int reachable;
    const CpyHandler *range;    /* the last one found by lower_enter_range() */
    uint16_t *small_int;        /* 256: constant of a LOAD_SMALL_INT, or 0 */
    uint8_t *small;             /* these, in the order of their constants */
    unsigned n_small;
} Lower;

#define AT(buffer, type, i) (((type *)(buffer).data)[i])

/* -- small things ------------------------------------------------------------------ */

static inline void
lower_refuse(Lower *L, const char *why)
{
    if (L->refused == NULL)
        L->refused = why;
}

static inline VmInsn *
lower_insn(Lower *L, uint32_t pc)
{
    return &AT(L->m.insns, VmInsn, pc);
}

/* The home register of a stack slot. */
static inline unsigned
lower_home(Lower *L, int slot)
{
    return L->code->nlocals + (unsigned)slot;
}

static inline int
bit_get(const uint64_t *bits, unsigned i)
{
    return i < 64 * BOUND_WORDS && (bits[i / 64] >> (i % 64) & 1);
}

static inline void
bit_set(uint64_t *bits, unsigned i)
{
    if (i < 64 * BOUND_WORDS)
        bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void
bit_clear(uint64_t *bits, unsigned i)
{
    if (i < 64 * BOUND_WORDS)
        bits[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/* -- buffers ------------------------------------------------------------------------- */

void *lower_grow(Lower *L, Buffer *b, uint32_t count);

/* Room for so many more items, at its end; NULL with `failed` set. */
static inline void *
lower_add(Lower *L, Buffer *b, uint32_t count, uint32_t size)
{
    if (vm_unlikely(b->room - b->n < count))
        return lower_grow(L, b, count);
    void *p = (char *)b->data + (size_t)b->n * size;
    b->n += count;
    return p;
}

/* -- slots and instructions (vm_lower_slot.c) ------------------------------------------ */

uint32_t lower_emit(Lower *L, int op, unsigned a, unsigned b, unsigned c);      /* -> its pc */
/* Extension words of the instruction just emitted, zeroed; NULL with `failed` set. */
uint16_t *lower_emit_words(Lower *L, unsigned n);
void lower_emit_list(Lower *L, int first, unsigned n);
unsigned lower_site(Lower *L, VmCacheKind kind, uint32_t name);     /* a new inline cache's number */

/* Bring slots into their home registers. */
void lower_slot_home(Lower *L, int i);
/* Before local x changes: slots below `to` that stand for it become copies. */
void lower_keep_copies(Lower *L, unsigned x, int to);
/* NULL is no value: only where a callee stands may it be. */
void lower_no_nulls(Lower *L, int from, int to);
/* Let the instruction that made the top slot write local x itself; 0: it can't. */
int lower_retarget(Lower *L, unsigned x);

static inline void
lower_slots_home(Lower *L, int from, int to)
{
    for (int i = from; i < to; i++) {
        if (L->slots[i].kind != SLOT_TEMP)
            lower_slot_home(L, i);
    }
}

/* A stack deeper than the code says: many are pushed at once by an unpacking. */
static inline int
lower_is_full(Lower *L)
{
    if (vm_likely(L->depth < L->max_depth + SLOTS_SPARE - 2))
        return 0;
    lower_refuse(L, "stack overflow");
    return 1;
}

static inline void
lower_push_slot(Lower *L, SlotKind kind, unsigned index)
{
    if (!lower_is_full(L))
        L->slots[L->depth++] = (Slot){(uint8_t)kind, (uint16_t)index};
}

static inline void
lower_push_temp(Lower *L)
{
    lower_push_slot(L, SLOT_TEMP, 0);
}

static inline void
lower_push_implied(Lower *L, unsigned which)
{
    lower_push_slot(L, SLOT_CONST, (unsigned)PyTuple_GET_SIZE(L->co->co_consts) + which);
}

/* The result of the instruction just emitted, in the home of the next slot. */
static inline void
lower_push_result(Lower *L, uint32_t pc)
{
    lower_push_temp(L);
    L->producer = (int32_t)pc;
}

/* Register of slot i, for an instruction that reads it. */
static inline unsigned
lower_operand(Lower *L, int i)
{
    if (L->slots[i].kind == SLOT_LOCAL)
        return L->slots[i].index;
    if (L->slots[i].kind != SLOT_TEMP) {
        lower_no_nulls(L, i, i + 1);
        lower_slot_home(L, i);
    }
    return lower_home(L, i);
}

static inline unsigned
lower_pop_operand(Lower *L)
{
    unsigned r = lower_operand(L, L->depth - 1);
    L->depth--;
    return r;
}

/* The top n slots in their homes and popped; the first one's register. */
static inline unsigned
lower_pop_window(Lower *L, int n)
{
    lower_slots_home(L, L->depth - n, L->depth);
    L->depth -= n;
    return lower_home(L, L->depth);
}

/* -- control flow (vm_lower_flow.c) ----------------------------------------------------- */

/* Labels for all jump targets and handlers, and what else is to be known before. */
int lower_find_labels(Lower *L);            /* 0, or -1: out of memory */
void lower_enter_label(Lower *L, Label *label);
/* At the start of an instruction, whose own word is `word`: the range it is in. */
void lower_enter_range(Lower *L, uint32_t start, uint32_t word);
/* An instruction in a range is emitted that may raise: what the handler may rely on. */
void lower_may_raise(Lower *L);
/* The jump just emitted goes there. */
void lower_jump_to(Lower *L, uint32_t pc, uint32_t word, FixKind kind);
void lower_apply_fixes(Lower *L);

void lower_pop_jump(Lower *L, int op, uint32_t target);
void lower_jump_or_pop(Lower *L, int op, uint32_t target);
void lower_jump(Lower *L, const CpyInsn *in);
void lower_for(Lower *L, const CpyInsn *in);
void lower_send(Lower *L, const CpyInsn *in);

static inline Label *
lower_label_at(Lower *L, uint32_t word)
{
    uint32_t i = L->label_of[word];
    return i == 0 ? NULL : &AT(L->m.labels, Label, i - 1);
}

/* -- operations (vm_lower_op.c) ----------------------------------------------------------- */

typedef struct {
    uint8_t pops;               /* items it takes off or looks at below the top, ... */
    uint8_t more;               /* ... and so many times its argument; POPS_OWN: as the code says */
    uint8_t is;                 /* of the bits below */
} OperationKind;
enum { IS_NOTE = 1,             /* nothing to the VM but a note about a slot */
       IS_JUMP = 2,
       IS_UNBINDING = 4,        /* a local may be unbound behind it */
       IS_SMALL_INT = 8,
};
extern const OperationKind lower_kinds[CPY_OP_COUNT];

void lower_small_int(Lower *L, uint32_t value);     /* a constant of its own */
#define POPS_OWN 255            /* lower_own_pops() says */
int lower_own_pops(const CpyInsn *in);
void lower_operation(Lower *L, const CpyInsn *in);

static inline int
lower_pops(const CpyInsn *in)
{
    const OperationKind *kind = &lower_kinds[in->op];
    return kind->more == POPS_OWN ? lower_own_pops(in) : kind->pops + kind->more * (int)in->arg;
}

#endif
