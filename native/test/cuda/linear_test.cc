// SPDX-License-Identifier: Apache-2.0
// Linear layers on a CUDA device: with given weights, with weights as operands, and both gradients.
#include "compare.h"
#include "tests.h"

namespace sextant::test {
namespace {

struct layer {
    int n, c, h, w, k;
    int activation = SEXTANT_IDENTITY;
    bool bias = true;
    slice src_in = {};

    int inputs() const { return c * h * w; }
    std::string name() const {
        return shape_text(shaped(SEXTANT_NCHW, n, c, h, w)) + "_k" + std::to_string(k) + "_" + activation_name(activation) +
               (bias ? "" : "_nobias") + (src_in.before ? "_slice" : "");
    }
    sextant_tensor src(const mix& m) const { return on_device(m.src, m.src_layout, n, c, h, w, src_in); }
    sextant_tensor dst(const mix& m) const { return on_device(m.dst, m.dst_layout, n, k, 1, 1); }
    sextant_linear problem(const sextant_tensor& src, const sextant_tensor& dst) const { return {src, dst, activation}; }
    double slack() const { return inputs() > 2000 ? 5 : 1; }
};

constexpr layer layers[] = {
    {1, 1, 1, 1, 1},
    {1, 3, 1, 1, 10, SEXTANT_RELU},
    {2, 5, 3, 3, 7, SEXTANT_TANH},
    {3, 16, 5, 5, 120, SEXTANT_TANH},
    {5, 120, 1, 1, 84, SEXTANT_SIGMOID, false},
    {4, 84, 1, 1, 10},
    {1, 512, 1, 1, 1000},
    {2, 256, 6, 6, 130, SEXTANT_RELU},
    {1, 512, 7, 7, 24, SEXTANT_RELU},
    {33, 96, 1, 1, 33, SEXTANT_IDENTITY, false},
    {130, 64, 1, 1, 129, SEXTANT_RELU},
    {17, 12, 2, 3, 65},
    {3, 130, 1, 1, 1001},
    {1, 1030, 1, 1, 12, SEXTANT_RELU, false},
    {4, 8, 3, 2, 16, SEXTANT_IDENTITY, true, {8, 5}},
    {3, 33, 2, 2, 24, SEXTANT_RELU, true, {16, 0}},
    {64, 129, 1, 1, 10},
    {128, 256, 1, 1, 96},
};

std::vector<float> numbers(const mix& m, int64_t count, uint64_t seed, double scale = 1) {
    return m.is_f32() ? noise_vector(count, seed, scale) : quarters(count, seed);
}

/// An operation with numbers that fit a mix of types.
operation begun(const char* reference, const layer& a, const mix& m) {
    const bool linear = a.activation == SEXTANT_IDENTITY || a.activation == SEXTANT_RELU;
    return {.reference = reference, .exact = !m.is_f32() && linear, .slack = a.slack()};
}

std::vector<float> weights(const layer& a, const mix& m) {
    return numbers(m, int64_t{a.k} * a.inputs(), 3, 1.7 / std::sqrt(a.inputs()));
}

operation with_weights(const layer& a, const mix& m) {
    operation o = begun("linear_reference", a, m);
    o.operands = {source(a.src(m), numbers(m, int64_t{a.n} * a.inputs(), 1), a.src_in), destination(a.dst(m))};
    o.create = [a, held = weights(a, m), bias = numbers(m, a.k, 4)](
                   sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_linear problem = a.problem(t[0], t[1]);
        return sextant_linear_create(device, &problem, held.data(), a.bias ? bias.data() : nullptr, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("linear"); };
    return o;
}

operation forward(const layer& a, const mix& m) {
    operation o = begun("linear_forward_reference", a, m);
    o.operands = {source(a.src(m), numbers(m, int64_t{a.n} * a.inputs(), 1), a.src_in),
                  parameter(a.k, a.inputs(), 1, 1, weights(a, m))};
    if (a.bias) o.operands.push_back(parameter(1, a.k, 1, 1, numbers(m, a.k, 4)));
    o.operands.push_back(destination(a.dst(m)));
    o.create = [a](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_linear problem = a.problem(t.front(), t.back());
        return sextant_linear_forward_create(device, &problem, a.bias, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("linear_forward"); };
    return o;
}

operation backward_data(layer a, const mix& m, bool accumulate) {
    a.activation = SEXTANT_IDENTITY;
    operation o = begun("linear_backward_data_reference", a, m);
    o.operands = {source(a.dst(m), numbers(m, int64_t{a.n} * a.k, 2)), parameter(a.k, a.inputs(), 1, 1, weights(a, m)),
                  gradient(accumulate, a.src(m), numbers(m, int64_t{a.n} * a.inputs(), 7), a.src_in)};
    o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_linear problem = a.problem(t.back(), t.front());
        return sextant_linear_backward_data_create(device, &problem, accumulate, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("linear_backward_data"); };
    return o;
}

operation backward_weights(layer a, const mix& m) {
    a.activation = SEXTANT_IDENTITY;
    operation o = begun("linear_backward_weights_reference", a, m);
    o.operands = {source(a.src(m), numbers(m, int64_t{a.n} * a.inputs(), 1), a.src_in),
                  source(a.dst(m), numbers(m, int64_t{a.n} * a.k, 2))};
    if (a.bias) o.operands.push_back(destination(on_device(SEXTANT_F32, SEXTANT_NCHW, 1, a.k, 1, 1)));
    o.operands.push_back(destination(on_device(SEXTANT_F32, SEXTANT_NCHW, a.k, a.inputs(), 1, 1)));
    o.create = [a](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_linear problem = a.problem(t[0], t[1]);
        return sextant_linear_backward_weights_create(device, &problem, a.bias, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("linear_backward_weights"); };
    return o;
}

}  // namespace

void add_linear_tests() {
    const auto add = [](const char* suite, auto operation_of) {
        for (const layer& a : layers)
            add_comparison(suite, a.name(), [=] {
                std::vector<operation> operations;
                for (const mix& m : mixes) operations.push_back(operation_of(a, m));
                return operations;
            });
    };
    add("CudaLinear", with_weights);
    add("CudaLinearForward", forward);
    add("CudaLinearBackwardData", [](const layer& a, const mix& m) { return backward_data(a, m, a.n % 2 == 0); });
    add("CudaLinearBackwardWeights", backward_weights);
}

}  // namespace sextant::test
