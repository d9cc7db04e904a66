// SPDX-License-Identifier: Apache-2.0
// What the C interface refuses of a training step's convolutions, and with which sentence; and one of each run through a plan.
#include <gtest/gtest.h>

#include <climits>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "sextant/sextant.h"

namespace {

class ApiConv2dTraining : public ::testing::Test {
  protected:
    ApiConv2dTraining() { EXPECT_EQ(sextant_device_create_cpu(1, &device, &error), SEXTANT_OK) << error.message; }
    ~ApiConv2dTraining() override { sextant_device_destroy(device); }

    static sextant_tensor nchw(int n, int c, int h, int w) { return {SEXTANT_F32, SEXTANT_NCHW, n, c, h, w, 0, c}; }

    static sextant_conv2d convolution() {
        sextant_conv2d a{};
        a.src = nchw(1, 4, 6, 5);
        a.dst = nchw(1, 6, 6, 5);
        a.r = a.s = 3;
        a.stride_h = a.stride_w = a.dilation_h = a.dilation_w = a.groups = 1;
        a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = 1;
        return a;
    }

    int32_t forward(const sextant_conv2d& a, int32_t has_bias = 1) {
        return finish(sextant_conv2d_forward_create(device, &a, has_bias, nullptr, &op, &error));
    }
    int32_t backward(const sextant_conv2d& a, int32_t accumulate = 0) {
        return finish(sextant_conv2d_backward_data_create(device, &a, accumulate, nullptr, &op, &error));
    }
    int32_t finish(int32_t status) {
        EXPECT_EQ(op != nullptr, status == SEXTANT_OK);
        sextant_op_destroy(op);
        op = nullptr;
        return status;
    }

    using change = std::function<void(sextant_conv2d&)>;
    std::string forward_refusal(const change& to) {
        sextant_conv2d a = convolution();
        to(a);
        EXPECT_EQ(forward(a), SEXTANT_INVALID_ARGUMENT);
        return error.message;
    }
    std::string backward_refusal(const change& to) {
        sextant_conv2d a = convolution();
        to(a);
        EXPECT_EQ(backward(a), SEXTANT_INVALID_ARGUMENT);
        return error.message;
    }

