// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "dropout/dropout.inl.h"

namespace sextant {

dropout_kernel* const dropout_portable = portable::dropout;

}  // namespace sextant
