// SPDX-License-Identifier: Apache-2.0
#include "linear/linear_training.h"

#include "training.h"

namespace sextant::test {
namespace {

sextant_linear problem_of(const sextant_tensor& src, const sextant_tensor& dst, int activation = SEXTANT_IDENTITY) {
    return {src, dst, activation};
}

int64_t inputs_of(const sextant_tensor& t) { return int64_t{t.c} * t.h * t.w; }

std::vector<double> product_of(const std::vector<double>& src, const std::vector<double>& weights, int n, int k, int64_t inputs) {
    std::vector<double> dst(n * k);
    for (int image = 0; image < n; image++)
        for (int out = 0; out < k; out++)
            for (int64_t i = 0; i < inputs; i++) dst[image * k + out] += src[image * inputs + i] * weights[out * inputs + i];
    return dst;
}

struct layer {
    layer(const sextant_tensor& src_shape, const sextant_tensor& dst_shape, int src_channel = 0, int dst_channel = 0)
        : src(src_shape, src_channel), weights(plain(dst_shape.c, inputs_of(src_shape))), bias(plain(1, dst_shape.c)),
          diff_dst(dst_shape, dst_channel), src_channel(src_channel), dst_channel(dst_channel) {
        src.fill(1).spoil_halo();
        weights.fill(2);
        bias.fill(3);
        diff_dst.fill(4).spoil_halo();
    }

    void check_forward(int activation, bool has_bias) const {
        const linear_forward_problem problem{problem_of(src.shape, diff_dst.shape, activation), has_bias};
        std::vector<const operand*> sources{&src, &weights};
        if (has_bias) sources.push_back(&bias);
        compare_outcomes(linear_forward_implementations(), problem, {}, sources, {{diff_dst.shape, 0, dst_channel}},
                         tolerance(inputs_of(src.shape)));
    }
    void check_backward_data(bool accumulate) const {
        const linear_backward_data_problem problem{problem_of(src.shape, diff_dst.shape), accumulate};
        compare_outcomes(linear_backward_data_implementations(), problem, {}, {&diff_dst, &weights},
                         {{src.shape, accumulate ? 7u : 0u, src_channel}}, tolerance(diff_dst.shape.c));
    }
    void check_backward_weights(bool has_bias) const {
        const linear_backward_weights_problem problem{problem_of(src.shape, diff_dst.shape), has_bias};
        std::vector<destination> destinations{{weights.shape}};
        if (has_bias) destinations.insert(destinations.begin(), {bias.shape});
        compare_outcomes(linear_backward_weights_implementations(), problem, {}, {&src, &diff_dst}, destinations,
                         tolerance(src.shape.n));
    }
    void check_all() const {
        for (bool flag : {false, true}) {
            check_forward(flag ? SEXTANT_RELU : SEXTANT_IDENTITY, flag);
            check_backward_data(flag);
            check_backward_weights(flag);
        }
    }

    const operand src, weights, bias, diff_dst;
    const int src_channel, dst_channel;
};

TEST(linear_training, reference_agrees_with_finite_differences) {
    const int n = 3, k = 4;
    const layer a(shaped(SEXTANT_NCHW, n, 2, 2, 3), plain(n, k));
    const int64_t inputs = inputs_of(a.src.shape);
    const auto src = a.src.dense(), weights = a.weights.dense(), bias = a.bias.dense(), g = a.diff_dst.dense();
    auto expected = product_of(src, weights, n, k, inputs);
    for (int i = 0; i < n * k; i++) expected[i] = std::tanh(expected[i] + bias[i % k]);
    expect_close(reference_outcome(linear_forward_implementations(), {problem_of(a.src.shape, plain(n, k), SEXTANT_TANH), 1}, {},
                                   {&a.src, &a.weights, &a.bias}, {{plain(n, k)}})[0],
                 expected, 0x1p-23);
    expect_close(reference_outcome(linear_backward_data_implementations(), {problem_of(a.src.shape, plain(n, k)), 0}, {},
                                   {&a.diff_dst, &a.weights}, {{a.src.shape}})[0],
                 numeric_gradient(src, [&](const auto& x) { return dot(g, product_of(x, weights, n, k, inputs)); }), 1e-6);
    const auto found = reference_outcome(linear_backward_weights_implementations(), {problem_of(a.src.shape, plain(n, k)), 1}, {},
                                         {&a.src, &a.diff_dst}, {{a.bias.shape}, {a.weights.shape}});
    expect_close(found[1],
                 numeric_gradient(weights, [&](const auto& w) { return dot(g, product_of(src, w, n, k, inputs)); }), 1e-6);
    std::vector<double> sums(k);
    for (int i = 0; i < n * k; i++) sums[i % k] += g[i];
    expect_close(found[0], sums, 0x1p-23);
}

TEST(linear_training, accumulated_gradients_are_sums) {
    const layer a(plain(2, 5), plain(2, 3));
    const auto once = reference_outcome(linear_backward_data_implementations(), {problem_of(plain(2, 5), plain(2, 3)), 0}, {},
                                        {&a.diff_dst, &a.weights}, {{plain(2, 5)}})[0];
    const auto added = reference_outcome(linear_backward_data_implementations(), {problem_of(plain(2, 5), plain(2, 3)), 1}, {},
                                         {&a.diff_dst, &a.weights}, {{plain(2, 5), 7}})[0];
    const operand before(plain(2, 5));
    auto expected = before.fill(7).dense();
    for (size_t i = 0; i < once.size(); i++) expected[i] += once[i];
    expect_close(added, expected, 0x1p-23);
}

TEST(linear_training, every_entry_equals_the_reference) {
    for (int n : {1, 2, 5, 6, 7, 13, 64})
        for (int k : {1, 3, 4, 10, 17})
            for (int i : {1, 15, 16, 33, 84, 400}) layer(plain(n, i), plain(n, k)).check_all();
}

TEST(linear_training, shapes_of_the_networks) {
    layer(plain(64, 400), plain(64, 120)).check_all();
    layer(shaped(SEXTANT_NCHW, 16, 32, 7, 7), plain(16, 130)).check_all();
    layer(plain(100, 2051), plain(100, 70)).check_all();
    layer(plain(3, 9216), plain(3, 41)).check_all();
}

TEST(linear_training, any_layout_and_slice) {
    layer(shaped(SEXTANT_NCHW16C, 3, 20, 2, 3, 1), shaped(SEXTANT_NCHW8C, 3, 13, 1, 1, 1)).check_all();
    layer(shaped(SEXTANT_NCHW, 3, 20, 1, 1, 0, 50), shaped(SEXTANT_NCHW, 3, 13, 1, 1, 0, 30), 11, 7).check_all();
    layer(shaped(SEXTANT_NCHW, 3, 5, 2, 2, 0, 9), shaped(SEXTANT_NCHW, 3, 13, 1, 1, 0, 30), 2, 17).check_all();
}

TEST(linear_training, every_activation) {
    for (int activation : {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID})
        layer(plain(5, 40), plain(5, 11)).check_forward(activation, true);
}

}  // namespace
}  // namespace sextant::test
