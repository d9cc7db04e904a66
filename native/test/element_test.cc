// SPDX-License-Identifier: Apache-2.0
#include "runtime/element.h"

#include "testing.h"

namespace sextant::test {
namespace {

TEST(element, bf16_rounds_to_nearest_even) {
    EXPECT_EQ(bf16_bits(1.0f), 0x3f80);
    EXPECT_EQ(bf16_bits(-2.0f), 0xc000);
    EXPECT_EQ(bf16_bits(std::bit_cast<float>(0x3f808000u)), 0x3f80);  // halfway: to the even neighbour below
    EXPECT_EQ(bf16_bits(std::bit_cast<float>(0x3f818000u)), 0x3f82);  // and above
    EXPECT_EQ(bf16_bits(std::bit_cast<float>(0x3f808001u)), 0x3f81);
    EXPECT_EQ(bf16_bits(std::numeric_limits<float>::max()), 0x7f80);
    EXPECT_TRUE(std::isnan(bf16_value(bf16_bits(std::bit_cast<float>(0x7f800001u)))));
    for (uint32_t bits = 0; bits < 0x7f80; ++bits) ASSERT_EQ(bf16_bits(bf16_value(static_cast<uint16_t>(bits))), bits);
}

TEST(element, stored_numbers_stand_for_real_ones) {
    sextant_tensor t = shaped(SEXTANT_NCHW, 1, 1, 1, 4);
    t.dtype = SEXTANT_U8;
    t.scale = 0.5f;
    t.zero_point = 10;
    uint8_t data[4] = {};
    const double given[] = {0, 1.2, -100, 1000}, kept[] = {0, 1, -5, 122.5};
    for (int i = 0; i < 4; ++i) {
        put_element(t, data, i, given[i]);
        EXPECT_EQ(element(t, data, i), kept[i]);
    }
    EXPECT_EQ(data[0], 10);
    put_element(t, data, 0, std::nan(""));
    EXPECT_EQ(data[0], 10);
}

TEST(element, weights_are_rounded_for_their_source) {
    sextant_tensor t = shaped(SEXTANT_NCHW, 1, 1, 1, 1);
    const float weights[] = {1.27f, -0.333f, 0, 0};
    EXPECT_EQ(weights_for(t, weights, 2, 2), std::vector<float>(weights, weights + 4));
    t.dtype = SEXTANT_U8;
    EXPECT_EQ(quantised_weight(-0.333f, weight_scale(weights, 2)), -33);
    EXPECT_NEAR(weights_for(t, weights, 2, 2)[1], -0.33, 1e-6);
    EXPECT_EQ(weights_for(t, weights, 2, 2)[2], 0);
    t.dtype = SEXTANT_BF16;
    EXPECT_EQ(weights_for(t, weights, 2, 2)[1], bf16_value(bf16_bits(-0.333f)));
}

}  // namespace
}  // namespace sextant::test
