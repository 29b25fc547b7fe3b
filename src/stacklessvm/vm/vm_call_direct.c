/* C functions, and methods of C types, called without the layers between: their kind is seen once at
 * a site, and again by the address of their definition.
 */
#include "vm/vm_call_direct.h"

#include "vm/vm_builtin.h"
#include "vm/vm_gen.h"
#include "vm/vm_ic.h"
#include "vm/vm_quiet.h"
#include "vm/vm_special.h"

int
vm_box_words(VmFrame *f, VmWord *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (vm_is_obj(args[i]))
            continue;
        PyObject *o = vm_box_shared(f, args[i]);
        if (o == NULL)
            return -1;
        args[i] = vm_from_ptr(o);
    }
    return 0;
}

/* A function that takes a tuple. */
static inline PyObject *
call_with_tuple(const PyMethodDef *def, PyObject *self, const VmWord *args, size_t n)
{
    PyObject *t = vm_tuple_of_words(args, n);
    PyObject *r = t == NULL ? NULL : def->ml_meth(self, t);
    Py_XDECREF(t);
    return r;
}

/* The call a method definition stands for.  *done 0: not one of the plain kinds.  -> new */
static inline PyObject *
call_definition(const PyMethodDef *def, PyObject *self, PyObject **argv, size_t n, int *done)
{
    switch (def->ml_flags
            & (METH_VARARGS | METH_FASTCALL | METH_NOARGS | METH_O | METH_KEYWORDS | METH_METHOD)) {
    case METH_NOARGS:
        if (n == 0)
            return def->ml_meth(self, NULL);
        break;
    case METH_O:
        if (n == 1)
            return def->ml_meth(self, argv[0]);
        break;
    case METH_VARARGS:
        return call_with_tuple(def, self, (const VmWord *)argv, n);
    case METH_FASTCALL:
        return ((_PyCFunctionFast)(void (*)(void))def->ml_meth)(self, argv, (Py_ssize_t)n);
    case METH_FASTCALL | METH_KEYWORDS:
        return ((_PyCFunctionFastWithKeywords)(void (*)(void))def->ml_meth)(self, argv,
                                                                            (Py_ssize_t)n, NULL);
    }
    *done = 0;
    return NULL;
}

/* What a C function without a self, or a method of a C type with one, is defined as, and what that is
   called with.  -> borrowed, NULL: another kind of callable */
static inline const PyMethodDef *
definition_of(PyObject *callee, PyObject *self, PyObject **receiver)
{
    if (self == NULL && Py_IS_TYPE(callee, &PyCFunction_Type)) {
        *receiver = PyCFunction_GET_SELF(callee);
        return ((PyCFunctionObject *)callee)->m_ml;
    }
    if (self == NULL || !Py_IS_TYPE(callee, &PyMethodDescr_Type)
        || !PyObject_TypeCheck(self, PyDescr_TYPE(callee)))
        return NULL;
    *receiver = self;
    return ((PyMethodDescrObject *)callee)->d_method;
}

/* A list that goes away with the call takes its items along. */
static inline int
may_take_items(PyObject *self)
{
    return self != NULL && PyList_Check(self) && Py_REFCNT(self) == 1;
}

/* CPython calls it under a C call that counts, but for warm METH_FASTCALL ones. */
static inline int
takes_unit(VmFrame *f, const PyMethodDef *def)
{
    return CPY_C_CALL_TAKES_UNIT && !(def->ml_flags & METH_FASTCALL && vm_call_is_warm(f));
}

/* The form of a call of it at f's pc. */
static VmDirectHow
how_of(VmFrame *f, const PyMethodDef *def)
{
    unsigned n = f->pc[1].op;
    switch (def->ml_flags) {
    case METH_NOARGS: return n == 0 ? HOW_NONE : HOW_ANY;
    case METH_O: return n == 1 ? HOW_ONE : HOW_ANY;
    case METH_FASTCALL: return HOW_LIST;
    case METH_FASTCALL | METH_KEYWORDS: return HOW_LIST_AND_NAMES;
    default: return HOW_ANY;
    }
}

