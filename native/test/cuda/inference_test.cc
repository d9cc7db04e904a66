// SPDX-License-Identifier: Apache-2.0
// Pools, normalisations, sums, copies and softmax on a CUDA device.
#include <numeric>

#include "compare.h"
#include "tests.h"

namespace sextant::test {
namespace {

/// A shape of activations, the same for source and destination where an operation keeps it.
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
    {1, 1, 1, 1},  {2, 3, 5, 7},    {3, 5, 4, 4},   {1, 8, 9, 11}, {5, 12, 3, 3},
    {2, 24, 7, 5}, {1, 33, 13, 13}, {2, 64, 8, 8},  {3, 96, 5, 3}, {2, 130, 7, 7},
    {1, 1000, 1, 1}, {4, 256, 14, 13}, {2, 16, 6, 7, {8, 5}, {16, 3}}, {3, 20, 5, 5, {0, 7}, {24, 0}},
};

std::function<std::vector<std::string>(const std::vector<sextant_tensor>&)> names(const char* operation) {
    return [operation](const auto&) { return implementations_of(operation); };
}

/// A comparison for every mix of types.
template <class Make>
void add(const char* suite, const std::string& name, Make make) {
    add_comparison(suite, name, [=] {
        std::vector<operation> operations;
        for (const mix& m : mixes) operations.push_back(make(m));
        return operations;
    });
}

struct pool {
    int n, c, h, w, kind, r, s, stride_h, stride_w, top, left, bottom, right;
    int dilation = 1;
    bool ceil = false, pre_activation = false;
    int adaptive_p = 0, adaptive_q = 0;
    slice src_in = {}, dst_in = {};

