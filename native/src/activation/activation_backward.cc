// SPDX-License-Identifier: Apache-2.0
#include "activation/activation_backward.h"

#include "activation/activation_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_activation_backward, activation_backward_parameters>;

template <int32_t Isa>
std::string declines(const sextant_activation_backward& a, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (a.diff_src.layout != a.diff_dst.layout) return "diff_dst and diff_src differ in layout";
    if (a.activation != SEXTANT_IDENTITY && a.dst.layout != a.diff_dst.layout) return "dst and diff_dst differ in layout";
    return {};
}

template <int32_t Isa, const activation_backward_kernels& Kernels>
constexpr entry entry_of(const char* name, int32_t dtypes = f32_only) {
    return {name, declines<Isa>,
            [](const sextant_activation_backward& problem, const activation_backward_parameters&, const device_traits&) {
                return create_activation_backward(problem, Kernels);
            },
            dtypes};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512_BF16, activation_backward_avx512_bf16>("bf16_activation_backward_avx512_bf16",
                                                                       1 << SEXTANT_BF16),
    entry_of<SEXTANT_ISA_AVX512, activation_backward_avx512>("f32_activation_backward_avx512"),
    entry_of<SEXTANT_ISA_AVX2, activation_backward_avx2>("f32_activation_backward_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, activation_backward_portable>("f32_activation_backward_portable"),
    {"activation_backward_reference", [](const sextant_activation_backward&, const device_traits&) { return std::string(); },
     create_activation_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> activation_backward_implementations() { return list; }

}  // namespace sextant
