// SPDX-License-Identifier: Apache-2.0
#include "linear/linear_training.h"

#include "linear/linear_training_lists.h"

namespace sextant {
namespace {

template <class Problem>
std::string accepts(const Problem&, const device_traits&) {
    return {};
}

template <class Problem, int32_t Isa>
std::string declines(const Problem& problem, const device_traits& device) {
    if (device.isa < Isa) return "the device lacks the instruction set";
    return is_blocked(problem.src) || is_blocked(problem.dst) ? "src or dst is not NCHW" : "";
}

template <class Problem, auto Create, const linear_training_kernels& Kernels>
std::unique_ptr<op> create(const Problem& problem, const linear_training_parameters&, const device_traits&) {
    return Create(problem, Kernels);
}

using forward_entry = implementation<linear_forward_problem, linear_training_parameters>;
using data_entry = implementation<linear_backward_data_problem, linear_training_parameters>;
using weights_entry = implementation<linear_backward_weights_problem, linear_training_parameters>;

template <int32_t Isa, const linear_training_kernels& Kernels>
constexpr forward_entry forward_of(const char* name) {
    return {name, declines<linear_forward_problem, Isa>, create<linear_forward_problem, create_linear_forward, Kernels>};
}

template <int32_t Isa, const linear_training_kernels& Kernels>
constexpr data_entry data_of(const char* name) {
    return {name, declines<linear_backward_data_problem, Isa>,
            create<linear_backward_data_problem, create_linear_backward_data, Kernels>};
}

template <int32_t Isa, const linear_training_kernels& Kernels>
constexpr weights_entry weights_of(const char* name) {
    return {name, declines<linear_backward_weights_problem, Isa>,
            create<linear_backward_weights_problem, create_linear_backward_weights, Kernels>};
}

constexpr forward_entry forward[] = {
#if defined(SEXTANT_X86_64)
    forward_of<SEXTANT_ISA_AVX512, linear_training_avx512>("f32_linear_forward_avx512"),
    forward_of<SEXTANT_ISA_AVX2, linear_training_avx2>("f32_linear_forward_avx2"),
#endif
    forward_of<SEXTANT_ISA_PORTABLE, linear_training_portable>("f32_linear_forward_portable"),
    {"linear_forward_reference", accepts<linear_forward_problem>, create_linear_forward_reference, every_dtype},
};

constexpr data_entry backward_data[] = {
#if defined(SEXTANT_X86_64)
    data_of<SEXTANT_ISA_AVX512, linear_training_avx512>("f32_linear_backward_data_avx512"),
    data_of<SEXTANT_ISA_AVX2, linear_training_avx2>("f32_linear_backward_data_avx2"),
#endif
    data_of<SEXTANT_ISA_PORTABLE, linear_training_portable>("f32_linear_backward_data_portable"),
    {"linear_backward_data_reference", accepts<linear_backward_data_problem>, create_linear_backward_data_reference, every_dtype},
};

constexpr weights_entry backward_weights[] = {
#if defined(SEXTANT_X86_64)
    weights_of<SEXTANT_ISA_AVX512, linear_training_avx512>("f32_linear_backward_weights_avx512"),
    weights_of<SEXTANT_ISA_AVX2, linear_training_avx2>("f32_linear_backward_weights_avx2"),
#endif
    weights_of<SEXTANT_ISA_PORTABLE, linear_training_portable>("f32_linear_backward_weights_portable"),
    {"linear_backward_weights_reference", accepts<linear_backward_weights_problem>, create_linear_backward_weights_reference,
     every_dtype},
};

}  // namespace

std::span<const forward_entry> linear_forward_implementations() { return forward; }
std::span<const data_entry> linear_backward_data_implementations() { return backward_data; }
std::span<const weights_entry> linear_backward_weights_implementations() { return backward_weights; }

}  // namespace sextant
