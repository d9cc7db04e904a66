// SPDX-License-Identifier: Apache-2.0
// Every convolution of the ordered list against the plain loops: the shapes of the networks (fewer pixels where the tiles do
// not change), and awkward ones around the sizes of tiles, panels and blocks.
#include "conv2d/conv2d.h"

#include <gtest/gtest.h>

#include "testing.h"

namespace sextant::test {
namespace {

struct conv_case {
    const char* name;
    int n = 1, c = 16, h = 7, w = 7, k = 32, r = 3, s = 3;
    int stride_h = 1, stride_w = 1;
    int pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;
    int dilation = 1, groups = 1;
    int activation = SEXTANT_RELU;
    bool residual = false, pre_activation = false;
    int src_halo = -1;  // -1: what the padding needs
    int dst_halo = 0;

    int p() const { return (h + pad_top + pad_bottom - (r - 1) * dilation - 1) / stride_h + 1; }
    int q() const { return (w + pad_left + pad_right - (s - 1) * dilation - 1) / stride_w + 1; }
    int halo() const { return src_halo >= 0 ? src_halo : std::max({pad_top, pad_left, pad_bottom, pad_right}); }
    conv_case& square(int size) { return h = w = size, *this; }
    conv_case& kernel(int size, int stride, int pad) {
        r = s = size, stride_h = stride_w = stride, pad_top = pad_left = pad_bottom = pad_right = pad;
        return *this;
    }
};

conv_case shape(const char* name, int c, int size, int k, int kernel, int stride, int pad) {
    conv_case a{.name = name, .c = c, .k = k};
    return a.square(size).kernel(kernel, stride, pad);
}

/// The element types of a problem's operands.
struct element_types {
    int32_t src = SEXTANT_F32, residual = SEXTANT_F32, dst = SEXTANT_F32;
};

/// A case laid out: operands, weights and the problem that names them.
struct laid_out {
    sextant_conv2d problem{};
    std::vector<float> weights, bias, scale, shift;
    operand src, residual;

    laid_out(const conv_case& a, int src_layout, int dst_layout, int src_first = 0, int src_total = 0, int dst_total = 0,
             const element_types& types = {})
        : src(stored_as(types.src, shaped(src_layout, a.n, a.c, a.h, a.w, a.halo(), src_total)), src_first),
          residual(stored_as(types.residual, shaped(dst_layout, a.n, a.k, a.p(), a.q()), 0.02f, 55)) {
        problem.src = src.shape;
        problem.dst = stored_as(types.dst, shaped(dst_layout, a.n, a.k, a.p(), a.q(), a.dst_halo, dst_total), 0.025f, 60);
        problem.r = a.r, problem.s = a.s;
        problem.stride_h = a.stride_h, problem.stride_w = a.stride_w;
        problem.pad_top = a.pad_top, problem.pad_left = a.pad_left;
        problem.pad_bottom = a.pad_bottom, problem.pad_right = a.pad_right;
        problem.dilation_h = problem.dilation_w = a.dilation;
        problem.groups = a.groups;
        problem.activation = a.activation;
        problem.has_residual = a.residual;
        problem.pre_activation = a.pre_activation;
        if (a.residual) problem.residual = residual.shape;
        src.fill(1);
        residual.fill(2);
        weights = noise_vector(int64_t{a.k} * terms(), 3, 1.7 / std::sqrt(terms()));
        bias = noise_vector(a.k, 4, 0.5);
        scale = noise_vector(a.c, 5, 0.5, 1);
        shift = noise_vector(a.c, 6, 0.5);
    }

