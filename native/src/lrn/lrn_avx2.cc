// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "lrn/lrn.inl.h"

namespace sextant {

const lrn_kernels lrn_avx2 = avx2::lrn_table<float, float>(avx2::lrn_planar);

}  // namespace sextant
