/* Copy and patch: bytes of stencils one behind the other, then their holes filled in.
 *
 *      | enter | instruction | instruction | ... | symbol | symbol | ...
 *
 * A symbol's place is a jump to it and a word with its address: code this far from
 * everything can't reach it otherwise.
 */
#include "jit/jit_patch.h"

#include "cpyext_compat/cpy_eval.h"
#include "vm/vm_call_out.h"
#include "vm/vm_call.h"
#include "vm/vm_loop.h"
#include "vm/vm_num.h"
#include "vm/vm_special.h"
#include "vm/vm_unwind.h"

#if defined(__x86_64__) && CPY_MINOR == 311
#  include "jit/generated/stencils_x86_64_py311.h"
#  define HAS_STENCILS 1
#else
static const uint16_t made_for_layout[] = {0};
static const void *const stencil_symbols[] = {NULL};
static const Stencil ENTER_stencil, LEAVE_stencil, stencils[VM_OP_COUNT][2];
#  define HAS_STENCILS 0
#endif

#define N_SYMBOLS Py_ARRAY_LENGTH(stencil_symbols)
#define SYMBOL_BYTES 16
#define SYMBOL_WORD 8
static const unsigned char jump_to_word[SYMBOL_WORD] = {0xff, 0x25, 2, 0, 0, 0, 0x66, 0x90};

typedef struct {
    const VmCode *code;
    JitCode *out;
    uint32_t *at;           /* pc -> offset of its code; [n_insns]: of the symbols */
} Join;

/* -- which stencil -------------------------------------------------------------------------- */

static const Stencil *
stencil_of(const VmInsn *insn)
{
    int back = vm_op_flags(insn->op) & VM_JUMPS && vm_op_jump(insn, 0) <= 0;
    const Stencil *s = &stencils[insn->op][back];
    return s->bytes != NULL ? s : &LEAVE_stencil;
}

static size_t
lay_out(Join *j)
{
    size_t size = ENTER_stencil.size;
    for (uint32_t pc = 0; pc < j->code->n_insns;) {
        const VmInsn *insn = j->code->insns + pc;
        const Stencil *s = stencil_of(insn);
        *(s == &LEAVE_stencil ? &j->out->n_left : &j->out->n_joined) += 1;
        j->at[pc] = (uint32_t)size;
        size += s->size;
        pc += (uint32_t)vm_op_words(insn);
    }
    j->at[j->code->n_insns] = (uint32_t)size;
    return size + N_SYMBOLS * SYMBOL_BYTES;
}

/* -- filling in --------------------------------------------------------------------------------- */

/* What belongs into a hole of the instruction at pc. */
static uint64_t
filling(const Join *j, const StencilHole *hole, uint32_t pc)
{
    const VmInsn *insn = j->code->insns + pc;
    const unsigned char *base = j->out->mcode.base;
    switch ((StencilFill)hole->fill) {
    case FILL_A: return 8u * insn->a;
    case FILL_B: return 8u * insn->b;
    case FILL_C: return 8u * insn->c;
    case FILL_PC: return (uintptr_t)insn;
    case FILL_TARGET: return (uintptr_t)(insn + vm_op_jump(insn, 0));
    case FILL_NEXT: return (uintptr_t)(base + j->at[pc + (uint32_t)vm_op_words(insn)]);
    case FILL_JUMP: return (uintptr_t)(base + j->at[(int32_t)pc + vm_op_jump(insn, 0)]);
    case FILL_SYMBOL: break;
    }
    return (uintptr_t)(base + j->at[j->code->n_insns] + (hole->fill - FILL_SYMBOL) * SYMBOL_BYTES
                       + (hole->kind == HOLE_SLOT ? SYMBOL_WORD : 0));
}

static void
fill(unsigned char *at, const StencilHole *hole, uint64_t value)
{
    value += (uint64_t)(int64_t)hole->addend;
    if (hole->kind == HOLE_REL32 || hole->kind == HOLE_SLOT)
        value -= (uintptr_t)at;
    assert(hole->kind == HOLE_ABS64 || (hole->kind == HOLE_ABS32 && value == (uint32_t)value)
           || (int64_t)value == (int32_t)value);
    memcpy(at, &value, hole->kind == HOLE_ABS64 ? 8 : 4);
}

static void
copy(const Join *j, const Stencil *s, uint32_t offset, uint32_t pc)
{
    unsigned char *to = j->out->mcode.base + offset;
    memcpy(to, s->bytes, s->size);
    for (unsigned i = 0; i < s->n_holes; i++)
        fill(to + s->holes[i].offset, &s->holes[i], filling(j, &s->holes[i], pc));
}

