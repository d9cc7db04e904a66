// SPDX-License-Identifier: Apache-2.0
#include "linear/linear.h"

#include "linear/kernels.h"
#include "linear/linear_lists.h"

namespace sextant {
namespace {

using problem = sextant_linear;
using parameters = linear_parameters;
using traits = device_traits;

template <int32_t Isa, const auto& Kernels>
constexpr linear_implementation packed(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                if (device.isa < Isa)
                    return std::string("the device has no ") + (Isa == SEXTANT_ISA_AVX2     ? "AVX2"
                                                               : Isa == SEXTANT_ISA_AVX512 ? "AVX-512"
                                                                                           : "AVX512_BF16");
                return linear_declines(a, Kernels);
            },
            [](const problem& a, const parameters& p, const traits& device) { return create_linear(a, p, device, Kernels); },
            Isa == SEXTANT_ISA_AVX512_BF16 ? every_dtype : f32_only};
}

constexpr linear_implementation list[] = {
#if defined(SEXTANT_X86_64)
    packed<SEXTANT_ISA_AVX512_BF16, linear_bf16_avx512_bf16>("bf16_linear_avx512_bf16"),
    packed<SEXTANT_ISA_AVX512_BF16, linear_u8_avx512_bf16>("u8_linear_avx512_bf16"),
    packed<SEXTANT_ISA_AVX512_BF16, linear_to_narrow_avx512_bf16>("f32_linear_to_narrow_avx512_bf16"),
    packed<SEXTANT_ISA_AVX512, linear_avx512>("f32_linear_avx512"),
    packed<SEXTANT_ISA_AVX2, linear_avx2>("f32_linear_avx2"),
#endif
    packed<SEXTANT_ISA_PORTABLE, linear_portable>("f32_linear_portable"),
    {"linear_reference", [](const problem&, const traits&) { return std::string(); }, create_linear_reference, every_dtype},
};

}  // namespace

std::span<const linear_implementation> linear_implementations() { return list; }

}  // namespace sextant
