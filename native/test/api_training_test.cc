// SPDX-License-Identifier: Apache-2.0
// What the C interface refuses of training's operations, and with which sentence; and that plans run them.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "sextant/sextant.h"

namespace {

class ApiTraining : public ::testing::Test {
  protected:
    ApiTraining() { EXPECT_EQ(sextant_device_create_cpu(1, &device, &error), SEXTANT_OK) << error.message; }
    ~ApiTraining() override { sextant_device_destroy(device); }

    static sextant_tensor nchw(int n, int c, int h, int w) { return {SEXTANT_F32, SEXTANT_NCHW, n, c, h, w, 0, c}; }

    /// The sentence with which `make` is refused; empty when it is not.
    std::string sentence(const std::function<int32_t(sextant_op**, sextant_error*)>& make) {
        sextant_op* op = nullptr;
        error.message[0] = 0;
        const int32_t status = make(&op, &error);
        EXPECT_EQ(status == SEXTANT_OK, op != nullptr);
        EXPECT_TRUE(status == SEXTANT_OK || status == SEXTANT_INVALID_ARGUMENT);
        sextant_op_destroy(op);
        return error.message;
    }

    sextant_linear linear() const { return {nchw(2, 3, 2, 2), nchw(2, 5, 1, 1), SEXTANT_IDENTITY}; }
    sextant_pool2d_backward pool() const {
        sextant_pool2d_backward a{};
        a.forward.src = a.diff_src = nchw(1, 4, 6, 5);
        a.forward.dst = a.diff_dst = nchw(1, 4, 3, 2);
        a.forward.r = a.forward.s = a.forward.stride_h = a.forward.stride_w = 2;
        a.forward.dilation_h = a.forward.dilation_w = 1;
        return a;
    }
    sextant_batch_norm_forward batch_norm() const {
        return {nchw(2, 3, 4, 4), nchw(2, 3, 4, 4), SEXTANT_RELU, 1, nchw(2, 3, 4, 4), 1e-5f, 0.1f};
    }
    sextant_batch_norm_backward batch_norm_backward() const {
        return {batch_norm(), nchw(2, 3, 4, 4), nchw(2, 3, 4, 4), nchw(2, 3, 4, 4), 0};
    }
    sextant_activation_backward activation() const {
        return {nchw(2, 3, 4, 4), nchw(2, 3, 4, 4), nchw(2, 3, 4, 4), SEXTANT_TANH, 0};
    }

    template <class Problem, class Create>
    std::string refusal(Problem a, const std::function<void(Problem&)>& change, Create create) {
        change(a);
        return sentence([&](sextant_op** op, sextant_error* e) { return create(device, &a, nullptr, op, e); });
    }

    sextant_device* device = nullptr;
    sextant_error error{};
};

TEST_F(ApiTraining, Linear) {
    sextant_linear a = linear();
    const auto forward = [&](int32_t bias) {
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_linear_forward_create(device, &a, bias, nullptr, op, e);
        });
    };
    const auto data = [&](int32_t accumulate) {
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_linear_backward_data_create(device, &a, accumulate, nullptr, op, e);
        });
    };
    const auto weights = [&](int32_t bias) {
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_linear_backward_weights_create(device, &a, bias, nullptr, op, e);
        });
    };
    EXPECT_EQ(forward(1) + data(1) + weights(1), "");
    EXPECT_EQ(forward(2), "linear_forward: has_bias is 2, expected 0 or 1");
    EXPECT_EQ(data(-1), "linear_backward_data: accumulate is -1, expected 0 or 1");
    EXPECT_EQ(weights(3), "linear_backward_weights: has_bias is 3, expected 0 or 1");
    a.activation = SEXTANT_RELU;
    EXPECT_EQ(forward(0), "");
    EXPECT_EQ(data(0), "linear_backward_data: activation is 1, expected 0");
    EXPECT_EQ(weights(0), "linear_backward_weights: activation is 1, expected 0");
    a = linear();
    a.dst.n = 3;
    EXPECT_EQ(forward(0), "linear_forward: dst has n = 3, expected 2 like src");
    a = linear();
    a.dst.h = 2;
    EXPECT_EQ(data(0), "linear_backward_data: dst has h = 2, expected 1");
    a = linear();
    a.src = nchw(2, 1 << 20, 1 << 9, 1);
    EXPECT_EQ(weights(0), "linear_backward_weights: src has more than 2^28 inputs");
}

