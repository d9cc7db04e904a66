// SPDX-License-Identifier: Apache-2.0
// Eight channels as two vectors of four, for processors with 128-bit registers (SSE2, NEON). GCC takes one 256-bit vector type
// there too, but keeps its variables in memory and compares lane by lane.
#pragma once

namespace sextant::SEXTANT_ISA_NAMESPACE {

typedef float vec4 __attribute__((vector_size(16)));
typedef float vec4_unaligned __attribute__((vector_size(16), aligned(4)));
typedef int ivec4 __attribute__((vector_size(16)));

struct ivec {
    ivec4 low, high;
};

struct vec {
    vec4 low, high;
    float operator[](int i) const { return i < 4 ? low[i] : high[i - 4]; }
};

#define SEXTANT_ARITHMETIC(TYPE, SCALAR, OP)                                                                       \
    SEXTANT_INLINE TYPE operator OP(TYPE a, TYPE b) { return {a.low OP b.low, a.high OP b.high}; }                 \
    SEXTANT_INLINE TYPE operator OP(TYPE a, SCALAR b) { return {a.low OP b, a.high OP b}; }                        \
    SEXTANT_INLINE TYPE operator OP(SCALAR a, TYPE b) { return {a OP b.low, a OP b.high}; }                        \
    SEXTANT_INLINE TYPE& operator OP##=(TYPE& a, TYPE b) { return a = a OP b; }                                    \
    SEXTANT_INLINE TYPE& operator OP##=(TYPE& a, SCALAR b) { return a = a OP b; }
#define SEXTANT_COMPARISON(TYPE, SCALAR, OP)                                                                       \
    SEXTANT_INLINE ivec operator OP(TYPE a, TYPE b) { return {a.low OP b.low, a.high OP b.high}; }                 \
    SEXTANT_INLINE ivec operator OP(TYPE a, SCALAR b) { return {a.low OP b, a.high OP b}; }

SEXTANT_ARITHMETIC(vec, float, +)
SEXTANT_ARITHMETIC(vec, float, -)
SEXTANT_ARITHMETIC(vec, float, *)
SEXTANT_ARITHMETIC(vec, float, /)
SEXTANT_COMPARISON(vec, float, <)
SEXTANT_COMPARISON(vec, float, >)
SEXTANT_COMPARISON(vec, float, <=)
SEXTANT_COMPARISON(vec, float, >=)
SEXTANT_COMPARISON(vec, float, ==)
SEXTANT_COMPARISON(vec, float, !=)
SEXTANT_ARITHMETIC(ivec, int, +)
SEXTANT_ARITHMETIC(ivec, int, -)
SEXTANT_ARITHMETIC(ivec, int, &)
SEXTANT_ARITHMETIC(ivec, int, |)
SEXTANT_ARITHMETIC(ivec, int, <<)
SEXTANT_ARITHMETIC(ivec, int, >>)
SEXTANT_COMPARISON(ivec, int, <)
SEXTANT_COMPARISON(ivec, int, >=)
SEXTANT_COMPARISON(ivec, int, ==)
#undef SEXTANT_ARITHMETIC
#undef SEXTANT_COMPARISON

SEXTANT_INLINE vec operator-(vec a) { return {-a.low, -a.high}; }
SEXTANT_INLINE ivec operator~(ivec a) { return {~a.low, ~a.high}; }

SEXTANT_INLINE vec load_unaligned(const float* p) {
    return {*reinterpret_cast<const vec4_unaligned*>(p), *reinterpret_cast<const vec4_unaligned*>(p + 4)};
}
SEXTANT_INLINE void store_unaligned(float* p, vec v) {
    *reinterpret_cast<vec4_unaligned*>(p) = v.low;
    *reinterpret_cast<vec4_unaligned*>(p + 4) = v.high;
}
SEXTANT_INLINE vec load(const float* p) {
    return {*reinterpret_cast<const vec4*>(p), *reinterpret_cast<const vec4*>(p + 4)};
}
SEXTANT_INLINE void store(float* p, vec v) {
    *reinterpret_cast<vec4*>(p) = v.low;
    *reinterpret_cast<vec4*>(p + 4) = v.high;
}

SEXTANT_INLINE ivec bits(vec x) { return {(ivec4)x.low, (ivec4)x.high}; }
SEXTANT_INLINE vec from_bits(ivec x) { return {(vec4)x.low, (vec4)x.high}; }
SEXTANT_INLINE vec to_float(ivec x) {
    return {__builtin_convertvector(x.low, vec4), __builtin_convertvector(x.high, vec4)};
}
SEXTANT_INLINE ivec lane_numbers() { return {ivec4{0, 1, 2, 3}, ivec4{4, 5, 6, 7}}; }
SEXTANT_INLINE vec select(ivec condition, vec a, vec b) {
    return {condition.low ? a.low : b.low, condition.high ? a.high : b.high};
}

SEXTANT_INLINE vec max(vec a, vec b) {
#if defined(__SSE2__)
    // Written as a > b ? a : b, GCC 12 makes it a comparison and three logic operations.
    return {(vec4)_mm_max_ps((__m128)a.low, (__m128)b.low), (vec4)_mm_max_ps((__m128)a.high, (__m128)b.high)};
#else
    return select(a > b, a, b);
#endif
}

SEXTANT_INLINE vec square_root(vec x) {
#if defined(__SSE2__)
    return {(vec4)_mm_sqrt_ps((__m128)x.low), (vec4)_mm_sqrt_ps((__m128)x.high)};
#else
    for (int i = 0; i < 4; i++) x.low[i] = __builtin_sqrtf(x.low[i]), x.high[i] = __builtin_sqrtf(x.high[i]);
    return x;
#endif
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
