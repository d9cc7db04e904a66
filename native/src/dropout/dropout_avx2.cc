// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "dropout/dropout.inl.h"

namespace sextant {

const dropout_kernels dropout_avx2 = avx2::dropout_table<float>;

}  // namespace sextant
