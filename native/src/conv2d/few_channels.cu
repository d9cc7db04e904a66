// SPDX-License-Identifier: Apache-2.0
// Convolution between few channels, where a tensor core's tile would be mostly empty: LeNet's. A thread sums 8 output channels of a
// pixel in float32; weights lie in shared memory, [tap][c][8], where all threads read the same ones.
#include "conv2d/few_channels.h"

#include <vector>

#include "conv2d/conv2d_lists.h"
#include "cuda/view.h"

namespace sextant::cuda {

namespace {

constexpr int unit = 8;             // output channels of a thread, and the most input channels
constexpr int most_outputs = 2 * unit;
constexpr int most_terms = 1024;    // c * r * s
constexpr int threads = 128;

struct few_channels {
    view src, dst;
    int r, s, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
    int activation;
    const float* weights;  // [unit of k][r * s * c][8]
    const float* bias;     // units of 8, or null
};

/// The channels of a pixel; those past the last are 0.
template <bool Together, class Element>
__device__ lane8<float> pixel_at(const view& v, const Element* from) {
    lane8<float> x{};
    if constexpr (Together) {
        const auto loaded = lane8<Element>::load(from);
#pragma unroll
        for (int c = 0; c < unit; ++c) x.v[c] = loaded.v[c];
    } else {
#pragma unroll
        for (int c = 0; c < unit; ++c)
            if (c < v.c) x.v[c] = wide(from[c * v.channel]);
    }
    return x;
}

template <bool Together, class From, class To>
__global__ void __launch_bounds__(threads) few_channels_kernel(const few_channels a, const From* __restrict__ src, To* __restrict__ dst) {
    extern __shared__ float weights[];
    const int terms = a.r * a.s * a.src.c, first = blockIdx.y * unit;
    for (int i = threadIdx.x; i < terms * unit; i += threads) weights[i] = a.weights[int64_t{blockIdx.y} * terms * unit + i];
    __syncthreads();
    const int64_t pixel = blockIdx.x * int64_t{threads} + threadIdx.x;
    if (pixel >= int64_t{a.dst.n} * a.dst.h * a.dst.w) return;
    const int q = static_cast<int>(pixel % a.dst.w);
    const int64_t rest = pixel / a.dst.w, n = rest / a.dst.h;
    const int p = static_cast<int>(rest % a.dst.h);

    lane8<float> sum{};
    const float* w = weights;
    for (int r = 0; r < a.r; ++r) {
        const int y = p * a.stride_h - a.pad_top + r * a.dilation_h;
        for (int s = 0; s < a.s; ++s, w += a.src.c * unit) {
            const int x = q * a.stride_w - a.pad_left + s * a.dilation_w;
            if (y < 0 || y >= a.src.h || x < 0 || x >= a.src.w) continue;
            const auto in = pixel_at<Together>(a.src, src + n * a.src.image + y * a.src.row + x * a.src.pixel);
#pragma unroll
            for (int c = 0; c < unit; ++c) {
                if (c >= a.src.c) break;
                const auto column = lane8<float>::load(w + c * unit);
#pragma unroll
                for (int k = 0; k < unit; ++k) sum.v[k] = fmaf(in.v[c], column.v[k], sum.v[k]);
            }
        }
    }
    lane8<To> out;
#pragma unroll
    for (int k = 0; k < unit; ++k) {
        const float biased = sum.v[k] + (a.bias ? a.bias[first + k] : 0.f);
        out.v[k] = first + k < a.dst.c ? activated(biased, a.activation) : 0.f;
    }
    To* const to = dst + n * a.dst.image + p * a.dst.row + q * a.dst.pixel + first * a.dst.channel;
    if (a.dst.channel == 1 && a.dst.pixel % unit == 0) {
        out.store(to);
    } else {
#pragma unroll
        for (int k = 0; k < unit; ++k)
            if (first + k < a.dst.c) to[k * a.dst.channel] = narrow<To>(out.v[k]);
    }
}

float rounded_as(float x, int dtype) {
    if (dtype == SEXTANT_BF16) return __bfloat162float(__float2bfloat16_rn(x));
    if (dtype == SEXTANT_F16) return __half2float(__float2half_rn(x));
    return x;
}

class few_channels_op final : public device_op {
  public:
    few_channels_op(const sextant_conv2d& a, const conv2d_parameters& parameters)
        : device_op(a.dst), problem_(a), weights_(packed(a, parameters.weights)), bias_(padded(a, parameters.bias)) {}

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const sextant_conv2d& p = problem_;
        const few_channels a{view_of(p.src), view_of(p.dst), p.r, p.s, p.stride_h, p.stride_w, p.pad_top, p.pad_left, p.dilation_h,
                             p.dilation_w, p.activation, weights_.as<float>(), bias_.as<float>()};
        const dim3 grid(grid_for(int64_t{a.dst.n} * a.dst.h * a.dst.w, threads, INT32_MAX), (p.dst.c + unit - 1) / unit);
        const size_t shared = sizeof(float) * unit * p.r * p.s * p.src.c;
        visit_element(p.src.dtype, [&](auto from) {
            visit_element(p.dst.dtype, [&](auto to) {
                using From = decltype(from);
                using To = decltype(to);
                const auto kernel = is_nhwc(p.src) ? few_channels_kernel<true, From, To> : few_channels_kernel<false, From, To>;
                kernel<<<grid, threads, shared, stream>>>(a, static_cast<const From*>(operands[0]), static_cast<To*>(operands[1]));
            });
        });
        check_launch("conv2d_few_channels");
    }

    int64_t weight_bytes() const override { return weights_.bytes() + bias_.bytes(); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    static array packed(const sextant_conv2d& a, const float* weights) {
        const int taps = a.r * a.s, units = (a.dst.c + unit - 1) / unit;
        std::vector<float> all(static_cast<size_t>(units) * taps * a.src.c * unit);
        for (int k = 0; k < a.dst.c; ++k)
            for (int c = 0; c < a.src.c; ++c)
                for (int tap = 0; tap < taps; ++tap)
                    all[((static_cast<size_t>(k / unit) * taps + tap) * a.src.c + c) * unit + k % unit] =
                        rounded_as(weights[(static_cast<size_t>(k) * a.src.c + c) * taps + tap], a.src.dtype);
        return copy_of(all.data(), static_cast<int64_t>(all.size()));
    }

    static array padded(const sextant_conv2d& a, const float* bias) {
        if (!bias) return {};
        std::vector<float> all((a.dst.c + unit - 1) / unit * unit);
        std::copy_n(bias, a.dst.c, all.begin());
        return copy_of(all.data(), static_cast<int64_t>(all.size()));
    }

    const sextant_conv2d problem_;
    const array weights_, bias_;
};

}  // namespace

std::string few_channels_declines(const sextant_conv2d& a, const traits&) {
    if (a.groups != 1) return "groups is " + std::to_string(a.groups);
    if (a.src.c > unit || a.dst.c > most_outputs) return "there are more than 8 channels in or 16 out";
    if (a.src.c * int64_t{a.r} * a.s > most_terms) return "the kernel has more than 1024 weights for a channel";
    if (a.pre_activation || a.has_residual) return "a residual or a normalisation on load";
    return {};
}

std::unique_ptr<op> create_few_channels(const sextant_conv2d& a, const conv2d_parameters& parameters, const traits&) {
    return std::make_unique<few_channels_op>(a, parameters);
}

}  // namespace sextant::cuda
