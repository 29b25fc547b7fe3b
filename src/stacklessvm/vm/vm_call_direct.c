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

/* A function that takes a tuple, and perhaps a dict. */
static inline PyObject *
call_with_tuple(const PyMethodDef *def, PyObject *self, const VmWord *args, size_t n)
{
    PyObject *t = vm_tuple_of_words(args, n);
    PyObject *r = t == NULL ? NULL
                  : def->ml_flags & METH_KEYWORDS
                      ? ((PyCFunctionWithKeywords)(void (*)(void))def->ml_meth)(self, t, NULL)
                      : def->ml_meth(self, t);
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
    case METH_VARARGS | METH_KEYWORDS:
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
    case METH_FASTCALL | METH_KEYWORDS: return HOW_NAMES;
    default: return HOW_ANY;
    }
}

/* The shape of the call at f's pc. */
static VmDirectShape
shape_of(VmFrame *f)
{
    const VmInsn *ip = f->pc;
    unsigned n = ip[1].op;
    int is_method = ip->op == VM_CALLM && f->regs[ip->b] != VM_NULL && f->regs[ip->b + 1] != VM_NULL;
    if (n > (is_method ? 2u : 3u))
        return SHAPE_ANY;
    return (VmDirectShape)(is_method ? SHAPE_METHOD + n : SHAPE_FUNCTION + n);
}

