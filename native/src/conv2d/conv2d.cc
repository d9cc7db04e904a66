// SPDX-License-Identifier: Apache-2.0
#include "conv2d/conv2d.h"

#include "conv2d/conv2d_lists.h"
#include "conv2d/direct.h"
#include "conv2d/first.h"

namespace sextant {
namespace {

using problem = sextant_conv2d;
using parameters = conv2d_parameters;
using traits = device_traits;

std::string needs_isa(const traits& device, int32_t isa, const char* name) {
    return device.isa >= isa ? std::string() : std::string("the device has no ") + name;
}

template <int32_t Isa>
std::string isa_declines(const traits& device) {
    if constexpr (Isa == SEXTANT_ISA_AVX512) return needs_isa(device, Isa, "AVX-512");
    if constexpr (Isa == SEXTANT_ISA_AVX2) return needs_isa(device, Isa, "AVX2");
    return {};
}

template <int32_t Isa, const first_kernels& Kernels>
constexpr conv2d_implementation first(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                const std::string reason = isa_declines<Isa>(device);
                return reason.empty() ? first_declines(a, Kernels) : reason;
            },
            [](const problem& a, const parameters& p, const traits& device) { return create_first(a, p, device, Kernels); }};
}

template <int32_t Isa, const direct_kernels& Kernels>
constexpr conv2d_implementation direct(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                const std::string reason = isa_declines<Isa>(device);
                return reason.empty() ? direct_declines(a, Kernels) : reason;
            },
            [](const problem& a, const parameters& p, const traits& device) { return create_direct(a, p, device, Kernels); }};
}

constexpr conv2d_implementation list[] = {
#if defined(SEXTANT_X86_64)
    first<SEXTANT_ISA_AVX512, first_avx512>("f32_conv2d_first_avx512"),
    first<SEXTANT_ISA_AVX2, first_avx2>("f32_conv2d_first_avx2"),
    direct<SEXTANT_ISA_AVX512, direct_avx512>("f32_conv2d_direct_avx512"),
    direct<SEXTANT_ISA_AVX2, direct_avx2>("f32_conv2d_direct_avx2"),
#endif
    first<SEXTANT_ISA_PORTABLE, first_portable>("f32_conv2d_first_portable"),
    direct<SEXTANT_ISA_PORTABLE, direct_portable>("f32_conv2d_direct_portable"),
    {"f32_conv2d_reference", [](const problem&, const traits&) { return std::string(); }, create_conv2d_reference},
};

}  // namespace

std::span<const conv2d_implementation> conv2d_implementations() { return list; }

}  // namespace sextant
