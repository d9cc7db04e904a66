// SPDX-License-Identifier: Apache-2.0
#include "activation/activation_backward.h"
#include "training.h"

namespace sextant::test {
namespace {

constexpr int activations[] = {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID};

struct layer {
    layer(const sextant_tensor& dst_shape, const sextant_tensor& diff_dst_shape, const sextant_tensor& diff_src_shape,
          int first_channel = 0)
        : dst(dst_shape, first_channel), diff_dst(diff_dst_shape, first_channel), diff_src(diff_src_shape), first(first_channel) {
        dst.fill(1).spoil_halo();
        diff_dst.fill(2).spoil_halo();
    }

    sextant_activation_backward problem(int activation, bool accumulate) const {
        return {dst.shape, diff_dst.shape, diff_src, activation, accumulate};
    }
    std::vector<const operand*> sources(int activation) const {
        if (activation == SEXTANT_IDENTITY) return {&diff_dst};
        return {&dst, &diff_dst};
    }
    std::vector<std::string> check(int activation, bool accumulate) const {
        auto unrounded = problem(activation, accumulate);
        unrounded.diff_src.dtype = SEXTANT_F32;
        return compare_outcomes(activation_backward_implementations(), problem(activation, accumulate), {}, sources(activation),
                                {{diff_src, accumulate ? 7u : 0u, first}}, 0x1p-22, &unrounded);
    }

    const operand dst, diff_dst;
    const sextant_tensor diff_src;
    const int first;
};

TEST(activation_training, reference_agrees_with_finite_differences) {
    const auto shape = shaped(SEXTANT_NCHW, 2, 3, 2, 2);
    const layer a(shape, shape, shape);
    const operand src(shape);
    const auto x = src.fill(9, 2).dense(), g = a.diff_dst.dense();
    for (int activation : activations) {
        const auto value = [&](double at) {
            return activation == SEXTANT_RELU      ? std::max(0.0, at)
                   : activation == SEXTANT_TANH    ? std::tanh(at)
                   : activation == SEXTANT_SIGMOID ? 1 / (1 + std::exp(-at))
                                                   : at;
        };
        const auto apply = [&](std::vector<double> values) {
            for (double& v : values) v = value(v);
            return values;
        };
        a.dst.fill(apply(x));
        expect_close(reference_outcome(activation_backward_implementations(), a.problem(activation, false), {},
                                       a.sources(activation), {{shape}})[0],
                     numeric_gradient(x, [&](const auto& at) { return dot(g, apply(at)); }), 1e-6);
    }
}

TEST(activation_training, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int activation : activations)
            for (bool accumulate : {false, true})
                for (int c : {1, 16, 21})
                    for (int w : {1, 7, 16, 19}) {
                        const auto bare = shaped(layout, 2, c, 3, w), framed = shaped(layout, 2, c, 3, w, 1);
                        layer(bare, bare, bare).check(activation, accumulate);
                        layer(framed, bare, shaped(layout, 2, c, 3, w, 2)).check(activation, accumulate);
                    }
}

TEST(activation_training, many_pixels_and_slices) {
    for (int layout : layouts)
        for (int activation : activations) {
            const auto bare = shaped(layout, 2, 40, 61, 59);
            layer(bare, bare, bare).check(activation, true);
            const auto slice = shaped(layout, 3, 17, 4, 5, 0, 64);
            layer(slice, shaped(layout, 3, 17, 4, 5, 1, 48), slice, 16).check(activation, false);
        }
}

TEST(activation_training, bf16_is_rounded_once) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const auto bf16 = [](int n, int c, int h, int w, int halo = 0, int c_total = 0) {
        return stored_as(SEXTANT_BF16, shaped(SEXTANT_NCHW16C, n, c, h, w, halo, c_total));
    };
    for (int activation : activations)
        for (bool accumulate : {false, true}) {
            for (int c : {1, 16, 21})
                for (int w : {1, 7, 19}) {
                    layer(bf16(2, c, 3, w), bf16(2, c, 3, w), bf16(2, c, 3, w)).check(activation, accumulate);
                    layer(bf16(2, c, 3, w, 1), bf16(2, c, 3, w), bf16(2, c, 3, w, 2)).check(activation, accumulate);
                }
            const auto many = bf16(2, 40, 61, 59), slice = bf16(3, 17, 4, 5, 0, 64);
            const auto features = stored_as(SEXTANT_BF16, plain(3, 77));
            EXPECT_EQ(layer(many, many, many).check(activation, accumulate),
                      std::vector<std::string>{"bf16_activation_backward_avx512_bf16"});
            layer(slice, bf16(3, 17, 4, 5, 1, 48), slice, 16).check(activation, accumulate);
            layer(features, features, features).check(activation, accumulate);
        }
}

TEST(activation_training, mixed_layouts_are_left_to_the_reference) {
    const layer a(shaped(SEXTANT_NCHW, 1, 17, 4, 5), shaped(SEXTANT_NCHW16C, 1, 17, 4, 5, 1),
                  shaped(SEXTANT_NCHW8C, 1, 17, 4, 5));
    EXPECT_TRUE(a.check(SEXTANT_TANH, false).empty());
}

TEST(activation_training, the_gradient_may_be_replaced) {
    const auto shape = shaped(SEXTANT_NCHW16C, 2, 20, 7, 5);
    const layer a(shape, shape, shape);
    for (int activation : activations) {
        const auto problem = a.problem(activation, false);
        a.diff_dst.fill(2);
        const auto expected =
            reference_outcome(activation_backward_implementations(), problem, {}, a.sources(activation), {{shape}})[0];
        const device_traits device = devices().front();
        for (const auto& entry : activation_backward_implementations()) {
            if (!entry.refuses(problem, device).empty()) continue;
            a.diff_dst.fill(2);
            run(*entry.create(problem, {}, device), pool_of(2), a.sources(activation), a.diff_dst);
            expect_close(a.diff_dst.dense(), expected, 0x1p-23);
        }
    }
}

}  // namespace
}  // namespace sextant::test
