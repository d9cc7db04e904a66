// SPDX-License-Identifier: Apache-2.0
// The gradient of local response normalisation as plain loops, in double, any mix of layouts. With s[c] = bias + alpha * sum of
// src^2 over c's window,
//   diff_src[i] = diff_dst[i] * s[i]^-beta - 2 alpha beta src[i] * sum of diff_dst[c] * src[c] * s[c]^(-beta-1),
// over the channels c in whose windows i lies.
#include <cmath>

#include "lrn/lrn_backward_lists.h"
#include "lrn/lrn_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class lrn_backward_reference final : public op {
  public:
    explicit lrn_backward_reference(const sextant_lrn_backward& problem) : op(problem.diff_src), problem_(problem) {}

    int operand_count() const override { return 3; }
    int64_t flops() const override { return 2 * lrn_flops(problem_.forward); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_lrn& a = problem_.forward;
        const int before = a.size / 2, after = (a.size - 1) / 2;
        write_each_gradient(pool, dst, operands[2], problem_.accumulate, [&](int n, int i, int y, int x) {
            const auto src = [&](int c) { return element(a.src, operands[0], offset_of(a.src, n, c, y, x)); };
            const auto diff_dst = [&](int c) {
                return element(problem_.diff_dst, operands[1], offset_of(problem_.diff_dst, n, c, y, x));
            };
            const auto base = [&](int c) {
                double sum = 0;
                for (int j = std::max(0, c - before); j <= std::min(dst.c - 1, c + after); j++) sum += src(j) * src(j);
                return a.bias + a.alpha * sum;
            };
            double sum = 0;
            for (int c = std::max(0, i - after); c <= std::min(dst.c - 1, i + before); c++)
                sum += diff_dst(c) * src(c) * std::pow(base(c), -a.beta - 1.0);
            return diff_dst(i) * std::pow(base(i), -double{a.beta}) - 2.0 * a.alpha * a.beta * src(i) * sum;
        });
    }

  private:
    const sextant_lrn_backward problem_;
};

}  // namespace

std::unique_ptr<op> create_lrn_backward_reference(const sextant_lrn_backward& problem, const lrn_backward_parameters&,
                                                  const device_traits&) {
    return std::make_unique<lrn_backward_reference>(problem);
}

}  // namespace sextant