TEST_F(ApiTraining, Pool2d) {
    const auto refused = [&](const std::function<void(sextant_pool2d_backward&)>& change) {
        return refusal(pool(), change, sextant_pool2d_backward_create);
    };
    EXPECT_EQ(refused([](auto&) {}), "");
    EXPECT_EQ(refused([](auto& a) { a.forward.pre_activation = 1; }), "pool2d_backward: pre_activation is 1, expected 0");
    EXPECT_EQ(refused([](auto& a) { a.forward.kind = 9; }), "pool2d_backward: kind is 9, expected 0 to 3");
    EXPECT_EQ(refused([](auto& a) { a.diff_dst.h = 4; }), "pool2d_backward: diff_dst is 1x4x4x2, expected 1x4x3x2 like dst");
    EXPECT_EQ(refused([](auto& a) { a.diff_src.c = a.diff_src.c_total = 3; }),
              "pool2d_backward: diff_src is 1x3x6x5, expected 1x4x6x5 like src");
    EXPECT_EQ(refused([](auto& a) { a.accumulate = 2; }), "pool2d_backward: accumulate is 2, expected 0 or 1");
}

TEST_F(ApiTraining, Lrn) {
    const sextant_tensor t = nchw(1, 4, 2, 2);
    const auto refused = [&](const std::function<void(sextant_lrn_backward&)>& change) {
        return refusal(sextant_lrn_backward{{t, t, 5, 1, 0.75f, 1}, t, t, 0}, change, sextant_lrn_backward_create);
    };
    EXPECT_EQ(refused([](auto&) {}), "");
    EXPECT_EQ(refused([](auto& a) { a.forward.size = 0; }), "lrn_backward: size is 0, expected 1 to 1048576");
    EXPECT_EQ(refused([](auto& a) { a.diff_src.w = 3; }), "lrn_backward: diff_src is 1x4x2x3, expected 1x4x2x2 like src");
}

TEST_F(ApiTraining, BatchNorm) {
    const auto forward = [&](const std::function<void(sextant_batch_norm_forward&)>& change) {
        return refusal(batch_norm(), change, sextant_batch_norm_forward_create);
    };
    const auto backward = [&](const std::function<void(sextant_batch_norm_backward&)>& change) {
        return refusal(batch_norm_backward(), change, sextant_batch_norm_backward_create);
    };
    EXPECT_EQ(forward([](auto&) {}), "");
    EXPECT_EQ(backward([](auto&) {}), "");
    EXPECT_EQ(forward([](auto& a) { a.activation = SEXTANT_TANH; }), "batch_norm_forward: activation is 2, expected 0 to 1");
    EXPECT_EQ(forward([](auto& a) { a.eps = 0; }), "batch_norm_forward: eps is 0.000000, expected a positive finite number");
    EXPECT_EQ(forward([](auto& a) { a.momentum = 1.5f; }), "batch_norm_forward: momentum is 1.500000, expected 0 to 1");
    EXPECT_EQ(forward([](auto& a) { a.momentum = NAN; }), "batch_norm_forward: momentum is nan, expected 0 to 1");
    EXPECT_EQ(forward([](auto& a) { a.residual.h = 5; }), "batch_norm_forward: residual is 2x3x5x4, expected 2x3x4x4 like dst");
    EXPECT_EQ(forward([](auto& a) { a.has_residual = 2; }), "batch_norm_forward: has_residual is 2, expected 0 or 1");
    EXPECT_EQ(backward([](auto& a) { a.diff_dst.w = 5; }), "batch_norm_backward: diff_dst is 2x3x4x5, expected 2x3x4x4 like dst");
    EXPECT_EQ(backward([](auto& a) { a.diff_residual.c_total = 5; }),
              "batch_norm_backward: diff_residual has c_total = 5, expected 3 like diff_dst");
    EXPECT_EQ(backward([](auto& a) { a.diff_residual.dtype = SEXTANT_BF16; }),
              "batch_norm_backward: diff_residual has dtype = 1, expected 0 like diff_dst");
    EXPECT_EQ(backward([](auto& a) { a.accumulate = 5; }), "batch_norm_backward: accumulate is 5, expected 0 or 1");
}

TEST_F(ApiTraining, Activation) {
    const auto refused = [&](const std::function<void(sextant_activation_backward&)>& change) {
        return refusal(activation(), change, sextant_activation_backward_create);
    };
    EXPECT_EQ(refused([](auto&) {}), "");
    EXPECT_EQ(refused([](auto& a) { a.activation = 4; }), "activation_backward: activation is 4, expected 0 to 3");
    EXPECT_EQ(refused([](auto& a) { a.dst.h = 3; }), "activation_backward: dst is 2x3x3x4, expected 2x3x4x4 like diff_dst");
    EXPECT_EQ(refused([](auto& a) { a.diff_src.h = 3; }),
              "activation_backward: diff_src is 2x3x3x4, expected 2x3x4x4 like diff_dst");
    EXPECT_EQ(refused([](auto& a) { a.dst = {}, a.activation = SEXTANT_IDENTITY; }), "");
}

