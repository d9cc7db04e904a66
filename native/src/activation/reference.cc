// SPDX-License-Identifier: Apache-2.0
// The gradient of an activation function as plain loops: any mix of layouts.
#include "activation/activation_backward_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// The derivative where the function's value is y.
double slope(double y, int32_t function) {
    switch (function) {
        case SEXTANT_RELU: return y > 0;
        case SEXTANT_TANH: return 1 - y * y;
        case SEXTANT_SIGMOID: return y * (1 - y);
        default: return 1;
    }
}

class activation_backward_reference final : public op {
  public:
    explicit activation_backward_reference(const sextant_activation_backward& problem)
        : op(problem.diff_src), problem_(problem) {}

    int operand_count() const override { return activates() ? 3 : 2; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int gradient = activates() ? 1 : 0;
        write_each_gradient(pool, dst, operands[gradient + 1], problem_.accumulate, [&](int n, int c, int y, int x) {
            const double value = activates() ? element(problem_.dst, operands[0], offset_of(problem_.dst, n, c, y, x)) : 0;
            const double factor = slope(value, problem_.activation);
            const double passed = element(problem_.diff_dst, operands[gradient], offset_of(problem_.diff_dst, n, c, y, x));
            return problem_.activation == SEXTANT_RELU && factor == 0 ? 0 : factor * passed;
        });
    }

  private:
    bool activates() const { return problem_.activation != SEXTANT_IDENTITY; }

    const sextant_activation_backward problem_;
};

}  // namespace

std::unique_ptr<op> create_activation_backward_reference(const sextant_activation_backward& problem,
                                                         const activation_backward_parameters&, const device_traits&) {
    return std::make_unique<activation_backward_reference>(problem);
}

}  // namespace sextant
