// SPDX-License-Identifier: Apache-2.0
// Direct convolution: packing and the loops around the register tiles, for every format. Knows no instruction set.
//
// A task takes a block of tiles, whose source stays in L2, and a range of panels: for each panel, for each tile, one call of a
// register tile. Without the halo that the padding needs, or with a pre-activation, a task first copies each tile's source into
// scratch, as the format's elements. Weights that are an operand are packed into scratch at the beginning of each run. Results
// for every second or third pixel of a tensor, and those of tiles across the ends of rows, go to a tile in scratch, and from there
// to their places.
#include "conv2d/direct.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "conv2d/blocking.h"
#include "conv2d/conv2d_lists.h"
#include "conv2d/direct_weights.h"
#include "conv2d/tiling.h"
#include "runtime/aligned.h"
#include "runtime/element.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class Format>
class conv2d_direct final : public op {
    using element = typename Format::element;
    using weight = typename Format::weight;
    static constexpr int channels = Format::channels;

  public:
    conv2d_direct(const sextant_conv2d& problem, const conv2d_parameters& parameters, const device_traits& device,
                  const direct_kernels<Format>& kernels)
        : op(parameters.binding && parameters.binding->grid ? parameters.binding->grid->whole : problem.dst), problem_(problem),
          binding_(binding_of(problem, parameters)), kernels_(kernels), lanes_(kernels.lanes),
          staged_(problem.pre_activation || conv2d_halo(problem) > problem.src.halo),
          src_blocks_(problem.src.c / problem.groups / lanes_),
          tail_steps_(static_cast<int>(ceil_div(problem.src.c / problem.groups % lanes_, channels))),
          order_(problem, binding_.view, kernels), panels_(order_.panels()),
          cut_(problem, {lanes_, kernels.pixels, channels, sizeof(element), staged_, can_spread()}, vectors_of(panels_), device) {
        if (binding_.grid) grid_ = *binding_.grid;
        else if (cut_.spread) grid_ = {dst, 1, 1, 0, 0, false};
        if constexpr (std::is_same_v<Format, u8_format>) scale_sums(parameters);
        else if (parameters.bias) std::copy(parameters.bias, parameters.bias + dst.c, initial_.data());
        if (binding_.weights < 0) {
            weights_ = aligned_array<weight>(order_.count());
            pack_once(parameters.weights);
        }
        if (problem_.pre_activation) map_source(parameters);
        stage_bytes_ = cut_.stage_tiles * cut_.stage_tile_elements * int64_t{sizeof(element)};
        tile_bytes_ = grid_ ? int64_t{kernels.pixels} * tile_vectors * lanes_ * int64_t{sizeof(float)} : 0;
        const bool usual = usual_target(problem_, Format::dtype) || Format::dtype == SEXTANT_F32;
        fetch_dst_ = usual && !grid_ && dst.n * image_pitch(dst) * element_bytes(dst) > blocking::prefetch_dst_bytes;
        fetch_residual_ = usual && problem_.has_residual;
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const void* residual = binding_.residual < 0 ? nullptr : operands[binding_.residual].as<void>();
        sums_from from{weights_.data(), initial_.data()};
        if (binding_.weights >= 0) {
            from = pack(pool, operands, scratch);
            scratch += packed_bytes();
        }
        pool.parallel_for(cut_.tile_blocks * cut_.panel_blocks, [&](int64_t task, int thread) {
            std::byte* const memory = scratch + thread * (stage_bytes_ + tile_bytes_);
            run_task(task, from, operands[0], residual, operands[binding_.dst], memory);
        });
    }

    int operand_count() const override { return binding_.dst + 1; }
    int64_t scratch_bytes(int threads) const override {
        if (binding_.weights < 0) return threads * (stage_bytes_ + tile_bytes_);
        return packed_bytes() + threads * std::max(stage_bytes_ + tile_bytes_, order_.buffer_bytes());
    }
    int64_t weight_bytes() const override { return weights_.bytes(); }
    int64_t flops() const override { return binding_.flops; }

  private:
    bool can_spread() const { return Format::dtype == SEXTANT_F32 && dst.dtype == SEXTANT_F32 && !binding_.grid; }

    /// Consecutive tiles that one task works on at a time, and where the task's end is.
    struct stretch {
        int64_t first, last;
        tile_place start;
        int64_t last_of_task;
    };

    /// What the sums of a run are made of besides src.
    struct sums_from {
        const weight* weights;
        const typename Format::sum* initial;
    };

