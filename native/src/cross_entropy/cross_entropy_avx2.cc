// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "cross_entropy/cross_entropy.inl.h"

namespace sextant {

cross_entropy_kernel* const cross_entropy_avx2 = avx2::cross_entropy;

}  // namespace sextant
