/* Lowering: what each operation becomes. */
#include "ir/vm_lower.h"

#include "cpyext_compat/cpy_intrinsics.h"

#define FUSE_LIMIT 6000u        /* operations; above it 16-bit jumps might not reach */

/* -- what operations take ----------------------------------------------------------------- */

/* A guard against code objects that were not made by the compiler. */
const OperationKind lower_kinds[CPY_OP_COUNT] = {
    [CPY_NOP] = {0, 0, IS_NOTE},
    [CPY_POP] = {1, 0, 0},
    [CPY_COPY] = {0, POPS_OWN, 0},
    [CPY_SWAP] = {0, POPS_OWN, 0},
    [CPY_PUSH_NULL] = {0, 0, IS_NOTE},
    [CPY_LOAD_CONST] = {0, 0, IS_NOTE},
    [CPY_LOAD_SMALL_INT] = {0, 0, IS_NOTE | IS_SMALL_INT},
    [CPY_LOAD_FAST] = {0, 0, IS_NOTE},
    [CPY_LOAD_FAST_CHECK] = {0, 0, IS_NOTE},
    [CPY_LOAD_FAST_CLEAR] = {0, 0, IS_UNBINDING},
    [CPY_STORE_FAST] = {1, 0, 0},
    [CPY_DELETE_FAST] = {0, 0, IS_UNBINDING},
    [CPY_STORE_GLOBAL] = {1, 0, 0},
    [CPY_STORE_NAME] = {1, 0, 0},
    [CPY_LOAD_FROM_DICT_OR_GLOBALS] = {1, 0, 0},
    [CPY_LOAD_FROM_DICT_OR_DEREF] = {1, 0, 0},
    [CPY_STORE_DEREF] = {1, 0, 0},
    [CPY_LOAD_CLOSURE] = {0, 0, IS_NOTE},
    [CPY_LOAD_ATTR] = {1, 0, 0},
    [CPY_LOAD_METHOD] = {1, 0, 0},
    [CPY_LOAD_SUPER_ATTR] = {3, 0, 0},
    [CPY_LOAD_SUPER_METHOD] = {3, 0, 0},
    [CPY_LOAD_SPECIAL] = {1, 0, 0},
    [CPY_STORE_ATTR] = {2, 0, 0},
    [CPY_DELETE_ATTR] = {1, 0, 0},
    [CPY_BINARY_SUBSCR] = {2, 0, 0},
    [CPY_STORE_SUBSCR] = {3, 0, 0},
    [CPY_DELETE_SUBSCR] = {2, 0, 0},
    [CPY_BINARY_SLICE] = {3, 0, 0},
    [CPY_STORE_SLICE] = {4, 0, 0},
    [CPY_BINARY_OP] = {2, 0, 0},
    [CPY_INPLACE_OP] = {2, 0, 0},
    [CPY_UNARY_NEGATIVE] = {1, 0, 0},
    [CPY_UNARY_POSITIVE] = {1, 0, 0},
    [CPY_UNARY_INVERT] = {1, 0, 0},
    [CPY_UNARY_NOT] = {1, 0, 0},
    [CPY_TO_BOOL] = {1, 0, 0},
    [CPY_COMPARE_OP] = {2, 0, 0},
    [CPY_IS_OP] = {2, 0, 0},
    [CPY_CONTAINS_OP] = {2, 0, 0},
    [CPY_GET_LEN] = {1, 0, 0},
    [CPY_BUILD_TUPLE] = {0, 1, 0},
    [CPY_BUILD_LIST] = {0, 1, 0},
    [CPY_BUILD_SET] = {0, 1, 0},
    [CPY_BUILD_MAP] = {0, 2, 0},
    [CPY_BUILD_CONST_KEY_MAP] = {1, 1, 0},
    [CPY_BUILD_STRING] = {0, 1, 0},
    [CPY_BUILD_SLICE] = {0, 1, 0},
    [CPY_BUILD_TEMPLATE] = {2, 0, 0},
    [CPY_BUILD_INTERPOLATION] = {0, POPS_OWN, 0},
    [CPY_LIST_APPEND] = {1, 1, 0},
    [CPY_SET_ADD] = {1, 1, 0},
    [CPY_MAP_ADD] = {2, 1, 0},
    [CPY_LIST_EXTEND] = {1, 1, 0},
    [CPY_SET_UPDATE] = {1, 1, 0},
    [CPY_DICT_UPDATE] = {1, 1, 0},
    [CPY_DICT_MERGE] = {1, 1, 0},
    [CPY_LIST_TO_TUPLE] = {1, 0, 0},
    [CPY_UNPACK_SEQUENCE] = {1, 0, 0},
    [CPY_UNPACK_EX] = {1, 0, 0},
    [CPY_FORMAT_VALUE] = {0, POPS_OWN, 0},
    [CPY_CONVERT_VALUE] = {1, 0, 0},
    [CPY_MAKE_FUNCTION] = {0, POPS_OWN, 0},
    [CPY_SET_FUNCTION_ATTRIBUTE] = {2, 0, 0},
    [CPY_KW_NAMES] = {0, 0, IS_NOTE},
    [CPY_CALL] = {2, 1, 0},
    [CPY_CALL_KW] = {3, 1, 0},
    [CPY_CALL_EX] = {0, POPS_OWN, 0},
    [CPY_RETURN_VALUE] = {1, 0, 0},
    [CPY_JUMP] = {0, 0, IS_JUMP},
    [CPY_JUMP_NO_INTERRUPT] = {0, 0, IS_JUMP},
    [CPY_POP_JUMP_IF_TRUE] = {1, 0, IS_JUMP},
    [CPY_POP_JUMP_IF_FALSE] = {1, 0, IS_JUMP},
    [CPY_POP_JUMP_IF_NONE] = {1, 0, IS_JUMP},
    [CPY_POP_JUMP_IF_NOT_NONE] = {1, 0, IS_JUMP},
    [CPY_JUMP_IF_TRUE_OR_POP] = {1, 0, IS_JUMP},
    [CPY_JUMP_IF_FALSE_OR_POP] = {1, 0, IS_JUMP},
    [CPY_GET_ITER] = {1, 0, 0},
    [CPY_FOR_ITER] = {1, 0, IS_JUMP},
    [CPY_YIELD_VALUE] = {1, 0, 0},
    [CPY_SEND] = {2, 0, IS_JUMP},
    [CPY_END_SEND] = {2, 0, 0},
    [CPY_CLEANUP_THROW] = {3, 0, 0},
    [CPY_GET_YIELD_FROM_ITER] = {1, 0, 0},
    [CPY_GET_AWAITABLE] = {1, 0, 0},
    [CPY_GET_AITER] = {1, 0, 0},
    [CPY_GET_ANEXT] = {1, 0, 0},
    [CPY_END_ASYNC_FOR] = {2, 0, 0},
    [CPY_ASYNC_GEN_WRAP] = {1, 0, IS_NOTE},
    [CPY_STOPITERATION_ERROR] = {1, 0, 0},
    [CPY_BEFORE_WITH] = {1, 0, 0},
    [CPY_BEFORE_ASYNC_WITH] = {1, 0, 0},
    [CPY_PUSH_EXC_INFO] = {1, 0, 0},
    [CPY_POP_EXCEPT] = {1, 0, 0},
    [CPY_CHECK_EXC_MATCH] = {2, 0, 0},
    [CPY_CHECK_EG_MATCH] = {2, 0, 0},
    [CPY_PREP_RERAISE_STAR] = {2, 0, 0},
    [CPY_RERAISE] = {1, 1, 0},
    [CPY_RAISE] = {0, 1, 0},
    [CPY_WITH_EXCEPT_START] = {0, 1, 0},
    [CPY_MATCH_CLASS] = {3, 0, 0},
    [CPY_MATCH_KEYS] = {2, 0, 0},
    [CPY_MATCH_MAPPING] = {1, 0, 0},
    [CPY_MATCH_SEQUENCE] = {1, 0, 0},
    [CPY_IMPORT_NAME] = {2, 0, 0},
    [CPY_IMPORT_FROM] = {1, 0, 0},
    [CPY_IMPORT_STAR] = {1, 0, 0},
    [CPY_PRINT_EXPR] = {1, 0, 0},
    [CPY_INTRINSIC_1] = {1, 0, 0},
    [CPY_INTRINSIC_2] = {2, 0, 0},
};

