// SPDX-License-Identifier: Apache-2.0
// One direction of a pool, for kernels: the windows of windows.h one at a time, and the outputs whose windows hold a pixel.
#pragma once
#include <cuda_runtime.h>

#include "pool2d/problem_windows.h"

namespace sextant::cuda {

struct pool_axis {
    int size, outputs, kernel, stride, dilation, before, after;
    bool adaptive, counts_pad;

    /// The window of output i; without pixels `first` means nothing.
    __host__ __device__ window at(int i) const {
        if (adaptive) {
            const int first = static_cast<int>(int64_t{i} * size / outputs);
            const int taps = static_cast<int>(((int64_t{i} + 1) * size + outputs - 1) / outputs) - first;
            return {first, taps, taps};
        }
        const int start = i * stride - before;
        const int skipped = start < 0 ? (dilation - 1 - start) / dilation : 0;
        const int end = taps_before(size - start), taps = end > skipped ? end - skipped : 0;
        const int divisor = counts_pad ? taps_before(size + after - start) : taps;
        return {start + skipped * dilation, taps, divisor > 0 ? divisor : 1};
    }

    /// Windows that hold `pixel` are among first_output ... last_output.
    __host__ __device__ int first_output(int pixel) const {
        if (adaptive) return static_cast<int>(int64_t{pixel} * outputs / size);
        const int past = pixel + before - (kernel - 1) * dilation;
        return past <= 0 ? 0 : (past + stride - 1) / stride;
    }
    __host__ __device__ int last_output(int pixel) const {
        if (adaptive) return static_cast<int>(((int64_t{pixel} + 1) * outputs - 1) / size);
        const int last = (pixel + before) / stride;
        return last < outputs ? last : outputs - 1;
    }

    /// Which of the window's taps `pixel` is; -1 when it is none.
    __host__ __device__ int tap_of(const window& w, int pixel) const {
        const int distance = pixel - w.first, tap = distance / dilation;
        return distance >= 0 && tap * dilation == distance && tap < w.taps ? tap : -1;
    }

  private:
    /// Taps closer to the window's start than `distance`.
    __host__ __device__ int taps_before(int distance) const {
        if (distance <= 0) return 0;
        const int taps = (distance + dilation - 1) / dilation;
        return taps < kernel ? taps : kernel;
    }
};

struct pool_axes {
    pool_axis rows, columns;
};

inline pool_axes axes_of(const sextant_pool2d& a) {
    if (pool2d_is_adaptive(a))
        return {{a.src.h, a.dst.h, 1, 1, 1, 0, 0, true, false}, {a.src.w, a.dst.w, 1, 1, 1, 0, 0, true, false}};
    const bool counts_pad = a.kind == SEXTANT_POOL_AVERAGE_WITH_PAD;
    return {{a.src.h, a.dst.h, a.r, a.stride_h, a.dilation_h, a.pad_top, a.pad_bottom, false, counts_pad},
            {a.src.w, a.dst.w, a.s, a.stride_w, a.dilation_w, a.pad_left, a.pad_right, false, counts_pad}};
}

/// Pixels of the largest window.
inline int64_t largest_window(const sextant_pool2d& a) {
    const auto taps = [](const std::vector<window>& windows) {
        int64_t most = 0;
        for (const window& w : windows) most = std::max<int64_t>(most, w.taps);
        return most;
    };
    return taps(pool2d_row_windows(a)) * taps(pool2d_column_windows(a));
}

/// As pool2d_flops: an operation for each pixel of each window.
inline int64_t flops_of(const sextant_pool2d& a) {
    int64_t rows = 0, columns = 0;
    for (const window& row : pool2d_row_windows(a)) rows += row.taps;
    for (const window& column : pool2d_column_windows(a)) columns += column.taps;
    return int64_t{a.dst.n} * a.dst.c * rows * columns;
}

}  // namespace sextant::cuda
