// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with the batch's statistics as plain loops (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1): any mix of
// layouts; mean and variance in two passes, in double.
#include <cmath>

#include "batch_norm/batch_norm_forward_lists.h"
#include "runtime/ranges.h"
#include "simd/activation.h"

namespace sextant {
namespace {

class batch_norm_forward_reference final : public op {
  public:
    explicit batch_norm_forward_reference(const sextant_batch_norm_forward& problem) : op(problem.dst), problem_(problem) {}

    int operand_count() const override { return problem_.has_residual ? 8 : 7; }
    int destinations() const override { return 4; }
    int64_t flops() const override { return batch_norm_forward_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const address* const parameters = operands + (problem_.has_residual ? 2 : 1);
        const float* const gamma = parameters[0];
        const float* const beta = parameters[1];
        float* const saved = parameters[4];
        pool.parallel_for(dst.c, [&](int64_t task, int) {
            const int c = static_cast<int>(task);
            const double count = double{1} * dst.n * dst.h * dst.w;
            double sum = 0, squares = 0;
            each_pixel(operands[0], c, [&](double x) { sum += x; });
            const double mean = sum / count;
            each_pixel(operands[0], c, [&](double x) { squares += (x - mean) * (x - mean); });
            const double variance = squares / count;
            move_towards(parameters[2].as<float>()[c], mean);
            move_towards(parameters[3].as<float>()[c], count > 1 ? squares / (count - 1) : variance);
            saved[c] = static_cast<float>(mean);
            saved[dst.c + c] = static_cast<float>(1 / std::sqrt(variance + problem_.eps));
        });
        write_each(pool, dst, parameters[5], [&](int n, int c, int y, int x) {
            double value = element(problem_.src, operands[0], offset_of(problem_.src, n, c, y, x));
            value = gamma[c] * (value - saved[c]) * saved[dst.c + c] + beta[c];
            if (problem_.has_residual)
                value += element(problem_.residual, operands[1], offset_of(problem_.residual, n, c, y, x));
            return activated(value, problem_.activation);
        });
    }

  private:
    template <class Visit>
    void each_pixel(const void* src, int c, Visit&& visit) const {
        for (int n = 0; n < dst.n; ++n)
            for (int y = 0; y < dst.h; ++y)
                for (int x = 0; x < dst.w; ++x) visit(element(problem_.src, src, offset_of(problem_.src, n, c, y, x)));
    }

    void move_towards(float& running, double batch) const {
        running = static_cast<float>((1 - double{problem_.momentum}) * running + problem_.momentum * batch);
    }

    const sextant_batch_norm_forward problem_;
};

}  // namespace

std::unique_ptr<op> create_batch_norm_forward_reference(const sextant_batch_norm_forward& problem,
                                                        const batch_norm_forward_parameters&, const device_traits&) {
    return std::make_unique<batch_norm_forward_reference>(problem);
}

}  // namespace sextant
