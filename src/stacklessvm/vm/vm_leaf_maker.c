/* What leaves are made in (vm_leaf_maker.h). */
#include "vm/vm_leaf_maker.h"

#include "vm/vm_num.h"

/* -- slots, groups and instructions ---------------------------------------------------------- */

unsigned
vm_maker_slot(Maker *m)
{
    if (m->n_slots == MAX_SLOTS) {
        m->failed = 1;
        return 0;
    }
    m->slots[m->n_slots] = VM_NULL;
    m->constant[m->n_slots] = 0;
    m->seen[m->n_slots] = NULL;
    m->copied[m->n_slots] = NO_SLOT;
    return m->n_slots++;
}

unsigned
vm_maker_constant(Maker *m, VmWord w)
{
    for (unsigned i = 0; i < m->n_slots; i++) {
        if (m->constant[i] && m->slots[i] == w)
            return i;
    }
    unsigned slot = vm_maker_slot(m);
    m->slots[slot] = w;
    m->constant[slot] = 1;
    return slot;
}

unsigned
vm_maker_constant_object(Maker *m, VmCode *code, VmWord w)
{
    PyObject *o = vm_number_constant(code, w);
    return vm_maker_constant(m, o == NULL ? w : vm_from_ptr(o));
}

unsigned
vm_maker_group(Maker *m, int kind)
{
    if (m->n_groups == MAX_GROUPS) {
        m->failed = 1;
        return FIRST_GROUP;
    }
    m->groups[m->n_groups] = (Group){.kind = kind};
    return FIRST_GROUP + m->n_groups++;
}

void
vm_maker_add(Maker *m, unsigned group, unsigned name)
{
    Group *g = &m->groups[group - FIRST_GROUP];
    if (g->n == VM_LEAF_ITEMS)
        m->failed = 1;
    else
        g->items[g->n++] = (uint16_t)name;
}

const Group *
vm_maker_group_of(const Maker *m, unsigned name)
{
    return IS_GROUP(name) ? &m->groups[name - FIRST_GROUP] : NULL;
}

/* Keeps the loads that come before an instruction, and have nothing to do with a slot. */
static void
keep_loads(Maker *m, unsigned before, unsigned but)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->n_loads; i++) {
        const Load *load = &m->loads[i];
        if (load->insn < before && load->object != but && load->slot != but)
            m->loads[n++] = *load;
    }
    m->n_loads = n;
}

unsigned
vm_maker_emit(Maker *m, VmLeafOp op, unsigned a, unsigned b, unsigned c)
{
    if (m->n == MAX_WORDS) {
        m->failed = 1;
        return 0;
    }
    if (op == LEAF_MOV)         /* all others have slots of their own */
        keep_loads(m, MAX_WORDS, a);
    m->insns[m->n] = (VmInsn){(uint16_t)op, (uint16_t)a, (uint16_t)b, (uint16_t)c};
    return m->n++;
}

void
vm_maker_emit_word(Maker *m, uint64_t word)
{
    unsigned i = vm_maker_emit(m, LEAF_FAIL, 0, 0, 0);
    memcpy(&m->insns[i], &word, sizeof word);
}

void
vm_maker_emit_list(Maker *m, const uint16_t *list, unsigned n)
{
    for (unsigned i = 0; i < n; i += 4) {
        uint64_t word = 0;
        memcpy(&word, &list[i], (n - i < 4 ? n - i : 4) * sizeof *list);
        vm_maker_emit_word(m, word);
    }
}

unsigned
vm_part_emit(Part *p, VmLeafOp op, unsigned reg, unsigned b, unsigned c)
{
    unsigned slot = vm_maker_slot(p->m);
    vm_maker_emit(p->m, op, slot, b, c);
    p->slot[reg] = (uint16_t)slot;
    return slot;
}

