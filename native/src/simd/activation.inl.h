// SPDX-License-Identifier: Apache-2.0
// Activation functions of a vector, for the tail of any kernel. The function is chosen outside the hot loop:
//
//   with_activation(problem.activation, [&](auto act) { ... store(dst, act(sum)); ... });
#pragma once
#include "sextant/sextant.h"
#include "simd/math.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

/// One activation function, known to the compiler.
template <int Function>
struct activation {
    static constexpr int function = Function;
    __attribute__((always_inline)) vec operator()(vec x) const {
        if constexpr (Function == SEXTANT_RELU) return relu(x);
        else if constexpr (Function == SEXTANT_TANH) return tanh(x);
        else if constexpr (Function == SEXTANT_SIGMOID) return sigmoid(x);
        else return x;
    }
};

/// body(activation<function>{}): the body is compiled once for each function.
template <class Body>
SEXTANT_INLINE void with_activation(int function, Body&& body) {
    switch (function) {
        case SEXTANT_RELU: return body(activation<SEXTANT_RELU>{});
        case SEXTANT_TANH: return body(activation<SEXTANT_TANH>{});
        case SEXTANT_SIGMOID: return body(activation<SEXTANT_SIGMOID>{});
        default: return body(activation<SEXTANT_IDENTITY>{});
    }
}

/// For kernels whose tail is short beside their work: decided at each call.
SEXTANT_INLINE vec activate(int function, vec x) {
    switch (function) {
        case SEXTANT_RELU: return relu(x);
        case SEXTANT_TANH: return tanh(x);
        case SEXTANT_SIGMOID: return sigmoid(x);
        default: return x;
    }
}

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
