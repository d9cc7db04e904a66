// SPDX-License-Identifier: Apache-2.0
// The parameter-free shortcut as plain loops (He et al., arXiv:1512.03385, sec. 3.3, option A): any mix of layouts.
#include "runtime/ranges.h"
#include "shortcut/shortcut_lists.h"

namespace sextant {
namespace {

class shortcut_reference final : public op {
  public:
    explicit shortcut_reference(const sextant_shortcut& problem) : op(problem.dst), problem_(problem) {}

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& src = problem_.src;
        const int before = (dst.c - src.c) / 2;
        write_each(pool, dst, operands[1], [&](int n, int k, int p, int q) {
            const int c = k - before;
            if (c < 0 || c >= src.c) return 0.0;
            return element(src, operands[0], offset_of(src, n, c, p * problem_.stride, q * problem_.stride));
        });
    }

  private:
    const sextant_shortcut problem_;
};

}  // namespace

std::unique_ptr<op> create_shortcut_reference(const sextant_shortcut& problem, const shortcut_parameters&, const device_traits&) {
    return std::make_unique<shortcut_reference>(problem);
}

}  // namespace sextant
