// SPDX-License-Identifier: Apache-2.0
// Softmax over channels on a CUDA device, and its logarithm: a block for each row, which it reads three times (from cache).
//   m = max x[c];  s = sum of exp(x[c] - m);  dst[c] = exp(x[c] - m) / s  or  x[c] - m - log s
// Each thread adds up its own channels, a tree of fixed shape the threads' sums: the same bits in every run.
#include "cuda/each.h"
#include "cuda/lists.h"
#include "softmax/softmax_lists.h"

namespace sextant::cuda {
namespace {

constexpr int warp = 32, most_threads = 256;

struct largest {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct sum {
    __device__ float operator()(float a, float b) const { return a + b; }
};

/// All threads' values in one, for all threads; `parts` is shared memory of the block's warps.
template <class Combine>
__device__ float over_block(float value, float* parts, Combine combine) {
    for (int distance = warp / 2; distance > 0; distance /= 2)
        value = combine(value, __shfl_xor_sync(0xffffffffu, value, distance));
    if (threadIdx.x % warp == 0) parts[threadIdx.x / warp] = value;
    __syncthreads();
    value = parts[0];
    for (int i = 1; i < static_cast<int>(blockDim.x) / warp; ++i) value = combine(value, parts[i]);
    __syncthreads();
    return value;
}

/// src and dst may be the same.
__global__ void __launch_bounds__(most_threads) softmax_rows(any_tensor src, any_tensor dst, bool logarithm) {
    __shared__ float parts[most_threads / warp];
    const int channels = src.at.c, threads = blockDim.x;
    for (int n = blockIdx.x; n < src.at.n; n += gridDim.x) {
        const int64_t from = n * src.at.image, to = n * dst.at.image;
        float most = -INFINITY;
        for (int c = threadIdx.x; c < channels; c += threads) most = fmaxf(most, src.get(from + c));
        most = over_block(most, parts, largest{});
        float total = 0;
        for (int c = threadIdx.x; c < channels; c += threads) total += expf(src.get(from + c) - most);
        total = over_block(total, parts, sum{});
        const float log_total = logf(total), share = 1.f / total;
        for (int c = threadIdx.x; c < channels; c += threads) {
            const float x = src.get(from + c) - most;
            dst.put(to + c, logarithm ? x - log_total : expf(x) * share);
        }
    }
}

class softmax final : public device_op {
  public:
    explicit softmax(const sextant_softmax& problem) : device_op(problem.dst), problem_(problem) {}

    int64_t flops() const override { return softmax_flops(problem_); }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const int threads = std::min(most_threads, (dst.c + warp - 1) / warp * warp);
        softmax_rows<<<grid_for(dst.n, 1), threads, 0, stream>>>(any_of(problem_.src, operands[0]), any_of(dst, operands[1]),
                                                                 problem_.log == 1);
        check_launch("softmax_rows");
    }

  private:
    const sextant_softmax problem_;
};

constexpr implementation<sextant_softmax, softmax_parameters> entries[] = {
    {"cuda_softmax_rows",
     [](const sextant_softmax& a, const traits&) -> std::string {
         return !is_nhwc(a.src) && !is_nhwc(a.dst) && a.src.h == 1 && a.src.w == 1 ? "" : "src or dst is no plain n x c";
     },
     [](const sextant_softmax& problem, const softmax_parameters&, const traits&) -> std::unique_ptr<op> {
         return std::make_unique<softmax>(problem);
     },
     float_dtypes},
};

}  // namespace

list<sextant_softmax, softmax_parameters> implementations(const sextant_softmax&, const softmax_parameters&) { return entries; }

}  // namespace sextant::cuda
