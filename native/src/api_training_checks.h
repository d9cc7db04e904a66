// SPDX-License-Identifier: Apache-2.0
// Checks of the arguments of training's operations, as those in api_checks.h; convolutions have files of their own.
#pragma once
#include <cstdint>

#include "sextant/sextant.h"

namespace sextant {

void check_linear_forward(const sextant_linear& problem, int32_t has_bias, int32_t block);
void check_linear_backward_data(const sextant_linear& problem, int32_t accumulate, int32_t block);
void check_linear_backward_weights(const sextant_linear& problem, int32_t has_bias, int32_t block);
void check_pool2d_backward(const sextant_pool2d_backward& problem, int32_t block);
void check_lrn_backward(const sextant_lrn_backward& problem, int32_t block);
void check_batch_norm_forward(const sextant_batch_norm_forward& problem, int32_t block);
void check_batch_norm_backward(const sextant_batch_norm_backward& problem, int32_t block);
void check_activation_backward(const sextant_activation_backward& problem, int32_t block);
void check_split(const sextant_tensor& src, const sextant_tensor* destinations, int32_t count, int32_t block);
void check_shortcut_backward(const sextant_shortcut& problem, int32_t accumulate, int32_t block);
void check_dropout(const sextant_dropout& problem, int32_t block);
void check_cross_entropy(const sextant_cross_entropy& problem, int32_t block);
void check_gradient_norm(int64_t count);
void check_optimizer(const sextant_optimizer& problem, const int64_t* undecayed, int32_t ranges);

}  // namespace sextant
