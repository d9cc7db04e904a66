// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "optimizer/optimizer.inl.h"

namespace sextant {

const optimizer_kernels optimizer_avx512 = avx512::optimizer_table;

}  // namespace sextant
