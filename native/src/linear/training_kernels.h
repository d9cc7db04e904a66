// SPDX-License-Identifier: Apache-2.0
// The kernels of fully connected layers in training, one set for each instruction set. Every array is plain and may lie at any
// float's address; pitches are in floats.
#pragma once
#include <cstdint>

namespace sextant {

/// dst[n][k] (+)= sum over i of weights[k][i] * src[n][i].
struct linear_forward_block {
    const float *weights, *src;
    float* dst;
    int64_t weights_pitch, src_pitch, dst_pitch;
    int64_t rows, images, inputs;
    bool add;
};

/// diff_src[n][i] (+)= sum over k of diff_dst[n][k] * weights[k][i].
struct linear_data_block {
    const float *weights, *diff_dst;
    float* diff_src;
    int64_t weights_pitch, diff_dst_pitch, diff_src_pitch;
    int64_t rows, images, inputs;
    bool add;
    const float* next;  // weights that the next call will begin with, or null
};

/// diff_weights[k][i] = sum over n of diff_dst[n][k] * src[n][i].
struct linear_weights_block {
    const float *src, *diff_dst;
    float* diff_weights;
    int64_t src_pitch, diff_dst_pitch, diff_weights_pitch;
    int64_t rows, images, inputs;
    bool streams;  // store past the caches: diff_weights and its rows begin at whole cache lines, and are large
};

struct linear_training_kernels {
    void (*forward)(const linear_forward_block&);
    void (*backward_data)(const linear_data_block&);
    void (*backward_weights)(const linear_weights_block&);
    /// dst[i] = act(dst[i] + bias[i]), without a bias act(dst[i])
    void (*finish)(float* dst, const float* bias, int64_t count, int32_t activation);
    /// sums[k] = sum over n of src[n][k]
    void (*sum_rows)(const float* src, int64_t pitch, int64_t images, float* sums, int64_t count);
};

extern const linear_training_kernels linear_training_avx512, linear_training_avx2, linear_training_portable;

/// Rows of weights in a register tile.
inline constexpr int64_t linear_tile_rows = 4;

}  // namespace sextant
