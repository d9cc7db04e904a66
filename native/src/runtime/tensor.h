// SPDX-License-Identifier: Apache-2.0
// Where an activation's elements lie. All distances are in elements.
#pragma once
#include <cstdint>
#include <string>

#include "sextant/sextant.h"

namespace sextant {

inline constexpr const char* dtype_name(int32_t dtype) {
    constexpr const char* names[] = {"float32", "bf16", "uint8", "fp16", "tf32"};
    return names[dtype];
}

/// Bytes of one element.
inline constexpr int64_t element_bytes(const sextant_tensor& t) {
    constexpr int64_t bytes[] = {4, 2, 1, 2, 4};
    return bytes[t.dtype];
}

inline constexpr int nhwc_unit = 8;  // channels that a pixel in NHWC is a multiple of, and at which its slices begin

/// Channels per block: 1 for NCHW, 8 or 16 for the blocked layouts, all of them for NHWC.
inline int block_of(const sextant_tensor& t) {
    if (t.layout == SEXTANT_NHWC) return (t.c_total + nhwc_unit - 1) / nhwc_unit * nhwc_unit;
    return t.layout == SEXTANT_NCHW ? 1 : t.layout;
}
inline bool is_blocked(const sextant_tensor& t) { return t.layout != SEXTANT_NCHW; }

/// Blocks that hold the tensor's own channels.
inline int64_t channel_blocks(const sextant_tensor& t) { return (t.c + block_of(t) - 1) / block_of(t); }

/// From a pixel to the one below it.
inline int64_t row_pitch(const sextant_tensor& t) { return int64_t{t.w + 2 * t.halo} * block_of(t); }

/// From a channel block to the next.
inline int64_t plane_pitch(const sextant_tensor& t) { return (t.h + 2 * t.halo) * row_pitch(t); }

/// From an image to the next: a slice steps over the whole tensor's channels.
inline int64_t image_pitch(const sextant_tensor& t) {
    return (t.c_total + block_of(t) - 1) / block_of(t) * plane_pitch(t);
}

/// From the start of a plane (its halo's corner) to pixel (0, 0).
inline int64_t origin(const sextant_tensor& t) { return t.halo * row_pitch(t) + int64_t{t.halo} * block_of(t); }

/// Offset of element (n, c, y, x); y and x may reach into the halo. For references and odd corners, not for hot loops.
inline int64_t offset_of(const sextant_tensor& t, int n, int c, int y, int x) {
    const int b = block_of(t);
    return n * image_pitch(t) + c / b * plane_pitch(t) + origin(t) + y * row_pitch(t) + int64_t{x} * b + c % b;
}

/// Elements from the slice's first element's block to the end of its last: what an address of it must provide.
inline int64_t extent(const sextant_tensor& t) {
    const int64_t whole = (t.n - 1) * image_pitch(t) + channel_blocks(t) * plane_pitch(t);
    if (t.layout != SEXTANT_NHWC) return whole;
    return whole - block_of(t) + (t.c + nhwc_unit - 1) / nhwc_unit * nhwc_unit;
}

/// A parameter, its gradient or another plain array as an operand.
inline sextant_tensor parameter_tensor(int32_t n, int32_t c, int32_t h, int32_t w) {
    return {SEXTANT_F32, SEXTANT_NCHW, n, c, h, w, 0, c};
}

/// "1x64x56x56"
std::string shape_text(const sextant_tensor& t);

}  // namespace sextant