TEST_F(ApiTraining, Split) {
    const sextant_tensor src = nchw(1, 5, 2, 2);
    std::vector<sextant_tensor> parts{nchw(1, 2, 2, 2), nchw(1, 3, 2, 2)};
    const auto refused = [&](const sextant_tensor* destinations, int32_t count) {
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_split_create(device, &src, destinations, count, nullptr, op, e);
        });
    };
    EXPECT_EQ(refused(parts.data(), 2), "");
    EXPECT_EQ(refused(nullptr, 2), "split: destinations is null");
    EXPECT_EQ(refused(parts.data(), 0), "split: count is 0, expected 1 to 1023");
    EXPECT_EQ(refused(parts.data(), 1), "split: src has c = 5, expected 2 like the destinations together");
    parts[1].h = 3;
    EXPECT_EQ(refused(parts.data(), 2), "split: destination 1 has h = 3, expected 2 like src");
}

TEST_F(ApiTraining, Shortcut) {
    sextant_shortcut a{nchw(1, 3, 4, 4), nchw(1, 6, 2, 2), 2};
    const auto refused = [&](int32_t accumulate) {
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_shortcut_backward_create(device, &a, accumulate, nullptr, op, e);
        });
    };
    EXPECT_EQ(refused(1), "");
    EXPECT_EQ(refused(2), "shortcut_backward: accumulate is 2, expected 0 or 1");
    a.stride = 0;
    EXPECT_EQ(refused(0), "shortcut_backward: stride is 0, expected 1 to 1048576");
}

TEST_F(ApiTraining, DropoutAndCrossEntropy) {
    const auto dropped = [&](const std::function<void(sextant_dropout&)>& change) {
        return refusal(sextant_dropout{nchw(1, 4, 1, 1), nchw(1, 4, 1, 1), 0.5f, 0}, change, sextant_dropout_create);
    };
    EXPECT_EQ(dropped([](auto&) {}), "");
    EXPECT_EQ(dropped([](auto& a) { a.probability = 1; }),
              "dropout: probability is 1.000000, expected at least 0 and less than 1");
    EXPECT_EQ(dropped([](auto& a) { a.dst.c = a.dst.c_total = 5; }), "dropout: dst is 1x5x1x1, expected 1x4x1x1 like src");
    const auto lost = [&](const std::function<void(sextant_cross_entropy&)>& change) {
        return refusal(sextant_cross_entropy{nchw(2, 4, 1, 1), 0.1f, 1}, change, sextant_cross_entropy_create);
    };
    EXPECT_EQ(lost([](auto&) {}), "");
    EXPECT_EQ(lost([](auto& a) { a.smoothing = -0.1f; }),
              "cross_entropy: smoothing is -0.100000, expected at least 0 and less than 1");
    EXPECT_EQ(lost([](auto& a) { a.weight = INFINITY; }), "cross_entropy: weight is inf, expected a finite number");
    EXPECT_EQ(lost([](auto& a) { a.src.w = 2; }), "cross_entropy: src has w = 2, expected 1");
    EXPECT_EQ(lost([](auto& a) { a.src.c_total = 9; }), "cross_entropy: src has c_total = 9, expected 4 like c");
}

TEST_F(ApiTraining, NormAndOptimizer) {
    const auto norm = [&](int64_t count) {
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_gradient_norm_create(device, count, nullptr, op, e);
        });
    };
    EXPECT_EQ(norm(7), "");
    EXPECT_EQ(norm(0), "gradient_norm: count is 0, expected 1 to 268435456");
    std::vector<int64_t> undecayed{1, 3, 3, 10};
    const auto refused = [&](const std::function<void(sextant_optimizer&)>& change, int32_t ranges = 2) {
        sextant_optimizer a{10, SEXTANT_SGD, 0, 0.9f, 0.9f, 1e-8f, 0.01f, 1};
        change(a);
        return sentence([&](sextant_op** op, sextant_error* e) {
            return sextant_optimizer_create(device, &a, undecayed.data(), ranges, nullptr, op, e);
        });
    };
    EXPECT_EQ(refused([](auto&) {}), "");
    EXPECT_EQ(refused([](auto& a) { a.kind = SEXTANT_ADAMW; }), "");
    EXPECT_EQ(refused([](auto& a) { a.count = 0; }), "optimizer: count is 0, expected 1 to 268435456");
    EXPECT_EQ(refused([](auto& a) { a.kind = 2; }), "optimizer: kind is 2, expected 0 to 1");
    EXPECT_EQ(refused([](auto& a) { a.momentum = 1; }), "optimizer: momentum is 1.000000, expected at least 0 and less than 1");
    EXPECT_EQ(refused([](auto& a) { a.kind = SEXTANT_ADAMW, a.nesterov = 1; }), "optimizer: nesterov is 1, expected 0 for AdamW");
    EXPECT_EQ(refused([](auto& a) { a.weight_decay = -1; }),
              "optimizer: weight_decay is -1.000000, expected a finite number of at least 0");
    EXPECT_EQ(refused([](auto& a) { a.largest_norm = NAN; }),
              "optimizer: largest_norm is nan, expected a finite number of at least 0");
    EXPECT_EQ(refused([](auto&) {}, -1), "optimizer: ranges is -1, expected 0 to 268435456");
    EXPECT_EQ(refused([](auto& a) { a.count = 9; }), "optimizer: undecayed range 1 is 3 to 10, expected a range within 3 to 9");
    undecayed = {4, 4, 5, 6};
    EXPECT_EQ(refused([](auto&) {}), "optimizer: undecayed range 0 is 4 to 4, expected a range within 0 to 10");
}

