// SPDX-License-Identifier: Apache-2.0
#include "optimizer/optimizer.h"

#include "optimizer/optimizer_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_optimizer, optimizer_parameters>;

template <int32_t Isa>
std::string declines(const sextant_optimizer&, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : "";
}

template <int32_t Isa, const optimizer_kernels& Kernels>
constexpr entry entry_of(const char* name) {
    return {name, declines<Isa>,
            [](const sextant_optimizer& problem, const optimizer_parameters& parameters, const device_traits&) {
                return create_optimizer(problem, parameters, Kernels);
            }};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512, optimizer_avx512>("f32_optimizer_avx512"),
    entry_of<SEXTANT_ISA_AVX2, optimizer_avx2>("f32_optimizer_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, optimizer_portable>("f32_optimizer_portable"),
    {"optimizer_reference", [](const sextant_optimizer&, const device_traits&) { return std::string(); },
     create_optimizer_reference, every_dtype},
};

}  // namespace

std::span<const entry> optimizer_implementations() { return list; }

}  // namespace sextant
