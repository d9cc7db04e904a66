// SPDX-License-Identifier: Apache-2.0
// Local response normalisation and its gradient on a CUDA device. With s[c] = bias + alpha * sum of src^2 over c's window,
//   dst[c] = src[c] * s[c]^-beta
//   diff_src[i] = diff_dst[i] * s[i]^-beta - 2 alpha beta src[i] * sum of diff_dst[c] * src[c] * s[c]^(-beta-1)
// over the channels c in whose windows i lies. The window of 5 channels that published networks have reaches 2 to either side
// of a thread's 8, the gradient's sum 4: the units before and after are enough.
#include "cuda/each.h"
#include "cuda/lists.h"
#include "lrn/lrn_lists.h"

namespace sextant::cuda {
namespace {

struct coefficients {
    float alpha, beta, bias;
};

coefficients coefficients_of(const sextant_lrn& a) { return {a.alpha, a.beta, a.bias}; }

/// base ^ -beta.
__device__ float inverse_power(float base, float beta) {
    if (beta != 0.75f) return powf(base, -beta);
    const float root = rsqrtf(base);
    return root * sqrtf(root);
}

constexpr int unit_window = 5, reach = unit_window / 2;

/// Channels c - 8 ... c + 15 of a pixel that has `lanes`; zeros where there are none.
template <class Element>
struct three_units {
    float v[24];

    __device__ three_units(const Element* pixel, int c, int lanes) {
        const lane8<Element> none{};
        const auto before = c > 0 ? lane8<Element>::load(pixel + c - 8) : none;
        const auto own = lane8<Element>::load(pixel + c);
        const auto after = c + 8 < lanes ? lane8<Element>::load(pixel + c + 8) : none;
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = before.v[j], v[8 + j] = own.v[j], v[16 + j] = after.v[j];
    }

    /// s of the channel at v[i].
    __device__ float base(int i, const coefficients& a) const {
        float sum = 0;
#pragma unroll
        for (int j = i - reach; j <= i + reach; ++j) sum = fmaf(v[j], v[j], sum);
        return fmaf(a.alpha, sum, a.bias);
    }
};

template <class Element>
struct normalised_unit {
    const Element* src;
    int64_t pitch;
    int lanes;
    coefficients a;

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        const three_units<Element> x(src + pixel * pitch, c, lanes);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = x.v[8 + j] * inverse_power(x.base(8 + j, a), a.beta);
    }
};

template <class Element>
struct gradient_unit {
    const Element *src, *diff_dst;
    int64_t src_pitch, diff_dst_pitch;
    int c, lanes;
    coefficients a;

    __device__ void operator()(int64_t pixel, int first, float (&v)[8]) const {
        const three_units<Element> x(src + pixel * src_pitch, first, lanes), g(diff_dst + pixel * diff_dst_pitch, first, lanes);
        float through_base[8 + 2 * reach];  // of channels first - reach ...
#pragma unroll
        for (int k = 0; k < 8 + 2 * reach; ++k) {
            const int i = 8 - reach + k, channel = first - reach + k;
            const float base = x.base(i, a), power = inverse_power(base, a.beta);
            through_base[k] = channel >= 0 && channel < c ? g.v[i] * x.v[i] * power / base : 0.f;
            if (k >= reach && k < 8 + reach) v[k - reach] = g.v[i] * power;
        }
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            float sum = 0;
#pragma unroll
            for (int k = j; k <= j + 2 * reach; ++k) sum += through_base[k];
            v[j] -= 2 * a.alpha * a.beta * x.v[8 + j] * sum;
        }
    }
};

/// s of a channel whose window is `before` channels, itself, `after` channels.
__device__ float base_of(const any_tensor& src, int n, int c, int y, int x, int before, int after, const coefficients& a) {
    float sum = 0;
    for (int j = max(0, c - before); j <= min(src.at.c - 1, c + after); ++j) {
        const float value = src.get(n, j, y, x);
        sum = fmaf(value, value, sum);
    }
    return fmaf(a.alpha, sum, a.bias);
}

struct normalised_element {
    any_tensor src;
    int before, after;
    coefficients a;

    __device__ float operator()(int n, int c, int y, int x) const {
        return src.get(n, c, y, x) * inverse_power(base_of(src, n, c, y, x, before, after, a), a.beta);
    }
};

struct gradient_element {
    any_tensor src, diff_dst;
    int before, after;
    coefficients a;

