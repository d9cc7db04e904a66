// SPDX-License-Identifier: Apache-2.0
// Copying between layouts as plain loops.
#include "reorder/reorder_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class reorder_reference final : public op {
  public:
    explicit reorder_reference(const reorder_problem& problem) : op(problem.dst), src_(problem.src) {}

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        write_each(pool, dst, operands[1],
                   [&](int n, int c, int y, int x) { return element(src_, operands[0], offset_of(src_, n, c, y, x)); });
    }

  private:
    const sextant_tensor src_;
};

}  // namespace

std::unique_ptr<op> create_reorder_reference(const reorder_problem& problem, const reorder_parameters&, const device_traits&) {
    return std::make_unique<reorder_reference>(problem);
}

}  // namespace sextant
