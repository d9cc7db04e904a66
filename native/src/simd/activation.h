// SPDX-License-Identifier: Apache-2.0
// Activation functions of one double, as references apply them.
#pragma once
#include <cmath>

#include "sextant/sextant.h"

namespace sextant {

inline double activated(double x, int32_t function) {
    switch (function) {
        case SEXTANT_RELU: return x < 0 ? 0 : x;
        case SEXTANT_TANH: return std::tanh(x);
        case SEXTANT_SIGMOID: return 1 / (1 + std::exp(-x));
        default: return x;
    }
}

}  // namespace sextant
