// SPDX-License-Identifier: Apache-2.0
// Plans through the C interface, and with operations made for the test where it must see what a step is given.
#include "runtime/plan.h"

#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "allocation_count.h"
#include "runtime/cpu.h"
#include "runtime/halo.h"

namespace sextant {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

sextant_tensor nchw(int n, int c, int h, int w) { return {SEXTANT_F32, SEXTANT_NCHW, n, c, h, w, 0, c}; }

/// Aligned memory for one test.
class buffer {
  public:
    explicit buffer(int64_t bytes, float fill = nan)
        : bytes_(std::max<int64_t>(bytes, 64)), data_(sextant_memory_allocate(bytes_)) {
        std::fill_n(floats(), bytes_ / sizeof(float), fill);
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { sextant_memory_free(data_, bytes_); }
    void* address() const { return data_; }
    float* floats() const { return static_cast<float*>(data_); }

  private:
    int64_t bytes_;
    void* data_;
};

/// An operation that shows the test what it was run with.
class probe final : public op {
  public:
    using body = std::function<void(const address* operands, std::byte* scratch)>;
    probe(const sextant_tensor& dst, int64_t scratch, body run) : op(dst), scratch_(scratch), run_(std::move(run)) {
        name = "probe";
    }
    void run(thread_pool&, const address* operands, std::byte* scratch) const override { run_(operands, scratch); }
    int64_t scratch_bytes(int threads) const override { return scratch_ * threads; }
    int64_t weight_bytes() const override { return 100; }
    int64_t flops() const override { return 10; }

