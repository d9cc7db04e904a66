// SPDX-License-Identifier: Apache-2.0
#include "conv2d/backward_weights.h"

#include "conv2d/backward_weights_direct.h"
#include "conv2d/backward_weights_first.h"
#include "conv2d/backward_weights_lists.h"
#include "conv2d/backward_weights_winograd.h"
#include "conv2d/blocking.h"
#include "conv2d/conv2d_lists.h"

namespace sextant {
namespace {

using problem = conv2d_backward_weights;
using parameters = conv2d_backward_weights_parameters;
using traits = device_traits;

/// An entry whose loops are `Declines` and `Create` and whose register tiles are `Kernels` of instruction set `Isa`.
template <int32_t Isa, const auto& Kernels, auto Declines, auto Create, int32_t Dtypes>
constexpr conv2d_backward_weights_implementation entry(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                const std::string reason = isa_declines<Isa>(device);
                return reason.empty() ? Declines(a, Kernels) : reason;
            },
            [](const problem& a, const parameters&, const traits& device) { return Create(a, device, Kernels); }, Dtypes};
}

template <class Format, int32_t Isa, const backward_weights_direct_kernels<Format>& Kernels>
constexpr auto direct = entry<Isa, Kernels, backward_weights_direct_declines<Format>, create_backward_weights_direct<Format>,
                              1 << Format::dtype>;
template <int32_t Isa, const backward_weights_first_kernels& Kernels, int32_t Dtypes = f32_only>
constexpr auto first = entry<Isa, Kernels, backward_weights_first_declines, create_backward_weights_first, Dtypes>;
template <int32_t Isa, const backward_weights_winograd_kernels& Kernels, int32_t Dtypes = f32_only>
constexpr conv2d_backward_weights_implementation winograd(const char* name) {
    auto made = entry<Isa, Kernels, backward_weights_winograd_declines, create_backward_weights_winograd, Dtypes>(name);
    made.yields = [](const problem& a, const traits&) { return backward_weights_winograd_yields(a, Kernels); };
    return made;
}

inline constexpr int32_t bf16_only = 1 << SEXTANT_BF16, bf16_isa = SEXTANT_ISA_AVX512_BF16;

constexpr conv2d_backward_weights_implementation list[] = {
#if defined(SEXTANT_X86_64)
    first<bf16_isa, backward_weights_first_avx512_bf16, f32_and_bf16>("bf16_conv2d_backward_weights_first_avx512_bf16"),
    winograd<bf16_isa, backward_weights_winograd4_avx512_bf16, bf16_only>("bf16_conv2d_backward_weights_winograd4_avx512_bf16"),
    winograd<bf16_isa, backward_weights_winograd2_5x5_avx512_bf16, bf16_only>(
        "bf16_conv2d_backward_weights_winograd2_5x5_avx512_bf16"),
    direct<bf16_format, bf16_isa, backward_weights_direct_avx512_bf16>("bf16_conv2d_backward_weights_direct_avx512_bf16"),
    first<SEXTANT_ISA_AVX512, backward_weights_first_avx512>("f32_conv2d_backward_weights_first_avx512"),
    first<SEXTANT_ISA_AVX2, backward_weights_first_avx2>("f32_conv2d_backward_weights_first_avx2"),
    winograd<SEXTANT_ISA_AVX512, backward_weights_winograd4_avx512>("f32_conv2d_backward_weights_winograd4_avx512"),
    winograd<SEXTANT_ISA_AVX512, backward_weights_winograd2_5x5_avx512>("f32_conv2d_backward_weights_winograd2_5x5_avx512"),
    direct<f32_format, SEXTANT_ISA_AVX512, backward_weights_direct_avx512>("f32_conv2d_backward_weights_direct_avx512"),
    winograd<SEXTANT_ISA_AVX2, backward_weights_winograd4_avx2>("f32_conv2d_backward_weights_winograd4_avx2"),
    winograd<SEXTANT_ISA_AVX2, backward_weights_winograd2_5x5_avx2>("f32_conv2d_backward_weights_winograd2_5x5_avx2"),
    direct<f32_format, SEXTANT_ISA_AVX2, backward_weights_direct_avx2>("f32_conv2d_backward_weights_direct_avx2"),
#endif
    first<SEXTANT_ISA_PORTABLE, backward_weights_first_portable>("f32_conv2d_backward_weights_first_portable"),
    direct<f32_format, SEXTANT_ISA_PORTABLE, backward_weights_direct_portable>("f32_conv2d_backward_weights_direct_portable"),
    {"conv2d_backward_weights_reference", [](const problem&, const traits&) { return std::string(); },
     create_conv2d_backward_weights_reference, every_dtype},
};

}  // namespace

weight_chunks cut_weights(int64_t panels, int64_t blocks, int64_t most) {
    const auto ceil_div = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
    most = std::max<int64_t>(1, most);
    int64_t edge = 1;  // panels have two vectors, blocks one
    while (edge < panels && tile_vectors * edge * edge <= most) ++edge;
    const int64_t across = std::min(blocks, std::max<int64_t>(1, most / edge));
    return {ceil_div(panels, std::clamp<int64_t>(most / across, 1, panels)), ceil_div(blocks, across)};
}

std::span<const conv2d_backward_weights_implementation> conv2d_backward_weights_implementations() { return list; }

}  // namespace sextant
