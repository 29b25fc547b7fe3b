/* Life of a VmCode, and what the instruction table says.
 *
 * Lowering is in vm_lower.c, the checks in vm_verify.c.
 */
#include "ir/vm_code.h"
#include "ir/vm_plant.h"

#include "cpyext_compat/cpy_code.h"

VmCode vm_no_code;
PyObject *vm_nowhere;
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
static const uint8_t op_flags[] = {
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

int
vm_op_flags(int op)
{
    return op < VM_OP_COUNT ? op_flags[op] : 0;
}

int
vm_op_words(const VmInsn *insn)
{
    const char *format = vm_op_format(insn->op);
    int suffix = strlen(format) > 4 ? format[4] : 0;
    if (suffix == 'X')
        return 1 + (int)vm_list_words(insn[1].op);
    return suffix == 'F' ? 2 : 1;
}

int32_t
vm_op_jump(const VmInsn *insn, int which)
{
    const char *format = vm_op_format(insn->op);
    int32_t both[2];
    switch (format[strlen(format) - 1]) {
    case 'J':
        return (int16_t)insn->c;
    case 'O':
        memcpy(both, &insn->b, 4);
        return both[0];
    default:
        memcpy(both, insn + 1, 8);
        return both[which];
    }
}

/* -- allocation --------------------------------------------------------------- */

#define SLAB 64

static VmCode *free_codes;      /* dead headers, never returned: see vm_code.h */
static Py_ssize_t extra_index = -1;
static uint64_t serials;

VmCode *
vm_code_alloc(PyCodeObject *co)
{
    if (free_codes == NULL) {
        VmCode *slab = PyMem_Calloc(SLAB, sizeof(VmCode));
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

void
vm_code_free(VmCode *code)
{
    for (uint32_t i = 0; i < code->n_caches; i++) {
        if (code->caches[i].kind == IC_ATTR)
            PyMem_Free(code->caches[i].u.attr.more);
    }
    PyMem_Free(code->insns);
    PyMem_Free(code->consts);
    PyMem_Free(code->where);
    PyMem_Free(code->maps);
    PyMem_Free(code->handlers);
    PyMem_Free(code->num_consts);
    PyMem_Free(code->caches);
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

VmCode *
vm_code_of(PyCodeObject *co)
{
    VmCode *code = cpy_code_extra_get(co, extra_index);
    if (vm_likely(code != NULL))
        return code;
    code = vm_code_alloc(co);
    if (code == NULL)
        return NULL;
    if (vm_lower(code) < 0 || cpy_code_extra_set(co, extra_index, code) < 0) {
        vm_code_free(code);
        return NULL;
    }
    return code;
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
