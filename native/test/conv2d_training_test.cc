// SPDX-License-Identifier: Apache-2.0
// Convolutions whose weights are operands: the forward pass against the one for inference, the gradient with respect to the
// source against plain loops, and those against the forward pass, whose adjoint it is.
#include <gtest/gtest.h>

#include <array>

#include "allocation_count.h"
#include "conv2d/conv2d.h"
#include "testing.h"

namespace sextant::test {
namespace {

struct conv_case {
    const char* name;
    int n = 2, c = 16, h = 7, w = 7, k = 32, r = 3, s = 3;
    int stride_h = 1, stride_w = 1;
    int pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;
    int dilation = 1, groups = 1;
    int activation = SEXTANT_IDENTITY;
    bool residual = false;
    int src_halo = 0, dst_halo = 0;

    int p() const { return (h + pad_top + pad_bottom - (r - 1) * dilation - 1) / stride_h + 1; }
    int q() const { return (w + pad_left + pad_right - (s - 1) * dilation - 1) / stride_w + 1; }
    bool exists() const { return h + pad_top + pad_bottom > (r - 1) * dilation && w + pad_left + pad_right > (s - 1) * dilation; }
};

conv_case shape(const char* name, int c, int size, int k, int kernel, int stride, int pad) {
    conv_case a{.name = name, .c = c, .h = size, .w = size, .k = k, .r = kernel, .s = kernel};
    a.stride_h = a.stride_w = stride;
    a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = pad;
    return a;
}

/// The shapes to test at, around the sizes of tiles, panels and blocks.
std::vector<conv_case> cases() {
    std::vector<conv_case> all{
        shape("vgg", 64, 14, 48, 3, 1, 1), shape("resnet 3x3 stride 2", 32, 14, 48, 3, 2, 1),
        shape("resnet 1x1", 64, 14, 32, 1, 1, 0), shape("resnet 1x1 stride 2", 48, 14, 64, 1, 2, 0),
        shape("7x7 stride 2", 16, 19, 32, 7, 2, 3), shape("alexnet 5x5", 32, 13, 48, 5, 1, 2),
        shape("lenet conv2", 6, 14, 16, 5, 1, 0), shape("lenet conv3", 16, 5, 120, 5, 1, 0),
        shape("3x3 without padding", 17, 9, 33, 3, 1, 0), shape("padding wider than the kernel", 16, 4, 16, 1, 1, 2),
        shape("4x4 stride 4", 16, 16, 16, 4, 4, 0), shape("2x2 stride 3", 16, 13, 16, 2, 3, 0)};
    for (int channels : {1, 3, 40}) all.push_back(shape("channels", channels, 9, 41 - channels, 3, 1, 1));
    for (int size : {1, 2, 5, 15, 29}) all.push_back(shape("sizes", 16, size, 16, 3, 1, 1));
    for (int k : {120, 7}) {
        auto whole = shape("kernel as large as the image", 21, 5, k, 5, 1, 0);
        whole.h = whole.r = 3;
        all.push_back(whole);
    }
    for (int stride : {1, 2, 3, 4})
        for (int dilation : {1, 2, 3}) {
            auto a = shape("strides and dilations", 20, 15, 24, 3, stride, 2);
            a.w = 18;
            a.dilation = dilation;
            all.push_back(a);
        }
    conv_case uneven{.name = "uneven", .c = 17, .h = 9, .w = 12, .k = 32, .r = 2, .s = 5, .stride_h = 2};
    uneven.pad_top = 0, uneven.pad_left = 3, uneven.pad_right = 1, uneven.pad_bottom = 2;
    all.push_back(uneven);
    uneven.stride_w = 3, uneven.groups = 1;
    all.push_back(uneven);
    auto towers = shape("two towers", 32, 9, 96, 3, 1, 1);
    towers.groups = 2;
    all.push_back(towers);
    towers.stride_h = towers.stride_w = 2;
    all.push_back(towers);
    auto depthwise = shape("depthwise", 24, 9, 24, 3, 1, 1);
    depthwise.groups = 24;
    all.push_back(depthwise);
    auto shared = shape("all threads on a block of tiles", 264, 1, 240, 3, 1, 1);
    shared.w = 113, shared.n = 1;
    all.push_back(shared);
    std::erase_if(all, [](const conv_case& a) { return !a.exists(); });
    return all;
}

/// @param types of src, dst and the residual; a first layer's src is float32
sextant_conv2d problem_of(const conv_case& a, int src_layout, int dst_layout, std::array<int32_t, 2> types = {}) {
    sextant_conv2d b{};
    b.src = shaped(src_layout, a.n, a.c, a.h, a.w, a.src_halo);
    b.dst = shaped(dst_layout, a.n, a.k, a.p(), a.q(), a.dst_halo);
    b.r = a.r, b.s = a.s;
    b.stride_h = a.stride_h, b.stride_w = a.stride_w;
    b.pad_top = a.pad_top, b.pad_left = a.pad_left, b.pad_bottom = a.pad_bottom, b.pad_right = a.pad_right;
    b.dilation_h = b.dilation_w = a.dilation;
    b.groups = a.groups;
    b.activation = a.activation;
    b.has_residual = a.residual;
    b.residual = shaped(dst_layout, a.n, a.k, a.p(), a.q());
    b.src.dtype = src_layout == SEXTANT_NCHW ? SEXTANT_F32 : types[0];
    b.dst.dtype = b.residual.dtype = types[1];
    return b;
}

sextant_tensor weights_shape(const sextant_conv2d& a) { return shaped(SEXTANT_NCHW, a.dst.c, a.src.c / a.groups, a.r, a.s); }

/// The transforms' sums of numbers larger than their results: six points lose about two bits and a half, four one.
double winograd_slack(std::string_view entry) {
    return entry.find("winograd4") != entry.npos || entry.find("winograd2_5x5") != entry.npos ? 8
           : entry.find("winograd2") != entry.npos                                           ? 2.5
                                                                                             : 1;
}

/// What a forward pass reads, with whose values it runs.
struct forward_operands {
    operand src, weights, bias, residual;
    explicit forward_operands(const sextant_conv2d& a)
        : src(a.src), weights(weights_shape(a)), bias(shaped(SEXTANT_NCHW, 1, a.dst.c, 1, 1)), residual(a.residual) {
        src.fill(1);
        residual.fill(2);
        fill(3);
    }
    void fill(uint64_t seed) const {
        weights.fill(seed);
        bias.fill(seed + 1);
    }
    std::vector<const operand*> sources(const sextant_conv2d& a, bool has_bias, bool in_inference) const {
        std::vector<const operand*> all{&src};
        if (!in_inference) all.push_back(&weights);
        if (!in_inference && has_bias) all.push_back(&bias);
        if (a.has_residual) all.push_back(&residual);
        return all;
    }
};

/// One operation, two sets of weights one after the other.
void compare_forward(const conv_case& a, int src_layout, int dst_layout, bool has_bias, std::array<int32_t, 2> types = {}) {
    const sextant_conv2d problem = problem_of(a, src_layout, dst_layout, types);
    SCOPED_TRACE(std::string(a.name) + ": " + text(problem.src) + " -> " + text(problem.dst));
    const forward_operands operands(problem);
    for (const auto& entry : conv2d_forward_implementations())
        for (device_traits device : devices()) {
            if (!entry.refuses(problem, device).empty()) continue;
            for (int threads : {1, 3}) {
                // Of the plain loops, which are slow, once is enough.
                if (threads > 1 && &entry == &conv2d_forward_implementations().back()) continue;
                SCOPED_TRACE(std::string(entry.name) + ", threads " + std::to_string(threads));
                device.threads = threads;
                const auto made = create_conv2d_forward(problem, has_bias, device, entry.name);
                for (uint64_t seed : {3, 30}) {
                    operands.fill(seed);
                    const operand dst(problem.dst), expected(problem.dst);
                    run(*made, pool_of(threads), operands.sources(problem, has_bias, false), dst);
                    dst.expect_written_in_place();
                    const auto inference = dispatch(
                        conv2d_implementations(), "conv2d", problem,
                        conv2d_parameters{reinterpret_cast<float*>(operands.weights.data()),
                                          has_bias ? reinterpret_cast<float*>(operands.bias.data()) : nullptr, nullptr, nullptr},
                        device, entry.name);
                    run(*inference, pool_of(threads), operands.sources(problem, has_bias, true), expected);
                    EXPECT_EQ(dst.dense(), expected.dense());
                    EXPECT_EQ(made->flops(), inference->flops());
                }
            }
            break;
        }
}

TEST(conv2d_forward, equals_inference_bit_for_bit_also_when_the_weights_change) {
    int turn = 0;
    for (conv_case a : cases())
        for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) {
            a.src_halo = ++turn % 3;
            a.dst_halo = turn % 2;
            a.residual = turn % 4 == 1;
            a.activation = turn % 5 == 2 ? SEXTANT_TANH : turn % 2 ? SEXTANT_RELU : SEXTANT_IDENTITY;
            compare_forward(a, layout, layout, turn % 3 != 1);
            if (a.c <= 16 && a.groups == 1) compare_forward(a, SEXTANT_NCHW, layout, turn % 3 != 2);
            if (layout != SEXTANT_NCHW16C || !has_narrow_kernels()) continue;
            compare_forward(a, layout, layout, turn % 3 != 0, {SEXTANT_BF16, turn % 4 ? SEXTANT_BF16 : SEXTANT_F32});
            if (a.c <= 16 && a.groups == 1) compare_forward(a, SEXTANT_NCHW, layout, true, {SEXTANT_F32, SEXTANT_BF16});
        }
    for (int k : {4, 8, 20}) {
        auto first = shape("first layer", 3, 21, k, 5, 2, 2);
        for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) compare_forward(first, SEXTANT_NCHW, layout, true);
    }
}

