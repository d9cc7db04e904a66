// SPDX-License-Identifier: Apache-2.0
// The reverse of concatenation for blocked tensors: says for each block of each destination which lanes of src it is made of.
#include "concat/split_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// Pixels per piece of a long run, small enough to share among threads.
constexpr int64_t piece = 512;
constexpr int widest_block = 16;

class split_blocked final : public op {
  public:
    split_blocked(const split_problem& problem, const gather_kernels& kernels)
        : op(problem.destinations.back()), problem_(problem), kernels_(kernels) {
        const int block = block_of(problem.src);
        int c = 0;  // src's channel
        bool halo = problem.src.halo;
        for (size_t i = 0; i < problem.destinations.size(); i++) {
            const sextant_tensor& destination = problem.destinations[i];
            halo |= destination.halo != 0;
            for (int to = 0; to < destination.c;) {
                if (to % block == 0) targets_.push_back({i, to / block, {}});
                const int lane = to % block, count = std::min({block - lane, block - c % block, destination.c - to});
                targets_.back().parts.push_back({c / block, c % block - lane, lane, lane + count});
                to += count;
                c += count;
            }
        }
        rows_ = halo ? dst.h : 1;
        length_ = halo ? dst.w : int64_t{dst.h} * dst.w;
        pieces_ = (length_ + piece - 1) / piece;
    }

    int operand_count() const override { return destinations() + 1; }
    int destinations() const override { return static_cast<int>(problem_.destinations.size()); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t block = block_of(problem_.src), targets = static_cast<int64_t>(targets_.size());
        const int64_t unit_bytes = 2 * std::min(length_, piece) * block * kernels_.element_bytes;
        parallel_ranges(pool, dst.n * targets * rows_ * pieces_, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t begin = unit % pieces_ * piece, row = unit / pieces_ % rows_;
                const target& a = targets_[unit / pieces_ / rows_ % targets];
                const int64_t n = unit / pieces_ / rows_ / targets;
                const auto at = [&](const sextant_tensor& t, int64_t channel_block) {
                    return kernels_.element_bytes *
                           (n * image_pitch(t) + channel_block * plane_pitch(t) + origin(t) + row * row_pitch(t) + begin * block);
                };
                lane_segment segments[widest_block];
                int count = 0;
                for (const part& p : a.parts)
                    segments[count++] = {operands[0].as<std::byte>() + at(problem_.src, p.block), p.shift, p.first, p.last, 1, 0};
                std::byte* out = operands[a.destination + 1].as<std::byte>() + at(problem_.destinations[a.destination], a.block);
                kernels_.gather({segments, count, block, out, std::min(piece, length_ - begin), 0});
            }
        });
    }

  private:
    struct part {
        int block;  // of src
        int shift, first, last;
    };
    struct target {
        size_t destination;
        int block;
        std::vector<part> parts;
    };

    const split_problem problem_;
    const gather_kernels& kernels_;
    std::vector<target> targets_;
    int64_t rows_, length_, pieces_;
};

}  // namespace

std::unique_ptr<op> create_split_blocked(const split_problem& problem, const gather_kernels& kernels) {
    return std::make_unique<split_blocked>(problem, kernels);
}

}  // namespace sextant
