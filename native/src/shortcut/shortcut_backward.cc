// SPDX-License-Identifier: Apache-2.0
#include "shortcut/shortcut_backward.h"

#include "shortcut/shortcut_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<shortcut_backward_problem, shortcut_backward_parameters>;

template <int32_t Isa, const gather_kernels& Kernels>
std::string declines(const shortcut_backward_problem& a, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (a.src.layout != Kernels.block || a.dst.layout != Kernels.block)
        return "src or dst does not lie in blocks of " + std::to_string(Kernels.block) + " channels";
    return {};
}

template <int32_t Isa, const gather_kernels& Kernels>
constexpr entry entry_of(const char* name, int32_t dtypes = f32_only) {
    return {name, declines<Isa, Kernels>,
            [](const shortcut_backward_problem& problem, const shortcut_backward_parameters&, const device_traits&) {
                return create_shortcut_backward(problem, Kernels);
            },
            dtypes};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512_BF16, gather_avx512_bf16>("bf16_shortcut_backward_avx512_bf16", 1 << SEXTANT_BF16),
    entry_of<SEXTANT_ISA_AVX512, gather_avx512>("f32_shortcut_backward_avx512"),
    entry_of<SEXTANT_ISA_AVX2, gather_avx2>("f32_shortcut_backward_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, gather_portable>("f32_shortcut_backward_portable"),
    {"shortcut_backward_reference", [](const shortcut_backward_problem&, const device_traits&) { return std::string(); },
     create_shortcut_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> shortcut_backward_implementations() { return list; }

}  // namespace sextant
