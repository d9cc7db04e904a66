// SPDX-License-Identifier: Apache-2.0
#include "optimizer/gradient_norm.h"
#include "optimizer/optimizer.h"
#include "training.h"

namespace sextant::test {
namespace {

sextant_optimizer sgd(int64_t count, bool nesterov = false, float largest_norm = 0) {
    return {count, SEXTANT_SGD, nesterov, 0.9f, 0, 0, 0.01f, largest_norm};
}
sextant_optimizer adamw(int64_t count, float largest_norm = 0) {
    return {count, SEXTANT_ADAMW, 0, 0.9f, 0.999f, 1e-8f, 0.01f, largest_norm};
}

struct step {
    explicit step(const sextant_optimizer& problem, std::vector<int64_t> undecayed = {}, uint64_t number = 4, float norm = 7)
        : problem(problem), undecayed(std::move(undecayed)), gradients(plain(1, problem.count)), state(training_state_tensor()) {
        gradients.fill(1);
        fill_state(state, {1, number, 0.1f, norm, {}});
    }

    optimizer_parameters parameters() const { return {undecayed.data(), int32_t(undecayed.size() / 2)}; }

    /// [second moments,] moments, parameters
    std::vector<destination> destinations() const {
        const auto array = plain(1, problem.count);
        std::vector<destination> all{{array, 21}, {array, 22}};
        if (problem.kind == SEXTANT_ADAMW) all.insert(all.begin(), {array, 23, 0, 0.5, 0.6});
        return all;
    }
    results reference() const {
        return reference_outcome(optimizer_implementations(), problem, parameters(), {&gradients, &state}, destinations());
    }
    void check() const {
        compare_outcomes(optimizer_implementations(), problem, parameters(), {&gradients, &state}, destinations(), 0x1p-21);
    }
    std::vector<double> before(uint64_t seed, double scale = 1, double centre = 0) const {
        const operand array(plain(1, problem.count));
        return array.fill(seed, scale, centre).dense();
    }

    const sextant_optimizer problem;
    const std::vector<int64_t> undecayed;
    const operand gradients, state;
};

TEST(optimizer_training, reference_follows_the_formulas) {
    const int count = 9;
    for (bool nesterov : {false, true}) {
        const step a(sgd(count, nesterov, 3.5f), {2, 4, 5, 7});
        const auto g = a.gradients.dense(), m0 = a.before(21), w0 = a.before(22);
        std::vector<double> m(count), w(count);
        for (int i = 0; i < count; i++) {
            const double decay = (i >= 2 && i < 4) || (i >= 5 && i < 7) ? 0 : 0.01f, gradient = 0.5 * g[i] + decay * w0[i];
            m[i] = 0.9f * m0[i] + gradient;
            w[i] = w0[i] - 0.1f * (nesterov ? gradient + 0.9f * m[i] : m[i]);
        }
        expect_close(a.reference()[0], m, 0x1p-23);
        expect_close(a.reference()[1], w, 0x1p-23);
    }
    const step a(adamw(count), {0, 3});
    const auto g = a.gradients.dense(), v0 = a.before(23, 0.5, 0.6), m0 = a.before(21), w0 = a.before(22);
    std::vector<double> v(count), m(count), w(count);
    for (int i = 0; i < count; i++) {
        m[i] = 0.9f * m0[i] + (1 - double{0.9f}) * g[i];
        v[i] = 0.999f * v0[i] + (1 - double{0.999f}) * g[i] * g[i];
        const double m_hat = m[i] / (1 - std::pow(double{0.9f}, 5)), v_hat = v[i] / (1 - std::pow(double{0.999f}, 5));
        w[i] = w0[i] - 0.1f * ((i < 3 ? 0 : 0.01f) * w0[i] + m_hat / (std::sqrt(v_hat) + 1e-8));
    }
    expect_close(a.reference()[0], v, 0x1p-23);
    expect_close(a.reference()[1], m, 0x1p-23);
    expect_close(a.reference()[2], w, 0x1p-23);
}

TEST(optimizer_training, every_entry_equals_the_reference) {
    for (int64_t count : {1, 15, 16, 17, 1000, 40001})
        for (float largest_norm : {0.0f, 3.0f, 100.0f})
            for (const auto& undecayed : {std::vector<int64_t>{}, {0, 1}, {count / 3, count / 2 + 1, count - 1, count}}) {
                if (undecayed.size() == 4 && undecayed[1] > undecayed[2]) continue;
                step(sgd(count, false, largest_norm), undecayed).check();
                step(sgd(count, true, largest_norm), undecayed).check();
                step(adamw(count, largest_norm), undecayed).check();
            }
}

TEST(optimizer_training, adamws_first_and_late_steps) {
    step(adamw(40), {}, 0).check();
    step(adamw(40), {}, 1000000).check();
}

TEST(optimizer_training, a_norm_that_is_no_number_is_not_hidden) {
    for (float norm : {std::numeric_limits<float>::infinity(), std::nanf("")})
        for (const auto& problem : {sgd(20, false, 1), adamw(20, 1)}) {
            const step a(problem, {}, 4, norm);
            a.check();
            const results found = a.reference();
            for (double value : found.back()) EXPECT_TRUE(std::isnan(value));
        }
}

TEST(gradient_norm_training, every_entry_equals_the_formula) {
    for (int64_t count : {1, 15, 16, 17, 1000, 70001, 300000}) {
        const operand gradients(plain(1, count));
        double squares = 0;
        for (double g : gradients.fill(1).dense()) squares += g * g;
        const auto list = gradient_norm_implementations();
        for (const auto& entry : list)
            for (device_traits device : devices()) {
                if (!entry.refuses({count}, device).empty()) continue;
                float first = 0;
                for (int threads : {1, 2, 3}) {
                    device.threads = threads;
                    const operand state(training_state_tensor());
                    const sextant_training_state before{5, 6, 0.5f, 0, {}};
                    fill_state(state, before);
                    run(*entry.create({count}, {}, device), pool_of(threads), {&gradients}, state);
                    const auto after = training_state_at(state.data());
                    EXPECT_NEAR(after.gradient_norm / std::sqrt(squares), 1, 1e-7) << entry.name;
                    EXPECT_TRUE(after.seed == 5 && after.step == 6 && after.learning_rate == 0.5f);
                    if (threads == 1) first = after.gradient_norm;
                    EXPECT_EQ(after.gradient_norm, first);
                }
                break;
            }
    }
}

TEST(gradient_norm_training, large_small_and_infinite_gradients) {
    const auto norm_of = [](const std::vector<double>& values, const auto& entry) {
        const operand gradients(plain(1, values.size())), state(training_state_tensor());
        gradients.fill(values);
        run(*entry.create({int64_t(values.size())}, {}, devices().front()), pool_of(1), {&gradients}, state);
        return training_state_at(state.data()).gradient_norm;
    };
    for (const auto& entry : gradient_norm_implementations()) {
        if (!entry.refuses({1}, devices().front()).empty()) continue;
        EXPECT_FLOAT_EQ(norm_of({3e30, 4e30}, entry), 5e30f) << entry.name;
        EXPECT_FLOAT_EQ(norm_of({3e-30, 4e-30}, entry), 5e-30f) << entry.name;
        EXPECT_TRUE(std::isinf(norm_of({1, std::numeric_limits<double>::infinity()}, entry))) << entry.name;
        EXPECT_TRUE(std::isnan(norm_of({1, std::nan("")}, entry))) << entry.name;
    }
}

}  // namespace
}  // namespace sextant::test
