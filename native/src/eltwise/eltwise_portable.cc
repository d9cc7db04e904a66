// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "eltwise/eltwise.inl.h"

namespace sextant {

const eltwise_kernels eltwise_portable = portable::eltwise_table<float>;

}  // namespace sextant
