// SPDX-License-Identifier: Apache-2.0
// Names for the elements of narrow tensors, so that templates over the element can tell them apart.
#pragma once
#include <cstdint>

namespace sextant {

/// SEXTANT_BF16: the upper half of a float.
struct bfloat16 {
    uint16_t bits;
};

/// Elements of two bytes or one that are moved, not understood: every bit arrives, which a conversion does not promise.
struct raw16 {
    uint16_t bits;
};
struct raw8 {
    uint8_t bits;
};

}  // namespace sextant
