// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "linear/kernels.inl.h"

namespace sextant {

constinit const linear_kernels<f32_format> linear_avx2 = avx2::linear_table<f32_format>();

}  // namespace sextant
