// SPDX-License-Identifier: Apache-2.0
// Dropout element by element: any mix of layouts.
#include "dropout/dropout_lists.h"
#include "dropout/mask.h"
#include "runtime/ranges.h"
#include "runtime/training_state.h"

namespace sextant {
namespace {

class dropout_reference final : public op {
  public:
    explicit dropout_reference(const sextant_dropout& problem) : op(problem.dst), problem_(problem) {}

    int operand_count() const override { return 3; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const dropout_mask mask(problem_, training_state_at(operands[1]));
        write_each(pool, dst, operands[2], [&](int n, int c, int y, int x) {
            const int64_t i = ((int64_t{n} * dst.c + c) * dst.h + y) * dst.w + x;
            const float factor = mask.factors(i / 4)[i % 4];
            return factor > 0 ? factor * element(problem_.src, operands[0], offset_of(problem_.src, n, c, y, x)) : 0;
        });
    }

  private:
    const sextant_dropout problem_;
};

}  // namespace

std::unique_ptr<op> create_dropout_reference(const sextant_dropout& problem, const dropout_parameters&, const device_traits&) {
    return std::make_unique<dropout_reference>(problem);
}

}  // namespace sextant
