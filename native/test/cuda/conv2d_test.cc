// SPDX-License-Identifier: Apache-2.0
// Convolutions on a CUDA device: with given weights, with weights as operands, and both gradients. Shapes of the networks with
// fewer pixels, awkward ones by hand, and awkward ones by chance.
#include <numeric>

#include "compare.h"
#include "tests.h"

namespace sextant::test {
namespace {

struct geometry {
    int n = 1, c = 16, h = 7, w = 7, k = 32, r = 3, s = 3;
    int stride_h = 1, stride_w = 1;
    int top = 1, left = 1, bottom = 1, right = 1;
    int dilation_h = 1, dilation_w = 1, groups = 1;
    int activation = SEXTANT_IDENTITY;
    bool bias = true, residual = false, pre_activation = false;
    slice src_in, dst_in, residual_in;

    int p() const { return (h + top + bottom - (r - 1) * dilation_h - 1) / stride_h + 1; }
    int q() const { return (w + left + right - (s - 1) * dilation_w - 1) / stride_w + 1; }
    bool has_windows() const {
        return h + top + bottom > (r - 1) * dilation_h && w + left + right > (s - 1) * dilation_w;
    }
    int64_t terms() const { return int64_t{c} / groups * r * s; }
    int64_t products() const { return terms() * n * k * p() * q(); }

    geometry& kernel(int size, int stride, int pad) {
        r = s = size, stride_h = stride_w = stride, top = left = bottom = right = pad;
        return *this;
    }
    geometry& in_slices() {
        src_in = {8, 5}, dst_in = {16, 3}, residual_in = {24, 0};
        return *this;
    }

    std::string name() const {
        std::string s = std::to_string(n) + "x" + std::to_string(c) + "x" + std::to_string(h) + "x" + std::to_string(w) + "_k" +
                        std::to_string(k) + "_" + std::to_string(r) + "x" + std::to_string(this->s) + "_s" +
                        std::to_string(stride_h) + std::to_string(stride_w) + "_p" + std::to_string(top) +
                        std::to_string(left) + std::to_string(bottom) + std::to_string(right);
        if (dilation_h != 1 || dilation_w != 1) s += "_d" + std::to_string(dilation_h) + std::to_string(dilation_w);
        if (groups != 1) s += "_g" + std::to_string(groups);
        if (activation != SEXTANT_IDENTITY) s += std::string("_") + activation_name(activation);
        if (!bias) s += "_nobias";
        if (residual) s += "_residual";
        if (pre_activation) s += "_pre";
        if (src_in.before || dst_in.before) s += "_slices";
        return s;
    }

    sextant_conv2d problem(const sextant_tensor& src, const sextant_tensor& dst) const {
        sextant_conv2d a{};
        a.src = src, a.dst = dst;
        a.r = r, a.s = s, a.stride_h = stride_h, a.stride_w = stride_w;
        a.pad_top = top, a.pad_left = left, a.pad_bottom = bottom, a.pad_right = right;
        a.dilation_h = dilation_h, a.dilation_w = dilation_w, a.groups = groups;
        a.activation = activation, a.pre_activation = pre_activation, a.has_residual = residual;
        return a;
    }

    sextant_tensor src(const mix& m) const { return on_device(m.src, m.src_layout, n, c, h, w, src_in); }
    sextant_tensor dst(const mix& m) const { return on_device(m.dst, m.dst_layout, n, k, p(), q(), dst_in); }
};

geometry sized(int n, int c, int h, int w, int k) { return {.n = n, .c = c, .h = h, .w = w, .k = k}; }

/// The numbers of a case: random for float32, whose sums they test; quarters for the others, where they find each index mistake
/// because sums then have no rounding.
struct numbers {
    bool exact;

