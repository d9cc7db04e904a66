// SPDX-License-Identifier: Apache-2.0
#include "reorder/reorder.h"

#include "testing.h"

namespace sextant::test {
namespace {

std::vector<std::string> check(const operand& src, const sextant_tensor& dst, int first_channel = 0) {
    return compare_entries(reorder_implementations(), reorder_problem{src.shape, dst}, {}, {&src}, dst, first_channel, 0);
}

TEST(reorder, reference_keeps_every_value_and_clears_unused_lanes) {
    const operand src(shaped(SEXTANT_NCHW, 2, 3, 1, 2));
    src.fill({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    const operand dst(shaped(SEXTANT_NCHW8C, 2, 3, 1, 2, 1));
    const auto& reference = reorder_implementations().back();
    run(*reference.create({src.shape, dst.shape}, {}, devices().back()), pool_of(1), {&src}, dst);
    EXPECT_EQ(dst.at(0, 0, 0, 0), 1);
    EXPECT_EQ(dst.at(0, 2, 0, 1), 6);
    EXPECT_EQ(dst.at(1, 1, 0, 0), 9);
    for (int lane = 3; lane < 8; lane++) EXPECT_EQ(dst.at(1, lane, 0, 1), 0);
    // [image 1][halo + row 0][halo + pixel 1][channel 2]
    EXPECT_EQ(reinterpret_cast<float*>(dst.data())[1 * (3 * 4 * 8) + 1 * (4 * 8) + 2 * 8 + 2], 12);
}

TEST(reorder, every_entry_equals_the_reference) {
    for (int from : layouts)
        for (int to : layouts)
            for (int c : {1, 3, 5, 16, 17, 24, 40})
                for (int w : {1, 2, 3, 5, 7, 8, 13, 16, 17})
                    for (int n : {1, 3}) {
                        const operand bordered(shaped(from, n, c, 4, w, 1)), plain(shaped(from, n, c, 5, w, 0, c + 16), 16);
                        bordered.fill(1).spoil_halo();
                        plain.fill(2);
                        for (int halo : {0, 2}) {
                            check(bordered, shaped(to, n, c, 4, w, halo, c + 64), 32);
                            check(plain, shaped(to, n, c, 5, w, halo));
                        }
                    }
}

TEST(reorder, images_of_one_pixel) {
    for (int from : layouts)
        for (int to : layouts)
            for (int c : {1, 15, 16, 33, 100}) {
                const operand src(shaped(from, 3, c, 1, 1));
                src.fill(1);
                check(src, shaped(to, 3, c, 1, 1));
                check(src, shaped(to, 3, c, 1, 1, 1));
            }
}

TEST(reorder, long_runs_are_cut_at_whole_squares) {
    for (int from : layouts)
        for (int to : layouts) {
            const operand src(shaped(from, 1, 19, 40, 41));
            src.fill(1);
            const bool two_block_sizes = from != to && from != SEXTANT_NCHW && to != SEXTANT_NCHW;
            const bool sixteen = from == SEXTANT_NCHW16C || to == SEXTANT_NCHW16C;
            EXPECT_EQ(check(src, shaped(to, 1, 19, 40, 41)).empty(),
                      two_block_sizes || (sixteen && devices().front().block != 16));
        }
}

TEST(reorder, unused_lanes_become_zero) {
    for (int from : layouts)
        for (int to : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) {
            const operand src(shaped(from, 1, 19, 3, 18));
            src.fill(1);
            const reorder_problem problem{src.shape, shaped(to, 1, 19, 3, 18)};
            for (const auto& entry : reorder_implementations()) {
                if (!entry.refuses(problem, devices().front()).empty()) continue;
                const operand dst(problem.dst);
                run(*entry.create(problem, {}, devices().front()), pool_of(2), {&src}, dst);
                for (int lane = 19; lane < channel_blocks(dst.shape) * to; lane++)
                    for (int x = 0; x < 18; x++) EXPECT_EQ(dst.at(0, lane, 2, x), 0) << entry.name;
            }
        }
}

struct type_pair {
    int32_t from, to;
    float scale;  // of dst
};
constexpr float same = 1.0f / 64, other = 1.0f / 50;
constexpr type_pair narrow_pairs[] = {
    {SEXTANT_F32, SEXTANT_BF16, same}, {SEXTANT_BF16, SEXTANT_F32, same}, {SEXTANT_BF16, SEXTANT_BF16, same},
    {SEXTANT_F32, SEXTANT_U8, same},   {SEXTANT_U8, SEXTANT_F32, same},   {SEXTANT_U8, SEXTANT_U8, same},
    {SEXTANT_U8, SEXTANT_U8, other},
};

TEST(reorder, every_pair_of_types_between_layouts) {
    for (const auto& [from_type, to_type, scale] : narrow_pairs)
        for (int from : {SEXTANT_NCHW, SEXTANT_NCHW16C})
            for (int to : {SEXTANT_NCHW, SEXTANT_NCHW16C})
                for (int c : {1, 3, 16, 17, 40})
                    for (int w : {1, 3, 7, 16, 17}) {
                        const operand bordered(stored_as(from_type, shaped(from, 2, c, 4, w, 1)));
                        const operand plain(stored_as(from_type, shaped(from, 2, c, 5, w, 0, c + 16)), 16);
                        bordered.fill(1, 2).spoil_halo();
                        plain.fill(2, 2);
                        for (int halo : {0, 2}) {
                            const auto slice = stored_as(to_type, shaped(to, 2, c, 4, w, halo, c + 64), scale);
                            EXPECT_EQ(check(bordered, slice, 32).empty(), !has_narrow_kernels());
                            check(plain, stored_as(to_type, shaped(to, 2, c, 5, w, halo), scale));
                        }
                        const operand pixel(stored_as(from_type, shaped(from, 3, c, 1, 1)));
                        pixel.fill(3, 2);
                        check(pixel, stored_as(to_type, shaped(to, 3, c, 1, 1), scale));
                    }
}

TEST(reorder, types_change_along_long_runs) {
    for (const auto& [from_type, to_type, scale] : narrow_pairs)
        for (int from : {SEXTANT_NCHW, SEXTANT_NCHW16C})
            for (int to : {SEXTANT_NCHW, SEXTANT_NCHW16C}) {
                const operand src(stored_as(from_type, shaped(from, 1, 19, 40, 41)));
                src.fill(1, 2);
                check(src, stored_as(to_type, shaped(to, 1, 19, 40, 41), scale));
            }
}

/// Neither the layout nor the way through float32 may change a number that both types have.
TEST(reorder, narrow_numbers_come_back_as_they_were) {
    if (!has_narrow_kernels()) return;
    const auto device = devices().front();
    const auto reorder = [&](const operand& src, const operand& dst) {
        const reorder_problem problem{src.shape, dst.shape};
        for (const auto& entry : reorder_implementations())
            if (entry.refuses(problem, device).empty()) return run(*entry.create(problem, {}, device), pool_of(1), {&src}, dst);
    };
    for (int dtype : {SEXTANT_BF16, SEXTANT_U8}) {
        const operand src(stored_as(dtype, shaped(SEXTANT_NCHW, 1, 20, 16, 17), 0.0123f));
        src.fill_with([&](int, int c, int y, int x) {
            const int i = (c * 16 + y) * 17 + x;
            return dtype == SEXTANT_U8 ? double{0.0123f} * (i % 256 - 77) : i % 2 ? 1e-39 : -0.0;
        });
        const operand there(stored_as(dtype, shaped(SEXTANT_NCHW16C, 1, 20, 16, 17, 1), 0.0123f)), back(src.shape);
        reorder(src, there);
        reorder(there, back);
        EXPECT_EQ(std::memcmp(back.data(), src.data(), src.memory.size()), 0);
        for (int lane = 20; lane < 32; lane++) EXPECT_EQ(there.value(0, lane, 3, 3), 0);
        if (dtype == SEXTANT_BF16) continue;
        const operand real(shaped(SEXTANT_NCHW16C, 1, 20, 16, 17)), again(src.shape);
        reorder(src, real);
        reorder(real, again);
        EXPECT_EQ(std::memcmp(again.data(), src.data(), src.memory.size()), 0);
    }
}

}  // namespace
}  // namespace sextant::test
