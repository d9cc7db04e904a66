// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "activation/backward.inl.h"

namespace sextant {

const activation_backward_kernels activation_backward_avx512 = avx512::activation_backward_table<float>;

}  // namespace sextant
