// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "pool2d/pool2d_backward.inl.h"

namespace sextant {

const pool2d_backward_kernels pool2d_backward_portable = portable::pool2d_backward_table<float, float, float>();

}  // namespace sextant
