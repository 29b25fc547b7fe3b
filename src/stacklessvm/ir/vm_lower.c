/* Lowering: CPython's stack code (as neutral operations) to register instructions.
 *
 * One linear pass.  CPython's stack is followed symbolically: a slot is a temporary in
 * its home register, or still only a local, a constant or NULL (LOAD_FAST and LOAD_CONST
 * cost nothing until the value must be somewhere).  What keeps this right:
 *
 *  - at every label and every start of a protected range all slots are in their homes;
 *  - before a local is stored or deleted, slots that stand for it are copied home;
 *  - a temporary has one definition and one use, so its register never holds garbage
 *    that anybody would release: instructions consume their temporary operands;
 *  - every instruction that can raise or call out has a map of CPython's stack;
 *  - whatever way leads to a label or a handler, the stack is as deep there, and what the code
 *    there relies on holds: locals that are bound, slots that are lists.  A compiler's code is
 *    like that; what isn't is refused.
 *
 * Code that is reached only by a later backward jump (cold handlers placed at the end)
 * is lowered when that jump has been seen.
 */
#include "ir/vm_lower.h"

#include "ir/vm_arena.h"
#include "ir/vm_cache.h"

/* -- the pass ------------------------------------------------------------------------------ */

/* CPython can go on at the start of its instruction only.  What follows has the map of that start
   as long as nothing was done: further operations of the instruction, and what comes behind
   loads.  So a line's first instruction is where CPython goes on, and a tracer sees the line. */
static void
enter_group(Lower *L, uint32_t start, int first)
{
    int goes_on = first ? L->pushing : L->group == start;
    L->group = start;
    L->first = first;
    if (first)
        L->first_depth = L->depth;
    if (goes_on && !L->changed)
        return;
    L->changed = !first;
    L->resume_at = L->at;
    L->pre_depth = L->depth;
}

/* Operations that only push a slot, most of all there are; 0: it is another. */
static inline int
push_only(Lower *L, const CpyInsn *in)
{
    switch (in->op) {
    case CPY_LOAD_CONST: lower_push_slot(L, SLOT_CONST, in->arg); return 1;
    case CPY_LOAD_FAST_CHECK:
        if (CPY_HANDLERS_AT_END || !bit_get(L->bound, in->arg))
            return 0;
        /* fall through */
    case CPY_LOAD_FAST: lower_push_slot(L, SLOT_LOCAL, in->arg); return 1;
    case CPY_PUSH_NULL: lower_push_slot(L, SLOT_NULL, 0); return 1;
    default: return 0;
    }
}

/* Lower from operation `from` until control can't fall through to anything new. */
static void
lower_run(Lower *L, uint32_t from, int whole)
{
    const CpyStream *s = &L->m.stream;
    L->pushing = 0;
    for (L->at = from; L->at < s->n && !L->failed && !L->refused; L->at++) {
        const CpyInsn *in = &s->insns[L->at];
        int first = L->at == 0 || in[-1].start != in->start;
        Label *label = first ? lower_label_at(L, in->start) : NULL;
        if (label != NULL) {
            if (label->pc != NOT_YET || L->lowered[L->at]) {
                if (L->reachable) {     /* fell into code that is there already */
                    lower_slots_home(L, 0, L->depth);
                    lower_jump_to(L, lower_emit(L, VM_J, 0, 0, 0), in->start, FIX_32);
                    L->reachable = 0;
                }
                if (!whole)
                    return;
                continue;
            }
            if (L->reachable || label->depth >= 0)
                lower_enter_label(L, label);
        }
        if (!L->reachable) {
            if (!whole)
                return;
            continue;
        }
        L->word = in->word;
        L->lowered[L->at] = 1;
        enter_group(L, in->start, first);
        if (first && s->n_handlers > 0)
            lower_enter_range(L, in->start, in->word);
        L->pushing = lower_kinds[in->op].is & IS_NOTE;
        if (!L->pushing || !push_only(L, in)) {
            if (L->depth < lower_pops(in)) {
                lower_refuse(L, "stack underflow");
                return;
            }
            lower_operation(L, in);
        }
        if (L->depth > L->max_depth)
            lower_refuse(L, "stack overflow");
    }
    if (L->reachable && L->at >= s->n)
        lower_refuse(L, "code runs off its end");
    L->reachable = 0;
}

