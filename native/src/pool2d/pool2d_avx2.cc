// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx2.h"

#include "pool2d/pool2d.inl.h"

namespace sextant {

const pool2d_kernels pool2d_avx2 =
    avx2::pool2d_table<float, float>(avx2::pool2d_planar<avx2::maximum>, avx2::pool2d_planar<avx2::mean>);

}  // namespace sextant
