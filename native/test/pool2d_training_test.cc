// SPDX-License-Identifier: Apache-2.0
#include "pool2d/pool2d.h"
#include "pool2d/pool2d_backward.h"
#include "training.h"

namespace sextant::test {
namespace {

struct shape {
    int kernel, stride, pad;
    bool ceil = false;
    int dilation = 1;
};

sextant_pool2d forward_of(int kind, const shape& s, const sextant_tensor& src, sextant_tensor dst) {
    const auto out = [&](int size) {
        const int span = (s.kernel - 1) * s.dilation + 1;
        int outputs = (size + 2 * s.pad - span + (s.ceil ? s.stride - 1 : 0)) / s.stride + 1;
        if ((outputs - 1) * s.stride - s.pad >= size) outputs--;
        return outputs;
    };
    dst.h = out(src.h);
    dst.w = out(src.w);
    return {src, dst, kind, s.kernel, s.kernel, s.stride, s.stride, s.pad, s.pad, s.pad, s.pad, s.dilation, s.dilation, 0};
}

/// diff_dst in the layout of forward.dst, diff_src in that of `diff_src`.
std::vector<std::string> check(const sextant_pool2d& forward, const sextant_tensor& diff_src, bool accumulate,
                               int first_channel = 0, double levels = 0) {
    const sextant_pool2d_backward problem{forward, forward.dst, diff_src, accumulate};
    auto unrounded = problem;
    unrounded.diff_src.dtype = SEXTANT_F32;
    const operand src(forward.src, first_channel), diff_dst(forward.dst, first_channel);
    src.fill_with([&](int n, int c, int y, int x) {
        const double value = noise(1, ((uint64_t(n) * 99 + c) * 99 + y) * 99 + x);
        return levels ? std::round(value * levels) / levels : value;  // few levels: many largest pixels
    });
    src.spoil_halo();
    diff_dst.fill(2).spoil_halo();
    std::vector<const operand*> sources{&src, &diff_dst};
    if (forward.kind != SEXTANT_POOL_MAX) sources.erase(sources.begin());
    return compare_outcomes(pool2d_backward_implementations(), problem, {}, sources,
                            {{diff_src, accumulate ? 7u : 0u, first_channel}}, 0x1p-21, &unrounded);
}

constexpr int kinds[] = {SEXTANT_POOL_MAX, SEXTANT_POOL_AVERAGE, SEXTANT_POOL_AVERAGE_WITH_PAD};

constexpr shape shapes[] = {{2, 2, 0}, {3, 2, 0}, {3, 2, 1}, {3, 2, 0, true}, {3, 1, 1}, {2, 2, 0, true}, {3, 2, 1, true},
                            {2, 1, 0}, {5, 3, 2}, {3, 3, 1, true}, {3, 1, 1, false, 2}};

TEST(pool2d_training, reference_agrees_with_finite_differences) {
    const auto src_shape = shaped(SEXTANT_NCHW, 2, 2, 6, 5);
    const operand src(src_shape);
    src.fill(1);
    for (int kind : {SEXTANT_POOL_MAX, SEXTANT_POOL_AVERAGE, SEXTANT_POOL_AVERAGE_WITH_PAD, SEXTANT_POOL_AVERAGE_ADAPTIVE})
        for (const shape& s : shapes) {
            auto forward = forward_of(kind, s, src_shape, shaped(SEXTANT_NCHW, 2, 2, 1, 1));
            if (kind == SEXTANT_POOL_AVERAGE_ADAPTIVE) forward.dst.h = 4, forward.dst.w = 3;
            const operand diff_dst(forward.dst);
            const auto g = diff_dst.fill(2).dense();
            // Pooling is linear while the same pixels are largest: steps may be as large as float32 asks for.
            constexpr double step = 0x1p-10;
            std::vector<double> expected;
            for (int n = 0; n < 2; n++)
                for (int c = 0; c < 2; c++)
                    for (int y = 0; y < 6; y++)
                        for (int x = 0; x < 5; x++) {
                            const double at = src.value(n, c, y, x);
                            const auto loss = [&](double value) {
                                src.put(n, c, y, x, value);
                                return dot(g, reference_of(pool2d_implementations(), forward, {}, {&src}, forward.dst));
                            };
                            const double above = loss(at + step), below = loss(at - step);
                            expected.push_back((above - below) / (2 * step));
                            src.put(n, c, y, x, at);
                        }
            std::vector<const operand*> sources{&src, &diff_dst};
            if (kind != SEXTANT_POOL_MAX) sources.erase(sources.begin());
            expect_close(reference_outcome(pool2d_backward_implementations(), {forward, forward.dst, src_shape, 0}, {}, sources,
                                           {{src_shape}})[0],
                         expected, 4e-4);
        }
}

TEST(pool2d_training, the_first_of_equal_pixels_gets_the_gradient) {
    const auto forward =
        forward_of(SEXTANT_POOL_MAX, {2, 2, 0}, shaped(SEXTANT_NCHW, 1, 1, 2, 4), shaped(SEXTANT_NCHW, 1, 1, 1, 1));
    const operand src(forward.src), diff_dst(forward.dst);
    src.fill({0, 0, 1, 2, 0, 0, 2, 0});
    diff_dst.fill({3, 5});
    expect_close(reference_outcome(pool2d_backward_implementations(), {forward, forward.dst, forward.src, 0}, {},
                                   {&src, &diff_dst}, {{forward.src}})[0],
                 {3, 0, 0, 5, 0, 0, 0, 0}, 0);
}

TEST(pool2d_training, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int kind : kinds)
            for (const shape& s : shapes)
                for (int w : {5, 6, 11, 18})
                    for (bool flag : {false, true}) {
                        const int c = flag ? 5 : 33;
                        const auto src = shaped(layout, 2, c, 7, w, flag), dst = shaped(layout, 2, c, 1, 1, 1);
                        check(forward_of(kind, s, src, dst), shaped(layout, 2, c, 7, w, 1), flag, 0, flag ? 2 : 0);
                        if (!flag) check(forward_of(kind, s, src, shaped(layout, 2, c, 1, 1)), src, flag, 0, 1);
                    }
}

/// Windows that overlap, leave gaps or end before the image does: sums are kept in float32 and rounded once.
TEST(pool2d_training, bf16_is_rounded_once) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const auto bf16 = [](int c, int h, int w, int halo = 0, int c_total = 0) {
        return stored_as(SEXTANT_BF16, shaped(SEXTANT_NCHW16C, 2, c, h, w, halo, c_total));
    };
    const std::vector<std::string> narrow{"bf16_pool2d_backward_avx512_bf16"};
    for (int kind : kinds) {
        for (const shape& s : shapes)
            for (int w : {5, 6, 11})
                for (bool flag : {false, true}) {
                    const int c = flag ? 5 : 33;
                    const auto src = bf16(c, 7, w, flag), dst = flag ? bf16(c, 1, 1, 1) : stored_as(SEXTANT_F32, bf16(c, 1, 1));
                    EXPECT_EQ(check(forward_of(kind, s, src, dst), bf16(c, 7, w, 1), flag, 0, flag ? 2 : 0), narrow);
                }
        for (const shape& s : {shape{1, 2, 0}, {2, 3, 0}, {2, 5, 0}, {3, 1, 3, false, 3}})
            for (bool accumulate : {false, true})
                check(forward_of(kind, s, bf16(20, 12, 13), bf16(20, 1, 1)), bf16(20, 12, 13), accumulate);
        const auto slice = bf16(24, 28, 28, 0, 48);
        check(forward_of(kind, {3, 2, 1}, slice, bf16(24, 1, 1, 1, 64)), bf16(24, 28, 28, 1, 80), true, 16);
    }
    for (int32_t dtype : {SEXTANT_BF16, SEXTANT_F32})
        for (int layout : {SEXTANT_NCHW, SEXTANT_NCHW16C})
            for (bool accumulate : {false, true}) {
                const auto src = bf16(20, 7, 8), pixel = stored_as(dtype, shaped(layout, 2, 20, 1, 1));
                EXPECT_EQ(check({src, pixel, SEXTANT_POOL_AVERAGE, 7, 8, 1, 1, 0, 0, 0, 0, 1, 1, 0}, src, accumulate), narrow);
                EXPECT_EQ(check({src, bf16(20, 3, 2), SEXTANT_POOL_AVERAGE_ADAPTIVE}, src, accumulate), narrow);
            }
}

