// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "dropout/dropout.inl.h"

namespace sextant {

const dropout_kernels dropout_avx512 = avx512::dropout_table<float>;

}  // namespace sextant
