// SPDX-License-Identifier: Apache-2.0
// Optimizers one parameter after the other, in double, over the formulas in sextant.h.
#include <cmath>
#include <vector>

#include "optimizer/optimizer_lists.h"

namespace sextant {
namespace {

class optimizer_reference final : public op {
  public:
    optimizer_reference(const sextant_optimizer& problem, const optimizer_parameters& parameters)
        : op(parameter_tensor(1, static_cast<int32_t>(problem.count), 1, 1)), problem_(problem),
          undecayed_(parameters.undecayed, parameters.undecayed + 2 * parameters.ranges) {}

    int operand_count() const override { return problem_.kind == SEXTANT_ADAMW ? 5 : 4; }
    int destinations() const override { return operand_count() - 2; }
    int64_t flops() const override { return optimizer_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        pool.parallel_for(1, [&](int64_t, int) { step(operands); });
    }

  private:
    void step(const address* operands) const {
        const auto state = training_state_at(operands[1]);
        const float* const gradients = operands[0];
        float* const moments = operands[operand_count() - 2];
        float* const parameters = operands[operand_count() - 1];
        const double rate = state.learning_rate, clip = optimizer_clip(problem_, state), t = double(state.step) + 1;
        const double first = 1 - std::pow(double{problem_.momentum}, t), second = 1 - std::pow(double{problem_.beta2}, t);
        size_t range = 0;
        for (int64_t i = 0; i < problem_.count; ++i) {
            while (range < undecayed_.size() && undecayed_[range + 1] <= i) range += 2;
            const double decay = range < undecayed_.size() && undecayed_[range] <= i ? 0 : problem_.weight_decay;
            const double w = parameters[i], momentum = problem_.momentum;
            double g = clip * gradients[i];
            if (problem_.kind == SEXTANT_SGD) {
                g += decay * w;
                const double m = momentum * moments[i] + g;
                moments[i] = static_cast<float>(m);
                parameters[i] = static_cast<float>(w - rate * (problem_.nesterov ? g + momentum * m : m));
            } else {
                float& second_moment = operands[2].as<float>()[i];
                const double m = momentum * moments[i] + (1 - momentum) * g;
                const double v = double{problem_.beta2} * second_moment + (1 - double{problem_.beta2}) * g * g;
                moments[i] = static_cast<float>(m);
                second_moment = static_cast<float>(v);
                parameters[i] = static_cast<float>(w - rate * (decay * w + m / first / (std::sqrt(v / second) + problem_.eps)));
            }
        }
    }

    const sextant_optimizer problem_;
    const std::vector<int64_t> undecayed_;
};

}  // namespace

std::unique_ptr<op> create_optimizer_reference(const sextant_optimizer& problem, const optimizer_parameters& parameters,
                                               const device_traits&) {
    return std::make_unique<optimizer_reference>(problem, parameters);
}

}  // namespace sextant
