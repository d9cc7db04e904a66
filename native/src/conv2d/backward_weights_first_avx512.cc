// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "conv2d/backward_weights_first.inl.h"

namespace sextant {

constinit const backward_weights_first_kernels backward_weights_first_avx512 = avx512::backward_weights_first_table<float>();

}  // namespace sextant
