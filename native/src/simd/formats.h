// SPDX-License-Identifier: Apache-2.0
// What the numbers of a product are, for loops written once for all of them: the source's elements, the weights, the sums, and
// how many consecutive channels one multiply-add takes. Packed weights of so many channels lie side by side in each lane.
#pragma once
#include "sextant/sextant.h"
#include "simd/bfloat16.h"

namespace sextant {

struct f32_format {
    using element = float;
    using weight = float;
    using sum = float;
    static constexpr int dtype = SEXTANT_F32;
    static constexpr int channels = 1;
};

struct bf16_format {
    using element = bfloat16;
    using weight = bfloat16;
    using sum = float;
    static constexpr int dtype = SEXTANT_BF16;
    static constexpr int channels = 2;
};

struct u8_format {
    using element = uint8_t;
    using weight = int8_t;
    using sum = int32_t;
    static constexpr int dtype = SEXTANT_U8;
    static constexpr int channels = 4;
};

/// Products of the largest stored number and the largest weight that an int32 holds the sum of.
inline constexpr int64_t most_int32_terms = 0x7fffffff / (255 * 127);

}  // namespace sextant