    int64_t terms() const { return int64_t{problem.src.c} / problem.groups * problem.r * problem.s; }
    conv2d_parameters parameters() const {
        return {weights.data(), bias.data(), problem.pre_activation ? scale.data() : nullptr,
                problem.pre_activation ? shift.data() : nullptr};
    }
    std::vector<const operand*> sources() const {
        return problem.has_residual ? std::vector{&src, &residual} : std::vector{&src};
    }
};

bool has_narrow_kernels() { return chosen_isa() >= SEXTANT_ISA_AVX512_BF16; }

/// Instruction sets of this machine with kernels for a problem's blocks and element types.
size_t kernels_for(const sextant_conv2d& a) {
    const int layout = a.dst.layout;
    if (a.src.dtype != SEXTANT_F32 || a.dst.dtype != SEXTANT_F32) return has_narrow_kernels();
    const auto all = f32_devices();
    return layout == SEXTANT_NCHW16C ? std::count_if(all.begin(), all.end(), [](auto& d) { return d.block == 16; })
                                     : std::count_if(all.begin(), all.end(), [](auto& d) { return d.block == 8; });
}

/// The transforms' sums of numbers larger than their results: six points lose about two bits and a half, four one.
double winograd_slack(std::string_view entry) {
    return entry.find("winograd4") != entry.npos || entry.find("winograd2_5x5") != entry.npos ? 8
           : entry.find("winograd2") != entry.npos                                           ? 2.5
                                                                                             : 1;
}

void compare(const laid_out& a, int first_channel = 0) {
    // tanh and sigmoid shrink the values, not the error.
    const double slack = a.problem.activation > SEXTANT_RELU ? 3 : 1;
    // The products of bf16 numbers and the sums of integers are exact, but a mapped source is rounded to bf16 once more.
    const bool rounded = a.problem.src.dtype != SEXTANT_F32 && a.problem.pre_activation;
    const auto took_part = compare_entries(conv2d_implementations(), a.problem, a.parameters(), a.sources(), a.problem.dst,
                                           first_channel, slack * (rounded ? 0x1p-7 : tolerance(a.terms())), winograd_slack);
    EXPECT_GE(took_part.size(), kernels_for(a.problem)) << "a fast kernel declined";
}

/// Blocks of 16 channels of narrower elements, where the device has kernels for them.
void compare_narrow(const conv_case& a, int src_layout, const element_types& types) {
    constexpr int layout = SEXTANT_NCHW16C;
    const int src_total = src_layout == SEXTANT_NCHW ? 0 : (a.c + 2 * layout - 1) / layout * layout + layout;
    compare(laid_out(a, src_layout, layout, src_total ? layout : 0, src_total, 3 * layout + a.k, types), 2 * layout);
}

/// Blocked to blocked, in both block sizes; to a slice of a wider tensor too.
void compare_blocked(const conv_case& a) {
    SCOPED_TRACE(a.name);
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) {
        compare(laid_out(a, layout, layout));
        const int src_total = (a.c + 2 * layout - 1) / layout * layout + layout;
        compare(laid_out(a, layout, layout, layout, src_total, 3 * layout + a.k), 2 * layout);
    }
    if (!has_narrow_kernels()) return;
    for (int32_t type : {SEXTANT_BF16, SEXTANT_U8}) compare_narrow(a, SEXTANT_NCHW16C, {type, type, type});
}

void compare_first(const conv_case& a) {
    SCOPED_TRACE(a.name);
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) compare(laid_out(a, SEXTANT_NCHW, layout));
    if (!has_narrow_kernels()) return;
    for (int32_t type : {SEXTANT_BF16, SEXTANT_U8}) compare_narrow(a, SEXTANT_NCHW, {SEXTANT_F32, type, type});
}

/// Tiles of a flattened plane end in the middle of rows; into a plane with borders they are copied from there to their places.
TEST(conv2d, flattened_planes_into_planes_with_borders) {
    for (int size : {1, 3, 7, 13, 14})
        for (const conv_case& plain : {shape("to borders", 64, size, 40, 1, 1, 0), shape("partial blocks", 77, size, 21, 1, 1, 0)}) {
            conv_case a = plain;
            a.n = 2, a.dst_halo = 2;
            compare_blocked(a);
            a.pre_activation = true, a.activation = SEXTANT_TANH;
            compare_blocked(a);
        }
    conv_case groups = shape("groups", 128, 7, 64, 1, 1, 0);
    groups.groups = 2, groups.dst_halo = 1;
    for (int layout : {SEXTANT_NCHW8C, SEXTANT_NCHW16C}) compare(laid_out(groups, layout, layout));
    conv_case wide = shape("not square", 64, 7, 32, 1, 1, 0);
    wide.h = 5, wide.w = 10, wide.dst_halo = 1;
    compare_blocked(wide);
}