/* Labels that were jumped to but not passed: code reached only backward. */
static void
lower_pending(Lower *L)
{
    int again = 1;
    while (again && !L->failed && !L->refused) {
        again = 0;
        for (uint32_t i = 0; i < L->m.labels.n && !L->failed && !L->refused; i++) {
            Label *label = &AT(L->m.labels, Label, i);
            if (label->pc != NOT_YET || label->depth < 0)
                continue;
            L->reachable = 0;
            lower_run(L, label->insn, 0);
            again = 1;
        }
    }
}

static void
lower_all(Lower *L)
{
    for (unsigned i = 0; i < L->code->nargs_total; i++) {
        if (!(cpy_code_local_kind(L->co, (int)i) & CPY_CELL))       /* one is made first */
            bit_set(L->bound, i);
    }
    uint16_t *m = lower_add(L, &L->m.maps, 2, sizeof *m);
    if (m == NULL)
        return;
    m[0] = m[1] = 0;
    L->reachable = 1;
    lower_run(L, 0, 1);
    lower_pending(L);
    if (!L->failed && !L->refused)
        lower_apply_fixes(L);
}

/* -- memory --------------------------------------------------------------------------------- */

#define KEPT_BYTES (1 << 20)    /* of one buffer; larger ones are given back */

static LowerMemory kept = {
    .insns = {.size = sizeof(VmInsn)},
    .where = {.size = sizeof(VmWhere)},
    .maps = {.size = sizeof(uint16_t)},
    .sites = {.size = sizeof(VmSite)},
    .fixes = {.size = sizeof(Fix)},
    .labels = {.size = sizeof(Label)},
    .label_of = {.size = sizeof(uint32_t)},
    .lowered = {.size = 1},
    .slots = {.size = sizeof(Slot)},
    .handlers = {.size = sizeof(VmHandler)},
};

static uint16_t kept_small_int[256];    /* zeros in between */
static uint8_t kept_small[256];

static void
keep_buffer(Buffer *b)
{
    b->n = 0;
    if ((size_t)b->room * b->size <= KEPT_BYTES)
        return;
    PyMem_Free(b->data);
    b->data = NULL;
    b->room = 0;
}

static void
keep_memory(Lower *L)
{
    LowerMemory *m = &L->m;
    Buffer *all[] = {&m->insns, &m->where, &m->maps, &m->sites, &m->fixes, &m->labels,
                     &m->label_of, &m->lowered, &m->slots, &m->handlers};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        keep_buffer(all[i]);
    if (m->stream.room > KEPT_BYTES)
        cpy_stream_free(&m->stream);
    kept = *m;
    for (unsigned i = 0; i < L->n_small; i++)
        kept_small_int[kept_small[i]] = 0;
}

/* -> zeroed; NULL with `failed` set */
static void *
clean(Lower *L, Buffer *b, uint32_t n)
{
    void *data = lower_add(L, b, n, b->size);
    if (data != NULL)
        memset(data, 0, (size_t)n * b->size);
    return data;
}

static int
lower_tables(Lower *L)
{
    L->label_of = clean(L, &L->m.label_of, L->m.stream.n_words + 2);
    L->lowered = clean(L, &L->m.lowered, L->m.stream.n + 2);
    L->max_depth = L->code->nregs - L->code->nlocals;
    L->slots = clean(L, &L->m.slots, (uint32_t)L->max_depth + SLOTS_SPARE);
    if (L->failed || lower_find_labels(L) < 0)
        return -1;
    vm_code_small_ints(L->code, L->small, L->n_small);
    return 0;
}

/* -- entry ----------------------------------------------------------------------------------- */

/* Ranges that were never reached have no handler. */
static uint32_t
reached_handlers(Lower *L, VmHandler *to)
{
    const CpyStream *s = &L->m.stream;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_handlers; i++) {
        const CpyHandler *h = &s->handlers[i];
        uint32_t pc = lower_label_at(L, h->target)->pc;
        if (pc == NOT_YET)
            continue;
        /* zeros first: kept translations have no accidental bytes between fields */
        memset(&to[n], 0, sizeof *to);
        to[n].start = h->start;
        to[n].end = h->end;
        to[n].pc = pc;
        to[n].depth = h->depth;
        to[n++].lasti = h->lasti;
    }
    return n;
}