/* The site, if it can remember what is called there.  -> or NULL */
static VmCache *
direct_site(VmFrame *f, VmDirectHow how, const void *callee)
{
    if (f->pc->op != VM_CALL && f->pc->op != VM_CALLM)
        return NULL;
    VmCache *c = vm_cache(f, f->pc->c);
    c->u.call.kind = CALL_DIRECT;
    c->u.call.how = (uint8_t)VM_DIRECT_WAY(how, shape_of(f));
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

/* Has the site seen that builtin computed, and not failing too often? */
static int
is_computed(VmFrame *f, const VmBuiltin *b)
{
    if (b == NULL || (f->pc->op != VM_CALL && f->pc->op != VM_CALLM))
        return 0;
    const VmCache *c = vm_cache(f, f->pc->c);
    return c->u.call.kind == CALL_DIRECT && c->u.call.callee == b;
}

/* The next call here may come to vm_call_direct_again(). */
static void
remember(VmFrame *f, PyObject *callee, VmDirectHow how, const void *what, uint32_t version)
{
    VmCache *c = is_computed(f, vm_builtin(callee)) ? NULL : direct_site(f, how, what);
    if (c == NULL)
        return;
    c->u.call.unlike = (uint8_t)unlike_of(callee, f->pc[1].op);
    c->u.call.version = version;
}

/* Its calls are those of C code, and no frame of ours can come of it at once. */
static inline int
is_called_in_c(PyObject *callee)
{
    PyTypeObject *type = Py_TYPE(callee);
    if (PyFunction_Check(callee) || type == &PyMethod_Type || PyType_Check(callee)
        || PyCFunction_Check(callee) || type == &PyMethodDescr_Type || type == vm_known.method_wrapper)
        return 0;
    int is_fixed = !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE;
    return PyVectorcall_Function(callee) != NULL || (is_fixed && type->tp_call != NULL);
}

void
vm_remember_computed(VmFrame *f, const VmBuiltin *b)
{
    VmCache *c = b->borrows && !is_computed(f, b) ? direct_site(f, HOW_COMPUTED, b) : NULL;
    if (c != NULL)
        c->u.call.failures = 0;
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
    if (is_called_in_c(callee))
        remember(f, callee, HOW_OBJECT, Py_TYPE(callee), 0);
    else if (PyType_Check(callee) && is_made_in_c((PyTypeObject *)callee, &version))
        remember(f, callee, HOW_TYPE, callee, version);
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
    /* before it: its methods may come here again */
    int unit = takes_unit(f, def), checks = vm_remember_check(f);
    int special = callee == vm_known.anext && n == 2;
    *A->left -= unit;
    PyObject *r = special ? vm_anext_default(callee, vm_ptr(args[0]), vm_ptr(args[1]))
                          : call_definition(def, self, (PyObject **)args, n, done);
    *A->left += unit;
    const VmBuiltin *learned = *done && !special ? vm_builtin_learn(callee) : NULL;
    if (learned != NULL)
        vm_remember_computed(f, learned);
    else if (*done && !special && !checks)
        remember(f, callee, how_of(f, def), def, (uint32_t)(vm_quiet_arguments(def) + 1));
    return r;
}

/* -- again ------------------------------------------------------------------------------------ */

/* Each saves the registers it needs, and no more: its few words are nothing to write past. */
#ifdef __clang__
#  define APART __attribute__((noinline))
#else
#  define APART __attribute__((noinline, no_stack_protector))
#endif

/* What is called: by a C function's name, or as a method found by GETM. */
typedef struct {
    PyObject *callee, *self;    /* of the instruction; self: an argument, or NULL */
    const PyMethodDef *def;     /* what the site remembers; NULL: another kind of callable */
    PyObject *receiver;         /* what the definition is called with */
} Target;

static inline Target
target_of(const VmFrame *f, const VmInsn *ip)
{
    VmWord self, callee = vm_callee_of(f, ip, &self);
    Target t = {vm_ptr(callee), vm_ptr(self), NULL, NULL};
    if (vm_is_obj(callee) && (self == VM_NULL || vm_is_obj(self)))
        t.def = definition_of(t.callee, t.self, &t.receiver);
    return t;
}

/* Those of the first n operands that args has as objects go back. */
static __attribute__((cold, noinline)) void
give_back(VmFrame *f, const VmInsn *list, unsigned n, VmWord *args)
{
    PyErr_Clear();              /* the general way says it again */
    while (n-- > 0) {
        unsigned o = vm_list_get(list, n);
        if (vm_operand_stays(o, f->code->nlocals) || !vm_is_obj(f->regs[o]))
            vm_release(args[n]);
    }
}

/* Operand i as an object, owned by args.  0; -1 without memory, and none was taken */
static inline __attribute__((always_inline)) int
take_object(VmFrame *f, const VmInsn *list, unsigned i, VmWord *args)
{
    unsigned o = vm_list_get(list, i);
    VmWord w = vm_operand_word(f->regs, f->code, o);
    if (vm_unlikely(!vm_is_obj(w))) {
        w = vm_from_ptr(vm_box_shared(f, w));
        if (vm_unlikely(w == VM_NULL)) {
            give_back(f, list, i, args);
            return -1;
        }
    }
    else if (vm_operand_stays(o, f->code->nlocals))
        Py_INCREF(vm_ptr(w));
    args[i] = w;
    return 0;
}

static inline int
take_objects(VmFrame *f, const VmInsn *list, unsigned n, VmWord *args)
{
    for (unsigned i = 0; i < n; i++) {
        if (take_object(f, list, i, args) < 0)
            return -1;
    }
    return 0;
}

/* Up to three, for an n that is known. */
static inline __attribute__((always_inline)) int
take_few(VmFrame *f, const VmInsn *list, unsigned n, VmWord *args)
{
    return (n > 0 && take_object(f, list, 0, args) < 0) || (n > 1 && take_object(f, list, 1, args) < 0)
                   || (n > 2 && take_object(f, list, 2, args) < 0)
               ? -1
               : 0;
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

static VmCallStatus compute_failed(VmCache *c);

/* One that is computed from words, which stay where they are until it is done. */
static APART VmCallStatus
compute_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed)
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
    VmWord result = vm_compute(b, f, args, all);
    if (result == VM_NULL)
        return compute_failed(c);
    for (; moves != 0; moves &= moves - 1)
        vm_release(f->regs[vm_list_get(ip + 1, (unsigned)__builtin_ctz(moves))]);
    if (vm_callee_moves(f, ip))
        Py_DECREF(b->callable);
    vm_release(self);
    vm_set_any(A, f, ip->a, result);
    return CALL_DONE;
}

/* The callee of a call of that shape, as callee_of() has it; VM_NULL: it is of another now. */
static inline __attribute__((always_inline)) VmWord
callee_in_shape(const VmFrame *f, const VmInsn *ip, VmDirectShape shape, VmWord *self)
{
    if (shape >= SHAPE_METHOD) {
        *self = f->regs[ip->b + 1];
        return *self != VM_NULL ? f->regs[ip->b] : VM_NULL;
    }
    VmWord callee = vm_callee_of(f, ip, self);
    return *self == VM_NULL ? callee : VM_NULL;
}

