// SPDX-License-Identifier: Apache-2.0
// Gradients of a convolution's parameters: the plain loops against the formula in double and against the forward convolution,
// whose adjoint they are; every other entry of the ordered list against the plain loops.
#include "conv2d/backward_weights.h"

#include <gtest/gtest.h>

#include "allocation_count.h"
#include "conv2d/conv2d.h"
#include "testing.h"

namespace sextant::test {
namespace {

struct gradient_case {
    const char* name;
    int n = 2, c = 16, h = 7, w = 7, k = 32, r = 3, s = 3;
    int stride_h = 1, stride_w = 1;
    int pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;
    int dilation_h = 1, dilation_w = 1, groups = 1;
    int src_halo = 0, dst_halo = 0;
    bool bias = true;
    int32_t src_dtype = SEXTANT_F32, diff_dtype = SEXTANT_F32;

    int p() const { return (h + pad_top + pad_bottom - (r - 1) * dilation_h - 1) / stride_h + 1; }
    int q() const { return (w + pad_left + pad_right - (s - 1) * dilation_w - 1) / stride_w + 1; }
};

gradient_case shape(const char* name, int n, int c, int size, int k, int kernel, int stride, int pad) {
    return {.name = name, .n = n, .c = c, .h = size, .w = size, .k = k, .r = kernel, .s = kernel, .stride_h = stride,
            .stride_w = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
}

/// A case laid out: its operands, whose halos no gradient has any business in, and the problem that names them.
struct laid_out {
    operand src, diff_dst;
    conv2d_backward_weights problem{};

    laid_out(const gradient_case& a, int src_layout, int dst_layout, int src_total = 0, int dst_total = 0, int first_channel = 0)
        : src(stored_as(a.src_dtype, shaped(src_layout, a.n, a.c, a.h, a.w, a.src_halo, src_total)), first_channel),
          diff_dst(stored_as(a.diff_dtype, shaped(dst_layout, a.n, a.k, a.p(), a.q(), a.dst_halo, dst_total)), first_channel) {
        auto& f = problem.forward;
        f.src = src.shape;
        f.dst = diff_dst.shape;
        f.r = a.r, f.s = a.s;
        f.stride_h = a.stride_h, f.stride_w = a.stride_w;
        f.pad_top = a.pad_top, f.pad_left = a.pad_left, f.pad_bottom = a.pad_bottom, f.pad_right = a.pad_right;
        f.dilation_h = a.dilation_h, f.dilation_w = a.dilation_w;
        f.groups = a.groups;
        problem.has_bias = a.bias;
        src.fill(1).spoil_halo();
        diff_dst.fill(2).spoil_halo();
    }

    int64_t terms() const { return int64_t{diff_dst.shape.n} * diff_dst.shape.h * diff_dst.shape.w; }
};

struct gradients {
    std::vector<double> weights, bias;
};

gradients run_entry(const conv2d_backward_weights_implementation& entry, const laid_out& a, const device_traits& device) {
    const auto made = entry.create(a.problem, {}, device);
    const operand weights(weights_tensor(a.problem.forward)), bias(parameter_tensor(1, a.problem.forward.dst.c, 1, 1));
    EXPECT_EQ(made->destinations(), a.problem.has_bias ? 2 : 1);
    if (a.problem.has_bias) run(*made, pool_of(device.threads), {&a.src, &a.diff_dst, &bias}, weights);
    else run(*made, pool_of(device.threads), {&a.src, &a.diff_dst}, weights);
    weights.expect_written_in_place();
    if (!a.problem.has_bias) return {weights.dense(), {}};
    bias.expect_written_in_place();
    return {weights.dense(), bias.dense()};
}

gradients reference(const laid_out& a) {
    return run_entry(conv2d_backward_weights_implementations().back(), a, devices().back());
}

/// Errors of Winograd's sums, in those of direct ones.
double slack(std::string_view name) { return name.find("winograd") != std::string_view::npos ? 4 : 1; }

/// Every entry that accepts the case on any instruction set, with 1 to 3 threads, twice each.
std::vector<std::string> check(const gradient_case& a, int src_layout, int dst_layout, int src_total = 0, int dst_total = 0,
                               int first_channel = 0) {
    SCOPED_TRACE(a.name);
    const laid_out laid(a, src_layout, dst_layout, src_total, dst_total, first_channel);
    const auto expected = reference(laid);
    std::vector<std::string> took_part;
    const auto list = conv2d_backward_weights_implementations();
    for (const auto& entry : list.first(list.size() - 1))
        for (device_traits device : devices()) {
            if (!entry.refuses(laid.problem, device).empty()) continue;
            for (int threads : {1, 2, 3}) {
                SCOPED_TRACE(std::string(entry.name) + ", threads " + std::to_string(threads));
                device.threads = threads;
                const auto actual = run_entry(entry, laid, device), again = run_entry(entry, laid, device);
                expect_close(actual.weights, expected.weights, slack(entry.name) * tolerance(laid.terms()));
                expect_close(actual.bias, expected.bias, tolerance(laid.terms()));
                EXPECT_EQ(actual.weights, again.weights) << "a second run gave other bits";
                EXPECT_EQ(actual.bias, again.bias) << "a second run gave other bits";
            }
            took_part.push_back(entry.name);
            break;
        }
    return took_part;
}

gradient_case in_bf16(gradient_case a) {
    a.src_dtype = a.diff_dtype = SEXTANT_BF16;
    return a;
}

/// Dense, and as a slice of wider tensors.
void check_slices(gradient_case a, int layout) {
    check(a, layout, layout);
    a.src_halo = 2, a.dst_halo = 1;
    check(a, layout, layout, a.c + 3 * layout, a.k + 2 * layout, layout);
}

/// In the blocked layouts, and in that which has kernels for bf16. There the reference reads the same bf16 numbers, whose
/// products float32 holds exactly: only the sums are rounded, as those of float32 are.
void check_blocked(const gradient_case& a) {
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) check_slices(a, layout);
    if (has_narrow_kernels()) check_slices(in_bf16(a), SEXTANT_NCHW16C);
}

/// With a plain source, as the network's input is, to gradients of any type.
void check_first(gradient_case a) {
    const auto check_both = [&](int layout) {
        const auto all = devices();
        const bool is_here = std::any_of(all.begin(), all.end(), [&](const auto& device) { return device.block == layout; });
        EXPECT_EQ(check(a, SEXTANT_NCHW, layout).empty(), !is_here) << a.name;
        a.dst_halo = 1;
        check(a, SEXTANT_NCHW, layout, a.c + 2, a.k + 2 * layout);
        a.dst_halo = 0;
    };
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) check_both(layout);
    a.diff_dtype = SEXTANT_BF16;
    if (has_narrow_kernels()) check_both(SEXTANT_NCHW16C);
}

bool took_part(const std::vector<std::string>& names, const std::string& part) {
    return std::any_of(names.begin(), names.end(), [&](const auto& name) { return name.find(part) != std::string::npos; });
}

const gradient_case awkward[] = {
    {.name = "one pixel", .n = 1, .c = 1, .h = 1, .w = 1, .k = 1, .r = 1, .s = 1, .pad_top = 0, .pad_left = 0,
     .pad_bottom = 0, .pad_right = 0},
    {.name = "one pixel, all padding around", .n = 3, .c = 5, .h = 1, .w = 1, .k = 3},
    {.name = "odd channels", .n = 3, .c = 17, .h = 5, .w = 6, .k = 37},
    {.name = "strides 2 and 3", .c = 21, .h = 9, .w = 11, .k = 18, .stride_h = 2, .stride_w = 3},
    {.name = "stride 4", .c = 9, .h = 13, .w = 14, .k = 40, .r = 5, .s = 5, .stride_h = 4, .stride_w = 4, .pad_top = 2,
     .pad_left = 2},
    {.name = "dilations", .c = 12, .h = 11, .w = 9, .k = 24, .pad_top = 3, .pad_left = 1, .pad_bottom = 2, .pad_right = 2,
     .dilation_h = 3, .dilation_w = 2},
    {.name = "asymmetric padding", .n = 5, .c = 33, .h = 6, .w = 5, .k = 16, .pad_top = 0, .pad_left = 2, .pad_bottom = 1,
     .pad_right = 0},
    {.name = "padding wider than the kernel", .n = 1, .c = 4, .h = 3, .w = 2, .k = 7, .pad_top = 4, .pad_left = 5,
     .pad_bottom = 3, .pad_right = 6},
    {.name = "more rows than columns", .n = 1, .c = 20, .h = 70, .w = 3, .k = 50, .r = 5, .s = 1, .pad_top = 2,
     .pad_left = 0, .pad_bottom = 2, .pad_right = 0},
    {.name = "a long row", .n = 2, .c = 3, .h = 2, .w = 300, .k = 5, .r = 1, .s = 7, .pad_top = 0, .pad_left = 3,
     .pad_bottom = 0, .pad_right = 3},
    {.name = "even kernel", .n = 2, .c = 10, .h = 8, .w = 9, .k = 30, .r = 2, .s = 4, .stride_w = 2},
    {.name = "groups", .n = 3, .c = 64, .h = 7, .w = 6, .k = 96, .groups = 2},
    {.name = "groups of odd channels", .n = 2, .c = 9, .h = 5, .w = 5, .k = 6, .groups = 3},
    {.name = "depthwise", .n = 2, .c = 19, .h = 6, .w = 7, .k = 19, .stride_h = 2, .groups = 19},
    {.name = "without a bias", .n = 2, .c = 16, .h = 7, .w = 7, .k = 16, .bias = false},
};

TEST(conv2d_backward_weights, reference_equals_formula) {
    for (const auto& a : awkward)
        for (int layout : layouts) {
            SCOPED_TRACE(a.name);
            const laid_out laid(a, layout, layout);
            const auto& [src, diff, problem] = laid;
            const int channels = a.c / a.groups, outputs = a.k / a.groups;
            // From the source's pixels, where the plain loops go from those of dst.
            std::vector<double> weights(a.k * channels * a.r * a.s), bias(a.bias ? a.k : 0);
            for (int n = 0; n < a.n; n++)
                for (int k = 0; k < a.k; k++)
                    for (int c = 0; c < channels; c++)
                        for (int y = 0; y < a.h; y++)
                            for (int x = 0; x < a.w; x++)
                                for (int r = 0; r < a.r; r++)
                                    for (int s = 0; s < a.s; s++) {
                                        const int down = y + a.pad_top - r * a.dilation_h;
                                        const int right = x + a.pad_left - s * a.dilation_w;
                                        if (down < 0 || right < 0 || down % a.stride_h || right % a.stride_w) continue;
                                        const int p = down / a.stride_h, q = right / a.stride_w;
                                        if (p >= a.p() || q >= a.q()) continue;
                                        weights[((k * channels + c) * a.r + r) * a.s + s] +=
                                            diff.value(n, k, p, q) * src.value(n, k / outputs * channels + c, y, x);
                                    }
            for (int k = 0; a.bias && k < a.k; k++)
                for (int n = 0; n < a.n; n++)
                    for (int p = 0; p < a.p(); p++)
                        for (int q = 0; q < a.q(); q++) bias[k] += diff.value(n, k, p, q);
            const auto actual = reference(laid);
            expect_close(actual.weights, weights, 0x1p-23);
            expect_close(actual.bias, bias, 0x1p-23);
        }
}

// The convolution is linear in its weights: <conv(src, weights), diff_dst> = <weights, diff_weights>, with finite differences
// that are exact.
TEST(conv2d_backward_weights, reference_is_the_forward_convolution_s_adjoint) {
    for (const auto& a : awkward) {
        SCOPED_TRACE(a.name);
        const laid_out laid(a, SEXTANT_NCHW, SEXTANT_NCHW);
        const auto weights = noise_vector(int64_t{a.k} * (a.c / a.groups) * a.r * a.s, 3);
        const auto forward = reference_of(conv2d_implementations(), laid.problem.forward,
                                          {weights.data(), nullptr, nullptr, nullptr}, {&laid.src}, laid.diff_dst.shape);
        const auto diff = laid.diff_dst.dense(), gradient = reference(laid).weights;
        double output = 0, parameters = 0, size = 0;
        for (size_t i = 0; i < forward.size(); i++) output += forward[i] * diff[i], size += std::abs(forward[i] * diff[i]);
        for (size_t i = 0; i < weights.size(); i++)
            parameters += gradient[i] * weights[i], size += std::abs(gradient[i] * weights[i]);
        EXPECT_NEAR(output, parameters, 1e-7 * size);
    }
}

TEST(conv2d_backward_weights, reference_takes_every_element_type) {
    const gradient_case a{.name = "narrow"};
    for (int32_t dtype : {SEXTANT_BF16, SEXTANT_U8}) {
        const auto like = [&](const sextant_tensor& t) { return stored_as(dtype, t); };
        const laid_out wide(a, SEXTANT_NCHW16C, SEXTANT_NCHW16C);
        conv2d_backward_weights problem = wide.problem;
        problem.forward.src = like(problem.forward.src), problem.forward.dst = like(problem.forward.dst);
        const operand src(problem.forward.src), diff(problem.forward.dst), bias(parameter_tensor(1, a.k, 1, 1));
        src.fill(1), diff.fill(2);
        const operand weights(weights_tensor(problem.forward));
        const auto& entry = conv2d_backward_weights_implementations().back();
        ASSERT_EQ(entry.refuses(problem, devices().back()), "");
        run(*entry.create(problem, {}, devices().back()), pool_of(1), {&src, &diff, &bias}, weights);
        expect_close(weights.dense(), reference(wide).weights, 0.02);
    }
}

TEST(conv2d_backward_weights, awkward_shapes) {
    for (const auto& a : awkward) check_blocked(a);
}

TEST(conv2d_backward_weights, shapes_of_the_networks) {
    const gradient_case cases[] = {
        shape("LeNet, second", 5, 6, 14, 16, 5, 1, 0),
        shape("AlexNet, second", 1, 64, 9, 96, 5, 1, 2),
        shape("VGG", 1, 32, 28, 64, 3, 1, 1),
        shape("ResNet, last stage", 5, 80, 7, 64, 3, 1, 1),
        shape("ResNet, a stage's first", 2, 64, 14, 128, 3, 2, 1),
        shape("ResNet, its shortcut", 2, 64, 14, 128, 1, 2, 0),
        shape("bottleneck", 2, 256, 14, 64, 1, 1, 0),
        shape("bottleneck, last stage", 3, 192, 7, 320, 1, 1, 0),
        shape("GoogLeNet 5x5", 2, 24, 14, 48, 5, 1, 2),
        shape("GoogLeNet 1x1", 1, 528, 14, 112, 1, 1, 0),
        shape("DenseNet", 1, 64, 28, 32, 3, 1, 1),
    };
    for (const auto& a : cases) {
        const int block = devices().front().block;
        EXPECT_TRUE(took_part(check(a, block, block), "direct")) << a.name;
        if (!has_narrow_kernels()) continue;
        EXPECT_TRUE(took_part(check(in_bf16(a), block, block), "bf16_conv2d_backward_weights_direct")) << a.name;
    }
}

TEST(conv2d_backward_weights, sizes_around_tiles_and_strips) {
    for (int channels : {1, 4, 7, 8, 9, 15, 16, 24, 31, 33})
        for (int size : {4, 7}) {
            const auto name = std::to_string(channels) + " channels, " + std::to_string(size) + " pixels";
            auto a = shape(name.c_str(), 3, channels, size, channels + 5, 3, 1, 1);
            check_blocked(a);
        }
}

TEST(conv2d_backward_weights, first_layers) {
    gradient_case cases[] = {
        shape("LeNet", 5, 1, 28, 6, 5, 1, 2),
        shape("few channels", 3, 2, 7, 8, 3, 1, 1),
        shape("few channels, one pixel across", 3, 3, 5, 4, 5, 1, 0),
        shape("few channels, strided", 3, 3, 9, 5, 3, 2, 1),
        shape("AlexNet", 2, 3, 40, 64, 11, 4, 2),
        shape("VGG", 1, 3, 30, 64, 3, 1, 1),
        shape("VGG, a long row", 1, 3, 140, 24, 3, 1, 1),
        shape("ResNet", 2, 3, 37, 64, 7, 2, 3),
        shape("1x1", 3, 4, 9, 33, 1, 1, 0),
        shape("a wide kernel", 1, 2, 31, 18, 13, 3, 6),
        shape("two, even", 4, 2, 8, 40, 2, 2, 0),
        shape("more padding than image", 2, 3, 2, 17, 4, 1, 5),
        shape("16 channels", 2, 16, 9, 20, 3, 1, 1),
    };
    for (const auto& a : cases) check_first(a);
    gradient_case odd{.name = "strides, paddings, dilation down", .n = 3, .c = 3, .h = 19, .w = 26, .k = 35, .r = 3, .s = 5,
                      .stride_h = 2, .stride_w = 3, .pad_top = 0, .pad_left = 4, .pad_bottom = 3, .pad_right = 0,
                      .dilation_h = 2};
    check_first(odd);
    odd.bias = false;
    check_first(odd);
}

TEST(conv2d_backward_weights, winograd) {
    gradient_case cases[] = {
        shape("one tile", 1, 16, 4, 16, 3, 1, 1),
        shape("odd channels", 3, 33, 7, 50, 3, 1, 1),
        shape("unpadded", 2, 20, 13, 40, 3, 1, 0),
        shape("padded by two", 2, 17, 6, 24, 3, 1, 2),
        shape("several blocks of tiles", 5, 20, 56, 18, 3, 1, 1),
        shape("several chunks", 1, 288, 5, 300, 3, 1, 1),
        shape("5x5", 3, 24, 14, 48, 5, 1, 2),
        shape("5x5, one column of tiles", 2, 18, 6, 35, 5, 1, 0),
        {.name = "asymmetric padding", .n = 2, .c = 19, .h = 9, .w = 14, .k = 33, .pad_top = 0, .pad_left = 2,
         .pad_bottom = 3, .pad_right = 0},
        {.name = "without a bias", .n = 2, .c = 16, .h = 9, .w = 9, .k = 16, .bias = false},
    };
    for (const auto& a : cases) {
        const int block = devices().front().block;
        if (devices().front().isa >= SEXTANT_ISA_AVX2) {
            EXPECT_TRUE(took_part(check(a, block, block), "winograd")) << a.name;
        }
        if (has_narrow_kernels()) {
            EXPECT_TRUE(took_part(check(in_bf16(a), block, block), "bf16_conv2d_backward_weights_winograd")) << a.name;
        }
        check_blocked(a);
    }
}

TEST(conv2d_backward_weights, strict_forbids_winograd_and_small_planes_yield) {
    const device_traits device = devices().front();
    if (device.isa < SEXTANT_ISA_AVX2) GTEST_SKIP() << "there is no Winograd";
    const auto chosen = [&](const gradient_case& a, bool strict) {
        laid_out laid(a, device.block, device.block);
        laid.problem.forward.strict = strict;
        return dispatch(conv2d_backward_weights_implementations(), "gradient", laid.problem, {}, device, nullptr)->name;
    };
    const auto large = shape("large", 1, 64, 28, 64, 3, 1, 1), small = shape("small", 1, 64, 4, 64, 3, 1, 1);
    EXPECT_NE(chosen(large, false).find("winograd4"), std::string::npos);
    EXPECT_NE(chosen(large, true).find("direct"), std::string::npos);
    EXPECT_NE(chosen(small, false).find("direct"), std::string::npos);
}

TEST(conv2d_backward_weights, mixed_layouts_have_a_reference_only) {
    const gradient_case a{.name = "mixed", .c = 20};
    EXPECT_EQ(check(a, SEXTANT_NCHW16C, SEXTANT_NCHW), std::vector<std::string>{});
    EXPECT_EQ(check(a, SEXTANT_NCHW, SEXTANT_NCHW16C), std::vector<std::string>{});
    EXPECT_EQ(check(a, SEXTANT_NCHW8C, SEXTANT_NCHW16C), std::vector<std::string>{});
}

TEST(conv2d_backward_weights, run_allocates_nothing) {
    if (!SEXTANT_COUNTS_ALLOCATIONS) GTEST_SKIP() << "allocations are not counted in this build";
    const int block = devices().front().block;
    for (const auto& a : {gradient_case{.name = "any"}, in_bf16({.name = "any"})}) {
        const laid_out laid(a, block, block);
        const operand weights(weights_tensor(laid.problem.forward)), bias(parameter_tensor(1, laid.problem.forward.dst.c, 1, 1));
        for (const auto& entry : conv2d_backward_weights_implementations())
            for (device_traits device : devices()) {
                device.threads = 2;
                if (!entry.refuses(laid.problem, device).empty()) continue;
                const auto made = entry.create(laid.problem, {}, device);
                const guarded_floats scratch(made->scratch_bytes(2) / 4);
                const address operands[] = {laid.src.data(), laid.diff_dst.data(), bias.data(), weights.data()};
                thread_pool& pool = pool_of(2);
                const int64_t before = allocations();
                made->run(pool, operands, reinterpret_cast<std::byte*>(scratch.data()));
                EXPECT_EQ(allocations(), before) << entry.name;
                break;
            }
    }
}

class ApiConv2dBackwardWeights : public testing::Test {
  protected:
    ApiConv2dBackwardWeights() {
        EXPECT_EQ(sextant_device_create_cpu(1, &device, &error), SEXTANT_OK) << error.message;
        problem.src = shaped(SEXTANT_NCHW, 2, 4, 6, 5);
        problem.dst = shaped(SEXTANT_NCHW, 2, 6, 6, 5);
        problem.r = problem.s = 3;
        problem.stride_h = problem.stride_w = problem.dilation_h = problem.dilation_w = problem.groups = 1;
        problem.pad_top = problem.pad_left = problem.pad_bottom = problem.pad_right = 1;
    }
    ~ApiConv2dBackwardWeights() override { sextant_device_destroy(device); }

