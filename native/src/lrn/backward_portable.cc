// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "lrn/lrn_backward.inl.h"

namespace sextant {

const lrn_backward_kernels lrn_backward_portable = portable::lrn_backward_table<float>;

}  // namespace sextant
