// SPDX-License-Identifier: Apache-2.0
#include "simd/isa_avx512.h"

#include "conv2d/backward_weights_winograd.inl.h"

namespace sextant {

constinit const backward_weights_winograd_kernels backward_weights_winograd4_avx512 =
    avx512::backward_weights_winograd_table<4, 3, float>(winograd4_avx512, backward_weights_direct_avx512);
constinit const backward_weights_winograd_kernels backward_weights_winograd2_5x5_avx512 =
    avx512::backward_weights_winograd_table<2, 5, float>(winograd2_5x5_avx512, backward_weights_direct_avx512);

}  // namespace sextant
