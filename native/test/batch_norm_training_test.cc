// SPDX-License-Identifier: Apache-2.0
#include "batch_norm/batch_norm_backward.h"
#include "batch_norm/batch_norm_forward.h"
#include "training.h"

namespace sextant::test {
namespace {

constexpr float eps = 1e-3f, momentum = 0.1f;

struct layer {
    sextant_tensor src_shape, dst_shape;
    int activation = SEXTANT_IDENTITY;
    bool has_residual = false;
    bool accumulate = false;
    int first_channel = 0;
    double centre = 0.5;
    sextant_tensor gradient_shape = dst_shape;

    sextant_batch_norm_forward forward() const {
        return {src_shape, dst_shape, activation, has_residual, dst_shape, eps, momentum};
    }
    sextant_batch_norm_backward backward() const {
        return {forward(), gradient_shape, src_shape, gradient_shape, accumulate};
    }
};

struct tensors {
    explicit tensors(const layer& a)
        : src(a.src_shape, a.first_channel), residual(a.dst_shape, a.first_channel), dst(a.dst_shape, a.first_channel),
          diff_dst(a.gradient_shape, a.first_channel), gamma(plain(1, a.src_shape.c)), beta(plain(1, a.src_shape.c)),
          saved(plain(1, 2 * a.src_shape.c)) {
        src.fill(1, 1, a.centre).spoil_halo();
        residual.fill(2).spoil_halo();
        dst.fill(3).spoil_halo();
        diff_dst.fill(4, 1, 0.1).spoil_halo();
        gamma.fill(5, 1, 0.5);
        beta.fill(6);
        fill_statistics();
    }

    /// Those of src, for the backward pass.
    void fill_statistics() const {
        const sextant_tensor& t = src.shape;
        for (int c = 0; c < t.c; c++) {
            double sum = 0, squares = 0;
            for (int n = 0; n < t.n; n++)
                for (int y = 0; y < t.h; y++)
                    for (int x = 0; x < t.w; x++) sum += src.value(n, c, y, x);
            const double count = double(t.n) * t.h * t.w, mean = sum / count;
            for (int n = 0; n < t.n; n++)
                for (int y = 0; y < t.h; y++)
                    for (int x = 0; x < t.w; x++) squares += (src.value(n, c, y, x) - mean) * (src.value(n, c, y, x) - mean);
            saved.put(0, c, 0, 0, mean);
            saved.put(0, t.c + c, 0, 0, 1 / std::sqrt(squares / count + eps));
        }
    }

    std::vector<const operand*> forward_sources(bool has_residual) const {
        if (has_residual) return {&src, &residual, &gamma, &beta};
        return {&src, &gamma, &beta};
    }
    std::vector<const operand*> backward_sources(bool activates) const {
        if (activates) return {&src, &dst, &diff_dst, &gamma, &saved};
        return {&src, &diff_dst, &gamma, &saved};
    }