TEST(pool2d_training, global_and_adaptive_averages) {
    for (int layout : layouts)
        for (int size : {1, 7, 8})
            for (bool accumulate : {false, true}) {
                const auto src = shaped(layout, 3, 20, size, size), framed = shaped(layout, 3, 20, size, size, 1);
                const auto pixel = shaped(layout, 3, 20, 1, 1);
                sextant_pool2d global{src, pixel, SEXTANT_POOL_AVERAGE, size, size, 1, 1, 0, 0, 0, 0, 1, 1, 0};
                check(global, framed, accumulate);
                global.dst = shaped(SEXTANT_NCHW, 3, 20, 1, 1);
                check(global, src, accumulate);
                sextant_pool2d adaptive{src, shaped(layout, 3, 20, 3, 2), SEXTANT_POOL_AVERAGE_ADAPTIVE};
                check(adaptive, framed, accumulate);
                adaptive.dst = shaped(SEXTANT_NCHW, 3, 20, 1, 1);
                check(adaptive, framed, accumulate);
            }
}

TEST(pool2d_training, shapes_of_the_networks_and_slices) {
    for (int layout : layouts)
        for (bool accumulate : {false, true}) {
            check(forward_of(SEXTANT_POOL_MAX, {3, 2, 1}, shaped(layout, 2, 24, 56, 56), shaped(layout, 2, 24, 1, 1, 1)),
                  shaped(layout, 2, 24, 56, 56), accumulate);
            const auto slice = shaped(layout, 2, 24, 28, 28, 0, 48);
            check(forward_of(SEXTANT_POOL_MAX, {3, 1, 1}, slice, shaped(layout, 2, 24, 1, 1, 1, 64)),
                  shaped(layout, 2, 24, 28, 28, 1, 80), accumulate, 16);
        }
}

}  // namespace
}  // namespace sextant::test
