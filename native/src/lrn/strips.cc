// SPDX-License-Identifier: Apache-2.0
// Cuts the images into strips of pixels, each with all its channels, and hands them to the kernel.
#include "lrn/lrn_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// Pixels of a strip in NCHW: whole cache lines, and several vectors of every instruction set.
constexpr int planar_strip = 64;

class lrn_strips final : public op {
  public:
    lrn_strips(const sextant_lrn& problem, const lrn_kernels& kernels)
        : op(problem.dst), problem_(problem), kernel_(is_blocked(dst) ? kernels.blocked : kernels.planar),
          strip_(is_blocked(dst) ? lrn_strip : planar_strip) {
        const bool whole_planes = !problem.src.halo && !dst.halo;
        rows_ = whole_planes ? 1 : dst.h;
        length_ = whole_planes ? dst.h * dst.w : dst.w;
        strips_ = (length_ + strip_ - 1) / strip_;
    }

    int64_t scratch_bytes(int threads) const override { return threads * scratch_floats() * int64_t{sizeof(float)}; }
    int64_t flops() const override { return lrn_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const sextant_tensor& src = problem_.src;
        const int64_t unit_bytes = std::min(length_, strip_) * channel_blocks(dst) * block_of(dst) *
                                   (element_bytes(src) + element_bytes(dst));
        parallel_ranges(pool, dst.n * rows_ * strips_, unit_bytes, [&](int64_t first, int64_t last, int thread) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t row = unit / strips_ % rows_, n = unit / strips_ / rows_;
                const int begin = static_cast<int>(unit % strips_) * strip_;
                const auto at = [&](const sextant_tensor& t) {
                    return element_bytes(t) *
                           (n * image_pitch(t) + origin(t) + row * row_pitch(t) + int64_t{begin} * block_of(t));
                };
                kernel_({operands[0].as<std::byte>() + at(src), operands[1].as<std::byte>() + at(dst), plane_pitch(src),
                         plane_pitch(dst), std::min(strip_, length_ - begin), dst.c, before(), after(), problem_.alpha,
                         problem_.beta, problem_.bias, reinterpret_cast<float*>(scratch) + thread * scratch_floats(),
                         quantisation_of(src), quantisation_of(dst)});
            }
        });
    }

  private:
    int before() const { return problem_.size / 2; }
    int after() const { return (problem_.size - 1) / 2; }
    int64_t scratch_floats() const {
        if (!is_blocked(dst)) return 0;
        const int64_t cache_line = 64 / sizeof(float);
        const int64_t floats = lrn_strip * lrn_pixel_floats(dst.c, before(), after(), block_of(dst));
        return (floats + cache_line - 1) / cache_line * cache_line;
    }

    const sextant_lrn problem_;
    lrn_kernel* const kernel_;
    const int strip_;
    int rows_, length_, strips_;
};

}  // namespace

std::unique_ptr<op> create_lrn(const sextant_lrn& problem, const lrn_kernels& kernels) {
    return std::make_unique<lrn_strips>(problem, kernels);
}

}  // namespace sextant
