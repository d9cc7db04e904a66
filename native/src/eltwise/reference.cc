// SPDX-License-Identifier: Apache-2.0
// Activation and addition as plain loops: any mix of layouts.
#include "eltwise/eltwise_lists.h"
#include "runtime/ranges.h"
#include "simd/activation.h"

namespace sextant {
namespace {

class eltwise_reference final : public op {
  public:
    explicit eltwise_reference(const sextant_eltwise& problem) : op(problem.dst), problem_(problem) {}

    int operand_count() const override { return problem_.has_other ? 3 : 2; }
    int64_t flops() const override { return int64_t{dst.n} * dst.c * dst.h * dst.w * (problem_.has_other ? 2 : 1); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        write_each(pool, dst, operands[operand_count() - 1], [&](int n, int c, int y, int x) {
            double value = element(problem_.src, operands[0], offset_of(problem_.src, n, c, y, x));
            if (problem_.has_other) value += element(problem_.other, operands[1], offset_of(problem_.other, n, c, y, x));
            return activated(value, problem_.activation);
        });
    }

  private:
    const sextant_eltwise problem_;
};

}  // namespace

std::unique_ptr<op> create_eltwise_reference(const sextant_eltwise& problem, const eltwise_parameters&, const device_traits&) {
    return std::make_unique<eltwise_reference>(problem);
}

}  // namespace sextant
