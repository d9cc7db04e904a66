// SPDX-License-Identifier: Apache-2.0
#include "batch_norm/batch_norm.h"

#include "batch_norm/batch_norm_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_batch_norm, batch_norm_parameters>;

std::string declines_layout(const sextant_batch_norm& problem, const batch_norm_kernels& kernels) {
    if (problem.src.layout != problem.dst.layout) return "src and dst differ in layout";
    if (is_blocked(problem.src) && block_of(problem.src) != kernels.block)
        return "src has blocks of " + std::to_string(block_of(problem.src)) + " channels, not " + std::to_string(kernels.block);
    return {};
}

template <int32_t Isa, const batch_norm_kernels& Kernels>
std::string declines(const sextant_batch_norm& problem, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : declines_layout(problem, Kernels);
}

template <const batch_norm_kernels& Kernels>
std::unique_ptr<op> create(const sextant_batch_norm& problem, const batch_norm_parameters& parameters, const device_traits&) {
    return create_batch_norm(problem, parameters, Kernels);
}

#if defined(SEXTANT_X86_64)
const batch_norm_kernels* narrow_kernels(const sextant_batch_norm& a) { return batch_norm_avx512_bf16[a.src.dtype][a.dst.dtype]; }

std::string declines_narrow(const sextant_batch_norm& problem, const device_traits& device) {
    if (device.isa < SEXTANT_ISA_AVX512_BF16) return "the device lacks the instruction set";
    const batch_norm_kernels* kernels = narrow_kernels(problem);
    return kernels ? declines_layout(problem, *kernels) : unlike_pair(problem.src, problem.dst);
}

std::unique_ptr<op> create_narrow(const sextant_batch_norm& problem, const batch_norm_parameters& parameters,
                                  const device_traits&) {
    return create_batch_norm(problem, parameters, *narrow_kernels(problem));
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_batch_norm_avx512_bf16", declines_narrow, create_narrow, f32_and_bf16},
    {"u8_batch_norm_avx512_bf16", declines_narrow, create_narrow, f32_and_u8},
    {"f32_batch_norm_avx512", declines<SEXTANT_ISA_AVX512, batch_norm_avx512>, create<batch_norm_avx512>},
    {"f32_batch_norm_avx2", declines<SEXTANT_ISA_AVX2, batch_norm_avx2>, create<batch_norm_avx2>},
#endif
    {"f32_batch_norm_portable", declines<SEXTANT_ISA_PORTABLE, batch_norm_portable>, create<batch_norm_portable>},
    {"batch_norm_reference", [](const sextant_batch_norm&, const device_traits&) { return std::string(); },
     create_batch_norm_reference, every_dtype},
};

}  // namespace

std::span<const entry> batch_norm_implementations() { return list; }

}  // namespace sextant