/* What was called goes, if the instruction has it to itself. */
static inline __attribute__((always_inline)) void
drop_callee(VmFrame *f, const VmInsn *ip, VmDirectShape shape, PyObject *callee)
{
    if (shape >= SHAPE_METHOD || vm_callee_moves(f, ip))
        Py_DECREF(callee);
}

/* Operand i goes, if it is a temporary. */
static inline __attribute__((always_inline)) void
drop_operand(VmAct *A, VmFrame *f, const VmInsn *list, unsigned i, unsigned nlocals)
{
    unsigned o = vm_list_get(list, i);
    if (!vm_operand_stays(o, nlocals))
        vm_release_in(A, f, f->regs[o]);
}

/* The builtin says that it is not for these arguments. */
static VmCallStatus
compute_failed(VmCache *c)
{
    if (++c->u.call.failures >= 16)
        c->u.call.kind = CALL_UNSEEN;
    return CALL_NOT_MINE;
}

/* compute_again() for up to three operands. */
static inline __attribute__((always_inline)) VmCallStatus
compute_in_shape(VmAct *A, VmFrame *f, VmCache *c, VmDirectShape shape, unsigned n)
{
    const VmInsn *ip = f->pc, *list = ip + 1;
    const VmBuiltin *b = c->u.call.callee;
    VmWord self, callee = callee_in_shape(f, ip, shape, &self), words[4];
    if (callee != vm_from_ptr(b->callable) || *A->left < CPY_C_CALL_TAKES_UNIT)
        return CALL_NOT_MINE;
    words[0] = self;
    if (n > 0)
        words[1] = vm_operand_word(f->regs, f->code, vm_list_get(list, 0));
    if (n > 1)
        words[2] = vm_operand_word(f->regs, f->code, vm_list_get(list, 1));
    if (n > 2)
        words[3] = vm_operand_word(f->regs, f->code, vm_list_get(list, 2));
    int is_method = shape >= SHAPE_METHOD;
    VmWord result = vm_compute(b, f, is_method ? words : words + 1, n + (unsigned)is_method);
    if (vm_unlikely(result == VM_NULL))
        return compute_failed(c);
    unsigned nlocals = f->code->nlocals;
    if (n > 0)
        drop_operand(A, f, list, 0, nlocals);
    if (n > 1)
        drop_operand(A, f, list, 1, nlocals);
    if (n > 2)
        drop_operand(A, f, list, 2, nlocals);
    drop_callee(f, ip, shape, b->callable);
    if (is_method)
        vm_release_in(A, f, self);
    vm_set_any(A, f, ip->a, result);
    return CALL_DONE;
}

/* The call at f's pc gave o (taken); loud: with f on top. */
static inline __attribute__((always_inline)) VmCallStatus
end_again(VmAct *A, VmFrame *f, PyObject *o, int loud)
{
    if (loud) {
        vm_after(A, f);
        A->delegate = vm_must_delegate(A->ts) != NULL;
    }
    o = vm_after_c(A, f, o);
    if (vm_unlikely(o == NULL))
        return CALL_ERROR;
    vm_set_any(A, f, f->pc->a, vm_unbox_called(o));
    return CALL_DONE;
}

static APART VmCallStatus
call_again(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed)
{
    const VmInsn *ip = f->pc;
    Target t = target_of(f, ip);
    VmWord *args = vm_out_area(f);
    unsigned n = ip[1].op;
    if (t.def == NULL || t.def != c->u.call.callee || A->delegate || *A->left <= 0
        || (char *)__builtin_frame_address(0) <= A->stack_low || is_unlike_first(f, c, ip + 1)
        || take_objects(f, ip + 1, n, args) < 0)
        return CALL_NOT_MINE;
    int loud = c->u.call.version == 0
               || !vm_are_plain((PyObject **)args, n, c->u.call.version - 1)
               || may_take_items(t.self);
    if (loud)
        vm_boundary(A, f);
    PyObject *o = call_target(A, f, &t, args, n);
    if (vm_callee_moves(f, ip))
        Py_DECREF(t.callee);
    Py_XDECREF(t.self);
    for (unsigned i = 0; i < n; i++)
        Py_DECREF(vm_ptr(args[i]));
    return end_again(A, f, o, loud);
}

