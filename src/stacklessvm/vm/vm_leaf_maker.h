/* What a leaf is made in (vm_leaf.h): slots, instructions, and the names registers are for them.
 *
 * Every result gets a slot of its own, and a register is only a name for the slot of its value
 * meanwhile.  A tuple or list is the name of a group: its items have slots, and it is made only when
 * it is returned.  What is stored to attributes waits till the end, when nothing can give up any
 * more.  Where ways meet, each has moved the values to the homes of what they are values of.
 */
#ifndef VM_LEAF_MAKER_H
#define VM_LEAF_MAKER_H

#include "vm/vm_leaf.h"

#define MAX_WORDS 384
#define MAX_SLOTS 160
#define MAX_GROUPS 16
#define MAX_JUMPS 24
#define MAX_LOADS 24
#define NO_SLOT 0xFFFFu
#define FIRST_GROUP 0xFF00u     /* names from here on are those of groups */
#define IS_GROUP(name) ((name) >= FIRST_GROUP && (name) != NO_SLOT)

/* A tuple, a list, or that item of a tuple which the number in a slot says. */
typedef struct {
    enum { GROUP_TUPLE,
           GROUP_LIST,
           GROUP_CHOICE } kind;
    uint16_t n, number;
    uint16_t items[VM_LEAF_ITEMS];     /* names */
} Group;

/* An attribute that a value waits for. */
typedef struct {
    uint16_t object, value, home;       /* slots */
    VmCache *cache;
} LeafStore;

typedef struct {
    unsigned n;
    LeafStore at[VM_LEAF_STORES];
} Stores;

/* What an instruction has loaded from an object: nothing changes it before the leaf ends. */
typedef struct {
    uint16_t op, object, slot;
    uint16_t insn;                      /* which comes first in all runs that get to where we are */
    const PyObject *name;
} Load;

typedef struct {
    unsigned n, n_slots, n_groups, n_loads;
    int failed;
    int branched;                       /* what comes now is not in every run */
    VmInsn insns[MAX_WORDS];
    VmWord slots[MAX_SLOTS];
    uint8_t constant[MAX_SLOTS];
    PyObject *seen[MAX_SLOTS];          /* what it holds in the call at hand, or NULL: not known; borrowed */
    uint16_t copied[MAX_SLOTS];         /* the slot of which this one is a copy, or NO_SLOT */
    Group groups[MAX_GROUPS];
    Stores stores;
    Load loads[MAX_LOADS];
} Maker;

typedef struct {
    uint16_t insn, target;
    Stores stores;
} Jump;

/* One function of it. */
typedef struct Part {
    Maker *m;
    PyFunctionObject *func;
    VmCode *code;
    unsigned func_slot, depth;
    const struct Part *caller;
    uint16_t slot[VM_LEAF_REGS], home[VM_LEAF_REGS];
    uint16_t star;                      /* name of the tuple of * */
    uint16_t result;
    uint16_t n_returns, n_jumps;
    int reachable;
    uint32_t fixed;                     /* parameters that nothing is stored to */
    uint32_t cells;                     /* registers that FREEV has set */
    Jump jumps[MAX_JUMPS];
} Part;

/* -- slots, groups and instructions ---------------------------------------------------------- */

unsigned vm_maker_slot(Maker *m);
unsigned vm_maker_constant(Maker *m, VmWord w);
/* Of an object that the code's constants have of this number, else of the number. */
unsigned vm_maker_constant_object(Maker *m, VmCode *code, VmWord w);
/* A group without items: its name. */
unsigned vm_maker_group(Maker *m, int kind);
void vm_maker_add(Maker *m, unsigned group, unsigned name);
/* The group of that name, or NULL: it is a slot's. */
const Group *vm_maker_group_of(const Maker *m, unsigned name);

/* The instruction's index. */
unsigned vm_maker_emit(Maker *m, VmLeafOp op, unsigned a, unsigned b, unsigned c);
void vm_maker_emit_word(Maker *m, uint64_t word);
/* n numbers of 16 bits. */
void vm_maker_emit_list(Maker *m, const uint16_t *list, unsigned n);
/* An instruction whose result is the register's value from now on.  -> its slot */
unsigned vm_part_emit(Part *p, VmLeafOp op, unsigned reg, unsigned b, unsigned c);

/* The same for a load from an object by a cache's name, which may have been done before. */
unsigned vm_part_load(Part *p, VmLeafOp op, unsigned reg, unsigned object, VmCache *c);

/* What the register is a name of; slot: groups have none. */
unsigned vm_part_name(Part *p, unsigned reg);
unsigned vm_part_slot(Part *p, unsigned reg);
/* Of an operand, consumed when it is a temporary. */
unsigned vm_part_use_name(Part *p, unsigned operand);
unsigned vm_part_use(Part *p, unsigned operand);

/* -- where ways part and meet ---------------------------------------------------------------- */

/* Every value to its home; those that wait to be stored. */
void vm_part_go_home(Part *p);
void vm_maker_stores_go_home(Maker *m);
/* The instruction jumps to the code's word `target`. */
void vm_part_jump(Part *p, unsigned insn, unsigned target);
/* The code's word `pc` begins here: jumps to it arrive. */
void vm_part_arrive(Part *p, unsigned pc);

/* -- groups and stores ----------------------------------------------------------------------- */

/* group[number in a slot], group[i]: named by the register. */
void vm_part_choose(Part *p, unsigned reg, unsigned group, unsigned number);
void vm_part_item(Part *p, unsigned reg, unsigned group, int64_t i);
/* object.name = value, when the leaf ends. */
void vm_part_store(Part *p, unsigned object, unsigned value, VmCache *c);
/* The value that waits for object.name.  -> its slot, or NO_SLOT: it is as it was */
unsigned vm_part_stored(Part *p, unsigned object, const VmCache *c);
int vm_part_stores_name(const Part *p, const PyObject *name);
/* The leaf's result: the end of a way. */
void vm_part_return(Part *p, unsigned name);
/* Runs give up here; when they all get here, it is no leaf. */
void vm_part_give_up(Part *p);

#endif
