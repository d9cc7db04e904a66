// SPDX-License-Identifier: Apache-2.0
// What a device reaches at best: the roofs of a profile. Arithmetic in registers on all multiprocessors, and a copy between two
// arrays several times as large as the last cache, which counts bytes read and bytes written.
#include <algorithm>

#include "cuda/device.h"

namespace sextant::cuda {
namespace {

// The best of several runs counts: the first ones raise the clock.
constexpr int runs = 12;
constexpr int threads = 256, blocks_of_multiprocessor = 8;
constexpr int chains = 8;  // results that do not wait for one another

constexpr int fp32_rounds = 32768;
constexpr double fp32_flops = 2.0 * fp32_rounds * chains;  // of a thread

__global__ void __launch_bounds__(threads) multiply_add(float* unused, float factor, float term) {
    float x[chains];
#pragma unroll
    for (int i = 0; i < chains; ++i) x[i] = static_cast<float>(threadIdx.x + i);
#pragma unroll 8
    for (int round = 0; round < fp32_rounds; ++round)
#pragma unroll
        for (int i = 0; i < chains; ++i) x[i] = fmaf(x[i], factor, term);
    float sum = 0;
#pragma unroll
    for (int i = 0; i < chains; ++i) sum += x[i];
    if (sum == factor) unused[threadIdx.x] = sum;  // it never is, but the compiler does not know
}

constexpr int bf16_rounds = 16384, tile_chains = 4;
constexpr double bf16_flops = 2.0 * 16 * 8 * 16 * bf16_rounds * tile_chains;  // of a warp

/// Tiles of 16 x 8 sums over 16 products, by the instruction that is also Ampere's: Hopper's own reach more.
__global__ void __launch_bounds__(threads) multiply_tiles(float* unused, uint32_t factors) {
#if __CUDA_ARCH__ >= 800
    float sums[tile_chains][4];
#pragma unroll
    for (int i = 0; i < tile_chains; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) sums[i][j] = static_cast<float>(threadIdx.x);
#pragma unroll 4
    for (int round = 0; round < bf16_rounds; ++round)
#pragma unroll
        for (int i = 0; i < tile_chains; ++i)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %4, %4, %4}, {%4, %4}, "
                         "{%0, %1, %2, %3};"
                         : "+f"(sums[i][0]), "+f"(sums[i][1]), "+f"(sums[i][2]), "+f"(sums[i][3])
                         : "r"(factors));
    float sum = 0;
#pragma unroll
    for (int i = 0; i < tile_chains; ++i) sum += sums[i][0] + sums[i][1] + sums[i][2] + sums[i][3];
    if (sum == -1.f) unused[threadIdx.x] = sum;
#endif
}

__global__ void __launch_bounds__(threads) copy(const uint4* __restrict__ src, uint4* __restrict__ dst, int64_t count) {
    const int64_t step = int64_t{gridDim.x} * threads;
#pragma unroll 4
    for (int64_t i = blockIdx.x * int64_t{threads} + threadIdx.x; i < count; i += step) dst[i] = src[i];
}

class event {
  public:
    event() { check(cudaEventCreate(&handle_), "cudaEventCreate"); }
    event(const event&) = delete;
    ~event() { cudaEventDestroy(handle_); }
    operator cudaEvent_t() const { return handle_; }

  private:
    cudaEvent_t handle_;
};

/// 10^9 of `amount` a second, when one launch does so much.
template <class Launch>
double rate(double amount, Launch&& launch) {
    const event begin, end;
    double best = 0;
    for (int i = 0; i < runs; ++i) {
        check(cudaEventRecord(begin), "cudaEventRecord");
        launch();
        check_launch("measuring the device");
        check(cudaEventRecord(end), "cudaEventRecord");
        check(cudaEventSynchronize(end), "measuring the device");
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
        best = std::max(best, amount / (milliseconds * 1e-3) / 1e9);
    }
    return best;
}

constexpr int64_t least_bytes = int64_t{32} << 20, most_bytes = int64_t{256} << 20;  // of each array

}  // namespace

sextant_device_peak measure(const cudaDeviceProp& properties) {
    const unsigned blocks = properties.multiProcessorCount * blocks_of_multiprocessor;
    const array unused(threads * int64_t{sizeof(float)});
    const double fp32 = rate(fp32_flops * threads * blocks,
                             [&] { multiply_add<<<blocks, threads>>>(unused.as<float>(), 0.5f, 1.f); });
    const double bf16 = rate(bf16_flops * (threads / 32) * blocks,
                             [&] { multiply_tiles<<<blocks, threads>>>(unused.as<float>(), 0); });

    const int64_t bytes = std::clamp(int64_t{4} * properties.l2CacheSize, least_bytes, most_bytes) / 16 * 16;
    const array src(bytes), dst(bytes);
    check(cudaMemset(src.as<void>(), 0, bytes), "clearing memory");
    const double bandwidth = rate(2.0 * static_cast<double>(bytes), [&] {
        copy<<<blocks, threads>>>(src.as<uint4>(), dst.as<uint4>(), bytes / int64_t{sizeof(uint4)});
    });
    return {fp32, bf16, 0, bandwidth};
}

}  // namespace sextant::cuda
