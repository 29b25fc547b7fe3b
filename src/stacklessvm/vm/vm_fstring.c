/* The instructions of f-strings.
 *
 * A string whose parts are only numbers and ASCII strs is written by the first of its instructions;
 * anything else goes part by part, through CPython where it must.
 */
#include "vm/vm_text.h"

#include "cpyext_compat/cpy_internal.h"
#include "vm/vm_call_out.h"
#include "vm/vm_num.h"
#include "vm/vm_special.h"

#define WALK 16                 /* instructions looked at together */

/* -- a whole string --------------------------------------------------------------------------------- */

/* What is done on the way to a string; 0: something else. */
enum { OTHER,
       PUT_VALUE,
       PUT_TEXT,
       JOIN };
static const uint8_t steps[VM_OP_COUNT] = {
    [VM_K] = PUT_VALUE,
    [VM_MOV] = PUT_VALUE,
    [VM_FMT] = PUT_TEXT,
    [VM_FMTS] = PUT_TEXT,
    [VM_STR] = JOIN,
};

/* The STR that joins what the FMT or FMTS at ip and the instructions after it make, when these do
   nothing but that.  Or NULL */
static const VmInsn *
string_ahead(const VmInsn *ip)
{
    for (const VmInsn *end = ip + WALK; ip < end; ip++) {
        unsigned step = steps[ip->op];
        if (step == JOIN)
            return ip->c <= WALK ? ip : NULL;
        if (step == OTHER)
            return NULL;
    }
    return NULL;
}

/* Registers of a string's window, and behind, after the instructions walked over. */
typedef struct {
    const VmInsn *str;
    unsigned known;             /* bit i: parts[i] is what register base + i will hold */
    VmTextPart parts[WALK];
} Walk;

/* An operand of the instruction at ip, which is f->pc or one walked to from there.  VM_NULL: not to
   be told */
static inline VmWord
operand_ahead(VmFrame *f, const Walk *walk, const VmInsn *ip, unsigned reg)
{
    unsigned at = reg - walk->str->b;
    if (at < WALK && walk->known >> at & 1)
        return walk->parts[at].is_text ? VM_NULL : walk->parts[at].value;
    return ip == f->pc || !vm_is_temp(f, reg) ? f->regs[reg] : VM_NULL;
}

/* What the instructions up to STR leave in its window and behind.  1, or 0 */
static int
walk_to_string(VmFrame *f, Walk *walk)
{
    for (const VmInsn *ip = f->pc; ip < walk->str; ip++) {
        unsigned at = (unsigned)ip->a - walk->str->b;
        if (at >= WALK)
            return 0;
        VmTextPart *part = &walk->parts[at];
        VmWord value = ip->op == VM_K ? f->code->consts[ip->b] : operand_ahead(f, walk, ip, ip->b);
        PyObject *spec = NULL;
        if (ip->op == VM_FMTS) {
            VmWord w = operand_ahead(f, walk, ip, ip->b + 1u);
            if (!vm_is_exact_str(w))
                return 0;
            spec = vm_ptr(w);
        }
        part->value = value;
        part->spec = spec;
        part->is_text = steps[ip->op] == PUT_TEXT;
        part->conversion = (uint8_t)ip->c;
        walk->known |= 1u << at;
    }
    return 1;
}

/* The window of STR, written out.  1, or 0 */
static int
put_parts(VmWriter *w, const VmFrame *f, const Walk *walk)
{
    unsigned n = walk->str->c;
    for (unsigned i = 0; i < n; i++) {
        const VmTextPart *part = &walk->parts[i];
        int is_known = walk->known >> i & 1;
        if (is_known && part->is_text) {
            if (!vm_text_put_part(w, part))
                return 0;
            continue;
        }
        VmWord s = is_known ? part->value : f->regs[walk->str->b + i];
        if (!vm_is_exact_str(s) || !vm_text_put_str(w, vm_ptr(s)))
            return 0;
    }
    return 1;
}

/* What registers own: parts made before, operands of the instruction at pc. */
static void
release_parts(VmFrame *f, const Walk *walk)
{
    unsigned n = walk->str->c, made = ~walk->known & ((1u << n) - 1);
    for (; made != 0; made &= made - 1)
        vm_release(f->regs[walk->str->b + (unsigned)__builtin_ctz(made)]);
    vm_release_window(f, f->pc->b, f->pc->op == VM_FMTS ? 2 : 1);
}

/* A whole string from the FMT or FMTS at pc to its STR.  How many instructions that was; 0: nothing
   was done */
static int
format_ahead(VmAct *A, VmFrame *f)
{
    Walk walk;
    VmWriter w;
    walk.str = string_ahead(f->pc);
    walk.known = 0;
    if (walk.str == NULL)
        return 0;
    vm_text_begin(&w);
    if (!walk_to_string(f, &walk) || !put_parts(&w, f, &walk))
        return 0;
    size_t n = (size_t)(w.at - w.data);
    PyObject *s = n < 2 ? NULL : vm_ascii_text(w.data, n);
    if (s == NULL) {
        PyErr_Clear();          /* the general way says it again */
        return 0;
    }
    int insns = (int)(walk.str - f->pc) + 1;
    release_parts(f, &walk);
    vm_set_any(A, f, walk.str->a, vm_from_ptr(s));
    return insns;
}

