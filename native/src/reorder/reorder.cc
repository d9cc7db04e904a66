// SPDX-License-Identifier: Apache-2.0
#include "reorder/reorder.h"

#include "reorder/reorder_lists.h"

namespace sextant {
namespace {

using entry = implementation<reorder_problem, reorder_parameters>;

template <int32_t Isa, const reorder_kernels& Kernels>
std::string declines(const reorder_problem& problem, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    for (const sextant_tensor* t : {&problem.src, &problem.dst})
        if (is_blocked(*t) && block_of(*t) != Kernels.block)
            return "blocks of " + std::to_string(block_of(*t)) + " channels, not " + std::to_string(Kernels.block);
    return {};
}

template <const reorder_kernels& Kernels>
std::unique_ptr<op> create(const reorder_problem& problem, const reorder_parameters&, const device_traits&) {
    return create_reorder(problem, Kernels);
}

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"f32_reorder_avx512", declines<SEXTANT_ISA_AVX512, reorder_avx512>, create<reorder_avx512>},
    {"f32_reorder_avx2", declines<SEXTANT_ISA_AVX2, reorder_avx2>, create<reorder_avx2>},
#endif
    {"f32_reorder_portable", declines<SEXTANT_ISA_PORTABLE, reorder_portable>, create<reorder_portable>},
    {"reorder_reference", [](const reorder_problem&, const device_traits&) { return std::string(); },
     create_reorder_reference, every_dtype},
};

}  // namespace

std::span<const entry> reorder_implementations() { return list; }

}  // namespace sextant
