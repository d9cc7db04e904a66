// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "pool2d/pool2d_backward.inl.h"

namespace sextant {

const pool2d_backward_kernels pool2d_backward_avx512 = avx512::pool2d_backward_table<float, float, float>();

}  // namespace sextant