/// Where a forward pass packs once, training packs in each run: with few tiles that is not worth a transform of all weights.
TEST(conv2d_forward, winograd_yields_where_transforming_the_weights_takes_longer_than_it_saves) {
    for (const device_traits& device : f32_devices()) {
        if (device.isa == SEXTANT_ISA_PORTABLE) continue;
        const auto name = [&](int size, int n) {
            auto a = shape("yields", 256, size, 256, 3, 1, 1);
            a.n = n;
            const int layout = device.block;
            return create_conv2d_forward(problem_of(a, layout, layout), false, device, nullptr)->name;
        };
        EXPECT_NE(name(14, 16).find("winograd"), std::string::npos);
        EXPECT_EQ(name(2, 1).find("winograd"), std::string::npos);
    }
}

/// Runs on `operands` with counted allocations; scratch is what the operation asked for.
void expect_no_allocation(const op& operation, thread_pool& pool, const std::vector<address>& operands) {
    const guarded_floats scratch((operation.scratch_bytes(pool.threads()) + 3) / 4);
    const int64_t before = allocations();
    operation.run(pool, operands.data(), reinterpret_cast<std::byte*>(scratch.data()));
    EXPECT_EQ(allocations(), before) << operation.name << " allocates in run";
}

TEST(conv2d_forward, allocates_nothing_in_a_run) {
    if (!SEXTANT_COUNTS_ALLOCATIONS) GTEST_SKIP();
    for (device_traits device : devices())
        for (const auto& entry : conv2d_forward_implementations()) {
            auto a = shape("allocations", 16, 9, 32, 3, 1, 1);
            const bool first = std::string_view(entry.name).find("first") != std::string_view::npos;
            if (first) a.c = 3;
            if (std::string_view(entry.name).find("depthwise") != std::string_view::npos) a.k = a.groups = 16, a.src_halo = 1;
            const sextant_conv2d problem = problem_of(a, first ? SEXTANT_NCHW : device.block, device.block);
            if (!entry.refuses(problem, device).empty()) continue;
            device.threads = 2;
            const forward_operands operands(problem);
            const operand dst(problem.dst);
            expect_no_allocation(*create_conv2d_forward(problem, true, device, entry.name), pool_of(2),
                                 {operands.src.data(), operands.weights.data(), operands.bias.data(), dst.data()});
        }
}

