// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "runtime/peak.inl.h"

namespace sextant {

const peak_kernels peak_portable = {portable::peak_f32, {}, {}, portable::read_through};

}  // namespace sextant
