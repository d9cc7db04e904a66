// SPDX-License-Identifier: Apache-2.0
// Fully connected: packing and the loops around the register tiles. Knows no instruction set.
//
// A task makes a group of outputs for all images and reads the group's weights once, front to back:
// weights: [group][chunk of features][panel][feature / channels][panel's outputs][channels]. For each chunk and
// panel the rows (images) pass in tiles of nearly equal height over the same weights; the chunks' sums are added up in scratch.
// Features come in the order in which src lies in memory: weight columns are permuted to suit when they are packed, and columns
// of zeros meet the lanes past the last channel.
#include <algorithm>
#include <vector>

#include "linear/blocking.h"
#include "linear/kernels.h"
#include "linear/linear_lists.h"
#include "runtime/aligned.h"
#include "runtime/element.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class Format>
class linear_packed final : public op {
    using element = typename Format::element;
    using weight = typename Format::weight;
    using sum = typename Format::sum;
    static constexpr int channels = Format::channels;

  public:
    linear_packed(const sextant_linear& problem, const linear_parameters& parameters, const device_traits& device,
                  const linear_kernels<Format>& kernels)
        : op(problem.dst), problem_(problem), kernels_(kernels) {
        const auto& src = problem_.src;
        features_ = channel_blocks(src) * block_of(src) * src.h * src.w;
        padded_ = ceil_div(features_, channels) * channels;
        chunks_ = ceil_div(features_, blocking::linear_chunk);
        outputs_ = ceil_div(dst.c, kernels.lanes) * kernels.lanes;
        row_tiles_ = static_cast<int>(ceil_div(src.n, kernels.rows));
        panel_ = linear_vectors(rows_of(0), kernels.sums) * kernels.lanes;
        const int64_t panels = ceil_div(outputs_, panel_);
        const int64_t worthwhile = std::max<int64_t>(1, outputs_ * features_ / blocking::linear_task_weights);
        groups_ = std::min({panels, worthwhile, int64_t{device.threads} * blocking::linear_tasks_per_thread});
        gathered_ = src.n > 1 || src.halo > 0 || padded_ > features_;
        pack(parameters);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        sum* sums = reinterpret_cast<sum*>(scratch);
        const element* src = operands[0];
        if (gathered_) {
            element* rows = reinterpret_cast<element*>(sums + dst.n * outputs_);
            pool.parallel_for(row_tiles_ * chunks_, [&](int64_t task, int) {
                gather(src, static_cast<int>(task / chunks_), task % chunks_ * blocking::linear_chunk, rows);
            });
            src = rows;
        }
        pool.parallel_for(groups_, [&](int64_t group, int) { run_group(group, src, sums, operands[1]); });
    }

    int64_t scratch_bytes(int) const override {
        return dst.n * (outputs_ * int64_t{sizeof(sum)} + (gathered_ ? padded_ : 0) * int64_t{sizeof(element)});
    }
    int64_t weight_bytes() const override { return weights_.bytes(); }
    int64_t flops() const override { return linear_flops(problem_); }

  private:
    /// Rows are spread evenly over the tiles, the taller tiles first: 16 = 8 + 8, 15 = 8 + 7.
    int rows_of(int tile) const { return dst.n / row_tiles_ + (tile < dst.n % row_tiles_); }
    int first_row(int tile) const { return tile * (dst.n / row_tiles_) + std::min(tile, dst.n % row_tiles_); }

    int64_t first_output(int64_t group) const {
        const int64_t panels = ceil_div(outputs_, panel_);
        return std::min(outputs_, group * panels / groups_ * panel_);
    }

    /// Calls body(chunk's first feature, features, first output, outputs) in the order in which a group's weights lie.
    template <class Body>
    void for_each_piece(int64_t group, Body body) const {
        const int64_t end = first_output(group + 1);
        for (int64_t i = 0; i < features_; i += blocking::linear_chunk)
            for (int64_t k = first_output(group); k < end; k += panel_)
                body(i, std::min<int64_t>(blocking::linear_chunk, features_ - i), k, std::min(panel_, end - k));
    }

