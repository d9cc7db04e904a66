// SPDX-License-Identifier: Apache-2.0
// Batch normalisation in training, as training.cuh says.
#include "batch_norm/batch_norm_forward_lists.h"
#include "batch_norm/training.cuh"

namespace sextant::cuda {

using namespace norm;

namespace {

struct statistics {
    float eps, momentum;
    float *running_mean, *running_var, *saved;
    int c;

    /// @param squares sum of the squares of distances from the mean
    __device__ void put(int channel, double mean, double squares, double count) const {
        const double variance = squares / count;
        move(running_mean[channel], mean);
        move(running_var[channel], count > 1 ? squares / (count - 1) : variance);
        saved[channel] = static_cast<float>(mean);
        saved[c + channel] = static_cast<float>(1 / sqrt(variance + eps));
    }

    __device__ void move(float& running, double batch) const {
        running = static_cast<float>((1 - double{momentum}) * running + double{momentum} * batch);
    }
};

/// Mean and sum of squared distances from it for each channel of a part, by Welford's recurrence (Technometrics 4, 1962) in
/// each thread and by the formula for two sets (Chan, Golub & LeVeque, 1979) among them: nothing cancels, however far from 0
/// the mean.
template <class Element>
__global__ void __launch_bounds__(threads, resident)
    moments_nhwc(const Element* __restrict__ src, int64_t pitch, tiling a, float* __restrict__ means,
                 float* __restrict__ squares) {
    __shared__ float all_means[8][threads], all_squares[8][threads], counts[threads];
    const int unit = a.unit(), row = a.row(), self = static_cast<int>(threadIdx.x), part = static_cast<int>(blockIdx.y);
    const bool exists = unit * nhwc_unit < a.lanes;
    const int64_t end = a.end();
    float mean[8] = {}, square[8] = {}, count = 0;
    if (exists) {
#pragma unroll 4
        for (int64_t pixel = a.begin() + row; pixel < end; pixel += a.down) {
            const auto x = lane8<Element>::load(src + pixel * pitch + unit * nhwc_unit);
            count += 1;
            const float share = __frcp_rn(count);
#pragma unroll
            for (int lane = 0; lane < 8; ++lane) {
                const float distance = x.v[lane] - mean[lane];
                mean[lane] += distance * share;
                square[lane] += distance * (x.v[lane] - mean[lane]);
            }
        }
    }
    const auto show = [&] {
        counts[self] = count;
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) all_means[lane][self] = mean[lane], all_squares[lane][self] = square[lane];
    };
    show();
    for (int distance = a.down / 2; distance > 0; distance /= 2) {
        __syncthreads();
        const int other = self + distance * a.across;
        if (row >= distance || counts[other] == 0) continue;
        const float sum = count + counts[other], share = counts[other] / sum;
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) {
            const float apart = all_means[lane][other] - mean[lane];
            mean[lane] += apart * share;
            square[lane] += all_squares[lane][other] + apart * apart * (count * share);
        }
        count = sum;
        show();
    }
    if (row != 0 || !exists) return;
#pragma unroll
    for (int lane = 0; lane < 8; ++lane) {
        const int64_t at = int64_t{part} * a.lanes + unit * nhwc_unit + lane;
        means[at] = mean[lane];
        squares[at] = square[lane];
    }
}

__global__ void add_moments(const float* __restrict__ means, const float* __restrict__ squares, tiling a, statistics to) {
    const int channel = static_cast<int>(blockIdx.x * channels_together + threadIdx.x % channels_together);
    const int row = static_cast<int>(threadIdx.x) / channels_together;
    const bool exists = channel < a.c;
    const auto count = static_cast<double>(a.pixels);
    double sum = 0;
    for (int part = row; part < a.parts && exists; part += part_rows)
        sum += static_cast<double>(a.pixels_of(part)) * means[int64_t{part} * a.lanes + channel];
    const double mean = sum_of_rows(sum) / count;
    sum = 0;
    for (int part = row; part < a.parts && exists; part += part_rows) {
        const int64_t at = int64_t{part} * a.lanes + channel;
        const double apart = means[at] - mean;
        sum += squares[at] + static_cast<double>(a.pixels_of(part)) * apart * apart;
    }
    sum = sum_of_rows(sum);
    if (row == 0 && exists) to.put(channel, mean, sum, count);
}

