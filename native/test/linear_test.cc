// SPDX-License-Identifier: Apache-2.0
// Every fully connected implementation against the plain loops.
#include "linear/linear.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace sextant::test {
namespace {

struct laid_out {
    sextant_linear problem{};
    std::vector<float> weights, bias;
    operand src;

    laid_out(const sextant_tensor& from, int k, int activation = SEXTANT_IDENTITY, int dst_layout = SEXTANT_NCHW,
             int first_channel = 0, int32_t dst_dtype = SEXTANT_F32)
        : src(from, first_channel) {
        problem.src = from;
        problem.dst = stored_as(dst_dtype, shaped(dst_layout, from.n, k, 1, 1), 0.025f, 60);
        problem.activation = activation;
        src.fill(1);
        weights = noise_vector(k * features(), 2, 1.7 / std::sqrt(features()));
        bias = noise_vector(k, 3, 0.5);
    }

    int64_t features() const { return int64_t{problem.src.c} * problem.src.h * problem.src.w; }
    linear_parameters parameters() const { return {weights.data(), bias.data()}; }
};

void compare(const laid_out& a) {
    const double slack = a.problem.activation > SEXTANT_RELU ? 3 : 1;
    const auto took_part = compare_entries(linear_implementations(), a.problem, a.parameters(), {&a.src}, a.problem.dst, 0,
                                           slack * tolerance(a.features()));
    if (is_blocked(a.problem.dst)) return;
    const bool narrow = a.problem.src.dtype != SEXTANT_F32 || a.problem.dst.dtype != SEXTANT_F32;
    EXPECT_EQ(took_part.size(), narrow ? 1 : f32_devices().size()) << "a fast kernel declined";
}

TEST(linear, every_number_of_outputs_and_rows) {
    for (int k : {1, 5, 10, 16, 17, 48, 120, 129, 257})
        for (int n : {1, 2, 3, 4, 5, 7, 8, 14, 15, 16, 29}) compare(laid_out(shaped(SEXTANT_NCHW, n, 37, 1, 1), k));
}

TEST(linear, network_shapes) {
    for (int n : {1, 5}) {
        compare(laid_out(shaped(SEXTANT_NCHW, n, 2048, 1, 1), 1000));
        compare(laid_out(shaped(SEXTANT_NCHW, n, 400, 1, 1), 120, SEXTANT_TANH));
        compare(laid_out(shaped(SEXTANT_NCHW16C, n, 64, 7, 7), 200, SEXTANT_RELU));
        compare(laid_out(shaped(SEXTANT_NCHW8C, n, 64, 7, 7), 200, SEXTANT_RELU));
    }
}

/// The weights' columns run over c, h, w; src's memory does not.
TEST(linear, flattens_every_layout) {
    for (int layout : layouts)
        for (int c : {1, 6, 16, 17, 40})
            for (int n : {1, 3}) {
                compare(laid_out(shaped(layout, n, c, 5, 3), 33));
                if (layout == SEXTANT_NCHW) continue;
                compare(laid_out(shaped(layout, n, c, 5, 3, /*halo*/ 2), 33));
                compare(laid_out(shaped(layout, n, c, 5, 3, 1, /*c_total*/ 96), 33, SEXTANT_RELU, SEXTANT_NCHW, layout));
            }
}

TEST(linear, tails) {
    for (int activation : {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID})
        for (int layout : layouts) compare(laid_out(shaped(SEXTANT_NCHW, 3, 300, 1, 1), 21, activation, layout));
}

TEST(linear, narrow_elements) {
    if (chosen_isa() < SEXTANT_ISA_AVX512_BF16) GTEST_SKIP() << "the processor has no AVX512_BF16";
    for (int32_t from : {SEXTANT_F32, SEXTANT_BF16, SEXTANT_U8})
        for (int32_t to : {SEXTANT_F32, SEXTANT_BF16, SEXTANT_U8}) {
            for (int k : {1, 10, 17, 48, 129})
                for (int n : {1, 2, 3, 5, 14, 16, 29})
                    compare(laid_out(stored_as(from, shaped(SEXTANT_NCHW, n, 37, 1, 1)), k, SEXTANT_RELU, SEXTANT_NCHW, 0, to));
            for (int layout : layouts)
                for (int c : {1, 6, 17, 40})
                    for (int n : {1, 3}) {
                        compare(laid_out(stored_as(from, shaped(layout, n, c, 5, 3, /*halo*/ 1)), 33, SEXTANT_TANH, layout, 0, to));
                        if (layout == SEXTANT_NCHW) continue;
                        compare(laid_out(stored_as(from, shaped(layout, n, c, 5, 3, 0, /*c_total*/ 96)), 33, SEXTANT_IDENTITY,
                                         SEXTANT_NCHW, layout, to));
                    }
            compare(laid_out(stored_as(from, shaped(SEXTANT_NCHW16C, 1, 512, 7, 7)), 64, SEXTANT_IDENTITY, SEXTANT_NCHW, 0, to));
        }
}

TEST(linear, results_do_not_depend_on_the_number_of_threads) {
    for (device_traits device : devices())
        for (int n : {1, 5}) {
            const laid_out a(shaped(device.block, n, 64, 5, 5), 300);
            std::vector<double> results[2];
            for (int threads : {1, 2}) {
                device.threads = threads;
                const operand dst(a.problem.dst);
                run(*dispatch(linear_implementations(), "linear", a.problem, a.parameters(), device, nullptr), pool_of(threads),
                    {&a.src}, dst);
                results[threads - 1] = dst.dense();
            }
            EXPECT_EQ(results[0], results[1]) << "n " << n << ", blocks of " << device.block;
        }
}

}  // namespace
}  // namespace sextant::test
