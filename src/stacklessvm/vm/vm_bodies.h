/* What the instruction bodies say besides what each kind of code they become defines for itself:
 *
 *   BODY(NAME)            begins the code of an instruction
 *   NEXT, NEXT_N(words)   go on with the next instruction
 *   NEXT_AFTER(words)     the same after an OUT: a tool may have become active meanwhile
 *   JUMP_OFFSET(words)    jump; backward ones poll
 *   OUT(call)             call what may raise or run Python code, or leave a frame to be run first
 *   SET(v)                store into a: SET_TEMP or SET_LOCAL; NEXT follows
 *   RELEASE(w)            give up a reference of F's; RELEASE_LAST(w): and NEXT follows
 *   F                     the frame whose registers are R
 *   LOAD_FRAME(frame)     F is now that frame
 *
 * A, ip, R, nlocals, caches, v, leaf, returned, result and reraise are variables there, and error, do_call, do_direct, do_leaf,
 * do_return, do_yield, poll_and_go and resume_at_pc are labels.
 */
#ifndef VM_BODIES_H
#define VM_BODIES_H

#include "cpyext_compat/cpy_dict.h"
#include "cpyext_compat/cpy_iter.h"
#include "cpyext_compat/cpy_long.h"
#include "vm/vm_arith.h"
#include "vm/vm_attr.h"
#include "vm/vm_build.h"
#include "vm/vm_call.h"
#include "vm/vm_call_out.h"
#include "vm/vm_class.h"
#include "vm/vm_gen.h"
#include "vm/vm_handover.h"
#include "vm/vm_ic.h"
#include "vm/vm_leaf.h"
#include "vm/vm_num.h"
#include "vm/vm_shadow.h"
#include "vm/vm_special.h"
#include "vm/vm_text.h"
#include "vm/vm_unwind.h"

#include <math.h>

#define OFFSET_BC (*(const int32_t *)&ip->b)
#define CONSUME(reg) \
    do { \
        unsigned consumed_ = (reg); \
        if (IS_TEMP(consumed_)) \
            RELEASE(R[consumed_]); \
    } while (0)
#define IS_TEMP(reg) ((reg) >= nlocals)
#define SET_ANY(v) \
    do { \
        VmWord new_ = (v); \
        if (IS_TEMP(ip->a)) \
            R[ip->a] = new_; \
        else { \
            VmWord old_ = R[ip->a]; \
            R[ip->a] = new_; \
            RELEASE_LAST(old_); \
        } \
    } while (0)
#define SET_TEMP(v) R[ip->a] = (v)
#define SET_LOCAL(v) \
    do { \
        VmWord new_ = (v), old_ = R[ip->a]; \
        R[ip->a] = new_; \
        RELEASE_LAST(old_); \
    } while (0)

/* -- pushing frames -------------------------------------------------------------------------- */

/* Operand I of the call into a register of the new frame: a temporary moves. */
#define TAKE_OPERAND(I, REG) \
    do { \
        unsigned o_ = operands_[I]; \
        VmWord w_ = vm_operand_word(R, F->code, o_); \
        nf_->regs[REG] = w_; \
        if (vm_is_obj(w_) && vm_operand_stays(o_, nlocals)) \
            Py_INCREF(vm_ptr(w_)); \
    } while (0)
#define TAKE_ARGUMENT(SELF_COUNT) TAKE_OPERAND(i_, (SELF_COUNT) + i_)
#define TAKE_ARGUMENTS(SELF_COUNT) \
    do { \
        unsigned i_ = 0; \
        if (n_ == 0) \
            break; \
        TAKE_ARGUMENT(SELF_COUNT); \
        if (++i_ == n_) \
            break; \
        TAKE_ARGUMENT(SELF_COUNT); \
        while (++i_ < n_) \
            TAKE_ARGUMENT(SELF_COUNT); \
    } while (0)
/* Registers that got no argument: defaults, then nothing. */
#define FILL_LOCALS() \
    do { \
        unsigned i_ = bound_; \
        if (i_ < code_->argcount) \
            i_ = vm_bind_defaults(nf_, func_, code_, i_); \
        for (; i_ < new_locals_; i_++) { \
            nf_->regs[i_] = VM_NULL; \
            __asm__("" : : : "memory");         /* a few stores, not a memset */ \
        } \
    } while (0)
/* Take it. */
#define OPEN_FRAME(end) \
    do { \
        --*A->left; \
        A->top = (end); \
        vm_stats.native++; \
    } while (0)
