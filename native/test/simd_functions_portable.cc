// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "simd_functions.inl.h"

namespace sextant::test {

const simd_functions simd_portable = portable::functions("portable", SEXTANT_ISA_PORTABLE);

}  // namespace sextant::test
