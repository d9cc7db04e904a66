// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "softmax/softmax.inl.h"

namespace sextant {

const softmax_kernels softmax_avx2 = avx2::softmax_table;

}  // namespace sextant
