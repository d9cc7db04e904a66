// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "eltwise/eltwise.inl.h"

namespace sextant {

const eltwise_kernels eltwise_avx2 = avx2::eltwise_table<float>;

}  // namespace sextant
