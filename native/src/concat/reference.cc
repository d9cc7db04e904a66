// SPDX-License-Identifier: Apache-2.0
// Concatenation as plain loops: any mix of layouts.
#include "concat/concat_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class concat_reference final : public op {
  public:
    explicit concat_reference(const concat_problem& problem) : op(problem.dst), sources_(problem.sources) {}

    int operand_count() const override { return static_cast<int>(sources_.size()) + 1; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        write_each(pool, dst, operands[sources_.size()], [&](int n, int c, int y, int x) {
            size_t source = 0;
            while (c >= sources_[source].c) c -= sources_[source++].c;
            return element(sources_[source], operands[source], offset_of(sources_[source], n, c, y, x));
        });
    }

  private:
    const std::vector<sextant_tensor> sources_;
};

}  // namespace

std::unique_ptr<op> create_concat_reference(const concat_problem& problem, const concat_parameters&, const device_traits&) {
    return std::make_unique<concat_reference>(problem);
}

}  // namespace sextant
