// SPDX-License-Identifier: Apache-2.0
// The header's convolutions whose weights are an operand, forwards and with respect to the source.
#include "api_checker.h"
#include "api_checks.h"
#include "api_create.h"
#include "conv2d/backward_weights.h"
#include "conv2d/conv2d.h"

using namespace sextant;

namespace {

/// Numbers of a training step are not quantised.
void check_dtypes(const checker& check, const sextant_conv2d& a) {
    each_operand(a, [&](const char* name, const sextant_tensor& t) {
        if (t.dtype == SEXTANT_U8) check.fail(std::string(name) + " is uint8, expected float32 or bf16");
    });
}

}  // namespace

int32_t sextant_conv2d_forward_create(sextant_device* device, const sextant_conv2d* problem, int32_t has_bias,
                                      const char* implementation, sextant_op** op, sextant_error* error) {
    constexpr const char* name = "conv2d_forward";
    return create(
        name, device, problem, op, error,
        [&](int32_t block) {
            const checker check(name, block);
            check_conv2d(check, *problem);
            check.range("pre_activation", problem->pre_activation, 0, 0);
            check.flag("has_bias", has_bias);
            check_dtypes(check, *problem);
        },
        [&](const device_traits& traits) { 
            if (traits.accelerator)
                return accelerated(name, conv2d_forward_problem{*problem, has_bias}, conv2d_forward_parameters{}, traits,
                                   implementation);
            return create_conv2d_forward(*problem, has_bias, traits, implementation);
        },
        [&] {
            std::vector<sextant_tensor> operands{problem->src, weights_tensor(*problem)};
            if (has_bias) operands.push_back(parameter_tensor(1, problem->dst.c, 1, 1));
            if (problem->has_residual) operands.push_back(problem->residual);
            operands.push_back(problem->dst);
            return operands;
        });
}

int32_t sextant_conv2d_backward_data_create(sextant_device* device, const sextant_conv2d* problem, int32_t accumulate,
                                            const char* implementation, sextant_op** op, sextant_error* error) {
    constexpr const char* name = "conv2d_backward_data";
    return create(
        name, device, problem, op, error,
        [&](int32_t block) {
            const checker check(name, block);
            check_conv2d_backward(check, *problem);
            check.flag("accumulate", accumulate);
            check_dtypes(check, *problem);
        },
        [&](const device_traits& traits) {
            return choose(conv2d_backward_data_implementations(), name,
                            conv2d_backward_data_problem{*problem, accumulate == 1}, {}, traits, implementation);
        },
        [&] { return std::vector{problem->dst, weights_tensor(*problem), problem->src}; });
}