/* The site, if it can remember what is called there.  -> or NULL */
static VmCache *
direct_site(VmFrame *f, VmDirectHow how, const void *callee)
{
    if (f->pc->op != VM_CALL && f->pc->op != VM_CALLM)
        return NULL;
    VmCache *c = vm_cache(f, f->pc->c);
    c->u.call.kind = CALL_DIRECT;
    c->u.call.how = (uint8_t)how;
    c->u.call.callee = (void *)callee;
    return c;
}

/* Of which first arguments others take care, when there are n (vm_call.c, call_builtin()). */
static VmDirectUnlike
unlike_of(PyObject *callee, size_t n)
{
    const VmBuiltin *b = vm_builtin(callee);
    if (b == NULL)
        return UNLIKE_NOTHING;
    return (n <= b->asks || b->gets ? UNLIKE_INSTANCES : 0)
           | (b->resumes || b->folds ? UNLIKE_GENERATORS : 0);
}

static inline int
is_unlike(VmDirectUnlike unlike, VmWord w)
{
    return vm_is_obj(w)
           && ((unlike & UNLIKE_INSTANCES && vm_may_be_special(vm_ptr(w)))
               || (unlike & UNLIKE_GENERATORS && vm_is_gen(vm_ptr(w))));
}

/* The next call here may come to vm_call_direct_again().  def NULL: by the callee's type */
static void
remember(VmFrame *f, PyObject *callee, const PyMethodDef *def)
{
    VmCache *c = def != NULL ? direct_site(f, how_of(f, def), def)
                             : direct_site(f, HOW_ANY, Py_TYPE(callee));
    if (c == NULL)
        return;
    c->u.call.unlike = (uint8_t)unlike_of(callee, f->pc[1].op);
    c->u.call.version = def != NULL ? (uint32_t)(vm_quiet_arguments(def) + 1) : 0;
}

/* Its calls are those of C code, and no frame of ours can come of it at once. */
static inline int
has_plain_vectorcall(PyObject *callee)
{
    return !PyFunction_Check(callee) && !Py_IS_TYPE(callee, &PyMethod_Type)
           && !PyType_Check(callee) && !PyCFunction_Check(callee)
           && !Py_IS_TYPE(callee, &PyMethodDescr_Type) && PyVectorcall_Function(callee) != NULL;
}

void
vm_remember_computed(VmFrame *f, const VmBuiltin *b)
{
    if (b->borrows)
        direct_site(f, HOW_COMPUTED, b);
}

/* Does C code make instances of it, and nothing but that?  *version as the site remembers it. */
static int
is_made_in_c(PyTypeObject *type, uint32_t *version)
{
    *version = 0;
    if (!Py_IS_TYPE((PyObject *)type, &PyType_Type) || type == &PyType_Type || type == &PySuper_Type)
        return 0;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return 1;
    return !vm_slot_is_generic(type, SP_NEW) && !vm_slot_is_generic(type, SP_INIT)
           && (*version = cpy_type_version(type)) != 0;
}

void
vm_remember_vectorcall(VmFrame *f, PyObject *callee)
{
    uint32_t version;
    if (has_plain_vectorcall(callee))
        remember(f, callee, NULL);
    else if (PyType_Check(callee) && is_made_in_c((PyTypeObject *)callee, &version)) {
        VmCache *c = direct_site(f, HOW_TYPE, callee);
        if (c == NULL)
            return;
        c->u.call.unlike = (uint8_t)unlike_of(callee, f->pc[1].op);
        c->u.call.version = version;
    }
}

