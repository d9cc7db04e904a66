// SPDX-License-Identifier: Apache-2.0
// Weights in the order in which the tensor cores' kernels read them.
#pragma once
#include "cuda/op.h"

namespace sextant::cuda {

/// Where in the packed array an element of the plain one comes from. Plain weights are k x c x r x s float32; packed ones
/// `rows` x `taps` x `pitch` in the type of `dtype`, 0 where nothing belongs.
struct weights_packing {
    enum order {
        forward,    // rows are k, taps r s, lanes c
        windows,    // rows are k, taps r, lanes s times `width` of which the first c are channels: a first layer's windows
        backward,   // rows are c, taps r s from the last to the first, lanes k: what the gradient of the source is multiplied by
        features    // rows are k, one tap, lanes h w c padded to `width`: of a fully connected layer on NHWC; taps of the plain are h w
    };
    int order;
    int k, c, r, s;
    int width;
    int dtype;
    int rows, taps, pitch;

    constexpr int64_t elements() const { return int64_t{rows} * taps * pitch; }
    int64_t bytes() const;
};

/// On the device, from plain to packed.
void pack_weights(const weights_packing&, const float* plain, void* packed, cudaStream_t stream);

/// Of weights on the host; complete when this returns.
array packed_weights(const weights_packing&, const float* plain);

}  // namespace sextant::cuda
