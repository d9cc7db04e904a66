// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels<f32_format> direct_portable = portable::direct_table<f32_format>();

}  // namespace sextant