    int out(int size, int kernel, int stride, int before, int after) const {
        const int room = size + before + after - (kernel - 1) * dilation - 1;
        int result = (room + (ceil ? stride - 1 : 0)) / stride + 1;
        if (ceil && (result - 1) * stride - before >= size) result--;
        return result;
    }
    int p() const { return adaptive_p ? adaptive_p : out(h, r, stride_h, top, bottom); }
    int q() const { return adaptive_q ? adaptive_q : out(w, s, stride_w, left, right); }
    std::string name() const {
        constexpr const char* kinds[] = {"max", "average", "average_with_pad", "adaptive"};
        return std::string(kinds[kind]) + "_" + shape_text(shaped(SEXTANT_NCHW, n, c, h, w)) + "_" + std::to_string(r) + "x" +
               std::to_string(s) + "_s" + std::to_string(stride_h) + std::to_string(stride_w) + "_to_" + std::to_string(p()) +
               "x" + std::to_string(q()) + (dilation > 1 ? "_dilated" : "") + (pre_activation ? "_pre" : "") +
               (src_in.before || dst_in.before ? "_slices" : "");
    }
    sextant_tensor src(const mix& m) const { return on_device(m.src, m.src_layout, n, c, h, w, src_in); }
    sextant_tensor dst(const mix& m) const { return on_device(m.dst, m.dst_layout, n, c, p(), q(), dst_in); }
    sextant_pool2d problem(const sextant_tensor& src, const sextant_tensor& dst) const {
        return {src, dst, kind, r, s, stride_h, stride_w, top, left, bottom, right, dilation, dilation, pre_activation};
    }
};

constexpr int max = SEXTANT_POOL_MAX, average = SEXTANT_POOL_AVERAGE, with_pad = SEXTANT_POOL_AVERAGE_WITH_PAD,
              adaptive = SEXTANT_POOL_AVERAGE_ADAPTIVE;

constexpr pool pools[] = {
    {2, 64, 13, 13, max, 3, 3, 2, 2, 1, 1, 1, 1},
    {2, 16, 12, 11, max, 2, 2, 2, 2, 0, 0, 0, 0},
    {1, 33, 14, 15, max, 3, 3, 2, 2, 0, 0, 0, 0, 1, true},
    {3, 12, 9, 7, max, 3, 3, 1, 1, 1, 1, 1, 1},
    {5, 1, 6, 6, max, 2, 2, 2, 2, 0, 0, 0, 0},
    {2, 24, 11, 12, max, 3, 2, 2, 1, 1, 0, 0, 1},
    {1, 8, 13, 12, max, 3, 3, 2, 2, 1, 1, 1, 1, 2},
    {2, 130, 7, 7, max, 7, 7, 1, 1, 0, 0, 0, 0},
    {1, 5, 8, 8, max, 3, 3, 3, 3, 1, 1, 1, 1, 1, true},
    {2, 24, 9, 9, max, 3, 3, 2, 2, 1, 1, 1, 1, 1, false, true},
    {2, 16, 9, 9, max, 3, 3, 2, 2, 1, 1, 1, 1, 1, true, false, 0, 0, {8, 3}, {16, 0}},
    {3, 6, 28, 28, average, 2, 2, 2, 2, 0, 0, 0, 0},
    {2, 33, 9, 8, average, 3, 3, 2, 2, 1, 1, 1, 1},
    {2, 33, 9, 8, with_pad, 3, 3, 2, 2, 1, 1, 1, 1},
    {2, 8, 10, 9, with_pad, 3, 3, 2, 2, 1, 0, 0, 1, 1, true},
    {1, 12, 11, 11, average, 3, 3, 2, 2, 0, 0, 0, 0, 1, true},
    {2, 96, 8, 6, average, 2, 2, 2, 2, 0, 0, 0, 0, 1, false, true},
    {4, 130, 7, 7, average, 7, 7, 1, 1, 0, 0, 0, 0},
    {1, 2048, 7, 7, average, 7, 7, 7, 7, 0, 0, 0, 0},
    {2, 65, 14, 13, average, 14, 13, 1, 1, 0, 0, 0, 0, 1, false, true},
    {2, 3, 56, 56, average, 56, 56, 1, 1, 0, 0, 0, 0},
    {2, 64, 6, 6, adaptive, 1, 1, 1, 1, 0, 0, 0, 0, 1, false, false, 6, 6},
    {2, 24, 13, 11, adaptive, 1, 1, 1, 1, 0, 0, 0, 0, 1, false, false, 6, 4},
    {1, 12, 5, 3, adaptive, 1, 1, 1, 1, 0, 0, 0, 0, 1, false, false, 7, 7},
    {3, 40, 9, 7, adaptive, 1, 1, 1, 1, 0, 0, 0, 0, 1, false, false, 1, 1},
    {2, 24, 9, 7, average, 9, 7, 1, 1, 0, 0, 0, 0, 1, false, false, 0, 0, {8, 8}, {16, 5}},
};

void add_pools() {
    for (const pool& a : pools)
        add("CudaPool2d", a.name(), [=](const mix& m) {
            operation o{.reference = "pool2d_reference"};
            o.operands = {source(a.src(m), noise_vector(int64_t{a.n} * a.c * a.h * a.w, 1), a.src_in),
                          destination(a.dst(m), a.dst_in)};
            o.create = [a, scale = noise_vector(a.c, 2, 0.5, 1), shift = noise_vector(a.c, 3, 0.5)](
                           sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                           sextant_error* error) {
                const sextant_pool2d problem = a.problem(t[0], t[1]);
                return sextant_pool2d_create(device, &problem, a.pre_activation ? scale.data() : nullptr,
                                             a.pre_activation ? shift.data() : nullptr, name, op, error);
            };
            o.candidates = names("pool2d");
            return o;
        });
    // Gradients, on numbers of which many are equal: the first of a window's largest has the whole of it.
    for (const pool& a : pools) {
        if (a.pre_activation) continue;
        for (const bool accumulate : {false, true})
            add("CudaPool2dBackward", a.name() + (accumulate ? "_accumulated" : ""), [=](const mix& m) {
                operation o{.reference = "pool2d_backward_reference"};
                const int64_t pixels = int64_t{a.n} * a.c * a.h * a.w;
                if (a.kind == max) o.operands.push_back(source(a.src(m), quarters(pixels, 1), a.src_in));
                o.operands.push_back(source(a.dst(m), noise_vector(int64_t{a.n} * a.c * a.p() * a.q(), 2), a.dst_in));
                o.operands.push_back(gradient(accumulate, a.src(m), noise_vector(pixels, 3), a.src_in));
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                               sextant_error* error) {
                    const sextant_tensor diff_dst = t[t.size() - 2], diff_src = t.back();
                    const sextant_pool2d forward = a.problem(a.kind == max ? t[0] : diff_src, diff_dst);
                    const sextant_pool2d_backward problem{forward, diff_dst, diff_src, accumulate};
                    return sextant_pool2d_backward_create(device, &problem, name, op, error);
                };
                o.candidates = names("pool2d_backward");
                return o;
            });
    }
}

