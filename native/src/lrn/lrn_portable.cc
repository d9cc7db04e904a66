// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "lrn/lrn.inl.h"

namespace sextant {

const lrn_kernels lrn_portable = portable::lrn_table;

}  // namespace sextant
