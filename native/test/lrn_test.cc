// SPDX-License-Identifier: Apache-2.0
#include "lrn/lrn.h"

#include "testing.h"

namespace sextant::test {
namespace {

std::vector<std::string> check(const operand& src, const sextant_lrn& problem, int first_channel = 0) {
    return compare_entries(lrn_implementations(), problem, {}, {&src}, problem.dst, first_channel, tolerance(problem.size));
}

TEST(lrn, reference_equals_pytorch) {
    for (int layout : layouts) {
        const operand src(shaped(layout, 1, 7, 1, 2, 1));
        src.fill({-5, 2, -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2});
        const auto result = [&](int size, float alpha, float beta, float bias) {
            return reference_of(lrn_implementations(), {src.shape, src.shape, size, alpha, beta, bias}, {}, {&src}, src.shape);
        };
        expect_close(result(5, 0.1f, 0.75f, 2),
                     {-1.4953487812212205, 0.535129632550456, -0.4857044069781921, 1.33782408137614, 0.206366695851539,
                      -0.7203858151400179, 1.070259265100912, 0, -1.070259265100912, 0.7203858151400179, -0.2710777412580395,
                      -1.33782408137614, 0.694132059077251, -0.535129632550456}, 1e-7);
        expect_close(result(3, 0.2f, 0.5f, 1),
                     {-1.917412472118426, 0.7669649888473704, -0.7559289460184544, 1.7049858486761837, 0.4385290096535146,
                      -1.0741723110591492, 1.4509525002200232, 0, -1.4509525002200232, 1.0741723110591492, -0.4385290096535146,
                      -1.7049858486761837, 1.414213562373095, -0.7669649888473704}, 1e-7);
        expect_close(result(4, 0.2f, 0.75f, 1),
                     {-1.1873761458997665, 0.4749504583599066, -0.46473616048508165, 0.9956258545525999, 0.1752063616734297,
                      -0.59737551273156, 0.8106819935164256, 0, -0.8570162156497377, 0.550069835495871, -0.2026704983791064,
                      -0.9956258545525999, 0.5808011771904225, -0.39825034182103997}, 1e-7);
    }
}

TEST(lrn, every_entry_equals_the_reference) {
    for (int layout : layouts)
        for (float beta : {0.75f, 0.5f, 1.0f, 1.3f})
            for (int size : {1, 2, 5, 20, 37})
                for (int c : {1, 3, 16, 17, 24, 40})
                    for (int w : {1, 5, 17}) {
                        const int n = c % 2 ? 3 : 1;
                        const operand src(shaped(layout, n, c, 4, w, 1));
                        src.fill(c * w, 30).spoil_halo();
                        const sextant_lrn problem{src.shape, shaped(layout, n, c, 4, w, w % 3), size, 1e-2f, beta, 2};
                        EXPECT_TRUE(!check(src, problem).empty() || layout == SEXTANT_NCHW16C);
                    }
}

TEST(lrn, slices_and_whole_planes) {
    for (int layout : layouts) {
        const operand src(shaped(layout, 3, 40, 9, 11, 0, 64), 16);
        src.fill(1, 30);
        check(src, {src.shape, shaped(layout, 3, 40, 9, 11, 0, 80), 5, 1e-4f, 0.75f, 1}, 32);
        check(src, {src.shape, shaped(layout, 3, 40, 9, 11, 1), 5, 1e-4f, 0.75f, 1});
    }
}

TEST(lrn, large_values_neither_overflow_nor_vanish) {
    for (int layout : layouts) {
        const operand src(shaped(layout, 1, 17, 2, 3));
        src.fill(1, 1e8);
        for (float beta : {0.75f, 0.6f}) check(src, {src.shape, src.shape, 5, 1.0f, beta, 1});
    }
}

TEST(lrn, bf16_and_uint8) {
    const std::pair<int, int> types[] = {
        {SEXTANT_BF16, SEXTANT_BF16}, {SEXTANT_U8, SEXTANT_U8}, {SEXTANT_BF16, SEXTANT_F32}, {SEXTANT_U8, SEXTANT_F32}};
    for (const auto& [from, to] : types)
        for (float beta : {0.75f, 1.3f})
            for (int size : {1, 5, 20})
                for (int c : {1, 16, 17, 40})
                    for (int w : {1, 5, 17}) {
                        const operand src(stored_as(from, shaped(SEXTANT_NCHW16C, 2, c, 4, w, 1), 0.25f, 120));
                        src.fill(c * w, 30).spoil_halo();
                        const auto dst = stored_as(to, shaped(SEXTANT_NCHW16C, 2, c, 4, w, w % 3), 0.1f, 120);
                        const sextant_lrn problem{src.shape, dst, size, 1e-2f, beta, 2};
                        EXPECT_EQ(check(src, problem).empty(), !has_narrow_kernels());
                    }
}

}  // namespace
}  // namespace sextant::test
