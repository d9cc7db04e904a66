// SPDX-License-Identifier: Apache-2.0
#include "api_checker.h"
#include "api_checks.h"
#include "api_create.h"
#include "conv2d/backward_weights.h"

using namespace sextant;

int32_t sextant_conv2d_backward_weights_create(sextant_device* device, const sextant_conv2d* problem, int32_t has_bias,
                                               const char* implementation, sextant_op** op, sextant_error* error) {
    constexpr const char* name = "conv2d_backward_weights";
    return create(
        name, device, problem, op, error,
        [&](int32_t block) {
            const checker check(name, block);
            check_conv2d_backward(check, *problem);
            check.flag("has_bias", has_bias);
        },
        [&](const device_traits& traits) {
            return choose(conv2d_backward_weights_implementations(), name, conv2d_backward_weights{*problem, has_bias},
                            conv2d_backward_weights_parameters{}, traits, implementation);
        },
        [&] {
            std::vector operands{problem->src, problem->dst};
            if (has_bias) operands.push_back(parameter_tensor(1, problem->dst.c, 1, 1));
            operands.push_back(weights_tensor(*problem));
            return operands;
        });
}
