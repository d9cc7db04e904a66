// SPDX-License-Identifier: Apache-2.0
// First layers: packing and the loops around the register tiles. Knows no instruction set.
//
// A task makes a few output rows of one image: it copies the source rows that they need into scratch, with the padding (and,
// rarely, mapped by a pre-activation), and runs every panel of output channels over them. With so few output channels that they
// fill half a vector, it makes two rows at a time, from pairs of the pixels that they read at the same tap.
#include "conv2d/first.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "conv2d/blocking.h"
#include "conv2d/conv2d_lists.h"
#include "runtime/aligned.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

class conv2d_first final : public op {
  public:
    conv2d_first(const sextant_conv2d& problem, const conv2d_parameters& parameters, const first_kernels& kernels)
        : op(problem.dst), problem_(problem), binding_(binding_of(problem, parameters)), kernels_(kernels),
          lanes_(kernels.lanes), packer_(binding_.view, problem.r, problem.s, problem.src.c, kernels.gather) {
        const auto& a = problem_;
        const auto* strides = first_kernels::strides;
        stride_index_ = static_cast<int>(std::find(strides + 1, strides + 4, a.stride_w) - strides) % 4;
        widest_ = stride_index_ ? tile_vectors : 1;
        tile_columns_ = static_cast<int>(ceil_div(a.dst.w, ceil_div(a.dst.w, kernels.pixels)));
        paired_ = kernels.pairs[0][1] && a.dst.c <= lanes_ / 2 && !a.has_residual;
        rows_ = std::min(paired_ ? blocking::first_paired_rows : blocking::first_rows, a.dst.h);
        source_rows_ = (rows_ - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1;
        const int width = (a.dst.w - 1) * a.stride_w + (a.s - 1) * a.dilation_w + 1;
        source_pitch_ = ceil_div(width, 16) * 16;
        if (binding_.weights < 0) {
            weights_ = aligned_floats(packed_floats());
            pack(parameters.weights, parameters.bias, weights_.data());
        }
        if (!a.pre_activation) return;
        pre_scale_.assign(parameters.pre_scale, parameters.pre_scale + a.src.c);
        pre_shift_.assign(parameters.pre_shift, parameters.pre_shift + a.src.c);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const void* residual = binding_.residual < 0 ? nullptr : operands[binding_.residual].as<void>();
        float* memory = reinterpret_cast<float*>(scratch);
        const float* packed = weights_.data();
        if (binding_.weights >= 0) {
            pack(operands[binding_.weights], binding_.bias < 0 ? nullptr : operands[binding_.bias].as<float>(), memory);
            packed = memory;
            memory += packed_floats();
        }
        const int64_t blocks = ceil_div(dst.h, rows_);
        pool.parallel_for(dst.n * blocks, [&](int64_t task, int thread) {
            float* rows = memory + thread * scratch_floats();
            const int n = static_cast<int>(task / blocks), first = static_cast<int>(task % blocks) * rows_;
            copy_rows(operands[0], n, first, rows);
            const int last = std::min(first + rows_, dst.h);
            if (paired_) return run_pairs(packed, rows, n, first, last, operands[binding_.dst]);
            for (int block = 0; block < channel_blocks(dst); block += widest_)
                for (int row = first; row < last; ++row)
                    run_row(packed, rows + (row - first) * problem_.stride_h * source_pitch_, n, block, row, residual,
                            operands[binding_.dst]);
        });
    }

    int operand_count() const override { return binding_.dst + 1; }
    int64_t scratch_bytes(int threads) const override {
        return ((binding_.weights < 0 ? 0 : packed_floats()) + threads * scratch_floats()) * int64_t{sizeof(float)};
    }
    int64_t weight_bytes() const override { return weights_.bytes(); }
    int64_t flops() const override { return binding_.flops; }

  private:
    int64_t source_floats() const { return problem_.src.c * source_rows_ * source_pitch_; }
    /// Of one thread: the rows, and behind them their pairs.
    int64_t scratch_floats() const { return source_floats() * (paired_ ? 3 : 1); }

    int vectors_of(int block) const { return static_cast<int>(std::min<int64_t>(widest_, channel_blocks(dst) - block)); }

    int64_t terms() const { return int64_t{problem_.src.c} * problem_.r * problem_.s; }
    /// Weights, and behind them the bias.
    int64_t packed_floats() const { return (terms() + 1) * channel_blocks(dst) * lanes_; }
    const float* bias_of(const float* packed) const { return packed + terms() * channel_blocks(dst) * lanes_; }

    /// Little beside the work of a first layer, and so done by one thread.
    void pack(const float* weights, const float* bias, float* packed) const {
        const int k = dst.c, taps = problem_.r * problem_.s, copies = paired_ ? 2 : 1;
        float* const to = packed + terms() * channel_blocks(dst) * lanes_;
        std::fill(to, to + channel_blocks(dst) * lanes_, 0.0f);
        for (int i = 0; bias && i < copies * k; ++i) to[i] = bias[i / copies];
        for (int block = 0; !paired_ && block < channel_blocks(dst); ++block) {
            const int panel = block / widest_ * widest_, width = vectors_of(panel) * lanes_;
            packer_.pack(weights, 0, block * lanes_, std::min(lanes_, k - block * lanes_), 0, problem_.src.c,
                         packed + panel * lanes_ * terms() + (block - panel) * lanes_, width, int64_t{taps} * width);
        }
        for (int64_t i = 0; paired_ && i < terms(); ++i)
            for (int lane = 0; lane < lanes_; ++lane)
                packed[i * lanes_ + lane] = lane < 2 * k ? weights[lane / 2 * terms() + i] : 0;
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
                for (int x = left; a.pre_activation && x < left + count; ++x)
                    to[x] = std::max(0.0f, to[x] * pre_scale_[c] + pre_shift_[c]);
                std::fill(to + left + count, to + source_pitch_, 0.0f);
            }
    }