// ---------------------------------------------------------------------------------------------- backward data

/// The reference's result on plain float32 tensors.
std::vector<double> backward_reference(const sextant_conv2d& a, const operand& diff_dst, const operand& weights,
                                       const std::vector<double>* before) {
    conv2d_backward_data_problem plain{a, before != nullptr};
    plain.src = shaped(SEXTANT_NCHW, a.src.n, a.src.c, a.src.h, a.src.w);
    const operand diff_src(plain.src);
    if (before) diff_src.fill(*before);
    const auto& reference = conv2d_backward_data_implementations().back();
    const device_traits device = devices().back();
    run(*reference.create(plain, {}, device), pool_of(1), {&diff_dst, &weights}, diff_src);
    return diff_src.dense();
}

/// @param first, total where diff_src begins in a wider tensor of `total` channels (0: it is whole)
/// @param types of diff_src and diff_dst
/// @return how many fast kernels took part
int compare_backward(const conv_case& a, int layout, bool accumulate, int first = 0, int total = 0,
                     std::array<int32_t, 2> types = {}) {
    sextant_conv2d forward = problem_of(a, layout, layout, types);
    if (total) forward.src.c_total = total;
    SCOPED_TRACE(std::string(a.name) + ": " + text(forward.dst) + " -> " + text(forward.src) + ", stride " +
                 std::to_string(a.stride_h) + ", dilation " + std::to_string(a.dilation) + ", accumulate " +
                 std::to_string(accumulate));
    const conv2d_backward_data_problem problem{forward, accumulate};
    const operand diff_dst(forward.dst), weights(weights_shape(forward));
    diff_dst.fill(1);
    weights.fill(2);
    std::vector<double> before;
    for (int64_t i = 0; i < int64_t{a.n} * a.c * a.h * a.w; ++i)
        before.push_back(bf16_value(bf16_bits(static_cast<float>(noise(3, i)))));
    const auto expected = backward_reference(forward, diff_dst, weights, accumulate ? &before : nullptr);
    int fast = 0;
    for (const auto& entry : conv2d_backward_data_implementations())
        for (device_traits device : devices()) {
            if (!entry.refuses(problem, device).empty()) continue;
            for (int threads : {1, 2, 3}) {
                if ((total || &entry == &conv2d_backward_data_implementations().back()) && threads != 2) continue;
                SCOPED_TRACE(std::string(entry.name) + ", threads " + std::to_string(threads));
                device.threads = threads;
                const auto made = entry.create(problem, {}, device);
                EXPECT_EQ(made->flops(), 2 * int64_t{a.n} * a.k * a.p() * a.q() * (a.c / a.groups) * a.r * a.s);
                std::vector<double> results[2];
                for (auto& result : results) {
                    const operand diff_src(forward.src, first);
                    if (accumulate)
                        for (int n = 0; n < a.n; ++n)  // pixels alone: what else there is must stay marked
                            for (int c = 0; c < channel_blocks(forward.src) * block_of(forward.src); ++c)
                                for (int y = 0; y < a.h; ++y)
                                    for (int x = 0; x < a.w; ++x)
                                        diff_src.put(n, c, y, x,
                                                     c < a.c ? before[((int64_t{n} * a.c + c) * a.h + y) * a.w + x] : 4096);
                    run(*made, pool_of(threads), {&diff_dst, &weights}, diff_src);
                    diff_src.expect_written_in_place();
                    result = diff_src.dense();
                }
                EXPECT_EQ(results[0], results[1]) << "two runs differ";
                const int64_t terms = int64_t{a.k} / a.groups * a.r * a.s;
                // With one more for what is added to.
                expect_close(results[0], expected, winograd_slack(entry.name) * tolerance(terms + accumulate), forward.src);
            }
            fast += &entry != &conv2d_backward_data_implementations().back();
            break;
        }
    return fast;
}

