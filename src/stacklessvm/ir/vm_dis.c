/* A VmCode as text, one instruction a line:
 *
 *      line   pc  NAME    operands
 *
 * Locals have their names, temporary d is "td", the first of a window "td..", a jump shows
 * the pc it goes to, an attribute or global its name, a call site "site n".
 */
#include "ir/vm_code.h"

#include "cpyext_compat/cpy_code.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct {
    const VmCode *code;
    PyObject *text;     /* NULL: failed, with an exception */
    int line;
} Dis;

static void
put(Dis *d, const char *format, ...)
{
    va_list args;
    if (d->text == NULL)
        return;
    va_start(args, format);
    PyUnicode_AppendAndDel(&d->text, PyUnicode_FromFormatV(format, args));
    va_end(args);
}

/* -- operands ------------------------------------------------------------------- */

static void
put_register(Dis *d, unsigned r)
{
    if (r == VM_NO_REG)
        put(d, "none");
    else if (r < d->code->nlocals)
        put(d, "%U", cpy_code_local_name(d->code->co, (int)r));
    else
        put(d, "t%u", r - d->code->nlocals);
}

static void
put_constant(Dis *d, unsigned i)
{
    PyObject *consts = d->code->co->co_consts;
    VmWord w = i < d->code->n_consts ? d->code->consts[i] : VM_NULL;
    if (i < (unsigned)PyTuple_GET_SIZE(consts))
        put(d, "%.60R", PyTuple_GET_ITEM(consts, i));
    else if (vm_is_obj(w) && PyType_Check(vm_ptr(w)))   /* those that lowering adds */
        put(d, "%s", ((PyTypeObject *)vm_ptr(w))->tp_name);
    else if (vm_is_obj(w))
        put(d, "%.60R", vm_ptr(w));
    else if (vm_is_int(w))
        put(d, "%lld", (long long)vm_int(w));
    else
        put(d, "None");
}

static void
put_cache(Dis *d, unsigned i)
{
    PyObject *name = i < d->code->n_caches ? d->code->caches[i].name : NULL;
    if (name != NULL && PyUnicode_Check(name))
        put(d, ".%U", name);
    else if (name != NULL)
        put(d, "%R", name);
    else
        put(d, "site %u", i);
}

static void
put_list(Dis *d, const VmInsn *list)
{
    put(d, " (");
    for (unsigned i = 0; i < list->op; i++) {
        uint16_t operand = vm_list_get(list, i);
        put(d, i == 0 ? "" : ", ");
        if (operand & VM_OPERAND_CONST)
            put_constant(d, operand & ~VM_OPERAND_CONST);
        else
            put_register(d, operand);
    }
    put(d, ")");
}

static void
put_field(Dis *d, uint32_t pc, int letter, uint16_t v)
{
    switch (letter) {
    case 'D':
    case 'R':
    case 'P': put_register(d, v); break;
    case 'W':
        put_register(d, v);
        put(d, "..");
        break;
    case 'K': put_constant(d, v); break;
    case 'C': put_cache(d, v); break;
    case 'J': put(d, "-> %u", pc + (uint32_t)(int16_t)v); break;
    case 'I': put(d, "#%d", (int16_t)v); break;
    default: put(d, "%u", v); break;
    }
}

static void
put_operands(Dis *d, uint32_t pc)
{
    const VmInsn *insn = d->code->insns + pc;
    const char *format = vm_op_format(insn->op);
    size_t n = strlen(format);
    const uint16_t fields[3] = {insn->a, insn->b, insn->c};
    const char *space = "";
    int32_t jumps[2];

    for (int i = 0; i < 3; i++) {
        if (format[i] == '_')
            continue;
        put(d, space);
        put_field(d, pc, format[i], fields[i]);
        space = ", ";
    }
    switch (n > 3 ? format[n - 1] : 0) {
    case 'X': put_list(d, insn + 1); break;
    case 'O':
        memcpy(jumps, &insn->b, 4);
        put(d, "%s-> %u", space, pc + (uint32_t)jumps[0]);
        break;
    case 'F':
        memcpy(jumps, insn + 1, 8);
        put(d, ", -> %u, -> %u", pc + (uint32_t)jumps[0], pc + (uint32_t)jumps[1]);
        break;
    }
}

/* -- lines ------------------------------------------------------------------------ */

static void
put_instruction(Dis *d, uint32_t pc)
{
    char head[64];
    int line = PyCode_Addr2Line(d->code->co, (int)(vm_code_word(d->code, d->code->insns + pc) * 2));
    const char *name = vm_op_name(d->code->insns[pc].op);
    if (line > 0 && line != d->line)
        PyOS_snprintf(head, sizeof head, "%5d %5u  %-8s", d->line = line, pc, name);
    else
        PyOS_snprintf(head, sizeof head, "%5s %5u  %-8s", "", pc, name);
    put(d, "%s ", head);
    put_operands(d, pc);
    put(d, "\n");
}

/* Ranges are in CPython's code units, as the table they come from. */
static void
put_handler(Dis *d, const VmHandler *h)
{
    put(d, "words %u to %u: -> %u, depth %u%s\n", h->start, h->end, h->pc, h->depth,
        h->lasti ? ", lasti" : "");
}

PyObject *
vm_dis(const VmCode *code)
{
    if (code->refused != NULL)
        return PyUnicode_FromFormat("refused: %s\n", code->refused);
    Dis d = {code, PyUnicode_FromString(""), -1};
    for (uint32_t pc = 0; pc < code->n_insns; pc += (uint32_t)vm_op_words(code->insns + pc))
        put_instruction(&d, pc);
    for (uint32_t i = 0; i < code->n_handlers; i++)
        put_handler(&d, code->handlers + i);
    return d.text;
}
