// SPDX-License-Identifier: Apache-2.0
// A fully connected layer and its gradients as plain loops over the formulas in sextant.h: any layouts; sums in double.
#include "linear/linear_training_lists.h"
#include "runtime/ranges.h"
#include "simd/activation.h"

namespace sextant {
namespace {

/// Input i of image n, whatever the layout.
double input(const sextant_tensor& t, const void* data, int n, int64_t i) {
    const int64_t pixels = int64_t{t.h} * t.w;
    const int c = static_cast<int>(i / pixels), y = static_cast<int>(i % pixels / t.w), x = static_cast<int>(i % t.w);
    return element(t, data, offset_of(t, n, c, y, x));
}

class linear_forward_reference final : public op {
  public:
    explicit linear_forward_reference(const linear_forward_problem& problem) : op(problem.dst), problem_(problem) {}

    int operand_count() const override { return problem_.has_bias ? 4 : 3; }
    int64_t flops() const override { return linear_training_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const float* const weights = operands[1];
        const float* const bias = problem_.has_bias ? operands[2].as<float>() : nullptr;
        const int64_t inputs = inputs_of(problem_);
        write_each(pool, dst, operands[operand_count() - 1], [&](int n, int k, int, int) {
            double sum = bias ? double{bias[k]} : 0;
            for (int64_t i = 0; i < inputs; ++i) sum += input(problem_.src, operands[0], n, i) * weights[k * inputs + i];
            return activated(sum, problem_.activation);
        });
    }

  private:
    const linear_forward_problem problem_;
};

class linear_backward_data_reference final : public op {
  public:
    explicit linear_backward_data_reference(const linear_backward_data_problem& problem) : op(problem.src), problem_(problem) {}

    int operand_count() const override { return 3; }
    int64_t flops() const override { return linear_training_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& diff_dst = problem_.dst;
        const float* const weights = operands[1];
        const int64_t inputs = inputs_of(problem_);
        write_each_gradient(pool, dst, operands[2], problem_.accumulate, [&](int n, int c, int y, int x) {
            const int64_t i = (int64_t{c} * dst.h + y) * dst.w + x;
            double sum = 0;
            for (int k = 0; k < diff_dst.c; ++k)
                sum += element(diff_dst, operands[0], offset_of(diff_dst, n, k, 0, 0)) * weights[k * inputs + i];
            return sum;
        });
    }

  private:
    const linear_backward_data_problem problem_;
};

class linear_backward_weights_reference final : public op {
  public:
    explicit linear_backward_weights_reference(const linear_backward_weights_problem& problem)
        : op(parameter_tensor(problem.dst.c, static_cast<int32_t>(inputs_of(problem)), 1, 1)), problem_(problem) {}

    int operand_count() const override { return problem_.has_bias ? 4 : 3; }
    int destinations() const override { return problem_.has_bias ? 2 : 1; }
    int64_t flops() const override { return linear_training_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        float* const diff_weights = operands[operand_count() - 1];
        const int64_t inputs = inputs_of(problem_);
        pool.parallel_for(dst.n, [&](int64_t k, int) {
            const auto gradient = [&](int n) {
                return element(problem_.dst, operands[1], offset_of(problem_.dst, n, static_cast<int>(k), 0, 0));
            };
            double total = 0;
            for (int n = 0; n < problem_.dst.n; ++n) total += gradient(n);
            if (problem_.has_bias) operands[2].as<float>()[k] = static_cast<float>(total);
            for (int64_t i = 0; i < inputs; ++i) {
                double sum = 0;
                for (int n = 0; n < problem_.src.n; ++n) sum += gradient(n) * input(problem_.src, operands[0], n, i);
                diff_weights[k * inputs + i] = static_cast<float>(sum);
            }
        });
    }

  private:
    const linear_backward_weights_problem problem_;
};

}  // namespace

std::unique_ptr<op> create_linear_forward_reference(const linear_forward_problem& problem, const linear_training_parameters&,
                                                    const device_traits&) {
    return std::make_unique<linear_forward_reference>(problem);
}

std::unique_ptr<op> create_linear_backward_data_reference(const linear_backward_data_problem& problem,
                                                          const linear_training_parameters&, const device_traits&) {
    return std::make_unique<linear_backward_data_reference>(problem);
}

std::unique_ptr<op> create_linear_backward_weights_reference(const linear_backward_weights_problem& problem,
                                                             const linear_training_parameters&, const device_traits&) {
    return std::make_unique<linear_backward_weights_reference>(problem);
}

}  // namespace sextant