/* A frame with its locals filled begins; its caller goes on at NEXT_INSN; FUNC is taken. */
#define RUN_FRAME(NF, CODE, FUNC, NEXT_INSN) \
    do { \
        (NF)->prev = F; \
        (NF)->code = (CODE); \
        (NF)->func = (FUNC); \
        (NF)->locals = NULL; \
        (NF)->shadow = NULL; \
        (NF)->ret_plain = VM_PLAIN(ip->a); \
        (NF)->ret_ip = (NEXT_INSN); \
        F->pc = ip; \
        ip = (CODE)->insns; \
        R = (NF)->regs; \
        nlocals = (CODE)->nlocals; \
        caches = (CODE)->caches; \
        NEXT_N(0); \
    } while (0)
/* A function without parameters that returns a constant. */
#define CALL_CONSTANT(CODE, FUNC) \
    do { \
        if (!HAS_ROOM(A->top) || (IS_TEMP(ip->b) && Py_REFCNT(FUNC) == 1)) \
            break; \
        VmWord constant_ = (CODE)->consts[(CODE)->insns->a]; \
        vm_incref(constant_); \
        if (IS_TEMP(ip->b)) \
            Py_DECREF(FUNC); \
        vm_stats.native++; \
        SET_ANY(constant_); \
        NEXT_N(2); \
    } while (0)
/* Is there room for a frame, and nothing that wants attention first? */
#define HAS_ROOM(end) \
    !(vm_unlikely(*A->breaker & CPY_EVAL_BREAKER_MASK) || vm_unlikely(A->delegate) \
      || vm_unlikely((end) > A->limit) || vm_unlikely(*A->left <= 0))
/* Who stops at every boundary wants frames; the hostile build, which always does, runs leaves, too. */
#if defined(VM_STEPPING) && !defined(VM_HOSTILE)
#  define RUNS_LEAVES 0
#else
#  define RUNS_LEAVES 1
#endif
/* A leaf is run, when the site has it, and that does. */
#define RUN_LEAF(LIST, CODE) \
    do { \
        leaf = *(LIST); \
        if (leaf != NULL && vm_unlikely(leaf->serial != (CODE)->serial)) \
            leaf = vm_leaf_of(leaf, (CODE)->serial); \
        if (leaf != NULL && RUNS_LEAVES && vm_leaf_may_run(A)) \
            goto do_leaf; \
    } while (0)
#define WANT_LEAF(SITE, LIST, CODE, FUNC, SELF, AT) \
    do { \
        if ((CODE)->leaf && (SITE)->leaf_calls < VM_LEAF_CALLS_WATCHED) { \
            F->pc = ip; \
            vm_leaf_prepare(F, (FUNC), (CODE), (SELF), (LIST), (AT)); \
        } \
    } while (0)
/* A function that gets its arguments by position, and defaults for the rest: the frame is made
   here.  SELF_COUNT words before the listed operands. */
#define PUSH_CALL(CALLEE, SELF_COUNT, SELF) \
    do { \
        VmCode *code_ = caches[ip->c].u.call.code; \
        PyFunctionObject *func_ = (PyFunctionObject *)vm_ptr(CALLEE); \
        unsigned n_ = ip[1].op, bound_ = n_ + (SELF_COUNT); \
        if (vm_unlikely((PyObject *)code_->co != func_->func_code)) { \
            code_ = *vm_quick_code(func_->func_code); \
            if (code_ == NULL || (PyObject *)code_->co != func_->func_code \
                || !(code_->simple || code_->leaf)) \
                break; \
            caches[ip->c].u.call.code = code_; \
        } \
        if (vm_unlikely(bound_ != code_->push_args)) { \
            RUN_LEAF(&caches[ip->c].u.call.leaves, code_); \
            if (!code_->quick) \
                break; \
            if (!(SELF_COUNT) && n_ == 0 && code_->argcount == 0 \
                && code_->insns->op == VM_RETK && code_->leaf) \
                CALL_CONSTANT(code_, func_); \
            WANT_LEAF(&caches[ip->c], &caches[ip->c].u.call.leaves, code_, func_, (SELF), NULL); \
            if (!code_->simple) \
                break; \
            if (bound_ != code_->argcount && !vm_defaults_suffice(func_, code_, bound_)) \
                break; \
        } \
        VmFrame *nf_ = (VmFrame *)A->top; \
        char *end_ = (char *)nf_ + code_->frame_bytes; \
        if (!HAS_ROOM(end_)) \
            break; \
        OPEN_FRAME(end_); \
        const uint16_t *operands_ = (const uint16_t *)(ip + 1) + 1; \
        if (SELF_COUNT) \
            nf_->regs[0] = (SELF); \
        TAKE_ARGUMENTS(SELF_COUNT); \
        unsigned new_locals_ = code_->nlocals; \
        if (bound_ < new_locals_) \
            FILL_LOCALS(); \
        if (!(SELF_COUNT) && !IS_TEMP(ip->b)) \
            Py_INCREF(func_); \
        RUN_FRAME(nf_, code_, func_, ip + 1 + vm_list_words(n_)); \
    } while (0)
