// SPDX-License-Identifier: Apache-2.0
// What training has beside convolutions, linear layers, pools and copies, on a CUDA device.
#include "compare.h"
#include "tests.h"

namespace sextant::test {
namespace {

/// Of several pixels for each channel: a batch norm's gradient over two would be the rounding of a difference.
struct shape {
    int n, c, h, w;
    slice src_in = {}, dst_in = {};

    int64_t count() const { return int64_t{n} * c * h * w; }
    sextant_tensor src(const mix& m) const { return on_device(m.src, m.src_layout, n, c, h, w, src_in); }
    sextant_tensor dst(const mix& m) const { return on_device(m.dst, m.dst_layout, n, c, h, w, dst_in); }
    std::string name() const {
        return shape_text(shaped(SEXTANT_NCHW, n, c, h, w)) + (src_in.before || dst_in.before ? "_slices" : "");
    }
};

constexpr shape shapes[] = {
    {3, 1, 2, 1},    {2, 3, 5, 7},  {3, 5, 4, 4},    {1, 8, 9, 11},  {5, 12, 3, 3},  {2, 24, 7, 5}, {1, 33, 13, 13},
    {4, 64, 8, 8},   {3, 96, 5, 3}, {2, 130, 7, 7},  {16, 16, 32, 32}, {33, 40, 1, 1}, {2, 1024, 2, 3}, {4, 256, 14, 13},
    {2, 16, 6, 7, {8, 5}, {16, 3}}, {3, 20, 5, 5, {0, 7}, {24, 0}},
};

template <class Make>
void add(const char* suite, const std::string& name, Make make) {
    add_comparison(suite, name, [=] {
        std::vector<operation> operations;
        for (const mix& m : mixes) operations.push_back(make(m));
        return operations;
    });
}

std::function<std::vector<std::string>(const std::vector<sextant_tensor>&)> names(const char* operation) {
    return [operation](const auto&) { return implementations_of(operation); };
}

placed values_of(int count, std::vector<float> values) { return parameter(1, count, 1, 1, std::move(values)); }
placed unknown_values(int count) { return destination(on_device(SEXTANT_F32, SEXTANT_NCHW, 1, count, 1, 1)); }

constexpr float eps = 1e-5f;

/// Means, then reciprocal deviations, as the forward pass saves them.
std::vector<float> statistics(const shape& s, const std::vector<float>& src) {
    std::vector<float> saved(2 * s.c);
    const int plane = s.h * s.w;
    for (int c = 0; c < s.c; c++) {
        double sum = 0, squares = 0;
        const auto each = [&](auto&& visit) {
            for (int n = 0; n < s.n; n++)
                for (int i = 0; i < plane; i++) visit(double{src[(int64_t{n} * s.c + c) * plane + i]});
        };
        each([&](double x) { sum += x; });
        const double count = double(s.n) * plane, mean = sum / count;
        each([&](double x) { squares += (x - mean) * (x - mean); });
        saved[c] = static_cast<float>(mean);
        saved[s.c + c] = static_cast<float>(1 / std::sqrt(squares / count + eps));
    }
    return saved;
}

void add_batch_norm() {
    int turn = 0;
    for (const shape& s : shapes)
        for (const bool residual : {false, true}) {
            const int activation = turn++ % 3 == 0 ? SEXTANT_IDENTITY : SEXTANT_RELU;
            const std::string name = s.name() + "_" + activation_name(activation) + (residual ? "_residual" : "");
            const auto src = noise_vector(s.count(), 1, 2, 0.5);
            add("CudaBatchNormForward", name, [=](const mix& m) {
                operation o{.reference = "batch_norm_forward_reference", .slack = 5};
                o.operands = {source(s.src(m), src, s.src_in)};
                if (residual) o.operands.push_back(source(s.dst(m), noise_vector(s.count(), 2, 2), s.dst_in));
                o.operands.push_back(values_of(s.c, noise_vector(s.c, 3, 0.5, 1)));
                o.operands.push_back(values_of(s.c, noise_vector(s.c, 4)));
                o.operands.push_back(changed(on_device(SEXTANT_F32, SEXTANT_NCHW, 1, s.c, 1, 1), noise_vector(s.c, 5)));
                o.operands.push_back(changed(on_device(SEXTANT_F32, SEXTANT_NCHW, 1, s.c, 1, 1), noise_vector(s.c, 6, 0.5, 1)));
                o.operands.push_back(unknown_values(2 * s.c));
                o.operands.push_back(destination(s.dst(m), s.dst_in));
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                               sextant_error* error) {
                    sextant_batch_norm_forward problem{t.front(), t.back(), activation, residual, {}, eps, 0.1f};
                    if (residual) problem.residual = t[1];
                    return sextant_batch_norm_forward_create(device, &problem, name, op, error);
                };
                o.candidates = names("batch_norm_forward");
                return o;
            });
            // The residual's gradient in memory of its own, and where diff_dst lies.
            for (const bool accumulate : {false, true})
                add("CudaBatchNormBackward", name + (accumulate ? "_accumulated" : ""), [=](const mix& m) {
                    operation o{.reference = "batch_norm_backward_reference", .slack = 5};
                    std::vector<float> held = src;
                    for (float& value : held) value = rounded_to(m.src, value);
                    o.operands = {source(s.src(m), held, s.src_in)};
                    if (activation != SEXTANT_IDENTITY)
                        o.operands.push_back(source(s.dst(m), quarters(s.count(), 8, 1), s.dst_in));
                    const auto diff_dst = static_cast<int>(o.operands.size());
                    o.operands.push_back(source(s.dst(m), noise_vector(s.count(), 9), s.dst_in));
                    o.operands.push_back(values_of(s.c, noise_vector(s.c, 3, 0.5, 1)));
                    o.operands.push_back(values_of(2 * s.c, statistics(s, held)));
                    o.operands.push_back(unknown_values(s.c));
                    o.operands.push_back(unknown_values(s.c));
                    if (residual) {
                        o.operands.push_back(destination(s.dst(m), s.dst_in));
                        if (accumulate) o.operands.back().same_place_as = diff_dst;
                    }
                    o.operands.push_back(gradient(accumulate, s.src(m), noise_vector(s.count(), 10), s.src_in));
                    o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name,
                                   sextant_op** op, sextant_error* error) {
                        sextant_batch_norm_backward problem{};
                        problem.forward = {t[0], t[activation != SEXTANT_IDENTITY ? 1 : diff_dst], activation, residual,
                                           t[diff_dst], eps, 0.1f};
                        problem.diff_dst = t[diff_dst];
                        problem.diff_src = t.back();
                        if (residual) problem.diff_residual = t[t.size() - 2];
                        problem.accumulate = accumulate;
                        return sextant_batch_norm_backward_create(device, &problem, name, op, error);
                    };
                    o.candidates = names("batch_norm_backward");
                    return o;
                });
        }
}

