// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "concat/gather_lanes.inl.h"

namespace sextant {

const gather_kernels gather_portable = portable::gather_table<float, float>;

}  // namespace sextant
