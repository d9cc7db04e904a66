// SPDX-License-Identifier: Apache-2.0
// The training state as an operand: 16 floats as far as a plan is concerned, at any float's address.
#pragma once
#include <cstddef>
#include <cstring>

#include "runtime/tensor.h"

namespace sextant {

inline sextant_tensor training_state_tensor() {
    return parameter_tensor(1, sizeof(sextant_training_state) / sizeof(float), 1, 1);
}

inline sextant_training_state training_state_at(const std::byte* place) {
    sextant_training_state state;
    std::memcpy(&state, place, sizeof state);
    return state;
}

inline void put_gradient_norm(std::byte* place, float norm) {
    std::memcpy(place + offsetof(sextant_training_state, gradient_norm), &norm, sizeof norm);
}

}  // namespace sextant