  private:
    int64_t scratch_;
    body run_;
};

bound_op probe_of(const sextant_tensor& src, const sextant_tensor& dst, int64_t scratch = 0, probe::body run = [](auto...) {}) {
    return {std::make_shared<probe>(dst, scratch, std::move(run)), {src, dst}};
}

std::shared_ptr<device> device_of(int threads) { return std::make_shared<device>(traits_of(SEXTANT_ISA_PORTABLE, threads)); }

std::string refusal(const std::function<void()>& body) {
    try {
        body();
    } catch (const failure& e) {
        EXPECT_EQ(e.status, SEXTANT_INVALID_ARGUMENT);
        return e.what();
    }
    return "";
}

TEST(Halo, OnlyTheSlicesOwnBordersAreCleared) {
    for (const int threads : {1, 3}) {
        thread_pool pool(threads);
        for (const int halo : {0, 1, 3}) {
            for (const int size : {1, 2, 40}) {
                // 12 channels in 2 blocks of 8, a slice of 5 blocks that begins at the second.
                const sextant_tensor t{SEXTANT_F32, SEXTANT_NCHW8C, 2, 12, size, size + 1, halo, 40};
                std::vector<float> whole(t.n * image_pitch(t), 7);
                clear_halo(t, whole.data() + plane_pitch(t), pool);
                for (size_t i = 0; i < whole.size(); ++i) {
                    const int64_t block = static_cast<int64_t>(i) % image_pitch(t) / plane_pitch(t);
                    const int64_t y = static_cast<int64_t>(i) % plane_pitch(t) / row_pitch(t) - halo;
                    const int64_t x = static_cast<int64_t>(i) % row_pitch(t) / 8 - halo;
                    const bool border = y < 0 || y >= t.h || x < 0 || x >= t.w;
                    ASSERT_EQ(whole[i], border && (block == 1 || block == 2) ? 0 : 7) << i;
                }
            }
        }
    }
}

TEST(Halo, WhatMeansZeroInANarrowType) {
    thread_pool pool(1);
    sextant_tensor t{SEXTANT_U8, SEXTANT_NCHW8C, 1, 8, 1, 1, 1, 8, 0.5f, 9};
    std::vector<uint8_t> stored(9 * 8, 7);
    clear_halo(t, stored.data(), pool);
    for (int i = 0; i < 72; ++i) EXPECT_EQ(stored[i], i / 8 == 4 ? 7 : 9) << i;
    t.dtype = SEXTANT_BF16;
    std::vector<uint16_t> wider(9 * 8, 7);
    clear_halo(t, wider.data(), pool);
    for (int i = 0; i < 72; ++i) EXPECT_EQ(wider[i], i / 8 == 4 ? 7 : 0) << i;
}

TEST(Plan, PlacesScratchAndWorkspace) {
    const auto shared = device_of(2);
    plan plan(shared);
    const sextant_tensor small = nchw(1, 1, 1, 5), blocked{SEXTANT_F32, SEXTANT_NCHW8C, 1, 8, 2, 2, 1, 8};
    std::vector<void*> seen;
    const auto record = [&](const address* operands, std::byte* scratch) {
        seen.insert(seen.end(), {operands[0], operands[1], scratch});
    };
    const sextant_place first[] = {{4, 1, 0}, {64, 0, 0}}, second[] = {{64, 0, 0}, {8, 2, 0}};
    plan.add(probe_of(small, blocked, 100, record), first, 2);
    plan.add(probe_of(blocked, small, 40, record), second, 2);
    plan.finish();
    const auto info = plan.info();
    const int64_t activations = 64 + 4 * 4 * 8 * 4;
    EXPECT_EQ(info.steps, 2);
    EXPECT_EQ(info.buffers, 3);
    EXPECT_EQ(info.workspace_bytes, activations + 2 * 100);
    EXPECT_EQ(info.weight_bytes, 200);
    EXPECT_EQ(info.flops, 20);

    const buffer workspace(info.workspace_bytes), in(64), out(64);
    void* const buffers[] = {workspace.address(), in.address(), out.address()};
    plan.run(buffers, 3, nullptr);
    const auto at = [](const buffer& b, int64_t offset) -> void* { return static_cast<std::byte*>(b.address()) + offset; };
    EXPECT_EQ(seen, (std::vector<void*>{at(in, 4), at(workspace, 64), at(workspace, activations), at(workspace, 64), at(out, 8),
                                        at(workspace, activations)}));
}

TEST(Plan, AnOperationUsedTwiceCountsItsWeightsOnce) {
    plan plan(device_of(1));
    const auto op = probe_of(nchw(1, 1, 1, 1), nchw(1, 1, 1, 1));
    const sextant_place places[] = {{0, 1, 0}, {0, 2, 0}};
    plan.add(op, places, 2);
    plan.add(op, places, 2);
    plan.finish();
    EXPECT_EQ(plan.info().weight_bytes, 100);
    EXPECT_EQ(plan.info().workspace_bytes, 0);
    const buffer in(64), out(64);
    void* const buffers[] = {nullptr, in.address(), out.address()};  // a workspace that nothing needs may be null
    plan.run(buffers, 3, nullptr);
}

TEST(Plan, WrongStepsAreRefusedAndLeaveThePlanAsItWas) {
    plan plan(device_of(1));
    const sextant_tensor blocked{SEXTANT_F32, SEXTANT_NCHW8C, 1, 8, 2, 2, 1, 8};
    const auto op = probe_of(nchw(1, 1, 1, 1), blocked);
    const auto add = [&](sextant_place src, sextant_place dst, int32_t count = 2) {
        const sextant_place places[] = {src, dst};
        return refusal([&] { plan.add(op, places, count); });
    };
    EXPECT_EQ(add({0, 1, 0}, {0, 2, 0}, 1), "plan_add: 1 places, probe expects 2");
    EXPECT_EQ(add({0, 1, 0}, {0, 2, 0}, INT_MIN), "plan_add: " + std::to_string(INT_MIN) + " places, probe expects 2");
    EXPECT_EQ(add({0, -1, 0}, {0, 2, 0}), "plan_add: step 0, probe: operand 0 lies in buffer -1, expected 0 to 65535");
    EXPECT_EQ(add({0, INT_MAX, 0}, {0, 2, 0}),
              "plan_add: step 0, probe: operand 0 lies in buffer 2147483647, expected 0 to 65535");
    EXPECT_EQ(add({-4, 1, 0}, {0, 2, 0}), "plan_add: step 0, probe: operand 0 lies at offset -4, expected 0 to 70368744177664");
    EXPECT_EQ(add({INT64_MAX, 1, 0}, {0, 2, 0}),
              "plan_add: step 0, probe: operand 0 lies at offset 9223372036854775807, expected 0 to 70368744177664");
    EXPECT_EQ(add({2, 1, 0}, {0, 2, 0}), "plan_add: step 0, probe: operand 0 lies at offset 2, expected a multiple of 4");
    EXPECT_EQ(add({4, 1, 0}, {32, 2, 0}), "plan_add: step 0, probe: operand 1 lies at offset 32, expected a multiple of 64");
    EXPECT_EQ(add({4, 1, 0}, {64, 2, 1}), "plan_add: step 0, probe: operand 1 has reserved = 1, expected 0");
    EXPECT_EQ(plan.info().steps, 0);
    EXPECT_EQ(plan.info().buffers, 1);
}

TEST(Plan, WrongRunsAreRefused) {
    plan plan(device_of(1));
    const sextant_tensor blocked{SEXTANT_F32, SEXTANT_NCHW8C, 1, 8, 2, 2, 1, 8};
    const sextant_place places[] = {{0, 1, 0}, {0, 3, 0}};
    plan.add(probe_of(nchw(1, 1, 1, 1), blocked, 8), places, 2);
    const buffer a(4096), b(4096), c(4096);
    std::vector<void*> buffers{a.address(), b.address(), nullptr, c.address()};
    const auto run = [&](int32_t count) { return refusal([&] { plan.run(buffers.data(), count, nullptr); }); };
    EXPECT_EQ(run(4), "plan_run: the plan is not finished, call sextant_plan_finish first");
    plan.finish();
    EXPECT_EQ(refusal([&] { plan.finish(); }), "plan_finish: the plan is finished already");
    EXPECT_EQ(refusal([&] { plan.add(probe_of(blocked, blocked), places, 2); }),
              "plan_add: the plan is finished, steps may be added only before sextant_plan_finish");
    EXPECT_EQ(run(3), "plan_run: 3 buffers, the plan expects 4");
    EXPECT_EQ(run(INT_MIN), "plan_run: -2147483648 buffers, the plan expects 4");
    buffers[1] = nullptr;
    EXPECT_EQ(run(4), "plan_run: buffer 1 is null");
    buffers[1] = reinterpret_cast<std::byte*>(b.address()) + 4;
    EXPECT_EQ(run(4), "");
    buffers[3] = reinterpret_cast<std::byte*>(c.address()) + 32;
    EXPECT_EQ(run(4), "plan_run: the address of buffer 3 is no multiple of 64");
    buffers[3] = c.address();
    buffers[0] = nullptr;
    EXPECT_EQ(run(4), "plan_run: buffer 0 is null");
}

/// Two padded 3x3 convolutions through a blocked tensor with a halo in the workspace: 3 -> 20 -> 4 channels of 9x7 pixels.
class network {
  public:
    explicit network(int threads) {
        EXPECT_EQ(sextant_device_create_cpu(threads, &device_, &error), SEXTANT_OK) << error.message;
        sextant_device_info info;
        EXPECT_EQ(sextant_device_get_info(device_, &info, &error), SEXTANT_OK);
        const sextant_tensor in = nchw(images, 3, 9, 7), out = nchw(images, 4, 9, 7);
        const sextant_tensor middle{SEXTANT_F32, info.block, images, 20, 9, 7, 1, 20};
        EXPECT_EQ(sextant_plan_create(device_, &plan, &error), SEXTANT_OK);
        add(in, middle, {0, 1, 0}, {128, 0, 0});
        add(middle, out, {128, 0, 0}, {0, 2, 0});
        EXPECT_EQ(sextant_plan_finish(plan, &error), SEXTANT_OK);
        EXPECT_EQ(sextant_plan_get_info(plan, &this->info, &error), SEXTANT_OK);
    }
    network(const network&) = delete;
    ~network() {
        destroy_parts();
        sextant_plan_destroy(plan);
    }

