// SPDX-License-Identifier: Apache-2.0
// Cuts the three products of a fully connected layer so that weights stream from memory once for up to `images_at_a_time` images
// while everything else stays in a core's caches, and among threads so that no sum is divided.
#include <cstring>

#include "linear/linear_training_lists.h"
#include "linear/training_kernels.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

constexpr int64_t images_at_a_time = 96;
constexpr int64_t cached_floats = 128 * 1024;                 // half of a small L2 cache
constexpr int64_t least_inputs = 1024, most_inputs = 4096;    // of a chunk of the forward pass, times 4 rows of weights
constexpr int64_t padding = 16;                               // floats, so that rows a power of two long do not share sets
constexpr int64_t least_packed_rows = 16;                     // of a task, which pay for the copy
constexpr int64_t data_inputs = 512, data_rows = 32;          // of a block of weights in the backward pass: 64 KiB
constexpr int64_t data_unit = 64;                             // inputs, four vectors of AVX-512
constexpr int64_t weights_inputs = 480;                       // five register tiles of AVX-512, for all images

constexpr int64_t least_streamed = 1024 * 1024;               // gradients of weights, which no cache would keep

/// What a row of weights costs with so many images, in bytes moved.
int64_t row_bytes(int64_t inputs, int64_t images) { return inputs * int64_t{sizeof(float)} * (1 + images / 8); }

class linear_forward_blocks final : public op {
  public:
    linear_forward_blocks(const linear_forward_problem& problem, const linear_training_kernels& kernels)
        : op(problem.dst), problem_(problem), kernels_(kernels), inputs_(inputs_of(problem)),
          chunk_(std::clamp(cached_floats / std::min<int64_t>(dst.n, images_at_a_time) / 64 * 64, least_inputs, most_inputs)) {}

    int operand_count() const override { return problem_.has_bias ? 4 : 3; }
    int64_t flops() const override { return linear_training_flops(problem_); }
    int64_t scratch_bytes(int threads) const override { return threads * packed_floats() * int64_t{sizeof(float)}; }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const int64_t units = (dst.c + linear_tile_rows - 1) / linear_tile_rows;
        parallel_ranges(pool, units, linear_tile_rows * row_bytes(inputs_, dst.n), [&](int64_t first, int64_t last, int thread) {
            rows(operands, first * linear_tile_rows, std::min<int64_t>(dst.c, last * linear_tile_rows),
                 reinterpret_cast<float*>(scratch) + thread * packed_floats());
        });
    }

  private:
    int64_t packed_floats() const {
        return std::min<int64_t>(dst.n, images_at_a_time) * ((std::min(chunk_, inputs_) + 15) / 16 * 16 + padding);
    }

    void rows(const address* operands, int64_t first, int64_t last, float* packed) const {
        const float* const src = operands[0];
        float* const out = operands[operand_count() - 1].as<float>() + first;
        const int64_t src_pitch = image_pitch(problem_.src), dst_pitch = image_pitch(dst);
        for (int64_t n = 0; n < dst.n; n += images_at_a_time) {
            const int64_t images = std::min<int64_t>(images_at_a_time, dst.n - n);
            for (int64_t i = 0; i < inputs_; i += chunk_) {
                const int64_t count = std::min(chunk_, inputs_ - i);
                const bool packs = last - first >= least_packed_rows;
                const int64_t pitch = packs ? (count + 15) / 16 * 16 + padding : src_pitch;
                for (int64_t image = 0; packs && image < images; image++)
                    std::memcpy(packed + image * pitch, src + (n + image) * src_pitch + i, count * sizeof(float));
                kernels_.forward({operands[1].as<float>() + first * inputs_ + i, packs ? packed : src + n * src_pitch + i,
                                  out + n * dst_pitch, inputs_, pitch, dst_pitch, last - first, images, count, i > 0});
            }
        }
        if (!problem_.has_bias && problem_.activation == SEXTANT_IDENTITY) return;
        const float* const bias = problem_.has_bias ? operands[2].as<float>() + first : nullptr;
        for (int64_t n = 0; n < dst.n; n++) kernels_.finish(out + n * dst_pitch, bias, last - first, problem_.activation);
    }

    const linear_forward_problem problem_;
    const linear_training_kernels& kernels_;
    const int64_t inputs_, chunk_;
};

class linear_backward_data_blocks final : public op {
  public:
    linear_backward_data_blocks(const linear_backward_data_problem& problem, const linear_training_kernels& kernels)
        : op(problem.src), problem_(problem), kernels_(kernels), inputs_(inputs_of(problem)) {}

