// SPDX-License-Identifier: Apache-2.0
// tanh and sigmoid of vectors: out of line, so that the register tiles stay small.
#pragma once
#include "simd/activation.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

[[gnu::noinline, maybe_unused]] static vec activate_vector(vec value, int activation) { return activate(activation, value); }

/// Of vectors just written.
[[gnu::noinline, maybe_unused]] static void activate_vectors(float* values, int count, int activation) {
    for (int i = 0; i < count; ++i) store(values + i * lanes, activate(activation, load(values + i * lanes)));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
