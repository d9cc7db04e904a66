// SPDX-License-Identifier: Apache-2.0
// Fully connected: what the loops (packed.cc) and the register tiles (kernels.inl.h) tell one another.
#pragma once
#include <cstddef>
#include <cstdint>

#include "sextant/sextant.h"
#include "simd/formats.h"

namespace sextant {

/// sums[row][j] (+)= sum over i < features of src[i][row] * weights[i][j], j over the panel's vectors.
template <class Format>
struct linear_tile {
    const typename Format::element* src;     // [feature / channels][rows][channels]
    const typename Format::weight* weights;  // [feature / channels][vectors * lanes][channels]
    int steps;                               // features / channels
    typename Format::sum* sums;              // [row][...]
    int64_t sums_pitch;
    bool add;                                // to what sums holds
    const std::byte* ahead;                  // weights to fetch meanwhile, `ahead_step` bytes further for each step
    int64_t ahead_step;
};

template <class Format>
using linear_function = void (*)(const linear_tile<Format>&);

/// dst[j] = act(scale[j] * (sums[j] + initial[j]) + bias[j]) for j < count, without scale and initial for float32 sums; the
/// arrays are readable to a whole vector.
template <class Format>
struct linear_finish {
    void* dst;
    const sextant_tensor* shape;
    const typename Format::sum *sums, *initial;
    const float *scale, *bias;
    int64_t count;
    int activation;
};

/// The tiles of one instruction set.
template <class Format>
struct linear_kernels {
    static constexpr int most_rows = 14, most_vectors = 8;
    int lanes;
    int rows, sums;    // most in a tile
    bool only_narrow;  // dst is not float32, for which another table is meant
    linear_function<Format> tiles[most_rows + 1][most_vectors + 1];
    void (*finish)(const linear_finish<Format>&);
};

extern const linear_kernels<f32_format> linear_avx512, linear_avx2, linear_portable, linear_to_narrow_avx512_bf16;
extern const linear_kernels<bf16_format> linear_bf16_avx512_bf16;
extern const linear_kernels<u8_format> linear_u8_avx512_bf16;

}  // namespace sextant
