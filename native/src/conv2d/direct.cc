// SPDX-License-Identifier: Apache-2.0
// Direct convolution: packing, the cut into tasks, and the loops around the register tiles. Knows no instruction set.
//
// The output is cut into tiles (a row or two of pixels x a panel of two vectors of channels). A task takes a block of tiles,
// whose source stays in L2, and a range of panels: for each panel, for each tile, one call of a register tile.
// Without the halo that the padding needs, or with a pre-activation, a task first copies each tile's source into scratch.
#include "conv2d/direct.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "conv2d/blocking.h"
#include "conv2d/conv2d_lists.h"
#include "runtime/aligned.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A panel: one or two vectors of output channels of one group.
struct panel {
    int64_t weights;  // offset of its weights
    int dst_block;
    int src_block;
    int vectors;
};

class conv2d_direct final : public op {
  public:
    conv2d_direct(const sextant_conv2d& problem, const conv2d_parameters& parameters, const device_traits& device,
                  const direct_kernels& kernels)
        : op(problem.dst), problem_(problem), kernels_(kernels), lanes_(kernels.lanes) {
        const auto& a = problem_;
        const int per_group = a.src.c / a.groups;
        src_blocks_ = per_group / lanes_;
        tail_channels_ = per_group % lanes_;
        choose_tiles();
        pack(parameters);
        staged_ = a.pre_activation || conv2d_halo(a) > a.src.halo;
        if (staged_) lay_out_stage(parameters);
        choose_tasks(device);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const float* residual = problem_.has_residual ? operands[1] : nullptr;
        pool.parallel_for(tile_blocks_ * panel_blocks_, [&](int64_t task, int thread) {
            float* stage = reinterpret_cast<float*>(scratch) + thread * stage_floats_;
            run_task(task, operands[0], residual, operands[operand_count() - 1], stage);
        });
    }

