// SPDX-License-Identifier: Apache-2.0
// Pooling as plain loops over the definitions in sextant.h: any mix of layouts; sums in double.
#include <cmath>
#include <limits>
#include <vector>

#include "pool2d/pool2d_lists.h"
#include "runtime/ranges.h"
#include "simd/activation.h"

namespace sextant {
namespace {

class pool2d_reference final : public op {
  public:
    pool2d_reference(const sextant_pool2d& problem, const pool2d_parameters& parameters) : op(problem.dst), problem_(problem) {
        if (!problem.pre_activation) return;
        pre_scale_.assign(parameters.pre_scale, parameters.pre_scale + problem.src.c);
        pre_shift_.assign(parameters.pre_shift, parameters.pre_shift + problem.src.c);
    }

    int64_t flops() const override { return pool2d_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        write_each(pool, dst, operands[1], [&](int n, int c, int p, int q) {
            return problem_.kind == SEXTANT_POOL_AVERAGE_ADAPTIVE ? adaptive(operands[0], n, c, p, q)
                                                                 : sliding(operands[0], n, c, p, q);
        });
    }

  private:
    double pixel(const void* src, int n, int c, int y, int x) const {
        const double value = element(problem_.src, src, offset_of(problem_.src, n, c, y, x));
        return problem_.pre_activation ? activated(value * pre_scale_[c] + pre_shift_[c], SEXTANT_RELU) : value;
    }

    double sliding(const void* src, int n, int c, int p, int q) const {
        const auto& a = problem_;
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        int in_image = 0, in_padded_image = 0;
        for (int r = 0; r < a.r; r++)
            for (int s = 0; s < a.s; s++) {
                const int y = p * a.stride_h - a.pad_top + r * a.dilation_h, x = q * a.stride_w - a.pad_left + s * a.dilation_w;
                if (y >= a.src.h + a.pad_bottom || x >= a.src.w + a.pad_right) continue;  // ceil mode reaches past the padding
                in_padded_image++;
                if (y < 0 || x < 0 || y >= a.src.h || x >= a.src.w) continue;
                in_image++;
                const double value = pixel(src, n, c, y, x);
                sum += value;
                if (value > largest || std::isnan(value)) largest = value;
            }
        if (a.kind == SEXTANT_POOL_MAX) return largest;
        const int divisor = a.kind == SEXTANT_POOL_AVERAGE_WITH_PAD ? in_padded_image : in_image;
        return divisor ? sum / divisor : 0;
    }

    double adaptive(const void* src, int n, int c, int p, int q) const {
        const sextant_tensor& t = problem_.src;
        const auto begin = [](int64_t i, int64_t size, int64_t outputs) { return static_cast<int>(i * size / outputs); };
        const auto end = [](int64_t i, int64_t size, int64_t outputs) {
            return static_cast<int>(((i + 1) * size + outputs - 1) / outputs);
        };
        double sum = 0;
        int count = 0;
        for (int y = begin(p, t.h, dst.h); y < end(p, t.h, dst.h); y++)
            for (int x = begin(q, t.w, dst.w); x < end(q, t.w, dst.w); x++, count++) sum += pixel(src, n, c, y, x);
        return sum / count;
    }

    const sextant_pool2d problem_;
    std::vector<float> pre_scale_, pre_shift_;
};

}  // namespace

std::unique_ptr<op> create_pool2d_reference(const sextant_pool2d& problem, const pool2d_parameters& parameters,
                                            const device_traits&) {
    return std::make_unique<pool2d_reference>(problem, parameters);
}

}  // namespace sextant
