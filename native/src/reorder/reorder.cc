// SPDX-License-Identifier: Apache-2.0
#include "reorder/reorder.h"

#include "reorder/reorder_lists.h"

namespace sextant {
namespace {

using entry = implementation<reorder_problem, reorder_parameters>;

std::string declines_blocks(const reorder_problem& problem, const reorder_kernels& kernels) {
    for (const sextant_tensor* t : {&problem.src, &problem.dst})
        if (is_blocked(*t) && block_of(*t) != kernels.block)
            return "blocks of " + std::to_string(block_of(*t)) + " channels, not " + std::to_string(kernels.block);
    return {};
}

template <int32_t Isa, const reorder_kernels& Kernels>
std::string declines(const reorder_problem& problem, const device_traits& device) {
    return device.isa < Isa ? "the device lacks the instruction set" : declines_blocks(problem, Kernels);
}

template <const reorder_kernels& Kernels>
std::unique_ptr<op> create(const reorder_problem& problem, const reorder_parameters&, const device_traits&) {
    return create_reorder(problem, Kernels);
}

#if defined(SEXTANT_X86_64)
const reorder_kernels* narrow_kernels(const reorder_problem& a) {
    if (a.src.dtype == SEXTANT_F32 || !stored_alike(a.src, a.dst)) return reorder_avx512_bf16[a.src.dtype][a.dst.dtype];
    return a.src.dtype == SEXTANT_BF16 ? &reorder_avx512_bf16_raw16 : &reorder_avx512_bf16_raw8;
}

std::string declines_narrow(const reorder_problem& problem, const device_traits& device) {
    if (device.isa < SEXTANT_ISA_AVX512_BF16) return "the device lacks the instruction set";
    const reorder_kernels* kernels = narrow_kernels(problem);
    return kernels ? declines_blocks(problem, *kernels) : unlike_pair(problem.src, problem.dst);
}

std::unique_ptr<op> create_narrow(const reorder_problem& problem, const reorder_parameters&, const device_traits&) {
    return create_reorder(problem, *narrow_kernels(problem));
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    {"bf16_reorder_avx512_bf16", declines_narrow, create_narrow, f32_and_bf16},
    {"u8_reorder_avx512_bf16", declines_narrow, create_narrow, f32_and_u8},
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
