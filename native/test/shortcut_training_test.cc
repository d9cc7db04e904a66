// SPDX-License-Identifier: Apache-2.0
#include "shortcut/shortcut.h"
#include "shortcut/shortcut_backward.h"
#include "training.h"

namespace sextant::test {
namespace {

/// diff_dst of twice the channels.
std::vector<std::string> check(const sextant_tensor& diff_src, int dst_layout, int dst_channels, int stride, bool accumulate,
                               int halo = 0) {
    const int p = (diff_src.h - 1) / stride + 1, q = (diff_src.w - 1) / stride + 1;
    const auto diff_dst_shape = stored_as(diff_src.dtype, shaped(dst_layout, diff_src.n, dst_channels, p, q, halo));
    const operand diff_dst(diff_dst_shape);
    diff_dst.fill(2).spoil_halo();
    const shortcut_backward_problem problem{{diff_src, diff_dst_shape, stride}, accumulate};
    auto unrounded = problem;
    unrounded.src.dtype = SEXTANT_F32;
    return compare_outcomes(shortcut_backward_implementations(), problem, {}, {&diff_dst}, {{diff_src, accumulate ? 7u : 0u}},
                            0x1p-23, &unrounded);
}

TEST(shortcut_training, reference_is_the_transpose_of_the_forward_pass) {
    const auto src_shape = shaped(SEXTANT_NCHW, 2, 3, 5, 4), dst_shape = shaped(SEXTANT_NCHW, 2, 8, 3, 2);
    const operand src(src_shape), diff_dst(dst_shape);
    src.fill(1);
    diff_dst.fill(2);
    const auto dst = reference_of(shortcut_implementations(), {src_shape, dst_shape, 2}, {}, {&src}, dst_shape);
    const auto diff_src = reference_outcome(shortcut_backward_implementations(), {{src_shape, dst_shape, 2}, 0}, {}, {&diff_dst},
                                            {{src_shape}})[0];
    EXPECT_NEAR(dot(dst, diff_dst.dense()), dot(src.dense(), diff_src), 1e-6);
}

TEST(shortcut_training, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int c : {3, 16, 24, 32})
            for (int stride : {1, 2, 3})
                for (bool accumulate : {false, true})
                    for (int w : {1, 7, 16}) {
                        check(shaped(layout, 2, c, 5, w), layout, 2 * c, stride, accumulate);
                        check(shaped(layout, 2, c, 6, w, 1, c + 16), layout, 2 * c + 5, stride, accumulate, 1);
                    }
}

TEST(shortcut_training, bf16_is_rounded_once) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const auto bf16 = [](int c, int h, int w, int halo = 0, int c_total = 0) {
        return stored_as(SEXTANT_BF16, shaped(SEXTANT_NCHW16C, 2, c, h, w, halo, c_total));
    };
    for (int c : {3, 16, 24, 32})
        for (int stride : {1, 2, 3})
            for (bool accumulate : {false, true}) {
                EXPECT_EQ(check(bf16(c, 5, 7), SEXTANT_NCHW16C, 2 * c, stride, accumulate),
                          std::vector<std::string>{"bf16_shortcut_backward_avx512_bf16"});
                check(bf16(c, 6, 16, 1, c + 16), SEXTANT_NCHW16C, 2 * c + 5, stride, accumulate, 1);
            }
}

TEST(shortcut_training, mixed_layouts_are_left_to_the_reference) {
    EXPECT_TRUE(check(shaped(SEXTANT_NCHW, 2, 16, 8, 8), SEXTANT_NCHW16C, 32, 2, true).empty());
}

}  // namespace
}  // namespace sextant::test
