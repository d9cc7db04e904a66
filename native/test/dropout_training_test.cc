// SPDX-License-Identifier: Apache-2.0
#include "dropout/dropout.h"
#include "dropout/philox.h"
#include "training.h"

namespace sextant::test {
namespace {

struct layer {
    layer(const sextant_tensor& src_shape, const sextant_tensor& dst_shape, float probability, uint32_t stream = 3,
          uint64_t seed = 1, uint64_t number = 2, int first_channel = 0)
        : problem{src_shape, dst_shape, probability, stream}, src(src_shape, first_channel), state(training_state_tensor()),
          first(first_channel) {
        src.fill(1, 1, 3).spoil_halo();
        fill_state(state, {seed, number, 0, 0, {}});
    }
    std::vector<std::string> check() const {
        auto unrounded = problem;
        unrounded.dst.dtype = SEXTANT_F32;
        return compare_outcomes(dropout_implementations(), problem, {}, {&src, &state}, {{problem.dst, 0, first}}, 0x1p-23,
                                &unrounded);
    }
    std::vector<double> result() const {
        return reference_outcome(dropout_implementations(), problem, {}, {&src, &state}, {{problem.dst, 0, first}})[0];
    }

    const sextant_dropout problem;
    const operand src, state;
    const int first;
};

TEST(dropout_training, philox_gives_the_authors_numbers) {
    // The known answers of Random123's kat_vectors.
    EXPECT_EQ(philox4x32({}, {}), (philox_counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (philox_counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (philox_counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(dropout_training, drops_the_share_asked_for_and_scales_the_rest) {
    for (float probability : {0.0f, 0.2f, 0.5f}) {
        const layer a(plain(10, 4096), plain(10, 4096), probability);
        const auto src = a.src.dense(), dst = a.result();
        int dropped = 0;
        for (size_t i = 0; i < src.size(); i++) {
            if (dst[i] == 0) dropped++;
            else EXPECT_NEAR(dst[i], src[i] / (1 - probability), 1e-6);
        }
        EXPECT_NEAR(dropped / double(src.size()), probability, 0.01);
    }
}

TEST(dropout_training, seed_step_and_stream_change_the_choice_layout_does_not) {
    const auto shape = shaped(SEXTANT_NCHW, 2, 20, 5, 3);
    const auto first = layer(shape, shape, 0.5f).result();
    EXPECT_EQ(layer(shape, shape, 0.5f).result(), first);
    EXPECT_EQ(layer(shaped(SEXTANT_NCHW16C, 2, 20, 5, 3, 1), shaped(SEXTANT_NCHW8C, 2, 20, 5, 3), 0.5f).result(), first);
    EXPECT_NE(layer(shape, shape, 0.5f, 4).result(), first);
    EXPECT_NE(layer(shape, shape, 0.5f, 3, 2).result(), first);
    EXPECT_NE(layer(shape, shape, 0.5f, 3, 1, 3).result(), first);
    EXPECT_NE(layer(shape, shape, 0.5f, 3, 1, uint64_t{2} | uint64_t{1} << 32).result(), first);
    EXPECT_NE(layer(shape, shape, 0.5f, 3, uint64_t{1} | uint64_t{1} << 32).result(), first);
}

TEST(dropout_training, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (int c : {1, 3, 16, 21, 100})
            for (int w : {1, 5, 16}) {
                layer(shaped(layout, 3, c, 1, w), shaped(layout, 3, c, 1, w), 0.5f).check();
                layer(shaped(layout, 3, c, 2, w, 1), shaped(layout, 3, c, 2, w), 0.3f).check();
            }
    layer(plain(16, 4096), plain(16, 4096), 0.5f).check();
    layer(plain(3, 9217), plain(3, 9217), 0.5f).check();
    layer(shaped(SEXTANT_NCHW, 3, 21, 2, 3, 0, 50), shaped(SEXTANT_NCHW, 3, 21, 2, 3, 0, 33), 0.5f, 1, 1, 1, 4).check();
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C})
        layer(shaped(layout, 3, 21, 6, 10, 2, 50), shaped(layout, 3, 21, 6, 10, 1, 37), 0.5f, 1, 1, 1, 16).check();
}

/// Pixels, whose words begin anywhere in a counter's, and features.
TEST(dropout_training, bf16_is_rounded_once) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const auto bf16 = [](int c, int h, int w, int halo = 0, int c_total = 0) {
        return stored_as(SEXTANT_BF16, shaped(SEXTANT_NCHW16C, 3, c, h, w, halo, c_total));
    };
    const std::vector<std::string> narrow{"bf16_dropout_avx512_bf16"};
    for (int c : {1, 16, 21, 100}) {
        EXPECT_EQ(layer(bf16(c, 1, 1), bf16(c, 1, 1), 0.5f).check(), narrow);
        for (int w : {1, 2, 5, 16}) EXPECT_EQ(layer(bf16(c, 3, w, 1), bf16(c, 3, w), 0.3f).check(), narrow);
    }
    EXPECT_EQ(layer(bf16(21, 5, 7, 0, 50), bf16(21, 5, 7, 2, 37), 0.5f, 1, 1, 1, 16).check(), narrow);
    const auto features = stored_as(SEXTANT_BF16, plain(3, 9217));
    EXPECT_EQ(layer(features, features, 0.5f).check(), narrow);
}

}  // namespace
}  // namespace sextant::test
