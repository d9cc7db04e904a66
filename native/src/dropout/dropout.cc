// SPDX-License-Identifier: Apache-2.0
#include "dropout/dropout.h"

#include "dropout/dropout_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_dropout, dropout_parameters>;

template <int32_t Isa, const dropout_kernels& Kernels>
std::string declines(const sextant_dropout& a, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (dropout_in_runs(a) || (a.src.layout == Kernels.block && a.dst.layout == Kernels.block)) return {};
    return "src or dst is neither NCHW nor in blocks of " + std::to_string(Kernels.block) + " channels like the other";
}

template <int32_t Isa, const dropout_kernels& Kernels>
constexpr entry entry_of(const char* name, int32_t dtypes = f32_only) {
    return {name, declines<Isa, Kernels>,
            [](const sextant_dropout& problem, const dropout_parameters&, const device_traits&) {
                return dropout_in_runs(problem) ? create_dropout_runs(problem, Kernels)
                                                : create_dropout_blocks(problem, Kernels);
            },
            dtypes};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512_BF16, dropout_avx512_bf16>("bf16_dropout_avx512_bf16", 1 << SEXTANT_BF16),
    entry_of<SEXTANT_ISA_AVX512, dropout_avx512>("f32_dropout_avx512"),
    entry_of<SEXTANT_ISA_AVX2, dropout_avx2>("f32_dropout_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, dropout_portable>("f32_dropout_portable"),
    {"dropout_reference", [](const sextant_dropout&, const device_traits&) { return std::string(); },
     create_dropout_reference, every_dtype},
};

}  // namespace

std::span<const entry> dropout_implementations() { return list; }

}  // namespace sextant
