/* Bytecode of any supported CPython -> one stream of neutral operations.
 *
 * The stream is a plain translation in order: no basic blocks, no stack depths.
 * Positions are word indices (a word is 2 bytes), the unit of f_lasti / 2 and of
 * the exception table.  Several operations may come from one word (a NULL pushed
 * by LOAD_GLOBAL, a superinstruction): only the first of them is a place where
 * CPython itself could start.
 */
#ifndef CPY_DECODE_H
#define CPY_DECODE_H

#include "cpyext_compat/cpy_version.h"

typedef enum {
#define CPY_OP(name, kind, effect) CPY_##name,
#include "cpyext_compat/bytecode/cpy_ops.def"
#undef CPY_OP
    CPY_OP_COUNT
} CpyOp;

typedef struct {
    uint16_t op;                /* CpyOp */
    uint16_t arg2;              /* second operand, see cpy_ops.def */
    uint32_t arg;
    uint32_t word; /* the opcode itself, behind its EXTENDED_ARGs: what f_lasti says */
    uint32_t start;             /* first word of the group: what a jump says */
    uint32_t next;              /* word behind the inline caches */
    uint32_t target;            /* of jumps: absolute word */
} CpyInsn;

typedef struct {
    uint32_t start, end;        /* words covered, end exclusive */
    uint32_t target;
    uint16_t depth;             /* the stack is cut to this depth */
    uint8_t lasti;              /* push f_lasti / 2 before the exception */
} CpyHandler;

#define CPY_NO_INSN UINT32_MAX

typedef struct {
    CpyInsn *insns;
    uint32_t n;
    CpyHandler *handlers;       /* sorted by start, not overlapping */
    uint32_t n_handlers;
    /* [word] -> index of the first operation from there on; CPY_NO_INSN where no
       instruction starts (caches, inside a group) */
    uint32_t *at;
    uint32_t n_words;
    size_t room;                /* of the block that begins with insns */
} CpyStream;

/* 0; or -1 with MemoryError, or ValueError naming opcode and word for code no
   compiler makes: unknown opcodes, jumps and handlers that hit no instruction,
   indices out of range */
int cpy_decode(PyCodeObject *co, CpyStream *out);
/* The same in the memory of an earlier stream, or of a zeroed one. */
int cpy_decode_again(PyCodeObject *co, CpyStream *s);
void cpy_stream_free(CpyStream *s);             /* safe on a zeroed stream, twice */
const char *cpy_op_name(int op);
/* The bytecode as the compiler made it, whatever CPython has specialised since: 0, or -1 with
   MemoryError.  Borrowed from co where CPython hasn't touched it, else from `copy`. */
typedef struct {
    const uint8_t *code;
    uint32_t n_words;
    PyObject *copy;             /* owned, or NULL; to be released with Py_XDECREF */
} CpyPlain;
int cpy_code_plain(PyCodeObject *co, CpyPlain *plain);
/* Where CPython itself can go on instead of operation i, if i is the first of its
   word: the start of its group, or of the KW_NAMES before it, which CPython keeps
   outside the frame. */
static inline uint32_t
cpy_resume_word(const CpyStream *s, uint32_t i)
{
    if (i > 0 && s->insns[i - 1].op == CPY_KW_NAMES)
        i--;
    return s->insns[i].start;
}

/* the handler that covers `word`, or NULL */
const CpyHandler *cpy_find_handler(const CpyStream *s, uint32_t word);

#endif