/* Its definition is the one remembered, with this receiver.  1 / 0 */
static inline __attribute__((always_inline)) int
is_defined_as(const PyMethodDef *def, PyObject *callee, VmDirectShape shape, VmWord self,
              PyObject **receiver)
{
    if (shape < SHAPE_METHOD) {
        *receiver = ((PyCFunctionObject *)callee)->m_self;
        return Py_IS_TYPE(callee, &PyCFunction_Type) && ((PyCFunctionObject *)callee)->m_ml == def;
    }
    *receiver = vm_ptr(self);
    return vm_is_obj(self) && Py_IS_TYPE(callee, &PyMethodDescr_Type)
           && ((PyMethodDescrObject *)callee)->d_method == def
           && PyObject_TypeCheck(*receiver, PyDescr_TYPE(callee));
}

/* A definition whose form and number of operands the site knows: what is left are the checks that
   CPython makes too. */
static inline __attribute__((always_inline)) VmCallStatus
call_in_form(VmAct *A, VmFrame *f, VmCache *c, VmDirectHow how, VmDirectShape shape, unsigned n)
{
    const VmInsn *ip = f->pc;
    const PyMethodDef *def = c->u.call.callee;
    VmWord self, w = callee_in_shape(f, ip, shape, &self), words[3];
    PyObject *callee = vm_ptr(w), *receiver, **args = (PyObject **)words, *o;
    if (!vm_is_obj(w) || !is_defined_as(def, callee, shape, self, &receiver) || A->delegate
        || *A->left <= 0 || (char *)__builtin_frame_address(0) <= A->stack_low
        || (n > 0 && is_unlike_first(f, c, ip + 1)) || take_few(f, ip + 1, n, words) < 0)
        return CALL_NOT_MINE;
    int loud = c->u.call.version == 0
               || (n > 0 && !vm_are_plain(args, n, c->u.call.version - 1))
               || may_take_items(receiver);
    if (loud)
        vm_boundary(A, f);
    int unit = CPY_C_CALL_TAKES_UNIT
               && (how == HOW_NONE || how == HOW_ONE || !vm_site_is_warm(c));
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
    drop_callee(f, ip, shape, callee);
    if (shape >= SHAPE_METHOD)
        Py_DECREF(receiver);
    for (unsigned i = 0; i < n; i++)
        Py_DECREF(args[i]);
    return end_again(A, f, o, loud);
}

/* A type whose instances C code makes, or an object with calls of its own; n operands become args. */
static inline __attribute__((always_inline)) VmCallStatus
call_callable(VmAct *A, VmFrame *f, VmCache *c, VmDirectHow how, unsigned n, VmWord *args)
{
    const VmInsn *ip = f->pc;
    PyTypeObject *type = c->u.call.callee;
    VmWord self, w = vm_callee_of(f, ip, &self);
    PyObject *callee = vm_ptr(w), *o;
    int is_it = how == HOW_OBJECT
                    ? vm_is_obj(w) && Py_IS_TYPE(callee, type)
                    : callee == (PyObject *)type && Py_IS_TYPE(callee, &PyType_Type)
                          && (c->u.call.version == 0 || c->u.call.version == type->tp_version_tag);
    if (!is_it || self != VM_NULL || A->delegate || *A->left <= 0
        || (char *)__builtin_frame_address(0) <= A->stack_low || is_unlike_first(f, c, ip + 1)
        || take_objects(f, ip + 1, n, args) < 0)
        return CALL_NOT_MINE;
    vm_boundary(A, f);
    vectorcallfunc call = how == HOW_TYPE ? type->tp_vectorcall : NULL;
    size_t nargsf = n | PY_VECTORCALL_ARGUMENTS_OFFSET;
    o = call != NULL ? call(callee, (PyObject **)args, nargsf, NULL)
                     : PyObject_Vectorcall(callee, (PyObject **)args, nargsf, NULL);
    drop_callee(f, ip, SHAPE_FUNCTION, callee);
    for (unsigned i = 0; i < n; i++)
        Py_DECREF(vm_ptr(args[i]));
    return end_again(A, f, o, 1);
}

/* -- a way for each form and shape ------------------------------------------------------------- */

