// SPDX-License-Identifier: Apache-2.0
// All checks of what comes through the C interface. Each throws a failure whose sentence names what was found and what was
// expected; behind them kernels assume checked arguments, and sizes and offsets fit their integers.
#pragma once
#include <cstdint>

#include "sextant/sextant.h"

namespace sextant {

/// `block` is the device's: tensors are NCHW or in blocks of it.
/// Without its arrays.
void check_conv2d(const sextant_conv2d& problem, int32_t block);
void check_conv2d(const sextant_conv2d& problem, int32_t block, const float* weights, const float* pre_scale,
                  const float* pre_shift);
void check_linear(const sextant_linear& problem, int32_t block, const float* weights);
void check_pool2d(const sextant_pool2d& problem, int32_t block, const float* pre_scale, const float* pre_shift);
void check_lrn(const sextant_lrn& problem, int32_t block);
void check_batch_norm(const sextant_batch_norm& problem, int32_t block, const float* scale, const float* shift);
void check_eltwise(const sextant_eltwise& problem, int32_t block);
void check_softmax(const sextant_softmax& problem, int32_t block);
void check_concat(const sextant_tensor* sources, int32_t count, const sextant_tensor& dst, int32_t block);
void check_reorder(const sextant_tensor& src, const sextant_tensor& dst, int32_t block);
void check_shortcut(const sextant_shortcut& problem, int32_t block);

/// The same in other operations' names.
class checker;
void check_conv2d(const checker& check, const sextant_conv2d& problem);
/// A convolution whose gradient is asked for.
void check_conv2d_backward(const checker& check, const sextant_conv2d& problem);
void check_pool2d(const checker& check, const sextant_pool2d& problem);
void check_lrn(const checker& check, const sextant_lrn& problem);
void check_shortcut(const checker& check, const sextant_shortcut& problem);

}  // namespace sextant
