// SPDX-License-Identifier: Apache-2.0
#include "lrn/lrn_backward.h"

#include "lrn/lrn_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_lrn_backward, lrn_backward_parameters>;

template <int32_t Isa, const lrn_backward_kernels& Kernels>
std::string declines(const sextant_lrn_backward& a, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    for (const sextant_tensor& t : {a.forward.src, a.diff_dst, a.diff_src})
        if (t.layout != Kernels.block)
            return "an operand does not lie in blocks of " + std::to_string(Kernels.block) + " channels";
    return {};
}

template <int32_t Isa, const lrn_backward_kernels& Kernels>
constexpr entry entry_of(const char* name, int32_t dtypes = f32_only) {
    return {name, declines<Isa, Kernels>,
            [](const sextant_lrn_backward& problem, const lrn_backward_parameters&, const device_traits&) {
                return create_lrn_backward(problem, Kernels);
            },
            dtypes};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512_BF16, lrn_backward_avx512_bf16>("bf16_lrn_backward_avx512_bf16", 1 << SEXTANT_BF16),
    entry_of<SEXTANT_ISA_AVX512, lrn_backward_avx512>("f32_lrn_backward_avx512"),
    entry_of<SEXTANT_ISA_AVX2, lrn_backward_avx2>("f32_lrn_backward_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, lrn_backward_portable>("f32_lrn_backward_portable"),
    {"lrn_backward_reference", [](const sextant_lrn_backward&, const device_traits&) { return std::string(); },
     create_lrn_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> lrn_backward_implementations() { return list; }

}  // namespace sextant