    /// Output rows first and first + 1, first + 2 and first + 3, ...
    void run_pairs(const float* packed, float* rows, int n, int first, int last, void* out) const {
        const auto& a = problem_;
        float* pairs = rows + source_floats();
        const int64_t below = a.stride_h * source_pitch_, end = source_floats();
        for (int64_t i = 0; i < end; ++i) pairs[2 * i] = rows[i];
        for (int64_t i = below; i < end; ++i) pairs[2 * (i - below) + 1] = rows[i];
        for (int64_t i = end - std::min(below, end); i < end; ++i) pairs[2 * i + 1] = 0;  // an odd row's, which has no second
        first_tile t{};
        t.src_channel = 2 * source_rows_ * source_pitch_;
        t.src_column = a.stride_w;
        t.tap_row = 2 * a.dilation_h * source_pitch_;
        t.tap_column = 2 * int64_t{a.dilation_w};
        t.weights = packed;
        t.channels = a.src.c;
        t.r = a.r;
        t.s = a.s;
        t.bias = bias_of(packed);
        set_target(t.target, a, kernels_.dtype);
        for (int row = first; row < last; row += 2) {
            t.target.dst_plane = row + 1 < last ? row_pitch(dst) : 0;
            for (int column = 0; column < dst.w; column += tile_columns_) {
                t.src = pairs + 2 * ((row - first) * below + int64_t{column} * a.stride_w);
                t.target.dst = static_cast<float*>(out) + offset_of(dst, n, 0, row, column);
                kernels_.pairs[stride_index_][std::min(tile_columns_, dst.w - column)](t);
            }
        }
    }

    void run_row(const float* packed, const float* rows, int n, int block, int row, const void* residual, void* out) const {
        const auto& a = problem_;
        const auto& tiles = kernels_.tiles[stride_index_][vectors_of(block) - 1];
        first_tile t{};
        t.src_channel = source_rows_ * source_pitch_;
        t.src_column = a.stride_w;
        t.tap_row = a.dilation_h * source_pitch_;
        t.tap_column = a.dilation_w;
        t.weights = packed + int64_t{block} * lanes_ * a.src.c * a.r * a.s;
        t.channels = a.src.c;
        t.r = a.r;
        t.s = a.s;
        t.bias = bias_of(packed) + block * lanes_;
        set_target(t.target, a, kernels_.dtype);
        for (int column = 0; column < dst.w; column += tile_columns_) {
            t.src = rows + column * a.stride_w;
            t.target.dst = static_cast<std::byte*>(out) + element_bytes(dst) * offset_of(dst, n, block * lanes_, row, column);
            if (residual)
                t.target.residual = static_cast<const std::byte*>(residual) +
                                    element_bytes(a.residual) * offset_of(a.residual, n, block * lanes_, row, column);
            tiles[std::min(tile_columns_, dst.w - column)](t);
        }
    }

    const sextant_conv2d problem_;
    const conv2d_binding binding_;
    const first_kernels& kernels_;
    const int lanes_;
    const weight_packer packer_;
    int stride_index_, widest_, tile_columns_, rows_, source_rows_;
    bool paired_;
    int64_t source_pitch_;
    aligned_floats weights_;  // and bias
    std::vector<float> pre_scale_, pre_shift_;
};

}  // namespace

std::string first_declines(const sextant_conv2d& a, const first_kernels& kernels) {
    const int lanes = kernels.lanes;
    if (a.src.dtype != SEXTANT_F32) return std::string("src is ") + dtype_name(a.src.dtype);
    if (a.dst.dtype != kernels.dtype) return std::string("dst is ") + dtype_name(a.dst.dtype);
    if (is_blocked(a.src)) return "src is in blocks of channels, not NCHW";
    if (block_of(a.dst) != lanes) return "dst must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.has_residual && block_of(a.residual) != lanes)
        return "the residual must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.src.c > blocking::first_max_channels)
        return "src has " + std::to_string(a.src.c) + " channels, at most " + std::to_string(blocking::first_max_channels);
    if (a.groups > 1) return "it has " + std::to_string(a.groups) + " groups";
    return {};
}

std::unique_ptr<op> create_first(const sextant_conv2d& problem, const conv2d_parameters& parameters, const device_traits&,
                                 const first_kernels& kernels) {
    return std::make_unique<conv2d_first>(problem, parameters, kernels);
}

}  // namespace sextant
