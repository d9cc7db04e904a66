// SPDX-License-Identifier: Apache-2.0
#include "conv2d/conv2d.h"

#include "conv2d/conv2d_lists.h"
#include "conv2d/depthwise.h"
#include "conv2d/direct.h"
#include "conv2d/first.h"
#include "conv2d/winograd.h"

namespace sextant {
namespace {

using problem = sextant_conv2d;
using parameters = conv2d_parameters;
using traits = device_traits;

/// An entry whose loops are `Declines` and `Create` and whose register tiles are `Kernels` of instruction set `Isa`.
template <int32_t Isa, const auto& Kernels, auto Declines, auto Create, int32_t Dtypes = f32_only>
constexpr conv2d_implementation entry(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                const std::string reason = isa_declines<Isa>(device);
                return reason.empty() ? Declines(a, Kernels) : reason;
            },
            [](const problem& a, const parameters& p, const traits& device) { return Create(a, p, device, Kernels); },
            Dtypes};
}

inline constexpr int32_t bf16_only = 1 << SEXTANT_BF16;

/// Quantised weights are known beforehand.
template <class Format>
std::string packs_once(const problem&, const direct_kernels<Format>&) {
    return "its weights are quantised when it is made";
}

template <int32_t Isa, const first_kernels& Kernels>
constexpr auto first = entry<Isa, Kernels, first_declines, create_first>;
template <const first_kernels& Kernels>
constexpr auto first_to_narrow = entry<SEXTANT_ISA_AVX512_BF16, Kernels, first_declines, create_first, every_dtype>;
template <int32_t Isa, const auto& Kernels>
constexpr auto direct = entry<Isa, Kernels, direct_declines<f32_format>, create_direct<f32_format>>;
template <bool InEachRun, const auto& Kernels, class Format>
constexpr auto direct_narrow = entry<SEXTANT_ISA_AVX512_BF16, Kernels,
                                     InEachRun && Format::dtype == SEXTANT_U8 ? packs_once<Format> : direct_declines<Format>,
                                     create_direct<Format>, every_dtype>;
template <int32_t Isa, const winograd_kernels& Kernels, bool InEachRun, int32_t Dtypes = f32_only>
constexpr conv2d_implementation winograd(const char* name) {
    auto made = entry<Isa, Kernels, winograd_declines, create_winograd>(name);
    made.dtypes = Dtypes;
    made.yields = [](const problem& a, const traits&) { return winograd_yields(a, Kernels, InEachRun); };
    return made;
}
template <int32_t Isa, const depthwise_kernels& Kernels>
constexpr auto depthwise = entry<Isa, Kernels, depthwise_declines, create_depthwise>;
template <const depthwise_kernels& Kernels>
constexpr auto depthwise_narrow = entry<SEXTANT_ISA_AVX512_BF16, Kernels, depthwise_declines, create_depthwise, every_dtype>;

/// @tparam InEachRun whether weights are packed in each run; nothing is quantised then
template <bool InEachRun>
constexpr conv2d_implementation list[] = {
#if defined(SEXTANT_X86_64)
    first_to_narrow<first_to_bf16_avx512_bf16>("f32_conv2d_first_to_bf16_avx512_bf16"),
    first_to_narrow<first_to_u8_avx512_bf16>("f32_conv2d_first_to_u8_avx512_bf16"),
    first<SEXTANT_ISA_AVX512, first_avx512>("f32_conv2d_first_avx512"),
    first<SEXTANT_ISA_AVX2, first_avx2>("f32_conv2d_first_avx2"),
    winograd<SEXTANT_ISA_AVX512_BF16, winograd4_avx512_bf16, InEachRun, bf16_only>("bf16_conv2d_winograd4_avx512_bf16"),
    winograd<SEXTANT_ISA_AVX512_BF16, winograd2_avx512_bf16, InEachRun, bf16_only>("bf16_conv2d_winograd2_avx512_bf16"),
    winograd<SEXTANT_ISA_AVX512_BF16, winograd2_5x5_avx512_bf16, InEachRun, bf16_only>("bf16_conv2d_winograd2_5x5_avx512_bf16"),
    winograd<SEXTANT_ISA_AVX512, winograd4_avx512, InEachRun>("f32_conv2d_winograd4_avx512"),
    winograd<SEXTANT_ISA_AVX512, winograd2_avx512, InEachRun>("f32_conv2d_winograd2_avx512"),
    winograd<SEXTANT_ISA_AVX512, winograd2_5x5_avx512, InEachRun>("f32_conv2d_winograd2_5x5_avx512"),
    direct_narrow<InEachRun, direct_bf16_avx512_bf16, bf16_format>("bf16_conv2d_direct_avx512_bf16"),
    direct_narrow<InEachRun, direct_u8_avx512_bf16, u8_format>("u8_conv2d_direct_avx512_bf16"),
    depthwise_narrow<depthwise_bf16_avx512_bf16>("bf16_conv2d_depthwise_avx512_bf16"),
    depthwise_narrow<depthwise_u8_avx512_bf16>("u8_conv2d_depthwise_avx512_bf16"),
    direct<SEXTANT_ISA_AVX512, direct_avx512>("f32_conv2d_direct_avx512"),
    depthwise<SEXTANT_ISA_AVX512, depthwise_avx512>("f32_conv2d_depthwise_avx512"),
    winograd<SEXTANT_ISA_AVX2, winograd4_avx2, InEachRun>("f32_conv2d_winograd4_avx2"),
    winograd<SEXTANT_ISA_AVX2, winograd2_5x5_avx2, InEachRun>("f32_conv2d_winograd2_5x5_avx2"),
    direct<SEXTANT_ISA_AVX2, direct_avx2>("f32_conv2d_direct_avx2"),
    depthwise<SEXTANT_ISA_AVX2, depthwise_avx2>("f32_conv2d_depthwise_avx2"),
#endif
    first<SEXTANT_ISA_PORTABLE, first_portable>("f32_conv2d_first_portable"),
    direct<SEXTANT_ISA_PORTABLE, direct_portable>("f32_conv2d_direct_portable"),
    depthwise<SEXTANT_ISA_PORTABLE, depthwise_portable>("f32_conv2d_depthwise_portable"),
    {"conv2d_reference", [](const problem&, const traits&) { return std::string(); }, create_conv2d_reference, every_dtype},
};

}  // namespace

std::span<const conv2d_implementation> conv2d_implementations() { return list<false>; }

std::span<const conv2d_implementation> conv2d_forward_implementations() { return list<true>; }

std::unique_ptr<op> create_conv2d_forward(const problem& a, bool has_bias, const traits& device, const char* wanted) {
    conv2d_binding binding{1, -1, -1, 2, forward_view(a), conv2d_flops(a), nullptr};
    if (has_bias) binding.bias = binding.dst++;
    if (a.has_residual) binding.residual = binding.dst++;
    return dispatch(conv2d_forward_implementations(), "conv2d_forward", a, parameters{.binding = &binding}, device, wanted);
}

}  // namespace sextant
