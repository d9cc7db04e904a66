// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "reorder/reorder.inl.h"

namespace sextant {

const reorder_kernels reorder_avx512 = avx512::reorder_table<float, float>;

}  // namespace sextant
