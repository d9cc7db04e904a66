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
        const bool whole_planes = !src_.halo && !dst.halo;
        rows_ = whole_planes ? 1 : dst.h;
        length_ = (whole_planes ? int64_t{dst.h} * dst.w : dst.w) * block_of(dst);
    }

    int64_t weight_bytes() const override { return scale_.bytes() + shift_.bytes(); }
    int64_t flops() const override { return 2 * int64_t{dst.n} * dst.c * dst.h * dst.w; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const float* src = operands[0].as<float>() + origin(src_);
        float* out = operands[1].as<float>() + origin(dst);
        const int64_t blocks = channel_blocks(dst), block = block_of(dst);
        const int64_t unit_bytes = 2 * length_ * int64_t{sizeof(float)};
        parallel_ranges(pool, dst.n * blocks * rows_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t row = unit % rows_, b = unit / rows_ % blocks, n = unit / rows_ / blocks;
                kernel_(src + n * image_pitch(src_) + b * plane_pitch(src_) + row * row_pitch(src_),
                        out + n * image_pitch(dst) + b * plane_pitch(dst) + row * row_pitch(dst), length_,
                        scale_.data() + b * block, shift_.data() + b * block);
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
