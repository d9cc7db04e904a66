// SPDX-License-Identifier: Apache-2.0
// The gradient of batch normalisation in a blocked layout; the formulas are in backward_reference.cc.
#include "batch_norm/batch_norm_backward_lists.h"
#include "batch_norm/two_passes.h"

namespace sextant {
namespace {

class batch_norm_backward_blocks final : public op {
  public:
    batch_norm_backward_blocks(const sextant_batch_norm_backward& problem, const batch_norm_training_kernels& kernels)
        : op(problem.diff_src), problem_(problem), passes_(problem.diff_src), bytes_(kernels.element_bytes),
          sums_(kernels.gradient_sums[problem.forward.has_residual][masks()]),
          gradient_(kernels.gradient[problem.accumulate][masks() && !problem.forward.has_residual]),
          gaps_(problem.forward.src.halo || problem.diff_dst.halo || (masks() && problem.forward.dst.halo)) {}

    int operand_count() const override { return 7 + masks() + problem_.forward.has_residual; }
    int destinations() const override { return 3 + problem_.forward.has_residual; }
    int64_t flops() const override { return batch_norm_backward_flops(problem_); }
    int64_t scratch_bytes(int) const override { return passes_.scratch_bytes(); }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const sextant_tensor &src = problem_.forward.src, &mask = problem_.forward.dst, &diff_dst = problem_.diff_dst;
        const bool splits = problem_.forward.has_residual;
        const address* const rest = operands + 1 + masks();
        const address activations = masks() ? operands[1] : address();
        const address diff_residual = splits ? rest[5] : address();
        // What went to the residual is masked already.
        const address masked = splits ? diff_residual : rest[0];
        const int64_t block_lanes = block_of(dst);
        const auto mean_of = [&](int64_t block) { return lanes_of(rest[2], block * block_lanes, dst.c, block_lanes); };
        const auto at = [&](const sextant_tensor& t, const address& operand, int64_t image, int64_t block, int64_t y) {
            std::byte* const first = operand.as<std::byte>();
            return first ? first + bytes_ * row_offset(t, image, block, y) : nullptr;
        };

        const auto sum = [&](int64_t block, int64_t image, int64_t y, int64_t rows, batch_norm_sums& sums) {
            const batch_norm_lanes mean = mean_of(block);
            sums_({at(src, operands[0], image, block, y), at(mask, activations, image, block, y),
                   at(diff_dst, rest[0], image, block, y), at(diff_dst, diff_residual, image, block, y), row_pitch(src),
                   row_pitch(mask), row_pitch(diff_dst), &mean, &sums},
                  area_of(dst, rows, gaps_));
        };
        const auto finish = [&](int64_t block, const batch_norm_sums& sums) { return linear_function(block, sums, rest); };
        const auto apply = [&](int64_t block, int64_t image, int64_t y, int64_t rows, const linear& by) {
            gradient_({at(src, operands[0], image, block, y), at(mask, activations, image, block, y),
                       at(diff_dst, masked, image, block, y), at(dst, operands[operand_count() - 1], image, block, y),
                       row_pitch(src), row_pitch(mask), row_pitch(diff_dst), row_pitch(dst), &by.mean, &by.factor, &by.slope,
                       &by.shift},
                      area_of(dst, rows, gaps_ || dst.halo));
        };
        const int64_t streams = 5 + masks() * (splits ? 1 : 2) + splits + problem_.accumulate;
        passes_.run(pool, streams * block_lanes * bytes_, scratch, sum, finish, apply);
    }

  private:
    struct linear {
        batch_norm_lanes mean, factor, slope, shift;
    };

    bool masks() const { return problem_.forward.activation != SEXTANT_IDENTITY; }

    /// Also writes the block's diff_gamma and diff_beta. `rest` begins at diff_dst.
    linear linear_function(int64_t block, const batch_norm_sums& sums, const address* rest) const {
        const int64_t first = block * block_of(dst), channels = std::min<int64_t>(block_of(dst), dst.c - first);
        const double count = double{1} * dst.n * dst.h * dst.w;
        const float* const saved = rest[2];
        linear by{};
        for (int64_t lane = 0; lane < channels; lane++) {
            const int64_t c = first + lane;
            const double inverse = saved[dst.c + c], factor = inverse * rest[1].as<float>()[c];
            const double diff_beta = sums.first[lane], diff_gamma = sums.second[lane] * inverse;
            rest[3].as<float>()[c] = static_cast<float>(diff_gamma);
            rest[4].as<float>()[c] = static_cast<float>(diff_beta);
            by.mean.of[lane] = saved[c];
            by.factor.of[lane] = static_cast<float>(factor);
            by.slope.of[lane] = static_cast<float>(-factor * inverse * diff_gamma / count);
            by.shift.of[lane] = static_cast<float>(-factor * diff_beta / count);
        }
        return by;
    }

    const sextant_batch_norm_backward problem_;
    const two_passes passes_;
    const int64_t bytes_;  // of an element
    void (*const sums_)(const batch_norm_gradient_sums&, batch_norm_pixels);
    void (*const gradient_)(const batch_norm_gradient&, batch_norm_pixels);
    const bool gaps_;  // in what the first pass reads
};

}  // namespace

std::unique_ptr<op> create_batch_norm_backward(const sextant_batch_norm_backward& problem,
                                               const batch_norm_training_kernels& kernels) {
    return std::make_unique<batch_norm_backward_blocks>(problem, kernels);
}

}  // namespace sextant
