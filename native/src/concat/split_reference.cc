// SPDX-License-Identifier: Apache-2.0
// The reverse of concatenation as plain loops: any mix of layouts.
#include "concat/split_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class split_reference final : public op {
  public:
    explicit split_reference(const split_problem& problem) : op(problem.destinations.back()), problem_(problem) {}

    int operand_count() const override { return destinations() + 1; }
    int destinations() const override { return static_cast<int>(problem_.destinations.size()); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& src = problem_.src;
        int before = 0;
        for (int i = 0; i < destinations(); before += problem_.destinations[i++].c)
            write_each(pool, problem_.destinations[i], operands[i + 1], [&](int n, int c, int y, int x) {
                return element(src, operands[0], offset_of(src, n, before + c, y, x));
            });
    }

  private:
    const split_problem problem_;
};

}  // namespace

std::unique_ptr<op> create_split_reference(const split_problem& problem, const split_parameters&, const device_traits&) {
    return std::make_unique<split_reference>(problem);
}

}  // namespace sextant
