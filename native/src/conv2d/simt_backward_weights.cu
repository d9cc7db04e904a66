// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution's weights in float32 multiply-adds, as simt.cuh says.
#include "conv2d/bias_sums.h"
#include "conv2d/simt.cuh"
#include "conv2d/simt.h"

namespace sextant::cuda {

using namespace simt;

namespace {

/// A block's x counts tiles of k, y those of the depth, z is group * splits + split.
struct weight_sums {
    placed src, diff;
    int groups, in, out;        // channels of a group of src and diff
    int rows, taps;             // depth = taps * rows
    int depth, pitch;           // pitch: depth rounded up to 4
    const displacement* table;  // of `depth` entries and more to whole tiles, which lead outside
    raster pixels;
    int splits;
};

/// partials[split][group][k][pitch] = sums over the split's pixels.
template <int Tile, bool SrcQuads, bool DiffQuads>
__global__ __launch_bounds__(threads, Tile == 128 ? 2 : 3) void weight_sums_kernel(const weight_sums a,
                                                                                   const void* __restrict__ from_src,
                                                                                   const void* __restrict__ from_diff,
                                                                                   float* __restrict__ partials) {
    using sums_type = tile_sums<Tile>;
    __shared__ __align__(16) typename sums_type::tile left[2];
    __shared__ __align__(16) typename sums_type::tile right[2];
    extern __shared__ float totals[];

    const int tid = threadIdx.x, group = blockIdx.z / a.splits, split = blockIdx.z % a.splits;
    const int first_k = blockIdx.x * Tile, first_d = blockIdx.y * Tile;
    const view &src = a.src.at, &diff = a.diff.at;
    constexpr int fetched = Tile / 16, quads = Tile / 64, row_quads = Tile / 4;
    float gradients[fetched], pixels[fetched];

    // With quads a thread fetches 4 of a pixel's channels, its neighbours the next ones; else 16 threads fetch pixels in a row.
    const auto fetch = [&](int i) {
        if constexpr (DiffQuads) {
#pragma unroll
            for (int q = 0; q < quads; ++q) {
                const int e = tid + threads * q, pixel = i * slice + e / row_quads, k = first_k + e % row_quads * 4;
                float4 v{};
                if (pixel < a.pixels.count && k < a.out) {
                    const raster::place p = a.pixels.at(pixel);
                    v = load_quad(from_diff, a.diff.dtype,
                                  p.n * diff.image + p.y * diff.row + p.x * diff.pixel + group * a.out + k);
                }
                gradients[4 * q] = v.x, gradients[4 * q + 1] = v.y, gradients[4 * q + 2] = v.z, gradients[4 * q + 3] = v.w;
            }
        } else {
            const int pixel = i * slice + tid % slice;
            const raster::place p = a.pixels.at(min(pixel, a.pixels.count - 1));
            const int64_t at = p.n * diff.image + p.y * diff.row + p.x * diff.pixel;
#pragma unroll
            for (int q = 0; q < fetched; ++q) {
                const int k = first_k + tid / slice + 16 * q;
                gradients[q] = 0;
                if (pixel < a.pixels.count && k < a.out)
                    gradients[q] = load(from_diff, a.diff.dtype, at + (group * a.out + k) * diff.channel);
            }
        }
        if constexpr (SrcQuads) {
#pragma unroll
            for (int q = 0; q < quads; ++q) {
                const int e = tid + threads * q, pixel = i * slice + e / row_quads;
                const displacement d = a.table[first_d + e % row_quads * 4];
                const raster::place p = a.pixels.at(min(pixel, a.pixels.count - 1));
                const int y = p.y * a.pixels.step_y + d.y, x = p.x * a.pixels.step_x + d.x;
                float4 v{};
                if (pixel < a.pixels.count && within(src, y, x))
                    v = load_quad(from_src, a.src.dtype,
                                  p.n * src.image + y * src.row + x * src.pixel + group * a.in + d.channel);
                pixels[4 * q] = v.x, pixels[4 * q + 1] = v.y, pixels[4 * q + 2] = v.z, pixels[4 * q + 3] = v.w;
            }
        } else {
            const int pixel = i * slice + tid % slice;
            const raster::place p = a.pixels.at(min(pixel, a.pixels.count - 1));
#pragma unroll
            for (int q = 0; q < fetched; ++q) {
                const displacement d = a.table[first_d + tid / slice + 16 * q];
                const int y = p.y * a.pixels.step_y + d.y, x = p.x * a.pixels.step_x + d.x;
                pixels[q] = 0;
                if (pixel < a.pixels.count && within(src, y, x))
                    pixels[q] = load(from_src, a.src.dtype, p.n * src.image + y * src.row + x * src.pixel +
                                                                (group * a.in + d.channel) * src.channel);
            }
        }
    };
    const auto keep = [&](int buffer) {
#pragma unroll
        for (int q = 0; q < fetched; ++q) {
            const int e = tid + threads * (q / 4);
            if constexpr (DiffQuads)
                left[buffer][e / row_quads][e % row_quads * 4 + q % 4] = gradients[q];
            else
                left[buffer][tid % slice][tid / slice + 16 * q] = gradients[q];
            if constexpr (SrcQuads)
                right[buffer][e / row_quads][e % row_quads * 4 + q % 4] = pixels[q];
            else
                right[buffer][tid % slice][tid / slice + 16 * q] = pixels[q];
        }
    };

    sums_type sums;
    const int slices = (a.pixels.count - 1) / slice + 1, share = (slices + a.splits - 1) / a.splits;
    const int64_t end = int64_t{split + 1} * share;
    sum_slices<Tile>(sums, left, right, static_cast<int>(min(int64_t{slices}, end - share)),
                     static_cast<int>(min(int64_t{slices}, end)), totals, fetch, keep);

#pragma unroll
    for (int i = 0; i < sums_type::edge; ++i) {
        const int k = first_k + sums_type::row(i);
        if (k >= a.out) continue;
#pragma unroll
        for (int j = 0; j < sums_type::edge; j += 4) {
            const int d = first_d + sums_type::column(j);
            if (d < a.pitch)
                *reinterpret_cast<float4*>(partials + ((int64_t{split} * a.groups + group) * a.out + k) * a.pitch + d) = {
                    sums.v[i][j], sums.v[i][j + 1], sums.v[i][j + 2], sums.v[i][j + 3]};
        }
    }
}

/// Adds the splits in order, into k x c x r x s.
__global__ __launch_bounds__(threads) void weight_partials_kernel(const weight_sums a, const float* __restrict__ partials,
                                                                  float* __restrict__ diff_weights) {
    const int64_t count = int64_t{a.groups} * a.out * a.pitch, stride = int64_t{gridDim.x} * threads;
    for (int64_t e = int64_t{blockIdx.x} * threads + threadIdx.x; e < count; e += stride) {
        const int d = static_cast<int>(e % a.pitch), tap = d / a.rows, channel = d % a.rows;
        if (d >= a.depth || channel >= a.in) continue;
        float sum = 0;
#pragma unroll 4
        for (int split = 0; split < a.splits; ++split) sum += partials[split * count + e];
        diff_weights[(e / a.pitch * a.in + channel) * a.taps + tap] = sum;
    }
}

class weights_op final : public device_op {
  public:
    weights_op(const conv2d_backward_weights& problem, const traits& device)
        : device_op(weights_tensor(problem.forward)), flops_(conv2d_flops(problem.forward)),
          bias_(problem.forward.dst, problem.has_bias) {
        const sextant_conv2d& a = problem.forward;
        a_.src = placed_of(a.src, a.groups), a_.diff = placed_of(a.dst, a.groups);
        a_.groups = a.groups, a_.in = a.src.c / a.groups, a_.out = a.dst.c / a.groups;
        a_.rows = channels_read(a.src, a.groups), a_.taps = a.r * a.s;
        a_.depth = a_.rows * a_.taps, a_.pitch = round_up(a_.depth, 4);
        a_.pixels = raster_of(a.dst.n, a.dst.h, a.dst.w, a.stride_h, a.stride_w);
        std::vector<displacement> table;
        append_depths(table, forward_phases(a).front(), a_.rows, 1, 128);
        table_ = array(table.data(), static_cast<int64_t>(table.size() * sizeof(displacement)));
        a_.table = table_.as<displacement>();

        const int64_t slices = (a_.pixels.count - 1) / slice + 1;
        const shape best = shape_for(a_.out, a_.depth, a.groups, slices, 8, device);
        tile_ = best.tile, a_.splits = best.splits;
        const int64_t deep = (slices + best.splits - 1) / best.splits;
        shared_ = tile_ == 128 ? tile_sums<128>::totals_bytes(deep) : tile_sums<64>::totals_bytes(deep);
        allow_shared(reinterpret_cast<const void*>(kernel()), shared_);
    }