TEST(conv2d, network_shapes) {
    for (const conv_case& a : {
             shape("vgg 64@28", 64, 28, 32, 3, 1, 1), shape("resnet 256@7", 256, 7, 32, 3, 1, 1),
             shape("resnet 3x3 stride 2", 64, 14, 64, 3, 2, 1), shape("resnet 1x1", 256, 14, 64, 1, 1, 0),
             shape("resnet 1x1 stride 2", 128, 14, 64, 1, 2, 0), shape("alexnet 5x5 @27", 32, 27, 48, 5, 1, 2),
             shape("alexnet 3x3 @13", 64, 13, 64, 3, 1, 1), shape("googlenet 5x5", 16, 14, 48, 5, 1, 2),
             shape("googlenet 1x1 @7", 832, 7, 48, 1, 1, 0), shape("densenet 3x3", 128, 7, 32, 3, 1, 1),
             shape("cifar resnet", 16, 32, 16, 3, 1, 1), shape("cifar resnet 64", 64, 8, 64, 3, 1, 1),
             shape("lenet conv2", 6, 14, 16, 5, 1, 0), shape("lenet conv3", 16, 5, 120, 5, 1, 0)})
        compare_blocked(a);
}

TEST(conv2d, first_layers_of_the_networks) {
    for (const conv_case& a : {shape("vgg", 3, 29, 64, 3, 1, 1), shape("resnet", 3, 56, 64, 7, 2, 3),
                               shape("alexnet", 3, 64, 64, 11, 4, 2), shape("alexnet 2012", 3, 67, 96, 11, 4, 0),
                               shape("lenet", 1, 28, 6, 5, 1, 2), shape("lenet 32", 1, 32, 6, 5, 1, 0),
                               shape("cifar", 3, 32, 16, 3, 1, 1), shape("densenet cifar", 3, 32, 24, 3, 1, 1)})
        compare_first(a);
}

/// Two rows at a time: an odd one is left over, and rows below each other must not mix.
TEST(conv2d, first_layers_of_few_outputs) {
    for (int k : {1, 4, 6, 8})
        for (int h = 1; h <= 19; h += h < 4 ? 1 : 5)
            for (int stride : {1, 2, 3}) {
                auto a = shape("few outputs", h % 3 + 1, 23, k, 3, stride, 1);
                a.n = 2, a.h = h;
                a.activation = stride == 1 ? SEXTANT_TANH : stride == 2 ? SEXTANT_RELU : SEXTANT_IDENTITY;
                compare_first(a);
                a.dst_halo = 2;
                a.residual = h % 2;
                a.pre_activation = !a.residual;
                compare_first(a);
            }
}

TEST(conv2d, every_width_up_to_17) {
    for (int w = 1; w <= 17; ++w) {
        conv_case a{.name = "width"};
        a.h = 5, a.w = w;
        compare_blocked(a);
        a.c = 3;
        compare_first(a);
        a.c = 24;
        a.kernel(1, 1, 0);
        compare_blocked(a);
        a.dst_halo = 1;
        compare_blocked(a);
    }
}

TEST(conv2d, channels_that_fill_no_block_or_panel) {
    for (int k : {1, 5, 16, 17, 33, 40, 48, 1000})
        for (int c : {1, 3, 6, 16, 17, 40}) {
            conv_case a{.name = "channels"};
            a.c = c, a.k = k, a.h = 3, a.w = k == 1000 ? 2 : 5;
            compare_blocked(a);
            if (c <= 16) compare_first(a);
        }
}

TEST(conv2d, strides_dilations_and_uneven_pads) {
    for (int stride : {1, 2, 3, 4}) {
        auto a = shape("stride", 24, 15, 32, 3, stride, 1);
        compare_blocked(a);
        a.dilation = 2;
        a.src_halo = 3;
        compare_blocked(a);
        a.c = 3;
        compare_first(a);
        compare_blocked(shape("1x1 with stride", 24, 13, 32, 1, stride, 0));
    }
    auto uneven = shape("uneven", 17, 9, 32, 3, 1, 1);
    uneven.r = 2, uneven.s = 5, uneven.stride_h = 2, uneven.pad_top = 0, uneven.pad_left = 3, uneven.pad_right = 1;
    uneven.pad_bottom = 2;
    compare_blocked(uneven);
    uneven.c = 3;
    compare_first(uneven);
    auto padded_pointwise = shape("1x1 with padding", 16, 6, 16, 1, 1, 1);
    compare_blocked(padded_pointwise);
}

