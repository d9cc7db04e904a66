// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy and its gradient as plain loops over the formulas in sextant.h, in double. With the largest logit m,
//   -log softmax(x)[c] = log(sum of e^(x[j] - m)) - (x[c] - m),   d losses / d x[c] = softmax(x)[c] * sum of t - t[c].
#include <cmath>

#include "cross_entropy/cross_entropy_lists.h"
#include "runtime/element.h"

namespace sextant {
namespace {

class cross_entropy_reference final : public op {
  public:
    explicit cross_entropy_reference(const sextant_cross_entropy& problem) : op(problem.src), problem_(problem) {}

    int operand_count() const override { return 4; }
    int destinations() const override { return 2; }
    int64_t flops() const override { return cross_entropy_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        pool.parallel_for(dst.n, [&](int64_t n, int) {
            const int64_t row = n * dst.c;
            const auto logit = [&](int c) { return element(dst, operands[0], row + c); };
            const auto target = [&](int c) {
                return (1 - double{problem_.smoothing}) * operands[1].as<float>()[row + c] + double{problem_.smoothing} / dst.c;
            };
            double largest = logit(0), sum = 0, total = 0, loss = 0;
            for (int c = 1; c < dst.c; ++c)
                if (logit(c) > largest || std::isnan(logit(c))) largest = logit(c);
            for (int c = 0; c < dst.c; ++c) sum += std::exp(logit(c) - largest);
            for (int c = 0; c < dst.c; ++c) {
                total += target(c);
                if (target(c) != 0) loss += target(c) * (std::log(sum) - (logit(c) - largest));
            }
            operands[2].as<float>()[n] = static_cast<float>(problem_.weight * loss);
            for (int c = 0; c < dst.c; ++c)
                put_element(dst, operands[3], row + c,
                            problem_.weight / double(dst.n) * (std::exp(logit(c) - largest) / sum * total - target(c)));
        });
    }

  private:
    const sextant_cross_entropy problem_;
};

}  // namespace

std::unique_ptr<op> create_cross_entropy_reference(const sextant_cross_entropy& problem, const cross_entropy_parameters&,
                                                   const device_traits&) {
    return std::make_unique<cross_entropy_reference>(problem);
}

}  // namespace sextant
