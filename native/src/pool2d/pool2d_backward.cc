// SPDX-License-Identifier: Apache-2.0
#include "pool2d/pool2d_backward.h"

#include "pool2d/pool2d_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_pool2d_backward, pool2d_backward_parameters>;

std::string declines_layout(const sextant_pool2d_backward& a, const pool2d_backward_kernels& kernels) {
    const bool one_pixel = !is_blocked(a.diff_dst) && a.diff_dst.h == 1 && a.diff_dst.w == 1;
    if (a.diff_src.layout == kernels.block && (one_pixel || a.diff_dst.layout == kernels.block) &&
        (a.forward.kind != SEXTANT_POOL_MAX || a.forward.src.layout == kernels.block))
        return {};
    return "an operand does not lie in blocks of " + std::to_string(kernels.block) + " channels";
}

template <int32_t Isa, const pool2d_backward_kernels& Kernels>
std::string declines(const sextant_pool2d_backward& a, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : declines_layout(a, Kernels);
}

template <int32_t Isa, const pool2d_backward_kernels& Kernels>
constexpr entry entry_of(const char* name) {
    return {name, declines<Isa, Kernels>,
            [](const sextant_pool2d_backward& problem, const pool2d_backward_parameters&, const device_traits&) {
                return create_pool2d_backward(problem, Kernels);
            }};
}

#if defined(SEXTANT_X86_64)
const pool2d_backward_kernels& narrow_kernels(const sextant_pool2d_backward& a) {
    const auto& kernels = pool2d_windows_overlap(a.forward) ? pool2d_backward_avx512_bf16 : pool2d_backward_apart_avx512_bf16;
    return *kernels[a.diff_dst.dtype];
}

std::string declines_narrow(const sextant_pool2d_backward& a, const device_traits& device) {
    if (device.isa < SEXTANT_ISA_AVX512_BF16) return "the device lacks the instruction set";
    if (a.diff_src.dtype != SEXTANT_BF16) return "diff_src is float32";
    if (a.forward.kind == SEXTANT_POOL_MAX && a.forward.src.dtype != SEXTANT_BF16) return "src is float32";
    return declines_layout(a, narrow_kernels(a));
}

std::unique_ptr<op> create_narrow(const sextant_pool2d_backward& problem, const pool2d_backward_parameters&,
                                  const device_traits&) {
    return create_pool2d_backward(problem, narrow_kernels(problem));
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_pool2d_backward_avx512_bf16", declines_narrow, create_narrow, f32_and_bf16},
    entry_of<SEXTANT_ISA_AVX512, pool2d_backward_avx512>("f32_pool2d_backward_avx512"),
    entry_of<SEXTANT_ISA_AVX2, pool2d_backward_avx2>("f32_pool2d_backward_avx2"),
#endif
    entry_of<SEXTANT_ISA_PORTABLE, pool2d_backward_portable>("f32_pool2d_backward_portable"),
    {"pool2d_backward_reference", [](const sextant_pool2d_backward&, const device_traits&) { return std::string(); },
     create_pool2d_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> pool2d_backward_implementations() { return list; }

}  // namespace sextant
