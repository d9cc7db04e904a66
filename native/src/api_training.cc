// SPDX-License-Identifier: Apache-2.0
// The header's functions on training's operations, convolutions apart: check, dispatch, hand out handles.
#include "activation/activation_backward.h"
#include "api_create.h"
#include "api_training_checks.h"
#include "batch_norm/batch_norm_backward.h"
#include "batch_norm/batch_norm_forward.h"
#include "concat/split.h"
#include "cross_entropy/cross_entropy.h"
#include "dropout/dropout.h"
#include "linear/linear_training.h"
#include "lrn/lrn_backward.h"
#include "optimizer/gradient_norm.h"
#include "optimizer/optimizer.h"
#include "pool2d/pool2d_backward.h"
#include "runtime/training_state.h"
#include "shortcut/shortcut_backward.h"

using namespace sextant;

namespace {

/// One value for each channel.
sextant_tensor values_of(int32_t channels) { return parameter_tensor(1, channels, 1, 1); }

sextant_tensor weights_of(const sextant_linear& a) { return parameter_tensor(a.dst.c, a.src.c * a.src.h * a.src.w, 1, 1); }

}  // namespace

int32_t sextant_linear_forward_create(sextant_device* device, const sextant_linear* problem, int32_t has_bias,
                                      const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "linear_forward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_linear_forward(*problem, has_bias, block); },
        [&](const device_traits& traits) {
            return choose(linear_forward_implementations(), what, linear_forward_problem{*problem, has_bias}, {}, traits,
                            implementation);
        },
        [&] {
            std::vector operands{problem->src, weights_of(*problem)};
            if (has_bias) operands.push_back(values_of(problem->dst.c));
            operands.push_back(problem->dst);
            return operands;
        });
}

int32_t sextant_linear_backward_data_create(sextant_device* device, const sextant_linear* problem, int32_t accumulate,
                                            const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "linear_backward_data";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_linear_backward_data(*problem, accumulate, block); },
        [&](const device_traits& traits) {
            return choose(linear_backward_data_implementations(), what, linear_backward_data_problem{*problem, accumulate}, {},
                            traits, implementation);
        },
        [&] { return std::vector{problem->dst, weights_of(*problem), problem->src}; });
}

int32_t sextant_linear_backward_weights_create(sextant_device* device, const sextant_linear* problem, int32_t has_bias,
                                               const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "linear_backward_weights";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_linear_backward_weights(*problem, has_bias, block); },
        [&](const device_traits& traits) {
            return choose(linear_backward_weights_implementations(), what, linear_backward_weights_problem{*problem, has_bias},
                            {}, traits, implementation);
        },
        [&] {
            std::vector operands{problem->src, problem->dst};
            if (has_bias) operands.push_back(values_of(problem->dst.c));
            operands.push_back(weights_of(*problem));
            return operands;
        });
}

int32_t sextant_pool2d_backward_create(sextant_device* device, const sextant_pool2d_backward* problem, const char* implementation,
                                       sextant_op** op, sextant_error* error) {
    const char* const what = "pool2d_backward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_pool2d_backward(*problem, block); },
        [&](const device_traits& traits) {
            return choose(pool2d_backward_implementations(), what, *problem, {}, traits, implementation);
        },
        [&] {
            std::vector operands{problem->diff_dst, problem->diff_src};
            if (problem->forward.kind == SEXTANT_POOL_MAX) operands.insert(operands.begin(), problem->forward.src);
            return operands;
        });
}

int32_t sextant_lrn_backward_create(sextant_device* device, const sextant_lrn_backward* problem, const char* implementation,
                                    sextant_op** op, sextant_error* error) {
    const char* const what = "lrn_backward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_lrn_backward(*problem, block); },
        [&](const device_traits& traits) {
            return choose(lrn_backward_implementations(), what, *problem, {}, traits, implementation);
        },
        [&] { return std::vector{problem->forward.src, problem->diff_dst, problem->diff_src}; });
}

int32_t sextant_batch_norm_forward_create(sextant_device* device, const sextant_batch_norm_forward* problem,
                                          const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "batch_norm_forward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_batch_norm_forward(*problem, block); },
        [&](const device_traits& traits) {
            return choose(batch_norm_forward_implementations(), what, *problem, {}, traits, implementation);
        },
        [&] {
            std::vector operands{problem->src};
            if (problem->has_residual) operands.push_back(problem->residual);
            operands.insert(operands.end(), 4, values_of(problem->src.c));
            operands.push_back(values_of(2 * problem->src.c));
            operands.push_back(problem->dst);
            return operands;
        });
}

