// SPDX-License-Identifier: Apache-2.0
// Vectors of weights across output channels, whose rows lie apart in memory:
//
//   to[goal(j).tap * to_tap + goal(j).input * to_input + lane] = from[lane * output + j]
//
// Squares of lanes x lanes numbers are transposed in registers (simd/transpose.inl.h): a register for each row, and as many for
// what lies between two rounds. Where the outputs are neighbours in memory (the gradient of a 1x1 convolution) it is a copy.
#pragma once
#include <algorithm>

#include "conv2d/weights.h"
#include "simd/bfloat16.h"
#include "simd/simd.h"
#include "simd/transpose.inl.h"

namespace sextant::SEXTANT_ISA_NAMESPACE {

[[maybe_unused]] static void gather_weights(const weight_gather& a) {
    const float* from = a.from;
    float* to = a.to;
    const lane_mask outputs = first_lanes_mask(a.outputs);
    for (int i = 0; i < a.repeats; ++i, from += a.repeat, to += a.to_input) {
        if (a.count == 1 && a.output == 1) {
            store(to + a.goals[0].tap * a.to_tap, load_masked(from, outputs));
            continue;
        }
        for (int j = 0; j < a.count; j += lanes) {
            const int columns = std::min(lanes, a.count - j);
            const lane_mask mask = first_lanes_mask(columns);
            vec square[lanes];
            if (a.outputs == lanes) {
#pragma GCC unroll 16
                for (int k = 0; k < lanes; ++k) square[k] = load_masked(from + k * a.output + j, mask);
            } else {
#pragma GCC unroll 16
                for (int k = 0; k < lanes; ++k) square[k] = k < a.outputs ? load_masked(from + k * a.output + j, mask) : vec{};
            }
            transpose(square);
#pragma GCC unroll 16
            for (int x = 0; x < lanes; ++x) {
                if (x >= columns) break;
                const weight_goal goal = a.goals[j + x];
                if (goal.tap >= 0) store(to + goal.tap * a.to_tap + goal.input * a.to_input, square[x]);
            }
        }
    }
}

#if defined(__AVX512BF16__)

/// The upper halves of floats rounded to nearest even, in the upper halves of the lanes; a NaN stays one.
SEXTANT_INLINE ivec rounded_to_bf16(vec x) {
    typedef unsigned uvec __attribute__((vector_size(SEXTANT_LANES * 4)));
    const uvec number = (uvec)bits(x);
    return (x != x) ? (ivec)(number | 0x400000) : (ivec)(number + 0x7fff + (number >> 16 & 1));
}

/// Vectors 2 i and 2 i + 1 to pairs of bf16, `pitch` elements from one vector of pairs to the next.
[[maybe_unused]] static void narrow_weights(const float* from, int64_t pairs, bfloat16* to, int64_t pitch) {
    for (int64_t i = 0; i < pairs; ++i, from += 2 * lanes, to += pitch) {
        const ivec even = rounded_to_bf16(load(from)), odd = rounded_to_bf16(load(from + lanes));
        *reinterpret_cast<ivec*>(to) = (even >> 16 & 0xffff) | (odd & ~0xffff);
    }
}

#endif

}  // namespace sextant::SEXTANT_ISA_NAMESPACE
