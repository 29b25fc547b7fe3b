/* Frames and activations of the VM.
 *
 *      chunk:  | VmAct | frame | frame | frame | ...        a segment is a chain of chunks
 *      frame:  | VmFrame | registers | shadow frame with CPython's slots |
 *
 * An activation (VmAct) is one entry of C code into the VM.  It has a segment of its own,
 * so greenlets may leave and re-enter activations in any order; nothing of a VM frame is
 * on the C stack.  Frames of generators live in the generator object instead.
 *
 * CPython sees a frame only when it is linked (vm_shadow.c): `shadow` is NULL before that.
 *
 * Protected by the GIL.
 */
#ifndef VM_FRAME_H
#define VM_FRAME_H

#include "ir/vm_code.h"

#include "cpyext_compat/cpy_eval.h"
#include "cpyext_compat/cpy_frame.h"
#include "cpyext_compat/cpy_refs.h"

#ifdef __has_builtin
#  if __has_builtin(__builtin_thread_pointer)
#    define vm_c_thread() ((uintptr_t)__builtin_thread_pointer())
#  endif
#endif
#ifndef vm_c_thread     /* another for every thread of the system */
#  include <pthread.h>
#  define vm_c_thread() ((uintptr_t)pthread_self())
#endif

/* What happens with a frame's result. */
typedef enum {
    RET_VALUE,          /* into the caller's register ret_dst; go on at ret_ip */
    RET_ENTRY,          /* leave vm_run */
    RET_INIT,           /* must be None; the result is the object in aux */
    RET_DISCARD,        /* drop it and go on at ret_ip */
    RET_NONE,           /* drop it; the result is None */
    RET_WITH,           /* __enter__: aux is the exit method, it goes below the result */
    RET_HELD,           /* RET_VALUE; aux is what the caller holds until then */
    RET_PREPARED,       /* of making a class: aux holds the state (vm_class.c) */
    RET_CLASS,          /* the body */
    RET_CLASS_NEW,
    RET_CLASS_HOOK,
    RET_CLASS_INIT,
    RET_CLASS_CALLED,
    RET_NEW,            /* __new__: aux holds what __init__ needs (vm_construct.c) */
    RET_LEN,            /* for len(), bool(), iter() ... str(): vm_answer(); aux: their argument */
    RET_BOOL,
    RET_BOOL_BY_LEN,
    RET_ITERATOR,
    RET_HASH,
    RET_REPR,
    RET_STR,
    RET_FORMAT,
    RET_ASCII,
    RET_AWAITABLE,      /* __anext__ for anext(it, default); aux: a tuple of the two */
    RET_GENERATOR,      /* the frame of a generator: vm_gen.c */
    /* of special methods, for the instruction the caller stands at; ret_dst is theirs (vm_special.h) */
    RET_SPECIAL,
    RET_ATTR = RET_SPECIAL,     /* an attribute; aux: __getattr__, for when it has none, or NULL */
    RET_STORED,         /* of a store or a deletion: drop it */
    RET_ITEM,           /* an item, or an operator's result as it is */
    RET_ITER,           /* an iterator */
    RET_NEXT,           /* a loop's next item */
    RET_BINARY,         /* of a binary operator, if not NotImplemented */
    RET_COMPARE,        /* likewise */
    RET_CONTAINS,       /* its truth is that of `in` */
    RET_TRUTH,          /* of __bool__ or __len__; aux: the tested object when no register has it */
    RET_TEXT,           /* the text a string is made of (vm_special_text.c) */
    RET_GETATTR,        /* for getattr() and hasattr(): an attribute; aux: what they were asked */
    RET_CHECK,          /* of __instancecheck__ or __subclasscheck__ (vm_call_check.c) */
    RET_AWAIT,          /* of __await__, __aiter__, __anext__ (vm_await.c) */
    RET_AITER,
    RET_ANEXT,
    RET_SENT,           /* what a generator that delegates yields */
} VmReturnKind;

