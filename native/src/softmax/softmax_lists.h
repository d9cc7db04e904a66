// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "softmax/softmax.h"

namespace sextant {

/// Over `count` contiguous floats at any address; dst may be src.
using softmax_kernel = void(const float* src, float* dst, int count);

struct softmax_kernels {
    softmax_kernel *softmax, *log_softmax;
};

extern const softmax_kernels softmax_avx512, softmax_avx2, softmax_portable;

/// Subtraction, exponential, sum and division of each element.
inline int64_t softmax_flops(const sextant_softmax& a) { return 4 * int64_t{a.dst.n} * a.dst.c * a.dst.h * a.dst.w; }

std::unique_ptr<op> create_softmax(const sextant_softmax&, const softmax_kernels&);
std::unique_ptr<op> create_softmax_reference(const sextant_softmax&, const softmax_parameters&, const device_traits&);

}  // namespace sextant
