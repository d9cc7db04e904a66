// SPDX-License-Identifier: Apache-2.0
#include "batch_norm/batch_norm_backward.h"

#include "batch_norm/batch_norm_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_batch_norm_backward, batch_norm_backward_parameters>;

template <int32_t Isa, const batch_norm_training_kernels& Kernels>
std::string declines(const sextant_batch_norm_backward& a, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    const auto& forward = a.forward;
    for (const sextant_tensor& t : {forward.src, forward.activation ? forward.dst : forward.src, a.diff_dst, a.diff_src})
        if (t.layout != Kernels.block)
            return "an operand does not lie in blocks of " + std::to_string(Kernels.block) + " channels";
    return {};
}

template <int32_t Isa, const batch_norm_training_kernels& Kernels>
constexpr entry blocked(const char* name, int32_t dtypes = f32_only) {
    return {name, declines<Isa, Kernels>,
            [](const sextant_batch_norm_backward& problem, const batch_norm_backward_parameters&, const device_traits&) {
                return create_batch_norm_backward(problem, Kernels);
            },
            dtypes};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    blocked<SEXTANT_ISA_AVX512_BF16, batch_norm_training_avx512_bf16>("bf16_batch_norm_backward_avx512_bf16", 1 << SEXTANT_BF16),
    blocked<SEXTANT_ISA_AVX512, batch_norm_training_avx512>("f32_batch_norm_backward_avx512"),
    blocked<SEXTANT_ISA_AVX2, batch_norm_training_avx2>("f32_batch_norm_backward_avx2"),
#endif
    blocked<SEXTANT_ISA_PORTABLE, batch_norm_training_portable>("f32_batch_norm_backward_portable"),
    {"batch_norm_backward_reference", [](const sextant_batch_norm_backward&, const device_traits&) { return std::string(); },
     create_batch_norm_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> batch_norm_backward_implementations() { return list; }

}  // namespace sextant
