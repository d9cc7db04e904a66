// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "eltwise/eltwise.h"
#include "simd/quantisation.h"

namespace sextant {

/// Of quantised operands: src + other = src's stored numbers * src_scale + other's * other_scale + shift.
struct eltwise_scales {
    float src = 1, other = 1, shift = 0;
    quantisation dst;
};

/// dst[i] = act(src[i] + other[i]) over `count` elements at any address; `other` null: act(src[i]). dst may be src or other.
using eltwise_kernel = void(const void* src, const void* other, void* dst, int64_t count, const eltwise_scales&);

/// One for each activation function, by its number.
struct eltwise_kernels {
    eltwise_kernel* by_activation[4];
};

extern const eltwise_kernels eltwise_avx512, eltwise_avx2, eltwise_portable;
/// All operands of the same type.
extern const eltwise_kernels eltwise_avx512_bf16, eltwise_avx512_bf16_u8;

std::unique_ptr<op> create_eltwise(const sextant_eltwise&, const eltwise_kernels&);
std::unique_ptr<op> create_eltwise_reference(const sextant_eltwise&, const eltwise_parameters&, const device_traits&);

}  // namespace sextant
