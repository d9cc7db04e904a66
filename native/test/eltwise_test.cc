// SPDX-License-Identifier: Apache-2.0
#include "eltwise/eltwise.h"

#include "testing.h"

namespace sextant::test {
namespace {

constexpr int activations[] = {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID};

sextant_eltwise problem_of(const sextant_tensor& src, const sextant_tensor& dst, int activation, const sextant_tensor* other) {
    return {src, dst, activation, other != nullptr, other ? *other : sextant_tensor{}};
}

void check(const operand& src, const operand* other, const sextant_tensor& dst, int first_channel, int activation) {
    const auto problem = problem_of(src.shape, dst, activation, other ? &other->shape : nullptr);
    std::vector<const operand*> sources{&src};
    if (other) sources.push_back(other);
    compare_entries(eltwise_implementations(), problem, {}, sources, dst, first_channel, 0x1p-22);
}

TEST(eltwise, reference_applies_the_formula) {
    const operand src(shaped(SEXTANT_NCHW, 1, 3, 1, 2)), other(shaped(SEXTANT_NCHW8C, 1, 3, 1, 2, 1));
    src.fill({-1, 0.5, 2, -3, 0, 1});
    other.fill({0.5, 0.5, -4, 1, 0, 1});
    const auto result = [&](int activation, bool add) {
        const auto dst = shaped(SEXTANT_NCHW16C, 1, 3, 1, 2);
        return reference_of(eltwise_implementations(), problem_of(src.shape, dst, activation, add ? &other.shape : nullptr), {},
                            add ? std::vector{&src, &other} : std::vector{&src}, dst);
    };
    expect_close(result(SEXTANT_IDENTITY, true), {-0.5, 1, -2, -2, 0, 2}, 0);
    expect_close(result(SEXTANT_RELU, true), {0, 1, 0, 0, 0, 2}, 0);
    expect_close(result(SEXTANT_TANH, false), {-0.7615941559557649, 0.46211715726000973, 0.9640275800758169, -0.9950547536867305,
                                               0, 0.7615941559557649}, 0x1p-24);
    expect_close(result(SEXTANT_SIGMOID, false), {0.2689414213699951, 0.6224593312018546, 0.8807970779778823,
                                                  0.04742587317756678, 0.5, 0.7310585786300049}, 0x1p-24);
}

TEST(eltwise, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int activation : activations)
            for (int c : {1, 5, 16, 17, 40})
                for (int w : {1, 2, 3, 7, 16, 17})
                    for (int n : {1, 3}) {
                        const operand src(shaped(layout, n, c, 3, w, 1)), other(shaped(layout, n, c, 3, w, 2));
                        src.fill(1, 4).spoil_halo();
                        other.fill(2, 4).spoil_halo();
                        const operand plain(shaped(layout, n, c, 3, w)), plain_other(shaped(layout, n, c, 3, w));
                        plain.fill(3, 4);
                        plain_other.fill(4, 4);
                        const auto dst = shaped(layout, n, c, 3, w);
                        check(src, nullptr, dst, 0, activation);
                        check(src, &other, shaped(layout, n, c, 3, w, 1), 0, activation);
                        check(plain, nullptr, dst, 0, activation);
                        check(plain, &plain_other, shaped(layout, n, c, 3, w, 0, c + 48), 16, activation);
                    }
}

TEST(eltwise, slices_are_read_in_place) {
    for (int layout : layouts) {
        const operand src(shaped(layout, 3, 17, 4, 5, 0, 64), 16), other(shaped(layout, 3, 17, 4, 5, 0, 48), 16);
        src.fill(1);
        other.fill(2);
        check(src, &other, shaped(layout, 3, 17, 4, 5), 0, SEXTANT_RELU);
    }
}

TEST(eltwise, mixed_layouts_are_left_to_the_reference) {
    const operand src(shaped(SEXTANT_NCHW, 1, 17, 4, 5)), other(shaped(SEXTANT_NCHW16C, 1, 17, 4, 5, 1));
    src.fill(1);
    other.fill(2);
    check(src, &other, shaped(SEXTANT_NCHW8C, 1, 17, 4, 5), 0, SEXTANT_RELU);
}

TEST(eltwise, results_may_replace_a_source) {
    const operand src(shaped(SEXTANT_NCHW16C, 1, 32, 30, 31)), other(shaped(SEXTANT_NCHW16C, 1, 32, 30, 31));
    src.fill(1);
    other.fill(2);
    const auto problem = problem_of(src.shape, src.shape, SEXTANT_RELU, &other.shape);
    const auto expected = reference_of(eltwise_implementations(), problem, {}, {&src, &other}, src.shape);
    const device_traits device = devices().front();
    for (const auto& entry : eltwise_implementations()) {
        if (!entry.refuses(problem, device).empty()) continue;
        src.fill(1);
        run(*entry.create(problem, {}, device), pool_of(2), {&src, &other}, src);
        expect_close(src.dense(), expected, 0);
    }
}

TEST(eltwise, not_a_number_survives_every_activation) {
    const operand src(shaped(SEXTANT_NCHW, 1, 1, 1, 40));
    src.fill_with([](int, int, int, int x) { return x % 3 ? x - 20.0 : std::nan(""); });
    for (int activation : activations) check(src, nullptr, src.shape, 0, activation);
}

TEST(eltwise, bf16_and_uint8_of_three_scales) {
    for (int dtype : {SEXTANT_BF16, SEXTANT_U8})
        for (int layout : {SEXTANT_NCHW, SEXTANT_NCHW16C})
            for (int activation : activations)
                for (int c : {1, 16, 17, 40})
                    for (int w : {1, 3, 16, 17, 67}) {
                        const operand src(stored_as(dtype, shaped(layout, 2, c, 3, w, 1), 1.0f / 100, 128));
                        const operand other(stored_as(dtype, shaped(layout, 2, c, 3, w), 1.0f / 30, 60));
                        src.fill(1, 2).spoil_halo();
                        other.fill(2, 4);
                        const int zero_point = activation == SEXTANT_RELU ? 0 : 99;
                        const auto dst = stored_as(dtype, shaped(layout, 2, c, 3, w, 2), 1.0f / 40, zero_point);
                        const auto problem = problem_of(src.shape, dst, activation, &other.shape);
                        const auto took_part =
                            compare_entries(eltwise_implementations(), problem, {}, {&src, &other}, dst, 0, 0x1p-21);
                        EXPECT_EQ(took_part.empty(), !has_narrow_kernels());
                        check(src, nullptr, dst, 0, activation);
                        const auto slice = stored_as(dtype, shaped(layout, 2, c, 3, w, 0, c + 48));
                        check(other, nullptr, slice, 16, activation);
                        check(other, &other, slice, 32, activation);
                    }
}

}  // namespace
}  // namespace sextant::test
