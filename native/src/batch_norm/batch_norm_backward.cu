// SPDX-License-Identifier: Apache-2.0
// Batch normalisation in training: the gradients, as training.cuh says.
#include "batch_norm/batch_norm_backward_lists.h"
#include "batch_norm/training.cuh"

namespace sextant::cuda {

using namespace norm;

namespace {

/// diff_residual may be diff_dst: each thread reads what it writes, and reads it first.
template <class Element>
struct backward_arrays {
    const Element* __restrict__ src;
    const Element* __restrict__ dst;  // null without an activation
    const Element* diff_dst;
    Element* diff_residual;  // null without a residual; at diff_dst's distances
    Element* __restrict__ diff_src;
    int64_t src_pitch, dst_pitch, diff_dst_pitch, diff_src_pitch;
    const float* __restrict__ gamma;
    const float* __restrict__ saved;
    float* diff_gamma;
    float* diff_beta;

    /// The gradient that the activation lets pass.
    __device__ lane8<Element> passed(int64_t pixel, int first) const {
        auto g = lane8<Element>::load(diff_dst + pixel * diff_dst_pitch + first);
        if (dst) {
            const auto value = lane8<Element>::load(dst + pixel * dst_pitch + first);
#pragma unroll
            for (int lane = 0; lane < 8; ++lane)
                if (!(value.v[lane] > 0)) g.v[lane] = 0;
        }
        return g;
    }
};

/// Sums of g and of g (src - mean) for each channel of a part.
template <class Element>
__global__ void __launch_bounds__(threads, resident)
    gradient_sums_nhwc(backward_arrays<Element> at, tiling a, float* __restrict__ sums, float* __restrict__ products) {
    __shared__ float all_sums[8][threads], all_products[8][threads];
    const int first = a.unit() * nhwc_unit, row = a.row(), self = static_cast<int>(threadIdx.x);
    const int part = static_cast<int>(blockIdx.y);
    const bool exists = first < a.lanes;
    const int64_t end = a.end();
    float sum[8] = {}, product[8] = {};
    if (exists) {
        float mean[8];
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) mean[lane] = value_of(at.saved, first + lane, a.c);
#pragma unroll 2
        for (int64_t pixel = a.begin() + row; pixel < end; pixel += a.down) {
            const auto g = at.passed(pixel, first);
            const auto x = lane8<Element>::load(at.src + pixel * at.src_pitch + first);
#pragma unroll
            for (int lane = 0; lane < 8; ++lane) {
                sum[lane] += g.v[lane];
                product[lane] += g.v[lane] * (x.v[lane] - mean[lane]);
            }
        }
    }
#pragma unroll
    for (int lane = 0; lane < 8; ++lane) all_sums[lane][self] = sum[lane], all_products[lane][self] = product[lane];
    for (int distance = a.down / 2; distance > 0; distance /= 2) {
        __syncthreads();
        const int other = self + distance * a.across;
        if (row >= distance) continue;
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) {
            all_sums[lane][self] = sum[lane] += all_sums[lane][other];
            all_products[lane][self] = product[lane] += all_products[lane][other];
        }
    }
    if (row != 0 || !exists) return;
#pragma unroll
    for (int lane = 0; lane < 8; ++lane) {
        const int64_t to = int64_t{part} * a.lanes + first + lane;
        sums[to] = sum[lane];
        products[to] = product[lane];
    }
}

__global__ void add_gradient_sums(const float* __restrict__ sums, const float* __restrict__ products, tiling a,
                                  const float* __restrict__ saved, float* __restrict__ diff_gamma,
                                  float* __restrict__ diff_beta) {
    const int channel = static_cast<int>(blockIdx.x * channels_together + threadIdx.x % channels_together);
    const int row = static_cast<int>(threadIdx.x) / channels_together;
    const bool exists = channel < a.c;
    double sum = 0, product = 0;
    for (int part = row; part < a.parts && exists; part += part_rows) {
        sum += sums[int64_t{part} * a.lanes + channel];
        product += products[int64_t{part} * a.lanes + channel];
    }
    sum = sum_of_rows(sum);
    product = sum_of_rows(product);
    if (row != 0 || !exists) return;
    diff_beta[channel] = static_cast<float>(sum);
    diff_gamma[channel] = static_cast<float>(product * saved[a.c + channel]);
}

/// diff_src = scale * g - offset - slope * (src - mean)
struct gradient_line {
    float mean, scale, offset, slope;

    __device__ gradient_line(const float* gamma, const float* saved, const float* diff_gamma, const float* diff_beta,
                             int channel, int c, float pixels)
        : mean(value_of(saved, channel, c)) {
        const float inverse = value_of(saved + c, channel, c);
        scale = value_of(gamma, channel, c) * inverse;
        offset = scale * (value_of(diff_beta, channel, c) / pixels);
        slope = scale * inverse * (value_of(diff_gamma, channel, c) / pixels);
    }
    __device__ float operator()(float g, float x) const { return scale * g - offset - slope * (x - mean); }
};

