// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "eltwise/eltwise.inl.h"

namespace sextant {

const eltwise_kernels eltwise_avx512 = avx512::eltwise_table<float>;

}  // namespace sextant