/* The FMT or FMTS at pc by itself.  -> new, NULL without exception: nothing was done */
static PyObject *
format_number(VmFrame *f, int with_spec)
{
    unsigned b = f->pc->b;
    VmWord v = f->regs[b], spec = with_spec ? f->regs[b + 1] : VM_NULL;
    VmTextPart part = {v, vm_ptr(spec), 1, (uint8_t)f->pc->c};
    if (vm_is_exact_str(v) || (with_spec && !vm_is_exact_str(spec)))
        return NULL;
    PyObject *s;
    VmWriter w;
    vm_text_begin(&w);
    if (!with_spec && vm_is_int(vm_small_box(v)))
        s = vm_int_text(vm_int(vm_small_box(v)));       /* another one each time */
    else
        s = vm_text_put_part(&w, &part) ? vm_ascii_text(w.data, (size_t)(w.at - w.data)) : NULL;
    if (s == NULL)
        PyErr_Clear();          /* the general way says it again */
    return s;
}

static PyObject *                                       /* -> new */
converted(PyObject *o, unsigned conversion)
{
    switch (conversion) {
    case 0: return Py_NewRef(o);
    case 1: return PyObject_Str(o);
    case 2: return PyObject_Repr(o);
    default: return PyObject_ASCII(o);
    }
}

/* Objects/abstract.c, PyObject_Format, of an object without a method of its own in Python.
   -> new */
static PyObject *
format_object(VmAct *A, VmFrame *f, PyObject *o, PyObject *spec)
{
    PyObject *s = NULL;
    int quiet = PyUnicode_CheckExact(o) || PyLong_CheckExact(o) || PyFloat_CheckExact(o);
    if (!quiet)
        vm_boundary(A, f);
    PyObject *v = converted(o, f->pc->c);
    if (v != NULL && PyUnicode_CheckExact(v) && spec == NULL)
        s = v;
    else if (v != NULL) {
        s = PyObject_Format(v, spec);
        Py_DECREF(v);
    }
    if (!quiet)
        vm_after(A, f);
    return s;
}

int
vm_format(VmAct *A, VmFrame *f)
{
    const VmInsn *ip = f->pc;
    unsigned b = ip->b;
    int insns = format_ahead(A, f), with_spec = ip->op == VM_FMTS;
    if (insns != 0)
        return insns;
    PyObject *s = format_number(f, with_spec);
    if (s == NULL) {
        PyObject *o = vm_reg_object(f, b), *spec = with_spec ? vm_reg_object(f, b + 1) : NULL;
        if (with_spec && spec == NULL)
            o = NULL;
        if (o != NULL && vm_may_be_special(o)) {
            VmSpecialStatus special = vm_special_text(A, f, o, ip->c, spec);
            if (special == SP_PUSHED)
                return -1;
            if (special == SP_RAISED)
                o = NULL;
        }
        if (o != NULL)
            s = format_object(A, f, o, spec);
    }
    vm_release_window(f, b, with_spec ? 2 : 1);
    if (s == NULL)
        return -1;
    vm_set_any(A, f, ip->a, vm_from_ptr(s));
    return 1;
}

int
vm_convert(VmAct *A, VmFrame *f, VmWord *result)
{
    PyObject *o = vm_reg_object(f, f->pc->b), *s = NULL;
    if (o != NULL && vm_may_be_special(o)) {
        VmSpecialStatus special = vm_special_text(A, f, o, f->pc->c, NULL);
        if (special == SP_PUSHED)
            return -1;
        if (special == SP_RAISED)
            o = NULL;
    }
    if (o != NULL) {
        vm_boundary(A, f);
        s = converted(o, f->pc->c);
        vm_after(A, f);
    }
    vm_consume(A, f, f->pc->b);
    *result = vm_from_ptr(s);
    return s == NULL ? -1 : 0;
}

/* Parts that are all ASCII, joined by copying.  -> new; NULL without exception: not so */
static PyObject *
join_ascii(const VmWord *parts, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (!vm_is_obj(parts[i]))
            return NULL;
    }
    return vm_join_ascii("", 0, (PyObject *const *)parts, (Py_ssize_t)n);
}

/* Only code that no compiler made has anything else there.  1, or 0 with TypeError */
static int
all_strings(VmFrame *f, unsigned base, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        PyObject *o = vm_reg_object(f, base + i);
        if (o != NULL && PyUnicode_Check(o))
            continue;
        if (o != NULL)
            PyErr_Format(PyExc_TypeError, "sequence item %u: expected str instance, %.80s found",
                         i, Py_TYPE(o)->tp_name);
        return 0;
    }
    return 1;
}

int
vm_build_string(VmFrame *f, VmWord *result)
{
    unsigned base = f->pc->b, n = f->pc->c;
    PyObject *joined = join_ascii(&f->regs[base], n);
    if (joined != NULL) {
        vm_release_window(f, base, n);
        *result = vm_from_ptr(joined);
        return 0;
    }
    if (PyErr_Occurred()) {
        vm_release_window(f, base, n);
        return -1;
    }
    PyObject *s = NULL, *empty = NULL;
    if (all_strings(f, base, n) && (empty = PyUnicode_FromStringAndSize(NULL, 0)) != NULL)
        s = _PyUnicode_JoinArray(empty, (PyObject **)&f->regs[base], n);
    Py_XDECREF(empty);
    vm_release_window(f, base, n);
    *result = vm_from_ptr(s);
    return s == NULL ? -1 : 0;
}