enum {
    FRAME_GENERATOR = 1,    /* lives in a generator object */
    FRAME_CHUNK = 2,        /* first in its chunk */
    FRAME_LINKED = 4,       /* shadow is in use */
    FRAME_EAGER = 8,        /* somebody holds the frame object: slots follow the registers */
    FRAME_LOCALS = 16,      /* `locals` is set */
    /* CPython would run it under a C function: one unit of recursion more */
    FRAME_IN_C = CPY_C_CALL_TAKES_UNIT ? 32 : 0,
    FRAME_IN_C_TWICE = CPY_C_CALL_TAKES_UNIT ? 64 : 0,      /* two; both: three */
    FRAME_OF_TEXT = 128,    /* of exec() or eval() of a str */
    FRAME_UNCOUNTED = 128,  /* a generator's: it takes the unit of the one below, which waits */
};
#define FRAME_UNITS (FRAME_IN_C | FRAME_IN_C_TWICE)
/* The flags of a frame that takes `units` more. */
#define FRAME_FLAGS_OF_UNITS(units) ((uint8_t)((units) * FRAME_IN_C))
#define FRAME_UNITS_OF_FLAGS(flags) (((flags) & FRAME_UNITS) >> 5)
/* kind_flags of the frame of an __init__ that nobody looked at */
#define FRAME_PLAIN_INIT (RET_INIT | FRAME_IN_C << 8)
/* of a __call__ */
#define FRAME_PLAIN_CALL (RET_HELD | FRAME_IN_C << 8)

typedef struct VmFrame {
    struct VmFrame *prev;       /* caller in this activation, or NULL */
    VmCode *code;
    const VmInsn *pc;           /* being executed; valid when calling or calling out */
    const VmInsn *ret_ip;       /* where the caller goes on */
    PyFunctionObject *func;     /* owned */
    PyObject *locals;           /* owned; mapping of a module, class body or exec */
    CpyFrame *shadow;           /* NULL until linked */
    union {
        struct {
            uint16_t ret_dst;
            union {
                struct {
                    uint8_t kind;       /* VmReturnKind */
                    uint8_t flags;
                };
                uint16_t kind_flags;    /* 0: the plain frame the loop returns from by itself */
            };
        };
        uint32_t ret_plain;     /* VM_PLAIN(ret_dst): such a frame's */
    };
    uint32_t spare;
    VmWord aux;                 /* RET_INIT, RET_WITH, RET_HELD ... RET_AWAITABLE, RET_ATTR, RET_TRUTH, RET_GETATTR: owned; RET_GENERATOR: the generator, borrowed */
    _PyErr_StackItem *exc_below;    /* running generators that handle an exception: the thread's exc_info
                                   before; else NULL */
    VmWord regs[];
} VmFrame;
#define VM_PLAIN(dst) (PY_BIG_ENDIAN ? (uint32_t)(dst) << 16 : (uint32_t)(dst))
#define VM_FRAME_OF(R) ((VmFrame *)((char *)(R) - offsetof(VmFrame, regs)))
_Static_assert(sizeof(VmFrame) == VM_FRAME_BYTES, "lowering lays frames out");

typedef struct VmChunk {
    struct VmChunk *prev;       /* chunk before it in the segment */
    char *end;
    char *prev_top;             /* where frames ended in prev */
    uint64_t spare;
    char data[];
} VmChunk;

#define VM_NO_WORD 0xFFFFFFFFu

typedef struct VmAct {
    PyThreadState *ts;
    const CpyBreaker *breaker;
    int *left;                  /* CPython's counter of frames left */
    char *top, *limit;
    VmChunk *chunk;
    CpyFrame *entry_top;        /* CPython's top frame at entry */
    char *stack_low;            /* lowest address of the C stack calls may reach */
    uint64_t ts_id;             /* of ts, whose memory may be another's one day */
    uintptr_t c_thread;
    uint8_t delegate;           /* tracing or another eval hook is active: calls go to CPython */
    uint32_t reraise_word;      /* f_lasti a RERAISE restores, or VM_NO_WORD */
    struct VmFold *fold;        /* builtins that a generator runs for (vm_fold.h), the innermost; or NULL */
    VmFrame *pushed;            /* an instruction failed only because this is to be run first, or NULL */
} VmAct;

/* Process-wide, protected by the GIL. */
typedef struct {
    uint64_t native;            /* frames run here */
    uint64_t delegated;         /* frames given to CPython */
    uint64_t compiled;          /* functions with machine code */
    uint64_t bailouts;          /* machine code left by a failing guard */
} VmStats;
extern VmStats vm_stats;

/* The activation left last, as it is for its thread's next one; or NULL. */
extern VmAct *vm_act_idle;
VmAct *vm_act_new(PyThreadState *ts);               /* NULL with MemoryError */
void vm_act_drop(VmAct *A);                         /* it is over (vm_call_out.h enters and leaves) */
/* A->top moved to a chunk with room; 0, or -1 with MemoryError */
int vm_act_grow(VmAct *A, size_t bytes);
void vm_act_shrink(VmAct *A, VmFrame *f);           /* f was the first frame of its chunk */
size_t vm_segments_bytes(void);

/* -- push and pop ---------------------------------------------------------------- */

