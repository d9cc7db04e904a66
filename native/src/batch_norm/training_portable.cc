// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "batch_norm/training.inl.h"

namespace sextant {

const batch_norm_training_kernels batch_norm_training_portable = portable::batch_norm_training_table<float>;

}  // namespace sextant
