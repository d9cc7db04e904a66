// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_portable.h"

#include "pool2d/pool2d.inl.h"

namespace sextant {

const pool2d_kernels pool2d_portable =
    portable::pool2d_table<float, float>(portable::pool2d_planar<portable::maximum>, portable::pool2d_planar<portable::mean>);

}  // namespace sextant
