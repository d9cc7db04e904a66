// SPDX-License-Identifier: Apache-2.0
#include "batch_norm/batch_norm.h"

#include "testing.h"

namespace sextant::test {
namespace {

constexpr int activations[] = {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID};

std::vector<std::string> check(const operand& src, const sextant_tensor& dst, int first_channel, int activation) {
    const auto scale = noise_vector(src.shape.c, 11), shift = noise_vector(src.shape.c, 12);
    return compare_entries(batch_norm_implementations(), sextant_batch_norm{src.shape, dst, activation},
                           {scale.data(), shift.data()}, {&src}, dst, first_channel, 0x1p-22);
}

TEST(batch_norm, reference_scales_and_shifts_each_channel) {
    const operand src(shaped(SEXTANT_NCHW8C, 2, 2, 1, 2, 1));
    src.fill({1, 2, 3, 4, -1, -2, -3, -4});
    const float scale[] = {2, -1}, shift[] = {0.5, 1};
    const auto dst = shaped(SEXTANT_NCHW, 2, 2, 1, 2);
    const auto result = [&](int activation) {
        return reference_of(batch_norm_implementations(), sextant_batch_norm{src.shape, dst, activation}, {scale, shift}, {&src},
                            dst);
    };
    expect_close(result(SEXTANT_IDENTITY), {2.5, 4.5, -2, -3, -1.5, -3.5, 4, 5}, 0);
    expect_close(result(SEXTANT_RELU), {2.5, 4.5, 0, 0, 0, 0, 4, 5}, 0);
}

TEST(batch_norm, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int activation : activations)
            for (int c : {1, 3, 5, 16, 17, 24, 40})
                for (int w = 1; w <= 17; w += w < 8 ? 1 : 3)
                    for (int n : {1, 3}) {
                        const operand src(shaped(layout, n, c, 5, w, 1));
                        src.fill(1, 3).spoil_halo();
                        check(src, shaped(layout, n, c, 5, w, 2), 0, activation);
                        const operand slice(shaped(layout, n, c, 5, w, 0, c + 32), 16);
                        slice.fill(2, 3);
                        check(slice, shaped(layout, n, c, 5, w, 0, c + 48), 32, activation);
                    }
}

TEST(batch_norm, only_mixed_layouts_are_left_to_the_reference) {
    for (int layout : {SEXTANT_NCHW, SEXTANT_NCHW8C}) {
        const operand src(shaped(layout, 1, 64, 33, 35));
        src.fill(1);
        EXPECT_FALSE(check(src, src.shape, 0, SEXTANT_RELU).empty());
        EXPECT_TRUE(check(src, shaped(SEXTANT_NCHW16C, 1, 64, 33, 35), 0, SEXTANT_RELU).empty());
    }
}

TEST(batch_norm, infinite_statistics_leave_unused_lanes_finite) {
    const operand src(shaped(SEXTANT_NCHW16C, 1, 3, 2, 2));
    src.fill(1);
    const float scale[] = {std::numeric_limits<float>::infinity(), 1, 1}, shift[] = {0, std::nanf(""), 0};
    compare_entries(batch_norm_implementations(), sextant_batch_norm{src.shape, src.shape, SEXTANT_RELU}, {scale, shift}, {&src},
                    src.shape, 0, 0x1p-22);
}

TEST(batch_norm, narrow_types_and_float32_in_every_pair) {
    const std::pair<int, int> types[] = {{SEXTANT_BF16, SEXTANT_BF16}, {SEXTANT_U8, SEXTANT_U8},  {SEXTANT_BF16, SEXTANT_F32},
                                         {SEXTANT_F32, SEXTANT_BF16},  {SEXTANT_U8, SEXTANT_F32}, {SEXTANT_F32, SEXTANT_U8}};
    for (const auto& [from, to] : types)
        for (int layout : {SEXTANT_NCHW, SEXTANT_NCHW16C})
            for (int activation : activations)
                for (int c : {1, 16, 17, 40})
                    for (int w : {1, 3, 16, 17, 67}) {
                        const operand src(stored_as(from, shaped(layout, 2, c, 3, w, 1)));
                        src.fill(1, 2).spoil_halo();
                        const auto bordered = stored_as(to, shaped(layout, 2, c, 3, w, 2), 1.0f / 50, 90);
                        EXPECT_EQ(check(src, bordered, 0, activation).empty(), !has_narrow_kernels());
                        const operand slice(stored_as(from, shaped(layout, 1, c, 3, w, 0, c + 32), 1.0f / 40), 16);
                        slice.fill(2, 2);
                        check(slice, stored_as(to, shaped(layout, 1, c, 3, w, 0, c + 48)), 32, activation);
                    }
}

}  // namespace
}  // namespace sextant::test