PyObject *
vm_call_direct(VmAct *A, VmFrame *f, PyObject *callee, VmWord *args, size_t n, int *done)
{
    PyObject *self;
    *done = 0;
    if (callee == vm_known.build_class || callee == vm_known.exec || callee == vm_known.eval
        || callee == vm_known.sorted)
        return NULL;        /* frames of ours; vm_sort.c */
    int is_method = Py_IS_TYPE(callee, &PyMethodDescr_Type);
    const PyMethodDef *def = definition_of(
        callee, is_method && n > 0 && vm_is_obj(args[0]) ? vm_ptr(args[0]) : NULL, &self);
    if (def == NULL)
        return NULL;
    args += is_method;
    n -= (size_t)is_method;
    if (*A->left <= 0 || vm_must_delegate(A->ts) != NULL || vm_box_words(f, args, n) < 0)
        return NULL;
    int plain = vm_quiet_arguments(def);
    int loud = plain < 0 || !vm_are_plain((PyObject **)args, n, (size_t)plain)
               || may_take_items(self);
    *done = loud ? 1 : DONE_QUIETLY;
    if (loud)
        vm_boundary(A, f);
    if (vm_c_stack_check(A) < 0)
        return NULL;
    int unit = takes_unit(f, def), special = callee == vm_known.anext && n == 2;
    *A->left -= unit;
    PyObject *r = special ? vm_anext_default(callee, vm_ptr(args[0]), vm_ptr(args[1]))
                          : call_definition(def, self, (PyObject **)args, n, done);
    *A->left += unit;
    if (*done && !special)
        remember(f, callee, def);
    return r;
}

/* -- again ------------------------------------------------------------------------------------ */

#define APART __attribute__((noinline))         /* each saves the registers it needs */

/* What is called: by a C function's name, or as a method found by GETM. */
typedef struct {
    PyObject *callee, *self;    /* of the instruction; self: an argument, or NULL */
    const void *kind;           /* what the site remembers; NULL: another kind of callable */
    const PyMethodDef *def;     /* NULL: an object with a vectorcall, and its type is the kind */
    PyObject *receiver;         /* what the definition is called with */
} Target;

static inline Target
target_of(const VmFrame *f, const VmInsn *ip)
{
    VmWord self, callee = vm_callee_of(f, ip, &self);
    Target t = {vm_ptr(callee), vm_ptr(self), NULL, NULL, NULL};
    if (!vm_is_obj(callee) || (self != VM_NULL && !vm_is_obj(self)))
        return t;
    t.kind = t.def = definition_of(t.callee, t.self, &t.receiver);
    if (t.def == NULL && self == VM_NULL && has_plain_vectorcall(t.callee))
        t.kind = Py_TYPE(t.callee);
    return t;
}

/* The operands as objects, all owned by args.  0; -1 without memory, nothing was taken */
static inline int
take_objects(VmFrame *f, const VmInsn *list, unsigned n, VmWord *args)
{
    unsigned nlocals = f->code->nlocals;
    for (unsigned i = 0; i < n; i++) {
        unsigned o = vm_list_get(list, i);
        VmWord w = vm_operand_word(f->regs, f->code, o);
        if (!vm_is_obj(w)) {
            w = vm_from_ptr(vm_box_shared(f, w));
            if (w == VM_NULL) {
                PyErr_Clear();      /* the general way says it again */
                while (i-- > 0) {
                    o = vm_list_get(list, i);
                    if (vm_operand_stays(o, nlocals) || !vm_is_obj(f->regs[o]))
                        vm_release(args[i]);
                }
                return -1;
            }
        }
        else if (vm_operand_stays(o, nlocals))
            Py_INCREF(vm_ptr(w));
        args[i] = w;
    }
    return 0;
}

/* Is the first operand one that the site's way is not for? */
static inline int
is_unlike_first(const VmFrame *f, const VmCache *c, const VmInsn *list)
{
    return c->u.call.unlike != UNLIKE_NOTHING && list->op > 0
           && is_unlike((VmDirectUnlike)c->u.call.unlike,
                        vm_operand_word(f->regs, f->code, vm_list_get(list, 0)));
}

static inline PyObject *
call_target(VmAct *A, VmFrame *f, const Target *t, VmWord *args, unsigned n)
{
    int unit = takes_unit(f, t->def), done = 1, first = t->self != NULL;
    *A->left -= unit;
    PyObject *o = call_definition(t->def, t->receiver, (PyObject **)args, n, &done);
    *A->left += unit;
    if (vm_likely(done))
        return o;
    args[-1] = vm_from_ptr(t->self);    /* it doesn't take as many arguments, and says so */
    vm_boundary(A, f);
    return vm_call_out(A, f, t->callee, (PyObject **)args - first, n + first, NULL);
}

