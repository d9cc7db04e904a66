// SPDX-License-Identifier: Apache-2.0
#include "lrn/lrn.h"

#include "lrn/lrn_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_lrn, lrn_parameters>;

std::string declines_layout(const sextant_lrn& problem, const lrn_kernels& kernels) {
    if (problem.src.layout != problem.dst.layout) return "src and dst differ in layout";
    if (!is_blocked(problem.src) && !kernels.planar) return "src is NCHW";
    if (is_blocked(problem.src) && block_of(problem.src) != kernels.block)
        return "src has blocks of " + std::to_string(block_of(problem.src)) + " channels, not " + std::to_string(kernels.block);
    return {};
}

template <int32_t Isa, const lrn_kernels& Kernels>
std::string declines(const sextant_lrn& problem, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : declines_layout(problem, Kernels);
}

template <const lrn_kernels& Kernels>
std::unique_ptr<op> create(const sextant_lrn& problem, const lrn_parameters&, const device_traits&) {
    return create_lrn(problem, Kernels);
}

#if defined(SEXTANT_X86_64)
const lrn_kernels* narrow_kernels(const sextant_lrn& a) { return lrn_avx512_bf16[a.src.dtype][a.dst.dtype]; }

std::string declines_narrow(const sextant_lrn& problem, const device_traits& device) {
    if (device.isa < SEXTANT_ISA_AVX512_BF16) return "the device lacks the instruction set";
    const lrn_kernels* kernels = narrow_kernels(problem);
    return kernels ? declines_layout(problem, *kernels) : unlike_pair(problem.src, problem.dst);
}

std::unique_ptr<op> create_narrow(const sextant_lrn& problem, const lrn_parameters&, const device_traits&) {
    return create_lrn(problem, *narrow_kernels(problem));
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_lrn_avx512_bf16", declines_narrow, create_narrow, f32_and_bf16},
    {"u8_lrn_avx512_bf16", declines_narrow, create_narrow, f32_and_u8},
    {"f32_lrn_avx512", declines<SEXTANT_ISA_AVX512, lrn_avx512>, create<lrn_avx512>},
    {"f32_lrn_avx2", declines<SEXTANT_ISA_AVX2, lrn_avx2>, create<lrn_avx2>},
#endif
    {"f32_lrn_portable", declines<SEXTANT_ISA_PORTABLE, lrn_portable>, create<lrn_portable>},
    {"lrn_reference", [](const sextant_lrn&, const device_traits&) { return std::string(); }, create_lrn_reference, every_dtype},
};

}  // namespace

std::span<const entry> lrn_implementations() { return list; }

}  // namespace sextant
