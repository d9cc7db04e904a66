// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "conv2d/first.inl.h"

namespace sextant {

constinit const first_kernels first_avx2 = avx2::first_table<float>();

}  // namespace sextant
