// SPDX-License-Identifier: Apache-2.0
// The sums that kernels for gradients of weights leave behind, and the way from there to diff_weights and diff_bias.
//
// A panel is one or two vectors of output channels. Its sums lie in rows, one for each of the panel's weights that a k has:
//   sums [weight: c, r, s][vectors * lanes]
#pragma once
#include <cstdint>

namespace sextant {

/// Adds up the parts of a panel and turns them: out[k][weight] = sum over parts of sums[weight][k].
struct backward_weights_result {
    const float* sums;
    int64_t part;  // from a part to the next
    int parts;
    int weights, channels;  // channels of the panel that exist
    int vectors;
    float* out;
    int64_t out_channel;
};

/// Pixels of one vector of output channels, of the element type that the kernel was made for, whose sum is added to `sum`.
struct backward_weights_plane {
    const void* diff;
    int64_t image, row;
    int images, rows, columns;
    float* sum;
};

}  // namespace sextant
