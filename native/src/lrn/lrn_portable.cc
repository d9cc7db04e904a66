// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "lrn/lrn.inl.h"

namespace sextant {

const lrn_kernels lrn_portable = portable::lrn_table<float, float>(portable::lrn_planar);

}  // namespace sextant
