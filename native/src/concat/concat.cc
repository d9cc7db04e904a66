// SPDX-License-Identifier: Apache-2.0
#include "concat/concat.h"

#include "concat/concat_lists.h"
#include "simd/quantisation.h"

namespace sextant {
namespace {

using entry = implementation<concat_problem, concat_parameters>;

std::string other_layout(const concat_problem& problem, int layout) {
    if (problem.dst.layout != layout) return "dst has another layout";
    for (const sextant_tensor& source : problem.sources)
        if (source.layout != layout) return "a source has another layout";
    return {};
}

template <int32_t Isa, const gather_kernels& Kernels>
std::string declines(const concat_problem& problem, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : other_layout(problem, Kernels.block);
}

template <const gather_kernels& Kernels>
std::unique_ptr<op> create(const concat_problem& problem, const concat_parameters&, const device_traits&) {
    return create_concat_blocked(problem, Kernels);
}

#if defined(SEXTANT_X86_64)
const gather_kernels& u8_kernels(const concat_problem& a) {
    for (const sextant_tensor& source : a.sources)
        if (!stored_alike(source, a.dst)) return gather_avx512_bf16_requantised;
    return gather_avx512_bf16_u8;
}

std::unique_ptr<op> create_u8(const concat_problem& problem, const concat_parameters&, const device_traits&) {
    return create_concat_blocked(problem, u8_kernels(problem));
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_concat_avx512_bf16", declines<SEXTANT_ISA_AVX512_BF16, gather_avx512_bf16>, create<gather_avx512_bf16>,
     1 << SEXTANT_BF16},
    {"u8_concat_avx512_bf16", declines<SEXTANT_ISA_AVX512_BF16, gather_avx512_bf16_u8>, create_u8, 1 << SEXTANT_U8},
    {"f32_concat_avx512", declines<SEXTANT_ISA_AVX512, gather_avx512>, create<gather_avx512>},
    {"f32_concat_avx2", declines<SEXTANT_ISA_AVX2, gather_avx2>, create<gather_avx2>},
#endif
    {"f32_concat_portable", declines<SEXTANT_ISA_PORTABLE, gather_portable>, create<gather_portable>},
    {"f32_concat_planar", [](const concat_problem& problem, const device_traits&) { return other_layout(problem, SEXTANT_NCHW); },
     create_concat_planar},
    {"concat_reference", [](const concat_problem&, const device_traits&) { return std::string(); },
     create_concat_reference, every_dtype},
};

}  // namespace

std::span<const entry> concat_implementations() { return list; }

}  // namespace sextant
