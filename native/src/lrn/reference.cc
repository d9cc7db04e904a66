// SPDX-License-Identifier: Apache-2.0
// Local response normalisation as plain loops over the formula in sextant.h: any mix of layouts, in double.
#include <cmath>

#include "lrn/lrn_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class lrn_reference final : public op {
  public:
    explicit lrn_reference(const sextant_lrn& problem) : op(problem.dst), problem_(problem) {}

    int64_t flops() const override { return lrn_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const auto& a = problem_;
        write_each(pool, dst, operands[1], [&](int n, int c, int y, int x) {
            const auto value = [&](int channel) { return element(a.src, operands[0], offset_of(a.src, n, channel, y, x)); };
            double sum = 0;
            for (int j = std::max(0, c - a.size / 2); j <= std::min(a.src.c - 1, c + (a.size - 1) / 2); j++)
                sum += value(j) * value(j);
            return value(c) / std::pow(a.bias + a.alpha * sum, a.beta);
        });
    }

  private:
    const sextant_lrn problem_;
};

}  // namespace

std::unique_ptr<op> create_lrn_reference(const sextant_lrn& problem, const lrn_parameters&, const device_traits&) {
    return std::make_unique<lrn_reference>(problem);
}

}  // namespace sextant