    void pack(const linear_parameters& parameters) {
        const int64_t given = linear_features(problem_);
        const auto column = columns();
        weights_ = aligned_array<weight>(outputs_ * padded_);
        initial_ = aligned_array<sum>(outputs_);
        scale_ = aligned_floats(outputs_);
        bias_ = aligned_floats(outputs_);
        if (parameters.bias) std::copy(parameters.bias, parameters.bias + dst.c, bias_.data());
        std::vector<float> steps(dst.c);
        if constexpr (std::is_same_v<Format, u8_format>) scale_sums(parameters, steps);
        weight* packed = weights_.data();
        for (int64_t group = 0; group < groups_; ++group)
            for_each_piece(group, [&](int64_t feature, int64_t features, int64_t output, int64_t outputs) {
                for (int64_t j = 0; j < std::min(outputs, dst.c - output); ++j) {
                    const float* weights = parameters.weights + (output + j) * given;
                    for (int64_t i = 0; i < features; ++i)
                        if (column[feature + i] >= 0)
                            packed[(i / channels * outputs + j) * channels + i % channels] =
                                rounded(weights[column[feature + i]], steps[output + j]);
                }
                packed += ceil_div(features, channels) * channels * outputs;
            });
    }

    static weight rounded(float value, float step) {
        if constexpr (std::is_same_v<Format, f32_format>) return value;
        if constexpr (std::is_same_v<Format, bf16_format>) return {bf16_bits(value)};
        if constexpr (std::is_same_v<Format, u8_format>) return quantised_weight(value, step);
    }

    /// For sums of stored numbers: what the source's zero point makes them too large by, and what a sum's step is worth.
    void scale_sums(const linear_parameters& parameters, std::vector<float>& steps) {
        const auto& src = problem_.src;
        const int64_t given = linear_features(problem_);
        for (int64_t k = 0; k < dst.c; ++k) {
            const float* weights = parameters.weights + k * given;
            steps[k] = weight_scale(weights, given);
            int32_t total = 0;
            for (int64_t i = 0; i < given; ++i) total += quantised_weight(weights[i], steps[k]);
            initial_[k] = -src.zero_point * total;
            scale_[k] = src.scale * steps[k];
        }
    }

    /// For each feature in memory order its column in the given weights; -1 past the last channel.
    std::vector<int64_t> columns() const {
        const auto& src = problem_.src;
        const int block = block_of(src);
        const int64_t pixels = int64_t{src.h} * src.w;
        std::vector<int64_t> column(features_);
        for (int64_t i = 0; i < features_; ++i) {
            const int64_t c = i / (pixels * block) * block + i % block, pixel = i / block % pixels;
            column[i] = c < src.c ? c * pixels + pixel : -1;
        }
        return column;
    }

    /// Copies a chunk of a row tile to [feature / channels][row][channels], without the halo; zeros fill the last step.
    void gather(const element* src, int tile, int64_t first, element* rows) const {
        const auto& s = problem_.src;
        // Without a halo an image's features are one line, with it one per row of pixels.
        const int64_t end = std::min(first + blocking::linear_chunk, features_);
        const int64_t line = s.halo ? int64_t{s.w} * block_of(s) : features_;
        const int height = rows_of(tile);
        for (int row = 0; row < height; ++row) {
            const element* image = src + (first_row(tile) + row) * image_pitch(s) + origin(s);
            element* to = rows + first_row(tile) * padded_ + first * height + row * channels;
            const auto put = [&](int64_t i, element value) { to[i / channels * height * channels + i % channels] = value; };
            for (int64_t i = first; i < end;) {
                const int64_t y = i / line, count = std::min(end, (y + 1) * line) - i;
                const element* from = image + y / s.h * plane_pitch(s) + y % s.h * row_pitch(s) + i % line;
                for (int64_t j = 0; j < count; ++j) put(i - first + j, from[j]);
                i += count;
            }
            if (end == features_)
                for (int64_t i = features_; i < padded_; ++i) put(i - first, element{});
        }
    }

