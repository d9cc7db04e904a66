// SPDX-License-Identifier: Apache-2.0
// Dropout of tensors whose images are runs of elements in the order n c h w: NCHW, and blocks of a single pixel.
#include <cstring>

#include "dropout/dropout_lists.h"
#include "dropout/mask.h"
#include "runtime/ranges.h"
#include "runtime/training_state.h"

namespace sextant {
namespace {

/// Elements of a piece of work.
constexpr int64_t piece = 1024;

class dropout_runs final : public op {
  public:
    dropout_runs(const sextant_dropout& problem, const dropout_kernels& kernels)
        : op(problem.dst), problem_(problem), kernel_(kernels.run), length_(int64_t{dst.c} * dst.h * dst.w),
          padding_(channel_blocks(dst) * block_of(dst) - dst.c), pieces_((length_ + piece - 1) / piece) {}

    int operand_count() const override { return 3; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const dropout_run all = dropout_mask(problem_, training_state_at(operands[1])).run();
        const int64_t bytes = element_bytes(dst);
        // A random number takes about as long as moving some ten floats.
        const int64_t unit_bytes = 10 * std::min(length_, piece) * int64_t{sizeof(float)};
        parallel_ranges(pool, dst.n * pieces_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t n = unit / pieces_, begin = unit % pieces_ * piece;
                dropout_run part = all;
                std::byte* const out = operands[2].as<std::byte>() + bytes * (n * image_pitch(dst) + begin);
                part.src = operands[0].as<std::byte>() + bytes * (n * image_pitch(problem_.src) + begin);
                part.dst = out;
                part.first = n * length_ + begin;
                part.count = std::min(piece, length_ - begin);
                kernel_(part);
                if (begin + piece >= length_) std::memset(out + bytes * part.count, 0, bytes * padding_);
            }
        });
    }

  private:
    const sextant_dropout problem_;
    void (*const kernel_)(const dropout_run&);
    const int64_t length_, padding_, pieces_;
};

}  // namespace

bool dropout_in_runs(const sextant_dropout& problem) {
    for (const sextant_tensor& t : {problem.src, problem.dst})
        if (is_blocked(t) && (t.h > 1 || t.w > 1 || t.halo)) return false;
    return true;
}

std::unique_ptr<op> create_dropout_runs(const sextant_dropout& problem, const dropout_kernels& kernels) {
    return std::make_unique<dropout_runs>(problem, kernels);
}

}  // namespace sextant