/* A frame for func (taken); registers from `nargs` on are unbound, the first nargs are the
   caller's to fill.  NULL with MemoryError, func released. */
static inline VmFrame *
vm_frame_push(VmAct *A, VmFrame *prev, VmCode *code, PyFunctionObject *func, unsigned nargs)
{
    char *p = A->top;
    uint8_t flags = 0;
    if (vm_unlikely((size_t)(A->limit - p) < code->frame_bytes)) {
        if (vm_act_grow(A, code->frame_bytes) < 0) {
            Py_DECREF(func);
            return NULL;
        }
        p = A->top;
        flags = FRAME_CHUNK;
    }
    A->top = p + code->frame_bytes;
    VmFrame *f = (VmFrame *)p;
    f->prev = prev;
    f->code = code;
    f->pc = code->insns;
    f->func = func;
    f->locals = NULL;
    f->shadow = NULL;
    f->kind = RET_VALUE;
    f->flags = flags;
    unsigned n = code->nlocals;
    for (unsigned i = nargs; i < n; i++) {
        f->regs[i] = VM_NULL;
        __asm__("" : : : "memory");     /* a few stores, not a memset */
    }
#ifdef VM_HOSTILE
    for (unsigned i = n; i < code->nregs; i++)
        f->regs[i] = 0x0000DEADDEADDEADull;     /* a dead temporary must never be released */
#endif
    return f;
}

/* The memory of a frame whose contents are gone. */
static inline void
vm_frame_pop(VmAct *A, VmFrame *f)
{
    if (vm_unlikely(f->flags & FRAME_CHUNK))
        vm_act_shrink(A, f);
    else
        A->top = (char *)f;
}

/* What belongs to the way the frame would have returned.  VM_NULL, or owned by the frame */
static inline VmWord
vm_frame_return_state(const VmFrame *f)
{
    return f->kind >= RET_INIT && f->kind < RET_GENERATOR && f->kind != RET_DISCARD
                   && f->kind != RET_NONE
               ? f->aux
               : VM_NULL;
}

/* Bit of a RET_COMPARE's ret_dst: __eq__ is asked for __ne__, and the answer turned round. */
#define COMPARE_INVERTED 0x8000u
/* Bit of a RET_TEXT's: object.__format__ asks str(). */
#define TEXT_OF_OBJECT 0x8000u

/* What a frame that runs no more gives back to the recursion limit. */
static inline int
vm_frame_units(const VmFrame *f)
{
    return 1 + FRAME_UNITS_OF_FLAGS(f->flags);
}

/* Which of n variables a frame that goes drops as its i-th. */
static inline unsigned
vm_drop_order(unsigned i, unsigned n)
{
    return CPY_DROPS_LAST_FIRST ? n - 1 - i : i;
}

/* The last reference to o is given up (cpy_decref_was_last) at that instruction of f, or outside of
   our frames when f is NULL: who goes with it and looks at its caller sees f there.  -> A->delegate */
__attribute__((cold)) int vm_goes_at(VmAct *A, VmFrame *f, const VmInsn *at, PyObject *o);
/* The same while f goes back to its caller, or for one of f while it waits for another frame. */
__attribute__((cold)) void vm_goes_from(VmAct *A, VmFrame *f, PyObject *o);
__attribute__((cold)) void vm_goes_in(VmAct *A, VmFrame *f, PyObject *o);

static inline int
vm_release_at(VmAct *A, VmFrame *f, const VmInsn *at, VmWord w)
{
    if (vm_is_obj(w) && vm_unlikely(cpy_decref_was_last(vm_ptr(w))))
        return vm_goes_at(A, f, at, vm_ptr(w));
    return 0;
}

static inline void
vm_release_from(VmAct *A, VmFrame *f, VmWord w)
{
    if (vm_is_obj(w) && vm_unlikely(cpy_decref_was_last(vm_ptr(w))))
        vm_goes_from(A, f, vm_ptr(w));
}

static inline void
vm_release_in(VmAct *A, VmFrame *f, VmWord w)
{
    if (vm_is_obj(w) && vm_unlikely(cpy_decref_was_last(vm_ptr(w))))
        vm_goes_in(A, f, vm_ptr(w));
}

/* The variables of a frame that goes back to its caller; their registers keep the words. */
static inline void
vm_release_locals(VmAct *A, VmFrame *f, unsigned n)
{
    const VmWord *regs = f->regs;
    if (CPY_DROPS_LAST_FIRST) {
        for (const VmWord *w = regs + n; w != regs;)
            vm_release_from(A, f, *--w);
    }
    else {
        for (const VmWord *w = regs, *end = regs + n; w != end; w++)
            vm_release_from(A, f, *w);
    }
}

