// SPDX-License-Identifier: Apache-2.0
#include "concat/concat.h"
#include "concat/split.h"
#include "training.h"

namespace sextant::test {
namespace {

std::vector<std::string> check(const sextant_tensor& shape, const std::vector<sextant_tensor>& parts, int first_channel = 0) {
    const operand src(shape, first_channel);
    src.fill(1).spoil_halo();
    std::vector<destination> destinations;
    for (const auto& part : parts) destinations.push_back({part});
    return compare_outcomes(split_implementations(), {shape, parts}, {}, {&src}, destinations, 0);
}

TEST(split_training, concatenation_undoes_it) {
    const auto whole = shaped(SEXTANT_NCHW, 2, 9, 3, 4);
    const std::vector<sextant_tensor> parts{shaped(SEXTANT_NCHW, 2, 2, 3, 4), shaped(SEXTANT_NCHW, 2, 7, 3, 4)};
    const operand src(whole), first(parts[0]), second(parts[1]);
    src.fill(1);
    const auto found = reference_outcome(split_implementations(), {whole, parts}, {}, {&src}, {{parts[0]}, {parts[1]}});
    first.fill(found[0]);
    second.fill(found[1]);
    EXPECT_EQ(reference_of(concat_implementations(), {parts, whole}, {}, {&first, &second}, whole), src.dense());
}

TEST(split_training, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int halo : {0, 1})
            for (const std::vector<int>& channels :
                 {std::vector{16}, {5}, {16, 32}, {1, 2, 3}, {24, 40}, {3, 64, 17}, {64, 96, 128}}) {
                int c = 0;
                std::vector<sextant_tensor> parts;
                for (int count : channels) {
                    parts.push_back(shaped(layout, 2, count, 5, 7, halo));
                    c += count;
                }
                check(shaped(layout, 2, c, 5, 7), parts);
                check(shaped(layout, 2, c, 5, 7, 1, c + 48), parts, 16);
            }
}

TEST(split_training, bf16_keeps_every_bit) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const auto bf16 = [](int c, int halo = 0, int c_total = 0) {
        return stored_as(SEXTANT_BF16, shaped(SEXTANT_NCHW16C, 2, c, 25, 27, halo, c_total));
    };
    const std::vector<std::string> narrow{"bf16_split_avx512_bf16"};
    EXPECT_EQ(check(bf16(48), {bf16(16), bf16(32, 1)}), narrow);
    EXPECT_EQ(check(bf16(84, 1, 132), {bf16(3), bf16(64, 0, 80), bf16(17)}, 16), narrow);
}

TEST(split_training, many_pixels_and_slices) {
    for (int layout : layouts)
        check(shaped(layout, 2, 96, 40, 30), {shaped(layout, 2, 40, 40, 30), shaped(layout, 2, 56, 40, 30, 2, 80)});
}

TEST(split_training, mixed_layouts_are_left_to_the_reference) {
    EXPECT_TRUE(check(shaped(SEXTANT_NCHW, 2, 9, 3, 4), {shaped(SEXTANT_NCHW8C, 2, 2, 3, 4), shaped(SEXTANT_NCHW16C, 2, 7, 3, 4)})
                    .empty());
}

}  // namespace
}  // namespace sextant::test
