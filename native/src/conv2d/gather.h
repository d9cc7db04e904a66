// SPDX-License-Identifier: Apache-2.0
// Convolutions as gathers: which pixels a launch writes and which pixels of the source each of its taps reads.
#pragma once
#include <algorithm>
#include <vector>

#include "conv2d/conv2d_lists.h"
#include "cuda/lists.h"
#include "cuda/view.h"

namespace sextant::cuda {

inline constexpr int outside = -(1 << 29);  // a coordinate that no displacement brings back into a tensor

/// Quotients of numbers below 2^31 by one product: factor = ceil(2^(31 + l) / by), l = ceil(log2(by)), errs by less than 2^-31.
struct divider {
    unsigned by = 1, factor = 0, shift = 0;

    divider() = default;
    explicit divider(int64_t divisor) : by(static_cast<unsigned>(divisor)) {
        if (by == 1) return;
        int log2 = 1;
        while (uint64_t{1} << log2 < by) ++log2;
        factor = static_cast<unsigned>(((uint64_t{1} << (31 + log2)) + by - 1) / by);
        shift = log2 - 1;
    }
    __device__ int quotient(int x) const {
        return by == 1 ? x : static_cast<int>(__umulhi(static_cast<unsigned>(x), factor) >> shift);
    }
};

/// What a depth index reads: a channel of the group, at a pixel moved by so much.
struct alignas(16) displacement {
    int y, x, channel, unused;
};

/// Images' pixels in order, and how they step over a source.
struct raster {
    int count, step_y, step_x;
    divider w, h;

    struct place {
        int n, y, x;
    };
    __device__ place at(int pixel) const {
        const int line = w.quotient(pixel), n = h.quotient(line);
        return {n, line - n * static_cast<int>(h.by), pixel - line * static_cast<int>(w.by)};
    }
};

inline raster raster_of(int n, int h, int w, int step_y, int step_x) {
    return {n * h * w, step_y, step_x, divider(w), divider(h)};
}

__device__ inline bool within(const view& v, int y, int x) {
    return static_cast<unsigned>(y) < static_cast<unsigned>(v.h) && static_cast<unsigned>(x) < static_cast<unsigned>(v.w);
}

/// Pixels that the same taps reach. Pixel (y, x) of the raster is (first + every * ...) of the destination.
struct phase {
    struct tap {
        int number, y, x;  // r * s's index; the pixel of the source, from raster's
    };
    raster pixels;
    int first_y, first_x, every_y, every_x;
    std::vector<tap> taps;
};

inline std::vector<phase> forward_phases(const sextant_conv2d& a) {
    phase all{raster_of(a.dst.n, a.dst.h, a.dst.w, a.stride_h, a.stride_w), 0, 0, 1, 1, {}};
    for (int r = 0; r < a.r; ++r)
        for (int s = 0; s < a.s; ++s)
            all.taps.push_back({r * a.s + s, r * a.dilation_h - a.pad_top, s * a.dilation_w - a.pad_left});
    return {all};
}

/// From diff_dst to diff_src: y + pad - r * dilation is a multiple of the stride for the taps of a phase, and the quotient is the
/// row of diff_dst: the phase's next row reads the next one.
inline std::vector<phase> backward_phases(const sextant_conv2d& a) {
    std::vector<phase> all;
    for (int y = 0; y < a.stride_h && y < a.src.h; ++y)
        for (int x = 0; x < a.stride_w && x < a.src.w; ++x) {
            all.push_back({raster_of(a.src.n, (a.src.h - y - 1) / a.stride_h + 1, (a.src.w - x - 1) / a.stride_w + 1, 1, 1), y, x,
                           a.stride_h, a.stride_w, {}});
            for (int r = 0; r < a.r; ++r)
                for (int s = 0; s < a.s; ++s) {
                    const int down = y + a.pad_top - r * a.dilation_h, across = x + a.pad_left - s * a.dilation_w;
                    if (down % a.stride_h == 0 && across % a.stride_w == 0)
                        all.back().taps.push_back({r * a.s + s, down / a.stride_h, across / a.stride_w});
                }
        }
    return all;
}

/// Appends a phase's depths, tap by tap and `unit` channels of `channels` an entry, and leads outside up to a whole `slice`.
inline void append_depths(std::vector<displacement>& table, const phase& p, int channels, int unit, int slice) {
    for (const phase::tap& t : p.taps)
        for (int c = 0; c < channels; c += unit) table.push_back({t.y, t.x, c, 0});
    while (table.size() % slice) table.push_back({outside, outside, 0, 0});
}

/// Which operands there are beside src and dst, -1 for none.
struct conv2d_operands {
    int weights, bias, residual, dst;
};

inline conv2d_operands inference_operands(const sextant_conv2d& a) {
    return {-1, -1, a.has_residual ? 1 : -1, a.has_residual ? 2 : 1};
}
inline conv2d_operands forward_operands(const conv2d_forward_problem& a) {
    conv2d_operands result{1, -1, -1, 2};
    if (a.has_bias) result.bias = result.dst++;
    if (a.has_residual) result.residual = result.dst++;
    return result;
}

/// Empty, or why the kernels' 32-bit indices are too narrow.
inline std::string too_large(const sextant_conv2d& a) {
    constexpr int64_t most = (int64_t{1} << 31) - 256;
    if (int64_t{a.src.n} * a.src.h * a.src.w > most || int64_t{a.dst.n} * a.dst.h * a.dst.w > most) return "there are 2^31 pixels";
    if (int64_t{std::max(view_of(a.src).lanes, view_of(a.dst).lanes)} * a.r * a.s > most) return "a filter has 2^31 weights";
    if (a.groups > 65535) return "there are more than 65535 groups";
    return {};
}

inline void allow_shared(const void* kernel, int64_t bytes) {
    if (bytes == 0) return;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)), "shared memory");
}

inline int round_up(int x, int unit) { return (x + unit - 1) / unit * unit; }
/// Bytes of scratch up to where the next array may begin.
inline int64_t whole(int64_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace sextant::cuda
