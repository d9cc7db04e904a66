// SPDX-License-Identifier: Apache-2.0
// Concatenation of blocked tensors: says for each block of dst which lanes of which sources it is made of.
#include "concat/concat_lists.h"
#include "runtime/ranges.h"
#include "simd/quantisation.h"

namespace sextant {
namespace {

/// Pixels per piece of a long run, small enough to share among threads.
constexpr int64_t piece = 512;
constexpr int widest_block = 16;

class concat_blocked final : public op {
  public:
    concat_blocked(const concat_problem& problem, const gather_kernels& kernels)
        : op(problem.dst), sources_(problem.sources), kernels_(kernels), parts_(channel_blocks(dst)) {
        const int block = block_of(dst);
        const quantisation to = quantisation_of(dst);
        for (const sextant_tensor& source : sources_) {
            const quantisation from = quantisation_of(source);
            const float factor = from.scale * to.inverse;
            scales_.push_back({factor, to.zero - from.zero * factor});
        }
        int c = 0;  // dst's channel
        for (size_t source = 0; source < sources_.size(); source++)
            for (int from = 0; from < sources_[source].c;) {
                const int lane = c % block;
                const int count = std::min({block - lane, block - from % block, sources_[source].c - from});
                parts_[c / block].push_back({source, from / block, from % block - lane, lane, lane + count});
                from += count;
                c += count;
            }
        bool halo = dst.halo;
        for (const sextant_tensor& source : sources_) halo |= source.halo != 0;
        rows_ = halo ? dst.h : 1;
        length_ = halo ? dst.w : int64_t{dst.h} * dst.w;
        pieces_ = (length_ + piece - 1) / piece;
    }

    int operand_count() const override { return static_cast<int>(sources_.size()) + 1; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t block = block_of(dst), blocks = channel_blocks(dst);
        const int64_t unit_bytes = 2 * std::min(length_, piece) * block * kernels_.element_bytes;
        parallel_ranges(pool, dst.n * blocks * rows_ * pieces_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t begin = unit % pieces_ * piece, row = unit / pieces_ % rows_;
                const int64_t b = unit / pieces_ / rows_ % blocks, n = unit / pieces_ / rows_ / blocks;
                const auto at = [&](const sextant_tensor& t, int64_t channel_block) {
                    return kernels_.element_bytes *
                           (n * image_pitch(t) + channel_block * plane_pitch(t) + origin(t) + row * row_pitch(t) + begin * block);
                };
                lane_segment segments[widest_block];
                int count = 0;
                for (const part& p : parts_[b])
                    segments[count++] = {operands[p.source].as<std::byte>() + at(sources_[p.source], p.block), p.shift, p.first,
                                         p.last, scales_[p.source].factor, scales_[p.source].offset};
                std::byte* out = operands[sources_.size()].as<std::byte>() + at(dst, b);
                kernels_.gather({segments, count, block, out, std::min(piece, length_ - begin),
                                 dst.dtype == SEXTANT_U8 ? dst.zero_point : 0});
            }
        });
    }

  private:
    struct part {
        size_t source;
        int block;  // of the source
        int shift, first, last;
    };

    struct affine {
        float factor, offset;
    };

    const std::vector<sextant_tensor> sources_;
    std::vector<affine> scales_;  // of each source to dst's
    const gather_kernels& kernels_;
    std::vector<std::vector<part>> parts_;  // of each block of dst
    int64_t rows_, length_, pieces_;
};

}  // namespace

std::unique_ptr<op> create_concat_blocked(const concat_problem& problem, const gather_kernels& kernels) {
    return std::make_unique<concat_blocked>(problem, kernels);
}

}  // namespace sextant
