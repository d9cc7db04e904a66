// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "conv2d/first.inl.h"

namespace sextant {

constinit const first_kernels first_portable = portable::first_table<float>();

}  // namespace sextant