    static std::vector<int> vectors_of(const std::vector<direct_panel>& panels) {
        std::vector<int> vectors;
        for (const direct_panel& p : panels) vectors.push_back(p.vectors);
        return vectors;
    }

    /// In scratch: the weights, and behind them what the sums begin with.
    int64_t packed_bytes() const { return weight_bytes_in_scratch() + initial_.bytes(); }
    int64_t weight_bytes_in_scratch() const { return ceil_div(order_.count() * int64_t{sizeof(weight)}, 64) * 64; }

    /// Weights and bias that are operands.
    sums_from pack(thread_pool& pool, const address* operands, std::byte* scratch) const {
        sums_from packed{reinterpret_cast<weight*>(scratch), initial_.data()};
        if constexpr (!std::is_same_v<Format, u8_format>) {
            if (binding_.bias >= 0) {
                float* const bias = reinterpret_cast<float*>(scratch + weight_bytes_in_scratch());
                std::copy_n(operands[binding_.bias].as<float>(), dst.c, bias);
                std::fill(bias + dst.c, bias + initial_.size(), 0.0f);
                packed.initial = bias;
            }
            order_.pack(pool, operands[binding_.weights], reinterpret_cast<weight*>(scratch), scratch + packed_bytes());
        }
        return packed;
    }

    void pack_once(const float* weights) {
        if constexpr (!std::is_same_v<Format, u8_format>)
            if (weight_scale_.empty()) {
                thread_pool alone(1);
                aligned_array<std::byte> buffer(order_.buffer_bytes());
                return order_.pack(alone, weights, weights_.data(), buffer.data());
            }
        const auto& a = problem_;
        const int per_group = a.src.c / a.groups;
        const int64_t taps = int64_t{a.r} * a.s, terms = per_group * taps;
        for (const direct_panel& p : panels_) {
            weight* packed = weights_.data() + p.weights;
            const int width = p.vectors * lanes_, first = p.dst_block * lanes_;
            for (int c0 = 0; c0 < per_group; c0 += lanes_)
                for (int64_t tap = 0; tap < taps; ++tap)
                    for (int c = c0; c < std::min(c0 + lanes_, per_group); c += channels, packed += width * channels)
                        for (int k = 0; k < p.outputs; ++k)
                            for (int j = 0; j < std::min(channels, per_group - c); ++j)
                                packed[k * channels + j] =
                                    rounded(weights + (first + k) * terms, (c + j) * taps + tap, first + k);
        }
    }

    /// Weight i of output channel k.
    weight rounded(const float* weights, int64_t i, int k) const {
        if constexpr (std::is_same_v<Format, f32_format>) return weights[i];
        if constexpr (std::is_same_v<Format, u8_format>) return quantised_weight(weights[i], weight_scale_[k]);
        if constexpr (std::is_same_v<Format, bf16_format>) {
            if (weight_scale_.empty()) return {bf16_bits(weights[i])};
            return {bf16_bits(weight_scale_[k] * quantised_weight(weights[i], weight_scale_[k]))};
        }
    }

    /// For sums of stored numbers: they begin with what the source's zero point makes them too large by, and end scaled.
    void scale_sums(const conv2d_parameters& parameters) {
        const auto& a = problem_;
        const int64_t terms = int64_t{a.src.c / a.groups} * a.r * a.s;
        const bool in_steps = usual_target(a, SEXTANT_U8);
        for (int k = 0; k < a.dst.c; ++k) {
            const float* weights = parameters.weights + k * terms;
            weight_scale_.push_back(weight_scale(weights, terms));
            int32_t sum = 0;
            for (int64_t i = 0; i < terms; ++i) sum += quantised_weight(weights[i], weight_scale_[k]);
            initial_[k] = -a.src.zero_point * sum;
            scale_[k] = a.src.scale * weight_scale_[k];
            bias_[k] = parameters.bias ? parameters.bias[k] : 0;
            if (!in_steps) continue;
            if (a.has_residual) bias_[k] -= a.residual.scale * static_cast<float>(a.residual.zero_point);
            scale_[k] /= a.dst.scale;
            bias_[k] = bias_[k] / a.dst.scale + static_cast<float>(a.dst.zero_point);
        }
    }

