// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "runtime/peak.inl.h"

namespace sextant {

const peak_kernels peak_avx2 = {avx2::peak_f32, {}, {}, avx2::read_through};

}  // namespace sextant
