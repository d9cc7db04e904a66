// SPDX-License-Identifier: Apache-2.0
#include "concat/concat.h"

#include "testing.h"

namespace sextant::test {
namespace {

std::vector<std::string> check(const std::vector<const operand*>& sources, const sextant_tensor& dst, int first_channel = 0) {
    concat_problem problem{{}, dst};
    for (const operand* source : sources) problem.sources.push_back(source->shape);
    return compare_entries(concat_implementations(), problem, {}, sources, dst, first_channel, 0);
}

TEST(concat, reference_puts_channels_in_the_order_of_the_sources) {
    const operand a(shaped(SEXTANT_NCHW8C, 2, 1, 1, 2, 1)), b(shaped(SEXTANT_NCHW, 2, 2, 1, 2));
    a.fill({1, 2, 3, 4});
    b.fill({10, 20, 30, 40, 50, 60, 70, 80});
    const auto dst = shaped(SEXTANT_NCHW16C, 2, 3, 1, 2);
    expect_close(reference_of(concat_implementations(), {{a.shape, b.shape}, dst}, {}, {&a, &b}, dst),
                 {1, 2, 10, 20, 30, 40, 3, 4, 50, 60, 70, 80}, 0);
}

TEST(concat, every_entry_equals_the_reference) {
    const std::vector<std::vector<int>> channels{{16, 32}, {16, 5}, {5, 16}, {1, 1, 1}, {3, 17, 24, 40}, {64, 8, 8, 7}, {40}};
    for (int layout : layouts)
        for (const auto& counts : channels)
            for (int w : {1, 3, 16, 17})
                for (int halo : {0, 1})
                    for (int n : {1, 3}) {
                        std::vector<std::unique_ptr<operand>> made;
                        std::vector<const operand*> sources;
                        int c = 0;
                        for (int count : counts) {
                            made.push_back(std::make_unique<operand>(shaped(layout, n, count, 4, w, halo, count + 16), 16));
                            made.back()->fill(c).spoil_halo();
                            sources.push_back(made.back().get());
                            c += count;
                        }
                        const auto took_part = check(sources, shaped(layout, n, c, 4, w, halo, c + 32), 16);
                        EXPECT_TRUE(!took_part.empty() || layout == SEXTANT_NCHW16C);
                        check(sources, shaped(layout, n, c, 4, w, 2));
                    }
}

TEST(concat, mixed_layouts_are_left_to_the_reference) {
    const operand a(shaped(SEXTANT_NCHW, 1, 3, 5, 5)), b(shaped(SEXTANT_NCHW8C, 1, 9, 5, 5, 1));
    a.fill(1);
    b.fill(2);
    EXPECT_TRUE(check({&a, &b}, shaped(SEXTANT_NCHW8C, 1, 12, 5, 5)).empty());
}

TEST(concat, every_bit_is_copied) {
    const operand a(shaped(SEXTANT_NCHW8C, 1, 5, 1, 3)), b(shaped(SEXTANT_NCHW8C, 1, 6, 1, 3));
    for (const operand* source : {&a, &b})
        source->fill_with([](int, int c, int, int) { return c % 2 ? -0.0 : std::numeric_limits<double>::infinity(); });
    const concat_problem problem{{a.shape, b.shape}, shaped(SEXTANT_NCHW8C, 1, 11, 1, 3)};
    for (const auto& entry : concat_implementations()) {
        if (!entry.refuses(problem, devices().front()).empty()) continue;
        const operand dst(problem.dst);
        run(*entry.create(problem, {}, devices().front()), pool_of(1), {&a, &b}, dst);
        EXPECT_TRUE(std::signbit(dst.at(0, 1, 0, 2))) << entry.name;
        EXPECT_TRUE(std::signbit(dst.at(0, 8, 0, 2))) << entry.name;
        EXPECT_EQ(dst.at(0, 9, 0, 2), std::numeric_limits<float>::infinity()) << entry.name;
    }
}

TEST(concat, narrow_types_of_one_scale_or_several) {
    const std::vector<std::vector<int>> channels{{16, 32}, {5, 16}, {1, 1, 1}, {3, 17, 24, 40}, {40}};
    for (int dtype : {SEXTANT_BF16, SEXTANT_U8})
        for (bool one_scale : {true, false})
            for (const auto& counts : channels)
                for (int w : {1, 3, 16, 17})
                    for (int halo : {0, 1}) {
                        std::vector<std::unique_ptr<operand>> made;
                        std::vector<const operand*> sources;
                        int c = 0;
                        for (int count : counts) {
                            const auto shape = shaped(SEXTANT_NCHW16C, 2, count, 4, w, halo, count + 16);
                            made.push_back(std::make_unique<operand>(
                                one_scale ? stored_as(dtype, shape) : stored_as(dtype, shape, 1.0f / (30 + c), 50 + c), 16));
                            made.back()->fill(c).spoil_halo();
                            sources.push_back(made.back().get());
                            c += count;
                        }
                        const auto slice = stored_as(dtype, shaped(SEXTANT_NCHW16C, 2, c, 4, w, halo, c + 32));
                        EXPECT_EQ(check(sources, slice, 16).empty(), !has_narrow_kernels());
                        check(sources, stored_as(dtype, shaped(SEXTANT_NCHW16C, 2, c, 4, w, 2)));
                    }
}

/// Were bf16 converted on its way, its smallest numbers would be lost; were unused lanes 0, a quantised one would mean something.
TEST(concat, narrow_bits_are_copied_and_unused_lanes_mean_zero) {
    if (!has_narrow_kernels()) return;
    for (int dtype : {SEXTANT_BF16, SEXTANT_U8}) {
        const operand a(stored_as(dtype, shaped(SEXTANT_NCHW16C, 1, 5, 1, 3)));
        const operand b(stored_as(dtype, shaped(SEXTANT_NCHW16C, 1, 6, 1, 3)));
        for (const operand* source : {&a, &b}) source->fill_with([](int, int c, int, int) { return c % 2 ? 1e-39 : -1e-40; });
        const concat_problem problem{{a.shape, b.shape}, stored_as(dtype, shaped(SEXTANT_NCHW16C, 1, 11, 1, 3))};
        const operand dst(problem.dst);
        const auto& entry = concat_implementations()[dtype == SEXTANT_U8];
        ASSERT_EQ(entry.refuses(problem, devices().front()), "") << entry.name;
        run(*entry.create(problem, {}, devices().front()), pool_of(1), {&a, &b}, dst);
        for (int x = 0; x < 3; x++) {
            for (int c = 0; c < 11; c++) EXPECT_EQ(dst.value(0, c, 0, x), c < 5 ? a.value(0, c, 0, x) : b.value(0, c - 5, 0, x));
            for (int c = 11; c < 16; c++) EXPECT_EQ(dst.value(0, c, 0, x), 0);
        }
    }
}

}  // namespace
}  // namespace sextant::test