int32_t sextant_batch_norm_backward_create(sextant_device* device, const sextant_batch_norm_backward* problem,
                                           const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "batch_norm_backward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_batch_norm_backward(*problem, block); },
        [&](const device_traits& traits) {
            return choose(batch_norm_backward_implementations(), what, *problem, {}, traits, implementation);
        },
        [&] {
            const sextant_batch_norm_forward& forward = problem->forward;
            const sextant_tensor values = values_of(forward.src.c);
            std::vector operands{forward.src};
            if (forward.activation != SEXTANT_IDENTITY) operands.push_back(forward.dst);
            operands.insert(operands.end(), {problem->diff_dst, values, values_of(2 * forward.src.c), values, values});
            if (forward.has_residual) operands.push_back(problem->diff_residual);
            operands.push_back(problem->diff_src);
            return operands;
        });
}

int32_t sextant_activation_backward_create(sextant_device* device, const sextant_activation_backward* problem,
                                           const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "activation_backward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_activation_backward(*problem, block); },
        [&](const device_traits& traits) {
            return choose(activation_backward_implementations(), what, *problem, {}, traits, implementation);
        },
        [&] {
            std::vector operands{problem->diff_dst, problem->diff_src};
            if (problem->activation != SEXTANT_IDENTITY) operands.insert(operands.begin(), problem->dst);
            return operands;
        });
}

int32_t sextant_split_create(sextant_device* device, const sextant_tensor* src, const sextant_tensor* destinations, int32_t count,
                             const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "split", device, src, op, error, [&](int32_t block) { check_split(*src, destinations, count, block); },
        [&](const device_traits& traits) {
            return choose(split_implementations(), "split", split_problem{*src, {destinations, destinations + count}}, {},
                            traits, implementation);
        },
        [&] {
            std::vector operands{*src};
            operands.insert(operands.end(), destinations, destinations + count);
            return operands;
        });
}

int32_t sextant_shortcut_backward_create(sextant_device* device, const sextant_shortcut* problem, int32_t accumulate,
                                         const char* implementation, sextant_op** op, sextant_error* error) {
    const char* const what = "shortcut_backward";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_shortcut_backward(*problem, accumulate, block); },
        [&](const device_traits& traits) {
            return choose(shortcut_backward_implementations(), what, shortcut_backward_problem{*problem, accumulate}, {},
                            traits, implementation);
        },
        [&] { return std::vector{problem->dst, problem->src}; });
}

int32_t sextant_dropout_create(sextant_device* device, const sextant_dropout* problem, const char* implementation,
                               sextant_op** op, sextant_error* error) {
    return create(
        "dropout", device, problem, op, error, [&](int32_t block) { check_dropout(*problem, block); },
        [&](const device_traits& traits) {
            return choose(dropout_implementations(), "dropout", *problem, {}, traits, implementation);
        },
        [&] { return std::vector{problem->src, training_state_tensor(), problem->dst}; });
}

int32_t sextant_cross_entropy_create(sextant_device* device, const sextant_cross_entropy* problem, const char* implementation,
                                     sextant_op** op, sextant_error* error) {
    const char* const what = "cross_entropy";
    return create(
        what, device, problem, op, error, [&](int32_t block) { check_cross_entropy(*problem, block); },
        [&](const device_traits& traits) {
            return choose(cross_entropy_implementations(), what, *problem, {}, traits, implementation);
        },
        [&] {
            const int32_t n = problem->src.n, c = problem->src.c;
            return std::vector{problem->src, parameter_tensor(n, c, 1, 1), values_of(n), problem->src};
        });
}

int32_t sextant_gradient_norm_create(sextant_device* device, int64_t count, const char* implementation, sextant_op** op,
                                     sextant_error* error) {
    const char* const what = "gradient_norm";
    return create(
        what, device, &count, op, error, [&](int32_t) { check_gradient_norm(count); },
        [&](const device_traits& traits) {
            return choose(gradient_norm_implementations(), what, gradient_norm_problem{count}, {}, traits, implementation);
        },
        [&] { return std::vector{values_of(static_cast<int32_t>(count)), training_state_tensor()}; });
}

int32_t sextant_optimizer_create(sextant_device* device, const sextant_optimizer* problem, const int64_t* undecayed,
                                 int32_t ranges, const char* implementation, sextant_op** op, sextant_error* error) {
    return create(
        "optimizer", device, problem, op, error, [&](int32_t) { check_optimizer(*problem, undecayed, ranges); },
        [&](const device_traits& traits) {
            return choose(optimizer_implementations(), "optimizer", *problem, {undecayed, ranges}, traits, implementation);
        },
        [&] {
            const sextant_tensor array = values_of(static_cast<int32_t>(problem->count));
            std::vector operands{array, training_state_tensor(), array, array};
            if (problem->kind == SEXTANT_ADAMW) operands.push_back(array);
            return operands;
        });
}
