// SPDX-License-Identifier: Apache-2.0
// Which pixels of one dimension an output position covers, and what an average over them divides by: PyTorch's rules.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace sextant {

/// Pixels first, first + dilation, ... of which there are `taps`, all inside the image.
struct window {
    int32_t first;
    int32_t taps;
    int32_t divisor;
};

/// The windows of one dimension: `size` pixels with `pad_before` and `pad_after` around them, `outputs` positions.
/// A window that reaches past the padded image (ceil mode) is cut there; with count_pad the padding counts for the divisor.
inline std::vector<window> sliding_windows(int size, int outputs, int kernel, int stride, int dilation, int pad_before,
                                           int pad_after, bool count_pad) {
    std::vector<window> windows(outputs);
    for (int i = 0; i < outputs; i++) {
        window& w = windows[i];
        const int start = i * stride - pad_before;
        int padded_taps = 0;
        for (int tap = 0; tap < kernel; tap++) {
            const int position = start + tap * dilation;
            if (position < size + pad_after) padded_taps++;
            if (position < 0 || position >= size) continue;
            if (w.taps++ == 0) w.first = position;
        }
        w.divisor = std::max(1, count_pad ? padded_taps : w.taps);
    }
    return windows;
}

/// Output i covers floor(i * size / outputs) to ceil((i + 1) * size / outputs).
inline std::vector<window> adaptive_windows(int size, int outputs) {
    std::vector<window> windows(outputs);
    for (int64_t i = 0; i < outputs; i++) {
        const int first = static_cast<int>(i * size / outputs);
        const int end = static_cast<int>(((i + 1) * size + outputs - 1) / outputs);
        windows[i] = {first, end - first, end - first};
    }
    return windows;
}

}  // namespace sextant
