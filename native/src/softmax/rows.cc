// SPDX-License-Identifier: Apache-2.0
// Hands each image's row of channels to the kernel.
#include "runtime/ranges.h"
#include "softmax/softmax_lists.h"

namespace sextant {
namespace {

class softmax_rows final : public op {
  public:
    softmax_rows(const sextant_softmax& problem, const softmax_kernels& kernels)
        : op(problem.dst), problem_(problem), kernel_(problem.log ? kernels.log_softmax : kernels.softmax) {}

    int64_t flops() const override { return softmax_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        // An exponential takes about as long as moving ten floats.
        const int64_t unit_bytes = 10 * dst.c * int64_t{sizeof(float)};
        parallel_ranges(pool, dst.n, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t n = first; n < last; n++)
                kernel_(operands[0].as<float>() + n * image_pitch(problem_.src), operands[1].as<float>() + n * image_pitch(dst), dst.c);
        });
    }

  private:
    const sextant_softmax problem_;
    softmax_kernel* const kernel_;
};

}  // namespace

std::unique_ptr<op> create_softmax(const sextant_softmax& problem, const softmax_kernels& kernels) {
    return std::make_unique<softmax_rows>(problem, kernels);
}

}  // namespace sextant
