// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "lrn/lrn_backward.inl.h"

namespace sextant {

const lrn_backward_kernels lrn_backward_avx2 = avx2::lrn_backward_table<float>;

}  // namespace sextant