template <class Element>
__global__ void __launch_bounds__(threads, resident) gradients_nhwc(backward_arrays<Element> at, tiling a, bool accumulate) {
    const int first = a.unit() * nhwc_unit;
    if (first >= a.lanes) return;
    const auto line_of = [&](int lane) {
        return gradient_line(at.gamma, at.saved, at.diff_gamma, at.diff_beta, first + lane, a.c, static_cast<float>(a.pixels));
    };
    const gradient_line lines[8] = {line_of(0), line_of(1), line_of(2), line_of(3),
                                    line_of(4), line_of(5), line_of(6), line_of(7)};
    const int64_t begin = a.begin();
    for (int64_t pixel = a.end() - 1 - a.row(); pixel >= begin; pixel -= a.down) {
        const auto g = at.passed(pixel, first);
        auto x = lane8<Element>::load(at.src + pixel * at.src_pitch + first);
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) x.v[lane] = lines[lane](g.v[lane], x.v[lane]);
        Element* const to = at.diff_src + pixel * at.diff_src_pitch + first;
        if (accumulate) {
            const auto held = lane8<Element>::load(to);
#pragma unroll
            for (int lane = 0; lane < 8; ++lane) x.v[lane] += held.v[lane];
        }
        x.store(to);
        if (at.diff_residual) g.store(at.diff_residual + pixel * at.diff_dst_pitch + first);
    }
}

/// The gradient that the activation lets pass, wherever it lies.
struct any_passed {
    any_tensor dst_tensor;
    const void* dst;  // null without an activation
    any_tensor diff_dst_tensor;
    const void* diff_dst;

    __device__ float operator()(const place& at) const {
        return dst && !(read_at(dst_tensor, dst, at) > 0) ? 0.f : read_at(diff_dst_tensor, diff_dst, at);
    }
};

__global__ void gradient_sums_any(any_passed passed, any_tensor src_tensor, const void* src, const float* saved,
                                  float* diff_gamma, float* diff_beta) {
    const view& v = src_tensor.shape;
    const int channel = static_cast<int>(blockIdx.x);
    double sum = 0, product = 0;
    each_pixel(v, channel, [&](const place& at) {
        const double g = passed(at);
        sum += g;
        product += g * (read_at(src_tensor, src, at) - double{saved[channel]});
    });
    sum = block_sum(sum);
    product = block_sum(product);
    if (threadIdx.x != 0) return;
    diff_beta[channel] = static_cast<float>(sum);
    diff_gamma[channel] = static_cast<float>(product * saved[v.c + channel]);
}

__global__ void gradients_any(any_passed passed, any_tensor src_tensor, const void* src, const float* gamma, const float* saved,
                              const float* diff_gamma, const float* diff_beta, any_tensor diff_src_tensor, void* diff_src,
                              int64_t count, bool accumulate) {
    const view& out = diff_src_tensor.shape;
    const float pixels = static_cast<float>(int64_t{out.n} * out.h * out.w);
    const int64_t step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const place at = place_of(out, i);
        float result = 0;
        if (at.c < out.c) {
            const gradient_line line(gamma, saved, diff_gamma, diff_beta, at.c, out.c, pixels);
            result = line(passed(at), read_at(src_tensor, src, at));
            if (accumulate) result += read_at(diff_src_tensor, diff_src, at);
        }
        any_write(diff_src, diff_src_tensor.dtype, offset_of(out, at), result);
    }
}

__global__ void residual_gradients_any(any_passed passed, any_tensor tensor, void* diff_residual, int64_t count) {
    const int64_t step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const place at = place_of(tensor.shape, i);
        any_write(diff_residual, tensor.dtype, offset_of(tensor.shape, at), at.c < tensor.shape.c ? passed(at) : 0.f);
    }
}

class batch_norm_backward : public device_op {
  public:
    explicit batch_norm_backward(const sextant_batch_norm_backward& problem) : device_op(problem.diff_src), problem_(problem) {}

    int operand_count() const override { return 7 + activates() + problem_.forward.has_residual; }
    int destinations() const override { return 3 + problem_.forward.has_residual; }
    int64_t flops() const override { return batch_norm_backward_flops(problem_); }

  protected:
    bool activates() const { return problem_.forward.activation != SEXTANT_IDENTITY; }
    /// diff_dst, gamma, saved, diff_gamma, diff_beta, [diff_residual,] diff_src
    void* const* rest(void* const* operands) const { return operands + (activates() ? 2 : 1); }
    void* diff_src(void* const* operands) const { return operands[operand_count() - 1]; }

