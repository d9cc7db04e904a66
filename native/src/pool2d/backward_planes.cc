// SPDX-License-Identifier: Apache-2.0
// Hands the output rows of one channel block of one image after the other to the kernel: a pixel's sum has a fixed order. Rows of
// sums are begun just before the first window that reaches them, and written, where they are not diff_src's own, after the last.
#include <cstring>

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
          kernel_(kernel_for(problem.forward, kernels)), kernels_(kernels), finished_(rows_.size()), sum_rows_(dst.h) {
        const int outputs = problem.forward.dst.w;
        const auto whole = [&](int q) { return columns_[q].taps == problem.forward.s; };
        while (inner_first_ < outputs && !whole(inner_first_)) inner_first_++;
        inner_last_ = inner_first_;
        while (inner_last_ < outputs && whole(inner_last_)) inner_last_++;
        int finished = dst.h, needed = 1;
        for (size_t p = rows_.size(); p-- > 0;) {
            finished_[p] = finished;
            if (rows_[p].taps) finished = std::min(finished, rows_[p].first);
        }
        for (size_t p = 0, begun = 0; p < rows_.size(); p++) {
            begun = std::max<size_t>(begun, end_of(rows_[p]));
            needed = std::max(needed, static_cast<int>(begun) - (p ? finished_[p - 1] : 0));
        }
        if (kernels.write) sum_rows_ = needed;
    }

    int operand_count() const override { return is_maximum() ? 3 : 2; }
    int64_t flops() const override { return pool2d_flops(problem_.forward); }
    int64_t scratch_bytes(int threads) const override {
        return kernels_.write ? threads * sum_rows_ * row_elements() * int64_t{sizeof(float)} : 0;
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const int64_t blocks = channel_blocks(dst);
        const int64_t plane_bytes = (2 + is_maximum()) * plane_pitch(dst) * element_bytes(dst);
        parallel_ranges(pool, dst.n * blocks, plane_bytes, [&](int64_t first, int64_t last, int thread) {
            std::byte* const sums = scratch + thread * sum_rows_ * row_elements() * int64_t{sizeof(float)};
            for (int64_t unit = first; unit < last; unit++) plane(operands, unit / blocks, unit % blocks, sums);
        });
    }

  private:
    static pool2d_backward_kernel* kernel_for(const sextant_pool2d& a, const pool2d_backward_kernels& kernels) {
        if (a.kind != SEXTANT_POOL_MAX) return kernels.average;
        if (a.dilation_h != 1 || a.dilation_w != 1 || a.r != a.s) return kernels.max;
        return a.r == 2 ? kernels.max_2x2 : a.r == 3 ? kernels.max_3x3 : kernels.max;
    }

    bool is_maximum() const { return problem_.forward.kind == SEXTANT_POOL_MAX; }

    /// A row of diff_src and where its sums are.
    struct ring_row {
        int y = 0, place = 0;
        void next(int rows) {
            y++;
            if (++place == rows) place = 0;
        }
    };

    int64_t row_elements() const { return int64_t{dst.w} * block_of(dst); }
    int end_of(const window& rows) const { return rows.taps ? rows.first + (rows.taps - 1) * dilation_.h + 1 : 0; }

    static std::byte* plane_at(const sextant_tensor& t, const address& operand, int64_t n, int64_t block) {
        return operand.as<std::byte>() + element_bytes(t) * (n * image_pitch(t) + block * plane_pitch(t) + origin(t));
    }

    /// @param sums room for sum_rows_ rows where diff_src does not hold them itself
    void plane(const address* operands, int64_t n, int64_t block, std::byte* sums) const {
        const sextant_tensor &src = problem_.forward.src, &diff_dst = problem_.diff_dst;
        const int gradient = is_maximum() ? 1 : 0;
        std::byte* const out = plane_at(dst, operands[gradient + 1], n, block);
        alignas(64) float pixel[widest_block] = {};
        const std::byte* from = operands[gradient].as<std::byte>();
        if (diff_dst.layout == dst.layout) {
            from = plane_at(diff_dst, operands[gradient], n, block);
        } else {  // a single pixel, of NCHW
            const int64_t first = block * block_of(dst), channels = std::min<int64_t>(block_of(dst), dst.c - first);
            std::memcpy(pixel, from + element_bytes(diff_dst) * (n * image_pitch(diff_dst) + first),
                        element_bytes(diff_dst) * channels);
            from = reinterpret_cast<const std::byte*>(pixel);
        }
        const bool separate = kernels_.write;
        if (!separate) sums = out;
        const int64_t sums_pitch = separate ? row_elements() : row_pitch(dst), out_pitch = element_bytes(dst) * row_pitch(dst);
        const int64_t sums_bytes = (separate ? sizeof(float) : element_bytes(dst)) * sums_pitch;
        pool2d_backward_row row{is_maximum() ? plane_at(src, operands[0], n, block) : nullptr, nullptr, sums, row_pitch(src),
                                sums_pitch, sum_rows_, 0, {}, columns_.data(), diff_dst.w, inner_first_, inner_last_,
                                dilation_.h, dilation_.w};
        ring_row begun, finished;
        const auto begin = [&](int end) {
            for (; begun.y < end; begun.next(sum_rows_))
                if (!problem_.accumulate) kernels_.clear(sums + begun.place * sums_bytes, row_elements());
                else if (separate)
                    kernels_.read(out + begun.y * out_pitch, sums + begun.place * sums_bytes, row_elements());
        };
        for (int p = 0; p < diff_dst.h; p++) {
            row.rows = rows_[p];
            row.first_sum_row = row.rows.first % sum_rows_;
            row.diff_dst = from + element_bytes(diff_dst) * p * row_pitch(diff_dst);
            begin(end_of(row.rows));
            kernel_(row);
            for (; finished.y < finished_[p]; finished.next(sum_rows_)) {
                begin(finished.y + 1);  // those between windows, and below the last
                if (separate)
                    kernels_.write(sums + finished.place * sums_bytes, out + finished.y * out_pitch, row_elements());
            }
        }
    }

    const sextant_pool2d_backward problem_;
    const std::vector<window> rows_, columns_;
    const pool2d_steps dilation_;
    pool2d_backward_kernel* const kernel_;
    const pool2d_backward_kernels& kernels_;
    std::vector<int> finished_;  // for each row of outputs: so many rows of diff_src no later one reaches
    int sum_rows_;
    int inner_first_ = 0, inner_last_ = 0;
};

}  // namespace

bool pool2d_windows_overlap(const sextant_pool2d& a) {
    const auto overlap = [](const std::vector<window>& windows, int dilation) {
        int end = 0;
        for (const window& w : windows) {
            if (w.taps && w.first < end) return true;
            end = std::max(end, w.first + (w.taps - 1) * dilation + 1);
        }
        return false;
    };
    const pool2d_steps dilation = pool2d_dilation(a);
    return overlap(pool2d_row_windows(a), dilation.h) || overlap(pool2d_column_windows(a), dilation.w);
}

std::unique_ptr<op> create_pool2d_backward(const sextant_pool2d_backward& problem, const pool2d_backward_kernels& kernels) {
    return std::make_unique<pool2d_backward_planes>(problem, kernels);
}

}  // namespace sextant
