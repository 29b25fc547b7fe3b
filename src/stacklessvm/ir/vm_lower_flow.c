/* Lowering: labels, jumps and protected ranges. */
#include "ir/vm_lower.h"

/* -- labels -------------------------------------------------------------------------- */

/* Of the slots below `depth`, those that are lists made here. */
static uint64_t
lists_below(Lower *L, int depth)
{
    uint64_t lists = 0;
    for (int i = 0; i < depth && i < 64; i++)
        lists |= (uint64_t)(L->slots[i].kind == SLOT_TEMP && L->slots[i].index) << i;
    return lists;
}

/* One more way to a label.  Code that is there already relies on what the ways before had in
   common, so this one must have that too (bound locals are no matter where compilers check
   themselves). */
static void
label_narrow(Lower *L, Label *label, uint64_t lists)
{
    uint64_t lost = label->lists & ~lists;
    if (label->pc == NOT_YET) {
        label->lists &= lists;
        for (int i = 0; i < BOUND_WORDS; i++)
            label->bound[i] &= L->bound[i];
        return;
    }
    for (int i = 0; i < BOUND_WORDS && !CPY_HANDLERS_AT_END; i++)
        lost |= label->bound[i] & ~L->deletable[i] & ~L->bound[i];
    if (lost != 0)
        lower_refuse(L, "a way back brings less than the way there");
}

/* The same, with the stack as it is. */
static void
label_meet(Lower *L, Label *label)
{
    uint64_t lists = lists_below(L, L->depth);
    if (label->depth < 0) {
        label->depth = L->depth;
        label->lists = lists;
        memcpy(label->bound, L->bound, sizeof label->bound);
        return;
    }
    if (label->depth != L->depth)
        lower_refuse(L, "stack depth differs between ways");
    label_narrow(L, label, lists);
}

/* A label at the first operation from that word on.  -> the word it has */
static uint32_t
add_label(Lower *L, uint32_t word)
{
    uint32_t insn = L->m.stream.at[word];
    word = L->m.stream.insns[insn].start;
    if (L->label_of[word] != 0)
        return word;
    Label *label = lower_add(L, &L->m.labels, 1, sizeof *label);
    if (label == NULL)
        return word;
    memset(label, 0, sizeof *label);
    label->insn = insn;
    label->pc = NOT_YET;
    label->depth = -1;
    L->label_of[word] = L->m.labels.n;
    return word;
}

/* Handlers start with everything bound, and with nothing but lists; ranges take away. */
static void
label_handlers(Lower *L)
{
    const CpyStream *s = &L->m.stream;
    for (uint32_t i = 0; i < s->n_handlers && !L->failed; i++) {
        s->handlers[i].target = add_label(L, s->handlers[i].target);
        Label *label = lower_label_at(L, s->handlers[i].target);
        if (label == NULL)
            continue;
        unsigned kept = s->handlers[i].depth;
        int depth = (int)kept + s->handlers[i].lasti + 1;
        if (label->depth >= 0 && label->depth != depth)
            lower_refuse(L, "stack depth differs between ways");
        label->depth = depth;
        label->lists = kept < 64 ? ((uint64_t)1 << kept) - 1 : ~(uint64_t)0;
        memset(label->bound, 0xFF, sizeof label->bound);
    }
}

int
lower_find_labels(Lower *L)
{
    const CpyStream *s = &L->m.stream;
    for (uint32_t i = 0; i < s->n; i++) {
        CpyInsn *in = &s->insns[i];
        int is = lower_kinds[in->op].is;
        if (vm_likely(is <= IS_NOTE))
            continue;
        if (is & IS_JUMP)
            in->target = add_label(L, in->target);
        else if (is & IS_UNBINDING)
            bit_set(L->deletable, in->arg);
        else if (is & IS_SMALL_INT)
            lower_small_int(L, in->arg);
    }
    label_handlers(L);
    return L->failed ? -1 : 0;
}

/* At a label: everything home, and what all ways here have in common. */
void
lower_enter_label(Lower *L, Label *label)
{
    if (L->reachable) {
        lower_slots_home(L, 0, L->depth);
        label_meet(L, label);
    }
    L->depth = label->depth;
    L->reachable = 1;
    for (int i = 0; i < L->depth; i++)
        L->slots[i] = (Slot){SLOT_TEMP, i < 64 && label->lists >> i & 1};
    for (int i = 0; i < BOUND_WORDS; i++)
        L->bound[i] = label->bound[i] & ~L->deletable[i];
    label->pc = L->m.insns.n;
    L->producer = -1;
    L->pushing = 0;
    L->last_map = 0;
}

/* -- protected ranges --------------------------------------------------------------------- */

void
lower_enter_range(Lower *L, uint32_t start, uint32_t word)
{
    const CpyHandler *h = L->range;
    if (h != NULL && word >= h->start && word < h->end && start != h->start)
        return;
    L->range = h = cpy_find_handler(&L->m.stream, word);
    if (h != NULL && h->depth <= L->depth)
        lower_slots_home(L, 0, h->depth);
}