static int
make_function_slots(unsigned flags)
{
    return 1 + vm_bits_of_4(flags);
}

int
lower_own_pops(const CpyInsn *in)
{
    switch (in->op) {
    case CPY_FORMAT_VALUE: return in->arg & 4 ? 2 : 1;
    case CPY_MAKE_FUNCTION: return make_function_slots(in->arg);
    case CPY_CALL_EX: return 3 + (int)(in->arg & 1);
    case CPY_BUILD_INTERPOLATION: return 2 + (int)(in->arg & 1);
    default: return (int)in->arg > 0 ? (int)in->arg : 1 << 20;      /* COPY, SWAP */
    }
}

/* The ints that LOAD_SMALL_INT instructions have in themselves come behind the implied ones. */
void
lower_small_int(Lower *L, uint32_t value)
{
    uint32_t next = (uint32_t)PyTuple_GET_SIZE(L->co->co_consts) + VM_IMPLIED_COUNT;
    if (value > 255)
        lower_refuse(L, "a small int that is none");
    else if (L->small_int[value] == 0) {
        L->small_int[value] = (uint16_t)(next + L->n_small);
        L->small[L->n_small++] = (uint8_t)value;
    }
}

/* No compiler makes code without it. */
static void
need(Lower *L, int holds, const char *otherwise)
{
    if (!holds)
        lower_refuse(L, otherwise);
}

static int
is_cell(Lower *L, unsigned local)
{
    return cpy_code_local_kind(L->co, (int)local) & (CPY_CELL | CPY_FREE);
}

/* A local has a value.  Cells stay where they are, but for a comprehension's that stands in another
   function's code. */
static void
local_is_stored(Lower *L, unsigned x)
{
    need(L, CPY_HANDLERS_AT_END || !is_cell(L, x), "a variable that is a cell is used as none");
    bit_set(L->bound, x);
}

/* -- operators ------------------------------------------------------------------------ */