    /// The pre-activation of the numbers that src stores.
    void map_source(const conv2d_parameters& parameters) {
        const auto& src = problem_.src;
        pre_scale_ = aligned_floats(channel_blocks(src) * lanes_);
        pre_shift_ = aligned_floats(channel_blocks(src) * lanes_);
        for (int c = 0; c < src.c; ++c) {
            pre_scale_[c] = parameters.pre_scale[c];
            pre_shift_[c] = parameters.pre_shift[c];
            if (src.dtype != SEXTANT_U8) continue;
            pre_scale_[c] *= src.scale;
            pre_shift_[c] -= pre_scale_[c] * static_cast<float>(src.zero_point);
        }
    }

    void run_task(int64_t task, const sums_from& from, const void* src, const void* residual, void* out,
                  std::byte* memory) const {
        element* const stage = reinterpret_cast<element*>(memory);
        float* const results = grid_ ? reinterpret_cast<float*>(memory + stage_bytes_) : nullptr;
        const int64_t tile_block = task % cut_.tile_blocks, panel_block = task / cut_.tile_blocks;
        const int64_t first = tile_block * cut_.tiles / cut_.tile_blocks, last = (tile_block + 1) * cut_.tiles / cut_.tile_blocks;
        const int64_t panels = static_cast<int64_t>(panels_.size());
        const int64_t panel_first = panel_block * panels / cut_.panel_blocks;
        const int64_t panel_end = (panel_block + 1) * panels / cut_.panel_blocks;
        const int64_t step = staged_ ? cut_.stage_tiles : last - first;
        for (int64_t t = first; t < last; t += step) {
            stretch tiles{t, std::min(last, t + step), cut_.place_of(t), last};
            if (staged_) {
                tile_place at = tiles.start;
                for (int64_t i = 0; i < tiles.last - tiles.first; ++i, cut_.advance(at))
                    stage_tile(src, at, stage + i * cut_.stage_tile_elements);
            }
            for (int64_t p = panel_first; p < panel_end; ++p) {
                run_panel(panels_[p], p + 1 < panel_end, tiles, from, src, stage, residual, out, results);
                tiles.last_of_task = tiles.last;  // what comes next is fetched once, during the first panel
            }
        }
    }

    void run_panel(const direct_panel& p, bool another_follows, const stretch& tiles, const sums_from& from, const void* source,
                   const element* stage, const void* residual, void* out, float* results) const {
        const auto& a = problem_;
        const bool dense = cut_.dense_taps;
        const int64_t stage_row = int64_t{cut_.stage_columns} * lanes_;
        const element* src = static_cast<const element*>(source);
        direct_tile<Format> t{};
        t.tap_row = a.dilation_h * (staged_ ? stage_row : row_pitch(a.src));
        t.tap_column = int64_t{a.dilation_w} * lanes_;
        const int step_h = staged_ && dense ? 1 : a.stride_h, step_w = staged_ && dense ? 1 : a.stride_w;
        t.src_plane = staged_ ? cut_.stage_rows * stage_row : plane_pitch(a.src);
        t.src_row = step_h * (staged_ ? stage_row : row_pitch(a.src));
        t.src_column = int64_t{step_w} * lanes_;
        t.weights = from.weights + p.weights;
        t.blocks = src_blocks_;
        t.tail_steps = tail_steps_;
        t.r = a.r;
        t.s = a.s;
        t.initial = from.initial + int64_t{p.dst_block} * lanes_;
        set_target(t.target, a, Format::dtype);
        t.target.scale = scale_.data() + int64_t{p.dst_block} * lanes_;
        t.target.bias = bias_.data() + int64_t{p.dst_block} * lanes_;
        t.fetch_dst = fetch_dst_;
        t.fetch_residual = fetch_residual_;
        // The next panel's lines are spread over this panel's taps: as many as the taps of one tile read.
        const int64_t panel_bytes = order_.terms() * p.vectors * lanes_ * int64_t{sizeof(weight)};
        const std::byte* const weights = reinterpret_cast<const std::byte*>(t.weights);
        if (another_follows && panel_bytes > blocking::prefetch_panel_bytes) {
            t.next_weights = weights + panel_bytes;
            const int64_t tap_lines = int64_t{lanes_} * p.vectors * lanes_ * int64_t{sizeof(weight)} / 64;
            t.next_lines = static_cast<int>(ceil_div(tap_lines, tiles.last - tiles.first));
        }
        const int64_t next_step = int64_t{src_blocks_} * a.r * a.s * t.next_lines * 64;
        const int stride = step_w > 2 ? 0 : step_w;
        const auto& one_row = kernels_.one_row[stride][p.vectors - 1];
        const auto& two_rows = kernels_.two_rows[stride][p.vectors - 1];
        tile_place at = tiles.start, later = staged_ ? cut_.place_of(tiles.last) : at;
        t.ahead_plane = plane_pitch(a.src);
        t.ahead_row = a.stride_h * row_pitch(a.src);
        const bool fetch_staged = dense && a.stride_w == 1 && a.src.dtype == Format::dtype;
        for (int64_t tile = tiles.first; tile < tiles.last; ++tile, cut_.advance(at)) {
            if (results) {
                t.target.dst = results;
                t.target.dst_row = int64_t{at.columns} * lanes_;
                t.target.dst_plane = at.rows * t.target.dst_row;
            } else {
                t.target.dst = place(dst, out, at, p.dst_block);
            }
            if (residual) t.target.residual = place(a.residual, const_cast<void*>(residual), at, p.dst_block);
            if (staged_) {
                t.src = stage + (tile - tiles.first) * cut_.stage_tile_elements + p.src_block * t.src_plane;
                const bool fetch = fetch_staged && tile + cut_.stage_tiles < tiles.last_of_task;
                t.ahead = fetch ? src + source_pixel(later, p.src_block) : nullptr;
                cut_.advance(later);
            } else {
                t.src = src + source_pixel(at, p.src_block);
                if (dense) t.ahead = t.src + blocking::prefetch_blocks_ahead * t.src_plane;
            }
            (at.rows == 2 ? two_rows[at.columns] : one_row[at.columns])(t);
            if (results) spread(results, at, p, out);
            t.next_weights += next_step;
            if (t.next_lines && t.next_weights >= weights + 2 * panel_bytes) t.next_lines = 0;
        }
    }

