// SPDX-License-Identifier: Apache-2.0
// Gradients of first layers' weights: the loops around the register tiles. Knows no instruction set.
//
// A task goes through some strips (a few rows of diff_dst of one image): it copies the source rows that a strip needs into
// scratch, with the padding, and adds them to the sums of all weights. Each task has sums of its own, which are added up in the
// order of tasks.
#include "conv2d/backward_weights_first.h"

#include <cstdint>
#include <cstring>

#include "conv2d/backward_weights_lists.h"
#include "conv2d/blocking.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

class conv2d_backward_weights_first final : public conv2d_backward_weights_op {
  public:
    conv2d_backward_weights_first(const conv2d_backward_weights& problem, const device_traits& device,
                                  const backward_weights_first_kernels& kernels)
        : conv2d_backward_weights_op(problem), kernels_(kernels), lanes_(kernels.lanes) {
        const auto& a = problem_;
        weights_ = a.src.c * a.r * a.s;
        paired_ = a.dst.c <= lanes_ / 2 && a.stride_w == 1 && kernels.pairs[1][1];
        blocks_ = static_cast<int>(channel_blocks(a.dst));
        const int64_t pixels = blocking::gradient_pixels;
        row_strips_ = static_cast<int>(ceil_div(a.dst.h, std::clamp<int64_t>(pixels / a.dst.w, 1, a.dst.h)));
        column_strips_ = static_cast<int>(ceil_div(a.dst.w, pixels));
        source_rows_ = static_cast<int>(ceil_div(a.dst.h, row_strips_) - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1;
        source_pitch_ = ceil_div((a.dst.w - 1) * int64_t{a.stride_w} + a.s + 1, 16) * 16;  // a pair may begin at the last pixel
        const int64_t strips = int64_t{a.dst.n} * row_strips_;
        parts_ = std::min<int64_t>(strips, device.threads == 1 ? 1 : device.threads * blocking::gradient_tasks_per_thread);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const float* src = operands[0];
        const std::byte* diff_dst = operands[1];
        float *const bias = diff_bias(operands), *const weights = diff_weights(operands);
        float* const memory = reinterpret_cast<float*>(scratch);
        float* const rows = memory + parts_ * part_floats();
        const int64_t strips = int64_t{problem_.dst.n} * row_strips_;
        pool.parallel_for(parts_, [&](int64_t part, int thread) {
            float* const sums = memory + part * part_floats();
            std::fill(sums, sums + part_floats(), 0.0f);
            for (int64_t strip = strips * part / parts_; strip < strips * (part + 1) / parts_; ++strip)
                add(strip, src, diff_dst, bias, rows + thread * source_floats(), sums);
        });
        pool.parallel_for(ceil_div(blocks_, tile_vectors), [&](int64_t panel, int) {
            finish(static_cast<int>(panel) * tile_vectors, bias, weights, memory);
        });
    }

    int64_t scratch_bytes(int threads) const override {
        return int64_t{sizeof(float)} * (parts_ * part_floats() + threads * source_floats());
    }

  private:
    int64_t source_floats() const { return problem_.src.c * source_rows_ * source_pitch_; }
    int64_t weight_sums() const { return int64_t{blocks_} * lanes_ * weights_; }
    int64_t part_floats() const { return weight_sums() + int64_t{blocks_} * lanes_; }

    int vectors_of(int block) const { return std::min(tile_vectors, blocks_ - block); }

    void add(int64_t strip, const float* src, const std::byte* diff_dst, bool bias, float* rows, float* sums) const {
        const sextant_tensor& t = problem_.dst;
        const int n = static_cast<int>(strip / row_strips_), number = static_cast<int>(strip % row_strips_);
        const int first = static_cast<int>(int64_t{t.h} * number / row_strips_);
        const int count = static_cast<int>(int64_t{t.h} * (number + 1) / row_strips_) - first;
        copy_rows(src, n, first, rows);
        for (int i = 0; i < column_strips_; ++i) {
            const int column = static_cast<int>(int64_t{t.w} * i / column_strips_);
            const int columns = static_cast<int>(int64_t{t.w} * (i + 1) / column_strips_) - column;
            for (int block = 0; block < blocks_; block += tile_vectors) {
                const std::byte* diff = diff_dst + offset_of(t, n, block * lanes_, first, column) * element_bytes(t);
                for (int v = 0; bias && v < vectors_of(block); ++v)
                    kernels_.plane({diff + v * plane_pitch(t) * element_bytes(t), 0, row_pitch(t), 1, count, columns,
                                    sums + weight_sums() + (block + v) * lanes_});
                add_panel(block, rows + int64_t{column} * problem_.stride_w, diff, count, columns,
                          sums + int64_t{block} * lanes_ * weights_);
            }
        }
    }

    /// All weights of one panel, over some rows and columns of pixels.
    void add_panel(int block, const float* rows, const std::byte* diff, int count, int columns, float* sums) const {
        const auto& a = problem_;
        const int vectors = vectors_of(block), width = vectors * lanes_, all = a.src.c * a.r;
        backward_weights_first_tile t{};
        t.src_row = a.stride_h * source_pitch_;
        t.src_column = a.stride_w;
        t.diff = diff;
        t.diff_row = row_pitch(a.dst);
        t.diff_plane = plane_pitch(a.dst);
        t.rows = count;
        t.columns = columns;
        t.sums_line = int64_t{a.s} * width;
        // Where the next strip's pixels lie if it is one of the same image; elsewhere nothing is lost.
        const int64_t bytes = element_bytes(a.dst);
        const std::byte* const next =
            diff + bytes * (column_strips_ == 1 ? count * row_pitch(a.dst) : int64_t{columns} * lanes_);
        int plane = 0;
        const int tap_cuts = static_cast<int>(ceil_div(a.s, kernels_.taps[vectors - 1]));
        for (int cut = 0; cut < tap_cuts; ++cut) {
            const int tap = a.s * cut / tap_cuts, taps = a.s * (cut + 1) / tap_cuts - tap;
            const int line_cuts = static_cast<int>(ceil_div(all, kernels_.lines[vectors - 1][taps]));
            for (int i = 0; i < line_cuts; ++i) {
                const int line = static_cast<int>(int64_t{all} * i / line_cuts);
                const int lines = static_cast<int>(int64_t{all} * (i + 1) / line_cuts) - line;
                for (int j = 0; j < lines; ++j) {
                    const int c = (line + j) / a.r, r = (line + j) % a.r;
                    t.lines[j] = rows + (int64_t{c} * source_rows_ + r * a.dilation_h) * source_pitch_ + tap;
                }
                t.sums = sums + (int64_t{line} * a.s + tap) * width;
                t.ahead = plane < vectors ? next + plane * t.diff_plane * bytes : diff;
                ++plane;
                (paired_ ? kernels_.pairs[taps][lines] : kernels_.tiles[vectors - 1][taps][lines])(t);
            }
        }
    }

    /// The source rows of output rows from `first` on, [c][row][column], with zeros where the padding is.
    void copy_rows(const float* src, int n, int first, float* to) const {
        const auto& a = problem_;
        const int left = static_cast<int>(std::min<int64_t>(a.pad_left, source_pitch_));
        const int count = static_cast<int>(std::min<int64_t>(a.src.w, source_pitch_ - left));
        for (int c = 0; c < a.src.c; ++c)
            for (int i = 0; i < source_rows_; ++i, to += source_pitch_) {
                const int y = first * a.stride_h - a.pad_top + i;
                if (y < 0 || y >= a.src.h) {
                    std::fill(to, to + source_pitch_, 0.0f);
                    continue;
                }
                std::fill(to, to + left, 0.0f);
                std::memcpy(to + left, src + offset_of(a.src, n, c, y, 0), count * sizeof(float));
                std::fill(to + left + count, to + source_pitch_, 0.0f);
            }
    }

    void finish(int block, float* bias, float* weights, const float* sums) const {
        const int k = block * lanes_;
        backward_weights_result result{};
        result.sums = sums + int64_t{k} * weights_;
        result.part = part_floats();
        result.parts = static_cast<int>(parts_);
        result.weights = weights_;
        result.vectors = vectors_of(block);
        result.channels = std::min(result.vectors * lanes_, problem_.dst.c - k);
        result.out = weights + int64_t{k} * weights_;
        result.out_channel = weights_;
        kernels_.finish(result);
        if (!bias) return;
        result.sums = sums + weight_sums() + k;
        result.weights = 1;
        result.out = bias + k;
        result.out_channel = 1;
        kernels_.finish(result);
    }

    const backward_weights_first_kernels& kernels_;
    const int lanes_;
    bool paired_;
    int weights_, blocks_;  // weights that a k has
    int row_strips_, column_strips_, source_rows_;
    int64_t source_pitch_, parts_;
};

}  // namespace

std::string backward_weights_first_declines(const conv2d_backward_weights& problem,
                                            const backward_weights_first_kernels& kernels) {
    const auto& a = problem.forward;
    if (a.src.dtype != SEXTANT_F32 || a.dst.dtype != kernels.dtype) return unlike_pair(a.src, a.dst);
    if (is_blocked(a.src)) return "src is in blocks of channels, not NCHW";
    if (block_of(a.dst) != kernels.lanes)
        return "diff_dst must be in blocks of " + std::to_string(kernels.lanes) + " channels";
    if (a.src.c > blocking::first_max_channels)
        return "src has " + std::to_string(a.src.c) + " channels, at most " + std::to_string(blocking::first_max_channels);
    if (a.groups > 1) return "it has " + std::to_string(a.groups) + " groups";
    if (a.dilation_w > 1) return "dilation_w is " + std::to_string(a.dilation_w) + ", expected 1";
    return {};
}

std::unique_ptr<op> create_backward_weights_first(const conv2d_backward_weights& problem, const device_traits& device,
                                                  const backward_weights_first_kernels& kernels) {
    return std::make_unique<conv2d_backward_weights_first>(problem, device, kernels);
}

}  // namespace sextant
