/* Every kernel for one instruction set, and its table fa_kernels_<isa>.
 *
 * Included by the kernels/isa_*.c files after they chose FA_ISA, FA_VB, FA_X86 and the
 * compiler's target.  Contraction to fused multiply-add stays off: it would make results
 * depend on the instruction set.
 */
#if defined(__FAST_MATH__)
#error "fastarray's results are exact: build it without -ffast-math"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC diagnostic ignored "-Wtautological-compare"
#if defined(FA_SMALL)
#pragma GCC optimize("-Os")
#else
#pragma GCC optimize("-O2,-fvect-cost-model=dynamic")
#endif
#pragma GCC optimize("-ffp-contract=off,-fno-trapping-math,-fno-math-errno,-fwrapv")
#endif

#include "kernels/simd.h"
#define UN_8 uint8_t
#define UN_16 uint16_t
#define UN_32 uint32_t
#define UN_64 uint64_t

#define T i8
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 1
#define FA_BITS 8
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/undef_type.h"

#define T u8
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 0
#define FA_BITS 8
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/undef_type.h"

#define T i16
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 1
#define FA_BITS 16
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/expr.kernel.h"
#include "kernels/undef_type.h"

#define T u16
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 0
#define FA_BITS 16
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/undef_type.h"

#define T i32
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 1
#define FA_BITS 32
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/expr.kernel.h"
#include "kernels/undef_type.h"

#define T u32
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 0
#define FA_BITS 32
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/undef_type.h"

#define T i64
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 1
#define FA_BITS 64
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/expr.kernel.h"
#include "kernels/undef_type.h"

#define T u64
#define FA_IS_FLOAT 0
#define FA_IS_SIGNED 0
#define FA_BITS 64
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/undef_type.h"

#define T f32
#define FA_IS_FLOAT 1
#define FA_IS_SIGNED 1
#define FA_BITS 32
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/undef_type.h"

#define T f64
#define FA_IS_FLOAT 1
#define FA_IS_SIGNED 1
#define FA_BITS 64
#include "kernels/def_type.h"
#include "kernels/reduce.kernel.h"
#include "kernels/scale.kernel.h"
#include "kernels/expr.kernel.h"
#include "kernels/undef_type.h"

#include "kernels/compare.kernel.h"
#include "kernels/fsum.kernel.h"

/* -- the table -------------------------------------------------------------------- */

#define AT(op, t) CAT3(op, t, FA_ISA)
#define EACH_INT(op)                                                                     \
    AT(op, i8), AT(op, u8), AT(op, i16), AT(op, u16), AT(op, i32), AT(op, u32),          \
        AT(op, i64), AT(op, u64)
#define EACH_TYPE(op) {EACH_INT(op), AT(op, f32), AT(op, f64)}

/* Operations of a lane kind, from the table of operations. */
#define LANES_A(name, t, f, q) [FA_L_##name] = AT(op_##name, t),
#define LANES_I(name, t, f, q) SKIP_##f([FA_L_##name] = AT(op_##name, t),)
#define LANES_F(name, t, f, q) KEEP_##f([FA_L_##name] = AT(op_##name, t),)
#define LANES_Q(name, t, f, q) KEEP_##q([FA_L_##name] = AT(op_##name, t),)
#define KEEP_0(...)
#define KEEP_1(...) __VA_ARGS__
#define SKIP_0(...) __VA_ARGS__
#define SKIP_1(...)

const FaKernels CAT2(fa_kernels, FA_ISA) = {
    .name = STR(FA_ISA),
    .sum = EACH_TYPE(sum),
#if defined(FA_SMALL)
    .min = EACH_TYPE(minmax),
    .max = EACH_TYPE(minmax),
#else
    .min = EACH_TYPE(min),
    .max = EACH_TYPE(max),
#endif
    .minmax = EACH_TYPE(minmax),
    .dot = {AT(dot, i8), AT(dot, u8), AT(dot, i16), AT(dot, u16), AT(dot, i32),
            AT(dot, u32), NULL, NULL, AT(dot, f32), AT(dot, f64)},
    .moments = {[FA_f32] = AT(moments, f32), [FA_f64] = AT(moments, f64)},
    .cascade = KI(cascade),
    .find = EACH_TYPE(find),
    .count = EACH_TYPE(count),
    .clip = EACH_TYPE(clip),
    .vs = {EACH_TYPE(vs_add), EACH_TYPE(vs_mul)},
    .vv = {EACH_TYPE(vv_add), EACH_TYPE(vv_mul), EACH_TYPE(vv_sub),
           {[FA_f32] = AT(vv_div, f32), [FA_f64] = AT(vv_div, f64)}},
    .between = EACH_TYPE(between),
    .compress = {KI(compress1), KI(compress2), KI(compress4), KI(compress8)},
    .maskbits = {KI(maskbits16), KI(maskbits32), KI(maskbits64)},
    .load = {
        [FA_LANE16] = {AT(load_i8, i16), AT(load_u8, i16), AT(load_i16, i16)},
        [FA_LANE32] = {AT(load_i8, i32), AT(load_u8, i32), AT(load_i16, i32),
                       AT(load_u16, i32), AT(load_i32, i32), AT(load_u32, i32)},
        [FA_LANE64] = {AT(load_i8, i64), AT(load_u8, i64), AT(load_i16, i64),
                       AT(load_u16, i64), AT(load_i32, i64), AT(load_u32, i64),
                       AT(load_i64, i64), AT(load_u64, i64)},
        [FA_LANEF64] = {AT(load_i8, f64), AT(load_u8, f64), AT(load_i16, f64),
                        AT(load_u16, f64), AT(load_i32, f64), AT(load_u32, f64), NULL,
                        NULL, AT(load_f32, f64), AT(load_f64, f64)},
    },
    .store = {
        [FA_LANE16] = {AT(store_i8, i16), AT(store_u8, i16), AT(store_i16, i16),
                       AT(store_u16, i16)},
        [FA_LANE32] = {AT(store_i8, i32), AT(store_u8, i32), AT(store_i16, i32),
                       AT(store_u16, i32), AT(store_i32, i32), AT(store_u32, i32)},
        [FA_LANE64] = {AT(store_i8, i64), AT(store_u8, i64), AT(store_i16, i64),
                       AT(store_u16, i64), AT(store_i32, i64), AT(store_u32, i64),
                       AT(store_i64, i64), AT(store_u64, i64)},
        [FA_LANEF64] = {[FA_f32] = AT(store_f32, f64), [FA_f64] = AT(store_f64, f64)},
    },
    .lane = {
#define FA_LANE_OP(name, lanes) LANES_##lanes(name, i16, 0, 0)
        [FA_LANE16] = {
#include "fa_expr.def"
        },
#undef FA_LANE_OP
#define FA_LANE_OP(name, lanes) LANES_##lanes(name, i32, 0, 0)
        [FA_LANE32] = {
#include "fa_expr.def"
        },
#undef FA_LANE_OP
#define FA_LANE_OP(name, lanes) LANES_##lanes(name, i64, 0, 1)
        [FA_LANE64] = {
#include "fa_expr.def"
        },
#undef FA_LANE_OP
#define FA_LANE_OP(name, lanes) LANES_##lanes(name, f64, 1, 0)
        [FA_LANEF64] = {
#include "fa_expr.def"
        },
#undef FA_LANE_OP
    },
};
