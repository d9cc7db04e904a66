// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "eltwise/eltwise.h"

namespace sextant {

/// dst[i] = act(src[i] + other[i]) over `count` floats at any address; `other` null: act(src[i]). dst may be src or other.
using eltwise_kernel = void(const float* src, const float* other, float* dst, int64_t count);

/// One for each activation function, by its number.
struct eltwise_kernels {
    eltwise_kernel* by_activation[4];
};

extern const eltwise_kernels eltwise_avx512, eltwise_avx2, eltwise_portable;

std::unique_ptr<op> create_eltwise(const sextant_eltwise&, const eltwise_kernels&);
std::unique_ptr<op> create_eltwise_reference(const sextant_eltwise&, const eltwise_parameters&, const device_traits&);

}  // namespace sextant