    /// Gives back all handles but the plan's.
    void destroy_parts() {
        sextant_device_destroy(std::exchange(device_, nullptr));
        for (auto& op : ops_) sextant_op_destroy(std::exchange(op, nullptr));
    }

    /// A run on a workspace full of NaN.
    std::vector<float> run(int64_t* nanoseconds = nullptr) {
        const buffer workspace(info.workspace_bytes), in(images * 3 * 9 * 7 * 4), out(images * 4 * 9 * 7 * 4);
        for (int i = 0; i < images * 3 * 9 * 7; ++i) in.floats()[i] = static_cast<float>(i % 17 - 8) / 8;
        void* const buffers[] = {workspace.address(), in.address(), out.address()};
        sextant_error failed{};
        EXPECT_EQ(sextant_plan_run(plan, buffers, 3, nanoseconds, &failed), SEXTANT_OK) << failed.message;
        return {out.floats(), out.floats() + images * 4 * 9 * 7};
    }

    static constexpr int images = 2;
    sextant_plan* plan = nullptr;
    sextant_plan_info info{};
    sextant_error error{};

  private:
    void add(const sextant_tensor& src, const sextant_tensor& dst, sextant_place from, sextant_place to) {
        sextant_conv2d a{};
        a.src = src;
        a.dst = dst;
        a.r = a.s = 3;
        a.stride_h = a.stride_w = a.dilation_h = a.dilation_w = a.groups = 1;
        a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = 1;
        a.activation = SEXTANT_RELU;
        std::vector<float> weights(dst.c * src.c * 9), bias(dst.c, 0.25f);
        for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 13) / 64 - 0.0625f;
        sextant_op* op = nullptr;
        EXPECT_EQ(sextant_conv2d_create(device_, &a, weights.data(), bias.data(), nullptr, nullptr, nullptr, &op, &error),
                  SEXTANT_OK) << error.message;
        ops_.push_back(op);
        const sextant_place places[] = {from, to};
        EXPECT_EQ(sextant_plan_add(plan, op, places, 2, &error), SEXTANT_OK) << error.message;
    }

