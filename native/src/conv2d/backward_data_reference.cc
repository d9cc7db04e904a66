// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution with respect to its source as plain loops over the formula in sextant.h: any layout, halo and
// slice; sums in double.
#include "conv2d/conv2d_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class conv2d_backward_data_reference final : public op {
  public:
    explicit conv2d_backward_data_reference(const conv2d_backward_data_problem& problem) : op(problem.src), problem_(problem) {}

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const void* diff_dst = operands[0];
        const float* weights = operands[1];
        void* diff_src = operands[2];
        write_each(pool, dst, diff_src, [&](int n, int c, int y, int x) {
            const double before = problem_.accumulate ? element(dst, diff_src, offset_of(dst, n, c, y, x)) : 0;
            return before + pixel(diff_dst, weights, n, c, y, x);
        });
    }

    int operand_count() const override { return 3; }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    double pixel(const void* diff_dst, const float* weights, int n, int c, int y, int x) const {
        const auto& a = problem_;
        const int c_per_group = a.src.c / a.groups, k_per_group = a.dst.c / a.groups, first = c / c_per_group * k_per_group;
        double sum = 0;
        for (int r = 0; r < a.r; ++r)
            for (int s = 0; s < a.s; ++s) {
                const int down = y + a.pad_top - r * a.dilation_h, across = x + a.pad_left - s * a.dilation_w;
                const int p = down / a.stride_h, q = across / a.stride_w;
                if (down < 0 || across < 0 || down % a.stride_h || across % a.stride_w || p >= a.dst.h || q >= a.dst.w) continue;
                for (int k = first; k < first + k_per_group; ++k) {
                    const float weight = weights[((int64_t{k} * c_per_group + c % c_per_group) * a.r + r) * a.s + s];
                    sum += element(a.dst, diff_dst, offset_of(a.dst, n, k, p, q)) *
                           (a.dst.dtype == SEXTANT_BF16 ? bf16_value(bf16_bits(weight)) : weight);
                }
            }
        return sum;
    }

    const conv2d_backward_data_problem problem_;
};

}  // namespace

std::unique_ptr<op> create_conv2d_backward_data_reference(const conv2d_backward_data_problem& problem,
                                                          const conv2d_backward_data_parameters&, const device_traits&) {
    return std::make_unique<conv2d_backward_data_reference>(problem);
}

}  // namespace sextant