void add_activation_backward() {
    for (const shape& s : shapes)
        for (const int activation : {SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID})
            for (const bool accumulate : {false, true})
                add("CudaActivationBackward", s.name() + "_" + activation_name(activation) + (accumulate ? "_accumulated" : ""),
                    [=](const mix& m) {
                        operation o{.reference = "activation_backward_reference"};
                        if (activation != SEXTANT_IDENTITY)
                            o.operands.push_back(source(s.src(m), quarters(s.count(), 1), s.src_in));
                        o.operands.push_back(source(s.dst(m), noise_vector(s.count(), 2), s.dst_in));
                        // In place, too, where types and layouts are the same.
                        if (!accumulate && m.src == SEXTANT_BF16) {
                            o.operands.push_back(destination(s.dst(m), s.dst_in));
                            o.operands.back().same_place_as = static_cast<int>(o.operands.size()) - 2;
                        } else {
                            o.operands.push_back(gradient(accumulate, s.src(m), noise_vector(s.count(), 3), s.src_in));
                        }
                        o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name,
                                       sextant_op** op, sextant_error* error) {
                            const sextant_activation_backward problem{t[0], t[t.size() - 2], t.back(), activation, accumulate};
                            return sextant_activation_backward_create(device, &problem, name, op, error);
                        };
                        o.candidates = names("activation_backward");
                        return o;
                    });
}

void add_dropout() {
    for (const shape& s : shapes)
        for (const float probability : {0.0f, 0.3f, 0.5f}) {
            const sextant_training_state state{0x123456789, 3, 0.1f, 0, {}};
            add("CudaDropout", s.name() + "_" + std::to_string(static_cast<int>(probability * 10)), [=](const mix& m) {
                operation o{.reference = "dropout_reference"};
                o.operands = {source(s.src(m), noise_vector(s.count(), 1, 2), s.src_in), state_of(state),
                              destination(s.dst(m), s.dst_in)};
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                               sextant_error* error) {
                    const sextant_dropout problem{t[0], t[2], probability, 7};
                    return sextant_dropout_create(device, &problem, name, op, error);
                };
                o.candidates = names("dropout");
                return o;
            });
        }
}

