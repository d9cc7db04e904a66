// SPDX-License-Identifier: Apache-2.0
// Hands a pooling's output rows to the kernels.
#include <cstring>

#include "pool2d/problem_windows.h"
#include "pool2d/pool2d_lists.h"
#include "runtime/aligned.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

constexpr int widest_block = 16;

bool is_average(const sextant_pool2d& a) { return a.kind != SEXTANT_POOL_MAX; }
int64_t most_taps(const std::vector<window>& windows) {
    int64_t most = 0;
    for (const window& w : windows) most = std::max<int64_t>(most, w.taps);
    return most;
}

pool2d_kernel* kernel_for(const sextant_pool2d& a, const pool2d_kernels& kernels) {
    const auto& of_kind = is_average(a) ? kernels.average : kernels.max;
    if (!is_blocked(a.src)) return of_kind.planar;
    const auto& of_stored = is_average(a) ? kernels.average_of_stored : kernels.max_of_stored;
    const bool suit = is_average(a) ? most_taps(pool2d_row_windows(a)) * most_taps(pool2d_column_windows(a)) <= pool2d_stored_taps
                                    : stored_alike(a.src, a.dst);
    const auto& blocked = a.pre_activation ? of_kind.pre_activation : of_stored.any && suit ? of_stored : of_kind.plain;
    if (pool2d_is_adaptive(a) || a.dilation_h != 1 || a.dilation_w != 1) return blocked.any;
    if (a.r == 2 && a.s == 2 && a.stride_w == 2) return blocked.w2x2_stride2;
    if (a.r == 3 && a.s == 3 && a.stride_w == 1) return blocked.w3x3_stride1;
    if (a.r == 3 && a.s == 3 && a.stride_w == 2) return blocked.w3x3_stride2;
    return blocked.any;
}

class pool2d_rows final : public op {
  public:
    pool2d_rows(const sextant_pool2d& problem, const pool2d_parameters& parameters, const pool2d_kernels& kernels)
        : op(problem.dst), problem_(problem), rows_(pool2d_row_windows(problem)), columns_(pool2d_column_windows(problem)),
          kernel_(kernel_for(problem, kernels)) {
        const auto whole = [&](int q) { return columns_[q].taps == problem.s && !pool2d_is_adaptive(problem); };
        while (inner_first_ < dst.w && !whole(inner_first_)) inner_first_++;
        inner_last_ = inner_first_;
        while (inner_last_ < dst.w && whole(inner_last_)) inner_last_++;
        for (const window& row : rows_) row_taps_ += row.taps;
        if (!problem.pre_activation) return;
        // Zero past the last channel, so that the lanes there become 0.
        pre_scale_ = aligned_floats(channel_blocks(dst) * widest_block);
        pre_shift_ = aligned_floats(channel_blocks(dst) * widest_block);
        std::copy_n(parameters.pre_scale, dst.c, pre_scale_.data());
        std::copy_n(parameters.pre_shift, dst.c, pre_shift_.data());
        if (problem.src.dtype == SEXTANT_U8)
            for (int c = 0; c < dst.c; c++) {
                pre_scale_[c] *= problem.src.scale;
                pre_shift_[c] -= pre_scale_[c] * static_cast<float>(problem.src.zero_point);
            }
    }

