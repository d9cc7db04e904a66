// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "linear/training.inl.h"

namespace sextant {

const linear_training_kernels linear_training_avx2 = avx2::linear_training_table;

}  // namespace sextant