/* How many words behind its call the caller of a frame waits in CPython: those of the call's cache,
   when it pushes the frame itself. */
static inline uint32_t
vm_words_behind_call(const VmFrame *callee)
{
    if (callee->prev == NULL || callee->kind != RET_VALUE
        || callee->flags & (FRAME_GENERATOR | FRAME_OF_TEXT | FRAME_UNITS))
        return 0;
    unsigned op = callee->prev->pc->op;
    return op == VM_CALL || op == VM_CALLM || op == VM_CALLKW ? CPY_CALL_CACHE_WORDS : 0;
}

/* -- registers ---------------------------------------------------------------------- */

static inline int
vm_is_temp(VmFrame *f, unsigned reg)
{
    return reg >= f->code->nlocals;
}

/* An operand that is a temporary is consumed by its instruction. */
static inline void
vm_consume(VmAct *A, VmFrame *f, unsigned reg)
{
    if (vm_is_temp(f, reg))
        vm_release_in(A, f, f->regs[reg]);
}

/* The same where nothing but what is unseen can go: numbers, what others hold, or without memory. */
static inline void
vm_consume_unseen(VmFrame *f, unsigned reg)
{
    if (vm_is_temp(f, reg))
        vm_release(f->regs[reg]);
}

/* Of n operands in a row. */
static inline void
vm_release_window(VmFrame *f, unsigned base, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        vm_consume_unseen(f, base + i);
}

/* Write a destination that may be a temporary or a local, at f->pc. */
static inline void
vm_set_any(VmAct *A, VmFrame *f, unsigned reg, VmWord w)
{
    VmWord old = f->regs[reg];
    f->regs[reg] = w;
    if (!vm_is_temp(f, reg))
        vm_release_in(A, f, old);
}

/* -- boundaries ----------------------------------------------------------------------- */

void vm_link(VmAct *A, VmFrame *f);                     /* vm_shadow.c */
void vm_after_slow(VmAct *A, VmFrame *f);
/* Box all locals into the shadow's slots (0, or -1 with MemoryError). */
int vm_sync_locals(VmFrame *f);

/* Before anything that may run arbitrary code: CPython sees f at its instruction. */
static inline void
vm_boundary(VmAct *A, VmFrame *f)
{
    if (vm_unlikely(f->shadow == NULL))
        vm_link(A, f);
    cpy_frame_set_word(f->shadow, f->code->co, vm_code_word(f->code, f->pc));
    cpy_set_top_frame(A->ts, f->shadow);
    if (vm_unlikely(f->flags & FRAME_EAGER))
        vm_sync_locals(f);
}

/* Somebody waits: for the lock, with a signal or an exception for this thread. */
static inline int
vm_poll_is_due(const VmAct *A)
{
    return vm_unlikely(*A->breaker & CPY_EVAL_BREAKER_MASK) ? 1 : 0;
}
/* Let them, f being at its pc.  0, or -1 with an exception (vm_shadow.c) */
int vm_poll(VmAct *A, VmFrame *f);

/* What ran meanwhile may have begun to trace. */
static inline void
vm_notice_tools(VmAct *A)
{
    if (vm_unlikely(cpy_tracing(A->ts)))
        A->delegate = 1;
}

/* After it: somebody may have looked at our locals. */
static inline void
vm_after(VmAct *A, VmFrame *f)
{
    if (vm_unlikely(cpy_frame_stacktop(f->shadow, f->code->co) != 0))
        vm_after_slow(A, f);
    vm_notice_tools(A);
}

/* Before f's instruction makes a container: finalizers of a collection that begins there see f.
   1: vm_after() is due when it is made */
static inline int
vm_before_making(VmAct *A, VmFrame *f)
{
    if (vm_likely(!cpy_gc_is_due()))
        return 0;
    vm_boundary(A, f);
    return 1;
}

static inline void
vm_after_making(VmAct *A, VmFrame *f, int shown)
{
    if (vm_unlikely(shown))
        vm_after(A, f);
}

/* Nothing can watch it go. */
static inline int
vm_is_inert(PyObject *o)
{
    return PyLong_CheckExact(o) || PyUnicode_CheckExact(o) || PyFloat_CheckExact(o);
}

/* Release what was replaced: perhaps the last reference, to something with a finalizer. */
static inline void
vm_release_old(VmAct *A, VmFrame *f, PyObject *old)
{
    if (Py_REFCNT(old) > 1 || vm_is_inert(old)) {
        Py_DECREF(old);
        return;
    }
    vm_boundary(A, f);
    Py_DECREF(old);
    vm_after(A, f);
}

#endif
