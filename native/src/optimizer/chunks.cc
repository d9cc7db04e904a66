// SPDX-License-Identifier: Apache-2.0
// Optimizers and the gradient norm on chunks of all parameters. Chunks do not depend on the threads, and their sums of squares
// are added in order.
#include <cmath>
#include <vector>

#include "optimizer/gradient_norm_lists.h"
#include "optimizer/optimizer_lists.h"
#include "runtime/ranges.h"
#include "runtime/training_state.h"

namespace sextant {
namespace {

/// Parameters of a piece of work.
constexpr int64_t chunk = 16 * 1024;

class optimizer_chunks final : public op {
  public:
    optimizer_chunks(const sextant_optimizer& problem, const optimizer_parameters& parameters, const optimizer_kernels& kernels)
        : op(parameter_tensor(1, static_cast<int32_t>(problem.count), 1, 1)), problem_(problem),
          undecayed_(parameters.undecayed, parameters.undecayed + 2 * parameters.ranges),
          kernel_(problem.kind == SEXTANT_ADAMW ? kernels.adamw : problem.nesterov ? kernels.nesterov : kernels.sgd) {}

    int operand_count() const override { return problem_.kind == SEXTANT_ADAMW ? 5 : 4; }
    int destinations() const override { return operand_count() - 2; }
    int64_t flops() const override { return optimizer_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const optimizer_run all = whole_run(operands);
        const int64_t chunks = (problem_.count + chunk - 1) / chunk, bytes = chunk * int64_t{sizeof(float)} * operand_count();
        parallel_ranges(pool, chunks, bytes, [&](int64_t first, int64_t last, int) {
            step(all, first * chunk, std::min(problem_.count, last * chunk));
        });
    }

  private:
    optimizer_run whole_run(const address* operands) const {
        const auto state = training_state_at(operands[1]);
        const bool adamw = problem_.kind == SEXTANT_ADAMW;
        const double t = static_cast<double>(state.step) + 1, beta1 = problem_.momentum, beta2 = problem_.beta2;
        return {operands[0],
                adamw ? operands[2].as<float>() : nullptr,
                operands[operand_count() - 2],
                operands[operand_count() - 1],
                0,
                optimizer_clip(problem_, state),
                0,
                state.learning_rate,
                problem_.momentum,
                static_cast<float>(1 - beta1),
                problem_.beta2,
                static_cast<float>(1 - beta2),
                static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, t))),
                problem_.eps,
                static_cast<float>(state.learning_rate / (1 - std::pow(beta1, t)))};
    }

    /// Parameters first ... last - 1, cut where weight decay begins and ends.
    void step(const optimizer_run& all, int64_t first, int64_t last) const {
        // The first end of an undecayed range, or beginning of one, behind `first`: bounds alternate.
        auto bound = std::upper_bound(undecayed_.begin(), undecayed_.end(), first);
        bool decays = (bound - undecayed_.begin()) % 2 == 0;
        while (first < last) {
            const int64_t end = bound == undecayed_.end() ? last : std::min(last, *bound++);
            optimizer_run part = all;
            part.gradients += first;
            part.moments += first;
            part.parameters += first;
            if (part.second_moments) part.second_moments += first;
            part.count = end - first;
            part.decay = decays ? problem_.weight_decay : 0;
            if (part.count) kernel_(part);
            first = end;
            decays = !decays;
        }
    }

    const sextant_optimizer problem_;
    const std::vector<int64_t> undecayed_;
    void (*const kernel_)(const optimizer_run&);
};

class gradient_norm_chunks final : public op {
  public:
    gradient_norm_chunks(const gradient_norm_problem& problem, const optimizer_kernels& kernels)
        : op(training_state_tensor()), count_(problem.count), chunks_((problem.count + chunk - 1) / chunk),
          squares_(kernels.squares) {}

    int64_t flops() const override { return 2 * count_; }
    int64_t scratch_bytes(int) const override { return chunks_ * int64_t{sizeof(double)}; }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        double* const sums = reinterpret_cast<double*>(scratch);
        const float* const gradients = operands[0];
        parallel_ranges(pool, chunks_, chunk * int64_t{sizeof(float)}, [&](int64_t first, int64_t last, int) {
            for (int64_t i = first; i < last; i++) sums[i] = squares_(gradients + i * chunk, std::min(chunk, count_ - i * chunk));
        });
        double sum = 0;
        for (int64_t i = 0; i < chunks_; i++) sum += sums[i];
        put_gradient_norm(operands[1], static_cast<float>(std::sqrt(sum)));
    }

  private:
    const int64_t count_, chunks_;
    double (*const squares_)(const float*, int64_t);
};

}  // namespace

std::unique_ptr<op> create_optimizer(const sextant_optimizer& problem, const optimizer_parameters& parameters,
                                     const optimizer_kernels& kernels) {
    return std::make_unique<optimizer_chunks>(problem, parameters, kernels);
}

std::unique_ptr<op> create_gradient_norm(const gradient_norm_problem& problem, const optimizer_kernels& kernels) {
    return std::make_unique<gradient_norm_chunks>(problem, kernels);
}

}  // namespace sextant
