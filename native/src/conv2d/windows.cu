// SPDX-License-Identifier: Apache-2.0
#include "conv2d/windows.h"

#include <algorithm>

#include "conv2d/copy_maps.h"

namespace sextant::cuda {

namespace {

constexpr int most_window_channels = 4;

int arithmetic(const sextant_conv2d& a) { return has_windows(a) ? a.dst.dtype : a.src.dtype; }

/// Zeros around the picture, and its pixels padded to 4 or 8 channels, such that windows begin at multiples of 16 bytes.
view padded_picture(const sextant_conv2d& a) {
    const int bytes = map_element_bytes(arithmetic(a));
    const int width = a.stride_w * 4 * bytes % 16 ? 8 : 4;
    const int h = (a.dst.h - 1) * a.stride_h + a.r;
    const int unit_w = std::max(1, 16 / (width * bytes)), w = ((a.dst.w - 1) * a.stride_w + a.s + unit_w - 1) / unit_w * unit_w;
    return {a.src.n, a.src.c, h, w, width, int64_t{width} * w * h, int64_t{width} * w, width, 1};
}

/// From NCHW float32 into the padded picture.
template <class Element, int Width>
__global__ void pad_picture(const view src, const float* __restrict__ from, const view padded, int pad_top, int pad_left, bool tf32,
                            Element* __restrict__ to) {
    const int64_t pixels = int64_t{padded.n} * padded.h * padded.w;
    for (int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x; i < pixels; i += int64_t{gridDim.x} * blockDim.x) {
        const int x = static_cast<int>(i % padded.w) - pad_left;
        const int64_t rest = i / padded.w;
        const int y = static_cast<int>(rest % padded.h) - pad_top;
        const int64_t n = rest / padded.h;
        const bool inside = x >= 0 && x < src.w && y >= 0 && y < src.h;
        alignas(16) Element pixel[Width];
#pragma unroll
        for (int c = 0; c < Width; ++c) {
            float value = inside && c < src.c ? from[n * src.image + c * src.channel + y * src.row + x] : 0.f;
            if (tf32) asm("{\n.reg .b32 t;\ncvt.rna.tf32.f32 t, %0;\nmov.b32 %0, t;\n}" : "+f"(value));
            pixel[c] = narrow<Element>(value);
        }
        constexpr int words = sizeof pixel / sizeof(uint2);
#pragma unroll
        for (int word = 0; word < words; ++word)
            reinterpret_cast<uint2*>(to)[i * words + word] = reinterpret_cast<const uint2*>(pixel)[word];
    }
}

}  // namespace

bool has_windows(const sextant_conv2d& a) {
    return a.src.layout == SEXTANT_NCHW && a.src.dtype == SEXTANT_F32 && a.src.c <= most_window_channels;
}

wgmma_geometry geometry_of(const sextant_conv2d& a) {
    wgmma_geometry g{arithmetic(a), view_of(a.src), a.r, a.s, a.stride_h, a.stride_w, a.dilation_h, a.dilation_w, a.pad_top, a.pad_left,
                     a.dst.h, a.dst.w, a.dst.c};
    g.pre = a.pre_activation;
    if (has_windows(a)) g.src = padded_picture(a), g.window_width = static_cast<int>(g.src.pixel);
    return g;
}

const void* pictured(const sextant_conv2d& a, const wgmma_geometry& g, cudaStream_t stream, const void* src, void* scratch) {
    if (!g.window_width) return src;
    constexpr int threads = 256;
    visit_element(g.dtype, [&](auto element) {
        using Element = decltype(element);
        const auto kernel = g.window_width == 4 ? pad_picture<Element, 4> : pad_picture<Element, 8>;
        kernel<<<grid_for(int64_t{g.src.n} * g.src.h * g.src.w, threads), threads, 0, stream>>>(
            view_of(a.src), static_cast<const float*>(src), g.src, a.pad_top, a.pad_left, g.dtype == SEXTANT_TF32,
            static_cast<Element*>(scratch));
    });
    check_launch("pad_picture");
    return scratch;
}

int64_t picture_bytes(const wgmma_geometry& g) {
    return g.window_width ? ceiling(g.src.n * g.src.image * map_element_bytes(g.dtype), 256) * 256 : 0;
}

}  // namespace sextant::cuda