    int64_t scratch_bytes(int threads) const override {
        return is_blocked(problem_.src) ? 0 : threads * pool2d_scratch_floats(problem_.src.w) * int64_t{sizeof(float)};
    }
    int64_t weight_bytes() const override { return pre_scale_.bytes() + pre_shift_.bytes(); }
    int64_t flops() const override { return pool2d_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const sextant_tensor& src = problem_.src;
        const int64_t blocks = channel_blocks(src), block = block_of(src), dst_bytes = element_bytes(dst);
        const std::byte* first_pixel = operands[0].as<std::byte>() + element_bytes(src) * origin(src);
        std::byte* out = operands[1].as<std::byte>() + dst_bytes * origin(dst);
        const int64_t unit_bytes = row_taps_ / dst.h * row_pitch(src) * element_bytes(src) + dst.w * block * dst_bytes;
        parallel_ranges(pool, dst.n * blocks * dst.h, unit_bytes, [&](int64_t first, int64_t last, int thread) {
            pool2d_row row{nullptr, row_pitch(src), nullptr, {}, columns_.data(), dst.w, inner_first_, inner_last_,
                           problem_.stride_w, pool2d_is_adaptive(problem_) ? 1 : problem_.dilation_h,
                           pool2d_is_adaptive(problem_) ? 1 : problem_.dilation_w, src.w,
                           reinterpret_cast<float*>(scratch) + thread * pool2d_scratch_floats(src.w),
                           nullptr, nullptr, quantisation_of(src), quantisation_of(dst)};
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t p = unit % dst.h, b = unit / dst.h % blocks, n = unit / dst.h / blocks;
                row.src = first_pixel + element_bytes(src) * (n * image_pitch(src) + b * plane_pitch(src));
                row.rows = rows_[p];
                if (problem_.pre_activation) {
                    row.pre_scale = pre_scale_.data() + b * block;
                    row.pre_shift = pre_shift_.data() + b * block;
                }
                if (dst.layout == src.layout) {
                    row.dst = out + dst_bytes * (n * image_pitch(dst) + b * plane_pitch(dst) + p * row_pitch(dst));
                    kernel_(row);
                } else {  // a single pixel, to NCHW
                    alignas(64) float lanes[widest_block];
                    row.dst = lanes;
                    kernel_(row);
                    std::memcpy(out + dst_bytes * (n * image_pitch(dst) + b * block), lanes,
                                dst_bytes * std::min(block, dst.c - b * block));
                }
            }
        });
    }

  private:
    const sextant_pool2d problem_;
    const std::vector<window> rows_, columns_;
    pool2d_kernel* const kernel_;
    int inner_first_ = 0, inner_last_ = 0;
    int64_t row_taps_ = 0;
    aligned_floats pre_scale_, pre_shift_;
};

}  // namespace

int64_t pool2d_flops(const sextant_pool2d& a) {
    int64_t rows = 0, columns = 0;
    for (const window& row : pool2d_row_windows(a)) rows += row.taps;
    for (const window& column : pool2d_column_windows(a)) columns += column.taps;
    return int64_t{a.dst.n} * a.dst.c * rows * columns;
}

std::string pool2d_blocked_declines(const sextant_pool2d& a, const pool2d_kernels& kernels) {
    const int block = block_of(a.src);
    if (block != kernels.block)
        return "src has blocks of " + std::to_string(block) + " channels, not " + std::to_string(kernels.block);
    const auto empty = [](const window& w) { return w.taps == 0; };
    const auto rows = pool2d_row_windows(a), columns = pool2d_column_windows(a);
    if (a.kind == SEXTANT_POOL_MAX &&
        (std::any_of(rows.begin(), rows.end(), empty) || std::any_of(columns.begin(), columns.end(), empty)))
        return "a window without pixels has the maximum -infinity, which unused lanes must not hold";
    if (a.dst.layout == a.src.layout || (!is_blocked(a.dst) && a.dst.h == 1 && a.dst.w == 1)) return {};
    return "src and dst differ in layout and dst is more than one pixel";
}

std::string pool2d_planar_declines(const sextant_pool2d& a) {
    if (a.pre_activation) return "a pre-activation is asked for";
    return is_blocked(a.src) || is_blocked(a.dst) ? "src or dst is not NCHW" : "";
}

std::unique_ptr<op> create_pool2d(const sextant_pool2d& problem, const pool2d_parameters& parameters,
                                  const pool2d_kernels& kernels) {
    return std::make_unique<pool2d_rows>(problem, parameters, kernels);
}

}  // namespace sextant
