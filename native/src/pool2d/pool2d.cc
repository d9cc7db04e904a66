// SPDX-License-Identifier: Apache-2.0
#include "pool2d/pool2d.h"

#include "pool2d/pool2d_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_pool2d, pool2d_parameters>;

template <int32_t Isa, const pool2d_kernels& Kernels>
constexpr entry blocked(const char* name) {
    return {name,
            [](const sextant_pool2d& problem, const device_traits& device) -> std::string {
                return device.isa < Isa ? "the device lacks the instruction set" : pool2d_blocked_declines(problem, Kernels);
            },
            [](const sextant_pool2d& problem, const pool2d_parameters& parameters, const device_traits&) {
                return create_pool2d(problem, parameters, Kernels);
            }};
}

template <int32_t Isa, const pool2d_kernels& Kernels>
constexpr entry planar(const char* name) {
    return {name,
            [](const sextant_pool2d& problem, const device_traits& device) -> std::string {
                return device.isa < Isa ? "the device lacks the instruction set" : pool2d_planar_declines(problem);
            },
            [](const sextant_pool2d& problem, const pool2d_parameters& parameters, const device_traits&) {
                return create_pool2d(problem, parameters, Kernels);
            }};
}

#if defined(SEXTANT_X86_64)
const pool2d_kernels* narrow_kernels(const sextant_pool2d& a) { return pool2d_avx512_bf16[a.src.dtype][a.dst.dtype]; }

constexpr entry narrow(const char* name, int32_t dtypes) {
    return {name,
            [](const sextant_pool2d& problem, const device_traits& device) -> std::string {
                if (device.isa < SEXTANT_ISA_AVX512_BF16) return "the device lacks the instruction set";
                const pool2d_kernels* kernels = narrow_kernels(problem);
                return kernels ? pool2d_blocked_declines(problem, *kernels) : unlike_pair(problem.src, problem.dst);
            },
            [](const sextant_pool2d& problem, const pool2d_parameters& parameters, const device_traits&) {
                return create_pool2d(problem, parameters, *narrow_kernels(problem));
            },
            dtypes};
}
#endif

constexpr entry list[] = {
#if defined(SEXTANT_X86_64)
    narrow("bf16_pool2d_avx512_bf16", f32_and_bf16),
    narrow("u8_pool2d_avx512_bf16", f32_and_u8),
    blocked<SEXTANT_ISA_AVX512, pool2d_avx512>("f32_pool2d_avx512"),
    planar<SEXTANT_ISA_AVX512, pool2d_avx512>("f32_pool2d_planar_avx512"),
    blocked<SEXTANT_ISA_AVX2, pool2d_avx2>("f32_pool2d_avx2"),
    planar<SEXTANT_ISA_AVX2, pool2d_avx2>("f32_pool2d_planar_avx2"),
#endif
    blocked<SEXTANT_ISA_PORTABLE, pool2d_portable>("f32_pool2d_portable"),
    planar<SEXTANT_ISA_PORTABLE, pool2d_portable>("f32_pool2d_planar_portable"),
    {"pool2d_reference", [](const sextant_pool2d&, const device_traits&) { return std::string(); },
     create_pool2d_reference, every_dtype},
};

}  // namespace

std::span<const entry> pool2d_implementations() { return list; }

}  // namespace sextant
