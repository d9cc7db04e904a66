// SPDX-License-Identifier: Apache-2.0
// Copies channels between blocks whose boundaries do not coincide: concatenation at odd channel counts, option A shortcuts.
#pragma once
#include <cstdint>

namespace sextant {

/// Lanes first <= i < last of a pixel's block in dst come from src[i + shift] of the pixel's block in a source.
struct lane_segment {
    const void* src;
    int shift;
    int first, last;
    float factor, offset;  // to requantise: dst's stored number is the source's times factor plus offset
};

/// A run of pixels of one block of dst. Lanes in no segment become zero.
struct gather_run {
    const lane_segment* segments;  // at most one per lane
    int count;
    int64_t src_step;  // elements from a pixel to the next that is taken
    void* dst;
    int64_t pixels;
    int32_t zero_point;  // dst's stored number for zero
};

struct gather_kernels {
    int block;
    int element_bytes;
    void (*gather)(const gather_run&);
    /// dst[i * step] += src[i] for blocks of `pixels` pixels, step in elements; null for uint8.
    void (*add)(const void* src, void* dst, int64_t step, int64_t pixels);
};

extern const gather_kernels gather_avx512, gather_avx2, gather_portable;
/// Of bf16, of uint8, and of uint8 into another scale.
extern const gather_kernels gather_avx512_bf16, gather_avx512_bf16_u8, gather_avx512_bf16_requantised;

}  // namespace sextant