    int operand_count() const override { return 3; }
    int64_t flops() const override { return linear_training_flops(problem_); }
    int64_t scratch_bytes(int threads) const override { return threads * sums_floats() * int64_t{sizeof(float)}; }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const int64_t units = (inputs_ + data_unit - 1) / data_unit;
        parallel_ranges(pool, units, row_bytes(problem_.dst.c, dst.n) * data_unit, [&](int64_t first, int64_t last, int thread) {
            float* const sums = reinterpret_cast<float*>(scratch) + thread * sums_floats();
            for (int64_t i = first * data_unit; i < std::min(inputs_, last * data_unit); i += data_inputs)
                columns(operands, i, std::min({inputs_, last * data_unit, i + data_inputs}), sums);
        });
    }

  private:
    int64_t sums_floats() const { return std::min<int64_t>(dst.n, images_at_a_time) * (data_inputs + padding); }

    /// The sums lie side by side until they are whole.
    void columns(const address* operands, int64_t first, int64_t last, float* sums) const {
        const int64_t diff_dst_pitch = image_pitch(problem_.dst), diff_src_pitch = image_pitch(dst), rows = problem_.dst.c;
        constexpr int64_t pitch = data_inputs + padding;
        const int64_t count = last - first;
        for (int64_t n = 0; n < dst.n; n += images_at_a_time) {
            const int64_t images = std::min<int64_t>(images_at_a_time, dst.n - n);
            float* const diff_src = operands[2].as<float>() + n * diff_src_pitch + first;
            for (int64_t image = 0; problem_.accumulate && image < images; image++)
                std::memcpy(sums + image * pitch, diff_src + image * diff_src_pitch, count * sizeof(float));
            for (int64_t k = 0; k < rows; k += data_rows) {
                const float* const weights = operands[1].as<float>() + k * inputs_ + first;
                kernels_.backward_data({weights, operands[0].as<float>() + n * diff_dst_pitch + k, sums, inputs_, diff_dst_pitch,
                                        pitch, std::min(data_rows, rows - k), images, count, k > 0 || problem_.accumulate,
                                        k + data_rows < rows ? weights + data_rows * inputs_ : nullptr});
            }
            for (int64_t image = 0; image < images; image++)
                std::memcpy(diff_src + image * diff_src_pitch, sums + image * pitch, count * sizeof(float));
        }
    }

    const linear_backward_data_problem problem_;
    const linear_training_kernels& kernels_;
    const int64_t inputs_;
};

class linear_backward_weights_blocks final : public op {
  public:
    linear_backward_weights_blocks(const linear_backward_weights_problem& problem, const linear_training_kernels& kernels)
        : op(parameter_tensor(problem.dst.c, static_cast<int32_t>(inputs_of(problem)), 1, 1)), problem_(problem),
          kernels_(kernels), inputs_(inputs_of(problem)) {}

    int operand_count() const override { return problem_.has_bias ? 4 : 3; }
    int destinations() const override { return problem_.has_bias ? 2 : 1; }
    int64_t flops() const override { return linear_training_flops(problem_); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t images = problem_.src.n, rows = problem_.dst.c;
        const int64_t src_pitch = image_pitch(problem_.src), diff_dst_pitch = image_pitch(problem_.dst);
        const float* const diff_dst = operands[1];
        if (problem_.has_bias) kernels_.sum_rows(diff_dst, diff_dst_pitch, images, operands[2], rows);
        const int64_t groups = (rows + linear_tile_rows - 1) / linear_tile_rows, width = std::min(inputs_, weights_inputs);
        const int64_t columns = (inputs_ + weights_inputs - 1) / weights_inputs;
        float* const diff_weights = operands[operand_count() - 1];
        const int64_t line = 64 / sizeof(float);
        const bool streams = rows * inputs_ >= least_streamed && inputs_ % line == 0 &&
                             reinterpret_cast<uintptr_t>(diff_weights) % 64 == 0;
        const auto block = [&](int64_t column, int64_t first, int64_t last) {
            const int64_t i = column * weights_inputs;
            kernels_.backward_weights({operands[0].as<float>() + i, diff_dst + first,
                                       diff_weights + first * inputs_ + i, src_pitch, diff_dst_pitch, inputs_, last - first,
                                       images, std::min(weights_inputs, inputs_ - i), streams});
        };
        // Units run down the rows of one column of blocks, whose inputs stay in cache, then of the next.
        const int64_t unit_bytes = linear_tile_rows * row_bytes(width, images);
        parallel_ranges(pool, columns * groups, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last;) {
                const int64_t column = unit / groups, end = std::min(last, (column + 1) * groups);
                block(column, unit % groups * linear_tile_rows, std::min(rows, (end - column * groups) * linear_tile_rows));
                unit = end;
            }
        });
    }

  private:
    const linear_backward_weights_problem problem_;
    const linear_training_kernels& kernels_;
    const int64_t inputs_;
};

}  // namespace

std::unique_ptr<op> create_linear_forward(const linear_forward_problem& problem, const linear_training_kernels& kernels) {
    return std::make_unique<linear_forward_blocks>(problem, kernels);
}

std::unique_ptr<op> create_linear_backward_data(const linear_backward_data_problem& problem,
                                                const linear_training_kernels& kernels) {
    return std::make_unique<linear_backward_data_blocks>(problem, kernels);
}

std::unique_ptr<op> create_linear_backward_weights(const linear_backward_weights_problem& problem,
                                                   const linear_training_kernels& kernels) {
    return std::make_unique<linear_backward_weights_blocks>(problem, kernels);
}

}  // namespace sextant
