// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "activation/backward.inl.h"

namespace sextant {

const activation_backward_kernels activation_backward_avx2 = avx2::activation_backward_table<float>;

}  // namespace sextant
