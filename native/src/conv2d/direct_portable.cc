// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "conv2d/direct.inl.h"

namespace sextant {

constinit const direct_kernels direct_portable = portable::direct_table();

}  // namespace sextant
