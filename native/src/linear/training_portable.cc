// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "linear/training.inl.h"

namespace sextant {

const linear_training_kernels linear_training_portable = portable::linear_training_table;

}  // namespace sextant