void add_lrn() {
    struct parameters {
        int size;
        float alpha, beta, bias;
    };
    constexpr parameters all[] = {
        {5, 2e-5f, 0.75f, 1}, {5, 0.3f, 0.75f, 2}, {3, 0.1f, 0.5f, 1}, {4, 0.2f, 1, 1}, {1, 0.5f, 0.75f, 1}};
    int turn = 0;
    for (const shape& s : shapes) {
        const parameters p = all[turn++ % std::size(all)];
        const std::string name = s.name() + "_size" + std::to_string(p.size);
        add("CudaLrn", name, [=](const mix& m) {
            operation o{.reference = "lrn_reference"};
            o.operands = {source(s.src(m), noise_vector(s.count(), 1, 3), s.src_in), destination(s.dst(m), s.dst_in)};
            o.create = [p](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                           sextant_error* error) {
                const sextant_lrn problem{t[0], t[1], p.size, p.alpha, p.beta, p.bias};
                return sextant_lrn_create(device, &problem, name, op, error);
            };
            o.candidates = names("lrn");
            return o;
        });
        for (const bool accumulate : {false, true})
            add("CudaLrnBackward", name + (accumulate ? "_accumulated" : ""), [=](const mix& m) {
                operation o{.reference = "lrn_backward_reference", .slack = 2};
                o.operands = {source(s.src(m), noise_vector(s.count(), 1, 3), s.src_in),
                              source(s.dst(m), noise_vector(s.count(), 2), s.dst_in),
                              gradient(accumulate, s.src(m), noise_vector(s.count(), 3), s.src_in)};
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                               sextant_error* error) {
                    const sextant_lrn_backward problem{{t[0], t[1], p.size, p.alpha, p.beta, p.bias}, t[1], t[2], accumulate};
                    return sextant_lrn_backward_create(device, &problem, name, op, error);
                };
                o.candidates = names("lrn_backward");
                return o;
            });
    }
}

void add_pointwise() {
    int turn = 0;
    for (const shape& s : shapes) {
        const int activation = turn++ % 4;
        const std::string name = s.name() + "_" + activation_name(activation);
        add("CudaBatchNorm", name, [=](const mix& m) {
            operation o{.reference = "batch_norm_reference"};
            o.operands = {source(s.src(m), noise_vector(s.count(), 1, 2), s.src_in), destination(s.dst(m), s.dst_in)};
            o.create = [activation, scale = noise_vector(s.c, 2, 0.5, 1), shift = noise_vector(s.c, 3)](
                           sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                           sextant_error* error) {
                const sextant_batch_norm problem{t[0], t[1], activation};
                return sextant_batch_norm_create(device, &problem, scale.data(), shift.data(), name, op, error);
            };
            o.candidates = names("batch_norm");
            return o;
        });
        for (const bool has_other : {false, true})
            add("CudaEltwise", name + (has_other ? "_sum" : ""), [=](const mix& m) {
                operation o{.reference = "eltwise_reference"};
                o.operands = {source(s.src(m), noise_vector(s.count(), 1, 2), s.src_in)};
                if (has_other) o.operands.push_back(source(s.dst(m), noise_vector(s.count(), 2, 2), s.dst_in));
                o.operands.push_back(destination(s.dst(m), s.dst_in));
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                               sextant_error* error) {
                    sextant_eltwise problem{t.front(), t.back(), activation, has_other};
                    if (has_other) problem.other = t[1];
                    return sextant_eltwise_create(device, &problem, name, op, error);
                };
                o.candidates = names("eltwise");
                return o;
            });
        add("CudaReorder", s.name(), [=](const mix& m) {
            operation o{.reference = "reorder_reference"};
            o.operands = {source(s.src(m), noise_vector(s.count(), 1, 2), s.src_in), destination(s.dst(m), s.dst_in)};
            o.create = [](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                          sextant_error* error) { return sextant_reorder_create(device, &t[0], &t[1], name, op, error); };
            o.candidates = names("reorder");
            return o;
        });
    }
}

void add_softmax() {
    constexpr int sizes[][2] = {{1, 1}, {1, 10}, {5, 3}, {3, 33}, {2, 1000}, {7, 1001}, {33, 10}, {1, 5000}};
    for (const auto& [n, c] : sizes)
        for (const bool logarithm : {false, true})
            add_comparison("CudaSoftmax", std::to_string(n) + "x" + std::to_string(c) + (logarithm ? "_log" : ""), [=] {
                std::vector<operation> operations;
                for (const int32_t src : {SEXTANT_F32, SEXTANT_BF16, SEXTANT_F16, SEXTANT_TF32})
                    for (const int32_t dst : {src, int32_t{SEXTANT_F32}}) {
                        operation o{.reference = "softmax_reference", .slack = 2};
                        o.operands = {source(on_device(src, SEXTANT_NCHW, n, c, 1, 1), noise_vector(int64_t{n} * c, 1, 8)),
                                      destination(on_device(dst, SEXTANT_NCHW, n, c, 1, 1))};
                        o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name,
                                       sextant_op** op, sextant_error* error) {
                            const sextant_softmax problem{t[0], t[1], logarithm};
                            return sextant_softmax_create(device, &problem, name, op, error);
                        };
                        o.candidates = names("softmax");
                        operations.push_back(o);
                    }
                return operations;
            });
}

