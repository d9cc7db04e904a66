// SPDX-License-Identifier: Apache-2.0
// The windows of a pooling problem, for its forward and its backward pass.
#pragma once
#include "pool2d/windows.h"
#include "sextant/sextant.h"

namespace sextant {

inline bool pool2d_is_adaptive(const sextant_pool2d& a) { return a.kind == SEXTANT_POOL_AVERAGE_ADAPTIVE; }

inline std::vector<window> pool2d_row_windows(const sextant_pool2d& a) {
    if (pool2d_is_adaptive(a)) return adaptive_windows(a.src.h, a.dst.h);
    return sliding_windows(a.src.h, a.dst.h, a.r, a.stride_h, a.dilation_h, a.pad_top, a.pad_bottom,
                           a.kind == SEXTANT_POOL_AVERAGE_WITH_PAD);
}

inline std::vector<window> pool2d_column_windows(const sextant_pool2d& a) {
    if (pool2d_is_adaptive(a)) return adaptive_windows(a.src.w, a.dst.w);
    return sliding_windows(a.src.w, a.dst.w, a.s, a.stride_w, a.dilation_w, a.pad_left, a.pad_right,
                           a.kind == SEXTANT_POOL_AVERAGE_WITH_PAD);
}

/// From one pixel of a window to the next.
struct pool2d_steps {
    int h, w;
};
inline pool2d_steps pool2d_dilation(const sextant_pool2d& a) {
    if (pool2d_is_adaptive(a)) return {1, 1};
    return {a.dilation_h, a.dilation_w};
}

}  // namespace sextant
