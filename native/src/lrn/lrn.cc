// SPDX-License-Identifier: Apache-2.0
#include "lrn/lrn.h"

#include "lrn/lrn_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_lrn, lrn_parameters>;

template <int32_t Isa, const lrn_kernels& Kernels>
std::string declines(const sextant_lrn& problem, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (problem.src.layout != problem.dst.layout) return "src and dst differ in layout";
    if (is_blocked(problem.src) && block_of(problem.src) != Kernels.block)
        return "src has blocks of " + std::to_string(block_of(problem.src)) + " channels, not " + std::to_string(Kernels.block);
    return {};
}

template <const lrn_kernels& Kernels>
std::unique_ptr<op> create(const sextant_lrn& problem, const lrn_parameters&, const device_traits&) {
    return create_lrn(problem, Kernels);
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"f32_lrn_avx512", declines<SEXTANT_ISA_AVX512, lrn_avx512>, create<lrn_avx512>},
    {"f32_lrn_avx2", declines<SEXTANT_ISA_AVX2, lrn_avx2>, create<lrn_avx2>},
#endif
    {"f32_lrn_portable", declines<SEXTANT_ISA_PORTABLE, lrn_portable>, create<lrn_portable>},
    {"lrn_reference", [](const sextant_lrn&, const device_traits&) { return std::string(); }, create_lrn_reference, every_dtype},
};

}  // namespace

std::span<const entry> lrn_implementations() { return list; }

}  // namespace sextant
