// SPDX-License-Identifier: Apache-2.0
#include "eltwise/eltwise.h"

#include "eltwise/eltwise_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_eltwise, eltwise_parameters>;

template <int32_t Isa>
std::string declines(const sextant_eltwise& problem, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (problem.src.layout != problem.dst.layout) return "src and dst differ in layout";
    if (problem.has_other && problem.other.layout != problem.dst.layout) return "other and dst differ in layout";
    return {};
}

template <const eltwise_kernels& Kernels>
std::unique_ptr<op> create(const sextant_eltwise& problem, const eltwise_parameters&, const device_traits&) {
    return create_eltwise(problem, Kernels);
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_eltwise_avx512_bf16", declines<SEXTANT_ISA_AVX512_BF16>, create<eltwise_avx512_bf16>, 1 << SEXTANT_BF16},
    {"u8_eltwise_avx512_bf16", declines<SEXTANT_ISA_AVX512_BF16>, create<eltwise_avx512_bf16_u8>, 1 << SEXTANT_U8},
    {"f32_eltwise_avx512", declines<SEXTANT_ISA_AVX512>, create<eltwise_avx512>},
    {"f32_eltwise_avx2", declines<SEXTANT_ISA_AVX2>, create<eltwise_avx2>},
#endif
    {"f32_eltwise_portable", declines<SEXTANT_ISA_PORTABLE>, create<eltwise_portable>},
    {"eltwise_reference", [](const sextant_eltwise&, const device_traits&) { return std::string(); },
     create_eltwise_reference, every_dtype},
};

}  // namespace

std::span<const entry> eltwise_implementations() { return list; }

}  // namespace sextant
