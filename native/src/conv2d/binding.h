// SPDX-License-Identifier: Apache-2.0
// How a convolution is bound to its operands: one for inference, whose weights are known when it is made, and those of a training
// step, whose weights are an operand. A gradient with respect to the source is a convolution too: it sees the weights from the other
// side, and with a stride its results are a grid of pixels of their tensor.
#pragma once
#include "conv2d/weights.h"
#include "runtime/tensor.h"

namespace sextant {

/// Every step-th pixel of a tensor, from the first on.
struct pixel_grid {
    sextant_tensor whole;
    int step_h, step_w, first_y, first_x;
    bool add;  // to what the pixels hold
};

struct conv2d_binding {
    // Which operand is which; -1: there is none. src is 0, dst the last.
    int weights, bias, residual, dst;
    weight_view view;
    int64_t flops;
    const pixel_grid* grid;  // or null: dst is the problem's; read during creation only
};

}  // namespace sextant
