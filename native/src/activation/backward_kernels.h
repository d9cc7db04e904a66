// SPDX-License-Identifier: Apache-2.0
// The kernels of activations' gradients, one set for each instruction set and element type, which is that of all operands.
#pragma once
#include <cstdint>

namespace sextant {

/// diff_src[i] (+)= diff_dst[i] * act'(dst[i]) for `count` elements at any addresses. dst is not read for the identity;
/// diff_src may be diff_dst.
using activation_backward_kernel = void(const void* dst, const void* diff_dst, void* diff_src, int64_t count);

struct activation_backward_kernels {
    activation_backward_kernel* by_function[4][2];  // [function][accumulate]
};

extern const activation_backward_kernels activation_backward_avx512, activation_backward_avx2, activation_backward_portable;
/// Of bf16.
extern const activation_backward_kernels activation_backward_avx512_bf16;

}  // namespace sextant
