// SPDX-License-Identifier: Apache-2.0
// What the C interface refuses, and with which sentence. Nothing a caller passes may crash, overflow or throw.
#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "environment.h"
#include "sextant/sextant.h"

namespace {

using ::testing::Test;

/// One device of one thread, and the outcome of calls on it.
class Api : public Test {
  protected:
    Api() {
        EXPECT_EQ(sextant_device_create_cpu(1, &device, &error), SEXTANT_OK) << error.message;
        EXPECT_EQ(sextant_device_get_info(device, &info, nullptr), SEXTANT_OK);
    }
    ~Api() override { sextant_device_destroy(device); }

    sextant_tensor nchw(int n, int c, int h, int w) { return {SEXTANT_F32, SEXTANT_NCHW, n, c, h, w, 0, c}; }
    sextant_tensor blocked(int n, int c, int h, int w, int halo = 0) {
        return {SEXTANT_F32, info.block, n, c, h, w, halo, c};
    }

    sextant_conv2d convolution() {
        sextant_conv2d a{};
        a.src = nchw(1, 4, 6, 5);
        a.dst = nchw(1, 6, 6, 5);
        a.r = a.s = 3;
        a.stride_h = a.stride_w = a.dilation_h = a.dilation_w = a.groups = 1;
        a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = 1;
        return a;
    }
    sextant_pool2d pool() {
        sextant_pool2d a{};
        a.src = nchw(1, 4, 6, 5);
        a.dst = nchw(1, 4, 3, 2);
        a.r = a.s = a.stride_h = a.stride_w = 2;
        a.dilation_h = a.dilation_w = 1;
        return a;
    }

    int32_t create(const sextant_conv2d& a) {
        return finish(sextant_conv2d_create(device, &a, weights.data(), nullptr, nullptr, nullptr, nullptr, &op, &error));
    }
    int32_t create(const sextant_linear& a) {
        return finish(sextant_linear_create(device, &a, weights.data(), nullptr, nullptr, &op, &error));
    }
    int32_t create(const sextant_pool2d& a) { return finish(sextant_pool2d_create(device, &a, nullptr, nullptr, nullptr, &op, &error)); }
    int32_t create(const sextant_lrn& a) { return finish(sextant_lrn_create(device, &a, nullptr, &op, &error)); }
    int32_t create(const sextant_batch_norm& a) {
        return finish(sextant_batch_norm_create(device, &a, weights.data(), weights.data(), nullptr, &op, &error));
    }
    int32_t create(const sextant_eltwise& a) { return finish(sextant_eltwise_create(device, &a, nullptr, &op, &error)); }
    int32_t create(const sextant_softmax& a) { return finish(sextant_softmax_create(device, &a, nullptr, &op, &error)); }
    int32_t create(const sextant_shortcut& a) { return finish(sextant_shortcut_create(device, &a, nullptr, &op, &error)); }

    /// Destroys what was made; on failure there is no handle, and there is a sentence.
    int32_t finish(int32_t status) {
        if (status == SEXTANT_OK) {
            EXPECT_TRUE(op);
        } else {
            EXPECT_FALSE(op);
            EXPECT_NE(std::string(error.message), "");
        }
        sextant_op_destroy(op);
        op = nullptr;
        return status;
    }

    /// The sentence with which a changed, otherwise sound problem is refused.
    template <class Problem>
    std::string refusal(Problem problem, const std::function<void(Problem&)>& change) {
        change(problem);
        error.message[0] = 0;
        EXPECT_EQ(create(problem), SEXTANT_INVALID_ARGUMENT) << error.message;
        return error.message;
    }

    /// Sets each int32 of a sound problem to hostile values in turn: whatever the answer, it must come as a status.
    template <class Problem>
    void expect_no_crash(const Problem& sound) {
        EXPECT_EQ(create(sound), SEXTANT_OK) << error.message;
        for (size_t at = 0; at + sizeof(int32_t) <= sizeof(Problem); at += sizeof(int32_t)) {
            for (const int32_t value : {INT_MIN, INT_MIN + 1, -1, 0, INT_MAX - 1, INT_MAX, 1 << 30, 1 << 28, 65536}) {
                Problem problem = sound;
                std::memcpy(reinterpret_cast<char*>(&problem) + at, &value, sizeof value);
                if (reads_more_weights_than_there_are(problem)) continue;
                const int32_t status = create(problem);
                EXPECT_TRUE(status == SEXTANT_OK || status == SEXTANT_INVALID_ARGUMENT) << error.message << " at " << at;
            }
        }
    }

