// SPDX-License-Identifier: Apache-2.0
// tanh and sigmoid over vectors just written: out of line, so that the register tiles stay small.
#pragma once
#include "simd/activation.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

[[gnu::noinline]] static void activate_vectors(float* values, int count, int activation) {
    for (int i = 0; i < count; ++i) store(values + i * lanes, activate(activation, load(values + i * lanes)));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
