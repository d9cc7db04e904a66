// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "batch_norm/batch_norm.inl.h"

namespace sextant {

const batch_norm_kernels batch_norm_avx2 = avx2::batch_norm_table<float, float>;

}  // namespace sextant