    template <class Problem>
    static bool reads_more_weights_than_there_are(const Problem&) {
        return false;  // a larger size alone contradicts another
    }
    bool reads_more_weights_than_there_are(const sextant_linear& a) const {
        return static_cast<double>(a.dst.c) * a.src.c * a.src.h * a.src.w > static_cast<double>(weights.size());
    }

    sextant_device* device = nullptr;
    sextant_device_info info{};
    sextant_op* op = nullptr;
    sextant_error error{};
    std::vector<float> weights = std::vector<float>(4096, 0.5f);
};

TEST_F(Api, DeviceTellsWhatItIs) {
    EXPECT_STREQ(sextant_version(), "0.1.0");
    EXPECT_EQ(info.threads, 1);
    EXPECT_GE(info.cores, 1);
    EXPECT_EQ(info.block, info.isa >= SEXTANT_ISA_AVX512 ? 16 : 8);
    constexpr const char* names[] = {"portable", "avx2", "avx512", "avx512_bf16"};
    EXPECT_STREQ(info.isa_name, names[info.isa]);
    EXPECT_NE(info.processor[0], 0);
    sextant_device* all = nullptr;
    ASSERT_EQ(sextant_device_create_cpu(0, &all, nullptr), SEXTANT_OK);
    sextant_device_info all_info;
    ASSERT_EQ(sextant_device_get_info(all, &all_info, nullptr), SEXTANT_OK);
    EXPECT_EQ(all_info.threads, all_info.cores);
    sextant_device_destroy(all);
}

TEST_F(Api, DeviceRefusals) {
    sextant_device* none = nullptr;
    for (const int32_t threads : {-1, INT_MIN, 1025, INT_MAX}) {
        EXPECT_EQ(sextant_device_create_cpu(threads, &none, &error), SEXTANT_INVALID_ARGUMENT);
        EXPECT_EQ(std::string(error.message), "device: threads is " + std::to_string(threads) + ", expected 0 to 1024");
        EXPECT_FALSE(none);
    }
    EXPECT_EQ(sextant_device_create_cpu(1, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_device_get_info(nullptr, &info, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_device_get_info(device, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    sextant_device_peak peak;
    EXPECT_EQ(sextant_device_measure(nullptr, &peak, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_device_measure(device, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    sextant_device_destroy(nullptr);
    sextant_op_destroy(nullptr);
    sextant_plan_destroy(nullptr);
}

TEST_F(Api, AnUnknownInstructionSetIsAnErrorThatNamesTheKnown) {
    const sextant::test::environment variable("SEXTANT_ISA", "sse9");
    sextant_device* none = nullptr;
    EXPECT_EQ(sextant_device_create_cpu(1, &none, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "device: SEXTANT_ISA is \"sse9\", expected portable, avx2, avx512 or avx512_bf16");
}

TEST_F(Api, AMessageThatDoesNotFitIsCut) {
    const sextant::test::environment variable("SEXTANT_ISA", std::string(5000, 'x').c_str());
    sextant_device* none = nullptr;
    EXPECT_EQ(sextant_device_create_cpu(1, &none, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(std::strlen(error.message), sizeof error.message - 1);
    EXPECT_EQ(sextant_device_create_cpu(1, &none, nullptr), SEXTANT_INVALID_ARGUMENT);
}

TEST_F(Api, NullPointers) {
    const auto a = convolution();
    const float* w = weights.data();
    EXPECT_EQ(sextant_conv2d_create(nullptr, &a, w, nullptr, nullptr, nullptr, nullptr, &op, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d: device is null");
    EXPECT_EQ(sextant_conv2d_create(device, nullptr, w, nullptr, nullptr, nullptr, nullptr, &op, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d: problem is null");
    EXPECT_EQ(sextant_conv2d_create(device, &a, nullptr, nullptr, nullptr, nullptr, nullptr, &op, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d: weights is null");
    EXPECT_EQ(sextant_conv2d_create(device, &a, w, nullptr, nullptr, nullptr, nullptr, nullptr, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d: op is null");
    EXPECT_EQ(sextant_conv2d_create(device, &a, w, nullptr, w, w, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_conv2d_create(device, &a, w, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
              SEXTANT_INVALID_ARGUMENT);
    const auto t = nchw(1, 1, 1, 1);
    EXPECT_EQ(sextant_reorder_create(device, nullptr, &t, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_reorder_create(device, &t, nullptr, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_concat_create(device, nullptr, 1, &t, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_concat_create(device, &t, 1, nullptr, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    const sextant_batch_norm bn{t, t, 0};
    EXPECT_EQ(sextant_batch_norm_create(device, &bn, nullptr, w, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_batch_norm_create(device, &bn, w, nullptr, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
    sextant_op_info op_info;
    EXPECT_EQ(sextant_op_get_info(nullptr, &op_info, &error), SEXTANT_INVALID_ARGUMENT);
}

TEST_F(Api, OperationsTellWhatTheyAre) {
    const auto a = convolution();
    ASSERT_EQ(sextant_conv2d_create(device, &a, weights.data(), nullptr, nullptr, nullptr, "conv2d_reference", &op, &error),
              SEXTANT_OK) << error.message;
    sextant_op_info op_info;
    ASSERT_EQ(sextant_op_get_info(op, &op_info, &error), SEXTANT_OK);
    EXPECT_STREQ(op_info.implementation, "conv2d_reference");
    EXPECT_EQ(op_info.flops, 2 * 6 * 6 * 5 * 4 * 9);
    EXPECT_EQ(sextant_op_get_info(op, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    sextant_op_destroy(op);
    op = nullptr;
    EXPECT_EQ(sextant_conv2d_create(device, &a, weights.data(), nullptr, nullptr, nullptr, "f32_conv2d_imagined", &op, &error),
              SEXTANT_UNSUPPORTED);
    EXPECT_STREQ(error.message, "conv2d: no implementation named f32_conv2d_imagined");
}

TEST_F(Api, CandidatesAreTheImplementationsThatAccept) {
    auto a = convolution();
    a.dst.layout = info.block;
    char names[2048];
    ASSERT_EQ(sextant_conv2d_candidates(device, &a, names, sizeof names, &error), SEXTANT_OK) << error.message;
    const std::string all = names, last = "\nconv2d_reference\n";
    ASSERT_GT(all.size(), last.size());
    EXPECT_EQ(all.substr(all.size() - last.size()), last);
    for (size_t start = 0, end; start < all.size(); start = end + 1) {
        end = all.find('\n', start);
        const std::string name = all.substr(start, end - start);
        EXPECT_EQ(sextant_conv2d_create(device, &a, weights.data(), nullptr, nullptr, nullptr, name.c_str(), &op, &error), SEXTANT_OK)
            << error.message;
        sextant_op_destroy(op);
        op = nullptr;
    }
    EXPECT_EQ(sextant_conv2d_candidates(device, &a, names, 5, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(std::string(error.message),
              "conv2d_candidates: names need " + std::to_string(all.size() + 1) + " bytes, capacity is 5");
}

TEST_F(Api, TensorsAreChecked) {
    using C = sextant_conv2d;
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.src.dtype = 7; }),
              "conv2d: src has dtype 7, expected 0 (SEXTANT_F32), 1 (SEXTANT_BF16) or 2 (SEXTANT_U8)");
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.src.dtype = SEXTANT_U8; }),
              "conv2d: src.scale is 0.000000, expected a positive finite number");
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.dst.dtype = SEXTANT_U8, a.dst.scale = 0.5f, a.dst.zero_point = 256; }),
              "conv2d: dst.zero_point is 256, expected 0 to 255");
    const int32_t foreign = info.block == 8 ? 16 : 8;
    EXPECT_EQ(refusal<C>(convolution(), [&](C& a) { a.dst.layout = foreign; }),
              "conv2d: dst has layout " + std::to_string(foreign) + ", expected 1 (SEXTANT_NCHW) or " +
                  std::to_string(info.block) + ", the blocked layout of this device");
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.src.c = 0; }), "conv2d: src.c is 0, expected 1 to 268435456");
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.src.halo = 1; }), "conv2d: src.halo is 1, expected 0");
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.src.c_total = 3; }), "conv2d: src.c_total is 3, expected 4 to 268435456");
    EXPECT_EQ(refusal<C>(convolution(), [](C& a) { a.src.n = a.src.h = a.src.w = 1 << 14; }),
              "conv2d: src (16384x4x16384x16384) needs more than 2^40 bytes");
}

TEST_F(Api, ConvolutionsAreChecked) {
    using C = sextant_conv2d;
    const auto wrong = [&](const std::function<void(C&)>& change) { return refusal<C>(convolution(), change); };
    EXPECT_EQ(wrong([](C& a) { a.dst.h = 7; }),
              "conv2d: dst has h = 7, expected 6 (src.h 6, padding 1 and 1, kernel 3, stride 1, dilation 1)");
    EXPECT_EQ(wrong([](C& a) { a.r = 9; }),
              "conv2d: the kernel spans 9 pixels, the padded image has 8 "
              "(src.h 6, padding 1 and 1, kernel 9, stride 1, dilation 1)");
    EXPECT_EQ(wrong([](C& a) { a.dst.n = 2; }), "conv2d: dst has n = 2, expected 1 like src");
    EXPECT_EQ(wrong([](C& a) { a.groups = 3; }), "conv2d: src.c 4 is no multiple of groups 3");
    EXPECT_EQ(wrong([](C& a) { a.groups = 4; }), "conv2d: dst.c 6 is no multiple of groups 4");
    EXPECT_EQ(wrong([](C& a) { a.stride_w = 0; }), "conv2d: stride_w is 0, expected 1 to 1048576");
    EXPECT_EQ(wrong([](C& a) { a.activation = 4; }), "conv2d: activation is 4, expected 0 to 3");
    EXPECT_EQ(wrong([](C& a) { a.strict = 2; }), "conv2d: strict is 2, expected 0 or 1");
    EXPECT_EQ(wrong([](C& a) { a.pre_activation = 1; }), "conv2d: pre_scale is null");
    EXPECT_EQ(wrong([&](C& a) {
        a.has_residual = 1;
        a.residual = nchw(1, 6, 6, 4);
    }), "conv2d: residual is 1x6x6x4, expected 1x6x6x5 like dst");
    EXPECT_EQ(wrong([](C& a) { a.src.c = a.src.c_total = a.dst.c = a.dst.c_total = 1 << 20; }),
              "conv2d: weights need more than 2^40 bytes");
}

TEST_F(Api, LinearIsChecked) {
    using L = sextant_linear;
    const L sound{nchw(2, 3, 4, 5), nchw(2, 7, 1, 1), 0};
    EXPECT_EQ(create(sound), SEXTANT_OK) << error.message;
    EXPECT_EQ(refusal<L>(sound, [](L& a) { a.dst.h = 2; }), "linear: dst has h = 2, expected 1");
    EXPECT_EQ(refusal<L>(sound, [](L& a) { a.dst.n = 3; }), "linear: dst has n = 3, expected 2 like src");
}

TEST_F(Api, PoolsAreChecked) {
    using P = sextant_pool2d;
    const auto wrong = [&](const std::function<void(P&)>& change) { return refusal<P>(pool(), change); };
    EXPECT_EQ(wrong([](P& a) { a.dst.w = 4; }), "pool2d: dst.w is 4, expected 2, or 3 in ceil mode (src.w 5, padding 0 and 0, "
                                                "kernel 2, stride 2, dilation 1)");
    EXPECT_EQ(wrong([](P& a) { a.dst.c = a.dst.c_total = 5; }), "pool2d: dst has c = 5, expected 4 like src");
    EXPECT_EQ(wrong([](P& a) { a.kind = 4; }), "pool2d: kind is 4, expected 0 to 3");
    // Ceil mode would make a window that begins in the padding below.
    EXPECT_EQ(wrong([](P& a) {
        a.src.h = 5, a.pad_bottom = 1, a.stride_h = 5, a.dst.h = 2;
    }), "pool2d: dst.h is 2, so the last window starts beyond the image "
        "(src.h 5, padding 0 and 1, kernel 2, stride 5, dilation 1)");
    EXPECT_EQ(wrong([](P& a) { a.pad_top = 2, a.dst.h = 4; }),
              "pool2d: window 0 lies in the padding alone (src.h 6, padding 2 and 0, kernel 2, stride 2, dilation 1)");
    EXPECT_EQ(wrong([](P& a) {  // taps at -2 and 1 of an image one pixel high
        a.src.h = 1, a.dst.h = 1, a.dilation_h = 3, a.pad_top = 2, a.pad_bottom = 2, a.stride_h = 8;
    }), "pool2d: window 0 lies in the padding alone (src.h 1, padding 2 and 2, kernel 2, stride 8, dilation 3)");
}

TEST_F(Api, OtherOperationsAreChecked) {
    using S = sextant_softmax;
    const S softmax{nchw(2, 10, 1, 1), nchw(2, 10, 1, 1), 0};
    EXPECT_EQ(refusal<S>(softmax, [&](S& a) { a.src = blocked(2, 10, 1, 1); }),
              "softmax: src has layout = " + std::to_string(info.block) + ", expected 1 (SEXTANT_NCHW)");
    EXPECT_EQ(refusal<S>(softmax, [&](S& a) { a.src = a.dst = nchw(2, 10, 2, 1); }), "softmax: src has h = 2, expected 1");
    EXPECT_EQ(refusal<S>(softmax, [](S& a) { a.log = -1; }), "softmax: log is -1, expected 0 or 1");

    using N = sextant_lrn;
    const N lrn{nchw(1, 8, 2, 2), nchw(1, 8, 2, 2), 5, 1e-4f, 0.75f, 1};
    EXPECT_EQ(refusal<N>(lrn, [](N& a) { a.size = 0; }), "lrn: size is 0, expected 1 to 1048576");
    EXPECT_EQ(refusal<N>(lrn, [](N& a) { a.beta = NAN; }), "lrn: beta is nan, expected a finite number");
    EXPECT_EQ(refusal<N>(lrn, [](N& a) { a.dst.w = 3; }), "lrn: dst is 1x8x2x3, expected 1x8x2x2 like src");

    using E = sextant_eltwise;
    E eltwise{nchw(1, 8, 2, 2), nchw(1, 8, 2, 2), 0, 1, nchw(1, 8, 2, 2)};
    EXPECT_EQ(refusal<E>(eltwise, [](E& a) { a.other.h = 1; }), "eltwise: other is 1x8x1x2, expected 1x8x2x2 like src");

    using H = sextant_shortcut;
    const H shortcut{nchw(1, 8, 7, 4), nchw(1, 16, 4, 2), 2};
    EXPECT_EQ(refusal<H>(shortcut, [](H& a) { a.dst.h = 3; }),
              "shortcut: dst has h = 3, expected 4 with stride 2 (src 1x8x7x4)");
    EXPECT_EQ(refusal<H>(shortcut, [](H& a) { a.dst.c = a.dst.c_total = 7; }), "shortcut: dst.c is 7, expected 8 to 268435456");

    const sextant_tensor sources[] = {nchw(1, 3, 2, 2), nchw(1, 4, 2, 2)};
    sextant_tensor dst = nchw(1, 8, 2, 2);
    EXPECT_EQ(sextant_concat_create(device, sources, 2, &dst, nullptr, &op, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "concat: dst has c = 8, expected 7 like the sources together");
    for (const int32_t count : {INT_MIN, -1, 0, 1024, INT_MAX}) {
        EXPECT_EQ(sextant_concat_create(device, sources, count, &dst, nullptr, &op, &error), SEXTANT_INVALID_ARGUMENT);
        EXPECT_EQ(std::string(error.message), "concat: count is " + std::to_string(count) + ", expected 1 to 1023");
    }
    dst = nchw(1, 7, 2, 3);
    EXPECT_EQ(sextant_concat_create(device, sources, 2, &dst, nullptr, &op, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "concat: source 0 has w = 2, expected 3 like dst");
    EXPECT_EQ(sextant_reorder_create(device, &sources[0], &sources[1], nullptr, &op, &error),
              SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "reorder: dst is 1x4x2x2, expected 1x3x2x2 like src");
}

TEST_F(Api, HostileIntegersNeverCrash) {
    expect_no_crash(convolution());
    expect_no_crash(pool());
    expect_no_crash(sextant_linear{nchw(2, 3, 4, 5), nchw(2, 7, 1, 1), 0});
    expect_no_crash(sextant_lrn{nchw(1, 8, 2, 2), nchw(1, 8, 2, 2), 5, 1e-4f, 0.75f, 1});
    expect_no_crash(sextant_batch_norm{blocked(1, 8, 2, 2, 1), blocked(1, 8, 2, 2), 1});
    expect_no_crash(sextant_eltwise{nchw(1, 8, 2, 2), nchw(1, 8, 2, 2), 0, 1, nchw(1, 8, 2, 2)});
    expect_no_crash(sextant_softmax{nchw(2, 10, 1, 1), nchw(2, 10, 1, 1), 0});
    expect_no_crash(sextant_shortcut{nchw(1, 8, 7, 4), nchw(1, 16, 4, 2), 2});
}

}  // namespace
