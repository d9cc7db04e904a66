// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "reorder/reorder.inl.h"

namespace sextant {

const reorder_kernels reorder_portable = portable::reorder_table<float, float>;

}  // namespace sextant
