// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "activation/backward.inl.h"

namespace sextant {

const activation_backward_kernels activation_backward_portable = portable::activation_backward_table<float>;

}  // namespace sextant
