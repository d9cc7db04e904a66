// SPDX-License-Identifier: Apache-2.0
// The Euclidean norm of all gradients, added one after the other in double.
#include <cmath>

#include "optimizer/gradient_norm_lists.h"
#include "runtime/training_state.h"

namespace sextant {
namespace {

class gradient_norm_reference final : public op {
  public:
    explicit gradient_norm_reference(const gradient_norm_problem& problem) : op(training_state_tensor()), count_(problem.count) {}

    int64_t flops() const override { return 2 * count_; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        pool.parallel_for(1, [&](int64_t, int) {
            const float* const gradients = operands[0];
            double sum = 0;
            for (int64_t i = 0; i < count_; ++i) sum += double{gradients[i]} * gradients[i];
            put_gradient_norm(operands[1], static_cast<float>(std::sqrt(sum)));
        });
    }

  private:
    const int64_t count_;
};

}  // namespace

std::unique_ptr<op> create_gradient_norm_reference(const gradient_norm_problem& problem, const gradient_norm_parameters&,
                                                   const device_traits&) {
    return std::make_unique<gradient_norm_reference>(problem);
}

}  // namespace sextant
