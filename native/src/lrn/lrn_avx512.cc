// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "lrn/lrn.inl.h"

namespace sextant {

const lrn_kernels lrn_avx512 = avx512::lrn_table<float, float>(avx512::lrn_planar);

}  // namespace sextant
