// SPDX-License-Identifier: Apache-2.0
#include "concat/split.h"

#include "concat/split_lists.h"

namespace sextant {
namespace {

using entry = implementation<split_problem, split_parameters>;

std::string other_layout(const split_problem& problem, int layout) {
    if (problem.src.layout != layout) return "src has another layout";
    for (const sextant_tensor& destination : problem.destinations)
        if (destination.layout != layout) return "a destination has another layout";
    return {};
}

template <int32_t Isa, const gather_kernels& Kernels>
std::string declines(const split_problem& problem, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : other_layout(problem, Kernels.block);
}

template <int32_t Isa, const gather_kernels& Kernels>
constexpr entry entry_of(const char* name, int32_t dtypes = f32_only) {
    return {name, declines<Isa, Kernels>,
            [](const split_problem& problem, const split_parameters&, const device_traits&) {
                return create_split_blocked(problem, Kernels);
            },
            dtypes};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512_BF16, gather_avx512_bf16>("bf16_split_avx512_bf16", 1 << SEXTANT_BF16),
    entry_of<SEXTANT_ISA_AVX512, gather_avx512>("f32_split_avx512"),
    entry_of<SEXTANT_ISA_AVX2, gather_avx2>("f32_split_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, gather_portable>("f32_split_portable"),
    {"f32_split_planar", [](const split_problem& problem, const device_traits&) { return other_layout(problem, SEXTANT_NCHW); },
     create_split_planar},
    {"split_reference", [](const split_problem&, const device_traits&) { return std::string(); },
     create_split_reference, every_dtype},
};

}  // namespace

std::span<const entry> split_implementations() { return list; }

}  // namespace sextant
