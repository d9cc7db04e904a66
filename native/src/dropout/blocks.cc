// SPDX-License-Identifier: Apache-2.0
// Dropout of pictures in blocks of channels, one channel block of one image after the other.
#include "dropout/dropout_lists.h"
#include "dropout/mask.h"
#include "runtime/ranges.h"
#include "runtime/training_state.h"

namespace sextant {
namespace {

class dropout_blocks final : public op {
  public:
    dropout_blocks(const sextant_dropout& problem, const dropout_kernels& kernels)
        : op(problem.dst), problem_(problem), kernel_(kernels.pixels) {}

    int operand_count() const override { return 3; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& src = problem_.src;
        const dropout_run all = dropout_mask(problem_, training_state_at(operands[1])).run();
        const int64_t block = block_of(dst), blocks = channel_blocks(dst), plane = int64_t{dst.h} * dst.w;
        const auto at = [&](const sextant_tensor& t, const address& operand, int64_t n, int64_t b) {
            return operand.as<std::byte>() + element_bytes(t) * (n * image_pitch(t) + b * plane_pitch(t) + origin(t));
        };
        // A random number takes about as long as moving some ten floats.
        parallel_ranges(pool, dst.n * blocks, 10 * plane * block * int64_t{sizeof(float)},
                        [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t n = unit / blocks, b = unit % blocks;
                dropout_block pixels{all, row_pitch(src), row_pitch(dst), dst.h, dst.w,
                                     static_cast<int>(std::min(block, dst.c - b * block))};
                pixels.src = at(src, operands[0], n, b);
                pixels.dst = at(dst, operands[2], n, b);
                pixels.first = (n * dst.c + b * block) * plane;
                kernel_(pixels);
            }
        });
    }

  private:
    const sextant_dropout problem_;
    void (*const kernel_)(const dropout_block&);
};

}  // namespace

std::unique_ptr<op> create_dropout_blocks(const sextant_dropout& problem, const dropout_kernels& kernels) {
    return std::make_unique<dropout_blocks>(problem, kernels);
}

}  // namespace sextant