    __device__ float operator()(int n, int i, int y, int x) const {
        float sum = 0;
        for (int c = max(0, i - after); c <= min(src.at.c - 1, i + before); ++c) {
            const float base = base_of(src, n, c, y, x, before, after, a);
            sum += diff_dst.get(n, c, y, x) * src.get(n, c, y, x) * inverse_power(base, a.beta) / base;
        }
        const float own = inverse_power(base_of(src, n, i, y, x, before, after, a), a.beta);
        return diff_dst.get(n, i, y, x) * own - 2 * a.alpha * a.beta * src.get(n, i, y, x) * sum;
    }
};

template <bool Units>
class lrn final : public device_op {
  public:
    explicit lrn(const sextant_lrn& problem) : device_op(problem.dst), problem_(problem) {}

    int64_t flops() const override { return lrn_flops(problem_); }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const sextant_lrn& a = problem_;
        if constexpr (Units) {
            const view from = view_of(a.src);
            visit_element(dst.dtype, [&](auto e) {
                using Element = decltype(e);
                const normalised_unit<Element> value{static_cast<const Element*>(operands[0]), from.pixel, from.lanes,
                                                     coefficients_of(a)};
                write_units<Element>(stream, dst, operands[1], false, value, "lrn_nhwc");
            });
        } else {
            const normalised_element value{any_of(a.src, operands[0]), a.size / 2, (a.size - 1) / 2, coefficients_of(a)};
            write_elements(stream, any_of(dst, operands[1]), false, value, "lrn_any");
        }
    }

  private:
    const sextant_lrn problem_;
};

template <bool Units>
class lrn_backward final : public device_op {
  public:
    explicit lrn_backward(const sextant_lrn_backward& problem) : device_op(problem.diff_src), problem_(problem) {}

    int operand_count() const override { return 3; }
    int64_t flops() const override { return 2 * lrn_flops(problem_.forward); }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const sextant_lrn& a = problem_.forward;
        const bool accumulate = problem_.accumulate == 1;
        if constexpr (Units) {
            const view from = view_of(a.src), gradient = view_of(problem_.diff_dst);
            visit_element(dst.dtype, [&](auto e) {
                using Element = decltype(e);
                const gradient_unit<Element> value{static_cast<const Element*>(operands[0]),
                                                   static_cast<const Element*>(operands[1]),
                                                   from.pixel, gradient.pixel, from.c, from.lanes, coefficients_of(a)};
                write_units<Element>(stream, dst, operands[2], accumulate, value, "lrn_backward_nhwc");
            });
        } else {
            const gradient_element value{any_of(a.src, operands[0]), any_of(problem_.diff_dst, operands[1]), a.size / 2,
                                         (a.size - 1) / 2, coefficients_of(a)};
            write_elements(stream, any_of(dst, operands[2]), accumulate, value, "lrn_backward_any");
        }
    }

  private:
    const sextant_lrn_backward problem_;
};

std::string declines_window(const sextant_lrn& a) {
    return a.size == unit_window ? "" : "the window has " + std::to_string(a.size) + " channels, not 5";
}

std::string declines(const sextant_lrn& a, const traits&) {
    const std::string reason = declines_window(a);
    return reason.empty() ? declines_units({a.src, a.dst}) : reason;
}

std::string declines_backward(const sextant_lrn_backward& a, const traits&) {
    const std::string reason = declines_window(a.forward);
    return reason.empty() ? declines_units({a.forward.src, a.diff_dst, a.diff_src}) : reason;
}

template <class Op, class Problem, class Parameters>
std::unique_ptr<op> create(const Problem& problem, const Parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

constexpr implementation<sextant_lrn, lrn_parameters> forward[] = {
    {"cuda_lrn_nhwc", declines, create<lrn<true>>, float_dtypes},
    {"cuda_lrn_any", [](const sextant_lrn&, const traits&) { return std::string(); }, create<lrn<false>>, float_dtypes},
};

constexpr implementation<sextant_lrn_backward, lrn_backward_parameters> backward[] = {
    {"cuda_lrn_backward_nhwc", declines_backward, create<lrn_backward<true>>, float_dtypes},
    {"cuda_lrn_backward_any", [](const sextant_lrn_backward&, const traits&) { return std::string(); },
     create<lrn_backward<false>>, float_dtypes},
};

}  // namespace

list<sextant_lrn, lrn_parameters> implementations(const sextant_lrn&, const lrn_parameters&) { return forward; }
list<sextant_lrn_backward, lrn_backward_parameters> implementations(const sextant_lrn_backward&,
                                                                    const lrn_backward_parameters&) {
    return backward;
}

}  // namespace sextant::cuda
