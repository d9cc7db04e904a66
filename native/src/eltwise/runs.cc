// SPDX-License-Identifier: Apache-2.0
// Cuts the operands, all of one layout, into runs of elements that are contiguous in each of them, and hands them to the kernel.
#include "eltwise/eltwise_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// Elements per piece of a long run: small enough to share among threads.
constexpr int64_t piece = 4096;

class eltwise_runs final : public op {
  public:
    eltwise_runs(const sextant_eltwise& problem, const eltwise_kernels& kernels)
        : op(problem.dst), src_(problem.src), other_(problem.has_other ? problem.other : problem.src),
          has_other_(problem.has_other), kernel_(kernels.by_activation[problem.activation]) {
        const quantisation first = quantisation_of(src_), second = quantisation_of(other_);
        scales_ = {first.scale, second.scale, -first.zero * first.scale - (has_other_ ? second.zero * second.scale : 0),
                   quantisation_of(dst)};
        if (!src_.halo && !other_.halo && !dst.halo) {  // one run per image
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

    int operand_count() const override { return has_other_ ? 3 : 2; }
    int64_t flops() const override { return int64_t{dst.n} * dst.c * dst.h * dst.w * (has_other_ ? 2 : 1); }

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
                kernel_(at(src_, 0), has_other_ ? at(other_, 1) : nullptr, at(dst, operand_count() - 1),
                        std::min(piece, length_ - begin), scales_);
            }
        });
    }

  private:
    const sextant_tensor src_, other_;
    const bool has_other_;
    eltwise_kernel* const kernel_;
    eltwise_scales scales_;
    int64_t rows_, blocks_, length_, pieces_;
};

}  // namespace

std::unique_ptr<op> create_eltwise(const sextant_eltwise& problem, const eltwise_kernels& kernels) {
    return std::make_unique<eltwise_runs>(problem, kernels);
}

}  // namespace sextant
