// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512_bf16.h"

#include "simd/narrow.inl.h"

#include "batch_norm/training.inl.h"

namespace sextant {

const batch_norm_training_kernels batch_norm_training_avx512_bf16 = avx512_bf16::batch_norm_training_table<bfloat16>;

}  // namespace sextant
