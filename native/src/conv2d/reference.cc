// SPDX-License-Identifier: Apache-2.0
// Convolution as plain loops over the formula in sextant.h: any layout, halo and slice; sums in double. What every other
// implementation is compared with, and what runs when none of them accepts a problem.
#include <vector>

#include "conv2d/conv2d_lists.h"
#include "runtime/element.h"
#include "simd/activation.h"

namespace sextant {
namespace {

std::vector<float> copied(const float* values, int64_t count) {
    return values ? std::vector<float>(values, values + count) : std::vector<float>();
}

class conv2d_reference final : public op {
  public:
    conv2d_reference(const sextant_conv2d& problem, const conv2d_parameters& parameters)
        : op(problem.dst), problem_(problem), binding_(binding_of(problem, parameters)),
          bias_(copied(parameters.bias, problem.dst.c)), pre_scale_(copied(parameters.pre_scale, problem.src.c)),
          pre_shift_(copied(parameters.pre_shift, problem.src.c)) {
        if (binding_.weights < 0)
            weights_ = weights_for(problem.src, parameters.weights, problem.dst.c,
                                   int64_t{problem.src.c / problem.groups} * problem.r * problem.s);
    }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const numbers from{operands[0], binding_.weights < 0 ? weights_.data() : operands[binding_.weights].as<float>(),
                           binding_.bias >= 0 ? operands[binding_.bias].as<float>() : bias_.empty() ? nullptr : bias_.data(),
                           binding_.residual < 0 ? nullptr : operands[binding_.residual].as<void>()};
        void* out = operands[binding_.dst];
        // Whole blocks are written: the lanes past the last channel get zero.
        const int64_t lanes = channel_blocks(dst) * block_of(dst);
        pool.parallel_for(dst.n * lanes, [&](int64_t task, int) {
            const int n = static_cast<int>(task / lanes), k = static_cast<int>(task % lanes);
            for (int p = 0; p < dst.h; ++p)
                for (int q = 0; q < dst.w; ++q)
                    put_element(dst, out, offset_of(dst, n, k, p, q), k < dst.c ? pixel(from, n, k, p, q) : 0.0);
        });
    }

    int operand_count() const override { return binding_.dst + 1; }
    int64_t weight_bytes() const override { return static_cast<int64_t>(weights_.size() * sizeof(float)); }
    int64_t flops() const override { return binding_.flops; }

  private:
    struct numbers {
        const void* src;
        const float *weights, *bias;
        const void* residual;
    };

    double pixel(const numbers& from, int n, int k, int p, int q) const {
        const auto& a = problem_;
        const int per_group = a.src.c / a.groups, first = k / (dst.c / a.groups) * per_group;
        const int64_t row = row_pitch(a.src), column = block_of(a.src);
        const float* weight = from.weights + int64_t{k} * per_group * a.r * a.s;
        const bool rounded = binding_.weights >= 0 && a.src.dtype == SEXTANT_BF16;
        double sum = from.bias ? from.bias[k] : 0;
        for (int c = first; c < first + per_group; ++c) {
            const int64_t plane = offset_of(a.src, n, c, 0, 0);
            for (int r = 0; r < a.r; ++r)
                for (int s = 0; s < a.s; ++s, ++weight) {
                    const int y = p * a.stride_h - a.pad_top + r * a.dilation_h;
                    const int x = q * a.stride_w - a.pad_left + s * a.dilation_w;
                    if (y < 0 || y >= a.src.h || x < 0 || x >= a.src.w) continue;
                    double value = element(a.src, from.src, plane + y * row + x * column);
                    if (a.pre_activation) value = activated(value * pre_scale_[c] + pre_shift_[c], SEXTANT_RELU);
                    sum += value * (rounded ? bf16_value(bf16_bits(*weight)) : *weight);
                }
        }
        if (from.residual) sum += element(a.residual, from.residual, offset_of(a.residual, n, k, p, q));
        return activated(sum, a.activation);
    }

    const sextant_conv2d problem_;
    const conv2d_binding binding_;
    const std::vector<float> bias_, pre_scale_, pre_shift_;
    std::vector<float> weights_;
};

}  // namespace

std::unique_ptr<op> create_conv2d_reference(const sextant_conv2d& problem, const conv2d_parameters& parameters,
                                            const device_traits&) {
    return std::make_unique<conv2d_reference>(problem, parameters);
}

}  // namespace sextant
