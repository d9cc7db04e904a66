// SPDX-License-Identifier: Apache-2.0
// In two steps of the same kernel: sums of a few hundred pixels each, then the sum of those.
#include "conv2d/bias_sums.h"

#include "conv2d/gather.h"

namespace sextant::cuda {
namespace {

constexpr int threads = 256;
constexpr int most_parts = 256;

/// to[blockIdx.y][c] = sums over `each` pixels; a block takes 32 channels, 8 pixels at a time.
template <class Element>
__global__ __launch_bounds__(threads) void pixel_sums_kernel(view t, raster pixels, int each, const Element* __restrict__ from,
                                                             float* __restrict__ to) {
    __shared__ float sums[8][32];
    const int lane = threadIdx.x % 32, row = threadIdx.x / 32, c = blockIdx.x * 32 + lane;
    const int64_t first = int64_t{blockIdx.y} * each, last = min(first + each, int64_t{pixels.count});
    float sum = 0;
    if (c < t.c)
#pragma unroll 4
        for (int64_t pixel = first + row; pixel < last; pixel += 8) {
            const raster::place p = pixels.at(static_cast<int>(pixel));
            sum += wide(from[p.n * t.image + p.y * t.row + p.x * t.pixel + c * t.channel]);
        }
    sums[row][lane] = sum;
    __syncthreads();
    if (row != 0 || c >= t.c) return;
    for (int i = 1; i < 8; ++i) sum += sums[i][lane];
    to[int64_t{blockIdx.y} * t.c + c] = sum;
}

}  // namespace

bias_sums::bias_sums(const sextant_tensor& diff_dst, int32_t wanted) : diff_dst_(diff_dst), wanted_(wanted) {
    const int pixels = diff_dst.n * diff_dst.h * diff_dst.w;
    each_ = std::max(256, (pixels - 1) / most_parts + 1);
    parts_ = (pixels - 1) / each_ + 1;
}

int64_t bias_sums::scratch_bytes() const { return wanted_ ? int64_t{parts_} * diff_dst_.c * 4 : 0; }

void bias_sums::enqueue(cudaStream_t stream, const void* diff_dst, float* diff_bias, float* scratch) const {
    if (!wanted_) return;
    const sextant_tensor& t = diff_dst_;
    const unsigned blocks = (t.c + 31) / 32;
    visit_element(t.dtype, [&](auto element) {
        const auto* from = static_cast<const decltype(element)*>(diff_dst);
        pixel_sums_kernel<<<dim3(blocks, parts_), threads, 0, stream>>>(view_of(t), raster_of(t.n, t.h, t.w, 1, 1), each_, from,
                                                                       scratch);
    });
    check_launch("conv2d_bias_sums");
    const view rows{1, t.c, 1, parts_, t.c, 0, 0, t.c, 1};  // the parts are as many pixels of k channels
    pixel_sums_kernel<<<blocks, threads, 0, stream>>>(rows, raster_of(1, 1, parts_, 1, 1), parts_,
                                                      static_cast<const float*>(scratch), diff_bias);
    check_launch("conv2d_bias_sums");
}

}  // namespace sextant::cuda