    void run_group(int64_t group, const element* src, sum* sums, void* out) const {
        const weight* weights = weights_.data() + first_output(group) * padded_;
        for_each_piece(group, [&](int64_t feature, int64_t features, int64_t output, int64_t outputs) {
            const int64_t steps = ceil_div(features, channels), piece = steps * channels * outputs;
            const std::byte* const bytes = reinterpret_cast<const std::byte*>(weights);
            for (int tile = 0; tile < row_tiles_; ++tile) {
                const int height = rows_of(tile), row = first_row(tile);
                linear_tile<Format> t{};
                t.src = src + row * padded_ + feature * height;
                t.weights = weights;
                t.steps = static_cast<int>(steps);
                t.sums = sums + row * outputs_ + output;
                t.sums_pitch = outputs_;
                t.add = feature > 0;
                // One row tile reads the weights once, as a stream; several share the fetching of the next piece.
                const int64_t step_bytes = outputs * channels * int64_t{sizeof(weight)};
                t.ahead_step = step_bytes / row_tiles_;
                t.ahead = row_tiles_ == 1 ? bytes + blocking::linear_prefetch_bytes
                                          : bytes + piece * int64_t{sizeof(weight)} + tile * steps * t.ahead_step;
                kernels_.tiles[height][outputs / kernels_.lanes](t);
            }
            weights += piece;
        });
        // A blocked dst's last block is written whole: zero weights leave act(0) there.
        const int64_t first = first_output(group);
        const int64_t end = std::min(first_output(group + 1), channel_blocks(dst) * block_of(dst));
        for (int n = 0; n < dst.n; ++n)
            kernels_.finish({static_cast<std::byte*>(out) + (n * image_pitch(dst) + first) * element_bytes(dst), &dst,
                             sums + n * outputs_ + first, initial_.data() + first, scale_.data() + first, bias_.data() + first,
                             end - first, problem_.activation});
    }

    const sextant_linear problem_;
    const linear_kernels<Format>& kernels_;
    int64_t features_, padded_;  // as src has them; up to whole multiply-adds
    int64_t chunks_, outputs_, panel_, groups_;
    int row_tiles_;
    bool gathered_;
    aligned_array<weight> weights_;
    aligned_array<sum> initial_;
    aligned_floats scale_, bias_;
};

}  // namespace

template <class Format>
std::string linear_declines(const sextant_linear& a, const linear_kernels<Format>& kernels) {
    if (a.dst.halo) return "dst has a halo";
    if (block_of(a.dst) > kernels.lanes) return "dst is in blocks of " + std::to_string(block_of(a.dst)) + " channels";
    if (a.src.dtype != Format::dtype) return std::string("src is ") + dtype_name(a.src.dtype);
    if (kernels.only_narrow && a.dst.dtype == SEXTANT_F32) return "dst is float32";
    if (Format::dtype == SEXTANT_U8 && linear_features(a) > most_int32_terms)
        return "its sums have " + std::to_string(linear_features(a)) + " products, at most " + std::to_string(most_int32_terms);
    return {};
}

template <class Format>
std::unique_ptr<op> create_linear(const sextant_linear& problem, const linear_parameters& parameters,
                                  const device_traits& device, const linear_kernels<Format>& kernels) {
    return std::make_unique<linear_packed<Format>>(problem, parameters, device, kernels);
}

#define SEXTANT_LINEAR(FORMAT)                                                                                               \
    template std::string linear_declines(const sextant_linear&, const linear_kernels<FORMAT>&);                              \
    template std::unique_ptr<op> create_linear(const sextant_linear&, const linear_parameters&, const device_traits&,        \
                                               const linear_kernels<FORMAT>&);
SEXTANT_LINEAR(f32_format)
SEXTANT_LINEAR(bf16_format)
SEXTANT_LINEAR(u8_format)

}  // namespace sextant
