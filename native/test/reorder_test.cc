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

}  // namespace
}  // namespace sextant::test