unsigned
vm_part_load(Part *p, VmLeafOp op, unsigned reg, unsigned object, VmCache *c)
{
    Maker *m = p->m;
    for (unsigned i = 0; i < m->n_loads; i++) {
        const Load *load = &m->loads[i];
        if (load->op == op && load->object == object && load->name == c->name)
            return p->slot[reg] = load->slot;
    }
    uint16_t insn = (uint16_t)m->n;
    unsigned slot = vm_part_emit(p, op, reg, object, 0);
    vm_maker_emit_word(m, (uintptr_t)c);
    if (m->n_loads < MAX_LOADS)
        m->loads[m->n_loads++] = (Load){(uint16_t)op, (uint16_t)object, (uint16_t)slot, insn, c->name};
    return slot;
}

unsigned
vm_part_name(Part *p, unsigned reg)
{
    unsigned name = reg < VM_LEAF_REGS ? p->slot[reg] : NO_SLOT;
    if (name != NO_SLOT)
        return name;
    p->m->failed = 1;           /* no compiler made this code */
    return 0;
}

/* A name that must be a slot's. */
static unsigned
only_slot(Part *p, unsigned name)
{
    if (!IS_GROUP(name))
        return name;
    p->m->failed = 1;           /* the tuple itself is needed */
    return 0;
}

unsigned
vm_part_slot(Part *p, unsigned reg)
{
    return only_slot(p, vm_part_name(p, reg));
}

unsigned
vm_part_use_name(Part *p, unsigned operand)
{
    if (operand & VM_OPERAND_CONST)
        return vm_maker_constant(p->m, p->code->consts[operand & ~VM_OPERAND_CONST]);
    unsigned name = vm_part_name(p, operand);
    if (operand >= p->code->nlocals && !p->m->failed)
        p->slot[operand] = NO_SLOT;
    return name;
}

unsigned
vm_part_use(Part *p, unsigned operand)
{
    return only_slot(p, vm_part_use_name(p, operand));
}

/* -- where ways part and meet ------------------------------------------------------------------ */

static int
has_home(const Part *p, unsigned reg)
{
    return !(p->fixed >> reg & 1);
}

static void
move_home(Maker *m, uint16_t *home, uint16_t *slot)
{
    vm_maker_emit(m, LEAF_MOV, *home, *slot, 0);
    m->seen[*home] = m->seen[*slot];
    *slot = *home;
}

void
vm_maker_stores_go_home(Maker *m)
{
    for (unsigned i = 0; i < m->stores.n; i++) {
        LeafStore *store = &m->stores.at[i];
        if (store->home == NO_SLOT)
            store->home = (uint16_t)vm_maker_slot(m);
        if (store->value != store->home)
            move_home(m, &store->home, &store->value);
    }
}

void
vm_part_go_home(Part *p)
{
    Maker *m = p->m;
    unsigned n = p->code->nregs;
    for (unsigned r = 0; r < n; r++) {
        if (!has_home(p, r) || p->slot[r] == NO_SLOT || p->slot[r] == p->home[r])
            continue;
        if (IS_GROUP(p->slot[r])) {
            m->failed = 1;
            return;
        }
        if (p->home[r] == NO_SLOT)
            p->home[r] = (uint16_t)vm_maker_slot(m);
        for (unsigned s = 0; s < n; s++) {      /* others have theirs there */
            if (s != r && p->slot[s] == p->home[r])
                vm_part_emit(p, LEAF_MOV, s, p->home[r], 0);
        }
        move_home(m, &p->home[r], &p->slot[r]);
    }
    vm_maker_stores_go_home(m);
}

void
vm_part_jump(Part *p, unsigned insn, unsigned target)
{
    if (p->n_jumps == MAX_JUMPS)
        p->m->failed = 1;
    else
        p->jumps[p->n_jumps++] = (Jump){(uint16_t)insn, (uint16_t)target, p->m->stores};
}

static int
same_stores(const Stores *x, const Stores *y)
{
    int same = x->n == y->n;
    for (unsigned i = 0; same && i < x->n; i++)
        same = x->at[i].object == y->at[i].object && x->at[i].home == y->at[i].home
               && x->at[i].cache->name == y->at[i].cache->name;
    return same;
}