    int32_t create(int32_t has_bias = 1, const char* implementation = nullptr) {
        sextant_op_destroy(std::exchange(op, nullptr));
        return sextant_conv2d_backward_weights_create(device, &problem, has_bias, implementation, &op, &error);
    }
    void expect_refused(const std::string& sentence, int32_t has_bias = 1) {
        EXPECT_EQ(create(has_bias), SEXTANT_INVALID_ARGUMENT);
        EXPECT_EQ(std::string(error.message), "conv2d_backward_weights: " + sentence);
        EXPECT_FALSE(op);
    }

    sextant_device* device = nullptr;
    sextant_op* op = nullptr;
    sextant_error error{};
    sextant_conv2d problem{};
};

TEST_F(ApiConv2dBackwardWeights, says_what_it_is) {
    ASSERT_EQ(create(1, "conv2d_backward_weights_reference"), SEXTANT_OK) << error.message;
    sextant_op_info info;
    ASSERT_EQ(sextant_op_get_info(op, &info, &error), SEXTANT_OK);
    EXPECT_STREQ(info.implementation, "conv2d_backward_weights_reference");
    EXPECT_EQ(info.flops, int64_t{2} * 2 * 6 * 6 * 5 * 4 * 9);
    sextant_op_destroy(op), op = nullptr;
    EXPECT_EQ(create(1, "imagined"), SEXTANT_UNSUPPORTED);
    EXPECT_STREQ(error.message, "conv2d_backward_weights: no implementation named imagined");
}

TEST_F(ApiConv2dBackwardWeights, refuses_what_has_no_meaning) {
    expect_refused("has_bias is 2, expected 0 or 1", 2);
    const auto good = problem;
    problem.activation = SEXTANT_RELU;
    expect_refused("activation is 1, expected 0");
    problem = good, problem.pre_activation = 1;
    expect_refused("pre_activation is 1, expected 0");
    problem = good, problem.has_residual = 1, problem.residual = problem.dst;
    expect_refused("has_residual is 1, expected 0");
    problem = good, problem.groups = 3;
    expect_refused("src.c 4 is no multiple of groups 3");
    problem = good, problem.dst.n = 1;
    expect_refused("dst has n = 1, expected 2 like src");
    problem = good, problem.dst.h = 5;
    expect_refused("dst has h = 5, expected 6 (src.h 6, padding 1 and 1, kernel 3, stride 1, dilation 1)");
    problem = good, problem.src.layout = 3;
    EXPECT_EQ(create(), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_conv2d_backward_weights_create(device, nullptr, 0, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_backward_weights: problem is null");
    EXPECT_EQ(sextant_conv2d_backward_weights_create(nullptr, &good, 0, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_backward_weights: device is null");
}

TEST_F(ApiConv2dBackwardWeights, runs_in_a_plan) {
    const laid_out laid({.name = "plan", .n = 2, .c = 4, .h = 6, .w = 5, .k = 6}, SEXTANT_NCHW, SEXTANT_NCHW);
    const auto expected = reference(laid);
    ASSERT_EQ(create(), SEXTANT_OK) << error.message;
    sextant_plan* plan = nullptr;
    ASSERT_EQ(sextant_plan_create(device, &plan, &error), SEXTANT_OK);
    const sextant_place places[] = {{0, 1, 0}, {0, 2, 0}, {0, 3, 0}, {0, 4, 0}};
    ASSERT_EQ(sextant_plan_add(plan, op, places, 4, &error), SEXTANT_OK) << error.message;
    ASSERT_EQ(sextant_plan_finish(plan, &error), SEXTANT_OK) << error.message;
    sextant_plan_info info;
    ASSERT_EQ(sextant_plan_get_info(plan, &info, &error), SEXTANT_OK);
    std::vector<float> bias(6), weights(6 * 4 * 9);
    void* const workspace = sextant_memory_allocate(info.workspace_bytes + 64);
    void* buffers[] = {workspace, laid.src.data(), laid.diff_dst.data(), bias.data(), weights.data()};
    ASSERT_EQ(sextant_plan_run(plan, buffers, 5, nullptr, &error), SEXTANT_OK) << error.message;
    expect_close({weights.begin(), weights.end()}, expected.weights, tolerance(laid.terms()));
    expect_close({bias.begin(), bias.end()}, expected.bias, tolerance(laid.terms()));
    sextant_memory_free(workspace, info.workspace_bytes + 64);
    sextant_plan_destroy(plan);
    sextant_op_destroy(std::exchange(op, nullptr));
}

}  // namespace
}  // namespace sextant::test
