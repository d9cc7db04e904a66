// SPDX-License-Identifier: Apache-2.0
#include "shortcut/shortcut.h"

#include "testing.h"

namespace sextant::test {
namespace {

std::vector<std::string> check(const operand& src, const sextant_tensor& dst, int stride, int first_channel = 0) {
    return compare_entries(shortcut_implementations(), sextant_shortcut{src.shape, dst, stride}, {}, {&src}, dst, first_channel, 0);
}

TEST(shortcut, reference_takes_every_other_pixel_and_pads_channels_on_both_sides) {
    const operand src(shaped(SEXTANT_NCHW, 1, 2, 3, 3));
    src.fill({1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19});
    const auto dst = shaped(SEXTANT_NCHW8C, 1, 5, 2, 2, 1);  // one channel of zeros before, two after
    expect_close(reference_of(shortcut_implementations(), {src.shape, dst, 2}, {}, {&src}, dst),
                 {0, 0, 0, 0, 1, 3, 7, 9, 11, 13, 17, 19, 0, 0, 0, 0, 0, 0, 0, 0}, 0);
}

TEST(shortcut, every_entry_equals_the_reference) {
    const std::pair<int, int> channels[] = {{16, 32}, {32, 64}, {16, 16}, {5, 10}, {3, 40}, {17, 24}, {24, 57}};
    for (int layout : layouts)
        for (const auto& [c, k] : channels)
            for (int w : {1, 2, 7, 16, 17})
                for (int stride : {1, 2, 3})
                    for (int n : {1, 3}) {
                        const operand src(shaped(layout, n, c, 5, w, 1, c + 16), 16);
                        src.fill(c).spoil_halo();
                        const int p = (5 + stride - 1) / stride, q = (w + stride - 1) / stride;
                        const bool fast = !check(src, shaped(layout, n, k, p, q, 0, k + 32), stride, 32).empty();
                        EXPECT_TRUE(fast || layout != SEXTANT_NCHW8C);
                        check(src, shaped(layout, n, k, p, q, 2), stride);
                    }
}

TEST(shortcut, narrow_types_pad_with_what_means_zero) {
    const std::pair<int, int> channels[] = {{16, 32}, {16, 16}, {5, 10}, {3, 40}, {24, 57}};
    for (int dtype : {SEXTANT_BF16, SEXTANT_U8})
        for (float scale : {1.0f / 64, 1.0f / 50})
            for (const auto& [c, k] : channels)
                for (int w : {1, 7, 16, 17})
                    for (int stride : {1, 2, 3}) {
                        const operand src(stored_as(dtype, shaped(SEXTANT_NCHW16C, 2, c, 5, w, 1, c + 16)), 16);
                        src.fill(c).spoil_halo();
                        const int p = (5 + stride - 1) / stride, q = (w + stride - 1) / stride;
                        const auto slice = stored_as(dtype, shaped(SEXTANT_NCHW16C, 2, k, p, q, 0, k + 32), scale);
                        EXPECT_EQ(check(src, slice, stride, 32).empty(), !has_narrow_kernels());
                        check(src, stored_as(dtype, shaped(SEXTANT_NCHW16C, 2, k, p, q, 2), scale), stride);
                    }
}

}  // namespace
}  // namespace sextant::test