    const sextant_batch_norm_backward problem_;
};

class batch_norm_backward_nhwc final : public batch_norm_backward {
  public:
    explicit batch_norm_backward_nhwc(const sextant_batch_norm_backward& problem)
        : batch_norm_backward(problem), tiling_(tiling_of(problem.diff_src)) {}

    int64_t scratch_bytes(int) const override { return scratch_bytes_of(tiling_); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        const sextant_batch_norm_forward& forward = problem_.forward;
        void* const* const more = rest(operands);
        auto* const sums = static_cast<float*>(scratch);
        float* const products = sums + int64_t{tiling_.parts} * tiling_.lanes;
        visit_element(dst.dtype, [&](auto e) {
            using element = decltype(e);
            const backward_arrays<element> at{static_cast<const element*>(operands[0]),
                                              activates() ? static_cast<const element*>(operands[1]) : nullptr,
                                              static_cast<const element*>(more[0]),
                                              forward.has_residual ? static_cast<element*>(more[5]) : nullptr,
                                              static_cast<element*>(diff_src(operands)),
                                              block_of(forward.src),
                                              activates() ? block_of(forward.dst) : 0,
                                              block_of(problem_.diff_dst),
                                              block_of(dst),
                                              static_cast<const float*>(more[1]),
                                              static_cast<const float*>(more[2]),
                                              static_cast<float*>(more[3]),
                                              static_cast<float*>(more[4])};
            gradient_sums_nhwc<<<grid_of(tiling_), threads, 0, stream>>>(at, tiling_, sums, products);
            check_launch("gradient_sums_nhwc");
            add_gradient_sums<<<grid_for(dst.c, channels_together), channels_together * part_rows, 0, stream>>>(
                sums, products, tiling_, at.saved, at.diff_gamma, at.diff_beta);
            check_launch("add_gradient_sums");
            gradients_nhwc<<<grid_of(tiling_), threads, 0, stream>>>(at, tiling_, problem_.accumulate != 0);
            check_launch("gradients_nhwc");
        });
    }

  private:
    const tiling tiling_;
};

class batch_norm_backward_any final : public batch_norm_backward {
  public:
    using batch_norm_backward::batch_norm_backward;

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const sextant_batch_norm_forward& forward = problem_.forward;
        void* const* const more = rest(operands);
        const any_passed passed{any_of(activates() ? forward.dst : forward.src), activates() ? operands[1] : nullptr,
                                any_of(problem_.diff_dst), more[0]};
        const any_tensor src = any_of(forward.src);
        const auto *const gamma = static_cast<const float*>(more[1]), *const saved = static_cast<const float*>(more[2]);
        auto *const diff_gamma = static_cast<float*>(more[3]), *const diff_beta = static_cast<float*>(more[4]);
        gradient_sums_any<<<dst.c, threads, 0, stream>>>(passed, src, operands[0], saved, diff_gamma, diff_beta);
        check_launch("gradient_sums_any");
        int64_t count = places(dst);
        gradients_any<<<grid_for(count, threads), threads, 0, stream>>>(passed, src, operands[0], gamma, saved, diff_gamma,
                                                                        diff_beta, any_of(dst), diff_src(operands), count,
                                                                        problem_.accumulate != 0);
        check_launch("gradients_any");
        if (!forward.has_residual) return;
        // Last, for it may lie where diff_dst does.
        count = places(problem_.diff_residual);
        residual_gradients_any<<<grid_for(count, threads), threads, 0, stream>>>(passed, any_of(problem_.diff_residual),
                                                                                 more[5], count);
        check_launch("residual_gradients_any");
    }
};

std::string backward_not_nhwc(const sextant_batch_norm_backward& a, const traits&) {
    const auto& forward = a.forward;
    return not_nhwc({forward.src, forward.activation != SEXTANT_IDENTITY ? forward.dst : forward.src, a.diff_dst, a.diff_src});
}

const implementation<sextant_batch_norm_backward, batch_norm_backward_parameters> backward_entries[] = {
    {"cuda_batch_norm_backward_nhwc", backward_not_nhwc,
     create<batch_norm_backward_nhwc, sextant_batch_norm_backward, batch_norm_backward_parameters>, float_dtypes},
    {"cuda_batch_norm_backward_any", accepts<sextant_batch_norm_backward>,
     create<batch_norm_backward_any, sextant_batch_norm_backward, batch_norm_backward_parameters>, float_dtypes},
};

}  // namespace

list<sextant_batch_norm_backward, batch_norm_backward_parameters> implementations(const sextant_batch_norm_backward&,
                                                                                  const batch_norm_backward_parameters&) {
    return backward_entries;
}

}  // namespace sextant::cuda