TEST(conv2d_backward_data, every_implementation_against_plain_loops) {
    int turn = 0;
    for (conv_case a : cases())
        for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C})
            for (bool accumulate : {false, true}) {
                a.src_halo = ++turn % 3;
                a.dst_halo = turn / 3 % 3;
                const int fast = compare_backward(a, layout, accumulate);
                const int total = (a.c + layout - 1) / layout * layout + 2 * layout;
                if (turn % 2) compare_backward(a, layout, accumulate, layout, total);
                const auto all = f32_devices();
                const auto kernels = std::count_if(all.begin(), all.end(), [&](auto& d) { return d.block == layout; });
                EXPECT_GE(fast, a.groups == a.c ? 0 : kernels) << a.name << ": a fast kernel declined";
            }
}

TEST(conv2d_backward_data, narrow_elements) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    int turn = 0;
    for (conv_case a : cases())
        for (int32_t diff_src : {SEXTANT_F32, SEXTANT_BF16}) {
            a.src_halo = ++turn % 3;
            a.dst_halo = turn / 2 % 3;
            const int fast = compare_backward(a, SEXTANT_NCHW16C, turn / 2 % 2, 0, 0, {diff_src, SEXTANT_BF16});
            EXPECT_GE(fast, a.groups == a.c ? 0 : 1) << a.name << ": a fast kernel declined";
        }
}

