// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "concat/gather_lanes.inl.h"

namespace sextant {

const gather_kernels gather_avx2 = avx2::gather_table<float, float>;

}  // namespace sextant
