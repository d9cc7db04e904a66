// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor.h"

namespace sextant {

std::string shape_text(const sextant_tensor& t) {
    return std::to_string(t.n) + "x" + std::to_string(t.c) + "x" + std::to_string(t.h) + "x" + std::to_string(t.w);
}

}  // namespace sextant
