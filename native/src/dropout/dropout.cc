// SPDX-License-Identifier: Apache-2.0
#include "dropout/dropout.h"

#include "dropout/dropout_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_dropout, dropout_parameters>;

template <int32_t Isa>
std::string declines(const sextant_dropout& a, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    for (const sextant_tensor& t : {a.src, a.dst})
        if (is_blocked(t) && (t.h > 1 || t.w > 1 || t.halo))
            return "src or dst lies in blocks of channels and has more than one pixel";
    return {};
}

template <int32_t Isa, dropout_kernel* const& Kernels>
constexpr entry entry_of(const char* name) {
    return {name, declines<Isa>,
            [](const sextant_dropout& problem, const dropout_parameters&, const device_traits&) {
                return create_dropout(problem, Kernels);
            }};
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
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
