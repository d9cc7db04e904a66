// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "concat/gather_lanes.inl.h"

namespace sextant {

const gather_kernels gather_avx512 = avx512::gather_table<float, float>;

}  // namespace sextant
