// SPDX-License-Identifier: Apache-2.0
// Fully connected: what the loops (packed.cc) and the register tiles (kernels.inl.h) tell one another.
#pragma once
#include <cstdint>

namespace sextant {

/// sums[row][j] (+)= sum over i < features of src[i][row] * weights[i][j], j over the panel's vectors.
struct linear_tile {
    const float* src;      // [feature][rows]
    const float* weights;  // [feature][vectors * lanes]
    int features;
    float* sums;           // [row][...]
    int64_t sums_pitch;
    bool add;              // to what sums holds
    const float* ahead;    // weights to fetch meanwhile, `ahead_step` floats further for each feature
    int64_t ahead_step;
};

using linear_function = void (*)(const linear_tile&);

/// The tiles of one instruction set.
struct linear_kernels {
    static constexpr int most_rows = 14, most_vectors = 8;
    int lanes;
    int rows, sums;  // most in a tile
    linear_function tiles[most_rows + 1][most_vectors + 1];
    /// dst[j] = act(sums[j] + bias[j]) for j < count; sums and bias are readable to a whole vector.
    void (*finish)(float* dst, const float* sums, const float* bias, int64_t count, int activation);
};

extern const linear_kernels linear_avx512, linear_avx2, linear_portable;

}  // namespace sextant