#define COMPUTED(SHAPE, N) \
    static APART VmCallStatus compute_##SHAPE##_##N(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed) \
    { \
        return compute_in_shape(A, f, c, SHAPE_##SHAPE, N); \
    }
COMPUTED(FUNCTION, 0)
COMPUTED(FUNCTION, 1)
COMPUTED(FUNCTION, 2)
COMPUTED(FUNCTION, 3)
COMPUTED(METHOD, 0)
COMPUTED(METHOD, 1)
COMPUTED(METHOD, 2)
#undef COMPUTED

#define IN_FORM(HOW, SHAPE, N) \
    static APART VmCallStatus call_##HOW##_##SHAPE##_##N(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed) \
    { \
        return call_in_form(A, f, c, HOW_##HOW, SHAPE_##SHAPE, N); \
    }
IN_FORM(NONE, FUNCTION, 0)
IN_FORM(NONE, METHOD, 0)
IN_FORM(ONE, FUNCTION, 1)
IN_FORM(ONE, METHOD, 1)
IN_FORM(LIST, FUNCTION, 1)
IN_FORM(LIST, FUNCTION, 2)
IN_FORM(LIST, FUNCTION, 3)
IN_FORM(LIST, METHOD, 0)
IN_FORM(LIST, METHOD, 1)
IN_FORM(LIST, METHOD, 2)
IN_FORM(NAMES, FUNCTION, 1)
IN_FORM(NAMES, FUNCTION, 2)
IN_FORM(NAMES, FUNCTION, 3)
IN_FORM(NAMES, METHOD, 0)
IN_FORM(NAMES, METHOD, 1)
IN_FORM(NAMES, METHOD, 2)
#undef IN_FORM

#define CALLABLE(HOW, NAME, N, ARGS) \
    static APART VmCallStatus NAME(VmAct *A, VmFrame *f, VmCache *c, VmFrame **pushed) \
    { \
        VmWord few[4]; \
        (void)few; \
        return call_callable(A, f, c, HOW_##HOW, N, ARGS); \
    }
CALLABLE(OBJECT, call_object, f->pc[1].op, vm_out_area(f))
CALLABLE(OBJECT, call_object_1, 1, few + 1)
CALLABLE(OBJECT, call_object_2, 2, few + 1)
CALLABLE(TYPE, call_type, f->pc[1].op, vm_out_area(f))
CALLABLE(TYPE, call_type_0, 0, few + 1)
CALLABLE(TYPE, call_type_1, 1, few + 1)
CALLABLE(TYPE, call_type_2, 2, few + 1)
#undef CALLABLE

#define WAYS(HOW, ...) [VM_DIRECT_WAY(HOW_##HOW, SHAPE_ANY)] = __VA_ARGS__
#define ANY call_again
#define FRAME(WAY) WAY, WAY, WAY, WAY, WAY, WAY, WAY, WAY
const VmDirectWay vm_direct_ways[] = {
    /* any, functions of 0 to 3 arguments, methods of 0 to 2 */
    WAYS(ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY),
    WAYS(NONE, ANY, call_NONE_FUNCTION_0, ANY, ANY, ANY, call_NONE_METHOD_0, ANY, ANY),
    WAYS(ONE, ANY, ANY, call_ONE_FUNCTION_1, ANY, ANY, ANY, call_ONE_METHOD_1, ANY),
    WAYS(LIST, ANY, ANY, call_LIST_FUNCTION_1, call_LIST_FUNCTION_2, call_LIST_FUNCTION_3,
         call_LIST_METHOD_0, call_LIST_METHOD_1, call_LIST_METHOD_2),
    WAYS(NAMES, ANY, ANY, call_NAMES_FUNCTION_1, call_NAMES_FUNCTION_2, call_NAMES_FUNCTION_3, call_NAMES_METHOD_0,
         call_NAMES_METHOD_1, call_NAMES_METHOD_2),
    WAYS(COMPUTED, compute_again, compute_FUNCTION_0, compute_FUNCTION_1, compute_FUNCTION_2,
         compute_FUNCTION_3, compute_METHOD_0, compute_METHOD_1, compute_METHOD_2),
    WAYS(OBJECT, call_object, call_object, call_object_1, call_object_2, call_object, call_object,
         call_object, call_object),
    WAYS(TYPE, call_type, call_type_0, call_type_1, call_type_2, call_type, call_type, call_type,
         call_type),
    WAYS(CLASS, FRAME(vm_call_class_again)),
    WAYS(SEND, FRAME(vm_call_send_again)),
    WAYS(CHECK, FRAME(vm_call_check_again)),
};
#undef FRAME
#undef ANY
#undef WAYS