/// Concatenation and its reverse: one list of parts for both.
void add_parts() {
    const std::vector<std::vector<int>> lists{{8},         {5},          {3, 5},          {8, 16, 24},
                                              {12, 4, 33}, {64, 32, 32}, {1, 2, 3, 4, 5}, {33, 64, 7}};
    for (const auto& parts : lists) {
        const int channels = std::accumulate(parts.begin(), parts.end(), 0);
        std::string name = "of";
        for (const int part : parts) name.append("_").append(std::to_string(part));
        const slice within = parts.size() == 2 ? slice{8, 8} : slice{};
        const int n = 3, h = 7, w = 5;
        add("CudaConcat", name, [=](const mix& m) {
            operation o{.reference = "concat_reference"};
            uint64_t seed = 1;
            for (const int c : parts)
                o.operands.push_back(
                    source(on_device(m.src, m.src_layout, n, c, h, w), noise_vector(int64_t{n} * c * h * w, seed++)));
            o.operands.push_back(destination(on_device(m.dst, m.dst_layout, n, channels, h, w, within), within));
            o.create = [](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                          sextant_error* error) {
                return sextant_concat_create(device, t.data(), static_cast<int32_t>(t.size()) - 1, &t.back(), name, op, error);
            };
            o.candidates = names("concat");
            return o;
        });
        add("CudaSplit", name, [=](const mix& m) {
            operation o{.reference = "split_reference"};
            o.operands.push_back(source(on_device(m.src, m.src_layout, n, channels, h, w, within),
                                        noise_vector(int64_t{n} * channels * h * w, 1), within));
            for (const int c : parts) o.operands.push_back(destination(on_device(m.dst, m.dst_layout, n, c, h, w)));
            o.create = [](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                          sextant_error* error) {
                return sextant_split_create(device, &t[0], &t[1], static_cast<int32_t>(t.size()) - 1, name, op, error);
            };
            o.candidates = names("split");
            return o;
        });
    }
}

void add_shortcuts() {
    struct wider {
        int n, c, h, w, k, stride;
        slice src_in = {}, dst_in = {};
    };
    constexpr wider all[] = {
        {2, 16, 8, 8, 32, 2}, {3, 5, 7, 9, 12, 2},    {1, 8, 5, 5, 8, 1},   {2, 33, 7, 7, 64, 3},
        {1, 1, 1, 1, 4, 2},   {2, 32, 16, 15, 64, 2}, {2, 12, 6, 6, 24, 1}, {2, 16, 9, 7, 35, 2, {8, 5}, {16, 0}},
    };
    for (const wider& a : all) {
        const int p = (a.h - 1) / a.stride + 1, q = (a.w - 1) / a.stride + 1;
        const std::string name = shape_text(shaped(SEXTANT_NCHW, a.n, a.c, a.h, a.w)) + "_to_" + std::to_string(a.k) + "_s" +
                                 std::to_string(a.stride);
        add("CudaShortcut", name, [=](const mix& m) {
            operation o{.reference = "shortcut_reference"};
            o.operands = {source(on_device(m.src, m.src_layout, a.n, a.c, a.h, a.w, a.src_in),
                                 noise_vector(int64_t{a.n} * a.c * a.h * a.w, 1), a.src_in),
                          destination(on_device(m.dst, m.dst_layout, a.n, a.k, p, q, a.dst_in), a.dst_in)};
            o.create = [a](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                           sextant_error* error) {
                const sextant_shortcut problem{t[0], t[1], a.stride};
                return sextant_shortcut_create(device, &problem, name, op, error);
            };
            o.candidates = names("shortcut");
            return o;
        });
        for (const bool accumulate : {false, true})
            add("CudaShortcutBackward", name + (accumulate ? "_accumulated" : ""), [=](const mix& m) {
                operation o{.reference = "shortcut_backward_reference"};
                o.operands = {source(on_device(m.dst, m.dst_layout, a.n, a.k, p, q, a.dst_in),
                                     noise_vector(int64_t{a.n} * a.k * p * q, 1), a.dst_in),
                              gradient(accumulate, on_device(m.src, m.src_layout, a.n, a.c, a.h, a.w, a.src_in),
                                       noise_vector(int64_t{a.n} * a.c * a.h * a.w, 2), a.src_in)};
                o.create = [=](sextant_device* device, const std::vector<sextant_tensor>& t, const char* name, sextant_op** op,
                               sextant_error* error) {
                    const sextant_shortcut problem{t[1], t[0], a.stride};
                    return sextant_shortcut_backward_create(device, &problem, accumulate, name, op, error);
                };
                o.candidates = names("shortcut_backward");
                return o;
            });
    }
}

}  // namespace

void add_inference_tests() {
    add_pools();
    add_lrn();
    add_pointwise();
    add_softmax();
    add_parts();
    add_shortcuts();
}

}  // namespace sextant::test
