// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "reorder/reorder.inl.h"

namespace sextant {

const reorder_kernels reorder_avx2 = avx2::reorder_table<float, float>;

}  // namespace sextant
