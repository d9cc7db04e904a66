// SPDX-License-Identifier: Apache-2.0
// Hands each image's logits to the kernel.
#include "cross_entropy/cross_entropy_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class cross_entropy_rows final : public op {
  public:
    cross_entropy_rows(const sextant_cross_entropy& problem, cross_entropy_kernel* kernel)
        : op(problem.src), problem_(problem), kernel_(kernel) {}

    int operand_count() const override { return 4; }
    int destinations() const override { return 2; }
    int64_t flops() const override { return cross_entropy_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const float sharpness = 1 - problem_.smoothing, share = problem_.smoothing / static_cast<float>(dst.c);
        const double factor = double{problem_.weight} / dst.n;
        // An exponential takes about as long as moving ten floats.
        const int64_t unit_bytes = 12 * dst.c * int64_t{sizeof(float)};
        parallel_ranges(pool, dst.n, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t n = first; n < last; n++) {
                const int64_t row = n * dst.c;
                const double loss = kernel_(operands[0].as<float>() + row, operands[1].as<float>() + row,
                                            operands[3].as<float>() + row, dst.c, sharpness, share, factor);
                operands[2].as<float>()[n] = static_cast<float>(problem_.weight * loss);
            }
        });
    }

  private:
    const sextant_cross_entropy problem_;
    cross_entropy_kernel* const kernel_;
};

}  // namespace

std::unique_ptr<op> create_cross_entropy(const sextant_cross_entropy& problem, cross_entropy_kernel* kernel) {
    return std::make_unique<cross_entropy_rows>(problem, kernel);
}

}  // namespace sextant