/* A property's getter, called with the object in register b.  Falls through when it needs more. */
#define PUSH_GETTER(GETTER) \
    do { \
        PyFunctionObject *func_ = (PyFunctionObject *)(GETTER); \
        VmCode *code_ = vm_code_taking(func_, 1); \
        if (code_ == NULL) \
            break; \
        if (code_->leaf && (!IS_TEMP(ip->b) || Py_REFCNT(vm_ptr(R[ip->b])) > 1) \
            && (v = vm_leaf_of_one(A, func_, code_, R[ip->b])) != VM_NULL) { \
            CONSUME(ip->b); \
            SET_ANY(v); \
            NEXT; \
        } \
        VmFrame *nf_ = (VmFrame *)A->top; \
        char *end_ = (char *)nf_ + code_->frame_bytes; \
        if (!HAS_ROOM(end_)) \
            break; \
        OPEN_FRAME(end_); \
        unsigned bound_ = 1, new_locals_ = code_->nlocals; \
        nf_->regs[0] = R[ip->b]; \
        if (!IS_TEMP(ip->b)) \
            Py_INCREF(vm_ptr(R[ip->b])); \
        FILL_LOCALS(); \
        Py_INCREF(func_); \
        RUN_FRAME(nf_, code_, func_, ip + 1); \
    } while (0)
/* A call with keywords like the one before at this site: each has its register. */
#define PUSH_KEYWORDS(CALLEE, SELF) \
    do { \
        VmCache *site_ = &caches[ip->c]; \
        PyFunctionObject *func_ = (PyFunctionObject *)vm_ptr(CALLEE); \
        VmCode *code_ = *vm_quick_code(func_->func_code); \
        unsigned first_ = (SELF) != VM_NULL, nk_ = (unsigned)PyTuple_GET_SIZE(site_->name); \
        unsigned n_ = ip[1].op - nk_, bound_ = first_ + n_; \
        if (code_ == NULL || (PyObject *)code_->co != func_->func_code \
            || site_->u.keywords.shape != (code_->serial | bound_)) \
            break; \
        VmKeywords *fit_ = site_->u.keywords.fit; \
        RUN_LEAF(&fit_->leaves, code_); \
        WANT_LEAF(site_, &fit_->leaves, code_, func_, (SELF), fit_->at); \
        VmFrame *nf_ = (VmFrame *)A->top; \
        char *end_ = (char *)nf_ + code_->frame_bytes; \
        uint64_t missing_ = code_->parameters & ~fit_->given; \
        if (!HAS_ROOM(end_) \
            || (missing_ != 0 && vm_fill_defaults(nf_, code_, func_, missing_) < 0)) \
            break; \
        OPEN_FRAME(end_); \
        const uint16_t *operands_ = (const uint16_t *)(ip + 1) + 1; \
        if (first_) \
            nf_->regs[0] = (SELF); \
        for (unsigned i_ = 0; i_ < n_; i_++) \
            TAKE_OPERAND(i_, first_ + i_); \
        for (unsigned i_ = 0; i_ < nk_; i_++) \
            TAKE_OPERAND(n_ + i_, fit_->at[i_]); \
        for (unsigned i_ = code_->nargs_total; i_ < code_->nlocals; i_++) \
            nf_->regs[i_] = VM_NULL; \
        RUN_FRAME(nf_, code_, func_, ip + 1 + vm_list_words(ip[1].op)); \
    } while (0)
/* Arguments that must be sorted first. */
#define PUSH_QUICK(CALLEE, SELF) \
    do { \
        VmWord callee_ = (CALLEE); \
        F->pc = ip; \
        VmFrame *nf_ = vm_call_quick(A, F, (PyFunctionObject *)vm_ptr(callee_), (SELF)); \
        if (nf_ == NULL) \
            break; \
        if (ip->op != VM_CALL || IS_TEMP(ip->b)) \
            Py_DECREF(vm_ptr(callee_)); \
        LOAD_FRAME(nf_); \
        ip = F->code->insns; \
        NEXT_N(0); \
    } while (0)

#endif