/// A linear classifier in one plan: its loss falls from step to step.
TEST_F(ApiTraining, AStepIsAPlan) {
    const int n = 8, inputs = 20, classes = 3, count = classes * (inputs + 1);
    const sextant_linear layer{nchw(n, inputs, 1, 1), nchw(n, classes, 1, 1), SEXTANT_IDENTITY};
    const sextant_cross_entropy loss{layer.dst, 0, 1};
    const sextant_optimizer sgd{count, SEXTANT_SGD, 1, 0.9f, 0, 0, 1e-4f, 5};
    const int64_t undecayed[] = {classes * inputs, count};
    std::vector<float> images(n * inputs), targets(n * classes), parameters(count), gradients(count), moments(count), losses(n);
    for (int i = 0; i < n * inputs; i++) images[i] = float((i * 7919) % 101) / 101 - 0.5f;
    for (int i = 0; i < n; i++) targets[i * classes + i % classes] = 1;
    sextant_training_state state{1, 0, 0.5f, 0, {}};
    sextant_plan* plan = nullptr;
    ASSERT_EQ(sextant_plan_create(device, &plan, &error), SEXTANT_OK);
    const auto add = [&](int32_t status, sextant_op* op, const std::vector<sextant_place>& places) {
        ASSERT_EQ(status, SEXTANT_OK) << error.message;
        ASSERT_EQ(sextant_plan_add(plan, op, places.data(), int32_t(places.size()), &error), SEXTANT_OK) << error.message;
        sextant_op_destroy(op);
    };
    // Buffers: 1 images, 2 parameters, 3 targets, 4 losses, 5 gradients, 6 state, 7 moments. Workspace: logits, their gradient.
    const int64_t bias = classes * inputs * int64_t{sizeof(float)}, second = 256;
    sextant_op* op = nullptr;
    int32_t status = sextant_linear_forward_create(device, &layer, 1, nullptr, &op, &error);
    add(status, op, {{0, 1}, {0, 2}, {bias, 2}, {0, 0}});
    status = sextant_cross_entropy_create(device, &loss, nullptr, &op, &error);
    add(status, op, {{0, 0}, {0, 3}, {0, 4}, {second, 0}});
    status = sextant_linear_backward_weights_create(device, &layer, 1, nullptr, &op, &error);
    add(status, op, {{0, 1}, {second, 0}, {bias, 5}, {0, 5}});
    status = sextant_gradient_norm_create(device, count, nullptr, &op, &error);
    add(status, op, {{0, 5}, {0, 6}});
    status = sextant_optimizer_create(device, &sgd, undecayed, 1, nullptr, &op, &error);
    add(status, op, {{0, 5}, {0, 6}, {0, 7}, {0, 2}});
    ASSERT_EQ(sextant_plan_finish(plan, &error), SEXTANT_OK);
    alignas(64) float workspace[4096];
    sextant_plan_info info;
    ASSERT_EQ(sextant_plan_get_info(plan, &info, &error), SEXTANT_OK);
    ASSERT_LE(info.workspace_bytes, int64_t(sizeof workspace));
    void* const buffers[] = {workspace, images.data(), parameters.data(), targets.data(), losses.data(),
                             gradients.data(), &state, moments.data()};
    float before = 0;
    for (int i = 0; i < 30; i++, state.step++) {
        ASSERT_EQ(sextant_plan_run(plan, buffers, 8, nullptr, &error), SEXTANT_OK) << error.message;
        float mean = 0;
        for (float one : losses) mean += one / n;
        if (i == 0) {
            EXPECT_NEAR(mean, std::log(float(classes)), 1e-5);
            before = mean;
        }
        if (i == 29) {
            EXPECT_LT(mean, before / 3);
        }
        EXPECT_GT(state.gradient_norm, 0);
    }
    sextant_plan_destroy(plan);
}

}  // namespace