    const operand src, residual, dst, diff_dst, gamma, beta, saved;
};

/// running_mean, running_var, saved, dst
std::vector<destination> forward_destinations(const layer& a) {
    const int c = a.src_shape.c;
    return {{plain(1, c), 11}, {plain(1, c), 12, 0, 1, 2}, {plain(1, 2 * c)}, {a.dst_shape, 0, a.first_channel}};
}

/// diff_gamma, diff_beta, [diff_residual,] diff_src
std::vector<destination> backward_destinations(const layer& a) {
    std::vector<destination> all{{plain(1, a.src_shape.c)}, {plain(1, a.src_shape.c)}};
    if (a.has_residual) all.push_back({a.gradient_shape, 0, a.first_channel});
    all.push_back({a.src_shape, a.accumulate ? 13u : 0u, a.first_channel});
    return all;
}

std::vector<std::string> check_forward(const layer& a) {
    const tensors t(a);
    auto unrounded = a.forward();
    unrounded.dst.dtype = SEXTANT_F32;
    return compare_outcomes(batch_norm_forward_implementations(), a.forward(), {}, t.forward_sources(a.has_residual),
                            forward_destinations(a), 0x1p-20 * (1 + std::abs(a.centre) / 8), &unrounded);
}

std::vector<std::string> check_backward(const layer& a) {
    const tensors t(a);
    auto unrounded = a.backward();
    unrounded.diff_src.dtype = unrounded.diff_residual.dtype = SEXTANT_F32;
    return compare_outcomes(batch_norm_backward_implementations(), a.backward(), {},
                            t.backward_sources(a.activation != SEXTANT_IDENTITY), backward_destinations(a), 0x1p-19, &unrounded);
}

/// dst in double, from dense values; n images of c channels of `pixels`.
std::vector<double> normalised(const std::vector<double>& src, const std::vector<double>& gamma, const std::vector<double>& beta,
                               const std::vector<double>& residual, bool relu, int n, int c, int pixels) {
    std::vector<double> dst(src.size());
    for (int channel = 0; channel < c; channel++) {
        const auto each = [&](auto&& visit) {
            for (int image = 0; image < n; image++)
                for (int i = 0; i < pixels; i++) visit((image * c + channel) * pixels + i);
        };
        double sum = 0, squares = 0;
        each([&](int i) { sum += src[i]; });
        const double mean = sum / (n * pixels);
        each([&](int i) { squares += (src[i] - mean) * (src[i] - mean); });
        const double inverse = 1 / std::sqrt(squares / (n * pixels) + eps);
        each([&](int i) {
            dst[i] = gamma[channel] * (src[i] - mean) * inverse + beta[channel] + residual[i];
            if (relu && dst[i] < 0) dst[i] = 0;
        });
    }
    return dst;
}

TEST(batch_norm_training, reference_follows_the_formula_and_finite_differences) {
    const int n = 2, c = 3, h = 2, w = 3;
    const layer a{shaped(SEXTANT_NCHW, n, c, h, w), shaped(SEXTANT_NCHW, n, c, h, w), SEXTANT_RELU, true};
    const tensors t(a);
    const auto src = t.src.dense(), gamma = t.gamma.dense(), beta = t.beta.dense(), residual = t.residual.dense(),
               g = t.diff_dst.dense();
    const auto dst_of = [&](const auto& at_src, const auto& at_gamma, const auto& at_beta, const auto& at_residual) {
        return normalised(at_src, at_gamma, at_beta, at_residual, true, n, c, h * w);
    };
    const auto dst = dst_of(src, gamma, beta, residual);
    const auto found = reference_outcome(batch_norm_forward_implementations(), a.forward(), {}, t.forward_sources(true),
                                         forward_destinations(a));
    expect_close(found[3], dst, 0x1p-21);
    expect_close(found[2], t.saved.dense(), 0x1p-22);

    const operand mean(plain(1, c)), variance(plain(1, c));
    auto running_mean = mean.fill(11).dense(), running_variance = variance.fill(12, 1, 2).dense();
    for (int i = 0; i < c; i++) {
        const double inverse = t.saved.value(0, c + i, 0, 0), count = n * h * w;
        running_mean[i] += momentum * (t.saved.value(0, i, 0, 0) - running_mean[i]);
        running_variance[i] += momentum * ((1 / (inverse * inverse) - eps) * count / (count - 1) - running_variance[i]);
    }
    expect_close(found[0], running_mean, 1e-6);
    expect_close(found[1], running_variance, 1e-6);

    t.dst.fill(dst);
    const auto gradients = reference_outcome(batch_norm_backward_implementations(), a.backward(), {}, t.backward_sources(true),
                                             backward_destinations(a));
    const auto gradient = [&](const std::vector<double>& at, auto&& value) {
        return numeric_gradient(at, [&](const auto& x) { return dot(g, value(x)); });
    };
    expect_close(gradients[0], gradient(gamma, [&](auto& x) { return dst_of(src, x, beta, residual); }), 1e-5);
    expect_close(gradients[1], gradient(beta, [&](auto& x) { return dst_of(src, gamma, x, residual); }), 1e-5);
    expect_close(gradients[2], gradient(residual, [&](auto& x) { return dst_of(src, gamma, beta, x); }), 1e-5);
    expect_close(gradients[3], gradient(src, [&](auto& x) { return dst_of(x, gamma, beta, residual); }), 1e-5);
}

void check_shapes(const std::function<sextant_tensor(const sextant_tensor&)>& like, int layout) {
    for (int c : {1, 5, 16, 17, 40})
        for (int n : {1, 3})
            for (int w : {1, 3, 17})
                for (bool flag : {false, true}) {
                    layer a{like(shaped(layout, n, c, 5, w, flag)), like(shaped(layout, n, c, 5, w, 1)),
                            flag ? SEXTANT_RELU : SEXTANT_IDENTITY, !flag, flag};
                    check_forward(a);
                    check_backward(a);
                    a.dst_shape.halo = a.gradient_shape.halo = 0;
                    a.has_residual = flag;
                    check_forward(a);
                    check_backward(a);
                }
    const layer slices{like(shaped(layout, 3, 33, 4, 5, 1, 80)), like(shaped(layout, 3, 33, 4, 5, 0, 96)), SEXTANT_RELU, true,
                       true, 16};
    check_forward(slices);
    check_backward(slices);
}

void check_many_pixels(const std::function<sextant_tensor(const sextant_tensor&)>& like, int layout) {
    for (int c : {16, 40}) {
        const layer a{like(shaped(layout, 4, c, 70, 67, 0)), like(shaped(layout, 4, c, 70, 67, 1)), SEXTANT_RELU, true, false};
        check_forward(a);
        check_backward(a);
        const auto small_shape = like(shaped(layout, 70, c, 7, 7, 0));
        const layer small{small_shape, small_shape, SEXTANT_RELU, false, true};
        check_forward(small);
        check_backward(small);
    }
}

sextant_tensor as_it_is(const sextant_tensor& t) { return t; }
sextant_tensor as_bf16(const sextant_tensor& t) { return stored_as(SEXTANT_BF16, t); }

TEST(batch_norm_training, every_entry_equals_the_reference) {
    for (int layout : layouts) check_shapes(as_it_is, layout);
}

TEST(batch_norm_training, many_pixels) {
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) check_many_pixels(as_it_is, layout);
}

TEST(batch_norm_training, bf16_is_rounded_once_and_summed_in_float32) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    check_shapes(as_bf16, SEXTANT_NCHW16C);
    check_many_pixels(as_bf16, SEXTANT_NCHW16C);
    const auto shape = as_bf16(shaped(SEXTANT_NCHW16C, 4, 20, 30, 30));
    const layer far_from_zero{shape, shape, SEXTANT_IDENTITY, false, false, 0, 100};
    EXPECT_EQ(check_forward(far_from_zero), std::vector<std::string>{"bf16_batch_norm_forward_avx512_bf16"});
    EXPECT_EQ(check_backward(far_from_zero), std::vector<std::string>{"bf16_batch_norm_backward_avx512_bf16"});
}

