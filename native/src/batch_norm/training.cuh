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
#pragma once
#include <algorithm>

#include "cuda/any_element.h"
#include "cuda/lists.h"
#include "cuda/sums.h"

namespace sextant::cuda::norm {

inline constexpr int threads = 256, resident = 4;  // blocks on a multiprocessor

/// How a batch is divided.
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
inline tiling tiling_of(const sextant_tensor& t) {
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

inline dim3 grid_of(const tiling& a) { return dim3(a.columns, a.parts); }

/// Two arrays of sums of parts in scratch memory: number `part` of a channel lies at part * lanes + channel.
inline int64_t scratch_bytes_of(const tiling& a) { return 2 * int64_t{a.parts} * a.lanes * int64_t{sizeof(float)}; }

inline constexpr int channels_together = 32, part_rows = 32;

/// The sum over the rows of a block of 32 channels x 32 rows, told to all.
__device__ inline double sum_of_rows(double x) {
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
__device__ inline float value_of(const float* values, int channel, int c) { return channel < c ? values[channel] : 0.f; }

/// visit(place) for this thread's pixels of a channel, of which a block takes all.
template <class Visit>
__device__ void each_pixel(const view& v, int channel, Visit&& visit) {
    const int64_t plane = int64_t{v.h} * v.w, count = v.n * plane;
    for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
        const int64_t pixel = i % plane;
        visit(place{static_cast<int>(i / plane), channel, static_cast<int>(pixel / v.w), static_cast<int>(pixel % v.w)});
    }
}

inline std::string not_nhwc(std::initializer_list<sextant_tensor> operands) {
    for (const sextant_tensor& t : operands) {
        if (!is_nhwc(t)) return "an operand is not NHWC";
        if (!same_storage(t, *operands.begin())) return "operands differ in element type";
    }
    return {};
}

template <class Problem>
std::string accepts(const Problem&, const traits&) {
    return {};
}

template <class Op, class Problem, class Parameters>
std::unique_ptr<op> create(const Problem& problem, const Parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

}  // namespace sextant::cuda::norm
