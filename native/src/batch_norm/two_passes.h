// SPDX-License-Identifier: Apache-2.0
// Two passes over each channel block of a batch, sums first and then what depends on them, so that the second finds in cache what
// the first has read. Whole blocks are handed out to threads; those left over are divided among all. The sums are made of parts
// that depend on the shape alone and are added in their order: the same bits whatever the threads.
#pragma once
#include "batch_norm/training_kernels.h"
#include "runtime/ranges.h"
#include "runtime/tensor.h"

namespace sextant {

class two_passes {
  public:
    explicit two_passes(const sextant_tensor& t)
        : shape_(t), rows_(int64_t{t.n} * t.h), part_rows_(std::max<int64_t>(1, part_pixels / t.w)),
          parts_((rows_ + part_rows_ - 1) / part_rows_) {}

    int64_t scratch_bytes() const { return parts_ * int64_t{sizeof(batch_norm_sums)}; }

    /// @param pixel_bytes of a block that both passes together read and write
    /// @param sum(block, image, y, rows, sums) adds to the sums
    /// @param finish(block, sums) tells what apply wants to know
    /// @param apply(block, image, y, rows, finish's result)
    template <class Sum, class Finish, class Apply>
    void run(thread_pool& pool, int64_t pixel_bytes, std::byte* scratch, Sum&& sum, Finish&& finish, Apply&& apply) const {
        const int64_t blocks = channel_blocks(shape_), block_bytes = rows_ * shape_.w * pixel_bytes;
        const int64_t whole = block_bytes < least_divided_bytes ? blocks : blocks / pool.threads() * pool.threads();
        parallel_ranges(pool, whole, block_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t block = first; block < last; block++) {
                batch_norm_sums total{};
                for (int64_t part = 0; part < parts_; part++) {
                    batch_norm_sums sums{};
                    each_section(part, [&](int64_t image, int64_t y, int64_t rows) { sum(block, image, y, rows, sums); });
                    total.add(sums);
                }
                const auto known = finish(block, total);
                // Backwards: what was read last is still near.
                for (int64_t part = parts_; part-- > 0;)
                    each_section(part, [&](int64_t image, int64_t y, int64_t rows) { apply(block, image, y, rows, known); });
            }
        });
        auto* const sums = reinterpret_cast<batch_norm_sums*>(scratch);
        const int64_t part_bytes = block_bytes / parts_ / 2;
        for (int64_t block = whole; block < blocks; block++) {
            parallel_ranges(pool, parts_, part_bytes, [&](int64_t first, int64_t last, int) {
                for (int64_t part = first; part < last; part++) {
                    sums[part] = {};
                    each_section(part, [&](int64_t image, int64_t y, int64_t rows) { sum(block, image, y, rows, sums[part]); });
                }
            });
            batch_norm_sums total{};
            for (int64_t part = 0; part < parts_; part++) total.add(sums[part]);
            const auto known = finish(block, total);
            parallel_ranges(pool, parts_, part_bytes, [&](int64_t first, int64_t last, int) {
                for (int64_t part = first; part < last; part++)
                    each_section(part, [&](int64_t image, int64_t y, int64_t rows) { apply(block, image, y, rows, known); });
            });
        }
    }

  private:
    static constexpr int64_t part_pixels = 4096;
    static constexpr int64_t least_divided_bytes = 512 * 1024;

    /// The rows of a part, image by image.
    template <class Body>
    void each_section(int64_t part, Body&& body) const {
        const int64_t end = std::min(rows_, (part + 1) * part_rows_);
        for (int64_t row = part * part_rows_; row < end;) {
            const int64_t image = row / shape_.h, y = row % shape_.h, rows = std::min(shape_.h - y, end - row);
            body(image, y, rows);
            row += rows;
        }
    }

    const sextant_tensor shape_;
    const int64_t rows_, part_rows_, parts_;
};

/// A rectangle of rows without gaps in any operand is one long row.
inline batch_norm_pixels area_of(const sextant_tensor& shape, int64_t rows, bool gaps) {
    return gaps ? batch_norm_pixels{rows, shape.w} : batch_norm_pixels{1, rows * shape.w};
}

/// Offset of the first pixel of row y of a channel block.
inline int64_t row_offset(const sextant_tensor& t, int64_t image, int64_t block, int64_t y) {
    return image * image_pitch(t) + block * plane_pitch(t) + origin(t) + y * row_pitch(t);
}

/// A block's share of `count` plain values, zero past the last.
inline batch_norm_lanes lanes_of(const float* values, int64_t first, int64_t count, int64_t block) {
    batch_norm_lanes lanes{};
    for (int64_t lane = 0; lane < std::min(block, count - first); lane++) lanes.of[lane] = values[first + lane];
    return lanes;
}

}  // namespace sextant
