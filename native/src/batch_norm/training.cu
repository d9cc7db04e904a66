// SPDX-License-Identifier: Apache-2.0
// Batch normalisation in training and its gradient (Ioffe & Szegedy, arXiv:1502.03167). With m pixels in the batch, x' = (src -
// mean) / sqrt(variance + eps) and g = diff_dst where the activation let the value pass:
//   dst = act(gamma x' + beta [+ residual])
//   diff_beta = sum of g,  diff_gamma = sum of g x',
//   diff_src = gamma / sqrt(variance + eps) * (g - diff_beta / m - x' diff_gamma / m)
//
// Both go through three kernels: sums of parts of the batch, in scratch memory; the parts added in double, channel by channel;
// then what depends on them, pixel by pixel. In NHWC, slices or not, pixels lie at equal distances. A block of 256 threads
// covers `across` units of 8 channels and `down` pixels at a time; neighbouring threads have neighbouring units. The last
// kernel takes each part backwards: what was read last is still in cache. Sums are made in an order that depends on the shape
// alone.
#include <algorithm>

#include "batch_norm/batch_norm_backward_lists.h"
#include "batch_norm/batch_norm_forward_lists.h"
#include "cuda/any_element.h"
#include "cuda/lists.h"
#include "cuda/sums.h"

namespace sextant::cuda {
namespace {

constexpr int threads = 256, resident = 4;  // blocks on a multiprocessor

// ---------------------------------------------------------------------------------------------- how a batch is divided

struct tiling {
    int64_t pixels, part_pixels;
    int c, lanes;
    int across, down;  // powers of 2, 256 together
    int columns;       // blocks that cover all units
    int parts;

    __device__ int unit() const { return static_cast<int>(blockIdx.x) * across + static_cast<int>(threadIdx.x) % across; }
    __device__ int row() const { return static_cast<int>(threadIdx.x) / across; }
    __device__ int64_t pixels_of(int part) const { return min(part_pixels, pixels - part * part_pixels); }
    __device__ int64_t begin() const { return blockIdx.y * part_pixels; }
    __device__ int64_t end() const { return min(pixels, begin() + part_pixels); }
};

/// Enough blocks to fill a device once, each with 4 pixels for a thread at least.
tiling tiling_of(const sextant_tensor& t) {
    constexpr int most_across = 32, blocks = 512, least_pixels = 4;
    tiling a{};
    a.pixels = int64_t{t.n} * t.h * t.w;
    a.c = t.c;
    a.lanes = (t.c + nhwc_unit - 1) / nhwc_unit * nhwc_unit;
    const int units = a.lanes / nhwc_unit;
    for (a.across = 1; a.across < std::min(units, most_across);) a.across *= 2;
    a.down = threads / a.across;
    a.columns = (units + a.across - 1) / a.across;
    const int64_t wanted = std::clamp<int64_t>(a.pixels / (a.down * least_pixels), 1, std::max(1, blocks / a.columns));
    a.part_pixels = (a.pixels + wanted - 1) / wanted;
    a.parts = static_cast<int>((a.pixels + a.part_pixels - 1) / a.part_pixels);
    return a;
}

dim3 grid_of(const tiling& a) { return dim3(a.columns, a.parts); }

/// Two arrays of sums of parts in scratch memory: number `part` of a channel lies at part * lanes + channel.
int64_t scratch_bytes_of(const tiling& a) { return 2 * int64_t{a.parts} * a.lanes * int64_t{sizeof(float)}; }

constexpr int channels_together = 32, part_rows = 32;

/// The sum over the rows of a block of 32 channels x 32 rows, told to all.
__device__ double sum_of_rows(double x) {
    __shared__ double sums[part_rows][channels_together];
    const unsigned column = threadIdx.x % channels_together, row = threadIdx.x / channels_together;
    __syncthreads();  // an earlier sum has been read
    sums[row][column] = x;
    for (unsigned distance = part_rows / 2; distance > 0; distance /= 2) {
        __syncthreads();
        if (row < distance) sums[row][column] += sums[row + distance][column];
    }
    __syncthreads();
    return sums[0][column];
}

/// A channel's value, 0 in padding lanes.
__device__ float value_of(const float* values, int channel, int c) { return channel < c ? values[channel] : 0.f; }

// ---------------------------------------------------------------------------------------------- forward

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

/// visit(place) for this thread's pixels of a channel, of which a block takes all.
template <class Visit>
__device__ void each_pixel(const view& v, int channel, Visit&& visit) {
    const int64_t plane = int64_t{v.h} * v.w, count = v.n * plane;
    for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
        const int64_t pixel = i % plane;
        visit(place{static_cast<int>(i / plane), channel, static_cast<int>(pixel / v.w), static_cast<int>(pixel % v.w)});
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

// ---------------------------------------------------------------------------------------------- backward

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

// ---------------------------------------------------------------------------------------------- the lists

std::string not_nhwc(std::initializer_list<sextant_tensor> operands) {
    for (const sextant_tensor& t : operands) {
        if (!is_nhwc(t)) return "an operand is not NHWC";
        if (!same_storage(t, *operands.begin())) return "operands differ in element type";
    }
    return {};
}

std::string forward_not_nhwc(const sextant_batch_norm_forward& a, const traits&) {
    return not_nhwc({a.src, a.dst, a.has_residual ? a.residual : a.dst});
}

std::string backward_not_nhwc(const sextant_batch_norm_backward& a, const traits&) {
    const auto& forward = a.forward;
    return not_nhwc({forward.src, forward.activation != SEXTANT_IDENTITY ? forward.dst : forward.src, a.diff_dst, a.diff_src});
}

template <class Problem>
std::string accepts(const Problem&, const traits&) {
    return {};
}

template <class Op, class Problem, class Parameters>
std::unique_ptr<op> create(const Problem& problem, const Parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

using forward_parameters = batch_norm_forward_parameters;
using backward_parameters = batch_norm_backward_parameters;

const implementation<sextant_batch_norm_forward, forward_parameters> forward_entries[] = {
    {"cuda_batch_norm_forward_nhwc", forward_not_nhwc,
     create<batch_norm_forward_nhwc, sextant_batch_norm_forward, forward_parameters>, float_dtypes},
    {"cuda_batch_norm_forward_any", accepts<sextant_batch_norm_forward>,
     create<batch_norm_forward_any, sextant_batch_norm_forward, forward_parameters>, float_dtypes},
};

const implementation<sextant_batch_norm_backward, backward_parameters> backward_entries[] = {
    {"cuda_batch_norm_backward_nhwc", backward_not_nhwc,
     create<batch_norm_backward_nhwc, sextant_batch_norm_backward, backward_parameters>, float_dtypes},
    {"cuda_batch_norm_backward_any", accepts<sextant_batch_norm_backward>,
     create<batch_norm_backward_any, sextant_batch_norm_backward, backward_parameters>, float_dtypes},
};

}  // namespace

list<sextant_batch_norm_forward, batch_norm_forward_parameters> implementations(const sextant_batch_norm_forward&,
                                                                                const batch_norm_forward_parameters&) {
    return forward_entries;
}

list<sextant_batch_norm_backward, batch_norm_backward_parameters> implementations(const sextant_batch_norm_backward&,
                                                                                  const batch_norm_backward_parameters&) {
    return backward_entries;
}

}  // namespace sextant::cuda