void
lower_may_raise(Lower *L)
{
    int kept = L->range->depth, homes = 0;
    while (homes < kept && homes < L->depth && L->slots[homes].kind == SLOT_TEMP)
        homes++;
    if (homes < kept)
        lower_refuse(L, "a handler wants more than is on the stack");
    label_narrow(L, lower_label_at(L, L->range->target), lists_below(L, kept));
}

/* -- jumps ---------------------------------------------------------------------------------- */

void
lower_jump_to(Lower *L, uint32_t pc, uint32_t word, FixKind kind)
{
    uint32_t i = L->label_of[word] - 1;
    label_meet(L, &AT(L->m.labels, Label, i));
    Fix *f = lower_add(L, &L->m.fixes, 1, sizeof *f);
    if (f != NULL)
        *f = (Fix){pc, i, kind};
}

void
lower_apply_fixes(Lower *L)
{
    for (uint32_t i = 0; i < L->m.fixes.n; i++) {
        Fix f = AT(L->m.fixes, Fix, i);
        uint32_t target = AT(L->m.labels, Label, f.label).pc;
        if (target == NOT_YET) {
            lower_refuse(L, "a jump to code that can't be reached");
            return;
        }
        int32_t offset = (int32_t)(target - f.pc);
        VmInsn *insn = lower_insn(L, f.pc);
        switch (f.kind) {
        case FIX_16:
            if (offset != (int16_t)offset)
                lower_refuse(L, "a jump too far");
            insn->c = (uint16_t)offset;
            break;
        case FIX_32:
            memcpy(&insn->b, &offset, 4);
            break;
        case FIX_EXT0:
            ((int32_t *)(insn + 1))[0] = offset;
            break;
        }
    }
}

void
lower_pop_jump(Lower *L, int op, uint32_t target)
{
    unsigned a = lower_operand(L, L->depth - 1);
    L->depth--;
    lower_slots_home(L, 0, L->depth);
    lower_jump_to(L, lower_emit(L, op, a, 0, 0), target, FIX_32);
}

void
lower_jump_or_pop(Lower *L, int op, uint32_t target)
{
    lower_slots_home(L, 0, L->depth);
    uint32_t pc = lower_emit(L, op, lower_home(L, L->depth - 1), 0, 0);
    lower_jump_to(L, pc, target, FIX_32);
    L->depth--;
}

/* -- two ways on --------------------------------------------------------------------------------- */

/* The word with both jumps: out to `word`, where the item below the top is gone unless it is kept,
   and on by so many words. */
static void
two_ways(Lower *L, uint32_t pc, uint32_t word, int keeps, int32_t on)
{
    int32_t *jumps = (int32_t *)lower_emit_words(L, 1);
    if (jumps == NULL)
        return;
    jumps[1] = on;
    L->depth -= !keeps;
    lower_jump_to(L, pc, word, FIX_EXT0);
    L->depth += !keeps;
}

void
lower_for(Lower *L, const CpyInsn *in)
{
    lower_slots_home(L, 0, L->depth);
    uint32_t pc = lower_emit(L, VM_FOR, lower_home(L, L->depth), lower_home(L, L->depth - 1), in->arg2);
    two_ways(L, pc, in->target, in->arg2, 2);
    lower_push_result(L, pc);
}

void
lower_send(Lower *L, const CpyInsn *in)
{
    lower_slots_home(L, 0, L->depth);
    L->depth--;             /* the value is used up, also by a raise; a result comes to either place */
    L->slots[L->depth].index = L->slots[L->depth - 1].index = 0;
    uint32_t pc = lower_emit(L, VM_SEND, lower_home(L, L->depth), lower_home(L, L->depth - 1), in->arg2);
    L->depth++;
    two_ways(L, pc, in->target, in->arg2, 2);
}

/* A jump back to a FOR: do the iteration here and jump to the body. */
static int
repeat_for(Lower *L, const CpyInsn *target_insn, uint32_t head_pc)
{
    VmInsn head = *lower_insn(L, head_pc);
    if (head.op != VM_FOR && head.op != VM_FOR_L)
        return 0;
    L->word = target_insn->word;
    uint32_t pc = lower_emit(L, head.op, head.a, head.b, head.c);
    two_ways(L, pc, target_insn->target, head.c, (int32_t)(head_pc + 2 - pc));
    return 1;
}

void
lower_jump(Lower *L, const CpyInsn *in)
{
    lower_slots_home(L, 0, L->depth);
    Label *label = lower_label_at(L, in->target);
    const CpyInsn *target_insn = &L->m.stream.insns[label->insn];
    int polls = in->target <= in->word && in->op == CPY_JUMP;
    L->reachable = 0;
    if (polls && label->pc != NOT_YET && target_insn->op == CPY_FOR_ITER
        && repeat_for(L, target_insn, label->pc))
        return;
    lower_jump_to(L, lower_emit(L, polls ? VM_JB : VM_J, 0, 0, 0), in->target, FIX_32);
}
