// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "batch_norm/batch_norm.inl.h"

namespace sextant {

const batch_norm_kernels batch_norm_portable = portable::batch_norm_table<float, float>;

}  // namespace sextant
