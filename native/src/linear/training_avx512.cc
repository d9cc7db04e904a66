// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "linear/training.inl.h"

namespace sextant {

const linear_training_kernels linear_training_avx512 = avx512::linear_training_table;

}  // namespace sextant
