// SPDX-License-Identifier: Apache-2.0
// Cuts the operands, all of one layout, into runs of elements that are contiguous in each of them, and hands them to the kernel.
#include "activation/activation_backward_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// Elements per piece of a long run: small enough to share among threads.
constexpr int64_t piece = 4096;

class activation_backward_runs final : public op {
  public:
    activation_backward_runs(const sextant_activation_backward& problem, const activation_backward_kernels& kernels)
        : op(problem.diff_src), problem_(problem), kernel_(kernels.by_function[problem.activation][problem.accumulate]) {
        if (!problem.diff_dst.halo && !dst.halo && !(activates() && problem.dst.halo)) {  // one run per image
            rows_ = 1;
            blocks_ = 1;
            length_ = channel_blocks(dst) * plane_pitch(dst);
        } else {
            rows_ = dst.h;
            blocks_ = channel_blocks(dst);
            length_ = int64_t{dst.w} * block_of(dst);
        }
        pieces_ = (length_ + piece - 1) / piece;
    }

    int operand_count() const override { return activates() ? 3 : 2; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t unit_bytes = std::min(length_, piece) * element_bytes(dst) * operand_count();
        parallel_ranges(pool, dst.n * blocks_ * rows_ * pieces_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t begin = unit % pieces_ * piece, row = unit / pieces_ % rows_;
                const int64_t block = unit / pieces_ / rows_ % blocks_, n = unit / pieces_ / rows_ / blocks_;
                const auto at = [&](const sextant_tensor& t, int operand) {
                    const int64_t pixel = n * image_pitch(t) + block * plane_pitch(t) + origin(t) + row * row_pitch(t);
                    return operands[operand].as<std::byte>() + element_bytes(t) * (pixel + begin);
                };
                kernel_(activates() ? at(problem_.dst, 0) : nullptr, at(problem_.diff_dst, operand_count() - 2),
                        at(dst, operand_count() - 1), std::min(piece, length_ - begin));
            }
        });
    }

  private:
    bool activates() const { return problem_.activation != SEXTANT_IDENTITY; }

    const sextant_activation_backward problem_;
    activation_backward_kernel* const kernel_;
    int64_t rows_, blocks_, length_, pieces_;
};

}  // namespace

std::unique_ptr<op> create_activation_backward(const sextant_activation_backward& problem,
                                               const activation_backward_kernels& kernels) {
    return std::make_unique<activation_backward_runs>(problem, kernels);
}

}  // namespace sextant