TEST(conv2d_backward_data, any_layout_by_plain_loops) {
    for (const conv_case& a : {shape("plain", 3, 9, 8, 3, 2, 1), shape("plain", 5, 6, 4, 1, 1, 0)})
        for (bool accumulate : {false, true}) compare_backward(a, SEXTANT_NCHW, accumulate);
}

/// <conv(x), y> = <x, gradient(y)> for any x and y, with the forward pass and the sums in double.
TEST(conv2d_backward_data, reference_is_the_adjoint_of_the_forward_pass) {
    for (conv_case a : cases()) {
        if (int64_t{a.c} * a.k * a.h * a.w > 100'000) continue;
        const sextant_conv2d forward = problem_of(a, SEXTANT_NCHW, SEXTANT_NCHW);
        const operand x(forward.src), weights(weights_shape(forward)), y(forward.dst), dst(forward.dst);
        x.fill(1);
        weights.fill(2);
        y.fill(3);
        const auto reference = conv2d_forward_implementations().back().name;
        run(*create_conv2d_forward(forward, false, devices().back(), reference), pool_of(1), {&x, &weights}, dst);
        const auto gradient = backward_reference(forward, y, weights, nullptr);
        const auto out = dst.dense(), in = x.dense(), over = y.dense();
        double left = 0, right = 0, size = 0;
        for (size_t i = 0; i < out.size(); ++i) left += out[i] * over[i], size += std::abs(out[i] * over[i]);
        for (size_t i = 0; i < in.size(); ++i) right += in[i] * gradient[i];
        EXPECT_NEAR(left, right, size * 0x1p-23) << a.name;
    }
}

/// The loss sum(weight * dst^2 / 2) has the gradient weight * dst with respect to dst.
TEST(conv2d_backward_data, reference_agrees_with_finite_differences) {
    for (conv_case a : {shape("3x3", 2, 5, 3, 3, 1, 1), shape("3x3 stride 2", 2, 6, 3, 3, 2, 1), shape("5x5", 1, 6, 2, 5, 1, 2)})
        for (int groups : {1, a.c}) {
            a.groups = groups;
            if (a.k % groups) continue;
            const sextant_conv2d forward = problem_of(a, SEXTANT_NCHW, SEXTANT_NCHW);
            const operand src(forward.src), weights(weights_shape(forward)), diff_dst(forward.dst);
            src.fill(1);
            weights.fill(2);
            std::vector<double> x = src.dense();
            const std::vector<double> w = weights.dense();
            const auto pixel = [&](int n, int k, int p, int q) {
                const int per_group = a.c / groups, first = k / (a.k / groups) * per_group;
                double sum = 0;
                for (int c = 0; c < per_group; ++c)
                    for (int r = 0; r < a.r; ++r)
                        for (int s = 0; s < a.s; ++s) {
                            const int yy = p * a.stride_h - a.pad_top + r, xx = q * a.stride_w - a.pad_left + s;
                            if (yy < 0 || yy >= a.h || xx < 0 || xx >= a.w) continue;
                            sum += w[((k * per_group + c) * a.r + r) * a.s + s] *
                                   x[((int64_t{n} * a.c + first + c) * a.h + yy) * a.w + xx];
                        }
                return sum;
            };
            const auto loss = [&] {
                double sum = 0;
                for (int n = 0, i = 0; n < a.n; ++n)
                    for (int k = 0; k < a.k; ++k)
                        for (int p = 0; p < a.p(); ++p)
                            for (int q = 0; q < a.q(); ++q, ++i) sum += noise(5, i) * std::pow(pixel(n, k, p, q), 2) / 2;
                return sum;
            };
            int64_t i = 0;
            diff_dst.fill_with([&](int n, int k, int p, int q) { return noise(5, i++) * pixel(n, k, p, q); });
            const auto gradient = backward_reference(forward, diff_dst, weights, nullptr);
            std::vector<double> expected;
            constexpr double step = 1e-3;  // the loss is a square: central differences are exact but for rounding
            for (double& value : x) {
                const double before = value;
                value = before + step;
                const double above = loss();
                value = before - step;
                expected.push_back((above - loss()) / (2 * step));
                value = before;
            }
            expect_close(gradient, expected, 1e-6);
        }
}

TEST(conv2d_backward_data, allocates_nothing_in_a_run) {
    if (!SEXTANT_COUNTS_ALLOCATIONS) GTEST_SKIP();
    for (device_traits device : f32_devices())
        for (const auto& entry : conv2d_backward_data_implementations())
            for (const conv_case& a : {shape("3x3", 16, 9, 32, 3, 1, 1), shape("5x5", 16, 9, 32, 5, 1, 2),
                                       shape("3x3 stride 2", 16, 9, 32, 3, 2, 1), shape("1x1 stride 2", 16, 9, 32, 1, 2, 0)}) {
                const conv2d_backward_data_problem problem{problem_of(a, device.block, device.block), false};
                if (!entry.refuses(problem, device).empty()) continue;
                device.threads = 2;
                const operand diff_dst(problem.dst), weights(weights_shape(problem)), diff_src(problem.src);
                diff_dst.fill(1);
                weights.fill(2);
                expect_no_allocation(*entry.create(problem, {}, device), pool_of(2),
                                     {diff_dst.data(), weights.data(), diff_src.data()});
            }
}

TEST(conv2d_backward_data, strict_forbids_winograd) {
    for (const device_traits& device : f32_devices()) {
        conv2d_backward_data_problem problem{problem_of(shape("strict", 64, 28, 64, 3, 1, 1), device.block, device.block), false};
        const auto name = [&] {
            return dispatch(conv2d_backward_data_implementations(), "conv2d_backward_data", problem, {}, device, nullptr)->name;
        };
        EXPECT_EQ(name().find("winograd") != std::string::npos, device.isa != SEXTANT_ISA_PORTABLE) << name();
        problem.strict = 1;
        EXPECT_EQ(name().find("winograd"), std::string::npos);
    }
}

}  // namespace
}  // namespace sextant::test
