// SPDX-License-Identifier: Apache-2.0
// Cuts the tensors into runs of one channel block's pixels and hands them to the kernel.
#include "batch_norm/batch_norm_lists.h"
#include "runtime/aligned.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class batch_norm_runs final : public op {
  public:
    batch_norm_runs(const sextant_batch_norm& problem, const batch_norm_parameters& parameters, const batch_norm_kernels& kernels)
        : op(problem.dst), src_(problem.src),
          kernel_((is_blocked(dst) ? kernels.blocked : kernels.planar)[problem.activation]),
          // Zero past the last channel, so that the lanes there become act(0).
          scale_(channel_blocks(dst) * block_of(dst)), shift_(channel_blocks(dst) * block_of(dst)) {
        std::copy_n(parameters.scale, dst.c, scale_.data());
        std::copy_n(parameters.shift, dst.c, shift_.data());
        if (src_.dtype == SEXTANT_U8)
            for (int c = 0; c < dst.c; c++) {
                scale_[c] *= src_.scale;
                shift_[c] -= scale_[c] * static_cast<float>(src_.zero_point);
            }
        const bool whole_planes = !src_.halo && !dst.halo;
        rows_ = whole_planes ? 1 : dst.h;
        length_ = (whole_planes ? int64_t{dst.h} * dst.w : dst.w) * block_of(dst);
    }

    int64_t weight_bytes() const override { return scale_.bytes() + shift_.bytes(); }
    int64_t flops() const override { return 2 * int64_t{dst.n} * dst.c * dst.h * dst.w; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const quantisation stored = quantisation_of(dst);
        const int64_t blocks = channel_blocks(dst), block = block_of(dst);
        const int64_t unit_bytes = length_ * (element_bytes(src_) + element_bytes(dst));
        parallel_ranges(pool, dst.n * blocks * rows_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t row = unit % rows_, b = unit / rows_ % blocks, n = unit / rows_ / blocks;
                const auto at = [&](const sextant_tensor& t) {
                    return element_bytes(t) * (n * image_pitch(t) + b * plane_pitch(t) + origin(t) + row * row_pitch(t));
                };
                kernel_(operands[0].as<std::byte>() + at(src_), operands[1].as<std::byte>() + at(dst), length_,
                        scale_.data() + b * block, shift_.data() + b * block, stored);
            }
        });
    }

  private:
    const sextant_tensor src_;
    batch_norm_kernel* const kernel_;
    aligned_floats scale_, shift_;
    int64_t rows_, length_;
};

}  // namespace

std::unique_ptr<op> create_batch_norm(const sextant_batch_norm& problem, const batch_norm_parameters& parameters,
                                      const batch_norm_kernels& kernels) {
    return std::make_unique<batch_norm_runs>(problem, parameters, kernels);
}

}  // namespace sextant
