// SPDX-License-Identifier: Apache-2.0
// Where a register tile's sums go, and what happens to them on the way. All distances are in elements of their tensor.
#pragma once
#include <cstddef>
#include <cstdint>

#include "runtime/tensor.h"

namespace sextant {

struct tile_target {
    void* dst;
    int64_t dst_plane, dst_row;
    const void* residual;  // or null
    int64_t residual_plane, residual_row;
    int activation;

    // The rest is for targets that are not float32 throughout.
    bool usual;             // dst and the residual have the one element type that the tile knows, no tanh or sigmoid follows
    const float* scale;     // int32 sums: scale * sum + bias, vectors * lanes of each; for a usual target in steps of dst
    const float* bias;
    float residual_scale;   // a usual quantised target: the residual's step in those of dst
    float step_scale;       // float32 sums to a usual quantised target: 1 / dst's scale
    float step_shift;       // what such sums are shifted by: the zero points of dst and of the residual
    float lowest;           // the lowest stored number that the activation leaves
    const sextant_tensor* dst_shape;       // an unusual target
    const sextant_tensor* residual_shape;
};

/// Sets what does not change from tile to tile; `known` is the element type that the tile writes by itself.
void set_target(tile_target& t, const sextant_conv2d& problem, int known);

/// Whether a tile that knows this element type has no need of finish_apart.
bool usual_target(const sextant_conv2d& problem, int known);

}  // namespace sextant
