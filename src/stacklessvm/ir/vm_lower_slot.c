/* Lowering: where the items of CPython's stack are, instructions and their maps. */
#include "ir/vm_lower.h"

/* -- growing buffers ----------------------------------------------------------- */

void *
lower_grow(Lower *L, Buffer *b, uint32_t count)
{
    uint32_t room = b->room * 2 + count + 64;
    void *data = PyMem_Realloc(b->data, (size_t)room * b->size);
    if (data == NULL) {
        L->failed = 1;
        return NULL;
    }
    b->data = data;
    b->room = room;
    void *p = (char *)b->data + (size_t)b->n * b->size;
    b->n += count;
    return p;
}

/* -- maps ------------------------------------------------------------------------ */

static inline uint16_t
slot_place(Slot s, unsigned home)
{
    static const uint16_t beside_index[] = {[SLOT_CONST] = VM_OPERAND_CONST, [SLOT_NULL] = VM_NO_REG};
    uint16_t other = beside_index[s.kind] | s.index;
    return s.kind == SLOT_TEMP ? (uint16_t)home : other;
}

/* Index of the map for the present state; equal neighbours share one. */
static inline uint32_t
current_map(Lower *L)
{
    int deep = L->pre_depth > L->depth ? L->pre_depth : L->depth;
    if (deep == 0)
        return 0;
    uint16_t *m = lower_add(L, &L->m.maps, (uint32_t)deep + 2, sizeof *m);
    if (m == NULL)
        return 0;
    uint32_t index = L->m.maps.n - (uint32_t)deep - 2;
    const uint16_t *last = &AT(L->m.maps, uint16_t, L->last_map);
    m[0] = (uint16_t)L->pre_depth;
    m[1] = (uint16_t)L->depth;
    int differ = L->last_map == 0 || last[0] != m[0] || last[1] != m[1];
    const Slot *slots = L->slots;
    unsigned home = lower_home(L, 0);
    for (int i = 0; i < deep; i++) {
        uint16_t place = slot_place(slots[i], home + (unsigned)i);
        m[2 + i] = place;
        differ |= place ^ last[2 + i];          /* behind a shorter one is this one itself */
    }
    if (!differ) {
        L->m.maps.n = index;
        return L->last_map;
    }
    L->last_map = index;
    return index;
}

/* -- emitting --------------------------------------------------------------------- */

/* Is a slot brought home that CPython, going on at resume_at, would push again? */
static int
leaves_resume(Lower *L, unsigned a)
{
    unsigned base = L->code->nlocals;
    return a >= base + (unsigned)L->pre_depth && a < base + (unsigned)L->first_depth;
}

/* One that brings a slot home changes nothing. */
static uint32_t
emit_home(Lower *L, int op, unsigned a, unsigned b)
{
    uint32_t pc = L->m.insns.n;
    int leaves = leaves_resume(L, a);
    VmInsn *insn = lower_add(L, &L->m.insns, 1, sizeof *insn);
    VmWhere *where = lower_add(L, &L->m.where, 1, sizeof *where);
    if (insn == NULL || where == NULL)
        return 0;
    *insn = (VmInsn){(uint16_t)op, (uint16_t)a, (uint16_t)b, 0};
    *where = (VmWhere){L->word, 0, VM_NO_RESUME};
    L->producer = -1;
    if (!leaves)
        return pc;
    if (!L->changed)
        where->resume = cpy_resume_word(&L->m.stream, L->resume_at);
    where->map = current_map(L);
    L->resume_at = L->at;
    L->pre_depth = L->first_depth;
    L->changed |= !L->first;
    return pc;
}

uint32_t
lower_emit(Lower *L, int op, unsigned a, unsigned b, unsigned c)
{
    uint32_t pc = L->m.insns.n;
    VmInsn *insn = lower_add(L, &L->m.insns, 1, sizeof *insn);
    VmWhere *where = lower_add(L, &L->m.where, 1, sizeof *where);
    if (insn == NULL || where == NULL)
        return 0;
    *insn = (VmInsn){(uint16_t)op, (uint16_t)a, (uint16_t)b, (uint16_t)c};
    where->word = L->word;
    where->resume = VM_NO_RESUME;
    where->map = 0;
    if (vm_op_flags(op) & (VM_RAISES | VM_BOUNDARY)) {
        if (!L->changed)
            where->resume = cpy_resume_word(&L->m.stream, L->resume_at);
        where->map = current_map(L);
    }
    if (L->range != NULL && vm_op_flags(op) & VM_RAISES)
        lower_may_raise(L);
    L->changed = 1;
    L->producer = -1;
    return pc;
}

/* `where` stays parallel. */
uint16_t *
lower_emit_words(Lower *L, unsigned n)
{
    VmInsn *words = lower_add(L, &L->m.insns, n, sizeof *words);
    VmWhere *where = lower_add(L, &L->m.where, n, sizeof *where);
    if (words == NULL || where == NULL || L->failed)
        return NULL;
    memset(words, 0, n * sizeof *words);
    for (unsigned i = 0; i < n; i++)
        where[i] = where[-1];
    return (uint16_t *)words;
}

unsigned
lower_site(Lower *L, VmCacheKind kind, uint32_t name)
{
    VmSite *site = lower_add(L, &L->m.sites, 1, sizeof *site);
    if (site == NULL)
        return 0;
    *site = (VmSite){.index = name, .kind = (uint8_t)kind};
    if (L->m.sites.n > 0xFFFF)
        lower_refuse(L, "too many call and name sites");
    return L->m.sites.n - 1;
}

/* -- slots ------------------------------------------------------------------------- */

void
lower_slot_home(Lower *L, int i)
{
    Slot *s = &L->slots[i];
    switch (s->kind) {
    case SLOT_TEMP:
        return;
    case SLOT_LOCAL:
        emit_home(L, VM_MOV, lower_home(L, i), s->index);
        break;
    case SLOT_CONST:
        emit_home(L, VM_K, lower_home(L, i), s->index);
        break;
    default:
        emit_home(L, VM_CLR, lower_home(L, i), 0);
        break;
    }
    *s = (Slot){SLOT_TEMP, 0};
}

void
lower_keep_copies(Lower *L, unsigned x, int to)
{
    for (int i = 0; i < to; i++) {
        if (L->slots[i].kind == SLOT_LOCAL && L->slots[i].index == x)
            lower_slot_home(L, i);
    }
}

int
lower_retarget(Lower *L, unsigned x)
{
    if (L->producer < 0)
        return 0;
    VmInsn *insn = lower_insn(L, (uint32_t)L->producer);
    int flags = vm_op_flags(insn->op);
    if (flags & VM_DST)
        insn->op++;
    else if (!(flags & VM_ANYDST))
        return 0;
    insn->a = (uint16_t)x;
    return 1;
}

/* -- operand lists ------------------------------------------------------------------- */

void
lower_emit_list(Lower *L, int first, unsigned n)
{
    uint16_t *w = lower_emit_words(L, vm_list_words(n));
    if (w == NULL)
        return;
    w[0] = (uint16_t)n;
    for (unsigned i = 0; i < n; i++)
        w[i + 1] = slot_place(L->slots[first + (int)i], lower_home(L, first + (int)i));
}

void
lower_no_nulls(Lower *L, int from, int to)
{
    for (int i = from; i < to; i++) {
        if (L->slots[i].kind == SLOT_NULL)
            lower_refuse(L, "NULL as a value");
    }
}
