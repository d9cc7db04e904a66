// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "dropout/dropout.inl.h"

namespace sextant {

dropout_kernel* const dropout_avx512 = avx512::dropout;

}  // namespace sextant