    /// From a tile of results, [vector][row][column][lanes], to their places. A flat tile's pixels run on through the rows.
    void spread(const float* results, const tile_place& at, const direct_panel& p, void* out) const {
        const pixel_grid& grid = *grid_;
        const int64_t step = int64_t{grid.step_w} * lanes_;
        for (int block = p.dst_block; block < p.dst_block + p.vectors; ++block)
            for (int y = 0; y < at.rows; ++y)
                for (int x = 0, count; x < at.columns; x += count, results += int64_t{count} * lanes_) {
                    const int row = cut_.flat ? (at.column + x) / problem_.dst.w : at.row + y;
                    const int column = cut_.flat ? (at.column + x) % problem_.dst.w : at.column + x;
                    count = std::min(at.columns - x, problem_.dst.w - column);
                    const int64_t pixel = at.n * image_pitch(dst) + block * plane_pitch(dst) + origin(dst) +
                                          (grid.first_y + row * grid.step_h) * row_pitch(dst) +
                                          (grid.first_x + column * grid.step_w) * int64_t{lanes_};
                    kernels_.spread(static_cast<std::byte*>(out) + pixel * element_bytes(dst), dst.dtype, step, results, count,
                                    grid.add);
                }
    }

    /// The pixel under tap (0, 0) of the tile's first output.
    int64_t source_pixel(const tile_place& at, int block) const {
        const auto& a = problem_;
        return at.n * image_pitch(a.src) + block * plane_pitch(a.src) + origin(a.src) +
               (at.row * a.stride_h - a.pad_top) * row_pitch(a.src) + int64_t{at.column * a.stride_w - a.pad_left} * lanes_;
    }

    void* place(const sextant_tensor& t, void* data, const tile_place& at, int block) const {
        const int64_t pixel = at.n * image_pitch(t) + block * plane_pitch(t) + origin(t) + at.row * row_pitch(t) +
                              int64_t{at.column} * lanes_;
        return static_cast<std::byte*>(data) + pixel * element_bytes(t);
    }