void
vm_part_arrive(Part *p, unsigned pc)
{
    unsigned first = MAX_WORDS;
    for (unsigned i = 0; i < p->n_jumps; i++) {
        if (p->jumps[i].target == pc && p->jumps[i].insn < first)
            first = p->jumps[i].insn;
    }
    if (first == MAX_WORDS)
        return;
    keep_loads(p->m, first, NO_SLOT);
    if (p->reachable && pc < p->code->n_insns)      /* at the end no register is needed any more */
        vm_part_go_home(p);
    for (unsigned r = 0; r < p->code->nregs; r++) {
        if (has_home(p, r))
            p->slot[r] = p->home[r];
    }
    for (unsigned i = 0; i < p->n_jumps; i++) {
        Jump *jump = &p->jumps[i];
        if (jump->target != pc)
            continue;
        p->m->insns[jump->insn].c = (uint16_t)(p->m->n - jump->insn);
        if (!p->reachable)
            p->m->stores = jump->stores;
        else if (!same_stores(&p->m->stores, &jump->stores))
            p->m->failed = 1;
        p->reachable = 1;
    }
}

void
vm_part_give_up(Part *p)
{
    if (!p->m->branched)
        p->m->failed = 1;
    vm_maker_emit(p->m, LEAF_FAIL, 0, 0, 0);
    p->reachable = 0;
}

/* -- groups -------------------------------------------------------------------------------------- */

/* The register's value: of these slots the one that the number says. */
static void
pick(Part *p, unsigned reg, unsigned number, const uint16_t *slots, unsigned n)
{
    vm_part_emit(p, LEAF_PICK, reg, number, n);
    vm_maker_emit_list(p->m, slots, n);
}

void
vm_part_choose(Part *p, unsigned reg, unsigned group, unsigned number)
{
    Maker *m = p->m;
    const Group *from = vm_maker_group_of(m, group);
    int nested = 0;
    for (unsigned i = 0; i < from->n; i++)
        nested |= IS_GROUP(from->items[i]);
    if (from->kind == GROUP_CHOICE)
        m->failed = 1;
    else if (!nested)
        pick(p, reg, number, from->items, from->n);
    else {
        unsigned choice = vm_maker_group(m, GROUP_CHOICE);
        vm_maker_emit(m, LEAF_NUMBER, 0, number, from->n);
        for (unsigned i = 0; i < from->n; i++)
            vm_maker_add(m, choice, from->items[i]);
        m->groups[choice - FIRST_GROUP].number = (uint16_t)number;
        p->slot[reg] = (uint16_t)choice;
    }
}

/* -> name, or NO_SLOT: there is none */
static unsigned
item_of(const Group *group, int64_t i)
{
    if (group == NULL || group->kind == GROUP_CHOICE)
        return NO_SLOT;
    i = i < 0 ? i + (int64_t)group->n : i;
    return i < 0 || i >= (int64_t)group->n ? NO_SLOT : group->items[i];
}

void
vm_part_item(Part *p, unsigned reg, unsigned group, int64_t i)
{
    Maker *m = p->m;
    const Group *from = vm_maker_group_of(m, group);
    if (from->kind != GROUP_CHOICE) {
        unsigned name = item_of(from, i);
        if (name == NO_SLOT)
            vm_part_give_up(p);
        else
            p->slot[reg] = (uint16_t)name;
        return;
    }
    uint16_t slots[VM_LEAF_ITEMS];
    for (unsigned j = 0; j < from->n; j++) {
        const Group *one = vm_maker_group_of(m, from->items[j]);
        unsigned name = item_of(one, i);
        if (one == NULL || IS_GROUP(name))
            m->failed = 1;
        slots[j] = (uint16_t)(name == NO_SLOT ? vm_maker_constant(m, VM_NULL) : name);
    }
    pick(p, reg, from->number, slots, from->n);
}

/* -- stores ---------------------------------------------------------------------------------------- */

int
vm_part_stores_name(const Part *p, const PyObject *name)
{
    const Stores *stores = &p->m->stores;
    for (unsigned i = 0; i < stores->n; i++) {
        if (stores->at[i].cache->name == name)
            return 1;
    }
    return 0;
}

