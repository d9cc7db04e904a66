// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "conv2d/backward_weights_direct.inl.h"

namespace sextant {

constinit const backward_weights_direct_kernels<f32_format> backward_weights_direct_portable =
    portable::backward_weights_direct_table<f32_format>();

}  // namespace sextant