/* One that is computed from words, which stay where they are until it is done. */
static APART VmCallStatus
compute_again(VmAct *A, VmFrame *f, VmCache *c)
{
    const VmInsn *ip = f->pc;
    const VmBuiltin *b = c->u.call.callee;
    VmWord self, callee = vm_callee_of(f, ip, &self), *args = vm_out_area(f);
    unsigned n = ip[1].op, nlocals = f->code->nlocals, moves = 0;
    size_t all = n;
    if (callee != vm_from_ptr(b->callable) || *A->left < CPY_C_CALL_TAKES_UNIT || n > 8)
        return CALL_NOT_MINE;
    for (unsigned i = 0; i < n; i++) {
        unsigned operand = vm_list_get(ip + 1, i);
        args[i] = vm_operand_word(f->regs, f->code, operand);
        moves |= (unsigned)!vm_operand_stays(operand, nlocals) << i;
    }
    if (self != VM_NULL) {
        *--args = self;
        all++;
    }
    VmWord result = b->compute(f, args, all);
    if (result == VM_NULL) {
        c->u.call.kind = CALL_UNSEEN;
        return CALL_NOT_MINE;
    }
    for (; moves != 0; moves &= moves - 1)
        vm_release(f->regs[vm_list_get(ip + 1, (unsigned)__builtin_ctz(moves))]);
    if (vm_callee_moves(f, ip))
        Py_DECREF(b->callable);
    vm_release(self);
    vm_set_any(A, f, ip->a, result);
    return CALL_DONE;
}

/* The call at f's pc gave o (taken); loud: with f on top. */
static inline VmCallStatus
end_again(VmAct *A, VmFrame *f, PyObject *o, int loud)
{
    if (loud) {
        vm_after(A, f);
        A->delegate = vm_must_delegate(A->ts) != NULL;
    }
    o = vm_after_c(A, f, o);
    if (vm_unlikely(o == NULL))
        return CALL_ERROR;
    vm_set_any(A, f, f->pc->a, vm_unbox_unique(o));
    return CALL_DONE;
}

