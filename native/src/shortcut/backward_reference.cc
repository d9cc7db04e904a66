// SPDX-License-Identifier: Apache-2.0
// The gradient of the parameter-free shortcut as plain loops: pixels between the strides were never read. Any mix of layouts.
#include "runtime/ranges.h"
#include "shortcut/shortcut_backward_lists.h"

namespace sextant {
namespace {

class shortcut_backward_reference final : public op {
  public:
    explicit shortcut_backward_reference(const shortcut_backward_problem& problem) : op(problem.src), problem_(problem) {}

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& diff_dst = problem_.dst;
        const int before = (diff_dst.c - dst.c) / 2, stride = problem_.stride;
        write_each_gradient(pool, dst, operands[1], problem_.accumulate, [&](int n, int c, int y, int x) {
            if (y % stride || x % stride) return 0.0;
            return element(diff_dst, operands[0], offset_of(diff_dst, n, before + c, y / stride, x / stride));
        });
    }

  private:
    const shortcut_backward_problem problem_;
};

}  // namespace

std::unique_ptr<op> create_shortcut_backward_reference(const shortcut_backward_problem& problem,
                                                       const shortcut_backward_parameters&, const device_traits&) {
    return std::make_unique<shortcut_backward_reference>(problem);
}

}  // namespace sextant