TEST(conv2d, halo_larger_than_needed_and_too_small) {
    for (int halo : {0, 1, 2, 4}) {
        auto a = shape("halo", 32, 9, 32, 5, 1, 2);
        a.src_halo = halo;
        compare_blocked(a);
        a.dst_halo = 2;
        compare_blocked(a);
    }
}

TEST(conv2d, winograd_tiles_and_blocks_of_tiles) {
    for (int kernel : {3, 5})
        for (int size : {1, 2, 3, 4, 5, 8, 9, 15})
            for (int pad : {0, 1, 2}) {
                if (size + 2 * pad < kernel) continue;
                auto a = shape("winograd", 17, size, 33, kernel, 1, pad);
                a.n = size < 5 ? 3 : 1;
                a.w = size + 3;
                a.residual = size % 2;
                a.src_halo = size % 3;
                compare_blocked(a);
            }
    auto uneven = shape("uneven", 16, 9, 16, 3, 1, 1);
    uneven.pad_top = 0, uneven.pad_left = 2, uneven.pad_bottom = 2, uneven.pad_right = 0;
    compare_blocked(uneven);
    // All threads on one block of tiles, more than one of them; sums of several chunks of channels.
    auto shared = shape("shared", 264, 1, 240, 3, 1, 1);
    shared.w = 229;
    shared.residual = true;
    compare_blocked(shared);
}

TEST(conv2d, winograd_between_bf16_operands) {
    if (chosen_isa() < SEXTANT_ISA_AVX512_BF16) GTEST_SKIP() << "the processor has no AVX512_BF16";
    for (int kernel : {3, 5})
        for (int size : {1, 6, 7, 14})
            for (bool residual : {false, true}) {
                auto a = shape("bf16", 72, size, 40, kernel, 1, kernel / 2);
                a.n = 2;
                a.residual = residual;
                a.activation = size == 6 ? SEXTANT_TANH : SEXTANT_RELU;
                a.dst_halo = size % 2;
                laid_out b(a, SEXTANT_NCHW16C, SEXTANT_NCHW16C, 0, 0, 64);
                const operand src(stored_as(SEXTANT_BF16, b.src.shape)), other(stored_as(SEXTANT_BF16, b.residual.shape));
                src.fill(1);
                other.fill(2);
                b.problem.src = src.shape, b.problem.dst.dtype = SEXTANT_BF16;
                if (residual) b.problem.residual = other.shape;
                const auto sources = residual ? std::vector{&src, &other} : std::vector{&src};
                const auto took_part = compare_entries(conv2d_implementations(), b.problem, b.parameters(), sources,
                                                       b.problem.dst, 16, 3 * tolerance(b.terms()), winograd_slack);
                EXPECT_TRUE(std::any_of(took_part.begin(), took_part.end(), [](auto& name) {
                    return name.starts_with("bf16_conv2d_winograd2");
                })) << "Winograd declined";
            }
}

TEST(conv2d, groups) {
    auto a = shape("two towers", 32, 9, 96, 3, 1, 1);
    a.groups = 2;
    compare_blocked(a);
    a.n = 5, a.residual = true;
    compare_blocked(a);
    a.c = 64, a.k = 64, a.groups = 4;
    a.kernel(1, 1, 0);
    compare_blocked(a);
    a.pre_activation = true;
    compare_blocked(a);
}

TEST(conv2d, depthwise) {
    for (int c : {16, 17, 40})
        for (int stride : {1, 2})
            for (int w : {1, 7, 8, 15}) {
                auto a = shape("depthwise", c, 9, c, 3, stride, 1);
                a.w = w;
                a.groups = c;
                a.residual = stride == 2;
                a.activation = w == 7 ? SEXTANT_SIGMOID : SEXTANT_RELU;
                compare_blocked(a);
                a.dilation = 2;
                a.src_halo = 2;
                a.w = w + 4;
                compare_blocked(a);
            }
}