template <class Element>
struct forward_arrays {
    const Element* __restrict__ src;
    const Element* __restrict__ residual;  // or null
    Element* __restrict__ dst;
    int64_t src_pitch, residual_pitch, dst_pitch;
    const float* __restrict__ gamma;
    const float* __restrict__ beta;
    const float* __restrict__ saved;
};

template <class Element>
__global__ void __launch_bounds__(threads, resident) normalise_nhwc(forward_arrays<Element> at, tiling a, int activation) {
    const int first = a.unit() * nhwc_unit;
    if (first >= a.lanes) return;
    float mean[8], scale[8], shift[8];  // all 0 in padding lanes: so are dst's
#pragma unroll
    for (int lane = 0; lane < 8; ++lane) {
        mean[lane] = value_of(at.saved, first + lane, a.c);
        scale[lane] = value_of(at.gamma, first + lane, a.c) * value_of(at.saved + a.c, first + lane, a.c);
        shift[lane] = value_of(at.beta, first + lane, a.c);
    }
    const int64_t begin = a.begin();
#pragma unroll 2
    for (int64_t pixel = a.end() - 1 - a.row(); pixel >= begin; pixel -= a.down) {
        auto x = lane8<Element>::load(at.src + pixel * at.src_pitch + first);
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) x.v[lane] = (x.v[lane] - mean[lane]) * scale[lane] + shift[lane];
        if (at.residual) {
            const auto more = lane8<Element>::load(at.residual + pixel * at.residual_pitch + first);
#pragma unroll
            for (int lane = 0; lane < 8; ++lane) x.v[lane] += more.v[lane];
        }
#pragma unroll
        for (int lane = 0; lane < 8; ++lane) x.v[lane] = activated(x.v[lane], activation);
        x.store(at.dst + pixel * at.dst_pitch + first);
    }
}

__global__ void moments_any(any_tensor tensor, const void* src, statistics to) {
    const view& v = tensor.shape;
    const int channel = static_cast<int>(blockIdx.x);
    const double count = static_cast<double>(v.n) * v.h * v.w;
    double sum = 0, squares = 0;
    each_pixel(v, channel, [&](const place& at) { sum += read_at(tensor, src, at); });
    const double mean = block_sum(sum) / count;
    each_pixel(v, channel, [&](const place& at) {
        const double apart = read_at(tensor, src, at) - mean;
        squares += apart * apart;
    });
    squares = block_sum(squares);
    if (threadIdx.x == 0) to.put(channel, mean, squares, count);
}

__global__ void normalise_any(any_tensor src_tensor, const void* src, any_tensor residual_tensor, const void* residual,
                              any_tensor dst_tensor, void* dst, const float* gamma, const float* beta, const float* saved,
                              int64_t count, int activation) {
    const view& out = dst_tensor.shape;
    const int64_t step = int64_t{gridDim.x} * blockDim.x;
    for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        const place at = place_of(out, i);
        float result = 0;
        if (at.c < out.c) {
            result = (read_at(src_tensor, src, at) - saved[at.c]) * (gamma[at.c] * saved[out.c + at.c]) + beta[at.c];
            if (residual) result += read_at(residual_tensor, residual, at);
            result = activated(result, activation);
        }
        any_write(dst, dst_tensor.dtype, offset_of(out, at), result);
    }
}

class batch_norm_forward : public device_op {
  public:
    explicit batch_norm_forward(const sextant_batch_norm_forward& problem) : device_op(problem.dst), problem_(problem) {}

    int operand_count() const override { return problem_.has_residual ? 8 : 7; }
    int destinations() const override { return 4; }
    int64_t flops() const override { return batch_norm_forward_flops(problem_); }

