// SPDX-License-Identifier: Apache-2.0
// Hands the output rows of one channel block of one image after the other to the kernel: a pixel's sum has a fixed order. Rows of
// diff_src are cleared just before the first window that reaches them.
#include "pool2d/pool2d_backward_lists.h"
#include "pool2d/problem_windows.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

constexpr int widest_block = 16;

class pool2d_backward_planes final : public op {
  public:
    pool2d_backward_planes(const sextant_pool2d_backward& problem, const pool2d_backward_kernels& kernels)
        : op(problem.diff_src), problem_(problem), rows_(pool2d_row_windows(problem.forward)),
          columns_(pool2d_column_windows(problem.forward)), dilation_(pool2d_dilation(problem.forward)),
          kernel_(kernel_for(problem.forward, kernels)), clear_(kernels.clear) {
        const int outputs = problem.forward.dst.w;
        const auto whole = [&](int q) { return columns_[q].taps == problem.forward.s; };
        while (inner_first_ < outputs && !whole(inner_first_)) inner_first_++;
        inner_last_ = inner_first_;
        while (inner_last_ < outputs && whole(inner_last_)) inner_last_++;
    }

    int operand_count() const override { return is_maximum() ? 3 : 2; }
    int64_t flops() const override { return pool2d_flops(problem_.forward); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t blocks = channel_blocks(dst);
        const int64_t plane_bytes = (2 + is_maximum()) * plane_pitch(dst) * int64_t{sizeof(float)};
        parallel_ranges(pool, dst.n * blocks, plane_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) plane(operands, unit / blocks, unit % blocks);
        });
    }

  private:
    static pool2d_backward_kernel* kernel_for(const sextant_pool2d& a, const pool2d_backward_kernels& kernels) {
        if (a.kind != SEXTANT_POOL_MAX) return kernels.average;
        if (a.dilation_h != 1 || a.dilation_w != 1 || a.r != a.s) return kernels.max;
        return a.r == 2 ? kernels.max_2x2 : a.r == 3 ? kernels.max_3x3 : kernels.max;
    }

    bool is_maximum() const { return problem_.forward.kind == SEXTANT_POOL_MAX; }

    static int64_t plane_offset(const sextant_tensor& t, int64_t n, int64_t block) {
        return n * image_pitch(t) + block * plane_pitch(t) + origin(t);
    }

    void plane(const address* operands, int64_t n, int64_t block) const {
        const sextant_tensor &src = problem_.forward.src, &diff_dst = problem_.diff_dst;
        const int gradient = is_maximum() ? 1 : 0;
        float* const out = operands[gradient + 1].as<float>() + plane_offset(dst, n, block);
        alignas(64) float pixel[widest_block] = {};
        const float* from = operands[gradient].as<float>();
        if (diff_dst.layout == dst.layout) {
            from += plane_offset(diff_dst, n, block);
        } else {  // a single pixel, of NCHW
            const int64_t first = block * block_of(dst);
            std::copy_n(from + n * image_pitch(diff_dst) + first, std::min<int64_t>(block_of(dst), dst.c - first), pixel);
            from = pixel;
        }
        pool2d_backward_row row{is_maximum() ? operands[0].as<float>() + plane_offset(src, n, block) : nullptr, nullptr, out,
                                row_pitch(src), row_pitch(dst), {}, columns_.data(), diff_dst.w, inner_first_, inner_last_,
                                dilation_.h, dilation_.w};
        int cleared = problem_.accumulate ? dst.h : 0;
        for (int p = 0; p < diff_dst.h; p++) {
            row.rows = rows_[p];
            row.diff_dst = from + p * row_pitch(diff_dst);
            for (; cleared <= row.rows.first + (row.rows.taps - 1) * dilation_.h; cleared++) clear_row(out, cleared);
            kernel_(row);
        }
        for (; cleared < dst.h; cleared++) clear_row(out, cleared);
    }

    void clear_row(float* out, int y) const { clear_(out + y * row_pitch(dst), int64_t{dst.w} * block_of(dst)); }

    const sextant_pool2d_backward problem_;
    const std::vector<window> rows_, columns_;
    const pool2d_steps dilation_;
    pool2d_backward_kernel* const kernel_;
    void (*const clear_)(float*, int64_t);
    int inner_first_ = 0, inner_last_ = 0;
};

}  // namespace

std::unique_ptr<op> create_pool2d_backward(const sextant_pool2d_backward& problem, const pool2d_backward_kernels& kernels) {
    return std::make_unique<pool2d_backward_planes>(problem, kernels);
}

}  // namespace sextant
