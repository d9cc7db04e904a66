// SPDX-License-Identifier: Apache-2.0
#include "pool2d/pool2d.h"

#include "testing.h"

namespace sextant::test {
namespace {

/// A pooling without its tensors.
struct shape {
    int kind, r, s, stride_h, stride_w, pad_h, pad_w, dilation = 1;
    bool ceil = false;
};

/// Output positions as PyTorch counts them: with ceil, the last window still begins inside the image or its leading padding.
int outputs(int size, int kernel, int stride, int pad, int dilation, bool ceil) {
    const int free = size + 2 * pad - dilation * (kernel - 1) - 1;
    if (free < 0) return 0;
    int count = (free + (ceil ? stride - 1 : 0)) / stride + 1;
    if (ceil && (count - 1) * stride >= size + pad) count--;
    return count;
}

sextant_pool2d problem_of(const shape& a, const sextant_tensor& src, int dst_layout, int halo = 0, int c_total = 0) {
    const auto dst = shaped(dst_layout, src.n, src.c, outputs(src.h, a.r, a.stride_h, a.pad_h, a.dilation, a.ceil),
                            outputs(src.w, a.s, a.stride_w, a.pad_w, a.dilation, a.ceil), halo, c_total);
    return {src,     dst,     a.kind,  a.r,     a.s,         a.stride_h, a.stride_w,
            a.pad_h, a.pad_w, a.pad_h, a.pad_w, a.dilation, a.dilation};
}

sextant_pool2d adaptive(const sextant_tensor& src, const sextant_tensor& dst) {
    return {src, dst, SEXTANT_POOL_AVERAGE_ADAPTIVE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
}

std::vector<std::string> check(const operand& src, const sextant_pool2d& problem, int first_channel = 0) {
    const double allowed = problem.kind == SEXTANT_POOL_MAX ? 0 : tolerance(int64_t{problem.src.h} * problem.src.w);
    return compare_entries(pool2d_implementations(), problem, {}, {&src}, problem.dst, first_channel, allowed);
}

constexpr int max = SEXTANT_POOL_MAX, average = SEXTANT_POOL_AVERAGE, average_with_pad = SEXTANT_POOL_AVERAGE_WITH_PAD;

// The input is (7 i mod 11) - 5, 5 x 6; the results are PyTorch 2.13's.
struct known {
    shape pool;
    std::vector<double> result;
};
const known known_results[] = {
    {{max, 3, 3, 2, 2, 1, 1, 1, true}, {4, 5, 5, -3, 4, 5, 4, 4, 5, 5, 4, 2}},
    {{max, 3, 3, 2, 2, 0, 0, 1, true}, {5, 5, 4, 5, 5, 4}},
    {{max, 2, 2, 1, 1, 1, 1, 2}, {0, 4, 3, -1, 3, -1, 2, 5, 5, 5, 5, 1, 0, 4, 3, 3, 3, -1, 5, 5, 5, 5, 4, 4, -4, 3, -1, 3, 2, -5}},
    {{average_with_pad, 3, 3, 2, 2, 1, 1, 1, true},
     {0.1111111111, 0.4444444444, 0, -1.3333333333, 0, 0.1111111111, -0.5555555556, 0.1666666667, -0.1111111111, 0.1111111111,
      -0.3333333333, 0.3333333333}},
    {{average, 3, 3, 2, 2, 1, 1, 1, true},
     {0.25, 0.6666666667, 0, -4, 0, 0.1111111111, -0.5555555556, 0.3333333333, -0.25, 0.1666666667, -0.5, 1}},
    {{average_with_pad, 3, 3, 3, 3, 1, 1, 1, true},
     {0.1111111111, 0.2222222222, -1.3333333333, -0.1111111111, 0.2222222222, 1}},
    {{average_with_pad, 2, 3, 2, 1, 1, 1},
     {-0.5, -0.8333333333, 0.8333333333, 0.6666666667, 0.5, -0.3333333333, 0.6666666667, 0.8333333333, 0.5, 0.1666666667,
      -0.1666666667, -0.8333333333, -0.1666666667, 0.5, 0.1666666667, -0.1666666667, -0.5, 0.1666666667}},
};

double known_input(int, int, int y, int x) { return (y * 6 + x) * 7 % 11 - 5; }

TEST(pool2d, reference_equals_pytorch) {
    for (int layout : layouts) {
        const operand src(shaped(layout, 1, 1, 5, 6, 1));
        src.fill_with(known_input).spoil_halo();
        for (const auto& [pool, result] : known_results) {
            const auto problem = problem_of(pool, src.shape, layout);
            expect_close(reference_of(pool2d_implementations(), problem, {}, {&src}, problem.dst), result, 1e-7);
        }
    }
}

TEST(pool2d, reference_equals_pytorch_adaptive) {
    const operand src(shaped(SEXTANT_NCHW, 1, 1, 5, 6));
    src.fill_with(known_input);
    const auto result = [&](int p, int q) {
        const auto problem = adaptive(src.shape, shaped(SEXTANT_NCHW, 1, 1, p, q));
        return reference_of(pool2d_implementations(), problem, {}, {&src}, problem.dst);
    };
    expect_close(result(3, 4), {0.25, -1, 2, -2, 0, -0.3333333333, -1, -1.3333333333, -0.25, 1.25, -1.25, 0.25}, 1e-7);
    expect_close(result(7, 2), {-1.6666666667, 1, -0.8333333333, 0, 0.8333333333, -0.1666666667, 1.6666666667, 0.6666666667,
                                0.6666666667, -0.3333333333, 0.5, -0.5, 1.3333333333, 0.3333333333}, 1e-7);
}

constexpr shape shapes[] = {
    {max, 2, 2, 2, 2, 0, 0},           {max, 2, 2, 2, 2, 0, 0, 1, true}, {max, 3, 3, 2, 2, 0, 0},
    {max, 3, 3, 2, 2, 1, 1},           {max, 3, 3, 2, 2, 0, 0, 1, true}, {max, 3, 3, 1, 1, 1, 1},
    {max, 3, 3, 1, 2, 1, 0},           {max, 3, 3, 3, 1, 1, 1, 1, true}, {max, 2, 3, 1, 2, 1, 1},
    {max, 3, 2, 1, 1, 1, 1, 2},        {max, 5, 5, 2, 2, 2, 2},          {average, 2, 2, 2, 2, 0, 0},
    {average, 3, 3, 2, 2, 1, 1},       {average, 3, 3, 1, 1, 1, 1},      {average_with_pad, 3, 3, 2, 2, 1, 1, 1, true},
    {average_with_pad, 2, 2, 2, 2, 1, 1, 1, true}, {average, 5, 5, 3, 3, 0, 0}, {average_with_pad, 3, 2, 1, 1, 1, 1, 2},
    {average, 4, 7, 1, 2, 2, 3, 1, true},
};

TEST(pool2d, every_entry_equals_the_reference) {
    for (const shape& pool : shapes)
        for (int layout : layouts)
            for (int c : {1, 17, 40})
                for (int w = 1; w <= 17; w += w < 9 ? 1 : 4)
                    for (int h : {1, 2, 6, 7}) {
                        const operand src(shaped(layout, c == 17 ? 3 : 1, c, h, w, w % 2));
                        const auto problem = problem_of(pool, src.shape, layout, h % 3, w % 3 ? 0 : c + 32);
                        if (problem.dst.h < 1 || problem.dst.w < 1) continue;
                        src.fill(h * 31 + w).spoil_halo();
                        SCOPED_TRACE("window " + std::to_string(pool.r) + "x" + std::to_string(pool.s) + ", kind " +
                                     std::to_string(pool.kind));
                        const auto took_part = check(src, problem, w % 3 ? 0 : 32);
                        // With dilation a window may miss a narrow image altogether.
                        EXPECT_TRUE(!took_part.empty() || layout == SEXTANT_NCHW16C || pool.dilation > 1);
                    }
}

/// Padding is no pixel of the image: a shift must not appear in it, nor in the lanes past the last channel.
TEST(pool2d, normalises_and_rectifies_on_load) {
    std::vector<float> scale(40), shift(40);
    for (size_t c = 0; c < scale.size(); c++) {
        scale[c] = static_cast<float>(noise(1, static_cast<int64_t>(c)));
        shift[c] = static_cast<float>(noise(2, static_cast<int64_t>(c)));
    }
    for (const shape& pool : shapes)
        for (int layout : layouts)
            for (int c : {17, 40})
                for (int w : {2, 7, 8, 17}) {
                    const operand src(shaped(layout, c == 17 ? 3 : 1, c, 6, w, w % 2));
                    auto problem = problem_of(pool, src.shape, layout, w % 3, w % 2 ? 0 : c + 32);
                    if (problem.dst.h < 1 || problem.dst.w < 1) continue;
                    problem.pre_activation = 1;
                    src.fill(w).spoil_halo();
                    const double allowed = tolerance(int64_t{pool.r} * pool.s);
                    const auto took_part = compare_entries(pool2d_implementations(), problem, {scale.data(), shift.data()}, {&src},
                                                           problem.dst, w % 2 ? 0 : 32, allowed);
                    EXPECT_TRUE(!took_part.empty() || layout != SEXTANT_NCHW8C || pool.dilation > 1);
                }
}

TEST(pool2d, padding_may_differ_on_each_side) {
    for (int kind : {max, average, average_with_pad})
        for (int layout : layouts) {
            const operand src(shaped(layout, 1, 16, 9, 10));
            src.fill(5);
            // 9 + 0 + 1 rows and 10 + 1 + 2 columns
            check(src, {src.shape, shaped(layout, 1, 16, 4, 6), kind, 3, 3, 2, 2, 0, 1, 1, 2, 1, 1});
        }
}

TEST(pool2d, global_and_adaptive) {
    for (int layout : layouts)
        for (int c : {3, 16, 24, 40})
            for (int h : {1, 4, 7, 13})
                for (int w : {1, 7, 14, 33}) {
                    const operand src(shaped(layout, 3, c, h, w, 1, c + 16), 16);
                    src.fill(h * 7 + w).spoil_halo();
                    for (int dst_layout : {layout, int{SEXTANT_NCHW}})
                        for (int kind : {max, average}) check(src, problem_of({kind, h, w, 1, 1, 0, 0}, src.shape, dst_layout));
                    check(src, adaptive(src.shape, shaped(layout, 3, c, 6, 6, 1)));
                    check(src, adaptive(src.shape, shaped(layout, 3, c, 3, 2)));
                    check(src, adaptive(src.shape, shaped(SEXTANT_NCHW, 3, c, 1, 1)));
                }
}

TEST(pool2d, not_a_number_is_the_largest) {
    for (int layout : layouts)
        for (const shape& pool :
             {shape{max, 2, 2, 2, 2, 0, 0}, {max, 3, 3, 2, 2, 1, 1}, {max, 3, 3, 1, 1, 1, 1}, {max, 4, 4, 2, 2, 1, 1}})
            for (int spoiled = 0; spoiled < 16; spoiled++) {
                const operand src(shaped(layout, 1, 5, 11, 12));
                src.fill_with([&](int, int c, int y, int x) {
                    return (y * 12 + x) % 16 == spoiled ? std::nan("") : noise(spoiled, (c * 11 + y) * 12 + x) - 2;
                });
                check(src, problem_of(pool, src.shape, layout));
            }
}

TEST(pool2d, infinities_are_ordered) {
    const operand src(shaped(SEXTANT_NCHW8C, 1, 8, 8, 8));
    src.fill_with([](int, int c, int y, int x) {
        return (c + y + x) % 5 ? -std::numeric_limits<double>::infinity() : c % 2 ? std::numeric_limits<double>::infinity() : x;
    });
    check(src, problem_of({max, 2, 2, 2, 2, 0, 0}, src.shape, SEXTANT_NCHW8C));
}

struct type_pair {
    int32_t from, to;
    float scale;  // of dst
};
constexpr type_pair narrow_pairs[] = {
    {SEXTANT_BF16, SEXTANT_BF16, 0}, {SEXTANT_BF16, SEXTANT_F32, 0},         {SEXTANT_U8, SEXTANT_U8, 1.0f / 64},
    {SEXTANT_U8, SEXTANT_F32, 0},    {SEXTANT_U8, SEXTANT_U8, 1.0f / 50},
};

TEST(pool2d, narrow_types) {
    const auto scale = noise_vector(40, 1), shift = noise_vector(40, 2);
    for (const auto& [from, to, dst_scale] : narrow_pairs)
        for (const shape& pool : shapes)
            for (int c : {1, 17, 40})
                for (int w : {1, 2, 7, 8, 17})
                    for (int h : {2, 7}) {
                        const operand src(stored_as(from, shaped(SEXTANT_NCHW16C, c == 17 ? 3 : 1, c, h, w, w % 2)));
                        auto problem = problem_of(pool, src.shape, SEXTANT_NCHW16C, h % 3, w % 3 ? 0 : c + 32);
                        if (problem.dst.h < 1 || problem.dst.w < 1) continue;
                        problem.dst = stored_as(to, problem.dst, dst_scale);
                        src.fill(h * 31 + w, 1.5).spoil_halo();
                        const bool fast = !check(src, problem, w % 3 ? 0 : 32).empty();
                        // With dilation a window may miss a narrow image altogether.
                        EXPECT_TRUE(fast || !has_narrow_kernels() || pool.dilation > 1);
                        problem.pre_activation = 1;
                        compare_entries(pool2d_implementations(), problem, {scale.data(), shift.data()}, {&src}, problem.dst,
                                        w % 3 ? 0 : 32, 0x1p-21);
                    }
}

TEST(pool2d, narrow_types_global_and_adaptive) {
    for (const auto& [from, to, scale] : narrow_pairs)
        for (int c : {3, 16, 40})
            for (int h : {1, 4, 13})
                for (int w : {1, 7, 19, 20, 33}) {
                    const operand src(stored_as(from, shaped(SEXTANT_NCHW16C, 3, c, h, w, 1, c + 16)), 16);
                    src.fill(h * 7 + w, 1.5).spoil_halo();
                    const auto to_type = [&](sextant_pool2d problem) {
                        problem.dst = stored_as(to, problem.dst, scale);
                        return problem;
                    };
                    for (int dst_layout : {SEXTANT_NCHW16C, SEXTANT_NCHW})
                        for (int kind : {max, average})
                            EXPECT_EQ(check(src, to_type(problem_of({kind, h, w, 1, 1, 0, 0}, src.shape, dst_layout))).empty(),
                                      !has_narrow_kernels());
                    check(src, to_type(adaptive(src.shape, shaped(SEXTANT_NCHW16C, 3, c, 6, 6, 1))));
                    check(src, to_type(adaptive(src.shape, shaped(SEXTANT_NCHW, 3, c, 1, 1))));
                }
}

/// A maximum is one of its numbers, whatever they are worth.
TEST(pool2d, maxima_of_one_scale_are_exact) {
    for (const shape& pool : shapes) {
        if (pool.kind != max) continue;
        const operand src(stored_as(SEXTANT_U8, shaped(SEXTANT_NCHW16C, 1, 24, 13, 14), 0.0123f));
        src.fill(pool.r, 2);
        auto problem = problem_of(pool, src.shape, SEXTANT_NCHW16C);
        problem.dst = stored_as(SEXTANT_U8, problem.dst, 0.0123f);
        const auto expected = reference_of(pool2d_implementations(), problem, {}, {&src}, problem.dst);
        for (const auto& entry : pool2d_implementations()) {
            if (!entry.refuses(problem, devices().front()).empty()) continue;
            const operand dst(problem.dst);
            run(*entry.create(problem, {}, devices().front()), pool_of(1), {&src}, dst);
            expect_close(dst.dense(), expected, 0);
        }
    }
}

/// Sums of stored numbers fit into 16 bits up to 257 of them.
TEST(pool2d, averages_of_the_largest_stored_number) {
    for (int w : {256, 257, 258, 1000}) {
        const operand src(stored_as(SEXTANT_U8, shaped(SEXTANT_NCHW16C, 1, 16, 1, w), 0.01f));
        src.fill_with([](int, int, int, int) { return 9; });
        auto problem = problem_of({average, 1, w, 1, 1, 0, 0}, src.shape, SEXTANT_NCHW);
        EXPECT_EQ(check(src, problem).empty(), !has_narrow_kernels());
        problem.dst = stored_as(SEXTANT_U8, problem.dst, 0.01f);
        check(src, problem);
    }
}

}  // namespace
}  // namespace sextant::test
