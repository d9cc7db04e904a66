// SPDX-License-Identifier: Apache-2.0
// Fully connected as plain loops over the formula in sextant.h: any layout, halo and slice; sums in double.
#include <vector>

#include "linear/linear_lists.h"
#include "runtime/element.h"
#include "simd/activation.h"

namespace sextant {
namespace {

class linear_reference final : public op {
  public:
    linear_reference(const sextant_linear& problem, const linear_parameters& parameters)
        : op(problem.dst), problem_(problem), features_(linear_features(problem)),
          weights_(weights_for(problem.src, parameters.weights, problem.dst.c, features_)), bias_(problem.dst.c) {
        if (parameters.bias) bias_.assign(parameters.bias, parameters.bias + problem.dst.c);
    }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const auto& src = problem_.src;
        // Whole blocks are written: the lanes past the last output get zero.
        const int64_t lanes = channel_blocks(dst) * block_of(dst);
        pool.parallel_for(dst.n * lanes, [&](int64_t task, int) {
            const int n = static_cast<int>(task / lanes), k = static_cast<int>(task % lanes);
            double sum = 0;
            if (k < dst.c) {
                const float* weight = weights_.data() + k * features_;
                for (int c = 0; c < src.c; ++c) {
                    const int64_t plane = offset_of(src, n, c, 0, 0);
                    for (int y = 0; y < src.h; ++y)
                        for (int x = 0; x < src.w; ++x)
                            sum += element(src, operands[0], plane + y * row_pitch(src) + int64_t{x} * block_of(src)) * *weight++;
                }
                sum = activated(sum + bias_[k], problem_.activation);
            }
            put_element(dst, operands[1], offset_of(dst, n, k, 0, 0), sum);
        });
    }

    int64_t weight_bytes() const override { return static_cast<int64_t>(weights_.size() * sizeof(float)); }
    int64_t flops() const override { return linear_flops(problem_); }

  private:
    const sextant_linear problem_;
    const int64_t features_;
    std::vector<float> weights_, bias_;
};

}  // namespace

std::unique_ptr<op> create_linear_reference(const sextant_linear& problem, const linear_parameters& parameters,
                                            const device_traits&) {
    return std::make_unique<linear_reference>(problem, parameters);
}

}  // namespace sextant