static void
copy_all(const Join *j)
{
    const VmCode *code = j->code;
    unsigned char *to = j->out->mcode.base;
    memcpy(to, ENTER_stencil.bytes, ENTER_stencil.size);
    for (unsigned i = 0; i < ENTER_stencil.n_holes; i++)    /* its only hole: the code behind it */
        fill(to + ENTER_stencil.holes[i].offset, &ENTER_stencil.holes[i], (uintptr_t)(to + j->at[0]));
    for (uint32_t pc = 0; pc < code->n_insns; pc += (uint32_t)vm_op_words(code->insns + pc))
        copy(j, stencil_of(code->insns + pc), j->at[pc], pc);
    to += j->at[code->n_insns];
    for (unsigned i = 0; i < N_SYMBOLS; i++, to += SYMBOL_BYTES) {
        memcpy(to, jump_to_word, SYMBOL_WORD);
        memcpy(to + SYMBOL_WORD, &stencil_symbols[i], sizeof(void *));
    }
}

/* -- entry --------------------------------------------------------------------------------------- */

static int
check_fit(void)
{
    static const uint16_t layout[] = STENCIL_LAYOUT;
    const char *why = NULL;
    if (!HAS_STENCILS)
        why = "no stencils for this machine and CPython";
    else if (sizeof layout != sizeof made_for_layout
             || memcmp(layout, made_for_layout, sizeof layout) != 0)
        why = "stencils were cut for another layout of structs: python tools/regen.py stencils";
    if (why != NULL)
        PyErr_Format(PyExc_RuntimeError, "pyrs: %s", why);
    return why == NULL ? 0 : -1;
}

int
jit_join(const VmCode *code, JitCode *out)
{
    *out = (JitCode){0};
    if (check_fit() < 0)
        return -1;
    int status = -1;
    Join j = {code, out, PyMem_Calloc(code->n_insns + 1, sizeof(uint32_t))};
    if (j.at == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (jit_mcode_new(&out->mcode, lay_out(&j)) == 0) {
        copy_all(&j);
        status = jit_mcode_seal(&out->mcode);
    }
    PyMem_Free(j.at);
    if (status < 0)
        jit_code_free(out);
    return status;
}

void
jit_code_free(JitCode *code)
{
    jit_mcode_free(&code->mcode);
}

StencilExit
jit_enter(const JitCode *code, VmAct *A, VmFrame *f)
{
    StencilExit (*enter)(VmAct *, VmFrame *, VmWord *);
    memcpy(&enter, &code->mcode.base, sizeof enter);
    return enter(A, f, f->regs);
}

/* -- for tests ------------------------------------------------------------------------------------- */

/* The entry frame's result, whichever way it left its stencils. */
static PyObject *
finish(VmAct *A, VmFrame *f, StencilExit left)
{
    PyObject *result;
    switch ((StencilWhy)left.why) {
    case STENCIL_RETURNED:
        result = vm_box(left.value);
        vm_release(left.value);
        vm_frame_leave(A, f);
        return result;
    case STENCIL_RAISED:
        f = A->pushed != NULL ? vm_take_pushed(A) : vm_unwind(A, f, 0);
        return f == NULL ? NULL : vm_run(A, f);
    default:
        return vm_run(A, f);
    }
}

PyObject *
jit_run_joined(const JitCode *code, PyFunctionObject *func, PyObject *const *args, size_t n,
               StencilWhy *why)
{
    PyObject *result = NULL;
    VmAct *A = vm_act_enter(PyThreadState_Get());
    if (A == NULL)
        return NULL;
    VmCode *lowered = vm_code_of((PyCodeObject *)func->func_code);
    VmFrame *f = lowered == NULL ? NULL
                                 : vm_push_checked(A, NULL, lowered, (PyFunctionObject *)Py_NewRef(func));
    if (f == NULL)
        goto done;
    if (vm_bind(f, func, (const VmWord *)args, n, NULL) < 0) {
        Py_XDECREF(f->locals);
        Py_DECREF(f->func);
        ++*A->left;
        goto done;
    }
    f->kind = RET_ENTRY;
    StencilExit left = jit_enter(code, A, f);
    *why = (StencilWhy)left.why;
    result = finish(A, f, left);
    cpy_set_top_frame(A->ts, A->entry_top);
done:
    vm_act_leave(A);
    return result;
}
