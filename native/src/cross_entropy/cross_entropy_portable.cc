// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "cross_entropy/cross_entropy.inl.h"

namespace sextant {

cross_entropy_kernel* const cross_entropy_portable = portable::cross_entropy;

}  // namespace sextant
