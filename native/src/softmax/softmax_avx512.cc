// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "softmax/softmax.inl.h"

namespace sextant {

const softmax_kernels softmax_avx512 = avx512::softmax_table;

}  // namespace sextant
