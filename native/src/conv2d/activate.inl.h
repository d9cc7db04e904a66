// SPDX-License-Identifier: Apache-2.0
// tanh and sigmoid over vectors just written, for the tails of kernels.
#pragma once
#include "sextant/sextant.h"
#include "simd/simd.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

[[gnu::noinline]] static void activate_vectors(float* values, int count, int activation) {
    for (int i = 0; i < count * lanes; ++i)
        values[i] = activation == SEXTANT_TANH ? __builtin_tanhf(values[i]) : 1 / (1 + __builtin_expf(-values[i]));
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