static const uint16_t binary_ops[2][13] = {
    {VM_ADD, VM_AND, VM_FDIV, VM_LSH, VM_MATMUL, VM_MUL, VM_REM, VM_OR, VM_POW, VM_RSH,
     VM_SUB, VM_DIV, VM_XOR},
    {VM_IADD, VM_IAND, VM_IFDIV, VM_ILSH, VM_IMATMUL, VM_IMUL, VM_IREM, VM_IOR, VM_IPOW,
     VM_IRSH, VM_ISUB, VM_IDIV, VM_IXOR},
};
static const uint16_t binary_imm_ops[2][13] = {
    {VM_ADDI, VM_ANDI, VM_FDIVI, VM_LSHI, 0, VM_MULI, VM_REMI, 0, 0, VM_RSHI, VM_SUBI},
    {VM_IADDI, VM_IANDI, VM_IFDIVI, VM_ILSHI, 0, VM_IMULI, VM_IREMI, 0, 0, VM_IRSHI,
     VM_ISUBI},
};
/* in the order Py_LT, Py_LE, Py_EQ, Py_NE, Py_GT, Py_GE */
static const uint16_t compare_ops[6] = {VM_LT, VM_LE, VM_EQ, VM_NE, VM_GT, VM_GE};
static const uint16_t compare_jumps[6][2][2] = {
    /* [kind][jump if true][immediate] */
#define ROW(NAME) \
    { \
        {VM_JF_##NAME, VM_JF_##NAME##I}, { VM_JT_##NAME, VM_JT_##NAME##I } \
    }
    ROW(LT),
    ROW(LE),
    ROW(EQ),
    ROW(NE),
    ROW(GT),
    ROW(GE),
#undef ROW
};

/* Is slot i a constant int that fits the immediate field? */
static int
immediate(Lower *L, int i, int *value)
{
    if (L->slots[i].kind != SLOT_CONST)
        return 0;
    VmWord w = L->code->consts[L->slots[i].index];
    if (!vm_is_int(w) || vm_int(w) < INT16_MIN || vm_int(w) > INT16_MAX)
        return 0;
    *value = (int)vm_int(w);
    return 1;
}

static void
lower_binary(Lower *L, unsigned kind, int inplace)
{
    int imm;
    unsigned a, b, op = binary_imm_ops[inplace][kind];
    if (op != 0 && immediate(L, L->depth - 1, &imm)) {
        a = lower_operand(L, L->depth - 2);
        b = (uint16_t)imm;
    }
    else {
        op = binary_ops[inplace][kind];
        a = lower_operand(L, L->depth - 2);
        b = lower_operand(L, L->depth - 1);
    }
    L->depth -= 2;
    lower_push_result(L, lower_emit(L, (int)op, lower_home(L, L->depth), a, b));
}

/* The operation after this one, when nothing can jump between them. */
static const CpyInsn *
next_unlabelled(Lower *L)
{
    if (L->at + 1 >= L->m.stream.n)
        return NULL;
    const CpyInsn *next = &L->m.stream.insns[L->at + 1];
    return L->label_of[next->start] != 0 ? NULL : next;
}

static void
lower_compare(Lower *L, unsigned kind)
{
    const CpyInsn *next = next_unlabelled(L);
    int fuse = next != NULL && L->m.stream.n < FUSE_LIMIT
               && (next->op == CPY_POP_JUMP_IF_TRUE || next->op == CPY_POP_JUMP_IF_FALSE);
    int imm = 0, use_imm = fuse && immediate(L, L->depth - 1, &imm);
    unsigned a = lower_operand(L, L->depth - 2);
    unsigned b = use_imm ? (uint16_t)imm : lower_operand(L, L->depth - 1);
    L->depth -= 2;
    if (!fuse) {
        lower_push_result(L, lower_emit(L, compare_ops[kind], lower_home(L, L->depth), a, b));
        return;
    }
    lower_slots_home(L, 0, L->depth);
    int if_true = next->op == CPY_POP_JUMP_IF_TRUE;
    uint32_t pc = lower_emit(L, compare_jumps[kind][if_true][use_imm], a, b, 0);
    lower_jump_to(L, pc, next->target, FIX_16);
    L->lowered[++L->at] = 1;
}

/* -- locals ---------------------------------------------------------------------------- */

static void
lower_load_fast(Lower *L, unsigned i, int check)
{
    if (check && (CPY_HANDLERS_AT_END || !bit_get(L->bound, i))) {
        lower_emit(L, VM_CHK, i, 0, 0);
        bit_set(L->bound, i);
    }
    lower_push_slot(L, SLOT_LOCAL, i);
}

static void
lower_store_fast(Lower *L, unsigned x)
{
    Slot *top = &L->slots[L->depth - 1];
    lower_keep_copies(L, x, L->depth - 1);
    switch (top->kind) {
    case SLOT_TEMP:
        if (!lower_retarget(L, x)) {
            L->depth--;
            lower_emit(L, VM_MOVT, x, lower_home(L, L->depth), 0);
            L->depth++;
        }
        break;
    case SLOT_LOCAL:
        lower_emit(L, VM_MOV_L, x, top->index, 0);
        break;
    case SLOT_CONST:
        lower_emit(L, VM_K_L, x, top->index, 0);
        break;
    default:
        lower_no_nulls(L, L->depth - 1, L->depth);
        break;
    }
    L->depth--;
    local_is_stored(L, x);
    L->producer = -1;
    L->changed = 1;             /* also when the producer does it: CPython would store again */
}

static void
lower_copy(Lower *L, int n)
{
    int from = L->depth - n;
    if (L->slots[from].kind != SLOT_TEMP) {
        L->slots[L->depth++] = L->slots[from];
        return;
    }
    lower_emit(L, VM_DUP, lower_home(L, L->depth), lower_home(L, from), 0);
    lower_push_temp(L);
}

static void
lower_swap(Lower *L, int n)
{
    int i = L->depth - n, j = L->depth - 1;
    Slot a = L->slots[i], b = L->slots[j];
    if (a.kind == SLOT_TEMP && b.kind == SLOT_TEMP)
        lower_emit(L, VM_SWAP, lower_home(L, i), lower_home(L, j), 0);
    else if (a.kind == SLOT_TEMP)
        lower_emit(L, VM_MOVE, lower_home(L, j), lower_home(L, i), 0);
    else if (b.kind == SLOT_TEMP)
        lower_emit(L, VM_MOVE, lower_home(L, i), lower_home(L, j), 0);
    L->slots[i] = b;
    L->slots[j] = a;
    L->producer = -1;
}

static void
lower_pop(Lower *L)
{
    L->depth--;
    if (L->slots[L->depth].kind == SLOT_TEMP)
        lower_emit(L, VM_DROP, lower_home(L, L->depth), 0, 0);
}

/* -- constants as objects -------------------------------------------------------------- */

/* A constant that is a number, of which co_consts has the one object. */
static int
is_number_object(Lower *L, const Slot *s)
{
    return s->kind == SLOT_CONST && L->code->consts[s->index] >= VM_DOUBLE_OFFSET
           && s->index < PyTuple_GET_SIZE(L->co->co_consts);
}

/* The same where that object is asked for: by `is`, and by callers. */
static unsigned
operand_object(Lower *L, int i)
{
    Slot *s = &L->slots[i];
    if (is_number_object(L, s)) {
        lower_emit(L, VM_KO, lower_home(L, i), s->index, 0);
        *s = (Slot){SLOT_TEMP, 0};
    }
    return lower_operand(L, i);
}

/* -- builders ------------------------------------------------------------------------- */

static void
lower_build_list(Lower *L, int op, unsigned n)
{
    int first = L->depth - (int)n;
    lower_no_nulls(L, first, L->depth);
    L->depth = first;
    uint32_t pc = lower_emit(L, op, lower_home(L, first), 0, 0);
    lower_emit_list(L, first, n);
    lower_push_result(L, pc);
}

static void
lower_build_window(Lower *L, int op, int n, unsigned c)
{
    unsigned base = lower_pop_window(L, n);
    lower_push_result(L, lower_emit(L, op, lower_home(L, L->depth), base, c));
}

/* -- calls ------------------------------------------------------------------------------- */

/* Is constant i the names of at most n arguments? */
static int
is_names(Lower *L, uint32_t i, unsigned n)
{
    if (i >= (uint32_t)PyTuple_GET_SIZE(L->co->co_consts))
        return 0;
    PyObject *names = PyTuple_GET_ITEM(L->co->co_consts, i);
    return PyTuple_CheckExact(names) && PyTuple_GET_SIZE(names) <= (Py_ssize_t)n;
}

static void
lower_call(Lower *L, unsigned n, uint32_t kwnames)
{
    if (kwnames != 0)
        need(L, is_names(L, kwnames - 1, n), "keyword names that are none");
    int args = L->depth - (int)n, pair = args - 2;
    int null_slot = CPY_CALL_NULL_FIRST ? pair : pair + 1;
    int callee_slot = CPY_CALL_NULL_FIRST ? pair + 1 : pair;
    lower_no_nulls(L, args, L->depth);
    uint32_t pc;
    if (kwnames == 0 && L->slots[null_slot].kind == SLOT_NULL) {
        unsigned callee = lower_operand(L, callee_slot);
        L->depth = pair;
        pc = lower_emit(L, VM_CALL, lower_home(L, pair), callee, lower_site(L, IC_CALL, 0));
    }
    else {
        lower_slots_home(L, pair, args);
        L->depth = pair;
        pc = kwnames != 0
                 ? lower_emit(L, VM_CALLKW, lower_home(L, pair), lower_home(L, pair),
                              lower_site(L, IC_KEYWORDS, kwnames - 1))
                 : lower_emit(L, VM_CALLM, lower_home(L, pair), lower_home(L, pair), lower_site(L, IC_CALL, 0));
    }
    lower_emit_list(L, args, n);
    lower_push_result(L, pc);
}

static void
lower_method(Lower *L, uint32_t name)
{
    unsigned o = lower_pop_operand(L);
    lower_emit(L, VM_GETM, lower_home(L, L->depth), o, lower_site(L, IC_ATTR, name));
    lower_push_temp(L);
    lower_push_temp(L);
    L->producer = -1;
}

static void
lower_super(Lower *L, const CpyInsn *in)
{
    unsigned window = lower_pop_window(L, 3), c = lower_site(L, IC_ATTR, in->arg);
    if (c < L->m.sites.n)
        AT(L->m.sites, VmSite, c).two_args = (uint8_t)in->arg2;
    if (in->op == CPY_LOAD_SUPER_ATTR) {
        lower_push_result(L, lower_emit(L, VM_SUPA, lower_home(L, L->depth), window, c));
        return;
    }
    lower_emit(L, VM_SUPM, lower_home(L, L->depth), window, c);
    lower_push_temp(L);
    lower_push_temp(L);
}

/* -- generators and unpacking ---------------------------------------------------------- */

/* A yield inside `yield from` or await: the RESUME behind it says so. */
static int
is_delegating(Lower *L)
{
    const CpyInsn *next = L->at + 1 < L->m.stream.n ? &L->m.stream.insns[L->at + 1] : NULL;
    return next != NULL && next->op == CPY_RESUME && (next->arg & 3) >= 2;
}

/* UNPACK_SEQUENCE followed by as many STORE_FASTs writes the locals at once. */
static void
lower_unpack(Lower *L, unsigned n)
{
    unsigned from = lower_pop_operand(L);
    unsigned stores = 0;
    while (stores < n && L->at + 1 + stores < L->m.stream.n) {
        const CpyInsn *s = &L->m.stream.insns[L->at + 1 + stores];
        if (s->op != CPY_STORE_FAST || L->label_of[s->start] != 0)
            break;
        stores++;
    }
    if (stores == n) {
        for (unsigned i = 0; i < n; i++)
            lower_keep_copies(L, L->m.stream.insns[L->at + 1 + i].arg, L->depth);
    }
    lower_emit(L, VM_UNP, 0, from, 0);
    uint16_t *w = lower_emit_words(L, vm_list_words(n));
    if (w == NULL)
        return;
    w[0] = (uint16_t)n;
    for (unsigned i = 0; i < n; i++) {      /* the first item ends on top */
        unsigned x = L->m.stream.insns[L->at + 1 + i].arg;
        w[i + 1] = (uint16_t)(stores == n ? x : lower_home(L, L->depth + (int)(n - 1 - i)));
        if (stores == n)
            local_is_stored(L, x);
    }
    if (stores == n) {
        for (unsigned i = 0; i < n; i++)
            L->lowered[++L->at] = 1;
        return;
    }
    for (unsigned i = 0; i < n; i++)
        lower_push_temp(L);
}

static void
lower_unpack_ex(Lower *L, unsigned arg)
{
    unsigned n = (arg & 0xFF) + (arg >> 8) + 1;
    unsigned from = lower_pop_operand(L);
    lower_emit(L, VM_UNPX, lower_home(L, L->depth), from, arg);
    for (unsigned i = 0; i < n; i++)
        lower_push_temp(L);
}

/* -- one operation --------------------------------------------------------------------- */

/* a -- b  with a consumed */
static void
lower_unary(Lower *L, int op, unsigned c)
{
    unsigned a = lower_pop_operand(L);
    lower_push_result(L, lower_emit(L, op, lower_home(L, L->depth), a, c));
}

/* a -- a b  with a only looked at */
static void
lower_peek(Lower *L, int op, unsigned c)
{
    unsigned a = lower_operand(L, L->depth - 1);
    lower_push_result(L, lower_emit(L, op, lower_home(L, L->depth), a, c));
}

static void
lower_into(Lower *L, int op, int depth)     /* LIST_APPEND and the like */
{
    need(L, depth > 0, "something put into itself");
    unsigned v = lower_pop_operand(L);
    lower_emit(L, op, lower_operand(L, L->depth - depth), v, 0);
}

/* Is slot i certainly a list that was made here? */
static int
is_list(Lower *L, int i)
{
    return L->slots[i].kind == SLOT_TEMP && L->slots[i].index;
}

/* The same for a list, of which nothing is asked when it runs. */
static void
lower_into_list(Lower *L, int op, int depth)
{
    need(L, is_list(L, L->depth - 1 - depth), "what a list takes goes elsewhere");
    lower_into(L, op, depth);
}

static void
lower_named(Lower *L, int op, uint32_t name)
{
    unsigned c = lower_site(L, IC_GLOBAL, name);
    lower_push_result(L, lower_emit(L, op, lower_home(L, L->depth), 0, c));
}

static void
lower_store_named(Lower *L, int op, uint32_t name)
{
    unsigned v = lower_pop_operand(L);
    lower_emit(L, op, v, 0, lower_site(L, IC_GLOBAL, name));
}

static void
lower_end(Lower *L, int op, unsigned a, unsigned b)
{
    lower_emit(L, op, a, b, 0);
    L->reachable = 0;
}

/* One of those that exist once, whoever makes them. */
static int
is_small_int(Lower *L, unsigned constant)
{
    VmWord w = L->code->consts[constant];
    return vm_is_int(w) && vm_int(w) >= VM_SMALL_MIN && vm_int(w) <= VM_SMALL_MAX;
}

static void
lower_return(Lower *L)
{
    Slot top = L->slots[L->depth - 1];
    need(L, L->depth == 1, "a return from the middle of the stack");
    if (top.kind == SLOT_CONST && (!is_number_object(L, &top) || is_small_int(L, top.index))) {
        L->depth--;
        lower_end(L, VM_RETK, top.index, 0);
        return;
    }
    unsigned v = operand_object(L, L->depth - 1);
    L->depth--;
    lower_end(L, VM_RET, v, 0);
}

static void
lower_reraise(Lower *L, int n)
{
    unsigned exc = lower_pop_window(L, 1);
    unsigned lasti = VM_NO_REG;
    if (n > 0) {
        lower_slots_home(L, L->depth - n, L->depth - n + 1);
        lasti = lower_home(L, L->depth - n);
    }
    lower_end(L, VM_RERAISE, exc, lasti);
}

/* A variable that holds its cell: that is made when the code begins, or, in a comprehension that
   stands in another function's code, when that does. */
static void
need_cell(Lower *L, unsigned local)
{
    int made = bit_get(L->bound, local) || local >= 64 * BOUND_WORDS
               || (CPY_HANDLERS_AT_END && bit_get(L->deletable, local));
    need(L, made && is_cell(L, local), "a variable that is no cell is used as one");
}

#define DEPTH_CHECK(n) \
    if (L->depth < (int)(n)) { \
        lower_refuse(L, "stack underflow"); \
        return; \
    }

void
lower_operation(Lower *L, const CpyInsn *in)
{
    uint32_t arg = in->arg;
    unsigned a, b, c;
    switch (in->op) {
    case CPY_RESUME:
        if ((arg & 3) == 1)     /* behind a yield; calls poll by themselves */
            lower_emit(L, VM_RESUME, 0, 0, 0);
        /* fall through */
    case CPY_NOP:
        L->producer = -1;
        break;
    case CPY_POP: lower_pop(L); break;
    case CPY_COPY: lower_copy(L, (int)arg); break;
    case CPY_SWAP: lower_swap(L, (int)arg); break;
    case CPY_PUSH_NULL: lower_push_slot(L, SLOT_NULL, 0); break;
    case CPY_LOAD_CONST: lower_push_slot(L, SLOT_CONST, arg); break;
    case CPY_LOAD_SMALL_INT: lower_push_slot(L, SLOT_CONST, L->small_int[arg & 255]); break;
    case CPY_LOAD_COMMON: lower_push_implied(L, arg); break;
    case CPY_LOAD_FAST: lower_load_fast(L, arg, 0); break;
    case CPY_LOAD_FAST_CHECK: lower_load_fast(L, arg, 1); break;
    case CPY_LOAD_FAST_CLEAR:
        lower_keep_copies(L, arg, L->depth);
        lower_emit(L, VM_TAKE, lower_home(L, L->depth), arg, 0);
        bit_clear(L->bound, arg);
        lower_push_temp(L);
        break;
    case CPY_STORE_FAST: lower_store_fast(L, arg); break;
    case CPY_DELETE_FAST:
        lower_keep_copies(L, arg, L->depth);
        lower_emit(L, VM_UNBIND, arg, 0, 0);
        bit_clear(L->bound, arg);
        break;

    case CPY_LOAD_GLOBAL: lower_named(L, VM_LDG, arg); break;
    case CPY_STORE_GLOBAL: lower_store_named(L, VM_STG, arg); break;
    case CPY_DELETE_GLOBAL: lower_emit(L, VM_DELG, 0, 0, lower_site(L, IC_GLOBAL, arg)); break;
    case CPY_LOAD_NAME: lower_named(L, VM_LDN, arg); break;
    case CPY_STORE_NAME: lower_store_named(L, VM_STN, arg); break;
    case CPY_DELETE_NAME: lower_emit(L, VM_DELN, 0, 0, lower_site(L, IC_GLOBAL, arg)); break;
    case CPY_LOAD_LOCALS: lower_push_result(L, lower_emit(L, VM_LDLOC, lower_home(L, L->depth), 0, 0)); break;
    case CPY_LOAD_FROM_DICT_OR_GLOBALS:
        lower_unary(L, VM_LDMG, lower_site(L, IC_GLOBAL, arg));
        break;
    case CPY_LOAD_FROM_DICT_OR_DEREF: lower_unary(L, VM_LDMC, arg); break;
    case CPY_LOAD_CLASSDEREF:
        need_cell(L, arg);
        lower_push_result(L, lower_emit(L, VM_LDCC, lower_home(L, L->depth), arg, 0));
        break;
    case CPY_LOAD_DEREF:
        need_cell(L, arg);
        lower_push_result(L, lower_emit(L, VM_LDC, lower_home(L, L->depth), arg, 0));
        break;
    case CPY_STORE_DEREF:
        need_cell(L, arg);
        a = lower_pop_operand(L);
        lower_emit(L, VM_STC, arg, a, 0);
        break;
    case CPY_DELETE_DEREF:
        need_cell(L, arg);
        lower_emit(L, VM_DELC, arg, 0, 0);
        break;
    case CPY_LOAD_CLOSURE:
        need_cell(L, arg);
        lower_push_slot(L, SLOT_LOCAL, arg);
        break;
    case CPY_MAKE_CELL:
        lower_emit(L, VM_NEWCELL, arg, 0, 0);
        bit_set(L->bound, arg);
        break;
    case CPY_COPY_FREE_VARS:
        need(L, arg == (uint32_t)cpy_code_nfreevars(L->co), "free variables of another number");
        lower_emit(L, VM_FREEV, arg, 0, 0);
        for (uint32_t i = 1; i <= arg; i++)
            bit_set(L->bound, L->code->nlocals - i);
        break;
    case CPY_SETUP_ANNOTATIONS: lower_emit(L, VM_SETANN, 0, 0, 0); break;
    case CPY_LOAD_BUILD_CLASS:
        lower_push_result(L, lower_emit(L, VM_BUILDCLS, lower_home(L, L->depth), 0, 0));
        break;

    case CPY_LOAD_ATTR: lower_unary(L, VM_GETA, lower_site(L, IC_ATTR, arg)); break;
    case CPY_LOAD_METHOD: lower_method(L, arg); break;
    case CPY_LOAD_SUPER_ATTR:
    case CPY_LOAD_SUPER_METHOD: lower_super(L, in); break;
    case CPY_LOAD_SPECIAL:
        a = lower_pop_operand(L);
        lower_emit(L, VM_SPECIAL, lower_home(L, L->depth), a, arg);
        lower_push_temp(L);
        lower_push_temp(L);
        break;
    case CPY_STORE_ATTR:
        a = lower_operand(L, L->depth - 1);
        b = lower_operand(L, L->depth - 2);
        L->depth -= 2;
        lower_emit(L, VM_SETA, a, b, lower_site(L, IC_ATTR, arg));
        break;
    case CPY_DELETE_ATTR:
        a = lower_pop_operand(L);
        lower_emit(L, VM_DELA, a, 0, lower_site(L, IC_ATTR, arg));
        break;
    case CPY_BINARY_SUBSCR: {
        int imm;
        int has = immediate(L, L->depth - 1, &imm);
        a = lower_operand(L, L->depth - 2);
        b = has ? (uint16_t)imm : lower_operand(L, L->depth - 1);
        L->depth -= 2;
        lower_push_result(L, lower_emit(L, has ? VM_GETII : VM_GETI, lower_home(L, L->depth), a, b));
        break;
    }
    case CPY_STORE_SUBSCR:
        c = lower_operand(L, L->depth - 3);
        a = lower_operand(L, L->depth - 2);
        b = lower_operand(L, L->depth - 1);
        L->depth -= 3;
        lower_emit(L, VM_SETI, a, b, c);
        break;
    case CPY_DELETE_SUBSCR:
        a = lower_operand(L, L->depth - 2);
        b = lower_operand(L, L->depth - 1);
        L->depth -= 2;
        lower_emit(L, VM_DELI, a, b, 0);
        break;
    case CPY_BINARY_SLICE: lower_build_window(L, VM_GETSL, 3, 0); break;
    case CPY_STORE_SLICE:
        b = lower_pop_window(L, 4);
        lower_emit(L, VM_SETSL, 0, b, 0);
        break;

    case CPY_BINARY_OP: lower_binary(L, arg, 0); break;
    case CPY_INPLACE_OP: lower_binary(L, arg, 1); break;
    case CPY_UNARY_NEGATIVE: lower_unary(L, VM_NEG, 0); break;
    case CPY_UNARY_POSITIVE: lower_unary(L, VM_POS, 0); break;
    case CPY_UNARY_INVERT: lower_unary(L, VM_INV, 0); break;
    case CPY_UNARY_NOT: lower_unary(L, VM_NOT, 0); break;
    case CPY_TO_BOOL: lower_unary(L, VM_BOOL, 0); break;
    case CPY_COMPARE_OP: lower_compare(L, arg); break;
    case CPY_IS_OP:
        a = operand_object(L, L->depth - 2);
        b = operand_object(L, L->depth - 1);
        L->depth -= 2;
        lower_push_result(L, lower_emit(L, arg ? VM_ISN : VM_IS, lower_home(L, L->depth), a, b));
        break;
    case CPY_CONTAINS_OP:
        a = lower_operand(L, L->depth - 2);
        b = lower_operand(L, L->depth - 1);
        L->depth -= 2;
        lower_push_result(L, lower_emit(L, arg ? VM_NIN : VM_IN, lower_home(L, L->depth), a, b));
        break;
    case CPY_GET_LEN: lower_peek(L, VM_LEN, 0); break;

    case CPY_BUILD_TUPLE: lower_build_list(L, VM_TUP, arg); break;
    case CPY_BUILD_LIST:
        lower_build_list(L, VM_LST, arg);
        L->slots[L->depth - 1].index = 1;
        break;
    case CPY_BUILD_SET: lower_build_window(L, VM_SET, (int)arg, arg); break;
    case CPY_BUILD_MAP: lower_build_window(L, VM_MAP, 2 * (int)arg, arg); break;
    case CPY_BUILD_CONST_KEY_MAP: lower_build_window(L, VM_KMAP, (int)arg + 1, arg); break;
    case CPY_BUILD_STRING: lower_build_window(L, VM_STR, (int)arg, arg); break;
    case CPY_BUILD_SLICE:
        need(L, arg == 2 || arg == 3, "a slice of so many items");
        lower_build_window(L, VM_SLICE, (int)arg, arg);
        break;
    case CPY_LIST_APPEND: lower_into_list(L, VM_LAPP, (int)arg); break;
    case CPY_SET_ADD: lower_into(L, VM_SADD, (int)arg); break;
    case CPY_MAP_ADD:
        need(L, arg > 0, "something put into itself");
        b = lower_pop_window(L, 2);
        lower_emit(L, VM_MADD, lower_operand(L, L->depth - (int)arg), b, 0);
        break;
    case CPY_LIST_EXTEND: lower_into_list(L, VM_LEXT, (int)arg); break;
    case CPY_SET_UPDATE: lower_into(L, VM_SUPD, (int)arg); break;
    case CPY_DICT_UPDATE: lower_into(L, VM_DUPD, (int)arg); break;
    case CPY_DICT_MERGE: {
        int callee = L->depth - 1 - (int)arg - 2 + (CPY_CALL_NULL_FIRST ? 0 : -1);
        DEPTH_CHECK(arg + 3);
        b = lower_pop_operand(L);
        c = callee >= 0 && L->slots[callee].kind != SLOT_NULL ? lower_operand(L, callee)
                                                              : VM_NO_REG;
        lower_emit(L, VM_DMRG, lower_operand(L, L->depth - (int)arg), b, c);
        break;
    }
    case CPY_LIST_TO_TUPLE: lower_unary(L, VM_L2T, 0); break;
    case CPY_UNPACK_SEQUENCE: lower_unpack(L, arg); break;
    case CPY_UNPACK_EX: lower_unpack_ex(L, arg); break;
    case CPY_FORMAT_VALUE:
        if (arg & 4)
            lower_build_window(L, VM_FMTS, 2, arg & 3);
        else
            lower_unary(L, VM_FMT, arg & 3);
        break;
    case CPY_CONVERT_VALUE: lower_unary(L, VM_CONV, arg); break;
    case CPY_BUILD_TEMPLATE: lower_build_window(L, VM_TMPL, 2, 0); break;
    case CPY_BUILD_INTERPOLATION: lower_build_window(L, VM_INTERP, 2 + (int)(arg & 1), arg); break;

    case CPY_MAKE_FUNCTION:
        need(L, arg <= 15, "a function made otherwise");
        lower_build_window(L, VM_MKFN, make_function_slots(arg), arg);
        break;
    case CPY_SET_FUNCTION_ATTRIBUTE: lower_build_window(L, VM_FNATTR, 2, arg); break;
    case CPY_KW_NAMES:
        L->kwnames = arg + 1;
        break;
    case CPY_CALL:
        lower_call(L, arg, L->kwnames);
        L->kwnames = 0;
        break;
    case CPY_CALL_KW:
        L->depth--;
        if (L->slots[L->depth].kind != SLOT_CONST)
            lower_refuse(L, "keyword names are not a constant");
        else
            lower_call(L, arg, L->slots[L->depth].index + 1u);
        break;
    case CPY_CALL_EX:
        lower_build_window(L, VM_CALLX, 3 + (int)(arg & 1), arg & 1);
        break;
    case CPY_RETURN_VALUE: lower_return(L); break;

    case CPY_JUMP:
    case CPY_JUMP_NO_INTERRUPT: lower_jump(L, in); break;
    case CPY_POP_JUMP_IF_TRUE: lower_pop_jump(L, VM_JT, in->target); break;
    case CPY_POP_JUMP_IF_FALSE: lower_pop_jump(L, VM_JF, in->target); break;
    case CPY_POP_JUMP_IF_NONE: lower_pop_jump(L, VM_JNONE, in->target); break;
    case CPY_POP_JUMP_IF_NOT_NONE: lower_pop_jump(L, VM_JNNONE, in->target); break;
    case CPY_JUMP_IF_TRUE_OR_POP: lower_jump_or_pop(L, VM_JTK, in->target); break;
    case CPY_JUMP_IF_FALSE_OR_POP: lower_jump_or_pop(L, VM_JFK, in->target); break;
    case CPY_GET_ITER: lower_unary(L, VM_ITER, 0); break;
    case CPY_FOR_ITER: lower_for(L, in); break;

    case CPY_RETURN_GENERATOR:
        lower_emit(L, VM_GEN, lower_home(L, L->depth), 0, 0);
        lower_push_temp(L);
        break;
    case CPY_YIELD_VALUE:
        a = lower_pop_operand(L);
        lower_emit(L, VM_YIELD, lower_home(L, L->depth), a,
                   L->async_yield ? 2 : (unsigned)is_delegating(L));
        L->async_yield = 0;
        lower_push_temp(L);
        break;
    case CPY_SEND: lower_send(L, in); break;
    case CPY_END_SEND:
        a = lower_home(L, L->depth - 2);
        lower_slots_home(L, L->depth - 2, L->depth);
        lower_emit(L, VM_SWAP, a, a + 1, 0);
        L->depth--;
        L->slots[L->depth - 1] = L->slots[L->depth];
        lower_emit(L, VM_DROP, a + 1, 0, 0);
        break;
    case CPY_CLEANUP_THROW:
        a = lower_pop_window(L, 3);
        lower_emit(L, VM_CTHROW, a, 0, 0);
        lower_push_temp(L);
        lower_push_temp(L);
        break;
    case CPY_GET_YIELD_FROM_ITER: lower_unary(L, VM_YFITER, 0); break;
    case CPY_GET_AWAITABLE: lower_unary(L, VM_AWAITBL, arg); break;
    case CPY_GET_AITER: lower_unary(L, VM_AITER, 0); break;
    case CPY_GET_ANEXT: lower_peek(L, VM_ANEXT, 0); break;
    case CPY_END_ASYNC_FOR:
        a = lower_pop_window(L, 2);
        lower_emit(L, VM_ENDAF, a, 0, 0);
        break;
    case CPY_ASYNC_GEN_WRAP:        /* the YIELD that follows says it is an async one */
        L->async_yield = 1;
        break;
    case CPY_STOPITERATION_ERROR: lower_unary(L, VM_STOPERR, 0); break;
    case CPY_BEFORE_WITH:
    case CPY_BEFORE_ASYNC_WITH:
        a = lower_pop_operand(L);
        lower_emit(L, in->op == CPY_BEFORE_WITH ? VM_WITH : VM_AWITH, lower_home(L, L->depth), a, 0);
        lower_push_temp(L);
        lower_push_temp(L);
        break;

    case CPY_PUSH_EXC_INFO:
        a = lower_pop_window(L, 1);
        lower_emit(L, VM_PUSHEXC, a, 0, 0);
        lower_push_temp(L);
        lower_push_temp(L);
        break;
    case CPY_POP_EXCEPT:
        a = lower_pop_operand(L);
        lower_emit(L, VM_POPEXC, a, 0, 0);
        break;
    case CPY_CHECK_EXC_MATCH:
        b = lower_operand(L, L->depth - 2);
        c = lower_operand(L, L->depth - 1);
        L->depth--;
        lower_push_result(L, lower_emit(L, VM_XMATCH, lower_home(L, L->depth), b, c));
        break;
    case CPY_CHECK_EG_MATCH:
        a = lower_pop_window(L, 2);
        lower_emit(L, VM_EGMATCH, a, 0, 0);
        lower_push_temp(L);
        lower_push_temp(L);
        break;
    case CPY_PREP_RERAISE_STAR:
        need(L, is_list(L, L->depth - 1), "exceptions that are in no list");
        lower_build_window(L, VM_EGPREP, 2, 0);
        break;
    case CPY_RERAISE: lower_reraise(L, (int)arg); break;
    case CPY_RAISE:
        a = lower_pop_window(L, (int)arg);
        lower_end(L, VM_RAISE, a, arg);
        break;
    case CPY_WITH_EXCEPT_START:
        lower_slots_home(L, L->depth - (int)arg, L->depth);
        b = lower_home(L, L->depth - (int)arg);
        c = lower_home(L, L->depth - 1);
        lower_emit(L, VM_WEXC, lower_home(L, L->depth), b, c);
        lower_push_temp(L);
        break;

    case CPY_MATCH_CLASS: lower_build_window(L, VM_MCLS, 3, arg); break;
    case CPY_MATCH_KEYS:
        b = lower_operand(L, L->depth - 2);
        c = lower_operand(L, L->depth - 1);
        lower_emit(L, VM_MKEYS, lower_home(L, L->depth), b, c);
        lower_push_temp(L);
        break;
    case CPY_MATCH_MAPPING: lower_peek(L, VM_MMAP, 0); break;
    case CPY_MATCH_SEQUENCE: lower_peek(L, VM_MSEQ, 0); break;
    case CPY_IMPORT_NAME:
        lower_build_window(L, VM_IMP, 2, lower_site(L, IC_GLOBAL, arg));
        break;
    case CPY_IMPORT_FROM: lower_peek(L, VM_IMPF, lower_site(L, IC_ATTR, arg)); break;
    case CPY_IMPORT_STAR:
        a = lower_pop_operand(L);
        lower_emit(L, VM_IMPSTAR, a, 0, 0);
        if (arg)
            lower_push_implied(L, VM_IMPLIED_NONE);
        break;
    case CPY_PRINT_EXPR:
        a = lower_pop_operand(L);
        lower_emit(L, VM_PRINT, a, 0, 0);
        if (arg)
            lower_push_implied(L, VM_IMPLIED_NONE);
        break;
    case CPY_INTRINSIC_1: lower_unary(L, VM_INTR1, arg); break;
    case CPY_INTRINSIC_2: lower_build_window(L, VM_INTR2, 2, arg); break;
    default:
        lower_refuse(L, cpy_op_name(in->op));
        break;
    }
}
