// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "dropout/dropout.inl.h"

namespace sextant {

const dropout_kernels dropout_portable = portable::dropout_table<float>;

}  // namespace sextant
