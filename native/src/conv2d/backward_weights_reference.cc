// SPDX-License-Identifier: Apache-2.0
// The gradients of a convolution's parameters as plain loops over the formulas in sextant.h: any layout, element type, halo and
// slice; sums in double. What every other implementation is compared with.
#include "conv2d/backward_weights_lists.h"
#include "runtime/element.h"

namespace sextant {
namespace {

class conv2d_backward_weights_reference final : public conv2d_backward_weights_op {
  public:
    using conv2d_backward_weights_op::conv2d_backward_weights_op;

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const auto& a = problem_;
        const void *src = operands[0], *diff_dst = operands[1];
        float* const bias = diff_bias(operands);
        float* const weights = diff_weights(operands);
        const int64_t channels = a.src.c / a.groups;
        pool.parallel_for(a.dst.c * channels, [&](int64_t task, int) {
            const int k = static_cast<int>(task / channels), in_group = static_cast<int>(task % channels);
            const int c = static_cast<int>(k / (a.dst.c / a.groups) * channels + in_group);
            for (int r = 0; r < a.r; ++r)
                for (int s = 0; s < a.s; ++s)
                    weights[(task * a.r + r) * a.s + s] = static_cast<float>(weight(src, diff_dst, k, c, r, s));
            if (bias && in_group == 0) bias[k] = static_cast<float>(sum(diff_dst, k));
        });
    }

  private:
    double weight(const void* src, const void* diff_dst, int k, int c, int r, int s) const {
        const auto& a = problem_;
        double total = 0;
        for (int n = 0; n < a.dst.n; ++n)
            for (int p = 0; p < a.dst.h; ++p) {
                const int y = p * a.stride_h - a.pad_top + r * a.dilation_h;
                if (y < 0 || y >= a.src.h) continue;
                const int64_t diff_row = offset_of(a.dst, n, k, p, 0), src_row = offset_of(a.src, n, c, y, 0);
                for (int q = 0; q < a.dst.w; ++q) {
                    const int x = q * a.stride_w - a.pad_left + s * a.dilation_w;
                    if (x < 0 || x >= a.src.w) continue;
                    total += element(a.dst, diff_dst, diff_row + int64_t{q} * block_of(a.dst)) *
                             element(a.src, src, src_row + int64_t{x} * block_of(a.src));
                }
            }
        return total;
    }

    double sum(const void* diff_dst, int k) const {
        const auto& t = problem_.dst;
        double total = 0;
        for (int n = 0; n < t.n; ++n)
            for (int p = 0; p < t.h; ++p)
                for (int q = 0; q < t.w; ++q) total += element(t, diff_dst, offset_of(t, n, k, p, q));
        return total;
    }
};

}  // namespace

std::unique_ptr<op> create_conv2d_backward_weights_reference(const conv2d_backward_weights& problem,
                                                             const conv2d_backward_weights_parameters&,
                                                             const device_traits&) {
    return std::make_unique<conv2d_backward_weights_reference>(problem);
}

}  // namespace sextant
