// SPDX-License-Identifier: Apache-2.0
// Copies channels of a tensor to channels of another of the same n, h and w, converting between element types.
#pragma once
#include "cuda/each.h"

namespace sextant::cuda {

template <class Src>
struct copied_unit {
    const Src* src;
    int64_t pitch;

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        const auto x = lane8<Src>::load(src + pixel * pitch + c);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = x.v[j];
    }
};

/// One channel a thread, for channels that begin inside a unit.
template <class Src, class Dst>
__global__ void __launch_bounds__(frame_threads)
    copy_channels(const Src* __restrict__ src, int64_t src_pitch, Dst* __restrict__ dst, int64_t dst_pitch, int64_t count,
                  int c, int lanes) {
    for (int64_t i = blockIdx.x * int64_t{frame_threads} + threadIdx.x; i < count; i += gridDim.x * int64_t{frame_threads}) {
        int64_t pixel = i;
        const int channel = innermost(pixel, lanes);
        dst[pixel * dst_pitch + channel] = narrow<Dst>(channel < c ? wide(src[pixel * src_pitch + channel]) : 0.f);
    }
}

/// src and dst are parts of tensors in NHWC; `aligned`: both begin at whole units.
inline void copy_nhwc(cudaStream_t stream, const any_tensor& src, const any_tensor& dst, bool aligned, const char* kernel) {
    const int64_t pixels = int64_t{dst.at.n} * dst.at.h * dst.at.w;
    visit_element(src.dtype, [&](auto s) {
        visit_element(dst.dtype, [&](auto d) {
            using Src = decltype(s);
            using Dst = decltype(d);
            const Src* const from = static_cast<const Src*>(src.data);
            if (aligned) {
                const copied_unit<Src> value{from, src.at.pixel};
                write_units<Dst>(stream, dst.data, pixels, dst.at.pixel, dst.at.c, false, value, kernel);
            } else {
                const int64_t count = pixels * dst.at.lanes;
                copy_channels<<<grid_for(count, frame_threads), frame_threads, 0, stream>>>(
                    from, src.at.pixel, static_cast<Dst*>(dst.data), dst.at.pixel, count, dst.at.c, dst.at.lanes);
                check_launch(kernel);
            }
        });
    });
}

struct copied_element {
    any_tensor src;

    __device__ float operator()(int n, int c, int y, int x) const { return src.get(n, c, y, x); }
};

inline void copy_any(cudaStream_t stream, const any_tensor& src, const any_tensor& dst, const char* kernel) {
    write_elements(stream, dst, false, copied_element{src}, kernel);
}

}  // namespace sextant::cuda
