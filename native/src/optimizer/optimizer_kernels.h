// SPDX-License-Identifier: Apache-2.0
// The kernels of optimizers and of the gradient norm, one set for each instruction set. All arrays may lie at any float's
// address.
#pragma once
#include <cstdint>

namespace sextant {

struct optimizer_run {
    const float* gradients;
    float *second_moments, *moments, *parameters;  // second_moments for AdamW only
    int64_t count;
    float clip;      // multiplies gradients
    float decay;     // of parameters
    float rate;
    float momentum;  // AdamW's beta1
    // AdamW only: 1 - beta1, beta2, 1 - beta2, 1 / sqrt(1 - beta2^t), eps, rate / (1 - beta1^t)
    float opposite, beta2, second_opposite, root_correction, eps, corrected_rate;
};

struct optimizer_kernels {
    void (*sgd)(const optimizer_run&);
    void (*nesterov)(const optimizer_run&);
    void (*adamw)(const optimizer_run&);
    /// The sum of count squares.
    double (*squares)(const float* values, int64_t count);
};

extern const optimizer_kernels optimizer_avx512, optimizer_avx2, optimizer_portable;

}  // namespace sextant
