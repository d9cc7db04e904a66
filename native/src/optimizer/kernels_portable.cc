// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "optimizer/optimizer.inl.h"

namespace sextant {

const optimizer_kernels optimizer_portable = portable::optimizer_table;

}  // namespace sextant
