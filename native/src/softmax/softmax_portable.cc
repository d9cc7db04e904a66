// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "softmax/softmax.inl.h"

namespace sextant {

const softmax_kernels softmax_portable = portable::softmax_table;

}  // namespace sextant