TEST(batch_norm_training, mixed_layouts_are_left_to_the_reference) {
    const layer a{shaped(SEXTANT_NCHW, 2, 17, 4, 5), shaped(SEXTANT_NCHW16C, 2, 17, 4, 5, 1), SEXTANT_RELU, true};
    EXPECT_TRUE(check_forward(a).empty());
    EXPECT_TRUE(check_backward(a).empty());
}

TEST(batch_norm_training, a_large_mean_does_not_spoil_the_variance) {
    for (int layout : layouts) {
        const layer a{shaped(layout, 4, 20, 30, 30), shaped(layout, 4, 20, 30, 30), SEXTANT_IDENTITY, false, false, 0, 1000};
        check_forward(a);
    }
}

TEST(batch_norm_training, the_residuals_gradient_may_replace_diff_dst) {
    for (const auto& [dtype, layout] : {std::pair{SEXTANT_F32, SEXTANT_NCHW}, {SEXTANT_F32, SEXTANT_NCHW8C},
                                        {SEXTANT_F32, SEXTANT_NCHW16C}, {SEXTANT_BF16, SEXTANT_NCHW16C}}) {
        const layer a{stored_as(dtype, shaped(layout, 3, 20, 6, 5)), stored_as(dtype, shaped(layout, 3, 20, 6, 5, 1)),
                      SEXTANT_RELU, true};
        const tensors t(a);
        const auto sources = t.backward_sources(true);
        const auto expected = reference_outcome(batch_norm_backward_implementations(), a.backward(), {}, sources,
                                                backward_destinations(a));
        const device_traits device = devices().front();
        for (const auto& entry : batch_norm_backward_implementations()) {
            if (!entry.refuses(a.backward(), device).empty()) continue;
            SCOPED_TRACE(entry.name);
            t.diff_dst.fill(4, 1, 0.1);
            const operand diff_gamma(plain(1, 20)), diff_beta(plain(1, 20)), diff_src(a.src_shape);
            auto operands = sources;
            operands.insert(operands.end(), {&diff_gamma, &diff_beta, &t.diff_dst});
            run(*entry.create(a.backward(), {}, device), pool_of(2), operands, diff_src);
            expect_close(t.diff_dst.dense(), expected[2], 0);
            // Both are rounded: where the arithmetic differs, they may be neighbours.
            expect_close(diff_src.dense(), expected[3], dtype == SEXTANT_BF16 ? 0x1p-8 : 0x1p-19, a.src_shape);
        }
    }
}

}  // namespace
}  // namespace sextant::test