    std::vector<float> of(int64_t count, uint64_t seed, double scale = 1) const {
        return exact ? quarters(count, seed) : noise_vector(count, seed, scale);
    }
    std::vector<float> weights(const geometry& g, uint64_t seed) const {
        return of(g.k * g.terms(), seed, 1.7 / std::sqrt(double(g.terms())));
    }
    /// Powers of two.
    std::vector<float> scales(int64_t count, uint64_t seed) const {
        if (!exact) return noise_vector(count, seed, 0.5, 1);
        std::vector<float> values(count);
        for (int64_t i = 0; i < count; i++) values[i] = static_cast<float>(std::exp2(std::floor(1.5 * noise(seed, i))));
        return values;
    }
};

double slack_of(int64_t terms) { return terms > 2000 ? 5 : 1; }

/// Activations other than these round by themselves.
bool is_linear(int activation) { return activation == SEXTANT_IDENTITY || activation == SEXTANT_RELU; }

std::vector<std::string> candidates_of(const sextant_conv2d& problem) {
    std::string names(4096, '\0');
    must([&](sextant_error* e) {
        return sextant_conv2d_candidates(cuda(), &problem, names.data(), static_cast<int64_t>(names.size()), e);
    });
    std::vector<std::string> all;
    for (size_t from = 0, end; (end = names.find('\n', from)) != std::string::npos; from = end + 1)
        all.push_back(names.substr(from, end - from));
    return all;
}

/// Residuals lie as destinations do, in wider tensors of their own.
sextant_tensor residual_of(const geometry& g, const mix& m) {
    return on_device(m.dst, m.dst_layout, g.n, g.k, g.p(), g.q(), g.residual_in);
}

operation forward(const geometry& g, const mix& m) {
    const numbers numbers{!m.is_f32()};
    operation o{.reference = "conv2d_reference",
                .exact = numbers.exact && is_linear(g.activation),
                .slack = slack_of(g.terms())};
    const sextant_tensor src = g.src(m), dst = g.dst(m);
    o.operands.push_back(source(src, numbers.of(int64_t{g.n} * g.c * g.h * g.w, 1), g.src_in));
    if (g.residual)
        o.operands.push_back(source(residual_of(g, m), numbers.of(int64_t{g.n} * g.k * g.p() * g.q(), 2), g.residual_in));
    o.operands.push_back(destination(dst, g.dst_in));
    const auto problem = [g](const std::vector<sextant_tensor>& t) {
        sextant_conv2d a = g.problem(t.front(), t.back());
        if (g.residual) a.residual = t[1];
        return a;
    };
    const auto weights = numbers.weights(g, 3), bias = numbers.of(g.k, 4), scale = numbers.scales(g.c, 5),
               shift = numbers.of(g.c, 6, 0.5);
    o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_conv2d a = problem(t);
        return sextant_conv2d_create(device, &a, weights.data(), g.bias ? bias.data() : nullptr,
                                     g.pre_activation ? scale.data() : nullptr, g.pre_activation ? shift.data() : nullptr, name,
                                     op, error);
    };
    o.candidates = [=](const std::vector<sextant_tensor>& t) { return candidates_of(problem(t)); };
    return o;
}

operation forward_of_operands(const geometry& g, const mix& m) {
    const numbers numbers{!m.is_f32()};
    operation o{.reference = "conv2d_reference",
                .exact = numbers.exact && is_linear(g.activation),
                .slack = slack_of(g.terms())};
    o.operands.push_back(source(g.src(m), numbers.of(int64_t{g.n} * g.c * g.h * g.w, 1), g.src_in));
    o.operands.push_back(parameter(g.k, g.c / g.groups, g.r, g.s, numbers.weights(g, 3)));
    if (g.bias) o.operands.push_back(parameter(1, g.k, 1, 1, numbers.of(g.k, 4)));
    if (g.residual)
        o.operands.push_back(source(residual_of(g, m), numbers.of(int64_t{g.n} * g.k * g.p() * g.q(), 2), g.residual_in));
    o.operands.push_back(destination(g.dst(m), g.dst_in));
    o.create = [g](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        sextant_conv2d a = g.problem(t.front(), t.back());
        if (g.residual) a.residual = t[t.size() - 2];
        return sextant_conv2d_forward_create(device, &a, g.bias, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("conv2d_forward"); };
    return o;
}

operation backward_data(const geometry& g, const mix& m, bool accumulate) {
    const numbers numbers{!m.is_f32()};
    operation o{.reference = "conv2d_backward_data_reference",
                .exact = numbers.exact,
                .slack = slack_of(int64_t{g.k} / g.groups * g.r * g.s)};
    o.operands.push_back(source(g.dst(m), numbers.of(int64_t{g.n} * g.k * g.p() * g.q(), 2), g.dst_in));
    o.operands.push_back(parameter(g.k, g.c / g.groups, g.r, g.s, numbers.weights(g, 3)));
    o.operands.push_back(gradient(accumulate, g.src(m), numbers.of(int64_t{g.n} * g.c * g.h * g.w, 7), g.src_in));
    o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_conv2d a = g.problem(t.back(), t.front());
        return sextant_conv2d_backward_data_create(device, &a, accumulate, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("conv2d_backward_data"); };
    return o;
}

operation backward_weights(const geometry& g, const mix& m) {
    const numbers numbers{!m.is_f32()};
    operation o{.reference = "conv2d_backward_weights_reference",
                .exact = numbers.exact,
                .slack = slack_of(int64_t{g.n} * g.p() * g.q())};
    o.operands.push_back(source(g.src(m), numbers.of(int64_t{g.n} * g.c * g.h * g.w, 1), g.src_in));
    o.operands.push_back(source(g.dst(m), numbers.of(int64_t{g.n} * g.k * g.p() * g.q(), 2), g.dst_in));
    if (g.bias) o.operands.push_back(destination(on_device(SEXTANT_F32, SEXTANT_NCHW, 1, g.k, 1, 1)));
    o.operands.push_back(destination(on_device(SEXTANT_F32, SEXTANT_NCHW, g.k, g.c / g.groups, g.r, g.s)));
    o.create = [g](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                   sextant_error* error) {
        const sextant_conv2d a = g.problem(t[0], t[1]);
        return sextant_conv2d_backward_weights_create(device, &a, g.bias, name, op, error);
    };
    o.candidates = [](const auto&) { return implementations_of("conv2d_backward_weights"); };
    return o;
}

std::vector<geometry> by_hand() {
    std::vector<geometry> all{
        // LeNet-5
        sized(3, 1, 28, 28, 6).kernel(5, 1, 2),
        sized(3, 6, 14, 14, 16).kernel(5, 1, 0),
        // AlexNet
        sized(2, 3, 67, 67, 64).kernel(11, 4, 2),
        sized(1, 3, 51, 55, 96).kernel(11, 4, 0),
        sized(1, 64, 9, 9, 192).kernel(5, 1, 2),
        sized(1, 192, 6, 7, 256).kernel(3, 1, 1),
        // VGG
        sized(2, 3, 17, 19, 64).kernel(3, 1, 1),
        sized(2, 64, 14, 14, 64).kernel(3, 1, 1),
        sized(1, 512, 4, 5, 256).kernel(3, 1, 1),
        // ResNet
        sized(2, 3, 45, 43, 64).kernel(7, 2, 3),
        sized(3, 64, 7, 9, 256).kernel(1, 1, 0),
        sized(2, 256, 9, 7, 64).kernel(1, 1, 0),
        sized(2, 256, 14, 14, 128).kernel(1, 2, 0),
        sized(2, 128, 15, 15, 128).kernel(3, 2, 1),
        sized(1, 2048, 3, 5, 130).kernel(1, 1, 0),
        sized(4, 16, 32, 32, 16).kernel(3, 1, 1),
        // GoogLeNet
        sized(2, 192, 7, 7, 16).kernel(1, 1, 0),
        sized(2, 16, 14, 13, 32).kernel(5, 1, 2),
        sized(1, 480, 7, 7, 112).kernel(1, 1, 0),
        // DenseNet
        sized(2, 96, 7, 7, 128).kernel(1, 1, 0),
        sized(2, 128, 7, 7, 32).kernel(3, 1, 1),
        // Groups, down to one channel each.
        sized(2, 96, 9, 9, 64).kernel(5, 1, 2),
        sized(2, 12, 9, 8, 24).kernel(3, 1, 1),
        sized(2, 24, 9, 8, 48).kernel(3, 2, 1),
        sized(2, 32, 11, 9, 32).kernel(3, 1, 1),
        sized(2, 33, 11, 9, 66).kernel(5, 2, 2),
        // Least sizes, flat and narrow ones, kernels wider than the image, strides that leave pixels out.
        sized(1, 1, 1, 1, 1).kernel(1, 1, 0),
        sized(1, 8, 1, 1, 8).kernel(3, 1, 1),
        sized(5, 5, 3, 3, 3).kernel(5, 1, 2),
        sized(1, 3, 1, 203, 8).kernel(3, 1, 1),
        sized(1, 8, 203, 1, 3).kernel(3, 1, 1),
        sized(3, 24, 13, 11, 12).kernel(1, 4, 0),
        sized(2, 33, 17, 13, 65).kernel(3, 4, 1),
        sized(2, 12, 9, 9, 130).kernel(2, 2, 0),
        sized(5, 8, 33, 35, 8).kernel(1, 1, 0),
        sized(1, 130, 5, 3, 1000).kernel(1, 1, 0),
        sized(1, 64, 1, 1, 129).kernel(1, 1, 0),
        sized(2, 72, 9, 9, 136).kernel(3, 1, 1),
        // More tiles than multiprocessors.
        sized(4, 64, 56, 56, 64).kernel(1, 1, 0),
        sized(4, 8, 33, 31, 96).kernel(3, 1, 1),
    };
    for (geometry& g : all)
        if (g.c == 96 && g.r == 5) g.groups = 2;
        else if (g.c == 12 && g.k == 24) g.groups = 4;
        else if (g.c == 24 && g.k == 48) g.groups = 3;
        else if ((g.c == 32 && g.k == 32) || (g.c == 33 && g.k == 66)) g.groups = g.c;
    geometry g = sized(2, 40, 9, 10, 24);
    g.r = 1, g.s = 7, g.top = g.bottom = 0, g.left = g.right = 3, all.push_back(g);
    std::swap(g.r, g.s), g.top = g.bottom = 3, g.left = g.right = 0, all.push_back(g);
    g = sized(2, 24, 8, 9, 40), g.bottom = 0, g.right = 2, g.left = 0, all.push_back(g);
    g = sized(2, 16, 9, 12, 24), g.stride_w = 2, g.top = 0, all.push_back(g);
    g = sized(2, 24, 12, 11, 33).kernel(3, 1, 2), g.dilation_h = g.dilation_w = 2, all.push_back(g);
    g = sized(2, 16, 12, 11, 24).kernel(3, 2, 1), g.dilation_h = 2, all.push_back(g);
    g = sized(2, 64, 7, 7, 64), all.push_back(g.in_slices());
    g = sized(3, 12, 7, 5, 20), all.push_back(g.in_slices());
    g = sized(3, 33, 5, 6, 8).kernel(1, 1, 0), all.push_back(g.in_slices());
    return all;
}

/// An awkward convolution, another for each seed.
geometry by_chance(uint64_t seed) {
    uint64_t drawn = 0;
    const auto one_of = [&](std::initializer_list<int> choices) {
        const double share = (noise(seed + 1000, drawn++) + 1) / 2;
        return choices.begin()[static_cast<size_t>(share * double(choices.size()))];
    };
    while (true) {
        geometry g;
        g.n = one_of({1, 1, 2, 3, 5});
        g.c = one_of({1, 2, 3, 4, 5, 8, 12, 16, 24, 32, 33, 48, 64, 96, 130});
        g.k = one_of({1, 3, 5, 8, 10, 12, 24, 32, 33, 64, 96, 128, 130});
        g.h = one_of({1, 2, 3, 5, 6, 7, 8, 11, 13, 16, 19});
        g.w = one_of({1, 2, 3, 5, 6, 7, 8, 11, 13, 16, 19});
        g.r = one_of({1, 1, 2, 3, 3, 3, 5, 7});
        g.s = one_of({g.r, g.r, g.r, 1, 3});
        g.stride_h = one_of({1, 1, 1, 2, 3});
        g.stride_w = one_of({g.stride_h, g.stride_h, 1, 2});
        for (int* pad : {&g.top, &g.bottom}) *pad = one_of({0, g.r / 2, g.r / 2, g.r - 1});
        for (int* pad : {&g.left, &g.right}) *pad = one_of({0, g.s / 2, g.s / 2, g.s - 1});
        g.dilation_h = one_of({1, 1, 1, 1, 2});
        g.dilation_w = one_of({g.dilation_h, g.dilation_h, 1});
        g.groups = one_of({1, 1, 1, 1, std::gcd(g.c, g.k)});
        g.activation = one_of({SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_SIGMOID});
        g.bias = one_of({0, 1, 1}) == 1;
        g.residual = one_of({0, 0, 1}) == 1;
        g.pre_activation = one_of({0, 0, 0, 1}) == 1;
        if (one_of({0, 0, 1})) g.in_slices();
        if (g.has_windows() && g.products() < 12'000'000) return g;
    }
}

/// What only the forward pass has, in turns.
std::vector<geometry> with_extras(std::vector<geometry> all) {
    constexpr int activations[] = {SEXTANT_RELU, SEXTANT_IDENTITY, SEXTANT_RELU, SEXTANT_TANH, SEXTANT_RELU, SEXTANT_SIGMOID};
    for (size_t i = 0; i < all.size(); i++) {
        all[i].activation = activations[i % std::size(activations)];
        all[i].residual = i % 3 == 2;
        all[i].pre_activation = i % 4 == 3;
        all[i].bias = i % 5 != 4;
    }
    return all;
}

std::vector<geometry> without_extras(std::vector<geometry> all) {
    for (geometry& g : all) g.activation = SEXTANT_IDENTITY, g.residual = g.pre_activation = false;
    return all;
}

}  // namespace

void add_conv2d_tests() {
    std::vector<geometry> chances;
    for (uint64_t seed = 0; seed < 60; seed++) chances.push_back(by_chance(seed));
    const auto add = [](const char* suite, const std::vector<geometry>& all, auto operation_of) {
        for (size_t i = 0; i < all.size(); i++) {
            const geometry g = all[i];
            add_comparison(suite, std::to_string(i) + "_" + g.name(), [=] {
                std::vector<operation> operations;
                for (const mix& m : mixes) operations.push_back(operation_of(g, m));
                return operations;
            });
        }
    };
    add("CudaConv2d", with_extras(by_hand()), forward);
    add("CudaConv2dByChance", chances, forward);
    auto operands = with_extras(by_hand());
    for (geometry& g : operands) g.pre_activation = false;
    for (geometry& g : chances) g.pre_activation = false;
    add("CudaConv2dForward", operands, forward_of_operands);
    add("CudaConv2dForwardByChance", {chances.begin(), chances.begin() + 30}, forward_of_operands);
    const auto plain = without_extras(by_hand()), plain_chances = without_extras(chances);
    add("CudaConv2dBackwardData", plain, [](const geometry& g, const mix& m) { return backward_data(g, m, false); });
    add("CudaConv2dBackwardDataByChance", plain_chances,
        [](const geometry& g, const mix& m) { return backward_data(g, m, true); });
    add("CudaConv2dBackwardWeights", plain, backward_weights);
    add("CudaConv2dBackwardWeightsByChance", plain_chances, backward_weights);
}

}  // namespace sextant::test
