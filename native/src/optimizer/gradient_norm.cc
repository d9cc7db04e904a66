// SPDX-License-Identifier: Apache-2.0
#include "optimizer/gradient_norm.h"

#include "optimizer/gradient_norm_lists.h"

namespace sextant {
namespace {

using entry = implementation<gradient_norm_problem, gradient_norm_parameters>;

template <int32_t Isa>
std::string declines(const gradient_norm_problem&, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : "";
}

template <int32_t Isa, const optimizer_kernels& Kernels>
constexpr entry entry_of(const char* name) {
    return {name, declines<Isa>,
            [](const gradient_norm_problem& problem, const gradient_norm_parameters&, const device_traits&) {
                return create_gradient_norm(problem, Kernels);
            }};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512, optimizer_avx512>("f32_gradient_norm_avx512"),
    entry_of<SEXTANT_ISA_AVX2, optimizer_avx2>("f32_gradient_norm_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, optimizer_portable>("f32_gradient_norm_portable"),
    {"gradient_norm_reference", [](const gradient_norm_problem&, const device_traits&) { return std::string(); },
     create_gradient_norm_reference, every_dtype},
};

}  // namespace

std::span<const entry> gradient_norm_implementations() { return list; }

}  // namespace sextant
