// SPDX-License-Identifier: Apache-2.0
#include "lrn/lrn_backward.h"
#include "training.h"

namespace sextant::test {
namespace {

struct layer {
    layer(const sextant_tensor& src_shape, const sextant_tensor& diff_dst_shape, const sextant_tensor& diff_src_shape, int size,
          float beta, int first_channel = 0)
        : forward{src_shape, diff_dst_shape, size, 0.3f, beta, 1.5f}, src(src_shape, first_channel),
          diff_dst(diff_dst_shape, first_channel), diff_src(diff_src_shape), first(first_channel) {
        src.fill(1).spoil_halo();
        diff_dst.fill(2).spoil_halo();
    }
    sextant_lrn_backward problem(bool accumulate) const { return {forward, diff_dst.shape, diff_src, accumulate}; }
    std::vector<std::string> check(bool accumulate) const {
        auto unrounded = problem(accumulate);
        unrounded.diff_src.dtype = SEXTANT_F32;
        return compare_outcomes(lrn_backward_implementations(), problem(accumulate), {}, {&src, &diff_dst},
                                {{diff_src, accumulate ? 7u : 0u, first}}, 0x1p-19, &unrounded);
    }

    const sextant_lrn forward;
    const operand src, diff_dst;
    const sextant_tensor diff_src;
    const int first;
};

TEST(lrn_training, reference_agrees_with_finite_differences) {
    const int channels = 7;
    const auto shape = shaped(SEXTANT_NCHW, 1, channels, 1, 2);
    for (int size : {1, 2, 5})
        for (float beta : {0.75f, 0.5f}) {
            const layer a(shape, shape, shape, size, beta);
            const auto g = a.diff_dst.dense();
            const auto normalised = [&](const std::vector<double>& x) {
                auto y = x;
                for (int c = 0; c < channels; c++)
                    for (int i = 0; i < 2; i++) {
                        double sum = 0;
                        for (int j = std::max(0, c - size / 2); j <= std::min(channels - 1, c + (size - 1) / 2); j++)
                            sum += x[2 * j + i] * x[2 * j + i];
                        y[2 * c + i] /= std::pow(1.5f + 0.3f * sum, beta);
                    }
                return y;
            };
            const auto found =
                reference_outcome(lrn_backward_implementations(), a.problem(false), {}, {&a.src, &a.diff_dst}, {{shape}});
            expect_close(found[0], numeric_gradient(a.src.dense(), [&](const auto& x) { return dot(g, normalised(x)); }), 1e-6);
        }
}

TEST(lrn_training, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int size : {1, 2, 5, 37})
            for (int c : {1, 16, 21, 64})
                for (int w : {1, 5, 16, 19}) {
                    const auto bare = shaped(layout, 2, c, 3, w);
                    layer(bare, bare, bare, size, 0.75f).check(false);
                    layer(bare, shaped(layout, 2, c, 3, w, 1), shaped(layout, 2, c, 3, w, 2), size, 0.6f).check(true);
                }
}

TEST(lrn_training, bf16_is_rounded_once) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const auto bf16 = [](int c, int w, int halo = 0, int c_total = 0) {
        return stored_as(SEXTANT_BF16, shaped(SEXTANT_NCHW16C, 2, c, 3, w, halo, c_total));
    };
    for (int size : {1, 2, 5, 37})
        for (int c : {1, 16, 21, 64})
            for (int w : {1, 5, 19}) {
                EXPECT_EQ(layer(bf16(c, w), bf16(c, w), bf16(c, w), size, 0.75f).check(false),
                          std::vector<std::string>{"bf16_lrn_backward_avx512_bf16"});
                layer(bf16(c, w), bf16(c, w, 1), bf16(c, w, 2), size, 0.6f).check(true);
            }
    layer(bf16(17, 5, 0, 64), bf16(17, 5, 1, 48), bf16(17, 5, 0, 64), 5, 0.75f, 16).check(false);
}

TEST(lrn_training, many_pixels_and_slices) {
    for (int layout : layouts) {
        const auto bare = shaped(layout, 2, 64, 30, 29);
        layer(bare, bare, bare, 5, 0.75f).check(true);
        const auto slice = shaped(layout, 3, 17, 4, 5, 0, 64);
        layer(slice, shaped(layout, 3, 17, 4, 5, 1, 48), slice, 5, 0.75f, 16).check(false);
    }
}

}  // namespace
}  // namespace sextant::test