TEST(conv2d, tails) {
    for (int activation : {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID})
        for (bool residual : {false, true}) {
            auto a = shape("tail", 24, 7, 40, 3, 1, 1);
            a.activation = activation;
            a.residual = residual;
            compare_blocked(a);
            a.c = 3;
            compare_first(a);
            a.c = 24;
            a.kernel(1, 1, 0);
            compare_blocked(a);
        }
}

TEST(conv2d, mixed_element_types) {
    if (!has_narrow_kernels()) GTEST_SKIP() << "the processor has no AVX512_BF16";
    for (int32_t src : {SEXTANT_BF16, SEXTANT_U8})
        for (int32_t residual : {SEXTANT_F32, SEXTANT_BF16, SEXTANT_U8})
            for (int32_t dst : {SEXTANT_F32, SEXTANT_BF16, SEXTANT_U8})
                for (int activation : {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID}) {
                    auto a = shape("mixed types", 24, 7, 40, 3, 1, 1);
                    a.residual = (residual + dst + activation) % 3 != 0;
                    a.activation = activation;
                    a.dst_halo = activation % 2;
                    compare_narrow(a, SEXTANT_NCHW16C, {src, residual, dst});
                    a.pre_activation = true;
                    compare_narrow(a, SEXTANT_NCHW16C, {src, residual, dst});
                }
}

TEST(conv2d, pre_activation_leaves_padding_zero) {
    for (int n : {1, 2}) {
        for (int size : {1, 3}) {
            auto a = shape("pre-activation", 40, 9, 48, size, 1, size / 2);
            a.n = n;
            a.pre_activation = true;
            compare_blocked(a);
            a.stride_h = a.stride_w = 2;
            a.src_halo = 0;
            compare_blocked(a);
            a.c = 3;
            compare_first(a);
        }
        auto densenet = shape("densenet bottleneck", 96, 14, 64, 1, 1, 0);
        densenet.n = n;
        densenet.pre_activation = true;
        compare_blocked(densenet);
        densenet.dst_halo = 1;
        compare_blocked(densenet);
    }
}

TEST(conv2d, batches) {
    for (int n : {2, 5}) {
        auto a = shape("batch", 32, 7, 64, 3, 1, 1);
        a.n = n;
        a.residual = true;
        compare_blocked(a);
        a.kernel(1, 1, 0);
        compare_blocked(a);
        a.c = 3;
        a.kernel(3, 2, 1);
        compare_first(a);
    }
}

/// A sum that depended on who computes it would make results change from run to run.
TEST(conv2d, results_do_not_depend_on_the_number_of_threads) {
    for (const conv_case& a : {shape("pixels split", 16, 20, 32, 3, 1, 1), shape("channels split", 64, 7, 256, 3, 1, 1)})
        for (device_traits device : devices()) {
            const laid_out b(a, device.block, device.block);
            std::vector<double> results[2];
            for (int threads : {1, 2}) {
                device.threads = threads;
                const operand dst(b.problem.dst);
                run(*dispatch(conv2d_implementations(), "conv2d", b.problem, b.parameters(), device, nullptr), pool_of(threads),
                    b.sources(), dst);
                results[threads - 1] = dst.dense();
            }
            EXPECT_EQ(results[0], results[1]) << a.name << ", blocks of " << device.block;
        }
}

TEST(conv2d, reports_its_flops_and_weights) {
    const auto device = devices().front();
    const laid_out a(shape("resnet", 64, 14, 64, 3, 1, 1), device.block, device.block);
    const char* const direct[] = {"f32_conv2d_direct_portable", "f32_conv2d_direct_avx2", "f32_conv2d_direct_avx512"};
    const auto made = dispatch(conv2d_implementations(), "conv2d", a.problem, a.parameters(), device,
                               direct[std::min(device.isa, SEXTANT_ISA_AVX512 + 0)]);
    EXPECT_EQ(made->flops(), 2 * int64_t{64} * 64 * 9 * 14 * 14);
    EXPECT_EQ(made->weight_bytes(), 4 * int64_t{64} * 64 * 9);
}

}  // namespace
}  // namespace sextant::test
