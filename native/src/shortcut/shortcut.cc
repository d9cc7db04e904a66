// SPDX-License-Identifier: Apache-2.0
#include "shortcut/shortcut.h"

#include "shortcut/shortcut_lists.h"
#include "simd/quantisation.h"

namespace sextant {
namespace {

using entry = implementation<sextant_shortcut, shortcut_parameters>;

template <int32_t Isa, const gather_kernels& Kernels>
std::string declines(const sextant_shortcut& problem, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (problem.src.layout != Kernels.block || problem.dst.layout != Kernels.block)
        return "src or dst does not lie in blocks of " + std::to_string(Kernels.block) + " channels";
    return {};
}

template <const gather_kernels& Kernels>
std::unique_ptr<op> create(const sextant_shortcut& problem, const shortcut_parameters&, const device_traits&) {
    return create_shortcut_blocked(problem, Kernels);
}

#if defined(SEXTANT_X86_64)
std::unique_ptr<op> create_u8(const sextant_shortcut& problem, const shortcut_parameters&, const device_traits&) {
    return create_shortcut_blocked(problem, stored_alike(problem.src, problem.dst) ? gather_avx512_bf16_u8
                                                                                   : gather_avx512_bf16_requantised);
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_shortcut_avx512_bf16", declines<SEXTANT_ISA_AVX512_BF16, gather_avx512_bf16>, create<gather_avx512_bf16>,
     1 << SEXTANT_BF16},
    {"u8_shortcut_avx512_bf16", declines<SEXTANT_ISA_AVX512_BF16, gather_avx512_bf16_u8>, create_u8, 1 << SEXTANT_U8},
    {"f32_shortcut_avx512", declines<SEXTANT_ISA_AVX512, gather_avx512>, create<gather_avx512>},
    {"f32_shortcut_avx2", declines<SEXTANT_ISA_AVX2, gather_avx2>, create<gather_avx2>},
#endif
    {"f32_shortcut_portable", declines<SEXTANT_ISA_PORTABLE, gather_portable>, create<gather_portable>},
    {"shortcut_reference", [](const sextant_shortcut&, const device_traits&) { return std::string(); },
     create_shortcut_reference, every_dtype},
};

}  // namespace

std::span<const entry> shortcut_implementations() { return list; }

}  // namespace sextant
