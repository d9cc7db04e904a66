// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "linear/kernels.inl.h"

namespace sextant {

constinit const linear_kernels<f32_format> linear_avx512 = avx512::linear_table<f32_format>();

}  // namespace sextant
