// SPDX-License-Identifier: Apache-2.0
// Softmax over the channels of every pixel as plain loops: any mix of layouts, in double.
#include <cmath>
#include <limits>

#include "runtime/ranges.h"
#include "softmax/softmax_lists.h"

namespace sextant {
namespace {

class softmax_reference final : public op {
  public:
    explicit softmax_reference(const sextant_softmax& problem) : op(problem.dst), problem_(problem) {}

    int64_t flops() const override { return softmax_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& src = problem_.src;
        const int64_t pixels = int64_t{dst.h} * dst.w;
        pool.parallel_for(dst.n * pixels, [&](int64_t task, int) {
            const int n = static_cast<int>(task / pixels), y = static_cast<int>(task % pixels / dst.w),
                      x = static_cast<int>(task % dst.w);
            const auto value = [&](int c) { return element(src, operands[0], offset_of(src, n, c, y, x)); };
            double largest = -std::numeric_limits<double>::infinity(), sum = 0;
            for (int c = 0; c < dst.c; c++)
                if (value(c) > largest || std::isnan(value(c))) largest = value(c);
            for (int c = 0; c < dst.c; c++) sum += std::exp(value(c) - largest);
            for (int c = 0; c < channel_blocks(dst) * block_of(dst); c++) {
                const double log_probability = c < dst.c ? value(c) - largest - std::log(sum) : 0;
                const double result = c >= dst.c ? 0 : problem_.log ? log_probability : std::exp(log_probability);
                put_element(dst, operands[1], offset_of(dst, n, c, y, x), result);
            }
        });
    }

  private:
    const sextant_softmax problem_;
};

}  // namespace

std::unique_ptr<op> create_softmax_reference(const sextant_softmax& problem, const softmax_parameters&, const device_traits&) {
    return std::make_unique<softmax_reference>(problem);
}

}  // namespace sextant
