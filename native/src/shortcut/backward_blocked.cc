// SPDX-License-Identifier: Apache-2.0
// The shortcut's gradient in a blocked layout: each row of diff_src gathers its lanes from diff_dst's blocks, whose boundaries
// may be others, and spreads the pixels over its own.
#include <cstring>
#include <vector>

#include "runtime/ranges.h"
#include "shortcut/shortcut_backward_lists.h"

namespace sextant {
namespace {

constexpr int widest_block = 16;
constexpr int64_t cache_line = 64;

class shortcut_backward_blocked final : public op {
  public:
    shortcut_backward_blocked(const shortcut_backward_problem& problem, const gather_kernels& kernels)
        : op(problem.src), problem_(problem), kernels_(kernels), parts_(channel_blocks(dst)) {
        const int block = block_of(dst), before = (problem.dst.c - dst.c) / 2;
        for (int c = 0; c < dst.c;) {
            const int from = before + c, lane = c % block;
            const int count = std::min({block - lane, block - from % block, dst.c - c});
            parts_[c / block].push_back({from / block, from % block - lane, lane, lane + count});
            c += count;
        }
    }

    int64_t scratch_bytes(int threads) const override { return threads * row_bytes(); }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const sextant_tensor& diff_dst = problem_.dst;
        const int64_t block = block_of(dst), blocks = channel_blocks(dst);
        const int64_t bytes = kernels_.element_bytes;
        parallel_ranges(pool, dst.n * blocks * dst.h, 2 * row_pitch(dst) * bytes, [&](int64_t first, int64_t last, int thread) {
            std::byte* const gathered = scratch + thread * row_bytes();
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t y = unit % dst.h, b = unit / dst.h % blocks, n = unit / dst.h / blocks;
                std::byte* const row =
                    operands[1].as<std::byte>() +
                    bytes * (n * image_pitch(dst) + b * plane_pitch(dst) + origin(dst) + y * row_pitch(dst));
                if (!problem_.accumulate) std::memset(row, 0, dst.w * block * bytes);
                if (y % problem_.stride) continue;
                lane_segment segments[widest_block];
                int count = 0;
                for (const part& a : parts_[b])
                    segments[count++] = {operands[0].as<std::byte>() +
                                             bytes * (n * image_pitch(diff_dst) + a.block * plane_pitch(diff_dst) +
                                                      origin(diff_dst) + y / problem_.stride * row_pitch(diff_dst)),
                                         a.shift, a.first, a.last, 1, 0};
                kernels_.gather({segments, count, block, gathered, diff_dst.w, 0});
                kernels_.add(gathered, row, problem_.stride * block, diff_dst.w);
            }
        });
    }

  private:
    struct part {
        int block;  // of diff_dst
        int shift, first, last;
    };

    /// A gathered row of diff_dst, in whole cache lines.
    int64_t row_bytes() const {
        return (int64_t{problem_.dst.w} * block_of(dst) * kernels_.element_bytes + cache_line - 1) / cache_line * cache_line;
    }

    const shortcut_backward_problem problem_;
    const gather_kernels& kernels_;
    std::vector<std::vector<part>> parts_;  // of each block of diff_src
};

}  // namespace

std::unique_ptr<op> create_shortcut_backward(const shortcut_backward_problem& problem, const gather_kernels& kernels) {
    return std::make_unique<shortcut_backward_blocked>(problem, kernels);
}

}  // namespace sextant