/* Instances of a type that C code makes. */
static APART VmCallStatus
call_type_again(VmAct *A, VmFrame *f, const VmCache *c)
{
    const VmInsn *ip = f->pc;
    VmWord self, callee = vm_callee_of(f, ip, &self), *args = vm_out_area(f);
    PyTypeObject *type = c->u.call.callee;
    unsigned n = ip[1].op;
    if (callee != vm_from_ptr((PyObject *)type) || self != VM_NULL
        || (c->u.call.version != 0 && c->u.call.version != type->tp_version_tag) || A->delegate
        || (char *)__builtin_frame_address(0) <= A->stack_low || is_unlike_first(f, c, ip + 1)
        || take_objects(f, ip + 1, n, args) < 0)
        return CALL_NOT_MINE;
    vm_boundary(A, f);
    PyObject *o = PyObject_Vectorcall((PyObject *)type, (PyObject **)args,
                                      n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (vm_callee_moves(f, ip))
        Py_DECREF(type);
    for (unsigned i = 0; i < n; i++)
        Py_DECREF(vm_ptr(args[i]));
    return end_again(A, f, o, 1);
}

static APART VmCallStatus
call_again(VmAct *A, VmFrame *f, const VmCache *c)
{
    const VmInsn *ip = f->pc;
    Target t = target_of(f, ip);
    VmWord *args = vm_out_area(f);
    unsigned n = ip[1].op;
    if (t.kind == NULL || t.kind != c->u.call.callee || A->delegate || *A->left <= 0
        || (char *)__builtin_frame_address(0) <= A->stack_low || is_unlike_first(f, c, ip + 1)
        || take_objects(f, ip + 1, n, args) < 0)
        return CALL_NOT_MINE;
    int loud = c->u.call.version == 0
               || !vm_are_plain((PyObject **)args, n, c->u.call.version - 1)
               || may_take_items(t.self);
    if (loud)
        vm_boundary(A, f);
    PyObject *o = t.def == NULL ? PyObject_Vectorcall(t.callee, (PyObject **)args,
                                                      n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL)
                                : call_target(A, f, &t, args, n);
    if (vm_callee_moves(f, ip))
        Py_DECREF(t.callee);
    Py_XDECREF(t.self);
    for (unsigned i = 0; i < n; i++)
        Py_DECREF(vm_ptr(args[i]));
    return end_again(A, f, o, loud);
}

/* Its definition is the one remembered, with this receiver.  1 / 0 */
static inline int
is_defined_as(const PyMethodDef *def, PyObject *callee, VmWord self, PyObject **receiver)
{
    if (self == VM_NULL) {
        *receiver = ((PyCFunctionObject *)callee)->m_self;
        return Py_IS_TYPE(callee, &PyCFunction_Type) && ((PyCFunctionObject *)callee)->m_ml == def;
    }
    *receiver = vm_ptr(self);
    return vm_is_obj(self) && Py_IS_TYPE(callee, &PyMethodDescr_Type)
           && ((PyMethodDescrObject *)callee)->d_method == def
           && PyObject_TypeCheck(*receiver, PyDescr_TYPE(callee));
}

/* A definition whose form the site knows: what is left are the checks that CPython makes too. */
static inline __attribute__((always_inline)) VmCallStatus
call_in_form(VmAct *A, VmFrame *f, const VmCache *c, VmDirectHow how)
{
    const VmInsn *ip = f->pc;
    const PyMethodDef *def = c->u.call.callee;
    VmWord self, w = vm_callee_of(f, ip, &self), *words = vm_out_area(f);
    PyObject *callee = vm_ptr(w), *receiver, **args = (PyObject **)words, *o;
    unsigned n = how == HOW_NONE ? 0 : how == HOW_ONE ? 1
                                                      : ip[1].op;
    if (!vm_is_obj(w) || !is_defined_as(def, callee, self, &receiver) || A->delegate
        || *A->left <= 0 || (char *)__builtin_frame_address(0) <= A->stack_low
        || is_unlike_first(f, c, ip + 1) || take_objects(f, ip + 1, n, words) < 0)
        return CALL_NOT_MINE;
    int loud = c->u.call.version == 0 || !vm_are_plain(args, n, c->u.call.version - 1)
               || may_take_items(receiver);
    if (loud)
        vm_boundary(A, f);
    int unit = CPY_C_CALL_TAKES_UNIT
               && (how == HOW_NONE || how == HOW_ONE || !vm_call_is_warm(f));
    *A->left -= unit;
    if (how == HOW_NONE)
        o = def->ml_meth(receiver, NULL);
    else if (how == HOW_ONE)
        o = def->ml_meth(receiver, args[0]);
    else if (how == HOW_LIST)
        o = ((_PyCFunctionFast)(void (*)(void))def->ml_meth)(receiver, args, (Py_ssize_t)n);
    else
        o = ((_PyCFunctionFastWithKeywords)(void (*)(void))def->ml_meth)(receiver, args,
                                                                         (Py_ssize_t)n, NULL);
    *A->left += unit;
    if (vm_callee_moves(f, ip))
        Py_DECREF(callee);
    vm_release(self);
    for (unsigned i = 0; i < n; i++)
        Py_DECREF(args[i]);
    return end_again(A, f, o, loud);
}

/* Each form has code of its own. */
#define IN_FORM(NAME, HOW) \
    static APART VmCallStatus NAME(VmAct *A, VmFrame *f, const VmCache *c) \
    { \
        return call_in_form(A, f, c, HOW); \
    }
IN_FORM(call_with_none, HOW_NONE)
IN_FORM(call_with_one, HOW_ONE)
IN_FORM(call_with_list, HOW_LIST)
IN_FORM(call_with_names, HOW_LIST_AND_NAMES)
#undef IN_FORM

VmCallStatus
vm_call_direct_again(VmAct *A, VmFrame *f, VmFrame **pushed)
{
    VmCache *c = vm_cache(f, f->pc->c);
    switch (c->u.call.how) {
    case HOW_COMPUTED: return compute_again(A, f, c);
    case HOW_TYPE: return call_type_again(A, f, c);
    case HOW_NONE: return call_with_none(A, f, c);
    case HOW_ONE: return call_with_one(A, f, c);
    case HOW_LIST: return call_with_list(A, f, c);
    case HOW_LIST_AND_NAMES: return call_with_names(A, f, c);
    case HOW_CLASS: return vm_call_class_again(A, f, c, pushed);
    case HOW_SEND: return vm_call_send_again(A, f, pushed);
    default: return call_again(A, f, c);
    }
}
