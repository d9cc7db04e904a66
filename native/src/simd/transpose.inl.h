// SPDX-License-Identifier: Apache-2.0
// Transposes a square of lanes x lanes floats in registers: log2(lanes) rounds, each of which exchanges the off-diagonal
// halves of every 2S x 2S square (Eklundh, A fast computer method for matrix transposing, 1972).
#pragma once
#include <utility>

#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// a takes b's lower half of each 2S lanes into its upper half, b takes a's upper half into its lower one.
template <int S, class Vector, int... I>
SEXTANT_INLINE void exchange_lanes(Vector& a, Vector& b, std::integer_sequence<int, I...>) {
    constexpr int count = sizeof...(I);
    const Vector a_before = a;
    a = __builtin_shufflevector(a_before, b, ((I & S) ? count + I - S : I)...);
    b = __builtin_shufflevector(a_before, b, ((I & S) ? count + I : I + S)...);
}

template <int S>
SEXTANT_INLINE void exchange(vec& a, vec& b) {
#if SEXTANT_LANES == 16 || defined(__AVX__)
    exchange_lanes<S>(a, b, std::make_integer_sequence<int, lanes>{});
#else
    if constexpr (S == 4) {
        std::swap(a.high, b.low);
    } else {
        exchange_lanes<S>(a.low, b.low, std::make_integer_sequence<int, 4>{});
        exchange_lanes<S>(a.high, b.high, std::make_integer_sequence<int, 4>{});
    }
#endif
}

template <int S>
SEXTANT_INLINE void transpose_round(vec (&rows)[lanes]) {
    for (int i = 0; i < lanes; i++)
        if (!(i & S)) exchange<S>(rows[i], rows[i + S]);
    if constexpr (2 * S < lanes) transpose_round<2 * S>(rows);
}

SEXTANT_INLINE void transpose(vec (&rows)[lanes]) { transpose_round<1>(rows); }

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
