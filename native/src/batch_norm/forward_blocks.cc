// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with the batch's statistics in a blocked layout: moments, then the linear function they make.
#include <cmath>

#include "batch_norm/batch_norm_forward_lists.h"
#include "batch_norm/two_passes.h"

namespace sextant {
namespace {

class batch_norm_forward_blocks final : public op {
  public:
    batch_norm_forward_blocks(const sextant_batch_norm_forward& problem, const batch_norm_training_kernels& kernels)
        : op(problem.dst), problem_(problem), passes_(problem.src), bytes_(kernels.element_bytes), moments_(kernels.moments),
          apply_(kernels.apply[problem.has_residual][problem.activation == SEXTANT_RELU]),
          gaps_(dst.halo || (problem.has_residual && problem.residual.halo)) {}

    int operand_count() const override { return problem_.has_residual ? 8 : 7; }
    int destinations() const override { return 4; }
    int64_t flops() const override { return batch_norm_forward_flops(problem_); }
    int64_t scratch_bytes(int) const override { return passes_.scratch_bytes(); }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const sextant_tensor &src = problem_.src, &residual = problem_.residual;
        const address* const parameters = operands + (problem_.has_residual ? 2 : 1);
        const auto at = [&](const sextant_tensor& t, const address& operand, int64_t image, int64_t block, int64_t y) {
            return operand.as<std::byte>() + bytes_ * row_offset(t, image, block, y);
        };
        const auto sum = [&](int64_t block, int64_t image, int64_t y, int64_t rows, batch_norm_sums& sums) {
            moments_({at(src, operands[0], image, block, y), row_pitch(src), &sums}, area_of(src, rows, src.halo));
        };
        const auto finish = [&](int64_t block, const batch_norm_sums& sums) { return normalisation(block, sums, parameters); };
        const auto apply = [&](int64_t block, int64_t image, int64_t y, int64_t rows, const linear& by) {
            apply_({at(src, operands[0], image, block, y),
                    problem_.has_residual ? at(residual, operands[1], image, block, y) : nullptr,
                    at(dst, parameters[5], image, block, y), row_pitch(src), row_pitch(residual), row_pitch(dst), &by.scale,
                    &by.shift},
                   area_of(src, rows, gaps_ || src.halo));
        };
        passes_.run(pool, (problem_.has_residual ? 4 : 3) * block_of(dst) * bytes_, scratch, sum, finish, apply);
    }

  private:
    struct linear {
        batch_norm_lanes scale, shift;
    };

    /// Also saves the block's statistics and moves the running ones.
    linear normalisation(int64_t block, const batch_norm_sums& sums, const address* parameters) const {
        const int64_t first = block * block_of(dst), channels = std::min<int64_t>(block_of(dst), dst.c - first);
        const double count = double{1} * dst.n * dst.h * dst.w;
        float* const saved = parameters[4];
        linear by{};
        for (int64_t lane = 0; lane < channels; lane++) {
            const int64_t c = first + lane;
            const double mean = sums.first[lane] / count, squares = sums.second[lane] - sums.first[lane] * mean;
            const double variance = squares > 0 ? squares / count : squares - squares;  // rounding aside; a NaN stays one
            const double inverse = 1 / std::sqrt(variance + problem_.eps), scale = inverse * parameters[0].as<float>()[c];
            by.scale.of[lane] = static_cast<float>(scale);
            by.shift.of[lane] = static_cast<float>(parameters[1].as<float>()[c] - mean * scale);
            move_towards(parameters[2].as<float>()[c], mean);
            move_towards(parameters[3].as<float>()[c], count > 1 ? variance * (count / (count - 1)) : variance);
            saved[c] = static_cast<float>(mean);
            saved[dst.c + c] = static_cast<float>(inverse);
        }
        return by;
    }

    void move_towards(float& running, double batch) const {
        running = static_cast<float>((1 - double{problem_.momentum}) * running + problem_.momentum * batch);
    }

    const sextant_batch_norm_forward problem_;
    const two_passes passes_;
    const int64_t bytes_;  // of an element
    void (*const moments_)(const batch_norm_moments&, batch_norm_pixels);
    void (*const apply_)(const batch_norm_apply&, batch_norm_pixels);
    const bool gaps_;  // in dst or the residual
};

}  // namespace

std::unique_ptr<op> create_batch_norm_forward(const sextant_batch_norm_forward& problem,
                                              const batch_norm_training_kernels& kernels) {
    return std::make_unique<batch_norm_forward_blocks>(problem, kernels);
}

}  // namespace sextant