    int operand_count() const override { return 3 + bias_.wanted(); }
    int destinations() const override { return 1 + bias_.wanted(); }
    int64_t flops() const override { return flops_; }
    int64_t scratch_bytes(int) const override {
        return whole(int64_t{a_.splits} * a_.groups * a_.out * a_.pitch * 4) + bias_.scratch_bytes();
    }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        float* const partials = static_cast<float*>(scratch);
        const dim3 grid((a_.out + tile_ - 1) / tile_, (a_.depth + tile_ - 1) / tile_, a_.groups * a_.splits);
        kernel()<<<grid, threads, shared_, stream>>>(a_, operands[0], operands[1], partials);
        check_launch("conv2d_backward_weights_simt");
        const int64_t sums = int64_t{a_.groups} * a_.out * a_.pitch;
        float* const to = static_cast<float*>(operands[2 + bias_.wanted()]);
        weight_partials_kernel<<<grid_for(sums, threads), threads, 0, stream>>>(a_, partials, to);
        check_launch("conv2d_backward_weights_simt_partials");
        bias_.enqueue(stream, operands[1], static_cast<float*>(operands[2]),
                      reinterpret_cast<float*>(static_cast<std::byte*>(scratch) + whole(a_.splits * sums * 4)));
    }

  private:
    using kernel_type = void (*)(weight_sums, const void*, const void*, float*);

    template <int Tile>
    kernel_type kernel_of() const {
        if (a_.src.quads) return a_.diff.quads ? weight_sums_kernel<Tile, true, true> : weight_sums_kernel<Tile, true, false>;
        return a_.diff.quads ? weight_sums_kernel<Tile, false, true> : weight_sums_kernel<Tile, false, false>;
    }
    kernel_type kernel() const { return tile_ == 128 ? kernel_of<128>() : kernel_of<64>(); }

    const int64_t flops_;
    const bias_sums bias_;
    weight_sums a_{};
    array table_;
    int tile_;
    int64_t shared_;
};

}  // namespace

std::string conv2d_backward_weights_simt_declines(const conv2d_backward_weights& a, const traits&) {
    return too_large(a.forward);
}
std::unique_ptr<op> create_conv2d_backward_weights_simt(const conv2d_backward_weights& a,
                                                        const conv2d_backward_weights_parameters&, const traits& device) {
    return std::make_unique<weights_op>(a, device);
}

}  // namespace sextant::cuda
