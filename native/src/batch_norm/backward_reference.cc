// SPDX-License-Identifier: Apache-2.0
// The gradient of batch normalisation as plain loops: any mix of layouts, sums in double. With g = diff_dst where the activation
// let the value pass, m pixels in the batch and x' = (src - mean) / sqrt(variance + eps):
//   diff_beta = sum of g,  diff_gamma = sum of g x',
//   diff_src = gamma / sqrt(variance + eps) * (g - diff_beta / m - x' diff_gamma / m)
#include "batch_norm/batch_norm_backward_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class batch_norm_backward_reference final : public op {
  public:
    explicit batch_norm_backward_reference(const sextant_batch_norm_backward& problem)
        : op(problem.diff_src), problem_(problem) {}

    int operand_count() const override { return 7 + activates() + problem_.forward.has_residual; }
    int destinations() const override { return 3 + problem_.forward.has_residual; }
    int64_t flops() const override { return batch_norm_backward_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const auto& forward = problem_.forward;
        const address src = operands[0], activation = operands[1];
        const address* const rest = operands + 1 + activates();
        const address diff_dst = rest[0];
        const float* const gamma = rest[1];
        const float* const saved = rest[2];
        float* const diff_gamma = rest[3];
        float* const diff_beta = rest[4];
        const auto passed = [&](int n, int c, int y, int x) {
            if (activates() && !(element(forward.dst, activation, offset_of(forward.dst, n, c, y, x)) > 0)) return 0.0;
            return element(problem_.diff_dst, diff_dst, offset_of(problem_.diff_dst, n, c, y, x));
        };
        const auto normalised = [&](int n, int c, int y, int x) {
            return (element(forward.src, src, offset_of(forward.src, n, c, y, x)) - saved[c]) * double{saved[dst.c + c]};
        };
        pool.parallel_for(dst.c, [&](int64_t task, int) {
            const int c = static_cast<int>(task);
            double sum = 0, products = 0;
            for (int n = 0; n < dst.n; ++n)
                for (int y = 0; y < dst.h; ++y)
                    for (int x = 0; x < dst.w; ++x) {
                        sum += passed(n, c, y, x);
                        products += passed(n, c, y, x) * normalised(n, c, y, x);
                    }
            diff_beta[c] = static_cast<float>(sum);
            diff_gamma[c] = static_cast<float>(products);
        });
        const double count = double{1} * dst.n * dst.h * dst.w;
        write_each_gradient(pool, dst, operands[operand_count() - 1], problem_.accumulate, [&](int n, int c, int y, int x) {
            const double centred = passed(n, c, y, x) - (diff_beta[c] + normalised(n, c, y, x) * diff_gamma[c]) / count;
            return double{gamma[c]} * saved[dst.c + c] * centred;
        });
        // Last, for it may lie where diff_dst does.
        if (forward.has_residual) write_each(pool, problem_.diff_residual, rest[5], passed);
    }

  private:
    bool activates() const { return problem_.forward.activation != SEXTANT_IDENTITY; }

    const sextant_batch_norm_backward problem_;
};

}  // namespace

std::unique_ptr<op> create_batch_norm_backward_reference(const sextant_batch_norm_backward& problem,
                                                         const batch_norm_backward_parameters&, const device_traits&) {
    return std::make_unique<batch_norm_backward_reference>(problem);
}

}  // namespace sextant
