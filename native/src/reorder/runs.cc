// SPDX-License-Identifier: Apache-2.0
// Cuts the tensors into runs of pixels that are contiguous on both sides and hands them to the kernel.
#include "reorder/reorder_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// Pixels per piece of a long run: whole squares, small enough to share among threads.
constexpr int64_t piece = 512;

reorder_kernel* kernel_for(const reorder_problem& a, const reorder_kernels& kernels) {
    if (is_blocked(a.dst)) return is_blocked(a.src) ? kernels.between_blocked : kernels.to_blocked;
    return is_blocked(a.src) ? kernels.to_planar : kernels.between_planar;
}

class reorder_runs final : public op {
  public:
    reorder_runs(const reorder_problem& problem, const reorder_kernels& kernels)
        : op(problem.dst), src_(problem.src), kernel_(kernel_for(problem, kernels)),
          block_(std::max(block_of(src_), block_of(dst))), from_(quantisation_of(src_)), to_(quantisation_of(dst)) {
        const bool whole_planes = !src_.halo && !dst.halo;
        rows_ = whole_planes ? 1 : dst.h;
        length_ = whole_planes ? int64_t{dst.h} * dst.w : dst.w;
        pieces_ = (length_ + piece - 1) / piece;
    }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t blocks = (dst.c + block_ - 1) / block_;
        const int64_t unit_bytes =
            std::min(length_, piece) * std::min<int64_t>(block_, dst.c) * (element_bytes(src_) + element_bytes(dst));
        const sextant_tensor& planar = is_blocked(src_) ? dst : src_;
        parallel_ranges(pool, dst.n * blocks * rows_ * pieces_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t begin = unit % pieces_ * piece, row = unit / pieces_ % rows_;
                const int64_t block = unit / pieces_ / rows_ % blocks, n = unit / pieces_ / rows_ / blocks;
                const auto at = [&](const sextant_tensor& t) {
                    return element_bytes(t) * (n * image_pitch(t) + block * block_ / block_of(t) * plane_pitch(t) + origin(t) +
                                               row * row_pitch(t) + begin * block_of(t));
                };
                kernel_({operands[0].as<std::byte>() + at(src_), operands[1].as<std::byte>() + at(dst),
                         std::min(piece, length_ - begin), static_cast<int>(std::min<int64_t>(block_, dst.c - block * block_)),
                         plane_pitch(planar), from_, to_, static_cast<int32_t>(to_.zero)});
            }
        });
    }

  private:
    const sextant_tensor src_;
    reorder_kernel* const kernel_;
    const int64_t block_;
    const quantisation from_, to_;
    int64_t rows_, length_, pieces_;
};

}  // namespace

std::unique_ptr<op> create_reorder(const reorder_problem& problem, const reorder_kernels& kernels) {
    return std::make_unique<reorder_runs>(problem, kernels);
}

}  // namespace sextant