    /// Copies what the tile reads, mapped by the pre-activation; what lies outside the image becomes zero after the mapping.
    void stage_tile(const void* source, const tile_place& at, element* to) const {
        const auto& a = problem_;
        const std::byte* src = static_cast<const std::byte*>(source);
        const int zero = a.src.dtype == SEXTANT_U8 && !a.pre_activation ? a.src.zero_point : 0;
        const int step_h = cut_.dense_taps ? a.stride_h : 1, step_w = cut_.dense_taps ? a.stride_w : 1;
        const int y0 = at.row * a.stride_h - a.pad_top, x0 = at.column * a.stride_w - a.pad_left;
        // A flat tile's pixels run on through the plane's rows.
        const int width = cut_.flat ? cut_.columns : a.src.w, columns = cut_.stage_columns;
        const int left = std::min(columns, std::max(0, -x0));
        const int used = cut_.dense_taps ? at.columns : columns;
        const int right = std::max(left, std::min(used, static_cast<int>(ceil_div(width - x0, step_w))));
        const auto copy = kernels_.stage[a.src.dtype];
        for (int64_t block = 0; block < channel_blocks(a.src); ++block) {
            const float* scale = a.pre_activation ? pre_scale_.data() + block * lanes_ : nullptr;
            const float* shift = a.pre_activation ? pre_shift_.data() + block * lanes_ : nullptr;
            const int64_t plane = at.n * image_pitch(a.src) + block * plane_pitch(a.src) + origin(a.src);
            for (int row = 0; row < cut_.stage_rows; ++row, to += int64_t{columns} * lanes_) {
                const int y = y0 + row * step_h;
                const bool outside = y < 0 || y >= a.src.h;
                const int from = outside ? columns : left, end = outside ? columns : right;
                std::memset(static_cast<void*>(to), zero, from * lanes_ * sizeof(element));
                std::memset(static_cast<void*>(to + end * lanes_), zero, (columns - end) * lanes_ * sizeof(element));
                const int64_t pixel = plane + y * row_pitch(a.src) + int64_t{x0 + from * step_w} * lanes_;
                if (end > from)
                    copy(to + from * lanes_, src + pixel * element_bytes(a.src), int64_t{step_w} * lanes_, end - from, scale, shift);
            }
        }
    }

    const sextant_conv2d problem_;
    const conv2d_binding binding_;
    const direct_kernels<Format>& kernels_;
    const int lanes_;
    std::optional<pixel_grid> grid_;
    const bool staged_;
    const int src_blocks_, tail_steps_;  // per group
    const direct_weights<Format> order_;
    const std::vector<direct_panel>& panels_;
    const tiling cut_;
    aligned_array<weight> weights_;
    aligned_array<typename Format::sum> initial_{channel_blocks(dst) * lanes_};
    aligned_floats scale_{initial_.size()}, bias_{initial_.size()};  // of int32 sums
    aligned_floats pre_scale_, pre_shift_;
    std::vector<float> weight_scale_;  // of weights rounded to 255 levels
    int64_t stage_bytes_, tile_bytes_;  // of a thread
    bool fetch_dst_, fetch_residual_;
};

}  // namespace

template <class Format>
std::string direct_declines(const sextant_conv2d& a, const direct_kernels<Format>& kernels) {
    const int lanes = kernels.lanes;
    if (block_of(a.src) != lanes || block_of(a.dst) != lanes)
        return "src and dst must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.has_residual && block_of(a.residual) != lanes)
        return "the residual must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.groups > 1 && (a.src.c / a.groups % lanes || a.dst.c / a.groups % lanes))
        return "groups have " + std::to_string(a.src.c / a.groups) + " and " + std::to_string(a.dst.c / a.groups) +
               " channels, not multiples of " + std::to_string(lanes);
    if (!kernels.stage[a.src.dtype]) return std::string("src is ") + dtype_name(a.src.dtype);
    if (a.src.dtype != Format::dtype && !a.pre_activation)
        return std::string("src is ") + dtype_name(a.src.dtype) + " without a pre-activation";
    if (Format::dtype == SEXTANT_U8 && a.pre_activation) return "it has a pre-activation, of a range that is not known";
    const int64_t terms = int64_t{a.src.c / a.groups} * a.r * a.s;
    if (Format::dtype == SEXTANT_U8 && terms > most_int32_terms)
        return "its sums have " + std::to_string(terms) + " products, at most " + std::to_string(most_int32_terms);
    return {};
}

template <class Format>
std::unique_ptr<op> create_direct(const sextant_conv2d& problem, const conv2d_parameters& parameters,
                                  const device_traits& device, const direct_kernels<Format>& kernels) {
    return std::make_unique<conv2d_direct<Format>>(problem, parameters, device, kernels);
}

#define SEXTANT_DIRECT(FORMAT)                                                                                               \
    template std::string direct_declines(const sextant_conv2d&, const direct_kernels<FORMAT>&);                              \
    template std::unique_ptr<op> create_direct(const sextant_conv2d&, const conv2d_parameters&, const device_traits&,        \
                                               const direct_kernels<FORMAT>&);
SEXTANT_DIRECT(f32_format)
SEXTANT_DIRECT(bf16_format)
SEXTANT_DIRECT(u8_format)

}  // namespace sextant
