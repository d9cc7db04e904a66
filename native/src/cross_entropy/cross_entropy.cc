// SPDX-License-Identifier: Apache-2.0
#include "cross_entropy/cross_entropy.h"

#include "cross_entropy/cross_entropy_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_cross_entropy, cross_entropy_parameters>;

template <int32_t Isa>
std::string declines(const sextant_cross_entropy&, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : "";
}

template <int32_t Isa, cross_entropy_kernel* const& Kernels>
constexpr entry entry_of(const char* name) {
    return {name, declines<Isa>,
            [](const sextant_cross_entropy& problem, const cross_entropy_parameters&, const device_traits&) {
                return create_cross_entropy(problem, Kernels);
            }};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    entry_of<SEXTANT_ISA_AVX512, cross_entropy_avx512>("f32_cross_entropy_avx512"),
    entry_of<SEXTANT_ISA_AVX2, cross_entropy_avx2>("f32_cross_entropy_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, cross_entropy_portable>("f32_cross_entropy_portable"),
    {"cross_entropy_reference", [](const sextant_cross_entropy&, const device_traits&) { return std::string(); },
     create_cross_entropy_reference, every_dtype},
};

}  // namespace

std::span<const entry> cross_entropy_implementations() { return list; }

}  // namespace sextant
