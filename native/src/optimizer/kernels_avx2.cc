// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "optimizer/optimizer.inl.h"

namespace sextant {

const optimizer_kernels optimizer_avx2 = avx2::optimizer_table;

}  // namespace sextant
