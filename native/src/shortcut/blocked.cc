// SPDX-License-Identifier: Apache-2.0
// The shortcut in a blocked layout: (k - c) / 2 channels of zeros before src's may be any number, so that src's blocks come to
// lie across dst's.
#include <vector>

#include "runtime/ranges.h"
#include "shortcut/shortcut_lists.h"
#include "simd/quantisation.h"

namespace sextant {
namespace {

constexpr int widest_block = 16;

class shortcut_blocked final : public op {
  public:
    shortcut_blocked(const sextant_shortcut& problem, const gather_kernels& kernels)
        : op(problem.dst), problem_(problem), kernels_(kernels), parts_(channel_blocks(dst)) {
        const int block = block_of(dst), before = (dst.c - problem.src.c) / 2;
        for (int c = 0; c < problem.src.c;) {
            const int lane = (before + c) % block;
            const int count = std::min({block - lane, block - c % block, problem.src.c - c});
            parts_[(before + c) / block].push_back({c / block, c % block - lane, lane, lane + count});
            c += count;
        }
    }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& src = problem_.src;
        const int64_t block = block_of(dst), blocks = channel_blocks(dst);
        const int64_t bytes = kernels_.element_bytes, unit_bytes = (row_pitch(src) + row_pitch(dst)) * bytes;
        const quantisation from = quantisation_of(src), to = quantisation_of(dst);
        const float factor = from.scale * to.inverse, offset = to.zero - from.zero * factor;
        parallel_ranges(pool, dst.n * blocks * dst.h, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t p = unit % dst.h, b = unit / dst.h % blocks, n = unit / dst.h / blocks;
                lane_segment segments[widest_block];
                int count = 0;
                for (const part& a : parts_[b])
                    segments[count++] = {operands[0].as<std::byte>() +
                                             bytes * (n * image_pitch(src) + a.block * plane_pitch(src) + origin(src) +
                                                      p * problem_.stride * row_pitch(src)),
                                         a.shift, a.first, a.last, factor, offset};
                kernels_.gather({segments, count, problem_.stride * block,
                                 operands[1].as<std::byte>() +
                                     bytes * (n * image_pitch(dst) + b * plane_pitch(dst) + origin(dst) + p * row_pitch(dst)),
                                 dst.w, dst.dtype == SEXTANT_U8 ? dst.zero_point : 0});
            }
        });
    }

  private:
    struct part {
        int block;  // of src
        int shift, first, last;
    };

    const sextant_shortcut problem_;
    const gather_kernels& kernels_;
    std::vector<std::vector<part>> parts_;  // of each block of dst; none where it is all zero
};

}  // namespace

std::unique_ptr<op> create_shortcut_blocked(const sextant_shortcut& problem, const gather_kernels& kernels) {
    return std::make_unique<shortcut_blocked>(problem, kernels);
}

}  // namespace sextant