    int operand_count() const override { return problem_.has_residual ? 3 : 2; }
    int64_t scratch_bytes(int threads) const override { return threads * stage_floats_ * int64_t{sizeof(float)}; }
    int64_t weight_bytes() const override { return weights_.bytes(); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    /// Where a tile lies: image, first row and column of the (possibly flattened) output, and its size.
    struct place {
        int n, row, column, rows, columns;
    };

    /// Consecutive tiles that one task works on at a time, and where the task's end is.
    struct stretch {
        int64_t first, last;
        place start;
        int64_t last_of_task;
    };

    /// 1x1 without stride on planes without borders: the pixels are one long row.
    void choose_tiles() {
        const auto& a = problem_;
        const bool pointwise = a.r == 1 && a.s == 1 && !a.pad_top && !a.pad_left;
        dense_taps_ = pointwise;
        flat_ = pointwise && a.stride_h == 1 && a.stride_w == 1 && a.src.h == a.dst.h && a.src.w == a.dst.w && !a.src.halo &&
                !a.dst.halo && !(a.has_residual && a.residual.halo);
        rows_ = flat_ ? 1 : a.dst.h;
        columns_ = flat_ ? a.dst.h * a.dst.w : a.dst.w;
        tile_rows_ = columns_ <= two_row_columns(kernels_.pixels) && rows_ > 1 ? 2 : 1;
        const int across = static_cast<int>(ceil_div(columns_, tile_rows_ == 2 ? columns_ : kernels_.pixels));
        tile_columns_ = static_cast<int>(ceil_div(columns_, across));
        tiles_across_ = static_cast<int>(ceil_div(columns_, tile_columns_));
        tiles_down_ = static_cast<int>(ceil_div(rows_, tile_rows_));
        tiles_ = int64_t{a.dst.n} * tiles_down_ * tiles_across_;
    }

    void pack(const conv2d_parameters& parameters) {
        const auto& a = problem_;
        const int per_group = a.src.c / a.groups, k_per_group = a.dst.c / a.groups;
        const int64_t taps = int64_t{a.r} * a.s;
        const int k_blocks = static_cast<int>(ceil_div(k_per_group, lanes_));
        int64_t offset = 0;
        for (int g = 0; g < a.groups; ++g)
            for (int b = 0; b < k_blocks; b += tile_vectors) {
                const int vectors = std::min(tile_vectors, k_blocks - b);
                panels_.push_back({offset, g * k_blocks + b, g * per_group / lanes_, vectors});
                offset += per_group * taps * vectors * lanes_;
            }
        weights_ = aligned_floats(offset);
        bias_ = aligned_floats(int64_t{a.groups} * k_blocks * lanes_);
        for (int k = 0; parameters.bias && k < a.dst.c; ++k) bias_[k] = parameters.bias[k];
        for (const panel& p : panels_) {
            float* packed = weights_.data() + p.weights;
            const int width = p.vectors * lanes_, first = p.dst_block * lanes_;
            const int count = std::min(width, (p.src_block * lanes_ / per_group + 1) * k_per_group - first);
            for (int c0 = 0; c0 < per_group; c0 += lanes_)
                for (int64_t tap = 0; tap < taps; ++tap)
                    for (int c = c0; c < std::min(c0 + lanes_, per_group); ++c, packed += width)
                        for (int k = 0; k < count; ++k)
                            packed[k] = parameters.weights[((first + k) * int64_t{per_group} + c) * taps + tap];
        }
    }

    /// In scratch a tile is [block][row][column][lanes]; without taps only the pixels that it uses.
    void lay_out_stage(const conv2d_parameters& parameters) {
        const auto& a = problem_;
        stage_rows_ = dense_taps_ ? tile_rows_ : (tile_rows_ - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1;
        stage_columns_ = dense_taps_ ? tile_columns_ : (tile_columns_ - 1) * a.stride_w + (a.s - 1) * a.dilation_w + 1;
        stage_tile_floats_ = channel_blocks(a.src) * stage_rows_ * stage_columns_ * lanes_;
        if (!a.pre_activation) return;
        scale_ = aligned_floats(channel_blocks(a.src) * lanes_);
        shift_ = aligned_floats(channel_blocks(a.src) * lanes_);
        std::memcpy(scale_.data(), parameters.pre_scale, a.src.c * sizeof(float));
        std::memcpy(shift_.data(), parameters.pre_shift, a.src.c * sizeof(float));
    }

    void choose_tasks(const device_traits& device) {
        const auto& a = problem_;
        const int64_t read = int64_t{std::min(a.stride_h, a.r)} * std::min(a.stride_w, a.s) * tile_rows_ * tile_columns_;
        const int64_t tile_floats = staged_ ? stage_tile_floats_ : read * a.src.c / a.groups;
        const double tiles_in_l2 = static_cast<double>(device.l2_bytes) / static_cast<double>(tile_floats * sizeof(float));
        const int64_t block = std::max<int64_t>(1, static_cast<int64_t>(tiles_in_l2 * blocking::source_share_of_l2));
        if (staged_)
            stage_tiles_ = std::clamp<int64_t>(static_cast<int64_t>(tiles_in_l2 * blocking::staged_share_of_l2), 1,
                                               blocking::staged_tiles);
        stage_floats_ = stage_tiles_ * stage_tile_floats_;
        fetch_dst_ = dst.n * image_pitch(dst) * int64_t{sizeof(float)} > blocking::prefetch_dst_bytes;
        tile_blocks_ = ceil_div(tiles_, block);
        panel_blocks_ = 1;
        if (device.threads == 1) return;
        const int64_t enough = int64_t{device.threads} * blocking::tasks_per_thread;
        if (tile_blocks_ < enough) balance(device.threads, enough);
        else tile_blocks_ = std::min(tiles_, ceil_div(tile_blocks_, device.threads) * device.threads);
    }

    /// A small layer has few tiles and panels, which seldom come out even: takes the cut that would be done first.
    void balance(int threads, int64_t enough) {
        std::vector<int64_t> pixels(tiles_ + 1), vectors{0};
        place at = place_of(0);
        for (int64_t t = 0; t < tiles_; ++t, advance(at)) pixels[t + 1] = pixels[t] + at.rows * at.columns;
        for (const panel& p : panels_) vectors.push_back(vectors.back() + p.vectors);
        const int64_t fewest = tile_blocks_, panels = static_cast<int64_t>(panels_.size());
        double best = 0;
        for (int64_t tile_blocks = fewest; tile_blocks <= std::min(tiles_, enough + fewest); ++tile_blocks)
            for (int64_t panel_blocks = 1; panel_blocks <= std::min(panels, enough); ++panel_blocks) {
                if (tile_blocks > fewest && tile_blocks * panel_blocks > 2 * enough) break;
                std::vector<double> busy(threads);
                for (int64_t task = 0; task < tile_blocks * panel_blocks; ++task) {
                    const int64_t t = task % tile_blocks, p = task / tile_blocks;
                    const int64_t task_pixels = pixels[(t + 1) * tiles_ / tile_blocks] - pixels[t * tiles_ / tile_blocks];
                    const int64_t task_vectors = vectors[(p + 1) * panels / panel_blocks] - vectors[p * panels / panel_blocks];
                    *std::min_element(busy.begin(), busy.end()) += cycles(task_pixels, task_vectors);
                }
                const double end = *std::max_element(busy.begin(), busy.end());
                if (best == 0 || end < best) best = end, tile_blocks_ = tile_blocks, panel_blocks_ = panel_blocks;
            }
    }

    /// Roughly what a task takes: its multiply-adds, what it must bring near first, and being handed out.
    double cycles(int64_t pixels, int64_t vectors) const {
        const double channels = problem_.src.c / problem_.groups, taps = problem_.r * problem_.s;
        const double source_vectors = static_cast<double>(pixels) * channels / lanes_;
        const double weight_vectors = static_cast<double>(vectors) * channels * taps;
        return static_cast<double>(pixels) * weight_vectors + source_vectors * (staged_ ? blocking::staged_vector_cycles : 1) +
               weight_vectors + blocking::task_cycles;
    }

    place place_of(int64_t tile) const {
        const int column = static_cast<int>(tile % tiles_across_) * tile_columns_;
        const int row = static_cast<int>(tile / tiles_across_ % tiles_down_) * tile_rows_;
        return {static_cast<int>(tile / tiles_across_ / tiles_down_), row, column, std::min(tile_rows_, rows_ - row),
                std::min(tile_columns_, columns_ - column)};
    }

    void advance(place& at) const {
        at.column += tile_columns_;
        if (at.column >= columns_) {
            at.column = 0;
            at.row += tile_rows_;
            if (at.row >= rows_) at.row = 0, ++at.n;
            at.rows = std::min(tile_rows_, rows_ - at.row);
        }
        at.columns = std::min(tile_columns_, columns_ - at.column);
    }

    void run_task(int64_t task, const float* src, const float* residual, float* out, float* stage) const {
        const int64_t tile_block = task % tile_blocks_, panel_block = task / tile_blocks_;
        const int64_t first = tile_block * tiles_ / tile_blocks_, last = (tile_block + 1) * tiles_ / tile_blocks_;
        const int64_t panels = static_cast<int64_t>(panels_.size());
        const int64_t panel_first = panel_block * panels / panel_blocks_, panel_end = (panel_block + 1) * panels / panel_blocks_;
        const int64_t step = staged_ ? stage_tiles_ : last - first;
        for (int64_t t = first; t < last; t += step) {
            stretch tiles{t, std::min(last, t + step), place_of(t), last};
            if (staged_) {
                place at = tiles.start;
                for (int64_t i = 0; i < tiles.last - tiles.first; ++i, advance(at))
                    stage_tile(src, at, stage + i * stage_tile_floats_);
            }
            for (int64_t p = panel_first; p < panel_end; ++p) {
                run_panel(panels_[p], p + 1 < panel_end, tiles, src, stage, residual, out);
                tiles.last_of_task = tiles.last;  // what comes next is fetched once, during the first panel
            }
        }
    }

    void run_panel(const panel& p, bool another_follows, const stretch& tiles, const float* src, const float* stage,
                   const float* residual, float* out) const {
        const auto& a = problem_;
        direct_tile t{};
        t.tap_row = a.dilation_h * (staged_ ? int64_t{stage_columns_} * lanes_ : row_pitch(a.src));
        t.tap_column = int64_t{a.dilation_w} * lanes_;
        const int step_h = staged_ && dense_taps_ ? 1 : a.stride_h, step_w = staged_ && dense_taps_ ? 1 : a.stride_w;
        t.src_plane = staged_ ? int64_t{stage_rows_} * stage_columns_ * lanes_ : plane_pitch(a.src);
        t.src_row = step_h * (staged_ ? int64_t{stage_columns_} * lanes_ : row_pitch(a.src));
        t.src_column = int64_t{step_w} * lanes_;
        t.weights = weights_.data() + p.weights;
        t.blocks = src_blocks_;
        t.tail_channels = tail_channels_;
        t.r = a.r;
        t.s = a.s;
        t.bias = bias_.data() + int64_t{p.dst_block} * lanes_;
        t.dst_plane = plane_pitch(a.dst);
        t.dst_row = row_pitch(a.dst);
        t.residual_plane = plane_pitch(a.residual);
        t.residual_row = row_pitch(a.residual);
        t.activation = a.activation;
        t.fetch_dst = fetch_dst_;
        // The next panel's lines are spread over this panel's taps: as many as the taps of one tile read.
        const int64_t panel_floats = int64_t{a.src.c / a.groups} * a.r * a.s * p.vectors * lanes_;
        if (another_follows && panel_floats * int64_t{sizeof(float)} > blocking::prefetch_panel_bytes) {
            t.next_weights = t.weights + panel_floats;
            t.next_lines = static_cast<int>(ceil_div(int64_t{lanes_} * p.vectors * lanes_ / 16, tiles.last - tiles.first));
        }
        const int64_t next_step = int64_t{src_blocks_} * a.r * a.s * t.next_lines * 16;
        const int stride = step_w > 2 ? 0 : step_w;
        const auto& one_row = kernels_.one_row[stride][p.vectors - 1];
        const auto& two_rows = kernels_.two_rows[stride][p.vectors - 1];
        place at = tiles.start, later = staged_ ? place_of(tiles.last) : at;
        t.ahead_plane = plane_pitch(a.src);
        t.ahead_row = a.stride_h * row_pitch(a.src);
        for (int64_t tile = tiles.first; tile < tiles.last; ++tile, advance(at)) {
            t.dst = out + pixel(a.dst, at, p.dst_block);
            if (residual) t.residual = residual + pixel(a.residual, at, p.dst_block);
            if (staged_) {
                t.src = stage + (tile - tiles.first) * stage_tile_floats_ + p.src_block * t.src_plane;
                const bool fetch = dense_taps_ && a.stride_w == 1 && tile + stage_tiles_ < tiles.last_of_task;
                t.ahead = fetch ? src + source_pixel(later, p.src_block) : nullptr;
                advance(later);
            } else {
                t.src = src + source_pixel(at, p.src_block);
                if (dense_taps_) t.ahead = t.src + blocking::prefetch_blocks_ahead * t.src_plane;
            }
            (at.rows == 2 ? two_rows[at.columns] : one_row[at.columns])(t);
            t.next_weights += next_step;
            if (t.next_lines && t.next_weights >= t.weights + 2 * panel_floats) t.next_lines = 0;
        }
    }

    /// The pixel under tap (0, 0) of the tile's first output.
    int64_t source_pixel(const place& at, int block) const {
        const auto& a = problem_;
        return at.n * image_pitch(a.src) + block * plane_pitch(a.src) + origin(a.src) +
               (at.row * a.stride_h - a.pad_top) * row_pitch(a.src) + int64_t{at.column * a.stride_w - a.pad_left} * lanes_;
    }

    int64_t pixel(const sextant_tensor& t, const place& at, int block) const {
        return at.n * image_pitch(t) + block * plane_pitch(t) + origin(t) + at.row * row_pitch(t) + int64_t{at.column} * lanes_;
    }

    /// Copies what the tile reads, mapped by the pre-activation; what lies outside the image becomes zero after the mapping.
    void stage_tile(const float* src, const place& at, float* to) const {
        const auto& a = problem_;
        const int step_h = dense_taps_ ? a.stride_h : 1, step_w = dense_taps_ ? a.stride_w : 1;
        const int y0 = at.row * a.stride_h - a.pad_top, x0 = at.column * a.stride_w - a.pad_left;
        // A flat tile's pixels run on through the plane's rows.
        const int width = flat_ ? columns_ : a.src.w;
        const int left = std::min(stage_columns_, std::max(0, -x0));
        const int used = dense_taps_ ? at.columns : stage_columns_;
        const int right = std::max(left, std::min(used, static_cast<int>(ceil_div(width - x0, step_w))));
        for (int64_t block = 0; block < channel_blocks(a.src); ++block) {
            const float* scale = a.pre_activation ? scale_.data() + block * lanes_ : nullptr;
            const float* shift = a.pre_activation ? shift_.data() + block * lanes_ : nullptr;
            const float* plane = src + at.n * image_pitch(a.src) + block * plane_pitch(a.src) + origin(a.src);
            for (int row = 0; row < stage_rows_; ++row, to += int64_t{stage_columns_} * lanes_) {
                const int y = y0 + row * step_h;
                const bool outside = y < 0 || y >= a.src.h;
                const int from = outside ? stage_columns_ : left, end = outside ? stage_columns_ : right;
                std::memset(to, 0, from * lanes_ * sizeof(float));
                std::memset(to + end * lanes_, 0, (stage_columns_ - end) * lanes_ * sizeof(float));
                if (end > from)
                    kernels_.stage(to + from * lanes_, plane + y * row_pitch(a.src) + int64_t{x0 + from * step_w} * lanes_,
                                   int64_t{step_w} * lanes_, end - from, scale, shift);
            }
        }
    }

    const sextant_conv2d problem_;
    const direct_kernels& kernels_;
    const int lanes_;
    int src_blocks_, tail_channels_;  // per group
    std::vector<panel> panels_;
    aligned_floats weights_, bias_, scale_, shift_;

    bool flat_, dense_taps_;
    int rows_, columns_, tile_rows_, tile_columns_, tiles_down_, tiles_across_;
    int64_t tiles_, tile_blocks_, panel_blocks_;

    bool staged_, fetch_dst_;
    int stage_rows_ = 0, stage_columns_ = 0;
    int64_t stage_tiles_ = 0, stage_tile_floats_ = 0, stage_floats_ = 0;
};

}  // namespace

std::string direct_declines(const sextant_conv2d& a, const direct_kernels& kernels) {
    const int lanes = kernels.lanes;
    if (block_of(a.src) != lanes || block_of(a.dst) != lanes)
        return "src and dst must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.has_residual && block_of(a.residual) != lanes)
        return "the residual must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.groups > 1 && (a.src.c / a.groups % lanes || a.dst.c / a.groups % lanes))
        return "groups have " + std::to_string(a.src.c / a.groups) + " and " + std::to_string(a.dst.c / a.groups) +
               " channels, not multiples of " + std::to_string(lanes);
    return {};
}

std::unique_ptr<op> create_direct(const sextant_conv2d& problem, const conv2d_parameters& parameters,
                                  const device_traits& device, const direct_kernels& kernels) {
    return std::make_unique<conv2d_direct>(problem, parameters, device, kernels);
}

}  // namespace sextant
