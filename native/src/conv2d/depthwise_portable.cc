// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "conv2d/depthwise.inl.h"

namespace sextant {

constinit const depthwise_kernels depthwise_portable = portable::depthwise_table<float>();

}  // namespace sextant
