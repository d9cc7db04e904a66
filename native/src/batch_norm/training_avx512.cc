// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "batch_norm/training.inl.h"

namespace sextant {

const batch_norm_training_kernels batch_norm_training_avx512 = avx512::batch_norm_training_table<float>;

}  // namespace sextant