    sextant_device* device = nullptr;
    sextant_op* op = nullptr;
    sextant_error error{};
};

TEST_F(ApiConv2dTraining, RefusesWithASentence) {
    const sextant_conv2d sound = convolution();
    EXPECT_EQ(forward(sound), SEXTANT_OK) << error.message;
    EXPECT_EQ(backward(sound, 1), SEXTANT_OK) << error.message;

    EXPECT_EQ(forward(sound, 2), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_forward: has_bias is 2, expected 0 or 1");
    EXPECT_EQ(backward(sound, -1), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_backward_data: accumulate is -1, expected 0 or 1");
    EXPECT_EQ(finish(sextant_conv2d_forward_create(nullptr, &sound, 0, nullptr, &op, &error)), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_forward: device is null");
    EXPECT_EQ(finish(sextant_conv2d_backward_data_create(device, nullptr, 0, nullptr, &op, &error)), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_backward_data: problem is null");
    EXPECT_EQ(sextant_conv2d_backward_data_create(device, &sound, 0, nullptr, nullptr, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "conv2d_backward_data: op is null");

    EXPECT_EQ(forward_refusal([](auto& a) { a.pre_activation = 1; }), "conv2d_forward: pre_activation is 1, expected 0");
    EXPECT_EQ(forward_refusal([](auto& a) { a.src.dtype = SEXTANT_U8, a.src.scale = 1; }),
              "conv2d_forward: src is uint8, expected float32 or bf16");
    EXPECT_EQ(forward_refusal([](auto& a) { a.dst.h = 5; }),
              "conv2d_forward: dst has h = 5, expected 6 (src.h 6, padding 1 and 1, kernel 3, stride 1, dilation 1)");
    EXPECT_EQ(backward_refusal([](auto& a) { a.pre_activation = 1; }), "conv2d_backward_data: pre_activation is 1, expected 0");
    EXPECT_EQ(backward_refusal([](auto& a) { a.activation = SEXTANT_RELU; }),
              "conv2d_backward_data: activation is 1, expected 0");
    EXPECT_EQ(backward_refusal([](auto& a) { a.has_residual = 1, a.residual = a.dst; }),
              "conv2d_backward_data: has_residual is 1, expected 0");
    EXPECT_EQ(backward_refusal([](auto& a) { a.groups = 4; }),
              "conv2d_backward_data: dst.c 6 is no multiple of groups 4");
    EXPECT_EQ(finish(sextant_conv2d_backward_data_create(device, &sound, 0, "no_such", &op, &error)), SEXTANT_UNSUPPORTED);
    EXPECT_STREQ(error.message, "conv2d_backward_data: no implementation named no_such");
}

/// Whatever the answer to hostile values, it must come as a status.
TEST_F(ApiConv2dTraining, NothingCrashes) {
    for (size_t at = 0; at + sizeof(int32_t) <= sizeof(sextant_conv2d); at += sizeof(int32_t))
        for (const int32_t value : {INT_MIN, -1, 0, 2, 3, INT_MAX, 1 << 30, 65536}) {
            sextant_conv2d a = convolution();
            std::memcpy(reinterpret_cast<char*>(&a) + at, &value, sizeof value);
            for (const int32_t status : {forward(a), backward(a)})
                EXPECT_TRUE(status == SEXTANT_OK || status == SEXTANT_INVALID_ARGUMENT) << error.message << " at " << at;
        }
}

/// dst = bias + 2 * src, then diff_src += 2 * dst, through a plan: the operands are where the header says.
TEST_F(ApiConv2dTraining, PlansFindTheOperands) {
    sextant_conv2d a = convolution();
    a.src = a.dst = nchw(1, 1, 2, 2);
    a.r = a.s = 1;
    a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = 0;
    sextant_plan* plan = nullptr;
    ASSERT_EQ(sextant_plan_create(device, &plan, &error), SEXTANT_OK);
    const sextant_place src{0, 1, 0}, weights{0, 2, 0}, bias{0, 3, 0}, dst{0, 4, 0}, diff_src{0, 5, 0};
    ASSERT_EQ(sextant_conv2d_forward_create(device, &a, 1, nullptr, &op, &error), SEXTANT_OK) << error.message;
    const sextant_place forward_places[] = {src, weights, bias, dst};
    ASSERT_EQ(sextant_plan_add(plan, op, forward_places, 4, &error), SEXTANT_OK) << error.message;
    sextant_op_destroy(op);
    ASSERT_EQ(sextant_conv2d_backward_data_create(device, &a, 1, nullptr, &op, &error), SEXTANT_OK) << error.message;
    const sextant_place backward_places[] = {dst, weights, diff_src};
    ASSERT_EQ(sextant_plan_add(plan, op, backward_places, 3, &error), SEXTANT_OK) << error.message;
    sextant_op_destroy(op);
    op = nullptr;
    ASSERT_EQ(sextant_plan_finish(plan, &error), SEXTANT_OK);
    float buffers[6][4] = {{}, {1, 2, 3, 4}, {2}, {10}, {}, {100, 100, 100, 100}};
    sextant_plan_info info;
    ASSERT_EQ(sextant_plan_get_info(plan, &info, &error), SEXTANT_OK);
    void* const workspace = sextant_memory_allocate(info.workspace_bytes + 64);
    void* const at[] = {workspace, buffers[1], buffers[2], buffers[3], buffers[4], buffers[5]};
    ASSERT_EQ(sextant_plan_run(plan, at, 6, nullptr, &error), SEXTANT_OK) << error.message;
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(buffers[4][i], 10 + 2 * buffers[1][i]);
        EXPECT_EQ(buffers[5][i], 100 + 2 * buffers[4][i]);
    }
    sextant_memory_free(workspace, info.workspace_bytes + 64);
    sextant_plan_destroy(plan);
}

}  // namespace
