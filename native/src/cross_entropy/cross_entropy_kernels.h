// SPDX-License-Identifier: Apache-2.0
// The kernels of the cross-entropy, one for each instruction set.
#pragma once

namespace sextant {

/// One image: `count` logits and targets at any addresses; returns sum of t * -log softmax and writes the gradient times
/// `factor`. t = target * sharpness + share.
using cross_entropy_kernel = double(const float* src, const float* targets, float* diff_src, int count, float sharpness,
                                    float share, double factor);

extern cross_entropy_kernel* const cross_entropy_avx512;
extern cross_entropy_kernel* const cross_entropy_avx2;
extern cross_entropy_kernel* const cross_entropy_portable;

}  // namespace sextant
