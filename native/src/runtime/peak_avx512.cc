// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "runtime/peak.inl.h"

namespace sextant {

const peak_kernels peak_avx512 = {avx512::peak_f32, {}, {}, avx512::read_through};

}  // namespace sextant