/* The object's row of the attribute, when others of that name are others' (which the run asks). */
static LeafStore *
find_store(Maker *m, unsigned object, const VmCache *c)
{
    LeafStore *found = NULL;
    for (unsigned i = 0; i < m->stores.n; i++) {
        LeafStore *store = &m->stores.at[i];
        if (store->cache->name != c->name)
            continue;
        if (store->object == object)
            found = store;
        else
            vm_maker_emit(m, LEAF_DIFFER, store->object, object, 0);
    }
    return found;
}

void
vm_part_store(Part *p, unsigned object, unsigned value, VmCache *c)
{
    Maker *m = p->m;
    LeafStore *store = find_store(m, object, c);
    if (m->constant[value])
        value = vm_maker_constant_object(m, p->code, m->slots[value]);
    if (store != NULL) {
        for (unsigned i = 0; i < m->n_slots; i++) {
            if (m->copied[i] == store->value)
                m->copied[i] = NO_SLOT;
        }
        store->value = (uint16_t)value;
    }
    else if (m->stores.n == VM_LEAF_STORES)
        m->failed = 1;
    else
        m->stores.at[m->stores.n++] = (LeafStore){(uint16_t)object, (uint16_t)value, NO_SLOT, c};
}

unsigned
vm_part_stored(Part *p, unsigned object, const VmCache *c)
{
    Maker *m = p->m;
    LeafStore *store = find_store(m, object, c);
    if (store == NULL)
        return NO_SLOT;
    if (store->value != store->home)
        return store->value;
    unsigned copy = vm_maker_slot(m);           /* a home may get another value */
    vm_maker_emit(m, LEAF_MOV, copy, store->home, 0);
    m->copied[copy] = store->home;
    return copy;
}

/* -- the end ---------------------------------------------------------------------------------------- */

static void
end(Part *p, unsigned slot, int owned)
{
    Maker *m = p->m;
    if (m->stores.n == 0) {
        vm_maker_emit(m, owned ? LEAF_RETN : LEAF_RET, slot, 0, 0);
        return;
    }
    unsigned original = m->copied[slot] != NO_SLOT ? m->copied[slot] : slot;
    vm_maker_emit(m, LEAF_RETS, original, (unsigned)owned, m->stores.n);
    for (unsigned i = 0; i < m->stores.n; i++) {
        const LeafStore *store = &m->stores.at[i];
        vm_maker_emit(m, LEAF_FAIL, store->object, store->value, 0);        /* operands only */
        vm_maker_emit_word(m, (uintptr_t)store->cache);
    }
}

static void
return_listing(Part *p, const Group *group)
{
    Maker *m = p->m;
    unsigned slot = vm_maker_slot(m);
    uint16_t slots[VM_LEAF_ITEMS];
    for (unsigned i = 0; i < group->n; i++) {
        unsigned item = only_slot(p, group->items[i]);
        if (m->constant[item])
            item = vm_maker_constant_object(m, p->code, m->slots[item]);
        slots[i] = (uint16_t)item;
    }
    vm_maker_emit(m, LEAF_BUILD, slot, group->kind == GROUP_LIST, group->n);
    vm_maker_emit_list(m, slots, group->n);
    end(p, slot, 1);
}

static void
return_choice(Part *p, const Group *group)
{
    Maker *m = p->m;
    uint16_t offsets[VM_LEAF_ITEMS] = {0};
    unsigned at = vm_maker_emit(m, LEAF_SWITCH, 0, group->number, group->n);
    vm_maker_emit_list(m, offsets, group->n);
    for (unsigned i = 0; i < group->n && !m->failed; i++) {
        offsets[i] = (uint16_t)(m->n - at);
        memcpy((uint16_t *)&m->insns[at + 1] + i, &offsets[i], sizeof offsets[i]);
        vm_part_return(p, group->items[i]);
    }
}

void
vm_part_return(Part *p, unsigned name)
{
    const Group *group = vm_maker_group_of(p->m, name);
    if (group == NULL)
        end(p, name, 0);
    else if (group->kind == GROUP_CHOICE)
        return_choice(p, group);
    else
        return_listing(p, group);
}
