// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "pool2d/pool2d.inl.h"

namespace sextant {

const pool2d_kernels pool2d_avx512 =
    avx512::pool2d_table<float, float>(avx512::pool2d_planar<avx512::maximum>, avx512::pool2d_planar<avx512::mean>);

}  // namespace sextant
