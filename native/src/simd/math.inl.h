// SPDX-License-Identifier: Apache-2.0
// exp, log, tanh, sigmoid and powers of a vector, at most 1 to 3 units in the last place off (see simd_test.cc); NaN and
// infinities as in <cmath>, except where a function says otherwise.
//
// exp: x = k ln 2 + r, |r| <= ln(2)/2, with ln 2 in two parts so that r is exact without FMA (Cody & Waite, Software Manual for
// the Elementary Functions, 1980, ch. 6); e^r by its Taylor series, whose next term r^8/8! is below 2^-27; times 2^k in two
// halves, which reaches the subnormals.
// log: x = 2^k (1+f), log(1+f) = 2 artanh(f / (2+f)) by its series, as in fdlibm's e_log.c (Sun, 1993).
// tanh: by e^x - 1, whose small arguments keep their precision.
#pragma once
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

SEXTANT_INLINE vec absolute(vec x) { return from_bits(bits(x) & 0x7fffffff); }
/// |x| with the sign of y.
SEXTANT_INLINE vec with_sign_of(vec x, vec y) { return from_bits((bits(x) & 0x7fffffff) | (bits(y) & int(0x80000000))); }
/// 2^k for -126 <= k <= 127.
SEXTANT_INLINE vec power_of_two(ivec k) { return from_bits((k + 127) << 23); }

inline constexpr float ln2 = 0.693147181f, log2_e = 1.44269504f;
inline constexpr float ln2_high = 0.693359375f;  // 9 bits: k * ln2_high is exact
inline constexpr float ln2_low = -2.12194440e-4f;
inline constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest whole number in the low bits

/// x = k ln 2 + r for |x| < 2^20 or so; k is a whole number.
struct reduced {
    ivec k;
    vec r;
};

SEXTANT_INLINE reduced reduce_by_ln2(vec x) {
    const vec shifted = x * log2_e + shifter;
    const vec k = shifted - shifter;
    return {bits(shifted) - bits(broadcast(shifter)), (x - k * ln2_high) - k * ln2_low};
}

/// e^r - 1 for |r| <= ln(2)/2.
SEXTANT_INLINE vec expm1_of_reduced(vec r) {
    vec p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    return r + r * r * p;
}

SEXTANT_INLINE vec exp(vec x) {
    // Beyond these the result is 0 or infinite all the same. min and max give their second operand for a NaN.
    const reduced a = reduce_by_ln2(max(broadcast(-110.0f), min(broadcast(100.0f), x)));
    const ivec half = a.k >> 1;
    const vec y = (expm1_of_reduced(a.r) + 1.0f) * power_of_two(half) * power_of_two(a.k - half);
    return select(x != x, x, y);
}

/// tanh x = s * m / (m + 2) with m = e^(2|x|) - 1 and the sign s of x.
SEXTANT_INLINE vec tanh(vec x) {
    const vec doubled = min(broadcast(20.0f), absolute(x) * 2.0f);  // tanh 10 rounds to 1
    const reduced a = reduce_by_ln2(doubled);
    const vec scale = power_of_two(a.k);
    const vec m = expm1_of_reduced(a.r) * scale + (scale - 1.0f);
    return select(x != x, x, with_sign_of(m / (m + 2.0f), x));
}

/// 1 / (1 + e^-x), by e^-|x| so that it neither overflows nor loses small results.
SEXTANT_INLINE vec sigmoid(vec x) {
    const vec e = exp(-absolute(x));
    return select(x < 0.0f, e, broadcast(1.0f)) / (1.0f + e);
}

/// x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), and log(1 + f) = f - correction; for x > 0.
struct logarithm_parts {
    vec k, f, correction;
};

SEXTANT_INLINE logarithm_parts split_logarithm(vec x) {
    constexpr int sqrt_half = 0x3f3504f3;  // bits of sqrt(1/2)
    const ivec subnormal = x < 0x1p-126f;
    // Without the sign, which belongs to no result, the difference cannot overflow.
    const ivec shifted = (bits(select(subnormal, x * 0x1p23f, x)) & 0x7fffffff) - sqrt_half;
    const vec f = from_bits((shifted & 0x7fffff) + sqrt_half) - 1.0f;
    const vec s = f / (2.0f + f), z = s * s;
    vec p = z * (2.0f / 9) + 2.0f / 7;
    p = p * z + 2.0f / 5;
    p = p * z + 2.0f / 3;
    // 2s = f - s f, so that the leading term f is exact.
    const vec half_square = f * f * 0.5f;
    return {to_float((shifted >> 23) - (subnormal & 23)), f, half_square - s * (half_square + z * p)};
}

/// Natural logarithm; NaN below zero.
SEXTANT_INLINE vec log(vec x) {
    const logarithm_parts a = split_logarithm(x);
    vec y = a.k * ln2_high + (a.f - (a.correction - a.k * ln2_low));
    y = select(x == __builtin_inff(), x, y);
    y = select(x == 0.0f, broadcast(-__builtin_inff()), y);
    return select(x >= 0.0f, y, broadcast(__builtin_nanf("")));
}

/// x^-y for finite x > 0: 2^(-k y) (1 + f)^-y. The product k y is formed exactly, in two parts, for its fraction decides.
SEXTANT_INLINE vec negative_power(vec x, float y) {
    const logarithm_parts a = split_logarithm(x);
    const float y_high = __builtin_bit_cast(float, __builtin_bit_cast(int, y) & ~0xfff), y_low = y - y_high;
    const vec exponent = a.k * -y_high;
    const vec whole = max(broadcast(-250.0f), min(broadcast(250.0f), exponent + shifter - shifter));
    const vec rest = ((exponent - whole) - a.k * y_low) * ln2 - (a.f - a.correction) * y;
    const ivec scale = bits(whole + shifter) - bits(broadcast(shifter)), half = scale >> 1;
    const vec result = exp(rest) * power_of_two(half) * power_of_two(scale - half);
    return select(x != x, x, result);
}

/// x^(-3/4) for x > 0, by two square roots.
SEXTANT_INLINE vec negative_three_quarter_power(vec x) {
    const vec root = square_root(x);
    return 1.0f / (root * square_root(root));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
