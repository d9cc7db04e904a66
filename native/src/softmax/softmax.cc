// SPDX-License-Identifier: Apache-2.0
#include "softmax/softmax.h"

#include "softmax/softmax_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_softmax, softmax_parameters>;

template <int32_t Isa>
std::string declines(const sextant_softmax& problem, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    if (is_blocked(problem.src) || is_blocked(problem.dst)) return "src or dst is not NCHW";
    if (problem.src.h != 1 || problem.src.w != 1) return "src has more than one pixel, so its channels are not contiguous";
    return {};
}

template <const softmax_kernels& Kernels>
std::unique_ptr<op> create(const sextant_softmax& problem, const softmax_parameters&, const device_traits&) {
    return create_softmax(problem, Kernels);
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"f32_softmax_avx512", declines<SEXTANT_ISA_AVX512>, create<softmax_avx512>},
    {"f32_softmax_avx2", declines<SEXTANT_ISA_AVX2>, create<softmax_avx2>},
#endif
    {"f32_softmax_portable", declines<SEXTANT_ISA_PORTABLE>, create<softmax_portable>},
    {"softmax_reference", [](const sextant_softmax&, const device_traits&) { return std::string(); },
     create_softmax_reference, every_dtype},
};

}  // namespace

std::span<const entry> softmax_implementations() { return list; }

}  // namespace sextant