static int
fits_16(const Lower *L)
{
    return L->m.stream.n_words < VM_NO_RESUME_16 && L->m.maps.n < 1 << 16;
}

static void
fill_words(const LowerMemory *m, const VmRecord *r, const VmRecordParts *p)
{
    const VmWhere *where = m->where.data, *end = where + r->n_insns;
    if (r->wide) {
        uint32_t *words = (uint32_t *)p->words;
        VmWideStop *stops = (VmWideStop *)p->stops;
        for (; where != end; where++) {
            *words++ = where->word;
            *stops++ = (VmWideStop){where->map, where->resume};
        }
        return;
    }
    uint16_t *words = (uint16_t *)p->words;
    VmStop *stops = (VmStop *)p->stops;
    for (; where != end; where++) {
        *words++ = (uint16_t)where->word;
        *stops++ = (VmStop){(uint16_t)where->map, (uint16_t)where->resume};
    }
}

static void
fill(Lower *L, VmRecord *r)
{
    const LowerMemory *m = &L->m;
    VmRecordParts p = vm_record_parts(r);
    memcpy(p.insns, m->insns.data, m->insns.n * sizeof *p.insns);
    if (m->sites.n > 0)
        memcpy(p.sites, m->sites.data, m->sites.n * sizeof *p.sites);
    if (m->handlers.n > 0)
        memcpy(p.handlers, m->handlers.data, m->handlers.n * sizeof *p.handlers);
    fill_words(m, r, &p);
    memcpy(p.maps, m->maps.data, m->maps.n * sizeof *p.maps);
    memcpy(p.small, L->small, L->n_small);
    memset(p.small + L->n_small, 0, p.bytes - (size_t)(p.small + L->n_small - (uint8_t *)r));
}

static int
take_results(Lower *L)
{
    LowerMemory *m = &L->m;
    VmCode *code = L->code;
    VmHandler *handlers = lower_add(L, &m->handlers, m->stream.n_handlers + 1, sizeof *handlers);
    if (handlers == NULL)
        return -1;
    m->handlers.n = reached_handlers(L, handlers);
    VmRecord head = {
        .n_insns = m->insns.n,
        .n_maps = m->maps.n,
        .n_handlers = m->handlers.n,
        .n_caches = m->sites.n,
        .n_small = (uint16_t)L->n_small,
        .wide = !fits_16(L),
    };
    head.bytes = (uint32_t)vm_record_parts(&head).bytes;
    VmRecord *r = vm_arena_take(head.bytes);
    if (r == NULL)
        return -1;
    *r = head;
    fill(L, r);
    vm_code_use(code, r);
    code->owns_record = 1;
    r->leaf = (uint8_t)vm_code_is_leaf(code);
    return vm_code_caches(code, m->sites.data, m->sites.n);
}

/* Code that CPython refuses to decode is CPython's to run, and to complain about. */
static int
decode_or_refuse(Lower *L)
{
    if (cpy_decode_again(L->co, &L->m.stream) == 0)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_MemoryError))
        return -1;
    PyErr_Clear();
    lower_refuse(L, "undecodable code");
    return 0;
}

int
vm_lower(VmCode *code)
{
    Lower L = {
        .code = code,
        .co = code->co,
        .m = kept,
        .group = NOT_YET,
        .producer = -1,
        .small_int = kept_small_int,
        .small = kept_small,
    };
    int status = decode_or_refuse(&L);
    if (status == 0 && !L.refused)
        status = lower_tables(&L);
    if (status == 0 && !L.refused)
        lower_all(&L);
    if (L.failed)
        status = -1;
    if (status == 0 && !L.refused)
        status = take_results(&L);
    code->refused = L.refused;
    keep_memory(&L);
    if (status < 0 && !PyErr_Occurred())
        PyErr_NoMemory();
    return status;
}