    sextant_device* device_ = nullptr;
    std::vector<sextant_op*> ops_;
};

// Every sum below is exact in float32 (small dyadic numbers), so any right implementation gives these very values.
std::vector<float> expected() {
    const auto convolve = [](const std::vector<float>& src, int c, int k) {
        std::vector<float> dst(network::images * k * 9 * 7);
        for (int n = 0; n < network::images; ++n)
            for (int o = 0; o < k; ++o)
                for (int y = 0; y < 9; ++y)
                    for (int x = 0; x < 7; ++x) {
                        double sum = 0.25;
                        for (int i = 0; i < c * 9; ++i) {
                            const int yy = y + i % 9 / 3 - 1, xx = x + i % 3 - 1;
                            if (yy < 0 || yy >= 9 || xx < 0 || xx >= 7) continue;
                            sum += ((o * c * 9 + i) % 13 / 64.0 - 0.0625) * src[((n * c + i / 9) * 9 + yy) * 7 + xx];
                        }
                        dst[((n * k + o) * 9 + y) * 7 + x] = static_cast<float>(std::max(sum, 0.0));
                    }
        return dst;
    };
    std::vector<float> in(network::images * 3 * 9 * 7);
    for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(static_cast<int>(i % 17) - 8) / 8;
    return convolve(convolve(in, 3, 20), 20, 4);
}

TEST(PlanRun, TwoPaddedConvolutionsFromABlankWorkspace) {
    for (const int threads : {1, 2, 5}) EXPECT_EQ(network(threads).run(), expected()) << threads << " threads";
}

TEST(PlanRun, RepeatedRunsAgreeBitForBit) {
    network network(3);
    for (int i = 0; i < 20; ++i) ASSERT_EQ(network.run(), expected());
}

TEST(PlanRun, HandlesMayBeDestroyedInAnyOrder) {
    network network(2);
    network.destroy_parts();
    EXPECT_EQ(network.run(), expected());
}

TEST(PlanRun, ManyThreadsRunOnePlan) {
    for (const int device_threads : {1, 2}) {
        network network(device_threads);
        std::vector<std::thread> users;
        for (int user = 0; user < 4; ++user)
            users.emplace_back([&] {
                for (int i = 0; i < 25; ++i) EXPECT_EQ(network.run(), expected());
            });
        for (auto& user : users) user.join();
    }
}

TEST(PlanRun, EachStepIsTimed) {
    network network(1);
    int64_t nanoseconds[2] = {-1, -1};
    network.run(nanoseconds);
    EXPECT_GT(nanoseconds[0], 0);
    EXPECT_GT(nanoseconds[1], 0);
}

TEST(PlanRun, TakesNoMemoryFromTheHeap) {
    if (!SEXTANT_COUNTS_ALLOCATIONS) GTEST_SKIP() << "the heap's functions cannot be replaced here";
    for (const int threads : {1, 2}) {
        network network(threads);
        const buffer workspace(network.info.workspace_bytes), in(network::images * 3 * 9 * 7 * 4, 1), out(4096 * 4);
        void* const buffers[] = {workspace.address(), in.address(), out.address()};
        int64_t nanoseconds[2];
        const int64_t before = test::allocations();
        EXPECT_GT(before, 0);
        for (int i = 0; i < 10; ++i) sextant_plan_run(network.plan, buffers, 3, nanoseconds, nullptr);
        EXPECT_EQ(test::allocations(), before);
    }
}

TEST(PlanInterface, NullPointersAndForeignOperations) {
    sextant_error error{};
    sextant_device *a = nullptr, *b = nullptr;
    ASSERT_EQ(sextant_device_create_cpu(1, &a, &error), SEXTANT_OK);
    ASSERT_EQ(sextant_device_create_cpu(1, &b, &error), SEXTANT_OK);
    sextant_plan* plan = nullptr;
    EXPECT_EQ(sextant_plan_create(nullptr, &plan, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_create(a, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    ASSERT_EQ(sextant_plan_create(a, &plan, &error), SEXTANT_OK);
    const sextant_linear problem{nchw(1, 2, 1, 1), nchw(1, 2, 1, 1), 0};
    const float weights[4] = {};
    sextant_op* op = nullptr;
    ASSERT_EQ(sextant_linear_create(b, &problem, weights, nullptr, "linear_reference", &op, &error), SEXTANT_OK);
    const sextant_place places[] = {{0, 1, 0}, {0, 2, 0}};
    EXPECT_EQ(sextant_plan_add(plan, op, places, 2, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "plan_add: linear_reference was created on another device than the plan");
    EXPECT_EQ(sextant_plan_add(nullptr, op, places, 2, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_add(plan, nullptr, places, 2, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_add(plan, op, nullptr, 2, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_finish(nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    sextant_plan_info info;
    EXPECT_EQ(sextant_plan_get_info(nullptr, &info, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_get_info(plan, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    void* buffers[1] = {};
    EXPECT_EQ(sextant_plan_run(nullptr, buffers, 1, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_run(plan, nullptr, 1, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_EQ(sextant_plan_run(plan, buffers, 1, nullptr, nullptr), SEXTANT_INVALID_ARGUMENT);
    sextant_op_destroy(op);
    sextant_plan_destroy(plan);
    sextant_device_destroy(b);
    sextant_device_destroy(a);
}

}  // namespace
}  // namespace sextant
