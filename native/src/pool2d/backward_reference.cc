// SPDX-License-Identifier: Apache-2.0
// The gradient of a pool as plain loops: each pixel of diff_src looks for the windows that it lies in. Any mix of layouts.
#include <cmath>
#include <limits>

#include "pool2d/problem_windows.h"
#include "pool2d/pool2d_backward_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

/// The outputs whose windows hold each pixel of one dimension.
std::vector<std::vector<int>> outputs_of(const std::vector<window>& windows, int size, int dilation) {
    std::vector<std::vector<int>> outputs(size);
    for (int i = 0; i < static_cast<int>(windows.size()); i++)
        for (int tap = 0; tap < windows[i].taps; tap++) outputs[windows[i].first + tap * dilation].push_back(i);
    return outputs;
}

class pool2d_backward_reference final : public op {
  public:
    explicit pool2d_backward_reference(const sextant_pool2d_backward& problem)
        : op(problem.diff_src), problem_(problem), rows_(pool2d_row_windows(problem.forward)),
          columns_(pool2d_column_windows(problem.forward)), dilation_(pool2d_dilation(problem.forward)),
          outputs_of_row_(outputs_of(rows_, dst.h, dilation_.h)), outputs_of_column_(outputs_of(columns_, dst.w, dilation_.w)) {}

    int operand_count() const override { return is_maximum() ? 3 : 2; }
    int64_t flops() const override { return pool2d_flops(problem_.forward); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int gradient = is_maximum() ? 1 : 0;
        const sextant_tensor& diff_dst = problem_.diff_dst;
        write_each_gradient(pool, dst, operands[gradient + 1], problem_.accumulate, [&](int n, int c, int y, int x) {
            double sum = 0;
            for (const int p : outputs_of_row_[y])
                for (const int q : outputs_of_column_[x]) {
                    const double share = is_maximum() ? is_first_largest(operands[0], n, c, y, x, p, q)
                                                      : 1.0 / (double(rows_[p].divisor) * columns_[q].divisor);
                    if (share > 0) sum += share * element(diff_dst, operands[gradient], offset_of(diff_dst, n, c, p, q));
                }
            return sum;
        });
    }

  private:
    bool is_maximum() const { return problem_.forward.kind == SEXTANT_POOL_MAX; }

    bool is_first_largest(const void* src, int n, int c, int y, int x, int p, int q) const {
        const sextant_tensor& t = problem_.forward.src;
        double largest = -std::numeric_limits<double>::infinity();
        int best_y = -1, best_x = -1;
        for (int r = 0; r < rows_[p].taps; r++)
            for (int s = 0; s < columns_[q].taps; s++) {
                const int at_y = rows_[p].first + r * dilation_.h, at_x = columns_[q].first + s * dilation_.w;
                const double value = element(t, src, offset_of(t, n, c, at_y, at_x));
                if (best_y >= 0 && !(value > largest)) continue;
                largest = value, best_y = at_y, best_x = at_x;
            }
        return best_y == y && best_x == x;
    }

    const sextant_pool2d_backward problem_;
    const std::vector<window> rows_, columns_;
    const pool2d_steps dilation_;
    const std::vector<std::vector<int>> outputs_of_row_, outputs_of_column_;
};

}  // namespace

std::unique_ptr<op> create_pool2d_backward_reference(const sextant_pool2d_backward& problem, const pool2d_backward_parameters&,
                                                     const device_traits&) {
    return std::make_unique<pool2d_backward_reference>(problem);
}

}  // namespace sextant
