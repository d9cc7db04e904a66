// SPDX-License-Identifier: Apache-2.0
// Cuts the images into strips of pixels, each with all its channels, and hands them to the gradient's kernel.
#include "lrn/lrn_backward_lists.h"
#include "lrn/lrn_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class lrn_backward_strips final : public op {
  public:
    lrn_backward_strips(const sextant_lrn_backward& problem, const lrn_backward_kernels& kernels)
        : op(problem.diff_src), problem_(problem), kernel_(kernels.run) {
        const bool whole_planes = !problem.forward.src.halo && !problem.diff_dst.halo && !dst.halo;
        rows_ = whole_planes ? 1 : dst.h;
        length_ = whole_planes ? dst.h * dst.w : dst.w;
        strips_ = (length_ + lrn_strip - 1) / lrn_strip;
    }

    int operand_count() const override { return 3; }
    int64_t scratch_bytes(int threads) const override { return threads * scratch_floats() * int64_t{sizeof(float)}; }
    int64_t flops() const override { return 2 * lrn_flops(problem_.forward); }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const sextant_lrn& a = problem_.forward;
        const int64_t pixel_bytes = channel_blocks(dst) * block_of(dst) * element_bytes(dst);
        const int64_t unit_bytes = 3 * std::min(length_, lrn_strip) * pixel_bytes;
        parallel_ranges(pool, dst.n * rows_ * strips_, unit_bytes, [&](int64_t first, int64_t last, int thread) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t row = unit / strips_ % rows_, n = unit / strips_ / rows_;
                const int begin = static_cast<int>(unit % strips_) * lrn_strip;
                const auto at = [&](const sextant_tensor& t, int operand) {
                    const int64_t pixel = n * image_pitch(t) + origin(t) + row * row_pitch(t) + int64_t{begin} * block_of(t);
                    return operands[operand].as<std::byte>() + element_bytes(t) * pixel;
                };
                kernel_({at(a.src, 0), at(problem_.diff_dst, 1), at(dst, 2), plane_pitch(a.src), plane_pitch(problem_.diff_dst),
                         plane_pitch(dst), std::min(lrn_strip, length_ - begin), dst.c, before(), after(), a.alpha, a.beta,
                         a.bias, problem_.accumulate != 0, reinterpret_cast<float*>(scratch) + thread * scratch_floats()});
            }
        });
    }

  private:
    int before() const { return problem_.forward.size / 2; }
    int after() const { return (problem_.forward.size - 1) / 2; }
    int64_t scratch_floats() const {
        const int64_t cache_line = 64 / sizeof(float), block = block_of(dst);
        const int64_t floats = 2 * lrn_pixel_floats(dst.c, before(), after(), block_of(dst)) + channel_blocks(dst) * block;
        return (lrn_strip * floats + cache_line - 1) / cache_line * cache_line;
    }

    const sextant_lrn_backward problem_;
    void (*const kernel_)(const lrn_backward_run&);
    int rows_, length_, strips_;
};

}  // namespace

std::unique_ptr<op> create_lrn_backward(const sextant_lrn_backward& problem, const lrn_backward_kernels& kernels) {
    return std::make_unique<lrn_backward_strips>(problem, kernels);
}

}  // namespace sextant
