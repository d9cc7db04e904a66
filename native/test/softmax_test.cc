// SPDX-License-Identifier: Apache-2.0
#include "softmax/softmax.h"

#include "testing.h"

namespace sextant::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check(const operand& src, const sextant_tensor& dst, int log, int first_channel = 0) {
    compare_entries(softmax_implementations(), sextant_softmax{src.shape, dst, log}, {}, {&src}, dst, first_channel, 0x1p-21);
}

TEST(softmax, reference_equals_pytorch) {
    const operand src(shaped(SEXTANT_NCHW, 3, 4, 1, 1));
    src.fill({1, 2, 3, -1, 0, 1000, -1000, 1000.5, -200, -200, -200, -200});
    const auto result = [&](int log) {
        return reference_of(softmax_implementations(), {src.shape, src.shape, log}, {}, {&src}, src.shape);
    };
    expect_close(result(0), {0.0889468172974043, 0.24178251715880075, 0.6572330228318554, 0.012037642711939448, 0,
                             0.37754066879814546, 0, 0.6224593312018546, 0.25, 0.25, 0.25, 0.25}, 1e-7);
    expect_close(result(1), {-2.4197166463153397, -1.4197166463153397, -0.4197166463153396, -4.419716646315339,
                             -1000.9740769841801, -0.9740769841801067, -2000.97407698418, -0.4740769841801067,
                             -1.3862943611198906, -1.3862943611198906, -1.3862943611198906, -1.3862943611198906}, 1e-7);
}

TEST(softmax, every_entry_equals_the_reference) {
    for (int log : {0, 1})
        for (int c : {1, 2, 3, 5, 8, 15, 16, 17, 24, 31, 33, 40, 100, 1000})
            for (int n : {1, 3, 40}) {
                const operand src(shaped(SEXTANT_NCHW, n, c, 1, 1, 0, c + 3), 2);
                src.fill(c, 20);
                check(src, shaped(SEXTANT_NCHW, n, c, 1, 1), log);
                check(src, shaped(SEXTANT_NCHW, n, c, 1, 1, 0, c + 5), log, 1);
            }
}

TEST(softmax, several_pixels_and_blocks_are_left_to_the_reference) {
    for (int layout : layouts) {
        const operand src(shaped(layout, 2, 17, 3, 4));
        src.fill(1, 5);
        check(src, shaped(layout, 2, 17, 3, 4, 1), 0);
        check(src, shaped(layout, 2, 17, 3, 4, 1), 1);
    }
}

TEST(softmax, probabilities_sum_to_one) {
    const operand src(shaped(SEXTANT_NCHW, 1, 1000, 1, 1));
    src.fill(1, 90);
    for (const auto& entry : softmax_implementations()) {
        const sextant_softmax problem{src.shape, src.shape, 0};
        if (!entry.refuses(problem, devices().front()).empty()) continue;
        const operand dst(src.shape);
        run(*entry.create(problem, {}, devices().front()), pool_of(1), {&src}, dst);
        double sum = 0;
        for (double probability : dst.dense()) sum += probability;
        EXPECT_NEAR(sum, 1, 1e-6) << entry.name;
    }
}

TEST(softmax, not_a_number_and_infinities_are_treated_as_pytorch_does) {
    for (double special : {std::nan(""), infinity, -infinity})
        for (int place : {0, 7, 18}) {
            const operand src(shaped(SEXTANT_NCHW, 1, 19, 1, 1));
            src.fill_with([&](int, int c, int, int) { return c == place ? special : c; });
            check(src, src.shape, 0);
            check(src, src.shape, 1);
        }
    const operand src(shaped(SEXTANT_NCHW, 1, 19, 1, 1));
    src.fill_with([&](int, int, int, int) { return -infinity; });
    check(src, src.shape, 0);
}

}  // namespace
}  // namespace sextant::test
