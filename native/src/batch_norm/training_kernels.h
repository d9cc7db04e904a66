// SPDX-License-Identifier: Apache-2.0
// The kernels of batch normalisation in training, one set for each instruction set and element type, which is that of all
// tensors. All work on a rectangle of one channel block's pixels; pitches are in elements.
#pragma once
#include <cstdint>

namespace sextant {

inline constexpr int widest_batch_norm_block = 16;

/// One number for each channel of a block; zero in the lanes past the last channel.
struct alignas(64) batch_norm_lanes {
    float of[widest_batch_norm_block];
};

/// Two sums for each channel of a block.
struct alignas(64) batch_norm_sums {
    double first[widest_batch_norm_block], second[widest_batch_norm_block];
    void add(const batch_norm_sums& other) {
        for (int lane = 0; lane < widest_batch_norm_block; lane++) {
            first[lane] += other.first[lane];
            second[lane] += other.second[lane];
        }
    }
};

struct batch_norm_pixels {
    int64_t rows, pixels;
};

/// Adds sum src and sum src^2.
struct batch_norm_moments {
    const void* src;
    int64_t src_pitch;
    batch_norm_sums* sums;
};

/// dst = act(src * scale + shift [+ residual])
struct batch_norm_apply {
    const void *src, *residual;
    void* dst;
    int64_t src_pitch, residual_pitch, dst_pitch;
    const batch_norm_lanes *scale, *shift;
};

/// Adds sum g and sum g * (src - mean), with g = diff_dst where dst > 0; writes g to diff_residual when there is one.
struct batch_norm_gradient_sums {
    const void *src, *dst, *diff_dst;
    void* diff_residual;
    int64_t src_pitch, dst_pitch, diff_dst_pitch;  // diff_residual has diff_dst's
    const batch_norm_lanes* mean;
    batch_norm_sums* sums;
};

/// diff_src (+)= g * factor + (src - mean) * slope + shift
struct batch_norm_gradient {
    const void *src, *dst, *diff_dst;
    void* diff_src;
    int64_t src_pitch, dst_pitch, diff_dst_pitch, diff_src_pitch;
    const batch_norm_lanes *mean, *factor, *slope, *shift;
};

struct batch_norm_training_kernels {
    int block;
    int64_t element_bytes;
    void (*moments)(const batch_norm_moments&, batch_norm_pixels);
    void (*apply[2][2])(const batch_norm_apply&, batch_norm_pixels);                   // [residual][relu]
    void (*gradient_sums[2][2])(const batch_norm_gradient_sums&, batch_norm_pixels);   // [residual][masked]
    void (*gradient[2][2])(const batch_norm_gradient&, batch_norm_pixels);             // [accumulate][masked]
};

extern const batch_norm_training_kernels batch_norm_training_avx512, batch_norm_training_avx2, batch_norm_training_portable;
/// Of bf16.
extern const batch_norm_training_kernels batch_norm_training_avx512_bf16;

}  // namespace sextant
