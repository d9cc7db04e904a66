// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with given statistics as plain loops: any mix of layouts.
#include <vector>

#include "batch_norm/batch_norm_lists.h"
#include "runtime/ranges.h"
#include "simd/activation.h"

namespace sextant {
namespace {

class batch_norm_reference final : public op {
  public:
    batch_norm_reference(const sextant_batch_norm& problem, const batch_norm_parameters& parameters)
        : op(problem.dst), problem_(problem), scale_(parameters.scale, parameters.scale + dst.c),
          shift_(parameters.shift, parameters.shift + dst.c) {}

    int64_t weight_bytes() const override { return static_cast<int64_t>((scale_.size() + shift_.size()) * sizeof(float)); }
    int64_t flops() const override { return 2 * int64_t{dst.n} * dst.c * dst.h * dst.w; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        write_each(pool, dst, operands[1], [&](int n, int c, int y, int x) {
            const double value = element(problem_.src, operands[0], offset_of(problem_.src, n, c, y, x));
            return activated(value * scale_[c] + shift_[c], problem_.activation);
        });
    }

  private:
    const sextant_batch_norm problem_;
    const std::vector<float> scale_, shift_;
};

}  // namespace

std::unique_ptr<op> create_batch_norm_reference(const sextant_batch_norm& problem, const batch_norm_parameters& parameters,
                                                const device_traits&) {
    return std::make_unique<batch_norm_reference>(problem, parameters);
}

}  // namespace sextant
