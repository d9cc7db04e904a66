// SPDX-License-Identifier: Apache-2.0
#include "cross_entropy/cross_entropy.h"
#include "training.h"

namespace sextant::test {
namespace {

/// Image n is of class n, the last one a mixture.
const operand& fill_targets(const operand& targets) {
    return targets.fill_with([&](int n, int c, int, int) {
        const int classes = targets.shape.c;
        if (n + 1 < targets.shape.n || classes < 2) return double(c == n % classes);
        return c == 0 ? 0.25 : c == classes - 1 ? 0.75 : 0;
    });
}

struct layer {
    layer(int n, int c, float smoothing = 0, float weight = 1, double scale = 4)
        : problem{plain(n, c), smoothing, weight}, src(plain(n, c)), targets(plain(n, c)) {
        src.fill(1, scale);
        fill_targets(targets);
    }
    std::vector<destination> destinations() const { return {{plain(1, src.shape.n)}, {src.shape}}; }
    std::vector<std::string> check() const {
        return compare_outcomes(cross_entropy_implementations(), problem, {}, {&src, &targets}, destinations(), 0x1p-20);
    }
    results reference() const {
        return reference_outcome(cross_entropy_implementations(), problem, {}, {&src, &targets}, destinations());
    }

    const sextant_cross_entropy problem;
    const operand src, targets;
};

TEST(cross_entropy_training, reference_follows_the_formula_and_finite_differences) {
    const int n = 3, c = 5;
    const layer a(n, c, 0.1f, 0.3f);
    const auto t = a.targets.dense();
    const auto losses = [&](const std::vector<double>& x) {
        std::vector<double> all(n);
        for (int image = 0; image < n; image++) {
            double sum = 0;
            for (int i = 0; i < c; i++) sum += std::exp(x[image * c + i]);
            for (int i = 0; i < c; i++)
                all[image] -= 0.3f * ((1 - 0.1f) * t[image * c + i] + 0.1f / c) * (x[image * c + i] - std::log(sum));
        }
        return all;
    };
    const auto found = a.reference();
    expect_close(found[0], losses(a.src.dense()), 1e-6);
    const auto mean = [&](const auto& x) { return dot(losses(x), std::vector<double>(n, 1.0 / n)); };
    expect_close(found[1], numeric_gradient(a.src.dense(), mean), 1e-6);
}

TEST(cross_entropy_training, every_entry_equals_the_reference) {
    for (int n : {1, 2, 7, 64})
        for (int c : {1, 2, 10, 16, 17, 100, 1000})
            for (float smoothing : {0.0f, 0.1f}) layer(n, c, smoothing, smoothing ? 0.3f : 1).check();
}

TEST(cross_entropy_training, large_logits_do_not_overflow) {
    const layer a(4, 37, 0.1f, 1, 3e4);
    a.check();
    for (const auto& values : a.reference())
        for (double value : values) EXPECT_TRUE(std::isfinite(value));
}

TEST(cross_entropy_training, a_sure_and_right_answer_costs_nothing) {
    const layer a(2, 3);
    a.src.fill({200, 0, 0, 0, 200, 0});
    a.targets.fill({1, 0, 0, 0, 1, 0});
    a.check();
    expect_close(a.reference()[0], {0, 0}, 0);
    expect_close(a.reference()[1], std::vector<double>(6), 0);
}

TEST(cross_entropy_training, not_a_number_is_not_hidden) {
    const layer a(2, 20);
    a.src.put(1, 13, 0, 0, std::nan(""));
    a.check();
    EXPECT_TRUE(std::isnan(a.reference()[0][1]));
    EXPECT_FALSE(std::isnan(a.reference()[0][0]));
}

}  // namespace
}  // namespace sextant::test