  protected:
    /// gamma, beta, running_mean, running_var, saved, dst
    void* const* parameters(void* const* operands) const { return operands + (problem_.has_residual ? 2 : 1); }
    statistics statistics_of(void* const* operands) const {
        void* const* const rest = parameters(operands);
        return {problem_.eps, problem_.momentum, static_cast<float*>(rest[2]), static_cast<float*>(rest[3]),
                static_cast<float*>(rest[4]), dst.c};
    }

    const sextant_batch_norm_forward problem_;
};

class batch_norm_forward_nhwc final : public batch_norm_forward {
  public:
    explicit batch_norm_forward_nhwc(const sextant_batch_norm_forward& problem)
        : batch_norm_forward(problem), tiling_(tiling_of(problem.dst)) {}

    int64_t scratch_bytes(int) const override { return scratch_bytes_of(tiling_); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        void* const* const rest = parameters(operands);
        auto* const means = static_cast<float*>(scratch);
        float* const squares = means + int64_t{tiling_.parts} * tiling_.lanes;
        visit_element(dst.dtype, [&](auto e) {
            using element = decltype(e);
            const auto* const src = static_cast<const element*>(operands[0]);
            moments_nhwc<<<grid_of(tiling_), threads, 0, stream>>>(src, block_of(problem_.src), tiling_, means, squares);
            check_launch("moments_nhwc");
            add_moments<<<grid_for(dst.c, channels_together), channels_together * part_rows, 0, stream>>>(
                means, squares, tiling_, statistics_of(operands));
            check_launch("add_moments");
            const forward_arrays<element> at{src,
                                             problem_.has_residual ? static_cast<const element*>(operands[1]) : nullptr,
                                             static_cast<element*>(rest[5]),
                                             block_of(problem_.src),
                                             problem_.has_residual ? block_of(problem_.residual) : 0,
                                             block_of(dst),
                                             static_cast<const float*>(rest[0]),
                                             static_cast<const float*>(rest[1]),
                                             static_cast<const float*>(rest[4])};
            normalise_nhwc<<<grid_of(tiling_), threads, 0, stream>>>(at, tiling_, problem_.activation);
            check_launch("normalise_nhwc");
        });
    }

  private:
    const tiling tiling_;
};

class batch_norm_forward_any final : public batch_norm_forward {
  public:
    using batch_norm_forward::batch_norm_forward;

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        void* const* const rest = parameters(operands);
        moments_any<<<dst.c, threads, 0, stream>>>(any_of(problem_.src), operands[0], statistics_of(operands));
        check_launch("moments_any");
        const int64_t count = places(dst);
        normalise_any<<<grid_for(count, threads), threads, 0, stream>>>(
            any_of(problem_.src), operands[0], any_of(problem_.has_residual ? problem_.residual : dst),
            problem_.has_residual ? operands[1] : nullptr, any_of(dst), rest[5], static_cast<const float*>(rest[0]),
            static_cast<const float*>(rest[1]), static_cast<const float*>(rest[4]), count, problem_.activation);
        check_launch("normalise_any");
    }
};

std::string forward_not_nhwc(const sextant_batch_norm_forward& a, const traits&) {
    return not_nhwc({a.src, a.dst, a.has_residual ? a.residual : a.dst});
}

const implementation<sextant_batch_norm_forward, batch_norm_forward_parameters> forward_entries[] = {
    {"cuda_batch_norm_forward_nhwc", forward_not_nhwc,
     create<batch_norm_forward_nhwc, sextant_batch_norm_forward, batch_norm_forward_parameters>, float_dtypes},
    {"cuda_batch_norm_forward_any", accepts<sextant_batch_norm_forward>,
     create<batch_norm_forward_any, sextant_batch_norm_forward, batch_norm_forward_parameters>, float_dtypes},
};

}  // namespace

list<sextant_batch_norm_forward, batch_norm_forward_parameters> implementations(const sextant_batch_norm_forward&,
                                                                                const batch_norm_forward_parameters&) {
    return forward_entries;
}

}  // namespace sextant::cuda
