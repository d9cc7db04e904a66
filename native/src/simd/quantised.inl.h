// SPDX-License-Identifier: Apache-2.0
// Between what a tensor of `Element`s stores and what it means, around load(p) and store(p, x).
#pragma once
#include <cstdint>
#include <type_traits>

#include "simd/quantisation.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// Exact but for one rounding: the stored zero is zero.
template <class Element>
SEXTANT_INLINE vec real_of(vec stored, const quantisation& q) {
    if constexpr (std::is_same_v<Element, uint8_t>) return (stored - q.zero) * q.scale;
    else return stored;
}

/// store() rounds and clamps it.
template <class Element>
SEXTANT_INLINE vec stored_of(vec real, const quantisation& q) {
    if constexpr (std::is_same_v<Element, uint8_t>) return real * q.inverse + q.zero;
    else return real;
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