/// Distributions: most of it on one class, the rest on another.
std::vector<float> targets(int n, int c) {
    std::vector<float> all(int64_t{n} * c, 0);
    for (int i = 0; i < n; i++) all[i * c + i * 7 % c] += 0.75f, all[i * c + (i * 5 + 1) % c] += 0.25f;
    return all;
}

void add_cross_entropy() {
    constexpr int sizes[][2] = {{1, 2}, {1, 10}, {5, 3}, {3, 33}, {128, 10}, {2, 1000}, {7, 1001}, {300, 2}};
    for (const auto& [n, c] : sizes)
        for (const float smoothing : {0.0f, 0.1f})
            add_comparison("CudaCrossEntropy",
                           std::to_string(n) + "x" + std::to_string(c) + (smoothing > 0 ? "_smoothed" : ""), [=] {
                std::vector<operation> operations;
                for (const int32_t dtype : {SEXTANT_F32, SEXTANT_BF16, SEXTANT_F16, SEXTANT_TF32}) {
                    operation o{.reference = "cross_entropy_reference", .slack = 2};
                    const sextant_tensor src = on_device(dtype, SEXTANT_NCHW, n, c, 1, 1);
                    o.operands = {source(src, noise_vector(int64_t{n} * c, 1, 4)), parameter(n, c, 1, 1, targets(n, c)),
                                  unknown_values(n), destination(src)};
                    o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name,
                                   sextant_op** op, sextant_error* error) {
                        const sextant_cross_entropy problem{t[0], smoothing, 0.3f};
                        return sextant_cross_entropy_create(device, &problem, name, op, error);
                    };
                    o.candidates = names("cross_entropy");
                    operations.push_back(o);
                }
                return operations;
            });
}

constexpr int counts[] = {1, 5, 1000, 4099, 100'003};

void add_optimizers() {
    for (const int count : counts)
        add_comparison("CudaGradientNorm", std::to_string(count), [=] {
            operation o{.reference = "gradient_norm_reference", .slack = 5};
            o.operands = {values_of(count, noise_vector(count, 1)), state_of({5, 2, 0.1f, 0, {}}, true)};
            o.create = [=](sextant_device* device, const std::vector<sextant_tensor>&, const char* name, sextant_op** op,
                           sextant_error* error) { return sextant_gradient_norm_create(device, count, name, op, error); };
            o.candidates = names("gradient_norm");
            return std::vector{o};
        });
    const sextant_optimizer kinds[] = {
        {0, SEXTANT_SGD, 0, 0, 0, 0, 0, 0},
        {0, SEXTANT_SGD, 0, 0.9f, 0, 0, 1e-2f, 0},
        {0, SEXTANT_SGD, 1, 0.9f, 0, 0, 1e-2f, 2},
        {0, SEXTANT_ADAMW, 0, 0.9f, 0.999f, 1e-8f, 1e-2f, 0},
        {0, SEXTANT_ADAMW, 0, 0.8f, 0.99f, 1e-6f, 0.1f, 3},
    };
    int number = 0;
    for (const sextant_optimizer& kind : kinds) {
        number++;
        for (const int count : counts)
            add_comparison("CudaOptimizer", std::to_string(number) + "_of_" + std::to_string(count), [=] {
                operation o{.reference = "optimizer_reference", .slack = 2};
                const sextant_tensor array = on_device(SEXTANT_F32, SEXTANT_NCHW, 1, count, 1, 1);
                o.operands = {source(array, noise_vector(count, 1)), state_of({5, 2, 0.1f, 4, {}})};
                if (kind.kind == SEXTANT_ADAMW) o.operands.push_back(changed(array, noise_vector(count, 2, 0.5, 0.6)));
                o.operands.push_back(changed(array, noise_vector(count, 3)));
                o.operands.push_back(changed(array, noise_vector(count, 4)));
                std::vector<int64_t> undecayed;
                if (count >= 1000) undecayed = {0, 3, 100, 164, 500, 999};
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>&, const char* name, sextant_op** op,
                               sextant_error* error) {
                    sextant_optimizer problem = kind;
                    problem.count = count;
                    return sextant_optimizer_create(device, &problem, undecayed.empty() ? nullptr : undecayed.data(),
                                                    static_cast<int32_t>(undecayed.size() / 2), name, op, error);
                };
                o.candidates = names("optimizer");
                return std::vector{o};
            });
    }
}

}  // namespace

void add_training_tests() {
    add_batch_norm();
    add_activation_backward();
    add_dropout();
    add_cross_entropy();
    add_optimizers();
}

}  // namespace sextant::test
